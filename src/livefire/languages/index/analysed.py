"""Fields of analysed text: how Elasticsearch's standard analyser takes a text for words, and finds them.

Words are in lower case and end where Unicode's rules for words put a boundary; a point or colon between
two letters, and a point or comma between two digits, is inside of a word.
https://www.elastic.co/docs/reference/text-analysis/analysis-standard-analyzer
https://www.unicode.org/reports/tr29/#Word_Boundaries
"""

from __future__ import annotations

import re
from itertools import pairwise

_LETTERS, _DIGITS = ".':·’", ".',;’"
# Scripts beyond these are not divided by blanks.
_LAST_DIVIDED = 0x0E00
_RUN = re.compile(r"\w+")


class UndividedError(ValueError):
    """A text of a script whose words cannot be told here."""


def words(text: str) -> list[str]:
    """Return the words of a text; UndividedError for scripts without blanks between words."""
    if any(char.isalpha() and ord(char) >= _LAST_DIVIDED for char in text):
        raise UndividedError(text)
    found: list[str] = []
    end = -1
    for run in _RUN.finditer(text):
        if found and run.start() == end + 1 and _joined(text[end - 1], text[end], text[run.start()]):
            found[-1] += text[end] + run.group()
        else:
            found.append(run.group())
        end = run.end()
    return [w.lower() for w in found if w.strip("_")]


def phrase(parts: list[str]) -> str:
    """Return the RE2 pattern that finds words one after the other; to be used without regard to case."""
    out = _before(parts[0]) + re.escape(parts[0])
    for left, right in pairwise(parts):
        out += _between(left[-1], right[0]) + re.escape(right)
    return out + _after(parts[-1])


def prefix_or_suffix(pattern: str) -> str | None:
    """Return the RE2 pattern that finds a word that fits a wildcard with `*` at its ends only; None for any other."""
    inner = pattern.strip("*").lower()
    if not re.fullmatch(r"\w+", inner) or ord(max(inner)) >= _LAST_DIVIDED:
        return None
    return ("" if pattern.startswith("*") else _before(inner)) + re.escape(inner) + ("" if pattern.endswith("*") else _after(inner))


def _joined(left: str, sign: str, right: str) -> bool:
    return (left.isalpha() and right.isalpha() and sign in _LETTERS) or (left.isdigit() and right.isdigit() and sign in _DIGITS)


def _signs(char: str) -> tuple[str, str]:
    """Return the signs that stay inside of a word beside this character, and the class of characters they join."""
    return (_DIGITS, r"\pN") if char.isdigit() else (_LETTERS, r"\pL")


def _before(word: str) -> str:
    signs, kind = _signs(word[0])
    return rf"(?:^|[^\pL\pN_{signs}]|(?:^|[^{kind}])[{signs}])"


def _after(word: str) -> str:
    signs, kind = _signs(word[-1])
    return rf"(?:$|[^\pL\pN_{signs}]|[{signs}](?:$|[^{kind}]))"


def _between(left: str, right: str) -> str:
    if left.isdigit() != right.isdigit():
        return r"[^\pL\pN_]+"
    signs, _ = _signs(left)
    return rf"(?:[^\pL\pN_{signs}][^\pL\pN_]*|[{signs}][^\pL\pN_]+)"
