"""A flow as a whole text of the target language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.translation.condition import FALSE, TRUE, AllOf, Condition, Present, Subject, Test, all_of
from livefire.translation.flow import Events, Flow, Grouped, Ordered, read_flow, sequence_in
from livefire.translation.printer import Assumption
from livefire.translation.reading import ConditionReader
from livefire.translation.refusal import NO_FIELD, NO_FORM, NO_READING, Untranslatable
from livefire.translation.settle import Fitting
from livefire.translation.simplify import simplified
from livefire.translation.vocabulary import NAMES, PRODUCTS, Vocabulary, tables_of


@dataclass(frozen=True, slots=True)
class Translation:
    """A text of another language, what it assumes of the events, and what else is to be known of it.

    `numbers` pairs the columns of rule and text that hold the same number in each row.
    """

    language: str
    text: str
    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()
    numbers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The events of one log source under the target's names, with the condition they meet."""

    events: Events
    vocabulary: Vocabulary
    condition: Condition
    assumptions: tuple[Assumption, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A text with the assumptions of its printers."""

    text: str
    assumptions: tuple[Assumption, ...] = ()
    notes: tuple[str, ...] = ()
    numbers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What a writer is given: the events under the target's names, the stages that follow, and the rule's title.

    `whole` is False for a rule that picks its columns.
    """

    parts: tuple[Part, ...]
    flow: Flow
    title: str
    whole: bool = True


Writer = Callable[[Work], Written]
# The events of a flow under each table that the target has for them.
Choices = Callable[[Flow], list[tuple[Part, ...]]]


def translate(plan: n.Plan, target: str, tables: tuple[Table, ...], title: str) -> Translation:
    """Return the plan of a rule in the target language; Untranslatable, with the clause, when it has no faithful form there."""
    sequence = sequence_in(plan)
    if sequence is not None:
        said = _sequence(sequence, target, partial(_choices, target=target, tables=tables), title)
        return Translation(target, said.text, tuple(dict.fromkeys(said.assumptions)), said.notes)
    flow = read_flow(plan)
    whole = all(_shows_all(p, tables) for p in flow.events)
    refusals: list[Untranslatable] = []
    for choice in _choices(flow, target, tables):
        try:
            written = writer(target)(Work(choice, flow, title, whole))
            notes = (*written.notes, *_left_out(flow, whole=whole, plain=target in ("eql", "sigma") or len(choice) > 1))
            return Translation(
                target, written.text, tuple(dict.fromkeys((*(a for p in choice for a in p.assumptions), *written.assumptions))), notes, written.numbers
            )
        except Untranslatable as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _sequence(plan: n.Sequence, target: str, choices: Choices, title: str) -> Written:
    from livefire.translation.eql_sequence import write_sequence
    from livefire.translation.pair_text import write_pair

    return write_sequence(plan, lambda flow: choices(flow)[0]) if target == "eql" else write_pair(plan, target, choices, title)


def _left_out(flow: Flow, *, whole: bool, plain: bool) -> tuple[str, ...]:
    """Say which columns and orders of the rule the text does not show: its findings are the same events without them.

    `plain` texts show whole events: those of languages without columns, and those over several tables.
    """
    if any(isinstance(s, Grouped) for s in flow.stages):
        return ()
    added = dict.fromkeys(
        c for p in flow.events[:1] for c in p.columns if whole and len(flow.events) == 1 and p.own(c) and c.isprintable() and not c.startswith("~")
    )
    notes = [f"the column {name}, which the rule adds, is not shown; what the rule asks of it is carried over" for name in added]
    if plain:
        notes += ["the rule picks its columns; the text shows the whole event"] if not whole else []
        notes += ["the rule orders its rows; the text does not"] if flow.stages else []
    return tuple(notes)


def _shows_all(events: Events, tables: tuple[Table, ...]) -> bool:
    """True when a rule shows its events with every column that its table has."""
    return any(t.schema.names and set(t.schema.names) <= set(events.columns) for t in tables)


def _choices(flow: Flow, target: str, tables: tuple[Table, ...]) -> list[tuple[Part, ...]]:
    """Return the flow's events under each table that the product has for them, the usual one first."""
    product = PRODUCTS[target]
    found: list[tuple[Part, ...]] = []
    per_event = [tables_of(product, p.source, tables) for p in flow.events]
    for missing, names in zip(flow.events, per_event, strict=True):
        if not names and (not missing.predicates or _condition(missing, lambda _e: False) != FALSE):
            raise Untranslatable(NO_FIELD, f"{NAMES[product]} has no table here for the events of {missing.source}", first_span(missing))
    for turn in range(max((len(t) for t in per_event), default=0)):
        parts = []
        for events, choices in zip(flow.events, per_event, strict=True):
            if not choices:
                continue
            vocabulary = Vocabulary(choices[min(turn, len(choices) - 1)], events.source, reads_json=target == "kql")
            fitting = Fitting(vocabulary)
            condition = simplified(fitting.fit(_condition(events, vocabulary.has)))
            if condition != FALSE:
                parts.append(Part(events, vocabulary, condition, tuple(fitting.assumptions)))
        if not parts:
            raise Untranslatable(NO_READING, "no event of any log source can meet the rule", first_span(flow.events[0]))
        found.append(tuple(parts))
    return found


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
    sequence = sequence_in(plan)
    if sequence is not None:
        for step in (*sequence.steps, *((sequence.until,) if sequence.until is not None else ())):
            yield from conditions_of(step.input)
        return
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


def known_present(condition: Condition) -> frozenset[Subject]:
    """Return the fields that every event which meets a condition has."""
    return frozenset(c.subject for c in conjuncts(condition) if isinstance(c, (Test, Present)))


def first_span(events: Events) -> Span | None:
    """Return the place of the first predicate."""
    return next((p.span for p in events.predicates if p.span is not None), None)


def only_events(work: Work, language: str) -> None:
    """Refuse what follows the events, for a language whose rules are filters."""
    for stage in work.flow.stages:
        if not isinstance(stage, Ordered):
            raise Untranslatable(NO_FORM, f"{language} has no faithful form for what follows the filter", stage.span)


def not_grouped(work: Work) -> None:
    """Refuse groups and cuts over several log sources; the events of several are shown whole, and in no order."""
    if len(work.parts) > 1 and any(not isinstance(s, Ordered) for s in work.flow.stages):
        raise Untranslatable(NO_READING, "groups and cuts over several log sources are not carried over", first_span(work.parts[1].events))


# One a line: each is a module of this package with a function `write`.
WRITERS = {
    "kql": "kql_statement",
    "esql": "esql_statement",
    "eql": "eql_statement",
    "spl": "spl_statement",
    "cql": "cql_statement",
    "sigma": "sigma_statement",
}


def writer(target: str) -> Writer:
    """Return what writes a language, loading it."""
    found: Writer = import_module(f"livefire.translation.{WRITERS[target]}").write
    return found
