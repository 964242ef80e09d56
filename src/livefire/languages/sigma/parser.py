"""Reads Sigma rules, correlations and filters, one or more in a text.

https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html
https://sigmahq.io/sigma-specification/specification/sigma-filters-specification.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from livefire.diagnostics import Diagnostics, Halt, Span
from livefire.languages.base import Context
from livefire.languages.sigma.ast import AllOf, AnyOf, Collection, Correlation, Filter, LogSource, Reference, Rule, Search, Test, Value
from livefire.languages.sigma.condition import parse_condition
from livefire.languages.sigma.correlation import parse_correlation
from livefire.languages.sigma.counted import Counted, split_counted
from livefire.languages.sigma.yaml_text import Items, Leaf, Members, Node, read_documents

_BESIDE = ("condition", "timeframe")
_KINDS = ("product", "service", "category")


def parse(context: Context) -> Collection:
    """Return the rules and correlations in the source, filters put in; errors are recorded, and `Halt` ends a text that is no rule."""
    diagnostics = context.diagnostics
    documents = _repeated(read_documents(diagnostics), diagnostics)
    if not documents:
        _fail(diagnostics, "E201", "expected a rule, found nothing", Span(0, 1))
    rules: list[Rule] = []
    correlations: list[Correlation] = []
    filters: list[Filter] = []
    for document in documents:
        if document.get("correlation") is not None:
            correlations.append(replace(parse_correlation(document, diagnostics), beside=_beside(document)))
        elif document.get("filter") is not None:
            filters.append(_filter(document, diagnostics))
        else:
            rule, counted = _rule(document, context)
            rules.append(replace(rule, beside=_beside(document)))
            correlations += counted
    if not (rules or correlations):
        _fail(diagnostics, "E201", "a filter finds nothing by itself: it belongs beside the rules that it filters", documents[0].span)
    _unique((*rules, *correlations), diagnostics)
    return Collection(tuple(_filtered(r, filters, diagnostics) for r in rules), tuple(correlations))


def _fail(diagnostics: Diagnostics, code: str, message: str, span: Span, help: str = "") -> NoReturn:
    diagnostics.error(code, message, span, help=help)
    raise Halt


def _repeated(documents: list[Node], diagnostics: Diagnostics) -> list[Members]:
    """Return the documents with what `action: global` and `action: repeat` add to them."""
    found: list[Members] = []
    common: Members | None = None
    for document in documents:
        if not isinstance(document, Members):
            _fail(diagnostics, "E201", "a rule is a map of keys such as title, logsource and detection", document.span)
        action = document.get("action")
        said = action.text if isinstance(action, Leaf) else None
        rest = Members(tuple(m for m in document.members if m[0].text != "action"), document.span)
        if said == "beside":
            found.append(document)
        elif said == "global":
            common = rest
        elif said == "reset":
            common = None
        elif said == "repeat" and found:
            found.append(_laid_over(found[-1], rest))
        elif said is not None:
            _fail(diagnostics, "E107", "an action is global, reset or repeat", (action or document).span)
        else:
            found.append(_laid_over(common, rest) if common is not None else rest)
    return found


def _beside(document: Members) -> bool:
    """True for a document of another file, which reading a folder puts in."""
    action = document.get("action")
    return isinstance(action, Leaf) and action.text == "beside"


def _laid_over(under: Members, over: Members) -> Members:
    """Return a document with another's members in place of its own, maps within maps."""
    members = {k.text: (k, v) for k, v in under.members}
    for key, value in over.members:
        known = members.get(key.text)
        both = known is not None and isinstance(known[1], Members) and isinstance(value, Members)
        members[key.text] = (key, _laid_over(known[1], value)) if both else (key, value)  # type: ignore[index, arg-type]  # both are maps
    return Members(tuple(members.values()), over.span)


def _unique(found: tuple[Rule | Correlation, ...], diagnostics: Diagnostics) -> None:
    """Refuse a name that a correlation refers to and two rules have; the parts of one rule, laid over `action: global`, share theirs."""
    referred = {r.text for one in found if isinstance(one, Correlation) for r in one.rules}
    seen: dict[str, Span] = {}
    for one in found:
        for name in one.names:
            if name in seen and name in referred:
                diagnostics.error("E106", f"two rules here are named {name!r}", one.span)
            seen[name] = one.span


