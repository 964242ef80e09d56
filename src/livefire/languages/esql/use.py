"""What the builder of a function is given: the call, its arguments, and the words for a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.esql import dates
from livefire.languages.esql import values as v
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Apply, Ast, Constant
from livefire.plan import expr as e
from livefire.schema import Type

if TYPE_CHECKING:
    from livefire.languages.esql.expressions import Expressions


@dataclass(frozen=True, slots=True)
class Use:
    """One call of a function."""

    expressions: Expressions
    node: Apply

    @property
    def span(self) -> Span:
        """The place of the call."""
        return self.node.span

    @property
    def count(self) -> int:
        """The number of arguments."""
        return len(self.node.args)

    def ast(self, place: int) -> Ast:
        """Return an argument as written."""
        return self.node.args[place].value

    def value(self, place: int) -> Value:
        """Return the value of an argument."""
        return self.expressions.value(self.ast(place))

    def values(self) -> list[Value]:
        """Return the values of all arguments."""
        return [self.value(i) for i in range(self.count)]

    def wrong(self, place: int, wanted: str, found: Kind) -> None:
        """Report an argument of a wrong type."""
        words = f"argument {place + 1} of {self.node.function} must be {wanted}, and it is {found.value}"
        self.expressions.error("E104", words, self.ast(place).span, "convert it with to_string(…), to_long(…), to_datetime(…) or ::")

    def text(self, place: int) -> e.Expr:
        """Return an argument that must be keyword."""
        value = self.value(place)
        if value.kind not in (Kind.TEXT, Kind.ANY, Kind.NULL):
            self.wrong(place, "keyword", value.kind)
            return e.null(Type.STRING)
        return v.text(value)

    def number(self, place: int) -> Value:
        """Return an argument that must be a number, with the type it has."""
        value = self.value(place)
        kind = Kind.DOUBLE if value.kind is Kind.ANY else value.kind
        if kind is Kind.NULL:
            return v.null(Kind.INT)
        if not kind.numeric:
            self.wrong(place, "a number", value.kind)
            return v.null(Kind.INT)
        return Value(v.number(value, kind), kind)

    def whole(self, place: int) -> e.Expr:
        """Return an argument that must be a whole number, as a long."""
        value = self.value(place)
        if value.kind not in (Kind.INT, Kind.LONG, Kind.ANY, Kind.NULL):
            self.wrong(place, "integer", value.kind)
            return e.null(Type.LONG)
        return v.number(value, Kind.LONG)

    def date(self, place: int) -> e.Expr:
        """Return an argument that must be a date; a text in the form of one is read as such."""
        value = self.value(place)
        if value.kind is Kind.TEXT and isinstance(value.expr, e.Literal):
            found = dates.read(str(value.expr.value))
            if found is not None:
                return found
        if value.kind not in (Kind.DATE, Kind.ANY, Kind.NULL):
            self.wrong(place, "a date", value.kind)
            return e.null(Type.DATETIME)
        return v.moment(value)

    def constant(self, place: int) -> str | None:
        """Return an argument that must be a text in quotes; E305 for any other."""
        node = self.ast(place)
        if isinstance(node, Constant) and isinstance(node.value, str):
            return node.value
        self.expressions.error("E305", f"argument {place + 1} of {self.node.function} must be a text in quotes", node.span, "write it as a constant")
        return None

    def constant_whole(self, place: int) -> int | None:
        """Return an argument that must be a whole number as written; E305 for any other."""
        node = self.ast(place)
        if isinstance(node, Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            return node.value
        self.expressions.error("E305", f"argument {place + 1} of {self.node.function} must be a whole number", node.span, "write it as a constant")
        return None


Builder = Callable[[Use], Value]


@dataclass(frozen=True, slots=True)
class Function:
    """One function: least and most arguments, and how it is built."""

    arity: tuple[int, int | None]
    build: Builder
