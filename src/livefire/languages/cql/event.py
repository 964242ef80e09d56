"""What a pipeline knows of the event at one place: its fields, arrays and parsed objects.

An event of CQL is a set of fields that steps add, change and drop. Here it is a mapping from
field names to expressions over the rows; a clause of `case` works on a fork, and the forks are
merged into one by conditions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Protocol

from livefire.diagnostics import Span
from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.rows import HELD, MISSING, Rows, is_null
from livefire.languages.cql.trees import object_of
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_ELEMENT = re.compile(r"^(.*)\[(\d+)\]$")
_MOST_PARTS = 5
_MOST_ELEMENTS = 1_000_000_000


class Base(Protocol):
    """Where a field comes from that no step has set."""

    names: tuple[str, ...]

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a field, None when the source has none of that name."""


class Parsed(Protocol):
    """Fields that a step has parsed out of a text and whose names only the data knows."""

    @property
    def column(self) -> e.Expr:
        """What the fields are read from; null where there are none."""

    @property
    def gentle(self) -> bool:
        """True for fields that replace none of the event's."""

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a field as text, None for a name it cannot hold."""

    def array(self, name: str) -> e.Expr | None:
        """Return the array of that name as JSON, None for a name it cannot hold."""

    def on(self, column: e.Expr) -> Parsed:
        """Return the same fields read from another column."""


@dataclass(frozen=True, slots=True)
class Bag:
    """The fields that parsing a JSON text has made, by prefix; null where the text was no object.

    `nulls` is what JSON null becomes: a text, or None where it makes no field.
    """

    prefix: str
    column: e.Expr
    nulls: str | None = "null"
    keep_empty: bool = True
    excluded: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    gentle: bool = False

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a field of this bag as text, None for a name it cannot hold."""
        ways = self._ways(name)
        if not ways:
            return None
        nulls = e.text(self.nulls) if self.nulls is not None else MISSING
        value = call("dynamic.field", self.column, e.text(json.dumps(ways)), nulls)
        return value if self.keep_empty else call("logic.null_if", value, e.text(""))

    def array(self, name: str) -> e.Expr | None:
        """Return the array of that name as JSON, None for a name it cannot hold."""
        found: e.Expr = e.null(Type.DYNAMIC)
        for steps in self._ways(name):
            found = coerce.either(found, e.Path(self.column, steps))
        return None if is_null(found) else found

    def on(self, column: e.Expr) -> Bag:
        """Return the same fields read from another column."""
        return replace(self, column=column)

    def _ways(self, name: str) -> tuple[tuple[str | int, ...], ...]:
        """Return where in the object a field may lie: under its name, or under one whose beginning is removed."""
        if not name.startswith(self.prefix) or not self._takes(name):
            return ()
        bare = name[len(self.prefix) :]
        return tuple(w for full in (bare, *(f"{r}{bare}" for r in self.removed)) if self._shown(full) == bare for w in keyings(full))

    def _shown(self, name: str) -> str:
        """Return a name without the longest of the beginnings that are removed."""
        return next((name[len(r) :] for r in self.removed if name.startswith(r) and name != r), name)

    def _takes(self, name: str) -> bool:
        return not any(name.startswith(x) for x in self.excluded) or any(name.startswith(x) for x in self.included)


def path_steps(name: str) -> tuple[str | int, ...]:
    """Return the steps of `a.b[0].c`."""
    return tuple(index_of(m.group(2)) if m.group(2) is not None else m.group(1) for m in _STEP.finditer(name))


def index_of(digits: str) -> int:
    """Return the place of an element; one past what any array holds is the last there could be."""
    return int(digits) if len(digits.lstrip("0")) < len(str(_MOST_ELEMENTS)) else _MOST_ELEMENTS


def keyings(name: str) -> tuple[tuple[str | int, ...], ...]:
    """Return the ways a field name may lie in a JSON object: a dot may part members or be part of a key."""
    steps = path_steps(name)
    if not steps:
        return ()
    dots = [i for i in range(len(steps) - 1) if isinstance(steps[i], str) and isinstance(steps[i + 1], str)]
    if len(dots) > _MOST_PARTS:
        return (steps, (name,))
    ways: list[tuple[str | int, ...]] = []
    for joined in product((False, True), repeat=len(dots)):
        joins = {i for i, j in zip(dots, joined, strict=True) if j}
        ways.append(_joined(steps, joins))
    return tuple(ways)


def _joined(steps: tuple[str | int, ...], joins: set[int]) -> tuple[str | int, ...]:
    out: list[str | int] = [steps[0]]
    for place, step in enumerate(steps[1:]):
        if place in joins:
            out[-1] = f"{out[-1]}.{step}"
        else:
            out.append(step)
    return tuple(out)


