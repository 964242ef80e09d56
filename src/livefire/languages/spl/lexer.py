"""Tokens of SPL: fine-grained, each knowing whether blank stood before it, for `a-b` is one term in a search and a difference in an eval."""

from __future__ import annotations

import re
from dataclasses import dataclass

from livefire.diagnostics import Diagnostics, Span
from livefire.languages.kit.lexer import END, Token

_PATTERN = re.compile(
    r"""(?P<comment>```.*?```)
    |(?P<macro>`[^`]*`)
    |(?P<string>"(?:\\.|[^"\\])*")
    |(?P<quoted>'[^'\n]*')
    |(?P<word>\w+)
    |(?P<sign>!=|==|<=|>=|.)""",
    re.DOTALL | re.VERBOSE,
)
_BLANK = re.compile(r"\s+")


@dataclass(slots=True)
class Piece(Token):
    """A token; `glued` is true when it follows the one before without a blank."""

    glued: bool = False


def tokens_of(diagnostics: Diagnostics) -> list[Piece]:
    """Return the tokens of a source with an end token; an unclosed quote is E203."""
    found = split(diagnostics.source.text)
    for piece in found:
        if piece.kind == "sign" and piece.text in ('"', "`"):
            what = "quote" if piece.text == '"' else "backtick"
            diagnostics.error("E203", f"this {what} is never closed", piece.span, help=f"close it with {piece.text}")
    return found


def split(text: str, call: Span | None = None) -> list[Piece]:
    """Return the tokens of a text; with `call` all get that span, as those of a macro's definition do."""
    found: list[Piece] = []
    place, glued = 0, False
    while place < len(text):
        blank = _BLANK.match(text, place)
        if blank:
            place, glued = blank.end(), False
            continue
        match = _PATTERN.match(text, place)
        assert match is not None
        if match.lastgroup == "comment":
            glued = False
        else:
            found.append(Piece(match.lastgroup or "sign", match.group(), call or Span(place, match.end()), glued))
            glued = True
        place = match.end()
    if call is None:
        found.append(Piece(END, "", Span(len(text), len(text))))
    return found


def unescape(text: str) -> str:
    r"""Return the inside of a double-quoted string: `\"` is a quote, `\\` a backslash, any other backslash stays."""
    return re.sub(r'\\(["\\])', r"\1", text)
