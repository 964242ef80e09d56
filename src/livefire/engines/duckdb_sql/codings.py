"""DuckDB's spelling of charsets, hexadecimal digits, XML and indented JSON."""

from __future__ import annotations

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_BYTES = "CAST(json_extract(v, '$[*]') AS INTEGER[])"
_UNIT = {"utf-16le": "(b[2 * i + 1] + 256 * b[2 * i + 2])", "utf-16be": "(256 * b[2 * i + 1] + b[2 * i + 2])"}
_BROKEN = "chr(65533)"


def _text_of_bytes(printer: Printer, call: Call) -> str:
    value, charset = call.args
    name = charset.value if isinstance(charset, e.Literal) else None
    let = printer.dialect.let
    if name == "iso-8859-1":
        made = "COALESCE(array_to_string(list_transform(b, LAMBDA c: chr(c)), ''), '')"
    elif name == "us-ascii":
        made = f"COALESCE(array_to_string(list_transform(b, LAMBDA c: CASE WHEN c < 128 THEN chr(c) ELSE {_BROKEN} END), ''), '')"
    elif name == "utf-8":
        made = f"COALESCE(TRY(decode(unhex(array_to_string(list_transform(b, LAMBDA c: printf('%02x', c)), '')))), {_BROKEN})"
        made = f"(CASE WHEN len(b) = 0 THEN '' ELSE {made} END)"
    elif name in _UNIT:
        pair = "u[i] BETWEEN 55296 AND 56319 AND COALESCE(u[i + 1], 0) BETWEEN 56320 AND 57343"
        point = "chr(CAST(65536 + (u[i] - 55296) * 1024 + u[i + 1] - 56320 AS INTEGER))"
        second = "u[i] BETWEEN 56320 AND 57343 AND i > 1 AND u[i - 1] BETWEEN 55296 AND 56319"
        one = f"CASE WHEN {pair} THEN {point} WHEN {second} THEN '' WHEN u[i] BETWEEN 55296 AND 57343 THEN {_BROKEN} ELSE chr(CAST(u[i] AS INTEGER)) END"
        units = f"list_transform(range(len(b) // 2), LAMBDA i: {_UNIT[str(name)]})"
        made = let("u", units, f"COALESCE(array_to_string(list_transform(range(1, len(u) + 1), LAMBDA i: {one}), ''), '')")
    else:
        raise ValueError("the charset must be constant, and one that is known")
    guarded = f"(CASE WHEN v IS NOT NULL THEN {let('b', _BYTES, made)} END)"
    return let("v", printer.expr(value), guarded)


_ATTRIBUTE = r"""'\s[^\s=/>]+\s*=\s*(?:"[^"]*"|''[^'']*'')'"""
_TOKENS = r"""'<!\[CDATA\[(?s:.*?)\]\]>|<!--(?s:.*?)-->|<(?:[^>"'']|"[^"]*"|''[^'']*'')*>|[^<]+|<'"""
_OPENS = "regexp_matches(b.tok, '^<[\\pL_]')"
_NAME = r"regexp_extract(b.tok, '^<([^\s/>]+)', 1)"
_FOUND = "STRUCT(n VARCHAR, v VARCHAR)[]"


def _pack(token: str, path: str, found: str, sound: str) -> str:
    return f"struct_pack(tok := {token}, path := {path}, found := {found}, sound := {sound})"