@dataclass(slots=True)
class Event:
    """The event at one place of a pipeline.

    `alive` is the condition under which a fork still has its event, None for always. `inline` events
    hold no columns: their values are parts of one expression, as inside a function over an array. A
    `closed` event shows only what `select` left; its source still serves free text.
    `partition` are the columns of the group that the events are in, inside a function of groupBy: steps over all events then
    work on each group alone. `most` is how many rows there are at most, None where that is not known.
    `reached` is the condition under which an event came to this fork at all. `sizes` is how many
    elements an array has at most, None where that is not known. `mentioned` is shared by all forks
    and keeps the names in the order the query uses them. `passed` are the steps that the event went through.
    """

    rows: Rows
    base: Base | None
    fields: dict[str, e.Expr] = field(default_factory=dict)
    arrays: dict[str, e.Expr] = field(default_factory=dict)
    bags: tuple[Parsed, ...] = ()
    alive: e.Expr | None = None
    forked: bool = False
    inline: bool = False
    aggregated: bool = False
    closed: bool = False
    reached: e.Expr = e.TRUE
    sizes: dict[str, int | None] = field(default_factory=dict)
    mentioned: dict[str, None] = field(default_factory=dict)
    partition: tuple[e.Expr, ...] = ()
    most: int | None = None
    passed: tuple[s.Step, ...] = ()

    # reading

    def read(self, name: str) -> e.Expr:
        """Return the value of a field; null where the event has none."""
        self.mentioned.setdefault(name)
        return self.peek(name)

    def peek(self, name: str) -> e.Expr:
        """Return the value of a field without noting that the query names it."""
        for spelling in _spellings(name):
            if spelling in self.fields:
                return self.fields[spelling]
        if (element := _ELEMENT.match(name)) and element.group(1) in self.arrays:
            array = self.arrays[element.group(1)]
            return MISSING if is_null(array) else call("dynamic.leaf", e.Path(array, (index_of(element.group(2)),)))
        found: e.Expr = MISSING
        for bag in self.bags:
            value = None if bag.gentle else bag.read(name)
            if value is not None:
                found = coerce.either(found, value)
        values = [self.base.read(spelling) for spelling in _spellings(name)] if self.base is not None and not self.closed else []
        for value in [v for v in values if v is not None][:1]:
            found = coerce.either(found, value)
        for bag in reversed(self.bags):
            value = bag.read(name) if bag.gentle else None
            if value is not None:
                found = coerce.either(found, value)
        return self.hold(found)

    def has(self, name: str) -> bool:
        """True when some source may give the field."""
        return not is_null(self.peek(name))

    def array(self, name: str) -> e.Expr:
        """Return an array `name[]` as JSON; null where the event has none."""
        self.mentioned.setdefault(f"{name}[]")
        if name in self.arrays:
            return self.arrays[name]
        elements = self._elements(name)
        if elements:
            return self.hold(call("array.compact", call("dynamic.array", *elements)))
        found: e.Expr = e.null(Type.DYNAMIC)
        for bag in self.bags:
            value = bag.array(name)
            if value is not None:
                found = coerce.either(found, value)
        if self.base is not None and not self.closed:
            value = self.base.read(name)
            if value is not None and value.type is Type.DYNAMIC:
                found = coerce.either(found, value)
        return self.hold(found)

    def has_array(self, name: str) -> bool:
        """True when some source may give the array."""
        return not is_null(self.array(name))

    def _elements(self, name: str) -> list[e.Expr]:
        out: list[e.Expr] = []
        while (element := f"{name}[{len(out)}]") in self.fields or any(x.startswith(f"{element}.") for x in self.fields):
            out.append(coerce.text(self.fields[element]) if element in self.fields else self._gathered(f"{element}."))
        return out

    def _gathered(self, prefix: str) -> e.Expr:
        return object_of([(x[len(prefix) :], value) for x, value in self.fields.items() if x.startswith(prefix)], self.hold)

    # changing

    def hold(self, value: e.Expr) -> e.Expr:
        """Return a column for a value, or the value itself where columns cannot be held."""
        return value if self.inline else self.rows.hold(value)

    def assign(self, name: str, value: e.Expr) -> None:
        """Set a field where the value is not null; otherwise the field stays as it is."""
        self.mentioned.setdefault(name)
        if is_null(value):
            return
        if _certain_value(value):
            self.fields[name] = self.hold(value)
            return
        self.fields[name] = self.hold(coerce.either(self.hold(value), self.peek(name)))

    def replace(self, name: str, value: e.Expr) -> None:
        """Set a field to a value, null making it missing."""
        self.mentioned.setdefault(name)
        self.fields[name] = self.hold(value)

    def drop(self, name: str) -> None:
        """Make a field missing."""
        if name.endswith("[]"):
            self.arrays[name[:-2]] = e.null(Type.DYNAMIC)
            self.sizes[name[:-2]] = 0
            return
        self.fields[name] = MISSING

    def push(self, bag: Parsed) -> None:
        """Add the fields of a parsed object; they replace those of the same name."""
        for name, value in list(self.fields.items()):
            fresh = bag.read(name)
            if fresh is not None:
                self.fields[name] = self.hold(coerce.either(value, fresh) if bag.gentle else coerce.either(fresh, value))
        self.bags = (bag, *self.bags)

    def keep(self, condition: e.Expr, span: Span | None) -> None:
        """Go on only where the condition is true."""
        sure = coerce.certain(condition)
        if sure == e.TRUE:
            return
        if self.forked or self.inline:
            self.alive = self.hold(sure if self.alive is None else call("logic.and", self.alive, sure, span=span))
            return
        self.rows.filter(sure, span)

    # clauses

    def fork(self, earlier: Iterable[Event] = ()) -> Event:
        """Return a copy for one clause; events that an earlier clause keeps do not reach it."""
        passed = [negate(f.alive) for f in earlier if f.alive is not None]
        conditions = [c for c in (self.reached, self.alive, *passed) if c is not None and c != e.TRUE]
        reached = all_of(*conditions) if conditions else e.TRUE
        return replace(self, fields=dict(self.fields), arrays=dict(self.arrays), sizes=dict(self.sizes), alive=None, forked=True, reached=reached)

    def become(self, other: Event) -> None:
        """Go on as another event, which an aggregate has made of this one."""
        self.rows, self.base, self.fields, self.arrays, self.bags = other.rows, other.base, other.fields, other.arrays, other.bags
        self.alive, self.aggregated, self.closed, self.mentioned = other.alive, other.aggregated, other.closed, other.mentioned
        self.sizes, self.partition, self.most = other.sizes, other.partition, other.most

    def join(self, forks: list[Event], span: Span | None) -> None:
        """Become the first fork that kept its event; drop the event where none did."""
        conditions = [f.alive for f in forks]
        known = [c for c in conditions if c is not None]
        if len(known) == len(conditions):
            self.keep(any_of(*known), span)
        for name in dict.fromkeys(n for f in forks for n in f.fields if f.fields[n] is not self.fields.get(n)):
            self.fields[name] = self._merged([f.peek(name) for f in forks], conditions)
        for name in dict.fromkeys(n for f in forks for n in (*f.arrays, *self.arrays) if f.arrays.get(n) is not self.arrays.get(n)):
            self.arrays[name] = self._merged([f.array(name) for f in forks], conditions, Type.DYNAMIC)
            sizes = [f.sizes.get(name, 0 if name not in f.arrays else None) for f in forks]
            self.sizes[name] = None if None in sizes else max(size for size in sizes if size is not None)
        taken: list[e.Expr] = []
        for fork in forks:
            fresh = [b for b in fork.bags if b not in self.bags]
            if fresh:
                alone = all_of(*(negate(t) for t in taken), *((fork.alive,) if fork.alive is not None else ()))
                self.bags = (*(self._conditional(b, alone) for b in fresh), *self.bags)
            if fork.alive is not None:
                taken.append(fork.alive)

    def _conditional(self, bag: Parsed, condition: e.Expr) -> Parsed:
        kind = bag.column.type
        return bag.on(self.hold(e.Case(((condition, bag.column),), e.null(kind), kind)))

    def _merged(self, values: list[e.Expr], conditions: list[e.Expr | None], kind: Type | None = None) -> e.Expr:
        arms: list[tuple[e.Expr, e.Expr]] = []
        otherwise: e.Expr = e.null(kind or Type.STRING)
        for value, condition in zip(coerce.same_type(values) if kind is None else values, conditions, strict=True):
            if condition is None:
                otherwise = value
                break
            arms.append((condition, value))
        if not arms or all(v == otherwise for _, v in arms):
            return otherwise
        if is_null(otherwise) and otherwise.type is not arms[0][1].type:
            otherwise = e.null(arms[0][1].type)
        return self.hold(e.Case(tuple(arms), otherwise, arms[0][1].type))


def _spellings(name: str) -> tuple[str, ...]:
    """A tag field is written with # or without it."""
    return (name, name[1:]) if name.startswith("#") else (name, f"#{name}")


def _certain_value(value: e.Expr) -> bool:
    return isinstance(value, e.Literal) and value.value is not None


def settled(rows: Rows, names: Iterable[str], mentioned: Mapping[str, None] | None = None) -> Event:
    """Return the event of aggregated rows: exactly these fields."""
    fields: dict[str, e.Expr] = {}
    for name in names:
        found = rows.plan.schema.get(name)
        if found is not None and not name.startswith(HELD):
            fields[name] = e.Column(name, found.type)
    return Event(rows, None, fields, aggregated=True, mentioned=dict(mentioned or {}))
