"""DuckDB's spelling of the meanings that read or write whole formats."""

from __future__ import annotations

import re

from livefire.engines.duckdb_sql.arrays import array_of, elements
from livefire.engines.sql import Printer, Spelling, bound_first, grouped
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_V4 = rf"'(?:{_OCTET}\.){{3}}{_OCTET}'"


def put(text: str, args: list[str]) -> str:
    """Return a template with `$0`, `$1` … replaced at once, so that a dollar inside an argument stays."""
    return re.sub(r"\$([0-9])", lambda m: args[int(m[1])], text)


def bound_in_turn(*steps: tuple[str, str], body: str) -> Spelling:
    """Return a spelling that binds names one after another, `$0` standing for the first argument."""

    def spell(printer: Printer, call: Call) -> str:
        given = [printer.expr(a) for a in call.args]
        # A nested query may not stand inside a lambda, and a long argument is not to be repeated, so both are bound before.
        whole = body + "".join(value for _, value in steps)
        args = [f"given{place}" if bound_first(text, whole, f"${place}") and not grouped(call.args[place]) else text for place, text in enumerate(given)]

        def filled(text: str) -> str:
            return put(text, args)

        text = filled(body)
        for name, value in reversed(steps):
            text = printer.dialect.let(name, filled(value), text)
        for name, value in zip(args, given, strict=True):
            text = printer.dialect.let(name, value, text) if name != value else text
        return text

    return spell


_VERSION = "CAST(COALESCE(NULLIF(split_part(x, '.', {}), ''), '0') AS DECIMAL(38, 0)) * 1{}"
_BYTES = f"list_transform({elements('$0')}, LAMBDA b: TRY_CAST(b AS BIGINT))"
# The first three groups of a guid are turned byte by byte.
_ORDER = (4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16)
_TURNED = " || ".join(f"substring(h, {2 * place - 1}, 2)" for place in _ORDER)
_GROUPED = "g[1:8] || '-' || g[9:12] || '-' || g[13:16] || '-' || g[17:20] || '-' || g[21:32]"


def _hexed(address: str) -> str:
    """Return the eight hexadecimal digits of an IPv4 address."""
    return " || ".join(f"printf('%02x', CAST(split_part({address}, '.', {i}) AS INTEGER))" for i in range(1, 5))


