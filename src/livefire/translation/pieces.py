"""A hot column that the target does not show, asked of what it does show: the claims it comes from, a field of two columns, a word in a list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from livefire.plan import expr as e
from livefire.schema import Type
from livefire.translation.condition import TRUE, AnyOf, Computed, Condition, Field, Present, Subject, Test, all_of, any_of, negate
from livefire.translation.patterns import holds
from livefire.translation.places import field_of, parts_of, without_default
from livefire.translation.printer import Assumption
from livefire.translation.vocabulary import Vocabulary, raw_steps

Assume = Callable[[Assumption], None]
Asked = tuple[Test | Present, ...]
FORM = "form"


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a table shows of columns that it has no field for; `assume` is told what that takes."""

    vocabulary: Vocabulary
    assume: Assume

    def of(self, condition: Condition) -> tuple[Condition, Asked] | None:
        """Return tests of one column as the target can be asked them, and which tests those are; None where there are none such."""
        tests = condition.parts if isinstance(condition, AnyOf) else (condition,)
        for ways in (self._first_of, self._behind, self._word):
            for subject in dict.fromkeys(t.subject for t in tests if isinstance(t, (Test, Present))):
                if not isinstance(subject, Field) or subject.steps or self.vocabulary.find(subject) is not None:
                    continue
                asked = tuple(t for t in tests if isinstance(t, (Test, Present)) and t.subject == subject)
                found = ways(subject, asked)
                if found is not None:
                    return found, asked
        return None

    def _first_of(self, subject: Field, asked: Asked) -> Condition | None:
        """The first that is there of several places, an empty text being none: the caller of an Azure record."""
        places, others = parts_of(self.vocabulary.source, subject.column)
        if not places or any(self.vocabulary.find(p) is None for p in places):
            return None
        for form in others:
            self.assume(Assumption("form", FORM, (), form))
        found: list[Condition] = []
        before: Condition = TRUE
        for place in places:
            empty = Test("eq", place, "")
            found.append(all_of(before, any_of(*(_filled(t, place, empty) for t in asked))))
            before = all_of(before, any_of(negate(Present(place)), empty))
        return any_of(*found)

    def _behind(self, subject: Field, asked: Asked) -> Condition | None:
        """The second of two columns in one field, where a value beside it tells which of them it is: the role behind a session."""
        witness = self._beside(subject)
        for name, expr in self.vocabulary.items.items():
            match without_default(expr):
                case e.Call(function="logic.coalesce", args=(one, two)) as both if name not in self.vocabulary.table.hidden and witness is not None:
                    first, second = field_of(self.vocabulary.source, one), field_of(self.vocabulary.source, two)
                    if first is None or second is None or second.place != subject.place or first.steps or first.type is not Type.STRING:
                        continue
                    self.assume(Assumption("apart", first.column, (), witness.column))
                    self.assume(Assumption("beside", subject.column, (), witness.column))
                    return all_of(any_of(*(replace(t, subject=Computed(both)) for t in asked)), Present(witness))
                case _:
                    continue
        return None

    def _beside(self, subject: Field) -> Field | None:
        """Return a shown column whose value stands in the same object of the raw event."""
        own = raw_steps(subject.place, self.vocabulary.source)
        for expr in self.vocabulary.items.values():
            field = field_of(self.vocabulary.source, expr)
            steps = raw_steps(field.place, self.vocabulary.source) if field is not None and not field.steps else None
            if own and steps and field is not None and field.type is Type.STRING and steps != own and steps[:-1] == own[:-1]:
                return field
        return None

    def _word(self, subject: Field, asked: Asked) -> Condition | None:
        """A word that a list holds where this column is true and another is not: the end of an operation."""
        if subject.type is not Type.BOOL or any(not isinstance(t, Test) or t.op != "eq" or t.value is not True for t in asked):
            return None
        for name, expr in self.vocabulary.items.items():
            if name in self.vocabulary.table.hidden:
                continue
            words = list(_words(expr))
            for condition, word in words:
                other = self._only(condition, subject)
                if other is not None and [w for _, w in words].count(word) == 1:
                    self.assume(Assumption("apart", subject.column, (), other.column))
                    return Test("eq", Computed(expr), word, span=asked[0].span)
        return None

    def _only(self, condition: e.Expr, subject: Field) -> Field | None:
        """Return the other column of a condition that this one is true and the other is not."""
        match condition:
            case e.Call(function="logic.and", args=(yes, e.Call(function="logic.not", args=(no,)))):
                one, other = (field_of(self.vocabulary.source, _bare(x)) for x in (yes, no))
                return other if one is not None and one.place == subject.place and other is not None and not other.steps else None
            case _:
                return None


def _bare(expr: e.Expr) -> e.Expr:
    while isinstance(expr, e.Call) and expr.function == "logic.is_true":
        expr = expr.args[0]
    return expr


def _words(expr: e.Expr) -> Iterator[tuple[e.Expr, str]]:
    """Yield each word that a list worked out of conditions may hold, with its condition."""
    match expr:
        case e.Case(whens=((_, e.Literal(value=None)),), otherwise=e.Call(function="dynamic.concat", args=parts)):
            for part in parts:
                match part:
                    case e.Case(whens=((condition, e.Literal(value=str() as text)),), otherwise=e.Literal(value=None)):
                        yield from ((condition, str(word)) for word in json.loads(text))
                    case _:
                        continue
        case _:
            return


def _filled(test: Test | Present, place: Subject, empty: Test) -> Condition:
    """Return a test put to another place, where an empty text is no value."""
    if isinstance(test, Present):
        return all_of(Present(place, test.span), negate(empty))
    moved = replace(test, subject=place)
    return moved if holds(test.op, test.fold, test.flags, "", test.value) is False else all_of(moved, negate(empty))
