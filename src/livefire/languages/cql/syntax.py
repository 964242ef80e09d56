"""What a CQL query is made of: pipelines of steps, conditions, and the arguments of functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from livefire.diagnostics import Span
from livefire.languages.kit import ast


@dataclass(frozen=True, slots=True)
class Word:
    """Text as written where a pattern, a field name or a value may stand.

    `text` is the text with its escapes read; `raw` keeps them, for in a pattern `\\*` is a star
    and `*` is any run of characters.
    """

    text: str
    raw: str
    quoted: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Variable:
    """A user parameter, `?name` or `?{name=default}`."""

    name: str
    default: Word | None
    span: Span


@dataclass(frozen=True, slots=True)
class Subquery:
    """A pipeline in braces as an argument."""

    pipeline: Pipeline
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; an argument without a name is the function's first, whatever its place."""

    function: str
    args: tuple[Argument, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call, with its name if it has one."""

    name: str | None
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Items:
    """A list in square brackets."""

    items: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Negation:
    """`-x` or `!x` in an expression."""

    operator: str
    operand: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Operation:
    """`left operator right` in an expression."""

    operator: str
    left: Value
    right: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator pattern`; the operators are = != < <= > >= like."""

    field: Word
    operator: str
    value: Word | ast.Pattern | Variable
    span: Span


@dataclass(frozen=True, slots=True)
class FreeText:
    """Text or a pattern that is looked for in every field."""

    value: Word | ast.Pattern | Variable
    span: Span


@dataclass(frozen=True, slots=True)
class Everything:
    """`*` or `true`, and `false` as their opposite."""

    value: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Conditions that all hold."""

    parts: tuple[Condition, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Conditions of which one holds."""

    parts: tuple[Condition, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    """A condition that does not hold."""

    part: Condition
    span: Span


@dataclass(frozen=True, slots=True)
class FilterStep:
    """Keeps the events for which the condition holds."""

    condition: Condition
    span: Span


@dataclass(frozen=True, slots=True)
class AssignStep:
    """`field := expression`."""

    field: Word
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class CaseStep:
    """`case { … ; … }`: an event takes the first clause that returns it."""

    clauses: tuple[Pipeline, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Guard:
    """One clause of a match: a condition over the field, then steps."""

    condition: Condition
    pipeline: Pipeline
    span: Span


@dataclass(frozen=True, slots=True)
class MatchStep:
    """`field match { guard => steps ; … }`."""

    field: Word
    clauses: tuple[Guard, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class StatsStep:
    """`[f(), g()]`, short for stats."""

    functions: Items
    span: Span


@dataclass(frozen=True, slots=True)
class SavedStep:
    """`$name(…)`: a query saved under a name."""

    name: str
    args: tuple[Argument, ...]
    span: Span


Value: TypeAlias = Word | ast.Pattern | Variable | Subquery | Call | Items | Negation | Operation | SavedStep
Condition: TypeAlias = Comparison | FreeText | Everything | Conjunction | Disjunction | Not | Call
Step: TypeAlias = FilterStep | AssignStep | CaseStep | MatchStep | StatsStep | SavedStep


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps in order."""

    steps: tuple[Step, ...]
    span: Span = field(default=Span(0, 0))
