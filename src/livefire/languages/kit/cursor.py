"""A cursor over tokens with the errors every parser needs."""

from __future__ import annotations

from typing import NoReturn

from livefire.diagnostics import Diagnostics, Fix, Halt, Label, Span
from livefire.languages.kit.lexer import END, Token

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_NO_SIGN = frozenset({END, "text", "string"})
MAX_DEPTH = 200


class Cursor:
    """Reads tokens one by one; the parsers of all languages extend it."""

    def __init__(self, tokens: list[Token], diagnostics: Diagnostics) -> None:
        self.tokens = tokens
        self.diagnostics = diagnostics
        self.place = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        """The token under the cursor."""
        return self.tokens[self.place]

    @property
    def done(self) -> bool:
        """True at the end of the text."""
        return self.token.kind == END

    @property
    def last_end(self) -> int:
        """Where the token before the cursor ends."""
        return self.tokens[self.place - 1].span.end if self.place else 0

    def peek(self, ahead: int = 1) -> Token:
        """Return a later token, the end token past the last."""
        place = self.place + ahead
        return self.tokens[place] if place < len(self.tokens) else self.tokens[-1]

    def advance(self) -> Token:
        """Step over the token and return it."""
        token = self.tokens[self.place]
        if token.kind != END:
            self.place += 1
        return token

    def at(self, *texts: str) -> bool:
        """True when the token is one of these signs, exactly."""
        token = self.tokens[self.place]
        return token.text in texts and token.kind not in _NO_SIGN

    def at_word(self, *words: str) -> bool:
        """True when the token is one of these words, whatever its case."""
        return self.tokens[self.place].word(*words)

    def take(self, *texts: str) -> Token | None:
        """Step over the token if it is one of these signs."""
        token = self.tokens[self.place]
        if token.text not in texts or token.kind in _NO_SIGN:
            return None
        self.place += 1
        return token

    def take_word(self, *words: str) -> Token | None:
        """Step over the token if it is one of these words."""
        return self.advance() if self.at_word(*words) else None

    def expect(self, text: str, why: str = "") -> Token:
        """Step over this sign or word, or record E201 and halt."""
        token = self.take(text) or self.take_word(text.lower())
        if token is None:
            self.fail(f"expected {text!r}{' ' + why if why else ''}, found {self.describe()}")
        return token

    def expect_kind(self, kind: str, what: str) -> Token:
        """Step over a token of this kind, or record E201 and halt."""
        if self.token.kind != kind:
            self.fail(f"expected {what}, found {self.describe()}")
        return self.advance()

    def close(self, opened: Token) -> Token:
        """Step over the bracket that closes `opened`, or record E202 at both places and halt.

        The caret stands where the closing sign was missed; where that is only the end of the
        text, it stands at the bracket.
        """
        sign = _PAIRS[opened.text[-1]]
        token = self.take(sign)
        if token is None:
            label = Label(self.token.span, "the query ends here") if self.done else Label(opened.span, f"this {opened.text!r} is open")
            after = self.last_end
            self.diagnostics.error(
                "E202",
                f"expected {sign!r} to close {opened.text!r} of line {self.diagnostics.source.position(opened.span.start).line}, found {self.describe()}",
                opened.span if self.done else self.token.span,
                labels=(label,),
                help=f"close it with {sign!r}",
                fix=Fix(Span(after, after), sign, f"insert {sign!r}") if self.done else None,
            )
            raise Halt
        return token

    def describe(self) -> str:
        """Return the token as an error names it."""
        return "the end of the query" if self.done else repr(self.token.text[:40])

    def fail(self, message: str, *, code: str = "E201", span: Span | None = None, help: str = "", fix: Fix | None = None) -> NoReturn:
        """Record an error at the cursor and stop reading."""
        self.diagnostics.error(code, message, span or self.token.span, help=help, fix=fix)
        raise Halt

    def deeper(self) -> None:
        """Count one more level of nesting; E204 and halt past the limit, so that no text can exhaust the stack."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.fail(f"nested more than {MAX_DEPTH} deep", code="E204", help="split the expression")

    def shallower(self) -> None:
        """Leave a level of nesting."""
        self._depth -= 1
