"""The stages of a query, on one page: source, AST, plan, rewritten plan, statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from livefire import languages
from livefire.diagnostics import Diagnostic, Diagnostics, Halt, QueryError, Source, Span
from livefire.languages.base import Context, Probe
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Catalog, Table, TableCatalog
from livefire.plan.functions import all_of, call
from livefire.plan.rewrite import rewrite
from livefire.schema import Type


@dataclass(frozen=True, slots=True)
class Options:
    """How a query is read: the language's options, the time range its tables are cut to, and how to look at events first."""

    lenient: bool = False
    bounded_start: bool = False
    bounded_end: bool = False
    open_schema: bool = False
    language: Mapping[str, object] = field(default_factory=dict)
    probe: Probe | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query at every stage up to the plan an engine takes."""

    source: Source
    language: str
    ast: object
    lowered: n.Plan
    plan: n.Plan
    diagnostics: tuple[Diagnostic, ...]


def read(source: Source, language: str, catalog: Catalog, options: Options) -> tuple[object | None, n.Plan | None, Diagnostics]:
    """Parse and lower a text; the AST and the plan are None where reading stopped before them."""
    diagnostics = Diagnostics(source)
    if language not in languages.REGISTRY:
        known = ", ".join(languages.REGISTRY)
        diagnostics.error("E001", f"no language is named {language!r}", Span(0, 0), help=f"known: {known}")
        return None, None, diagnostics
    found = languages.find(language)
    context = Context(cut_to_range(catalog, options), diagnostics, options.lenient, options.open_schema, options.language, options.probe)
    ast = plan = None
    try:
        ast = found.parse(context)
        if not diagnostics.failed or options.open_schema:
            plan = found.lower(ast, context)
    except Halt:
        pass
    except RecursionError:
        diagnostics.error("E204", "the query is nested too deeply", Span(0, len(source.text)))
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as fault:
        # A defect of a reader must not pass for an answer, nor end the program that called it.
        plan = None
        what = f"livefire itself failed while reading this ({type(fault).__name__}: {fault})"
        diagnostics.error("E009", what, Span(0, len(source.text)), help="please report it with the query")
    return ast, plan, diagnostics


def compile(source: Source, language: str, catalog: Catalog, options: Options) -> Compiled:
    """Return the query ready to run; QueryError when it cannot be run faithfully."""
    ast, plan, diagnostics = read(source, language, catalog, options)
    diagnostics.raise_if_failed()
    if plan is None:
        raise QueryError(diagnostics.items, source)
    return Compiled(source, language, ast, plan, rewrite(plan), diagnostics.items)


def check(source: Source, language: str, catalog: Catalog, options: Options) -> tuple[n.Plan | None, tuple[Diagnostic, ...]]:
    """Return the plan, as far as there is one, and everything there is to say of a text without running it; an unknown table does not end the reading."""
    _, plan, diagnostics = read(source, language, catalog, replace(options, open_schema=True, probe=None))
    return plan, diagnostics.items


def cut_to_range(catalog: Catalog, options: Options) -> Catalog:
    """Return the catalog with each timed table cut to [$start, $end) as far as these are given."""
    if not (options.bounded_start or options.bounded_end):
        return catalog
    if isinstance(catalog, TableCatalog):
        return replace(catalog, entries=tuple(_cut(t, options) for t in catalog.entries))
    return TableCatalog(tuple(_cut(t, options) for t in catalog.tables()))


def _cut(table: Table, options: Options) -> Table:
    if table.time is None:
        return table
    time = n.column(table.plan, table.time)
    bounds: list[e.Expr] = []
    if options.bounded_start:
        bounds.append(call("compare.ge", time, e.Parameter("start", Type.DATETIME)))
    if options.bounded_end:
        bounds.append(call("compare.lt", time, e.Parameter("end", Type.DATETIME)))
    return replace(table, plan=n.Filter(table.plan, all_of(*bounds)))
