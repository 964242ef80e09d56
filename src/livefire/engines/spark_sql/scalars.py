"""Spark's spelling of truth and comparison, for the types that it compares as DuckDB does.

Arithmetic is not here: a whole number that leaves 64 bits ends a run, but not on every place that speaks Spark.
"""

from __future__ import annotations

from livefire.engines.sql import COMPARISONS, Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall


def _joined(word: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        return "(" + f" {word} ".join(printer.expr(a) for a in call.args) + ")"

    return spell


def variadic(name: str) -> Spelling:
    """Return a spelling that hands every argument to a function; of one argument alone it is that argument."""

    def spell(printer: Printer, call: Call) -> str:
        args = [printer.expr(a) for a in call.args]
        return args[0] if len(args) == 1 else f"{name}({', '.join(args)})"

    return spell


def _in(printer: Printer, call: Call) -> str:
    needle, *options = (printer.expr(a) for a in call.args)
    return f"({needle} IN ({', '.join(options)}))"


FUNCTIONS: dict[str, Spelling] = {
    "logic.and": _joined("AND"),
    "logic.or": _joined("OR"),
    "logic.not": "(NOT {0})",
    "logic.is_true": "COALESCE({0}, FALSE)",
    "logic.is_null": "({0} IS NULL)",
    "logic.coalesce": variadic("COALESCE"),
    "logic.null_if": "NULLIF({0}, {1})",
    **COMPARISONS,
    # Not `<=>`: Sail joins on it and on `=` at once as if both took null for equal to null.
    "compare.same": "(COALESCE({0} = {1}, FALSE) OR ({0} IS NULL AND {1} IS NULL))",
    "compare.in": _in,
    "compare.greatest": variadic("greatest"),
    "compare.least": variadic("least"),
}
