"""Lengths of time as configurations and rule files write them: 90s, 5m, 1h30m, 7d, PT5M, P14D."""

from __future__ import annotations

import re
from datetime import timedelta

_SHORT = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,6})s)?")
_ISO = re.compile(r"P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?")
_CLOCK = re.compile(r"(?:(\d{1,6})\.)?(\d{1,2}):(\d{2}):(\d{2})")
_PARTS = ("weeks", "days", "hours", "minutes", "seconds")


def span(text: str) -> timedelta:
    """Return a length of time above zero; ValueError for any other text."""
    said = text.strip()
    clock = _CLOCK.fullmatch(said)
    if clock:
        days, hours, minutes, seconds = (int(g or 0) for g in clock.groups())
        found = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    else:
        match = _ISO.fullmatch(said) if said.startswith("P") else _SHORT.fullmatch(said.lower())
        found = timedelta(**{name: int(g or 0) for name, g in zip(_PARTS, match.groups(), strict=True)}) if match else timedelta(0)
    if found <= timedelta(0):
        raise ValueError(f"{text!r} is no length of time: write 90s, 5m, 1h30m or 7d")
    return found


def shown(length: timedelta) -> str:
    """Return a length of time as `span` reads it: 1h30m."""
    rest = int(length.total_seconds())
    parts = []
    for letter, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts) or "0s"
