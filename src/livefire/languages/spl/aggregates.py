"""Aggregates of stats and its kin: spelling → expression over a group.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/CommonStatsFunctions
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.languages.binder import nearest
from livefire.languages.kit.ast import Ast, Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.evaluating import Evaluator
from livefire.languages.spl.frame import TIME, Frame
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import bound, is_multi, is_text, not_null, number_of, only_of, real_of, text_of, tidy
from livefire.languages.spl.wildcards import capture, fill, is_pattern, matching
from livefire.plan import expr as e
from livefire.plan.expr import Case, Expr, SortKey
from livefire.plan.functions import aggregate, all_of, call
from livefire.schema import Type

_PERCENT = re.compile(r"(p|perc|exactperc|upperperc)(\d{1,2}(?:\.\d+)?|100)")
_LIST_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Input:
    """The argument of an aggregate over the rows of a frame."""

    value: Expr
    frame: Frame
    scope: Scope
    span: Span

    def one(self) -> Expr:
        """Return the value; a row with several ends the run."""
        if is_multi(self.value):
            self.scope.several(self.span, "a row in which it has several ends the run")
        return only_of(self.value, self.scope.quoted(self.span))

    def numbers(self, texts: Expr | None = None) -> Expr:
        """Return the numbers of all values of all rows as one array."""
        item = e.Column(self.scope.name("item"), Type.DYNAMIC)
        each = e.Lambda((item,), call("dynamic.of", call("number.parse_real", call("dynamic.text", item))))
        return call("array.compact", call("array.map", self.texts() if texts is None else texts, each))

    def texts(self) -> Expr:
        """Return all values of all rows as one array of texts."""
        return call("dynamic.deep", aggregate("agg.list", self.value, span=self.span), e.text('["*", "*"]'))


Build = Callable[[Input], Expr]


def measures(node: tuple[s.Measure, ...], frame: Frame, scope: Scope, by: tuple[Name, ...] = ()) -> list[tuple[str, Expr]]:
    """Return name and aggregate of each measure, wildcards filled in; E106 for a name given twice."""
    found: dict[str, Expr] = {}
    taken = {b.text for b in by}
    for measure in node:
        for name, value in _expanded(measure, frame, scope, taken):
            if name in taken:
                scope.refuse("E106", f"the result {name!r} has the name of a field after BY", measure.span, help="give it another name with AS")
            if name in found:
                scope.refuse("E106", f"two results are named {name!r}", measure.span, help="give one another name with AS")
            found[name] = value
    return list(found.items())


def _expanded(measure: s.Measure, frame: Frame, scope: Scope, by: set[str]) -> list[tuple[str, Expr]]:
    argument = measure.argument
    if isinstance(argument, Name) and not argument.quoted and is_pattern(argument.text):
        return _each(measure, argument.text, frame, scope, by)
    name = measure.alias.text if measure.alias is not None else measure.written
    return [(name, one(measure, argument, frame, scope))]


def _each(measure: s.Measure, pattern: str, frame: Frame, scope: Scope, by: set[str]) -> list[tuple[str, Expr]]:
    if frame.wild:
        return []
    found = []
    for field in matching(pattern, (x for x in frame.names if x not in by)):
        alias = measure.alias.text if measure.alias is not None else ""
        name = fill(alias, capture(pattern, field) or ()) if alias else f"{measure.function}({field})"
        found.append((name, one(measure, Name(field, measure.span, quoted=True), frame, scope)))
    return found


def one(measure: s.Measure, argument: Ast | None, frame: Frame, scope: Scope) -> Expr:
    """Return the aggregate of one measure."""
    function = measure.function
    if argument is None:
        if function not in ("count", "c"):
            scope.refuse("E105", f"{function} needs a field", measure.span, help=f"write {function}(field)")
        return aggregate("agg.count", span=measure.span)
    evaluator = Evaluator(scope, frame)
    value = evaluator.value(argument) if not isinstance(argument, Name) else scope.field(frame, argument)
    if value.type is Type.BOOL:
        if function not in ("count", "c"):
            scope.refuse("E104", f"{function} takes values, and this is a condition", argument.span, help="use eval(if(condition, value, null()))")
        return aggregate("agg.count", where=value, span=measure.span)
    build = BUILD.get(function) or _percentile(function)
    if build is None:
        if function in _REFUSED:
            scope.refuse("E302", f"{function}() is not run: {_REFUSED[function]}", measure.span)
        meant = nearest(function, BUILD)
        scope.refuse("E103", f"no aggregate is named {function!r}", measure.span, help=f"did you mean {meant!r}?" if meant else "")
    return build(Input(value, frame, scope, measure.span))


def _count(i: Input) -> Expr:
    if is_multi(i.value):
        return call("logic.coalesce", aggregate("agg.sum", call("dynamic.length", i.value), type=Type.LONG, span=i.span), e.whole(0))
    return aggregate("agg.count", i.value, span=i.span)


def _distinct(i: Input) -> Expr:
    if is_multi(i.value):
        return call("dynamic.length", aggregate("agg.union_arrays", i.value, span=i.span))
    return aggregate("agg.count_distinct", i.value, span=i.span)


def _values(i: Input) -> Expr:
    if is_multi(i.value):
        return tidy(call("array.sorted_text", aggregate("agg.union_arrays", i.value, span=i.span), e.FALSE))
    return tidy(aggregate("agg.set_sorted", text_of(i.value), span=i.span))


def _list(i: Input) -> Expr:
    if is_multi(i.value):
        listed: Expr = call("dynamic.deep", aggregate("agg.list", i.value, span=i.span), e.text('["*", "*"]'))
    else:
        listed = aggregate("agg.list", text_of(i.value), span=i.span)
    return tidy(call("dynamic.slice", listed, e.whole(0), e.whole(_LIST_LIMIT - 1)))


def _numeric(meaning: str, *, real: bool = True) -> Build:
    def build(i: Input) -> Expr:
        if is_multi(i.value):
            numbers = i.numbers()
            total, count = call("multi.sum", numbers), call("number.to_real", call("dynamic.length", numbers))
            some = call("compare.gt", count, e.Literal(0.0, Type.REAL))
            return Case(((some, call("number.divide", total, count) if meaning == "agg.avg" else total),), e.null(Type.REAL), Type.REAL)
        value = number_of(i.value)
        value = real_of(value) if real else value
        return aggregate(meaning, value, type=value.type, span=i.span) if meaning == "agg.sum" else aggregate(meaning, value, span=i.span)

    return build


def _spread(meaning: str) -> Build:
    """Deviation and variance; of a single value they are 0."""

    def build(i: Input) -> Expr:
        value = real_of(i.one())
        single = call("compare.eq", aggregate("agg.count", value), e.whole(1))
        return Case(((single, e.Literal(0.0, Type.REAL)),), aggregate(meaning, value, span=i.span), Type.REAL)

    return build


def _extreme(meaning: str, of_text: str) -> Build:
    """min and max: as numbers where every value is one, else by the order of text."""

    def build(i: Input) -> Expr:
        if is_multi(i.value):
            return _extreme_of_all(i, descending=meaning == "agg.arg_max")
        value = i.value
        if not is_text(value):
            return aggregate(of_text, value, span=i.span)
        number = number_of(value)
        numeric = call("compare.eq", aggregate("agg.count", value), aggregate("agg.count", number))
        # The value itself is kept: an account number of 18 digits would not survive as a real.
        return Case(((numeric, aggregate(meaning, value, number, span=i.span)),), aggregate(of_text, value), Type.STRING)

    return build


def _extreme_of_all(i: Input, *, descending: bool) -> Expr:
    """min and max of fields of several values: each value counts."""
    down = e.Literal(descending, Type.BOOL)

    def chosen(texts: Expr) -> Expr:
        numbers = i.numbers(texts)
        numeric = call("compare.eq", call("dynamic.length", texts), call("dynamic.length", numbers))
        first = call("dynamic.text", e.Path(call("multi.sorted", numbers, e.text("number"), down), (0,)))
        by_text = call("dynamic.text", e.Path(call("array.sorted_text", texts, down), (0,)))
        return Case(((numeric, first),), by_text, Type.STRING)

    found = bound(i.texts(), chosen)
    number = number_of(found)
    return Case(((not_null(number), text_of(number)),), found, Type.STRING)


def _range(i: Input) -> Expr:
    value = number_of(i.one())
    return call("number.subtract", aggregate("agg.max", value), aggregate("agg.min", value), type=value.type, span=i.span)


def _square_sum(i: Input) -> Expr:
    value = real_of(i.one())
    return aggregate("agg.sum", call("number.multiply", value, value, type=Type.REAL), type=Type.REAL, span=i.span)


def _first(i: Input) -> Expr:
    return aggregate("agg.any", i.value, span=i.span)


def _last(i: Input) -> Expr:
    return aggregate("agg.last", i.value, where=not_null(i.value), span=i.span)


def _by_time(meaning: str, plain: str) -> Build:
    """earliest and latest: the value in the row with the least or greatest `_time` among those that have one."""

    def build(i: Input) -> Expr:
        if not i.frame.has(TIME):
            i.scope.field(i.frame, TIME, i.span)
            return e.null(i.value.type)
        time = i.frame.column(TIME)
        if i.value == time:
            return aggregate(plain, time, span=i.span)
        return aggregate(meaning, i.value, time, where=not_null(i.value), span=i.span)

    return build


def _time_of(plain: str) -> Build:
    def build(i: Input) -> Expr:
        time = i.scope.field(i.frame, TIME, i.span)
        return aggregate(plain, time, where=not_null(i.value), span=i.span)

    return build


def _percentile(function: str) -> Build | None:
    match = _PERCENT.fullmatch(function)
    return _ranked(float(match[2])) if match else None


def _ranked(percent: float) -> Build:
    """The value at the nearest rank, the higher one between two: a median of four is the third.

    https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Aggregatefunctions
    """

    def build(i: Input) -> Expr:
        if is_multi(i.value):
            ordered: Expr = call("multi.sorted", i.numbers(), e.text("number"), e.FALSE)
            count: Expr = call("logic.coalesce", call("dynamic.length", ordered), e.whole(0))
        else:
            value = real_of(i.value)
            count = aggregate("agg.count", value)
            ordered = aggregate("agg.list", value, order_by=(SortKey(value),), span=i.span)
        share = call("number.multiply", call("number.to_real", count), e.Literal(percent / 100, Type.REAL), type=Type.REAL)
        place = call("compare.least", call("number.to_long", share), call("number.subtract", count, e.whole(1), type=Type.LONG))
        found = call("dynamic.real", call("dynamic.element", ordered, place))
        return Case(((call("compare.gt", count, e.whole(0)), found),), e.null(Type.REAL), Type.REAL)

    return build


def _mode(i: Input) -> Expr:
    return aggregate("agg.mode", text_of(i.one()), span=i.span)


BUILD: dict[str, Build] = {
    "count": _count,
    "c": _count,
    "dc": _distinct,
    "distinct_count": _distinct,
    "estdc": _distinct,
    "values": _values,
    "list": _list,
    "sum": _numeric("agg.sum", real=False),
    "sumsq": _square_sum,
    "avg": _numeric("agg.avg"),
    "mean": _numeric("agg.avg"),
    "min": _extreme("agg.arg_min", "agg.min"),
    "max": _extreme("agg.arg_max", "agg.max"),
    "range": _range,
    "stdev": _spread("agg.stdev"),
    "stdevp": _spread("agg.stdev_population"),
    "var": _spread("agg.variance"),
    "varp": _spread("agg.variance_population"),
    "median": _ranked(50),
    "mode": _mode,
    "first": _first,
    "last": _last,
    "earliest": _by_time("agg.arg_min", "agg.min"),
    "latest": _by_time("agg.arg_max", "agg.max"),
    "earliest_time": _time_of("agg.min"),
    "latest_time": _time_of("agg.max"),
}
_REFUSED = {
    "estdc_error": "counts are exact here",
    "sparkline": "it draws",
    "rate": "it depends on counters",
    "rate_avg": "it depends on counters",
    "rate_sum": "it depends on counters",
    **{f"per_{unit}": "divide by the span yourself" for unit in ("day", "hour", "minute", "second")},
}


def present(keys: list[Expr]) -> Expr:
    """Return whether every key has a value."""
    return all_of(*(not_null(k) for k in keys))
