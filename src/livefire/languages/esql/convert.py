"""The conversions of ES|QL: `to_…` and `::`.

What cannot be converted is null, with a warning in Elasticsearch.
https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/type-conversion-functions
"""

from __future__ import annotations

from collections.abc import Callable

from livefire.languages.esql import values as v
from livefire.languages.esql.text import valid_address
from livefire.languages.esql.time import iso
from livefire.languages.esql.use import Use
from livefire.languages.esql.values import PLAN_TYPES, Kind, Value
from livefire.plan import expr as e
from livefire.plan.functions import all_of, call
from livefire.schema import Type

_HALF = e.Literal(0.5, Type.REAL)


def _each(use: Use, kind: Kind, convert: Callable[[Value], e.Expr | None]) -> Value:
    """Convert one value, or each of several."""
    value = use.value(0)
    if value.kind is Kind.NULL:
        return v.null(kind)
    if value.kind is kind:
        return value
    element = Value(e.Column("one value", Type.DYNAMIC), value.kind) if value.many else value
    changed = convert(element)
    if changed is None:
        use.expressions.error("E104", f"{value.kind.value} cannot be converted to {kind.value}", use.span)
        return v.null(kind)
    if not value.many:
        return Value(changed, kind)
    mapped = call("array.map", v.array(value), e.Lambda((e.Column("one value", Type.DYNAMIC),), call("dynamic.of", changed)), span=use.span)
    return v.shown(mapped, kind)


def _java_text(value: e.Expr) -> e.Expr:
    return call("text.of_java_real", value)


def to_string(use: Use) -> Value:
    """`to_string`: dates with milliseconds and Z, doubles as Java prints them."""

    def convert(value: Value) -> e.Expr | None:
        match value.kind:
            case Kind.TEXT | Kind.IP | Kind.ANY:
                return v.text(value)
            case Kind.BOOL:
                truth = v.boolean(value)
                return e.Case(((truth, e.text("true")), (call("logic.not", truth), e.text("false"))), e.null(Type.STRING), Type.STRING)
            case Kind.DATE:
                return call("time.format", v.moment(value), e.text("%Y-%m-%dT%H:%M:%S.%gZ"))
            case Kind.INT | Kind.LONG:
                return call("number.text", v.number(value, value.kind))
            case Kind.DOUBLE:
                return _java_text(v.number(value))
        return None

    return _each(use, Kind.TEXT, convert)


def _rounded(real: e.Expr, kind: Kind) -> e.Expr:
    """Round half up, as Java does; null beyond the range of the type."""
    up = call("number.floor", call("number.add", real, _HALF, type=Type.REAL), type=Type.REAL)
    inside = all_of(call("compare.ge", real, e.Literal(-9.223372036854775e18, Type.REAL)), call("compare.le", real, e.Literal(9.223372036854775e18, Type.REAL)))
    long = call("number.to_long", e.Case(((inside, up),), e.null(Type.REAL), Type.REAL))
    return call("convert.to_int", long) if kind is Kind.INT else long


def _to_whole(use: Use, kind: Kind) -> Value:
    def convert(value: Value) -> e.Expr | None:
        match value.kind:
            case Kind.TEXT | Kind.ANY:
                shown = v.text(value)
                whole = call("number.parse_long", shown)
                narrow = call("convert.to_int", whole) if kind is Kind.INT else whole
                flags = tuple((call("compare.eq", shown, e.text(word)), e.Literal(bit, narrow.type)) for word, bit in (("true", 1), ("false", 0)))
                known = (call("logic.not", call("logic.is_null", whole)), narrow)
                return e.Case((known, *(flags if value.kind is Kind.ANY else ())), _rounded(call("number.parse_real", shown), kind), PLAN_TYPES[kind])
            case Kind.BOOL:
                truth = v.boolean(value)
                type = PLAN_TYPES[kind]
                return e.Case(((truth, e.Literal(1, type)), (call("logic.not", truth), e.Literal(0, type))), e.null(type), type)
            case Kind.INT:
                return v.number(value, Kind.LONG)
            case Kind.LONG:
                return call("convert.to_int", v.number(value, Kind.LONG))
            case Kind.DOUBLE:
                return _rounded(v.number(value), kind)
            case Kind.DATE:
                milliseconds = call("time.to_epoch", v.moment(value), e.text("ms"))
                return call("convert.to_int", milliseconds) if kind is Kind.INT else milliseconds
        return None

    return _each(use, kind, convert)


def to_integer(use: Use) -> Value:
    """`to_integer`: doubles are rounded."""
    return _to_whole(use, Kind.INT)


def to_long(use: Use) -> Value:
    """`to_long`: doubles are rounded, dates are milliseconds since 1970."""
    return _to_whole(use, Kind.LONG)


def to_double(use: Use) -> Value:
    """`to_double`."""

    def convert(value: Value) -> e.Expr | None:
        match value.kind:
            case Kind.TEXT | Kind.ANY:
                return call("number.parse_real", v.text(value))
            case Kind.BOOL:
                truth = v.boolean(value)
                return e.Case(((truth, e.Literal(1.0, Type.REAL)), (call("logic.not", truth), e.Literal(0.0, Type.REAL))), e.null(Type.REAL), Type.REAL)
            case Kind.INT | Kind.LONG:
                return v.number(value)
            case Kind.DATE:
                return call("number.to_real", call("time.to_epoch", v.moment(value), e.text("ms")))
        return None

    return _each(use, Kind.DOUBLE, convert)


def to_boolean(use: Use) -> Value:
    """`to_boolean`: text is true only where it is "true" in any case; a number where it is not 0."""

    def convert(value: Value) -> e.Expr | None:
        match value.kind:
            case Kind.TEXT:
                return call("compare.eq", call("text.lower", v.text(value)), e.text("true"))
            case Kind.ANY:
                shown = v.text(value)
                number = v.number(value)
                known = call("compare.ne", number, e.Literal(0.0, Type.REAL))
                unquoted = call("compare.ne", call("logic.type_name", v.one(value)), e.text("string"))
                is_number = all_of(call("logic.not", call("logic.is_null", number)), unquoted)
                return e.Case(((is_number, known),), call("compare.eq", call("text.lower", shown), e.text("true")), Type.BOOL)
            case Kind.INT | Kind.LONG | Kind.DOUBLE:
                return call("compare.ne", v.number(value), e.Literal(0.0, Type.REAL))
        return None

    return _each(use, Kind.BOOL, convert)


def to_datetime(use: Use) -> Value:
    """`to_datetime`: text in ISO 8601, numbers as milliseconds since 1970."""

    def convert(value: Value) -> e.Expr | None:
        match value.kind:
            case Kind.TEXT:
                return iso(v.text(value))
            case Kind.ANY:
                one = v.one(value)
                is_text = call("compare.eq", call("logic.type_name", one), e.text("string"))
                return e.Case(((is_text, iso(v.text(value))),), call("time.from_epoch", call("dynamic.long", one), e.text("ms")), Type.DATETIME)
            case Kind.INT | Kind.LONG:
                return call("time.from_epoch", v.number(value, Kind.LONG), e.text("ms"))
            case Kind.DOUBLE:
                return call("time.from_epoch", _rounded(v.number(value), Kind.LONG), e.text("ms"))
        return None

    return _each(use, Kind.DATE, convert)


def to_ip(use: Use) -> Value:
    """`to_ip`: null for a text that is no address."""

    def convert(value: Value) -> e.Expr | None:
        return valid_address(v.text(value)) if value.kind in (Kind.TEXT, Kind.ANY) else None

    return _each(use, Kind.IP, convert)
