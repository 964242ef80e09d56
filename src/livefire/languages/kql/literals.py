"""The values of typed literals: `datetime(…)`, `timespan(…)`, `int(…)` and their like."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from livefire.languages.kql.lexer import NANOS, UNITS
from livefire.plan.expr import Scalar
from livefire.schema import Type

TYPES: dict[str, Type] = {
    "bool": Type.BOOL, "boolean": Type.BOOL, "datetime": Type.DATETIME, "date": Type.DATETIME, "decimal": Type.DECIMAL, "double": Type.REAL,
    "real": Type.REAL, "float": Type.REAL, "guid": Type.GUID, "uuid": Type.GUID, "uniqueid": Type.GUID, "int": Type.INT, "int32": Type.INT,
    "long": Type.LONG, "int64": Type.LONG, "string": Type.STRING, "time": Type.TIMESPAN, "timespan": Type.TIMESPAN, "dynamic": Type.DYNAMIC,
    "object": Type.DYNAMIC,
}  # fmt: skip

_UNIT = re.compile(r"(-?)\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_CLOCK = re.compile(r"([-+])?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7})\d*)?)?")
_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2}))?(?:(?:[T\s]\s*)(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|GMT|[-+](?:0?\d|1[0-4])(?::?[0-5]\d)?)?"
)
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?:[T\s]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?\s*(AM|PM)?)?\s*(Z)?", re.IGNORECASE)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T\s]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?Z?")
_GUID = re.compile(r"\{?([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})\}?")
_MONTHS = {m: i + 1 for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])}
_NAMED = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(?:(\d{1,2})[\s-]+([A-Za-z]{3,9})|([A-Za-z]{3,9})\s+(\d{1,2}),?)[\s-]+(\d{2}|\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*(?:GMT|UTC|Z)?"
)
DAY = 864_000_000_000


class LiteralError(ValueError):
    """A text that is no value of its type; `str` is the reason."""


def read_value(type: Type, text: str) -> Scalar:
    """Return the value of a literal's text in the form a plan holds, None for null; LiteralError if it is none."""
    text = text.strip()
    if text.lower() == "null":
        return None
    return _READERS[type](text)


def read_timespan(text: str) -> int:
    """Return ticks for `1d`, `1.02:03:04.5`, or a bare number of days; LiteralError otherwise."""
    text = text.strip()
    if match := _UNIT.fullmatch(text):
        sign, number, unit = match.groups()
        ticks = Decimal(number) * UNITS[unit] if unit in UNITS else Decimal(number) / 100 if unit in NANOS else None
        if ticks is not None:
            return int(ticks) * (-1 if sign else 1)
    if match := _CLOCK.fullmatch(text):
        return _clock(match)
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text) * DAY
    raise LiteralError("a timespan is written 1d, 2h, 30m, 10s, 100ms or d.hh:mm:ss.fffffff")


def _clock(match: re.Match[str]) -> int:
    sign, days, hours, minutes, seconds, fraction = match.groups()
    if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:
        raise LiteralError("hours go to 23, minutes and seconds to 59")
    whole = int(days or 0) * 86_400 + int(hours) * 3_600 + int(minutes) * 60 + int(seconds or 0)
    ticks = whole * 10_000_000 + int((fraction or "0").ljust(7, "0"))
    return -ticks if sign == "-" else ticks


def read_datetime(text: str) -> datetime:
    """Return naive UTC with microseconds; LiteralError for what is no datetime."""
    text = re.sub(r"\s*-\s*(?=\d)", "-", text.strip()) if re.match(r"\d{4}\s+-", text.strip()) else text.strip()
    try:
        return _datetime(text)
    except (ValueError, OverflowError) as error:
        raise LiteralError("a datetime is written 2026-01-31 or 2026-01-31T23:59:59.123Z") from error


def _datetime(text: str) -> datetime:
    if match := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        moment = datetime(int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), _micros(fraction))
        return moment - _offset(zone)
    if match := _SLASHED.fullmatch(text):
        month, day, year, hour, minute, second, fraction, half, _ = match.groups()
        hours = int(hour or 0) % 12 + (12 if half.upper() == "PM" else 0) if half else int(hour or 0)
        return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0), _micros(fraction))
    if match := _NAMED.fullmatch(text):
        day, word, other_word, other_day, year, hour, minute, second = match.groups()
        month_number = _MONTHS.get((word or other_word)[:3].lower(), 0)
        full_year = int(year) + ((2000 if int(year) < 50 else 1900) if len(year) == 2 else 0)
        return datetime(full_year, month_number, int(day or other_day), int(hour or 0), int(minute or 0), int(second or 0))
    if match := _COMPACT.fullmatch(text):
        return datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # six numbers, no tzinfo
    if re.fullmatch(r"\d+(\s*,\s*\d+){2,5}", text):
        return datetime(*(int(part) for part in text.split(",")))  # type: ignore[arg-type]  # numbers, no tzinfo
    if re.fullmatch(r"\d{4}", text):
        return datetime(int(text), 1, 1)
    raise ValueError(text)


def _micros(fraction: str | None) -> int:
    return int((fraction or "0")[:6].ljust(6, "0"))


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in ("Z", "UTC", "GMT"):
        return timedelta(0)
    digits = zone[1:].replace(":", "")
    digits = (digits.zfill(2) + "00" if len(digits) < 3 else digits).rjust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -size if zone[0] == "-" else size


def _read_bool(text: str) -> bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text) != 0
    raise LiteralError("a bool is true or false")


def _whole(text: str, bits: int) -> int:
    match = re.fullmatch(r"([-+]?)\s*(0[xX][0-9a-fA-F]+|\d+)", text)
    if match is None:
        raise LiteralError("a whole number is expected")
    value = int(match[2], 0) if match[2][:2].lower() == "0x" else int(match[2])
    value = -value if match[1] == "-" else value
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise LiteralError(f"the number does not fit {bits} bits")
    return value


def _read_real(text: str) -> float:
    special = {"nan": "nan", "+inf": "inf", "inf": "inf", "-inf": "-inf"}.get(text.lower())
    try:
        return float(special or text.replace(" ", ""))
    except ValueError as error:
        raise LiteralError("a number is expected") from error


def _read_decimal(text: str) -> Decimal:
    try:
        value = Decimal(text.replace(" ", ""))
    except InvalidOperation as error:
        raise LiteralError("a decimal number is expected") from error
    if not value.is_finite():
        raise LiteralError("a decimal number is expected")
    return value


def read_guid(text: str) -> str:
    """Return a guid in its lower-case form with hyphens; LiteralError if it is none."""
    match = _GUID.fullmatch(text.strip())
    if match is None:
        raise LiteralError("a guid has 32 hexadecimal digits")
    return "-".join(match.groups()).lower()


def utc(moment: datetime) -> datetime:
    """Return a datetime as naive UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


_READERS: dict[Type, Callable[[str], Scalar]] = {
    Type.BOOL: _read_bool,
    Type.INT: lambda text: _whole(text, 32),
    Type.LONG: lambda text: _whole(text, 64),
    Type.REAL: _read_real,
    Type.DECIMAL: _read_decimal,
    Type.DATETIME: read_datetime,
    Type.TIMESPAN: read_timespan,
    Type.GUID: read_guid,
}
