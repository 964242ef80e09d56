"""stats and eventstats."""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.aggregates import measures, present
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import is_multi, not_null, only_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr, SortKey
from livefire.plan.functions import all_of, any_of, call, window
from livefire.plan.walk import map_expr
from livefire.schema import Type

_LISTED = ("values", "list", "first", "last", "median", "mode")
_COUNTS = ("count", "c", "dc", "distinct_count", "estdc")


def lower_stats(node: s.Stats, frame: Frame, scope: Scope) -> Frame:
    """Return the rows of stats, or the events with what eventstats adds."""
    if node.kind == "eventstats":
        return _event_stats(node, frame, scope)
    scope.known("stats", node.options, "allnum", "delim", "partitions", "dedup_splitvals")
    if scope.flag(node.options, "allnum"):
        scope.refuse("E304", "stats allnum=true is not run", node.span)
    return grouped(node.measures, node.by, frame, scope, node.span, command=node.kind)


def spread(names: tuple[Name, ...], frame: Frame, scope: Scope, span: Span, *, keep: bool = False) -> Frame:
    """Return one row for each value of the named fields that may have several; rows without a value are dropped unless kept."""
    for name in dict.fromkeys(x.text for x in names):
        if frame.has(name) and is_multi(frame.column(name)):
            item = scope.name("value")
            unnested = n.Unnest(frame.plan, frame.column(name), item, outer=keep, span=span)
            value = call("dynamic.text", e.Column(item, Type.DYNAMIC))
            items = tuple(n.Item(f.name, value if f.name == name else e.Column(f.name, f.type)) for f in frame.plan.schema)
            frame = frame.over(n.Project(unnested, items))
    return frame


def grouped(wanted: tuple[s.Measure, ...], by: tuple[Name, ...], frame: Frame, scope: Scope, span: Span, *, command: str = "stats") -> Frame:
    """Return one row a group in the order of its keys; a row that lacks a key belongs to no group."""
    frame = spread(by, frame, scope, span)
    keys = {b.text: scope.field(frame, b) for b in by}
    results = measures(wanted, frame, scope, by)
    source = n.Filter(frame.plan, present(list(keys.values())), span) if keys else frame.plan
    plan: n.Plan = n.Aggregate(source, tuple(n.Item(k, x) for k, x in keys.items()), tuple(n.Item(k, x) for k, x in results), span)
    if keys:
        plan = n.Sort(plan, tuple(SortKey(n.column(plan, k)) for k in keys))
    elif not any(m.function in _COUNTS for m in wanted) and results:
        # Without events Splunk writes no row unless something is counted.
        plan = n.Filter(plan, any_of(*(not_null(n.column(plan, k)) for k, _ in results)))
    # Of a table that nobody knows, a pattern may have named any field; a name is only itself.
    return Frame(plan, closed=(command, span), wild=frame.wild and "*" in scope.context.diagnostics.source.slice(span))


def windowed(value: Expr, partition: tuple[Expr, ...], frame: tuple[int | None, int | None] | None, *, rows: bool) -> Expr:
    """Return an aggregate expression as the same one over a window."""

    def change(part: Expr) -> Expr:
        if not isinstance(part, e.Aggregate):
            return part
        args = part.args
        if part.where is not None:
            chosen = part.where
            args = tuple(Case(((chosen, a),), e.null(a.type), a.type) for a in args) or (Case(((chosen, e.whole(1)),), e.null(Type.LONG), Type.LONG),)
        function = "window.last_known" if part.function == "agg.last" else part.function  # over rows, null would be the last too
        return e.WindowCall(function, args, part.type, partition, part.order_by, frame, rows and not part.order_by, part.span)

    return map_expr(value, change)


def keyed(frame: Frame, by: tuple[Name, ...], what: str, scope: Scope) -> tuple[Frame, list[Expr], tuple[str, ...]]:
    """Return the rows with the keys of windows, which are columns of their own where the run may stop at one, and the names of those."""
    keys: list[Expr] = []
    made: list[str] = []
    for name in by:
        value = scope.field(frame, name)
        if is_multi(value):
            column = scope.name("key")
            frame = frame.over(n.extend(frame.plan, n.Item(column, only_of(value, what))))
            made.append(column)
            value = frame.column(column)
        keys.append(value)
    return frame, keys, tuple(made)


def _event_stats(node: s.Stats, frame: Frame, scope: Scope) -> Frame:
    scope.known("eventstats", node.options, "allnum")
    if any(frame.has(b.text) and is_multi(frame.column(b.text)) for b in node.by):
        scope.several(node.span, "a row in which a field after BY has several ends the run")
    frame, keys, made = keyed(frame, node.by, "eventstats by", scope)
    joined = tuple(m for m in node.measures if m.function in _LISTED or m.function.startswith(("p", "exactperc", "upperperc")))
    rest = tuple(m for m in node.measures if m not in joined)
    items = []
    for name, value in measures(rest, frame, scope):
        whole = windowed(value, tuple(keys), (None, None), rows=False)
        items.append((name, Case(((present(keys), whole),), e.null(whole.type), whole.type) if keys else whole))
    found = with_windows(frame, items, scope, node.span) if items else frame
    found = _with_groups(joined, found, keys, scope, node.span) if joined else found
    return found.over(n.Project(found.plan, tuple(n.Item(x, found.column(x)) for x in found.known if x not in made)))


def _with_groups(wanted: tuple[s.Measure, ...], frame: Frame, keys: list[Expr], scope: Scope, span: Span) -> Frame:
    """Return the rows with aggregates that are lists, which are worked out once a group and joined."""
    row = scope.name("row")
    frame = frame.over(n.Window(frame.plan, (n.Item(row, window("window.row_number", row_order=True)),)))
    results = {scope.name("result"): (name, value) for name, value in measures(wanted, frame, scope)}
    groups = {scope.name("group"): k for k in keys}
    source = n.Filter(frame.plan, present(keys)) if keys else frame.plan
    totals = n.Aggregate(source, tuple(n.Item(x, k) for x, k in groups.items()), tuple(n.Item(x, v) for x, (_, v) in results.items()), span)
    on = all_of(*(call("compare.eq", k, n.column(totals, x)) for x, k in groups.items())) if keys else e.TRUE
    both = n.Join(frame.plan, totals, "left", on, span)
    ordered = frame.over(n.Sort(both, (SortKey(n.column(both, row)),)))
    extended = ordered.extended(*(n.Item(name, ordered.column(x)) for x, (name, _) in results.items()), span=span)
    gone = {row, *results, *groups}
    return extended.over(n.Project(extended.plan, tuple(n.Item(x, extended.column(x)) for x in extended.known if x not in gone)))


def with_windows(frame: Frame, items: list[tuple[str, Expr]], scope: Scope, span: Span) -> Frame:
    """Return the rows with window expressions as fields."""
    fresh = [(name, scope.name("window"), value) for name, value in items]
    plan = n.Window(frame.plan, tuple(n.Item(column, value) for _, column, value in fresh), span)
    extended = frame.over(plan).extended(*(n.Item(name, n.column(plan, column)) for name, column, _ in fresh), span=span)
    kept = tuple(n.Item(x, extended.column(x)) for x in extended.known if x not in {column for _, column, _ in fresh})
    return extended.over(n.Project(extended.plan, kept))
