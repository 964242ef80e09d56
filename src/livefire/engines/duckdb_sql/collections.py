"""DuckDB's spelling of the meanings that make arrays and objects of others."""

from __future__ import annotations

from livefire.engines.duckdb_sql.arrays import array_of, elements
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_E0, _E1, _E2 = (elements(f"{{{i}}}") for i in range(3))
_ARRAY = "(CASE WHEN json_type({{0}}) = 'ARRAY' THEN {} END)"
_MEMBER = "CAST(to_json(k) AS VARCHAR) || ':' || CAST(json_extract({0}, '$.' || CAST(to_json(k) AS VARCHAR)) AS VARCHAR)"
_EMPTY = "CAST([] AS VARCHAR[])"


def _only_arrays(text: str) -> str:
    return _ARRAY.format(text)


def _object_of(listed: str) -> str:
    return f"('{{{{' || COALESCE(array_to_string({listed}, ','), '') || '}}}}')"


def _distinct(listed: str) -> str:
    return f"list_filter({listed}, LAMBDA x, i: list_position({listed}, x) = i)"


def _sets(printer: Printer, call: Call) -> list[str]:
    return [f"COALESCE({elements(printer.expr(a))}, {_EMPTY})" for a in call.args]


def _union(printer: Printer, call: Call) -> str:
    return array_of(_distinct("(" + " || ".join(_sets(printer, call)) + ")"))


def _intersect(printer: Printer, call: Call) -> str:
    first, *others = _sets(printer, call)
    inside = " AND ".join(f"list_contains({o}, x)" for o in others)
    return array_of(f"list_filter({_distinct(first)}, LAMBDA x: {inside})")


def _difference(printer: Printer, call: Call) -> str:
    first, *others = _sets(printer, call)
    outside = " AND ".join(f"NOT list_contains({o}, x)" for o in others)
    return array_of(f"list_filter({_distinct(first)}, LAMBDA x: {outside})")


def _zip(printer: Printer, call: Call) -> str:
    lists = _sets(printer, call)
    longest = f"greatest({', '.join(f'len({one})' for one in lists)})"
    row = " || ',' || ".join(f"COALESCE({one}[i], 'null')" for one in lists)
    return array_of(f"list_transform(range(1, {longest} + 1), LAMBDA i: '[' || {row} || ']')")


def _merge(printer: Printer, call: Call) -> str:
    parts = ", ".join(f"CASE WHEN json_type({printer.expr(a)}) = 'OBJECT' THEN {printer.expr(a)} END" for a in call.args)
    pairs = (
        f"flatten(list_transform(list_filter([{parts}], LAMBDA b: b IS NOT NULL), LAMBDA b: list_transform(json_keys(b),"
        " LAMBDA k: [k, CAST(json_extract(b, '$.' || CAST(to_json(k) AS VARCHAR)) AS VARCHAR)])))"
    )
    kept = f"list_filter({pairs}, LAMBDA p, i: list_position(list_transform({pairs}, LAMBDA q: q[1]), p[1]) = i)"
    return f"('{{' || COALESCE(array_to_string(list_transform({kept}, LAMBDA p: CAST(to_json(p[1]) AS VARCHAR) || ':' || p[2]), ','), '') || '}}')"


def _sort_key(value: str) -> str:
    """Return a text that orders as the value: numbers before texts, each in its own order."""
    return f"struct_pack(t := CASE WHEN TRY_CAST({value} AS DOUBLE) IS NULL THEN 1 ELSE 0 END, n := COALESCE(TRY_CAST({value} AS DOUBLE), 0), s := {value})"


def _sorted_by(values: str, keys: str, descending: str, nulls_last: str) -> str:
    """Order places by their key and read the values there; nulls stay in order at one end."""
    places = f"range(1, len({keys}) + 1)"
    filled = f"list_filter({places}, LAMBDA i: {keys}[i] <> 'null')"
    empty = f"list_transform(list_filter({places}, LAMBDA i: {keys}[i] = 'null'), LAMBDA i: {values}[i])"
    packed = f"list_transform({filled}, LAMBDA i: struct_pack(k := {_sort_key(f'{keys}[i]')}, p := CASE WHEN {descending} THEN -i ELSE i END))"
    ordered = f"list_sort({packed}, CASE WHEN {descending} THEN 'DESC' ELSE 'ASC' END)"
    read = f"list_transform({ordered}, LAMBDA o: {values}[abs(o.p)])"
    return array_of(f"(CASE WHEN {nulls_last} THEN {read} || {empty} ELSE {empty} || {read} END)")


