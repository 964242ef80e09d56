"""Groups by time: bucket and timeChart.

https://library.humio.com/data-analysis/functions-bucket.html
"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.aggregates import Gathered, gives_rows, group
from livefire.languages.cql.durations import UNITS, duration
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.ordering import order
from livefire.languages.cql.rates import factor
from livefire.languages.cql.relations import find_of, functions_of, keys_of, more_rows, rows_of_groups, total_of
from livefire.languages.cql.rows import is_null
from livefire.languages.cql.times import from_local, local, moment, zone_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call, window
from livefire.schema import Type

_SERIES, _MOST_SERIES = 10, 500
_WIDTHS = (("s", 1), ("s", 5), ("s", 30), ("m", 1), ("m", 5), ("m", 30), ("h", 1), ("h", 6), ("d", 1), ("w", 1))


def _bucket(chart: bool) -> Callable[[Lower, Event, Bound], None]:
    def run(lower: Lower, event: Event, bound: Bound) -> None:
        """https://library.humio.com/data-analysis/functions-bucket.html"""
        time, zone = _time_of(event, bound), zone_of(bound)
        if time is None or zone is None:
            return
        size = _span_of(event, time, bound)
        if size is None:
            return
        series = keys_of(event, bound.fields("series" if chart else "field"))
        start = call("time.bin", event.hold(local(time, zone)), size, span=bound.span)
        bucketed = event.hold(from_local(event.hold(start), zone))
        if bound.has("function") and gives_rows(s.Items(bound.items("function"), bound.span), find_of(lower)):
            bound.refuse("unit")
            rows_of_groups(lower, event, [n.Item("_bucket", bucketed), *series], bound)
        else:
            width = n.Item(event.rows.fresh(), size)
            gathered = functions_of(lower, event, bound)
            group(lower, event, [n.Item("_bucket", bucketed), *series, *([width] if bound.has("unit") else [])], gathered, bound.span)
            _convert(event, gathered, e.Column(width.name, Type.TIMESPAN), bound)
            _cut_series(event, [k.name for k in series], gathered, bound)
        order(event, tuple(e.SortKey(event.peek(name)) for name in ("_bucket", *(k.name for k in series))), None, bound)

    return run


def _time_of(event: Event, bound: Bound) -> e.Expr | None:
    """Return the time of the event; E305 where the rows have none."""
    time = event.peek("@timestamp")
    if not is_null(time):
        return event.hold(moment(time))
    if not bound.context.open_schema:
        bound.context.diagnostics.error("E305", f"{bound.function.name} needs the time of the event, which the rows here do not have", bound.span)
        return None
    return e.null(Type.DATETIME)


def _span_of(event: Event, time: e.Expr, bound: Bound) -> e.Expr | None:
    least = duration(bound, "minSpan") or 0
    written = bound.text("span")
    if written is None or written.lower() == "auto":
        said = "no span is given: it is chosen from the events' own times, where LogScale goes by the time range of the search"
        bound.context.diagnostics.warn("W139", said, bound.span, help="write span=1h")
        return _own_span(event, time, least, bound)
    found = duration(bound, "span")
    return e.Literal(found, Type.TIMESPAN) if found else None


def _own_span(event: Event, time: e.Expr, least: int, bound: Bound) -> e.Expr:
    """Return the smallest width of an even length that makes at most a hundred buckets of the events, or as many as `buckets` says."""
    low, high = event.rows.fresh(), event.rows.fresh()
    held = event.hold(time)
    items = (n.Item(low, window("agg.min", held)), n.Item(high, window("agg.max", held)))
    event.rows.wrap(n.Window(event.rows.flush(), items, bound.span))
    whole = call("time.difference", e.Column(high, Type.DATETIME), e.Column(low, Type.DATETIME))
    many = max(bound.whole("buckets", 100), 1) if bound.has("buckets") else 100
    widths = [max(UNITS[unit] * times, least) for unit, times in _WIDTHS]
    arms = tuple((call("compare.le", whole, e.Literal(many * width, Type.TIMESPAN)), e.Literal(width, Type.TIMESPAN)) for width in widths)
    return event.hold(e.Case(arms, e.Literal(max(UNITS["mon"], least), Type.TIMESPAN), Type.TIMESPAN))


def _numbers(event: Event, gathered: Gathered) -> list[str]:
    """Return the columns of the functions that hold numbers."""
    return [i.name for i in gathered.items if (value := event.fields.get(i.name)) is not None and value.type.numeric]


def _convert(event: Event, gathered: Gathered, width: e.Expr, bound: Bound) -> None:
    """Multiply the values by what their unit says: one unit for all functions, or one for each."""
    units = [w.text for w in bound.words("unit")]
    many = len(bound.items("function")) or 1
    if not units:
        return
    if len(units) not in (1, many):
        bound.wrong("unit", "one unit, or as many as there are functions")
        return
    if len(units) > 1 and many != len(gathered.items):
        bound.refuse("unit")
        return
    by = [factor(bound, unit, width) for unit in units]
    for place, item in enumerate(gathered.items):
        times = by[place if len(by) > 1 else 0]
        if times is not None and item.name in _numbers(event, gathered):
            value = coerce.real(event.fields[item.name])
            event.replace(item.name, call("number.multiply", value, times, type=Type.REAL, span=bound.place("unit")))


def _cut_series(event: Event, series: list[str], gathered: Gathered, bound: Bound) -> None:
    """Keep as many series as the limit says, those with the greatest sum of all their numbers; without a limit keep all, and say it."""
    if not series:
        return
    if not bound.has("limit"):
        probe = bound.context.probe
        kinds = n.Distinct(n.Project(event.rows.flush(), tuple(n.Item(x, event.fields[x]) for x in series)))
        if probe is not None and not bound.context.diagnostics.failed and more_rows(probe, kinds, _SERIES):
            said = f"there are more than {_SERIES} series: LogScale shows {_SERIES} where no limit is given; here every series comes out"
            bound.context.diagnostics.warn("W133", said, bound.span, help=f"limit={_MOST_SERIES} asks for the most")
        return
    limit = bound.whole("limit", _SERIES)
    if not 1 <= limit <= _MOST_SERIES:
        bound.wrong("limit", f"a whole number from 1 to {_MOST_SERIES}")
        return
    keys = tuple(event.fields[x] for x in series)
    sums, rank = event.rows.fresh(), event.rows.fresh()
    held = event.hold(total_of(event, gathered))
    items = (n.Item(sums, window("agg.sum", held, type=Type.REAL, partition_by=(*event.partition, *keys))),)
    event.rows.wrap(n.Window(event.rows.flush(), items, bound.span))
    by = (e.SortKey(e.Column(sums, Type.REAL), True), *(e.SortKey(k) for k in keys))
    event.rows.wrap(n.Window(event.rows.flush(), (n.Item(rank, window("window.dense_rank", partition_by=event.partition, order_by=by)),), bound.span))
    event.keep(call("compare.le", e.Column(rank, Type.LONG), e.whole(limit)), bound.place("limit"))


_PARAMETERS = ("function", "limit", "buckets", "minSpan", "timezone", "unit")

FUNCTIONS = (
    Function("bucket", "rows", ("span", "field", *_PARAMETERS), _bucket(chart=False)),
    Function("timeChart", "rows", ("series", "span", *_PARAMETERS), _bucket(chart=True)),
)
