"""The commands of ES|QL; expressions are those of the kit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Ast, Constant, Name


@dataclass(frozen=True, slots=True)
class From:
    """`FROM patterns METADATA fields`; a pattern after `-` leaves tables out again."""

    patterns: tuple[Name, ...]
    metadata: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Field:
    """`name = expression`; without a name it is the text of the expression."""

    name: str
    value: Ast
    span: Span
    where: Ast | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`ROW a = 1, …`: one row of constants."""

    fields: tuple[Field, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Where:
    """`WHERE condition`."""

    condition: Ast
    span: Span


@dataclass(frozen=True, slots=True)
class Eval:
    """`EVAL a = 1, …`: each may read those before it."""

    fields: tuple[Field, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Stats:
    """`STATS aggregates BY groups`; `inline` keeps the rows."""

    fields: tuple[Field, ...]
    groups: tuple[Field, ...]
    inline: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Keep:
    """`KEEP names`; a name that is not quoted may hold `*`."""

    patterns: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Drop:
    """`DROP names`."""

    patterns: tuple[Name, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Rename:
    """`RENAME old AS new, new = old`, as (old, new) pairs."""

    pairs: tuple[tuple[Name, Name], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Key:
    """One key of SORT; `nulls_first` None is the default of its direction."""

    value: Ast
    descending: bool
    nulls_first: bool | None
    span: Span


@dataclass(frozen=True, slots=True)
class Sort:
    """`SORT keys`."""

    keys: tuple[Key, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Limit:
    """`LIMIT n`, and with groups that many rows of each."""

    count: int
    span: Span
    groups: tuple[Ast, ...] = ()


@dataclass(frozen=True, slots=True)
class Fork:
    """`FORK (commands) (commands) …`: each branch works on the same rows."""

    branches: tuple[tuple[Command, ...], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Dissect:
    """`DISSECT input "pattern" APPEND_SEPARATOR = ","`."""

    value: Ast
    pattern: Constant
    separator: str
    span: Span


@dataclass(frozen=True, slots=True)
class Grok:
    """`GROK input "pattern", …`: the first pattern that fits."""

    value: Ast
    patterns: tuple[Constant, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Enrich:
    """`ENRICH policy ON field WITH new = column, …`; (new, column) pairs."""

    policy: Name
    on: Name | None
    pairs: tuple[tuple[Name, Name], ...] | None
    span: Span


@dataclass(frozen=True, slots=True)
class LookupJoin:
    """`LOOKUP JOIN table ON field, …` or `ON field == other AND …`, as (field of the rows, operator, field of the table)."""

    table: Name
    on: tuple[tuple[Name, str, Name], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class MvExpand:
    """`MV_EXPAND field`."""

    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Completion:
    """`COMPLETION name = prompt WITH {"inference_id": "endpoint"}`."""

    name: str
    prompt: Ast
    endpoint: Name
    span: Span


Command: TypeAlias = (
    From | Row | Where | Eval | Stats | Keep | Drop | Rename | Sort | Limit | Dissect | Grok | Enrich | LookupJoin | MvExpand | Completion | Fork
)


@dataclass(frozen=True, slots=True)
class Query:
    """A whole text: a source command and what follows it."""

    commands: tuple[Command, ...]
    names: frozenset[str]
    span: Span
