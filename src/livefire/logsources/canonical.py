"""One reading of foreign JSON: the same value for every engine, with what was odd about it.

Engines disagree on JSON that is not plain: DuckDB takes the first of duplicate keys where most
parsers take the last, refuses lone surrogates, and rounds large integers. So each record is
decoded here once, and what is stored is its re-encoding: compact, UTF-8, no key twice, no NUL,
numbers as they were. Whatever had to be settled on the way is named in the record's flags,
because it is how an attacker hides from a rule.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import msgspec

from livefire.logsources.limits import DEFAULT, Limits

Value = object

FLAGS: dict[str, str] = {
    "bom": "the file begins with a byte order mark",
    "control_char": "a string held raw control characters",
    "deep": "nested beyond the depth limit; quarantined",
    "duplicate_key": "an object held the same key more than once; the last one was kept",
    "huge_number": "a number beyond 64 bits; a number beyond the range of doubles was kept as text",
    "invalid_utf8_replaced": "bytes that are not UTF-8 became U+FFFD",
    "lone_surrogate": "half of a surrogate pair became U+FFFD",
    "not_a_number": "NaN or Infinity, which JSON does not have, was kept as text",
    "nul": "a string held U+0000, which became U+FFFD",
    "salvaged": "the bytes around this event are broken; it was found by looking for the next sound record",
}

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder()
_list_decoder: msgspec.json.Decoder[list[object]] = msgspec.json.Decoder(list[object])

_raw_list_decoder: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])

_DIGITS = bytes.maketrans(b"123456789[,", b"000000000::")
_LONG_BEGINS = (b":" + b"0" * 18, b":-" + b"0" * 18)
_LONG_NUMBER = re.compile(rb"(?<=[:\[,])-?\d{18,}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRUCTURE = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+(["{}\[\]]|\Z)', re.DOTALL)
_INT64 = 1 << 63
DEEPEST = 128
"""Levels of a value that anything here follows: Python's own readers and writers of JSON end at some hundreds."""
_KEY_BYTES = 4  # the shortest member, "":0
_INT_DIGITS = 4_000  # the interpreter refuses to convert more than 4,300


@dataclass(slots=True)
class Record:
    """A decoded JSON value with its canonical bytes and comma-joined flags ("" for none)."""

    value: Value
    canonical: bytes
    flags: str = ""


class UnsoundError(Exception):
    """A record cannot be read; `code` is one of the E4xx, `reason` says where and why."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code}: {reason}")


def encode(value: Value) -> bytes:
    """Return compact JSON of a decoded value."""
    return _encode(value)


def decode(data: bytes) -> Value:
    """Decode strict JSON without a closer look; raises `UnsoundError` where it is not strict, which may yet be readable."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UnsoundError("E420", str(error)) from None


def elements(data: bytes) -> list[bytes] | None:
    """Return the texts of comma-separated JSON values, None where they are no such thing."""
    try:
        return [bytes(raw) for raw in _raw_list_decoder.decode(b"[" + data + b"]")]
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def plain_records(data: bytes, *, lines: bool, limits: Limits) -> list[Record] | None:
    """Decode many records at once, or return None if any of them needs a closer look.

    `data` is comma-separated values, or with `lines` one value a line. A list is returned only
    where it is certain that no record would get a flag.
    """
    try:
        values = _decoder.decode_lines(data) if lines else _list_decoder.decode(b"[" + data + b"]")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    canonical = list(map(_encode, values))
    joined = (b"\n" if lines else b",").join(canonical)
    if joined != data.rstrip() and not _same_keys(data, joined):
        return None
    if b"\\u0000" in joined or has_huge_number(joined):
        return None
    for text in canonical:
        if text.count(b"{") + text.count(b"[") > limits.depth and depth(text) > limits.depth:
            return None
        if len(text) > limits.keys * _KEY_BYTES:
            return None
    return [Record(value, text) for value, text in zip(values, canonical, strict=True)]


def _same_keys(data: bytes, joined: bytes) -> bool:
    """True if decoding lost no key, judged by counting the quote-colon pairs that end a key.

    Inside a string that pair is always written backslash-quote-colon and so can be told apart,
    but for a key that ends in a backslash; that, and space before a colon, counts as doubt.
    """
    if b" :" in data or b"\t:" in data or b"\n:" in data or b"\r:" in data or b'\\\\":' in data:
        return False
    return _keys(data) == _keys(joined)


def _keys(data: bytes) -> int:
    return data.count(b'":') - data.count(b'\\":')


def has_huge_number(compact: bytes) -> bool:
    """True if compact JSON holds an integer beyond 64 bits inside an object or list."""
    digits = compact.translate(_DIGITS)
    if not any(begin in digits for begin in _LONG_BEGINS):
        return False
    return any(len(found) > _INT_DIGITS or not -_INT64 <= int(found) < _INT64 for found in _LONG_NUMBER.findall(compact))


