"""The printer of plans for a cluster: statements of Spark, with the stages that are carried to its nodes between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.engines import sql as printing
from livefire.engines.distributed import NESTED
from livefire.engines.distributed.carried import BUCKET, EMPTY
from livefire.engines.distributed.shaping import conjuncts, native, separable
from livefire.engines.duckdb_sql import DIALECT as EMBEDDED
from livefire.engines.spark_sql import DIALECT, EXACT
from livefire.engines.sql import Select
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of
from livefire.plan.walk import map_expr, map_item
from livefire.schema import Schema, Type

# What stands for null while rows are joined or counted; which value does not matter. Moments of a plan are naive UTC.
_FILLERS: dict[Type, e.Scalar] = {
    Type.BOOL: False,
    Type.INT: 0,
    Type.LONG: 0,
    Type.TIMESPAN: 0,
    Type.REAL: 0.0,
    Type.DECIMAL: 0,
    Type.DATETIME: datetime(1970, 1, 1),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Rows of a statement handed to what is carried; what comes back is the view `name`.

    `columns` are those of the result. `sql` is the statement of the embedded engine, which runs
    for each batch of rows, or for each bucket where `grouped`. A `sequence` has a matcher instead.
    """

    name: str
    source: str
    columns: tuple[tuple[str, Type], ...]
    sql: str = ""
    grouped: bool = False
    sentinel: bool = False
    sequence: Any = None
    nested: tuple[str, ...] = ()


@dataclass(slots=True)
class Script:
    """A plan as stages run in order, then one statement whose columns stand in plan order."""

    stages: list[Stage] = field(default_factory=list)
    statement: str = ""
    tables: tuple[str, ...] = ()


