"""DuckDB's spelling of the meanings over JSON values, which are VARCHAR holding JSON text."""

from __future__ import annotations

import json

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e
from livefire.schema import Type

Call = e.Call | e.Aggregate | e.WindowCall


def as_json(printer: Printer, arg: e.Expr) -> str:
    """Return an argument of any type as JSON text (VARCHAR), null staying null."""
    value = printer.expr(arg)
    if arg.type is Type.DYNAMIC:
        return value
    if arg.type is Type.DATETIME:
        return f"('\"' || strftime({value}, '%Y-%m-%dT%H:%M:%S.%fZ') || '\"')"
    return f"CAST(to_json({value}) AS VARCHAR)"


def _of(printer: Printer, call: Call) -> str:
    return as_json(printer, call.args[0])


def _array(printer: Printer, call: Call) -> str:
    if not call.args:
        return "'[]'"
    parts = ", ".join(f"COALESCE({as_json(printer, a)}, 'null')" for a in call.args)
    return f"('[' || concat_ws(',', {parts}) || ']')"


def _object(printer: Printer, call: Call) -> str:
    if not call.args:
        return "'{}'"
    pairs = []
    for key, value in zip(call.args[::2], call.args[1::2], strict=True):
        pairs.append(f"(CAST(to_json({printer.expr(key)}) AS VARCHAR) || ':' || COALESCE({as_json(printer, value)}, 'null'))")
    return f"('{{' || concat_ws(',', {', '.join(pairs)}) || '}}')"


def _element(printer: Printer, call: Call) -> str:
    if call.args[1].type.integral:
        found = "json_extract({0}, (CASE WHEN {1} >= 0 THEN '$[' || {1} || ']' ELSE '$[#' || {1} || ']' END))"
    else:
        # A pointer takes any name as it is, where a path knows `*`; but digits would be the place of an element.
        found = "json_extract((CASE WHEN json_type({0}) = 'OBJECT' THEN {0} END), ('/' || replace(replace({1}, '~', '~0'), '/', '~1')))"
    return printer.fill(f"NULLIF(CAST({found} AS VARCHAR), 'null')", call)


def _concat(printer: Printer, call: Call) -> str:
    lists = (f"COALESCE(CAST(json_extract({printer.expr(a)}, '$[*]') AS VARCHAR[]), CAST([] AS VARCHAR[]))" for a in call.args)
    joined = " || ".join(lists)
    return f"('[' || COALESCE(array_to_string({joined}, ','), '') || ']')"


def _slice(printer: Printer, call: Call) -> str:
    value, start, stop = (printer.expr(a) for a in call.args)
    elements = f"CAST(json_extract({value}, '$[*]') AS VARCHAR[])"
    size = f"json_array_length({value})::BIGINT"

    def place(bound: str) -> str:
        return f"(CASE WHEN {bound} < 0 THEN greatest({size} + {bound}, 0) ELSE {bound} END)"

    return f"('[' || array_to_string(list_slice({elements}, {place(start)} + 1, {place(stop)} + 1), ',') || ']')"


def _deep(printer: Printer, call: Call) -> str:
    steps = call.args[1]
    if not isinstance(steps, e.Literal) or not isinstance(steps.value, str):
        raise ValueError("the steps of dynamic.deep must be constant")
    value, paths = printer.expr(call.args[0]), ["$"]
    for step in json.loads(steps.value):
        # An element step also takes the value itself where it is no array: one-element lists are written as objects.
        paths = [p + "[*]" for p in paths] if step == "*" else [f"{p}.{json.dumps(step, ensure_ascii=False)}" for p in paths]
    if "*" not in json.loads(steps.value):
        single = f"NULLIF(CAST(json_extract({value}, {printer.literal(e.text(paths[0]))}) AS VARCHAR), 'null')"
        return f"(CASE WHEN {value} IS NULL THEN NULL WHEN {single} IS NULL THEN '[]' ELSE '[' || {single} || ']' END)"
    found = f"CAST(json_extract({value}, {printer.literal(e.text(paths[0]))}) AS VARCHAR[])"
    return f"('[' || array_to_string(list_filter({found}, LAMBDA x: x <> 'null'), ',') || ']')"


def _any_element(printer: Printer, call: Call) -> str:
    value, test = (printer.expr(a) for a in call.args)
    elements = f"(CASE WHEN json_type({value}) = 'ARRAY' THEN CAST(json_extract({value}, '$[*]') AS VARCHAR[]) ELSE [{value}] END)"
    return f"COALESCE(list_bool_or(list_transform({elements}, {test})), FALSE)"


