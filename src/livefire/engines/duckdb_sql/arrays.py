"""DuckDB's spelling of the meanings over whole arrays and bags."""

from __future__ import annotations

from livefire.engines.duckdb_sql.dynamic import as_json
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_MOST = 1_048_576


def elements(value: str) -> str:
    """Return the elements of an array as a list of JSON texts."""
    return f"CAST(json_extract({value}, '$[*]') AS VARCHAR[])"


def array_of(listed: str) -> str:
    """Return a list of JSON texts as an array."""
    return f"('[' || COALESCE(array_to_string({listed}, ','), '') || ']')"


def _same(left: str, right: str) -> str:
    return f"({left} = {right} OR COALESCE(TRY_CAST({left} AS DOUBLE) = TRY_CAST({right} AS DOUBLE), FALSE))"


def _holds(fold: bool) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        array, value = (printer.expr(a) for a in call.args)
        if fold:
            return f"list_contains(list_transform({elements(array)}, LAMBDA x: lower(x)), lower({value}))"
        name = f"x{printer.alias()}"
        return f"(len(list_filter({elements(array)}, LAMBDA {name}: {_same(name, value)})) > 0)"

    return spell


def _terms(every: bool) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        value, array = (printer.expr(a) for a in call.args)
        name = f"x{printer.alias()}"
        pattern = f"'(?:^|[^\\p{{L}}\\p{{N}}])' || regexp_escape(json_extract_string({name}, '$')) || '(?:$|[^\\p{{L}}\\p{{N}}])'"
        found = f"len(list_filter({elements(array)}, LAMBDA {name}: json_extract_string({name}, '$') = '' OR regexp_matches({value}, {pattern}, 'is')))"
        return f"({found} = len({elements(array)}))" if every else f"({found} > 0)"

    return spell


def _range(printer: Printer, call: Call) -> str:
    start, stop, step = (printer.expr(a) for a in call.args)
    if any(not a.type.integral and a.type.value != "timespan" for a in call.args):
        count = f"CAST(least(floor(({stop} - {start}) / {step} + 1e-9), {_MOST - 1}) AS BIGINT)"
        listed = f"list_transform(range({count} + 1), LAMBDA i: CAST(to_json({start} + i * {step}) AS VARCHAR))"
        return f"(CASE WHEN {step} = 0 THEN NULL WHEN ({stop} - {start}) / {step} < 0 THEN '[]' ELSE {array_of(listed)} END)"
    farthest = f"CAST({start} AS HUGEINT) + CAST({step} AS HUGEINT) * {_MOST - 1}"
    last = f"CAST((CASE WHEN {step} > 0 THEN least({stop}, {farthest}) ELSE greatest({stop}, {farthest}) END) AS BIGINT)"
    listed = f"list_transform(generate_series({start}, {last}, {step}), LAMBDA i: CAST(i AS VARCHAR))"
    return f"(CASE WHEN {step} = 0 THEN NULL ELSE {array_of(listed)} END)"


def _range_datetime(printer: Printer, call: Call) -> str:
    start, stop, step = (printer.expr(a) for a in call.args)
    low, high, size = f"epoch_us({start})", f"epoch_us({stop})", f"({step} // 10)"
    shown = "'\"' || strftime(make_timestamp(i), '%Y-%m-%dT%H:%M:%S.%f') || '0Z\"'"
    last = f"(CASE WHEN {size} > 0 THEN least({high}, {low} + {size} * {_MOST - 1}) ELSE greatest({high}, {low} + {size} * {_MOST - 1}) END)"
    listed = f"list_transform(generate_series({low}, {last}, {size}), LAMBDA i: {shown})"
    return f"(CASE WHEN {size} = 0 THEN NULL ELSE {array_of(listed)} END)"


def _element_of(printer: Printer, call: Call) -> str:
    value, key = (printer.expr(a) for a in call.args)
    path = (
        f"(CASE WHEN json_type({key}) = 'VARCHAR' THEN '$.' || {key} WHEN json_type({key}) IN ('UBIGINT', 'BIGINT') THEN"
        f" CASE WHEN TRY_CAST({key} AS BIGINT) >= 0 THEN '$[' || {key} || ']' ELSE '$[#' || {key} || ']' END END)"
    )
    return f"NULLIF(CAST(json_extract({value}, {path}) AS VARCHAR), 'null')"


