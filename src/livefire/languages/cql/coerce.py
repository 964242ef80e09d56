"""How CQL reads a value as text, number or truth: values are texts that their use interprets.

https://library.humio.com/data-analysis/syntax-expressions.html. A missing field is null.
"""

from __future__ import annotations

from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_EXACT = 1e15


def text(value: e.Expr) -> e.Expr:
    """Return a value as text: numbers in their shortest form, moments as milliseconds; null stays null.

    Objects and arrays are no values: their members are fields of their own.
    """
    match value.type:
        case Type.STRING | Type.GUID:
            return value
        case Type.INT | Type.LONG:
            return _constant(value, str) or call("number.text", value)
        case Type.REAL | Type.DECIMAL:
            return _constant(value, shortest) or _real_text(value)
        case Type.BOOL:
            return e.Case(((value, e.text("true")), (call("logic.not", value), e.text("false"))), e.null(Type.STRING), Type.STRING)
        case Type.DATETIME:
            return call("number.text", call("time.to_epoch", value, e.text("ms")))
        case Type.TIMESPAN:
            return call("number.text", value)
        case Type.DYNAMIC:
            return call("dynamic.leaf", value)
        case _:
            return e.null(Type.STRING) if isinstance(value, e.Literal) and value.value is None else value


def _constant(value: e.Expr, show: object) -> e.Expr | None:
    if isinstance(value, e.Literal) and value.value is not None and callable(show):
        return e.text(show(value.value))
    return None


def shortest(number: float) -> str:
    """Return a number as CQL writes it: whole ones without a point."""
    return str(int(number)) if abs(number) < _EXACT and number == int(number) else repr(float(number))


def _real_text(value: e.Expr) -> e.Expr:
    whole = call("number.to_long", value)
    exact = call(
        "logic.and",
        call("compare.eq", call("number.to_real", whole), value),
        call("compare.lt", call("number.abs", value), e.Literal(_EXACT, Type.REAL)),
    )
    return e.Case(((exact, call("number.text", whole)),), call("number.text", value), Type.STRING)


def number(value: e.Expr) -> e.Expr:
    """Return a value as a long or a real; null for null and for text that is no number."""
    match value.type:
        case Type.INT | Type.LONG | Type.REAL | Type.DECIMAL:
            return value
        case Type.DATETIME:
            return call("time.to_epoch", value, e.text("ms"))
        case Type.BOOL:
            return e.null(Type.REAL)
        case Type.UNKNOWN if isinstance(value, e.Literal):
            return e.null(Type.REAL)
        case _ if isinstance(value, e.Literal) and isinstance(value.value, str):
            return _literal_number(value.value)
        case _:
            return call("number.parse_real", text(value))


def _literal_number(written: str) -> e.Expr:
    try:
        found = float(written)
    except ValueError:
        return e.null(Type.REAL)
    return e.Literal(found, Type.REAL)


def real(value: e.Expr) -> e.Expr:
    """Return a value as a real."""
    found = number(value)
    if found.type is Type.REAL:
        return found
    if isinstance(found, e.Literal) and isinstance(found.value, int):
        return e.Literal(float(found.value), Type.REAL)
    return call("number.to_real", found) if found.type is not Type.DECIMAL else call("logic.cast", found, type=Type.REAL)


def truth(value: e.Expr) -> e.Expr:
    """Return a value as a truth: true and false, or a number that is not 0; else null."""
    if value.type is Type.BOOL:
        return value
    if value.type.numeric:
        return call("compare.ne", real(value), e.Literal(0.0, Type.REAL))
    written = text(value)
    arms = (
        (call("compare.eq", written, e.text("true")), e.TRUE),
        (call("compare.eq", written, e.text("false")), e.FALSE),
    )
    return e.Case(arms, call("compare.ne", real(written), e.Literal(0.0, Type.REAL)), Type.BOOL)


def present(value: e.Expr) -> e.Expr:
    """Return whether a field has a value; objects are not values of their own name."""
    probe = text(value) if value.type is Type.DYNAMIC else value
    return call("logic.not", call("logic.is_null", probe))


def same_type(values: list[e.Expr]) -> list[e.Expr]:
    """Return values in one type: their own when they agree, else reals when all are numbers, else texts."""
    kinds = {v.type for v in values if not (isinstance(v, e.Literal) and v.value is None)}
    if not kinds:
        return [e.null(Type.STRING) for _ in values]
    if len(kinds) == 1:
        (kind,) = kinds
        return [e.null(kind) if isinstance(v, e.Literal) and v.value is None else v for v in values]
    if all(k.numeric for k in kinds):
        return [real(v) for v in values]
    return [text(v) for v in values]


def either(first: e.Expr, second: e.Expr) -> e.Expr:
    """Return the first value unless it is null, then the second."""
    if isinstance(first, e.Literal) and first.value is None:
        return second
    if isinstance(first, e.Literal) or (isinstance(second, e.Literal) and second.value is None):
        return first
    left, right = same_type([first, second])
    return call("logic.coalesce", left, right)


def certain(condition: e.Expr) -> e.Expr:
    """Return a condition with null taken as false."""
    if isinstance(condition, e.Literal) and condition.value is not None:
        return condition
    if isinstance(condition, e.Call) and condition.function in ("logic.is_true", "logic.is_null"):
        return condition
    if isinstance(condition, e.Call) and condition.function in ("logic.not", "logic.and", "logic.or") and all(certain(a) is a for a in condition.args):
        return condition
    return call("logic.is_true", condition)
