"""Reads Lucene's query-string syntax.

AND, OR and NOT (in capitals), `&&`, `||`, `!`, `+` and `-` mark conditions as required, optional or
prohibited one by one; there is no precedence between AND and OR. Words that follow each other are one text.
https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-query-string-query#query-string-syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.index.filters import AllOf, AnyOf, Bound, Everything, Exists, FieldName, Filter, Match, Not, Range, Written
from livefire.languages.index.query import search
from livefire.languages.kit.cursor import Cursor
from livefire.languages.kit.lexer import Token
from livefire.languages.lucene import lexer
from livefire.plan.nodes import Plan

_ESCAPED = re.compile(r"\\(?:u(?P<code>[0-9a-fA-F]{4})|(?P<char>.))", re.DOTALL)
_ONE_SIDED = re.compile(r"(<=|>=|<|>)(.+)", re.DOTALL)
# What keeps a word from being read as one text with its neighbours.
_ENDS_WORDS = ("fuzzy", "boost", "and", "or", "not")


def parse(context: Context) -> Filter:
    """Return the filter of a text; an empty one is every document."""
    parser = _Parser(lexer.read(context.diagnostics), context)
    return parser.whole()


def lower(tree: object, context: Context) -> Plan:
    """Return the plan of a filter."""
    return search(tree, context)  # type: ignore[arg-type]  # what `parse` gave


@dataclass(slots=True)
class _Clause:
    """A condition that is required, prohibited or neither."""

    part: Filter
    required: bool
    prohibited: bool


class _Parser(Cursor):
    def __init__(self, tokens: list[Token], context: Context) -> None:
        super().__init__(tokens, context.diagnostics)
        self.context = context

    def whole(self) -> Filter:
        """Read the whole text."""
        if self.done:
            return Everything(Span(0, len(self.diagnostics.source.text)))
        found = self.group(None)
        if not self.done:
            self.fail(f"expected the end, found {self.describe()}")
        return found

    def group(self, field: FieldName | None) -> Filter:
        """Read conditions up to the end or a closing parenthesis."""
        self.deeper()
        start = self.token.span.start
        clauses: list[_Clause] = []
        joined: set[str] = set()
        while not self.done and not self.at(")"):
            words = self.words(field) if not clauses or self.token.kind == "term" else None
            if words is not None:
                clauses.append(_Clause(words, False, False))
                continue
            conjunction = ""
            if clauses and self.token.kind in ("and", "or"):
                conjunction = self.advance().kind
                joined.add(conjunction)
            sign = self.modifier()
            part = self.condition(field)
            if conjunction == "and" and not clauses[-1].prohibited:
                clauses[-1].required = True
            clauses.append(_Clause(part, sign == "+" or (conjunction == "and" and sign != "-"), sign == "-"))
        self.shallower()
        if not clauses:
            self.fail(f"expected a condition, found {self.describe()}")
        return self.combined(clauses, Span(start, self.last_end), mixed=len(joined) == 2)

    def modifier(self) -> str:
        """Step over `+`, `-`, `!` or NOT."""
        if self.token.kind == "not":
            self.advance()
            return "-"
        token = self.take("+", "-")
        return token.text if token is not None else ""

    def combined(self, clauses: list[_Clause], span: Span, *, mixed: bool) -> Filter:
        """Return what the clauses say together: all required, none prohibited, and one of the rest where nothing is required."""
        required = [c.part for c in clauses if c.required]
        optional = [c.part for c in clauses if not c.required and not c.prohibited]
        prohibited = [Not(c.part, c.part.span) for c in clauses if c.prohibited]
        if required and optional and mixed:
            words = "AND and OR have no precedence in Lucene: beside AND, a condition that is joined by OR alone changes nothing"
            self.diagnostics.warn("W185", words, optional[0].span, help="put parentheses around what belongs together")
        if required:
            parts: list[Filter] = [*required, *prohibited]
        elif optional:
            parts = [optional[0] if len(optional) == 1 else AnyOf(tuple(optional), span), *prohibited]
        else:
            parts = list(prohibited)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts), span)

    def words(self, field: FieldName | None) -> Filter | None:
        """Read two or more words that follow each other as one text, as a keyword field takes them."""
        count = 0
        while self.peek(count).kind == "term" and self.peek(count + 1).kind not in _ENDS_WORDS and self.peek(count + 1).text != ":":
            count += 1
        if count < 2:
            return None
        tokens = [self.advance() for _ in range(count)]
        span = Span(tokens[0].span.start, tokens[-1].span.end)
        return self.valued(field, Written(" ".join(_plain(t.text) for t in tokens), span), span)

    def condition(self, field: FieldName | None) -> Filter:
        """Read a group or a value, with or without a field."""
        start = self.token.span.start
        if self.token.kind in ("term", "wild") and self.peek().text == ":" and self.peek().kind == "sign":
            name = self.advance()
            self.advance()
            if name.text == "_exists_":
                return self.existing(start)
            field = FieldName(_plain(name.text), name.span, wild="*" in name.text)
        opened = self.take("(")
        if opened is not None:
            found = self.group(field)
            self.close(opened)
            self.boost()
            return found
        return self.value(field, start)

    def existing(self, start: int) -> Filter:
        """Read the field of `_exists_`."""
        token = self.token
        if token.kind not in ("term", "quoted", "wild"):
            self.fail(f"expected a field, found {self.describe()}")
        self.advance()
        text = token.text[1:-1] if token.kind == "quoted" else token.text
        return Exists(FieldName(_plain(text), token.span, wild=token.kind == "wild"), Span(start, self.last_end))

    def value(self, field: FieldName | None, start: int) -> Filter:
        """Read a value: a word, a text in quotes, a pattern or a range."""
        token = self.token
        if token.kind not in ("term", "wild", "quoted", "regexp", "range"):
            self.fail(f"expected a value, found {self.describe()}", help='write a sign in "quotes", or with a backslash before it')
        self.advance()
        if self.token.kind == "fuzzy":
            what = "words near each other" if token.kind == "quoted" else "words that are spelled alike"
            self.diagnostics.error("E305", f"~ asks for {what}, which cannot run here", self.advance().span, help="write the values, or a pattern with *")
        self.boost()
        span = Span(start, token.span.end)
        if token.kind == "range":
            return self.range_of(field, token, span)
        if token.kind == "wild":
            if token.text == "*" and (field is None or field.text == "*"):
                return Everything(span)
            if token.text == "*" and field is not None:
                return Exists(field, span)
            return self.valued(field, Written(_pattern(token.text), token.span, "wildcard"), span)
        if token.kind == "regexp":
            return self.valued(field, Written(token.text[1:-1].replace("\\/", "/"), token.span, "regexp"), span)
        if token.kind == "quoted":
            return self.valued(field, Written(_plain(token.text[1:-1]), token.span, quoted=True), span)
        return self.valued(field, Written(_plain(token.text), token.span), span)

    def valued(self, field: FieldName | None, value: Written, span: Span) -> Filter:
        """Return the condition on a value; one that begins with `<` or `>` is a range with one side."""
        one_sided = _ONE_SIDED.fullmatch(value.text) if value.kind == "text" and not value.quoted else None
        if one_sided and field is not None:
            operator: Bound = one_sided[1]  # type: ignore[assignment]  # one of the four by the pattern
            return Range(field, ((operator, Written(one_sided[2].strip(), value.span)),), span)
        return Match(field, value, span)

    def range_of(self, field: FieldName | None, token: Token, span: Span) -> Filter:
        """Return a range in brackets; `*` leaves a side open."""
        parts = lexer.bounds(token)
        if field is None:
            self.diagnostics.error("E305", "a range needs a field", token.span, help="field:[low TO high]")
            return Everything(span)
        sides: list[tuple[Bound, Written]] = []
        low: Bound = ">=" if parts["open"] == "[" else ">"
        high: Bound = "<=" if parts["close"] == "]" else "<"
        for operator, text in ((low, parts["low"]), (high, parts["high"])):
            if text != "*":
                sides.append((operator, Written(_plain(text[1:-1] if text.startswith('"') else text), token.span)))
        return Range(field, tuple(sides), span) if sides else Exists(field, span)

    def boost(self) -> None:
        """Step over a boost, which only orders results."""
        if self.token.kind == "boost":
            self.diagnostics.notice("N184", "^ changes the order of results only, and has no effect here", self.advance().span)


def _plain(text: str) -> str:
    """Return what a text stands for, its backslashes read."""
    return _whole(_ESCAPED.sub(lambda m: chr(int(m["code"], 16)) if m["code"] else m["char"], text))


def _pattern(text: str) -> str:
    """Return a wildcard with every escaped character kept plain."""
    return _whole(_ESCAPED.sub(lambda m: "\\" + (chr(int(m["code"], 16)) if m["code"] else m["char"]), text))


def _whole(text: str) -> str:
    """Return a text whose escaped halves of one character are put together; a half alone becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
