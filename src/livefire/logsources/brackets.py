"""Finding where JSON objects and lists end, by their brackets and strings alone."""

from __future__ import annotations

import re

ABSURD_DEPTH = 20_000
INCOMPLETE = -1
BROKEN = -2

_QUOTE, _NEWLINE, _OPENERS, _CLOSERS = 0x22, 0x0A, b"{[", b"}]"

# Everything up to a mark is passed in one match: text without marks, and whole strings.
_MARK = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\\n]++|\\.)*+")*+(["{}\[\]]|\Z)', re.DOTALL)
# Here a string passes only if it holds no mark, and then it is passed whether it is one or what
# stands between two: the next mark is the same for both. Runs that only a hostile file holds are
# one mark: closing brackets, lines without marks, and braces that no key follows.
_EITHER_MARK = re.compile(
    rb'(?:[^"{}\[\]\n\\]++|\\["\\]?+|"[^"\\{}\[\]\n]*+")*+'
    rb'("|\n(?:[^"{}\[\]\n\\]*+\n)*+|[}\]]++|(?:\{(?![ \t\r\n]*+["}]))++|\{|\[++|\Z)'
)
_BETWEEN = re.compile(rb"[, \t\r\n]*+")
_OBJECT = re.compile(rb'\{[ \t\r\n]*+["}]')

Span = tuple[int, int]


def scan(text: bytes, start: int, stop: int | None = None) -> tuple[int, int]:
    """Return the end of the object or list that opens at `start`, and how far was looked.

    The end is `INCOMPLETE` if the text stops first, and `BROKEN` where brackets do not match or
    nest absurdly. Only brackets and strings are looked at. A raw line break inside a string is
    broken: without that rule one lost quote would turn the rest of the file inside out.
    """
    closers = bytearray()
    stop = len(text) if stop is None else min(stop, len(text))
    for match in _MARK.finditer(text, start, stop):
        at = match.start(1)
        if at >= stop:
            break
        token = text[at]
        if token in _OPENERS:
            closers.append(token + 2)  # } and ] follow their openers by two
            if len(closers) > ABSURD_DEPTH:
                return BROKEN, at + 1
        elif token in _CLOSERS:
            if not closers or closers.pop() != token:
                return BROKEN, at + 1
            if not closers:
                return at + 1, at + 1
        else:
            line_end = text.find(b"\n", at, stop)
            return (INCOMPLETE, stop) if line_end < 0 else (BROKEN, line_end)
    return INCOMPLETE, stop


def row(text: bytes, start: int, longest: int, stop: int) -> list[Span]:
    """Return the objects that stand one after another from `start` on, each at most `longest` bytes.

    Between them may be white space and commas. Stops before whatever else comes, and at `stop`.
    """
    found: list[Span] = []
    stop = min(stop, len(text))
    while start < stop and text[start] == _OPENERS[0]:
        end, _ = scan(text, start, min(stop, start + longest))
        if end < 0:
            break
        found.append((start, end))
        between = _BETWEEN.match(text, end, stop)
        start = between.end() if between else end
    return found


def between(text: bytes, start: int, end: int) -> bool:
    """True if nothing but commas and white space stands there."""
    found = _BETWEEN.match(text, start, end)
    return found is not None and found.end() == end


class _Open:
    """What is open at a place, with how deep each holds others."""

    __slots__ = ("heights", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.heights: list[int] = []

    def clear(self) -> None:
        self.starts.clear()
        self.heights.clear()

    def close(self, text: bytes, start: int, end: int, depth: int, spans: list[Span]) -> None:
        """Take a run of closing brackets, and add the objects they end."""
        for at in range(start, end):
            if not self.starts:
                return
            if text[self.starts[-1]] + 2 != text[at]:
                self.clear()
                return
            begin, height = self.starts.pop(), self.heights.pop()
            if self.heights and self.heights[-1] <= height:
                self.heights[-1] = height + 1
            if height <= depth and text[at] == _CLOSERS[0] and text[begin + 1 : at].strip():
                spans.append((begin, at + 1))


def balanced(text: bytes, start: int, stop: int, depth: int) -> tuple[list[Span], list[int], int]:
    """Return every object in a broken text whose brackets match, the openers that are left, by place, and the marks looked at.

    One pass: whether a quote begins or ends a string cannot be known where quotes may be lost, so
    both readings are followed at once. A line break ends the reading in which it stands inside a
    string. A closing bracket that does not match shows that all that is open is broken. Objects
    that nest deeper than `depth` are left out.
    """
    spans: list[Span] = []
    here, other = _Open(), _Open()
    marks = 0
    for match in _EITHER_MARK.finditer(text, start, stop):
        at, end = match.span(1)
        marks += 1
        if at >= stop:
            break
        token = text[at]
        if token == _QUOTE:
            here, other = other, here
        elif token == _NEWLINE:
            other.clear()
        elif token in _CLOSERS:
            here.close(text, at, end, depth, spans)
        elif (token == _OPENERS[0] and _OBJECT.match(text, at) is None) or end - at > depth:
            here.clear()
        else:
            here.starts.extend(range(at, end))
            here.heights.extend([1] * (end - at))
    spans.sort()
    return spans, sorted(here.starts + other.starts), marks
