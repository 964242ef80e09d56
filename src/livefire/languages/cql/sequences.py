"""Functions over events in an order: neighbor, accumulate, slidingWindow, slidingTimeWindow, partition, session and series.

They need an order, so LogScale takes the first five only after an aggregate such as head, sort or
bucket. https://library.humio.com/data-analysis/functions-sequence.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.aggregates import Gathered, gives_rows
from livefire.languages.cql.durations import duration
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.ordering import order
from livefire.languages.cql.relations import find_of, functions_of, group_with, rows_of_groups
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call, window
from livefire.plan.walk import map_expr
from livefire.schema import Type

Frame = tuple[int | None, int | None]
Run = Callable[[Lower, Event, Bound], None]
_NEARBY = 10_000
_PLACES = 1 << 22  # rows that one millisecond may hold where a window is over time


def _ordered(event: Event, bound: Bound) -> bool:
    """Give the events an order where they have none; a sequence function before an aggregate is refused by LogScale."""
    if event.forked:
        bound.context.diagnostics.error("E305", f"{bound.function.name} inside case does not run here", bound.span)
        return False
    if event.aggregated:
        return True
    if event.partition:
        # A group is in the order of time: the page of neighbor uses it in groupBy without an aggregate before.
        time = event.peek("@timestamp")
        order(event, () if is_null(time) else (e.SortKey(time),), None, bound)
        return True
    said = f"{bound.function.name} needs events in an order, which only an aggregate such as head() or sort() gives"
    bound.context.quirk(235, said, span=bound.span, help="write head() before it")
    time = event.peek("@timestamp")
    order(event, () if is_null(time) else (e.SortKey(time),), None, bound)
    return True


def _numbered(event: Event, bound: Bound) -> e.Column:
    """Add the place of each row in its group, counted from 1."""
    place = event.rows.fresh()
    items = (n.Item(place, window("window.row_number", partition_by=event.partition, row_order=True)),)
    event.rows.wrap(n.Window(event.rows.flush(), items, bound.span))
    return e.Column(place, Type.LONG)


def _neighbor(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-neighbor.html"""
    if bound.need("include") is None or not _ordered(event, bound):
        return
    direction = (bound.text("direction", "preceding") or "preceding").lower()
    if direction not in ("preceding", "succeeding"):
        bound.wrong("direction", "preceding or succeeding")
        return
    distance = bound.whole("distance", 1)
    if not 1 <= distance <= _NEARBY:
        bound.wrong("distance", f"a whole number from 1 to {_NEARBY:,}")
        return
    prefix = bound.text("prefix", "_neighbor") or ""
    meaning = "window.previous" if direction == "preceding" else "window.next"
    values = {w.text: event.hold(event.read(w.text)) for w in bound.fields("include")}
    place = _numbered(event, bound)
    items = {
        name: n.Item(event.rows.fresh(), window(meaning, value, e.whole(distance), partition_by=event.partition, order_by=(e.SortKey(place),)))
        for name, value in values.items()
        if not is_null(value)
    }
    if items:
        event.rows.wrap(n.Window(event.rows.flush(), tuple(items.values()), bound.span))
    for name in values:
        target = f"{prefix}.{name}" if prefix else name
        event.replace(target, e.Column(items[name].name, items[name].expr.type) if name in items else e.null(Type.STRING))


# aggregates over a window


def _windowed(lower: Lower, event: Event, bound: Bound, frame: Frame, key: e.SortKey, *, by_value: bool = False) -> None:
    """Add to each row what aggregates give for the rows of its frame."""
    if bound.has("function") and gives_rows(s.Items(bound.items("function"), bound.span), find_of(lower)):
        bound.context.diagnostics.error("E104", f"{bound.function.name} takes functions that give one row", bound.place("function"))
        return
    gathered = functions_of(lower, event, bound)
    calls: dict[e.Aggregate, e.Column] = {}
    items: list[n.Item] = []

    def change(part: e.Expr) -> e.Expr:
        if not isinstance(part, e.Aggregate):
            return part
        if part not in calls:
            called = _over(part, event, frame, key, by_value=by_value)
            item = n.Item(event.rows.fresh(), called)
            items.append(item)
            calls[part] = e.Column(item.name, part.type)
        return calls[part]

    values = [n.Item(item.name, map_expr(item.expr, change)) for item in gathered.items]
    if items:
        event.rows.wrap(n.Window(event.rows.flush(), tuple(items), bound.span))
    for item in values:
        event.replace(item.name, item.expr)
    for steps in gathered.after:
        lower.steps(event, steps)


def _over(part: e.Aggregate, event: Event, frame: Frame, key: e.SortKey, *, by_value: bool) -> e.WindowCall:
    args = part.args
    if part.where is not None:
        first = args[0] if args else e.whole(1)
        args = (event.hold(e.Case(((part.where, first),), e.null(first.type), first.type)), *args[1:])
    args = tuple(event.hold(a) for a in args)
    made = window(part.function, *args, type=part.type, partition_by=event.partition, order_by=(key,), frame=frame, span=part.span)
    return replace(made, by_value=by_value)


