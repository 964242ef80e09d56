"""The tokens of KQL."""

from __future__ import annotations

import re

from livefire.diagnostics import Diagnostics, Span
from livefire.languages.kit.lexer import END, Lexer, Token

UNITS: dict[str, int] = {
    name: ticks
    for ticks, names in (
        (864_000_000_000, "d day days"),
        (36_000_000_000, "h hr hrs hour hours"),
        (600_000_000, "m min minute minutes"),
        (10_000_000, "s sec second seconds"),
        (10_000, "ms milli millis millisec millisecond milliseconds"),
        (10, "micro micros microsec microsecond microseconds"),
        (1, "tick ticks"),
    )
    for name in names.split()
}
NANOS = ("nano", "nanos", "nanosec", "nanosecond", "nanoseconds")
LITERAL_TYPES = [
    "bool",
    "boolean",
    "datetime",
    "date",
    "decimal",
    "double",
    "guid",
    "uuid",
    "uniqueid",
    "int",
    "int32",
    "long",
    "int64",
    "real",
    "time",
    "timespan",
]
HYPHENATED = [
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "mv-expand",
    "mv-apply",
    "make-series",
    "parse-where",
    "parse-kv",
    "sample-distinct",
    "top-nested",
    "top-hitters",
    "reduce-by",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-mark-components",
    "make-graph",
    "macro-expand",
    "assert-schema",
    "execute-and-cache",
    "granny-asc",
    "granny-desc",
    "project-by-names",
    "project-smart",
    "partitioned-by",
]
_NEGATABLE = "in~ in contains_cs contains has_cs hasprefix_cs hasprefix hassuffix_cs hassuffix has startswith_cs startswith endswith_cs endswith between"


def _words(words: list[str]) -> str:
    return "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))


_UNIT = _words([*UNITS, *NANOS])
_STRING = "|".join(
    (
        r"[hH]?```.*?```",
        r"[hH]?~~~.*?~~~",
        r'[hH]?@"(?:[^"\n]|"")*"',
        r"[hH]?@'(?:[^'\n]|'')*'",
        r'[hH]?"(?:\\[^\n]|[^"\\\n])*"',
        r"[hH]?'(?:\\[^\n]|[^'\\\n])*'",
    )
)
_QUOTED = r"\s*(?:\"[^\"\n]*\"|'[^'\n]*')\s*"
_LEXER = Lexer(
    (
        ("skip", r"(?:[\s\ufeff\u200b]+|//[^\n]*|(?:(?<=\n)|(?<![\s\S]))#[^\n]*)+"),
        # What a text, a typed value or a name with a hyphen begins with is looked at before their many forms are.
        ("string", rf"(?=[hH]?[@\"'`~])(?:{_STRING})"),
        ("typed", rf"(?=[a-z]+(?:32|64)?\s*\()(?:{_words(LITERAL_TYPES)})\s*\((?:[^()'\"\[\]{{}},;|:=]*(?::[^()'\"\[\]{{}},;|=]*)*|{_QUOTED}|[\d\s,]+)\)"),
        ("timespan", rf"\d+(?:\.\d+)?(?:{_UNIT})(?![\w$])"),
        ("hex", r"0[xX][0-9a-fA-F]+"),
        ("real", r"\d+(?:\.\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+|\.(?![.\w]))(?!\w)"),
        ("long", r"\d+(?![\w$])"),
        ("name", rf"(?=[a-z]+-[a-z])(?:{_words(HYPHENATED)})(?![\w-])|[A-Za-z_$\u0080-\uffff][\w$]*|\d+[A-Za-z_][\w$]*"),
        ("sign", rf"!(?:{_words(_NEGATABLE.split())})(?!\w)|!=|!~|=~|==|=>|<=|>=|<>|\.\.|<\||[-+*/%()\[\]{{}}.,;|:=<>?@~!]"),
    )
)


def tokens(diagnostics: Diagnostics) -> list[Token]:
    """Return the tokens of the source; `in~` is one sign, and E201 or E203 is recorded for what is no token."""
    found = _LEXER.tokens(diagnostics)
    return _joined(found) if "in~" in diagnostics.source.text else found


def _joined(found: list[Token]) -> list[Token]:
    """Join the pieces of `in~` and of `has-any`-like words that the patterns cannot tell from names."""
    joined: list[Token] = []
    for token in found:
        last = joined[-1] if joined else None
        if token.text == "~" and last is not None and last.text == "in" and last.span.end == token.span.start:
            joined[-1] = Token("sign", "in~", last.span.to(token.span))
        else:
            joined.append(token)
    return joined


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)


def unquote(text: str) -> str:
    """Return the value of a string token: plain, verbatim (@), hidden (h) or multi-line."""
    if text[0] in "hH":
        text = text[1:]
    if text[:3] in ("```", "~~~"):
        return text[3:-3]
    if text[0] == "@":
        return text[2:-1].replace(text[1] * 2, text[1])
    return _ESCAPE.sub(_unescape, text[1:-1]) if "\\" in text else text[1:-1]


def _unescape(match: re.Match[str]) -> str:
    short, long, byte, octal, char = match.groups()
    code = short or long or byte
    if code:
        number = int(code, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    if octal:
        return chr(int(octal, 8))
    return _ESCAPES.get(char, char)


__all__ = ["END", "HYPHENATED", "LITERAL_TYPES", "NANOS", "UNITS", "Span", "Token", "tokens", "unquote"]
