"""Spark's spelling of the aggregates and window functions whose outcome no order of rows can change."""

from __future__ import annotations

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall


def _count(printer: Printer, call: Call) -> str:
    if not call.args:
        return "count(1)"
    distinct = "DISTINCT " if isinstance(call, e.Aggregate) and call.distinct else ""
    return f"count({distinct}{printer.expr(call.args[0])})"


def _count_distinct(printer: Printer, call: Call) -> str:
    if len(call.args) > 1:
        raise ValueError("tuples are counted where they are carried")
    return f"count(DISTINCT {printer.expr(call.args[0])})"


FUNCTIONS: dict[str, Spelling] = {
    "agg.count": _count,
    "agg.count_distinct": _count_distinct,
    # A sum of whole numbers may leave 64 bits on its way and come back, so it is kept wide until the end.
    "agg.sum": "CAST(sum(CAST({0} AS DECIMAL(38, 0)))/*filter*//*over*/ AS BIGINT)",
    "agg.sum_wrapping": (
        "CAST(pmod(sum(CAST({0} AS DECIMAL(38, 0)))/*filter*//*over*/ + 9223372036854775808BD, 18446744073709551616BD) - 9223372036854775808BD AS BIGINT)"
    ),
    "agg.min": "min({0})",
    "agg.max": "max({0})",
    "window.row_number": "CAST(row_number()/*over*/ AS BIGINT)",
}
