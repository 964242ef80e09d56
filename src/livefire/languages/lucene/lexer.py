"""Tokens of a query string, by the rules of Lucene's classic parser."""

from __future__ import annotations

import re

from livefire.diagnostics import Diagnostics, Span
from livefire.languages.kit.lexer import END, Token

_START = r"(?:\\.|[^\s+\-!():^\[\]\"{}~*?\\/])"
_CHAR = r"(?:\\.|[^\s!():^\[\]\"{}~*?\\/])"
_PATTERNS = (
    ("skip", r"\s+"),
    ("and", rf"(?:AND|&&)(?!{_CHAR}|[*?])"),
    ("or", rf"(?:OR|\|\|)(?!{_CHAR}|[*?])"),
    ("not", rf"NOT(?!{_CHAR}|[*?])|!"),
    ("quoted", r'"(?:\\.|[^"\\])*"'),
    ("range", r"[\[{]"),
    ("wild", rf"(?:{_START}|[*?])*(?:(?<!\\)|(?<=\\\\))[*?](?:{_CHAR}|[*?])*|{_START}{_CHAR}*[*?](?:{_CHAR}|[*?])*"),
    ("term", rf"{_START}{_CHAR}*"),
    ("regexp", r"/(?:\\/|[^/])*/"),
    ("fuzzy", r"~(?:\d+(?:\.\d+)?)?"),
    ("boost", r"\^(?:\d+(?:\.\d+)?)?"),
    ("sign", r"[+\-():]"),
)
_TOKEN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS), re.DOTALL)
_RANGE = re.compile(r"""(?P<open>[\[{])\s*(?P<low>"(?:\\.|[^"\\])*"|[^\s\]}"]+)\s+TO\s+(?P<high>"(?:\\.|[^"\\])*"|[^\s\]}"]+)\s*(?P<close>[\]}])""", re.DOTALL)


def read(diagnostics: Diagnostics) -> list[Token]:
    """Return the tokens of a text; a whole range is one token. E201 to E203 for what is none."""
    text = diagnostics.source.text
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        kind = match.lastgroup if match else None
        if kind == "range":
            match = _RANGE.match(text, at)
        if match is None or match.end() == at:
            at = _reject(diagnostics, at)
            continue
        if kind != "skip":
            found.append(Token(str(kind), match.group(), Span(at, match.end())))
        at = match.end()
    return [*found, Token(END, "", Span(len(text), len(text)))]


def bounds(token: Token) -> re.Match[str]:
    """Return the parts of a range: open, low, high, close."""
    found = _RANGE.fullmatch(token.text)
    if found is None:
        raise ValueError(token.text)
    return found


def _reject(diagnostics: Diagnostics, at: int) -> int:
    text = diagnostics.source.text
    char, span = text[at], Span(at, at + 1)
    if char in '"/':
        what = "quote" if char == '"' else "regular expression"
        help = f"close it with {char}" if char == '"' else "write \\/ for a plain slash, or put the value in quotes"
        diagnostics.error("E203", f"this {what} is never closed", Span(at, len(text)), help=help)
        return len(text)
    if char in "[{":
        diagnostics.error("E201", "this range cannot be read", span, help="write [low TO high], with { or } where the bound itself is left out")
    else:
        diagnostics.error("E201", f"the character {char!r} cannot stand here", span, help=f"write \\{char} for the character itself")
    return at + 1
