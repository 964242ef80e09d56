"""Conditions fitted to what the target shows: words for a missing value, and words that are recoded."""

from __future__ import annotations

from livefire.translation.condition import FALSE, AllOf, AnyOf, Computed, Condition, Field, Not, Present, Subject, Test, all_of, any_of, negate
from livefire.translation.patterns import holds
from livefire.translation.pieces import FORM, Pieces
from livefire.translation.printer import Assumption
from livefire.translation.vocabulary import Vocabulary


class Fitting:
    """Fits conditions to one table; `assumptions` are what that took."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.assumptions: dict[Assumption, None] = {}

    def fit(self, condition: Condition) -> Condition:
        """Return a condition that the target can be asked, equal under the assumptions."""
        pieces = Pieces(self.vocabulary, self._assume).of(condition)
        if pieces is not None:
            said, asked = pieces
            rest = condition.parts if isinstance(condition, AnyOf) else (condition,)
            return any_of(said, *([self.fit(any_of(*others))] if (others := [p for p in rest if p not in asked]) else []))
        match condition:
            case AllOf(parts=parts):
                return all_of(*(self.fit(p) for p in parts))
            case AnyOf(parts=parts):
                return any_of(*(p if self._stands_for_nothing(p, parts) else self.fit(p) for p in self._recoded(parts)))
            case Not(part=part):
                return negate(self.fit(part))
            case Test(op="eq", subject=Field(column=column, steps=()), value=str() as form) if (
                column == FORM and self.vocabulary.find(condition.subject) is None
            ):
                # No product shows in which form an event came; each gets its events in the form of its own connector.
                self.assumptions[Assumption("form", FORM, (), form)] = None
                return FALSE
            case Test(op="eq"):
                return self._settled(*self._recoded((condition,)))
            case Present(subject=subject):
                return Present(self._shown_as(subject), condition.span)
            case _:
                return condition

    def _assume(self, assumption: Assumption) -> None:
        self.assumptions[assumption] = None

    def _settled(self, test: Condition) -> Condition:
        """A test for the very word that stands for no value is never met, where events do not hold that word."""
        if not isinstance(test, Test) or not isinstance(test.subject, Field):
            return test
        shown = self.vocabulary.find(test.subject)
        if shown is None or shown.missing is None or holds("eq", test.fold, "", shown.missing, test.value) is not True:
            return test
        self.assumptions[Assumption("never", test.subject.column, test.subject.steps, shown.missing, shown.name)] = None
        return FALSE

    def _stands_for_nothing(self, part: Condition, parts: tuple[Condition, ...]) -> bool:
        """True for a test that stands beside the absence of its field: the word for no value says both."""
        if not isinstance(part, Test) or part.op != "eq":
            return False
        return any(isinstance(p, Not) and isinstance(p.part, Present) and p.part.subject == part.subject for p in parts)

    def _recoded(self, parts: tuple[Condition, ...]) -> tuple[Condition, ...]:
        """Put a field that recodes a place in its stead, where the words asked for hold both or none of each recoded pair."""
        found = []
        for part in parts:
            recoding = self.vocabulary.recoding(part.subject) if isinstance(part, Test) and part.op == "eq" else None
            if not isinstance(part, Test) or recoding is None:
                found.append(part)
                continue
            expr, pairs = recoding
            words = [p for p in parts if isinstance(p, Test) and p.op == "eq" and p.subject == part.subject]
            closed = all(_asked(a, words) == _asked(b, words) for a, b in pairs)
            found.append(Test("eq", Computed(expr), part.value, part.fold, "", part.span) if closed else part)
        return tuple(found)

    def _shown_as(self, subject: Subject) -> Subject:
        recoding = self.vocabulary.recoding(subject)
        return subject if recoding is None else Computed(recoding[0])


def _asked(word: str, tests: list[Test]) -> bool:
    return any(holds("eq", t.fold, "", word, t.value) for t in tests)
