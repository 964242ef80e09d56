"""Parsing of `scan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.kql import nodes as k

if TYPE_CHECKING:
    from livefire.languages.kql.steps import StepParser


def scan(parser: StepParser, start: Span) -> k.Step:
    """Read the rest of `scan`."""
    match_id = None
    while parser.at("with_match_id", "kind"):
        name = parser.advance().text
        parser.expect("=")
        written = parser.declared_name()
        match_id = written if name == "with_match_id" else match_id
    columns: list[tuple[k.SchemaColumn, k.Expression | None]] = []
    if parser.take("declare"):
        opened = parser.expect("(")
        while not parser.at(")") and not parser.done:
            columns.append(_declared(parser))
            if not parser.take(","):
                break
        parser.close(opened)
    parser.expect("with", "before the steps")
    opened = parser.expect("(")
    steps: list[k.ScanStep] = []
    while not parser.at(")") and not parser.done:
        steps.append(_step(parser))
        if not parser.take(";"):
            break
    parser.close(opened)
    if not steps:
        parser.fail("scan needs a step", span=start, help="write: scan with (step s1: condition;)")
    return k.Scan(match_id, tuple(columns), tuple(steps), start.to(parser.last()))


def _declared(parser: StepParser) -> tuple[k.SchemaColumn, k.Expression | None]:
    start = parser.token.span
    name = parser.declared_name("a column name")
    parser.expect(":", "before the column's type")
    column = k.SchemaColumn(name, parser.type_name(), start.to(parser.last()))
    return column, parser.expression() if parser.take("=") else None


def _step(parser: StepParser) -> k.ScanStep:
    start = parser.token.span
    parser.expect("step")
    name = parser.declared_name("the step's name")
    output = "all"
    if parser.take("optional"):
        parser.fail("an optional step is not run", span=parser.last(), code="E304", help="leave the word out")
    if parser.take("output"):
        parser.expect("=")
        output = parser.advance().text
        if output not in ("all", "last", "none"):
            parser.fail(f"no output is named {output!r}", span=parser.last(), code="E107", help="outputs: all, last, none")
    parser.expect(":", "before the step's condition")
    condition = parser.expression()
    assignments: list[tuple[str, k.Expression, Span]] = []
    if parser.take("=>"):
        while not parser.at(";", ")") and not parser.done:
            place = parser.token.span
            column = parser.declared_name("the column to assign")
            parser.expect("=")
            assignments.append((column, parser.expression(), place))
            if not parser.take(","):
                break
    return k.ScanStep(name, output, condition, tuple(assignments), start.to(parser.last()))
