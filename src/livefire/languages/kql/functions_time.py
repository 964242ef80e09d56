"""Time functions. https://learn.microsoft.com/kusto/query/scalar-functions#datetimetimespan-functions"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from livefire.languages.kql import coerce
from livefire.languages.kql.calls import Scalar, Site
from livefire.languages.kql.literals import DAY
from livefire.languages.kql.scope import fill
from livefire.plan import expr as e
from livefire.plan.functions import all_of, call
from livefire.schema import Type

_TICKS = {
    "week": 7 * DAY, "day": DAY, "hour": 36_000_000_000, "minute": 600_000_000, "second": 10_000_000, "millisecond": 10_000, "microsecond": 10,
    "nanosecond": 0,
}  # fmt: skip
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_PARTS = {
    "year": "year", "quarter": "quarter", "month": "month", "week_of_year": "week_of_year", "weekofyear": "week_of_year", "day": "day",
    "dayofyear": "day_of_year",
    "dayofmonth": "day", "hour": "hour", "minute": "minute", "second": "second", "millisecond": "millisecond", "monthofyear": "month", "hourofday": "hour",
}  # fmt: skip


def ticks(value: int) -> e.Expr:
    """Return a constant timespan."""
    return e.Literal(value, Type.TIMESPAN)


def whole_times(count: e.Expr, size: int) -> e.Expr:
    """Return a number of timespans of one size; null for more of them than 64 bits hold."""
    return call("number.multiply", _within(coerce.narrow(count, Type.LONG), (2**63 - 1) // max(size, 1)), e.whole(size), type=Type.TIMESPAN)


def _within(count: e.Expr, most: int) -> e.Expr:
    """Return a number, null where it is greater, or less than the same below 0."""
    if isinstance(count, e.Literal):
        return count if isinstance(count.value, int) and abs(count.value) <= most else e.null(Type.LONG)
    inside = all_of(call("compare.ge", count, e.whole(-most)), call("compare.le", count, e.whole(most)))
    return e.Case(((inside, count),), e.null(Type.LONG), Type.LONG)


def bin_value(site: Site) -> e.Expr:
    """`bin(value, size)`."""
    value, size = site.args
    if value.type is Type.DYNAMIC:
        value = coerce.to_datetime(value) if size.type is Type.TIMESPAN else coerce.to_real(value)
    if value.type is Type.UNKNOWN:
        return e.null(Type.DATETIME if size.type is Type.TIMESPAN else size.type)
    if value.type is Type.DATETIME:
        return site.call("time.bin", value, coerce.fit(size, Type.TIMESPAN) if size.type is Type.UNKNOWN else _size(site, size))
    if value.type is Type.TIMESPAN:
        return site.call("number.bin", value, _size(site, size), type=Type.TIMESPAN)
    if not value.type.numeric or not size.type.numeric:
        site.wrong(0, "a number, datetime or timespan")
        return e.null(value.type)
    if value.type is Type.DECIMAL:
        # A size of 0.1 is a tenth here, which no real is.
        return site.call("number.bin", value, coerce.read_constant(coerce.to_decimal(size)), type=Type.DECIMAL)
    wide = coerce.wider(value.type, size.type)
    wide = Type.LONG if wide is Type.INT else wide
    return site.call("number.bin", coerce.fit(value, wide), coerce.fit(size, wide), type=wide)


def _size(site: Site, size: e.Expr) -> e.Expr:
    if size.type is Type.TIMESPAN:
        return size
    if size.type.integral:
        return coerce.to_timespan(size)
    site.wrong(1, "a timespan", "write it as 1d, 1h, 5m …")
    return ticks(DAY)


def _bin_at(site: Site) -> e.Expr:
    value, size, origin = site.args
    if value.type is Type.DATETIME:
        return site.call("time.bin_at", value, _size(site, size), coerce.fit(origin, Type.DATETIME))
    if value.type is not Type.TIMESPAN:
        for place, arg in enumerate(site.args):
            if not arg.type.numeric and arg.type is not Type.UNKNOWN:
                site.wrong(place, "a number, datetime or timespan")
                return e.null(Type.REAL)
    kind = Type.TIMESPAN if value.type is Type.TIMESPAN else coerce.meet([a.type for a in site.args]) or Type.REAL
    kind = Type.LONG if kind is Type.INT else kind
    value, size, origin = (coerce.fit(a, kind) for a in site.args)
    cut = call("number.bin", call("number.subtract", value, origin, type=kind), size, type=kind)
    return site.call("number.add", cut, origin, type=kind)


def _bin_auto(site: Site) -> e.Expr:
    """`bin_auto(value)`: the size, and where the bins begin, are settings of the query. https://learn.microsoft.com/kusto/query/bin-auto-function"""
    size, origin = (site.scope.frame.find(f"set query_bin_auto_{x}") for x in ("size", "at"))
    if not isinstance(size, e.Literal):
        return site.refuse("the size of its bins is set outside the query", "begin with: set query_bin_auto_size=1h;")
    # What is wrong with a setting is shown at the call that it is for.
    node = replace(site.node, args=site.node.args * 3)
    if isinstance(origin, e.Literal):
        return _bin_at(replace(site, node=node, args=(site.args[0], size, origin)))
    return bin_value(replace(site, node=node, args=(site.args[0], size)))


