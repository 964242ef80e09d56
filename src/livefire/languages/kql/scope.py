"""What lowering knows at a place of a query: columns, let names, and where aggregates and row functions go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NoReturn

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.kql import nodes as k
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import call
from livefire.record import record
from livefire.schema import Schema, Type

HIDDEN = "\x02"
VENDOR = "sentinel"
SITE = "site"
MAX_CALLS = 60


@record(frozen=True, slots=True)
class Relation:
    """Rows under construction.

    An `open` relation stands for a table that no catalog describes: any column name is taken.
    `name` is what `union withsource` shows; `ordered` tells whether rows have an order that Kusto
    guarantees (`sort`, `top`, `serialize`). `partition` names the columns of a group of rows that
    row functions do not look beyond.
    """

    plan: n.Plan
    open: bool = False
    name: str = ""
    ordered: bool = False
    partition: tuple[str, ...] = ()

    @property
    def schema(self) -> Schema:
        """The columns."""
        return self.plan.schema

    @property
    def graph(self) -> bool:
        """True for a graph, which stands where rows would and has none."""
        return False

    @property
    def empty(self) -> bool:
        """True for rows that are known to be none."""
        return isinstance(self.plan, n.Values) and not self.plan.rows

    def with_plan(self, plan: n.Plan, **changes: bool) -> Relation:
        """Return the relation with another plan."""
        if not changes:
            return Relation(plan, self.open, self.name, self.ordered, self.partition)
        return replace(self, plan=plan, **changes)  # type: ignore[arg-type]  # the flags are bools


@record(frozen=True, slots=True)
class Function:
    """A function of a `let`, with the names visible where it was defined."""

    definition: k.FunctionBody
    frame: Frame


@record(frozen=True, slots=True)
class Declared:
    """A pattern of `declare pattern`, with the names visible where it was declared."""

    definition: k.Declared
    frame: Frame


Binding = e.Literal | e.Call | e.Case | e.Path | e.Parameter | e.ScalarQuery | Relation | Function | Declared
"""What a let name stands for; scalars are expressions without columns."""


@dataclass(slots=True)
class Frame:
    """Let names of a block, over those of the block around it."""

    names: dict[str, object] = field(default_factory=dict)
    outer: Frame | None = None

    def find(self, name: str) -> object | None:
        """Return what a name stands for, or None."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.outer
        return None

    def all_names(self) -> list[str]:
        """Return every visible name."""
        return [*self.names, *(self.outer.all_names() if self.outer else [])]


@dataclass(slots=True)
class Gathered:
    """Aggregates (None where they may not stand) and row functions found while an expression is lowered.

    A recurrence among the row functions still lacks its input, and a join its left side; a value that is
    no row function is computed before, once for all that reads it.
    """

    aggregates: list[n.Item] | None = None
    windows: list[n.Item | n.Recurrence | n.Join] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """What is shared by the whole lowering of one text."""

    context: Context
    fresh: int = 0
    calls: int = 0
    seen: dict[int, tuple[Schema, Mapping[str, e.Expr]]] = field(default_factory=dict)
    unfilled: set[str] = field(default_factory=set)

    def columns_of(self, schema: Schema) -> Mapping[str, e.Expr]:
        """Return a schema's columns by name; steps that change none share one schema."""
        known = self.seen.get(id(schema))
        if known is None or known[0] is not schema:
            known = self.seen[id(schema)] = (schema, {f.name: n.unchanged(f.name, f.type).expr for f in schema})
        return known[1]

    def known(self, schema: Schema, columns: Mapping[str, e.Expr]) -> None:
        """Keep the columns of a schema that a step has made of another."""
        self.seen[id(schema)] = (schema, columns)

    def name(self, what: str) -> str:
        """Return a column name that no text can write."""
        self.fresh += 1
        return f"{HIDDEN}{what}{self.fresh}"


@record(frozen=True, slots=True)
class Scope:
    """Where an expression stands."""

    state: State
    frame: Frame
    relation: Relation | None = None
    columns: Mapping[str, e.Expr] = field(default_factory=dict)
    sides: tuple[Relation, Relation] | None = None
    gathered: Gathered | None = None
    steps: Mapping[str, Mapping[str, e.Expr]] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        """The context of the whole text."""
        return self.state.context

    @property
    def open(self) -> bool:
        """True when unknown columns are to be taken."""
        return self.relation is not None and self.relation.open

    def table(self, name: str) -> Table | None:
        """Return a table of Sentinel or one that the user loaded, by its exact name or alias."""
        return self.context.catalog.find(name, VENDOR)

    def over(self, relation: Relation, gathered: Gathered | None = None) -> Scope:
        """Return the scope of an expression over the rows of a relation."""
        columns = self.state.columns_of(relation.schema)
        return Scope(self.state, self.frame, relation, columns, None, gathered, self.steps)

    def bare(self) -> Scope:
        """Return the scope without columns, for a source or a let value."""
        return replace(self, relation=None, columns={}, sides=None, gathered=None)

    def inner(self, frame: Frame) -> Scope:
        """Return the scope of a body with its own let names."""
        return replace(self, frame=frame, relation=None, columns={}, sides=None, gathered=None)

    def error(self, code: str, message: str, span: Span, help: str = "") -> e.Expr:
        """Record an error and return a null, so that reading goes on."""
        self.context.diagnostics.error(code, message, span, help=help)
        return e.null(Type.UNKNOWN)

    def halt(self, code: str, message: str, span: Span, help: str = "") -> NoReturn:
        """Record an error and stop reading."""
        self.context.diagnostics.error(code, message, span, help=help)
        raise Halt


def nowhere() -> Relation:
    """Return the open relation that stands for an unknown table."""
    return Relation(n.Values(Schema(()), ()), open=True)


def filled(plan: n.Plan) -> n.Plan:
    """Return the plan with empty texts for null ones: a KQL string is never null.

    https://learn.microsoft.com/kusto/query/scalar-data-types/null-values
    """
    if not any(f.type is Type.STRING for f in plan.schema):
        return plan
    return n.Project(plan, tuple(_filled(f.name) if f.type is Type.STRING else n.unchanged(f.name, f.type) for f in plan.schema))


@lru_cache(maxsize=8192)
def _filled(name: str) -> n.Item:
    return n.Item(name, fill(e.Column(name, Type.STRING)))


def fill(expr: e.Expr) -> e.Expr:
    """Return a text expression with the empty text for null; other types unchanged."""
    if expr.type is not Type.STRING or (isinstance(expr, e.Literal) and expr.value is not None):
        return expr
    if isinstance(expr, e.Literal):
        return e.text("")
    if isinstance(expr, e.Call) and expr.function == "logic.coalesce":
        return expr
    return call("logic.coalesce", expr, e.text(""))
