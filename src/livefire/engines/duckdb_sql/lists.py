"""DuckDB's spelling of the meanings over the elements of an array (VARCHAR holding JSON text), and of the most frequent value."""

from __future__ import annotations

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_ELEMENTS = "CAST(json_extract({0}, '$[*]') AS VARCHAR[])"


def _parts(printer: Printer, call: Call) -> tuple[str, str, str]:
    """Return the elements of the first argument, and the parameter and body of the second, a lambda."""
    function = call.args[1]
    if not isinstance(function, e.Lambda):
        raise ValueError(f"{call.function} takes a lambda")
    return _ELEMENTS.format(printer.expr(call.args[0])), printer.name(function.parameters[0].name), printer.expr(function.body)


def _filter(printer: Printer, call: Call) -> str:
    elements, name, body = _parts(printer, call)
    return f"('[' || array_to_string(list_filter({elements}, LAMBDA {name}: COALESCE({body}, FALSE)), ',') || ']')"


def _position(printer: Printer, call: Call) -> str:
    elements, pattern = _ELEMENTS.format(printer.expr(call.args[0])), printer.expr(call.args[1])
    hits = f"list_transform({elements}, LAMBDA x: COALESCE(regexp_matches(json_extract_string(x, '$'), {pattern}), FALSE))"
    return f"NULLIF(COALESCE(CAST(list_position({hits}, TRUE) AS BIGINT), 0) - 1, -1)"


FUNCTIONS: dict[str, Spelling] = {
    "list.filter": _filter,
    "list.zip": (
        "CAST(to_json(list_transform(range(CAST(least(json_array_length({0}), json_array_length({1})) AS BIGINT)),"
        " LAMBDA i: json_extract_string({0}, '$[' || i || ']') || {2} || json_extract_string({1}, '$[' || i || ']'))) AS VARCHAR)"
    ),
    "list.overlaps_fold": f"list_has_any({_ELEMENTS.format('lower({0})')}, {_ELEMENTS.format('lower({1})')})",
    "list.position_regex": _position,
    "agg.mode": "mode({0})",
}