def _start_of(unit: str) -> Callable[[Site], e.Expr]:
    def lower(site: Site) -> e.Expr:
        start = site.call("time.start_of", site.moment(0), e.text(unit))
        return _moved(start, unit, site.long(1)) if site.has(1) else start

    return lower


def _moved(value: e.Expr, unit: str, count: e.Expr) -> e.Expr:
    if unit in _MONTHS:
        return call(
            "time.add_months", value, call("number.multiply", _within(coerce.narrow(count, Type.LONG), 120_000), e.whole(_MONTHS[unit]), type=Type.LONG)
        )
    return call("time.add", value, whole_times(count, _TICKS[unit]))


def _end_of(unit: str) -> Callable[[Site], e.Expr]:
    def lower(site: Site) -> e.Expr:
        start = site.call("time.start_of", site.moment(0), e.text(unit))
        offset = call("number.add", _within(coerce.narrow(site.long(1), Type.LONG), 2**62), e.whole(1), type=Type.LONG) if site.has(1) else e.whole(1)
        # The last moment that a datetime of ours can tell: a microsecond before the next start.
        return call("time.subtract", _moved(start, unit, offset), ticks(10))

    return lower


def _part(name: str) -> Scalar:
    return Scalar(lambda s: coerce.narrow(s.call("time.part", s.moment(0), e.text(name)), Type.INT), 1, 1)


def _datetime_part(site: Site) -> e.Expr:
    name = site.constant_text(0).lower()
    if name not in _PARTS:
        return site.refuse(f"the part {name!r} is not run", "parts: " + ", ".join(_PARTS))
    return coerce.narrow(site.call("time.part", site.moment(1), e.text(_PARTS[name])), Type.INT)


def _day_of_week(site: Site) -> e.Expr:
    return whole_times(site.call("time.part", site.moment(0), e.text("day_of_week")), DAY)


def _unit(site: Site) -> str | None:
    name = site.constant_text(0).lower()
    if name in _TICKS or name in _MONTHS:
        return name
    site.scope.error("E107", f"no period is named {name!r}", site.node.args[0].span, "periods: " + ", ".join([*_MONTHS, *_TICKS]))
    return None


def _datetime_add(site: Site) -> e.Expr:
    unit = _unit(site)
    if unit is None:
        return e.null(Type.DATETIME)
    if unit == "nanosecond":
        return site.refuse("datetimes here have microseconds")
    return _moved(site.moment(2), unit, site.long(1))


def _datetime_diff(site: Site) -> e.Expr:
    """Whole periods between the starts of the periods the two datetimes lie in."""
    unit = _unit(site)
    if unit is None:
        return e.null(Type.LONG)
    first, second = site.moment(1), site.moment(2)
    if unit in _MONTHS:
        return _month_diff(first, second, unit)
    if unit in ("microsecond", "nanosecond"):
        size = 10 if unit == "microsecond" else 1
        spread = site.call("time.difference", first, second)
        return call("logic.cast", spread, type=Type.LONG) if size == 1 else call("number.divide_whole", spread, e.whole(size), type=Type.LONG)
    starts = [_floor(x, unit) for x in (first, second)]
    return call("number.divide_whole", site.call("time.difference", *starts), e.whole(_TICKS[unit]), type=Type.LONG)


