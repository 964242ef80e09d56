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
from livefire.plan.functions import any_of, call
from livefire.plan.walk import map_expr
from livefire.schema import Type

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
    return Frame(plan, closed=(command, span), wild=frame.wild)


def windowed(value: Expr, partition: tuple[Expr, ...], frame: tuple[int | None, int | None] | None, *, rows: bool) -> Expr:
    """Return an aggregate expression as the same one over a window."""

    def change(part: Expr) -> Expr:
        if not isinstance(part, e.Aggregate):
            return part
        args = part.args
        if part.where is not None:
            chosen = part.where
            args = tuple(Case(((chosen, a),), e.null(a.type), a.type) for a in args) or (Case(((chosen, e.whole(1)),), e.null(Type.LONG), Type.LONG),)
        return e.WindowCall(part.function, args, part.type, partition, part.order_by, frame, rows and not part.order_by, part.span)

    return map_expr(value, change)


def _event_stats(node: s.Stats, frame: Frame, scope: Scope) -> Frame:
    scope.known("eventstats", node.options, "allnum")
    if any(frame.has(b.text) and is_multi(frame.column(b.text)) for b in node.by):
        scope.several(node.span, "a row in which a field after BY has several ends the run")
    keys = [only_of(scope.field(frame, b), "eventstats by") for b in node.by]
    for measure in node.measures:
        if measure.function in ("first", "last", "list"):
            scope.refuse("E302", f"{measure.function}() is not run in eventstats", measure.span, help="use earliest, latest or values")
    results = measures(node.measures, frame, scope)
    items = []
    for name, value in results:
        whole = windowed(value, tuple(keys), (None, None), rows=False)
        items.append((name, Case(((present(keys), whole),), e.null(whole.type), whole.type) if keys else whole))
    return with_windows(frame, items, scope, node.span)


def with_windows(frame: Frame, items: list[tuple[str, Expr]], scope: Scope, span: Span) -> Frame:
    """Return the rows with window expressions as fields."""
    fresh = [(name, scope.name("window"), value) for name, value in items]
    window = n.Window(frame.plan, tuple(n.Item(column, value) for _, column, value in fresh), span)
    extended = frame.over(window).extended(*(n.Item(name, n.column(window, column)) for name, column, _ in fresh), span=span)
    kept = tuple(n.Item(x, extended.column(x)) for x in extended.known if x not in {column for _, column, _ in fresh})
    return extended.over(n.Project(extended.plan, kept))
