"""A sequence of two steps, as languages that only look at the row before can say it.

The state of a sequence is the latest event of the first step that no event of the second has ended.
Where no event can meet both steps, that is told by one row: of the events that meet either, by key
and time, the one just before an event of the second step has to be one of the first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.translation.condition import FALSE, AnyOf, Condition, Field, Present, Subject, Test, all_of
from livefire.translation.flow import Flow, Ordered, put, read_flow
from livefire.translation.outline import subject_of
from livefire.translation.patterns import holds
from livefire.translation.refusal import NO_FORM, NO_READING, Untranslatable
from livefire.translation.simplify import simplified, single
from livefire.translation.statement import Choices, Part, conjuncts
from livefire.translation.vocabulary import NAMES, PRODUCTS


@dataclass(frozen=True, slots=True)
class Pair:
    """Two steps over one table: what every event meets, what tells the steps apart, the keys of each, and the span in ticks.

    `by_step` puts an event of the first step before one of the second at the same moment; otherwise they come as they are stored.
    """

    part: Part
    common: tuple[Condition, ...]
    steps: tuple[Condition, Condition]
    keys: tuple[tuple[Subject, Subject], ...]
    max_span: int | None
    by_step: bool
    span: Span | None

    def named(self, wanted: str) -> str:
        """Return a name that no field of the table has."""
        while wanted in self.part.vocabulary.items or wanted in self.part.vocabulary.table.schema.names:
            wanted += "_"
        return wanted


def read_pair(plan: n.Sequence, target: str, choices: Choices) -> Pair:
    """Return a sequence as a pair; Untranslatable where the row before does not tell whether it is met."""
    product = NAMES[PRODUCTS[target]]
    special = any(s.missing or s.runs > 1 or s.null_keys for s in plan.steps)
    if special or plan.until is not None or not plan.ordered or len(plan.steps) != 2:
        what = "a sequence of other than two steps" if len(plan.steps) != 2 else "a sequence with until, runs, or a missing, optional or unordered event"
        raise Untranslatable(NO_FORM, f"{product} has no faithful form for {what}", plan.span)
    found = [choices(_events(s, plan))[0] for s in plan.steps]
    if len({p.events.source for parts in found for p in parts}) != 1:
        raise Untranslatable(NO_READING, "a sequence over several log sources is not carried over", plan.span)
    (first,), (second,) = found
    keys = tuple((_key(a, first, plan), _key(b, second, plan)) for a, b in zip(plan.steps[0].keys, plan.steps[1].keys, strict=True))
    whole = [simplified(all_of(p.condition, *(Present(k[at]) for k in keys))) for at, p in enumerate((first, second))]
    if FALSE in whole or not _apart(*whole):
        said = "a sequence whose steps one event may meet both of: each event starts one and ends another"
        raise Untranslatable(NO_FORM, f"{product} has no faithful form for {said}", plan.span)
    common = tuple(c for c in conjuncts(whole[0]) if c in conjuncts(whole[1]))
    own = [all_of(*(c for c in conjuncts(w) if c not in common)) for w in whole]
    part = replace(first, assumptions=(*first.assumptions, *second.assumptions))
    return Pair(part, common, (own[0], own[1]), keys, plan.max_span, _by_step(plan, first), plan.span)


def _events(step: n.Step, plan: n.Sequence) -> Flow:
    flow = read_flow(step.input)
    if any(not isinstance(s, Ordered) for s in flow.stages):
        raise Untranslatable(NO_READING, "a step of a sequence that is more than a filter is not carried over", plan.span)
    return flow


def _by_step(plan: n.Sequence, part: Part) -> bool:
    """True where the number of the step decides between events of one moment; Untranslatable where a field of theirs does."""
    if not plan.tiebreak:
        return False
    if isinstance(put(n.column(plan.steps[0].input, plan.tiebreak[0]), part.events.columns), e.Case):
        return True
    raise Untranslatable(NO_READING, "a field that decides between events of one moment is not carried over", plan.span)


def _key(expr: e.Expr, part: Part, plan: n.Sequence) -> Subject:
    subject = subject_of(put(expr, part.events.columns), part, plan.span, "to sequence by")
    if isinstance(subject, Field) and (subject.reading in ("each", "only") or "*" in subject.steps):
        raise Untranslatable(NO_READING, "a sequence by the elements of a list is not carried over", plan.span)
    return subject


def _apart(one: Condition, other: Condition) -> bool:
    """True where a field tells that no event meets both conditions."""
    return any(_exclusive(a, b) for a in map(_alternatives, conjuncts(one)) for b in map(_alternatives, conjuncts(other)) if a and b)


def _alternatives(condition: Condition) -> tuple[Test, ...]:
    """Return tests of one field that holds one value, one of which is met; nothing for another condition."""
    parts = condition.parts if isinstance(condition, AnyOf) else (condition,)
    tests = tuple(p for p in parts if isinstance(p, Test))
    alike = len(tests) == len(parts) and len({t.subject for t in tests}) == 1
    return tests if alike and single(tests[0].subject) else ()


def _exclusive(some: tuple[Test, ...], others: tuple[Test, ...]) -> bool:
    return some[0].subject == others[0].subject and all(_differ(a, b) for a in some for b in others)


def _differ(one: Test, other: Test) -> bool:
    """True where no value passes both tests."""
    if one.op != "eq" and other.op == "eq":
        one, other = other, one
    if not isinstance(one.value, str) or not isinstance(other.value, str):
        return one.op == other.op == "eq" and type(one.value) is type(other.value) and one.value != other.value
    fold = one.fold or other.fold
    if one.op == "eq":
        return holds(other.op, fold, other.flags, one.value, other.value) is False
    if one.op == other.op and one.op in ("starts", "ends"):
        return not (holds(one.op, fold, "", one.value, other.value) or holds(one.op, fold, "", other.value, one.value))
    return False
