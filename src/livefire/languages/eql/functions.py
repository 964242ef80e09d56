"""The functions of EQL: each is one line of `FUNCTIONS` and, where it is more than a meaning, a builder.

https://www.elastic.co/docs/reference/query-languages/eql/eql-function-ref
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.languages.eql.coercion import Coercion
from livefire.languages.kit.ast import Apply
from livefire.plan import expr as e
from livefire.plan.functions import any_of, call
from livefire.schema import Type

Args = tuple[e.Expr, ...]
Builder = Callable[[Coercion, Args, "Use"], e.Expr]


@dataclass(frozen=True, slots=True)
class Use:
    """Where a function is called, and whether its name was followed by `~`."""

    node: Apply
    fold: bool

    @property
    def span(self) -> Span:
        """The place of the call."""
        return self.node.span

    def place(self, argument: int) -> Span:
        """The place of one argument."""
        return self.node.args[argument].span


@dataclass(frozen=True, slots=True)
class Spelling:
    """One function: its name as documented, least and most arguments, and whether `~` may follow the name."""

    name: str
    arity: tuple[int, int | None]
    build: Builder
    folds: bool = False


def parse_number(text: str) -> e.Literal | None:
    """Return a decimal number in a text, or None."""
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return e.Literal(int(text), Type.LONG)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return e.Literal(float(text), Type.REAL)
    return None


def is_block(text: str) -> bool:
    """Tell whether a text is a CIDR block such as `10.0.0.0/8`."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _texts(meaning: str, type: Type) -> Builder:
    """Return the builder of a function of texts; null in any argument gives null."""

    def build(operands: Coercion, args: Args, use: Use) -> e.Expr:
        if any(a.type is Type.UNKNOWN for a in args):
            return e.null(type)
        return call(meaning + ("_fold" if use.fold else ""), *(operands.as_text(a, use.span) for a in args), span=use.span)

    return build


def _arithmetic(word: str) -> Builder:
    def build(operands: Coercion, args: Args, use: Use) -> e.Expr:
        return operands.arithmetic(word, args[0], args[1], use.span)

    return build


def _between(operands: Coercion, args: Args, use: Use) -> e.Expr:
    greedy = args[3] if len(args) > 3 else e.FALSE
    if not isinstance(greedy, e.Literal) or not isinstance(greedy.value, bool):
        operands.context.diagnostics.error("E104", "the fourth argument of between is true or false", use.span)
        greedy = e.FALSE
    if any(a.type is Type.UNKNOWN for a in args[:3]):
        return e.null(Type.STRING)
    texts = (operands.as_text(a, use.span) for a in args[:3])
    return call("text.between", *texts, greedy, e.Literal(use.fold, Type.BOOL), span=use.span)


def _cidr_match(operands: Coercion, args: Args, use: Use) -> e.Expr:
    if any(a.type is Type.UNKNOWN for a in args):
        return e.null(Type.BOOL)
    blocks = []
    for number, arg in enumerate(args[1:], 1):
        if not isinstance(arg, e.Literal) or not isinstance(arg.value, str):
            operands.context.diagnostics.error("E104", "a block of cidrMatch is a text in quotes", use.place(number))
            continue
        try:
            blocks.append(ipaddress.ip_network(arg.value, strict=False))
        except ValueError:
            operands.context.diagnostics.error("E206", f"{arg.value!r} is no CIDR block", use.place(number), help='write "10.0.0.0/8"')
    source = operands.as_text(args[0], use.span)
    return any_of(*(call("text.cidr_contains", source, e.text(str(b)), span=use.span) for b in blocks))


def _index_of(operands: Coercion, args: Args, use: Use) -> e.Expr:
    if any(a.type is Type.UNKNOWN for a in args[:2]):
        return e.null(Type.LONG)
    text, part = (operands.as_text(a, use.span) for a in args[:2])
    if use.fold:
        text, part = call("text.lower", text), call("text.lower", part)
    start: e.Expr = e.whole(0)
    if len(args) > 2 and args[2].type is not Type.UNKNOWN:
        start = call("compare.greatest", _whole(operands, args[2], use.span), e.whole(0))
    found = call("text.position", call("text.slice", text, start), part, span=use.span)
    return e.Case(((call("compare.ge", found, e.whole(0)), call("number.add", found, start, type=Type.LONG)),), e.null(Type.LONG), Type.LONG)


