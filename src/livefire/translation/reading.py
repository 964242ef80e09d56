"""Predicates of a plan as conditions in two truth values, over the places of one log source."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.plan.walk import map_expr
from livefire.schema import Type
from livefire.translation.condition import (
    FALSE,
    PREFIXED,
    TRUE,
    Ago,
    Computed,
    Condition,
    Constant,
    Op,
    Present,
    Same,
    Subject,
    Test,
    Value,
    all_of,
    any_of,
    negate,
)
from livefire.translation.patterns import holds, like_tokens, regex_test, wildcard_test
from livefire.translation.places import each_of, field_of
from livefire.translation.refusal import NO_READING, Untranslatable

# Meanings that compare a value with a constant: the relation, and whether case is disregarded.
RELATIONS: dict[str, tuple[Op, bool]] = {
    "compare.eq": ("eq", False),
    "compare.lt": ("lt", False),
    "compare.le": ("le", False),
    "compare.gt": ("gt", False),
    "compare.ge": ("ge", False),
    "text.equals_fold": ("eq", True),
    "text.contains": ("contains", False),
    "text.contains_fold": ("contains", True),
    "text.starts_with": ("starts", False),
    "text.starts_with_fold": ("starts", True),
    "text.ends_with": ("ends", False),
    "text.ends_with_fold": ("ends", True),
    "text.has_term": ("term", False),
    "text.has_term_fold": ("term", True),
    "text.has_prefix": ("term_prefix", False),
    "text.has_prefix_fold": ("term_prefix", True),
    "text.has_suffix": ("term_suffix", False),
    "text.has_suffix_fold": ("term_suffix", True),
    "text.cidr_contains": ("cidr", False),
}
_LISTS = {"compare.in": False, "text.in_fold": True}
_PATTERNS = {"text.wildcard": False, "text.wildcard_fold": True}
_FLIPPED: dict[Op, Op] = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq"}
# Meanings that are null for null and for nothing else.
_ALWAYS = frozenset({("_time", ()), ("_raw", ()), ("_id", ())})
_STRICT = frozenset(
    {
        "text.lower",
        "text.upper",
        "dynamic.text",
        "dynamic.of",
        "time.iso",
        "number.text",
        "number.to_real",
        "text.trim",
        "text.concat",
        "time.bin",
        "time.bin_at",
    }
)


class ConditionReader:
    """Reads predicates over one log source's storage columns.

    `has` tells whether the target has a computed value as a field of its own; what it has not is
    taken apart as far as it goes.
    """

    def __init__(self, source: str, has: Callable[[e.Expr], bool]) -> None:
        self.source = source
        self.has = has

    def truth(self, expr: e.Expr) -> Condition:
        """Return when a predicate is true."""
        match expr:
            case e.Literal(value=value):
                return Constant(value is True)
            case e.Column(type=Type.BOOL):
                return self.test("eq", False, expr, True, None)
            case e.Case(whens=whens, otherwise=otherwise):
                return self._branches(whens, otherwise, self.truth)
            case e.Call(function=name, args=args, span=span):
                return self._call(expr, name, args, span)
            case _:
                raise self._refusal(expr, None)

    def falsity(self, expr: e.Expr) -> Condition:
        """Return when a predicate is false, which is not when it is null."""
        match expr:
            case e.Literal(value=value):
                return Constant(value is False)
            case e.Call(function="logic.and", args=args):
                return any_of(*(self.falsity(a) for a in args))
            case e.Call(function="logic.or", args=args):
                return all_of(*(self.falsity(a) for a in args))
            case e.Call(function="logic.not", args=(inner,)):
                return self.truth(inner)
            case e.Call(function="logic.is_true" | "logic.is_null" | "dynamic.any_element" | "dynamic.any_value" | "multi.holds_all" | "compare.same"):
                return negate(self.truth(expr))
            case e.Case(whens=whens, otherwise=otherwise):
                return self._branches(whens, otherwise, self.falsity)
            case e.Call(function="logic.coalesce", args=args):
                return self._first(args, self.falsity)
            case _:
                return all_of(negate(self.null(expr)), negate(self.truth(expr)))

    def null(self, expr: e.Expr) -> Condition:
        """Return when a value is null."""
        if not isinstance(expr, e.Literal) and self.has(expr):
            return negate(Present(self.subject(expr), _span(expr)))
        match expr:
            case e.Literal(value=value):
                return Constant(value is None)
            case e.Parameter():
                return FALSE
            case e.Call(function="logic.coalesce", args=args):
                return all_of(*(self.null(a) for a in args))
            case e.Case(whens=whens, otherwise=otherwise):
                return self._branches(whens, otherwise, self.null)
            case e.Call(function="logic.is_true" | "logic.is_null" | "dynamic.any_element" | "dynamic.any_value" | "multi.holds_all" | "compare.same"):
                return FALSE
            case e.Call(function="logic.and" | "logic.or" | "logic.not"):
                return all_of(negate(self.truth(expr)), negate(self.falsity(expr)))
            case _:
                return self._null_of_call(expr)

    def _null_of_call(self, expr: e.Expr) -> Condition:
        field = field_of(self.source, expr)
        if field is None and expr.type is Type.DYNAMIC:
            field = each_of(self.source, expr)
        if field is not None:
            return FALSE if field.place in _ALWAYS else negate(Present(field, _span(expr)))
        if isinstance(expr, e.Call) and (
            expr.function in _STRICT
            or expr.function in RELATIONS
            or expr.function in _LISTS
            or expr.function in _PATTERNS
            or expr.function in ("compare.ne", "text.matches_regex", "text.like")
        ):
            return any_of(*(self.null(a) for a in expr.args if not isinstance(a, e.Literal) or a.value is None))
        return negate(Present(self.subject(expr), _span(expr)))

    def subject(self, expr: e.Expr) -> Subject:
        """Return a value as a place of the events, or as something worked out from them."""
        return field_of(self.source, expr) or Computed(expr)

    def _branches(self, whens: tuple[tuple[e.Expr, e.Expr], ...], otherwise: e.Expr, read: Callable[[e.Expr], Condition]) -> Condition:
        found: list[Condition] = []
        earlier: Condition = TRUE
        for condition, value in whens:
            here = self.truth(condition)
            found.append(all_of(earlier, here, read(value)))
            earlier = all_of(earlier, negate(here))
        return any_of(*found, all_of(earlier, read(otherwise)))

    def _first(self, args: tuple[e.Expr, ...], read: Callable[[e.Expr], Condition]) -> Condition:
        """Return what is read of the first argument that is not null."""
        found: list[Condition] = []
        missing: Condition = TRUE
        for arg in args:
            found.append(all_of(missing, read(arg)))
            missing = all_of(missing, self.null(arg))
        return any_of(*found)

    def _call(self, expr: e.Expr, name: str, args: tuple[e.Expr, ...], span: Span | None) -> Condition:
        match name:
            case "logic.and":
                return all_of(*(self.truth(a) for a in args))
            case "logic.or":
                return any_of(*(self.truth(a) for a in args))
            case "logic.not":
                return self.falsity(args[0])
            case "logic.is_true":
                return self.truth(args[0])
            case "logic.is_null":
                return self.null(args[0])
            case "logic.coalesce":
                return self._first(args, self.truth)
            case "dynamic.any_element" | "dynamic.any_value":
                return self._each(expr, args, span)
            case "multi.holds_all":
                return self._holds(expr, args, span)
            case "compare.ne":
                equal = call("compare.eq", *args, span=span)
                return all_of(negate(self.null(args[0])), negate(self.null(args[1])), negate(self.truth(equal)))
            case "compare.same":
                equal = call("compare.eq", *args, span=span)
                return any_of(all_of(self.null(args[0]), self.null(args[1])), self.truth(equal))
            case _:
                return self._relation(expr, name, args, span)

    def _relation(self, expr: e.Expr, name: str, args: tuple[e.Expr, ...], span: Span | None) -> Condition:
        if name in _LISTS and all(isinstance(a, e.Literal) for a in args[1:]):
            fold = _LISTS[name]
            return any_of(*(self.test("eq", fold, args[0], _value(a), span) for a in args[1:]))
        if name in _PATTERNS and isinstance(args[1], e.Literal):
            return self._pattern(args[0], partial(wildcard_test, pattern=str(args[1].value), fold=_PATTERNS[name], span=span))
        if name in ("text.like", "text.like_fold") and isinstance(args[1], e.Literal):
            return self._pattern(args[0], partial(wildcard_test, pattern=like_tokens(str(args[1].value)), fold=name.endswith("fold"), span=span))
        if name == "text.matches_regex" and isinstance(args[1], e.Literal):
            flags = str(args[2].value) if len(args) > 2 and isinstance(args[2], e.Literal) else ""
            return self._pattern(args[0], partial(regex_test, pattern=str(args[1].value), flags=flags, span=span))
        if name in RELATIONS:
            return self._comparison(name, args, span)
        raise self._refusal(expr, span)

    def _comparison(self, name: str, args: tuple[e.Expr, ...], span: Span | None) -> Condition:
        op, fold = RELATIONS[name]
        left, right = args
        value = _value(right)
        if value is None and op in _FLIPPED and _value(left) is not None:
            op, left, value = _FLIPPED[op], right, _value(left)
        match left:
            case e.Call(function="address.ipv4_compare", args=(inner, e.Literal(value=str() as network), *_)) if op == "eq" and value == 0:
                return self.test("cidr", False, inner, network, span, PREFIXED)
            case _ if value is None:
                if isinstance(right, e.Literal):
                    return FALSE
                one, two = (field_of(self.source, x) for x in (left, right))
                if op == "eq" and one is not None and two is not None and one.type is two.type is Type.STRING and "each" not in (one.reading, two.reading):
                    return Same(one, two, fold, span)
                raise Untranslatable(NO_READING, "two values of the event are compared with each other", span)
        return self.test(op, fold, left, value, span)

    def _pattern(self, expr: e.Expr, make: Callable[[Subject], Condition]) -> Condition:
        """Return a test of a value for a pattern, put to each way the value comes about."""
        probe = make(Computed(expr))
        if isinstance(probe, Test):
            return self.test(probe.op, probe.fold, expr, probe.value, probe.span, probe.flags)
        if isinstance(probe, Present):
            return negate(self.null(expr))
        return all_of(negate(self.null(expr)), negate(self.test("eq", False, expr, "", None)))

    def test(self, op: Op, fold: bool, expr: e.Expr, value: Value, span: Span | None, flags: str = "") -> Condition:
        """Return a comparison of a value with a constant."""
        if isinstance(expr, e.Literal):
            told = False if expr.value is None else holds(op, fold, flags, expr.value, value)
            if told is None:
                raise self._refusal(expr, span)
            return Constant(told)
        if self.has(expr):
            return Test(op, self.subject(expr), value, fold, flags, span)
        again = partial(self.test, op, fold, value=value, span=span, flags=flags)
        match expr:
            case e.Call(function="logic.coalesce", args=args):
                return self._first(args, again)
            case e.Case(whens=whens, otherwise=otherwise):
                return self._branches(whens, otherwise, again)
            case e.Call(function="text.lower" | "text.upper" as case, args=(inner,)) if isinstance(value, str) and op in (
                "eq",
                "contains",
                "starts",
                "ends",
                "wildcard",
            ):
                cased = value.lower() if case == "text.lower" else value.upper()
                if not fold and cased != value:
                    return FALSE
                return self.test(op, True, inner, value, span, flags)
            case e.Call(function="number.to_real" | "logic.cast", args=(inner,)) if isinstance(value, (int, float)) and inner.type.numeric:
                whole = int(value) if isinstance(value, float) and value.is_integer() else value
                return self.test(op, fold, inner, whole, span)
            case _:
                return Test(op, self.subject(expr), value, fold, flags, span)

    def _each(self, expr: e.Expr, args: tuple[e.Expr, ...], span: Span | None) -> Condition:
        base, test = args
        field: Subject | None = each_of(self.source, base)
        if field is None and self.has(base):
            field = Computed(base)
        if field is None and isinstance(test, e.Lambda):
            found = self._any_in(base, test)
            if found is not None:
                return found
        if field is None or not isinstance(test, e.Lambda):
            raise self._refusal(expr, span)
        element = test.parameters[0].name

        def put(part: e.Expr) -> e.Expr:
            """Read the element in place of the lambda's parameter."""
            match part:
                case e.Call(function="dynamic.text" | "dynamic.leaf", args=(e.Column(name=name),)) if name == element:
                    return e.Column(element, Type.STRING)
                case _:
                    return part

        body = map_expr(test.body, put)
        inner = _ElementReader(self.source, element, field)
        condition = inner.truth(body)
        if (field.type is Type.STRING or isinstance(field, Computed)) and isinstance(condition, (Test, Present)):
            return condition
        if isinstance(condition, Constant):
            return condition
        # One element must meet a disjunction where one of its parts is met by an element.
        from livefire.translation.condition import AnyOf

        if isinstance(condition, AnyOf) and all(isinstance(p, Test) for p in condition.parts):
            return condition
        raise self._refusal(expr, span)

    def _holds(self, expr: e.Expr, args: tuple[e.Expr, ...], span: Span | None) -> Condition:
        """Return when a list holds one text, with or without regard to case."""
        fold = False
        match args:
            case (
                e.Call(function="multi.values", args=(base,)),
                e.Call(function="multi.values", args=(e.Call(function="dynamic.of", args=(e.Literal(value=str() as word),)),)),
            ):
                lowered = _lowered(base)
                if lowered is not None and word == word.lower():
                    base, fold = lowered, True
                # An index keeps each element of a list once and in order: which are there stays.
                base = base.args[0] if isinstance(base, e.Call) and base.function == "multi.stored" else base
                element = e.Column("an element", Type.DYNAMIC)
                same = call("text.equals_fold" if fold else "compare.eq", call("dynamic.text", element), e.text(word), span=span)
                return self._each(expr, (base, e.Lambda((element,), same)), span)
            case _:
                raise self._refusal(expr, span)

    def _any_in(self, base: e.Expr, test: e.Lambda) -> Condition | None:
        """Return when an element of a list of words that is worked out meets a test; None where the list is made another way."""
        match base:
            case e.Literal(value=None):
                return FALSE
            case e.Literal(value=str() as text, type=Type.DYNAMIC):
                return self._any_word(text, test)
            case e.Call(function="dynamic.concat", args=parts):
                found = [self._any_in(p, test) for p in parts]
                return None if None in found else any_of(*(c for c in found if c is not None))
            case e.Case(whens=((condition, e.Literal(value=None)),), otherwise=e.Call(function="dynamic.concat", args=parts) as rest) if (
                condition == all_of_null(parts)
            ):
                # Without any part there is no list, and so no element of it.
                return self._any_in(rest, test)
            case e.Case(whens=whens, otherwise=otherwise):
                inner = {value: self._any_in(value, test) for value in (*(v for _, v in whens), otherwise)}
                if None in inner.values():
                    return None
                if all(c == FALSE for c in inner.values()):
                    # Whatever decides between them, no element meets it.
                    return FALSE
                return self._branches(whens, otherwise, lambda value: inner[value] or FALSE)
            case _:
                return None

    def _any_word(self, text: str, test: e.Lambda) -> Condition | None:
        words = json.loads(text)
        if not isinstance(words, list) or not all(isinstance(w, str) for w in words):
            return None
        element = test.parameters[0].name

        def put(word: str) -> e.Expr:
            def change(part: e.Expr) -> e.Expr:
                match part:
                    case e.Call(function="dynamic.text" | "dynamic.leaf", args=(e.Column(name=name),)) if name == element:
                        return e.text(word)
                    case _:
                        return part

            return map_expr(test.body, change)

        return any_of(*(self.truth(put(w)) for w in words))

    def _refusal(self, expr: e.Expr, span: Span | None) -> Untranslatable:
        name = expr.function if isinstance(expr, e.Call) else type(expr).__name__.lower()
        return Untranslatable(NO_READING, f"this condition ({name}) is not one that translation can carry over", span or _span(expr))


