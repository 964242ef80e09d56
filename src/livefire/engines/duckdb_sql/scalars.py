"""DuckDB's spelling of truth, comparison and arithmetic."""

from __future__ import annotations

from livefire.engines.sql import COMPARISONS, Printer, Spelling
from livefire.plan import expr as e
from livefire.schema import Type

Call = e.Call | e.Aggregate | e.WindowCall


def _joined(word: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        return "(" + f" {word} ".join(printer.expr(a) for a in call.args) + ")"

    return spell


def _variadic(name: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        return f"{name}({', '.join(printer.expr(a) for a in call.args)})"

    return spell


def _in(printer: Printer, call: Call) -> str:
    needle, *options = (printer.expr(a) for a in call.args)
    return f"({needle} IN ({', '.join(options)}))"


def _cast(printer: Printer, call: Call) -> str:
    (arg,) = call.args
    if arg.type is Type.DYNAMIC or call.type is Type.DYNAMIC:
        raise ValueError("logic.cast does not convert dynamic values; use the dynamic meanings")
    return f"CAST({printer.expr(arg)} AS {printer.sql_type(call.type)})"


def _arithmetic(sign: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        left, right = (printer.expr(a) for a in call.args)
        return f"CAST(({left} {sign} {right}) AS {printer.sql_type(call.type)})" if call.type is not Type.REAL else f"({left} {sign} {right})"

    return spell


# A result of 128 bits cut to the lower 64 of them.
WRAPPED = "CAST((({} + 9223372036854775808) & 18446744073709551615) - 9223372036854775808 AS BIGINT)"


def _wrapping(sign: str) -> str:
    divisor = "NULLIF({1}, 0)" if sign == "//" else "{1}"
    return WRAPPED.replace("{}", f"(CAST({{0}} AS HUGEINT) {sign} {divisor})")


def _multiply(printer: Printer, call: Call) -> str:
    # Twelve decimals times twelve leave fourteen places before the point; the parts of the factors leave all of them.
    left, right = (printer.expr(a) for a in call.args)
    if call.type is not Type.DECIMAL:
        return f"CAST(({left} * {right}) AS {printer.sql_type(call.type)})" if call.type is not Type.REAL else f"({left} * {right})"
    whole, rest = "CAST(trunc({0}) AS DECIMAL(26, 0))", "CAST({0} - trunc({0}) AS DECIMAL(13, 12))"
    parts = f"{whole.format('x')} * y + {whole.format('y')} * {rest.format('x')} + CAST({rest.format('x')} * {rest.format('y')} AS DECIMAL(38, 12))"
    product = f"list_transform([{left}], LAMBDA x: list_transform([{right}], LAMBDA y: {parts})[1])[1]"
    return f"TRY(CAST({product} AS {printer.sql_type(call.type)}))"


def _modulo_positive(printer: Printer, call: Call) -> str:
    value, by = call.args
    divisor = printer.expr(by)
    if isinstance(by, e.Literal) and isinstance(by.value, int) and by.value > 0:
        rest = f"({printer.expr(value)} % {divisor})"
        return f"(CASE WHEN {rest} < 0 THEN {rest} + {divisor} ELSE {rest} END)"
    # The least number has no remainder by -1 in 64 bits, and no absolute value.
    wide = f"CAST({divisor} AS HUGEINT)" if by.type.integral or by.type is Type.TIMESPAN else divisor
    rest = f"({printer.expr(value)} % NULLIF({wide}, 0))"
    return f"CAST((CASE WHEN {rest} < 0 THEN {rest} + abs({wide}) ELSE {rest} END) AS {printer.sql_type(call.type)})"


def _bin(printer: Printer, call: Call) -> str:
    value, size = (printer.expr(a) for a in call.args)
    if call.type is Type.REAL:
        return f"(CASE WHEN {size} > 0 THEN floor({value} / {size}) * {size} END)"
    if not call.type.integral and call.type is not Type.TIMESPAN:
        return f"CAST((CASE WHEN {size} > 0 THEN {value} - (({value} % {size}) + {size}) % {size} END) AS {printer.sql_type(call.type)})"
    # Below the least number there is no multiple, and a size may be as great as a number can be.
    wide = size if isinstance(call.args[1], e.Literal) else f"CAST({size} AS HUGEINT)"
    return f"TRY_CAST((CASE WHEN {size} > 0 THEN CAST({value} AS HUGEINT) - (({value} % {wide}) + {wide}) % {wide} END) AS {printer.sql_type(call.type)})"


def _round(printer: Printer, call: Call) -> str:
    digits = printer.expr(call.args[1]) if len(call.args) > 1 else "0"
    if len(call.args) > 1 and not isinstance(call.args[1], e.Literal):
        digits = f"least(greatest({digits}, -400), 400)"
    return f"round({printer.expr(call.args[0])}, CAST({digits} AS INTEGER))"


def _parse_base(printer: Printer, call: Call) -> str:
    value, base = printer.expr(call.args[0]), call.args[1]
    if not isinstance(base, e.Literal) or not isinstance(base.value, int) or not 2 <= base.value <= 36:
        raise ValueError("a base must be a constant from 2 to 36")
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"[: base.value]
    prefix = "(?:0x)?" if base.value == 16 else ""
    places = f"string_split(regexp_extract(x, '^[-+]?{prefix}([0-9a-z]+)$', 1), '')"
    values = f"list_transform({places}, LAMBDA c: CAST(instr('{digits}', c) - 1 AS HUGEINT))"
    # Twenty digits of base 36 fit 128 bits; what is beyond 64 is null.
    total = f"list_reduce(list_prepend(CAST(0 AS HUGEINT), {values}), LAMBDA a, d: a * {base.value} + d)"
    signed = f"TRY_CAST(CASE WHEN starts_with(x, '-') THEN -({total}) ELSE {total} END AS BIGINT)"
    number = f"CASE WHEN regexp_full_match(x, '[-+]?{prefix}[{digits}]{{1,20}}') THEN {signed} END"
    return f"list_transform([lower({value})], LAMBDA x: {number})[1]"


# A series whose terms have one sign near 0, a continued fraction beyond; both from their last term to the first, to the last digit.
# https://dlmf.nist.gov/7.6 , https://dlmf.nist.gov/7.9
_ERF_SERIES = "(list_reduce(range(80, 0, -1), LAMBDA a, n: 1 + a * 2 * x * x / (2 * n + 1), 1.0::DOUBLE) * 2 * x * exp(-x * x) / sqrt(pi()))"
_ERFC_FRACTION = "(exp(-x * x) / sqrt(pi()) / list_reduce(range(120, 0, -1), LAMBDA a, n: abs(x) + n / 2 / a, abs(x)))"
_ERF = f"CASE WHEN isnan(x) THEN x WHEN abs(x) < 2.5 THEN {_ERF_SERIES} WHEN abs(x) > 27 THEN sign(x) ELSE sign(x) * (1 - {_ERFC_FRACTION}) END"
_ERFC = (
    f"CASE WHEN isnan(x) THEN x WHEN abs(x) < 2.5 AND x < 0.5 THEN 1 - {_ERF_SERIES} WHEN x > 27 THEN 0 WHEN x < -27 THEN 2"
    f" WHEN x > 0 THEN {_ERFC_FRACTION.replace('range(120', 'range(2000')} ELSE 2 - {_ERFC_FRACTION} END"
)

FUNCTIONS: dict[str, Spelling] = {
    "logic.and": _joined("AND"),
    "logic.or": _joined("OR"),
    "logic.not": "(NOT {0})",
    "logic.is_true": "COALESCE({0}, FALSE)",
    "logic.is_null": "({0} IS NULL)",
    "logic.coalesce": _variadic("COALESCE"),
    "logic.null_if": "NULLIF({0}, {1})",
    "logic.cast": _cast,
    "logic.type_name": (
        "(CASE COALESCE(json_type({0}), 'NULL') WHEN 'NULL' THEN 'null' WHEN 'BOOLEAN' THEN 'bool' WHEN 'DOUBLE' THEN 'double'"
        " WHEN 'VARCHAR' THEN 'string' WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'dictionary' ELSE 'long' END)"
    ),
    **COMPARISONS,
    "compare.same": "({0} IS NOT DISTINCT FROM {1})",
    "compare.in": _in,
    "compare.greatest": _variadic("greatest"),
    "compare.least": _variadic("least"),
    "number.add": _arithmetic("+"),
    "number.subtract": _arithmetic("-"),
    "number.multiply": _multiply,
    "number.add_wrapping": _wrapping("+"),
    "number.subtract_wrapping": _wrapping("-"),
    "number.multiply_wrapping": _wrapping("*"),
    "number.divide_wrapping": _wrapping("//"),
    "number.abs_wrapping": WRAPPED.replace("{}", "abs(CAST({0} AS HUGEINT))"),
    "number.divide": "(CAST({0} AS DOUBLE) / CAST({1} AS DOUBLE))",
    "number.divide_whole": "({0} // NULLIF({1}, 0))",
    "number.modulo": "({0} % NULLIF({1}, 0))",
    "number.modulo_floor": "((({0} % NULLIF({1}, 0)) + {1}) % NULLIF({1}, 0))",
    "number.modulo_positive": _modulo_positive,
    # A list of one names the number once, however deep the arithmetic is.
    "number.finite": "list_transform([{0}], LAMBDA x: CASE WHEN isfinite(x) THEN x END)[1]",
    "number.or_null": "TRY({0})",
    "number.negate": "(- {0})",
    "number.abs": "abs({0})",
    "number.floor": "CAST(floor({0}) AS {type})",
    "number.ceiling": "CAST(ceil({0}) AS {type})",
    "number.round": _round,
    "number.bin": _bin,
    "number.erf": f"list_transform([CAST({{0}} AS DOUBLE)], LAMBDA x: {_ERF})[1]",
    "number.erfc": f"list_transform([CAST({{0}} AS DOUBLE)], LAMBDA x: {_ERFC})[1]",
    "number.sqrt": "(CASE WHEN {0} >= 0 THEN sqrt({0}) END)",
    "number.power": "power({0}, {1})",
    "number.log": "(CASE WHEN {0} > 0 THEN ln({0}) END)",
    "number.exp": "exp({0})",
    "number.to_long": "TRY_CAST(trunc({0}) AS BIGINT)",
    "number.to_real": "CAST({0} AS DOUBLE)",
    "number.parse_long": r"(CASE WHEN regexp_full_match({0}, '\s*[-+]?[0-9]+\s*') THEN TRY_CAST({0} AS BIGINT) END)",
    "number.parse_real": r"(CASE WHEN regexp_full_match({0}, '\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*') THEN TRY_CAST({0} AS DOUBLE) END)",
    "number.parse_base": _parse_base,
    "number.text": "CAST({0} AS VARCHAR)",
    "window.row_number": "row_number()",
    "window.rank": "rank()",
    "window.dense_rank": "dense_rank()",
    "window.previous": _variadic("lag"),
    "window.next": _variadic("lead"),
    "window.last_known": "last_value({0} IGNORE NULLS)",
}
