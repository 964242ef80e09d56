"""What a Sigma rule says, with the place of every part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from livefire.diagnostics import Span

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a search, as YAML reads it."""

    value: Scalar
    span: Span


@dataclass(frozen=True, slots=True)
class Test:
    """`field|modifier|modifier: values`; the field is None for keywords."""

    field: str | None
    modifiers: tuple[tuple[str, Span], ...]
    values: tuple[Value, ...]
    span: Span
    name_span: Span
    listed: bool


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Search, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Search, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold."""

    part: Search
    span: Span


Search: TypeAlias = Test | AllOf | AnyOf | Negation


@dataclass(frozen=True, slots=True)
class LogSource:
    """What a rule or a filter reads: product, service and category as far as it names them."""

    tags: tuple[tuple[str, str], ...]
    span: Span

    def covers(self, other: LogSource) -> bool:
        """True when everything that this one names is the same in the other."""
        return set(self.tags) <= set(other.tags)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what it reads, and its conditions with the search identifiers put in; `names` are its id and name.

    One that is `beside` lies in another file: it may be referred to, and does not stand for itself.
    """

    title: str
    names: tuple[str, ...]
    source: LogSource
    conditions: tuple[Search, ...]
    span: Span
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A rule named by another document, by its id or its name."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a measure is compared with: every bound has to hold. `fields` are what is counted or added up."""

    bounds: tuple[tuple[str, float], ...]
    fields: tuple[Reference, ...]
    percentile: float | None
    span: Span


@dataclass(frozen=True, slots=True)
class Mentioned:
    """True of a time in which the rule is met at least once."""

    rule: Reference


@dataclass(frozen=True, slots=True)
class Every:
    """Every part is true of the time."""

    parts: tuple[Together, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part is true of the time."""

    parts: tuple[Together, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """The part is not true of the time."""

    part: Together


Together: TypeAlias = Mentioned | Every | Either | Without


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation: of which rules, by which fields, within how many ticks; `aliases` gives a rule's own field for a name."""

    title: str
    names: tuple[str, ...]
    kind: str
    rules: tuple[Reference, ...]
    group_by: tuple[Reference, ...]
    aliases: tuple[tuple[str, tuple[tuple[str, Reference], ...]], ...]
    timespan: int
    condition: Threshold | Together | None
    generate: bool
    span: Span
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition that is added to every rule of its log source, or to those that it names."""

    title: str
    source: LogSource
    rules: tuple[Reference, ...] | None
    condition: Search
    span: Span


@dataclass(frozen=True, slots=True)
class Collection:
    """The documents of one text; filters are already part of the rules."""

    rules: tuple[Rule, ...]
    correlations: tuple[Correlation, ...]

    @property
    def every(self) -> tuple[Rule | Correlation, ...]:
        """The rules, then the correlations."""
        found: list[Rule | Correlation] = [*self.rules]
        return (*found, *self.correlations)

    def find(self, name: str) -> Rule | Correlation | None:
        """Return the rule or correlation of an id or name."""
        return next((x for x in self.every if name in x.names), None)

    def outputs(self) -> tuple[Rule | Correlation, ...]:
        """Return what stands for itself: what no correlation refers to, or refers to with `generate`."""
        inner = {r.text for c in self.correlations if not c.generate for r in c.rules}
        return tuple(x for x in self.every if not x.beside and not inner & set(x.names))
