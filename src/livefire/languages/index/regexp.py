"""Regular expressions of Lucene, as RE2 reads them.

They fit the whole text. `^` and `$` are plain characters, `"…"` quotes, `@` is any text; `~`, `&`, `<n-m>`
and `#` have no equal and are refused.
https://www.elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax
"""

from __future__ import annotations

import re

_MOST_REPEATS = 1000
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")


class RegexpError(ValueError):
    """A pattern that is broken or cannot run; the text says why."""


def translate(pattern: str) -> str:
    """Return the pattern for RE2, anchored at both ends; RegexpError where it cannot run."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        piece, at = _piece(pattern, at)
        out.append(piece)
    text = "".join(out)
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as fault:
        raise RegexpError(f"this is no regular expression: {fault}") from fault
    return rf"\A(?:{text})\z"


def _piece(pattern: str, at: int) -> tuple[str, int]:
    char = pattern[at]
    if char == "\\":
        return _escaped(pattern, at), at + 2
    if char == "[":
        return _bracket(pattern, at)
    if char == '"':
        end = pattern.find('"', at + 1)
        if end < 0:
            raise RegexpError('a " opens a quoted part in Lucene, and this one is not closed')
        return "(?:" + re.escape(pattern[at + 1 : end]) + ")", end + 1
    if char == "{" and (found := _REPEAT.match(pattern, at)):
        if max(int(n[:6]) for n in found.groups() if n) > _MOST_REPEATS:
            raise RegexpError(f"more than {_MOST_REPEATS} repetitions cannot run here")
        return found.group(), found.end()
    if char == "@":
        return "(?:.*)", at + 1
    if char in "~&<#":
        raise RegexpError(f"the operator {char!r} of Lucene cannot run here; \\{char} is the character itself")
    if pattern.startswith("(?", at):
        raise RegexpError("Lucene has no groups that begin with `(?`")
    return (char if char in "().|*+?" else re.escape(char)), at + 1


def _escaped(pattern: str, at: int) -> str:
    if at + 1 >= len(pattern):
        raise RegexpError("it ends in a single backslash")
    char = pattern[at + 1]
    return "\\" + char if char in "dDwWsS" else re.escape(char)


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """Return a character class and the place after it; inside, only `]`, `-`, `^` and the backslash mean something."""
    out, place = "[", at + 1
    if pattern[place : place + 1] == "^":
        out, place = "[^", place + 1
    first = place
    while place < len(pattern) and (pattern[place] != "]" or place == first):
        if pattern[place] == "\\":
            out, place = out + _escaped(pattern, place), place + 2
        else:
            out, place = out + ("\\" + pattern[place] if pattern[place] in "[]&~^|" else pattern[place]), place + 1
    if place >= len(pattern):
        raise RegexpError("a character class is not closed")
    return out + "]", place + 1
