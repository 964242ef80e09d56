"""DuckDB's spelling of network blocks as digits, and of entropy, edit distance and patterns that are not constant."""

from __future__ import annotations

from livefire.engines.duckdb_sql.network import V4, V6, hex_v6
from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

_DIGITS = "'0123456789abcdef'"


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
    "text.entropy": _entropy,
    "text.edit_distance": "levenshtein({0}, {1})",
    "text.fits_glob": "({0} LIKE " + _ESCAPED + " ESCAPE '\\')",
}
