"""A filter as both languages read it: conditions on fields, joined by and, or and not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from livefire.diagnostics import Span

ValueKind = Literal["text", "wildcard", "regexp", "null"]
Bound = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field as written; with `wild` its `*` stands for any characters."""

    text: str
    span: Span
    wild: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A value: `text` is what it stands for, or a pattern.

    In a wildcard `*` and `?` stand for any characters and for one, and a backslash makes the next
    character plain.
    """

    text: str
    span: Span
    kind: ValueKind = "text"
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Everything:
    """Every document."""

    span: Span


@dataclass(frozen=True, slots=True)
class AllOf:
    """All conditions hold."""

    parts: tuple[Filter, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds."""

    parts: tuple[Filter, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold; so it holds for a document without the field."""

    part: Filter
    span: Span


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has a value, an empty text included."""

    field: FieldName
    span: Span


@dataclass(frozen=True, slots=True)
class Match:
    """A value of the field is the one written, or fits its pattern; without a field any field's."""

    field: FieldName | None
    value: Written
    span: Span


@dataclass(frozen=True, slots=True)
class Range:
    """A value of the field keeps all bounds."""

    field: FieldName
    bounds: tuple[tuple[Bound, Written], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Nested:
    """One object of a nested field meets the condition, whose field names begin below it."""

    field: FieldName
    part: Filter
    span: Span


Filter: TypeAlias = Everything | AllOf | AnyOf | Not | Exists | Match | Range | Nested


def field_names(tree: Filter, prefix: str = "") -> Iterator[str]:
    """Yield every field that a filter names, by its full name."""
    match tree:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from field_names(part, prefix)
        case Not(part=part):
            yield from field_names(part, prefix)
        case Exists(field=field) | Range(field=field):
            yield prefix + field.text
        case Match(field=FieldName(text=text)):
            yield prefix + text
        case Nested(field=field, part=part):
            yield prefix + field.text
            yield from field_names(part, f"{prefix}{field.text}.")
