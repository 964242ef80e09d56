"""What every printer shares: conditions to text, with each language's own words for the parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from livefire.diagnostics import Span
from livefire.schema import Type
from livefire.translation.condition import (
    PREFIXED,
    Ago,
    AllOf,
    AnyOf,
    Computed,
    Condition,
    Constant,
    Field,
    Not,
    Op,
    Present,
    Reading,
    Same,
    Subject,
    Test,
    Value,
    any_of,
    negate,
    pushed,
    worked_out,
)
from livefire.translation.patterns import holds
from livefire.translation.places import Steps
from livefire.translation.refusal import NO_FIELD, NO_FORM, Untranslatable
from livefire.translation.vocabulary import EVERY, NAMES, PRODUCTS, Shown, Vocabulary, raw_steps


@dataclass(frozen=True, slots=True)
class Assumption:
    """What has to hold of the events for a translation to mean the same.

    `plain`: the place holds nothing, or one scalar, never a list or an object. `single`: it holds
    no list. `never`: it never holds `text`, because the target shows a missing value by it. `address`:
    it holds an address and no range, which Kusto's functions take for one. `form`: events come in
    another form than that named by `text`. `moment`: no two events of one group, named by `text`, share a moment.
    `list`: the place holds nothing or a list, never one object by itself. `filled`: a list or object there holds something.
    `apart`: no event holds this and the column named by `text`, or has both true. `beside`: it is there only where that one is.
    """

    kind: Literal["plain", "single", "never", "address", "form", "moment", "list", "filled", "apart", "beside"]
    column: str
    steps: Steps
    text: str = ""
    shown: str = ""

    @property
    def words(self) -> str:
        """The assumption as a sentence."""
        where = Field(self.column, self.steps).words.removeprefix("_raw.")
        if self.kind == "plain":
            return f"{where} holds one value at most, never a list or an object"
        if self.kind == "address":
            return f"{where} holds no range of addresses, such as 10.0.0.0/8"
        if self.kind == "form":
            return f"no event comes in the {self.text.upper() if len(self.text) < 5 else self.text.replace('_', ' ')} form"
        if self.kind == "moment":
            return f"no two events of {self.text} share a moment: which of them comes first no product promises"
        if self.kind == "single":
            return f"{where} holds no list"
        if self.kind == "apart":
            return f"no event has both {where} and {self.text}"
        if self.kind == "beside":
            return f"{where} is there only where {self.text} is"
        if self.kind == "filled":
            return f"{where} holds no empty list and no empty object"
        if self.kind == "list":
            return f"{where} holds a list wherever it is there, never one object by itself"
        what = repr(self.text) if self.text else "the empty text"
        return f"no event holds {what} at {where}: in {self.shown} that stands for no value"


@dataclass(slots=True)
class Listed:
    """Tests of one field for one of several values, or for none of them."""

    tests: tuple[Test, ...]
    negated: bool

    @property
    def first(self) -> Test:
        """The first of the tests; the others differ in their value."""
        return self.tests[0]

    @property
    def values(self) -> tuple[Value, ...]:
        """The values."""
        return tuple(t.value for t in self.tests)


@dataclass(slots=True)
class Found:
    """A field of the target for a subject; `present` tells that it is known to have a value here, `plain` that it shows no list or object as text."""

    shown: Shown
    subject: Subject
    span: Span | None
    present: bool = False
    plain: bool = False


class Printer(ABC):
    """Prints conditions over one table of the target; what it has no faithful form for is refused."""

    language: ClassVar[str]
    reading: ClassVar[Reading]
    listed_ops: ClassVar[frozenset[Op]] = frozenset({"eq"})
    parses_json: ClassVar[bool] = False
    # Whether a test of a list that is a field of its own is passed by any element.
    lists: ClassVar[bool] = False
    # Whether a path may lead through every element of a list.
    elements: ClassVar[bool] = False
    # What stands between parts that must all hold, and between alternatives; what is always true, and never.
    words: ClassVar[tuple[str, str]] = (" and ", " or ")
    truths: ClassVar[tuple[str, str]] = ("true", "false")

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.assumptions: dict[Assumption, None] = {}
        # Tests that are meant to be passed by the target's word for a missing value too.
        self._exact: set[Test] = set()

    # what a language says in its own words

    @abstractmethod
    def test(self, test: Test, found: Found, *, negated: bool) -> str:
        """Return a test or its complement."""

    @abstractmethod
    def listed(self, listed: Listed, found: Found) -> str:
        """Return a test for one of several values, or its complement."""

    @abstractmethod
    def presence(self, found: Found, *, negated: bool) -> str:
        """Return that a field has a value, or that it has none."""

    @abstractmethod
    def value_of(self, found: Found) -> str:
        """Return the value itself, as an expression or a name."""

    def same(self, one: Found, other: Found, *, fold: bool, negated: bool) -> str:  # noqa: ARG002 # those that have a form take all of it
        """Return that two fields which have a value hold the same text, or that they do not; refused by a language that compares no two fields."""
        raise self.no_form("two fields of an event compared with each other", one.span)

    # what is the same in all

    def joined(self, parts: list[str], *, every: bool, nested: bool) -> str:
        """Return a conjunction or a disjunction; `nested` inside another of the other kind."""
        said = self.words[0 if every else 1].join(parts)
        return f"({said})" if nested else said

    def constant(self, value: bool) -> str:
        """Return what is true, or false, of every event."""
        return self.truths[0 if value else 1]

    def show(self, condition: Condition, *, nested: bool = False, present: frozenset[Subject] = frozenset()) -> str:
        """Return a condition as text."""
        match condition:
            case Constant(value=value):
                return self.constant(value)
            case AllOf(parts=parts):
                known = present | {p.subject for p in parts if isinstance(p, (Test, Present))}
                return self._several(parts, every=True, nested=nested, present=known)
            case AnyOf(parts=parts):
                return self._several(self._merged(parts), every=False, nested=nested, present=present)
            case Not(part=AnyOf(parts=parts)) if (merged := self._merged(parts)) != parts:
                return self.show(negate(any_of(*merged)), nested=nested, present=present)
            case Not(part=(AllOf() | AnyOf()) as inner):
                return self.show(pushed(inner, inside=True), nested=nested, present=present)
            case Not(part=inner):
                return self._one(inner, negated=True, present=present)
            case _:
                return self._one(condition, negated=False, present=present)

    def _several(self, parts: Iterable[Condition], *, every: bool, nested: bool, present: frozenset[Subject]) -> str:
        items: list[str] = []
        rest = list(parts)
        while rest:
            part = rest.pop(0)
            group = self._group(part, rest, every=every)
            if group is None:
                items.append(self.show(part, nested=True, present=present))
                continue
            rest = [r for r in rest if _bare(r) not in group.tests]
            found = self.find(group.first.subject, group.first.span, fold=group.first.fold)
            self._check_objects(group.tests, found)
            self._check_missing(group.tests, found)
            found.present = group.first.subject in present
            items.append(self.listed(group, found))
        items = list(dict.fromkeys(items))
        return items[0] if len(items) == 1 else self.joined(items, every=every, nested=nested)

    def _group(self, part: Condition, rest: list[Condition], *, every: bool) -> Listed | None:
        """Return the tests that one list can hold: alternatives, or in a conjunction what is excluded."""
        first = _bare(part)
        if first is None or worked_out(first.subject):
            return None
        if isinstance(part, Not) is not every or first.op not in self.listed_ops or not isinstance(first.value, (str, int)):
            return None
        same = [t for r in rest if isinstance(r, Not) is every and (t := _bare(r)) is not None and _alike(t, first)]
        return Listed((first, *same), every) if same else None

    def _merged(self, parts: tuple[Condition, ...]) -> tuple[Condition, ...]:
        """Drop from alternatives an absence that a test for the target's word for it says already."""
        absent = {p.part.subject for p in parts if isinstance(p, Not) and isinstance(p.part, Present)}
        for subject in absent:
            shown = self.vocabulary.find(subject)
            same = [p for p in parts if isinstance(p, Test) and p.subject == subject and p.op == "eq" and shown is not None and shown.missing is not None]
            exact = [t for t in same if shown is not None and holds("eq", t.fold, "", shown.missing, t.value)]
            if exact:
                self._exact.update(exact)
                parts = tuple(p for p in parts if not (isinstance(p, Not) and isinstance(p.part, Present) and p.part.subject == subject))
        return parts

    def _one(self, condition: Condition, *, negated: bool, present: frozenset[Subject]) -> str:
        match condition:
            case Present(subject=subject, span=span):
                return self._presence(subject, span, negated=negated)
            case Test():
                return self._test(condition, negated=negated, present=condition.subject in present)
            case Same(subject=subject, other=other, span=span):
                both = [self.find(x, span) for x in (subject, other)]
                there = [self._presence(f.subject, span, negated=negated) for f in both if f.subject not in present]
                said = self.same(both[0], both[1], fold=condition.fold, negated=negated)
                return self.joined([*there, said], every=not negated, nested=True) if there else said
            case _:
                return self.show(condition)

    def presence_of(self, subject: Subject, span: Span | None) -> str:
        """Return that a subject has a value."""
        return self._presence(subject, span, negated=False)

    def _presence(self, subject: Subject, span: Span | None, *, negated: bool) -> str:
        found = self.find(subject, span, fold=True)
        if found.shown.missing is not None:
            self._assume_never(subject, found)
        return self.presence(found, negated=negated)

    def _test(self, test: Test, *, negated: bool, present: bool) -> str:
        subject, span = test.subject, test.span
        if worked_out(subject) and not self.lists:
            raise self.no_form("an element of a list that is worked out", span)
        decoded = self.vocabulary.decoded(subject, test.value) if test.op == "eq" and not test.fold else None
        if decoded is not None and self.vocabulary.find(subject) is None:
            said = Test("eq", subject, decoded.word, False, "", span)
            return self.test(said, Found(decoded.shown, subject, span, present), negated=negated)
        found = self.find(subject, span, fold=test.fold)
        self._check_objects((test,), found)
        if test not in self._exact and found.shown.missing is not None and holds(test.op, test.fold, test.flags, found.shown.missing, test.value) is not False:
            # The word for a missing value would pass the test, so presence has to be asked for too.
            self._assume_never(subject, found)
            found.present = True
            both = [self.presence(found, negated=negated), self.test(test, found, negated=negated)]
            return self.joined(both, every=not negated, nested=True)
        found.present = present
        if test.op == "cidr" and isinstance(subject, Field) and (test.flags == PREFIXED) != (self.language == "kql"):
            self.assumptions[Assumption("address", subject.column, subject.steps)] = None
        return self.test(test, found, negated=negated)

    def _check_missing(self, tests: tuple[Test, ...], found: Found) -> None:
        if found.shown.missing is not None and any(
            t not in self._exact and holds(t.op, t.fold, t.flags, found.shown.missing, t.value) is not False for t in tests
        ):
            self._assume_never(found.subject, found)

    def _assume_never(self, subject: Subject, found: Found) -> None:
        if isinstance(subject, Field):
            self.assumptions[Assumption("never", subject.column, subject.steps, found.shown.missing or "", found.shown.name)] = None

    def find(self, subject: Subject, span: Span | None, *, fold: bool = False) -> Found:
        """Return the target's field for a subject; E310 where it has none. With `fold` one in lower case will do."""
        shown = self.vocabulary.find(subject) or (self.vocabulary.lowered(subject) if fold else None)
        if shown is not None and shown.steps and not self.parses_json and shown.type is not Type.DYNAMIC:
            shown = None
        product = NAMES[PRODUCTS[self.language]]
        if shown is None:
            what = subject.words.removeprefix("_raw.") if isinstance(subject, Field) else "what this clause works out"
            raise Untranslatable(NO_FIELD, f"{self.vocabulary.table.name} in {product} has no field for {what}", span)
        if EVERY in shown.name and not self.elements:
            raise self.no_form("a member of each element of a list", span)
        if isinstance(subject, Field) and shown.inside is not None:
            # The hot column is null for a list or an object, and the JSON shows its text.
            self.assumptions[Assumption("plain", "_raw", raw_steps(subject.place, self.vocabulary.source) or ())] = None
        if isinstance(subject, Field) and subject.reading != "value":
            here = shown.reading if shown.type is not Type.DYNAMIC and not shown.steps else self.reading
            if here != subject.reading:
                if "*" in subject.steps:
                    raise Untranslatable(NO_FORM, f"{product} compares no element of a list as this clause does", span)
                return Found(shown, subject, span, plain=self._assume_reading(subject, here))
        return Found(shown, subject, span)

    def assume_list(self, found: Found, *, plain: bool = False) -> None:
        """Say that a list stands where the target would take one object for the only element of one; `plain` that its members hold one value each."""
        if isinstance(found.subject, Field):
            column, steps = found.subject.place
            self.assumptions[Assumption("list", column, steps[: steps.index("*")])] = None
            if plain:
                self.assumptions[Assumption("plain", column, steps)] = None

    def _check_objects(self, tests: tuple[Test, ...], found: Found) -> None:
        """Refuse a search for the signs of JSON where the target shows no object as text: its author looks into one."""
        looked = next((t for t in tests if isinstance(t.value, str) and '"' in t.value), None)
        if found.plain and looked is not None:
            raise self.no_form("the text of a whole object, whose members are fields of their own", looked.span)

    def _assume_reading(self, subject: Field, here: Reading) -> bool:
        """Say for which values the target reads the place as the rule does; the whole event is never a list. True for plain values alone."""
        if {subject.reading, here} == {"each", "text"}:
            if subject.place != ("_raw", ()):
                self.assumptions[Assumption("single", subject.column, subject.steps)] = None
            return False
        self.assumptions[Assumption("plain", subject.column, subject.steps)] = None
        return True

    def no_form(self, what: str, span: Span | None, help: str = "") -> Untranslatable:
        """Return the refusal of an operation."""
        return Untranslatable(NO_FORM, f"{NAMES[PRODUCTS[self.language]]} has no faithful form for {what}", span, help)


def _bare(part: Condition) -> Test | None:
    inner = part.part if isinstance(part, Not) else part
    return inner if isinstance(inner, Test) else None


def _alike(one: Test, other: Test) -> bool:
    same = (one.op, one.fold, one.flags, one.subject) == (other.op, other.fold, other.flags, other.subject)
    return same and type(one.value) is type(other.value)


__all__ = ["Ago", "Assumption", "Computed", "Found", "Listed", "Printer"]
