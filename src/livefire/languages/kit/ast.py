"""Expression nodes that the languages share; a language adds its own statements and pipe operators.

Nodes keep what was written. What a spelling means is decided when it is lowered.
"""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias

from livefire.diagnostics import Span
from livefire.plan.expr import Scalar
from livefire.record import record
from livefire.schema import Type


@record(frozen=True, slots=True)
class Constant:
    """A literal with the type it was written in; dynamics as JSON text."""

    value: Scalar
    type: Type
    span: Span


@record(frozen=True, slots=True)
class Name:
    """A name as written, without quotes; `quoted` tells whether it had them."""

    text: str
    span: Span
    quoted: bool = False
    optional: bool = False


@record(frozen=True, slots=True)
class Unary:
    """A sign or word before its operand."""

    operator: str
    operand: Ast
    span: Span


@record(frozen=True, slots=True)
class Binary:
    """An operator between operands, in the spelling of the language."""

    operator: str
    left: Ast
    right: Ast
    span: Span
    operator_span: Span


@record(frozen=True, slots=True)
class Argument:
    """An argument of a call, named or not."""

    value: Ast
    name: str | None = None
    span: Span = field(default=Span(0, 0), compare=False)


@record(frozen=True, slots=True)
class Apply:
    """A call of a function by its written name."""

    function: str
    args: tuple[Argument, ...]
    span: Span
    name_span: Span


@record(frozen=True, slots=True)
class Member:
    """`base.name`."""

    base: Ast
    name: str
    span: Span


@record(frozen=True, slots=True)
class Index:
    """`base[index]`."""

    base: Ast
    index: Ast
    span: Span


@record(frozen=True, slots=True)
class ListOf:
    """A parenthesised or bracketed list of values."""

    items: tuple[Ast, ...]
    span: Span


@record(frozen=True, slots=True)
class Pattern:
    """A regular expression literal with its flags, as written between its slashes."""

    pattern: str
    flags: str
    span: Span


@record(frozen=True, slots=True)
class Star:
    """`*` where a language takes it for every column or any value."""

    span: Span


Ast: TypeAlias = Constant | Name | Unary | Binary | Apply | Member | Index | ListOf | Pattern | Star
