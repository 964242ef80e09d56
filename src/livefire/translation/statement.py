"""A flow as a whole text of the target language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.translation.condition import FALSE, TRUE, AllOf, Condition, all_of
from livefire.translation.flow import Events, Flow, Ordered, read_flow
from livefire.translation.printer import Assumption, Printer
from livefire.translation.reading import ConditionReader
from livefire.translation.refusal import NO_FIELD, NO_READING, Untranslatable
from livefire.translation.simplify import simplified
from livefire.translation.vocabulary import NAMES, PRODUCTS, Vocabulary, tables_of


@dataclass(frozen=True, slots=True)
class Translation:
    """A text of another language, what it assumes of the events, and what else is to be known of it."""

    language: str
    text: str
    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The events of one log source under the target's names, with the condition they meet."""

    events: Events
    vocabulary: Vocabulary
    condition: Condition


@dataclass(frozen=True, slots=True)
class Written:
    """A text with the assumptions of its printers."""

    text: str
    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What a writer is given: the events under the target's names, the stages that follow, and the rule's title."""

    parts: tuple[Part, ...]
    flow: Flow
    title: str


Writer = Callable[[Work], Written]


def translate(plan: n.Plan, target: str, tables: tuple[Table, ...], title: str) -> Translation:
    """Return the plan of a rule in the target language; Untranslatable, with the clause, when it has no faithful form there."""
    flow = read_flow(plan)
    refusals: list[Untranslatable] = []
    for choice in _choices(flow, target, tables):
        try:
            written = WRITERS[target](Work(choice, flow, title))
            return Translation(target, written.text, tuple(dict.fromkeys(written.assumptions)), written.notes)
        except Untranslatable as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _choices(flow: Flow, target: str, tables: tuple[Table, ...]) -> list[tuple[Part, ...]]:
    """Return the flow's events under each table that the product has for them, the usual one first."""
    product = PRODUCTS[target]
    found: list[tuple[Part, ...]] = []
    per_event = [tables_of(product, p.source, tables) for p in flow.events]
    for missing, names in zip(flow.events, per_event, strict=True):
        if not names and (not missing.predicates or _condition(missing, lambda _e: False) != FALSE):
            raise Untranslatable(NO_FIELD, f"{NAMES[product]} has no table here for the events of {missing.source}", _first_span(missing))
    for turn in range(max((len(t) for t in per_event), default=0)):
        parts = []
        for events, choices in zip(flow.events, per_event, strict=True):
            if not choices:
                continue
            vocabulary = Vocabulary(choices[min(turn, len(choices) - 1)], events.source)
            condition = _condition(events, vocabulary.has)
            if condition != FALSE:
                parts.append(Part(events, vocabulary, condition))
        if not parts:
            raise Untranslatable(NO_READING, "no event of any log source can meet the rule", _first_span(flow.events[0]))
        found.append(tuple(parts))
    return found


def _first_span(events: Events) -> Span | None:
    return next((p.span for p in events.predicates if p.span is not None), None)


def _condition(events: Events, has: Callable[[e.Expr], bool]) -> Condition:
    reader = ConditionReader(events.source, has)
    parts = []
    for predicate in events.predicates:
        try:
            parts.append(reader.truth(predicate.expr))
        except Untranslatable as refusal:
            raise Untranslatable(refusal.code, refusal.message, refusal.span or predicate.span, refusal.help) from refusal
    return simplified(all_of(*parts))


def conditions_of(plan: n.Plan) -> Iterator[tuple[str, Condition]]:
    """Yield for each log source that a plan reads the condition its events meet, as far as that can be told."""
    try:
        flow = read_flow(plan)
    except Untranslatable:
        return
    for events in flow.events:
        parts = []
        for predicate in events.predicates:
            try:
                parts.append(ConditionReader(events.source, lambda _expr: False).truth(predicate.expr))
            except Untranslatable:
                continue
        yield events.source, simplified(all_of(*parts))


def conjuncts(condition: Condition) -> tuple[Condition, ...]:
    """Return the parts that must all hold."""
    if condition == TRUE:
        return ()
    return condition.parts if isinstance(condition, AllOf) else (condition,)


def only_events(flow: Flow) -> None:
    """Refuse what follows the events, for a language that has no such stages."""
    for stage in flow.stages:
        if not isinstance(stage, Ordered):
            raise Untranslatable(NO_READING, "what follows the filter is not carried over", stage.span)


def _kql(work: Work) -> Written:
    from livefire.translation.kql_text import KqlPrinter

    only_events(work.flow)
    parts = work.parts
    texts: list[Any] = []
    assumed: list[Assumption] = []
    for part in parts:
        printer = KqlPrinter(part.vocabulary)
        lines = [part.vocabulary.table.name, *(f"| where {printer.show(c)}" for c in conjuncts(part.condition))]
        texts.append(lines)
        assumed += printer.assumptions
    if len(texts) == 1:
        return Written("\n".join(texts[0]), tuple(assumed))
    body = ",\n".join("    (" + "\n    ".join(lines) + ")" for lines in texts)
    return Written(f"union\n{body}", tuple(assumed))


