"""The reading that every SPL command shares: words glued from tokens, field names, options."""

from __future__ import annotations

from livefire.diagnostics import Diagnostics, Fix, Label, Span
from livefire.languages.kit.ast import Name
from livefire.languages.kit.cursor import Cursor
from livefire.languages.kit.lexer import END
from livefire.languages.spl.lexer import Piece, unescape
from livefire.languages.spl.nodes import Option, Options, Word

_ENDS = frozenset({"|", "[", "]", "(", ")", ","})
_COMPARISONS = frozenset({"=", "!=", "==", "<", ">", "<=", ">="})
_PAIRS = {"(": ")", "[": "]"}


class Reader(Cursor):
    """A cursor over SPL tokens."""

    tokens: list[Piece]  # type: ignore[assignment]  # every token of SPL knows whether it is glued

    def __init__(self, tokens: list[Piece], diagnostics: Diagnostics, *, lenient: bool = False) -> None:
        super().__init__(list(tokens), diagnostics)
        self.lenient = lenient

    @property
    def piece(self) -> Piece:
        """The token under the cursor."""
        return self.tokens[self.place]

    def ahead(self, count: int = 1) -> Piece:
        """Return a later token, the end token past the last."""
        return self.tokens[min(self.place + count, len(self.tokens) - 1)]

    @property
    def at_end(self) -> bool:
        """True where a command ends: at a pipe, a closing bracket or the end."""
        return self.done or self.at("|", "]")

    def at(self, *texts: str) -> bool:
        """True when the token is one of these signs."""
        return self.token.kind == "sign" and self.token.text in texts

    def at_exact(self, *words: str) -> bool:
        """True when the token is one of these words in this very case (`AND`, `OR`, `NOT` of a search)."""
        return self.token.kind == "word" and self.token.text in words

    def span_from(self, start: Span) -> Span:
        """Return the span from a start to the token before the cursor."""
        last = self.tokens[self.place - 1].span if self.place else start
        return Span(start.start, max(start.end, last.end))

    def word(self, what: str, stops: frozenset[str] = _ENDS | _COMPARISONS) -> Word:
        """Return a value: a quoted string, or tokens glued together up to a blank or one of the stops."""
        token = self.piece
        if token.kind == "string":
            self.advance()
            return Word(unescape(token.text[1:-1]), token.span, quoted=True)
        if token.kind == END or (token.kind == "sign" and token.text in stops):
            self.fail(f"expected {what}, found {self.describe()}")
        return self._glue(stops)

    def _glue(self, stops: frozenset[str]) -> Word:
        first = self.advance()
        text = first.text
        while self.piece.glued and self.piece.kind not in (END, "macro", "string") and not (self.piece.kind == "sign" and self.piece.text in stops):
            text += self.advance().text
        return Word(text.replace("\\\\", "\\"), self.span_from(first.span))

    def name(self, what: str = "a field name", stops: frozenset[str] = _ENDS | _COMPARISONS) -> Name:
        """Return a field name: quoted with either quote, or glued from tokens (it may hold `.`, `{}`, `:`, `*`)."""
        token = self.piece
        if token.kind == "quoted" and not (self.ahead().glued and self.ahead().kind == "word"):
            self.advance()
            return Name(token.text[1:-1], token.span, quoted=True)
        word = self.word(what, stops)
        return Name(word.text, word.span, quoted=word.quoted)

    def names(self, *until: str) -> tuple[Name, ...]:
        """Return field names parted by blanks or commas, up to the end of the command or one of the words."""
        found: list[Name] = []
        while not self.at_end and not self.at_word(*until):
            if self.take(","):
                continue
            found.append(self.name())
        return tuple(found)

    def at_option(self) -> bool:
        """True at `name=` with a plain name."""
        return self.token.kind == "word" and self.ahead().kind == "sign" and self.ahead().text == "="

    def option(self) -> Option:
        """Return `name=value`."""
        name = self.advance()
        self.advance()
        value = self.word(f"a value for {name.text}", frozenset({"|", "[", "]", ","}) if not self.at("(") else _ENDS)
        return Option(name.text.lower(), value, self.span_from(name.span))

    def options(self, *known: str) -> Options:
        """Return the options that stand here; with `known`, only those of these names."""
        found: list[Option] = []
        while self.at_option() and (not known or self.token.text.lower() in known):
            found.append(self.option())
            self.take(",")
        return tuple(found)

    def count(self, what: str) -> int:
        """Return a whole number, or record E206 and halt."""
        word = self.word(what)
        if not word.text.lstrip("+-").isdecimal() or len(word.text) > 18:
            self.fail(f"expected {what}, found {word.text[:40]!r}", code="E206", span=word.span)
        return int(word.text)

    def close(self, opened: Piece) -> Piece:  # type: ignore[override]  # tokens here are pieces
        """Step over the bracket that closes `opened`, or record E202 and halt."""
        sign = _PAIRS[opened.text]
        if self.at(sign):
            return self.advance()  # type: ignore[return-value]  # tokens here are pieces
        label = Label(opened.span, f"this {opened.text!r} is open")
        after = self.last_end
        fix = Fix(Span(after, after), sign, f"insert {sign!r}") if self.done else None
        self.diagnostics.error(
            "E202",
            f"expected {sign!r} to close {opened.text!r}, found {self.describe()}",
            self.token.span,
            labels=(label,),
            help=f"close it with {sign!r}",
            fix=fix,
        )
        self.halt()
        return opened

    def halt(self) -> None:
        """Stop reading."""
        from livefire.diagnostics import Halt

        raise Halt
