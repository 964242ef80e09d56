"""Steps over all events at once that make groups: groupBy, stats, top, bucket and timeChart.

https://library.humio.com/data-analysis/functions-groupby.html
"""

from __future__ import annotations

from dataclasses import replace

from livefire.languages.base import Probe
from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.aggregates import Find, Gathered, gather, gives_rows, group
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.ordering import fields_of, order, settle, shown
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, all_of, call, window
from livefire.schema import Type

_GROUPS, _MOST_GROUPS = 20_000, 1_000_000


def find_of(lower: Lower) -> Find:
    """Return the lookup of aggregate functions, which reports names it does not know."""

    def find(name: str) -> Function | None:
        return lower.function(name)

    return find


def keys_of(event: Event, words: list[s.Word]) -> list[n.Item]:
    """Return the fields that events are grouped by; objects are no values."""
    items: dict[str, n.Item] = {}
    for word in words:
        value = event.read(word.text)
        items[word.text] = n.Item(word.text, event.hold(coerce.text(value)) if value.type in (Type.DYNAMIC, Type.UNKNOWN) else value)
    return list(items.values())


def _group_by(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-groupby.html"""
    if bound.need("field") is None:
        return
    keys = keys_of(event, bound.fields("field"))
    if bound.has("function") and gives_rows(s.Items(bound.items("function"), bound.span), find_of(lower)):
        rows_of_groups(lower, event, keys, bound)
        order(event, tuple(e.SortKey(event.fields[k.name]) for k in keys if k.name in event.fields), None, bound)
        return
    gathered = functions_of(lower, event, bound)
    events = event.rows.flush()
    group(lower, event, keys, gathered, bound.span)
    limit = group_limit(bound)
    cut = bound.has("limit") and limit < _MOST_GROUPS
    _say_cut(events, event.rows.flush(), limit, bound, cut=cut)
    if cut:
        _most(event, gathered, limit, bound)


def group_limit(bound: Bound) -> int:
    """Return how many groups LogScale keeps."""
    written = bound.text("limit")
    if written is None:
        return _GROUPS
    limit = _MOST_GROUPS if written.lower() == "max" else bound.whole("limit", _GROUPS)
    if limit > _MOST_GROUPS:
        said = f"groupBy takes no limit above {_MOST_GROUPS:,}"
        bound.context.quirk(237, said, span=bound.place("limit"), help=f"write limit=max, which is {_MOST_GROUPS:,}")
    return limit


def _say_cut(events: n.Plan, groups: n.Plan, limit: int, bound: Bound, *, cut: bool) -> None:
    """Warn where there are more groups than LogScale keeps; as many events are looked at first, for few events make few groups."""
    probe = bound.context.probe
    if probe is None or bound.context.diagnostics.failed or not all(more_rows(probe, plan, limit) for plan in (events, groups)):
        return
    if cut:
        said = f"there are more than {limit:,} groups, and the limit cuts them; LogScale may also count too few events in those it keeps"
        bound.context.diagnostics.warn("W133", said, span=bound.place("limit"), help=f"limit=max asks for up to {_MOST_GROUPS:,}")
        return
    said = f"there are more than {limit:,} groups: LogScale leaves out the rest; here every group comes out"
    bound.context.diagnostics.warn("W133", said, span=bound.span, help=f"limit=max asks for up to {_MOST_GROUPS:,}")


def more_rows(probe: Probe, plan: n.Plan, limit: int) -> bool:
    """True when a plan gives more rows than that."""
    some = n.Limit(n.Project(plan, (n.Item("row", e.whole(1)),)), limit + 1)
    ((count,),) = probe(n.Aggregate(some, (), (n.Item("rows", aggregate("agg.count")),)))
    return int(count) > limit


def functions_of(lower: Lower, event: Event, bound: Bound) -> Gathered:
    """Return the aggregates of the argument `function`, by default count()."""
    if not bound.has("function"):
        return Gathered([n.Item("_count", aggregate("agg.count", span=bound.span))])
    return gather(lower, event, bound.items("function"), find_of(lower))


def group_with(lower: Lower, event: Event, keys: list[n.Item], bound: Bound, gathered: Gathered | None = None) -> None:
    """Group by hidden keys, which are not shown afterwards, in the order of the keys."""
    if gathered is None and bound.has("function") and gives_rows(s.Items(bound.items("function"), bound.span), find_of(lower)):
        rows_of_groups(lower, event, keys, bound)
    else:
        group(lower, event, keys, gathered if gathered is not None else functions_of(lower, event, bound), bound.span)
    order(event, tuple(e.SortKey(event.fields.get(k.name, e.Column(k.name, k.expr.type))) for k in keys), None, bound)
    for key in keys:
        event.fields.pop(key.name, None)
        event.mentioned.pop(key.name, None)


def _most(event: Event, gathered: Gathered, limit: int, bound: Bound) -> None:
    """Keep as many groups as the limit says, those with the greatest sum of numbers."""
    total = event.hold(total_of(event, gathered))
    order(event, (e.SortKey(total, True),) if gathered.items else (), limit, bound)


def total_of(event: Event, gathered: Gathered) -> e.Expr:
    """Return the sum of what the functions give, as far as it is numbers; by it groups and series are chosen."""
    found: e.Expr = e.Literal(0.0, Type.REAL)
    for item in gathered.items:
        value = event.fields.get(item.name)
        if value is not None and (value.type.numeric or value.type is Type.STRING) and not is_null(value):
            number = call("logic.coalesce", event.hold(coerce.real(value)), e.Literal(0.0, Type.REAL))
            found = call("number.add", found, number, type=Type.REAL)
    return found


# functions that give rows


def rows_of_groups(lower: Lower, event: Event, keys: list[n.Item], bound: Bound) -> None:
    """Run functions that may give several rows on the events of each group; several functions give every pairing of their rows."""
    if event.forked:
        bound.context.diagnostics.error("E305", f"{bound.function.name} inside case does not run here", bound.span)
        return
    for key in keys:
        event.keep(coerce.present(key.expr), bound.span)
    plan = event.rows.flush()
    outer = len(event.partition)
    within = (*event.partition, *(key.expr for key in keys))
    values = list(_flat(bound.items("function")))
    steps = [[v] for v in values if gives_rows(v, find_of(lower))]
    scalars = [v for v in values if not gives_rows(v, find_of(lower))]
    branches: list[Event] = []
    for function in [*([scalars] if scalars else []), *steps]:
        branch = replace(event, rows=lower.rows(plan), fields=dict(event.fields), arrays=dict(event.arrays), sizes=dict(event.sizes), partition=within)
        branch.mentioned = dict(event.mentioned)
        lower.steps(branch, _as_pipeline(function))
        branches.append(branch)
    if not branches:
        return
    found = branches[0] if len(branches) == 1 else _paired(lower, branches, bound)
    names = {key.name: column for key, column in zip(keys, found.partition[outer:], strict=True)}
    event.become(found)
    event.fields = {**names, **event.fields, **(names if event.base is not None else {})}
    event.mentioned = {**dict.fromkeys(names), **event.mentioned}
    event.partition, event.aggregated = found.partition[:outer], True
    limit = group_limit(bound) if "limit" in bound.function.parameters else None
    if limit is not None and bound.has("limit"):
        bound.context.diagnostics.notice("N133", f"every group comes out here, where LogScale keeps {limit:,}", bound.place("limit"))


def _flat(values: tuple[s.Value, ...]) -> list[s.Value]:
    return [inner for v in values for inner in (_flat(v.items) if isinstance(v, s.Items) else [v])]


def _as_pipeline(values: list[s.Value]) -> s.Pipeline:
    """Return functions as steps: several are aggregates side by side."""
    span = values[0].span
    (value,) = values if len(values) == 1 else (None,)
    if isinstance(value, s.Subquery):
        return value.pipeline
    if isinstance(value, s.Call):
        return s.Pipeline((s.FilterStep(value, span),), span)
    if isinstance(value, s.Operation) and isinstance(value.left, s.Word):
        return s.Pipeline((s.AssignStep(value.left, value.right, span),), span)
    return s.Pipeline((s.StatsStep(s.Items(tuple(values), span), span),), span)


def _paired(lower: Lower, branches: list[Event], bound: Bound) -> Event:
    """Return every pairing of the rows that several functions give for one group; a group that one gives no row is left out."""
    plan: n.Plan | None = None
    fields: dict[str, e.Expr] = {}
    first: list[e.Column] = []
    for branch in branches:
        names = {name: branch.rows.fresh() for name in fields_of(branch) if not is_null(branch.peek(name))}
        within = [n.Item(branch.rows.fresh(), part) for part in branch.partition]
        part = branch.rows.finish([*within, *(n.Item(names[x], shown(branch.peek(x))) for x in names)], bound.span)
        columns = [e.Column(i.name, i.expr.type) for i in within]
        if plan is None:
            plan, first = part, columns
        else:
            on = all_of(*(call("compare.eq", a, b) for a, b in zip(first, columns, strict=True)))
            plan = n.Join(plan, part, "inner", on, bound.span)
        fields.update({x: n.column(plan, names[x]) for x in names if x not in fields})
    assert plan is not None  # there is a branch for each function, and there are functions
    found = lower.rows_of(plan)
    found.fields, found.partition = fields, tuple(first)
    return found


def _stats(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-stats.html"""
    if bound.has("function") and gives_rows(s.Items(bound.items("function"), bound.span), find_of(lower)):
        rows_of_groups(lower, event, [], bound)
        return
    group(lower, event, [], functions_of(lower, event, bound), bound.span)


# top


def _top(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-top.html"""
    if bound.need("field") is None:
        return
    keys = keys_of(event, bound.fields("field"))
    out, made = "_count", aggregate("agg.count", span=bound.span)
    for name, meaning in (("sum", "agg.sum"), ("max", "agg.max")):
        field = bound.field(name)
        if field is not None:
            out, made = f"_{name}", aggregate(meaning, event.hold(coerce.real(event.read(field))), type=Type.REAL, span=bound.span)
    out = bound.text("as") or out
    group(lower, event, keys, Gathered([n.Item(out, made)]), bound.span)
    if bound.flag("percent"):
        _add_percent(event, out, bound)
    limit = bound.whole("limit", 10) if bound.text("limit") != "max" else _GROUPS
    rest = bound.text("rest")
    if rest is not None:
        _with_rest(lower, event, [k.name for k in keys], out, limit, rest, bound)
        return
    order(event, (e.SortKey(event.peek(out), True),), limit, bound)


def _add_percent(event: Event, out: str, bound: Bound) -> None:
    """Add what part of all a value has, in hundredths."""
    total, plan = event.rows.fresh(), event.rows.flush()
    event.rows.wrap(n.Window(plan, (n.Item(total, window("agg.sum", n.column(plan, out), type=Type.REAL, partition_by=event.partition)),), bound.span))
    share = call("number.divide", coerce.real(event.peek(out)), call("logic.null_if", e.Column(total, Type.REAL), e.Literal(0.0, Type.REAL)))
    event.replace("percent", call("number.multiply", share, e.Literal(100.0, Type.REAL), type=Type.REAL))


def _with_rest(lower: Lower, event: Event, keys: list[str], out: str, limit: int, rest: str, bound: Bound) -> None:
    """Keep the first rows and put all others together in one."""
    plan = event.rows.flush()
    rank = event.rows.fresh()
    by = (e.SortKey(n.column(plan, out), True), *(e.SortKey(n.column(plan, k)) for k in keys))
    numbered = n.Window(plan, (n.Item(rank, window("window.row_number", partition_by=event.partition, order_by=by)),), bound.span)
    event.rows.wrap(numbered)
    top = event.hold(call("compare.le", n.column(numbered, rank), e.whole(limit)))
    place = n.Item(event.rows.fresh(), e.Case(((top, n.column(numbered, rank)),), e.whole(limit + 1), Type.LONG))
    names = [n.Item(k, event.hold(e.Case(((top, coerce.text(n.column(plan, k))),), e.text(rest), Type.STRING))) for k in keys]
    sums = [n.Item(out, aggregate("agg.max" if bound.has("max") else "agg.sum", n.column(plan, out), type=n.column(plan, out).type, span=bound.span))]
    if bound.flag("percent"):
        sums.append(n.Item("percent", aggregate("agg.sum", event.peek("percent"), type=Type.REAL, span=bound.span)))
    group(lower, event, [n.Item(place.name, event.hold(place.expr)), *names], Gathered(sums), bound.span)
    order(event, (e.SortKey(e.Column(place.name, Type.LONG)),), None, bound)


__all__ = ["FUNCTIONS", "find_of", "functions_of", "keys_of", "more_rows", "rows_of_groups", "settle", "total_of"]

FUNCTIONS = (
    Function("groupBy", "rows", ("field", "function", "limit"), _group_by),
    Function("stats", "rows", ("function",), _stats),
    Function("top", "rows", ("field", "limit", "sum", "max", "as", "percent", "rest", "error"), _top),
)
