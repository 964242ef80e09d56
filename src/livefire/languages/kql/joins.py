"""`join` and `lookup`. https://learn.microsoft.com/kusto/query/join-operator"""

from __future__ import annotations

from collections.abc import Callable

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Binary, Constant, Index, Member, Name
from livefire.languages.kql import nodes as k
from livefire.languages.kql import operators
from livefire.languages.kql.expressions import span_of
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Relation, Scope, fill
from livefire.languages.kql.sources import is_tabular, lower_source
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, call, window
from livefire.schema import Type

Pair = tuple[e.Expr, e.Expr]
_KINDS = [
    "innerunique",
    "inner",
    "leftouter",
    "rightouter",
    "fullouter",
    "leftsemi",
    "rightsemi",
    "leftanti",
    "rightanti",
    "anti",
    "leftantisemi",
    "rightantisemi",
    "semi",
]
_JOIN: dict[str, n.JoinKind] = {"inner": "inner", "innerunique": "inner", "leftouter": "left", "rightouter": "right", "fullouter": "full"}


def lower_join(scope: Scope, left: Relation, step: k.Join) -> Relation:
    """`join kind=… (right) on keys`."""
    kind = _kind(scope, step)
    right = lower_source(scope.bare(), step.right)
    pairs = _pairs(scope, left, right, step)
    if pairs is None or not pairs:
        if pairs is not None:
            scope.error("E105", "a join needs its keys", step.span, "write: join (…) on Key")
        return Relation(left.plan, open=True)
    if kind in ("leftsemi", "semi"):
        return _half(scope, left, right, pairs, "semi", step.span)
    if kind in ("leftanti", "anti", "leftantisemi"):
        return _half(scope, left, right, pairs, "anti", step.span)
    if kind in ("rightsemi", "rightanti", "rightantisemi"):
        swapped = [(b, a) for a, b in pairs]
        return _half(scope, right, left, swapped, "semi" if kind == "rightsemi" else "anti", step.span)
    if kind == "innerunique":
        left = _unique(scope, left, [a for a, _ in pairs])
    return _both(scope, left, right, pairs, kind, step)


def _kind(scope: Scope, step: k.Join) -> str:
    written = next((o for o in step.options if o.name == "kind"), None)
    if written is None:
        return "leftouter" if step.lookup else "innerunique"
    known = ["leftouter", "inner"] if step.lookup else _KINDS
    if written.value not in known:
        scope.error("E107", f"no join is of kind {written.value!r}", written.span, "kinds: " + ", ".join(known))
        return "inner"
    return written.value


def _pairs(scope: Scope, left: Relation, right: Relation, step: k.Join) -> list[Pair] | None:
    """Return the key of each side for every condition; None after an error."""
    found: list[Pair] = []
    for condition in step.conditions:
        for part in _conjuncts(condition):
            pair = _pair(scope, left, right, part)
            if pair is None:
                return None
            found.append(pair)
    return found


def _conjuncts(node: k.Expression) -> list[k.Expression]:
    if isinstance(node, Binary) and node.operator == "and":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]


def _pair(scope: Scope, left: Relation, right: Relation, node: k.Expression) -> Pair | None:
    if isinstance(node, Name):
        return lower_scalar(scope.over(left), node), lower_scalar(scope.over(right), node)
    if isinstance(node, Binary) and node.operator == "==":
        sides = dict(x for x in (_sided(node.left), _sided(node.right)) if x is not None)
        if len(sides) == 2:
            return lower_scalar(scope.over(left), sides["$left"]), lower_scalar(scope.over(right), sides["$right"])
    scope.error("E305", "a join condition is a column, or $left.a == $right.b", span_of(node), "join on equal columns, and test the rest with where")
    return None


def _sided(node: object) -> tuple[str, Name] | None:
    """Return the side and the column of `$left.column` or `$left.['column']`."""
    match node:
        case Member(base=Name(text="$left" | "$right" as side), name=name, span=span):
            return side, Name(name, span)
        case Index(base=Name(text="$left" | "$right" as side), index=Constant(value=str() as name), span=span):
            return side, Name(name, span)
        case _:
            return None


def _condition(scope: Scope, pairs: list[Pair], renamed: dict[str, str], span: Span) -> e.Expr:
    """Return the join condition; a null key matches nothing."""
    parts = []
    for a, b in pairs:
        other = e.Column(renamed.get(b.name, b.name), b.type) if isinstance(b, e.Column) else b
        met = operators.align(scope, a, other, span, "a join")
        if met is None:
            continue
        parts.append(call("compare.eq", *met, span=span))
    return all_of(*parts) if parts else e.FALSE


def _renamed(scope: Scope, relation: Relation) -> tuple[n.Plan, dict[str, str]]:
    names = {f.name: scope.state.name("right") for f in relation.schema}
    items = tuple(n.Item(names[f.name], e.Column(f.name, f.type)) for f in relation.schema)
    return n.Project(relation.plan, items), names


def _half(scope: Scope, kept: Relation, other: Relation, pairs: list[Pair], kind: n.JoinKind, span: Span) -> Relation:
    plan, names = _renamed(scope, other)
    return Relation(n.Join(kept.plan, plan, kind, _condition(scope, pairs, names, span), span), open=kept.open)


def _unique(scope: Scope, left: Relation, keys: list[e.Expr]) -> Relation:
    """Keep one row a key: Kusto takes any, and the first one is taken here."""
    if not all(isinstance(x, e.Column) for x in keys):
        return left
    rank = scope.state.name("rank")
    numbered = n.Window(left.plan, (n.Item(rank, window("window.row_number", partition_by=tuple(keys), row_order=True)),))
    first = n.Filter(numbered, call("compare.eq", e.Column(rank, Type.LONG), e.whole(1)))
    return left.with_plan(n.select(first, *left.schema.names))


def _both(scope: Scope, left: Relation, right: Relation, pairs: list[Pair], kind: str, step: k.Join) -> Relation:
    plan, names = _renamed(scope, right)
    joined = n.Join(left.plan, plan, _JOIN[kind], _condition(scope, pairs, names, step.span), step.span)
    keys = {b.name for _, b in pairs if isinstance(b, e.Column)} if step.lookup else set()
    taken, own = set(left.schema.names), set(right.schema.names)
    items = [n.Item(f.name, _outer(e.Column(f.name, f.type), kind in ("rightouter", "fullouter"))) for f in left.schema]
    for f in right.schema:
        if f.name in keys:
            continue
        name, count = f.name, 0
        while name in taken or (count and name in own):  # a number makes no name that the right side has itself
            count += 1
            name = f"{f.name}{count}"
        taken.add(name)
        items.append(n.Item(name, _outer(e.Column(names[f.name], f.type), kind in ("leftouter", "fullouter"))))
    return Relation(n.Project(joined, tuple(items), step.span), open=left.open or right.open)


def _outer(column: e.Column, missing: bool) -> e.Expr:
    """Texts of a side without a match are empty, other values null."""
    return fill(column) if missing else column


STEPS: dict[type, Callable[..., Relation]] = {k.Join: lower_join}

__all__ = ["STEPS", "is_tabular"]
