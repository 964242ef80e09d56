"""Functions of ES|QL over dates, in UTC.

https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/date-time-functions
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from livefire.languages.esql import dates, durations
from livefire.languages.esql import values as v
from livefire.languages.esql.use import Builder, Use
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Apply, Argument, Constant, Name
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_UNITS: dict[str, tuple[str, int]] = {}
for _words, _meaning in (
    ("nanosecond nanoseconds ns", ("nanoseconds", 100)),
    ("microsecond microseconds mcs", ("ticks", 10)),
    ("millisecond milliseconds ms", ("ticks", 10_000)),
    ("second seconds ss s", ("ticks", 10_000_000)),
    ("minute minutes mi n", ("ticks", 600_000_000)),
    ("hour hours hh", ("ticks", 36_000_000_000)),
    ("day days dd d dayofyear dy y weekday weekdays dw", ("ticks", 864_000_000_000)),
    ("week weeks wk ww", ("ticks", 6_048_000_000_000)),
    ("month months mm m", ("months", 1)),
    ("quarter quarters qq q", ("months", 3)),
    ("year years yy yyyy", ("months", 12)),
):
    _UNITS.update(dict.fromkeys(_words.split(), _meaning))
_PARTS = {
    "year": "year",
    "year_of_era": "year",
    "month_of_year": "month",
    "day_of_month": "day",
    "day_of_year": "day_of_year",
    "hour_of_day": "hour",
    "minute_of_hour": "minute",
    "second_of_minute": "second",
    "milli_of_second": "millisecond",
}


def now(_: Use) -> Value:
    """`now()`."""
    return Value(e.Parameter("now", Type.DATETIME), Kind.DATE)


def difference(use: Use) -> Value:
    """`date_diff(unit, start, end)`: whole units, cut toward zero."""
    unit = use.constant(0)
    if unit is None:
        return v.null(Kind.INT)
    found = _UNITS.get(unit.lower())
    if found is None:
        use.expressions.error("E206", f"date_diff has no unit {unit!r}", use.ast(0).span, "use second, minute, hour, day, week, month or year")
        return v.null(Kind.INT)
    start, end = use.date(1), use.date(2)
    kind, size = found
    if kind == "nanoseconds":
        whole = call("number.or_null", _times(call("time.difference", end, start), size))
    elif kind == "ticks":
        whole = call("number.divide_whole", call("time.difference", end, start), e.whole(size), span=use.span)
    else:
        whole = call("number.divide_whole", call("time.months_between", start, end), e.whole(size), span=use.span)
    return Value(call("convert.to_int", whole), Kind.INT)


def extract(use: Use) -> Value:
    """`date_extract(part, date)`."""
    part = use.constant(0)
    if part is None:
        return v.null(Kind.LONG)
    date = use.date(1)
    word = part.lower()
    if word == "day_of_week":
        # Monday is 1 and Sunday 7; the meaning counts from Sunday 0.
        sunday = call("time.part", date, e.text("day_of_week"), span=use.span)
        return Value(e.Case(((call("compare.eq", sunday, e.whole(0)), e.whole(7)),), sunday, Type.LONG), Kind.LONG)
    if word == "epoch_day":
        return Value(call("number.divide_whole", call("time.to_epoch", date, e.text("s")), e.whole(86_400), span=use.span), Kind.LONG)
    if word in ("minute_of_day", "second_of_day"):
        parts = {p: call("time.part", date, e.text(p)) for p in ("hour", "minute", "second")}
        minutes = _plus(_times(parts["hour"], 60), parts["minute"])
        return Value(minutes if word == "minute_of_day" else _plus(_times(minutes, 60), parts["second"]), Kind.LONG)
    if word in _COMPUTED:
        return Value(_COMPUTED[word](date), Kind.LONG)
    if word not in _PARTS:
        use.expressions.error("E305", f"date_extract has no part {part!r} here", use.ast(0).span, "use " + ", ".join(_PARTS))
        return v.null(Kind.LONG)
    return Value(call("time.part", date, e.text(_PARTS[word]), span=use.span), Kind.LONG)


def _of(part: str, shift: int = 0, by: int = 1, rest: int = 0) -> Callable[[e.Expr], e.Expr]:
    """Return a part of a date, shifted, divided, and what is left of a division by `rest`."""

    def build(date: e.Expr) -> e.Expr:
        found: e.Expr = call("time.part", date, e.text(part))
        found = _plus(found, e.whole(shift)) if shift else found
        found = call("number.divide_whole", found, e.whole(by)) if by > 1 else found
        return call("number.modulo", found, e.whole(rest), type=Type.LONG) if rest else found

    return build


def _within_day(factor: int, divisor: int) -> Callable[[e.Expr], e.Expr]:
    """Return the milliseconds since midnight, times and divided by a number: dates of Elasticsearch have milliseconds."""

    def build(date: e.Expr) -> e.Expr:
        parts = [call("time.part", date, e.text(p)) for p in ("hour", "minute", "second", "millisecond")]
        found: e.Expr = parts[0]
        for part, size in zip(parts[1:], (60, 60, 1000), strict=True):
            found = _plus(_times(found, size), part)
        return call("number.divide_whole", _times(found, factor), e.whole(divisor))

    return build


def _more(build: Callable[[e.Expr], e.Expr], factor: int = 1, shift: int = 0) -> Callable[[e.Expr], e.Expr]:
    return lambda date: _plus(_times(build(date), factor), e.whole(shift))


# The parts of java.time.temporal.ChronoField that are worked out from others.
_COMPUTED: dict[str, Callable[[e.Expr], e.Expr]] = {
    "aligned_day_of_week_in_month": _more(_of("day", -1, rest=7), shift=1),
    "aligned_day_of_week_in_year": _more(_of("day_of_year", -1, rest=7), shift=1),
    "aligned_week_of_month": _more(_of("day", -1, by=7), shift=1),
    "aligned_week_of_year": _more(_of("day_of_year", -1, by=7), shift=1),
    "ampm_of_day": _of("hour", by=12),
    "clock_hour_of_ampm": _more(_of("hour", 11, rest=12), shift=1),
    "clock_hour_of_day": _more(_of("hour", 23, rest=24), shift=1),
    "hour_of_ampm": _of("hour", rest=12),
    "era": _more(_of("year"), 0, 1),
    "offset_seconds": _more(_of("year"), 0),
    "proleptic_month": lambda date: _plus(_times(_of("year")(date), 12), _of("month", -1)(date)),
    "instant_seconds": lambda date: call("time.to_epoch", date, e.text("s")),
    "milli_of_day": _within_day(1, 1),
    "micro_of_day": _within_day(1_000, 1),
    "nano_of_day": _within_day(1_000_000, 1),
    "micro_of_second": _more(_of("millisecond"), 1_000),
    "nano_of_second": _more(_of("millisecond"), 1_000_000),
}


def _plus(a: e.Expr, b: e.Expr) -> e.Expr:
    return call("number.add", a, b, type=Type.LONG)


def _times(a: e.Expr, factor: int) -> e.Expr:
    return call("number.multiply", a, e.whole(factor), type=Type.LONG)


def show(use: Use) -> Value:
    """`date_format([pattern, ]date)`; without a pattern as yyyy-MM-dd'T'HH:mm:ss.SSSZ."""
    if use.count == 1:
        return Value(call("time.format", use.date(0), e.text("%Y-%m-%dT%H:%M:%S.%gZ"), span=use.span), Kind.TEXT)
    form = _pattern(use, 0)
    return Value(call("time.format", use.date(1), e.text(form), span=use.span), Kind.TEXT) if form is not None else v.null(Kind.TEXT)


def parse(use: Use) -> Value:
    """`date_parse([pattern, ]text)`: null for a text that does not fit."""
    if use.count == 1:
        return Value(iso(use.text(0)), Kind.DATE)
    pattern = use.constant(0)
    if pattern is None:
        return v.null(Kind.DATE)
    form = dates.reading(pattern)
    if form is None:
        words = f"a date cannot be read by the pattern {pattern!r} here"
        return use.expressions.error("E305", words, use.ast(0).span, "use yyyy MM dd HH mm ss SSS, and XXX at the end", Kind.DATE)
    text = use.text(1)
    shaped = call("text.matches_regex", text, e.text(form.shape))
    # The engine knows no Z for the zone.
    plain = call("text.replace_regex", text, e.text(r"Z\z"), e.text("+00:00")) if form.zoned else text
    found = call("time.parse_format", plain, e.text(form.strptime), span=use.span)
    return Value(e.Case(((shaped, found),), e.null(Type.DATETIME), Type.DATETIME), Kind.DATE)


_WHOLE = r"\A\d{4}(?:-\d\d(?:-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?)?)?\z"


def iso(text: e.Expr) -> e.Expr:
    """Read a text in Elasticsearch's form only (strict_date_optional_time): a year, and as much more as there is."""
    shaped = call("text.matches_regex", text, e.text(_WHOLE))
    # The engine needs month, day and minutes written.
    full = call("text.replace_regex", text, e.text(r"\A(\d{4})\z"), e.text(r"\1-01"))
    full = call("text.replace_regex", full, e.text(r"\A(\d{4}-\d\d)\z"), e.text(r"\1-01"))
    full = call("text.replace_regex", full, e.text(r"(T\d\d)(Z|[+-].*)?\z"), e.text(r"\1:00\2"))
    return e.Case(((shaped, call("time.parse", full)),), e.null(Type.DATETIME), Type.DATETIME)


