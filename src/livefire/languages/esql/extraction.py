"""DISSECT and GROK: a text taken apart into columns.

https://www.elastic.co/docs/reference/query-languages/esql/esql-process-data-with-dissect-grok
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.esql import ast, grok
from livefire.languages.esql import values as v
from livefire.languages.esql.expressions import Expressions
from livefire.languages.esql.scope import Scope
from livefire.languages.esql.values import Kind, Value
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_KEY = re.compile(r"%\{([^}]*)\}", re.DOTALL)
_PARTS = re.compile(r"(?P<prefix>[+*&?]?)(?P<name>[^/]*?)(?:/(?P<order>\d{1,4}))?(?P<right>->)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Key:
    """One `%{…}`: its name (empty for one that is skipped), its group in the pattern, and its place among those appended."""

    name: str
    group: int
    order: int
    append: bool


def dissect(node: ast.Dissect, scope: Scope, context: Context) -> None:
    """Add a column for each key; all are null where the text does not have every delimiter."""
    read = _dissect_regex(str(node.pattern.value), node.pattern.span, context)
    if read is None:
        return
    pieces, keys = read
    subject = _subject(node, scope, context)
    if subject is None:
        return
    found: dict[str, Value] = {}
    for name in dict.fromkeys(k.name for k in keys if k.name):
        groups = [k.group for k in sorted((k for k in keys if k.name == name), key=lambda k: k.order)]
        found[name] = _each(subject, _joined(pieces, groups, node.separator))
    scope.assign_all(found)


def _joined(pieces: list[str], groups: list[int], separator: str) -> Callable[[e.Expr], e.Expr]:
    """Read keys out of a text; each is the only group of its expression, for the engine numbers no more than nine."""

    def build(text: e.Expr) -> e.Expr:
        parts: list[e.Expr] = []
        for group in groups:
            parts += [e.text(separator)] if parts and separator else []
            regex = "".join(p.replace("(", "(?:", 1) if i % 2 and i != 2 * group - 1 else p for i, p in enumerate(pieces))
            parts.append(call("text.extract_regex", text, e.text(regex), e.whole(1), e.text("s")))
        return parts[0] if len(parts) == 1 else call("text.concat", *parts)

    return build


def _subject(node: ast.Dissect | ast.Grok, scope: Scope, context: Context) -> Value | None:
    value = Expressions(scope, context).value(node.value)
    if value.kind not in (Kind.TEXT, Kind.ANY, Kind.NULL):
        context.diagnostics.error("E104", f"this must be keyword, and it is {value.kind.value}", node.value.span, help="convert it with to_string(…)")
        return None
    return value


def _each(subject: Value, build: Callable[[e.Expr], e.Expr]) -> Value:
    """Take one text apart, or each of several."""
    if not subject.many:
        return Value(build(v.text(subject)), Kind.TEXT)
    element = e.Column("one text", Type.DYNAMIC)
    mapped = call("array.map", v.array(subject), e.Lambda((element,), call("dynamic.of", build(call("dynamic.text", element)))))
    return v.shown(mapped, Kind.TEXT)


def _dissect_regex(pattern: str, span: Span, context: Context) -> tuple[list[str], list[_Key]] | None:
    """Return the expression of a dissect pattern, a delimiter and a key in turn: each key ends at the first delimiter after it, the last takes the rest."""
    keys: list[_Key] = []
    pieces = list(_KEY.finditer(pattern))
    if not pieces:
        context.diagnostics.error("E206", "the pattern has no %{key}", span, help='write "%{first} %{second}"')
        return None
    out = [r"\A" + re.escape(pattern[: pieces[0].start()])]
    for number, piece in enumerate(pieces):
        end = pieces[number + 1].start() if number + 1 < len(pieces) else len(pattern)
        delimiter = pattern[piece.end() : end]
        if not delimiter and number + 1 < len(pieces):
            context.diagnostics.error("E206", "two keys of a dissect pattern need a delimiter between them", span)
            return None
        key = _dissect_key(piece.group(1), number, span, context)
        if key is None:
            return None
        keys.append(key[0])
        out.append("(.*?)" if delimiter else r"(.*)\z")
        out.append(f"(?:{re.escape(delimiter)})+" if key[1] and delimiter else re.escape(delimiter))
    return out, keys


def _dissect_key(text: str, number: int, span: Span, context: Context) -> tuple[_Key, bool] | None:
    match = _PARTS.fullmatch(text)
    prefix, name = (match["prefix"], match["name"].strip()) if match else ("*", "")
    if match is None or prefix in ("*", "&"):
        context.diagnostics.error("E305", f"the key %{{{text}}} of the dissect pattern is not supported", span, help="ES|QL has no reference keys (* and &)")
        return None
    order = int(match["order"]) if match["order"] else number
    return _Key("" if prefix == "?" else name, number + 1, order, prefix == "+"), match["right"] is not None


def run_grok(node: ast.Grok, scope: Scope, context: Context) -> None:
    """Add a column for each named part; all are null where no pattern fits."""
    patterns = [grok.expand(str(p.value), p.span, context) for p in node.patterns]
    subject = _subject(node, scope, context)
    if subject is None or any(p is None for p in patterns):
        return
    read = [p for p in patterns if p is not None]
    kinds: dict[str, grok.Capture] = {}
    for pattern in read:
        for capture in pattern.captures:
            kinds.setdefault(capture.name, capture)
    found = {name: _grok_value(subject, first, read) for name, first in kinds.items()}
    scope.assign_all(found)


def _grok_value(subject: Value, wanted: grok.Capture, patterns: list[grok.Pattern]) -> Value:
    """Return the value of one name from the first pattern that fits; a name that stands twice may have several values."""
    repeated = any(sum(c.name == wanted.name for c in p.captures) > 1 for p in patterns)

    def one(text: e.Expr) -> e.Expr:
        arms: list[tuple[e.Expr, e.Expr]] = []
        for pattern in patterns:
            parts = [_captured(text, c, wanted.kind) for c in pattern.captures if c.name == wanted.name]
            fits = call("text.matches_regex", text, e.text(pattern.regex))
            if repeated:
                arms.append((fits, call("multi.values", call("dynamic.array", *parts))))
            else:
                arms.append((fits, parts[0] if parts else e.null(v.PLAN_TYPES[wanted.kind])))
        if len(arms) == 1 and not repeated:
            return arms[0][1]
        type = arms[0][1].type
        return e.Case(tuple(arms), e.null(type), type)

    if not subject.many:
        text = v.text(subject)
        return v.shown(one(text), wanted.kind) if repeated else Value(one(text), wanted.kind)
    element = e.Column("one text", Type.DYNAMIC)
    body = one(call("dynamic.text", element))
    mapped = call("array.map", v.array(subject), e.Lambda((element,), body if repeated else call("dynamic.of", body)))
    return v.shown(call("multi.values", mapped), wanted.kind)


def _captured(text: e.Expr, capture: grok.Capture, kind: Kind) -> e.Expr:
    found: e.Expr = call("text.extract_regex", text, e.text(capture.regex), e.whole(1))
    # A part that took no place in the match is empty to the engine and missing to Elasticsearch.
    if capture.optional:
        found = call("logic.null_if", found, e.text(""))
    if kind is Kind.TEXT:
        return found
    number = call("number.parse_long" if kind is Kind.INT else "number.parse_real", found)
    return call("convert.to_int", number) if kind is Kind.INT else number
