"""Functions of ES|QL over numbers; a result that is no finite number is null, with a warning in Elasticsearch."""

from __future__ import annotations

from livefire.languages.esql import values as v
from livefire.languages.esql.use import Builder, Use
from livefire.languages.esql.values import PLAN_TYPES, Kind, Value
from livefire.plan import expr as e
from livefire.plan.functions import any_of, call
from livefire.schema import Type

_ZERO = e.Literal(0.0, Type.REAL)


def real_literal(text: str) -> e.Literal:
    """Return a double constant."""
    return e.Literal(float(text), Type.REAL)


def finite(real: e.Expr) -> Value:
    """Return a double, null where it is no finite number."""
    return Value(call("number.finite", real), Kind.DOUBLE)


def same(meaning: str) -> Builder:
    """Return the builder of a function that keeps the type of its number."""

    def build(use: Use) -> Value:
        number = use.number(0)
        return Value(call("number.or_null", call(meaning, number.expr, span=use.span)), number.kind)

    return build


def to_whole(meaning: str) -> Builder:
    """Return the builder of `floor` and `ceil`, which leave whole numbers and keep doubles double."""

    def build(use: Use) -> Value:
        number = use.number(0)
        return number if number.kind is not Kind.DOUBLE else Value(call(meaning, number.expr, type=Type.REAL, span=use.span), Kind.DOUBLE)

    return build


def real(meaning: str) -> Builder:
    """Return the builder of a function from double to double."""

    def build(use: Use) -> Value:
        return finite(call(meaning, v.number(use.number(0)), span=use.span))

    return build


def fixed(text: str) -> Builder:
    """Return the builder of a constant."""

    def build(_: Use) -> Value:
        return Value(real_literal(text), Kind.DOUBLE)

    return build


def times(factor: str) -> Builder:
    """Return the builder of a product with a constant."""

    def build(use: Use) -> Value:
        return finite(call("number.multiply", v.number(use.number(0)), real_literal(factor), type=Type.REAL, span=use.span))

    return build


def power(use: Use) -> Value:
    """`pow(base, exponent)` as a double."""
    return finite(call("number.power", v.number(use.number(0)), v.number(use.number(1)), span=use.span))


def logarithm(use: Use) -> Value:
    """`log(number)` and `log(base, number)`."""
    if use.count == 1:
        return finite(call("number.log", v.number(use.number(0)), span=use.span))
    base = call("number.log", v.number(use.number(0)))
    return finite(call("number.divide", call("number.log", v.number(use.number(1))), call("logic.null_if", base, _ZERO), span=use.span))


def of_two(meaning: str) -> Builder:
    """Return the builder of a function from two doubles to double."""

    def build(use: Use) -> Value:
        return finite(call(meaning, v.number(use.number(0)), v.number(use.number(1)), span=use.span))

    return build


def hypotenuse(use: Use) -> Value:
    """`hypot(a, b)`."""
    sides = [v.number(use.number(i)) for i in (0, 1)]
    squares = [call("number.multiply", s, s, type=Type.REAL) for s in sides]
    return finite(call("number.sqrt", call("number.add", *squares, type=Type.REAL), span=use.span))


def copy_sign(use: Use) -> Value:
    """`copy_sign(magnitude, sign)`: the type is that of the magnitude."""
    size, by = use.number(0), v.number(use.number(1))
    plain = call("number.abs", size.expr, span=use.span)
    arms = ((call("logic.is_null", by), e.null(plain.type)), (call("compare.lt", by, _ZERO), call("number.negate", plain)))
    return Value(e.Case(arms, plain, plain.type), size.kind)


def scale_by(use: Use) -> Value:
    """`scalb(number, exponent)`: the number times two to the power."""
    factor = call("number.power", e.Literal(2.0, Type.REAL), v.number(use.number(1)))
    return finite(call("number.multiply", v.number(use.number(0)), factor, type=Type.REAL, span=use.span))


def sign(use: Use) -> Value:
    """`signum(number)` as -1.0, 0.0 or 1.0."""
    number = v.number(use.number(0))
    arms = (
        (call("compare.gt", number, _ZERO), e.Literal(1.0, Type.REAL)),
        (call("compare.lt", number, _ZERO), e.Literal(-1.0, Type.REAL)),
        (call("compare.eq", number, _ZERO), _ZERO),
    )
    return Value(e.Case(arms, e.null(Type.REAL), Type.REAL), Kind.DOUBLE)


def round_to(use: Use) -> Value:
    """`round(number[, decimals])`: halves away from zero; whole numbers only change with negative decimals."""
    number = use.number(0)
    decimals = use.constant_whole(1) if use.count > 1 else 0
    if decimals is None:
        return v.null(number.kind)
    if decimals < -18:
        return Value(call("number.multiply", number.expr, e.whole(0), type=PLAN_TYPES[number.kind]), number.kind)
    if number.kind is not Kind.DOUBLE and decimals >= 0:
        return number
    if number.kind is not Kind.DOUBLE:
        rounded = call("number.round", call("logic.cast", number.expr, type=Type.LONG), e.whole(decimals), span=use.span)
        return Value(call("convert.to_int", rounded) if number.kind is Kind.INT else rounded, number.kind)
    return Value(call("number.round", number.expr, e.whole(decimals), span=use.span), Kind.DOUBLE)


def extreme_of(meaning: str, values: list[Value], kind: Kind) -> Value:
    """Return the greatest or least of several columns, each by its own greatest or least value; null where one is null."""
    top = meaning == "compare.greatest"
    sides = [v.scalar(Value(v.extreme(x, greatest=top), x.kind) if x.many else x, kind) for x in values]
    missing = any_of(*(call("logic.is_null", s) for s in sides))
    type = PLAN_TYPES[kind]
    return Value(e.Case(((missing, e.null(type)),), call(meaning, *sides), type), kind)
