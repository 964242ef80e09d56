"""Conditions made plainer without changing what meets them."""

from __future__ import annotations

from livefire.tables.values import ADDRESS
from livefire.translation.condition import AllOf, AnyOf, Condition, Constant, Not, Present, Subject, Test, all_of, any_of, negate, worked_out
from livefire.translation.patterns import holds


def simplified(condition: Condition) -> Condition:
    """Return the condition without tests that another test of the same field decides."""
    match condition:
        case AllOf(parts=parts):
            return _decided(all_of(*(simplified(p) for p in parts)))
        case AnyOf(parts=parts):
            return any_of(*(simplified(p) for p in parts))
        case Not(part=part):
            return negate(simplified(part))
        case _:
            return condition


def _decided(condition: Condition) -> Condition:
    """Where a field is known to equal a constant, or to pass a test, answer the other tests of it that this decides."""
    if not isinstance(condition, AllOf):
        return condition
    known = tuple(p for p in condition.parts if _tells(p))
    if not known:
        return condition
    kept = [p if p in known else _answered(p, known) for p in condition.parts]
    ranges = {p.subject for p in condition.parts if isinstance(p, Test) and p.op == "cidr"}
    return all_of(*(p for p in kept if not (isinstance(p, Test) and p.op == "regex" and p.value == ADDRESS and p.subject in ranges)))


def _tells(part: Condition) -> bool:
    """True for a test, or alternatives of one field, that says something of the field's value."""
    tests = part.parts if isinstance(part, AnyOf) else (part,)
    same = {t.subject for t in tests if isinstance(t, Test) and single(t.subject)}
    return len(same) == 1 and all(isinstance(t, Test) and t.op in ("eq", "starts", "ends", "contains") for t in tests)


def single(subject: Subject) -> bool:
    """True for a place that holds one value: of a list one element may equal the constant and another meet the test."""
    return getattr(subject, "reading", "value") != "each" and not worked_out(subject)


def _answered(part: Condition, known: tuple[Condition, ...]) -> Condition:
    match part:
        case AllOf(parts=parts):
            return all_of(*(_answered(p, known) for p in parts))
        case AnyOf(parts=parts):
            return any_of(*(_answered(p, known) for p in parts))
        case Not(part=inner):
            return negate(_answered(inner, known))
        case Present(subject=subject) if any(_of(k) == subject for k in known):
            return Constant(True)
        case Test(subject=subject) if single(subject):
            told = {_told(part, k) for k in known if _of(k) == subject} - {None}
            return Constant(told.pop() is True) if len(told) == 1 else part
        case _:
            return part


def _of(known: Condition) -> Subject | None:
    first = known.parts[0] if isinstance(known, AnyOf) else known
    return first.subject if isinstance(first, Test) else None


def _told(test: Test, known: Condition) -> bool | None:
    """Return whether a test is met where another is; None where that does not follow."""
    tests = [t for t in (known.parts if isinstance(known, AnyOf) else (known,)) if isinstance(t, Test)]
    answers = {_follows(test, t) for t in tests}
    return answers.pop() if len(answers) == 1 else None


def _follows(test: Test, known: Test) -> bool | None:
    if known.op == "eq" and not known.fold:
        return holds(test.op, test.fold, test.flags, known.value, test.value)
    if test.op == "eq" and holds(known.op, known.fold, known.flags, test.value, known.value) is False:
        # A value that equals the constant would not have passed the known test; with case disregarded it may.
        return False if not test.fold or known.fold else None
    return None
