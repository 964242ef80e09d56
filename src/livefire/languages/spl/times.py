"""Time modifiers: `-24h@h`, `now`, `@w1`, epoch seconds, `11/21/2026:00:00:00`.

https://docs.splunk.com/Documentation/Splunk/latest/Search/Specifytimemodifiersinyoursearch
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from livefire.plan import expr as e
from livefire.plan.expr import Expr
from livefire.plan.functions import call
from livefire.schema import TICKS_PER_SECOND, Type

NOW = e.Parameter("now", Type.DATETIME)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MONTHS = {"mon": 1, "q": 3, "y": 12}
_UNITS = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "minute", "minutes", "mins"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "week", "weeks"),
    "mon": ("mon", "month", "months"),
    "q": ("q", "qtr", "qtrs", "quarter", "quarters"),
    "y": ("y", "yr", "yrs", "year", "years"),
}
UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_SNAP = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mon": "month", "q": "quarter", "y": "year"}
_PART = re.compile(r"(?P<sign>[+-])(?P<count>\d*)(?P<unit>[a-zA-Z]+)|@(?P<snap>[a-zA-Z]+)(?P<day>[0-7])?")
# Ten thousand years: no moment further off is one that events have.
_FAR = 10_000 * 31_622_400
_DIGITS = 9
_LENGTH = 40
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?::(\d{1,2}):(\d{2}):(\d{2}))?")


def moment(text: str, origin: Expr = NOW) -> Expr | None:
    """Return the moment of a time modifier as a datetime, or None when it is none."""
    body = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", body) and len(body) < 16:
        try:
            return e.Literal(datetime(1970, 1, 1) + timedelta(seconds=float(body)), Type.DATETIME)
        except OverflowError:
            return None
    date = _DATE.fullmatch(body)
    if date:
        month, day, year, *clock = date.groups()
        try:
            hour, minute, second = (int(c or 0) for c in clock)
            return e.Literal(datetime(int(year), int(month), int(day), hour, minute, second), Type.DATETIME)
        except ValueError:
            return None
    if body.lower() in ("now", "now()"):
        return origin
    return _relative(body.lower().removeprefix("now"), origin)


def _relative(body: str, origin: Expr) -> Expr | None:
    value, place = origin, 0
    while place < len(body):
        match = _PART.match(body, place)
        if match is None:
            return None
        step = _shift(value, match) if match["sign"] else _snap(value, match["snap"], match["day"])
        if step is None:
            return None
        value, place = step, match.end()
    return value if body else None


def _shift(value: Expr, match: re.Match[str]) -> Expr | None:
    unit = UNIT_OF.get(match["unit"])
    if unit is None or len(match["count"]) > 9:
        return None
    count = int(match["count"] or 1) * (-1 if match["sign"] == "-" else 1)
    if abs(count) * (_SECONDS[unit] if unit in _SECONDS else _MONTHS[unit] * 2_678_400) > _FAR:
        return None
    return shift(value, count, unit)


def shift(value: Expr, count: int, unit: str) -> Expr:
    """Return a moment some units later."""
    if unit in _MONTHS:
        return call("time.add_months", value, e.whole(count * _MONTHS[unit]))
    return call("time.add", value, e.Literal(count * _SECONDS[unit] * TICKS_PER_SECOND, Type.TIMESPAN))


def _snap(value: Expr, word: str, day: str | None) -> Expr | None:
    unit = UNIT_OF.get(word)
    if unit is None or (day and unit != "w"):
        return None
    if not day:
        return call("time.start_of", value, e.text(_SNAP[unit]))
    # @w3 is the latest Wednesday: go back as many days, find the Sunday, come forward again.
    offset = int(day) % 7
    return shift(call("time.start_of", shift(value, -offset, "d"), e.text("week")), offset, "d")


def span_of(text: str) -> tuple[float, str] | None:
    """Return number and unit (`''` for a plain number, `log`) of a span such as 10m, 1mon, 500ms; None when it is none."""
    body = text.strip()
    # A long run of digits could be parted in too many ways.
    match = re.fullmatch(r"(\d*\.?\d*)(us|ms|cs|ds|[a-zA-Z]*)(\d*)", body) if len(body) <= _LENGTH else None
    if match is None or (not match[1] and not match[2]) or match[1] == "." or len(match[1]) > _DIGITS or len(match[3]) > _DIGITS:
        return None
    count = float(match[1] or 1)
    word = match[2].lower()
    if word.startswith("log"):
        return count, f"log{match[3] or '10'}" if word == "log" else ""
    if match[3]:
        return None
    if word in ("us", "ms", "cs", "ds") or not word:
        return count, word
    unit = UNIT_OF.get(word)
    return (count, unit) if unit else None
