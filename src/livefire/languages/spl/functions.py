"""The functions of eval: spelling → meaning, one line each.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/CommonEvalFunctions
"""

from __future__ import annotations

import math
from collections.abc import Callable

from livefire.languages.kit.ast import Apply
from livefire.languages.spl import arithmetic, documents, multivalues, timing
from livefire.languages.spl.evaluating import Build, Evaluator, Function
from livefire.languages.spl.multivalues import pattern_of
from livefire.languages.spl.subsearches import searched
from livefire.languages.spl.values import any_value, compare, constant_text, is_multi, is_null, is_text, mapped, multi_of, not_null, number_of, real_of, text_of
from livefire.plan import expr as e
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import all_of, call, negate
from livefire.schema import Type


def args_of(v: Evaluator, ast: Apply) -> list[Expr]:
    """Return the values of the arguments."""
    return [v.value(a.value) for a in ast.args]


def unify(values: list[Expr]) -> list[Expr]:
    """Return values of one type: numbers as reals where they differ, everything else as text, several values as arrays."""
    known = [x for x in values if not (isinstance(x, e.Literal) and x.value is None)]
    kinds = {Type.STRING if is_text(x) else x.type for x in known}
    if not kinds:
        return [e.null(Type.STRING) for _ in values]
    if len(kinds) == 1:
        kind = kinds.pop()
        change: Callable[[Expr], Expr] = lambda x: x  # noqa: E731  chosen among several below
    elif Type.DYNAMIC in kinds:
        kind, change = Type.DYNAMIC, multi_of
    elif kinds <= {Type.INT, Type.LONG, Type.REAL} or kinds <= {Type.INT, Type.LONG, Type.REAL, Type.DATETIME}:
        kind, change = Type.REAL, real_of
    else:
        kind, change = Type.STRING, text_of
    return [e.null(kind) if isinstance(x, e.Literal) and x.value is None else change(x) for x in values]


def _text_function(meaning: str) -> Build:
    def build(v: Evaluator, ast: Apply) -> Expr:
        return call(meaning, *(v.text(x, a.value.span) for x, a in zip(args_of(v, ast), ast.args, strict=True)), span=ast.span)

    return build


def _each_text(meaning: str) -> Build:
    """A function of one text that Splunk works on each value of a field of several."""

    def build(v: Evaluator, ast: Apply) -> Expr:
        value = v.value(ast.args[0].value)
        if not is_multi(value):
            return call(meaning, v.text(value, ast.args[0].value.span), span=ast.span)
        v.scope.several(ast.args[0].value.span, "the function is worked on each")
        return mapped(value, lambda x: call(meaning, x, span=ast.span), ast.span)

    return build


def _number_function(meaning: str, type: Type | None = None) -> Build:
    def build(v: Evaluator, ast: Apply) -> Expr:
        return call(meaning, *(real_of(v.number(x, a.value.span)) for x, a in zip(args_of(v, ast), ast.args, strict=True)), type=type, span=ast.span)

    return build


def _if(v: Evaluator, ast: Apply) -> Expr:
    condition = v.condition(ast.args[0].value)
    yes, no = unify([v.value(a.value) for a in ast.args[1:]])
    return Case(((condition, yes),), no, yes.type)


def _case(v: Evaluator, ast: Apply) -> Expr:
    if len(ast.args) % 2:
        v.scope.refuse("E105", "case() takes pairs of condition and value", ast.span)
    conditions = [v.condition(a.value) for a in ast.args[::2]]
    values = unify([v.value(a.value) for a in ast.args[1::2]])
    return Case(tuple(zip(conditions, values, strict=True)), e.null(values[0].type), values[0].type)


def _validate(v: Evaluator, ast: Apply) -> Expr:
    """The value of the first condition that is not true, null when all are."""
    if len(ast.args) % 2:
        v.scope.refuse("E105", "validate() takes pairs of condition and value", ast.span)
    conditions = [negate(call("logic.is_true", v.condition(a.value))) for a in ast.args[::2]]
    values = unify([v.value(a.value) for a in ast.args[1::2]])
    return Case(tuple(zip(conditions, values, strict=True)), e.null(values[0].type), values[0].type)


