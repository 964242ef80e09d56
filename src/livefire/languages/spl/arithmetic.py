"""Functions of numbers: bits, trigonometry, sums; and printf, which writes them.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/TrigandHyperbolicFunctions
https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Bitwisefunctions
"""

from __future__ import annotations

import re
from collections.abc import Callable

from livefire.languages.kit.ast import Apply
from livefire.languages.spl.evaluating import Build, Evaluator, Function
from livefire.languages.spl.values import constant_text, is_multi, not_null, number_of, only_of, real_of, text_of
from livefire.plan import expr as e
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import call
from livefire.schema import Type

_MASK = 2**53 - 1
_CODE = re.compile(r"%(?P<flags>[-+ 0#']*)(?P<width>\d*)(?:\.(?P<digits>\d+))?(?P<code>[a-zA-Z%])")


def _reals(v: Evaluator, ast: Apply) -> list[Expr]:
    return [real_of(v.number(v.value(a.value), a.value.span)) for a in ast.args]


def _real(meaning: str) -> Build:
    return lambda v, ast: call(meaning, *_reals(v, ast), type=Type.REAL, span=ast.span)


def _made(build: Callable[..., Expr]) -> Build:
    return lambda v, ast: build(*_reals(v, ast))


def _add(a: Expr, b: Expr) -> Expr:
    return call("number.add", a, b, type=Type.REAL)


def _less(a: Expr, b: Expr) -> Expr:
    return call("number.subtract", a, b, type=Type.REAL)


def _times(a: Expr, b: Expr) -> Expr:
    return call("number.multiply", a, b, type=Type.REAL)


def _over(a: Expr, b: Expr) -> Expr:
    return call("number.divide", a, b)


def _exp(x: Expr) -> Expr:
    return call("number.exp", x)


def _minus(x: Expr) -> Expr:
    return call("number.negate", x)


_HALF, _ONE = e.Literal(0.5, Type.REAL), e.Literal(1.0, Type.REAL)


def _root(x: Expr) -> Expr:
    return call("number.sqrt", x)


def _log(x: Expr) -> Expr:
    return call("number.log", x)


def _sinh(x: Expr) -> Expr:
    return _times(_HALF, _less(_exp(x), _exp(_minus(x))))


def _cosh(x: Expr) -> Expr:
    return _times(_HALF, _add(_exp(x), _exp(_minus(x))))


def _tanh(x: Expr) -> Expr:
    """1 - 2 / (exp(2x) + 1), which does not overflow to a quotient of infinities."""
    two = e.Literal(2.0, Type.REAL)
    return _less(_ONE, _over(two, _add(_exp(_times(two, x)), _ONE)))


def _asinh(x: Expr) -> Expr:
    return _log(_add(x, _root(_add(_times(x, x), _ONE))))


def _acosh(x: Expr) -> Expr:
    return _within(call("compare.ge", x, _ONE), _log(_add(x, _root(_less(_times(x, x), _ONE)))))


def _atanh(x: Expr) -> Expr:
    return _within(call("compare.lt", call("number.abs", x), _ONE), _times(_HALF, _log(_over(_add(_ONE, x), _less(_ONE, x)))))


def _within(condition: Expr, value: Expr) -> Expr:
    """A function outside its range has no value."""
    return Case(((condition, value),), e.null(Type.REAL), Type.REAL)


def _arc(meaning: str) -> Build:
    def build(v: Evaluator, ast: Apply) -> Expr:
        (x,) = _reals(v, ast)
        return _within(call("compare.le", call("number.abs", x), _ONE), call(meaning, x, span=ast.span))

    return build


def _whole(v: Evaluator, ast: Apply, place: int) -> Expr:
    argument = ast.args[place].value
    return call("number.to_long", real_of(v.number(v.value(argument), argument.span)))


def _bits(meaning: str) -> Build:
    """Bitwise functions work on whole numbers from 0 to 2^53-1."""

    def build(v: Evaluator, ast: Apply) -> Expr:
        found = _whole(v, ast, 0)
        for place in range(1, len(ast.args)):
            found = call(meaning, found, _whole(v, ast, place), span=ast.span)
        return found

    return build


def _bit_not(v: Evaluator, ast: Apply) -> Expr:
    mask = _whole(v, ast, 1) if len(ast.args) > 1 else e.whole(_MASK)
    return call("number.bit_and", call("number.bit_not", _whole(v, ast, 0)), mask, span=ast.span)


def _shift(meaning: str) -> Build:
    def build(v: Evaluator, ast: Apply) -> Expr:
        mask = _whole(v, ast, 2) if len(ast.args) > 2 else e.whole(_MASK)
        return call("number.bit_and", call(meaning, _whole(v, ast, 0), _whole(v, ast, 1), span=ast.span), mask)

    return build


def _total(v: Evaluator, ast: Apply) -> tuple[Expr, Expr]:
    """Return the sum and the number of the arguments that are numbers; others are passed over."""
    zero = e.Literal(0.0, Type.REAL)
    total: Expr = zero
    count: Expr = zero
    for argument in ast.args:
        value = v.value(argument.value)
        if is_multi(value):
            value = only_of(value, v.scope.quoted(ast.span))
        number = real_of(value)
        total = _add(total, call("logic.coalesce", number, zero))
        count = _add(count, Case(((not_null(number), _ONE),), zero, Type.REAL))
    return total, count