def _sort(printer: Printer, call: Call) -> str:
    array, descending, last = (printer.expr(a) for a in call.args)
    listed = elements(array)
    return f"(CASE WHEN json_type({array}) = 'ARRAY' THEN {_sorted_by(listed, listed, descending, last)} END)"


def _sort_by(printer: Printer, call: Call) -> str:
    array, keys, descending, last = (printer.expr(a) for a in call.args)
    return f"(CASE WHEN json_type({array}) = 'ARRAY' THEN {_sorted_by(elements(array), elements(keys), descending, last)} END)"


_PLACE = "(CASE WHEN {1} >= 0 THEN {1} % len(" + _E0 + ") ELSE len(" + _E0 + ") - (-{1}) % len(" + _E0 + ") END)"
_CUTS = (
    "list_sort(list_transform(list_filter(list_transform(CAST(json_extract({1}, '$[*]') AS VARCHAR[]), LAMBDA t: TRY_CAST(t AS BIGINT)),"
    " LAMBDA c: c IS NOT NULL), LAMBDA c: CASE WHEN c < 0 THEN greatest(len(" + _E0 + ") + c, 0)"
    " ELSE least(c, len(" + _E0 + ")) END))"
)
_EDGES = "([0] || " + _CUTS + " || [len(" + _E0 + ")])"
_PIECE = array_of("list_slice(" + _E0 + ", " + _EDGES + "[i] + 1, " + _EDGES + "[i + 1])")


def _sort_members(text: str, depth: int) -> str:
    """Return JSON text with sorted members, as deep as bags of logs go."""
    if depth == 0:
        return text
    k, i = f"k{depth}", f"v{depth}"
    member = f"CAST(json_extract({text}, '$.' || CAST(to_json({k}) AS VARCHAR)) AS VARCHAR)"
    inner = _sort_members(member, depth - 1)
    listed = f"list_transform(list_sort(json_keys({text})), LAMBDA {k}: CAST(to_json({k}) AS VARCHAR) || ':' || {inner})"
    values = f"list_transform({elements(text)}, LAMBDA {i}: {_sort_members(i, depth - 1)})"
    return (
        f"(CASE json_type({text}) WHEN 'OBJECT' THEN '{{' || COALESCE(array_to_string({listed}, ','), '') || '}}'"
        f" WHEN 'ARRAY' THEN {array_of(values)} ELSE CAST(json({text}) AS VARCHAR) END)"
    )


def _sorted(printer: Printer, call: Call) -> str:
    return printer.dialect.let("sorted0", printer.expr(call.args[0]), _sort_members("sorted0", 3))


