"""Numeric functions. https://learn.microsoft.com/kusto/query/scalar-functions#mathematical-functions"""

from __future__ import annotations

import math
from collections.abc import Callable

from livefire.languages.kql import coerce
from livefire.languages.kql.calls import Scalar, Site
from livefire.languages.kql.functions_time import bin_value
from livefire.languages.kql.scope import fill
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type


def real(meaning: str) -> Scalar:
    """Return the function of a meaning over one real."""
    return Scalar(lambda s: s.call(meaning, s.real(0)), 1, 1)


def _number(site: Site, place: int = 0) -> e.Expr:
    value = site.args[place]
    if value.type is Type.DYNAMIC:
        return coerce.to_real(value)
    if value.type is Type.UNKNOWN:
        return value
    if not value.type.numeric and value.type is not Type.TIMESPAN:
        site.wrong(place, "a number", "convert it with tolong() or todouble()" if value.type is Type.STRING else "")
        return coerce.to_real(value)
    return value


def _abs(site: Site) -> e.Expr:
    value = _number(site)
    if value.type is Type.UNKNOWN:
        return value
    if value.type is Type.LONG or value.type is Type.TIMESPAN:
        return site.call("number.abs_wrapping", value)
    return site.call("number.abs", coerce.fit(value, Type.LONG) if value.type is Type.INT else value)


def _round(site: Site) -> e.Expr:
    value = _number(site)
    if value.type is Type.UNKNOWN:
        return value
    if value.type.integral and not site.has(1):
        return coerce.to_real(value) if value.type is Type.REAL else coerce.fit(value, value.type)
    digits = site.long(1) if site.has(1) else e.whole(0)
    if value.type.integral:
        return coerce.fit(coerce.to_long(site.call("number.round", coerce.to_real(value), digits)), value.type)
    return site.call("number.round", value, digits)


def _ceiling(site: Site) -> e.Expr:
    value = _number(site)
    if value.type is Type.UNKNOWN:
        return value
    return value if value.type.integral else site.call("number.ceiling", value, type=value.type)


def _floor_or_bin(site: Site) -> e.Expr:

    if len(site.args) == 1:
        value = _number(site)
        return value if value.type.integral or value.type is Type.UNKNOWN else site.call("number.floor", value, type=value.type)
    return bin_value(site)


def _sign(site: Site) -> e.Expr:
    value = site.real(0)
    zero = e.Literal(0.0, Type.REAL)
    whens = (
        (call("compare.gt", value, zero), e.Literal(1.0, Type.REAL)),
        (call("compare.lt", value, zero), e.Literal(-1.0, Type.REAL)),
        (call("compare.eq", value, zero), zero),
    )
    return e.Case(whens, e.null(Type.REAL), Type.REAL)


def _power_of(base: float) -> Scalar:
    return Scalar(lambda s: s.call("number.power", e.Literal(base, Type.REAL), s.real(0)), 1, 1)


def _scaled(factor: float) -> Scalar:
    return Scalar(lambda s: s.call("number.multiply", s.real(0), e.Literal(factor, Type.REAL), type=Type.REAL), 1, 1)


def _bits(meaning: str) -> Scalar:
    return Scalar(lambda s: s.call(meaning, *(coerce.narrow(s.long(i), Type.LONG) for i in range(len(s.args)))), 2, 2)


def _is(meaning: str) -> Callable[[Site], e.Expr]:
    return lambda s: s.call("logic.is_true", s.call(meaning, s.real(0)))


def _is_finite(site: Site) -> e.Expr:
    from livefire.plan.functions import any_of, negate

    return negate(any_of(_is("number.is_nan")(site), _is("number.is_infinite")(site)))


_SIZES = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"]


def _format_bytes(site: Site) -> e.Expr:
    digits = site.constant_long(1, 0)
    value = site.real(0)
    if site.has(2):
        unit = site.constant_text(2)
        if unit not in _SIZES:
            return site.refuse(f"the unit {unit!r} is not run", "units: " + ", ".join(_SIZES))
        return _shown(site, value, _SIZES.index(unit), digits)
    whens = tuple(
        (call("compare.lt", call("number.abs", value), e.Literal(1024.0 ** (i + 1), Type.REAL)), _shown(site, value, i, digits)) for i in range(len(_SIZES) - 1)
    )
    return e.Case(whens, _shown(site, value, len(_SIZES) - 1, digits), Type.STRING)


def _shown(site: Site, value: e.Expr, power: int, digits: int) -> e.Expr:
    scaled = call("number.round", call("number.divide", value, e.Literal(1024.0**power, Type.REAL)), e.whole(digits))
    text = call("convert.decimal_text", coerce.to_decimal(scaled))
    return fill(site.call("text.concat", text, e.text(" " + _SIZES[power])))


NUMBER: dict[str, Scalar] = {
    "abs": Scalar(_abs, 1, 1), "round": Scalar(_round, 1, 2), "ceiling": Scalar(_ceiling, 1, 1), "floor": Scalar(_floor_or_bin, 1, 2),
    "pow": Scalar(lambda s: s.call("number.power", s.real(0), s.real(1)), 2, 2), "sqrt": real("number.sqrt"), "log": real("number.log"),
    "log2": real("number.log2"), "log10": real("number.log10"), "exp": real("number.exp"), "exp2": _power_of(2.0), "exp10": _power_of(10.0),
    "pi": Scalar(lambda _: e.Literal(math.pi, Type.REAL), 0, 0), "sin": real("number.sin"), "cos": real("number.cos"), "tan": real("number.tan"),
    "cot": real("number.cot"), "asin": real("number.asin"), "acos": real("number.acos"), "atan": real("number.atan"),
    "atan2": Scalar(lambda s: s.call("number.atan2", s.real(0), s.real(1)), 2, 2), "sign": Scalar(_sign, 1, 1), "degrees": _scaled(180 / math.pi),
    "radians": _scaled(math.pi / 180), "gamma": real("number.gamma"), "erf": real("number.erf"), "erfc": real("number.erfc"),
    "loggamma": real("number.loggamma"), "isnan": Scalar(_is("number.is_nan"), 1, 1),
    "isinf": Scalar(_is("number.is_infinite"), 1, 1), "isfinite": Scalar(_is_finite, 1, 1), "binary_and": _bits("number.bit_and"),
    "binary_or": _bits("number.bit_or"), "binary_xor": _bits("number.bit_xor"), "binary_shift_left": _bits("number.shift_left"),
    "binary_shift_right": _bits("number.shift_right"), "binary_not": Scalar(lambda s: s.call("number.bit_not", coerce.narrow(s.long(0), Type.LONG)), 1, 1),
    "bitset_count_ones": Scalar(lambda s: s.call("number.bit_count", coerce.narrow(s.long(0), Type.LONG)), 1, 1), "format_bytes": Scalar(_format_bytes, 1, 3),
}  # fmt: skip
