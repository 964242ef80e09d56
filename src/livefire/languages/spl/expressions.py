"""Eval expressions: https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Eval."""

from __future__ import annotations

import math

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Apply, Argument, Ast, Binary, Constant, ListOf, Name, Unary
from livefire.languages.spl.lexer import unescape
from livefire.languages.spl.reader import Reader
from livefire.schema import Type

_COMPARE = ("=", "==", "!=", "<", ">", "<=", ">=")


class ExpressionReader(Reader):
    """Reads eval expressions: NOT binds tighter than AND, AND tighter than XOR and OR; `.` joins text like a sum."""

    def expression(self) -> Ast:
        """Return an expression up to where no operator continues it."""
        self.deeper()
        left = self._conjunction()
        while self.at_word("or", "xor"):
            operator = self.advance()
            left = self._binary(operator.text.lower(), left, self._conjunction(), operator.span)
        self.shallower()
        return left

    def _conjunction(self) -> Ast:
        left = self._inversion()
        while self.at_word("and") or (self.at("&") and self.ahead().text == "&"):
            operator = self.advance()
            if operator.text == "&":
                self.fail("an eval joins conditions with AND, not &&", span=operator.span)
            left = self._binary("and", left, self._inversion(), operator.span)
        return left

    def _inversion(self) -> Ast:
        if self.at_word("not"):
            token = self.advance()
            self.deeper()
            operand = self._inversion()
            self.shallower()
            return Unary("not", operand, token.span.to(operand.span))
        if self.at("!"):
            self.fail("an eval negates with NOT, not `!`", help="write NOT before the condition")
        return self._comparison()

    def _comparison(self) -> Ast:
        left = self._sum()
        while True:
            if self.at(*_COMPARE):
                operator = self.advance()
                text = "=" if operator.text == "==" else operator.text
                left = self._binary(text, left, self._sum(), operator.span)
            elif self.at_word("like"):
                operator = self.advance()
                left = self._binary("like", left, self._sum(), operator.span)
            elif self.at_word("in") and self.ahead().text == "(":
                operator = self.advance()
                left = self._binary("in", left, self._list(), operator.span)
            elif self.at_word("not") and self.ahead().word("in", "like"):
                negation = self.advance()
                operator = self.advance()
                right = self._list() if operator.text.lower() == "in" else self._sum()
                left = Unary("not", self._binary(operator.text.lower(), left, right, operator.span), negation.span)
            else:
                return left

    def _list(self) -> Ast:
        opened = self.piece
        self.advance()
        items = [self.expression()]
        while self.take(","):
            items.append(self.expression())
        self.close(opened)
        return ListOf(tuple(items), self.span_from(opened.span))

    def _sum(self) -> Ast:
        left = self._product()
        while self.at("+", "-", "."):
            operator = self.advance()
            left = self._binary(operator.text, left, self._product(), operator.span)
        return left

    def _product(self) -> Ast:
        left = self._signed()
        while self.at("*", "/", "%"):
            operator = self.advance()
            left = self._binary(operator.text, left, self._signed(), operator.span)
        return left

    def _signed(self) -> Ast:
        if self.at("-", "+"):
            sign = self.advance()
            self.deeper()
            operand = self._signed()
            self.shallower()
            return Unary(sign.text, operand, sign.span.to(operand.span))
        return self._primary()

    def _primary(self) -> Ast:
        token = self.piece
        if self.at("("):
            self.advance()
            inner = self.expression()
            self.close(token)
            return inner
        if token.kind == "string":
            self.advance()
            return Constant(unescape(token.text[1:-1]), Type.STRING, token.span)
        if token.kind == "quoted":
            self.advance()
            return Name(token.text[1:-1], token.span, quoted=True)
        if token.kind == "macro":
            self.advance()
            return Apply("`macro`", (), token.span, token.span)
        if token.kind == "word":
            return self._number() if token.text[0].isdigit() else self._word()
        if self.at(".") and self.ahead().kind == "word" and self.ahead().glued and self.ahead().text[0].isdigit():
            return self._number()
        if self.at("$"):
            return self._token_variable()
        return self.fail(f"expected a value, found {self.describe()}", help="an eval takes fields, 'quoted fields', \"text\", numbers and functions")

    def _token_variable(self) -> Ast:
        start = self.piece
        word = self.word("a name")
        self.fail(
            f"{word.text} is a variable of a dashboard or of map, and nobody gave it a value",
            code="E203" if word.text == "$" else "E201",
            span=start.span.to(word.span),
        )

    def _number(self) -> Ast:
        first = self.advance()
        text = first.text
        if text != "." and self.at(".") and self.piece.glued and self.ahead().glued and self.ahead().text[:1].isdigit():
            text += self.advance().text + self.advance().text
        elif text == ".":
            text += self.advance().text
        if text[-1] in "eE" and self.at("+", "-") and self.piece.glued:
            text += self.advance().text + self.advance().text
        span = self.span_from(first.span)
        if text.isdecimal() and len(text) < 20 and int(text) < 2**63:
            return Constant(int(text), Type.LONG, span)
        try:
            value = float(text)
        except ValueError:
            return self._odd_word(text, span)
        if not math.isfinite(value) or "_" in text:
            self.fail(f"{text[:40]} is no number", code="E206", span=span)
        return Constant(value, Type.REAL, span)

    def _odd_word(self, text: str, span: Span) -> Ast:
        """A name that begins with a digit is a field where it is no number."""
        return Name(text, span)

    def _word(self) -> Ast:
        token = self.advance()
        opened = self.piece
        if self.at("("):
            self.advance()
            args: list[Argument] = []
            while not self.at(")"):
                if args:
                    self.expect(",", "between arguments")
                value = self.expression()
                args.append(Argument(self._keyed(value), None, value.span))
            self.close(opened)
            return Apply(token.text.lower(), tuple(args), self.span_from(token.span), token.span)
        if token.text.lower() in ("true", "false") and self.at_end:
            return Constant(token.text.lower() == "true", Type.BOOL, token.span)
        return self._spread(Name(token.text, token.span))

    def _keyed(self, value: Ast) -> Ast:
        """`name:value` arguments of the few functions that take them."""
        if isinstance(value, Name) and self.at(":"):
            self.advance()
            return self.expression()
        return value

    def _spread(self, name: Name) -> Ast:
        """Take in the `{}` of an unquoted path; a dot stays the joining operator that it is for eval."""
        if self.at("{") and self.piece.glued and self.ahead().text == "}":
            text = name.text + self.advance().text + self.advance().text
            while self.at(".") and self.piece.glued and self.ahead().glued:
                text += self.advance().text + self.advance().text
                while self.at("{", "}") and self.piece.glued:
                    text += self.advance().text
            return Name(text, self.span_from(name.span), quoted=True)
        return name

    def _binary(self, operator: str, left: Ast, right: Ast, span: Span) -> Ast:
        return Binary(operator, left, right, left.span.to(right.span), span)
