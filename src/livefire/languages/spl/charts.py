"""Buckets, and the commands that count by them: bin, chart, timechart, top and rare."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.aggregates import present
from livefire.languages.spl.frame import TIME, Frame
from livefire.languages.spl.grouping import grouped, spread
from livefire.languages.spl.pivoting import SPLIT_OPTIONS, result, split_chart
from livefire.languages.spl.rows import without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.times import moment, span_of
from livefire.languages.spl.timing import time_of
from livefire.languages.spl.values import is_null, is_text, not_null, number_literal, number_of, only_of, real_of, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr, SortKey
from livefire.plan.functions import aggregate, call, window
from livefire.schema import TICKS_PER_SECOND, Type

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PARTS = {"us": 1_000_000, "ms": 1_000, "cs": 100, "ds": 10}
_MONTHS = {"mon": 1, "q": 3, "y": 12}
_CALENDAR = {1: "month", 3: "quarter", 12: "year"}
_EPOCH = e.Literal(datetime(1970, 1, 1), Type.DATETIME)
_BIN_OPTIONS = ("span", "bins", "minspan", "start", "end", "aligntime")


def read_span(option: s.Option, scope: Scope) -> tuple[float, str]:
    """Return the number and unit of a span; E206 for what is none."""
    text = option.value.text
    found = span_of(text)
    if found is None or found[0] <= 0:
        scope.refuse("E206", f"{text[:40]!r} is no span", option.value.span, help="such as 10m, 1h, 1d, 1mon, or a number for a numeric field")
    count, unit = found
    if unit.startswith("log"):
        base = float(unit[3:] or 10)
        if not 1 <= count < base:
            scope.refuse("E206", "the coefficient of a logarithmic span is at least 1 and less than its base", option.value.span)
        return count, unit
    if unit and count != int(count):
        scope.refuse("E206", "a span of time is a whole number of units", option.value.span)
    if unit in _PARTS and (_PARTS[unit] % int(count) or int(count) >= _PARTS[unit]):
        scope.refuse("E206", "a span below a second must divide one second", option.value.span)
    if unit in _MONTHS and 12 % (int(count) * _MONTHS[unit] if unit != "y" else 12):
        scope.refuse("E206", "a span of months must divide a year", option.value.span)
    return count, unit


def bucket(value: Expr, count: float, unit: str, span: Span, scope: Scope) -> Expr:
    """Return the start of the bucket of a moment."""
    if unit in _MONTHS:
        months = int(count) * _MONTHS[unit]
        if months not in _CALENDAR:
            scope.refuse("E304", "spans of months are run for 1, 3 and 12", span)
        return call("time.start_of", value, e.text(_CALENDAR[months]), span=span)
    if unit == "w":
        scope.refuse(
            "E304", "where a week begins for a span is not documented", span, help='use eval _time=relative_time(_time, "@w") for weeks from Sunday, or span=7d'
        )
    return call("time.bin_at", value, e.Literal(_ticks(count, unit), Type.TIMESPAN), _EPOCH, span=span)


def lower_bin(node: s.Bin, frame: Frame, scope: Scope) -> Frame:
    """`bin`: a time becomes the start of its bucket, a number the bucket's `from-to`; other text stays."""
    scope.known("bin", node.options, *_BIN_OPTIONS)
    for option in node.options:
        _check_bin(option, scope)
    span = next((o for o in node.options if o.name == "span"), None)
    name = node.alias.text if node.alias is not None else node.field.text
    value = scope.field(frame, node.field)
    if span is None:
        return _unspanned(node, frame, scope)
    for option in node.options:
        if option.name in ("start", "end", "minspan", "bins"):
            scope.warn("W159", f"bin {option.name}= has no effect where span= is given", option.span)
    count, unit = read_span(span, scope)
    if unit.startswith("log"):
        scope.refuse("E304", "how the ranges of a logarithmic span are written is not documented", span.span, help="use eval with floor(log(…)) or rangemap")
    value = only_of(value, "bin")
    align = next((o for o in node.options if o.name == "aligntime"), None)
    if value.type is Type.DATETIME:
        return frame.extended(n.Item(name, _aligned(value, count, unit, align, node, scope)), span=node.span)
    if node.field.text == TIME:
        return frame.extended(n.Item(name, _aligned(time_of(real_of(value)), count, unit, align, node, scope)), span=node.span)
    if unit:
        return frame.extended(n.Item(name, _of_seconds(value, count, unit, node, scope)), span=node.span)
    return frame.extended(n.Item(name, _range(value, count)), span=node.span)


