"""Lengths of time as CQL writes them: 15m, 24hr, 1day, 500ms.

https://library.humio.com/data-analysis/syntax-time-relative.html
"""

from __future__ import annotations

import re

from livefire.languages.cql.handler import Bound
from livefire.schema import TICKS_PER_SECOND

_WRITTEN = re.compile(
    r"(\d+(?:\.\d+)?)?\s*(ms|millis|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|mon|months?|q|qtrs?|quarters?|y|yrs?|years?)",
    re.IGNORECASE,
)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "mon": 2_592_000.0, "q": 7_776_000.0, "y": 31_536_000.0}
UNITS = {unit: int(seconds * TICKS_PER_SECOND) for unit, seconds in _SECONDS.items()}


def ticks(written: str) -> int | None:
    """Return a length of time in ticks of 100 ns; months are 30 days and years 365. None for what is none."""
    found = _WRITTEN.fullmatch(written.strip())
    if found is None:
        return None
    unit = found.group(2).lower()
    short = "ms" if unit == "ms" or unit.startswith("milli") else "mon" if unit.startswith("mon") else unit[0]
    return round(float(found.group(1) or 1) * _SECONDS[short] * TICKS_PER_SECOND)


def duration(bound: Bound, name: str, default: str | None = None) -> int | None:
    """Return an argument that is a length of time, in ticks; E107 for what is none."""
    written = bound.text(name, default)
    if written is None:
        return None
    found = ticks(written)
    if found is None:
        bound.wrong(name, "a length of time such as 15m")
    return found
