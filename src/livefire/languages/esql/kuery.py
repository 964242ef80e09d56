"""KQL("…"): a query of the Kibana Query Language inside ES|QL, over keyword fields.

A field matches when any of its values does and never without a value, so its negation holds
there. Fields of analysed text and words without a field are refused.
https://www.elastic.co/docs/reference/query-languages/kql
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from livefire.diagnostics import Halt, Span
from livefire.languages.esql import dates
from livefire.languages.esql import values as v
from livefire.languages.esql.use import Use
from livefire.languages.esql.values import Kind, Value
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type

_TOKEN = re.compile(r'\s*(?:(?P<string>"(?:\\.|[^"\\])*")|(?P<sign><=|>=|[:<>(){}])|(?P<word>(?:\\.|[^\s():<>"{}\\])+))', re.DOTALL)
_COMPARE = {"<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}
_ANALYSED = frozenset({"message", "error.message"})
_MOST = 100


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def build(use: Use) -> Value:
    """`kql("query")` as a condition that is never null."""
    text = use.constant(0)
    if text is None:
        return v.null(Kind.BOOL)
    reader = _Reader(text, use)
    return Value(reader.whole(), Kind.BOOL)


class _Reader:
    def __init__(self, text: str, use: Use) -> None:
        self.use = use
        self.tokens: list[_Token] = []
        self.place = 0
        self.depth = 0
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                self.fail("E206", f"the KQL query cannot be read at {text[at : at + 12]!r}")
            self.tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
            at = match.end()

    @property
    def span(self) -> Span:
        """The place of the text."""
        return self.use.ast(0).span

    def fail(self, code: str, message: str, help: str = "") -> NoReturn:
        """Record an error and stop."""
        self.use.expressions.error(code, message, self.span, help)
        raise Halt

    def peek(self, ahead: int = 0) -> _Token:
        """Return a token, an empty one past the last."""
        at = self.place + ahead
        return self.tokens[at] if at < len(self.tokens) else _Token("end", "")

    def word(self, word: str) -> bool:
        """Step over a word of the language."""
        if self.peek().kind == "word" and self.peek().text.lower() == word:
            self.place += 1
            return True
        return False

    def whole(self) -> e.Expr:
        """Read the whole text."""
        if not self.tokens:
            return e.TRUE
        found = self.alternatives()
        if self.peek().kind != "end":
            self.fail("E206", f"the KQL query cannot be read at {self.peek().text!r}")
        return found

    def alternatives(self) -> e.Expr:
        """Read conditions joined by `or`."""
        self.depth += 1
        if self.depth > _MOST:
            self.fail("E204", "the KQL query is nested too deep")
        parts = [self.conjunction()]
        while self.word("or"):
            parts.append(self.conjunction())
        self.depth -= 1
        return any_of(*parts)

    def conjunction(self) -> e.Expr:
        """Read conditions joined by `and`."""
        parts = [self.negation()]
        while self.word("and"):
            parts.append(self.negation())
        return all_of(*parts)

    def negation(self) -> e.Expr:
        """Read a condition, negated or not."""
        return negate(self.term()) if self.word("not") else self.term()

    def term(self) -> e.Expr:
        """Read a condition in parentheses or on a field."""
        if self.sign("("):
            found = self.alternatives()
            self.close()
            return found
        token = self.peek()
        if token.kind not in ("word", "string"):
            self.fail("E206", f"the KQL query has no condition at {token.text!r}")
        self.place += 1
        operator = self.peek()
        if operator.kind != "sign" or operator.text not in (":", *_COMPARE):
            self.fail("E305", f"the KQL query searches {token.text!r} in every field, which cannot run here", "name a field: field:value")
        self.place += 1
        return self.on_field(_plain(token), operator.text)

    def sign(self, text: str) -> bool:
        """Step over a sign."""
        if self.peek() == _Token("sign", text):
            self.place += 1
            return True
        return False

    def close(self) -> None:
        """Step over a closing parenthesis."""
        if not self.sign(")"):
            self.fail("E202", "a ( of the KQL query is not closed")

    def on_field(self, name: str, operator: str) -> e.Expr:
        """Read what follows a field."""
        if "*" in name:
            self.fail("E305", f"the KQL query names its field by a pattern, {name!r}, which cannot run here", "write one condition for each field")
        if name in _ANALYSED:
            self.fail("E305", f"{name} is analysed text, which the KQL query searches word by word; that cannot run here", "use LIKE")
        if self.sign("{"):
            self.fail("E305", "nested fields of a KQL query are not supported")
        column = self.use.expressions.scope.find(name)
        value = self.use.expressions.scope.value(column) if column is not None else v.null()
        if operator != ":":
            return self.settled(value, lambda one: self.compare(one, operator, self.literal()))
        if self.sign("("):
            found = self.list_of(value)
            self.close()
            return found
        return self.fits(value)

    def list_of(self, value: Value) -> e.Expr:
        """Read a list of values with and, or, not."""
        parts = [self.list_conjunction(value)]
        while self.word("or"):
            parts.append(self.list_conjunction(value))
        return any_of(*parts)

    def list_conjunction(self, value: Value) -> e.Expr:
        """Read values joined by `and`."""
        parts = [self.list_item(value)]
        while self.word("and"):
            parts.append(self.list_item(value))
        return all_of(*parts)

    def list_item(self, value: Value) -> e.Expr:
        """Read one value of a list."""
        if self.word("not"):
            return negate(self.list_item(value))
        if self.sign("("):
            found = self.list_of(value)
            self.close()
            return found
        return self.fits(value)

    def literal(self) -> _Token:
        """Read a value: a text in quotes, or words up to the next word of the language."""
        first = self.peek()
        if first.kind not in ("word", "string"):
            self.fail("E206", f"the KQL query has no value at {first.text!r}")
        self.place += 1
        if first.kind == "string":
            return first
        words = [first.text]
        while self.peek().kind == "word" and self.peek().text.lower() not in ("and", "or", "not"):
            words.append(self.peek().text)
            self.place += 1
        return _Token("word", " ".join(words))

    def fits(self, value: Value) -> e.Expr:
        """Return whether any value of a field is the value read next."""
        token = self.literal()
        if token == _Token("word", "*"):
            return negate(self.use.expressions.missing(value))
        return self.settled(value, lambda one: self.equal(one, token))

    def settled(self, value: Value, test: Callable[[Value], e.Expr]) -> e.Expr:
        """Return whether a test holds for any value, never null."""
        if value.kind is Kind.NULL:
            test(Value(e.null(Type.STRING), Kind.TEXT))
            return e.FALSE
        if not value.many:
            return call("logic.is_true", test(value), span=self.span)
        element = e.Column("one value", Type.DYNAMIC)
        return call("dynamic.any_value", value.expr, e.Lambda((element,), test(Value(element, value.kind))), span=self.span)

    def equal(self, one: Value, token: _Token) -> e.Expr:
        """Compare one value with what was written."""
        text = _plain(token)
        if one.kind in (Kind.TEXT, Kind.IP, Kind.ANY):
            if token.kind == "word" and re.search(r"(?<!\\)\*", token.text):
                return call("text.wildcard", v.text(one), e.text(_wildcard(token.text)))
            return call("compare.eq", v.text(one), e.text(text))
        if one.kind is Kind.BOOL:
            return call("compare.eq", v.boolean(one), e.Literal(text.lower() == "true", Type.BOOL))
        if not one.kind.numeric:
            self.fail("E305", "a date in a KQL query can only be compared with < and > here", "use == of ES|QL")
        return call("compare.eq", v.number(one), self.number(text))

    def compare(self, one: Value, operator: str, token: _Token) -> e.Expr:
        """Compare one value by order."""
        text = _plain(token)
        if one.kind is Kind.DATE:
            moment = dates.read(text)
            if moment is None or operator in ("<=", ">"):
                self.fail("E305", "this date in a KQL query cannot be compared here", "compare @timestamp with ES|QL's operators")
            return call(_COMPARE[operator], v.moment(one), moment)
        if not one.kind.numeric:
            self.fail("E305", "a KQL query compares by order only numbers and dates here", "use ES|QL's operators")
        return call(_COMPARE[operator], v.number(one), self.number(text))

    def number(self, text: str) -> e.Literal:
        """Return a number as written."""
        try:
            return e.Literal(float(text), Type.REAL)
        except ValueError:
            self.fail("E104", f"{text!r} is no number")


def _plain(token: _Token) -> str:
    """Return what a value stands for."""
    inner = token.text[1:-1] if token.kind == "string" else token.text
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


def _wildcard(text: str) -> str:
    """Return a pattern in which only `*` means something; KQL has no `?`."""
    out, place = "", 0
    while place < len(text):
        char = text[place]
        if char == "\\" and place + 1 < len(text):
            out, place = out + "\\" + text[place + 1], place + 2
        else:
            out, place = out + ("\\" + char if char in "?\\" else char), place + 1
    return out