FUNCTIONS: dict[str, Spelling] = {
    "array.expand": (
        "(CASE COALESCE(json_type({0}), 'NULL') WHEN 'NULL' THEN '[null]' WHEN 'ARRAY' THEN {0} WHEN 'OBJECT' THEN "
        + array_of(
            "list_transform(json_keys({0}), LAMBDA k: CASE WHEN {1} THEN '[' || CAST(to_json(k) AS VARCHAR) || ',' ||"
            " CAST(json_extract({0}, '$.' || CAST(to_json(k) AS VARCHAR)) AS VARCHAR) || ']'"
            " ELSE '{{' || " + _MEMBER + " || '}}' END)"
        )
        + " ELSE '[' || {0} || ']' END)"
    ),
    "array.of_places": array_of("list_transform(range({1}), LAMBDA i: COALESCE(CAST(json_extract({0}, '$.' || i) AS VARCHAR), {2}, 'null'))"),
    "array.index_of": _only_arrays(
        "COALESCE(list_filter(range(len(" + _E0 + ")), LAMBDA i: (" + _E0 + "[i + 1] = {1} OR"
        " COALESCE(TRY_CAST(" + _E0 + "[i + 1] AS DOUBLE) = TRY_CAST({1} AS DOUBLE), FALSE))"
        " AND i >= (CASE WHEN {2} < 0 THEN len(" + _E0 + ") + {2} ELSE {2} END)"
        " AND ({3} < 0 OR i < (CASE WHEN {2} < 0 THEN len(" + _E0 + ") + {2} ELSE {2} END) + {3}))[{4}], -1)"
    ),
    "array.reverse": _only_arrays(array_of(f"list_reverse({_E0})")),
    "array.rotate_left": _only_arrays(
        "CASE WHEN len(" + _E0 + ") = 0 THEN '[]' ELSE "
        + array_of("list_transform(range(len(" + _E0 + ")), LAMBDA i: " + _E0 + "[(i + " + _PLACE + ") % len(" + _E0 + ") + 1])") + " END"
    ),
    "array.shift_left": _only_arrays(
        array_of("list_transform(range(len(" + _E0 + ")), LAMBDA i: CASE WHEN i + {1} BETWEEN 0 AND len(" + _E0 + ") - 1 THEN " + _E0 + "[i + {1} + 1]"
                 " ELSE COALESCE({2}, 'null') END)")
    ),
    "array.sort": _sort,
    "array.sort_by": _sort_by,
    "array.split": _only_arrays(
        array_of("list_transform(range(1, len(" + _EDGES + ")), LAMBDA i: " + _PIECE + ")")
    ),
    "array.choose": _only_arrays(
        array_of(
            "list_transform(range(1, len(" + _E0 + ") + 1), LAMBDA i: CASE WHEN "
            + _E0 + "[i] = 'true' OR COALESCE(TRY_CAST(" + _E0 + "[i] AS DOUBLE) <> 0, FALSE)"
            " THEN COALESCE(CASE WHEN json_type({1}) = 'ARRAY' THEN " + _E1 + "[i] ELSE {1} END, 'null')"
            " WHEN " + _E0 + "[i] <> 'false' AND TRY_CAST(" + _E0 + "[i] AS DOUBLE) IS NULL THEN 'null'"
            " ELSE COALESCE(CASE WHEN json_type({2}) = 'ARRAY' THEN " + _E2 + "[i] ELSE {2} END, 'null') END)"
        )
    ),
    "array.sum": _only_arrays("COALESCE(list_sum(list_transform(" + _E0 + ", LAMBDA x: TRY_CAST(x AS DOUBLE))), 0)"),
    "array.union": _union,
    "array.intersect": _intersect,
    "array.difference": _difference,
    "array.same_set": "(list_sort(list_distinct(" + _E0 + ")) = list_sort(list_distinct(" + _E1 + ")))",
    "array.zip": _zip,
    "array.repeat": "(CASE WHEN {1} >= 0 THEN " + array_of("list_transform(range({1}), LAMBDA i: {0})") + " END)",
    "array.first_term_fold": (
        r"COALESCE(list_filter(range(len(" + _E1 + ")), LAMBDA i: regexp_matches({0}, '(?:^|[^\\p{{L}}\\p{{N}}])' ||"
        " regexp_escape(json_extract_string(" + _E1 + "[i + 1], '$')) || '(?:$|[^\\p{{L}}\\p{{N}}])', 'is'))[1], -1)"
    ),
    "object.merge": _merge,
    "object.without": (
        "(CASE WHEN json_type({0}) = 'OBJECT' THEN "
        + _object_of(
            "list_transform(list_filter(json_keys({0}), LAMBDA k: NOT list_contains(" + _E1 + ", CAST(to_json(k) AS VARCHAR))), LAMBDA k: " + _MEMBER + ")"
        )
        + " END)"
    ),
    "object.has": "(CASE WHEN json_type({0}) = 'OBJECT' THEN list_contains(json_keys({0}), {1}) ELSE FALSE END)",
    "object.with_member": (
        "(CASE WHEN json_type({0}) = 'OBJECT' THEN "
        + _object_of(
            "list_transform(list_filter(json_keys({0}), LAMBDA k: k <> {1}), LAMBDA k: " + _MEMBER + ")"
            " || [CAST(to_json({1}) AS VARCHAR) || ':' || COALESCE({2}, 'null')]"
        )
        + " END)"
    ),
    "object.zip": (
        "(CASE WHEN json_type({0}) = 'ARRAY' AND json_type({1}) = 'ARRAY' THEN "
        + _object_of(
            "list_transform(list_filter(range(1, len(" + _E0 + ") + 1), LAMBDA i: starts_with(" + _E0 + "[i], '\"')),"
            " LAMBDA i: " + _E0 + "[i] || ':' || COALESCE(" + _E1 + "[i], 'null'))"
        )
        + " END)"
    ),
    "object.sorted": _sorted,
}  # fmt: skip
