"""Dates of Elasticsearch in a filter: texts with parts missing, and date math.

https://www.elastic.co/docs/reference/elasticsearch/rest-apis/common-options#date-math
https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-range-query#missing-date-components
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import TICKS_PER_SECOND, Type

_ISO = re.compile(r"(\d{4})(?:-(\d\d?)(?:-(\d\d?)(?:T(\d\d?)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?)?)?(Z|[+-]\d\d:?\d\d)?")
_MATH = re.compile(r"([+-])(\d*)([yMwdhHms])|/([yMwdhHms])")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "H": 3_600, "m": 60, "s": 1}
_STARTS = {"y": "year", "M": "month", "w": "week_monday", "d": "day", "h": "hour", "H": "hour", "m": "minute", "s": "second"}
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = e.Literal(10, Type.TIMESPAN)


@dataclass(frozen=True, slots=True)
class Moments:
    """The first and the last moment that a date stands for: a day has many, an instant one."""

    first: e.Expr
    last: e.Expr


def read(text: str) -> Moments | None:
    """Return what a date stands for, None for a text that is no date.

    Without a zone it is UTC. `now` is the parameter of the run; a number is milliseconds since 1970.
    """
    if text.startswith("now"):
        now = e.Parameter("now", Type.DATETIME)
        found: Moments | None = Moments(now, now)
        math = text[3:]
    else:
        anchor, _, math = text.partition("||")
        found = _iso(anchor)
    at = 0
    while found is not None and at < len(math):
        step = _MATH.match(math, at)
        if step is None:
            return None
        found, at = _step(found, step), step.end()
    return found


def milliseconds(count: int) -> Moments | None:
    """Return the moment so many milliseconds after 1970; None for one beyond the calendar."""
    try:
        return _between(_EPOCH + timedelta(milliseconds=count), timedelta(0))
    except OverflowError:
        return None


def _step(moments: Moments, step: re.Match[str]) -> Moments:
    sign, count, unit, rounded = step.groups()
    if rounded:
        start = call("time.start_of", moments.first, e.text(_STARTS[rounded]))
        return Moments(start, call("time.subtract", _shifted(start, 1, rounded), _MICROSECOND))
    amount = int(count[:9] or 1) * (1 if sign == "+" else -1)
    return Moments(_shifted(moments.first, amount, unit), _shifted(moments.last, amount, unit))


def _shifted(moment: e.Expr, amount: int, unit: str) -> e.Expr:
    if unit in "yM":
        return call("time.add_months", moment, e.whole(amount * (12 if unit == "y" else 1)))
    return call("time.add", moment, e.Literal(amount * _SECONDS[unit] * TICKS_PER_SECOND, Type.TIMESPAN))


def _iso(text: str) -> Moments | None:
    match = _ISO.fullmatch(text)
    try:
        if re.fullmatch(r"-?\d{5,15}", text):
            return milliseconds(int(text))
        if match is None:
            return None
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        micros = int((fraction or "0").ljust(6, "0")[:6])
        start = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), micros) - _offset(zone)
        # Only a missing time of day is filled up; a missing day or month is the first.
        width = next((w for part, w in ((hour, 86_400), (minute, 3_600), (second, 60), (fraction, 1)) if part is None), 0)
        return _between(start, timedelta(seconds=width))
    except (ValueError, OverflowError):
        return None


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta(0)
    digits = zone[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return shift if zone[0] == "+" else -shift


def _between(first: datetime, width: timedelta) -> Moments:
    last = first + width - timedelta(microseconds=1) if width else first
    return Moments(e.Literal(first, Type.DATETIME), e.Literal(last, Type.DATETIME))
