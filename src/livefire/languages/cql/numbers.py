"""Functions of numbers: math:*, units, durations, flags of a bit field, places on the earth, and hashes.

https://library.humio.com/data-analysis/functions-math.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.durations import ticks
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import MISSING, is_null
from livefire.languages.cql.texts import field_of
from livefire.plan import expr as e
from livefire.plan.functions import all_of, call
from livefire.schema import Type

Run = Callable[[Lower, Event, Bound], e.Expr]
_NONE = e.null(Type.REAL)


def _real(value: float) -> e.Expr:
    return e.Literal(float(value), Type.REAL)


def _times(a: e.Expr, b: e.Expr) -> e.Expr:
    return call("number.multiply", a, b, type=Type.REAL)


def _plus(a: e.Expr, b: e.Expr) -> e.Expr:
    return call("number.add", a, b, type=Type.REAL)


def _minus(a: e.Expr, b: e.Expr) -> e.Expr:
    return call("number.subtract", a, b, type=Type.REAL)


def _over(a: e.Expr, b: e.Expr) -> e.Expr:
    return call("number.divide", a, b)


def _exp(x: e.Expr) -> e.Expr:
    return call("number.exp", x)


def _mirrored(x: e.Expr) -> e.Expr:
    return _exp(_minus(_real(0), x))


def _tanh(x: e.Expr) -> e.Expr:
    # Written with the power that shrinks, so that no large number is divided by another.
    shrunk = _exp(_times(_real(-2), call("number.abs", x, type=Type.REAL)))
    size = _over(_minus(_real(1), shrunk), _plus(_real(1), shrunk))
    below = call("compare.lt", x, _real(0))
    return e.Case(((call("logic.is_null", x), _NONE), (below, _minus(_real(0), size))), size, Type.REAL)


def _meaning(name: str) -> Callable[[e.Expr], e.Expr]:
    return lambda x: call(name, x, type=Type.REAL)


_ONE: dict[str, Callable[[e.Expr], e.Expr]] = {
    "abs": _meaning("number.abs"),
    "ceil": _meaning("number.ceiling"),
    "floor": _meaning("number.floor"),
    "sqrt": _meaning("number.sqrt"),
    "exp": _meaning("number.exp"),
    "log": _meaning("number.log"),
    "log10": _meaning("number.log10"),
    "log2": _meaning("number.log2"),
    "log1p": lambda x: call("number.log", _plus(x, _real(1))),
    "expm1": lambda x: _minus(_exp(x), _real(1)),
    "sin": _meaning("number.sin"),
    "cos": _meaning("number.cos"),
    "tan": _meaning("number.tan"),
    "arcsin": _meaning("number.asin"),
    "arccos": _meaning("number.acos"),
    "arctan": _meaning("number.atan"),
    "sinh": lambda x: _over(_minus(_exp(x), _mirrored(x)), _real(2)),
    "cosh": lambda x: _over(_plus(_exp(x), _mirrored(x)), _real(2)),
    "tanh": _tanh,
    "deg2rad": lambda x: _times(x, _real(math.pi / 180)),
    "rad2deg": lambda x: _times(x, _real(180 / math.pi)),
}


def _one(build: Callable[[e.Expr], e.Expr]) -> Run:
    def run(_: Lower, event: Event, bound: Bound) -> e.Expr:
        value = field_of(event, bound)
        return _NONE if is_null(value) else build(event.hold(coerce.real(value)))

    return run


def _two(meaning: str, first: str, second: str) -> Run:
    def run(lower: Lower, event: Event, bound: Bound) -> e.Expr:
        left, right = bound.need(first), bound.need(second)
        if left is None or right is None:
            return _NONE
        a, b = (coerce.real(_number(lower, event, v)) for v in (left, right))
        if is_null(a) or is_null(b):
            return _NONE
        return call(meaning, event.hold(a), event.hold(b), type=Type.REAL, span=bound.span)

    return run


def _number(lower: Lower, event: Event, value: s.Value) -> e.Expr:
    """Return an argument that is a number or the name of a field, quoted or not."""
    if isinstance(value, s.Word) and value.quoted and not is_null(coerce.number(e.text(value.text))):
        return coerce.number(e.text(value.text))
    return event.read(value.text) if isinstance(value, s.Word) and value.quoted else lower.value(event, value)


# units and durations

_DECIMAL = {
    "Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1,
    "d": 1e-1, "c": 1e-2, "m": 1e-3, "μ": 1e-6, "µ": 1e-6, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "z": 1e-21, "y": 1e-24,
}  # fmt: skip
_LED = r"^([kMGTPEZY]i|da|[YZEPTGMkhdcmμµunpfazy])[A-Za-z]+$"
_BINARY = {letter: 1024.0**power for power, letter in enumerate("kMGTPEZY", 1)}


def _split_unit(written: str, base: str | None, *, binary: bool) -> tuple[float, str]:
    """Return the factor of a unit's prefix and the unit without it."""
    if base is not None and written.endswith(base):
        prefix, unit = written[: len(written) - len(base)], base
    else:
        found = re.match(r"([kMGTPEZY]i|da|[YZEPTGMkhdcmμµunpfazy])(?=$|[A-Za-z])", written)
        prefix = found.group(1) if found else ""
        unit = written[len(prefix) :]
    if prefix.endswith("i"):
        return 1024.0 ** (" kMGTPEZY".index(prefix[0])), unit
    return (_BINARY if binary and prefix in _BINARY else _DECIMAL).get(prefix, 1.0), unit


