"""Functions over arrays, which are fields named a[0], a[1] …: append, contains, eval, concatArray and their like.

https://library.humio.com/data-analysis/syntax-array.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from livefire.languages.cql import coerce, patterns
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Bag, Event, path_steps
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import MISSING, is_null
from livefire.languages.cql.texts import split
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, call
from livefire.schema import Type


@dataclass(slots=True)
class ElementBase:
    """The fields a function over an array sees: the element under its own name, and the event around it."""

    name: str
    output: str
    around: Event
    element: e.Expr
    names: tuple[str, ...] = ()

    def read(self, name: str) -> e.Expr | None:
        """Return a part of the element, or a field of the event."""
        if name == self.name:
            return self.element
        if name.startswith((f"{self.name}.", f"{self.name}[")):
            steps = path_steps(name[len(self.name) :])
            return e.Path(self.element, steps) if steps else None
        if name == self.output:
            return None
        found = self.around.peek(name)
        return None if is_null(found) else found


def array_name(bound: Bound, name: str = "array") -> str | None:
    """Return the name of an array argument without its brackets."""
    written = bound.text(name)
    if written is None:
        bound.need(name)
        return None
    return written.removesuffix("[]")


def _append(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-array-append.html"""
    name = array_name(bound)
    if name is None or bound.need("values") is None:
        return
    size = event.sizes.get(name, 0 if not event.has_array(name) else None)
    values = [coerce.text(lower.value(event, v)) for v in bound.items("values")]
    added = call("array.compact", call("dynamic.array", *values), span=bound.span)
    before = event.array(name)
    event.arrays[name] = event.hold(added if is_null(before) else call("dynamic.concat", before, added))
    event.sizes[name] = None if size is None else size + len(values)


def _split_string(_: Lower, event: Event, bound: Bound) -> e.Expr | None:
    """https://library.humio.com/data-analysis/functions-splitstring.html"""
    value, by = event.read(bound.field("field", "@rawstring") or "@rawstring"), bound.text("by")
    if by is None:
        bound.need("by")
        return MISSING
    if is_null(value):
        return MISSING
    parts = split(value, by, bound)
    if bound.has("index"):
        return call("dynamic.text", call("dynamic.element", event.hold(parts), e.whole(bound.whole("index", 0))), span=bound.span)
    event.arrays[bound.out] = event.hold(parts)
    event.sizes[bound.out] = None
    event.mentioned.setdefault(f"{bound.out}[]")
    return None