def _includes_current(bound: Bound) -> bool | None:
    current = (bound.text("current", "include") or "include").lower()
    if current not in ("include", "exclude"):
        bound.wrong("current", "include or exclude")
        return None
    return current == "include"


def _accumulate(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-accumulate.html"""
    current = _includes_current(bound)
    if current is None or bound.need("function") is None or not _ordered(event, bound):
        return
    place = _numbered(event, bound)
    _windowed(lower, event, bound, (None, 0 if current else -1), e.SortKey(place))


def _sliding_window(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-slidingwindow.html"""
    current, many = _includes_current(bound), bound.whole("events", 0)
    if not 1 <= many <= 1000:
        bound.wrong("events", "a whole number from 1 to 1,000")
        return
    if current is None or bound.need("function") is None or not _ordered(event, bound):
        return
    place = _numbered(event, bound)
    _windowed(lower, event, bound, (many - 1, 0) if current else (many, -1), e.SortKey(place))


def _sliding_time_window(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-slidingtimewindow.html

    An event as old as the span is outside of the window.
    """
    current, span = _includes_current(bound), duration(bound, "span")
    if span is None:
        bound.need("span")
        return
    if current is None or bound.need("function") is None or not _ordered(event, bound):
        return
    time = event.read(bound.text("timestampField") or "@timestamp")
    if is_null(time):
        bound.context.diagnostics.error("E305", "slidingTimeWindow needs the time of the event, which the rows here do not have", bound.span)
        return
    at = event.hold(call("time.to_epoch", time, e.text("ms")) if time.type is Type.DATETIME else call("number.to_long", coerce.real(time)))
    place = _numbered(event, bound)
    # One key for the millisecond and the place in it, so that a window ends at its own row and not at the last of the same time.
    scaled = call("number.multiply", at, e.whole(_PLACES), type=Type.LONG)
    key = event.hold(call("number.add", scaled, place, type=Type.LONG))
    reach = (max(span // 10_000, 1) - 1) * _PLACES + _PLACES - 1
    _windowed(lower, event, bound, (reach, 0 if current else -1), e.SortKey(key), by_value=True)


def _partition(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-partition.html"""
    condition, split = bound.need("condition"), (bound.text("split", "before") or "before").lower()
    if condition is None or bound.need("function") is None or not _ordered(event, bound):
        return
    if split not in ("before", "after"):
        bound.wrong("split", "before or after")
        return
    flag = _holds(lower, event, condition)
    starts = flag
    if split == "after":
        place = _numbered(event, bound)
        before = n.Item(event.rows.fresh(), window("window.previous", flag, partition_by=event.partition, order_by=(e.SortKey(place),)))
        event.rows.wrap(n.Window(event.rows.flush(), (before,), bound.span))
        starts = event.hold(coerce.certain(e.Column(before.name, Type.BOOL)))
    part = _parts(event, starts, bound)
    group_with(lower, event, [n.Item(event.rows.fresh(), part)], bound)


def _holds(lower: Lower, event: Event, condition: s.Value) -> e.Expr:
    """Return whether an event passes the filters in braces, as a column."""
    if isinstance(condition, s.Subquery):
        fork = event.fork()
        lower.steps(fork, condition.pipeline)
        return event.hold(fork.alive if fork.alive is not None else e.TRUE)
    if isinstance(condition, s.Call):
        return event.hold(coerce.certain(lower.condition(event, condition)))
    return event.hold(coerce.certain(coerce.truth(lower.value(event, condition))))


def _parts(event: Event, starts: e.Expr, bound: Bound) -> e.Expr:
    """Return the number of the run of rows that each row lies in, a run beginning where `starts` is true."""
    place = _numbered(event, bound)
    one = event.hold(e.Case(((starts, e.whole(1)),), e.whole(0), Type.LONG))
    total = window("agg.sum", one, type=Type.LONG, partition_by=event.partition, order_by=(e.SortKey(place),), frame=(None, 0))
    item = n.Item(event.rows.fresh(), total)
    event.rows.wrap(n.Window(event.rows.flush(), (item,), bound.span))
    return e.Column(item.name, Type.LONG)


# sessions


def _in_time(event: Event, bound: Bound) -> e.Expr | None:
    """Bring the events in the order of their time and return it; None after E305 where they have none."""
    time = event.peek("@timestamp")
    if is_null(time) and bound.context.open_schema:
        time = e.null(Type.DATETIME)
    if time.type is not Type.DATETIME:
        bound.context.diagnostics.error("E305", f"{bound.function.name} needs the time of the event, which the rows here do not have", bound.span)
        return None
    if event.forked:
        bound.context.diagnostics.error("E305", f"{bound.function.name} inside case does not run here", bound.span)
        return None
    event.rows.wrap(n.Sort(event.rows.flush(), (e.SortKey(time),), bound.span))
    return time


def _paused(event: Event, time: e.Expr, pause: int, bound: Bound) -> e.Expr:
    """Return whether more than `pause` went by since the event before, or there is none."""
    place = _numbered(event, bound)
    before = n.Item(event.rows.fresh(), window("window.previous", event.hold(time), partition_by=event.partition, order_by=(e.SortKey(place),)))
    event.rows.wrap(n.Window(event.rows.flush(), (before,), bound.span))
    gap = call("time.difference", time, e.Column(before.name, Type.DATETIME))
    late = call("compare.gt", gap, e.Literal(pause, Type.TIMESPAN))
    return event.hold(call("logic.coalesce", late, e.TRUE))


def _lasted(time: e.Expr, bound: Bound) -> n.Item:
    first, last = aggregate("agg.min", time, span=bound.span), aggregate("agg.max", time, span=bound.span)
    return n.Item("_duration", call("number.divide_whole", call("time.difference", last, first), e.whole(10_000)))


def _session(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-session.html"""
    time = _in_time(event, bound)
    pause = duration(bound, "maxpause", "15m")
    if time is None or pause is None:
        return
    part = _parts(event, _paused(event, time, pause, bound), bound)
    key = n.Item(event.rows.fresh(), part)
    if bound.has("function") and gives_rows(s.Items(bound.items("function"), bound.span), find_of(lower)):
        rows_of_groups(lower, event, [key], bound)
        return
    gathered = functions_of(lower, event, bound)
    gathered.items = [_lasted(event.hold(time), bound), *gathered.items]
    group_with(lower, event, [key], bound, gathered)


def _series(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-series.html

    `memlimit` bounds what LogScale keeps of a series; nothing is cut here.
    """
    if bound.need("collect") is None or (time := _in_time(event, bound)) is None:
        return
    longest = duration(bound, "maxduration")
    if longest is not None:
        help = "bound a series by maxpause, startmatch or endmatch"
        bound.context.diagnostics.error("E304", "maxduration of series does not run here", bound.place("maxduration"), help=help)
        return
    begins: list[e.Expr] = []
    pause = duration(bound, "maxpause")
    if pause is not None:
        begins.append(_paused(event, time, pause, bound))
    start, end = bound.get("startmatch"), bound.get("endmatch")
    opened = _holds(lower, event, start) if start is not None else None
    if opened is not None:
        begins.append(opened)
    if end is not None:
        begins.append(_after(event, _holds(lower, event, end), bound))
    flag = event.hold(begins[0] if len(begins) == 1 else call("logic.or", *begins)) if begins else e.FALSE
    part = _parts(event, flag, bound)
    separator = e.text(bound.text("separator", "\n") or "")
    made = Gathered([n.Item("_duration", _lasted(event.hold(time), bound).expr)])
    ordered = (e.SortKey(event.hold(time)),)
    for word in bound.fields("collect"):
        value = event.hold(coerce.text(event.read(word.text)))
        listed = aggregate("agg.list", value, order_by=ordered, span=bound.span)
        made.add(word.text, call("logic.null_if", call("text.join", listed, separator), e.text(""), type=Type.STRING))
    made.add("@timestamp", aggregate("agg.min", time, span=bound.span))
    if opened is not None:
        # What lies before the first event that startmatch fits is no series.
        started = event.hold(e.Case(((opened, e.whole(1)),), e.whole(0), Type.LONG))
        within = n.Item(event.rows.fresh(), window("agg.max", started, partition_by=(*event.partition, part)))
        event.rows.wrap(n.Window(event.rows.flush(), (within,), bound.span))
        event.keep(call("compare.eq", e.Column(within.name, Type.LONG), e.whole(1)), bound.span)
    group_with(lower, event, [n.Item(event.rows.fresh(), part)], bound, made)


def _after(event: Event, flag: e.Expr, bound: Bound) -> e.Expr:
    place = _numbered(event, bound)
    before = n.Item(event.rows.fresh(), window("window.previous", flag, partition_by=event.partition, order_by=(e.SortKey(place),)))
    event.rows.wrap(n.Window(event.rows.flush(), (before,), bound.span))
    return event.hold(coerce.certain(e.Column(before.name, Type.BOOL)))


FUNCTIONS = (
    Function("neighbor", "rows", ("include", "prefix", "distance", "direction"), _neighbor),
    Function("accumulate", "rows", ("function", "current"), _accumulate),
    Function("slidingWindow", "rows", ("function", "events", "current"), _sliding_window),
    Function("slidingTimeWindow", "rows", ("function", "span", "current", "timestampField"), _sliding_time_window),
    Function("partition", "rows", ("function", "condition", "split"), _partition),
    Function("session", "rows", ("function", "maxpause"), _session),
    Function("series", "rows", ("collect", "separator", "startmatch", "endmatch", "maxpause", "maxduration", "memlimit"), _series),
)