_TAIL = r"regexp_extract(a, '[0-9.]+$', 0)"
_PAIRS = ", ".join(f"CAST(split_part(t, '.', {i}) AS INTEGER) * 256 + CAST(split_part(t, '.', {i + 1}) AS INTEGER)" for i in (1, 3))
_MAPPED = f"substring(a, 1, length(a) - length(t)) || printf('%x:%x', {_PAIRS})"
_SIDES = "list_filter(string_split(split_part(v, '::', {}), ':'), LAMBDA g: g <> '')"
_DIGITS = (
    f"(CASE WHEN regexp_full_match(a, {_V4}) THEN repeat('0', 20) || 'ffff' || {_hexed('a')}"
    r" WHEN NOT regexp_full_match(v, '[0-9a-f:]{2,39}') OR regexp_matches(v, ':::|::.*::|[0-9a-f]{5}|^:[^:]|[^:]:$') THEN NULL"
    " WHEN contains(v, '::') AND len(p) + len(q) < 8 OR len(p) = 8 AND NOT contains(v, '::') THEN"
    " array_to_string(list_transform(p || list_transform(range(8 - len(p) - len(q)), LAMBDA i: '0') || q, LAMBDA g: lpad(g, 4, '0')), '') END)"
)
_PREFIX = "(CASE WHEN NOT contains($0, '/') THEN 128 WHEN contains($0, ':') THEN n WHEN n <= 32 THEN n + 96 END)"
# Four bits a digit: whole ones stay, the one where the prefix ends is cut, the rest is 0.
_CUT = (
    "substring($0, 1, CAST($1 // 4 AS INTEGER)) || CASE WHEN $1 % 4 > 0 THEN printf('%x', CAST('0x' || substring($0, CAST($1 // 4 AS INTEGER) + 1, 1)"
    " AS INTEGER)"
    " & (15 << (4 - CAST($1 % 4 AS INTEGER))) & 15) ELSE '' END || repeat('0', CAST(32 - ($1 + 3) // 4 AS INTEGER))"
)
_BLOCK = (
    "list_reduce(list_prepend(CAST(NULL AS INTEGER), range(64)), LAMBDA s, i: CASE WHEN s.at > $1 THEN s ELSE list_transform([list_max(list_filter(range(33),"
    " LAMBDA b: s.at % (1::BIGINT << b) = 0 AND s.at + (1::BIGINT << b) - 1 <= $1))], LAMBDA b: struct_pack(at := s.at + (1::BIGINT << b), listed :="
    " list_append(s.listed, '\"' || concat_ws('.', s.at // 16777216, (s.at // 65536) % 256, (s.at // 256) % 256, s.at % 256) || '/' || (32 - b) ||"
    " '\"')))[1] END,"
    " struct_pack(at := CAST($0 AS BIGINT), listed := CAST([] AS VARCHAR[])))"
).replace("list_prepend(CAST(NULL AS INTEGER), range(64))", "range(64)")
# One character after another: backslashes are counted until it is known whether a quote follows them.
_SLASHES = "CASE WHEN c = '\"' THEN repeat('\\', s.n // 2) ELSE repeat('\\', s.n) END"
_STEP = (
    "CASE WHEN c = '\\' THEN struct_pack(o := s.o, w := s.w, q := s.q, n := s.n + 1, begun := TRUE)"
    f" WHEN c = '\"' AND s.n % 2 = 1 THEN struct_pack(o := s.o, w := s.w || {_SLASHES} || c, q := s.q, n := 0, begun := TRUE)"
    f" WHEN c = '\"' THEN struct_pack(o := s.o, w := s.w || {_SLASHES}, q := NOT s.q, n := 0, begun := TRUE)"
    f" WHEN c IN (' ', chr(9)) AND NOT s.q THEN struct_pack(o := CASE WHEN s.begun THEN list_append(s.o, s.w || {_SLASHES}) ELSE s.o END, w := '', q"
    f" := FALSE, n := 0, begun := FALSE)"
    f" ELSE struct_pack(o := s.o, w := s.w || {_SLASHES} || c, q := s.q, n := 0, begun := TRUE) END"
)
_COMMAND = (
    f"list_reduce(list_append(string_split($0, ''), ' '), LAMBDA s, c: {_STEP},"
    " struct_pack(o := CAST([] AS VARCHAR[]), w := '', q := FALSE, n := 0, begun := FALSE))"
)
# An unclosed quote runs to the end, so what is left over is an argument too; the blank put at the end is no part of it.
_ARGUMENTS = "CASE WHEN f.begun THEN list_append(f.o, regexp_replace(f.w, ' $', '')) ELSE f.o END"

_PIECES = r"""'(?s)<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[?!][^>]*>|<[^>"'']*(?:"[^"]*"[^>"'']*|''[^'']*''[^>"'']*)*>|[^<]+'"""
_NAMED = "replace(replace(replace(replace({}, '&lt;', '<'), '&gt;', '>'), '&quot;', '\"'), '&apos;', '''')"
_NUMBERED = (
    "array_to_string(list_transform(regexp_extract_all({}, '(?s)&#x?[0-9a-fA-F]+;|[^&]+|&'), LAMBDA u: CASE WHEN regexp_full_match(u, '&#[0-9]+;')"
    " THEN chr(CAST(u[3:-2] AS INTEGER)) WHEN regexp_full_match(u, '&#x[0-9a-fA-F]+;') THEN chr(CAST('0x' || u[4:-2] AS INTEGER)) ELSE u END), '')"
)


def _decoded(text: str) -> str:
    numbered = _NUMBERED.format(text)
    return f"(CASE WHEN contains({text}, '&') THEN replace({_NAMED.format(numbered)}, '&amp;', '&') ELSE {text} END)"


_JSON = "CAST(to_json({}) AS VARCHAR)"
_ATTRIBUTE = r"""'([^\s=<>"''/]+)\s*=\s*("[^"]*"|''[^'']*'')'"""
_ATTRIBUTES = (
    f"list_transform(range(1, len(regexp_extract_all(t, {_ATTRIBUTE})) + 1), LAMBDA i: struct_pack(k := '@' || regexp_extract_all(t, {_ATTRIBUTE}, 1)[i],"
    f" v := {_JSON.format(_decoded(f'regexp_extract_all(t, {_ATTRIBUTE}, 2)[i][2:-2]'))}))"
)
_SAME = "list_transform(list_filter(w.m, LAMBDA y: y.k = x.k), LAMBDA y: y.v)"
_GROUPED_MEMBERS = (
    "list_transform(list_filter(w.m, LAMBDA x, i: list_position(list_transform(w.m, LAMBDA y: y.k), x.k) = i),"
    f" LAMBDA x: {_JSON.format('x.k')} || ':' || CASE WHEN len({_SAME}) > 1 THEN '[' || array_to_string({_SAME}, ',') || ']' ELSE {_SAME}[1] END)"
)


