"""Spark's spelling of the meanings over text that it has with the same outcome."""

from __future__ import annotations

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall


def _constant(arg: e.Expr) -> str | None:
    return arg.value if isinstance(arg, e.Literal) and isinstance(arg.value, str) else None


def _lower(printer: Printer, arg: e.Expr) -> str:
    """Write an argument in lower case.

    DuckDB takes each letter by itself; Java writes a last sigma in its final form and a dotted
    capital I as two characters, so these two are put right first.
    """
    constant = _constant(arg)
    if constant is not None:
        return printer.literal(e.text("".join("i" if c == "\u0130" else "\u03c3" if c == "\u03a3" else c.lower() for c in constant)))
    return f"lower(translate({printer.expr(arg)}, '\u0130\u03a3', 'i\u03c3'))"


def _fold(template: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        return template.format(*(_lower(printer, a) for a in call.args))

    return spell


def _in_fold(printer: Printer, call: Call) -> str:
    needle, *options = (_lower(printer, a) for a in call.args)
    return f"({needle} IN ({', '.join(options)}))"


def _concat(printer: Printer, call: Call) -> str:
    return "(" + " || ".join(printer.expr(a) for a in call.args) + ")"


FUNCTIONS: dict[str, Spelling] = {
    "text.equals_fold": _fold("({0} = {1})"),
    "text.in_fold": _in_fold,
    "text.contains": "contains({0}, {1})",
    "text.contains_fold": _fold("contains({0}, {1})"),
    "text.starts_with": "startswith({0}, {1})",
    "text.starts_with_fold": _fold("startswith({0}, {1})"),
    "text.ends_with": "endswith({0}, {1})",
    "text.ends_with_fold": _fold("endswith({0}, {1})"),
    "text.lower": _fold("{0}"),
    "text.length": "CAST(char_length({0}) AS BIGINT)",
    "text.concat": _concat,
}
