"""The catalogue of meanings.

A language maps its spellings to meanings, an engine maps meanings to its own text; so a new
spelling, or a new engine, is one line here or there and never a change of the other. A family is
one file; adding a meaning is one entry in its family and one line in each engine that has it.
"""

from __future__ import annotations

from importlib import import_module

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan.expr import Aggregate, Call, Expr, SortKey, WindowCall
from livefire.plan.functions.model import Example, Function, apply, check_arity, result_type
from livefire.schema import Type

# One a line: each is a module of this package with a tuple `FUNCTIONS` of meanings.
FAMILIES = (
    "aggregates",
    "arrays",
    "codings",
    "collections",
    "compare",
    "conversion",
    "dynamic",
    "elements",
    "formats",
    "encoding",
    "forms",
    "geography",
    "lists",
    "logic",
    "multivalue",
    "network",
    "number",
    "blocks",
    "series",
    "text",
    "time",
    "windows",
)


def catalogue() -> dict[str, Function]:
    """Return every meaning by name; ValueError when two have one name."""
    found: dict[str, Function] = {}
    for family in FAMILIES:
        for function in import_module(f"{__name__}.{family}").FUNCTIONS:
            if function.name in found:
                raise ValueError(f"a meaning is listed twice: {function.name}")
            found[function.name] = function
    return found


FUNCTIONS: dict[str, Function] = catalogue()

__all__ = ["FUNCTIONS", "Example", "Function", "aggregate", "all_of", "any_of", "call", "negate", "window"]


def call(name: str, *args: Expr, type: Type | None = None, span: Span | None = None) -> Call:
    """Return a scalar call; KeyError for an unknown meaning, ValueError for wrong arguments."""
    return apply(FUNCTIONS[name], args, type, span)


def aggregate(
    name: str,
    *args: Expr,
    type: Type | None = None,
    distinct: bool = False,
    where: Expr | None = None,
    order_by: tuple[SortKey, ...] = (),
    span: Span | None = None,
) -> Aggregate:
    """Return an aggregate call; KeyError for an unknown meaning, ValueError for wrong arguments."""
    function = FUNCTIONS[name]
    check_arity(function, len(args))
    return Aggregate(name, args, result_type(function, args, type), distinct, where, order_by, span)


def window(
    name: str,
    *args: Expr,
    type: Type | None = None,
    partition_by: tuple[Expr, ...] = (),
    order_by: tuple[SortKey, ...] = (),
    frame: tuple[int | None, int | None] | None = None,
    row_order: bool = False,
    span: Span | None = None,
) -> WindowCall:
    """Return a window call; aggregates may be used as windows too."""
    function = FUNCTIONS[name]
    check_arity(function, len(args))
    return WindowCall(name, args, result_type(function, args, type), partition_by, order_by, frame, row_order, span)


def all_of(*conditions: Expr) -> Expr:
    """Return the conjunction; true when there is none."""
    if not conditions:
        return e.TRUE
    return conditions[0] if len(conditions) == 1 else call("logic.and", *conditions)


def any_of(*conditions: Expr) -> Expr:
    """Return the disjunction; false when there is none."""
    if not conditions:
        return e.FALSE
    return conditions[0] if len(conditions) == 1 else call("logic.or", *conditions)


def negate(condition: Expr) -> Expr:
    """Return the three-valued negation."""
    return call("logic.not", condition)
