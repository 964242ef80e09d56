"""DuckDB's spelling of places: network blocks, distance, geohash; and of entropy, edit distance and patterns that are not constant."""

from __future__ import annotations

from livefire.engines.duckdb_sql.network import V4, V6, hex_v6
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_DIGITS = "'0123456789abcdef'"
_BASE32 = "'0123456789bcdefghjkmnpqrstuvwxyz'"


def _digits_of(value: str) -> str:
    octets = " || ".join(f"printf('%02x', CAST(split_part({value}, '.', {i}) AS INTEGER))" for i in range(1, 5))
    mapped = f"'00000000000000000000ffff' || {octets}"
    return f"(CASE WHEN regexp_full_match({value}, '{V4}') THEN {mapped} WHEN regexp_full_match({value}, '{V6}') THEN {hex_v6(value)} END)"


def _digits(printer: Printer, call: Call) -> str:
    return printer.dialect.let("v", printer.expr(call.args[0]), _digits_of("v"))


def _edge(*, last: bool) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        let = printer.dialect.let
        size = "(CASE WHEN contains(v, '/') THEN TRY_CAST(split_part(v, '/', 2) AS BIGINT) WHEN contains(v, ':') THEN 128 ELSE 32 END)"
        bits = f"({size} + CASE WHEN contains(v, ':') THEN 0 ELSE 96 END)"
        most = "pow(2, 4 - b % 4)"
        low = f"CAST(floor((instr({_DIGITS}, substring(h, CAST(b // 4 + 1 AS INTEGER), 1)) - 1) / {most}) * {most} AS BIGINT)"
        nibble = f"CASE WHEN b % 4 = 0 THEN '' ELSE substring({_DIGITS}, CAST({low}{f' + {most} - 1' if last else ''} AS INTEGER) + 1, 1) END"
        filled = f"rpad(substring(h, 1, CAST(b // 4 AS INTEGER)) || {nibble}, 32, '{'f' if last else '0'}')"
        made = f"(CASE WHEN b BETWEEN 0 AND 128 AND h IS NOT NULL THEN {filled} END)"
        whole = let("h", let("a", "split_part(v, '/', 1)", _digits_of("a")), let("b", bits, made))
        return let("v", printer.expr(call.args[0]), whole)

    return spell


_HAVERSINE = "pow(sin(radians({2} - {0}) / 2), 2) + cos(radians({0})) * cos(radians({2})) * pow(sin(radians({3} - {1}) / 2), 2)"


def _geohash(printer: Printer, call: Call) -> str:
    latitude, longitude, size = call.args
    if not isinstance(size, e.Literal) or not isinstance(size.value, int) or not 1 <= size.value <= 12:
        raise ValueError("the number of characters must be constant, from 1 to 12")
    scale = 2**30
    # Bits of longitude and latitude take turns; 30 of each are the most that twelve characters hold.
    bit = "(CASE WHEN k % 2 = 0 THEN x ELSE y END >> (29 - k // 2)) & 1"
    digit = f"list_sum(list_transform(range(5), LAMBDA j: {bit.replace('k', '(i * 5 + j)')} << (4 - j)))"
    letters = f"list_transform(range({size.value}), LAMBDA i: substring({_BASE32}, CAST({digit} AS INTEGER) + 1, 1))"
    let = printer.dialect.let
    x = f"CAST(least(floor((o + 180) / 360 * {scale}), {scale - 1}) AS BIGINT)"
    y = f"CAST(least(floor((l + 90) / 180 * {scale}), {scale - 1}) AS BIGINT)"
    inner = let("x", x, let("y", y, f"array_to_string({letters}, '')"))
    guarded = f"(CASE WHEN l BETWEEN -90 AND 90 AND o BETWEEN -180 AND 180 THEN {inner} END)"
    return let("l", printer.expr(latitude), let("o", printer.expr(longitude), guarded))


def _entropy(printer: Printer, call: Call) -> str:
    counts = "map_values(list_histogram(string_split(v, '')))"
    part = "- (CAST(n AS DOUBLE) / length(v)) * log2(CAST(n AS DOUBLE) / length(v))"
    total = f"list_sum(list_transform({counts}, LAMBDA n: {part}))"
    return printer.dialect.let("v", printer.expr(call.args[0]), f"(CASE WHEN v = '' THEN 0.0 ELSE {total} + 0.0 END)")


_ESCAPED = "replace(replace(replace(replace({1}, '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%')"

FUNCTIONS: dict[str, Spelling] = {
    "address.digits": _digits,
    "address.block_first": _edge(last=False),
    "address.block_last": _edge(last=True),
    "geo.distance": f"(CASE WHEN {_HAVERSINE} IS NOT NULL THEN 2 * 6371008.8 * asin(least(1.0, sqrt({_HAVERSINE}))) END)",
    "geo.hash": _geohash,
    "text.entropy": _entropy,
    "text.edit_distance": "levenshtein({0}, {1})",
    "text.fits_glob": "({0} LIKE " + _ESCAPED + " ESCAPE '\\')",
}