def _ordered_list(printer: Printer, call: Call, value: str) -> str:
    keys = call.order_by if isinstance(call, e.Aggregate) else ()
    order = f" ORDER BY {printer.order(keys)}" if keys else ""
    return f"list({value}{order})/*filter*//*over*/"


def _list_all(printer: Printer, call: Call) -> str:
    return array_of(_ordered_list(printer, call, f"COALESCE({as_json(printer, call.args[0])}, 'null')"))


def _expanded(printer: Printer, call: Call) -> str:
    """Return the lists of elements that the values stand for, null ones left out."""
    value = printer.expr(call.args[0])
    expanded = f"(CASE json_type({value}) WHEN 'ARRAY' THEN {elements(value)} WHEN 'NULL' THEN [] ELSE [{value}] END)"
    return _ordered_list(printer, call, f"CASE WHEN {value} IS NOT NULL THEN {expanded} END")


_FLAT = "flatten(list_filter(l, LAMBDA v: v IS NOT NULL))"


def _list_of_elements(printer: Printer, call: Call) -> str:
    return printer.dialect.let("l", _expanded(printer, call), array_of(_FLAT))


def _set_of_elements(printer: Printer, call: Call) -> str:
    placed = "list_transform(list_distinct(k), LAMBDA v: struct_pack(p := list_position(k, v), v := v))"
    first = f"list_transform(list_sort({placed}), LAMBDA s: s.v)"
    kept = printer.dialect.let("k", f"list_filter({_FLAT}, LAMBDA v: v <> 'null')", first)
    return printer.dialect.let("l", _expanded(printer, call), array_of(kept))


def _merge_objects(printer: Printer, call: Call) -> str:
    value = printer.expr(call.args[0])
    valid = f"(CASE WHEN json_type({value}) = 'OBJECT' THEN {value} END)"
    member = "[k, CAST(json_extract(b, '$.' || CAST(to_json(k) AS VARCHAR)) AS VARCHAR)]"
    bags = f"list_filter({_ordered_list(printer, call, valid)}, LAMBDA b: b IS NOT NULL)"
    pairs = f"flatten(list_transform({bags}, LAMBDA b: list_transform(json_keys(b), LAMBDA k: {member})))"
    kept = (
        f"list_reduce({pairs}, LAMBDA a, p: CASE WHEN list_contains(list_transform(a, LAMBDA q: q[1]), p[1]) THEN a ELSE a || [p] END, CAST([] AS VARCHAR[][]))"
    )
    return f"('{{' || COALESCE(array_to_string(list_transform({kept}, LAMBDA p: CAST(to_json(p[1]) AS VARCHAR) || ':' || p[2]), ','), '') || '}}')"


def _arg(name: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        value, by = (printer.expr(a) for a in call.args)
        packed = f"struct_pack(v := {value})"
        return f"struct_extract(COALESCE({name}({packed}, {by})/*filter*//*over*/, first({packed})/*filter*//*over*/), 'v')"

    return spell


FUNCTIONS: dict[str, Spelling] = {
    "array.holds": _holds(fold=False),
    "array.holds_fold": _holds(fold=True),
    "array.any_term_fold": _terms(every=False),
    "array.every_term_fold": _terms(every=True),
    "array.element_of": _element_of,
    "array.range": _range,
    "array.range_datetime": _range_datetime,
    "agg.list_all": _list_all,
    "agg.list_of_elements": _list_of_elements,
    "agg.set_of_elements": _set_of_elements,
    "agg.merge_objects": _merge_objects,
    "agg.arg_max_or_first": _arg("arg_max"),
    "agg.arg_min_or_first": _arg("arg_min"),
    "agg.bit_and": "bit_and({0})",
    "agg.bit_or": "bit_or({0})",
    "agg.bit_xor": "bit_xor({0})",
    "number.divide_decimal": "TRY_CAST(TRY_CAST({0} AS DOUBLE) / NULLIF({1}, 0) AS DECIMAL(38, 12))",
}
