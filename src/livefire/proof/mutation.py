"""Mutants of a rule: one clause changed at a time, run over its trials. A mutant that changes no outcome shows what no trial tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from livefire.detections.detection import Rule
from livefire.detections.runner import Bench, compile_rule, python_rows
from livefire.diagnostics import QueryError, Source, Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.evidence import EVIDENCE, carry_evidence
from livefire.plan.functions import call
from livefire.plan.rewrite import rewrite
from livefire.plan.walk import map_inputs, parts_of, place_of
from livefire.proof.trial import Trial
from livefire.schema import Type

Outcomes = tuple[object, ...]
SECOND = 10_000_000  # ticks: no cloud that writes whole seconds can show a smaller step


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule with one change: where it is, what was done to it, and the plan that has it.

    `constant` says that the clause asks for a field that is the same in every row of the table, such as LogScale's `#Vendor`.
    """

    span: Span
    change: str
    clause: str
    plan: n.Plan
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A mutant and the trial that noticed it, None when none did; `test` is then the case to add."""

    mutant: Mutant
    noticed_by: str | None
    test: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How many of a rule's mutants its trials notice."""

    rule: Rule
    judged: tuple[Judged, ...]

    @property
    def survivors(self) -> tuple[Judged, ...]:
        """The mutants that no trial notices."""
        return tuple(j for j in self.judged if j.noticed_by is None)

    @property
    def share(self) -> float:
        """The share that is noticed, 1.0 for a rule without clauses."""
        return 1.0 - len(self.survivors) / len(self.judged) if self.judged else 1.0