def _pattern(use: Use, place: int) -> str | None:
    text = use.constant(place)
    if text is None:
        return None
    form = dates.strftime(text)
    if form is None:
        use.expressions.error("E305", f"the date pattern {text!r} has letters that are not supported", use.ast(place).span, "use yyyy MM dd HH mm ss SSS")
    elif "%G" in form:
        words = "YYYY is the year of the week, and about New Year it differs from yyyy; here weeks are those of ISO 8601, in Elasticsearch those of its locale"
        use.expressions.context.diagnostics.warn("W178", words, use.ast(place).span, help="write yyyy")
    return form


def named(form: str) -> Builder:
    """Return the builder of a name of a day or month, in English."""

    def build(use: Use) -> Value:
        return Value(call("time.format", use.date(0), e.text(form), span=use.span), Kind.TEXT)

    return build


def truncate(use: Use) -> Value:
    """`date_trunc(span, date)`."""
    return _cut(use, 1, 0)


def _cut(use: Use, date: int, span: int) -> Value:
    duration = durations.read(use.ast(span))
    if duration is None:
        use.expressions.error("E104", f"argument {span + 1} of {use.node.function} must be a time span", use.ast(span).span, "write 1 hour or 1 day")
        return v.null(Kind.DATE)
    return Value(durations.cut(use.date(date), duration, use.span, use.expressions.context), Kind.DATE)


