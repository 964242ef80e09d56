"""Parsing of `declare pattern`. https://learn.microsoft.com/kusto/query/pattern-statement"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.languages.kql import nodes as k
from livefire.languages.kql.lexer import unquote
from livefire.schema import Type

if TYPE_CHECKING:
    from livefire.languages.kql.parser import Parser


def declared_pattern(parser: Parser) -> k.Statement:
    """Read `declare pattern` with its bodies; without any, as another program declares it, it has none."""
    start = parser.advance().span
    parser.advance()
    name_span = parser.token.span
    name = parser.declared_name("the pattern's name")
    if not parser.take("="):
        return k.Declared(name, (), False, (), start.to(parser.last()), name_span)
    parameters = _parameters(parser, ")")
    path = bool(_parameters(parser, "]")) if parser.at("[") else False
    opened = parser.expect("{", "before the bodies of the pattern")
    bodies: list[tuple[tuple[str, ...], k.Block]] = []
    while not parser.at("}") and not parser.done:
        bodies.append(_body(parser, len(parameters), path))
        parser.take(";")
    parser.close(opened)
    return k.Declared(name, parameters, path, tuple(bodies), start.to(parser.last()), name_span)


def _parameters(parser: Parser, closing: str) -> tuple[str, ...]:
    opened = parser.expect("(" if closing == ")" else "[", "before the parameters of the pattern")
    found: list[str] = []
    while not parser.at(closing) and not parser.done:
        found.append(parser.declared_name("a parameter's name"))
        parser.expect(":", "before the parameter's type")
        place = parser.token.span
        if parser.type_name() is not Type.STRING:
            parser.fail("the parameters of a pattern are texts", span=place, code="E104")
        if not parser.take(","):
            break
    parser.close(opened)
    return tuple(found)


def _body(parser: Parser, count: int, path: bool) -> tuple[tuple[str, ...], k.Block]:
    """Read `("a", "b").["c"] = { query }`."""
    opened = parser.expect("(", "before the values of the pattern")
    values: list[str] = []
    while parser.token.kind == "string":
        values.append(unquote(parser.advance().text))
        if not parser.take(","):
            break
    parser.close(opened)
    if len(values) != count:
        parser.fail(f"the pattern takes {count} values", span=opened.span.to(parser.last()), code="E105")
    if path:
        parser.expect(".", "before the path of the pattern")
        values.append(parser.declared_name("the path in brackets"))
    parser.expect("=", "before the body of the pattern")
    braces = parser.expect("{", "before the body of the pattern")
    parser.deeper()
    body = parser.block("}")
    parser.shallower()
    parser.close(braces)
    return tuple(values), body