def mutate(
    rule: Rule,
    trials: Sequence[Trial],
    bench: Bench,
    *,
    lenient: bool = False,
    only: Callable[[Mutant], bool] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Score:
    """Run every mutant of a rule that `only` lets through over its trials, in order, until one gives something else; QueryError for a rule that cannot run."""
    plan = compile_rule(rule, bench, lenient=lenient).lowered
    source = Source(rule.text, rule.name)
    usual = [_outcome(plan, trial, bench) for trial in trials]
    judged = []
    for told in mutants(plan, source):
        if only is not None and not only(told):
            continue
        mutant = _without(told, rule, bench, lenient=lenient) if told.constant and told.change == "left out" else told
        if progress is not None:
            progress(f"{mutant.change}: {mutant.clause}")
        noticed = next((t.name for t, was in zip(trials, usual, strict=True) if _outcome(mutant.plan, t, bench) != was), None)
        judged.append(Judged(mutant, noticed, "" if noticed else _test_for(mutant)))
    return Score(rule, tuple(judged))


def _outcome(plan: n.Plan, trial: Trial, bench: Bench) -> Outcomes:
    """Return what a plan finds in a trial: the evidence of its rows, or the error it ends with."""
    here = replace(bench, storage=trial.storage, now=trial.now)
    carried = rewrite(n.select(carry_evidence(plan), EVIDENCE))  # alone: computing whole events, which some rules show, would be most of the work
    try:
        rows = python_rows(bench.engine.execute(carried, trial.storage, here.run_values()), carried.schema)
    except QueryError as error:
        return ("error", error.diagnostics[0].code if error.diagnostics else "")
    return tuple(sorted(tuple(sorted(set(row[EVIDENCE] or ()))) for row in rows))


def _test_for(mutant: Mutant) -> str:
    if mutant.change in ("left out", "a word changed", "a bound moved"):
        return f"a look-alike that differs from the attack only in: {mutant.clause}"
    return f"a case that turns on: {mutant.clause}"


def mutants(plan: n.Plan, source: Source) -> Iterator[Mutant]:
    """Yield the plans that differ from a rule's in one condition that stands in its text.

    Each condition and alternative of a filter is left out and turned round, each word and each number
    in a comparison changed; two that come out the same are yielded once.
    """
    seen: set[tuple[Span, str]] = set()
    for node in _nodes(plan):
        if not isinstance(node, n.Filter):
            continue
        for span, change, predicate in (*_whole(node.predicate), *_changes(node.predicate)):
            clause = " ".join(source.slice(span).split())
            if clause and (span, change) not in seen:
                seen.add((span, change))
                yield Mutant(span, change, clause, _exchange(plan, node, replace(node, predicate=predicate)), _asks_constant(node, span))


def _asks_constant(node: n.Filter, span: Span) -> bool:
    """True when the clause at a place compares a column that the table below fills with one word."""
    names = {part.name for test in parts_of(node.predicate) if place_of(test) == span for part in parts_of(test) if isinstance(part, e.Column)}
    below = node.input
    while isinstance(below, n.Filter):
        below = below.input
    if not names or not isinstance(below, n.Project):
        return False
    return all(isinstance(column.expr, e.Literal) for column in below.items if column.name in names)


def _without(mutant: Mutant, rule: Rule, bench: Bench, *, lenient: bool) -> Mutant:
    """Return the mutant as the text without the clause would be read, where it can be: a product chooses its tables by such a clause."""
    blank = rule.text[: mutant.span.start] + " " * (mutant.span.end - mutant.span.start) + rule.text[mutant.span.end :]
    try:
        return replace(mutant, plan=compile_rule(Rule(rule.name, rule.language, blank, rule.path), bench, lenient=lenient).lowered)
    except QueryError:
        return mutant


def _whole(predicate: e.Expr) -> Iterator[tuple[Span, str, e.Expr]]:
    """Yield the filter without its condition, where that is not made of several."""
    span = place_of(predicate)
    if span is not None and not (isinstance(predicate, e.Call) and predicate.function in ("logic.and", "logic.or")):
        yield span, "left out", e.Literal(True, Type.BOOL)


def _nodes(plan: n.Plan) -> Iterator[n.Plan]:
    for child in n.inputs(plan):
        yield from _nodes(child)
    yield plan


def _exchange(plan: n.Plan, old: n.Plan, new: n.Plan) -> n.Plan:
    return new if plan is old else map_inputs(plan, lambda child: _exchange(child, old, new))


def _changes(predicate: e.Expr) -> Iterator[tuple[Span, str, e.Expr]]:
    """Yield the predicates that differ in one place, with that place and what was done there."""
    match predicate:
        case e.Call(function="logic.and" | "logic.or", args=args):
            for at, arg in enumerate(args):
                rest = (*args[:at], *args[at + 1 :])
                span = place_of(arg)
                if span is not None and rest:
                    yield span, "left out", rest[0] if len(rest) == 1 else replace(predicate, args=rest)
                for inner, change, changed in _changes(arg):
                    if not (change == "left out" and inner == span):
                        yield inner, change, replace(predicate, args=(*args[:at], changed, *args[at + 1 :]))
        case e.Call(function="logic.is_true" | "logic.not", args=(inner_expr,)):
            for inner, change, changed in _changes(inner_expr):
                yield inner, change, replace(predicate, args=(changed,))
        case e.Call():
            yield from _of_test(predicate)


def _of_test(test: e.Call) -> Iterator[tuple[Span, str, e.Expr]]:
    span = place_of(test)
    if span is None:
        return
    yield span, "turned round", call("logic.not", call("logic.is_true", test, span=span), span=span)
    for at, arg in enumerate(test.args):
        if not isinstance(arg, e.Literal) or isinstance(arg.value, bool):
            continue
        if isinstance(arg.value, str) and arg.value:
            yield span, "a word changed", replace(test, args=(*test.args[:at], replace(arg, value=arg.value + "~"), *test.args[at + 1 :]))
        elif isinstance(arg.value, int):
            step = SECOND if arg.type is Type.TIMESPAN else 1
            yield span, "a bound moved", replace(test, args=(*test.args[:at], replace(arg, value=arg.value + step), *test.args[at + 1 :]))
