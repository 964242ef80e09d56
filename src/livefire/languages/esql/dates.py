"""Dates in texts, and the letters of Java's date patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from livefire.plan import expr as e
from livefire.schema import Type

_ISO = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?")
_LETTERS = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "y": "%Y",
    "u": "%Y",
    "YYYY": "%G",
    "yy": "%y",
    "uu": "%y",
    "MM": "%m",
    "M": "%-m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "d": "%-d",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%g",
    "SSSSSS": "%f",
    "a": "%p",
    "EEE": "%a",
    "E": "%a",
    "EEEE": "%A",
    "DDD": "%j",
    "D": "%-j",
    "EE": "%a",
    "X": "Z",
    "XX": "Z",
    "XXX": "Z",
    "Z": "+0000",
    "xx": "+0000",
    "xxx": "+00:00",
}
# What each letter takes of a text: Java counts digits strictly, and knows the names of days and months in this case only.
_TAKES = {
    **dict.fromkeys(("yyyy", "uuuu"), r"\d{4}"),
    **dict.fromkeys(("MM", "dd", "HH", "hh", "mm", "ss"), r"\d{2}"),
    **dict.fromkeys(("M", "d", "H", "h", "m", "s"), r"\d{1,2}"),
    "DDD": r"\d{3}",
    "SSS": r"\d{3}",
    "SSSSSS": r"\d{6}",
    "a": "(?:AM|PM)",
    **dict.fromkeys(("MMM", "EEE", "EE", "E"), "[A-Z][a-z]{2}"),
    **dict.fromkeys(("MMMM", "EEEE"), "[A-Z][a-z]+"),
}
_ZONES = {
    "X": r"(?:Z|[+-]\d{2}(?:\d{2})?)",
    "XX": r"(?:Z|[+-]\d{4})",
    "XXX": r"(?:Z|[+-]\d{2}:\d{2})",
    "Z": r"[+-]\d{4}",
    "xx": r"[+-]\d{4}",
    "xxx": r"[+-]\d{2}:\d{2}",
}
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']", re.DOTALL)


def read(text: str) -> e.Literal | None:
    """Return the date in a text of the form Elasticsearch reads (strict_date_optional_time), None for any other."""
    match = _ISO.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        micros = int((fraction or "0").ljust(6, "0")[:6])
        moment = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), micros)
        if zone and zone != "Z":
            digits = zone[1:].replace(":", "").ljust(4, "0")
            moment = datetime.fromisoformat(f"{moment.isoformat()}{zone[0]}{digits[:2]}:{digits[2:]}").astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return e.Literal(moment, Type.DATETIME)


@dataclass(frozen=True, slots=True)
class Form:
    """How a text is read by a Java date pattern: the shape it must have, the strptime form, and whether it ends with a zone."""

    shape: str
    strptime: str
    zoned: bool


def reading(pattern: str) -> Form | None:
    """Return how a Java date pattern reads a text, None for one that cannot be read here."""
    shape, form, place, zoned = "", "", 0, False
    for match in _PIECE.finditer(pattern):
        letters = match.group() if match.group(2) else ""
        if match.start() != place or zoned or (letters and letters not in _TAKES and letters not in _ZONES):
            return None
        place = match.end()
        if letters in _ZONES:
            zoned, shape, form = True, shape + _ZONES[letters], form + "%z"
        elif letters:
            shape, form = shape + _TAKES[letters], form + _LETTERS[letters].replace("%-", "%")
        else:
            literal = match.group() if match.group(1) is None else match.group(1).replace("''", "'") or "'"
            shape, form = shape + re.escape(literal), form + literal.replace("%", "%%")
    return Form(rf"\A{shape}\z", form, zoned) if place == len(pattern) else None


def strftime(pattern: str) -> str | None:
    """Return the strftime form of a Java date pattern, None for one with letters that have none."""
    out = ""
    place = 0
    for match in _PIECE.finditer(pattern):
        if match.start() != place:
            return None
        place = match.end()
        quoted, letter = match.group(1), match.group(2)
        if quoted is not None:
            out += (quoted.replace("''", "'") or "'").replace("%", "%%")
        elif letter is None:
            out += match.group().replace("%", "%%")
        elif match.group() in _LETTERS:
            out += _LETTERS[match.group()]
        else:
            return None
    return out if place == len(pattern) else None
