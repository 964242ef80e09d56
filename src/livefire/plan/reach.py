"""What of each stored table a plan can see: a condition that every row fails which cannot matter to it.

Filters above a scan are carried down to it, through projections by putting in what a name stands for.
A row for which the condition is not true is dropped by those very filters, so a plan gives the same
over a table without such rows, whatever stands above: that is what lets many plans share one reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, any_of
from livefire.plan.walk import conjuncts, map_expr, parts_of, quiet
from livefire.schema import Type

_DEAR = ("dynamic.", "json.", "text.matches_regex", "text.extract", "text.wildcard", "text.like", "text.contains", "text.has_term", "text.cidr")

MOST_PARTS = 2_000
"""How large a condition may grow by putting in what names stand for, counted in expressions."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a plan sees of a table: rows for which `condition` is true, and these columns; all by their names in storage."""

    condition: e.Expr
    columns: tuple[tuple[str, Type], ...]


def reach(plan: n.Plan) -> dict[str, Reach]:
    """Return what a plan can see of each table it scans, plans inside expressions included; no condition is the constant true."""
    found: dict[str, list[tuple[e.Expr, n.Scan]]] = {}
    for scan, conditions in _down(plan, ()):
        own = {f.name: e.Column(p, f.type) for f, p in zip(scan.schema, scan.physical, strict=True)}
        found.setdefault(scan.table, []).append((all_of(*(c for c in _put_in(sorted(conditions, key=_cost), own))), scan))
    seen = {}
    for table, reads in found.items():
        columns = {p: f.type for _, scan in reads for f, p in zip(scan.schema, scan.physical, strict=True)}
        whole = dict.fromkeys(condition for condition, _ in reads)
        seen[table] = Reach(e.TRUE if e.TRUE in whole else any_of(*whole), tuple(columns.items()))
    return seen


