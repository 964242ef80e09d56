"""Typed scalar expressions of a plan."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from livefire.diagnostics import Span
from livefire.record import record
from livefire.schema import Type

if TYPE_CHECKING:
    from livefire.plan.nodes import Plan

Scalar: TypeAlias = bool | int | float | Decimal | str | datetime | None


@record(frozen=True, slots=True)
class Column:
    """A column of the input, by its exact name."""

    name: str
    type: Type


@record(frozen=True, slots=True)
class Literal:
    """A constant: datetime values are naive UTC, timespans whole ticks, dynamics JSON text, null is None."""

    value: Scalar
    type: Type


@record(frozen=True, slots=True)
class Parameter:
    """A value bound when the plan runs: `now`, `start`, `end` or one that a user declares."""

    name: str
    type: Type


@record(frozen=True, slots=True)
class Call:
    """A meaning of the catalogue (`text.equals_fold`) applied to arguments."""

    function: str
    args: tuple[Expr, ...]
    type: Type
    span: Span | None = field(default=None, compare=False)


@record(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition is true (null counts as false), else `otherwise`."""

    whens: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr
    type: Type


@record(frozen=True, slots=True)
class Path:
    """Navigation into a dynamic value by constant steps; missing members and JSON null are null.

    An int step counts from 0, or from the end when negative. The result is dynamic.
    """

    base: Expr
    steps: tuple[str | int, ...]
    type: Type = Type.DYNAMIC


@record(frozen=True, slots=True)
class Lambda:
    """A one-line function over the elements of a list, only as an argument of a meaning that takes one."""

    parameters: tuple[Column, ...]
    body: Expr

    @property
    def type(self) -> Type:
        """The type of the body."""
        return self.body.type


@record(frozen=True, slots=True)
class SortKey:
    """One key of an order."""

    expr: Expr
    descending: bool = False
    nulls_first: bool = False


@record(frozen=True, slots=True)
class Aggregate:
    """An aggregate meaning over the rows of a group, optionally only those where `where` is true."""

    function: str
    args: tuple[Expr, ...]
    type: Type
    distinct: bool = False
    where: Expr | None = None
    order_by: tuple[SortKey, ...] = ()
    span: Span | None = field(default=None, compare=False)


@record(frozen=True, slots=True)
class WindowCall:
    """A window meaning, only as an item of a `Window` node.

    `frame` counts rows (before, after) around the current one; None on a side is unbounded, and a
    negative end lies before the row. With `by_value` it counts in the values of the one, whole,
    order key instead. With `row_order` the order is that of the rows themselves (KQL `serialize`).
    """

    function: str
    args: tuple[Expr, ...]
    type: Type
    partition_by: tuple[Expr, ...] = ()
    order_by: tuple[SortKey, ...] = ()
    frame: tuple[int | None, int | None] | None = None
    row_order: bool = False
    span: Span | None = field(default=None, compare=False)
    by_value: bool = False


@record(frozen=True, slots=True)
class ScalarQuery:
    """The single value of a one-column plan: its first row, null when it has none."""

    plan: Plan
    type: Type


@record(frozen=True, slots=True)
class InQuery:
    """True when the needle equals a value in the first column of a plan (null never equals)."""

    needle: Expr
    plan: Plan
    type: Type = Type.BOOL


Expr: TypeAlias = Column | Literal | Parameter | Call | Case | Path | Lambda | Aggregate | WindowCall | ScalarQuery | InQuery

TRUE = Literal(True, Type.BOOL)
FALSE = Literal(False, Type.BOOL)


def null(type: Type = Type.UNKNOWN) -> Literal:
    """Return a typed null."""
    return Literal(None, type)


def text(value: str) -> Literal:
    """Return a string constant."""
    return Literal(value, Type.STRING)


def whole(value: int) -> Literal:
    """Return a long constant."""
    return Literal(value, Type.LONG)


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the direct sub-expressions, without those inside a nested plan."""
    kind = type(expr)  # the commonest first: this is asked of every part of every plan, many times
    if kind is Column or kind is Literal or kind is Parameter:
        return ()
    match expr:
        case Call(args=args) | Aggregate(args=args, where=None, order_by=()):
            return args
        case Aggregate(args=args, where=where, order_by=order):
            return (*args, *((where,) if where is not None else ()), *(k.expr for k in order))
        case WindowCall(args=args, partition_by=parts, order_by=order):
            return (*args, *parts, *(k.expr for k in order))
        case Case(whens=whens, otherwise=otherwise):
            return (*(e for pair in whens for e in pair), otherwise)
        case Path(base=base):
            return (base,)
        case Lambda(body=body):
            return (body,)
        case InQuery(needle=needle):
            return (needle,)
        case _:
            return ()


def columns_of(expr: Expr) -> frozenset[str]:
    """Return the names of all columns that an expression reads, lambda parameters left out."""
    found: set[str] = set()
    waiting = [expr]
    while waiting:
        part = waiting.pop()
        if type(part) is Column:
            found.add(part.name)
        elif type(part) is Call:
            waiting.extend(part.args)
        elif type(part) is Lambda:
            found |= columns_of(part.body) - {p.name for p in part.parameters}
        else:
            waiting.extend(children(part))
    return frozenset(found)
