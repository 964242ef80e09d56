"""Where a value of a plan comes from: the fields of log sources behind an expression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livefire.plan import expr as e
from livefire.plan import nodes as n

# Meanings that hand on what their first argument says, in another form.
PASSING = frozenset(
    (
        *("logic.coalesce", "logic.cast", "text.lower", "text.upper", "text.trim"),
        *("dynamic.text", "dynamic.of", "dynamic.parse", "dynamic.try_parse", "dynamic.long", "dynamic.leaf", "dynamic.leaves"),
    )
)
SINGLE = frozenset({"agg.min", "agg.max", "agg.first", "agg.last", "agg.any", "agg.list", "agg.set"})


@dataclass(frozen=True, slots=True)
class Origin:
    """A field of a log source: the table of the scan, its column, and the path inside a dynamic column."""

    table: str
    column: str
    steps: tuple[str | int, ...] = ()

    @property
    def path(self) -> str:
        """The field as dotted text, `column.a.b[0]`."""
        return self.column + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.steps)


Origins = frozenset[Origin]
NONE: Origins = frozenset()


class Resolver:
    """Finds origins; each (plan, column) is worked out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], Origins] = {}
        self._kept: list[n.Plan] = []

    def of(self, expr: e.Expr, plan: n.Plan) -> Origins:
        """Return the fields that an expression over the rows of `plan` takes its value from; empty for a computed one."""
        match expr:
            case e.Column(name=name):
                return self._column(plan, name)
            case e.Path(base=base, steps=steps):
                return frozenset(Origin(o.table, o.column, (*o.steps, *steps)) for o in self.of(base, plan))
            case e.Call(function=function, args=args) if function in PASSING and args:
                return self.of(args[0], plan)
            case e.Case(whens=whens, otherwise=otherwise):
                return frozenset().union(*(self.of(value, plan) for _, value in whens), self.of(otherwise, plan))
            case _:
                return NONE

    def made_of(self, name: str, plan: n.Plan) -> tuple[e.Expr, n.Plan] | None:
        """Return the expression that computes a column, with the plan whose rows it reads; None for one that no projection or key computes."""
        node = plan
        while not isinstance(node, (n.Scan, n.Values, n.Join, n.Union, n.Sequence)):
            if isinstance(node, (n.Project, n.Aggregate)):
                items = node.items if isinstance(node, n.Project) else node.keys
                item = next((i for i in items if i.name == name), None)
                if item is None:
                    return None
                if not isinstance(item.expr, e.Column):
                    return item.expr, node.input
                name = item.expr.name
            node = node.input
        return None

    def _column(self, plan: n.Plan, name: str) -> Origins:
        key = (id(plan), name)
        if key not in self._known:
            self._kept.append(plan)
            self._known[key] = NONE
            self._known[key] = self._find(plan, name)
        return self._known[key]

    def _find(self, plan: n.Plan, name: str) -> Origins:
        match plan:
            case n.Scan(table=table):
                return frozenset({Origin(table, name)}) if name in plan.schema.names else NONE
            case n.Values():
                return NONE
            case n.Project(input=child, items=items) | n.Aggregate(input=child, keys=items):
                return self._item(child, name, (*items, *(plan.items if isinstance(plan, n.Aggregate) else ())))
            case n.Union(inputs=parts):
                return frozenset().union(*(self._column(p, name) for p in parts))
            case n.Join(left=left, right=right):
                return self._column(left, name) | (self._column(right, name) if plan.kind not in ("semi", "anti") else NONE)
            case n.Sequence(steps=steps):
                return frozenset().union(*(self._column(s.input, name) for s in steps))
            case n.Unnest(input=child, expr=value, name=made):
                return self.of(value, child) if made == name else self._column(child, name)
            case n.Window(input=child, items=items):
                return NONE if any(i.name == name for i in items) else self._column(child, name)
            case _:
                return self._column(plan.input, name)

    def _item(self, child: n.Plan, name: str, items: tuple[n.Item, ...]) -> Origins:
        for item in items:
            if item.name != name:
                continue
            if isinstance(item.expr, e.Aggregate):
                return self.of(item.expr.args[0], child) if item.expr.function in SINGLE and item.expr.args else NONE
            return self.of(item.expr, child)
        return NONE


def scans(plan: n.Plan) -> list[n.Scan]:
    """Return every scan of a plan, left to right."""
    found: list[n.Scan] = []
    walk(plan, lambda node: found.append(node) if isinstance(node, n.Scan) else None)
    return found


def walk(plan: n.Plan, visit: Callable[[n.Plan], object]) -> None:
    """Call `visit` on every node, inputs first; nested queries of expressions are left out."""
    for child in n.inputs(plan):
        walk(child, visit)
    visit(plan)
