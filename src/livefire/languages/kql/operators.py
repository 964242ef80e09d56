"""What KQL's operators mean, with its rules for null, for text and for dynamic operands.

Null rules: https://learn.microsoft.com/kusto/query/scalar-data-types/null-values — a null equals
nothing and differs from every value, and two nulls compare to null; other operators give null.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from livefire.diagnostics import Span
from livefire.languages.kql import coerce
from livefire.languages.kql.scope import Scope
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type

_ORDER = {"<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_WRITTEN = frozenset({Type.BOOL, Type.DATETIME, Type.TIMESPAN})
_TEXT: dict[str, tuple[str, str]] = {
    "has": ("text.has_term_fold", "text.has_term"),
    "hasprefix": ("text.has_prefix_fold", "text.has_prefix"),
    "hassuffix": ("text.has_suffix_fold", "text.has_suffix"),
    "contains": ("text.contains_fold", "text.contains"),
    "startswith": ("text.starts_with_fold", "text.starts_with"),
    "endswith": ("text.ends_with_fold", "text.ends_with"),
}


def equal(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left == right`."""
    met = align(scope, left, right, span, "==")
    if met is None:
        return e.null(Type.BOOL)
    a, b = met
    if coerce.is_null(a) and coerce.is_null(b):
        return e.null(Type.BOOL)
    if coerce.never_null(a) and coerce.never_null(b):
        return call("compare.eq", a, b, span=span)
    same = call("logic.is_true", call("compare.eq", a, b, span=span))
    if coerce.never_null(a) or coerce.never_null(b):
        return same
    return e.Case(((all_of(call("logic.is_null", a), call("logic.is_null", b)), e.null(Type.BOOL)),), same, Type.BOOL)


