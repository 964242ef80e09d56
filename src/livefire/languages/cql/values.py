"""Reads values: words, texts, patterns, parameters, expressions and the arguments of functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.cql import syntax as s
from livefire.languages.cql.lexer import is_call
from livefire.languages.kit import ast
from livefire.languages.kit.cursor import Cursor
from livefire.languages.kit.lexer import Token

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r"}
_LEVELS = (("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))


def word_of(token: Token) -> s.Word:
    """Return a word or quoted text as a value; in a quoted text escapes are read."""
    if token.kind == "string":
        raw = token.text[1:-1] if len(token.text) > 1 and token.text.endswith('"') else token.text[1:]
        return s.Word(unescape(raw), raw, True, token.span)
    return s.Word(token.text.replace("`", ""), token.text, False, token.span)


def unescape(raw: str) -> str:
    """Return a quoted text with \\" \\\\ \\n \\t \\r read; a backslash before another character stays."""
    return _ESCAPE.sub(lambda m: _ESCAPED.get(m.group(1), m.group(0)), raw) if "\\" in raw else raw


class ValueParser(Cursor):
    """The part of the parser that reads values; the pipelines inside braces come from the subclass."""

    calls: frozenset[str] = frozenset()

    if TYPE_CHECKING:

        def pipeline(self) -> s.Pipeline:
            """Return the steps inside braces."""

    def regex(self, token: Token) -> ast.Pattern:
        """Return a pattern between slashes."""
        end = token.text.rindex("/")
        return ast.Pattern(token.text[1:end], token.text[end + 1 :], token.span)

    def variable(self, token: Token) -> s.Variable:
        """Return a user parameter with its default."""
        inner = token.text[1:]
        if not inner.startswith("{"):
            return s.Variable(inner.strip('"'), None, token.span)
        name, equals, value = inner[1:-1].partition("=")
        default = value.strip()
        word = None
        if equals:
            quoted = default.startswith('"')
            word = word_of(Token("string" if quoted else "word", default, token.span))
        return s.Variable(name.strip().strip('"'), word, token.span)

    def saved(self) -> s.SavedStep:
        """Return the call of a saved query."""
        token = self.advance()
        args = self.arguments()
        return s.SavedStep(token.text[1:].strip('"'), args, Span(token.span.start, self.last_end))

    # functions

    def call(self) -> s.Call:
        """Return a function call; the cursor is at its name."""
        name = self.advance()
        args = self.arguments()
        return s.Call(name.text, args, Span(name.span.start, self.last_end), name.span)

    def arguments(self) -> tuple[s.Argument, ...]:
        """Return what stands between the brackets of a call."""
        opened = self.expect("(")
        self.deeper()
        found: list[s.Argument] = []
        while not self.at(")") and not self.done:
            found.append(self._argument())
            if not self.take(",") and not self.at(")") and not self._next_argument():
                break
        self.shallower()
        self.close(opened)
        return tuple(found)

    def _next_argument(self) -> bool:
        """Arguments may also follow each other without a comma, as in the clauses of correlate."""
        return self._includes_all() or (self.token.kind == "word" and self.peek().kind == "sign" and self.peek().text in ("=", ":"))

    def _includes_all(self) -> bool:
        """`include:*` of a query of correlate is one word to the reader of tokens."""
        return self.token.kind == "word" and self.token.text.lower() == "include:*"

    def _argument(self) -> s.Argument:
        start = self.token.span
        if self._includes_all():
            self.advance()
            return s.Argument("include", s.Word("*", "*", quoted=False, span=start), start)
        if self.token.word("query") and self.peek().text == "=" and self.peek(2).kind in ("word", "string") and self.peek(3).text == ":":
            self.advance()
            self.advance()
        name = None
        following = self.peek()
        if self.token.kind in ("word", "string") and following.kind == "sign" and following.text in ("=", ":", ":="):
            name = self.advance().text.strip('"')
            self.advance()
        value = self.value()
        return s.Argument(name, value, Span(start.start, self.last_end))

    def value(self) -> s.Value:
        """Return the value of an argument."""
        if self.at("["):
            return self.items()
        if self.at("{"):
            return self.subquery()
        return self.expression()

    def items(self) -> s.Items:
        """Return a list in square brackets."""
        opened = self.expect("[")
        self.deeper()
        found: list[s.Value] = []
        while not self.at("]") and not self.done:
            found.append(self._item())
            if not self.take(","):
                break
        self.shallower()
        end = self.close(opened).span
        return s.Items(tuple(found), opened.span.to(end))

    def _item(self) -> s.Value:
        following = self.peek()
        if self.token.kind in ("word", "string") and following.kind == "sign" and following.text in ("=", ":="):
            name = word_of(self.advance())
            self.advance()
            value = self.value()
            return s.Operation(following.text, name, value, name.span.to(value.span))
        return self.value()

    def subquery(self) -> s.Subquery:
        """Return a pipeline in braces."""
        opened = self.expect("{")
        inner = self.pipeline()
        end = self.close(opened).span
        return s.Subquery(inner, opened.span.to(end))

    # expressions

    def expression(self, level: int = 0) -> s.Value:
        """Return an expression: comparison, then sums, then products, then signs."""
        if level == len(_LEVELS):
            return self._signed()
        self.deeper()
        left = self.expression(level + 1)
        while self.token.kind == "sign" and self.token.text in _LEVELS[level]:
            operator = self.advance().text
            right = self.expression(level + 1)
            left = s.Operation(operator, left, right, left.span.to(right.span))
        self.shallower()
        return left

    def _signed(self) -> s.Value:
        token = self.token
        if token.kind == "sign" and token.text in ("-", "!", "+"):
            self.advance()
            self.deeper()
            operand = self._signed()
            self.shallower()
            return s.Negation(token.text, operand, token.span.to(operand.span))
        return self._operand()

    def _operand(self) -> s.Value:
        token = self.token
        if opened := self.take("("):
            inner = self.value()
            self.close(opened)
            return inner
        if token.kind == "regex":
            self.advance()
            return self.regex(token)
        if token.kind == "variable":
            self.advance()
            return self.variable(token)
        if token.kind == "saved":
            return self.saved()
        if token.kind in ("word", "string") and is_call(token, self.peek(), self.calls):
            return self.call()
        if token.kind in ("word", "string"):
            self.advance()
            return word_of(token)
        if self.at("["):
            return self.items()
        if self.at("{"):
            return self.subquery()
        return self.fail(f"expected a value, found {self.describe()}")