def _concat_array(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-concatarray.html"""
    name = array_name(bound, "field")
    if name is None:
        return MISSING
    array = event.array(name)
    if is_null(array):
        return MISSING
    if bound.has("from") or bound.has("to"):
        array = call("dynamic.slice", array, e.whole(bound.whole("from", 0)), e.whole(bound.whole("to", -1)))
    joined = call("text.join", array, e.text(bound.text("separator", "") or ""), span=bound.span)
    whole = (
        call("text.concat", e.text(bound.text("prefix") or ""), joined, e.text(bound.text("suffix") or ""))
        if bound.has("prefix") or bound.has("suffix")
        else joined
    )
    return e.Case(((call("compare.gt", call("array.length", array), e.whole(0)), whole),), MISSING, Type.STRING)


def _length(_: Lower, event: Event, bound: Bound) -> e.Expr:
    name = array_name(bound)
    return e.whole(0) if name is None or is_null(event.array(name)) else call("array.length", event.array(name), span=bound.span)


def _fresh(event: Event) -> e.Column:
    return e.Column(event.rows.fresh(), Type.DYNAMIC)


def _any(event: Event, name: str, element: e.Column, test: e.Expr, bound: Bound) -> e.Expr:
    array = event.array(name)
    return e.FALSE if is_null(array) else coerce.certain(call("dynamic.any_element", array, e.Lambda((element,), test), span=bound.span))


def _contains(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-array-contains.html"""
    name, value = array_name(bound), bound.word("value") if bound.need("value") is not None else None
    if name is None or value is None:
        return e.FALSE
    element = _fresh(event)
    return _any(event, name, element, call("compare.eq", call("dynamic.leaf", element), e.text(value.text)), bound)


def _regex(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-array-regex.html"""
    name, pattern = array_name(bound), bound.pattern("regex")
    if name is None or pattern is None:
        return e.FALSE
    regex = patterns.regex(pattern.pattern, pattern.flags + (bound.text("flags", "") or ""), pattern.span, bound.context)
    if regex is None:
        return e.FALSE
    element = _fresh(event)
    return _any(event, name, element, coerce.certain(call("text.matches_regex", call("dynamic.leaf", element), e.text(regex.text))), bound)


def _exists(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-array-exists.html"""
    name, condition = array_name(bound), bound.need("condition")
    if name is None or condition is None:
        return e.FALSE
    element = _fresh(event)
    inner = _inner(event, bound.text("var") or name, "", element)
    if isinstance(condition, s.Subquery):
        lower.steps(inner, condition.pipeline)
        test = inner.alive or e.TRUE
    elif isinstance(condition, s.Call):
        test = lower.condition(inner, condition)
    else:
        test = coerce.certain(coerce.truth(lower.value(inner, condition)))
    return _any(event, name, element, test, bound)


def _inner(event: Event, name: str, output: str, element: e.Column) -> Event:
    base = ElementBase(name, output, event, element)
    return Event(event.rows, base, forked=True, inline=True, aggregated=True)


def _map(*, keep: bool) -> Callable[[Lower, Event, Bound], None]:
    def run(lower: Lower, event: Event, bound: Bound) -> None:
        """https://library.humio.com/data-analysis/functions-objectarray-eval.html"""
        name, body = array_name(bound), bound.need("function")
        target = (bound.text("asArray") or (name or "")).removesuffix("[]")
        if name is None or not isinstance(body, s.Subquery) or not _fits(bound, name, target):
            return
        array = event.array(name)
        output = target if not keep else bound.text("var") or name
        element = _fresh(event)
        inner = _inner(event, bound.text("var") or name, output if not keep else "", element)
        lower.steps(inner, body.pipeline)
        made = coerce.text(inner.fields.get(output, MISSING)) if not keep else element
        event.mentioned.setdefault(f"{target}[]")
        if is_null(array):
            return
        if inner.alive is not None:
            made = e.Case(((inner.alive, made),), e.null(made.type), made.type)
        mapped = event.hold(call("array.map", array, e.Lambda((element,), made), span=bound.span))
        # The function over an empty or missing array writes nothing, so that an array of that name stays.
        event.arrays[target] = mapped if name == target else event.hold(coerce.either(mapped, event.array(target)))
        event.sizes[target] = None

    return run


def _fits(bound: Bound, name: str, target: str) -> bool:
    """Report a variable that is no plain name, and an array of objects that would be written over its own elements."""
    variable = bound.text("var")
    if variable is not None and re.search(r"[.\[\]]", variable):
        bound.wrong("var", "a name without dots and brackets")
        return False
    if bound.function.name == "objectArray:eval" and bound.has("asArray") and target == name:
        bound.wrong("asArray", "another name than the input array's")
        return False
    return True


def _changed(meaning: str) -> Callable[[Lower, Event, Bound], None]:
    def run(_: Lower, event: Event, bound: Bound) -> None:
        name = array_name(bound)
        if name is None:
            return
        array = event.array(name)
        target = (bound.text("asArray") or name).removesuffix("[]")
        if not is_null(array):
            event.arrays[target] = event.hold(call(meaning, array, span=bound.span))
            event.sizes[target] = event.sizes.get(name)

    return run


def _sorted(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-array-sort.html"""
    name = array_name(bound)
    if name is None or is_null(event.array(name)):
        return
    descending = (bound.text("order", "asc") or "asc").lower().startswith("desc")
    kind = (bound.text("type", "string") or "string").lower()
    if kind not in ("string", "number", "any", "hex"):
        bound.wrong("type", "string or number")
        return
    target = (bound.text("asArray") or name).removesuffix("[]")
    array = event.array(name)
    if kind == "string":
        made = call("array.sorted_text", array, e.Literal(descending, Type.BOOL), span=bound.span)
    else:
        element = _fresh(event)
        number = call("dynamic.of", coerce.number(call("dynamic.leaf", element)))
        ordered = call("array.map", array, e.Lambda((element,), call("logic.coalesce", number, element)), span=bound.span)
        made = call("array.sort_by", array, event.hold(ordered), e.Literal(descending, Type.BOOL), e.Literal(False, Type.BOOL))
    event.arrays[target] = event.hold(made)
    event.sizes[target] = event.sizes.get(name)
    event.mentioned.setdefault(f"{target}[]")


def _rename(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-array-rename.html"""
    name, target = array_name(bound), (bound.text("asArray") or "").removesuffix("[]")
    if name is None or bound.need("asArray") is None or is_null(array := event.array(name)):
        return
    size = event.sizes.get(name)
    event.drop(f"{name}[]")
    event.arrays[target], event.sizes[target] = array, size
    event.mentioned.setdefault(f"{target}[]")


def _drop(_: Lower, event: Event, bound: Bound) -> None:
    name = array_name(bound)
    if name is not None:
        event.drop(f"{name}[]")


def _split_events(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-split.html"""
    name = array_name(bound, "field") if bound.has("field") else "_events"
    if name is None:
        return
    array = event.array(name)
    if is_null(array):
        event.keep(e.FALSE, bound.span)
        return
    element, index = e.Column(event.rows.fresh(), Type.DYNAMIC), e.Column(event.rows.fresh(), Type.LONG)
    if event.forked:
        # Only the events of this clause are split; the others stay one row each.
        here = all_of(event.reached, *((event.alive,) if event.alive is not None else ()))
        array = event.hold(e.Case(((here, array),), e.null(Type.DYNAMIC), Type.DYNAMIC))
        event.rows.wrap(n.Unnest(event.rows.flush(), array, element.name, index.name, outer=True, span=bound.span))
        event.keep(call("logic.not", call("logic.is_null", element)), bound.span)
    else:
        event.rows.wrap(n.Unnest(event.rows.flush(), array, element.name, index.name, outer=False, span=bound.span))
    event.replace("_index", index)
    event.assign(name, call("dynamic.leaf", element))
    event.push(Bag("" if bound.flag("strip") else f"{name}.", element, None))


FUNCTIONS = (
    Function("array:append", "step", ("array", "values"), _append),
    Function("array:length", "value", ("array", "as"), _length, "_length"),
    Function("array:contains", "filter", ("array", "value"), _contains),
    Function("array:regex", "filter", ("array", "regex", "flags"), _regex),
    Function("array:exists", "filter", ("array", "condition", "var"), _exists),
    Function("objectArray:exists", "filter", ("array", "condition", "var"), _exists),
    Function("array:eval", "step", ("array", "asArray", "function", "var"), _map(keep=False)),
    Function("objectArray:eval", "step", ("array", "asArray", "function", "var"), _map(keep=False)),
    Function("array:filter", "step", ("array", "asArray", "function", "var"), _map(keep=True)),
    Function("array:dedup", "step", ("array", "asArray"), _changed("array.distinct")),
    Function("array:drop", "step", ("array",), _drop),
    Function("array:sort", "step", ("array", "asArray", "order", "type"), _sorted),
    Function("array:rename", "step", ("array", "asArray"), _rename),
    Function("objectArray:filter", "step", ("array", "asArray", "function", "var"), _map(keep=True)),
    Function("splitString", "value", ("field", "by", "as", "index"), _split_string, "_splitstring"),
    Function("concatArray", "value", ("field", "separator", "as", "prefix", "suffix", "from", "to"), _concat_array, "_concatArray"),
    Function("split", "step", ("field", "strip"), _split_events),
)