def unequal(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left != right`."""
    met = align(scope, left, right, span, "!=")
    if met is not None and all(coerce.never_null(x) for x in met):
        return call("compare.ne", *met, span=span)
    return negate(equal(scope, left, right, span))


def align(scope: Scope, left: e.Expr, right: e.Expr, span: Span, operator: str) -> tuple[e.Expr, e.Expr] | None:
    """Return both operands of a comparison in one type; None after E104 when Kusto would reject them."""
    a, b = left.type, right.type
    if a is b and a is not Type.DYNAMIC:
        return left, right
    if a is Type.UNKNOWN or b is Type.UNKNOWN:
        return _align_unknown(left, right)
    if a is Type.DYNAMIC and b is Type.DYNAMIC:
        if operator.startswith(("<", ">")):
            scope.context.quirk(104, f"two dynamic values cannot be compared with {operator}", span=span, help="convert both, as in toreal(x) < toreal(y)")
        return call("dynamic.text", left), call("dynamic.text", right)
    if a is Type.DYNAMIC:
        return from_dynamic(left, b), right
    if b is Type.DYNAMIC:
        return left, from_dynamic(right, a)
    if a.numeric and b.numeric:
        wide = coerce.wider(a, b)
        if Type.DECIMAL in (a, b):
            return coerce.cast(left, wide), coerce.cast(right, wide)
        return left, right
    return _mixed(scope, left, right, span, operator)


def _align_unknown(left: e.Expr, right: e.Expr) -> tuple[e.Expr, e.Expr]:
    kind = right.type if left.type is Type.UNKNOWN else left.type
    return coerce.fit(left, kind), coerce.fit(right, kind)


def _mixed(scope: Scope, left: e.Expr, right: e.Expr, span: Span, operator: str) -> tuple[e.Expr, e.Expr] | None:
    types = {left.type, right.type}
    if Type.BOOL in types and types & {Type.INT, Type.LONG}:
        return coerce.to_long(left), coerce.to_long(right)
    if types == {Type.GUID, Type.STRING}:
        guid, text = (left, right) if left.type is Type.GUID else (right, left)
        pair = (guid, coerce.to_guid(text)) if isinstance(text, e.Literal) else (coerce.to_text(guid), text)
        return pair if guid is left else (pair[1], pair[0])
    other = next((t for t in types if t is not Type.STRING), Type.STRING)
    if Type.STRING in types and (other.numeric or other in _WRITTEN) and not operator.startswith(("<", ">", "between", "!between")):
        words = f"a {left.type.value} is compared with a {right.type.value}: the text is read as a {other.value}, and one that is none equals nothing"
        scope.context.diagnostics.warn("W104", words, span, help=f"convert one of them, as in {_converter(other)}(…)")
        return (coerce.to_type(left, right.type), right) if left.type is Type.STRING else (left, coerce.to_type(right, left.type))
    scope.context.quirk(
        104,
        f"a {left.type.value} and a {right.type.value} cannot be compared with {operator}",
        span=span,
        help=f"convert one of them, as in {_converter(left.type)}(…)",
    )
    if Type.STRING in types:
        return (coerce.to_type(left, right.type), right) if left.type is Type.STRING else (left, coerce.to_type(right, left.type))
    return None


def _converter(type: Type) -> str:
    return f"to{type.value}"


def from_dynamic(value: e.Expr, type: Type) -> e.Expr:
    """Return a dynamic operand in the type of the other operand, as Kusto converts it by itself."""
    if type in (Type.INT, Type.LONG):
        return call("dynamic.real", value) if not isinstance(value, e.Literal) else coerce.to_real(value)
    return coerce.to_type(value, type)


def ordered(scope: Scope, operator: str, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left < right` and its like; null when either is null."""
    met = align(scope, left, right, span, operator)
    if met is None:
        return e.null(Type.BOOL)
    if met[0].type in (Type.STRING, Type.GUID):
        scope.context.quirk(104, f"texts cannot be compared with {operator}", span=span, help="compare them with strcmp(a, b), or convert them")
    if met[0].type is Type.BOOL:
        met = coerce.to_long(met[0]), coerce.to_long(met[1])
    return call(_ORDER[operator], *met, span=span)


def conjunction(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left and right`."""
    return call("logic.and", truth(scope, left, span), truth(scope, right, span), span=span)


def disjunction(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left or right`."""
    return call("logic.or", truth(scope, left, span), truth(scope, right, span), span=span)


def truth(scope: Scope, value: e.Expr, span: Span) -> e.Expr:
    """Return a condition; numbers and dynamics are converted, other types are E104."""
    if value.type is Type.BOOL:
        return value
    if value.type is Type.UNKNOWN:
        return e.null(Type.BOOL) if isinstance(value, e.Literal) else value
    if value.type is Type.DYNAMIC:
        return coerce.to_bool(value)
    scope.context.quirk(104, f"a condition is expected here, not a {value.type.value}", span=span, help="compare it with something")
    return coerce.to_bool(value)


# arithmetic


def add(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left + right`."""
    left, right = _undynamic(scope, left, right, span)
    match left.type, right.type:
        case Type.DATETIME, Type.TIMESPAN:
            return call("time.add", left, right, span=span)
        case Type.TIMESPAN, Type.DATETIME:
            return call("time.add", right, left, span=span)
        case Type.TIMESPAN, Type.TIMESPAN:
            return _numbers("number.add", left, right, Type.TIMESPAN, span)
    return _arithmetic(scope, "+", "number.add", left, right, span)


def subtract(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left - right`."""
    left, right = _undynamic(scope, left, right, span, difference=True)
    match left.type, right.type:
        case Type.DATETIME, Type.TIMESPAN:
            return call("time.subtract", left, right, span=span)
        case Type.DATETIME, Type.DATETIME:
            return call("time.difference", left, right, span=span)
        case Type.TIMESPAN, Type.TIMESPAN:
            return _numbers("number.subtract", left, right, Type.TIMESPAN, span)
    return _arithmetic(scope, "-", "number.subtract", left, right, span)


def multiply(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left * right`."""
    left, right = _undynamic(scope, left, right, span)
    if left.type.numeric and right.type is Type.TIMESPAN:
        left, right = right, left
    if left.type is Type.TIMESPAN and right.type.numeric:
        return _scaled(left, right, span)
    return _arithmetic(scope, "*", "number.multiply", left, right, span)


def _scaled(span_value: e.Expr, factor: e.Expr, span: Span) -> e.Expr:
    if factor.type.integral:
        return _numbers("number.multiply", span_value, factor, Type.TIMESPAN, span)
    if isinstance(span_value, e.Literal) and isinstance(factor, e.Literal) and span_value.value is not None and factor.value is not None:
        return e.Literal(int(float(span_value.value) * float(factor.value)), Type.TIMESPAN)  # type: ignore[arg-type]  # both are numbers
    product = call("number.multiply", call("logic.cast", span_value, type=Type.REAL), coerce.to_real(factor), type=Type.REAL)
    return call("logic.cast", call("number.to_long", product), type=Type.TIMESPAN)


def divide(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left / right`: whole numbers give a whole number; by zero is null for them."""
    left, right = _undynamic(scope, left, right, span)
    if Type.UNKNOWN in (left.type, right.type):
        return e.null(Type.UNKNOWN)
    if left.type is Type.TIMESPAN and right.type is Type.TIMESPAN:
        return call("number.divide", left, right, span=span)
    if left.type is Type.TIMESPAN and right.type.numeric:
        if right.type.integral:
            return quotient(left, right, Type.TIMESPAN, span)
        return call("logic.cast", call("number.to_long", call("number.divide", left, right)), type=Type.TIMESPAN)
    pair = _pair(scope, "/", left, right, span)
    if pair is None:
        return e.null(Type.LONG)
    a, b, wide = pair
    if wide is Type.REAL:
        return call("number.divide", a, b, span=span)
    if wide is Type.DECIMAL:
        return call("number.divide_decimal", a, b, type=Type.DECIMAL, span=span)
    return quotient(a, b, Type.LONG, span)


def modulo(scope: Scope, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left % right`, never negative: https://learn.microsoft.com/kusto/query/numerical-operators#note-about-the-modulo-operator"""
    left, right = _undynamic(scope, left, right, span)
    if Type.UNKNOWN in (left.type, right.type):
        return e.null(Type.UNKNOWN)
    if left.type is Type.TIMESPAN and right.type is Type.TIMESPAN:
        return call("number.modulo_positive", left, right, type=Type.TIMESPAN, span=span)
    if left.type is Type.DATETIME and right.type is Type.TIMESPAN:
        return call("time.difference", left, call("time.bin", left, right), type=Type.TIMESPAN, span=span)
    pair = _pair(scope, "%", left, right, span)
    if pair is None:
        return e.null(Type.LONG)
    a, b, wide = pair
    return call("number.modulo_positive", a, b, type=wide, span=span)


def _undynamic(scope: Scope, left: e.Expr, right: e.Expr, span: Span, difference: bool = False) -> tuple[e.Expr, e.Expr]:
    """Return both sides of arithmetic with a dynamic one in the type of the other, as Kusto's binder types the result."""
    if left.type is Type.DYNAMIC and right.type is not Type.DYNAMIC:
        return _number_of(scope, left, span, Type.DATETIME if difference and right.type is Type.DATETIME else right.type), right
    if right.type is Type.DYNAMIC and left.type is not Type.DYNAMIC:
        kind = left.type if not (left.type is Type.DATETIME and not difference) else Type.TIMESPAN
        return left, _number_of(scope, right, span, kind)
    return left, right


def _number_of(scope: Scope, value: e.Expr, span: Span, type: Type) -> e.Expr:
    if type not in (Type.INT, Type.LONG):
        return from_dynamic(value, type)
    if not isinstance(value, e.Literal):
        words = "the dynamic value is read as a whole number beside one: a fraction is cut"
        scope.context.diagnostics.warn("W104", words, span, help="convert it, as in toreal(x) or tolong(x)")
    return coerce.to_long(value)


def _pair(scope: Scope, sign: str, left: e.Expr, right: e.Expr, span: Span) -> tuple[e.Expr, e.Expr, Type] | None:
    known = [left.type, right.type]
    if any(not t.numeric for t in known):
        help = "convert text with tolong() or todouble(); join text with strcat()" if Type.STRING in known else ""
        scope.error("E104", f"{sign} is not defined for {left.type.value} and {right.type.value}", span, help)
        return None
    wide = coerce.meet(known) or Type.LONG
    wide = Type.LONG if wide is Type.INT else wide
    return coerce.fit(left, wide), coerce.fit(right, wide), wide


def _arithmetic(scope: Scope, sign: str, meaning: str, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    if Type.UNKNOWN in (left.type, right.type):
        return e.null(Type.UNKNOWN)
    if left.type is Type.DYNAMIC and right.type is Type.DYNAMIC:
        return _of_dynamics(meaning, left, right, span)
    pair = _pair(scope, sign, left, right, span)
    if pair is None:
        return e.null(Type.LONG)
    a, b, wide = pair
    return _numbers(meaning, a, b, wide, span)


def _of_dynamics(meaning: str, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """Return a dynamic value: whole where both numbers are, null where one is no number."""
    kinds = [call("logic.type_name", x) for x in (left, right)]
    whole = all_of(*(call("compare.eq", x, e.text("long")) for x in kinds))
    numeric = all_of(*(any_of(*(call("compare.eq", x, e.text(t)) for t in ("long", "double"))) for x in kinds))
    longs = around(meaning, coerce.to_long(left), coerce.to_long(right), Type.LONG, span)
    reals = call(meaning, call("dynamic.real", left), call("dynamic.real", right), type=Type.REAL, span=span)
    whens = ((call("logic.is_true", whole), call("dynamic.of", longs)), (call("logic.is_true", numeric), call("dynamic.of", reals)))
    return e.Case(whens, e.null(Type.DYNAMIC), Type.DYNAMIC)


_SMALL = frozenset({"text.length", "text.position", "array.length", "dynamic.length", "time.part", "agg.count", "agg.count_distinct", "window.row_number"})


def _width(meaning: str, a: e.Expr, b: e.Expr) -> int:
    """Return how many bits a sum, difference or product takes at the most, without its sign."""
    return _bits(a) + _bits(b) if meaning == "number.multiply" else 1 + max(_bits(a), _bits(b))


def _bits(value: e.Expr) -> int:
    """Return how many bits a whole number takes at the most, without its sign."""
    match value:
        case e.Literal(value=int(number)):
            return number.bit_length()
        case e.Call(function="logic.cast", args=(inner,)):
            return min(63, _bits(inner))
        case e.Call(function="number.add" | "number.subtract" | "number.multiply" as meaning, args=(a, b)):
            return min(63, _width(meaning, a, b))
        case e.Call(function="time.difference"):
            return 62
        case e.Call(function=meaning) | e.Aggregate(function=meaning) | e.WindowCall(function=meaning) if meaning in _SMALL:
            return 40
        case _:
            return {Type.INT: 31, Type.BOOL: 1}.get(value.type, 63)


def around(meaning: str, a: e.Expr, b: e.Expr, type: Type, span: Span | None = None) -> e.Expr:
    """Return the sum, difference or product of two whole numbers, which goes around the ends of 64 bits where it may reach them."""
    wraps = type in (Type.LONG, Type.TIMESPAN) and _width(meaning, a, b) > 63
    return call(f"{meaning}_wrapping" if wraps else meaning, a, b, type=type, span=span)


def quotient(a: e.Expr, b: e.Expr, type: Type, span: Span) -> e.Expr:
    """Return the whole quotient; the least number by -1 is the only one that needs more than 64 bits."""
    safe = _bits(a) < 63 or (isinstance(b, e.Literal) and b.value != -1)
    return call("number.divide_whole" if safe else "number.divide_wrapping", a, b, type=type, span=span)


def _numbers(meaning: str, a: e.Expr, b: e.Expr, type: Type, span: Span) -> e.Expr:
    """Return the call, or its value where both sides are constants."""
    if isinstance(a, e.Literal) and isinstance(b, e.Literal) and isinstance(a.value, (int, float)) and isinstance(b.value, (int, float)):
        fold: dict[str, Callable[[float, float], float]] = {
            "number.add": lambda x, y: x + y,
            "number.subtract": lambda x, y: x - y,
            "number.multiply": lambda x, y: x * y,
        }
        value = fold[meaning](a.value, b.value)
        if type is Type.REAL:
            return e.Literal(float(value), type)
        if isinstance(value, int):
            return e.Literal((value + 2**63) % 2**64 - 2**63, type)
    return around(meaning, a, b, type, span)


def negative(value: e.Expr, span: Span) -> e.Expr:
    """`-value`."""
    if value.type is Type.DYNAMIC:
        value = call("dynamic.real", value)
    if isinstance(value, e.Literal) and isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
        return e.Literal(-value.value, Type.LONG if value.type is Type.INT else value.type)
    if value.type.integral or value.type is Type.TIMESPAN:
        return around(
            "number.subtract",
            e.Literal(0, value.type),
            coerce.fit(value, Type.LONG) if value.type is Type.INT else value,
            Type.TIMESPAN if value.type is Type.TIMESPAN else Type.LONG,
            span,
        )
    return call("number.negate", value, span=span)


# text


def text_operator(scope: Scope, operator: str, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
    """`left has right` and its like, with `!` and `_cs`."""
    negated = operator.startswith("!")
    word = operator.removeprefix("!")
    sensitive = word.endswith("_cs")
    fold, exact = _TEXT[word.removesuffix("_cs")]
    value, needle = searchable(scope, left, operator, span), searchable(scope, right, operator, span)
    found = empty_needle(word, needle) or call(exact if sensitive else fold, value, needle, span=span)
    return negate(found) if negated else found


def empty_needle(word: str, needle: e.Expr) -> e.Expr | None:
    """Every text holds the empty text, as every engine's plain search says; term searches are asked the same way."""
    return e.TRUE if isinstance(needle, e.Literal) and needle.value == "" and word.startswith("has") else None


def searchable(scope: Scope, value: e.Expr, operator: str, span: Span) -> e.Expr:
    """Return the left side of a text operator as text; E104 for a number or time, as Kusto rejects them."""
    if value.type in (Type.STRING, Type.DYNAMIC, Type.UNKNOWN, Type.GUID):
        return coerce.to_text(value)
    scope.context.quirk(104, f"{operator} works on text, not on a {value.type.value}", span=span, help="convert it with tostring()")
    return coerce.to_text(value)


def fold_equal(scope: Scope, left: e.Expr, right: e.Expr, span: Span, negated: bool) -> e.Expr:
    """`left =~ right` and `left !~ right`."""
    found = call("text.equals_fold", searchable(scope, left, "=~", span), searchable(scope, right, "=~", span), span=span)
    return negate(found) if negated else found


def member(scope: Scope, left: e.Expr, options: list[e.Expr], span: Span, *, fold: bool, negated: bool) -> e.Expr:
    """`left in (options)`; constant arrays among the options stand for their elements."""
    flat = [x for o in options for x in _elements(o)]
    found = _member(scope, left, flat, span, fold=fold)
    return negate(found) if negated else found


def _elements(option: e.Expr) -> list[e.Expr]:
    if isinstance(option, e.Literal) and option.type is Type.DYNAMIC and option.value is not None:
        value = json.loads(str(option.value))
        return [scalar(x) for x in value] if isinstance(value, list) else [scalar(value)]
    return [option]


def scalar(value: object) -> e.Expr:
    """Return a JSON value as a constant of its own type."""
    match value:
        case bool():
            return e.Literal(value, Type.BOOL)
        case str():
            return e.text(value)
        case int() if -(2**63) <= value < 2**63:
            return e.Literal(value, Type.LONG)
        case int() | float():
            return e.Literal(float(value), Type.REAL)
        case None:
            return e.null(Type.UNKNOWN)
        case _:
            return e.Literal(json.dumps(value, ensure_ascii=False, separators=(",", ":")), Type.DYNAMIC)


def _member(scope: Scope, left: e.Expr, options: list[e.Expr], span: Span, *, fold: bool) -> e.Expr:
    arrays = [o for o in options if o.type is Type.DYNAMIC and not isinstance(o, e.Literal)]
    plain = [o for o in options if o not in arrays and not coerce.is_null(o)]
    found: list[e.Expr] = []
    if plain:
        found.append(_member_of_values(scope, left, plain, span, fold))
    for array in arrays:
        meaning = "array.holds_fold" if fold else "array.holds"
        found.append(call("logic.is_true", call(meaning, array, coerce.to_dynamic(left), span=span)))
    return any_of(*found)


def _member_of_values(scope: Scope, left: e.Expr, options: list[e.Expr], span: Span, fold: bool) -> e.Expr:
    if left.type is Type.UNKNOWN:
        left = coerce.fit(left, options[0].type)
    if fold or left.type is Type.STRING or (left.type is Type.DYNAMIC and all(o.type is Type.STRING for o in options)):
        value = coerce.to_text(left)
        texts = [coerce.to_text(o) for o in options]
        return call("text.in_fold" if fold else "compare.in", value, *texts, span=span)
    if left.type is Type.DYNAMIC:
        return any_of(*(equal(scope, left, o, span) for o in options))
    aligned = [align(scope, left, o, span, "in") for o in options]
    if any(p is None for p in aligned):
        return e.null(Type.BOOL)
    if left.type.numeric:
        return call("logic.is_true", call("compare.in", left, *(p[1] for p in aligned if p), span=span))
    return any_of(*(equal(scope, left, o, span) for o in options))


def between(scope: Scope, value: e.Expr, low: e.Expr, high: e.Expr, span: Span, negated: bool) -> e.Expr:
    """`value between (low .. high)`, both included; a timespan after a datetime counts from it."""
    if low.type is Type.DATETIME and high.type is Type.TIMESPAN:
        high = call("time.add", low, high)
    inside = all_of(ordered(scope, ">=", value, low, span), ordered(scope, "<=", value, high, span))
    return negate(inside) if negated else inside


ARITHMETIC: dict[str, Callable[[Scope, e.Expr, e.Expr, Span], e.Expr]] = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "%": modulo, "==": equal, "!=": unequal, "and": conjunction, "or": disjunction,
}  # fmt: skip