def _esql(work: Work) -> Written:
    from livefire.translation.esql_text import EsqlPrinter

    only_events(work.flow)
    parts = work.parts
    names = ", ".join(p.vocabulary.table.name for p in parts)
    conditions, assumed = _each(parts, EsqlPrinter, lambda p: f'event.dataset == "{p.vocabulary.table.tags["dataset"]}"')
    if len(parts) == 1:
        lines = [f"| WHERE {c}" for c in conditions[0]]
        return Written("\n".join([f"FROM {names}", *lines]), assumed, (ROWS,))
    either = "\n    OR ".join("(" + " AND ".join(c) + ")" for c in conditions)
    return Written(f"FROM {names}\n| WHERE {either}", assumed, (ROWS,))


ROWS = "ES|QL gives at most 1,000 rows unless LIMIT says otherwise, and never more than 10,000"


def _each(parts: tuple[Part, ...], kind: type[Printer], tag: Callable[[Part], str]) -> tuple[list[list[str]], tuple[Assumption, ...]]:
    """Return the conjuncts of each part as texts, each headed by its tag where there are several parts."""
    texts: list[Any] = []
    assumed: list[Assumption] = []
    for part in parts:
        printer = kind(part.vocabulary)
        whole = all_of(*conjuncts(part.condition))
        known = frozenset(c.subject for c in conjuncts(whole) if hasattr(c, "subject"))
        said = [printer.show(c, nested=len(parts) > 1 or len(conjuncts(whole)) > 1, present=known) for c in _gathered(conjuncts(whole))]
        texts.append(([tag(part)] if len(parts) > 1 else []) + said)
        assumed += printer.assumptions
    return texts, tuple(assumed)


def _gathered(parts: tuple[Condition, ...]) -> tuple[Condition, ...]:
    return parts


def _eql(work: Work) -> Written:
    from livefire.translation.eql_text import EqlPrinter

    only_events(work.flow)
    parts = work.parts
    texts: list[Any] = []
    assumed: list[Assumption] = []
    for part in parts:
        printer = EqlPrinter(part.vocabulary)
        dataset = f'event.dataset == "{part.vocabulary.table.tags["dataset"]}"'
        said = [printer.show(c, nested=True) for c in conjuncts(part.condition)]
        texts.append([dataset, *said])
        assumed += printer.assumptions
    if len(texts) == 1:
        return Written("any where " + " and\n    ".join(texts[0]), tuple(assumed))
    return Written("any where " + " or\n    ".join("(" + " and ".join(t) + ")" for t in texts), tuple(assumed))


def _spl(work: Work) -> Written:
    from livefire.translation.spl_text import SearchPrinter, WherePrinter, searchable

    only_events(work.flow)
    parts = work.parts
    texts: list[tuple[list[str], list[str]]] = []
    assumed: list[Assumption] = []
    for part in parts:
        search, where = SearchPrinter(part.vocabulary), WherePrinter(part.vocabulary)
        plain = [c for c in conjuncts(part.condition) if searchable(c)]
        rest = [c for c in conjuncts(part.condition) if not searchable(c)]
        known = frozenset(c.subject for c in conjuncts(part.condition) if hasattr(c, "subject"))
        said = [search.show(c, nested=True) for c in plain]
        then = [where.show(c, present=known) for c in rest]
        texts.append(([f'sourcetype="{part.vocabulary.table.tags["sourcetype"]}"', *said], then))
        assumed += [*search.assumptions, *where.assumptions]
    if len(texts) == 1:
        head, tail = texts[0]
        return Written("\n".join([" ".join(head), *(f"| where {t}" for t in tail)]), tuple(assumed))
    if any(tail for _, tail in texts):
        raise Untranslatable(NO_READING, "several sourcetypes with conditions that a search cannot say", _first_span(parts[0].events))
    return Written("\n OR ".join("(" + " ".join(head) + ")" for head, _ in texts), tuple(assumed))


def _cql(work: Work) -> Written:
    from livefire.translation.cql_text import CqlPrinter

    only_events(work.flow)
    parts = work.parts
    texts: list[Any] = []
    assumed: list[Assumption] = []
    for part in parts:
        printer = CqlPrinter(part.vocabulary)
        tags = part.vocabulary.table.tags
        head = f"#Vendor={tags['#Vendor']} #event.module={tags['#event.module']}"
        texts.append((head, [printer.show(c) for c in conjuncts(part.condition)]))
        assumed += printer.assumptions
    if len(texts) == 1:
        head, tail = texts[0]
        return Written("\n".join([head, *(f"| {t}" for t in tail)]), tuple(assumed))
    either = "\n OR ".join("(" + " AND ".join([*head.split(" "), *(f"({t})" for t in tail)]) + ")" for head, tail in texts)
    return Written(either, tuple(assumed))


def _sigma(work: Work) -> Written:
    import yaml

    from livefire.translation.sigma_text import SigmaPrinter

    only_events(work.flow)
    parts = work.parts
    if len(parts) > 1:
        raise Untranslatable(NO_READING, "a Sigma rule reads one log source", _first_span(parts[1].events))
    (part,) = parts
    printer = SigmaPrinter(part.vocabulary)
    rule = {
        "title": work.title,
        "status": "experimental",
        "logsource": {k: v for k, v in part.vocabulary.table.tags.items() if k != "vendor"},
        "detection": printer.detection(part.condition),
    }
    text = yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=160)
    return Written(text.rstrip("\n"), tuple(printer.assumptions))


WRITERS: dict[str, Writer] = {"kql": _kql, "esql": _esql, "eql": _eql, "spl": _spl, "cql": _cql, "sigma": _sigma}
