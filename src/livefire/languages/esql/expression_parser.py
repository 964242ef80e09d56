"""Expressions of ES|QL, read by precedence: OR, AND, NOT, comparisons, + -, * / %, signs, `::`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from livefire.diagnostics import Diagnostics, Fix, Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.esql import lexer
from livefire.languages.kit.ast import Apply, Argument, Ast, Binary, Constant, ListOf, Name, Star, Unary
from livefire.languages.kit.cursor import Cursor
from livefire.languages.kit.lexer import Token
from livefire.schema import Type

# The fields of a KQL("…") query, which must be looked for in the tables too.
_KQL_FIELD = re.compile(r"([A-Za-z_@][\w@.-]*)\s*[:<>]")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_RESERVED = ("and", "or", "in", "like", "rlike", "is", "by", "as")
CASTS = {
    "string": "to_string",
    "keyword": "to_string",
    "text": "to_string",
    "integer": "to_integer",
    "int": "to_integer",
    "long": "to_long",
    "double": "to_double",
    "boolean": "to_boolean",
    "bool": "to_boolean",
    "datetime": "to_datetime",
    "date": "to_datetime",
    "ip": "to_ip",
    "version": "to_version",
    "unsigned_long": "to_unsigned_long",
    "time_duration": "to_timeduration",
    "date_period": "to_dateperiod",
    "date_nanos": "to_date_nanos",
}
# Ticks of 100 ns, or months, of one unit.
DURATIONS: dict[str, int] = {}
for _words, _ticks in (
    ("ms millisecond milliseconds", 10_000),
    ("s sec second seconds", 10_000_000),
    ("m min minute minutes", 600_000_000),
    ("h hour hours", 36_000_000_000),
):
    DURATIONS.update(dict.fromkeys(_words.split(), _ticks))
PERIODS: dict[str, str] = {}
for _words, _unit in (
    ("d day days", "day"),
    ("w week weeks", "week"),
    ("mo month months", "month"),
    ("q quarter quarters", "quarter"),
    ("y yr year years", "year"),
):
    PERIODS.update(dict.fromkeys(_words.split(), _unit))


def constant(value: object, span: Span) -> Ast | None:
    """Return the node of a value given from outside, None for what cannot be one."""
    match value:
        case None:
            return Constant(None, Type.UNKNOWN, span)
        case bool():
            return Constant(value, Type.BOOL, span)
        case int():
            return Constant(value, Type.LONG, span)
        case float():
            return Constant(value, Type.REAL, span)
        case str():
            return Constant(value, Type.STRING, span)
        case datetime():
            naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return Constant(naive, Type.DATETIME, span)
        case list() | tuple():
            items = [constant(v, span) for v in value]
            return ListOf(tuple(i for i in items if i is not None), span) if None not in items else None
    return None


class ExpressionParser(Cursor):
    """Reads expressions; `names` collects every field they mention."""

    def __init__(self, tokens: list[Token], diagnostics: Diagnostics, context: Context) -> None:
        super().__init__(tokens, diagnostics)
        self.context = context
        self.names: set[str] = set()
        self._positional = 0

    def text_of(self, span: Span) -> str:
        """Return the text of a span."""
        return self.diagnostics.source.text[span.start : span.end]

    def expression(self) -> Ast:
        """Read a whole expression."""
        self.deeper()
        left = self._conjunction()
        while self.at_word("or"):
            operator = self.advance()
            right = self._conjunction()
            left = Binary("or", left, right, Span(left.span.start, right.span.end), operator.span)
        self.shallower()
        return left

    def _conjunction(self) -> Ast:
        left = self._negation()
        while self.at_word("and"):
            operator = self.advance()
            right = self._negation()
            left = Binary("and", left, right, Span(left.span.start, right.span.end), operator.span)
        return left

    def _negation(self) -> Ast:
        word = self.take_word("not")
        if word is None:
            return self._predicate()
        self.deeper()
        operand = self._negation()
        self.shallower()
        return Unary("not", operand, Span(word.span.start, operand.span.end))

    def _predicate(self) -> Ast:
        left = self._sum()
        negated = self.at_word("not") and self.peek().word("in", "like", "rlike")
        opening = self.advance() if negated else None
        if self.at_word("in", "like", "rlike"):
            left = self._member(left, opening)
        elif self.at(*COMPARISONS):
            left = self._comparison(left)
        elif self.at("=~"):
            self.fail("`=~` is not an operator of ES|QL", help="compare to_lower(field) with a text in lower case")
        elif self.at("="):
            self.fail("a comparison is written `==`", fix=Fix(self.token.span, "==", "write '=='"), help="`=` only names a column")
        elif self.at(":"):
            left = self._match(left)
        while self.at_word("is"):
            self.advance()
            word = "is not null" if self.take_word("not") else "is null"
            end = self.expect("null")
            left = Unary(word, left, Span(left.span.start, end.span.end))
        return left

    def _match(self, left: Ast) -> Ast:
        """Read `field : constant`, which is `match(field, constant)`."""
        operator = self.advance()
        query = self._sum()
        return Apply("match", (Argument(left, span=left.span), Argument(query, span=query.span)), left.span.to(query.span), operator.span)

    def _comparison(self, left: Ast) -> Ast:
        operator = self.advance()
        right = self._sum()
        if self.at(*COMPARISONS):
            self.fail("comparisons cannot be chained", help="join two comparisons with AND")
        return Binary(operator.text, left, right, Span(left.span.start, right.span.end), operator.span)

    def _member(self, left: Ast, opening: Token | None) -> Ast:
        word = self.advance()
        if self.at("(") and self.peek().word("from", "row"):
            self.fail("a query inside IN cannot run here", code="E301", help="LOOKUP JOIN the rows, or write their values")
        right: Ast = self._list() if self.at("(") else self._sum()
        if word.word("in") and not isinstance(right, ListOf):
            self.fail("IN takes a list in parentheses", span=right.span)
        node: Ast = Binary(word.text.lower(), left, right, Span(left.span.start, right.span.end), word.span)
        return Unary("not", node, node.span) if opening else node

    def _list(self) -> ListOf:
        opened = self.expect("(")
        items = [self.expression()]
        while self.take(","):
            items.append(self.expression())
        end = self.close(opened)
        return ListOf(tuple(items), Span(opened.span.start, end.span.end))

    def _sum(self) -> Ast:
        left = self._product()
        while self.at("+", "-"):
            operator = self.advance()
            right = self._product()
            left = Binary(operator.text, left, right, Span(left.span.start, right.span.end), operator.span)
        return left

    def _product(self) -> Ast:
        left = self._signed()
        while self.at("*", "/", "%"):
            operator = self.advance()
            right = self._signed()
            left = Binary(operator.text, left, right, Span(left.span.start, right.span.end), operator.span)
        return left

    def _signed(self) -> Ast:
        sign = self.take("-", "+")
        if sign is None:
            return self._cast()
        if self.token.kind == "number" and self.peek().text == "::":
            # The sign belongs to the number, and `::` to both.
            return self._cast(sign)
        self.deeper()
        operand = self._signed()
        self.shallower()
        span = Span(sign.span.start, operand.span.end)
        if isinstance(operand, Constant) and operand.type in (Type.INT, Type.LONG, Type.REAL) and isinstance(operand.value, (int, float)):
            return _with_sign(operand, sign)
        return Unary(sign.text, operand, span)

    def _cast(self, sign: Token | None = None) -> Ast:
        value = self._primary()
        if sign is not None and isinstance(value, Constant):
            value = _with_sign(value, sign)
        while self.take("::"):
            token = self.expect_kind("name", "the name of a type")
            function = CASTS.get(token.text.lower())
            if function is None:
                self.fail(f"no type is named {token.text!r}", span=token.span, code="E104", help="known: " + ", ".join(CASTS))
            value = Apply(function, (Argument(value, span=value.span),), Span(value.span.start, token.span.end), token.span)
        return value

    def _primary(self) -> Ast:
        token = self.token
        if token.kind == "number":
            return self._number()
        if token.kind in ("string", "raw"):
            self.advance()
            return Constant(lexer.string_value(token, self.diagnostics), Type.STRING, token.span)
        if token.kind == "param":
            return self.parameter()
        if self.at("("):
            opened = self.advance()
            inner = self.expression()
            self.close(opened)
            return inner
        if self.at("["):
            return self._array()
        if token.kind == "name" and self.peek().text == "(" and self.peek().kind == "sign":
            return self._call()
        if token.word("true", "false"):
            self.advance()
            return Constant(token.word("true"), Type.BOOL, token.span)
        if token.word("null"):
            self.advance()
            return Constant(None, Type.UNKNOWN, token.span)
        if token.kind not in ("name", "quoted") or token.word(*_RESERVED):
            self.fail(f"expected a value, found {self.describe()}")
        name = self.qualified()
        self.names.add(name.text)
        return name

    def _number(self) -> Ast:
        token = self.advance()
        whole = token.text.isdigit()
        try:
            value: int | float = int(token.text) if whole else float(token.text)
        except ValueError:
            self.fail("this number has too many digits", code="E206", span=token.span)
        if whole and not -(2**63) <= value <= 2**63:
            self.fail(f"{token.text[:40]} does not fit a long", code="E206", span=token.span, help="unsigned_long is not supported; write a double")
        unit = self.token.text.lower()
        if self.token.kind == "name" and (unit in DURATIONS or unit in PERIODS) and whole:
            end = self.advance()
            span = Span(token.span.start, end.span.end)
            parts = (Argument(Constant(value, Type.LONG, token.span)), Argument(Constant(unit, Type.STRING, end.span)))
            return Apply("~span", parts, span, span)
        return Constant(value, _whole_type(value) if isinstance(value, int) else Type.REAL, token.span)

    def parameter(self) -> Ast:
        """Read `?name`, `?1`, `?` or `??name`, whose values come from the option `params`."""
        token = self.advance()
        key, given = token.text.lstrip("?"), self.context.options.get("params")
        if key in ("_tstart", "_tend") and not (isinstance(given, Mapping) and key in given):
            bound = "start" if key == "_tstart" else "end"
            return Apply("~parameter", (Argument(Constant(bound, Type.STRING, token.span)),), token.span, token.span)
        found, value = self._given(key, given)
        if not found:
            if self.context.open_schema:
                self.context.diagnostics.warn("W176", f"the parameter {token.text} needs a value to run", token.span, help="give it with the option `params`")
                return Apply("~unknown", (), token.span, token.span)
            self.fail(f"the parameter {token.text} has no value", code="E176", span=token.span, help="give it with the option `params`")
        if token.text.startswith("??"):
            if not isinstance(value, str):
                self.fail(f"{token.text} must name a column", code="E176", span=token.span)
            self.names.add(value)
            return Name(value, token.span, quoted=True)
        node = constant(value, token.span)
        if node is None:
            self.fail(f"{token.text} has a value of a type that ES|QL does not have", code="E176", span=token.span)
        return node

    def _given(self, key: str, given: object) -> tuple[bool, object]:
        if isinstance(given, Mapping):
            return (key in given), given.get(key)
        if isinstance(given, (list, tuple)) and (not key or key.isdigit()):
            if not key:
                self._positional += 1
            place = int(key[:6]) if key else self._positional
            return (True, given[place - 1]) if 1 <= place <= len(given) else (False, None)
        return False, None

    def _array(self) -> Ast:
        opened = self.advance()
        items = []
        while not self.at("]"):
            items.append(self._signed())
            if not self.take(","):
                break
        end = self.close(opened)
        return ListOf(tuple(items), Span(opened.span.start, end.span.end))

    def _call(self) -> Ast:
        name = self.advance()
        opened = self.advance()
        self.deeper()
        args: list[Argument] = []
        while not self.at(")") and not self.done:
            if self.at("{"):
                self.fail("options of a function are not supported", code="E304", help="leave them out")
            star = self.token if self.at("*") else None
            value: Ast = Star(self.advance().span) if star else self.expression()
            args.append(Argument(value, span=value.span))
            if not self.take(","):
                break
        end = self.close(opened)
        self.shallower()
        if name.word("kql") and args and isinstance(args[0].value, Constant):
            self.names.update(_KQL_FIELD.findall(str(args[0].value.value)))
        return Apply(name.text.lower(), tuple(args), Span(name.span.start, end.span.end), name.span)

    def qualified(self) -> Name:
        """Read a name with its dots; a quoted part may hold anything."""
        first = self.token
        if first.kind == "param":
            found = self.parameter()
            if isinstance(found, Name):
                return found
            self.fail("a value cannot stand for a name", span=first.span, help="write ??name")
        if first.kind not in ("name", "quoted"):
            self.fail(f"expected a column, found {self.describe()}")
        parts, last = [lexer.name_value(self.advance())], first
        while self.at(".") and self.peek().kind in ("name", "quoted"):
            self.advance()
            last = self.advance()
            parts.append(lexer.name_value(last))
        quoted = first.kind == "quoted" and last is first
        return Name(".".join(parts), Span(first.span.start, last.span.end), quoted)


def _with_sign(number: Constant, sign: Token) -> Constant:
    span = Span(sign.span.start, number.span.end)
    if sign.text == "+" or not isinstance(number.value, (int, float)):
        return Constant(number.value, number.type, span)
    value = -number.value
    return Constant(value, _whole_type(value) if isinstance(value, int) else number.type, span)


def _whole_type(value: int) -> Type:
    return Type.INT if -(2**31) <= value < 2**31 else Type.LONG


def suggest(word: str, known: tuple[str, ...]) -> str:
    """Return the words that point at the nearest known name, empty when none is near."""
    meant = nearest(word, known)
    return f"did you mean {meant!r}?" if meant else ""