def _floor(value: e.Expr, unit: str) -> e.Expr:
    if unit in ("millisecond", "second", "minute", "hour"):
        return call("time.bin", value, ticks(_TICKS[unit]))
    return call("time.start_of", value, e.text(unit))


def _month_diff(first: e.Expr, second: e.Expr, unit: str) -> e.Expr:
    def count(value: e.Expr) -> e.Expr:
        year = call("time.part", value, e.text("year"))
        if unit == "year":
            return year
        inner = call("time.part", value, e.text(unit))
        return call("number.add", call("number.multiply", year, e.whole(12 // _MONTHS[unit]), type=Type.LONG), inner, type=Type.LONG)

    return call("number.subtract", count(first), count(second), type=Type.LONG)


def _make_datetime(site: Site) -> e.Expr:
    if len(site.args) == 1:
        return coerce.to_datetime(site.args[0])
    if len(site.args) < 3:
        return site.scope.error("E105", "make_datetime takes year, month and day", site.span)
    parts = [site.long(i) if site.has(i) else e.whole(0) for i in range(5)]
    seconds = site.real(5) if site.has(5) else e.Literal(0.0, Type.REAL)
    return site.call("time.of_parts", *parts, seconds)


def _make_timespan(site: Site) -> e.Expr:
    if len(site.args) == 1:
        return coerce.to_timespan(site.args[0])
    sizes = [36_000_000_000, 600_000_000] if len(site.args) == 2 else [36_000_000_000, 600_000_000, 10_000_000]
    if len(site.args) == 4:
        sizes = [DAY, *sizes]
    total = ticks(0)
    for place, size in enumerate(sizes[: len(site.args)]):
        part = call(
            "logic.cast",
            call("number.to_long", call("number.multiply", site.real(place), e.Literal(float(size), Type.REAL), type=Type.REAL)),
            type=Type.TIMESPAN,
        )
        total = call("number.add", total, part, type=Type.TIMESPAN)
    return total


_DATE_FORMAT = re.compile(r"yyyy|yy|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|tt|f{1,7}|F{1,7}|[^A-Za-z]|[TZ]|.", re.DOTALL)
_STRFTIME = {
    "yyyy": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "tt": "%p",
}  # fmt: skip


def _format_datetime(site: Site) -> e.Expr:
    value, pattern = site.moment(0), site.constant_text(1)
    parts: list[e.Expr] = []
    plain = ""
    for piece in _DATE_FORMAT.findall(pattern):
        if piece in _STRFTIME:
            plain += _STRFTIME[piece]
        elif piece[0] in "fF" and piece == piece[0] * len(piece):
            parts.extend([call("time.format", value, e.text(plain))] if plain else [])
            plain = ""
            digits = call("text.concat", call("time.format", value, e.text("%f")), e.text("0"))
            cut = call("text.slice", digits, e.whole(0), e.whole(len(piece)))
            parts.append(call("text.trim_end", cut, e.text("0")) if piece[0] == "F" else cut)
        elif len(piece) == 1 and (not piece.isalpha() or piece in "TZ"):
            plain += "%%" if piece == "%" else piece
        else:
            return site.refuse(f"the format letter {piece!r} is not one of Kusto's", "letters: d, f, F, h, H, m, M, s, t, y")
    parts.extend([call("time.format", value, e.text(plain))] if plain else [])
    return fill(call("text.concat", *parts)) if parts else e.text("")


_SPAN_FORMAT = re.compile(r"d{1,8}|hh|HH|h|H|mm|m|ss|s|f{1,7}|F{1,7}|[^A-Za-z]|.", re.DOTALL)


def _format_timespan(site: Site) -> e.Expr:
    value, pattern = site.span_of_time(0), site.constant_text(1)
    size = call("number.abs_wrapping", call("logic.cast", value, type=Type.LONG))

    def part(divisor: int, modulus: int | None, width: int) -> e.Expr:
        number = call("number.divide_whole", size, e.whole(divisor), type=Type.LONG)
        if modulus is not None:
            number = call("number.modulo", number, e.whole(modulus), type=Type.LONG)
        return call("text.pad_left", call("number.text", number), e.whole(width), e.text("0"))

    parts: list[e.Expr] = []
    for piece in _SPAN_FORMAT.findall(pattern):
        match piece[0]:
            case "d":
                parts.append(part(DAY, None, len(piece)))
            case "h" | "H":
                parts.append(part(_TICKS["hour"], 24, len(piece)))
            case "m":
                parts.append(part(_TICKS["minute"], 60, len(piece)))
            case "s":
                parts.append(part(_TICKS["second"], 60, len(piece)))
            case "f" | "F":
                parts.append(call("text.slice", part(1, 10_000_000, 7), e.whole(0), e.whole(len(piece))))
            case letter if not letter.isalpha():
                parts.append(e.text(piece))
            case _:
                return site.refuse(f"the format letter {piece!r} is not one of Kusto's", "letters: d, h, H, m, s, f, F")
    return fill(call("text.concat", *parts)) if parts else e.text("")


def _unixtime(divisor: float, unit: str) -> Scalar:
    def lower(site: Site) -> e.Expr:
        value = site.args[0]
        if value.type.integral and divisor == 1:
            return site.call("time.from_epoch", value, e.text(unit))
        scaled = call("number.multiply", site.real(0), e.Literal({"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}[unit], Type.REAL), type=Type.REAL)
        return site.call("time.from_epoch", call("number.to_long", scaled), e.text("us"))

    return Scalar(lower, 1, 1)


def _zone(meaning: str) -> Scalar:
    def lower(site: Site) -> e.Expr:
        zone = site.string(1)
        if isinstance(zone, e.Literal) and not _known_zone(str(zone.value)):
            return site.scope.error("E107", f"no time zone is named {zone.value!r}", site.node.args[1].span, "name one as 'Europe/Paris'")
        return site.call(meaning, site.moment(0), zone)

    return Scalar(lower, 2, 2)


def _known_zone(name: str) -> bool:
    from zoneinfo import available_timezones

    return name in available_timezones()


def _ingestion_time(site: Site) -> e.Expr:
    """The event time stands for the time of ingestion, which a loaded file does not have."""
    for name in ("_TimeReceived", "TimeGenerated"):
        found = site.scope.columns.get(name)
        if found is not None and found.type is Type.DATETIME:
            if name == "TimeGenerated":
                message = "ingestion_time() is not kept here; TimeGenerated is read instead"
                site.scope.context.diagnostics.warn("W124", message, site.span, help="filter on TimeGenerated")
            return found
    if site.scope.open:
        return e.null(Type.DATETIME)
    return site.refuse("the rows have no time of ingestion", "use the event time")


TIME: dict[str, Scalar] = {
    "bin": Scalar(bin_value, 2, 2), "floor": Scalar(bin_value, 2, 2), "bin_at": Scalar(_bin_at, 3, 3), "bin_auto": Scalar(_bin_auto, 1, 1),
    **{f"startof{u}": Scalar(_start_of(u), 1, 2) for u in ("day", "week", "month", "year")},
    **{f"endof{u}": Scalar(_end_of(u), 1, 2) for u in ("day", "week", "month", "year")},
    "dayofmonth": _part("day"), "dayofyear": _part("day_of_year"), "hourofday": _part("hour"), "week_of_year": _part("week_of_year"),
    "weekofyear": _part("week_of_year"), "monthofyear": _part("month"), "getyear": _part("year"), "getmonth": _part("month"),
    "dayofweek": Scalar(_day_of_week, 1, 1), "datetime_part": Scalar(_datetime_part, 2, 2), "datepart": Scalar(_datetime_part, 2, 2),
    "datetime_add": Scalar(_datetime_add, 3, 3), "datetime_diff": Scalar(_datetime_diff, 3, 3), "make_datetime": Scalar(_make_datetime, 1, 6),
    "make_timespan": Scalar(_make_timespan, 1, 4), "format_datetime": Scalar(_format_datetime, 2, 2), "format_timespan": Scalar(_format_timespan, 2, 2),
    "unixtime_seconds_todatetime": _unixtime(1, "s"), "unixtime_milliseconds_todatetime": _unixtime(1, "ms"),
    "unixtime_microseconds_todatetime": _unixtime(1, "us"), "unixtime_nanoseconds_todatetime": _unixtime(1000, "ns"),
    "datetime_local_to_utc": _zone("time.zone_to_utc"), "datetime_utc_to_local": _zone("time.utc_to_zone"),
    "ingestion_time": Scalar(_ingestion_time, 0, 0),
}  # fmt: skip
