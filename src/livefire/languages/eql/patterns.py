"""Wildcards and regular expressions of EQL."""

from __future__ import annotations

import re
from typing import NoReturn

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.plan import expr as e
from livefire.plan.functions import call

_CLASSES = frozenset("dDwWsS")
_MAX_REPEAT = 1000
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")


def is_plain(pattern: str, operator: str) -> bool:
    """Tell whether a text under `:`, `in` or `like` stands for itself."""
    return operator in ("in", "in~") or (not operator.startswith("regex") and not re.search(r"[*?]", pattern))


def match(value: e.Expr, pattern: str, operator: str, span: Span, context: Context) -> e.Call:
    """Return whether a text fits a pattern under `:`, `like` or `regex` (`~` for any case); the whole text must fit.

    `*` stands for any characters and `?` for one; neither can be escaped.
    https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-pattern-comparison-keywords
    """
    if operator.startswith("regex"):
        flags = "is" if operator.endswith("~") else "s"
        return call("text.matches_regex", value, e.text(translate(pattern, span, context)), e.text(flags), span=span)
    # The meaning gives the backslash a role that EQL does not know.
    return call("text.wildcard_fold" if operator in (":", "like~") else "text.wildcard", value, e.text(pattern.replace("\\", "\\\\")), span=span)


def translate(pattern: str, span: Span, context: Context) -> str:
    """Return a Lucene regular expression as one for RE2, anchored at both ends.

    Lucene's `^` and `$` are plain characters, `"…"` quotes, `@` is any text; `~`, `&`, `<n-m>` and
    `#` have no equal and are refused.
    https://www.elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax
    """
    out: list[str] = []
    place = 0
    while place < len(pattern):
        piece, place = _piece(pattern, place, span, context)
        out.append(piece)
    text = "".join(out)
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        _refuse(f"this is no regular expression: {error}", "E205", span, context)
    return rf"\A(?:{text})\z"


def _piece(pattern: str, place: int, span: Span, context: Context) -> tuple[str, int]:
    char = pattern[place]
    if char == "\\":
        return _escape(pattern, place, span, context), place + 2
    if char == "[":
        return _bracket(pattern, place, span, context)
    if char == '"':
        end = pattern.find('"', place + 1)
        if end < 0:
            words = 'in a regular expression of Elasticsearch a " opens a quoted part, and this one is not closed'
            _refuse(words, "E205", span, context, 'write \\" for a quote')
        return "(?:" + re.escape(pattern[place + 1 : end]) + ")", end + 1
    if char in "^$":
        words = f"{char!r} is a plain character in a regular expression of Elasticsearch, which always fits the whole text"
        context.diagnostics.warn("W145", words, span, help=f"leave {char!r} out")
        return re.escape(char), place + 1
    if char == "{" and (found := _REPEAT.match(pattern, place)):
        if max(int(n[:6]) for n in found.groups() if n) > _MAX_REPEAT:
            _refuse(f"more than {_MAX_REPEAT} repetitions cannot run here", "E205", span, context)
        return found.group(), found.end()
    if char == "@":
        return "(?:.*)", place + 1
    if char in "~&<#":
        _refuse(f"the operator {char!r} of Lucene's regular expressions cannot run here", "E305", span, context, f"write \\{char} for the character itself")
    if char == "(" and pattern[place + 1 : place + 2] == "?":
        _refuse("Elasticsearch's regular expressions have no groups that begin with `(?`", "E205", span, context, "use regex~ for any case")
    return (char if char in "().|*+?" else re.escape(char)), place + 1


def _escape(pattern: str, place: int, span: Span, context: Context) -> str:
    if place + 1 >= len(pattern):
        _refuse("a regular expression cannot end in a single backslash", "E205", span, context)
    char = pattern[place + 1]
    return "\\" + char if char in _CLASSES else re.escape(char)


def _bracket(pattern: str, place: int, span: Span, context: Context) -> tuple[str, int]:
    """Return a character class and the place after it; inside, only `]`, `-`, `^` and the backslash mean something."""
    out, at = "[", place + 1
    if pattern[at : at + 1] == "^":
        out, at = "[^", at + 1
    first = at
    while at < len(pattern) and (pattern[at] != "]" or at == first):
        if pattern[at] == "\\":
            out, at = out + _escape(pattern, at, span, context), at + 2
        else:
            out, at = out + ("\\" + pattern[at] if pattern[at] in "[]&~^|" else pattern[at]), at + 1
    if at >= len(pattern):
        _refuse("this character class is never closed", "E205", span, context)
    return out + "]", at + 1


def _refuse(message: str, code: str, span: Span, context: Context, help: str = "") -> NoReturn:
    context.diagnostics.error(code, message, span, help=help)
    raise Halt