def _any_value(printer: Printer, call: Call) -> str:
    value, test = (printer.expr(a) for a in call.args)
    listed = "CAST(json_extract(v, '$[*]') AS VARCHAR[])"
    elements = f"(CASE WHEN json_type(v) = 'ARRAY' AND json_array_length(v) > 0 THEN {listed} ELSE [NULLIF(v, '[]')] END)"
    body = f"list_transform(list_transform({elements}, LAMBDA w: NULLIF(w, 'null')), {test})"
    return f"COALESCE(list_bool_or(list_transform([{value}], LAMBDA v: {body})[1]), FALSE)"


def _reach(printer: Printer, call: Call) -> str:
    value, steps = printer.expr(call.args[0]), [str(a.value) for a in call.args[1:] if isinstance(a, e.Literal)]
    paths = ["$" + "".join(f".{json.dumps(s, ensure_ascii=False)}" for s in steps[:k]) for k in range(len(steps) + 1)]
    quoted = [printer.literal(e.text(p)) for p in paths]
    spread = "CASE WHEN {0} IS NULL THEN [] WHEN json_type({0}) = 'ARRAY' THEN CAST(json_extract({0}, '$[*]') AS VARCHAR[]) ELSE [CAST({0} AS VARCHAR)] END"
    through, last = f"({spread.format('v')})", len(steps)
    for step in steps:
        member = f"json_extract(x, {printer.literal(e.text('$.' + json.dumps(step, ensure_ascii=False)))})"
        through = f"flatten(list_transform({through}, LAMBDA x: list_transform([{member}], LAMBDA y: {spread.format('y')})[1]))"
    joined = "CASE WHEN len(f) > 0 THEN '[' || array_to_string(f, ',') || ']' END"
    found = f"list_transform([list_filter({through}, LAMBDA z: z <> 'null')], LAMBDA f: {joined})[1]"
    branching = " OR ".join(f"json_type(v, {q}) = 'ARRAY'" for q in quoted[:last])
    plain = f"NULLIF(CAST(json_extract(v, {quoted[last]}) AS VARCHAR), 'null')"
    text = f"CASE WHEN {branching} THEN {found} ELSE {plain} END"
    return f"list_transform([{value}], LAMBDA v: {text})[1]"


_TEXT = "json_extract_string({0}, '$')"
_ISO = "CAST(TRY_CAST(json_extract_string({0}, '$') AS TIMESTAMPTZ) AS TIMESTAMP)"

FUNCTIONS: dict[str, Spelling] = {
    "dynamic.parse": "NULLIF(CASE WHEN json_valid({0}) THEN {0} ELSE CAST(to_json({0}) AS VARCHAR) END, 'null')",
    "dynamic.try_parse": "NULLIF(CASE WHEN json_valid({0}) THEN {0} END, 'null')",
    "dynamic.of": _of,
    "dynamic.text": _TEXT,
    "dynamic.long": (
        "(CASE json_type({0}) WHEN 'DOUBLE' THEN TRY_CAST(trunc(TRY_CAST({0} AS DOUBLE)) AS BIGINT) WHEN 'BOOLEAN' THEN CAST({0} = 'true' AS BIGINT)"
        " WHEN 'ARRAY' THEN NULL WHEN 'OBJECT' THEN NULL"
        r" ELSE (CASE WHEN regexp_full_match(json_extract_string({0}, '$'), '\s*[-+]?[0-9]+\s*')"
        " THEN TRY_CAST(json_extract_string({0}, '$') AS BIGINT) END) END)"
    ),
    "dynamic.real": "(CASE json_type({0}) WHEN 'ARRAY' THEN NULL WHEN 'OBJECT' THEN NULL ELSE TRY_CAST(json_extract_string({0}, '$') AS DOUBLE) END)",
    "dynamic.bool": (
        "(CASE json_type({0}) WHEN 'BOOLEAN' THEN {0} = 'true' WHEN 'VARCHAR' THEN"
        " (CASE lower(json_extract_string({0}, '$')) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END)"
        " WHEN 'ARRAY' THEN NULL WHEN 'OBJECT' THEN NULL ELSE TRY_CAST({0} AS DOUBLE) <> 0 END)"
    ),
    "dynamic.datetime": _ISO,
    "dynamic.element": _element,
    "dynamic.length": "(CASE WHEN json_type({0}) = 'ARRAY' THEN CAST(json_array_length({0}) AS BIGINT) END)",
    "dynamic.array": _array,
    "dynamic.object": _object,
    "dynamic.keys": "(CASE WHEN json_type({0}) = 'OBJECT' THEN CAST(to_json(json_keys({0})) AS VARCHAR) END)",
    "dynamic.concat": _concat,
    "dynamic.slice": _slice,
    "dynamic.has_text": "list_contains(CAST(json_extract({0}, '$[*]') AS VARCHAR[]), CAST(to_json({1}) AS VARCHAR))",
    "dynamic.deep": _deep,
    "dynamic.any_element": _any_element,
    "dynamic.any_value": _any_value,
    "dynamic.reach": _reach,
}
