"""`scan`: rows in order against steps, each of which remembers the rows that led to it. https://learn.microsoft.com/kusto/query/scan-operator

A row is held against the steps from the last to the first. It fits a step when the step before is
reached and the condition holds over what that one remembers (the match moves on), or else when the
step itself is reached, or is the first, and the condition holds over what it remembers itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace

from livefire.languages.kit.ast import Member, Name
from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.rows import serialized
from livefire.languages.kql.scalars import lower_condition, lower_scalar
from livefire.languages.kql.scope import Relation, Scope
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, any_of, call, negate, window
from livefire.schema import Type

Key = tuple[str, str]
"""A step and a column of the row it remembers."""


@dataclass(slots=True)
class Memory:
    """What one step remembers: whether it is reached, the number of its match, and values of the rows of the steps up to it."""

    reached: e.Column
    match: e.Column
    values: dict[Key, e.Column]


@dataclass(slots=True)
class Walk:
    """A scan under construction: its stages and carried values, with the names they have before a row."""

    scope: Scope
    relation: Relation
    step: k.Scan
    defaults: dict[str, e.Expr]
    before: list[Memory]
    after: list[Memory]
    carried: list[n.Carried]
    counter: tuple[e.Column, e.Column]

    def fresh(self, what: str, type: Type) -> e.Column:
        """Return a hidden column."""
        return e.Column(self.scope.state.name(what), type)


def lower_scan(scope: Scope, relation: Relation, step: k.Scan) -> Relation:
    """`scan with (step …)`."""
    if relation.open:
        return Relation(relation.plan, open=True)
    late = next((s for s in step.steps if s.output == "last"), None)
    if late is not None:
        scope.error(
            "E304",
            "output=last is not run: when a series of matches ends is not published",
            late.span,
            "take the last row of each match with summarize arg_max()",
        )
        return Relation(relation.plan, open=True)
    relation = replace(serialized(scope, relation), partition=relation.partition)
    walk = _start(scope, relation, step)
    if walk is None:
        return Relation(relation.plan, open=True)
    stages, matched, assigned = _stages(walk)
    _carry(walk, matched, assigned)
    keys = tuple(n.column(relation.plan, x) for x in relation.partition)
    shown = _shown(walk, matched, assigned)
    plan = n.Recurrence(relation.plan, keys, stages, tuple(walk.carried), span=step.span)
    return relation.with_plan(_rows(walk, plan, shown), ordered=True)


def _start(scope: Scope, relation: Relation, step: k.Scan) -> Walk | None:
    names = [s.name for s in step.steps]
    if len(set(names)) < len(names):
        scope.error("E106", "two steps have one name", step.span)
        return None
    defaults: dict[str, e.Expr] = {f.name: coerce.fit(e.null(), f.type) for f in relation.schema}
    for column, default in step.columns:
        if column.name in relation.schema:
            scope.error("E106", f"the column {column.name!r} is there already", column.span)
            return None
        defaults[column.name] = coerce.fit(lower_scalar(scope.bare(), default) if default is not None else e.null(), column.type)
    used = {key for s in step.steps for key in _remembered(s, set(names))}
    for name, column_name in sorted(used):
        if column_name not in defaults:
            scope.error("E102", f"the step {name!r} has no column {column_name!r}", step.span, "columns are those of the rows and those declared")
            return None
    counter = (e.Column(scope.state.name("matches"), Type.LONG), e.Column(scope.state.name("matches"), Type.LONG))
    walk = Walk(scope, relation, step, defaults, [], [], [], counter)
    for place in range(len(names)):
        kept = [key for key in sorted(used) if key[0] in names[: place + 1]]
        for memories in (walk.before, walk.after):
            values = {key: walk.fresh("kept", defaults[key[1]].type) for key in kept}
            memories.append(Memory(walk.fresh("reached", Type.BOOL), walk.fresh("match", Type.LONG), values))
    return walk


def _remembered(node: object, steps: set[str]) -> Iterator[Key]:
    """Yield every `step.column` in a node."""
    if isinstance(node, Member) and isinstance(node.base, Name) and node.base.text in steps:
        yield node.base.text, node.name
    elif isinstance(node, tuple):
        for part in node:
            yield from _remembered(part, steps)
    elif is_dataclass(node):
        for part in fields(node):
            yield from _remembered(getattr(node, part.name), steps)


def _scope(walk: Walk, memory: Memory | None, guard: e.Expr | None) -> Scope:
    """Return the scope of a condition or assignment: what no memory holds has its default."""
    steps: dict[str, dict[str, e.Expr]] = {s.name: dict(walk.defaults) for s in walk.step.steps}
    for (name, column), value in memory.values.items() if memory is not None else ():
        default = walk.defaults[column]
        steps[name][column] = value if guard is None else e.Case(((guard, value),), default, default.type)
    return replace(walk.scope.over(walk.relation), steps=steps)


Matched = list[tuple[e.Column | None, e.Column, e.Expr]]
"""For each step: whether a row moves the match on to it, whether it stays there, and whether it fits at all."""


def _stages(walk: Walk) -> tuple[tuple[tuple[n.Item, ...], ...], Matched, list[dict[str, e.Expr]]]:
    """Return the stages that decide which steps a row fits, and that compute what is assigned."""
    count = len(walk.step.steps)
    moved = [walk.fresh("moved", Type.BOOL) if place else None for place in range(count)]
    first: list[n.Item] = []
    for place, column in enumerate(moved):
        if column is not None:
            held = lower_condition(_scope(walk, walk.before[place - 1], None), walk.step.steps[place].condition)
            first.append(n.Item(column.name, call("logic.is_true", all_of(walk.before[place - 1].reached, held))))
    second: list[n.Item] = []
    matched: Matched = []
    for place, column in enumerate(moved):
        own = _own(walk, moved, place)
        held = lower_condition(_scope(walk, walk.before[place], own if place == 0 else None), walk.step.steps[place].condition)
        conditions = [*([negate(column)] if column is not None else []), *([own] if place else []), held]
        stays = walk.fresh("stays", Type.BOOL)
        second.append(n.Item(stays.name, call("logic.is_true", all_of(*conditions))))
        matched.append((column, stays, any_of(*([column] if column is not None else []), stays)))
    third, assigned = _assignments(walk, moved, matched)
    counted = n.Item(walk.fresh("counted", Type.LONG).name, _next(walk, matched[0][1]))
    walk.carried.append(n.Carried(walk.counter[1].name, walk.counter[0].name, e.whole(-1), e.Column(counted.name, Type.LONG)))
    return tuple(s for s in (tuple(first), tuple(second), (*third, counted)) if s), matched, assigned


def _own(walk: Walk, moved: list[e.Column | None], place: int) -> e.Expr:
    """Return whether a step still has its match after a row may have moved it on."""
    reached = walk.before[place].reached
    gone = moved[place + 1] if place + 1 < len(moved) else None
    return all_of(reached, negate(gone)) if gone is not None else reached


def _next(walk: Walk, begins: e.Column) -> e.Expr:
    before = walk.counter[0]
    return e.Case(((begins, call("number.add", before, e.whole(1), type=Type.LONG)),), before, Type.LONG)


def _assignments(walk: Walk, moved: list[e.Column | None], matched: Matched) -> tuple[list[n.Item], list[dict[str, e.Expr]]]:
    declared = {c.name: c.type for c, _ in walk.step.columns}
    items: list[n.Item] = []
    assigned: list[dict[str, e.Expr]] = []
    for place, step in enumerate(walk.step.steps):
        column, stays, _ = matched[place]
        values: dict[str, e.Expr] = {name: walk.defaults[name] for name in declared}
        for name, node, span in step.assignments:
            if name not in declared:
                walk.scope.error("E102", f"{name!r} is not declared", span, "declare it: scan declare (" + name + ": type) with (…)")
                continue
            own = _own(walk, moved, place)
            arms = [(stays, _scope(walk, walk.before[place], own if place == 0 else None))]
            if column is not None:
                arms.append((column, _scope(walk, walk.before[place - 1], None)))
            whens = tuple((when, coerce.fit(lower_scalar(inner, node), declared[name])) for when, inner in arms)
            found = walk.fresh("assigned", declared[name])
            items.append(n.Item(found.name, e.Case(whens, walk.defaults[name], declared[name])))
            values[name] = found
        assigned.append(values)
    return items, assigned


def _carry(walk: Walk, matched: Matched, assigned: list[dict[str, e.Expr]]) -> None:
    """Say what each step remembers after a row."""
    moved = [m[0] for m in matched]
    counter = walk.carried[0].expr
    for place, (column, stays, fits) in enumerate(matched):
        before, after = walk.before[place], walk.after[place]
        name = walk.step.steps[place].name

        def value(old: e.Column, choose: Callable[[Memory], e.Column], column: e.Column | None = column, place: int = place) -> e.Expr:
            """Return what moves on from the step before, or stays."""
            return old if column is None else e.Case(((column, choose(walk.before[place - 1])),), old, old.type)

        _keep(walk, after.reached, before.reached, e.FALSE, any_of(fits, _own(walk, moved, place)))
        match = e.Case(((stays, counter),), before.match, Type.LONG) if place == 0 else value(before.match, lambda m: m.match)
        _keep(walk, after.match, before.match, e.null(Type.LONG), match)
        for key, old in before.values.items():
            if key[0] == name:
                row = assigned[place].get(key[1]) or n.column(walk.relation.plan, key[1])
                found: e.Expr = e.Case(((fits, row),), old, old.type)
            else:
                found = value(old, lambda m, key=key: m.values[key])  # type: ignore[misc]  # the key is bound at once
            _keep(walk, after.values[key], old, walk.defaults[key[1]], found)


def _keep(walk: Walk, after: e.Column, before: e.Column, start: e.Expr, value: e.Expr) -> None:
    walk.carried.append(n.Carried(after.name, before.name, start, value))


def _shown(walk: Walk, matched: Matched, assigned: list[dict[str, e.Expr]]) -> list[tuple[e.Column, dict[str, e.Column]]]:
    """Carry out, for each step that shows its rows, whether the row fits and what is assigned."""
    shown = []
    for place, (_, _, fits) in enumerate(matched):
        seen = walk.fresh("fits", Type.BOOL)
        _keep(walk, seen, walk.fresh("unread", Type.BOOL), e.FALSE, fits)
        values = {}
        for name, value in assigned[place].items():
            values[name] = walk.fresh("shown", value.type)
            _keep(walk, values[name], walk.fresh("unread", value.type), e.null(value.type), value)
        shown.append((seen, values))
    return shown


def _rows(walk: Walk, plan: n.Plan, shown: list[tuple[e.Column, dict[str, e.Column]]]) -> n.Plan:
    """Return a row for every step that a row fits, the last step first."""
    places = [i for i in reversed(range(len(shown))) if walk.step.steps[i].output != "none"]
    which, serial, turn = (walk.fresh(x, Type.LONG) for x in ("step", "serial", "turn"))
    element = walk.fresh("step", Type.DYNAMIC)
    numbered = n.Window(plan, (n.Item(serial.name, window("window.row_number", row_order=True)),))
    listed = e.Literal("[" + ",".join(map(str, places)) + "]", Type.DYNAMIC)
    spread = n.Unnest(numbered, listed, element.name, turn.name)
    told = n.Project(spread, (*n.keep_all(spread), n.Item(which.name, call("dynamic.long", element))))
    fits = any_of(*(all_of(call("compare.eq", which, e.whole(i)), shown[i][0]) for i in places))
    ordered = n.Sort(n.Filter(told, fits), (e.SortKey(serial), e.SortKey(turn)))
    items = [n.Item(f.name, e.Column(f.name, f.type)) for f in walk.relation.schema]
    for column, _ in walk.step.columns:
        whens = tuple((call("compare.eq", which, e.whole(i)), shown[i][1][column.name]) for i in places)
        items.append(n.Item(column.name, e.Case(whens, walk.defaults[column.name], column.type)))
    if walk.step.match_id is not None:
        whens = tuple((call("compare.eq", which, e.whole(i)), walk.after[i].match) for i in places)
        items.append(n.Item(walk.step.match_id, e.Case(whens, e.null(Type.LONG), Type.LONG)))
    return n.Project(ordered, tuple(items), walk.step.span)


STEPS: dict[type, Callable[..., Relation]] = {k.Scan: lower_scan}
