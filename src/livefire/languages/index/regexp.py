"""Regular expressions of Lucene, as RE2 reads them.

They fit the whole text. `^` and `$` are plain characters, `"…"` quotes, `@` is any text; `~`, `&`, `<n-m>`
and `#` have no equal and are refused.
https://www.elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_REPEATS = 1000
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_SIGNS = re.compile(r"[*+?]+")


class RegexpError(ValueError):
    """A pattern that is broken (E205) or cannot run (E305); the text says why, and `sign` is what a backslash would make plain."""

    def __init__(self, said: str, code: str = "E205", sign: str = "") -> None:
        super().__init__(said)
        self.code, self.sign = code, sign


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern for RE2, anchored at both ends, and the signs in it that stand for themselves, though elsewhere they would not."""

    text: str
    plain: tuple[str, ...] = ()


def translate(pattern: str) -> Pattern:
    """Return the pattern for RE2; RegexpError where it cannot run."""
    out: list[str] = []
    plain: list[str] = []
    at = 0
    while at < len(pattern):
        signs = _SIGNS.match(pattern, at)
        # Where nothing stands before it, a sign of repetition is a plain character.
        if pattern[at] in "^$" or (signs and (not out or out[-1] in ("(", "|"))):
            plain.append(pattern[at])
            piece, at = re.escape(pattern[at]), at + 1
        elif signs and out[-1].startswith("{"):
            # RE2 reads `a{2}?` as a lazy form; in Lucene it is two or none.
            raise RegexpError(f"a repetition of a repetition ({out[-1]}{signs[0]}) cannot run here; put brackets around what is repeated first", "E305")
        elif signs:
            # Lucene repeats what is repeated, where RE2 would read a lazy form.
            piece, at = signs[0][0] if len(set(signs[0])) == 1 else "*", signs.end()
        else:
            piece, at = _piece(pattern, at)
        out.append(piece)
    text = "".join(out)
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as fault:
        raise RegexpError(f"this is no regular expression: {fault}") from fault
    return Pattern(rf"\A(?:{text})\z", tuple(plain))


def _piece(pattern: str, at: int) -> tuple[str, int]:
    char = pattern[at]
    if char == "\\":
        return _escaped(pattern, at), at + 2
    if char == "[":
        return _bracket(pattern, at)
    if char == '"':
        end = pattern.find('"', at + 1)
        if end < 0:
            raise RegexpError('in a regular expression of Elasticsearch a " opens a quoted part, and this one is not closed', sign='"')
        return "(?:" + re.escape(pattern[at + 1 : end]) + ")", end + 1
    if char == "{" and (found := _REPEAT.match(pattern, at)):
        if max(int(n[:6]) for n in found.groups() if n) > _MOST_REPEATS:
            raise RegexpError(f"more than {_MOST_REPEATS} repetitions cannot run here")
        return found.group(), found.end()
    if char == "@":
        return "(?:.*)", at + 1
    if char in "~&<#":
        raise RegexpError(f"the operator {char!r} of Lucene's regular expressions cannot run here", "E305", char)
    if pattern.startswith("(?", at):
        raise RegexpError("Elasticsearch's regular expressions have no groups that begin with `(?`", sign="(?")
    return (char if char in "().|" else re.escape(char)), at + 1


def _escaped(pattern: str, at: int) -> str:
    if at + 1 >= len(pattern):
        raise RegexpError("a regular expression cannot end in a single backslash")
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
        raise RegexpError("this character class is never closed")
    return out + "]", place + 1