def _whole(operands: Coercion, value: e.Expr, span: Span) -> e.Expr:
    number = operands.as_number(value, span)
    return number if number.type.integral else call("number.to_long", number)


def _number(operands: Coercion, args: Args, use: Use) -> e.Expr:
    """The number in a text, whole or real as it is written, in base 10 if not said; `0x` marks base 16."""
    source = args[0]
    if source.type is Type.UNKNOWN:
        return e.null(Type.LONG)
    if len(args) > 1 and args[1].type is not Type.UNKNOWN:
        base = args[1]
        if not isinstance(base, e.Literal) or not isinstance(base.value, int) or not 2 <= base.value <= 36:
            operands.context.diagnostics.error("E104", "the base of number is a whole number from 2 to 36", use.place(1))
            return e.null(Type.LONG)
        if base.value != 10:
            return call("number.parse_base", operands.as_text(source, use.span), base, span=use.span)
    text = operands.as_text(source, use.span)
    hexadecimal = call("number.parse_base", text, e.whole(16), span=use.span)
    is_hexadecimal = call("text.matches_regex", text, e.text(r"\A[+-]?0x"), e.text("s"))
    whole = call("number.parse_long", text, span=use.span)
    arms: tuple[tuple[e.Expr, e.Expr], ...] = (
        (is_hexadecimal, call("dynamic.of", hexadecimal)),
        (call("logic.not", call("logic.is_null", whole)), call("dynamic.of", whole)),
    )
    return e.Case(arms, call("dynamic.of", call("number.parse_real", text, span=use.span)), Type.DYNAMIC)


def _substring(operands: Coercion, args: Args, use: Use) -> e.Expr:
    """Characters from a place to before another; a negative place counts from the end, and both are cut to the text."""
    if args[0].type is Type.UNKNOWN or args[1].type is Type.UNKNOWN:
        return e.null(Type.STRING)
    text = operands.as_text(args[0], use.span)
    size = call("text.length", text)

    def place(value: e.Expr) -> e.Expr:
        number = _whole(operands, value, use.span)
        from_end = call("compare.greatest", call("number.add", size, number, type=Type.LONG), e.whole(0))
        return e.Case(((call("compare.lt", number, e.whole(0)), from_end),), call("compare.least", number, size), Type.LONG)

    start = place(args[1])
    stop = place(args[2]) if len(args) > 2 and args[2].type is not Type.UNKNOWN else size
    count = call("compare.greatest", call("number.subtract", stop, start, type=Type.LONG), e.whole(0))
    return call("text.slice", text, start, count, span=use.span)


_ALL = (
    Spelling("add", (2, 2), _arithmetic("add")),
    Spelling("between", (3, 4), _between, folds=True),
    Spelling("cidrMatch", (2, None), _cidr_match),
    Spelling("concat", (1, None), _texts("text.concat", Type.STRING)),
    Spelling("divide", (2, 2), _arithmetic("divide")),
    Spelling("endsWith", (2, 2), _texts("text.ends_with", Type.BOOL), folds=True),
    Spelling("indexOf", (2, 3), _index_of, folds=True),
    Spelling("length", (1, 1), _texts("text.length", Type.LONG)),
    Spelling("modulo", (2, 2), _arithmetic("modulo")),
    Spelling("multiply", (2, 2), _arithmetic("multiply")),
    Spelling("number", (1, 2), _number),
    Spelling("startsWith", (2, 2), _texts("text.starts_with", Type.BOOL), folds=True),
    Spelling("string", (1, 1), lambda operands, args, use: operands.as_text(args[0], use.span)),
    Spelling("stringContains", (2, 2), _texts("text.contains", Type.BOOL), folds=True),
    Spelling("substring", (2, 3), _substring),
    Spelling("subtract", (2, 2), _arithmetic("subtract")),
)
FUNCTIONS: dict[str, Spelling] = {s.name.lower(): s for s in _ALL}
