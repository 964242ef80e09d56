"""The search language: https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.diagnostics import Fix, Span
from livefire.languages.kit.ast import Ast, Name
from livefire.languages.spl.expressions import ExpressionReader
from livefire.languages.spl.nodes import Comparison, Condition, Junction, Membership, Negation, Subsearch, Term, Unread, Word

if TYPE_CHECKING:
    from livefire.languages.spl.nodes import Pipeline

_OPERATORS = ("=", "==", "!=", "<", ">", "<=", ">=")
_VALUE_STOPS = frozenset({"|", "[", "]", "(", ")", ","})
_TERM_STOPS = frozenset({"|", "[", "]", "(", ")", ",", "=", "!=", "==", "<", ">", "<=", ">="})
_FORMS = ("CASE", "TERM")


class ConditionReader(ExpressionReader):
    """Reads conditions of the search command: NOT first, then OR, then AND, which may be left out."""

    def pipeline(self) -> Pipeline:
        """Return the commands up to a closing bracket or the end."""
        raise NotImplementedError

    def condition(self, *until: str) -> Condition | None:
        """Return the condition up to the end of the command or one of the words; None when there is none."""
        self.deeper()
        items: list[Condition] = []
        while not self.at_end and not self.at(")") and not self.at_word(*until):
            if self.at(","):
                self.advance()
                continue
            if items and self.at_exact("AND"):
                self.advance()
            items.append(self._alternatives())
        self.shallower()
        if not items:
            return None
        return items[0] if len(items) == 1 else Junction("and", tuple(items), items[0].span.to(items[-1].span))

    def _alternatives(self) -> Condition:
        items = [self._negation()]
        while self.at_exact("OR"):
            self.advance()
            items.append(self._negation())
        return items[0] if len(items) == 1 else Junction("or", tuple(items), items[0].span.to(items[-1].span))

    def _negation(self) -> Condition:
        if self.at_exact("NOT"):
            token = self.advance()
            self.deeper()
            item = self._negation()
            self.shallower()
            return Negation(item, token.span.to(item.span))
        return self._simple()

    def _simple(self) -> Condition:
        token = self.piece
        if self.at("("):
            self.advance()
            inner = self.condition()
            self.close(token)
            if inner is None:
                self.fail("there is no condition between these brackets", span=self.span_from(token.span))
            return inner
        if self.at("["):
            self.advance()
            pipeline = self.pipeline()
            self.close(token)
            return Subsearch(pipeline, self.span_from(token.span))
        if token.kind == "macro":
            self.advance()
            return Unread(token.span)
        if self.at_exact("AND", "OR"):
            self.fail(f"{token.text} needs a condition on both sides")
        if self.at(*_OPERATORS):
            self.fail(f"expected a field name before {token.text!r}")
        if token.kind == "sign" and token.text in "&;" and not self.ahead().glued:
            self.fail(f"{token.text!r} is no search term", help="quote it to look for it in the event")
        if self.at("&"):
            self.fail("a search term cannot begin with '&'", help="quote it to look for it in the event")
        return self._leaf()

    def _leaf(self) -> Condition:
        start = self.piece
        if start.kind == "word" and start.text in _FORMS and self.ahead().text == "(":
            return self._formed_term()
        if start.kind == "quoted" and (self.ahead().text in _OPERATORS or self.ahead().word("in")):
            name = self.name()
        else:
            word = self.word("a search term", _TERM_STOPS)
            name = Name(word.text, word.span, word.quoted)
        if self.at(*_OPERATORS):
            return self._comparison_of(name)
        if self.at_word("in") and self.ahead().text == "(":
            return self._membership(name)
        if start.kind == "word" and start.text in ("and", "or", "not") and start.span == name.span:
            self._lower_case(start.text, start.span)
        if self.at("(") and self.piece.glued:
            self.fail(f"expected a blank before '(' after {name.text[:40]!r}", help="quote the term if the bracket belongs to it")
        return Term(Word(name.text, name.span, name.quoted), name.span)

    def _lower_case(self, word: str, span: Span) -> None:
        self.diagnostics.warn(
            "W153",
            f"lower-case {word!r} is no operator of a search: it is looked for as a word in the event",
            span,
            help=f"write {word.upper()}",
            fix=Fix(span, word.upper(), f"write {word.upper()}"),
        )

    def _formed_term(self) -> Condition:
        form = self.advance()
        word = self._form_argument()
        span = self.span_from(form.span)
        return Term(word, span, form.text)

    def _form_argument(self) -> Word:
        opened = self.piece
        self.advance()
        word = self.word("a term", frozenset({"|", "(", ")"}))
        self.close(opened)
        return word

    def _comparison_of(self, name: Name) -> Condition:
        operator = self.advance().text
        form, value = "", self._value()
        if isinstance(value, Word) and value.text in _FORMS and not value.quoted and self.at("("):
            form, value = value.text, self._form_argument()
        return Comparison(name, "=" if operator == "==" else operator, value, self.span_from(name.span), form)

    def _value(self) -> Word | Ast:
        start = self.piece
        if start.kind == "macro":
            self.fail(f"the macro {start.text} stands for a value, but nobody declared it", code="E150")
        if start.kind == "word" and self.ahead().text == "(" and self.ahead().glued and start.text not in _FORMS:
            return self._primary()
        if self.at("("):
            self.fail("a field is compared with one value", help="write field IN (a, b), or field=a OR field=b")
        word = self.word("a value", _VALUE_STOPS)
        while not word.quoted and self.at("(") and self.piece.glued and self.ahead().text == ")":
            text = word.text + self.advance().text + self.advance().text
            if self.piece.glued and not self.at_end and not self.at("(", ")"):
                text += self.word("a value", _VALUE_STOPS).text
            word = Word(text, self.span_from(word.span))
        return word

    def _membership(self, name: Name) -> Condition:
        self.advance()
        opened = self.piece
        self.advance()
        values: list[Word] = []
        while not self.at(")") and not self.done:
            if self.take(","):
                continue
            values.append(self.word("a value", _VALUE_STOPS))
        self.close(opened)
        if not values:
            self.fail("IN needs at least one value", span=self.span_from(name.span))
        return Membership(name, tuple(values), self.span_from(name.span))
