"""Comparison of a date field with a text, a date expression of Elasticsearch, or milliseconds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_COMPARE = {"<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}
_ISO = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?)?)?(Z|[+-]\d\d:?\d\d)?")
_MATH = re.compile(r"([+-])(\d*)([yMwdhHms])")
_TICKS = {"w": 6_048_000_000_000, "d": 864_000_000_000, "h": 36_000_000_000, "H": 36_000_000_000, "m": 600_000_000, "s": 10_000_000}
_DAY = timedelta(days=1)


def compare(context: Context, operator: str, value: e.Expr, literal: e.Literal, span: Span) -> e.Expr:
    """Compare a datetime with a constant.

    A date without a time of day is its start under `<` and `>=` and its last moment under `>` and
    `<=`; `==` takes the whole of it.
    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-range-query#missing-date-components
    """
    bounds = _bounds(literal.value)
    if bounds is None:
        help = 'write "2026-01-31", "2026-01-31T10:00:00Z" or "now-1h"'
        if isinstance(literal.value, str) and "/" in literal.value:
            context.diagnostics.error("E305", "rounding in a date (`/d`) is not supported", span, help=help)
        else:
            context.diagnostics.error("E104", f"a date cannot be compared with {literal.value!r}", span, help=help)
        return e.null(Type.BOOL)
    first, last = bounds
    if operator in ("==", "!="):
        same = call("logic.and", call("compare.ge", value, first), call("compare.le", value, last), span=span)
        return same if operator == "==" else call("logic.not", same)
    return call(_COMPARE[operator], value, last if operator in (">", "<=") else first, span=span)


def _bounds(constant: e.Scalar) -> tuple[e.Expr, e.Expr] | None:
    """Return the first and last moment that a constant stands for."""
    if isinstance(constant, int) and not isinstance(constant, bool):
        return _moments(datetime(1970, 1, 1), timedelta(0), constant)
    if not isinstance(constant, str):
        return None
    anchor, _, math = constant.partition("||") if "||" in constant else (constant, "", "")
    if constant.startswith("now"):
        anchor, math = "now", constant[3:]
    shifts = _MATH.findall(math)
    if "".join(a + b + c for a, b, c in shifts) != math:
        return None
    if anchor == "now":
        bounds: tuple[e.Expr, e.Expr] | None = (e.Parameter("now", Type.DATETIME), e.Parameter("now", Type.DATETIME))
    else:
        bounds = _iso(anchor)
    if bounds is None:
        return None
    first, last = bounds
    for sign, count, unit in shifts:
        amount = int(count[:9] or 1) * (1 if sign == "+" else -1)
        first, last = _shift(first, amount, unit), _shift(last, amount, unit)
    return first, last


def _iso(text: str) -> tuple[e.Expr, e.Expr] | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return _moments(datetime(1970, 1, 1), timedelta(0), int(text)) if re.fullmatch(r"-?\d{5,15}", text) else None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        micros = int((fraction or "0").ljust(6, "0")[:6])
        moment = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), micros)
        moment -= _offset(zone)
        if hour is None:
            width = _DAY
        elif minute is None:
            width = timedelta(hours=1)
        elif second is None:
            width = timedelta(minutes=1)
        else:
            width = timedelta(seconds=1) if fraction is None else timedelta(0)
        return _moments(moment, width, 0)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta(0)
    digits = zone[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return shift if zone[0] == "+" else -shift


def _moments(start: datetime, width: timedelta, milliseconds: int) -> tuple[e.Expr, e.Expr] | None:
    try:
        first = start + timedelta(milliseconds=milliseconds)
        last = first + width - timedelta(microseconds=1) if width else first
    except OverflowError:
        return None
    return e.Literal(first, Type.DATETIME), e.Literal(last, Type.DATETIME)


def _shift(moment: e.Expr, amount: int, unit: str) -> e.Expr:
    if unit in ("y", "M"):
        return call("time.add_months", moment, e.whole(amount * (12 if unit == "y" else 1)))
    return call("time.add", moment, e.Literal(amount * _TICKS[unit], Type.TIMESPAN))