class SparkPrinter(printing.Printer):
    """Prints one shaped plan; columns are numbered, so that no name of a rule or a log reaches Spark."""

    def __init__(self, plan: n.Plan, prefix: str, buckets: int) -> None:
        super().__init__(DIALECT, plan)
        self._prefix, self._buckets = prefix, buckets
        self._names = {name: f"c{i}" for i, name in enumerate(dict.fromkeys(f.name for node in printing.walk(plan) for f in node.schema))}
        self.stages: list[Stage] = []

    def script(self) -> Script:
        """Return the whole plan ready to run."""
        statement = self.columns_of(self.plan)
        tables = tuple(dict.fromkeys(node.table for node in printing.walk(self.plan) if isinstance(node, n.Scan) and not node.table.startswith(NESTED)))
        return Script(self.stages, statement, tables)

    def physical(self, column: str) -> str:
        """Return the SQL name of a column, without quotes; one that printing itself added gets the next number."""
        return self._names.setdefault(column, f"c{len(self._names)}")

    def literal(self, literal: e.Literal) -> str:
        """Return a constant as SQL."""
        value = literal.value
        if isinstance(value, datetime):
            return f"TIMESTAMP_NTZ {self.dialect.string(value.replace(tzinfo=None).isoformat(sep=' '))}"
        return f"CAST({value} AS BIGINT)" if literal.type is Type.INT and isinstance(value, int) and not isinstance(value, bool) else super().literal(literal)

    def _real(self, value: float) -> str:
        return f"CAST({self.dialect.string(str(value))} AS DOUBLE)"

    def columns_of(self, plan: n.Plan, *extra: str) -> str:
        """Return a statement that gives exactly the columns of a plan, in order, and perhaps more."""
        relation = self._relation(plan)
        names = [self.name(name) for name in plan.schema.names]
        if relation.columns is None and not relation.tail:
            relation.columns = ", ".join([*names, *extra]) or "1"
            return relation.text()
        order = relation.tail if relation.tail.startswith(" ORDER BY") and not extra else ""
        if order:
            # An order lasts only where it stands outermost.
            relation.columns = relation.columns or ", ".join(names) or "1"
            return relation.text()
        return f"SELECT {', '.join([*names, *extra]) or '1'} FROM ({relation.text()}) AS {self.alias()}"

    def _scan(self, scan: n.Scan) -> Select:
        quote = self.dialect.identifier
        columns = (f"{quote(p)} AS {self.name(f.name)}" for f, p in zip(scan.schema, scan.physical, strict=True))
        return Select(quote(f"{self._prefix}{scan.table}"), columns=", ".join(columns))

    def _relation(self, plan: n.Plan) -> Select:
        match plan:
            case n.Filter() | n.Project() | n.Unnest() if _lowest(plan):
                return self._rows(plan)
            case n.Join() if _row_wise(plan):
                return self._rows(plan)
            case n.Aggregate():
                return self._grouped(plan)
            case n.Window(items=items) if not all(native(i.expr) for i in items):
                return self._windowed(plan)
            case n.Recurrence():
                return self._bucketed(plan, plan.keys)
            case n.Sort(input=child, keys=keys):
                return Select(self._source(child), tail=f" ORDER BY {self.order(keys)}")
            case n.Join():
                return self._joined(plan)
            case _:
                return super()._relation(plan)

    def order(self, keys: tuple[e.SortKey, ...]) -> str:
        """Return the inside of an ORDER BY; zero and minus zero are one value."""
        parts = []
        for key in keys:
            text = f"({self.expr(key.expr)} + CAST('0' AS DOUBLE))" if key.expr.type is Type.REAL else self.expr(key.expr)
            parts.append(f"{text} {'DESC' if key.descending else 'ASC'} NULLS {'FIRST' if key.nulls_first else 'LAST'}")
        return ", ".join(parts)

    # rows computed one by one

    def _rows(self, plan: n.Plan) -> Select:
        """Carry the rows from the lowest node that Spark cannot say up to this one."""
        lowest = _lowest(plan)
        assert lowest is not None
        below = n.inputs(lowest)[0]
        sql, nested = self._embedded(_replaced(plan, below, self._batch(below)))
        stage = Stage(self._stage_name(), self.columns_of(below), self._columns(plan.schema), sql, nested=nested)
        return self._staged(stage)

    def _batch(self, plan: n.Plan) -> n.Scan:
        return n.Scan("batch", plan.schema, tuple(self.physical(name) for name in plan.schema.names))

    def _embedded(self, plan: n.Plan) -> tuple[str, tuple[str, ...]]:
        nested = tuple(node.table for node in printing.walk(plan) if isinstance(node, n.Scan) and node.table.startswith(NESTED))
        return printing.Printer(EMBEDDED, plan).statement(), nested

    def _columns(self, schema: Schema) -> tuple[tuple[str, Type], ...]:
        return tuple((self.physical(f.name), f.type) for f in schema)

    def _stage_name(self) -> str:
        return f"{self._prefix}stage{len(self.stages)}"

    def _staged(self, stage: Stage) -> Select:
        # Stages below this one were added while its source was printed, so the name is given now.
        named = replace(stage, name=self._stage_name())
        self.stages.append(named)
        return Select(self.dialect.identifier(named.name))

    # rows computed together

    def _grouped(self, plan: n.Aggregate) -> Select:
        plan = _with_plain_parts(plan)
        if all(native(i.expr) for i in plan.items) and all(k.expr.type in EXACT for k in plan.keys):
            return super()._group(plan)
        columns = tuple(k.expr for k in plan.keys if isinstance(k.expr, e.Column))
        return self._bucketed(plan, columns, sentinel=not plan.keys)

    def _windowed(self, plan: n.Window) -> Select:
        """Carry a window whose calls all have the same partitions; others take turns, each over the result of the one before."""
        first = plan.items[0]
        calls = [x for x in printing.walk_expr(first.expr) if isinstance(x, e.WindowCall)]
        parts = calls[0].partition_by if calls else ()
        together = tuple(i for i in plan.items if all(x.partition_by == parts for x in printing.walk_expr(i.expr) if isinstance(x, e.WindowCall)))
        rest = tuple(i for i in plan.items if i not in together)
        if rest:
            inner = n.Window(n.Window(plan.input, together), rest)
            return self._relation(n.select(inner, *plan.schema.names))
        if not all(isinstance(p, e.Column) for p in parts):
            keys = tuple(n.Item(f"\x01part{len(self.stages)}_{i}", p) for i, p in enumerate(parts))
            wide = n.Project(plan.input, (*n.keep_all(plan.input), *keys))
            known = {p: e.Column(k.name, p.type) for p, k in zip(parts, keys, strict=True)}
            return self._relation(n.select(n.Window(wide, tuple(_repartitioned(i, known) for i in together)), *plan.schema.names))
        return self._bucketed(plan, tuple(p for p in parts if isinstance(p, e.Column)))

    def _bucketed(self, plan: n.Aggregate | n.Window | n.Recurrence, keys: tuple[e.Column, ...], *, sentinel: bool = False) -> Select:
        """Carry a node over buckets of rows: all rows with the same keys are in one."""
        sql, nested = self._embedded(replace(plan, input=self._batch(plan.input)))
        source = self.columns_of(plan.input, f"{self.bucket([self.name(k.name) for k in keys])} AS {self.dialect.identifier(BUCKET)}")
        if sentinel:
            names = [self.name(name) for name in plan.input.schema.names]
            # Any values do; nulls do not, for Sail holds columns to be without them by the first rows of a union.
            blank = ", ".join(f"{self._filler(f.type)} AS {self.name(f.name)}" for f in plan.input.schema)
            bucket, empty = self.dialect.identifier(BUCKET), self.dialect.identifier(EMPTY)
            kept = f"SELECT {', '.join([*names, bucket])}, FALSE AS {empty} FROM ({source}) AS {self.alias()}"
            source = f"{kept} UNION ALL SELECT {blank}, CAST(0 AS BIGINT) AS {bucket}, TRUE AS {empty}"
        stage = Stage(self._stage_name(), source, self._columns(plan.schema), sql, grouped=True, sentinel=sentinel, nested=nested)
        return self._staged(stage)

    def bucket(self, keys: list[str]) -> str:
        """Return the number of the bucket that keys belong to; without keys there is but one."""
        return f"pmod(xxhash64({', '.join(keys)}), CAST({self._buckets} AS BIGINT))" if keys else "CAST(0 AS BIGINT)"

    # joins

    def _joined(self, plan: n.Join) -> Select:
        if plan.kind == "cross" or native(plan.on):
            return self._spark_join(plan)
        left, right = plan.left, plan.right
        kept: list[e.Expr] = []
        rest: list[e.Expr] = []
        lefts, rights = frozenset(left.schema.names), frozenset(right.schema.names)
        sides: dict[str, list[n.Item]] = {"left": [], "right": []}
        for part in conjuncts(plan.on):
            changed = part if native(part) else self._split(part, lefts, rights, sides)
            (rest if changed is None else kept).append(part if changed is None else changed)
        if rest and plan.kind != "inner":
            raise QueryError([Diagnostic("error", "E303", f"engine spark cannot compute this condition of a {plan.kind} join", plan.span or Span(0, 0))])
        wide = [n.Project(side, (*n.keep_all(side), *sides[word])) if sides[word] else side for word, side in (("left", left), ("right", right))]
        joined: n.Plan = n.Join(wide[0], wide[1], plan.kind if kept else "cross", all_of(*kept), plan.span)
        if rest:
            joined = n.Filter(joined, all_of(*rest))
        return self._relation(n.select(joined, *plan.schema.names))

    def _split(self, part: e.Expr, lefts: frozenset[str], rights: frozenset[str], sides: dict[str, list[n.Item]]) -> e.Expr | None:
        """Return a condition with each side of its comparison computed before the join, None where the sides are mixed."""
        if not separable(part, lefts, rights) or not isinstance(part, e.Call):
            return None
        fresh: list[e.Expr] = []
        for arg in part.args:
            names = e.columns_of(arg)
            word = "left" if names <= lefts else "right"
            name = f"\x01side{len(sides['left'])}_{len(sides['right'])} of {id(part)}"
            sides[word].append(n.Item(name, arg))
            fresh.append(e.Column(name, arg.type))
        return replace(part, args=tuple(fresh))

    def _spark_join(self, node: n.Join) -> Select:
        left, right = self._source(node.left), self._source(node.right)
        if node.kind == "cross":
            return Select(f"{left} CROSS JOIN {right}")
        word = {"inner": "INNER", "left": "LEFT OUTER", "right": "RIGHT OUTER", "full": "FULL OUTER", "semi": "LEFT SEMI", "anti": "LEFT ANTI"}[node.kind]
        return Select(f"{left} {word} JOIN {right} ON {' AND '.join(self._match(c) for c in conjuncts(node.on))}")

    def _match(self, condition: e.Expr) -> str:
        """Return a condition of a join; equality that takes nulls for equal is written as two of the other kind, by which rows can be hashed."""
        if not isinstance(condition, e.Call) or condition.function != "compare.same":
            return self.expr(condition)
        left, right = condition.args
        filler = self._filler(left.type)
        one, other = self.expr(left), self.expr(right)
        return f"(COALESCE({one}, {filler}) = COALESCE({other}, {filler}) AND ({one} IS NULL) = ({other} IS NULL))"

    def _filler(self, kind: Type) -> str:
        return self.literal(e.Literal(_FILLERS.get(kind, ""), kind))

    # sequences

    def _sequence(self, node: n.Sequence) -> Select:
        """Carry the candidates, bucketed by their keys, to the matcher, and number what it finds over all buckets."""
        from livefire.engines.distributed.sequences import plan_sequence

        made = plan_sequence(node, self)
        stage = self._staged(Stage("", made.source, made.columns, grouped=True, sequence=made))
        order = ", ".join(f"{self.dialect.identifier(name)} ASC NULLS {'LAST' if node.ordered else 'FIRST'}" for name in made.order)
        found = self.dialect.identifier("~found")
        number = f"CAST(dense_rank() OVER (ORDER BY {order}{', ' if order else ''}{self.dialect.identifier(BUCKET)}, {found}) - 1 AS BIGINT)"
        names = [self.name(c) for c in node.steps[0].input.schema.names]
        head = f"{number} AS {self.name(node.sequence)}, {self.dialect.identifier('~step')} AS {self.name(node.step)}"
        return Select(f"(SELECT {', '.join([head, *names])} FROM {stage.source}) AS {self.alias()}")


