"""The statements of EQL: event queries, sequences and samples, and the pipes after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Ast, Name


@dataclass(frozen=True, slots=True)
class EventFilter:
    """`category where condition`; the category is None for `any`."""

    category: str | None
    condition: Ast
    span: Span
    category_span: Span


@dataclass(frozen=True, slots=True)
class Term:
    """One bracketed event of a sequence or sample; `missing` for `![…]`."""

    filter: EventFilter
    by: tuple[Name, ...]
    span: Span
    missing: bool = False
    runs: int = 1


@dataclass(frozen=True, slots=True)
class Chain:
    """`sequence` (in order) or `sample` (in any order) of terms; `max_span` in ticks of 100 ns."""

    kind: Literal["sequence", "sample"]
    by: tuple[Name, ...]
    terms: tuple[Term, ...]
    until: Term | None
    max_span: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class Pipe:
    """`head n` or `tail n`."""

    kind: Literal["head", "tail"]
    count: int
    span: Span


@dataclass(frozen=True, slots=True)
class Query:
    """A whole text."""

    body: EventFilter | Chain
    pipes: tuple[Pipe, ...]
    span: Span


Statement: TypeAlias = EventFilter | Chain
