"""Parsing of KQL expressions, by the precedence of the published grammar.

From loose to tight: `or`, `and`, equality with `in` and `between`, comparison, sum, product, the
text operators (`has`, `contains`, `=~` …), sign, then calls, members and indexes.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import cast

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Apply, Argument, Ast, Binary, Constant, Index, ListOf, Member, Name, Star, Unary
from livefire.languages.kit.cursor import Cursor
from livefire.languages.kit.lexer import Token
from livefire.languages.kql.lexer import LITERAL_TYPES, unquote
from livefire.languages.kql.literals import TYPES, LiteralError, read_timespan, read_value
from livefire.languages.kql.nodes import Expression, Item, SchemaColumn, TypeOf
from livefire.languages.kql.words import ENDS, JOINING, LISTS, LOOSE, OLD, OPERANDS, RESERVED, TEXT, TRUTHS
from livefire.plan.expr import Scalar
from livefire.schema import Type

_LONG = 2**63


class ExpressionParser(Cursor):
    """Reads expressions; `pipeline` is given by the parser of operators. While `searching`, a colon stands for `has`."""

    searching = False

    def pipeline(self) -> Expression:
        """Read a source and its operators; a lone expression is returned as it is."""
        raise NotImplementedError

    def expression(self) -> Expression:
        """Read an expression."""
        if self.token.kind in OPERANDS and self.peek().text in ENDS:
            return self._primary()
        self.deeper()
        found = self._or()
        self.shallower()
        return found

    def item(self) -> Item:
        """Read `value`, `name = value` or `(a, b) = value`."""
        start = self.token.span
        if self.at("(") and (names := self._names_before_equals()):
            name_span = start.to(self.tokens[self.place - 2].span)
            value = self.expression()
            return Item(value, names, start.to(self.last()), name_span)
        name = self.declared_name_before("=")
        if name is not None:
            name_span = start.to(self.tokens[self.place - 2].span)
            value = self.expression()
            return Item(value, (name,), start.to(self.last()), name_span)
        value = self.expression()
        return Item(value, (), start.to(self.last()), start)

    def items(self) -> tuple[Item, ...]:
        """Read items between commas."""
        found = [self.item()]
        while self.take(","):
            found.append(self.item())
        return tuple(found)

    def declared_name_before(self, sign: str) -> str | None:
        """Step over `name sign` and return the name, or stay and return None."""
        if self.token.kind == "name" and self.peek().text == sign and self.peek().kind == "sign" and self.token.text not in TRUTHS:
            name = self.advance().text
            self.advance()
            return name
        if self.at("[") and self.peek().kind == "string" and self.peek(2).text == "]" and self.peek(3).text == sign:
            self.advance()
            name = unquote(self.advance().text)
            self.advance()
            self.advance()
            return name
        return None

    def declared_name(self, what: str = "a name") -> str:
        """Read a plain or bracketed name."""
        if self.token.kind == "name":
            return self.advance().text
        if self.at("[") and self.peek().kind == "string" and self.peek(2).text == "]":
            self.advance()
            name = unquote(self.advance().text)
            self.advance()
            return name
        if self.token.kind in ("timespan", "long"):
            return self.advance().text
        return self.fail(f"expected {what}, found {self.describe()}")

    def schema_columns(self) -> tuple[SchemaColumn, ...]:
        """Read `(name: type, …)`."""
        opened = self.expect("(")
        found: list[SchemaColumn] = []
        while not self.at(")") and not self.done:
            start = self.token.span
            name = self.declared_name("a column name")
            self.expect(":", "before the column's type")
            found.append(SchemaColumn(name, self.type_name(), start.to(self.last())))
            if not self.take(","):
                break
        self.close(opened)
        return tuple(found)

    def type_name(self) -> Type:
        """Read the name of a type."""
        token = self.token
        found = TYPES.get(token.text)
        if token.kind != "name" or found is None:
            self.fail(f"expected a type, found {self.describe()}", help="types: " + ", ".join(t.value for t in Type if t is not Type.UNKNOWN))
        self.advance()
        return found

    def _names_before_equals(self) -> tuple[str, ...]:
        """Step over `(a, b) =` and return the names; stay and return nothing for another parenthesis."""
        start = self.place
        self.advance()
        names: list[str] = []
        while self.token.kind == "name":
            names.append(self.advance().text)
            if not self.take(","):
                break
        if names and self.take(")") and self.at("="):
            self.advance()
            return tuple(names)
        self.place = start
        return ()

    def last(self) -> Span:
        """Return the place of the token read last."""
        return self.tokens[max(self.place - 1, 0)].span

    # precedence levels

    def _or(self) -> Expression:
        left = self._and()
        while self.at("or"):
            left = self._binary(left, self.advance(), self._and())
        return left

    def _and(self) -> Expression:
        left = self._equality()
        while self.at("and"):
            left = self._binary(left, self.advance(), self._equality())
        return left

    def _equality(self) -> Expression:
        left = self._relation()
        while True:
            if self.at("==", "!=", "<>"):
                left = self._binary(left, self.advance(), self._relation())
            elif self.token.text in LISTS and self.token.kind != "string":
                left = self._binary(left, self.advance(), self._list())
            elif self.at("between", "!between"):
                left = self._between(left)
            else:
                return left

    def _between(self, left: Expression) -> Expression:
        operator = self.advance()
        opened = self.expect("(")
        low = self._sum()
        self.expect("..", "between the bounds")
        high = self._sum()
        self.close(opened)
        return self._binary(left, operator, ListOf((kit(low), kit(high)), opened.span.to(self.last())))

    def _relation(self) -> Expression:
        # Most operands are one name or constant before a sign that binds more loosely than all that is tried below.
        alone = self.token.kind in OPERANDS and self.peek().text in LOOSE
        left = self._primary() if alone else self._sum()
        while self.at("<", ">", "<=", ">="):
            left = self._binary(left, self.advance(), self._sum())
        return left

    def _sum(self) -> Expression:
        left = self._product()
        while self.at("+", "-"):
            left = self._binary(left, self.advance(), self._product())
        return left

    def _product(self) -> Expression:
        left = self._text()
        while self.at("*", "/", "%") and not (self.at("*") and self._ends_here(1)):
            left = self._binary(left, self.advance(), self._text())
        return left

    def _ends_here(self, ahead: int) -> bool:
        return self.peek(ahead).text in (",", ")", "|", "") and self.peek(ahead).kind != "string"

    def _text(self) -> Expression:
        left = self._unary()
        while True:
            if self.token.kind != "string" and self.token.text in TEXT:
                left = self._binary(left, self.advance(), self._unary())
            elif self.searching and self.at(":"):
                # https://learn.microsoft.com/kusto/query/search-operator: column:text is `column has text`.
                left = self._binary(left, replace(self.advance(), text="has"), self._unary())
            elif self.at("matches") and self.peek().text == "regex":
                first = self.advance()
                second = self.advance()
                left = self._binary(left, Token("sign", "matches regex", first.span.to(second.span)), self._unary())
            else:
                return left

    def _binary(self, left: Expression, operator: Token, right: Expression) -> Expression:
        text = OLD.get(operator.text, operator.text)
        return Binary(text, kit(left), kit(right), span_of(left).to(span_of(right)), operator.span)

    def _unary(self) -> Expression:
        if self.at("-", "+"):
            sign = self.advance()
            self.deeper()
            operand = self._unary()
            self.shallower()
            return Unary(sign.text, kit(operand), sign.span.to(span_of(operand)))
        return self._postfix()

    def _list(self) -> Expression:
        if not self.at("("):
            return self._unary()
        opened = self.advance()
        found: list[Expression] = []
        while not self.at(")") and not self.done:
            found.append(self.pipeline())
            if not self._another():
                break
        self.close(opened)
        return ListOf(tuple(kit(x) for x in found), opened.span.to(self.last()))

    # operands

    def _postfix(self) -> Expression:
        base = self._primary()
        while True:
            if self.at(".") and self.peek().kind in ("name", "long", "timespan"):
                self.advance()
                name = self.advance()
                if self.at("(") and isinstance(base, Apply):
                    base = self._call(name)
                    continue
                base = Member(kit(base), name.text, span_of(base).to(name.span))
            elif self.at(".") and self.peek().text == "[" and self.peek().kind == "sign":
                self.advance()
                base = self._index(base)
            elif self.at("["):
                base = self._index(base)
            elif self.searching and isinstance(base, Name) and self.at(":") and self.peek().kind == "string":
                # `Column:"text"` of search.
                sign = self.advance()
                return Binary("has", base, cast("Ast", self._primary()), base.span.to(self.last()), sign.span)
            else:
                return base

    def _index(self, base: Expression) -> Expression:
        opened = self.expect("[")
        index = self.expression()
        self.close(opened)
        return Index(kit(base), kit(index), span_of(base).to(self.last()))

    def _primary(self) -> Expression:
        token = self.token
        match token.kind:
            case "string":
                return self._string()
            case "long" | "hex":
                self.advance()
                value = int(token.text, 0) if token.kind == "hex" else int(token.text)
                if value >= 2 * _LONG or (value >= _LONG and token.kind != "hex"):
                    self.fail("the number does not fit 64 bits", code="E206", span=token.span)
                return Constant(value - 2 * _LONG if value >= _LONG else value, Type.LONG, token.span)
            case "real":
                self.advance()
                return Constant(float(token.text), Type.REAL, token.span)
            case "timespan":
                self.advance()
                return Constant(self._value(Type.TIMESPAN, token.text, token.span), Type.TIMESPAN, token.span)
            case "typed":
                return self._typed()
            case "name":
                return self._named()
        if token.text == "(":
            return self._parenthesis()
        if token.text == "[" and self.peek().kind == "string" and self.peek(2).text == "]":
            start = self.advance().span
            name = unquote(self.advance().text)
            return Name(name, start.to(self.advance().span), quoted=True)
        if token.text == "*":
            self.advance()
            return Star(token.span)
        if token.text == "{" and self.peek().kind == "name" and self.peek(2).text == "}":
            words = f"{{{self.peek().text}}} is a place that a workbook or a portal fills in"
            self.fail(words, code="E127", span=token.span.to(self.peek(2).span), help="write the value, or declare a query parameter")
        return self.fail(f"expected a value, found {self.describe()}")

    def _string(self) -> Expression:
        first = self.advance()
        value, span = unquote(first.text), first.span
        while self.token.kind == "string":
            span = span.to(self.token.span)
            value += unquote(self.advance().text)
        return Constant(value, Type.STRING, span)

    def _named(self) -> Expression:
        token = self.token
        if token.text in TRUTHS and self.peek().text != "(":
            self.advance()
            return Constant(token.text.lower() == "true", Type.BOOL, token.span)
        if token.text == "dynamic" and self.peek().text == "(":
            return self._dynamic()
        if token.text == "typeof" and self.peek().text == "(":
            return self._typeof()
        if token.text in RESERVED and (token.text in JOINING or self.peek().text != "("):
            self.fail(f"{token.text!r} is a word of the language", help=f"a column of that name is written ['{token.text}']")
        self.advance()
        if self.at("("):
            return self._call(token)
        if token.text == "null":
            return Name("null", token.span)
        return Name(token.text, token.span)

    def _typeof(self) -> Expression:
        start = self.advance().span
        opened = self.expect("(")
        if self.token.kind == "name" and self.peek().text == ")":
            type = self.type_name()
            self.close(opened)
            return TypeOf(type, start.to(self.last()))
        columns: list[SchemaColumn] = []
        while not self.at(")") and not self.done:
            self.advance()
        self.close(opened)
        return TypeOf(Type.UNKNOWN if not columns else columns[0].type, start.to(self.last()))

    def _call(self, name: Token) -> Expression:
        opened = self.expect("(")
        args: list[Argument] = []
        self.deeper()
        while not self.at(")") and not self.done:
            start = self.token.span
            named = self.declared_name_before("=")
            value: Expression = self.pipeline()
            args.append(Argument(kit(value), named, start.to(self.last())))
            if not self._another():
                break
        self.shallower()
        self.close(opened)
        return Apply(name.text, tuple(args), name.span.to(self.last()), name.span)

    def _another(self) -> bool:
        """Step over a comma; E201 where nothing stands after it."""
        if not self.take(","):
            return False
        if self.at(")"):
            self.fail(f"expected a value after the comma, found {self.describe()}")
        return True

    def _parenthesis(self) -> Expression:
        opened = self.advance()
        self.deeper()
        inner = self.pipeline()
        self.shallower()
        self.close(opened)
        return inner

    def _typed(self) -> Expression:
        token = self.advance()
        word, _, rest = token.text.partition("(")
        text = rest[:-1].strip()
        if text[:1] in "\"'":
            text = text[1:-1] if text else text
        type = TYPES[word.strip()]
        return Constant(self._value(type, text, token.span), type, token.span)

    def _value(self, type: Type, text: str, span: Span) -> Scalar:
        try:
            return read_timespan(text) if type is Type.TIMESPAN and text.lower() != "null" else read_value(type, text)
        except LiteralError as error:
            return self.fail(f"{text[:40]!r} is no {type.value}", code="E206", span=span, help=str(error))

    def _dynamic(self) -> Expression:
        start = self.advance().span
        opened = self.expect("(")
        text = self._json()
        self.close(opened)
        return Constant(None if text == "null" else text, Type.DYNAMIC, start.to(self.last()))

    def _json(self) -> str:
        """Read the inside of dynamic(…) and return it as JSON text."""
        self.deeper()
        text = self._json_value()
        self.shallower()
        return text

    def _json_value(self) -> str:
        token = self.token
        if self.at("["):
            return self._json_array()
        if self.at("{"):
            return self._json_object()
        if token.kind == "string":
            return json.dumps(self._joined_text(), ensure_ascii=False)
        if self.at("-", "+"):
            sign = self.advance().text
            return self._json_number("-" if sign == "-" else "")
        if token.kind in ("long", "hex", "real", "timespan"):
            return self._json_number("")
        if token.kind == "typed":
            return self._json_typed()
        if token.text == "dynamic" and self.peek().text == "(":
            self.advance()
            opened = self.advance()
            inner = self._json()
            self.close(opened)
            return inner
        if token.kind == "name" and token.text in ("true", "false", "null"):
            return self.advance().text
        return self.fail(f"expected a constant value inside dynamic(), found {self.describe()}", help="pack_array() and bag_pack() build values from columns")

    def _joined_text(self) -> str:
        value = ""
        while self.token.kind == "string":
            value += unquote(self.advance().text)
        return value

    def _json_number(self, sign: str) -> str:
        token = self.advance()
        if token.kind == "long":
            return sign + str(int(token.text))
        if token.kind == "hex":
            return sign + str(int(token.text, 0))
        if token.kind == "real":
            if not math.isfinite(float(token.text)):
                self.fail("the number is greater than a real can be", code="E206", span=token.span)
            return sign + repr(float(token.text))
        if token.kind == "timespan":
            return json.dumps(sign + token.text)
        return self.fail(f"expected a number, found {token.text[:40]!r}", span=token.span)

    def _json_typed(self) -> str:
        constant = self._typed()
        value = constant.value if isinstance(constant, Constant) else None
        if value is None:
            return "null"
        if isinstance(value, float) and not math.isfinite(value):
            return json.dumps({"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN"))
        if isinstance(constant, Constant) and constant.type in (Type.INT, Type.LONG, Type.REAL, Type.BOOL):
            return json.dumps(value)
        if isinstance(constant, Constant) and constant.type is Type.DATETIME:
            return json.dumps(value.isoformat(timespec="microseconds") + "0Z")  # type: ignore[union-attr]  # the reader of this type gives datetimes
        if isinstance(constant, Constant) and constant.type is Type.TIMESPAN:
            return json.dumps(timespan_text(value))  # type: ignore[arg-type]  # the reader of this type gives ticks
        return json.dumps(str(value))

    def _json_array(self) -> str:
        opened = self.advance()
        parts: list[str] = []
        while not self.at("]") and not self.done:
            parts.append(self._json())
            if not self.take(","):
                break
        self.close(opened)
        return "[" + ",".join(parts) + "]"

    def _json_object(self) -> str:
        opened = self.advance()
        members: dict[str, str] = {}
        while not self.at("}") and not self.done:
            if self.token.kind not in {"string", "name"}:
                self.fail(f"expected a member name in quotes, found {self.describe()}")
            key = self._joined_text() if self.token.kind == "string" else self.advance().text
            self.expect(":", "after the member name")
            members[key] = self._json()
            if not self.take(","):
                break
        self.close(opened)
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{v}" for k, v in members.items()) + "}"


def timespan_text(ticks: int) -> str:
    """Return a timespan as Kusto writes it: [-][d.]hh:mm:ss[.fffffff]."""
    seconds, fraction = divmod(abs(ticks), 10_000_000)
    days, seconds = divmod(seconds, 86_400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return ("-" if ticks < 0 else "") + (f"{days}." if days else "") + clock + (f".{fraction:07}" if fraction else "")


def span_of(node: Expression) -> Span:
    """Return the place of an expression."""
    return node.span


def kit(node: Expression) -> Ast:
    """Return a node as one of the kit's: pipelines may stand wherever KQL has a value."""
    return cast("Ast", node)


__all__ = ["LITERAL_TYPES", "ExpressionParser", "kit", "span_of", "timespan_text"]
