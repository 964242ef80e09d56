"""Conversions between KQL's types: those that are written (`tostring`) and those that Kusto makes by itself."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from livefire.languages.kql.expressions import timespan_text
from livefire.languages.kql.literals import LiteralError, read_datetime, read_guid, read_timespan
from livefire.languages.kql.scope import fill
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_RANK = {Type.INT: 1, Type.LONG: 2, Type.DECIMAL: 3, Type.REAL: 4}


def wider(left: Type, right: Type) -> Type:
    """Return the type in which two numbers meet."""
    return max(left, right, key=lambda t: _RANK.get(t, 0))


def constant(expr: e.Expr) -> bool:
    """True for a literal that is not null."""
    return isinstance(expr, e.Literal) and expr.value is not None


def is_null(expr: e.Expr) -> bool:
    """True for a literal null."""
    return isinstance(expr, e.Literal) and expr.value is None


def never_null(expr: e.Expr) -> bool:
    """True where a value is sure to be there: constants, and every text."""
    return constant(expr) or expr.type is Type.STRING or (isinstance(expr, e.Parameter) and expr.name == "now")


def cast(expr: e.Expr, type: Type) -> e.Expr:
    """Return a number, or a null, in another numeric type without a check."""
    if expr.type is type:
        return expr
    if isinstance(expr, e.Literal):
        return e.Literal(_number(expr.value, type), type)
    return call("logic.cast", expr, type=type)


def _number(value: e.Scalar, type: Type) -> e.Scalar:
    if value is None or isinstance(value, (str, datetime)):
        return None if value is None else value
    if type is Type.REAL:
        return float(value)
    if type is Type.DECIMAL:
        return Decimal(str(value))
    if type is Type.BOOL:
        return bool(value)
    return int(value)


def to_text(expr: e.Expr) -> e.Expr:
    """`tostring(x)`: never null. https://learn.microsoft.com/kusto/query/tostring-function"""
    match expr.type:
        case Type.STRING:
            return expr
        case Type.DYNAMIC:
            if isinstance(expr, e.Literal):
                return e.text(_dynamic_text(expr.value))
            return fill(call("dynamic.text", expr))
        case Type.UNKNOWN:
            return e.text("") if isinstance(expr, e.Literal) else fill(call("logic.cast", expr, type=Type.STRING))
        case _ if isinstance(expr, e.Literal):
            return e.text("" if expr.value is None else _scalar_text(expr.value, expr.type))
        case Type.DATETIME:
            shown = call("text.concat", call("time.format", expr, e.text("%Y-%m-%dT%H:%M:%S.%f")), e.text("0Z"))
            return fill(shown)
        case Type.TIMESPAN:
            return fill(call("convert.span_text", expr))
        case Type.BOOL:
            return e.Case(((expr, e.text("true")), (call("logic.is_null", expr), e.text(""))), e.text("false"), Type.STRING)
        case Type.REAL:
            return fill(call("convert.real_text", expr))
        case Type.DECIMAL:
            return fill(call("convert.decimal_text", expr))
        case Type.GUID:
            return call("logic.coalesce", call("logic.cast", expr, type=Type.STRING), e.text(""), type=Type.STRING)
        case _:
            return fill(call("number.text", expr))


def _dynamic_text(value: e.Scalar) -> str:
    if value is None:
        return ""
    found = json.loads(str(value))
    if isinstance(found, str):
        return found
    return str(value)