def _lowered(base: e.Expr) -> e.Expr | None:
    """Return the list whose elements another list has in lower case."""
    match base:
        case e.Call(
            function="multi.shown",
            args=(
                e.Call(function="array.map", args=(e.Call(function="multi.values", args=(inner,)), e.Lambda(body=e.Call(function="dynamic.of", args=(said,))))),
            ),
        ) if isinstance(said, e.Call) and said.function == "text.lower":
            return inner
        case _:
            return None


def all_of_null(parts: tuple[e.Expr, ...]) -> e.Expr:
    """Return the predicate that every part is null, as tables write it."""
    nulls = [call("logic.is_null", p) for p in parts]
    found = nulls[0]
    return found if len(nulls) == 1 else call("logic.and", *nulls)


class _ElementReader(ConditionReader):
    """Reads the condition of an element of a list."""

    def __init__(self, source: str, element: str, field: Subject) -> None:
        super().__init__(source, lambda _expr: False)
        self.element = element
        self.field = field

    def subject(self, expr: e.Expr) -> Subject:
        """Return the list's place for its element."""
        if isinstance(expr, e.Column) and expr.name == self.element:
            return self.field
        raise self._refusal(expr, None)

    def null(self, expr: e.Expr) -> Condition:
        """Return when the element is null."""
        if isinstance(expr, e.Column) and expr.name == self.element:
            return negate(Present(self.field))
        return super().null(expr)


def _value(expr: e.Expr) -> Value:
    """Return a constant, or a moment before the run; None for anything else."""
    match expr:
        case e.Literal(value=value):
            return value
        case e.Parameter(name="now"):
            return Ago(0)
        case e.Call(function="time.subtract", args=(e.Parameter(name="now"), e.Literal(value=int() as ticks))):
            return Ago(ticks)
        case e.Call(function="time.add", args=(e.Parameter(name="now"), e.Literal(value=int() as ticks))):
            return Ago(-ticks)
        case _:
            return None


def _span(expr: e.Expr) -> Span | None:
    return expr.span if isinstance(expr, e.Call) else None
