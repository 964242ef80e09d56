"""Units of charts: `bytes/span to Kbytes/day` says by what the values of a bucket are multiplied.

https://library.humio.com/data-analysis/syntax-time.html (Rate Unit Conversion)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from livefire.languages.cql.handler import Bound
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import TICKS_PER_SECOND, Type

_BASE = re.compile(r"(?P<many>[0-9]+)?(?:(?P<prefix>[KMGP])(?P<binary>i)?)?(?: ?[^/]*)?")
_TIME = re.compile(r"\s*(?P<many>[0-9]+)?\s*(?P<unit>[A-Za-z]+)\s*")
_POWERS = {"K": 1, "M": 2, "G": 3, "P": 5}
_SECONDS = (("seconds", 1.0), ("minutes", 60.0), ("milliseconds", 0.001), ("hours", 3600.0), ("days", 86_400.0))


@dataclass(frozen=True, slots=True)
class Rate:
    """One side of a conversion: how many it counts by, and per how many seconds, or spans where `spans` is set; neither for a plain unit."""

    size: float
    seconds: float | None = None
    spans: float | None = None


def factor(bound: Bound, written: str, span: e.Expr) -> e.Expr | None:
    """Return what a unit multiplies values by, None for a unit that converts nothing; E107 for what is no conversion.

    `span` is the width of the bucket, a timespan. A plain unit before `to` is one per bucket.
    """
    left, to, right = re.sub(r"\s+", " ", written.strip()).partition(" to ")
    sides = [_rate(left), _rate(right)] if to else [_rate(left)]
    if None in sides:
        bound.wrong("unit", "a conversion such as bytes/span to Kbytes/day")
        return None
    if not to:
        said = f"the unit {written!r} names no other to convert to: the values stay as they are"
        bound.context.diagnostics.warn("W236", said, bound.place("unit"), help='write unit="… to …"')
        return None
    source, target = (side for side in sides if side is not None)
    if target.seconds is None and target.spans is None:
        bound.wrong("unit", "a rate after `to`, such as Kbytes/day")
        return None
    if source.seconds is None and source.spans is None:
        source = Rate(source.size, spans=1.0)
    constant = source.size / target.size * (target.seconds or target.spans or 1.0) / (source.seconds or source.spans or 1.0)
    if (source.spans is None) == (target.spans is None):
        return e.Literal(constant, Type.REAL)
    ticks = call("logic.cast", span, type=Type.REAL)
    seconds = call("number.divide", ticks, e.Literal(float(TICKS_PER_SECOND), Type.REAL))
    if source.spans is None:
        return call("number.multiply", e.Literal(constant, Type.REAL), seconds, type=Type.REAL)
    return call("number.divide", e.Literal(constant, Type.REAL), seconds)


def _rate(written: str) -> Rate | None:
    base, slash, time = written.partition("/")
    found = _BASE.fullmatch(base.strip())
    if found is None:
        return None
    size = float(found["many"] or 1) * (1024.0 if found["binary"] else 1000.0) ** _POWERS.get(found["prefix"] or "", 0)
    if not slash:
        return Rate(size)
    per = _TIME.fullmatch(time)
    if per is None or size == 0 or float(per["many"] or 1) == 0:
        return None
    many, unit = float(per["many"] or 1), per["unit"].lower()
    if unit in ("span", "bucket"):
        return Rate(size, spans=many)
    seconds = 0.001 if unit == "ms" else 60.0 if unit in ("m", "mi") else next((s for name, s in _SECONDS if name.startswith(unit)), None)
    return Rate(size, seconds=many * seconds) if seconds else None
