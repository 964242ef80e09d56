"""Expressions: what stands after := and in eval, test, if and coalesce.

A word is a field, a quoted text is itself, arithmetic wants numbers and gives null without, and ==
compares as numbers when both sides are. https://library.humio.com/data-analysis/syntax-expressions.html
"""

from __future__ import annotations

import re

from livefire.languages.base import Context
from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_WHOLE = re.compile(r"\d{1,15}$")
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_ARITHMETIC = {"+": "number.add", "-": "number.subtract", "*": "number.multiply", "/": "number.divide", "%": "number.modulo"}
_ORDER = {"<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}


def word(event: Event, node: s.Word) -> e.Expr:
    """Return a text, a number, a truth or the value of a field."""
    if node.quoted:
        return e.text(node.text)
    if _WHOLE.match(node.text):
        return e.Literal(int(node.text), Type.LONG)
    if _NUMBER.match(node.text):
        return e.Literal(float(node.text), Type.REAL)
    if node.text in ("true", "false"):
        return e.text(node.text)
    return event.read(node.text)


def operation(left: e.Expr, right: e.Expr, node: s.Operation, context: Context) -> e.Expr:
    """Return `left operator right`; null where a side is missing or, for arithmetic and order, no number."""
    if node.operator in ("==", "!="):
        return equality(left, right, node)
    if node.operator in _ORDER:
        return call(_ORDER[node.operator], coerce.real(left), coerce.real(right), span=node.span)
    if node.operator not in _ARITHMETIC:
        context.diagnostics.error("E201", f"{node.operator!r} cannot stand in an expression", node.span, help="write == to compare")
        return e.null(Type.REAL)
    a, b = coerce.real(left), coerce.real(right)
    if is_null(a) or is_null(b):
        return e.null(Type.REAL)
    if node.operator in ("/", "%"):
        b = call("logic.null_if", b, e.Literal(0.0, Type.REAL))
    return call(_ARITHMETIC[node.operator], a, b, type=Type.REAL, span=node.span)


def equality(left: e.Expr, right: e.Expr, node: s.Operation) -> e.Expr:
    """Return == or !=: numbers by value when both sides are numbers, else texts; null where a side is missing."""
    function = "compare.eq" if node.operator == "==" else "compare.ne"
    if is_null(left) or is_null(right):
        return e.null(Type.BOOL)
    if left.type.numeric and right.type.numeric:
        return call(function, coerce.real(left), coerce.real(right), span=node.span)
    texts = call(function, coerce.text(left), coerce.text(right), span=node.span)
    a, b = coerce.real(left), coerce.real(right)
    if is_null(a) or is_null(b):
        return texts
    return call("logic.coalesce", call(function, a, b, span=node.span), texts)


def negation(value: e.Expr, node: s.Negation) -> e.Expr:
    """Return -x or !x."""
    if node.operator == "!":
        return call("logic.not", coerce.truth(value), span=node.span)
    number = coerce.number(value)
    if node.operator == "+" or is_null(number):
        return number
    if isinstance(number, e.Literal) and isinstance(number.value, (int, float)):
        return e.Literal(-number.value, number.type)
    return call("number.negate", number, span=node.span)
