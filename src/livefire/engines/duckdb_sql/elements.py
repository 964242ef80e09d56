"""DuckDB's spelling of the meanings over leaves and elements of JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterable

from livefire.engines.duckdb_sql.dynamic import as_json
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_ELEMENTS = "CAST(json_extract({0}, '$[*]') AS VARCHAR[])"


def _path(steps: Iterable[str | int]) -> str:
    return "$" + "".join(
        f"[{s}]" if isinstance(s, int) and s >= 0 else f"[#-{-s}]" if isinstance(s, int) else "." + json.dumps(s, ensure_ascii=False) for s in steps
    )


def _field(printer: Printer, call: Call) -> str:
    value, paths, absent = call.args
    if not isinstance(paths, e.Literal) or not isinstance(paths.value, str):
        raise ValueError("the paths of dynamic.field must be constant")
    base, nothing = printer.expr(value), printer.expr(absent)
    listed = [printer.literal(e.text(_path(steps))) for steps in json.loads(paths.value)]
    if len(listed) == 1:
        return _choice(f"json_type({base}, {listed[0]})", f"json_extract_string({base}, {listed[0]})", nothing)
    # One call for all paths parses the text once.
    places = f"[{', '.join(listed)}]"
    leaf = _choice("x[1]", "x[2]", nothing)
    found = f"list_transform(list_zip(json_type({base}, {places}), json_extract_string({base}, {places})), LAMBDA x: {leaf})"
    return f"list_filter({found}, LAMBDA x: x IS NOT NULL)[1]"


def _choice(kind: str, text: str, nothing: str) -> str:
    return f"(CASE WHEN {kind} = 'NULL' THEN {nothing} WHEN {kind} NOT IN ('OBJECT', 'ARRAY') THEN {text} END)"


def _map(printer: Printer, call: Call) -> str:
    value, change = call.args
    if not isinstance(change, e.Lambda):
        raise ValueError("array.map takes a lambda")
    text = printer.expr(value)
    parameter = printer.name(change.parameters[0].name)
    elements = _ELEMENTS.format(text)
    mapped = f"list_filter(list_transform({elements}, LAMBDA {parameter}: {as_json(printer, change.body)}), LAMBDA x: x IS NOT NULL AND x <> 'null')"
    return f"(CASE WHEN json_type({text}) = 'ARRAY' THEN '[' || COALESCE(array_to_string({mapped}, ','), '') || ']' END)"


def _leaf(printer: Printer, call: Call) -> str:
    """A leaf at a path is asked for by that path, so that the value between is never written out."""
    (value,) = call.args
    if isinstance(value, e.Path):
        base, path = printer.expr(value.base), printer.literal(e.text(_path(value.steps)))
        return f"(CASE WHEN json_type({base}, {path}) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string({base}, {path}) END)"
    text = printer.expr(value)
    return f"(CASE WHEN json_type({text}) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string({text}, '$') END)"


# A walk over the numbers that carries the first of the chunk, how many it holds, and the chunk of each number so far.
_CHUNKS = (
    "CASE WHEN {0} = '[]' THEN '[]' ELSE CAST(to_json(struct_extract(list_reduce("
    "list_transform(CAST({0} AS BIGINT[]), LAMBDA x: struct_pack(f := x, n := 1, c := [0])), "
    "LAMBDA a, b: CASE WHEN abs(struct_extract(b, 'f') - struct_extract(a, 'f')) > {1} OR struct_extract(a, 'n') >= {2} "
    "THEN struct_pack(f := struct_extract(b, 'f'), n := 1, c := list_append(struct_extract(a, 'c'), list_last(struct_extract(a, 'c')) + 1)) "
    "ELSE struct_pack(f := struct_extract(a, 'f'), n := struct_extract(a, 'n') + 1, "
    "c := list_append(struct_extract(a, 'c'), list_last(struct_extract(a, 'c')))) END), 'c')) AS VARCHAR) END"
)

FUNCTIONS: dict[str, Spelling] = {
    "dynamic.leaf": _leaf,
    "array.chunks": _CHUNKS,
    "logic.fail_if": "(CASE WHEN {0} THEN CAST(error('stopped: ' || {1}) AS BOOLEAN) ELSE FALSE END)",
    "dynamic.field": _field,
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
