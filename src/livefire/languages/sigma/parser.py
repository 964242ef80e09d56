"""Reads a Sigma rule (https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html)."""

from __future__ import annotations

from typing import NoReturn

from livefire.diagnostics import Diagnostics, Halt, Span
from livefire.languages.base import Context
from livefire.languages.sigma.ast import AllOf, AnyOf, Rule, Search, Test, Value
from livefire.languages.sigma.condition import parse_condition
from livefire.languages.sigma.yaml_text import Items, Leaf, Members, Node, read_documents

_BESIDE = ("condition", "timeframe")


def parse(context: Context) -> Rule:
    """Return the one rule in the source; errors are recorded, and `Halt` ends a text that is no rule."""
    diagnostics = context.diagnostics
    documents = read_documents(diagnostics)
    if len(documents) != 1:
        what = "nothing" if not documents else f"{len(documents)} documents"
        _fail(diagnostics, "E305", f"expected one rule, found {what}", Span(0, 1), "write each rule to a file of its own")
    document = documents[0]
    if not isinstance(document, Members):
        _fail(diagnostics, "E201", "a rule is a map of keys such as title, logsource and detection", document.span)
    if (part := document.get("correlation") or document.get("filter")) is not None:
        _fail(diagnostics, "E305", "correlation rules and filters are not run yet", part.span)
    return _rule(document, diagnostics)


def _fail(diagnostics: Diagnostics, code: str, message: str, span: Span, help: str = "") -> NoReturn:
    diagnostics.error(code, message, span, help=help)
    raise Halt


def _rule(document: Members, diagnostics: Diagnostics) -> Rule:
    source = document.get("logsource")
    if not isinstance(source, Members):
        _fail(diagnostics, "E201", "a rule needs a logsource: a map of product, service or category", (source or document).span)
    detection = document.get("detection")
    if not isinstance(detection, Members):
        _fail(diagnostics, "E201", "a rule needs a detection: a map of searches and a condition", (detection or document).span)
    searches = {k.text: _search(v, diagnostics) for k, v in detection.members if k.text not in _BESIDE}
    if (timeframe := detection.get("timeframe")) is not None:
        diagnostics.warn("W305", "a timeframe has no effect: the condition counts nothing", timeframe.span, help="write a correlation rule to count over time")
    title = document.get("title")
    tags = tuple((k.text, v.text) for k, v in source.members if isinstance(v, Leaf) and k.text in ("product", "service", "category"))
    return Rule(title.text if isinstance(title, Leaf) else "", tags, source.span, _conditions(detection, searches, diagnostics))


def _conditions(detection: Members, searches: dict[str, Search], diagnostics: Diagnostics) -> tuple[Search, ...]:
    node = detection.get("condition")
    leaves = node.items if isinstance(node, Items) else (node,)
    found = []
    for leaf in leaves:
        if not isinstance(leaf, Leaf) or not leaf.text.strip():
            _fail(diagnostics, "E201", "a detection needs a condition such as: selection and not filter", (leaf or detection).span)
        if "\n" in leaf.text.strip() and diagnostics.source.text[leaf.span.start] in "|>":
            _fail(diagnostics, "E305", "a condition over several lines is not read", leaf.span, "write it on one line")
        found.append(parse_condition(leaf.span, diagnostics, searches))
    return tuple(found)


def _search(node: Node, diagnostics: Diagnostics) -> Search:
    match node:
        case Members(members=members, span=span):
            if not members:
                diagnostics.error("E201", "an empty search would match everything", span)
            return AllOf(tuple(_test(k, v, diagnostics) for k, v in members), span)
        case Items(items=items, span=span):
            if items and all(isinstance(i, Leaf) for i in items):
                return _keywords(items, span, ())
            return AnyOf(tuple(_search(i, diagnostics) for i in items), span)
        case Leaf(span=span):
            return _keywords((node,), span, ())


def _keywords(items: tuple[Node, ...], span: Span, modifiers: tuple[tuple[str, Span], ...]) -> Test:
    values = tuple(Value(i.value, i.span) for i in items if isinstance(i, Leaf))
    return Test(None, modifiers, values, span, span, len(values) > 1)


def _test(key: Leaf, node: Node, diagnostics: Diagnostics) -> Search:
    name, *words = key.text.split("|")
    places, at = [], key.span.start + len(name) + 1
    for word in words:
        places.append((word, Span(at, at + len(word))))
        at += len(word) + 1
    listed = isinstance(node, Items)
    leaves = node.items if isinstance(node, Items) else (node,)
    values = []
    for leaf in leaves:
        if isinstance(leaf, Leaf):
            values.append(Value(leaf.value, leaf.span))
        else:
            diagnostics.error("E201", "a field is compared with a value or a list of values", leaf.span)
    if listed and not values:
        diagnostics.error("E201", f"an empty list: {name or 'the keywords'} could never match", node.span)
    return Test(name or None, tuple(places), tuple(values), key.span.to(node.span), Span(key.span.start, key.span.start + len(name)), listed)
