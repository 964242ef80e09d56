"""Spark's spelling of the meanings over time; session time is UTC, moments have no zone and microseconds."""

from __future__ import annotations

from livefire.engines.sql import Spelling

_MICROS = "unix_micros(CAST({} AS TIMESTAMP))"
_ZERO, _ONE = _MICROS.format("{0}"), _MICROS.format("{1}")

FUNCTIONS: dict[str, Spelling] = {
    "time.difference": f"(({_ZERO} - {_ONE}) * 10)",
}
