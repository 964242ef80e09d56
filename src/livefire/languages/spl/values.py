"""How SPL takes one kind of value for another.

A field is text, a number, a time (which counts as a number of seconds since 1970) or has several
values (a JSON array, never empty). Text that looks like a number counts as one where a number is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import any_of, call, negate
from livefire.schema import Type

TEXTUAL = (Type.STRING, Type.GUID, Type.UNKNOWN)
_WHOLE_LIMIT = 1e15
_fresh = count()


def is_text(x: Expr) -> bool:
    """True for text."""
    return x.type in TEXTUAL


def is_multi(x: Expr) -> bool:
    """True where the value may be several."""
    return x.type is Type.DYNAMIC


def is_null(x: Expr) -> Expr:
    """Return whether the field has no value."""
    return call("logic.is_null", x)


def not_null(x: Expr) -> Expr:
    """Return whether the field has a value."""
    return negate(is_null(x))


def whole_of(text: str) -> int | None:
    """Return the number of rows, columns or steps that a text writes; None for none, and for more than any run could have."""
    return int(text) if text.isdecimal() and len(text) <= 15 else None


def parsed(text: str) -> float | int | None:
    """Return the number that a constant text writes, or None."""
    body = text.strip()
    if not body or not body.isascii() or any(c not in "0123456789+-.eE" for c in body):
        return None
    try:
        return int(body) if body.lstrip("+-").isdecimal() and len(body) < 21 and abs(int(body)) < 2**63 else float(body)
    except ValueError:
        return None


def constant_text(x: Expr) -> str | None:
    """Return the text of a constant, or None."""
    return x.value if isinstance(x, e.Literal) and isinstance(x.value, str) and x.type is Type.STRING else None


def number_literal(value: float | int) -> Expr:
    """Return a number as a constant."""
    return e.whole(value) if isinstance(value, int) else e.Literal(value, Type.REAL)


def number_of(x: Expr) -> Expr:
    """Return a value as a number, null where it is none; a field of several values is a number when it has just one."""
    match x.type:
        case Type.INT | Type.LONG | Type.REAL:
            return x
        case Type.DATETIME:
            return call("number.divide", call("time.to_epoch", x, e.text("us")), e.Literal(1e6, Type.REAL))
        case Type.DYNAMIC:
            return call("number.parse_real", single_of(x))
        case Type.BOOL:
            return e.null(Type.REAL)
    constant = constant_text(x)
    if constant is not None:
        value = parsed(constant)
        return number_literal(value) if value is not None else e.null(Type.REAL)
    return call("number.parse_real", x)


def real_of(x: Expr) -> Expr:
    """Return a value as a real."""
    value = number_of(x)
    return value if value.type is Type.REAL else call("number.to_real", value)


def text_of(x: Expr) -> Expr:
    """Return a value as the text that SPL shows for it: whole numbers without a point."""
    match x.type:
        case Type.INT | Type.LONG:
            return e.text(str(x.value)) if isinstance(x, e.Literal) and x.value is not None else call("number.text", x)
        case Type.REAL:
            small = call("compare.lt", call("number.abs", x), e.Literal(_WHOLE_LIMIT, Type.REAL))
            whole = call("number.to_long", x)
            plain = call("compare.eq", x, call("number.to_real", whole))
            return Case(((call("logic.and", small, plain), call("number.text", whole)),), call("number.text", x), Type.STRING)
        case Type.DATETIME:
            return text_of(number_of(x))
        case Type.DYNAMIC:
            return single_of(x)
        case Type.BOOL:
            return Case(((x, e.text("True")), (negate(x), e.text("False"))), e.null(Type.STRING), Type.STRING)
    return x


def single_of(x: Expr) -> Expr:
    """Return the text of the only value of a field, null where it has several."""
    only = call("compare.eq", call("dynamic.length", x), e.whole(1))
    return Case(((only, call("dynamic.text", e.Path(x, (0,)))),), e.null(Type.STRING), Type.STRING)


def only_of(x: Expr, what: str) -> Expr:
    """Return the text of the only value of a field, null where it has none; a row with several ends the run.

    For what Splunk's documentation does not say of several values: most rows have one, and no row is guessed.
    """
    if not is_multi(x):
        return x
    several = call("compare.gt", call("dynamic.length", x), e.whole(1))
    message = f"SPL: {what}: a row has several values in this field, and what Splunk makes of them is not documented; take one with mvindex()"
    return Case(((call("logic.fail_if", several, e.text(message)), e.null(Type.STRING)),), single_of(x), Type.STRING)


def mapped(x: Expr, body: Callable[[Expr], Expr], span: Span | None = None) -> Expr:
    """Return a text function of a field, of each of its values where it has several."""
    if not is_multi(x):
        return body(text_of(x))
    item = e.Column(f"~item{next(_fresh) % 1000}", Type.DYNAMIC)
    return tidy(call("array.map", x, e.Lambda((item,), call("dynamic.of", body(call("dynamic.text", item)))), span=span))


def bound(x: Expr, body: Callable[[Expr], Expr]) -> Expr:
    """Return the text that a body makes of an array, which is written once however often the body reads it."""
    item = e.Column(f"~bound{next(_fresh) % 1000}", Type.DYNAMIC)
    made = call("array.map", call("dynamic.array", x), e.Lambda((item,), call("dynamic.of", body(item))))
    return call("dynamic.text", e.Path(made, (0,)))


def multi_of(x: Expr) -> Expr:
    """Return a value as an array, null where the field has no value."""
    if is_multi(x):
        return x
    if x == e.null(x.type):
        return e.null(Type.DYNAMIC)
    shown = x if x.type in (Type.INT, Type.LONG, Type.STRING) else text_of(x)
    return Case(((not_null(x), call("dynamic.array", shown)),), e.null(Type.DYNAMIC), Type.DYNAMIC)


def tidy(x: Expr) -> Expr:
    """Return an array, an empty one as null: a field of no values does not exist."""
    return call("logic.null_if", x, e.Literal("[]", Type.DYNAMIC))


def each(body: Callable[[Expr], Expr]) -> e.Lambda:
    """Return a function of one element's text."""
    item = e.Column(f"~item{next(_fresh) % 1000}", Type.DYNAMIC)
    return e.Lambda((item,), body(call("dynamic.text", item)))