def _value(closed: str) -> str:
    """Return an element as JSON: null, its text, or an object of its members."""
    text = "CASE WHEN trim(w.x, ' \t\r\n') <> '' THEN list_append({0}, '\"#text\":' || " + _JSON.format("trim(w.x, ' \t\r\n')") + ") ELSE {0} END"
    members = text.format(_GROUPED_MEMBERS)
    whole = f"'{{' || array_to_string({members}, ',') || '}}'"
    plain = _JSON.format("trim(w.x, ' \t\r\n')")
    return f"(CASE WHEN len(w.m) > 0 THEN {whole} WHEN {closed} THEN 'null' ELSE {plain} END)"


def _with_top(top: str) -> str:
    return f"list_append(s.e[:-2], {top})"


_TOP = "s.e[-1]"
_NAME = r"regexp_extract(t, '^</?([^\s/>]+)', 1)"
_ELEMENT = f"struct_pack(k := {_NAME}, m := {_ATTRIBUTES}, x := '')"
_CHILD = (
    f"struct_pack(k := {_TOP}.k, m := list_append({_TOP}.m, struct_pack(k := {_NAME}, v := list_transform([{_ELEMENT}], LAMBDA w:"
    f" {_value('TRUE')})[1])), x := {_TOP}.x)"
)
_CLOSED = (
    f"list_append(s.e[:-3], struct_pack(k := s.e[-2].k, m := list_append(s.e[-2].m, struct_pack(k := {_NAME}, v := list_transform([{_TOP}], LAMBDA w:"
    f" {_value('FALSE')})[1])),"
    " x := s.e[-2].x))"
)


def _state(stack: str, good: str = "s.good") -> str:
    return f"struct_pack(e := {stack}, good := {good})"


def _texted(text: str) -> str:
    return _state(_with_top(f"struct_pack(k := {_TOP}.k, m := {_TOP}.m, x := {_TOP}.x || {text})"))


_XML_STEP = (
    f"CASE WHEN NOT s.good THEN s WHEN starts_with(t, '<![CDATA[') THEN {_texted('t[10:-4]')} WHEN regexp_matches(t, '^<[!?]') THEN s"
    f" WHEN starts_with(t, '</') THEN CASE WHEN len(s.e) > 1 AND {_TOP}.k = {_NAME} THEN {_state(_CLOSED)} ELSE {_state('s.e', 'FALSE')} END"
    f" WHEN t[-2:] = '/>' THEN {_state(_with_top(_CHILD))} WHEN t[1:1] = '<' THEN {_state(f'list_append(s.e, {_ELEMENT})')} ELSE {_texted(_decoded('t'))} END"
)
_EMPTY = "struct_pack(e := [struct_pack(k := '', m := CAST([] AS STRUCT(k VARCHAR, v VARCHAR)[]), x := '')], good := TRUE)"
_XML = (
    f"list_transform([list_reduce(regexp_extract_all($0, {_PIECES}), LAMBDA s, t: {_XML_STEP}, {_EMPTY})], LAMBDA s:"
    " CASE WHEN s.good AND len(s.e) = 1 AND len(s.e[1].m) = 1 AND trim(s.e[1].x, ' \t\r\n') = '' THEN '{' ||"
    " " + _JSON.format("s.e[1].m[1].k") + " || ':' || s.e[1].m[1].v || '}' END)[1]"
)  # fmt: skip


def _weighted(printer: Printer, call: Call) -> str:
    value, weight, percent = call.args
    if not isinstance(percent, e.Literal) or not isinstance(percent.value, (int, float)):
        raise ValueError("a percentile must be constant")
    listed = f"list(struct_pack(v := {printer.expr(value)}, w := CAST({printer.expr(weight)} AS DOUBLE)) ORDER BY {printer.expr(value)})/*filter*//*over*/"
    kept = "list_filter(l, LAMBDA x: x.v IS NOT NULL AND x.w > 0)"
    wanted = f"list_sum(list_transform({kept}, LAMBDA x: x.w)) * {float(percent.value) / 100!r}"
    start = f"struct_pack(c := 0.0::DOUBLE, r := CAST(NULL AS {printer.sql_type(value.type)}))"
    walked = (
        f"list_reduce({kept}, LAMBDA a, x: struct_pack(c := a.c + x.w, r := CASE WHEN a.r IS NULL AND a.c + x.w >= {wanted} THEN x.v ELSE a.r END), {start})"
    )
    return printer.dialect.let("l", listed, f"({walked}).r")


