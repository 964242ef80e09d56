"""Time spans as written: `1 hour`, `7 days`, "1 month"; dates cut to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.esql.expression_parser import DURATIONS, PERIODS
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Apply, Ast, Constant
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_TICKS = {"day": 864_000_000_000, "week": 6_048_000_000_000}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_TEXT = re.compile(r"\s*(-?\d{1,9})\s*([A-Za-z]+)\s*")
_EPOCH = e.Literal(datetime(1970, 1, 1), Type.DATETIME)


@dataclass(frozen=True, slots=True)
class Duration:
    """A number of ticks of 100 ns, or of calendar months; `unit` is empty below a day."""

    ticks: int = 0
    months: int = 0
    unit: str = ""
    amount: int = 0

    def value(self) -> Value:
        """Return the duration as an operand of + and -."""
        if self.months:
            return Value(e.Literal(self.months, Type.LONG), Kind.PERIOD)
        return Value(e.Literal(self.ticks, Type.TIMESPAN), Kind.SPAN)


def of_unit(amount: int, word: str) -> Duration | None:
    """Return the duration of a number and a unit, None for an unknown unit or one too long."""
    word = word.lower()
    if word in DURATIONS:
        found = Duration(ticks=amount * DURATIONS[word], amount=amount)
    elif word in PERIODS:
        unit = PERIODS[word]
        found = Duration(amount * _TICKS.get(unit, 0), amount * _MONTHS.get(unit, 0), unit, amount)
    else:
        return None
    return found if abs(found.ticks) < 2**62 and abs(found.months) < 120_000 else None


def read(node: Ast) -> Duration | None:
    """Return the duration that a node writes: a literal, a text, or a cast of a text; None for anything else."""
    match node:
        case Apply(function="~span", args=(amount, unit)):
            count, word = amount.value, unit.value
            if isinstance(count, Constant) and isinstance(word, Constant) and isinstance(count.value, int):
                return of_unit(count.value, str(word.value))
        case Apply(function="to_timeduration" | "to_dateperiod", args=(inner,)):
            return read(inner.value)
        case Constant(value=str() as text):
            match = _TEXT.fullmatch(text)
            return of_unit(int(match[1]), match[2]) if match else None
    return None


def cut(value: e.Expr, duration: Duration, span: Span, context: Context) -> e.Expr:
    """Return a date rounded down to a duration, as DATE_TRUNC and BUCKET do.

    Weeks begin on Monday; more than one day, week or hour is counted from 1970.
    https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/date-time-functions/date_trunc
    """
    if duration.ticks <= 0 and duration.months <= 0:
        context.diagnostics.error("E104", "a span of zero or less cannot cut a date", span)
        return e.null(Type.DATETIME)
    whole = {1: "month", 3: "quarter", 12: "year"}.get(duration.months)
    if whole is not None:
        return call("time.start_of", value, e.text(whole), span=span)
    if duration.months:
        words = "only one month, quarter or year can cut a date here"
        context.diagnostics.error("E305", words, span, help="use 1 month, 1 quarter or 1 year")
        return e.null(Type.DATETIME)
    if duration.ticks == _TICKS["week"]:
        return call("time.start_of", value, e.text("week_monday"), span=span)
    if duration.unit == "week":
        context.diagnostics.error("E305", "only one week can cut a date here", span, help="use 1 week or a number of days")
        return e.null(Type.DATETIME)
    return call("time.bin_at", value, e.Literal(duration.ticks, Type.TIMESPAN), _EPOCH, span=span)
