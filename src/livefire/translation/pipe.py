"""The pipe that follows the filters of one table, line by line; each language fills in the lines."""

from __future__ import annotations

from abc import ABC, abstractmethod

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.schema import Type
from livefire.translation.condition import Condition, Field, Subject
from livefire.translation.outline import First, Having, Keep, Key, Measure, NamedColumns, OrderBy, member, outline
from livefire.translation.printer import Assumption, Found, Printer
from livefire.translation.refusal import Untranslatable
from livefire.translation.statement import Part, Work, known_present


class Pipe(ABC):
    """Writes the stages after the filters; `numbers` are the measures whose values both rules must give alike."""

    def __init__(self, part: Part, printer: Printer) -> None:
        self.part = part
        self.printer = printer
        self.after = printer
        self.present = known_present(part.condition)
        self.numbers: tuple[tuple[str, str], ...] = ()
        self.left: dict[str, str] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Which columns of the rule the text does not show, and why; its rows are the same without them."""
        plain = "shown as it was grouped, without what the rule makes of it"
        return tuple(f"the column {name} is {f'not shown: {reason}' if reason else plain}" for name, reason in self.left.items())

    @abstractmethod
    def group(self, keys: tuple[tuple[Key, Found], ...], measures: tuple[Measure, ...], names: dict[int, str]) -> list[str]:
        """Return the lines of a grouping; `names` gets the name of each key, by its place, where it is not the key's own."""

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
                    lines.append(self.where(condition))
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
        several: tuple[Key | Measure, ...] = (*keys, *measures)
        for one in several:
            if one.stands and isinstance(one.subject, Field) and not self.known(one.subject):
                # What is missing and what holds the word are one value in the rule, and two in the text.
                self.printer.assumptions[Assumption("never", one.subject.column, one.subject.steps, one.stands, one.name)] = None
        found = tuple((k, self.printer.find(k.subject, k.span)) for k in keys)
        named = {at: k.name for at, k in enumerate(keys)}
        lines = self.group(found, measures, named)
        columns = {member(at): (named[at], k.subject.type) for at, k in enumerate(keys)}
        columns |= {member(at): (m.name, _type(m)) for at, m in enumerate(measures, len(keys))}
        self.numbers = tuple((m.said or m.name, m.name) for m in measures if m.number)
        self.after = type(self.printer)(NamedColumns(self.part.vocabulary, columns))
        return lines

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