def bucket(use: Use) -> Value:
    """`bucket(date, span)`, `bucket(number, size)`, and both with a wanted number of buckets between two constants."""
    if use.count == 3:
        return use.expressions.error("E105", "bucket takes 2 or 4 arguments, found 3", use.span)
    if use.count == 4:
        return _counted(use, 0, 1)
    if durations.read(use.ast(1)) is not None:
        return _cut(use, 0, 1)
    size = use.value(1)
    if not size.kind.numeric or not isinstance(size.expr, e.Literal) or not isinstance(size.expr.value, (int, float)) or size.expr.value <= 0:
        use.expressions.error("E104", "the size of a bucket is a time span, or a number above 0", use.ast(1).span)
        return v.null(Kind.DOUBLE)
    width = v.number(size)
    steps = call("number.floor", call("number.divide", v.number(use.number(0)), width), type=Type.REAL)
    return Value(call("number.multiply", steps, width, type=Type.REAL, span=use.span), Kind.DOUBLE)


def time_bucket(use: Use) -> Value:
    """`tbucket(span)` and `tbucket(number of buckets, from, to)` of @timestamp."""
    if use.count == 1 and durations.read(use.ast(0)) is None:
        words = "tbucket with a number of buckets needs the range of time here"
        return use.expressions.error("E305", words, use.span, "write tbucket(20, from, to), or give the span", Kind.DATE)
    stamp = Argument(Name("@timestamp", use.span), span=use.span)
    return bucket(Use(use.expressions, Apply("bucket", (stamp, *use.node.args), use.span, use.node.name_span)))