def _unspanned(node: s.Bin, frame: Frame, scope: Scope) -> Frame:
    """Without a span the buckets follow from the data in a way that is not documented: no rows stay no rows, others end the run."""
    message = "without span= the buckets depend on the data in a way that is not documented"
    if scope.context.probe is not None or not scope.context.open_schema:
        scope.refuse("E304", message, node.span, help="add span=, such as span=1h")
    scope.warn("W304", f"{message}: it will not run", node.span, "add span=, such as span=1h")
    return frame


def _aligned(value: Expr, count: float, unit: str, align: s.Option | None, node: s.Bin, scope: Scope) -> Expr:
    """Return the bucket of a moment; aligntime moves where buckets of hours and less begin."""
    if align is None or unit in ("d", "w", *_MONTHS):
        return bucket(value, count, unit, node.span, scope)
    origin = moment(align.value.text)
    if origin is None:
        scope.refuse("E305", "the range of the search is not known: aligntime=earliest and latest are not run", align.span, help="give a time")
    return call("time.bin_at", value, e.Literal(_ticks(count, unit), Type.TIMESPAN), origin, span=node.span)


def _of_seconds(value: Expr, count: float, unit: str, node: s.Bin, scope: Scope) -> Expr:
    """A span of time over another field than _time: its number counts seconds since 1970; text that is no number ends the run."""
    number = real_of(value)
    start = number_of(bucket(time_of(number), count, unit, node.span, scope))
    if not is_text(value):
        return start
    odd = call("logic.and", not_null(value), is_null(number))
    message = "SPL: bin: a row has text that is no number under a span of time, and what becomes of it is not documented; read it with strptime() first"
    return Case(((call("logic.fail_if", odd, e.text(message)), e.null(Type.STRING)),), text_of(start), Type.STRING)


def _ticks(count: float, unit: str) -> int:
    return int(count * TICKS_PER_SECOND / _PARTS[unit]) if unit in _PARTS else int(count) * _SECONDS[unit or "s"] * TICKS_PER_SECOND


def _range(value: Expr, size: float) -> Expr:
    width = number_literal(int(size) if size == int(size) else size)
    number = real_of(value)
    low = call("number.multiply", call("number.floor", call("number.divide", number, width), type=Type.REAL), real_of(width), type=Type.REAL)
    high = call("number.add", low, real_of(width), type=Type.REAL)
    shown = call("text.concat", text_of(low), e.text("-"), text_of(high))
    return call("logic.coalesce", shown, text_of(value)) if is_text(value) else shown


def _check_bin(option: s.Option, scope: Scope) -> None:
    text = option.value.text
    if option.name in ("span", "minspan"):
        read_span(option, scope)
    elif option.name == "bins" and not text.isdecimal():
        scope.refuse("E206", f"bins is a whole number, not {text[:40]!r}", option.value.span)
    elif option.name == "aligntime" and text.lower() not in ("earliest", "latest") and moment(text) is None:
        scope.refuse("E206", f"{text[:40]!r} is no time", option.value.span)


def lower_chart(node: s.Chart, frame: Frame, scope: Scope) -> Frame:
    """`chart` and `timechart` without a field whose values become columns."""
    if node.kind == "timechart":
        return _time_chart(node, frame, scope)
    for option in (*node.options, *node.over_options, *node.split_options):
        if option.name in ("span", "bins", "start", "end", "aligntime", "format"):
            scope.refuse("E304", f"chart {option.name}= is not run", option.span, help="use bin before stats")
    if node.split is not None and node.over is not None:
        return split_chart(node, node.over, frame, scope)
    by = (node.over,) if node.over is not None else ()
    return grouped(node.measures, by, frame, scope, node.span, command=node.kind)


