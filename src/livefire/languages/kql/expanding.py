"""`mv-expand` and `mv-apply`. https://learn.microsoft.com/kusto/query/mv-expand-operator

A null gives one row, an empty array none, and several columns are expanded side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.naming import Namer, default_name
from livefire.languages.kql.rows import count_of, serialized
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Relation, Scope
from livefire.languages.kql.within import Carried, lower_within
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call, window
from livefire.schema import Type


@dataclass(frozen=True, slots=True)
class Expansion:
    """One column to expand: its name in the result, its value, and the type its elements are read as."""

    name: str
    value: e.Expr
    type: Type


def mv_expand(scope: Scope, relation: Relation, step: k.MvExpand) -> Relation:
    """`mv-expand items limit n`."""
    expansions = _expansions(scope, relation, step.items)
    index = next((o.value for o in step.options if o.name == "with_itemindex"), None)
    found, _ = expand(scope, relation, expansions, step, index)
    return found


def _expansions(scope: Scope, relation: Relation, items: Sequence[k.ExpandItem]) -> list[Expansion]:
    inner = scope.over(relation)
    names = Namer(relation.schema.names)
    found: list[Expansion] = []
    for item in items:
        value = lower_scalar(inner, item.value)
        if value.type is Type.STRING:
            scope.context.quirk(104, "a text cannot be expanded", span=item.span, help="read it first, as in parse_json(x)")
            value = call("dynamic.parse", value)
        elif value.type is Type.UNKNOWN:
            value = e.null(Type.DYNAMIC)
        elif value.type is not Type.DYNAMIC:
            scope.error("E104", f"a {value.type.value} cannot be expanded", item.span)
            value = e.null(Type.DYNAMIC)
        name = item.name or default_name(item.value)
        if name is None:
            name = names.numbered()
        found.append(Expansion(name, value, item.type or Type.DYNAMIC))
    return found


def expand(scope: Scope, relation: Relation, expansions: list[Expansion], step: k.MvExpand | k.MvApply, index: str | None) -> tuple[Relation, str]:
    """Return a row for each element, and the name of the column that counts them (hidden unless asked for)."""
    as_pairs = any(o.name in ("bagexpansion", "kind") and o.value == "array" for o in step.options)
    pairs = e.Literal(as_pairs, Type.BOOL)
    lists = [call("array.expand", x.value, pairs) for x in expansions]
    source = lists[0] if len(lists) == 1 else call("array.zip", *lists)
    element, place = scope.state.name("element"), index or scope.state.name("place")
    serial = scope.state.name("serial")
    plan: n.Plan = relation.plan
    if relation.ordered:
        plan = n.Window(plan, (n.Item(serial, window("window.row_number", row_order=True)),))
    plan = n.Unnest(plan, source, element, place, span=step.span)
    if step.limit is not None:
        plan = n.Filter(plan, call("compare.lt", e.Column(place, Type.LONG), e.whole(count_of(scope, step.limit))))
    if relation.ordered:
        plan = n.Sort(plan, (e.SortKey(e.Column(serial, Type.LONG)), e.SortKey(e.Column(place, Type.LONG))))
    whole = e.Column(element, Type.DYNAMIC)
    values = {x.name: coerce.to_type(whole if len(expansions) == 1 else e.Path(whole, (i,)), x.type) for i, x in enumerate(expansions)}
    items = [n.Item(f.name, values.pop(f.name, e.Column(f.name, f.type))) for f in relation.schema if f.name != place]
    items.extend(n.Item(name, value) for name, value in values.items())
    items.append(n.Item(place, e.Column(place, Type.LONG)))
    shown = items if index is not None else items[:-1]
    return relation.with_plan(n.Project(plan, tuple(shown), step.span)), place


def mv_apply(scope: Scope, relation: Relation, step: k.MvApply) -> Relation:
    """`mv-apply items on (steps)`: the steps run over the elements of each row by itself."""
    relation = serialized(scope, relation)
    expansions = _expansions(scope, relation, step.items)
    if not expansions:
        scope.error("E305", "mv-apply without columns is not run", step.span)
        return Relation(relation.plan, open=True)
    row, live = scope.state.name("row"), scope.state.name("live")
    replaced = {x.name for x in expansions}
    outer = [f for f in relation.schema if f.name not in replaced]
    hidden = {f.name: scope.state.name("outer") for f in outer}
    kept = tuple(n.Item(hidden[f.name], e.Column(f.name, f.type)) for f in outer)
    numbered = n.Window(relation.plan, (n.Item(row, window("window.row_number", row_order=True)),))
    empty = _nothing_to_expand(expansions)
    marked = n.Project(numbered, (*n.keep_all(numbered), *kept, n.Item(live, call("logic.not", empty))))
    # A row without elements stays as one that is not live, so that a summarize without keys still counts it.
    guarded = [Expansion(x.name, e.Case(((e.Column(live, Type.BOOL), x.value),), e.null(Type.DYNAMIC), Type.DYNAMIC), x.type) for x in expansions]
    index = next((o.value for o in step.options if o.name == "with_itemindex"), None)
    expanded, _ = expand(scope, relation.with_plan(marked, ordered=True), guarded, step, index)
    carried = Carried((row,), tuple(hidden.values()), live)
    inner = lower_within(scope, expanded, step.steps, carried)
    return _outside(inner, hidden, (row, live), relation)


def _nothing_to_expand(expansions: list[Expansion]) -> e.Expr:
    lengths = [call("array.length", call("array.expand", x.value, e.FALSE)) for x in expansions]
    nulls = [call("logic.is_null", x.value) for x in expansions]
    tests = [call("logic.or", a, call("compare.eq", b, e.whole(0))) for a, b in zip(nulls, lengths, strict=True)]
    return tests[0] if len(tests) == 1 else call("logic.and", *tests)


def _outside(inner: Relation, hidden: dict[str, str], marks: tuple[str, str], relation: Relation) -> Relation:
    """Return outer columns, then the subquery's, for the rows that are left, in the order of the outer rows."""
    row, live = marks
    plan = n.Sort(n.Filter(inner.plan, e.Column(live, Type.BOOL)), (e.SortKey(n.column(inner.plan, row)),))
    names = Namer()
    items: list[n.Item] = []
    visible = [f for f in inner.schema if not f.name.startswith("\x02")]
    inner_names = {f.name for f in visible}
    for field in relation.schema:
        if field.name in hidden and field.name not in inner_names:
            items.append(n.Item(names.unique(field.name), e.Column(hidden[field.name], field.type)))
        elif field.name in inner_names and field.name in hidden:
            found = next(f for f in visible if f.name == field.name)
            items.append(n.Item(names.unique(field.name), e.Column(found.name, found.type)))
    items.extend(n.Item(names.unique(f.name), e.Column(f.name, f.type)) for f in visible if f.name not in hidden)
    return relation.with_plan(n.Project(plan, tuple(items)))


STEPS: dict[type, Callable[..., Relation]] = {k.MvExpand: mv_expand, k.MvApply: mv_apply}