def read_record(data: bytes, limits: Limits) -> Record:
    """Decode one record, settling and naming whatever is odd about it.

    Raises `UnsoundError` if it is not JSON, too deep, or has too many keys.
    """
    if len(data) > limits.record_bytes:
        raise UnsoundError("E421", f"{len(data)} bytes; the limit is {limits.record_bytes}")
    nested = depth(data)
    if nested > limits.depth:
        raise UnsoundError("E422", f"{nested} levels; the limit is {limits.depth}")
    flags: set[str] = set()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        flags.add("invalid_utf8_replaced")
    value = _Reading(flags, limits).decode(text)
    canonical = _encode(value)
    return Record(value, canonical, ",".join(sorted(flags)))


def embedded(text: str, limits: Limits = DEFAULT) -> Value:
    """Return the value of JSON that stands in a text; the text itself where it is none, or is too deep or too large to be handled.

    What is odd about it is settled as in a record, without a flag.
    """
    data = text.encode("utf-8", "replace")
    try:
        value = decode(data)
        if encode(value) == data and b"\\u0000" not in data and not has_huge_number(data) and not deeper(text, limits.depth):
            return value
    except (UnsoundError, RecursionError):
        pass
    try:
        return read_record(data, limits).value
    except UnsoundError:
        return text


def shown(text: str) -> Value:
    """Return the value of JSON that an engine gave; the text itself where it is deeper than what handles it can follow.

    Engines read more as JSON than JSON is, such as `-inf` or a comma at the end: that is given as the text it was.
    """
    try:
        return text if deeper(text, DEEPEST) else json.loads(text)
    except ValueError:
        return text


def deeper(text: str, levels: int) -> bool:
    """Tell whether a JSON text nests deeper than some levels."""
    return text.count("[") + text.count("{") > levels and depth(text.encode("utf-8", "replace")) > levels


def depth(data: bytes) -> int:
    """Return how deep objects and arrays nest in a JSON text, counting open brackets."""
    level = deepest = 0
    for match in _STRUCTURE.finditer(data):
        token = match.group(1)
        if token in (b"{", b"["):
            level += 1
            deepest = max(deepest, level)
        elif token in (b"}", b"]"):
            level -= 1
    return deepest


class _Reading:
    """The careful decoder: the standard library's, with hooks that notice and settle oddities."""

    def __init__(self, flags: set[str], limits: Limits) -> None:
        self._flags = flags
        self._limits = limits
        self._keys = 0

    def decode(self, text: str) -> Value:
        decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_int=self._int, parse_float=self._float, parse_constant=self._constant)
        try:
            value = decoder.decode(text)
        except json.JSONDecodeError:
            value = self._loosely(text)
        except RecursionError:
            raise UnsoundError("E422", f"nested beyond {self._limits.depth} levels") from None
        return self._settle(value)

    def _loosely(self, text: str) -> Value:
        """Accept raw control characters in strings, which attackers and careless exporters write."""
        decoder = json.JSONDecoder(strict=False, object_pairs_hook=self._object, parse_int=self._int, parse_float=self._float, parse_constant=self._constant)
        try:
            value = decoder.decode(text)
        except json.JSONDecodeError as error:
            raise UnsoundError("E420", f"{error.msg.removesuffix(' at')} at character {error.pos}") from None
        self._flags.add("control_char")
        return value

    def _object(self, pairs: list[tuple[str, Value]]) -> Value:
        self._keys += len(pairs)
        if self._keys > self._limits.keys:
            raise UnsoundError("E423", f"more than {self._limits.keys} keys")
        found = {self._text(key): self._settle(value) for key, value in pairs}
        if len(found) != len(pairs):
            self._flags.add("duplicate_key")
        return found

    def _settle(self, value: Value) -> Value:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._settle(item) for item in value]
        return value

    def _text(self, text: str) -> str:
        if "\x00" in text:
            self._flags.add("nul")
            text = text.replace("\x00", "\ufffd")
        if not text.isascii() and _SURROGATE.search(text):
            self._flags.add("lone_surrogate")
            text = _SURROGATE.sub("\ufffd", text)
        return text

    def _int(self, digits: str) -> Value:
        if len(digits) < 19:
            return int(digits)
        if len(digits) > _INT_DIGITS:
            self._flags.add("huge_number")
            return digits
        number = int(digits)
        if not -_INT64 <= number < _INT64:
            self._flags.add("huge_number")
        return number

    def _float(self, digits: str) -> Value:
        number = float(digits)
        if number in (float("inf"), float("-inf")):
            self._flags.add("huge_number")
            return digits
        return number

    def _constant(self, name: str) -> Value:
        self._flags.add("not_a_number")
        return name
