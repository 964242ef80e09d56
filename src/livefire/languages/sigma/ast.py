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
class Rule:
    """A rule: what it reads, and its conditions with the search identifiers put in."""

    title: str
    logsource: tuple[tuple[str, str], ...]
    logsource_span: Span
    conditions: tuple[Search, ...]
