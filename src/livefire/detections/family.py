"""Rules that differ in their filter alone, run in one statement over the same few events.

Most rules of a product give the events that pass their filter, all in the form that the product shows events in. To make a statement
of such a form ready costs more than to run it over few events; so it is made ready once, with a column for each rule that tells whether
an event passes its filter, and the rows are told apart by these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import any_of
from livefire.plan.walk import parts_of
from livefire.schema import Field, Schema, Type

if TYPE_CHECKING:
    import pyarrow as pa

FEW_EVENTS = 2_000
"""Events of a rule for which it is rather run with others: beyond, a statement of its own costs less than what it does to theirs."""
MOST_EVENTS = 8_192
"""Events of all rules of a statement together, of which each is tested for each rule."""
MOST_RULES = 50
"""Rules in one statement: beyond, planning grows faster than what is saved."""

_ELSEWHERE = (e.ScalarQuery, e.InQuery, e.Aggregate, e.WindowCall)


@dataclass(frozen=True, slots=True)
class Form:
    """What a rule makes of each event that passes its filter: the table, and its projections from the outermost to the innermost."""

    table: str
    projections: tuple[tuple[n.Item, ...], ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A rule as a form and a filter over a table's stored columns."""

    form: Form
    condition: e.Expr
    columns: tuple[tuple[str, Type], ...]


def member(plan: n.Plan) -> Member | None:
    """Return a plan as a form and a filter; None for one that is more than projections of one event over a filter over a stored table."""
    projections: list[tuple[n.Item, ...]] = []
    while isinstance(plan, n.Project):
        projections.append(plan.items)
        plan = plan.input
    if not projections or not isinstance(plan, n.Filter) or not isinstance(plan.input, n.Scan):
        return None
    scan, exprs = plan.input, [plan.predicate, *(item.expr for items in projections for item in items)]
    if scan.schema.names != scan.physical or any(isinstance(part, _ELSEWHERE) for expr in exprs for part in parts_of(expr)):
        return None
    return Member(Form(scan.table, tuple(projections)), plan.predicate, tuple((f.name, f.type) for f in scan.schema))


def together(members: Sequence[Member]) -> n.Plan:
    """Return one plan for members of one form: its columns, and one more for each member that tells whether a row is its."""
    form = members[0].form
    columns = columns_of(members)
    scan = n.Scan(form.table, Schema(tuple(Field(name, kind) for name, kind in columns)), tuple(name for name, _ in columns))
    plan: n.Plan = n.Filter(scan, any_of(*dict.fromkeys(m.condition for m in members)))
    told = tuple(n.Item(f"~{at}", m.condition) for at, m in enumerate(members))
    for items in reversed(form.projections):
        plan = n.Project(plan, (*items, *told))
        told = tuple(n.Item(item.name, e.Column(item.name, Type.BOOL)) for item in told)
    return plan


def columns_of(members: Iterable[Member]) -> tuple[tuple[str, Type], ...]:
    """Return the stored columns that any of some members reads."""
    return tuple({name: kind for m in members for name, kind in m.columns}.items())


def groups(seen: Mapping[int, Sequence[int]]) -> Iterator[list[int]]:
    """Yield rules of one form that are run together, by their numbers and the events that they see; each group has at least two."""
    group: list[int] = []
    held = 0
    for number, events in seen.items():
        if len(events) > FEW_EVENTS:
            continue
        if held + len(events) > MOST_EVENTS or len(group) == MOST_RULES:
            if len(group) > 1:
                yield group
            group, held = [], 0
        group.append(number)
        held += len(events)
    if len(group) > 1:
        yield group


def apart(rows: pa.Table, count: int) -> list[pa.Table]:
    """Return the rows of each of so many members, without the columns that tell them apart."""
    width = rows.num_columns - count
    form = rows.select(range(width))
    return [form.filter(rows.column(width + at)) for at in range(count)]
