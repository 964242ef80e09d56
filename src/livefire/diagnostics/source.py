"""Texts and places in them: every diagnostic points at a span of a source."""

from __future__ import annotations

import bisect
import re
from dataclasses import field

from livefire.record import record


@record(frozen=True, slots=True)
class Span:
    """A half-open range of character offsets [start, end) in a source."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """Return the smallest span that covers both."""
        return Span(self.start if self.start < other.start else other.start, self.end if self.end > other.end else other.end)


NOWHERE = Span(0, 0)


@record(frozen=True, slots=True)
class Position:
    """A place as people count it: line and column start at 1, columns count characters."""

    line: int
    column: int


@record(frozen=True, slots=True)
class Source:
    """A query or rule text with the name it is shown under (a file name, or `<query>`)."""

    text: str
    name: str = "<query>"
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", (0, *(m.end() for m in re.finditer("\n", self.text))))

    def position(self, offset: int) -> Position:
        """Return line and column of an offset; an offset past the end is the end."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect.bisect_right(self._starts, offset) - 1
        return Position(line + 1, offset - self._starts[line] + 1)

    def line(self, number: int) -> str:
        """Return the text of a line (counted from 1) without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    def slice(self, span: Span) -> str:
        """Return the text that a span covers."""
        return self.text[span.start : span.end]