# The sizes that Elasticsearch chooses from, largest first, each with the seconds or months in it.
_MONTHLY = (12, 1)
_TIMED = (604_800, 86_400, 43_200, 10_800, 3_600, 1_800, 600, 300, 60, 30, 10, 5, 1, 0.1, 0.05, 0.01, 0.001)


def _counted(use: Use, subject: int, wanted: int) -> Value:
    """Return buckets of the smallest round size of which no more than the wanted number cover the range.

    https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/grouping-functions/bucket
    """
    most = use.constant_whole(wanted)
    if most is None or most < 1:
        return use.expressions.error("E104", "the wanted number of buckets is a whole number above 0", use.ast(wanted).span)
    value = use.value(subject)
    if value.kind.numeric:
        return _counted_numbers(use, value, most)
    ends = [_constant_date(use, i) for i in (2, 3)]
    if ends[0] is None or ends[1] is None:
        return v.null(Kind.DATE)
    start, end = ends[0], ends[1]
    if end < start:
        return use.expressions.error("E104", "the range of bucket ends before it begins", use.ast(3).span, kind=Kind.DATE)
    size = _round_size(start, end, most)
    return Value(durations.cut(use.date(subject), size, use.span, use.expressions.context), Kind.DATE)


def _counted_numbers(use: Use, value: Value, most: int) -> Value:
    ends = [use.value(i).expr for i in (2, 3)]
    numbers = [x.value for x in ends if isinstance(x, e.Literal) and isinstance(x.value, (int, float)) and not isinstance(x.value, bool)]
    if len(numbers) != 2 or numbers[1] <= numbers[0]:
        return use.expressions.error("E305", "the range of bucket must be two constant numbers, the lesser first", use.span, kind=Kind.DOUBLE)
    exact = (float(numbers[1]) - float(numbers[0])) / most
    power = 10.0 ** math.ceil(math.log10(exact))
    width = e.Literal(power / 2 if exact < power / 2 else power, Type.REAL)
    steps = call("number.floor", call("number.divide", v.number(value), width), type=Type.REAL)
    return Value(call("number.multiply", steps, width, type=Type.REAL, span=use.span), Kind.DOUBLE)


def _constant_date(use: Use, place: int) -> datetime | None:
    node = use.ast(place)
    found = dates.read(str(node.value)) if isinstance(node, Constant) else None
    if found is None or not isinstance(found.value, datetime):
        use.expressions.error(
            "E305", "the range of bucket must be dates in quotes here", node.span, 'write "2026-01-31T00:00:00Z", or give the size of a bucket'
        )
        return None
    return found.value


def _round_size(start: datetime, end: datetime, most: int) -> durations.Duration:
    best = durations.Duration(months=_MONTHLY[0], unit="year")
    for months in _MONTHLY:
        first, last = (d.year * 12 + d.month - 1 for d in (start, end))
        touched = -(-last // months) if (end.day, end.time()) == (1, datetime.min.time()) and last % months == 0 else last // months + 1
        if touched - first // months > most:
            return best
        best = durations.Duration(months=months, unit="month")
    for seconds in _TIMED:
        micros = round(seconds * 1_000_000)
        # Weeks begin on Monday, four days after the epoch's Thursday less one.
        shift = 4 * 86_400_000_000 if seconds == _TIMED[0] else 0
        first, last = ((d - datetime(1970, 1, 1)) // timedelta(microseconds=1) - shift for d in (start, end))
        if -(-last // micros) - first // micros > most:
            return best
        best = durations.Duration(ticks=micros * 10, unit="week" if shift else "")
    return best
