"""Checks of logic: what can never hold, what always holds, and what holds for too much."""

from __future__ import annotations

from collections.abc import Iterator

from livefire.diagnostics import NOWHERE, Label, Span
from livefire.lint.rule import Found, Reading, check
from livefire.lint.scope import on_action, required
from livefire.lint.tests import EQUAL, PART, PATTERN, Test
from livefire.lint.words import aws_operations, aws_services, is_read, lets_through
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import place_of

ANYTHING = ("", "a", "Z9", "-", "some text, of words", "a\nb")
MEANT = 0.9
MANY = 25
OFTEN_ABSENT = frozenset({"aws_cloudtrail.identity_user_name", "azure_activity.upn"})


def _scalar(test: Test) -> bool:
    """True for a test of one column that holds one text."""
    return bool(test.origins) and not any(o.steps for o in test.origins)


def _same_field(a: Test, b: Test) -> bool:
    return _scalar(a) and a.origins == b.origins


def _allowed(test: Test, words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the words that a test lets through, its negation counted; None where one cannot be told."""
    verdicts = [lets_through(test, w) for w in words]
    if None in verdicts:
        return None
    return tuple(w for w, v in zip(words, verdicts, strict=True) if v != test.negated)


def _settled(tests: list[Test]) -> list[Test]:
    """Return the tests that leave a field only the words they name."""
    return [t for t in tests if t.exact and not t.negated and t.words and _scalar(t)]


@check(
    650,
    "error",
    "conditions that exclude each other",
    why="Every row has to pass both, and no value can: the rule never fires, whatever happens.",
    example='EventName == "StartInstances" | where EventName == "StopInstances"',
    mend="join the values with or; to find both events in one story, use a join or a sequence",
)
def contradiction(reading: Reading) -> Iterator[Found]:
    """Tests of one field on the way of the same rows, the values of one against the other."""
    seen: set[tuple[object, object]] = set()
    for clause in reading.facts.of(n.Filter):
        tests = required(reading.facts, clause)
        for fixed in _settled(tests):
            for other in tests:
                if other is fixed or not _same_field(fixed, other) or (id(other), id(fixed)) in seen or (id(fixed), id(other)) in seen:
                    continue
                seen.add((id(fixed), id(other)))
                folded = fixed.words if fixed.sensitive or not other.sensitive else None
                if folded is not None and _allowed(other, folded) == ():
                    first, second = sorted((fixed, other), key=lambda t: (t.span or NOWHERE).start)
                    label = Label(first.span or NOWHERE, "this leaves only other values")
                    yield Found(second.span or NOWHERE, "no value passes both this and an earlier condition", labels=(label,))


@check(
    651,
    "warning",
    "a branch that is never taken",
    why="A condition before it lets no value through that the branch waits for. What the branch was to catch is not caught.",
    example='EventName in ("RunInstances") … case(EventName == "CreateSnapshot", "High", "Low")',
    mend="take the branch out, or widen the condition before it",
)
def dead_branch(reading: Reading) -> Iterator[Found]:
    """A test that stands beside others, against what is required of the same field before it."""
    for clause in reading.facts.nodes:
        if not isinstance(clause, (n.Filter, n.Project)):
            continue
        fixed = _settled(required(reading.facts, clause.input))
        for test in reading.facts.tests:
            if test.clause is not clause or not test.alternative or test.negated:
                continue
            for before in fixed:
                if _same_field(before, test) and (before.sensitive or not test.sensitive) and _allowed(test, before.words) == ():
                    label = Label(before.span or NOWHERE, f"only {', '.join(before.words[:4])}{' …' if len(before.words) > 4 else ''} gets here")
                    yield Found(test.span or NOWHERE, "no row that gets here can meet this", labels=(label,))
                    break


@check(
    652,
    "warning",
    "a pattern that everything matches",
    why="The pattern holds for any text at all: the condition looks as if it chose, and it does not.",
    example="EventName matches regex '.*'",
    mend="take it out, or write what it was to choose",
)
def matches_everything(reading: Reading) -> Iterator[Found]:
    """Patterns that let every one of a handful of unlike texts through."""
    for test in reading.facts.tests:
        if (test.meaning in PATTERN or test.meaning in PART) and test.words and all(lets_through(test, w) for w in ANYTHING):
            if test.meaning.startswith("text.wildcard"):
                continue  # a field that exists, as several languages write it
            yield Found(test.span or NOWHERE, f"every text {'fails' if test.negated else 'passes'} this")


@check(
    653,
    "warning",
    "a part of a word stands for an action",
    why="A loose part such as create or delete occurs in many operations that have nothing to do with each other, and in ones that only look.",
    example="EventName matches regex '(?i)(create|modify)'",
    mend="list the operations, each whole; several services may share one name, so name the event source as well",
)
def loose_classification(reading: Reading) -> Iterator[Found]:
    """Patterns over CloudTrail's event name that let more than 25 operations of the tested service through."""
    for test in reading.facts.tests:
        if not test.reads("aws_cloudtrail.event_name") or test.exact or not test.words or test.negated or test.meaning.endswith("starts_with"):
            continue
        sources = [s for s in reading.facts.tests if s.reads("aws_cloudtrail.event_source") and not s.negated]
        known = [h for h in aws_services() if any(lets_through(s, f"{h}.amazonaws.com") for s in sources)]
        names = {o for h in known for o in aws_services()[h]} if known else set(aws_operations())
        hit = sorted(o for o in names if lets_through(test, o))
        reads = [o for o in hit if is_read(o)]
        if len(reads) > len(hit) * MEANT:
            continue  # who asks for Get, List and Describe looks for reading, and finds it
        if len(hit) > MANY and len(hit) < len(names):
            where = f" of {', '.join(sorted(known))}" if known else " of AWS"
            shown = ", ".join((reads or hit)[:3])
            yield Found(test.span or NOWHERE, f"{len(hit):,} operations{where} match this, {len(reads):,} of which only read; among them {shown}")


@check(
    654,
    "notice",
    "a test that another makes needless",
    why="The values that are left all pass it, so it chooses nothing. Harmless where it is meant as a reminder; a sign of a mistake where it was to narrow the rule.",
    example='EventName == "RunInstances" and EventName contains "Run"',
    mend="take it out, or write the condition that was meant",
)
def needless(reading: Reading) -> Iterator[Found]:
    """A pattern on a field that an exact test has settled, and that lets all its values through."""
    for clause in reading.facts.of(n.Filter):
        tests = required(reading.facts, clause)
        for fixed in _settled(tests):
            for other in tests:
                if other.exact or other.clause is not clause or not _same_field(fixed, other) or not other.words:
                    continue
                if len(fixed.words) and _allowed(other, fixed.words) == fixed.words and (fixed.sensitive or not other.sensitive):
                    yield Found(other.span or NOWHERE, "all values that are left pass this")


@check(
    655,
    "warning",
    "an exclusion that can never match",
    why="The values that are left never meet it, so it excludes nothing: the noise it was written against stays.",
    example='EventName == "RunInstances" and EventName != "StopInstances"',
    mend="take it out, or exclude by the field that holds the noise",
)
def empty_exclusion(reading: Reading) -> Iterator[Found]:
    """A negated test on a field that an exact test has settled to other values."""
    for clause in reading.facts.of(n.Filter):
        tests = required(reading.facts, clause)
        for fixed in _settled(tests):
            for other in tests:
                if other.negated and other.clause is clause and other.words and _same_field(fixed, other) and not (other.sensitive and not fixed.sensitive):
                    positive = [lets_through(other, w) for w in fixed.words]
                    if not any(positive) and None not in positive and not on_action(fixed):
                        yield Found(other.span or NOWHERE, "no value that is left is excluded by this")
                    elif not any(positive) and None not in positive:
                        yield Found(other.span or NOWHERE, "none of the operations that are left is excluded by this")


@check(
    678,
    "notice",
    "an exclusion by a field that is often absent",
    why="Rows without the field pass the exclusion in EQL, KQL and CQL and are dropped by it in ES|QL and SPL. Neither is what an exclusion by name is written for: the noise that was to go has no such field.",
    example='not user.name : ("azure-backup-service"), where service principals have no user.name',
    mend="exclude by a field that the noise has: the application's id, the role's ARN",
)
def exclusion_by_absent(reading: Reading) -> Iterator[Found]:
    """A negated test of a user's name, which roles and service principals do not have."""
    for test in reading.facts.tests:
        fields = {f"{o.table}.{o.path}" for o in test.origins}
        if "aws_cloudtrail.issuer_user_name" in fields and not (reading.facts.tables and "azure" in reading.source.text):
            continue
        if test.negated and any(test.words) and isinstance(test.clause, n.Filter) and fields & OFTEN_ABSENT:
            yield Found(test.span or NOWHERE, "roles and service principals have no value here, so nothing of theirs is excluded by it")


@check(
    689,
    "notice",
    "an alternative that nearly everything meets",
    why="Where a condition that only leaves something out stands beside others under or, every other event meets it, and the rest of the line says nothing.",
    example='Status != "Succeeded" or Initiator != "x"',
    mend="join the exclusions with and, or write not (a or b)",
)
def lax_alternative(reading: Reading) -> Iterator[Found]:
    """Two comparisons or more under one `or` that each only leave one value of another field out."""
    for clause in reading.facts.of(n.Filter):
        if not isinstance(clause, n.Filter):
            continue
        for arms in _disjunctions(clause.predicate):
            left_out: dict[e.Expr, Span] = {}
            for arm in arms:
                found, place = _left_out(arm), place_of(arm)
                if found is not None and place is not None:
                    left_out.setdefault(found, place)
            if len(left_out) > 1:
                yield Found(min(left_out.values(), key=lambda s: s.start), "an event fails to meet this only where all that is excluded comes together")


def _left_out(arm: e.Expr) -> e.Expr | None:
    """Return what an arm compares with one text, where all other texts pass it."""
    while isinstance(arm, e.Call) and arm.function in ("logic.is_true", "logic.coalesce") and arm.args:
        arm = arm.args[0]
    if isinstance(arm, e.Call) and arm.function == "logic.not" and isinstance(arm.args[0], e.Call) and arm.args[0].function in EQUAL:
        arm = arm.args[0]
    elif not isinstance(arm, e.Call) or arm.function != "compare.ne":
        return None
    words = [a.value for a in arm.args[1:] if isinstance(a, e.Literal)]
    return arm.args[0] if any(isinstance(w, str) and w for w in words) else None


def _disjunctions(expr: e.Expr) -> Iterator[tuple[e.Expr, ...]]:
    if isinstance(expr, e.Call) and expr.function == "logic.or":
        yield expr.args
    for child in e.children(expr):
        yield from _disjunctions(child)


CHECKS = (
    contradiction,
    dead_branch,
    matches_everything,
    loose_classification,
    needless,
    empty_exclusion,
    exclusion_by_absent,
    lax_alternative,
)
