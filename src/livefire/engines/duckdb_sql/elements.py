"""DuckDB's spelling of the meanings over leaves and elements of JSON values."""

from __future__ import annotations

import json

from livefire.engines.duckdb_sql.dynamic import as_json
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_ELEMENTS = "CAST(json_extract({0}, '$[*]') AS VARCHAR[])"


def _is_json_null(printer: Printer, call: Call) -> str:
    steps = call.args[1]
    if not isinstance(steps, e.Literal) or not isinstance(steps.value, str):
        raise ValueError("the steps of dynamic.is_json_null must be constant")
    path = "$"
    for step in json.loads(steps.value):
        path += f"[{step}]" if isinstance(step, int) else "." + json.dumps(step, ensure_ascii=False)
    return f"COALESCE(json_type({printer.expr(call.args[0])}, {printer.literal(e.text(path))}) = 'NULL', FALSE)"


def _map(printer: Printer, call: Call) -> str:
    value, change = call.args
    if not isinstance(change, e.Lambda):
        raise ValueError("array.map takes a lambda")
    text = printer.expr(value)
    parameter = printer.name(change.parameters[0].name)
    elements = _ELEMENTS.format(text)
    mapped = f"list_filter(list_transform({elements}, LAMBDA {parameter}: {as_json(printer, change.body)}), LAMBDA x: x IS NOT NULL AND x <> 'null')"
    return f"(CASE WHEN json_type({text}) = 'ARRAY' THEN '[' || COALESCE(array_to_string({mapped}, ','), '') || ']' END)"


FUNCTIONS: dict[str, Spelling] = {
    "dynamic.leaf": "(CASE json_type({0}) WHEN 'OBJECT' THEN NULL WHEN 'ARRAY' THEN NULL ELSE json_extract_string({0}, '$') END)",
    "dynamic.is_json_null": _is_json_null,
    "array.compact": "('[' || COALESCE(array_to_string(list_filter(" + _ELEMENTS + ", LAMBDA x: x IS NOT NULL AND x <> 'null'), ','), '') || ']')",
    "array.map": _map,
    "array.distinct": (
        "('[' || COALESCE(array_to_string(list_filter(" + _ELEMENTS + ", LAMBDA x, i: list_position(" + _ELEMENTS + ", x) = i), ','), '') || ']')"
    ),
    "array.sorted_text": (
        "CAST(to_json(list_sort(list_transform("
        + _ELEMENTS
        + ", LAMBDA x: json_extract_string(x, '$')), CASE WHEN {1} THEN 'DESC' ELSE 'ASC' END)) AS VARCHAR)"
    ),
    "array.length": "(CASE WHEN json_type({0}) = 'ARRAY' THEN CAST(json_array_length({0}) AS BIGINT) ELSE 0 END)",
}