def _coalesce(v: Evaluator, ast: Apply) -> Expr:
    return call("logic.coalesce", *unify(args_of(v, ast)), span=ast.span)


def _nullif(v: Evaluator, ast: Apply) -> Expr:
    left, right = args_of(v, ast)
    return Case(((compare("=", left, right, ast.span), e.null(left.type)),), left, left.type)


def _is_null(v: Evaluator, ast: Apply) -> Expr:
    return is_null(v.value(ast.args[0].value))


def _is_not_null(v: Evaluator, ast: Apply) -> Expr:
    return not_null(v.value(ast.args[0].value))


def _is_number(v: Evaluator, ast: Apply) -> Expr:
    return not_null(number_of(v.value(ast.args[0].value)))


def _is_whole(v: Evaluator, ast: Apply) -> Expr:
    number = real_of(v.value(ast.args[0].value))
    return call("logic.is_true", call("compare.eq", number, call("number.floor", number, type=Type.REAL)))


def _is_text(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    if is_text(value) or is_multi(value):
        return all_of(not_null(value), is_null(number_of(value)))
    return e.FALSE


def _is_bool(v: Evaluator, ast: Apply) -> Expr:
    return e.TRUE if v.value(ast.args[0].value).type is Type.BOOL else e.FALSE


def _match(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    pattern = pattern_of(v, ast.args[1].value)
    return any_value(value, lambda x: call("text.matches_regex", text_of(x), pattern, span=ast.span), ast.span)


def _like(v: Evaluator, ast: Apply) -> Expr:
    value, pattern = args_of(v, ast)
    return v.like(value, pattern, ast.args[1].value.span, ast.span)


def _in(v: Evaluator, ast: Apply) -> Expr:
    needle, *options = args_of(v, ast)
    return v.member(needle, options, ast.span)


def _cidr(v: Evaluator, ast: Apply) -> Expr:
    block, value = args_of(v, ast)
    return any_value(value, lambda x: call("text.cidr_contains", text_of(x), v.text(block, ast.args[0].value.span), span=ast.span), ast.span)


def _replace(v: Evaluator, ast: Apply) -> Expr:
    value, new = v.value(ast.args[0].value), v.value(ast.args[2].value)
    rewritten = constant_text(new)
    replacement = e.text(replacement_of(rewritten)) if rewritten is not None else v.text(new, ast.args[2].value.span)
    regex = pattern_of(v, ast.args[1].value)
    if is_multi(value):
        v.scope.several(ast.args[0].value.span, "the function is worked on each")
        return mapped(value, lambda x: call("text.replace_regex", x, regex, replacement, span=ast.span), ast.span)
    return call("text.replace_regex", v.text(value, ast.args[0].value.span), regex, replacement, span=ast.span)


def replacement_of(text: str) -> str:
    """Return a replacement with `\\1` kept as a group and any other backslash plain."""
    import re

    return re.sub(r"\\(?![0-9])", r"\\\\", text)


def _substr(v: Evaluator, ast: Apply) -> Expr:
    """Characters counted from 1, from the end where negative, as SQLite counts: substr("chunk", -3) is "unk", substr("chunk", 0, 3) is "ch".

    https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/text-functions and
    https://www.sqlite.org/lang_corefunc.html#substr
    """
    shown, *places = args_of(v, ast)
    shown = v.text(shown, ast.args[0].value.span)
    start, *asked = (call("number.to_long", real_of(v.number(x, a.value.span))) for x, a in zip(places, ast.args[1:], strict=True))
    size = call("text.length", shown)
    # The place of the first character from 0, which may lie before the text: what is asked for there is no part of the result.
    from_end = call("number.add", size, start, type=Type.LONG)
    first = Case(((call("compare.lt", start, e.whole(0)), from_end),), call("number.subtract", start, e.whole(1), type=Type.LONG), Type.LONG)
    if not asked:
        return call("text.slice", shown, call("compare.greatest", first, e.whole(0)), span=ast.span)
    last = call("number.add", first, asked[0], type=Type.LONG)
    low = call("compare.greatest", call("compare.least", first, last), e.whole(0))
    high = call("compare.greatest", call("compare.greatest", first, last), low)
    return call("text.slice", shown, low, call("number.subtract", high, low, type=Type.LONG), span=ast.span)


def _trim(meaning: str) -> Build:
    def build(v: Evaluator, ast: Apply) -> Expr:
        value = v.value(ast.args[0].value)
        signs = v.text(v.value(ast.args[1].value), ast.args[1].value.span) if len(ast.args) > 1 else e.text(" \t")
        if is_multi(value):
            v.scope.several(ast.args[0].value.span, "the function is worked on each")
            return mapped(value, lambda x: call(meaning, x, signs, span=ast.span), ast.span)
        return call(meaning, v.text(value, ast.args[0].value.span), signs, span=ast.span)

    return build


def _round(v: Evaluator, ast: Apply) -> Expr:
    values = args_of(v, ast)
    number = real_of(v.number(values[0], ast.args[0].value.span))
    digits = values[1] if len(values) > 1 else e.whole(0)
    if not isinstance(digits, e.Literal) or not isinstance(digits.value, int):
        v.scope.refuse("E305", "round() takes a constant number of decimals", ast.args[1].value.span)
    return call("number.round", number, digits, span=ast.span)


def _log(v: Evaluator, ast: Apply) -> Expr:
    values = [real_of(v.number(x, a.value.span)) for x, a in zip(args_of(v, ast), ast.args, strict=True)]
    base: Expr = values[1] if len(values) > 1 else e.Literal(10.0, Type.REAL)
    if isinstance(base, e.Literal) and isinstance(base.value, (int, float)) and base.value > 0 and base.value != 1:
        return call("number.divide", call("number.log", values[0]), e.Literal(math.log(base.value), Type.REAL), span=ast.span)
    return call("number.divide", call("number.log", values[0]), call("number.log", base), span=ast.span)


def _exact(v: Evaluator, ast: Apply) -> Expr:
    return v.value(ast.args[0].value)


def _extreme(meaning: str, *, numbers_first: bool) -> Build:
    """min() and max(): among numbers by value; a text counts as greater than any number."""

    def build(v: Evaluator, ast: Apply) -> Expr:
        values = args_of(v, ast)
        if any(is_multi(x) for x in values):
            values = [v.one(x, ast.span) for x in values]
        if all(x.type is Type.DATETIME for x in values):
            return call(meaning, *values, span=ast.span)
        if not any(is_text(x) for x in values) or any(constant_text(x) for x in values) is None:
            return call(meaning, *unify(values), span=ast.span)
        numbers = call(meaning, *(real_of(x) for x in values), span=ast.span)
        texts = call(meaning, *(Case(((is_null(number_of(x)), text_of(x)),), e.null(Type.STRING), Type.STRING) for x in values))
        shown = text_of(numbers)
        return call("logic.coalesce", *((shown, texts) if numbers_first else (texts, shown)), span=ast.span)

    return build


def _tonumber(v: Evaluator, ast: Apply) -> Expr:
    values = args_of(v, ast)
    if len(values) == 1:
        return number_of(values[0]) if not is_multi(values[0]) else v.number(values[0], ast.span)
    base = values[1].value if isinstance(values[1], e.Literal) else None
    constant = constant_text(values[0])
    if not isinstance(base, int) or not 2 <= base <= 36:
        v.scope.refuse("E107", "tonumber() takes a constant base from 2 to 36", ast.args[1].value.span)
    if base == 10:
        return number_of(v.one(values[0], ast.span))
    if constant is None:
        return call("number.parse_base", v.text(values[0], ast.args[0].value.span), e.whole(base), span=ast.span)
    try:
        return e.whole(int(constant, base))
    except (ValueError, OverflowError):
        return e.null(Type.LONG)


def _tostring(v: Evaluator, ast: Apply) -> Expr:
    values = args_of(v, ast)
    if len(values) == 1:
        return text_of(values[0]) if values[0].type is Type.BOOL else v.text(values[0], ast.span)
    form = constant_text(values[1])
    number = v.number(values[0], ast.args[0].value.span)
    match form:
        case "binary":
            v.scope.refuse("E302", 'tostring(x, "binary") is not run: how it writes negative and broken numbers is not documented', ast.span)
        case "duration":
            return timing.duration(real_of(number))
        case "commas":
            return _commas(number)
        case "hex":
            if isinstance(number, e.Literal) and isinstance(number.value, int):
                return e.text(f"0x{number.value:X}")
            return call("text.concat", e.text("0x"), call("text.upper", call("encode.hex", call("number.to_long", real_of(number)))), span=ast.span)
    return v.scope.refuse("E107", "tostring() knows the forms hex, commas and duration", ast.args[1].value.span)


def _commas(number: Expr) -> Expr:
    """Groups of three digits, and two decimals where there is a fraction."""
    rounded = call("number.round", real_of(number), e.whole(2))
    whole = call("number.to_long", rounded)
    digits = call("number.text", call("number.abs", whole))
    grouped = call("text.reverse", call("text.replace_regex", call("text.reverse", digits), e.text(r"([0-9]{3})"), e.text(r"\1,")))
    trimmed = call("text.trim_start", grouped, e.text(","))
    sign = Case(((call("compare.lt", rounded, e.Literal(0.0, Type.REAL)), e.text("-")),), e.text(""), Type.STRING)
    hundredths = call(
        "number.to_long", call("number.round", call("number.multiply", call("number.abs", rounded), e.Literal(100.0, Type.REAL), type=Type.REAL), e.whole(0))
    )
    cents = call("number.modulo", hundredths, e.whole(100))
    padded = Case(
        ((call("compare.lt", cents, e.whole(10)), call("text.concat", e.text("0"), call("number.text", cents))),), call("number.text", cents), Type.STRING
    )
    fraction = Case(
        ((call("compare.eq", real_of(number), call("number.to_real", call("number.to_long", real_of(number)))), e.text("")),),
        call("text.concat", e.text("."), padded),
        Type.STRING,
    )
    return call("text.concat", sign, trimmed, fraction)


_IPV4 = r"^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$"


def _ipmask(v: Evaluator, ast: Apply) -> Expr:
    """The bits of an IPv4 address that a mask, written as an address, has too; null where either is none.

    https://docs.splunk.com/Documentation/Splunk/9.4.0/SearchReference/ConversionFunctions
    """
    shown = [v.text(v.value(a.value), a.value.span) for a in ast.args]
    numbers = [Case(((call("text.matches_regex", x, e.text(_IPV4)), call("address.ipv4_number", x)),), e.null(Type.LONG), Type.LONG) for x in shown]
    return call("address.ipv4_text", call("number.bit_and", *numbers), e.whole(32), span=ast.span)


def _typeof(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    if value.type is Type.BOOL:
        return e.text("Boolean")
    if constant_text(value) is not None:
        return e.text("String")
    numeric = not_null(number_of(value))
    return Case(((is_null(value), e.text("Invalid")), (numeric, e.text("Number"))), e.text("String"), Type.STRING)


def _is_multi(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    return call("logic.is_true", call("compare.gt", call("dynamic.length", value), e.whole(1))) if is_multi(value) else e.FALSE


def _constant(value: Expr) -> Build:
    return lambda _v, _a: value


def _searchmatch(v: Evaluator, ast: Apply) -> Expr:

    text = constant_text(v.value(ast.args[0].value))
    if text is None or not text.strip():
        v.scope.refuse("E206", "searchmatch() takes a search as quoted text", ast.args[0].value.span)
    return searched(text, ast.args[0].value.span, v)


def _hash(kind: str) -> Build:
    def build(v: Evaluator, ast: Apply) -> Expr:
        return call(f"encode.{kind}", v.text(v.value(ast.args[0].value), ast.span), span=ast.span)

    return build


def _random_refused(v: Evaluator, ast: Apply) -> Expr:
    v.scope.refuse("E302", "random() gives other rows on each run, so nothing could be proved by it", ast.span)


FUNCTIONS: dict[str, Function] = {
    "if": Function(3, 3, _if),
    "case": Function(2, None, _case),
    "validate": Function(2, None, _validate),
    "coalesce": Function(1, None, _coalesce),
    "nullif": Function(2, 2, _nullif),
    "null": Function(0, 0, _constant(e.null(Type.STRING))),
    "true": Function(0, 0, _constant(e.TRUE)),
    "false": Function(0, 0, _constant(e.FALSE)),
    "pi": Function(0, 0, _constant(e.Literal(math.pi, Type.REAL))),
    "isnull": Function(1, 1, _is_null),
    "isnotnull": Function(1, 1, _is_not_null),
    "isnum": Function(1, 1, _is_number),
    "isint": Function(1, 1, _is_whole),
    "isstr": Function(1, 1, _is_text),
    "isbool": Function(1, 1, _is_bool),
    "ismv": Function(1, 1, _is_multi),
    "typeof": Function(1, 1, _typeof),
    "match": Function(2, 2, _match),
    "like": Function(2, 2, _like),
    "in": Function(2, None, _in),
    "cidrmatch": Function(2, 2, _cidr),
    "searchmatch": Function(1, 1, _searchmatch),
    "replace": Function(3, 3, _replace),
    "lower": Function(1, 1, _each_text("text.lower")),
    "upper": Function(1, 1, _each_text("text.upper")),
    "len": Function(1, 1, _text_function("text.length")),
    "urldecode": Function(1, 1, _each_text("encode.url_decode")),
    "substr": Function(2, 3, _substr),
    "trim": Function(1, 2, _trim("text.trim")),
    "ltrim": Function(1, 2, _trim("text.trim_start")),
    "rtrim": Function(1, 2, _trim("text.trim_end")),
    "round": Function(1, 2, _round),
    "floor": Function(1, 1, _number_function("number.floor", Type.REAL)),
    "ceil": Function(1, 1, _number_function("number.ceiling", Type.REAL)),
    "ceiling": Function(1, 1, _number_function("number.ceiling", Type.REAL)),
    "abs": Function(1, 1, _number_function("number.abs")),
    "pow": Function(2, 2, _number_function("number.power")),
    "sqrt": Function(1, 1, _number_function("number.sqrt")),
    "exp": Function(1, 1, _number_function("number.exp")),
    "ln": Function(1, 1, _number_function("number.log")),
    "log": Function(1, 2, _log),
    "exact": Function(1, 1, _exact),
    "min": Function(1, None, _extreme("compare.least", numbers_first=True)),
    "max": Function(1, None, _extreme("compare.greatest", numbers_first=False)),
    "tonumber": Function(1, 2, _tonumber),
    "tostring": Function(1, 2, _tostring),
    "ipmask": Function(2, 2, _ipmask),
    "md5": Function(1, 1, _hash("md5")),
    "sha1": Function(1, 1, _hash("sha1")),
    "sha256": Function(1, 1, _hash("sha256")),
    "random": Function(0, 0, _random_refused),
    **arithmetic.FUNCTIONS,
    **documents.FUNCTIONS,
    **timing.FUNCTIONS,
    **multivalues.FUNCTIONS,
}
KNOWN: dict[str, str] = {
    "sigfig": "the number of significant figures of what it was computed from is not kept with a number; use round()",
    "cluster": "text clustering has no documented definition",
    "sha512": "use sha256",
    "commands": "it takes a search as text",
    "lookup": "use the lookup command",
    "relative_entropy": "not documented",
    "isarray": "its types are those of SPL2; use json_valid() or spath",
    "isobject": "its types are those of SPL2; use json_valid() or spath",
    "isdouble": "its types are those of SPL2; use isnum()",
    "toarray": "its types are those of SPL2; use spath or json_array_to_mv()",
    "tobool": "its types are those of SPL2; use case() over the texts",
    "todouble": "its types are those of SPL2; use tonumber()",
    "toint": "its types are those of SPL2; use tonumber()",
    "tomv": "its types are those of SPL2; use split() or json_array_to_mv()",
    "toobject": "its types are those of SPL2; use spath",
    "mvreverse": "it is not documented for every version; sort before the values are gathered",
}
