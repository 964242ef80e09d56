"""The condition of a rule: `selection and not 1 of filter_*` (Sigma specification, section Condition)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from livefire.diagnostics import Diagnostics, Fix, Span
from livefire.languages.binder import nearest
from livefire.languages.kit.cursor import Cursor
from livefire.languages.kit.lexer import Lexer, Token
from livefire.languages.sigma.ast import AllOf, AnyOf, Negation, Search

_LEXER = Lexer((("skip", r"\s+"), ("sign", r"[()|]"), ("word", r"[^\s()|]+")))


class ConditionParser(Cursor):
    """Reads one condition; `not` binds tighter than `and`, `and` tighter than `or`."""

    def __init__(self, tokens: list[Token], diagnostics: Diagnostics, searches: Mapping[str, Search]) -> None:
        super().__init__(tokens, diagnostics)
        self.searches = searches

    def parse(self) -> Search:
        """Return the whole condition."""
        found = self._any()
        if self.at("|"):
            self.fail("aggregations after `|` were taken out of Sigma", code="E305", help="write a correlation rule")
        if not self.done:
            self.fail(f"expected and, or, or the end, found {self.describe()}")
        return found

    def _any(self) -> Search:
        parts = [self._all()]
        while self.take_word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts), parts[0].span.to(parts[-1].span))

    def _all(self) -> Search:
        parts = [self._one()]
        while self.take_word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts), parts[0].span.to(parts[-1].span))

    def _one(self) -> Search:
        self.deeper()
        try:
            word = self.take_word("not")
            if word is not None:
                part = self._one()
                return Negation(part, word.span)
            opened = self.take("(")
            if opened is not None:
                inner = self._any()
                self.close(opened)
                return inner
            if self.at_word("1", "all", "any") and self.peek().word("of"):
                return self._several()
            return self._named()
        finally:
            self.shallower()

    def _several(self) -> Search:
        quantity, _of = self.advance(), self.advance()
        target = self.expect_kind("word", "`them` or a pattern of names")
        them = target.text == "them"
        names = [n for n in self.searches if (not n.startswith("_") if them else fnmatchcase(n, target.text))]
        if not names:
            self.fail(f"no search identifier fits {target.text!r}", code="E102", span=target.span, help="known: " + ", ".join(self.searches))
        parts = tuple(self.searches[n] for n in names)
        span = quantity.span.to(target.span)
        return AllOf(parts, span) if quantity.text.lower() == "all" else AnyOf(parts, span)

    def _named(self) -> Search:
        token = self.expect_kind("word", "a search identifier")
        found = self.searches.get(token.text)
        if found is None:
            meant = nearest(token.text, self.searches)
            self.fail(
                f"no search identifier is named {token.text!r}",
                code="E102",
                span=token.span,
                help=f"did you mean {meant!r}?" if meant else "known: " + ", ".join(self.searches),
                fix=Fix(token.span, meant, f"write {meant!r}") if meant else None,
            )
        return found


def parse_condition(span: Span, diagnostics: Diagnostics, searches: Mapping[str, Search]) -> Search:
    """Return the condition that stands at a place of the source."""
    return ConditionParser(_LEXER.tokens(diagnostics, *inside(span, diagnostics)), diagnostics, searches).parse()


def inside(span: Span, diagnostics: Diagnostics) -> tuple[int, int]:
    """Return where the text of a scalar begins and ends: within its quotes, after the line that begins a block, and after an anchor."""
    text, start, end = diagnostics.source.slice(span), span.start, span.end
    while (property := re.match(r"[&!]\S*\s+", text)) is not None:
        start, text = start + property.end(), text[property.end() :]
    if (block := re.match(r"[|>][+\-0-9]*[ \t]*(#[^\n]*)?\n", text)) is not None:
        return start + block.end(), end
    quoted = 1 if text[:1] in "'\"" and len(text) > 1 else 0
    return start + quoted, max(start + quoted, end - quoted)