def _row_wise(plan: n.Plan) -> bool:
    return isinstance(plan, (n.Filter, n.Project, n.Unnest)) or _sent_along(plan)


def _sent_along(plan: n.Plan) -> bool:
    """Tell whether a node is a join whose right side goes along with what is carried."""
    return isinstance(plan, n.Join) and isinstance(plan.right, n.Scan) and plan.right.table.startswith(NESTED)


def _said(plan: n.Plan) -> bool:
    """Tell whether Spark says the node itself in its own words."""
    return not isinstance(plan, n.Unnest) and not _sent_along(plan) and all(native(x) for x in printing.expressions(plan))


def _lowest(plan: n.Plan) -> n.Plan | None:
    """Return the lowest node in a chain over single rows that Spark cannot say, None if it can say them all or this one itself."""
    if _said(plan):
        return None
    found, node = plan, plan
    while _row_wise(node):
        if not _said(node):
            found = node
        node = n.inputs(node)[0]
    return found


def _replaced(plan: n.Plan, below: n.Plan, scan: n.Scan) -> n.Plan:
    """Return a chain of nodes over other rows."""
    match plan:
        case _ if plan is below:
            return scan
        case n.Join(left=left):
            return replace(plan, left=_replaced(left, below, scan))
        case n.Filter(input=child) | n.Project(input=child) | n.Unnest(input=child):
            return replace(plan, input=_replaced(child, below, scan))
        case _:
            raise ValueError(f"{type(plan).__name__} is no node over single rows")