def _scalar_text(value: e.Scalar, type: Type) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if type is Type.TIMESPAN and isinstance(value, int):
        return timespan_text(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "0Z"
    if isinstance(value, float):
        return real_text(value)
    return str(value)


def real_text(value: float) -> str:
    """Return a real as Kusto writes it: shortest form, whole ones with `.0`, far ones with an exponent."""
    if math.isnan(value):
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    if "e" in text:
        digits, _, exponent = text.partition("e")
        return f"{digits}E{exponent}" if int(exponent) < 0 else f"{digits}E+{int(exponent):02}"
    return text


def to_long(expr: e.Expr, type: Type = Type.LONG) -> e.Expr:
    """`tolong(x)` and `toint(x)`: null for what is no whole number; reals are cut. https://learn.microsoft.com/kusto/query/tolong-function"""
    match expr.type:
        case Type.INT | Type.LONG:
            return narrow(expr, type)
        case Type.STRING:
            found: e.Expr = call("convert.text_long", expr)
        case Type.DYNAMIC:
            found = call("convert.dynamic_long", expr)
        case Type.REAL | Type.DECIMAL:
            found = call("number.to_long", expr)
        case Type.BOOL:
            found = call("logic.cast", expr, type=Type.LONG)
        case Type.TIMESPAN:
            found = call("logic.cast", expr, type=Type.LONG)
        case Type.DATETIME:
            found = call("convert.datetime_ticks", expr)
        case _:
            return e.null(type)
    return narrow(found, type)


def narrow(expr: e.Expr, type: Type) -> e.Expr:
    """Return a whole number as int or long; null where it does not fit."""
    if expr.type is type:
        return expr
    if isinstance(expr, e.Literal):
        fits = isinstance(expr.value, int) and (type is Type.LONG or -(2**31) <= expr.value < 2**31)
        return e.Literal(expr.value if fits else None, type)
    if type is Type.LONG:
        return call("logic.cast", expr, type=Type.LONG)
    return call("convert.to_int", expr)


def to_real(expr: e.Expr) -> e.Expr:
    """`toreal(x)`: null for what is no number."""
    match expr.type:
        case Type.REAL:
            return expr
        case Type.INT | Type.LONG | Type.DECIMAL:
            return cast(expr, Type.REAL)
        case Type.STRING:
            return call("convert.text_real", expr)
        case Type.DYNAMIC:
            return call("convert.dynamic_real", expr)
        case Type.BOOL:
            return call("logic.cast", call("logic.cast", expr, type=Type.LONG), type=Type.REAL)
        case Type.TIMESPAN:
            return call("logic.cast", expr, type=Type.REAL)
        case _:
            return e.null(Type.REAL)


def to_decimal(expr: e.Expr) -> e.Expr:
    """`todecimal(x)`: null for what is no number."""
    match expr.type:
        case Type.DECIMAL:
            return expr
        case Type.INT | Type.LONG:
            return cast(expr, Type.DECIMAL)
        case Type.REAL | Type.STRING:
            return call("convert.to_decimal", expr)
        case Type.DYNAMIC:
            return call("convert.to_decimal", to_text(expr))
        case _:
            return e.null(Type.DECIMAL)


def to_bool(expr: e.Expr) -> e.Expr:
    """`tobool(x)`: true/false in any case, numbers not 0; else null."""
    match expr.type:
        case Type.BOOL:
            return expr
        case Type.STRING:
            return call("convert.text_bool", expr)
        case Type.DYNAMIC:
            return call("convert.dynamic_bool", expr)
        case Type.INT | Type.LONG | Type.REAL | Type.DECIMAL:
            return call("compare.ne", expr, e.Literal(0, Type.LONG))
        case _:
            return e.null(Type.BOOL)


def to_datetime(expr: e.Expr) -> e.Expr:
    """`todatetime(x)`: null for what is no datetime; a number is ticks since 0001-01-01."""
    match expr.type:
        case Type.DATETIME:
            return expr
        case Type.STRING:
            if isinstance(expr, e.Literal):
                return read_text(expr, Type.DATETIME)
            return call("convert.text_datetime", expr)
        case Type.DYNAMIC:
            return call("convert.text_datetime", call("dynamic.text", expr))
        case Type.INT | Type.LONG:
            return call("convert.ticks_datetime", expr)
        case _:
            return e.null(Type.DATETIME)


def to_timespan(expr: e.Expr) -> e.Expr:
    """`totimespan(x)`: null for what is no timespan; a number is ticks."""
    match expr.type:
        case Type.TIMESPAN:
            return expr
        case Type.STRING:
            if isinstance(expr, e.Literal):
                return read_text(expr, Type.TIMESPAN)
            return call("convert.text_span", expr)
        case Type.DYNAMIC:
            return call("convert.text_span", call("dynamic.text", expr))
        case Type.INT | Type.LONG:
            return e.Literal(expr.value, Type.TIMESPAN) if isinstance(expr, e.Literal) else call("logic.cast", expr, type=Type.TIMESPAN)
        case _:
            return e.null(Type.TIMESPAN)


def to_guid(expr: e.Expr) -> e.Expr:
    """`toguid(x)`: null for what is no guid."""
    match expr.type:
        case Type.GUID:
            return expr
        case Type.STRING:
            return read_text(expr, Type.GUID) if isinstance(expr, e.Literal) else call("convert.text_guid", expr)
        case Type.DYNAMIC:
            return call("convert.text_guid", call("dynamic.text", expr))
        case _:
            return e.null(Type.GUID)


def read_text(literal: e.Literal, type: Type) -> e.Literal:
    """Return a constant text as a constant of another type, null when it is none."""
    readers: dict[Type, Callable[[str], e.Scalar]] = {Type.DATETIME: read_datetime, Type.TIMESPAN: read_timespan, Type.GUID: read_guid}
    try:
        return e.Literal(readers[type](str(literal.value)), type)
    except LiteralError:
        return e.null(type)


def to_dynamic(expr: e.Expr) -> e.Expr:
    """Return a scalar as a dynamic value, without reading text as JSON."""
    if expr.type is Type.DYNAMIC:
        return expr
    if is_null(expr):
        return e.null(Type.DYNAMIC)
    if isinstance(expr, e.Literal) and expr.type in (Type.STRING, Type.LONG, Type.INT, Type.BOOL):
        return e.Literal(json.dumps(expr.value, ensure_ascii=False), Type.DYNAMIC)
    if expr.type is Type.TIMESPAN or expr.type is Type.DATETIME:
        return call("dynamic.of", call("logic.null_if", to_text(expr), e.text("")))
    return call("dynamic.of", expr)


def to_type(expr: e.Expr, type: Type) -> e.Expr:
    """Return a value converted to a type as `to<type>` does."""
    match type:
        case Type.STRING:
            return to_text(expr)
        case Type.INT | Type.LONG:
            return to_long(expr, type)
        case Type.REAL:
            return to_real(expr)
        case Type.DECIMAL:
            return to_decimal(expr)
        case Type.BOOL:
            return to_bool(expr)
        case Type.DATETIME:
            return to_datetime(expr)
        case Type.TIMESPAN:
            return to_timespan(expr)
        case Type.GUID:
            return to_guid(expr)
        case Type.DYNAMIC:
            return to_dynamic(expr)
        case _:
            return expr


def meet(types: list[Type]) -> Type | None:
    """Return the type in which branches meet: equal types, the widest number, or None."""
    known = [t for t in dict.fromkeys(types) if t is not Type.UNKNOWN]
    if not known:
        return Type.UNKNOWN
    if len(known) == 1:
        return known[0]
    if all(t.numeric for t in known):
        widest: Type = known[0]
        for other in known[1:]:
            widest = wider(widest, other)
        return widest
    without: list[Type] = [t for t in known if t is not Type.DYNAMIC]
    return meet(without) if len(without) < len(known) else None


def fit(expr: e.Expr, type: Type) -> e.Expr:
    """Return a branch in the type where branches meet."""
    if expr.type is type:
        return expr
    if is_null(expr):
        return e.text("") if type is Type.STRING else e.null(type)
    if expr.type.numeric and type.numeric:
        return cast(expr, type)
    return to_type(expr, type)


def read_constant(expr: e.Expr) -> e.Expr:
    """Return the constant that a conversion of a constant gives, where it can be told here."""
    if not isinstance(expr, e.Call) or len(expr.args) != 1 or not isinstance(expr.args[0], e.Literal):
        return expr
    value = expr.args[0].value
    if expr.function == "convert.to_decimal" and isinstance(value, (int, float, str)):
        try:
            return e.Literal(Decimal(str(value)), Type.DECIMAL)
        except ArithmeticError:
            return expr
    return expr