def _time_chart(node: s.Chart, frame: Frame, scope: Scope) -> Frame:
    """One row a bucket from the first event's to the last one's, those without events too."""
    # A span of time after BY can only be that of the buckets.
    spans = [o for o in node.split_options if o.name == "span" and (span_of(o.value.text) or (0, ""))[1]]
    span = next((o for o in (*node.options, *spans) if o.name == "span"), None)
    if span is None:
        scope.refuse("E304", "without span= the buckets depend on the time range of the search page", node.span, help="add span=, such as span=1h")
    scope.known("timechart", (*node.options, *node.split_options), "span", "cont", "partial", "fixedrange", *SPLIT_OPTIONS)
    count, unit = read_span(span, scope)
    if not frame.has(TIME):
        scope.field(frame, TIME, node.span)
        if not frame.wild:
            scope.refuse("E102", "timechart needs _time, and these rows have none", node.span)
        return Frame(frame.plan, closed=("timechart", node.span), wild=True)
    value = frame.column(TIME)
    at = bucket(time_of(value), count, unit, node.span, scope)
    binned = frame.extended(n.Item(TIME, at), span=node.span)
    over = Name(TIME, node.span)
    if node.split is None:
        rows = grouped(node.measures, (over,), binned, scope, node.span, command="timechart")
    else:
        rows = split_chart(node, over, binned, scope)
        if not rows.has(TIME):
            return rows
    if not scope.flag(node.options, "cont", default=True):
        return rows
    if unit in _MONTHS or unit in _PARTS:
        scope.refuse("E304", "the empty rows of this span are not made", node.span, help="add cont=false")
    step = e.Literal(int(count) * _SECONDS[unit or "s"] * TICKS_PER_SECOND, Type.TIMESPAN)
    return _continuous(rows, binned.plan, step, node, _edges(node, count, unit, scope), scope)


