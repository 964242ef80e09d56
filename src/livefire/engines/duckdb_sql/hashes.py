"""DuckDB's spelling of XXH64, which it has not: 64-bit numbers stand in 128 bits, so that their products fit.

The algorithm: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md . The text is hashed as the hexadecimal digits of its
bytes, two a byte: `h` are the digits, `z` is how many there are.
"""

from __future__ import annotations

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e
from livefire.schema import Type

Call = e.Call | e.Aggregate | e.WindowCall

_FIRST, _SECOND, _THIRD = 11400714785074694791, 14029467366897019727, 1609587929392839161
_FOURTH, _FIFTH = 9650029242287828579, 2870177450012600261
_WRAP = "CAST(18446744073709551616 AS UHUGEINT)"


def _number(value: int) -> str:
    return f"CAST({value} AS UHUGEINT)"


def _times(value: str, factor: int) -> str:
    return f"({value} * {_number(factor)} % {_WRAP})"


def _turned(value: str, bits: int) -> str:
    return f"({value} * {_number(2**bits)} % {_WRAP} + {value} // {_number(2 ** (64 - bits))})"


def _let(name: str, value: str, body: str) -> str:
    return f"list_transform([{value}], LAMBDA {name}: {body})[1]"


def _mixed(start: str, word: str) -> str:
    """Return the round of the algorithm over one word."""
    return _let("q", f"({start} + {_times(word, _SECOND)}) % {_WRAP}", _times(_turned("q", 31), _FIRST))


def _read(digits: str, at: str, size: int) -> str:
    """Return the little-endian number of some digits from a place on."""
    pairs = " || ".join(f"c[{i}:{i + 1}]" for i in range(size - 1, 0, -2))
    return _let("c", f"substring({digits}, {at}, {size})", f"CAST(CAST(('0x' || {pairs}) AS UBIGINT) AS UHUGEINT)")


def _lane(place: int) -> str:
    """Return one of the four lanes over all whole stripes of 32 bytes."""
    start = [_FIRST + _SECOND, _SECOND, 0, -_FIRST][place] % 2**64
    words = f"list_transform(range(z // 64), LAMBDA i: {_read('h', f'i * 64 + {16 * place + 1}', 16)})"
    return f"list_reduce({words}, LAMBDA a, w: {_mixed('a', 'w')}, {_number(start)})"


def _converged() -> str:
    merged = _let("m", f"xor(a, {_mixed(_number(0), 'w')})", f"({_times('m', _FIRST)} + {_number(_FOURTH)}) % {_WRAP}")
    total = " + ".join(_turned(f"v[{i + 1}]", bits) for i, bits in enumerate((1, 7, 12, 18)))
    lanes = "[" + ", ".join(_lane(i) for i in range(4)) + "]"
    return _let("v", lanes, f"list_reduce(v, LAMBDA a, w: {merged}, ({total}) % {_WRAP})")


def _digest() -> str:
    begun = f"((CASE WHEN z >= 64 THEN {_converged()} ELSE {_number(_FIFTH)} END + CAST(z // 2 AS UHUGEINT)) % {_WRAP})"
    eights = f"list_transform(range((z % 64) // 16), LAMBDA i: {_read('h', '(z // 64) * 64 + i * 16 + 1', 16)})"
    eight = _let("y", f"xor(a, {_mixed(_number(0), 'w')})", f"({_times(_turned('y', 27), _FIRST)} + {_number(_FOURTH)}) % {_WRAP}")
    after_eights = f"list_reduce({eights}, LAMBDA a, w: {eight}, {begun})"
    four = _let("y", f"xor(e, {_times(_read('h', '(z // 16) * 16 + 1', 8), _FIRST)})", f"({_times(_turned('y', 23), _SECOND)} + {_number(_THIRD)}) % {_WRAP}")
    after_four = f"CASE WHEN z % 16 >= 8 THEN {four} ELSE e END"
    bytes_left = f"list_transform(range((z % 8) // 2), LAMBDA i: {_read('h', '(z // 8) * 8 + i * 2 + 1', 2)})"
    one = _let("y", f"xor(a, {_times('w', _FIFTH)})", _times(_turned("y", 11), _FIRST))
    after_bytes = f"list_reduce({bytes_left}, LAMBDA a, w: {one}, f)"
    second = _times(f"xor(g, g // {_number(2**33)})", _SECOND)
    third = _times(f"xor(x, x // {_number(2**29)})", _THIRD)
    last = _let("x", second, _let("r", third, f"xor(r, r // {_number(2**32)})"))
    signed = f"CAST(CAST(d AS HUGEINT) - (CASE WHEN d >= {_number(2**63)} THEN 18446744073709551616 ELSE 0 END) AS BIGINT)"
    return _let("z", "CAST(length(h) AS BIGINT)", _let("e", after_eights, _let("f", after_four, _let("g", after_bytes, _let("d", last, signed)))))


_DIGEST = _digest()


def _xxhash(printer: Printer, call: Call) -> str:
    value = printer.expr(call.args[0])
    if call.args[0].type is Type.STRING:
        digits = f"hex(encode({value}))"
    else:
        digits = _let("c", f"lpad(to_hex({value}), 16, '0')", " || ".join(f"c[{i}:{i + 1}]" for i in range(15, 0, -2)))
    return f"(CASE WHEN {value} IS NOT NULL THEN {_let('h', digits, _DIGEST)} END)"


FUNCTIONS: dict[str, Spelling] = {"encode.xxhash64": _xxhash}
