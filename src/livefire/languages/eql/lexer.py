"""Tokens of EQL, and what its string literals stand for."""

from __future__ import annotations

import re

from livefire.diagnostics import Diagnostics, Halt, Span
from livefire.languages.kit.lexer import Lexer, Token

LEXER = Lexer(
    (
        ("skip", r"[ \t\r\n]+|//[^\n]*|/\*.*?\*/"),
        ("raw", r'"""[^\r\n]*?"""+'),
        ("oldraw", r"""\?"(?:\\.|[^\\"\r\n])*"|\?'(?:\\.|[^\\'\r\n])*'"""),
        ("string", r'"(?:\\.|[^\\"\r\n])*"'),
        ("single", r"'(?:\\.|[^\\'\r\n])*'"),
        ("number", r"(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?"),
        ("quoted", r"`(?:[^`\r\n]|``)*`"),
        ("fold", r"[A-Za-z_@][A-Za-z0-9_@]*~"),
        ("name", r"[A-Za-z_@][A-Za-z0-9_@]*"),
        ("sign", r"==|!=|<=|>=|[<>=:+\-*/%,.()\[\]|!?]"),
    )
)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{2,8})\}|(.))", re.DOTALL)


def tokens(diagnostics: Diagnostics) -> list[Token]:
    """Return the tokens of the source."""
    return LEXER.tokens(diagnostics)


def raw_value(token: Token) -> str:
    """Return what a triple-quoted string stands for; up to two more quotes at its end belong to it."""
    return token.text[3:-3]


def string_value(token: Token, diagnostics: Diagnostics) -> str:
    """Return what a quoted string stands for; E206 and Halt for an escape that EQL does not have.

    https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-strings
    """

    def unescape(match: re.Match[str]) -> str:
        code, char = match.groups()
        span = Span(token.span.start + 1 + match.start(), token.span.start + 1 + match.end())
        if code is not None:
            point = int(code, 16)
            if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
                diagnostics.error("E206", f"U+{code.upper()} is no character", span)
                raise Halt
            return chr(point)
        if char not in _ESCAPES:
            diagnostics.error("E206", f"EQL has no escape \\{char}", span, help='write \\\\ for a backslash, or use a raw string: """…"""')
            raise Halt
        return _ESCAPES[char]

    return _ESCAPE.sub(unescape, token.text[1:-1])
