"""Values of ES|QL in a plan: a type of the language, and whether a field may hold several of them.

A value that may be several is JSON: null, a scalar, or an array of scalars. Functions and
operators take one value and give null for several, as Elasticsearch does with a warning.
https://www.elastic.co/docs/reference/query-languages/esql/esql-multivalued-fields
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type


class Kind(enum.Enum):
    """A type of ES|QL; ANY is a field whose mapping is not known, NULL the type of `null`."""

    BOOL = "boolean"
    INT = "integer"
    LONG = "long"
    DOUBLE = "double"
    TEXT = "keyword"
    IP = "ip"
    DATE = "date"
    POINT = "geo_point"
    SPAN = "time_duration"
    PERIOD = "date_period"
    NULL = "null"
    ANY = "any"

    @property
    def numeric(self) -> bool:
        """True for integer, long and double."""
        return self in (Kind.INT, Kind.LONG, Kind.DOUBLE)

    @property
    def textual(self) -> bool:
        """True for keyword and ip."""
        return self in (Kind.TEXT, Kind.IP)


PLAN_TYPES = {
    Kind.BOOL: Type.BOOL,
    Kind.INT: Type.INT,
    Kind.LONG: Type.LONG,
    Kind.DOUBLE: Type.REAL,
    Kind.TEXT: Type.STRING,
    Kind.IP: Type.STRING,
    Kind.DATE: Type.DATETIME,
    Kind.POINT: Type.STRING,
    Kind.SPAN: Type.TIMESPAN,
    Kind.PERIOD: Type.LONG,
    Kind.NULL: Type.STRING,
    Kind.ANY: Type.DYNAMIC,
}
_KINDS = {
    Type.BOOL: Kind.BOOL,
    Type.INT: Kind.INT,
    Type.LONG: Kind.LONG,
    Type.TIMESPAN: Kind.LONG,
    Type.REAL: Kind.DOUBLE,
    Type.DECIMAL: Kind.DOUBLE,
    Type.STRING: Kind.TEXT,
    Type.GUID: Kind.TEXT,
    Type.DATETIME: Kind.DATE,
    Type.DYNAMIC: Kind.ANY,
    Type.UNKNOWN: Kind.NULL,
}
ORDER = {Kind.BOOL: "bool", Kind.INT: "number", Kind.LONG: "number", Kind.DOUBLE: "number", Kind.ANY: "any"}


@dataclass(frozen=True, slots=True)
class Value:
    """An expression with its type; `many` tells that it may be several values, and then it is JSON."""

    expr: e.Expr
    kind: Kind
    many: bool = False

    @property
    def dynamic(self) -> bool:
        """True when the expression is JSON."""
        return self.expr.type is Type.DYNAMIC


def of_column(name: str, type: Type) -> Value:
    """Return the value of a stored column."""
    kind = _KINDS[type]
    column = e.Column(name, type)
    if type is Type.DECIMAL:
        return Value(call("logic.cast", column, type=Type.REAL), Kind.DOUBLE)
    return Value(column, kind, many=kind is Kind.ANY)


def null(kind: Kind = Kind.NULL) -> Value:
    """Return null of a type."""
    return Value(e.null(PLAN_TYPES[kind]), kind)


def one(value: Value) -> e.Expr:
    """Return a JSON value with several values as null."""
    return call("multi.single", value.expr) if value.many else value.expr


def text(value: Value) -> e.Expr:
    """Return the one value as keyword; numbers and dates of an unmapped field in their JSON form."""
    if value.kind is Kind.NULL:
        return e.null(Type.STRING)
    return call("dynamic.text", one(value)) if value.dynamic else value.expr


def number(value: Value, kind: Kind = Kind.DOUBLE) -> e.Expr:
    """Return the one value as a number of a type at least as wide as its own."""
    if value.kind is Kind.NULL:
        return e.null(PLAN_TYPES[kind])
    if value.dynamic:
        whole = kind in (Kind.INT, Kind.LONG)
        found = call("dynamic.long" if whole else "dynamic.real", one(value))
        return call("convert.to_int", found) if kind is Kind.INT else found
    wanted = PLAN_TYPES[kind]
    if value.expr.type is wanted:
        return value.expr
    if isinstance(value.expr, e.Literal) and isinstance(value.expr.value, int):
        return e.Literal(float(value.expr.value) if wanted is Type.REAL else value.expr.value, wanted)
    return call("number.to_real" if wanted is Type.REAL else "logic.cast", value.expr, type=wanted)


def boolean(value: Value) -> e.Expr:
    """Return the one value as boolean."""
    if value.kind is Kind.NULL:
        return e.null(Type.BOOL)
    if not value.dynamic:
        return value.expr
    shown = call("dynamic.text", one(value))
    arms = ((call("compare.eq", shown, e.text("true")), e.TRUE), (call("compare.eq", shown, e.text("false")), e.FALSE))
    return e.Case(arms, e.null(Type.BOOL), Type.BOOL)


def moment(value: Value) -> e.Expr:
    """Return the one value as a date."""
    if value.kind is Kind.NULL:
        return e.null(Type.DATETIME)
    return call("dynamic.datetime", one(value)) if value.dynamic else value.expr


def scalar(value: Value, kind: Kind) -> e.Expr:
    """Return the one value as a type that it fits."""
    match kind:
        case Kind.TEXT | Kind.IP | Kind.POINT | Kind.NULL:
            return text(value)
        case Kind.BOOL:
            return boolean(value)
        case Kind.DATE:
            return moment(value)
        case Kind.ANY:
            return call("dynamic.of", value.expr) if not value.dynamic else one(value)
        case Kind.SPAN | Kind.PERIOD:
            return value.expr
    return number(value, kind)


def json(value: Value) -> e.Expr:
    """Return a value as JSON, whether it is one or several."""
    if value.kind is Kind.NULL:
        return e.null(Type.DYNAMIC)
    return value.expr if value.dynamic else call("dynamic.of", value.expr)


def array(value: Value) -> e.Expr:
    """Return all values as a JSON array, empty for null."""
    return call("multi.values", json(value))


def shown(values: e.Expr, kind: Kind) -> Value:
    """Return an array of values of a type as a field."""
    return Value(call("multi.shown", values), kind, many=True)


def order_of(kind: Kind) -> str:
    """Return how values of a type are ordered inside an array."""
    return ORDER.get(kind, "text")


def extreme(value: Value, *, greatest: bool) -> e.Expr:
    """Return the least or greatest of several values, as its type."""
    ordered = call("multi.sorted", array(value), e.text(order_of(value.kind)), e.Literal(greatest, Type.BOOL))
    first = call("dynamic.element", ordered, e.whole(0))
    return scalar(Value(first, value.kind), value.kind)


def plain(value: Value) -> Value:
    """Return a value of a mapped type as a column keeps it: typed when it is one, JSON when it may be several."""
    if value.kind is Kind.NULL:
        return Value(e.null(Type.STRING), Kind.NULL)
    return value


def common_kind(values: list[Value]) -> Kind | None:
    """Return the type that all values have, null fitting any and numbers the widest of theirs; None when there is none."""
    kinds = {v.kind for v in values} - {Kind.NULL}
    if not kinds:
        return Kind.NULL
    if len(kinds) == 1:
        return kinds.pop()
    if Kind.ANY in kinds:
        rest = kinds - {Kind.ANY}
        return next(iter(rest)) if len(rest) == 1 and rest <= {Kind.TEXT} else Kind.ANY
    if all(k.numeric for k in kinds):
        return Kind.DOUBLE if Kind.DOUBLE in kinds else Kind.LONG
    if kinds == {Kind.TEXT, Kind.IP}:
        return Kind.TEXT
    return None


def unify(values: list[Value], kind: Kind) -> tuple[list[e.Expr], bool]:
    """Return values as one plan type, and whether that is JSON of several values."""
    many = any(v.many for v in values) or kind is Kind.ANY
    if many:
        return [json(v) for v in values], True
    return [scalar(v, kind) for v in values], False