def any_value(x: Expr, test: Callable[[Expr], Expr], span: Span | None = None) -> Expr:
    """Return whether a test holds for the value of a field, or for one of its values; null where it has none."""
    if not is_multi(x):
        return test(x)
    return Case(((not_null(x), call("dynamic.any_element", x, each(test), span=span)),), e.null(Type.BOOL), Type.BOOL)


def differs(left: Expr, right: Expr, test: Callable[[Expr], Expr], what: str) -> Expr:
    """Return a comparison other than `=` of several values: the run ends where one value fits and another does not."""
    many = left if is_multi(left) else right
    some = any_value(many, test)
    every = any_value(many, lambda v: negate(test(v)))
    message = f"SPL: {what}: one of several values of a field fits and another does not, and which one decides is not documented; use mvfilter() or mvfind()"
    unsure = call("logic.and", call("logic.is_true", some), call("logic.is_true", every))
    return Case(((call("logic.fail_if", unsure, e.text(message)), e.null(Type.BOOL)),), some, Type.BOOL)


_ORDER = {"=": "compare.eq", "!=": "compare.ne", "<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}


def compare(operator: str, left: Expr, right: Expr, span: Span | None = None) -> Expr:
    """Return the comparison of an eval: as numbers where both sides are, else as text by code points; null if a side is."""
    if is_multi(left):
        return any_value(left, lambda v: compare(operator, v, right, span), span)
    if is_multi(right):
        return any_value(right, lambda v: compare(operator, left, v, span), span)
    meaning = _ORDER[operator]
    if left.type is Type.DATETIME and right.type is Type.DATETIME:
        return call(meaning, left, right, span=span)
    if left.type is Type.BOOL and right.type is Type.BOOL:
        return call(meaning, left, right, span=span)
    as_text = call(meaning, text_of(left), text_of(right), span=span)
    quoted = next((c for c in (constant_text(left), constant_text(right)) if c is not None), None)
    if quoted is not None and (parsed(quoted) is None or (operator in ("=", "!=") and is_text(left) and is_text(right))):
        return as_text
    numbers = number_of(left), number_of(right)
    as_numbers = call(meaning, *numbers, span=span)
    unsure = [v for v, x in zip(numbers, (left, right), strict=True) if is_text(x) and constant_text(x) is None]
    if not unsure:
        return as_numbers
    present = negate(any_of(*(is_null(v) for v in unsure)))
    return Case(((present, as_numbers),), as_text, Type.BOOL)