def _edges(node: s.Chart, count: float, unit: str, scope: Scope) -> tuple[Expr | None, Expr | None]:
    """Return the first and last bucket of the search's own time range, which fixedrange=true (the default) shows, empty or not."""
    if not scope.flag(node.options, "fixedrange", default=True):
        return None, None
    first = bucket(scope.since, count, unit, node.span, scope) if scope.since is not None else None
    if scope.until is None:
        return first, None
    # The end of the range is no moment of it.
    instant = call("time.subtract", scope.until, e.Literal(TICKS_PER_SECOND // 1_000_000, Type.TIMESPAN))
    return first, bucket(instant, count, unit, node.span, scope)


def _continuous(rows: Frame, binned: n.Plan, step: Expr, node: s.Chart, edges: tuple[Expr | None, Expr | None], scope: Scope) -> Frame:
    low, high, item, other = (scope.name(x) for x in ("low", "high", "bucket", "time"))
    ends: n.Plan = n.Aggregate(binned, (), tuple(n.Item(x, aggregate(f, n.column(binned, TIME))) for x, f in ((low, "agg.min"), (high, "agg.max"))))
    first, last = (n.column(ends, x) for x in (low, high))
    begins = _further(first, edges[0], "compare.lt")
    listed = n.Unnest(ends, call("array.range_datetime", begins, _further(last, edges[1], "compare.gt"), step), item)
    buckets = n.Project(listed, (n.Item(other, call("dynamic.datetime", e.Column(item, Type.DYNAMIC))),))
    joined = n.Join(buckets, rows.plan, "left", call("compare.eq", n.column(buckets, other), rows.column(TIME)))
    items = [n.Item(TIME, n.column(joined, other))]
    counts = {result(m) for m in node.measures if m.function in ("count", "c", "dc", "distinct_count", "estdc")}
    counted = counts if node.split is None else {x for x in rows.names if len(counts) == len(node.measures) or x.startswith(tuple(counts) or ("\x02",))}
    for name in rows.names:
        if name != TIME:
            column = rows.column(name)
            items.append(n.Item(name, call("logic.coalesce", column, e.whole(0)) if name in counted else column))
    plan = n.Project(joined, tuple(items), node.span)
    return Frame(n.Sort(plan, (SortKey(n.column(plan, TIME)),)), closed=("timechart", node.span), wild=rows.wild)


def _further(bound: Expr, edge: Expr | None, test: str) -> Expr:
    """Return the edge of the range where it lies beyond what the events reach; without events there are no buckets."""
    return bound if edge is None else Case(((call(test, edge, bound), edge),), bound, Type.DATETIME)


@dataclass(frozen=True, slots=True)
class Ranked:
    """The columns of top: count, percent, the total of the group and the place in it."""

    count: str
    share: str
    total: str
    place: str


def _with_others(node: s.Top, ranked: Frame, limit: int, names: Ranked, scope: Scope) -> Frame:
    """Return the first rows of each group, and after them one for all others together."""
    rest = call("compare.gt", ranked.column(names.place), e.whole(limit))
    other = e.text(scope.option(node.options, "otherstr", "OTHER"))
    shown = {x.text: Case(((rest, other),), text_of(ranked.column(x.text)), Type.STRING) for x in node.names}
    keys = [n.Item(b.text, ranked.column(b.text)) for b in node.by] + [n.Item(x, v) for x, v in shown.items()]
    kept = Case(((rest, e.whole(limit + 1)),), ranked.column(names.place), Type.LONG)
    number, total = ranked.column(names.count), ranked.column(names.total)
    items = (n.Item(names.count, aggregate("agg.sum", number, type=Type.LONG)), n.Item(names.total, aggregate("agg.max", total)))
    merged = n.Aggregate(ranked.plan, (*keys, n.Item(names.place, kept)), items, node.span)
    found = ranked.over(merged)
    hundred = call("number.multiply", real_of(found.column(names.count)), e.Literal(100.0, Type.REAL), type=Type.REAL)
    share = call("number.round", call("number.divide", hundred, found.column(names.total)), e.whole(6))
    return found.extended(n.Item(names.share, share)) if scope.flag(node.options, "showperc", default=True) else found


def lower_top(node: s.Top, frame: Frame, scope: Scope) -> Frame:
    """`top` and `rare`: combinations by how often they occur, with their share of all."""
    known = ("limit", "showcount", "showperc", "countfield", "percentfield", "otherstr")
    scope.known(node.kind, node.options, *known, "useother")
    limit = scope.whole(node.options, "limit", 10 if node.limit is None else node.limit)
    frame = spread((*node.names, *node.by), frame, scope, node.span)
    fields = (*node.by, *node.names)
    keys = {f.text: scope.field(frame, f) for f in fields}
    count, share = scope.option(node.options, "countfield", "count"), scope.option(node.options, "percentfield", "percent")
    items = tuple(n.Item(k, x) for k, x in keys.items())
    counted = n.Aggregate(n.Filter(frame.plan, present(list(keys.values())), node.span), items, (n.Item(count, aggregate("agg.count")),), node.span)
    result = Frame(counted, closed=(node.kind, node.span), wild=frame.wild)
    groups = tuple(n.column(counted, b.text) for b in node.by)
    total, place = scope.name("total"), scope.name("place")
    number = n.column(counted, count)
    order = (SortKey(number, descending=node.kind == "top"), *(SortKey(n.column(counted, x.text)) for x in node.names))
    ranked = n.Window(
        counted,
        (
            n.Item(total, window("agg.sum", number, type=Type.LONG, partition_by=groups)),
            n.Item(place, window("window.row_number", partition_by=groups, order_by=order)),
        ),
    )
    hundred = call("number.multiply", real_of(number), e.Literal(100.0, Type.REAL), type=Type.REAL)
    percent: Expr = call("number.round", call("number.divide", hundred, n.column(ranked, total)), e.whole(6))
    result = result.over(ranked)
    if limit and scope.flag(node.options, "useother"):
        result = _with_others(node, result, limit, Ranked(count, share, total, place), scope)
        percent = result.column(share) if result.has(share) else percent
    elif limit:
        result = result.filtered(call("compare.le", n.column(ranked, place), e.whole(limit)), node.span)
    if scope.flag(node.options, "showperc", default=True) and not result.has(share):
        result = result.extended(n.Item(share, percent))
    result = result.over(n.Sort(result.plan, (*(SortKey(g) for g in groups), SortKey(result.column(place)))))
    gone = (total, place) if scope.flag(node.options, "showcount", default=True) else (total, place, count)
    return without(result, *gone)
