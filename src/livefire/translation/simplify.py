"""Conditions made plainer without changing what meets them."""

from __future__ import annotations

from livefire.translation.condition import AllOf, AnyOf, Condition, Constant, Not, Present, Subject, Test, Value, all_of, any_of, negate
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
    """Where a field is known to equal a constant, answer the other tests of it."""
    if not isinstance(condition, AllOf):
        return condition
    known: dict[Subject, Value] = {}
    for part in condition.parts:
        if isinstance(part, Test) and part.op == "eq" and not part.fold and _single(part.subject):
            known.setdefault(part.subject, part.value)
    if not known:
        return condition
    kept = [p if isinstance(p, Test) and known.get(p.subject) == p.value and p.op == "eq" and not p.fold else _answered(p, known) for p in condition.parts]
    return all_of(*kept)


def _single(subject: Subject) -> bool:
    """True for a place that holds one value: of a list one element may equal the constant and another meet the test."""
    return getattr(subject, "reading", "value") != "each"


def _answered(part: Condition, known: dict[Subject, Value]) -> Condition:
    match part:
        case AllOf(parts=parts):
            return all_of(*(_answered(p, known) for p in parts))
        case AnyOf(parts=parts):
            return any_of(*(_answered(p, known) for p in parts))
        case Not(part=inner):
            return negate(_answered(inner, known))
        case Present(subject=subject) if subject in known:
            return Constant(True)
        case Test(op=op, subject=subject, value=value, fold=fold, flags=flags) if subject in known:
            told = holds(op, fold, flags, known[subject], value)
            return part if told is None else Constant(told)
        case _:
            return part
