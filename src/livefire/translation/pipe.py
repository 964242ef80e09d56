"""The pipe that follows the filters of one table, line by line; each language fills in the lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.schema import Type
from livefire.translation.condition import TRUE, AllOf, AnyOf, Condition, Field, Not, Present, Subject, Test, all_of, any_of, negate
from livefire.translation.outline import First, Having, Keep, Key, Measure, NamedColumns, OrderBy, member, outline
from livefire.translation.patterns import holds
from livefire.translation.printer import Assumption, Found, Printer
from livefire.translation.refusal import Untranslatable
from livefire.translation.statement import Part, Work, known_present


@dataclass(frozen=True, slots=True)
class Counted:
    """A key, or a measure that counts values, with the target's field for it."""

    one: Key | Measure
    found: Found

    @property
    def filled(self) -> bool:
        """True where a missing value has to be a value among others: of a key, and of what the rule counts as text."""
        return self.one.as_text or isinstance(self.one, Key)


class Pipe(ABC):
    """Writes the stages after the filters; `numbers` are the measures whose values both rules must give alike."""

    def __init__(self, part: Part, printer: Printer) -> None:
        self.part = part
        self.printer = printer
        self.after = printer
        self.present = known_present(part.condition)
        self.numbers: tuple[tuple[str, str], ...] = ()
        self.left: dict[str, str] = {}
        # The texts that stand for a missing key in the rule, by the name of the key in conditions.
        self.words: dict[str, str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Which columns of the rule the text does not show, and why; its rows are the same without them."""
        plain = "shown as it was grouped, without what the rule makes of it"
        return tuple(f"the column {name} is {f'not shown: {reason}' if reason else plain}" for name, reason in self.left.items())

    @abstractmethod
    def group(self, keys: tuple[tuple[Key, Found], ...], measures: tuple[Measure, ...], names: dict[int, str]) -> list[str]:
        """Return the lines of a grouping; `names` gets the name of each key, by its place, where it is not the key's own."""

    @abstractmethod
    def stand_in(self, counted: Counted) -> str | None:
        """Return the text that takes the place of a missing key, or of a missing value that is counted; None where there is none."""

    @abstractmethod
    def where(self, condition: Condition) -> str:
        """Return a filter over the rows of groups."""

    @abstractmethod
    def order(self, keys: tuple[tuple[str, bool], ...], first: int | None) -> list[str]:
        """Return an order, and a cut that follows it."""

    @abstractmethod
    def first(self, count: int) -> str:
        """Return a cut."""

    @abstractmethod
    def keep(self, items: tuple[tuple[str, str | None, e.Literal | None], ...]) -> list[str]:
        """Return a choice of columns: each a name with the target's field for it, or a constant."""

    def follow(self, work: Work) -> list[str]:
        """Return every line after the filters."""
        if work.whole and not work.flow.stages:
            return []
        said = outline(work.flow, self.part, work.whole)
        self.left |= dict(said.left)
        lines = self._grouped(said.keys, said.measures) if said.keys is not None else []
        stages = list(said.after)
        while stages:
            match stages.pop(0):
                case Having(condition=condition):
                    lines.append(self.where(self._having(condition)))
                case OrderBy(keys=keys):
                    following = stages.pop(0) if stages and isinstance(stages[0], First) else None
                    lines += self.order(tuple((self.name_of(s), down) for s, down in keys), following.count if isinstance(following, First) else None)
                case First(count=count):
                    lines.append(self.first(count))
                case Keep(items=items, left=left):
                    self.left |= dict(left)
                    shown = self._items(items)
                    lines += self.keep(shown) if shown else []
        return lines

    def name_of(self, subject: Subject, span: Span | None = None) -> str:
        """Return a subject as the lines at this place see it."""
        return self.after.value_of(self.after.find(subject, span))

    def _items(self, items: tuple[tuple[str, Subject | e.Literal], ...]) -> tuple[tuple[str, str | None, e.Literal | None], ...]:
        """Return the columns that the target has; what is only shown may be left out, and is said to be."""
        found = []
        for name, value in items:
            try:
                found.append(self._item(name, value))
            except Untranslatable as refusal:
                self.left[name] = refusal.message
        return tuple(found)

    def _item(self, name: str, value: Subject | e.Literal) -> tuple[str, str | None, e.Literal | None]:
        return (name, None, value) if isinstance(value, e.Literal) else (name, self.name_of(value), None)

    def _grouped(self, keys: tuple[Key, ...], measures: tuple[Measure, ...]) -> list[str]:
        found = tuple((k, self.printer.find(k.subject, k.span)) for k in keys)
        words = [self._one_value(k, f) for k, f in found]
        for measure in measures:
            if measure.subject is not None and measure.function == "count_distinct":
                self._one_value(measure, self.printer.find(measure.subject, measure.span))
        named = {at: k.name for at, k in enumerate(keys)}
        lines = self.group(found, measures, named)
        columns = {member(at): (named[at], k.subject.type, words[at]) for at, k in enumerate(keys)}
        columns |= {member(at): (m.name, _type(m), None) for at, m in enumerate(measures, len(keys))}
        self.words = {member(at): k.word for at, k in enumerate(keys) if k.word is not None and not self.known(k.subject)}
        self.numbers = tuple((m.said or m.name, m.name) for m in measures if m.number)
        self.after = type(self.printer)(NamedColumns(self.part.vocabulary, columns))
        return lines

    def _one_value(self, one: Key | Measure, found: Found) -> str | None:
        """Return the text that stands for a missing value among groups; what it or the rule's own makes one value of two is assumed away."""
        if one.subject is None or self.known(one.subject) or (isinstance(one, Key) and one.width is not None):
            return None
        word = self.stand_in(Counted(one, found))
        if one.word != word and isinstance(one.subject, Field):
            for text, shown in ((one.word, one.name), (word, found.shown.name)):
                if text is not None:
                    self.printer.assumptions[Assumption("never", one.subject.column, one.subject.steps, text, shown)] = None
        return word

    def _having(self, condition: Condition) -> Condition:
        """Return a condition over groups in which the rule's text for a missing value is asked for as a missing value."""
        match condition:
            case AllOf(parts=parts):
                return all_of(*(self._having(p) for p in parts))
            case AnyOf(parts=parts):
                return any_of(*(self._having(p) for p in parts))
            case Not(part=part):
                return negate(self._having(part))
            case Present(subject=Field(column=column)) if column in self.words:
                return TRUE
            case Test(op="eq", subject=Field(column=column) as subject, value=value) if column in self.words and value == self.words[column]:
                # No event holds the text itself: it stands for a missing key alone.
                return negate(Present(subject))
            case Test(subject=Field(column=column) as subject, span=span) if column in self.words:
                met = holds(condition.op, condition.fold, condition.flags, self.words[column], condition.value)
                if met is None:
                    raise self.printer.no_form("this condition of a group's key that may be missing", span)
                return any_of(condition, negate(Present(subject))) if met else all_of(condition, Present(subject))
            case _:
                return condition

    def known(self, subject: Subject) -> bool:
        """True for a field that every event left has."""
        return subject in self.present


def _type(measure: Measure) -> Type:
    if measure.number or measure.function in ("sum", "avg"):
        return Type.LONG
    return measure.subject.type if measure.subject is not None else Type.DYNAMIC


def plain_name(name: str) -> str:
    """Return a name of letters, digits and underscores."""
    found = "_".join("".join(c if c.isalnum() or c == "_" else " " for c in name).split())
    return found if found and not found[0].isdigit() else f"c_{found}"
