"""The relational nodes of a plan; every node knows its output schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from functools import lru_cache
from typing import Any, TypeAlias
from typing import Literal as Choice

from livefire.diagnostics import Span
from livefire.plan.expr import Column, Expr, Scalar, SortKey
from livefire.record import record
from livefire.schema import Field, Schema, Type, field_of


class _Known:
    """Keeps a node's schema once it is known, and whether it is `quiet`: a plan is asked for both at every step, and tables are wide."""

    __slots__ = ("_quiet", "_schema")

    @property
    def still(self) -> bool | None:
        """What `plan.walk.quiet` found of the node, None before it looked."""
        return getattr(self, "_quiet", None)


class _Once:
    """A schema computed when it is first asked for; nodes never change."""

    def __init__(self, compute: Callable[[Any], Schema]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __get__(self, node: Any, owner: type) -> Schema:
        try:
            found: Schema = node._schema
        except AttributeError:
            found = self._compute(node)
            object.__setattr__(node, "_schema", found)
        return found


@record(frozen=True, slots=True)
class Item:
    """A named output expression."""

    name: str
    expr: Expr


@record(frozen=True, slots=True)
class Scan:
    """The rows of a stored table.

    `physical` gives each column its name in storage, in schema order. `identity` is the column
    that tells events apart, `time` the event time.
    """

    table: str
    schema: Schema
    physical: tuple[str, ...]
    identity: str | None = None
    time: str | None = None


@record(frozen=True, slots=True)
class Values:
    """Constant rows."""

    schema: Schema
    rows: tuple[tuple[Scalar, ...], ...]


@record(frozen=True, slots=True)
class Filter(_Known):
    """The rows for which the predicate is true; false and null both drop a row."""

    input: Plan
    predicate: Expr
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """The schema of the input."""
        return self.input.schema


@record(frozen=True, slots=True)
class Project(_Known):
    """Exactly the listed columns, computed from the input."""

    input: Plan
    items: tuple[Item, ...]
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """One column an item."""
        return Schema(tuple([field_of(i.name, i.expr.type) for i in self.items]))


@record(frozen=True, slots=True)
class Aggregate(_Known):
    """One row a group (null keys group together); one row in all when there are no keys."""

    input: Plan
    keys: tuple[Item, ...]
    items: tuple[Item, ...]
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """Keys first, then aggregates."""
        return Schema(tuple(Field(i.name, i.expr.type) for i in (*self.keys, *self.items)))


@record(frozen=True, slots=True)
class Sort(_Known):
    """The rows in order; the order lasts until a node that has none (aggregate, join, union, distinct)."""

    input: Plan
    keys: tuple[SortKey, ...]
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """The schema of the input."""
        return self.input.schema


@record(frozen=True, slots=True)
class Limit(_Known):
    """The first `count` rows after `offset`."""

    input: Plan
    count: int
    offset: int = 0
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """The schema of the input."""
        return self.input.schema


@record(frozen=True, slots=True)
class Distinct(_Known):
    """Each different row once; nulls are equal to each other."""

    input: Plan
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """The schema of the input."""
        return self.input.schema


JoinKind: TypeAlias = Choice["inner", "left", "right", "full", "semi", "anti", "cross"]


@record(frozen=True, slots=True)
class Join(_Known):
    """Pairs of rows that satisfy `on`.

    The two sides must not share a column name (languages rename first); `semi` and `anti` give
    the left columns only. `on` sees both sides; a null in it is no match.
    """

    left: Plan
    right: Plan
    kind: JoinKind
    on: Expr
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """Left columns, then right columns."""
        if self.kind in ("semi", "anti"):
            return self.left.schema
        return Schema((*self.left.schema.fields, *self.right.schema.fields))


@record(frozen=True, slots=True)
class Union(_Known):
    """All rows of all inputs, which have the same schema in the same order."""

    inputs: tuple[Plan, ...]
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """The schema of the first input."""
        return self.inputs[0].schema


@record(frozen=True, slots=True)
class Unnest(_Known):
    """One row an element of a dynamic array, appended as `name` (dynamic); `index` counts from 0.

    With `outer` a row with an empty or null array is kept once with null; an object gives one row
    a member, as `{key: value}`; another scalar is its own single element.
    """

    input: Plan
    expr: Expr
    name: str
    index: str | None = None
    outer: bool = False
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """The input's columns, the element, and its index if asked for."""
        extra = [Field(self.name, Type.DYNAMIC)]
        if self.index is not None:
            extra.append(Field(self.index, Type.LONG))
        return Schema((*self.input.schema.fields, *extra))


@record(frozen=True, slots=True)
class Window(_Known):
    """The input's columns and one more a window call."""

    input: Plan
    items: tuple[Item, ...]
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """The input's columns, then the items."""
        return Schema((*self.input.schema.fields, *(Field(i.name, i.expr.type) for i in self.items)))


@record(frozen=True, slots=True)
class Carried:
    """A value that a recurrence carries from row to row: `before` names that of the row before, `start` in the first row."""

    name: str
    before: str
    start: Expr
    expr: Expr


@record(frozen=True, slots=True)
class Recurrence:
    """The rows in their order, one after another, each with values computed from it and from those of the row before.

    Rows with equal keys (null equals null) are walked through by themselves. `stages` are values
    computed for a row in turn, each seeing those of the stages before it; the carried values see
    them all. `order_by` is the order of the rows; without it they come as they are.
    """

    input: Plan
    keys: tuple[Column, ...]
    stages: tuple[tuple[Item, ...], ...]
    carried: tuple[Carried, ...]
    order_by: tuple[SortKey, ...] = ()
    span: Span | None = field(default=None, compare=False)

    @property
    def schema(self) -> Schema:
        """The input's columns, then the carried values."""
        return Schema((*self.input.schema.fields, *(Field(c.name, c.expr.type) for c in self.carried)))


@record(frozen=True, slots=True)
class Step:
    """One step of a sequence: candidate rows, and the values that must agree between steps.

    All steps of one sequence have the same schema and the same number of keys, with the same type
    at each position. An event with a null key is no candidate, but for the positions in
    `null_keys`, where null equals null. Dynamic keys are compared as JSON; one that is an array is
    an error of the run. `runs` is how many events in a row the step wants; with `missing` no such
    event may occur there.
    """

    input: Plan
    keys: tuple[Expr, ...]
    missing: bool = False
    runs: int = 1
    null_keys: tuple[int, ...] = ()


@record(frozen=True, slots=True)
class Sequence(_Known):
    """Events that follow each other per key, strictly in the order of time, tiebreak (nulls last) and storage.

    `max_span` is in ticks of 100 ns. Without `ordered` it is a sample: for each key one choice of
    different events, one a step. A candidate without a time is an error of the run.

    The result has one row a matched event, in sequence and step order: `sequence` (counted from
    0), `step` (counted from 0), then the columns of the steps; a missing event is a row of nulls.
    """

    steps: tuple[Step, ...]
    time: str
    tiebreak: tuple[str, ...] = ()
    max_span: int | None = None
    until: Step | None = None
    ordered: bool = True
    sequence: str = "sequence"
    step: str = "step"
    span: Span | None = field(default=None, compare=False)

    @_Once
    def schema(self) -> Schema:
        """Sequence number, step number, then the columns of the steps."""
        head = (Field(self.sequence, Type.LONG), Field(self.step, Type.LONG))
        return Schema((*head, *self.steps[0].input.schema.fields))


Plan: TypeAlias = Scan | Values | Filter | Project | Aggregate | Sort | Limit | Distinct | Join | Union | Unnest | Window | Sequence | Recurrence


def project_more(plan: Plan, kept: tuple[Item, ...], fresh: tuple[Item, ...], schema: Schema, span: Span | None = None) -> Project:
    """Return a projection to items whose schema is known and to fresh ones: tables are wide, and rules add column after column to them."""
    wider = Project(plan, (*kept, *fresh), span)
    object.__setattr__(wider, "_schema", schema.wider(*[field_of(i.name, i.expr.type) for i in fresh]))
    return wider


def inputs(plan: Plan) -> tuple[Plan, ...]:
    """Return the direct inputs of a node, left to right."""
    match plan:
        case Scan() | Values():
            return ()
        case Join(left=left, right=right):
            return (left, right)
        case Union(inputs=parts):
            return parts
        case Sequence(steps=steps, until=until):
            return (*(s.input for s in steps), *((until.input,) if until else ()))
        case _:
            return (plan.input,)


def column(plan: Plan, name: str) -> Column:
    """Return the column of that name of a plan's output; KeyError if there is none."""
    found = plan.schema.get(name)
    if found is None:
        raise KeyError(name)
    return Column(name, found.type)


def keep_all(plan: Plan) -> tuple[Item, ...]:
    """Return one item for each output column, unchanged: the start of an extend or a rename."""
    return tuple([unchanged(f.name, f.type) for f in plan.schema.fields])


@lru_cache(maxsize=8192)
def unchanged(name: str, type: Type) -> Item:
    """Return the item of a column as it is; tables are wide, and most columns go through most steps."""
    return Item(name, Column(name, type))


def extend(plan: Plan, *items: Item) -> Project:
    """Return the plan with columns added, or replaced in place where the name exists."""
    fresh = {i.name: i for i in items}
    kept = [fresh.pop(i.name, i) for i in keep_all(plan)]
    return Project(plan, (*kept, *fresh.values()))


def select(plan: Plan, *names: str) -> Project:
    """Return only the named columns, in that order; KeyError for one that is not there."""
    types = {f.name: f.type for f in plan.schema}
    return Project(plan, tuple(unchanged(name, types[name]) for name in names))