def _with_plain_parts(plan: n.Aggregate) -> n.Aggregate:
    """Return a grouping whose keys are columns, and whose aggregates read columns where Spark cannot compute what they read."""
    fresh: dict[e.Expr, n.Item] = {}

    def column(expr: e.Expr) -> e.Expr:
        if isinstance(expr, e.Column):
            return expr
        item = fresh.setdefault(expr, n.Item(f"\x01part{len(fresh)} of {id(plan)}", expr))
        return e.Column(item.name, expr.type)

    def change(part: e.Expr) -> e.Expr:
        if not isinstance(part, e.Aggregate) or part.function not in DIALECT.functions:
            return part
        args = tuple(a if native(a) else column(a) for a in part.args)
        return replace(part, args=args, where=part.where if part.where is None or native(part.where) else column(part.where))

    keys = tuple(n.Item(k.name, column(k.expr)) for k in plan.keys)
    items = tuple(map_item(i, lambda x: map_expr(x, change)) for i in plan.items)
    below = n.Project(plan.input, (*n.keep_all(plan.input), *fresh.values())) if fresh else plan.input
    return replace(plan, input=below, keys=keys, items=items)


def _repartitioned(item: n.Item, known: dict[e.Expr, e.Column]) -> n.Item:
    def change(part: e.Expr) -> e.Expr:
        return replace(part, partition_by=tuple(known[p] for p in part.partition_by)) if isinstance(part, e.WindowCall) else part

    return n.Item(item.name, map_expr(item.expr, change))
