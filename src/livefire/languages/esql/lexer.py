"""Tokens of ES|QL, and what its string literals stand for."""

from __future__ import annotations

import re

from livefire.diagnostics import Diagnostics, Halt, Span
from livefire.languages.kit.lexer import Lexer, Token

LEXER = Lexer(
    (
        ("skip", r"[ \t\r\n\u00a0]+|//[^\n]*|/\*.*?\*/"),
        ("raw", r'"""[^\r\n]*?"""+'),
        ("string", r'"(?:\\.|[^\\"\r\n])*"'),
        ("quoted", r"`(?:[^`\r\n]|``)*`"),
        ("number", r"(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?"),
        ("name", r"[A-Za-z][A-Za-z0-9_]*|[_@](?:[A-Za-z0-9_]+|(?=\*))"),
        ("param", r"\?\??(?:[A-Za-z_][A-Za-z0-9_]*|\d+)?"),
        ("sign", r"::|==|=~|!=|<=|>=|[<>=:+\-*/%,.()\[\]{}|!;]"),
    )
)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def tokens(diagnostics: Diagnostics) -> list[Token]:
    """Return the tokens of the source."""
    return LEXER.tokens(diagnostics)


def name_value(token: Token) -> str:
    """Return the name a token stands for, without backquotes."""
    return token.text[1:-1].replace("``", "`") if token.kind == "quoted" else token.text


def string_value(token: Token, diagnostics: Diagnostics) -> str:
    """Return what a string stands for; E206 and Halt for an escape that ES|QL does not have.

    https://www.elastic.co/docs/reference/query-languages/esql/esql-syntax#esql-string-literals
    """
    if token.kind == "raw":
        return token.text[3:-3]

    def unescape(match: re.Match[str]) -> str:
        char = match.group(1)
        if char not in _ESCAPES:
            span = Span(token.span.start + 1 + match.start(), token.span.start + 1 + match.end())
            diagnostics.error("E206", f"ES|QL has no escape \\{char}", span, help='write \\\\ for a backslash, or use three quotes: """…"""')
            raise Halt
        return _ESCAPES[char]

    return _ESCAPE.sub(unescape, token.text[1:-1])