Bound: TypeAlias = tuple[e.Expr, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """When rows of a table can matter: not before any of `earliest`, nor after any of `latest`; expressions without columns."""

    earliest: Bound
    latest: Bound


def windows(plan: n.Plan) -> dict[str, tuple[Window, ...]]:
    """Return for each table the times that each of its scans asks for, where every scan asks for some; a row outside all of them cannot matter."""
    found: dict[str, list[Window]] = {}
    for table, window in readings(plan):
        found.setdefault(table, []).append(window)
    return {table: tuple(asked) for table, asked in found.items() if all(w.earliest or w.latest for w in asked)}


def readings(plan: n.Plan) -> Iterator[tuple[str, Window]]:
    """Yield the table of each scan with the times that it asks for."""
    for scan, conditions in _down(plan, ()):
        yield scan.table, _window(scan, conditions)


def _window(scan: n.Scan, conditions: Iterable[e.Expr]) -> Window:
    earliest: list[e.Expr] = []
    latest: list[e.Expr] = []
    for condition in conditions:
        if not isinstance(condition, e.Call) or condition.function not in _SIDES or len(condition.args) != 2:
            continue
        left, right = condition.args
        swapped = isinstance(right, e.Column)
        column, moment = (right, left) if swapped else (left, right)
        if isinstance(column, e.Column) and column.name == scan.time and not e.columns_of(moment) and moment.type is Type.DATETIME:
            (earliest if _SIDES[condition.function] != swapped else latest).append(moment)
    return Window(tuple(earliest), tuple(latest))


_SIDES = {"compare.ge": True, "compare.gt": True, "compare.le": False, "compare.lt": False}  # True: the left side is the later one


def may_fail(plan: n.Plan) -> bool:
    """True if a plan holds an expression that ends the run for some rows: which rows it sees then matters."""
    if quiet(plan):
        return False
    for expr in _top(plan):
        for part in () if isinstance(expr, e.Column) else parts_of(expr):
            if isinstance(part, e.Call) and part.function == "logic.fail_if":
                return True
            if isinstance(part, e.ScalarQuery | e.InQuery) and may_fail(part.plan):
                return True
    return any(may_fail(child) for child in n.inputs(plan))


def gives_nothing_of_nothing(plan: n.Plan) -> bool:
    """True if a plan gives no row where its tables have none."""
    match plan:
        case n.Scan():
            return True
        case n.Values(rows=rows):
            return not rows
        case n.Aggregate(keys=keys, input=child):
            return bool(keys) and gives_nothing_of_nothing(child)
        case n.Join(kind=kind, left=left, right=right):
            needed = {"inner": (left, right), "cross": (left, right), "left": (left,), "semi": (left,), "anti": (left,), "right": (right,)}.get(kind)
            return any(map(gives_nothing_of_nothing, needed)) if needed else all(map(gives_nothing_of_nothing, (left, right)))
        case n.Sequence():
            return all(map(gives_nothing_of_nothing, n.inputs(plan)))
        case n.Union(inputs=parts):
            return all(map(gives_nothing_of_nothing, parts))
        case _:
            return all(map(gives_nothing_of_nothing, n.inputs(plan)))


def _down(plan: n.Plan, conditions: tuple[e.Expr, ...]) -> Iterator[tuple[n.Scan, tuple[e.Expr, ...]]]:
    """Yield every scan with the conditions that stand above it, in its own names."""
    for inner in _nested(plan):
        yield from _down(inner, ())
    match plan:
        case n.Scan():
            yield plan, conditions
        case n.Filter(input=child, predicate=predicate):
            yield from _down(child, (*conditions, *(c for c in conjuncts(predicate) if not _looks_elsewhere(c))))
        case n.Project(input=child, items=items):
            known = {i.name: i.expr for i in items}
            yield from _down(child, tuple(c for c in _put_in(conditions, known) if not _looks_elsewhere(c) and _size(c) <= MOST_PARTS))
        case n.Union(inputs=parts):
            for part in parts:
                yield from _down(part, conditions)
        case n.Sort(input=child):
            yield from _down(child, conditions)
        case n.Unnest(input=child):
            names = frozenset(child.schema.names)
            yield from _down(child, tuple(c for c in conditions if e.columns_of(c) <= names))
        case _:
            for child in n.inputs(plan):
                yield from _down(child, ())


def _put_in(conditions: Iterable[e.Expr], known: Mapping[str, e.Expr]) -> Iterator[e.Expr]:
    """Yield conditions with what their columns stand for, but for those whose lambdas would catch a name."""
    inside = frozenset(name for value in known.values() for name in e.columns_of(value)) | known.keys()
    for condition in conditions:
        if not any(isinstance(part, e.Lambda) and inside & {p.name for p in part.parameters} for part in parts_of(condition)):
            yield map_expr(condition, lambda part: known.get(part.name, part) if isinstance(part, e.Column) else part)


def _looks_elsewhere(expr: e.Expr) -> bool:
    """True if an expression holds a plan, or something that is not a value of one row."""
    return any(isinstance(part, e.ScalarQuery | e.InQuery | e.Aggregate | e.WindowCall) for part in parts_of(expr))


def _size(expr: e.Expr) -> int:
    return sum(1 for _ in parts_of(expr))


def _cost(expr: e.Expr) -> int:
    """Order conditions: comparisons of columns first, then long ones, then those that look into JSON or match patterns."""
    parts = list(parts_of(expr))
    dear = sum(isinstance(part, e.Path | e.Lambda) or (isinstance(part, e.Call) and part.function.startswith(_DEAR)) for part in parts)
    return 1_000 * dear + len(parts)


def _nested(plan: n.Plan) -> Iterator[n.Plan]:
    for part in _own_expressions(plan):
        if isinstance(part, e.ScalarQuery | e.InQuery):
            yield part.plan


def _own_expressions(plan: n.Plan) -> Iterator[e.Expr]:
    for expr in _top(plan):
        yield from parts_of(expr)


def _top(plan: n.Plan) -> Iterator[e.Expr]:
    match plan:
        case n.Filter(predicate=predicate):
            yield predicate
        case n.Project(items=items) | n.Window(items=items):
            yield from (i.expr for i in items)
        case n.Aggregate(keys=keys, items=items):
            yield from (i.expr for i in (*keys, *items))
        case n.Sort(keys=sort_keys):
            yield from (k.expr for k in sort_keys)
        case n.Join(on=on):
            yield on
        case n.Unnest(expr=expr):
            yield expr
        case n.Recurrence(stages=stages, carried=carried):
            yield from (i.expr for stage in stages for i in stage)
            yield from (x for c in carried for x in (c.start, c.expr))
        case n.Sequence(steps=steps, until=until):
            yield from (key for s in (*steps, *((until,) if until else ())) for key in s.keys)
        case _:
            return