def names_of(document: Members) -> tuple[str, ...]:
    """Return the id and the name of a document, as far as it has them."""
    return tuple(node.text for key in ("id", "name") if isinstance(node := document.get(key), Leaf) and node.text)


def title_of(document: Members) -> str:
    """Return the title of a document."""
    title = document.get("title")
    return title.text if isinstance(title, Leaf) else ""


def _source(document: Members, what: str, diagnostics: Diagnostics) -> LogSource:
    source = document.get("logsource")
    if not isinstance(source, Members):
        _fail(diagnostics, "E201", f"{what} needs a logsource: a map of product, service or category", (source or document).span)
    tags = tuple((k.text, v.text) for k, v in source.members if isinstance(v, Leaf) and k.text in _KINDS)
    return LogSource(tags, source.span)


def _rule(document: Members, context: Context) -> tuple[Rule, list[Correlation]]:
    """Return a rule; in an older one a count of its own comes with it."""
    diagnostics = context.diagnostics
    source = _source(document, "a rule", diagnostics)
    detection = document.get("detection")
    if not isinstance(detection, Members):
        _fail(diagnostics, "E201", "a rule needs a detection: a map of searches and a condition", (detection or document).span)
    searches = {k.text: _search(v, diagnostics) for k, v in detection.members if k.text not in _BESIDE}
    conditions, counted = _conditions(detection, searches, context)
    if (timeframe := detection.get("timeframe")) is not None and not counted:
        diagnostics.warn("W305", "a timeframe has no effect: the condition counts nothing", timeframe.span, help="write a correlation rule to count over time")
    rule = Rule(title_of(document), names_of(document), source, conditions, document.span)
    if not counted:
        return rule, []
    inner = replace(rule, names=("counted here",))
    return inner, [counted[0].correlation(rule, detection, diagnostics)]


def _filter(document: Members, diagnostics: Diagnostics) -> Filter:
    source, part = _source(document, "a filter", diagnostics), document.get("filter")
    if not isinstance(part, Members):
        _fail(diagnostics, "E201", "a filter is a map of rules, searches and a condition", (part or document).span)
    rules = part.get("rules")
    if rules is None:
        _fail(diagnostics, "E201", "a filter needs rules: their ids or names, or any", part.span)
    leaves = rules.items if isinstance(rules, Items) else (rules,)
    wanted = tuple(Reference(leaf.text, leaf.span) for leaf in leaves if isinstance(leaf, Leaf))
    every = not wanted or (isinstance(rules, Leaf) and rules.text.lower() == "any")
    searches = {k.text: _search(v, diagnostics) for k, v in part.members if k.text not in ("condition", "rules")}
    condition = part.get("condition")
    if not isinstance(condition, Leaf):
        _fail(diagnostics, "E201", "a filter needs one condition", (condition or part).span)
    parsed = parse_condition(condition.span, diagnostics, searches)
    return Filter(title_of(document), source, None if every else wanted, parsed, document.span)


def _filtered(rule: Rule, filters: list[Filter], diagnostics: Diagnostics) -> Rule:
    """Return a rule whose every condition has those filters added that are meant for it."""
    for one in filters:
        named = one.rules is None or any(r.text in rule.names for r in one.rules)
        if named and one.source.covers(rule.source):
            rule = replace(rule, conditions=tuple(AllOf((c, one.condition), c.span) for c in rule.conditions))
        elif named and one.rules is not None:
            diagnostics.warn("W161", f"the filter {one.title!r} is for another log source than the rule it names", one.source.span)
    return rule


def _conditions(detection: Members, searches: dict[str, Search], context: Context) -> tuple[tuple[Search, ...], list[Counted]]:
    diagnostics = context.diagnostics
    node = detection.get("condition")
    leaves = node.items if isinstance(node, Items) else (node,)
    found, counted = [], []
    for leaf in leaves:
        if not isinstance(leaf, Leaf) or not leaf.text.strip():
            _fail(diagnostics, "E201", "a detection needs a condition such as: selection and not filter", (leaf or detection).span)
        span, count = split_counted(leaf.span, context)
        if count is not None:
            counted.append(count)
        found.append(parse_condition(span, diagnostics, searches))
    if counted and len(leaves) > 1:
        _fail(diagnostics, "E305", "a count after one of several conditions is not read", detection.span)
    return tuple(found), counted


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
