"""A plan under construction: values are kept as columns in layers, so that a value used twice is computed once.

Every assignment of a query makes a new column; a column lies one layer above the highest one that
it reads. A thousand assignments thus become a handful of projections, whatever their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.schema import Type

HELD = "\x02"


# An engine that pushes a filter down writes out each column it reads, again in each layer below: over
# many layers that doubles and doubles. A limit that cuts nothing keeps such a filter where it is.
_DEEP = 4
_EVERY = 2**62
# Engines look for common parts among the expressions of one projection, at a cost that grows with its square.
_AT_ONCE = 64


@dataclass(slots=True)
class Layer:
    """Columns computed together, and the filters that may be applied once they are there."""

    items: list[n.Item] = field(default_factory=list)
    filters: list[tuple[e.Expr, Span | None]] = field(default_factory=list)


class Rows:
    """Events on their way through a pipeline."""

    def __init__(self, plan: n.Plan, numbers: Iterator[int]) -> None:
        self.plan = plan
        self._numbers = numbers
        self._layers: list[Layer] = [Layer()]
        self._level: dict[str, int] = {}
        self._read: dict[str, frozenset[str]] = {}
        self._held: dict[e.Expr, e.Column] = {}

    def fresh(self) -> str:
        """Return a column name that nothing else has."""
        return f"{HELD}{next(self._numbers)}"

    def hold(self, value: e.Expr) -> e.Expr:
        """Return a column that holds the value; columns and constants are themselves."""
        if isinstance(value, (e.Column, e.Literal, e.Parameter)):
            return value
        if (found := self._held.get(value)) is not None:
            return found
        level = self._level_of(value) + 1
        name = self.fresh()
        self._layer(level).items.append(n.Item(name, value))
        self._level[name] = level
        column = e.Column(name, value.type)
        self._held[value] = column
        return column

    def filter(self, condition: e.Expr, span: Span | None) -> None:
        """Keep the rows for which the condition is true."""
        self._layer(self._level_of(condition)).filters.append((condition, span))

    def wrap(self, plan: n.Plan) -> None:
        """Go on with a plan that was built over `flush()`."""
        self.plan = plan

    def flush(self) -> n.Plan:
        """Return the plan with every held value as a column; held values stay readable under their names."""
        plan = self._emit(None)
        self._layers, self._level = [Layer()], {}
        self.plan = plan
        return plan

    def finish(self, outputs: Iterable[n.Item], span: Span | None = None) -> n.Plan:
        """Return the plan with just the given columns."""
        items = tuple(outputs)
        plan = self._emit(items)
        same = len(items) == len(plan.schema) and all(
            isinstance(i.expr, e.Column) and i.expr.name == i.name == f.name for i, f in zip(items, plan.schema, strict=True)
        )
        return plan if same else n.Project(plan, items, span)

    def _layer(self, level: int) -> Layer:
        while len(self._layers) <= level:
            self._layers.append(Layer())
        return self._layers[level]

    def _level_of(self, value: e.Expr) -> int:
        return max((self._level.get(name, 0) for name in e.columns_of(value)), default=0)

    def _emit(self, outputs: tuple[n.Item, ...] | None) -> n.Plan:
        needed = self._needed(outputs)
        read = self._later(outputs, needed)
        plan = self.plan
        for depth, layer in enumerate(self._layers):
            items = tuple(i for i in layer.items if outputs is None or i.name in needed)
            reads = [self._reads(i) for i in items]
            for start in range(0, len(items) if depth else 0, _AT_ONCE):
                pending = read[depth].union(*reads[start + _AT_ONCE :])
                kept = tuple(i for i in n.keep_all(plan) if outputs is None or i.name in pending)
                plan = n.Project(plan, (*kept, *items[start : start + _AT_ONCE]))
            if layer.filters and depth >= _DEEP:
                plan = n.Limit(plan, _EVERY)
            for condition, span in layer.filters:
                plan = n.Filter(plan, condition, span)
        return plan

    def _reads(self, item: n.Item) -> frozenset[str]:
        found = self._read.get(item.name)
        if found is None:
            found = self._read[item.name] = e.columns_of(item.expr)
        return found

    def _needed(self, outputs: tuple[n.Item, ...] | None) -> frozenset[str]:
        """Return the held columns that the outputs and filters read, at any depth."""
        if outputs is None:
            return frozenset()
        wanted: set[str] = set()
        for item in outputs:
            wanted |= e.columns_of(item.expr)
        for layer in self._layers:
            for condition, _ in layer.filters:
                wanted |= e.columns_of(condition)
        for layer in reversed(self._layers):
            for item in layer.items:
                if item.name in wanted:
                    wanted |= self._reads(item)
        return frozenset(wanted)

    def _later(self, outputs: tuple[n.Item, ...] | None, needed: frozenset[str]) -> list[frozenset[str]]:
        """Return for each layer the columns that are read by its filters and above it."""
        wanted: set[str] = set()
        for item in outputs or ():
            wanted |= e.columns_of(item.expr)
        found: list[frozenset[str]] = []
        for layer in reversed(self._layers):
            for condition, _ in layer.filters:
                wanted |= e.columns_of(condition)
            found.append(frozenset(wanted))
            for item in layer.items:
                if item.name in needed:
                    wanted |= self._reads(item)
        return found[::-1]


def is_null(value: e.Expr) -> bool:
    """True for the constant null."""
    return isinstance(value, e.Literal) and value.value is None


MISSING = e.null(Type.STRING)
