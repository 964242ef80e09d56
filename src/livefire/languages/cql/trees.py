"""JSON objects made of fields: `a.b` and `a.c` become members of `a`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from livefire.languages.cql import coerce
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

Hold = Callable[[e.Expr], e.Expr]
Tree = dict[str, "e.Expr | Tree"]


def object_of(fields: Iterable[tuple[str, e.Expr]], hold: Hold) -> e.Expr:
    """Return a JSON object of fields by their dotted names, without those that are null; one whose name others continue is an object."""
    tree: Tree = {}
    for name, value in fields:
        _place(tree, name.split("."), value)
    return _object(tree, hold)


def _place(tree: Tree, steps: list[str], value: e.Expr) -> None:
    inner = tree
    for step in steps[:-1]:
        found = inner.setdefault(step, {})
        if not isinstance(found, dict):
            return
        inner = found
    inner.setdefault(steps[-1], value)


def _object(tree: Tree, hold: Hold) -> e.Expr:
    made: e.Expr = e.Literal("{}", Type.DYNAMIC)
    for name, value in tree.items():
        inner = _object(value, hold) if isinstance(value, dict) else value if value.type is Type.DYNAMIC else call("dynamic.of", coerce.text(value))
        whole = call("object.with_member", made, e.text(name), inner)
        known = call("logic.is_null", inner)
        made = hold(e.Case(((known, made),), whole, Type.DYNAMIC))
    return made
