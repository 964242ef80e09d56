"""What a meaning is: a named function with a signature, a null rule and examples that are tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from livefire.diagnostics import Span
from livefire.plan.expr import Call, Expr, Scalar
from livefire.schema import Type

Kind = Literal["scalar", "aggregate", "window"]
Returns = Type | Literal["first", "given"]


@dataclass(frozen=True, slots=True)
class Example:
    """Arguments as (value, type) pairs and the value expected of every engine."""

    args: tuple[tuple[Scalar, Type], ...]
    result: Scalar


@dataclass(frozen=True, slots=True)
class Function:
    """One meaning.

    `arity` is (least, most), most None for any number. `returns` is a type, `first` for the type
    of the first argument, or `given` when the language says it. `nulls` states the null rule in
    words. `ordered` marks aggregates and windows whose result depends on row order.
    """

    name: str
    arity: tuple[int, int | None]
    returns: Returns
    summary: str
    nulls: str = "null if any argument is null"
    kind: Kind = "scalar"
    examples: tuple[Example, ...] = ()
    ordered: bool = False

    @property
    def returns_type(self) -> Type:
        """The fixed result type; ValueError when it depends on the call."""
        if isinstance(self.returns, Type):
            return self.returns
        raise ValueError(f"{self.name} has no fixed result type")


def example(*args: tuple[Scalar, Type], gives: Scalar) -> Example:
    """Return an example; arguments are (value, type) pairs."""
    return Example(args, gives)


S, L, R, B, D, T, J = Type.STRING, Type.LONG, Type.REAL, Type.BOOL, Type.DATETIME, Type.TIMESPAN, Type.DYNAMIC


def result_type(function: Function, args: tuple[Expr, ...], given: Type | None) -> Type:
    """Return the result type of a call; ValueError when the language had to give it and did not."""
    if given is not None:
        return given
    if function.returns == "first":
        return args[0].type
    if isinstance(function.returns, Type):
        return function.returns
    raise ValueError(f"{function.name}: the language must give the result type")


def check_arity(function: Function, count: int) -> None:
    """Raise ValueError when the number of arguments does not fit."""
    least, most = function.arity
    if count < least or (most is not None and count > most):
        raise ValueError(f"{function.name} takes {least}..{most if most is not None else ''} arguments, got {count}")


def apply(function: Function, args: tuple[Expr, ...], given: Type | None, span: Span | None) -> Call:
    """Return the call of a scalar meaning."""
    check_arity(function, len(args))
    return Call(function.name, args, result_type(function, args, given), span)