def _sum(v: Evaluator, ast: Apply) -> Expr:
    total, count = _total(v, ast)
    return _within(call("compare.gt", count, e.Literal(0.0, Type.REAL)), total)


def _average(v: Evaluator, ast: Apply) -> Expr:
    total, count = _total(v, ast)
    return _within(call("compare.gt", count, e.Literal(0.0, Type.REAL)), _over(total, count))


def _printf(v: Evaluator, ast: Apply) -> Expr:
    """printf("%5.2f of %s", a, b): https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/ConversionFunctions"""
    form = constant_text(v.value(ast.args[0].value))
    if form is None:
        v.scope.refuse("E305", "printf() takes a constant format", ast.args[0].value.span)
    given = [v.value(a.value) for a in ast.args[1:]]
    parts: list[Expr] = []
    place, used = 0, 0
    for match in _CODE.finditer(form):
        if match.start() > place:
            parts.append(e.text(form[place : match.start()]))
        place = match.end()
        if match["code"] == "%":
            parts.append(e.text("%"))
            continue
        if used >= len(given):
            v.scope.refuse("E105", "printf() has fewer values than its format asks for", ast.span)
        parts.append(_printed(v, ast, match, given[used], used + 1))
        used += 1
    if place < len(form) or not parts:
        parts.append(e.text(form[place:]))
    return call("text.concat", *parts, span=ast.span) if len(parts) > 1 else parts[0]


def _printed(v: Evaluator, ast: Apply, match: re.Match[str], value: Expr, number: int) -> Expr:
    span = ast.args[number].value.span
    value = v.one(value, span)
    code, digits, flags = match["code"], match["digits"], match["flags"]
    if code == "s":
        shown = text_of(value)
        shown = call("text.slice", shown, e.whole(0), e.whole(int(digits))) if digits else shown
    elif code in "di":
        shown = call("number.text", call("number.to_long", real_of(v.number(value, span))))
    elif code in "fF":
        shown = call("number.fixed", real_of(v.number(value, span)), e.whole(int(digits or 6)), e.Literal("'" in flags, Type.BOOL))
    elif code == "c" and constant_text(value):
        shown = call("text.slice", text_of(value), e.whole(0), e.whole(1))
    elif code in "xX":
        hexed = call("encode.hex", call("number.to_long", real_of(v.number(value, span))))
        shown = call("text.upper", hexed) if code == "X" else hexed
    else:
        v.scope.refuse("E304", f"printf() is not run for %{code}", ast.args[0].value.span, help="known: s d i f F x X")
    if "+" in flags and code in "difF":
        positive = call("compare.ge", real_of(number_of(value)), e.Literal(0.0, Type.REAL))
        shown = Case(((positive, call("text.concat", e.text("+"), shown)),), shown, Type.STRING)
    if not match["width"]:
        return shown
    if len(match["width"]) > 3:
        v.scope.refuse("E107", "printf() is run for a width below 1,000", ast.args[0].value.span)
    if "-" in flags:
        width = int(match["width"])
        long = call("compare.ge", call("text.length", shown), e.whole(width))
        return Case(((long, shown),), call("text.slice", call("text.concat", shown, e.text(" " * width)), e.whole(0), e.whole(width)), Type.STRING)
    if "0" in flags and "+" in flags:
        v.scope.refuse("E304", "printf() is not run with this flag and a width", ast.args[0].value.span)
    return call("text.pad_left", shown, e.whole(int(match["width"])), e.text("0" if "0" in flags and code != "s" else " "))


FUNCTIONS: dict[str, Function] = {
    "sin": Function(1, 1, _real("number.sin")),
    "cos": Function(1, 1, _real("number.cos")),
    "tan": Function(1, 1, _real("number.tan")),
    "asin": Function(1, 1, _arc("number.asin")),
    "acos": Function(1, 1, _arc("number.acos")),
    "atan": Function(1, 1, _real("number.atan")),
    "atan2": Function(2, 2, _real("number.atan2")),
    "sinh": Function(1, 1, _made(_sinh)),
    "cosh": Function(1, 1, _made(_cosh)),
    "tanh": Function(1, 1, _made(_tanh)),
    "asinh": Function(1, 1, _made(_asinh)),
    "acosh": Function(1, 1, _made(_acosh)),
    "atanh": Function(1, 1, _made(_atanh)),
    "hypot": Function(2, 2, _made(lambda a, b: _root(_add(_times(a, a), _times(b, b))))),
    "bit_and": Function(2, None, _bits("number.bit_and")),
    "bit_or": Function(2, None, _bits("number.bit_or")),
    "bit_xor": Function(2, None, _bits("number.bit_xor")),
    "bit_not": Function(1, 2, _bit_not),
    "bit_shift_left": Function(2, 3, _shift("number.shift_left")),
    "bit_shift_right": Function(2, 3, _shift("number.shift_right")),
    "sum": Function(1, None, _sum),
    "avg": Function(1, None, _average),
    "printf": Function(1, None, _printf),
}
