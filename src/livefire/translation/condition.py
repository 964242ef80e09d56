"""Conditions in two truth values, over the fields of a log source.

Languages differ in what a missing field does to a comparison and to its negation; plans say it
with null. Here a condition is true or false of every event: a `Test` is true only where its field
has a value, and a `Not` is true of everything its part is not true of. A printer then writes each
of these in its own language's way, whatever that language does with null.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.schema import Type

Reading = Literal["value", "text", "leaf", "each", "only"]
Op = Literal[
    "eq", "lt", "le", "gt", "ge", "contains", "starts", "ends", "wildcard", "regex", "term", "term_prefix", "term_suffix", "cidr",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """A place in the events of a log source: a hot column, and steps below one that holds JSON.

    `reading` says what of the JSON there is compared: `text` anything as text, `leaf` a scalar,
    `each` every element of a list, `only` a scalar or the one element of a list; `value` is the
    typed hot column itself.
    """

    column: str
    steps: tuple[str | int, ...] = ()
    reading: Reading = "value"
    type: Type = Type.STRING

    @property
    def place(self) -> tuple[str, tuple[str | int, ...]]:
        """The place without the way it is read."""
        return self.column, self.steps

    @property
    def words(self) -> str:
        """The place as a person would name it."""
        return self.column + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.steps)


@dataclass(frozen=True, slots=True)
class Computed:
    """A value that is worked out from the event; only a product that has it as a field can compare it."""

    expr: e.Expr

    @property
    def type(self) -> Type:
        """The type of the value."""
        return self.expr.type


Subject: TypeAlias = Field | Computed


@dataclass(frozen=True, slots=True)
class Ago:
    """The moment so many ticks of 100 ns before the run; negative for after it."""

    ticks: int


def worked_out(subject: Subject) -> bool:
    """True for a list that the target shows as a field, and that no one place of the event holds."""
    return isinstance(subject, Computed) and subject.type is Type.DYNAMIC


Value: TypeAlias = e.Scalar | Ago
# The flag of a comparison with a range of addresses that takes a range for an address too.
PREFIXED = "prefixed"


@dataclass(frozen=True, slots=True)
class Constant:
    """True or false of every event."""

    value: bool


@dataclass(frozen=True, slots=True)
class Present:
    """The field has a value."""

    subject: Subject
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Test:
    """The field has a value and it stands in this relation to a constant; `fold` disregards case, `flags` are those of a regex."""

    op: Op
    subject: Subject
    value: Value
    fold: bool = False
    flags: str = ""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Same:
    """Both fields have a value, and the same text; `fold` disregards case."""

    subject: Field
    other: Field
    fold: bool = False
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part is true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part is true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not true."""

    part: Condition


Condition: TypeAlias = Constant | Present | Test | Same | AllOf | AnyOf | Not

TRUE, FALSE = Constant(True), Constant(False)


def all_of(*parts: Condition) -> Condition:
    """Return the conjunction: flat, without doubles, and a constant where one decides."""
    return _join(parts, AllOf, TRUE, FALSE)


def any_of(*parts: Condition) -> Condition:
    """Return the disjunction: flat, without doubles, and a constant where one decides."""
    return _join(parts, AnyOf, FALSE, TRUE)


def _join(parts: tuple[Condition, ...], kind: type[AllOf] | type[AnyOf], neutral: Constant, deciding: Constant) -> Condition:
    flat: dict[Condition, None] = {}
    for part in parts:
        for inner in part.parts if isinstance(part, kind) else (part,):
            if inner == deciding:
                return deciding
            if inner != neutral:
                flat[inner] = None
    kept = tuple(flat)
    if any(negate(p) in flat for p in kept):
        return deciding
    if kind is AllOf:
        # What is tested is present; saying so again says nothing.
        tested = {_where(p.subject) for p in kept if isinstance(p, Test)}
        kept = tuple(p for p in kept if not (isinstance(p, Present) and _where(p.subject) in tested))
    return neutral if not kept else kept[0] if len(kept) == 1 else kind(kept)


def _where(subject: Subject) -> object:
    return subject.place if isinstance(subject, Field) else subject


def negate(part: Condition) -> Condition:
    """Return what is true of every event that this is not true of."""
    match part:
        case Constant(value=value):
            return Constant(not value)
        case Not(part=inner):
            return inner
        case _:
            return Not(part)


def pushed(part: Condition, *, inside: bool = False) -> Condition:
    """Return the condition with every negation at a test; `inside` for the negation of it."""
    match part:
        case AllOf(parts=parts):
            return (any_of if inside else all_of)(*(pushed(p, inside=inside) for p in parts))
        case AnyOf(parts=parts):
            return (all_of if inside else any_of)(*(pushed(p, inside=inside) for p in parts))
        case Not(part=inner):
            return pushed(inner, inside=not inside)
        case _:
            return negate(part) if inside else part


def tests_of(part: Condition) -> tuple[Test | Present, ...]:
    """Return every test in a condition, in order."""
    match part:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return tuple(t for p in parts for t in tests_of(p))
        case Not(part=inner):
            return tests_of(inner)
        case Test() | Present():
            return (part,)
        case Same(subject=subject, other=other):
            return Present(subject), Present(other)
        case _:
            return ()