def _covariance(name: str) -> Spelling:
    return name + "(CAST({0} AS DOUBLE), CAST({1} AS DOUBLE))"


_PLACE = r"""regexp_replace(fullkey[2:], '\.(?:"((?:[^"\\]|\\.)*)"|([^.\[\"]+))', '[''\1\2'']', 'g')"""

FUNCTIONS: dict[str, Spelling] = {
    "convert.version": bound_in_turn(
        ("x", "$0"),
        body=r"(CASE WHEN regexp_full_match(x, '[0-9]{1,8}(\.[0-9]{1,8}){0,3}') THEN "
        + " + ".join(_VERSION.format(i + 1, "0" * (8 * (3 - i))) for i in range(4)) + " END)",
    ),
    "encode.base64_of_bytes": bound_in_turn(
        ("l", _BYTES),
        body="(CASE WHEN json_type($0) = 'ARRAY' AND len(list_filter(l, LAMBDA b: b IS NULL OR b NOT BETWEEN 0 AND 255)) = 0 THEN"
        " to_base64(unhex(COALESCE(array_to_string(list_transform(l, LAMBDA b: printf('%02x', b)), ''), ''))) END)",
    ),
    "encode.base64_of_guid": bound_in_turn(("h", "replace($0, '-', '')"), body=f"to_base64(unhex({_TURNED}))"),
    "encode.guid_of_base64": bound_in_turn(
        ("h", "lower(hex(TRY(from_base64($0))))"), ("g", _TURNED), body=f"(CASE WHEN length(h) = 32 THEN {_GROUPED} END)"
    ),
    "address.ipv6_digits": bound_in_turn(
        ("a", "lower(trim(split_part($0, '/', 1)))"),
        ("t", _TAIL),
        ("v", f"(CASE WHEN contains(a, ':') AND regexp_full_match(t, {_V4}) THEN {_MAPPED} ELSE a END)"),
        ("p", _SIDES.format(1)),
        ("q", "(CASE WHEN contains(v, '::') THEN " + _SIDES.format(2) + " ELSE [] END)"),
        body=_DIGITS,
    ),
    "address.ipv6_prefix": bound_in_turn(("n", "TRY_CAST(NULLIF(split_part($0, '/', 2), '') AS BIGINT)"), body=_PREFIX),
    "address.digits_cut": bound_in_turn(body=f"(CASE WHEN $1 BETWEEN 0 AND 127 THEN {_CUT} WHEN $1 >= 128 THEN $0 END)"),
    "address.digits_text": bound_in_turn(body="concat_ws(':', " + ", ".join(f"substring($0, {4 * i + 1}, 4)" for i in range(8)) + ")"),
    "address.cidr_list": bound_in_turn(body=f"(CASE WHEN $0 IS NOT NULL AND $1 IS NOT NULL THEN {array_of(f'({_BLOCK}).listed')} END)"),
    "text.command_line": bound_in_turn(
        ("f", _COMMAND), body="(CASE WHEN $0 IS NOT NULL THEN CAST(to_json(" + _ARGUMENTS + ") AS VARCHAR) END)"
    ),
    "dynamic.of_xml": bound_in_turn(body=f"(CASE WHEN contains($0, '<') AND length($0) <= 1048576 THEN {_XML} END)"),
    "object.first_members": bound_in_turn(
        body="(CASE WHEN json_type($0) = 'OBJECT' THEN '{' || COALESCE(array_to_string(list_transform(list_slice(json_keys($0), 1, $1), LAMBDA k:"
        " CAST(to_json(k) AS VARCHAR) || ':' || CAST(json_extract($0, '$.' || CAST(to_json(k) AS VARCHAR)) AS VARCHAR)), ','), '') || '}' END)",
    ),
    "agg.percentile_weighted": _weighted,
    "agg.covariance": _covariance("covar_samp"),
    "agg.covariance_population": _covariance("covar_pop"),
    "dynamic.schema_paths": bound_in_turn(
        body=f"(SELECT CAST(to_json(list({_PLACE} ORDER BY id)) AS VARCHAR) FROM json_tree($0) WHERE fullkey <> '$')"
    ),
}  # fmt: skip
