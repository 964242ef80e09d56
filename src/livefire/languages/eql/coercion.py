"""Values brought to the types that operators and functions take."""

from __future__ import annotations

from livefire.diagnostics import NOWHERE, Span
from livefire.languages.base import Context
from livefire.plan import expr as e
from livefire.plan.functions import call, negate
from livefire.schema import Type

TEXTS = (Type.STRING, Type.GUID)


class Coercion:
    """Coerces the values of one query, and says which cannot be."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def texts(self, value: e.Expr) -> bool:
        """Tell whether a value can be text."""
        return value.type in (*TEXTS, Type.DYNAMIC, Type.UNKNOWN)

    def as_text(self, value: e.Expr, span: Span = NOWHERE) -> e.Expr:
        """Return a value as text; E305 for a date."""
        match value.type:
            case Type.DYNAMIC:
                return call("dynamic.text", value)
            case Type.BOOL:
                return e.Case(((value, e.text("true")), (negate(value), e.text("false"))), e.null(Type.STRING), Type.STRING)
            case Type.DATETIME:
                self.context.diagnostics.error("E305", "the text of a date is not supported", span, help="compare the field with a date")
                return e.null(Type.STRING)
            case Type.UNKNOWN:
                return e.null(Type.STRING)
            case t if t.numeric:
                return call("number.text", value)
        return value

    def as_number(self, value: e.Expr, span: Span) -> e.Expr:
        """Return a value as a number; E104 for one that is none."""
        if value.type is Type.DYNAMIC:
            is_text = call("compare.eq", call("logic.type_name", value), e.text("string"))
            return e.Case(((is_text, e.null(Type.REAL)),), call("dynamic.real", value), Type.REAL)
        if value.type is Type.UNKNOWN:
            return e.null(Type.LONG)
        if not value.type.numeric:
            self.context.diagnostics.error("E104", f"this must be a number, and it is {value.type.value}", span, help="number(…) reads a text as a number")
            return e.null(Type.LONG)
        return value

    def as_bool(self, value: e.Expr) -> e.Expr:
        """Return a value as a boolean; a JSON value must be true or false."""
        if value.type is Type.DYNAMIC:
            text = call("dynamic.text", value)
            arms = ((call("compare.eq", text, e.text("true")), e.TRUE), (call("compare.eq", text, e.text("false")), e.FALSE))
            return e.Case(arms, e.null(Type.BOOL), Type.BOOL)
        return e.null(Type.BOOL) if value.type is not Type.BOOL else value

    def arithmetic(self, word: str, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
        """Return a sum, difference, product, quotient or remainder; whole numbers divide to a whole number."""
        if Type.UNKNOWN in (left.type, right.type):
            return e.null(Type.LONG)
        if word == "divide" and Type.DYNAMIC in (left.type, right.type):
            return self._dynamic_quotient(left, right, span)
        a, b = self.as_number(left, span), self.as_number(right, span)
        whole = a.type.integral and b.type.integral
        if word == "divide":
            return call("number.divide_whole" if whole else "number.divide", a, b, span=span)
        type = Type.LONG if whole else Type.REAL
        if word == "modulo" and not whole:
            a = call("number.to_real", a)
        return call(f"number.{word}", a, b, type=type, span=span)

    def _dynamic_quotient(self, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
        """Divide where only the event tells whether a number is whole."""
        wholes = [call("compare.eq", call("logic.type_name", x), e.text("long")) for x in (left, right) if x.type is Type.DYNAMIC]
        real = call("number.divide", self.as_number(left, span), self.as_number(right, span), span=span)
        if any(x.type is Type.REAL for x in (left, right)):
            return real
        longs = [call("dynamic.long", x) if x.type is Type.DYNAMIC else x for x in (left, right)]
        whole = call("number.to_real", call("number.divide_whole", *longs))
        return e.Case(((wholes[0] if len(wholes) == 1 else call("logic.and", *wholes), whole),), real, Type.REAL)
