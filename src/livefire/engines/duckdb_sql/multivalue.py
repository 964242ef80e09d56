"""DuckDB's spelling of the meanings over fields of any number of values."""

from __future__ import annotations

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_ELEMENTS = "CAST(json_extract({0}, '$[*]') AS VARCHAR[])"
_LISTED = f"(CASE json_type({{0}}) WHEN 'ARRAY' THEN {_ELEMENTS} ELSE [{{0}}] END)"
_OPENED = f"flatten(list_transform({_LISTED}, LAMBDA x: CASE WHEN starts_with(x, '[') THEN CAST(json_extract(x, '$[*]') AS VARCHAR[]) ELSE [x] END))"
_SCALARS = f"list_filter({_OPENED}, LAMBDA x: x IS NOT NULL AND x <> 'null' AND NOT starts_with(x, '{{{{') AND NOT starts_with(x, '['))"
_ARRAY = "('[' || COALESCE(array_to_string({}, ','), '') || ']')"

# Java turns to an exponent from ten million up and below a thousandth; DuckDB's shortest form has the same digits.
_PLAIN = "(CASE WHEN contains(s, 'e') THEN s WHEN contains(s, '.') THEN s ELSE s || '.0' END)"
_DIGITS = "ltrim(replace(regexp_extract(s, '^[0-9.]+'), '.', ''), '0')"
_MANTISSA = f"(substring({_DIGITS}, 1, 1) || '.' || COALESCE(NULLIF(rtrim(substring({_DIGITS}, 2), '0'), ''), '0'))"
_POWER = (
    "(CASE WHEN contains(s, 'e') THEN CAST(split_part(s, 'e', 2) AS INTEGER) WHEN starts_with(s, '0.') THEN"
    " -1 - length(regexp_extract(s, '^0\\.(0*)', 1)) ELSE length(split_part(s, '.', 1)) - 1 END)"
)
_JAVA = (
    "(CASE WHEN {0} IS NULL THEN NULL WHEN isnan({0}) THEN 'NaN' WHEN isinf({0}) THEN CASE WHEN {0} > 0 THEN 'Infinity' ELSE '-Infinity' END"
    " ELSE (CASE WHEN {0} < 0 THEN '-' ELSE '' END) || list_transform([CAST(abs({0}) AS VARCHAR)], LAMBDA s:"
    " CASE WHEN {0} = 0 OR (abs({0}) >= 0.001 AND abs({0}) < 1e7) THEN " + _PLAIN + " ELSE " + _MANTISSA + " || 'E' || " + _POWER + " END)[1] END)"
)
# Microseconds into the month tell whether its last month is whole: from January 31 to February 28 it is not.
_MONTHS = "((year({1}) - year({0})) * 12 + month({1}) - month({0}))"
_INTO_0, _INTO_1 = (f"(epoch_us({{{i}}}) - epoch_us(CAST(date_trunc('month', {{{i}}}) AS TIMESTAMP)))" for i in (0, 1))
_WHOLE_MONTHS = (
    f"(CASE WHEN {_MONTHS} > 0 AND {_INTO_1} < {_INTO_0} THEN {_MONTHS} - 1 WHEN {_MONTHS} < 0 AND {_INTO_1} > {_INTO_0} THEN {_MONTHS} + 1 ELSE {_MONTHS} END)"
)
_ORDERS = {"text": "json_extract_string(x, '$')", "number": "TRY_CAST(x AS DOUBLE)", "bool": "TRY_CAST(x AS BOOLEAN)"}
_ORDERS["any"] = "struct_pack(n := TRY_CAST(x AS DOUBLE), t := json_extract_string(x, '$'))"


def _sorted(printer: Printer, call: Call) -> str:
    kind, down = call.args[1], call.args[2]
    if not isinstance(kind, e.Literal) or not isinstance(down, e.Literal):
        raise ValueError("the order of an array must be constant")
    listed = _ELEMENTS.replace("{0}", printer.expr(call.args[0]))
    pairs = f"list_transform({listed}, LAMBDA x: struct_pack(k := {_ORDERS[str(kind.value)]}, v := x))"
    ordered = f"list_sort({pairs}, '{'DESC' if down.value else 'ASC'}')"
    return _ARRAY.replace("{}", f"list_transform({ordered}, LAMBDA p: p.v)")


_NUMBERS = f"list_filter(list_transform({_ELEMENTS}, LAMBDA x: TRY_CAST(json_extract_string(x, '$') AS DOUBLE)), LAMBDA x: x IS NOT NULL)"
_TEXTS = "list_transform(CAST(json_extract({}, '$[*]') AS VARCHAR[]), LAMBDA x: json_extract_string(x, '$'))"
_LONGEST = "CAST(greatest(json_array_length({0}), json_array_length({1})) AS BIGINT)"
# A place beyond the end of a list is null, and concat_ws leaves nulls out with their delimiter.
_ZIP = f"list_transform(range(1, {_LONGEST} + 1), LAMBDA i: to_json(concat_ws({{2}}, ({_TEXTS.format('{0}')})[i], ({_TEXTS.format('{1}')})[i])))"


