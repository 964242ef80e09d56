"""Filters: the condition a filter is over an event.

A comparison with a field that is missing fails, but for `!=`; text compares with its case, and
free text is looked for in every field but the tags and the event's times.
https://library.humio.com/data-analysis/syntax-operators.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from livefire.diagnostics import Fix, Span
from livefire.languages.base import Context
from livefire.languages.cql import coerce, patterns
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, report_missing
from livefire.languages.cql.rows import is_null
from livefire.languages.cql.source import UNSEARCHED
from livefire.languages.kit import ast
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_ORDER = {"<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}


def comparison(event: Event, node: s.Comparison, context: Context) -> e.Expr:
    """Return `field operator pattern` as a condition, never null; named groups of a pattern become fields."""
    value = _known(node.value, context)
    if value is None:
        return e.FALSE
    field = event.read(node.field.text)
    if node.operator in _ORDER:
        return _ordered(event, field, node, value, context)
    if node.operator == "<=>":
        context.diagnostics.error("E201", "<=> links the queries of correlate and stands nowhere else", node.span)
        return e.FALSE
    if isinstance(value, ast.Pattern):
        found = matches(event, field, value, context, extract=node.operator != "!=")
        return negate(found) if node.operator == "!=" else found
    equal = contains(field, value.raw, node.span) if node.operator == "like" else equals(field, value, node.span)
    return negate(equal) if node.operator == "!=" else equal


def _known(value: s.Word | ast.Pattern | s.Variable, context: Context) -> s.Word | ast.Pattern | None:
    if not isinstance(value, s.Variable):
        return value
    given = context.options.get("parameters")
    if isinstance(given, dict) and value.name in given:
        return s.Word(str(given[value.name]), str(given[value.name]), True, value.span)
    if value.default is None:
        report_missing(value, context)
    return value.default


def equals(field: e.Expr, value: s.Word, span: Span | None = None) -> e.Expr:
    """Return whether the whole value of a field fits a text in which * is any run of characters."""
    if is_null(field):
        return e.FALSE
    if value.raw and set(value.raw) == {"*"}:
        return coerce.present(field)
    plain = patterns.literal(value.raw)
    if plain is None:
        return coerce.certain(call("text.wildcard", coerce.text(field), e.text(patterns.wildcard(value.raw)), span=span))
    if field.type.integral and re.fullmatch(r"-?(0|[1-9]\d{0,17})", plain):
        return coerce.certain(call("compare.eq", field, e.Literal(int(plain), Type.LONG), span=span))
    if field.type is Type.BOOL and plain in ("true", "false"):
        return coerce.certain(field if plain == "true" else negate(field))
    return coerce.certain(call("compare.eq", coerce.text(field), e.text(plain), span=span))


def contains(field: e.Expr, raw: str, span: Span | None = None, *, fold: bool = False) -> e.Expr:
    """Return whether a text occurs in a field, * being any run of characters."""
    if is_null(field):
        return e.FALSE
    plain = patterns.literal(raw)
    suffix = "_fold" if fold else ""
    if plain is not None:
        return coerce.certain(call(f"text.contains{suffix}", coerce.text(field), e.text(plain), span=span))
    return coerce.certain(call(f"text.wildcard{suffix}", coerce.text(field), e.text(f"*{patterns.wildcard(raw)}*"), span=span))


def _ordered(event: Event, field: e.Expr, node: s.Comparison, value: s.Word | ast.Pattern, context: Context) -> e.Expr:
    if isinstance(value, s.Word) and _NUMBER.match(value.text):
        if is_null(field):
            return e.FALSE
        found = coerce.number(field)
        limit = (
            e.Literal(int(value.text), Type.LONG)
            if re.fullmatch(r"-?\d{1,18}", value.text) and found.type.integral
            else e.Literal(float(value.text), Type.REAL)
        )
        if limit.type is Type.REAL:
            found = coerce.real(found)
        return coerce.certain(call(_ORDER[node.operator], found, limit, span=node.span))
    written = context.diagnostics.source.slice(node.span)
    if isinstance(value, ast.Pattern):
        context.diagnostics.error("E104", f"{node.operator} compares with a number, not with a pattern", node.span)
        return e.FALSE
    fix = Fix(node.span, f"test({written})", "compare two fields with test") if not value.quoted else None
    context.quirk(
        136, f"{node.operator} compares a field with a number, and {value.text!r} is none", span=node.span, help="test() compares two fields", fix=fix
    )
    left, right = coerce.real(field), coerce.real(event.read(value.text))
    return coerce.certain(call(_ORDER[node.operator], left, right, span=node.span))


def matches(event: Event, field: e.Expr, pattern: ast.Pattern, context: Context, *, extract: bool = True, multiline: bool = False) -> e.Expr:
    """Return whether a pattern matches somewhere in a value; its named groups become fields where it does."""
    regex = patterns.regex(pattern.pattern, pattern.flags, pattern.span, context, multiline=multiline)
    if regex is None or is_null(field):
        return e.FALSE
    value = event.hold(coerce.text(field))
    if regex.repeat and regex.groups:
        context.diagnostics.error("E305", "the flag g makes one event a match, which does not run here", pattern.span, help="write regex(…, repeat=true)")
    found = coerce.certain(call("text.matches_regex", value, e.text(regex.text), span=pattern.span))
    if extract and regex.groups:
        found = event.hold(found)
        for number, name in regex.groups:
            event.assign(name, captured(value, regex, number, pattern.span))
    return found


def captured(value: e.Expr, regex: patterns.Regex, number: int, span: Span | None = None) -> e.Expr:
    """Return what a group of the first match holds, null where it takes no part in it.

    The engine gives empty text for both; a group that must take part keeps its empty text.
    """
    pattern, number = (regex.text, number) if number <= 9 else (patterns.only_group(regex.text, number), 1)
    found = call("text.extract_regex", value, e.text(pattern), e.whole(number), span=span)
    return call("logic.null_if", found, e.text("")) if regex.optional else found


def free_text(event: Event, node: s.FreeText, context: Context) -> e.Expr:
    """Return whether any field of the event as it was at the start holds the text or fits the pattern."""
    value = _known(node.value, context)
    if value is None:
        return e.FALSE
    if event.aggregated:
        context.diagnostics.error("E130", "free text cannot be searched after an aggregate", node.span, help="name the field: field = *text*")
        return e.FALSE
    fields = _searched(event)
    if isinstance(value, ast.Pattern):
        return _any_match(event, fields, value, context)
    if value.raw and set(value.raw) == {"*"}:
        return e.TRUE
    return any_of(*(contains(f, value.raw, node.span) for f in fields))


def search(event: Event, word: s.Word, bound: Bound, *, fold: bool) -> e.Expr:
    """Return whether any field of the source holds a text."""
    if event.aggregated:
        bound.context.diagnostics.error("E130", "free text cannot be searched after an aggregate", bound.span, help="name the field: field=…")
        return e.FALSE
    return any_of(*(contains(f, word.raw, bound.span, fold=fold) for f in _searched(event)))


def _searched(event: Event) -> list[e.Expr]:
    names = event.base.names if event.base is not None else ()
    kept = [name for name in names if name not in UNSEARCHED and not name.startswith("#")]
    kept.sort(key=lambda name: name != "@rawstring")
    values: list[e.Expr] = []
    for name in kept:
        value = event.base.read(name) if event.base is not None else None
        if value is None or (value.type is Type.DATETIME and name.startswith("@")):
            continue
        values.append(call("dynamic.text", value) if value.type is Type.DYNAMIC else value)
    return values


def _any_match(event: Event, fields: list[e.Expr], pattern: ast.Pattern, context: Context) -> e.Expr:
    regex = patterns.regex(pattern.pattern, pattern.flags, pattern.span, context)
    if regex is None:
        return e.FALSE
    values = [coerce.text(f) for f in fields]
    found = [coerce.certain(call("text.matches_regex", v, e.text(regex.text), span=pattern.span)) for v in values]
    for number, name in regex.groups:
        parts = [captured(v, regex, number, pattern.span) for v in values]
        if parts:
            event.assign(name, parts[0] if len(parts) == 1 else call("logic.coalesce", *parts))
    return any_of(*found)


def conjunction(event: Event, node: s.Conjunction, lower: Callable[[Event, s.Condition], e.Expr]) -> e.Expr:
    """Return conditions that all hold."""
    return all_of(*(p for p in (lower(event, part) for part in node.parts) if p != e.TRUE))


def disjunction(event: Event, node: s.Disjunction, lower: Callable[[Event, s.Condition], e.Expr]) -> e.Expr:
    """Return conditions of which one holds."""
    parts = [lower(event, part) for part in node.parts]
    return e.TRUE if e.TRUE in parts else any_of(*(p for p in parts if p != e.FALSE))


def group_names(node: Any) -> list[str]:
    """Return the named groups in the patterns of a condition."""
    match node:
        case s.Comparison(value=ast.Pattern() as pattern) | s.FreeText(value=ast.Pattern() as pattern):
            return re.findall(r"\(\?P?<([^=!>][^>]*)>", pattern.pattern)
        case s.Conjunction(parts=parts) | s.Disjunction(parts=parts):
            return [name for p in parts for name in group_names(p)]
        case s.Not(part=part):
            return group_names(part)
        case _:
            return []