def _convert(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-unit-convert.html"""
    value = field_of(event, bound)
    if is_null(value):
        return _NONE
    binary, base = bound.flag("binary"), bound.text("unit")
    target, unit = _split_unit(bound.text("to", "") or "", base, binary=binary)
    source = bound.text("from")
    text = event.hold(coerce.text(value))
    pattern = r"^\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(.*?)\s*$"
    number = event.hold(coerce.number(call("text.extract_regex", text, e.text(pattern), e.whole(1))))
    written = event.hold(call("text.extract_regex", text, e.text(pattern), e.whole(2)))
    bare, _rest = _split_unit(source, base or unit or None, binary=binary) if source else (1.0, "")
    known = {p + u: (_BINARY if binary and p in _BINARY else _DECIMAL).get(p, 1.0) for p in ("", *_DECIMAL) for u in {base or unit}}
    known.update({f"{p}i{base or unit}": 1024.0 ** (" kMGTPEZY".index(p)) for p in "kMGTPEZY"})
    known.pop("", None)
    arms: list[tuple[e.Expr, e.Expr]] = [
        (call("compare.eq", written, e.text("")), _real(bare)),
        *((call("compare.eq", written, e.text(w)), _real(f)) for w, f in known.items()),
    ]
    if not (base or unit):
        # Without a unit to go by, the first letters of the value's own unit are its prefix.
        led = event.hold(call("text.extract_regex", written, e.text(_LED), e.whole(1)))
        every = [*_DECIMAL.items(), *((f"{p}i", 1024.0 ** (" kMGTPEZY".index(p))) for p in "kMGTPEZY")]
        arms += [(call("compare.eq", led, e.text(p)), _real(_BINARY[p] if binary and p in _BINARY else f)) for p, f in every]
        arms.append((call("compare.ne", written, e.text("")), _real(1)))
    factor = e.Case(tuple(arms), _NONE, Type.REAL)
    made = _over(_times(coerce.real(number), event.hold(factor)), _real(target))
    if bound.flag("keepUnit"):
        return call("text.concat", coerce.text(event.hold(made)), e.text(f" {bound.text('to') or unit}"))
    return made


_PARTS = (("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1))


def _format_duration(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-formatduration.html

    A number with a fraction is left as it is. `precision` is how many units are written, 0 for all.
    """
    value = field_of(event, bound)
    scale = dict(_PARTS).get(bound.text("from", "ms") or "ms")
    precision = bound.whole("precision", 0)
    if scale is None:
        bound.wrong("from", "d, h, m, s, ms, us or ns")
        return MISSING
    if is_null(value):
        return MISSING
    whole = event.hold(call("number.parse_long", coerce.text(value), span=bound.span))
    left: e.Expr = event.hold(call("number.multiply", call("number.abs", whole), e.whole(scale), type=Type.LONG))
    pieces: list[e.Expr] = []
    written: e.Expr = e.whole(0)
    shown: e.Expr
    for unit, size in _PARTS:
        if size < min(scale, dict(_PARTS)["ms"] if scale >= dict(_PARTS)["ms"] else scale):
            break
        many = event.hold(call("number.divide_whole", left, e.whole(size)))
        shown = call("compare.gt", many, e.whole(0))
        if precision > 0:
            shown = all_of(shown, call("compare.lt", written, e.whole(precision)))
        shown = event.hold(shown)
        pieces.append(e.Case(((shown, call("text.concat", call("number.text", many), e.text(unit))),), e.text(""), Type.STRING))
        if precision > 0:
            written = event.hold(call("number.add", written, e.Case(((shown, e.whole(1)),), e.whole(0), Type.LONG), type=Type.LONG))
        left = event.hold(call("number.modulo", left, e.whole(size)))
    joined = event.hold(call("text.concat", *pieces))
    sign = e.Case(((call("compare.lt", whole, e.whole(0)), e.text("-")),), e.text(""), Type.STRING)
    zero = call("text.concat", e.text("0"), e.text(bound.text("from", "ms") or "ms"))
    full = e.Case(((call("compare.eq", joined, e.text("")), zero),), call("text.concat", sign, joined), Type.STRING)
    return e.Case(((call("logic.is_null", whole), coerce.text(value)),), full, Type.STRING)


def _duration(_: Lower, __: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-duration.html"""
    written = bound.text("duration")
    found = ticks(written) if written is not None else None
    if found is None:
        bound.wrong("duration", "a length of time such as 1h")
        return _NONE
    return e.whole(found // 10_000)


# bit fields


def _flags_of(bound: Bound, name: str) -> list[tuple[int, str]]:
    pairs: list[tuple[int, str]] = []
    for item in bound.items(name):
        parts = item.items if isinstance(item, s.Items) else ()
        words = [p.text for p in parts if isinstance(p, s.Word)]
        if len(words) != 2 or not words[0].isdigit() or int(words[0]) > 63:
            bound.wrong(name, "pairs of a bit from 0 to 63 and a name: [[0, First], [1, Second]]")
            return []
        pairs.append((int(words[0]), words[1]))
    return pairs


def _bit(number: e.Expr, place: int) -> e.Expr:
    if place == 63:  # the sign of a number of 64 bits
        return call("compare.lt", number, e.whole(0))
    return call("compare.eq", call("number.bit_and", call("number.shift_right", number, e.whole(place)), e.whole(1)), e.whole(1))


def _bits(event: Event, bound: Bound) -> e.Expr | None:
    value = field_of(event, bound)
    return None if is_null(value) else event.hold(call("number.parse_long", coerce.text(value), span=bound.span))


def _extract_flags(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-bitfield-extractflags.html"""
    if bound.need("output") is None or (number := _bits(event, bound)) is None:
        return
    for place, name in _flags_of(bound, "output"):
        on = event.hold(_bit(number, place))
        off = e.null(Type.STRING) if bound.flag("onlyTrue") else e.text("false")
        known = call("logic.not", call("logic.is_null", number))
        event.assign(name, e.Case(((coerce.certain(on), e.text("true")), (known, off)), MISSING, Type.STRING))


def _set_flags(event: Event, bound: Bound) -> e.Expr | None:
    if bound.need("flagNames") is None or (number := _bits(event, bound)) is None:
        return None
    names = [e.Case(((coerce.certain(_bit(number, place)), e.text(name)),), MISSING, Type.STRING) for place, name in _flags_of(bound, "flagNames")]
    return event.hold(call("array.compact", call("dynamic.array", *names)))


def _flags_array(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-bitfield-extractflagsasarray.html"""
    found = _set_flags(event, bound)
    if found is not None:
        name = (bound.text("as") or "_flags").removesuffix("[]")
        event.arrays[name], event.sizes[name] = found, None
        event.mentioned.setdefault(f"{name}[]")


def _flags_string(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-bitfield-extractflagsasstring.html"""
    found = _set_flags(event, bound)
    return MISSING if found is None else call("text.join", found, e.text(bound.text("separator", ",") or ","), span=bound.span)


# places and hashes


def _reals(lower: Lower, event: Event, bound: Bound, *names: str) -> list[e.Expr] | None:
    values = [bound.need(name) for name in names]
    if any(v is None for v in values):
        return None
    found = [coerce.real(_number(lower, event, v)) for v in values if v is not None]
    return None if any(is_null(v) for v in found) else [event.hold(v) for v in found]


def _distance(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-geography-distance.html"""
    found = _reals(lower, event, bound, "lon1", "lat1", "lon2", "lat2")
    return _NONE if found is None else call("geo.distance", *found, span=bound.span)


def _geohash(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-geohash.html"""
    field, precision = bound.field("field"), bound.whole("precision", 12)
    names = [bound.field(part) or f"{field or 'ip'}.{part}" for part in ("lat", "lon")]
    values = [coerce.real(event.read(name)) for name in names]
    if not 1 <= precision <= 12:
        bound.wrong("precision", "a whole number from 1 to 12")
        return MISSING
    if any(is_null(v) for v in values):
        return MISSING
    return call("geo.geohash", *(event.hold(v) for v in values), e.whole(precision), span=bound.span)


def _hash(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-hash.html"""
    said = "hash gives LogScale's own numbers, which are not published; here equal values get equal numbers, but other ones"
    bound.context.diagnostics.warn("W239", said, bound.span, help="crypto:md5 and its like give the same there and here")
    parts: list[e.Expr] = [e.text(bound.text("seed", "") or "")]
    for word in bound.fields("field"):
        # The length keeps (ab, c) from (a, bc).
        text = event.hold(coerce.either(coerce.text(event.read(word.text)), e.text("")))
        parts += [call("number.text", call("text.length", text)), e.text(":"), text]
    digits = call("text.slice", call("text.digest", call("text.concat", *parts), e.text("md5")), e.whole(0), e.whole(8))
    number = call("number.parse_base", digits, e.whole(16), span=bound.span)
    limit = bound.whole("limit", 0)
    return call("number.modulo", number, e.whole(limit)) if limit > 0 else number


def _event_size(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-eventsize.html"""
    said = "eventSize is what LogScale's storage takes for an event; here it is the bytes of @rawstring"
    bound.context.diagnostics.warn("W239", said, bound.span, help="compare such numbers only with each other")
    raw = event.read("@rawstring")
    return e.null(Type.LONG) if is_null(raw) else call("text.bytes", coerce.text(raw), span=bound.span)


def _subnet(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-subnet.html"""
    value, bits = field_of(event, bound), bound.whole("bits", 32)
    if not 0 <= bits <= 32:
        bound.wrong("bits", "a whole number from 0 to 32")
        return MISSING
    if is_null(value):
        return MISSING
    number = call("address.ipv4_number", coerce.text(value), span=bound.span)
    return call("address.ipv4_text", number, e.whole(bits))


_DISTANCE = ("lat1", "lon1", "lat2", "lon2", "as")

FUNCTIONS = (
    *(Function(f"math:{name}", "value", ("field", "as"), _one(build), f"_{name}") for name, build in _ONE.items()),
    Function("math:mod", "value", ("field", "divisor", "as"), _two("number.modulo_floor", "field", "divisor"), "_mod"),
    Function("math:pow", "value", ("field", "exponent", "as"), _two("number.power", "field", "exponent"), "_pow"),
    Function("math:arctan2", "value", ("y", "x", "as"), _two("number.atan2", "y", "x"), "_arctan2"),
    Function("unit:convert", "value", ("field", "to", "as", "from", "unit", "binary", "keepUnit"), _convert, "{field}"),
    Function("formatDuration", "value", ("field", "as", "from", "precision"), _format_duration, "{field}"),
    Function("duration", "value", ("duration", "as"), _duration, "_duration"),
    Function("bitfield:extractFlags", "step", ("field", "output", "onlyTrue"), _extract_flags),
    Function("bitfield:extractFlagsAsArray", "step", ("field", "flagNames", "as"), _flags_array),
    Function("bitfield:extractFlagsAsString", "value", ("field", "flagNames", "as", "separator"), _flags_string, "_flags"),
    Function("geography:distance", "value", _DISTANCE, _distance, "_distance"),
    Function("geohash", "value", ("field", "lat", "lon", "precision", "as"), _geohash, "_geohash"),
    Function("hash", "value", ("field", "limit", "as", "seed"), _hash, "_hash"),
    Function("eventSize", "value", ("as",), _event_size, "_eventSize"),
    Function("subnet", "value", ("field", "bits", "as"), _subnet, "_subnet"),
)
