"""Parsing of the operators that give several result tables: `fork` and `facet`.

https://learn.microsoft.com/kusto/query/fork-operator, https://learn.microsoft.com/kusto/query/facet-operator
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Apply, Name
from livefire.languages.kql import nodes as k

if TYPE_CHECKING:
    from livefire.languages.kql.steps import StepParser

# What the page of fork names, each as the node it is read into.
_IN_A_BRANCH = (
    k.As, k.Count, k.Extend, k.Parse, k.Where, k.Take, k.Project, k.ProjectNames, k.ProjectRename, k.ProjectReorder, k.Summarize, k.Top, k.TopNested,
    k.Sort, k.MvExpand, k.Unsupported,
)  # fmt: skip


def fork(parser: StepParser, start: Span) -> k.Several:
    """Read `[name =] (operators) …`; E301 for an operator that the page does not name."""
    tables: list[tuple[str, tuple[k.Step, ...]]] = []
    while not tables or parser.at("(") or parser.peek().text == "=":
        name = parser.declared_name_before("=") or ""
        steps = parser.subquery()
        for step in steps:
            if not isinstance(step, _IN_A_BRANCH):
                words = f"{parser.diagnostics.source.slice(step.span).split()[0]} stands in no branch of fork"
                parser.fail(words, code="E301", span=step.span, help="bind the rows with let and materialize(), and ask for each table in a query of its own")
        last = steps[-1]
        tables.append((name or (last.name if isinstance(last, k.As) else ""), steps))
    return k.Several("fork", tuple(tables), start.to(parser.last()))


def facet(parser: StepParser, start: Span) -> k.Several:
    """Read `by columns [with (operators)]`: the table of `with` comes first, then one a column with how often each value is there."""
    parser.expect("by")
    columns = [_column(parser)]
    while parser.take(","):
        columns.append(_column(parser))
    tables: list[tuple[str, tuple[k.Step, ...]]] = [("", parser.subquery())] if parser.take("with") else []
    tables += [(c.text, (_counted(c),)) for c in columns]
    return k.Several("facet", tuple(tables), start.to(parser.last()))


def _column(parser: StepParser) -> Name:
    place = parser.token.span
    return Name(parser.declared_name("a column"), place)


def _counted(column: Name) -> k.Summarize:
    count = k.Item(Apply("count", (), column.span, column.span), (f"count_{column.text}",), column.span, column.span)
    return k.Summarize((count,), (k.Item(column, (), column.span, column.span),), column.span)
