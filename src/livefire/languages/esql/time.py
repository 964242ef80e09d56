"""Functions of ES|QL over dates, in UTC.

https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/date-time-functions
"""

from __future__ import annotations

from livefire.languages.esql import dates, durations
from livefire.languages.esql import values as v
from livefire.languages.esql.use import Builder, Use
from livefire.languages.esql.values import Kind, Value
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_UNITS: dict[str, tuple[str, int]] = {}
for _words, _meaning in (
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
    if kind == "ticks":
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
    if word not in _PARTS:
        use.expressions.error("E305", f"date_extract has no part {part!r} here", use.ast(0).span, "use " + ", ".join(_PARTS))
        return v.null(Kind.LONG)
    return Value(call("time.part", date, e.text(_PARTS[word]), span=use.span), Kind.LONG)


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
        return Value(call("time.parse", use.text(0), span=use.span), Kind.DATE)
    form = _pattern(use, 0)
    if form is None:
        return v.null(Kind.DATE)
    return Value(call("time.parse_format", use.text(1), e.text(form.replace("%-", "%")), span=use.span), Kind.DATE)


def _pattern(use: Use, place: int) -> str | None:
    text = use.constant(place)
    if text is None:
        return None
    form = dates.strftime(text)
    if form is None:
        use.expressions.error("E305", f"the date pattern {text!r} has letters that are not supported", use.ast(place).span, "use yyyy MM dd HH mm ss SSS")
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
    """`bucket(date, span)` and `bucket(number, size)`; a wanted number of buckets is refused."""
    if use.count != 2:
        words = "bucket with a wanted number of buckets is not supported"
        use.expressions.error("E305", words, use.span, "give the size: bucket(@timestamp, 1 hour)")
        return v.null(Kind.NULL)
    if durations.read(use.ast(1)) is not None:
        return _cut(use, 0, 1)
    size = use.value(1)
    if not size.kind.numeric or not isinstance(size.expr, e.Literal) or not isinstance(size.expr.value, (int, float)) or size.expr.value <= 0:
        use.expressions.error("E104", "the size of a bucket is a time span, or a number above 0", use.ast(1).span)
        return v.null(Kind.DOUBLE)
    width = v.number(size)
    steps = call("number.floor", call("number.divide", v.number(use.number(0)), width), type=Type.REAL)
    return Value(call("number.multiply", steps, width, type=Type.REAL, span=use.span), Kind.DOUBLE)
