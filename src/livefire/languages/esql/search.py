"""MATCH, `:` and their kin over fields that are not analysed.

They run as queries of the index: true when any value of the field fits, and never null, so their
negation holds where the field is missing. On keyword, numbers, booleans, dates and addresses that
is equality. Analysed text is cut into words by the index, which nothing here can tell.
https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/search-functions
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from livefire.languages.esql import dates
from livefire.languages.esql import values as v
from livefire.languages.esql.use import Use
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Apply, Ast, Constant, Name
from livefire.plan import expr as e
from livefire.plan.functions import any_of, call
from livefire.schema import Type

_NEAREST = "use ==, IN, LIKE or RLIKE"


def match(use: Use) -> Value:
    """`match(field, query)`, written `field : query` too, and `match_phrase` and `term`, which are the same on fields that are not analysed."""
    return Value(_fits(use, use.ast(0), use.ast(1)), Kind.BOOL)


def multi_match(use: Use) -> Value:
    """`multi_match(query, field, …)`: true when it matches any of the fields."""
    return Value(any_of(*(_fits(use, use.ast(i), use.ast(0)) for i in range(1, use.count))), Kind.BOOL)


def _fits(use: Use, field: Ast, query: Ast) -> e.Expr:
    expressions = use.expressions
    name = field.args[0].value if isinstance(field, Apply) and field.args and field.function.startswith("to_") else field
    if not isinstance(name, Name):
        expressions.error("E104", f"{use.node.function} takes a column of the index", field.span, "it cannot search what a query computes")
        return e.FALSE
    value = expressions.value(field)
    if not isinstance(query, Constant) or query.value is None:
        expressions.error("E305", f"{use.node.function} takes a constant", query.span, _NEAREST)
        return e.FALSE
    if expressions.scope.open and value.kind in (Kind.ANY, Kind.NULL):
        # The table is not known, so neither is the mapping of the field.
        return e.FALSE
    if value.kind is Kind.TEXT and expressions.scope.analysis_of(name.text) != "keyword":
        words = f"how {name.text!r} is cut into words is known to the index only, so {use.node.function} cannot search it"
        if expressions.scope.analysis_of(name.text) == "text":
            expressions.error("E305", words, use.span, _NEAREST)
            return e.FALSE
        words = f"a field like {name.text!r} is analysed text in Elasticsearch unless its mapping says keyword; here it is compared as a whole"
        expressions.context.quirk(177, words, span=use.span, help=_NEAREST)
    elif value.kind is Kind.ANY:
        expressions.error("E305", f"the type of {name.text!r} is not known, so {use.node.function} cannot search it", use.span, _NEAREST)
        return e.FALSE
    return call("logic.is_true", _any(value, lambda one: _equal(use, one, query)), span=use.span)


def _any(value: Value, test: Callable[[Value], e.Expr]) -> e.Expr:
    """Return whether any of a field's values passes a test."""
    if not value.many:
        return test(value)
    element = e.Column("one value", Type.DYNAMIC)
    return call("dynamic.any_value", v.json(value), e.Lambda((element,), test(Value(element, value.kind))))


def _equal(use: Use, one: Value, query: Constant) -> e.Expr:
    wrong = f"{query.value!r} is no {one.kind.value}"
    match one.kind:
        case Kind.NULL:
            return e.FALSE
        case Kind.INT | Kind.LONG | Kind.DOUBLE:
            try:
                number = float(str(query.value))
            except ValueError:
                use.expressions.error("E104", wrong, query.span)
                return e.FALSE
            return call("compare.eq", v.number(one), e.Literal(number, Type.REAL))
        case Kind.BOOL:
            return call("compare.eq", v.boolean(one), e.Literal(str(query.value).lower() == "true", Type.BOOL))
        case Kind.DATE:
            found = dates.read(str(query.value))
            if found is None or len(str(query.value)) < len("2026-01-01T00:00:00"):
                # What a shorter date leaves out would be a range.
                use.expressions.error("E305", "a date is searched by a full date and time here", query.span, 'write "2026-01-31T10:00:00Z", or use >= and <')
                return e.FALSE
            return call("compare.eq", v.moment(one), found)
    text = e.text(str(query.value).lower() if isinstance(query.value, bool) else str(query.value))
    if one.kind is Kind.IP and "/" in str(query.value):
        try:
            block = str(ipaddress.ip_network(str(query.value), strict=False))
        except ValueError:
            use.expressions.error("E206", wrong, query.span)
            return e.FALSE
        return call("text.cidr_contains", v.text(one), e.text(block))
    return call("compare.eq", v.text(one), text)
