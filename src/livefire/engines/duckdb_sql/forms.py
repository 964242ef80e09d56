"""DuckDB's spelling of positions, hashes, URLs, base64, addresses, bits and trigonometry."""

from __future__ import annotations

import json

from livefire.engines.duckdb_sql.scalars import WRAPPED
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_V4 = rf"'(?:{_OCTET}\.){{{{3}}}}{_OCTET}(?:/(?:3[0-2]|[12]?[0-9]))?'"
_MASKS = "(-1 << (32 - {0}))"


def _number(arg: str) -> str:
    parts = " + ".join(f"CAST(split_part(split_part({arg}, '/', 1), '.', {i + 1}) AS BIGINT) * {256 ** (3 - i)}" for i in range(4))
    return f"({parts})"


def _prefix(arg: str) -> str:
    return f"(CASE WHEN contains({arg}, '/') THEN CAST(split_part({arg}, '/', 2) AS BIGINT) ELSE 32 END)"


def _shift(number: str, prefix: str) -> str:
    return f"({number} // CAST(pow(2, 32 - {prefix}) AS BIGINT))"


_LEAST = f"least({_prefix('{0}')}, {_prefix('{1}')}, {{2}})"
_COMPARE = (
    f"(CASE WHEN regexp_full_match({{0}}, {_V4}) AND regexp_full_match({{1}}, {_V4}) AND {{2}} BETWEEN 0 AND 32 THEN"
    f" CAST(sign({_shift(_number('{0}'), _LEAST)} - {_shift(_number('{1}'), _LEAST)}) AS BIGINT) END)"
)
_CUT = f"({_shift(_number('{0}'), _prefix('{0}'))} * CAST(pow(2, 32 - {_prefix('{0}')}) AS BIGINT))"
_TEXT_CUT = "(({0} // CAST(pow(2, 32 - {1}) AS BIGINT)) * CAST(pow(2, 32 - {1}) AS BIGINT))"
_PLACES = "list_filter(range(length({0}) - length({1}) + 1), LAMBDA i: substring({0}, i + 1, length({1})) = {1}"


def _groups(printer: Printer, call: Call) -> str:
    value, pattern = (printer.expr(a) for a in call.args[:2])
    chosen = call.args[2]
    if not isinstance(chosen, e.Literal) or not isinstance(chosen.value, str):
        raise ValueError("the capture groups must be constant")
    numbers = [int(x) for x in json.loads(chosen.value)]
    lists = [f"regexp_extract_all({value}, {pattern}, {number})" for number in numbers]
    row = " || ',' || ".join(f"CAST(to_json(COALESCE({one}[i], '')) AS VARCHAR)" for one in lists)
    return f"('[' || COALESCE(array_to_string(list_transform(range(1, len({lists[0]}) + 1), LAMBDA i: '[' || {row} || ']'), ','), '') || ']')"


