"""Functions that keep events: in, cidr, regex, wildcard, test and the like."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from livefire.languages.cql import coerce, conditions, patterns
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import is_null
from livefire.languages.kit import ast
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import any_of, call, negate
from livefire.schema import Type


def _is_in(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-in.html"""
    name, _values = bound.field("field"), bound.need("values")
    if name is None:
        bound.need("field")
        return e.FALSE
    field, fold = event.read(name), bound.flag("ignoreCase")
    words = bound.words("values")
    if is_null(field):
        return e.FALSE
    plain = [p for w in words if (p := patterns.literal(w.raw)) is not None]
    found: list[e.Expr] = []
    if plain:
        meaning = "text.in_fold" if fold else "compare.in"
        found.append(coerce.certain(call(meaning, coerce.text(field), *(e.text(p) for p in dict.fromkeys(plain)), span=bound.span)))
    for word in words:
        if patterns.literal(word.raw) is not None:
            continue
        if fold:
            found.append(coerce.certain(call("text.wildcard_fold", coerce.text(field), e.text(patterns.wildcard(word.raw)), span=bound.span)))
        else:
            found.append(conditions.equals(field, word, bound.span))
    return any_of(*found)


def _cidr(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-cidr.html"""
    if bound.has("file"):
        bound.context.diagnostics.error("E304", "cidr reads no file here", bound.place("file"), help="list the blocks: subnet=[…]")
        return e.FALSE
    name = bound.field("field")
    if name is None or bound.need("subnet") is None:
        bound.need("field")
        return e.FALSE
    field = event.read(name)
    if is_null(field):
        return negate(e.FALSE) if bound.flag("negate") else e.FALSE
    blocks = [w.text.strip() for w in bound.words("subnet")]
    for block in blocks:
        if not _is_block(block):
            bound.wrong("subnet", f"address blocks such as 10.0.0.0/8, and {block!r} is none")
            return e.FALSE
    found = any_of(*(coerce.certain(call("text.cidr_contains", coerce.text(field), e.text(b), span=bound.span)) for b in blocks))
    return negate(found) if bound.flag("negate") else found


def _is_block(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _regex(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-regex.html"""
    pattern = bound.pattern("regex")
    if pattern is None:
        return e.FALSE
    flags = pattern.flags + (bound.text("flags", "") or "")
    field = event.read(bound.field("field", "@rawstring") or "@rawstring")
    multiline = not bound.has("flags") and not pattern.flags
    whole = ast.Pattern(pattern.pattern, flags, pattern.span)
    if bound.flag("repeat"):
        return _repeated(event, field, whole, bound, multiline=multiline)
    found = conditions.matches(event, field, whole, bound.context, multiline=multiline)
    return found if bound.flag("strict", default=True) else e.TRUE


def _repeated(event: Event, field: e.Expr, pattern: ast.Pattern, bound: Bound, *, multiline: bool) -> e.Expr:
    """Make one event of each match; the groups are read again in the matched text."""
    regex = patterns.regex(pattern.pattern, pattern.flags, pattern.span, bound.context, multiline=multiline, repeated=True)
    if regex is None or is_null(field):
        return e.FALSE
    if event.forked or re.search(r"(?<!\\)[\^$]|\\[bBAz]", pattern.pattern):
        what = "inside case" if event.forked else "with a pattern that looks at its surroundings (^, $ or \\b)"
        bound.context.diagnostics.error("E305", f"repeat=true does not run {what}", bound.span)
        return e.FALSE
    value = event.hold(coerce.text(field))
    found = event.hold(call("text.extract_all_regex", value, e.text(regex.text), e.whole(0), span=bound.span))
    if bound.has("limit"):
        found = event.hold(call("dynamic.slice", found, e.whole(0), e.whole(max(bound.whole("limit", 100), 1) - 1)))
    element = event.rows.fresh()
    outer = not bound.flag("strict", default=True)
    event.rows.wrap(n.Unnest(event.rows.flush(), found, element, outer=outer, span=bound.span))
    text = call("dynamic.text", e.Column(element, Type.DYNAMIC))
    for number, name in regex.groups:
        event.assign(name, conditions.captured(text, regex, number))
    return e.TRUE


def _wildcard(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-wildcard.html"""
    word = bound.word("pattern") if bound.need("pattern") is not None else None
    if word is None:
        return e.FALSE
    fold = bound.flag("ignoreCase")
    if set(word.raw) == {"*"} and bound.flag("includeEverythingOnAsterisk"):
        return e.TRUE
    names = [w.text for w in bound.fields("field")]
    if not names:
        return conditions.search(event, word, bound, fold=fold)
    found: list[e.Expr] = []
    for name in names:
        field = event.read(name)
        if fold and not is_null(field):
            found.append(coerce.certain(call("text.wildcard_fold", coerce.text(field), e.text(patterns.wildcard(word.raw)), span=bound.span)))
        else:
            found.append(conditions.equals(field, word, bound.span))
    return any_of(*found)


def _test(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-test.html"""
    expression = bound.need("expression")
    if expression is None:
        return e.FALSE
    value = lower.value(event, expression)
    return e.FALSE if is_null(value) else coerce.certain(coerce.truth(value))


def _text_test(meaning: str, parameter: str) -> Callable[[Lower, Event, Bound], e.Expr]:
    def run(lower: Lower, event: Event, bound: Bound) -> e.Expr:
        """https://library.humio.com/data-analysis/functions-text-contains.html"""
        string, part = bound.need("string"), bound.need(parameter)
        if string is None or part is None:
            return e.FALSE
        left, right = coerce.text(lower.value(event, string)), coerce.text(lower.value(event, part))
        if is_null(left) or is_null(right):
            return e.FALSE
        fold = bound.flag("ignoreCase")
        if fold:
            left, right = call("text.lower", left), call("text.lower", right)
        return coerce.certain(call(meaning, left, right, span=bound.span))

    return run


def _drop_event(_: Lower, __: Event, ___: Bound) -> e.Expr:
    return e.FALSE


FUNCTIONS = (
    Function("in", "filter", ("field", "values", "ignoreCase"), _is_in),
    Function("cidr", "filter", ("field", "subnet", "negate", "file", "column"), _cidr),
    Function("regex", "filter", ("regex", "field", "flags", "limit", "repeat", "strict"), _regex),
    Function("wildcard", "filter", ("pattern", "field", "ignoreCase", "includeEverythingOnAsterisk"), _wildcard),
    Function("test", "filter", ("expression",), _test),
    Function("text:contains", "filter", ("string", "substring", "ignoreCase"), _text_test("text.contains", "substring")),
    Function("text:startsWith", "filter", ("string", "substring", "ignoreCase"), _text_test("text.starts_with", "substring")),
    Function("text:endsWith", "filter", ("string", "substring", "ignoreCase"), _text_test("text.ends_with", "substring")),
    Function("dropEvent", "filter", (), _drop_event),
)
