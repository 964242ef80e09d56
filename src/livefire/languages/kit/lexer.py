"""A lexer made of named patterns: a language lists them, longest alternatives first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from livefire.diagnostics import Diagnostics, Span

END = "end"


@dataclass(slots=True)
class Token:
    """A piece of text with its kind and place; the last token of a text has kind `end`. It is not frozen, which would double the time to make one."""

    kind: str
    text: str
    span: Span

    def word(self, *words: str) -> bool:
        """True when the token is one of these words, whatever its case."""
        return self.kind in ("name", "word", "keyword") and self.text.lower() in words


class Lexer:
    """Splits a text by the first pattern that matches at each place.

    A pattern named `skip` (blanks, comments) stands first and gives no token; it is read in one match with
    the token behind it, and what it has read is not given back. What no pattern matches is
    reported as E201 (E203 for an unclosed quote) and skipped, so that later faults are still found.
    """

    def __init__(self, patterns: Sequence[tuple[str, str]]) -> None:
        (_, skip), *kinds = patterns
        choice = "|".join(f"(?P<{name}>{pattern})" for name, pattern in kinds)
        self._pattern = re.compile(f"(?>(?:{skip})*)(?:{choice})?", re.DOTALL)

    def tokens(self, diagnostics: Diagnostics, start: int = 0, end: int | None = None) -> list[Token]:
        """Return the tokens of a source, or of a part of it; offsets are always those of the whole source."""
        text = diagnostics.source.text
        stop = len(text) if end is None else end
        found: list[Token] = []
        place = start
        read = self._pattern.match
        while place < stop:
            match = read(text, place, stop)
            assert match is not None  # both its parts may be empty
            kind = match.lastgroup
            if kind is None:
                place = match.end()
                if place < stop:
                    place = self._reject(diagnostics, place, stop)
                continue
            place, after = match.span(kind)
            if after == place:
                place = self._reject(diagnostics, place, stop)
                continue
            found.append(Token(kind, text[place:after], Span(place, after)))
            place = after
        found.append(Token(END, "", Span(stop, stop)))
        return found

    def _reject(self, diagnostics: Diagnostics, place: int, stop: int) -> int:
        char = diagnostics.source.text[place]
        if char in "\"'`":
            line_end = diagnostics.source.text.find("\n", place)
            until = stop if line_end < 0 or line_end > stop else line_end
            diagnostics.error("E203", f"this {char} is never closed", Span(place, until), help=f"close the text with {char}")
            return until
        shown = char if char.isprintable() else f"U+{ord(char):04X}"
        diagnostics.error("E201", f"the character {shown!r} cannot stand here", Span(place, place + 1))
        return place + 1