def _xml(printer: Printer, call: Call) -> str:
    """Walk the tags with the path of open elements in hand."""
    let = printer.dialect.let
    empty = _pack("''", "CAST([] AS VARCHAR[])", f"CAST([] AS {_FOUND})", "TRUE")
    token = _pack("k", "CAST([] AS VARCHAR[])", f"CAST([] AS {_FOUND})", "TRUE")
    closes = "starts_with(b.tok, '</')"
    name = "trim(b.tok[3:-2], E' \\n\\t\\r')"
    path = f"CASE WHEN {_OPENS} AND NOT ends_with(b.tok, '/>') THEN list_append(a.path, {_NAME}) WHEN {closes} THEN a.path[:-2] ELSE a.path END"
    here = "array_to_string(a.path, '.')"
    attribute = (
        f"struct_pack(n := array_to_string(list_append(a.path, {_NAME}), '.') || '.' || regexp_extract(t, '^\\s([^\\s=]+)', 1),"
        " v := regexp_extract(t, '^[^=]*=\\s*[\"'']((?s:.*))[\"'']$', 1))"
    )
    found = (
        f"CASE WHEN starts_with(b.tok, '<![CDATA[') THEN list_append(a.found, struct_pack(n := {here}, v := b.tok[10:-4]))"
        f" WHEN {_OPENS} THEN list_concat(a.found, list_transform(regexp_extract_all(b.tok, {_ATTRIBUTE}, 0), LAMBDA t: {attribute}))"
        f" WHEN starts_with(b.tok, '<') OR trim(b.tok, E' \\n\\t\\r') = '' THEN a.found"
        f" ELSE list_append(a.found, struct_pack(n := {here}, v := b.tok)) END"
    )
    sound = (
        f"a.sound AND b.tok <> '<' AND (NOT {closes} OR COALESCE(a.path[-1] = {name}, FALSE))"
        " AND (len(a.path) > 0 OR starts_with(b.tok, '<') OR trim(b.tok, E' \\n\\t\\r') = '')"
    )
    walked = f"list_reduce(list_transform(regexp_extract_all(v, {_TOKENS}, 0), LAMBDA k: {token}), LAMBDA a, b: {_pack('b.tok', path, found, sound)}, {empty})"
    number = "CASE WHEN starts_with(m, '&#x') THEN CAST('0x' || m[4:-2] AS INTEGER) ELSE CAST(m[3:-2] AS INTEGER) END"
    known = "replace(replace(replace(replace(w, '&lt;', '<'), '&gt;', '>'), '&quot;', '\"'), '&apos;', '''')"
    codes = "list_distinct(regexp_extract_all(w, '&#(?:x[0-9a-fA-F]{1,5}|[0-9]{1,6});', 0))"
    numbered = f"list_reduce({codes}, LAMBDA x, m: replace(x, m, chr({number})), {known})"
    decoded = f"replace({numbered}, '&amp;', '&')"
    text = f"CAST(to_json({let('w', 'f[i].v', decoded)}) AS VARCHAR)"
    before = "len(list_filter(f[1:i - 1], LAMBDA g: g.n = f[i].n))"
    again = "len(list_filter(f, LAMBDA g: g.n = f[i].n)) > 1"
    indexed = f"CAST(to_json(f[i].n || '[' || CAST({before} AS VARCHAR) || ']') AS VARCHAR) || ':' || {text}"
    first = f"CAST(to_json(f[i].n) AS VARCHAR) || ':' || {text}"
    member = f"CASE WHEN {before} > 0 THEN {indexed} WHEN {again} THEN {first} || ',' || {indexed} ELSE {first} END"
    members = f"COALESCE(array_to_string(list_transform(range(1, len(f) + 1), LAMBDA i: {member}), ','), '')"
    whole = "'{' || " + members + " || '}'"
    made = f"(CASE WHEN r.sound AND len(r.path) = 0 AND regexp_matches(v, '<[\\pL_]') THEN {let('f', 'r.found', whole)} END)"
    return let("v", printer.expr(call.args[0]), f"(CASE WHEN v IS NOT NULL THEN {let('r', walked, made)} END)")


_JSON_TOKENS = """'"(?:[^"\\\\]|\\\\.)*"|[{}\\[\\],:]|[^{}\\[\\],:"\\s]+'"""


def _indented(printer: Printer, call: Call) -> str:
    """Write JSON token by token, each line with the depth that it lies at."""
    value, step = call.args
    if not isinstance(step, e.Literal) or not isinstance(step.value, int) or not 0 <= step.value <= 16:
        raise ValueError("the step must be constant, from 0 to 16")
    let, size = printer.dialect.let, step.value
    depth = "len(list_filter(k[1:i], LAMBDA x: x IN ('{', '['))) - len(list_filter(k[1:i], LAMBDA x: x IN ('}', ']')))"
    line = f"chr(10) || repeat(' ', CAST({size} * ({depth}) AS INTEGER))"
    opened = "k[i] IN ('{', '[') AND k[i + 1] NOT IN ('}', ']')"
    closing = "k[i + 1] IN ('}', ']') AND k[i] NOT IN ('{', '[')"
    closed = f"chr(10) || repeat(' ', CAST({size} * ({depth} - 1) AS INTEGER))"
    piece = f"k[i] || CASE WHEN {opened} OR k[i] = ',' THEN {line} WHEN k[i] = ':' THEN ' ' WHEN COALESCE({closing}, FALSE) THEN {closed} ELSE '' END"
    joined = f"array_to_string(list_transform(range(1, len(k) + 1), LAMBDA i: {piece}), '')"
    return let("v", printer.expr(value), f"(CASE WHEN v IS NOT NULL THEN {let('k', f'regexp_extract_all(v, {_JSON_TOKENS}, 0)', joined)} END)")


FUNCTIONS: dict[str, Spelling] = {
    "encode.text_of_bytes": _text_of_bytes,
    "encode.hex_bytes": (
        "(CASE WHEN regexp_full_match({0}, '(?:[0-9a-fA-F]{{2}})*') THEN '[' || COALESCE(array_to_string(list_transform(range(length({0}) // 2), LAMBDA i:"
        " CAST(TRY_CAST('0x' || substring({0}, CAST(2 * i + 1 AS INTEGER), 2) AS INTEGER) AS VARCHAR)), ','), '') || ']' END)"
    ),
    "xml.fields": _xml,
    "dynamic.indented": _indented,
}