def _in_zone(template: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        moved = printer.fill(template, call)
        if isinstance(call.args[1], e.Literal):
            return moved
        # A name that is none ends a run, and a log may hold any.
        return f"(CASE WHEN {printer.expr(call.args[1])} IN (SELECT name FROM pg_timezone_names()) THEN {moved} END)"

    return spell


_PAIRS = r"list_filter(string_split({0}, '&'), LAMBDA q: q <> '')"
_QUERY = (
    "('{{' || COALESCE(array_to_string(list_transform(" + _PAIRS + ", LAMBDA q: CAST(to_json(split_part(q, '=', 1)) AS VARCHAR) || ':' ||"
    " CAST(to_json(CASE WHEN contains(q, '=') THEN substring(q, instr(q, '=') + 1) ELSE '' END) AS VARCHAR)), ','), '') || '}}')"
)
_URL = r"'^([A-Za-z][A-Za-z0-9+.-]*)://(?:([^:@/?#]*)(?::([^@/?#]*))?@)?(\[[^\]]*\]|[^:/?#]*)(?::([0-9]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$'"


def _url_part(group: int) -> str:
    return f"regexp_extract({{0}}, {_URL}, {group})"


def _member(name: str, group: int) -> str:
    return f"'\"{name}\":' || CAST(to_json({_url_part(group)}) AS VARCHAR)"


_PARSE_URL = (
    f"(CASE WHEN regexp_matches({{0}}, {_URL}) THEN '{{{{' || "
    + " || ',' || ".join(
        (
            _member("Scheme", 1), _member("Host", 4), _member("Port", 5), _member("Path", 6), _member("Username", 2), _member("Password", 3),
            "'\"Query Parameters\":' || " + _QUERY.replace("{0}", _url_part(7)), _member("Fragment", 8),
        )
    )
    + " || '}}' END)"
)  # fmt: skip
_FIELD = r"""'(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))'"""
_LINE = r"regexp_extract({0}, '^[^\r\n]*', 0)"
_CSV = (
    f"('[' || array_to_string(list_transform(range(1, len(regexp_extract_all({_LINE}, {_FIELD}, 0)) + 1), LAMBDA i:"
    f" CAST(to_json(CASE WHEN contains(regexp_extract_all({_LINE}, {_FIELD}, 0)[i], '\"') THEN"
    f" replace(regexp_extract_all({_LINE}, {_FIELD}, 1)[i], '\"\"', '\"')"
    f" ELSE regexp_extract_all({_LINE}, {_FIELD}, 2)[i] END) AS VARCHAR)), ',') || ']')"
)

FUNCTIONS: dict[str, Spelling] = {
    "text.position_of": (
        "COALESCE(" + _PLACES + " AND i >= {2} AND ({3} < 0 OR i + length({1}) <= {2} + {3}))[{4}], -1)"
    ),
    "text.count_of": "(CASE WHEN {1} = '' THEN 0 ELSE len(" + _PLACES + ")) END)",
    "text.count_regex": "len(regexp_extract_all({0}, {1}, 0))",
    "text.extract_groups": _groups,
    "text.pad_left": "lpad({0}, CAST(greatest(length({0}), least({1}, 65536)) AS INTEGER), {2})",
    "text.translate": "translate({0}, {1}, {2})",
    "text.bytes": "strlen({0})",
    "encode.md5": "md5({0})",
    "encode.sha1": "sha1({0})",
    "encode.sha256": "sha256({0})",
    "encode.url": (
        "list_aggregate(list_transform(regexp_extract_all(url_encode({0}), '%..|[^%]', 0), LAMBDA p: CASE WHEN p[1:1] = '%' THEN lower(p) ELSE p END),"
        " 'string_agg', '')"
    ),
    "encode.url_decode": "url_decode({0})",
    "encode.hex": "lower(to_hex({0}))",
    "encode.code_points": (
        "('[' || COALESCE(array_to_string(list_transform(range(1, length({0}) + 1), LAMBDA i: CAST(unicode(substring({0}, i, 1)) AS VARCHAR)), ','), '')"
        " || ']')"
    ),
    "encode.from_code_points": (
        "COALESCE(array_to_string(list_transform(TRY_CAST(json_extract({0}, '$[*]') AS BIGINT[]), LAMBDA c:"
        " CASE WHEN c BETWEEN 0 AND 55295 OR c BETWEEN 57344 AND 1114111 THEN chr(CAST(c AS INTEGER)) WHEN c IS NOT NULL THEN chr(65533) END), ''), '')"
    ),
    "encode.base64_bytes": (
        "('[' || array_to_string(list_transform(regexp_extract_all(hex(TRY(from_base64({0}))), '..', 0), LAMBDA h:"
        " CAST(CAST('0x' || h AS INTEGER) AS VARCHAR)), ',') || ']')"
    ),
    "encode.parse_url": _PARSE_URL,
    "encode.parse_query": _QUERY,
    "encode.csv_row": _CSV,
    "address.ipv4_compare": _COMPARE,
    "address.ipv4_number": f"(CASE WHEN regexp_full_match({{0}}, {_V4}) THEN {_CUT} END)",
    "address.ipv4_prefix": f"(CASE WHEN regexp_full_match({{0}}, {_V4}) THEN {_prefix('{0}')} END)",
    "address.ipv4_text": (
        f"(CASE WHEN {{1}} BETWEEN 0 AND 32 AND {{0}} BETWEEN 0 AND 4294967295 THEN"
        f" concat_ws('.', {_TEXT_CUT} // 16777216, ({_TEXT_CUT} // 65536) % 256, ({_TEXT_CUT} // 256) % 256, {_TEXT_CUT} % 256) END)"
    ),
    "address.in_text": r"regexp_matches({0}, '(?:^|[^\p{{L}}\p{{N}}.]|[^\p{{N}}]\.)' || regexp_escape({1}) || '(?:$|[^\p{{L}}\p{{N}}])')",
    "number.bit_and": "({0} & {1})",
    "number.bit_or": "({0} | {1})",
    "number.bit_xor": "xor({0}, {1})",
    "number.bit_not": "(~{0})",
    "number.shift_left": "(CASE WHEN {1} >= 0 THEN " + WRAPPED.replace("{}", "({0} * CAST(pow(2, {1} % 64) AS HUGEINT))") + " END)",
    "number.shift_right": "(CASE WHEN {1} >= 0 THEN {0} >> CAST({1} % 64 AS BIGINT) END)",
    "number.bit_count": "CAST(bit_count({0}) AS BIGINT)",
    "number.sin": "sin({0})",
    "number.cos": "cos({0})",
    "number.tan": "tan({0})",
    "number.cot": "cot({0})",
    "number.sinh": "sinh({0})",
    "number.cosh": "cosh({0})",
    "number.tanh": "tanh({0})",
    "number.asinh": "asinh({0})",
    "number.acosh": "acosh({0})",
    "number.atanh": "atanh({0})",
    "number.cbrt": "cbrt({0})",
    "number.asin": "(CASE WHEN {0} BETWEEN -1 AND 1 THEN asin({0}) END)",
    "number.acos": "(CASE WHEN {0} BETWEEN -1 AND 1 THEN acos({0}) END)",
    "number.atan": "atan({0})",
    "number.atan2": "atan2({0}, {1})",
    "number.log2": "(CASE WHEN {0} > 0 THEN log2({0}) END)",
    "number.log10": "(CASE WHEN {0} > 0 THEN log10({0}) END)",
    "number.gamma": "gamma({0})",
    "number.loggamma": "lgamma({0})",
    "number.is_nan": "isnan({0})",
    "number.is_infinite": "isinf({0})",
    # A local time that a change of clocks leaves out is moved by the gap, as .NET does.
    "time.zone_to_utc": _in_zone("(CAST(timezone({1}, {0}) AS TIMESTAMP) - (timezone({1}, timezone({1}, {0})) - {0}))"),
    "time.utc_to_zone": _in_zone("timezone({1}, CAST({0} AS TIMESTAMPTZ))"),
    "time.of_parts": "TRY(make_timestamp({0}, {1}, {2}, {3}, {4}, {5}))",
}  # fmt: skip