def _percentile_of_array(printer: Printer, call: Call) -> str:
    percent = call.args[1]
    if not isinstance(percent, e.Literal) or not isinstance(percent.value, (int, float)):
        raise ValueError("a percentile must be constant")
    return f"list_aggregate({_NUMBERS.format(printer.expr(call.args[0]))}, 'quantile_cont', {float(percent.value) / 100!r})"


def _percentile(printer: Printer, call: Call) -> str:
    value, percent = call.args
    if not isinstance(percent, e.Literal) or not isinstance(percent.value, (int, float)):
        raise ValueError("a percentile must be constant")
    return f"quantile_cont(CAST({printer.expr(value)} AS DOUBLE), {float(percent.value) / 100!r})"


# Texts once each by what they stand for; numbers and truth values as often as they come.
_DISTINCT = "list_transform(list_sort(list_distinct(list_transform(s, LAMBDA x: json_extract_string(x, '$')))), LAMBDA x: CAST(to_json(x) AS VARCHAR))"
_BY_NUMBER = "list_transform(list_sort(list_transform(s, LAMBDA x: struct_pack(k := CAST(x AS DOUBLE), v := x))), LAMBDA p: p.v)"
_STORED = (
    "(CASE WHEN json_type({0}) <> 'ARRAY' THEN {0} ELSE list_transform([" + _SCALARS + "], LAMBDA s: CASE"
    " WHEN len(s) = 0 THEN {0} WHEN len(list_filter(s, LAMBDA x: NOT starts_with(x, '\"'))) = 0 THEN " + _ARRAY.format(_DISTINCT) + ""
    " WHEN len(list_filter(s, LAMBDA x: NOT regexp_matches(x, '^[-0-9]'))) = 0 THEN " + _ARRAY.format(_BY_NUMBER) + ""
    " WHEN len(list_filter(s, LAMBDA x: x NOT IN ('true', 'false'))) = 0 THEN " + _ARRAY.format("list_sort(s)") + " ELSE {0} END)[1] END)"
)

FUNCTIONS: dict[str, Spelling] = {
    "multi.stored": _STORED,
    "multi.values": _ARRAY.replace("{}", _SCALARS),
    "multi.shown": f"(CASE json_array_length({{0}}) WHEN 0 THEN NULL WHEN 1 THEN {_ELEMENTS}[1] ELSE {{0}} END)",
    "multi.single": (
        f"(CASE json_type({{0}}) WHEN 'ARRAY' THEN (CASE WHEN len({_SCALARS}) = 1 THEN ({_SCALARS})[1] END)"
        " WHEN 'OBJECT' THEN NULL ELSE NULLIF({0}, 'null') END)"
    ),
    "multi.sorted": _sorted,
    "multi.sum": f"list_sum(list_transform({_ELEMENTS}, LAMBDA x: TRY_CAST(json_extract_string(x, '$') AS DOUBLE)))",
    "multi.sum_whole": f"CAST(list_sum(list_transform({_ELEMENTS}, LAMBDA x: TRY_CAST(json_extract_string(x, '$') AS BIGINT))) AS BIGINT)",
    "multi.zip": _ARRAY.replace("{}", _ZIP),
    "multi.weighted_series": f"list_sum(list_transform({_NUMBERS}, LAMBDA x, i: x / pow(i, {{1}})))",
    "multi.percentile": _percentile_of_array,
    "multi.deviation": f"list_aggregate({_NUMBERS}, 'mad')",
    "multi.common": _ARRAY.replace(
        "{}", f"list_filter({_ELEMENTS}, LAMBDA x, i: list_position({_ELEMENTS}, x) = i AND list_contains({_ELEMENTS.replace('{0}', '{1}')}, x))"
    ),
    "multi.holds_all": f"list_has_all({_ELEMENTS}, {_ELEMENTS.replace('{0}', '{1}')})",
    "text.form_decode": ("(CASE WHEN regexp_full_match({0}, '(?:[^%]|%[0-9A-Fa-f]{{2}})*', 's') THEN TRY(url_decode(replace({0}, '+', ' '))) END)"),
    "text.form_encode": "replace(replace(replace(url_encode({0}), '%20', '+'), '~', '%7E'), '%2A', '*')",
    "text.of_java_real": _JAVA,
    "time.months_between": _WHOLE_MONTHS,
    "agg.median_deviation": "mad(CAST({0} AS DOUBLE))",
    "agg.percentile_linear": _percentile,
}
