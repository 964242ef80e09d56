"""The printer of plans as SQL: one for every engine, which brings a `Dialect` and a table of meanings.

Every literal and identifier passes through the two quoting functions of the dialect; nothing of
a rule or an event reaches SQL text in another way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from importlib import import_module

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import FUNCTIONS
from livefire.plan.walk import parts_of, plain
from livefire.schema import Schema, Type

Spelling = str | Callable[["Printer", e.Call | e.Aggregate | e.WindowCall], str]


_LONG = 120
_UNHELD = re.compile("[\0\ud800-\udfff]")
# Names that engines' spellings give to lambda parameters, and this printer to aliases: no column may be captured by one.
_RESERVED = re.compile(r"|[a-z]|[xt][0-9]+")
# Columns that a matcher of sequences reads: which event, and which steps it fits.
ROW, STEPS = "~row", "~steps"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one engine writes what the plan means.

    `functions` maps a meaning to a template over `{0}`, `{1}` … or to a function of the call. A
    meaning that is missing here is unsupported on this engine, and `unsupported` says so before
    anything runs.
    """

    name: str
    types: Mapping[Type, str]
    functions: Mapping[str, Spelling]
    path: Callable[[Printer, e.Path], str]
    unnest: Callable[[Printer, n.Unnest, str], str]
    identifier: Callable[[str], str]
    string: Callable[[str], str]
    dynamic_literal: Callable[[str], str]
    let: Callable[[str, str, str], str]


@dataclass(slots=True)
class Select:
    """A SELECT under construction; `columns` None stands for every column of `source`."""

    source: str
    columns: str | None = None
    where: list[str] = field(default_factory=list)
    tail: str = ""

    def text(self) -> str:
        """Return the SELECT as SQL."""
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        return f"SELECT {self.columns or '*'} FROM {self.source}{where}{self.tail}"


@dataclass(frozen=True, slots=True)
class NativeInput:
    """A sequence node that the engine's matcher runs between two statements."""

    name: str
    node: n.Sequence
    sql: str


def unsupported(plan: n.Plan, dialect: Dialect) -> Iterator[Diagnostic]:
    """Yield an E303 for every meaning in the plan that the engine has no spelling for."""
    return unspelled(survey(plan)[1], dialect)


def unspelled(parts: Iterable[e.Expr], dialect: Dialect) -> Iterator[Diagnostic]:
    """Yield an E303 for every meaning among expressions that the engine has no spelling for."""
    for part in parts:
        if isinstance(part, (e.Call, e.Aggregate, e.WindowCall)) and part.function not in dialect.functions:
            summary = FUNCTIONS[part.function].summary
            yield Diagnostic("error", "E303", f"engine {dialect.name} cannot compute {part.function} ({summary})", part.span or Span(0, 0))


def survey(plan: n.Plan) -> tuple[list[n.Plan], list[e.Expr]]:
    """Return a plan with every plan below it, those inside expressions too, and all their expressions; in one way through them."""
    nodes: list[n.Plan] = []
    parts: list[e.Expr] = []
    pending = [plan]
    while pending:
        node = pending.pop()
        nodes.append(node)
        own = [part for expr in expressions(node) for part in parts_of(expr)]
        parts += own
        nested = [part.plan for part in own if isinstance(part, (e.ScalarQuery, e.InQuery))]
        pending.extend(reversed([*n.inputs(node), *nested]))
    return nodes, parts


def walk(plan: n.Plan) -> Iterator[n.Plan]:
    """Yield a plan and every plan below it, those inside expressions too."""
    pending = [plan]
    while pending:
        node = pending.pop()
        yield node
        nested = [part.plan for expr in expressions(node) if not plain(expr) for part in parts_of(expr) if isinstance(part, (e.ScalarQuery, e.InQuery))]
        pending.extend(reversed((*n.inputs(node), *nested)))


walk_expr = parts_of


def expressions(plan: n.Plan) -> tuple[e.Expr, ...]:
    """Return the expressions that stand directly in a node."""
    match plan:
        case n.Filter(predicate=p):
            return (p,)
        case n.Project(items=items) | n.Window(items=items):
            return tuple([i.expr for i in items])
        case n.Aggregate(keys=keys, items=items):
            return tuple([i.expr for i in (*keys, *items)])
        case n.Sort(keys=keys):
            return tuple(k.expr for k in keys)
        case n.Join(on=on):
            return (on,)
        case n.Unnest(expr=x):
            return (x,)
        case n.Recurrence(stages=stages, carried=carried):
            return (*(i.expr for stage in stages for i in stage), *(x for c in carried for x in (c.start, c.expr)))
        case n.Sequence(steps=steps, until=until):
            return tuple(k for s in (*steps, *((until,) if until else ())) for k in s.keys)
        case _:
            return ()


def physical_names(plan: n.Plan) -> dict[str, str]:
    """Give every column name of a plan an SQL name; engines fold case, so names that differ only in case are numbered."""
    taken: set[str] = set()
    names: dict[str, str] = {}
    for node in walk(plan):
        for name in node.schema.names:
            if name in names:
                continue
            candidate, count = name, 1
            while (folded := _folded(candidate)) is None or folded in taken:
                count += 1
                candidate = f"{name}~{count}"
            taken.add(folded)
            names[name] = candidate
    return names


@lru_cache(maxsize=8192)
def _folded(name: str) -> str | None:
    """Return a name as engines compare it; None for one that spellings use themselves."""
    folded = name.casefold()
    return None if _RESERVED.fullmatch(folded) else folded


def bound_first(text: str, template: str, hole: str) -> bool:
    """Tell whether an argument is to be bound before a template: a long one that is repeated, or a nested query, which no lambda may hold."""
    return (len(text) > _LONG and template.count(hole) > 1) or ("(SELECT " in text and "LAMBDA" in template)


def grouped(expr: e.Expr) -> bool:
    """Tell whether an expression holds an aggregate or a window call."""
    return any(isinstance(part, (e.Aggregate, e.WindowCall)) for part in walk_expr(expr))


def comparison(sign: str) -> Spelling:
    """Return the spelling of a comparison as IEEE 754 has it: what is no number equals nothing, and is neither below nor above anything.

    The engines put it above all numbers and take it for equal to itself. A guard stands where a side may be none: for `<`
    that is the right one, which would pass for the greater.
    """
    alike, side = f"({{0}} {sign} {{1}})", int("<" in sign)
    # Beside a null the guard says nothing, so that the null stays.
    guarded = {
        "=": "({0} = {1} AND (NOT isnan({0}) OR {1} IS NULL))",
        "<>": "({0} <> {1} OR (isnan({0}) AND {1} IS NOT NULL))",
    }.get(sign, f"({{0}} {sign} {{1}} AND (NOT isnan({{{side}}}) OR {{{1 - side}}} IS NULL))")

    def spell(printer: Printer, call: e.Call | e.Aggregate | e.WindowCall) -> str:
        left, right = (_may_be_no_number(a) for a in call.args)
        risk = left and right if sign in ("=", "<>") else right if "<" in sign else left
        return printer.fill(guarded if risk else alike, call)

    return spell


def _may_be_no_number(expr: e.Expr) -> bool:
    """Tell whether a value may be NaN: constants, whole numbers and what JSON holds are not."""
    match expr:
        case e.Literal(value=value):
            return isinstance(value, float) and math.isnan(value)
        case e.Call(function="logic.cast" | "number.to_real", args=(inner,)):
            return inner.type is Type.REAL
        case e.Call(function="dynamic.real"):
            return False
        case _:
            return expr.type is Type.REAL


COMPARISONS: Mapping[str, Spelling] = {
    f"compare.{name}": comparison(sign) for name, sign in {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items()
}


class Printer:
    """Prints one plan for one engine."""

    def __init__(self, dialect: Dialect, plan: n.Plan) -> None:
        self.dialect = dialect
        self.plan = plan
        self.natives: list[NativeInput] = []
        self._names = physical_names(plan)
        self._quoted: dict[str, str] = {}
        self._aliases = 0

    def statement(self) -> str:
        """Return the SQL of the whole plan; `natives` then holds what must run before it, in order."""
        return self._relation(self.plan).text()

    # names and literals

    def physical(self, column: str) -> str:
        """Return the SQL name of a column, without quotes."""
        return self._names.get(column, column)

    def name(self, column: str) -> str:
        """Return the quoted SQL name of a column."""
        found = self._quoted.get(column)
        if found is None:
            found = self._quoted[column] = self.dialect.identifier(self.physical(column))
        return found

    def alias(self) -> str:
        """Return a fresh table alias."""
        return f"t{self._fresh()}"

    def _fresh(self) -> int:
        self._aliases += 1
        return self._aliases

    def sql_type(self, type: Type) -> str:
        """Return the engine's type for a plan type."""
        return self.dialect.types[type]

    def literal(self, literal: e.Literal) -> str:
        """Return a constant as SQL."""
        value, kind = literal.value, literal.type
        if value is None:
            return f"CAST(NULL AS {self.sql_type(kind)})"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, datetime):
            return f"TIMESTAMP {self.dialect.string(value.replace(tzinfo=None).isoformat(sep=' '))}"
        if isinstance(value, float):
            return self._real(value)
        if isinstance(value, (int, Decimal)):
            return f"CAST({value} AS {self.sql_type(kind)})" if kind is not Type.INT else f"({value})"
        if kind is Type.DYNAMIC:
            return self.dialect.dynamic_literal(value)
        return self.dialect.string(value)

    def _real(self, value: float) -> str:
        if not math.isfinite(value):
            return f"CAST({self.dialect.string(str(value))} AS {self.sql_type(Type.REAL)})"
        return f"CAST({value!r} AS {self.sql_type(Type.REAL)})"

    # expressions

    def expr(self, expr: e.Expr) -> str:
        """Return an expression as SQL, safe to stand as an operand."""
        match expr:
            case e.Column(name=name):
                return self.name(name)
            case e.Literal():
                return self.literal(expr)
            case e.Call():
                return self._spell(expr)
            case e.Parameter(name=name, type=kind):
                return f"CAST(${name} AS {self.sql_type(kind)})"
            case e.Path():
                return self.dialect.path(self, expr)
            case e.Case(whens=whens, otherwise=otherwise):
                arms = " ".join(f"WHEN {self.expr(c)} THEN {self.expr(v)}" for c, v in whens)
                return f"(CASE {arms} ELSE {self.expr(otherwise)} END)"
            case e.Lambda(parameters=parameters, body=body):
                return f"LAMBDA {', '.join(self.name(p.name) for p in parameters)}: {self.expr(body)}"
            case e.Aggregate():
                return self._aggregate(expr)
            case e.WindowCall():
                return self._window(expr)
            case e.ScalarQuery(plan=plan):
                return f"({self._relation(n.Limit(plan, 1)).text()})"
            case e.InQuery(needle=needle, plan=plan):
                return f"({self.expr(needle)} IN ({self._relation(plan).text()}))"

    def _spell(self, call: e.Call | e.Aggregate | e.WindowCall) -> str:
        spelling = self.dialect.functions.get(call.function)
        if spelling is None:
            raise QueryError(list(unsupported(self.plan, self.dialect)))
        if callable(spelling):
            try:
                return spelling(self, call)
            except ValueError as reason:
                raise QueryError(
                    [Diagnostic("error", "E303", f"engine {self.dialect.name} cannot compute {call.function} here: {reason}", call.span or Span(0, 0))]
                ) from reason
        return self.fill(spelling, call)

    def fill(self, template: str, call: e.Call | e.Aggregate | e.WindowCall) -> str:
        """Fill a template; a long argument that it repeats is bound once, or nesting would double the text each time."""
        args = [self.expr(a) for a in call.args]
        long = [i for i, text in enumerate(args) if bound_first(text, template, f"{{{i}}}") and not grouped(call.args[i])]
        names = {i: f"x{self._fresh()}" for i in long}
        text = template.format(*(names.get(i, a) for i, a in enumerate(args)), type=self.sql_type(call.type))
        for i in long:
            text = self.dialect.let(names[i], args[i], text)
        return text

    def _aggregate(self, call: e.Aggregate) -> str:
        text = self._spell(call)
        if call.where is not None:
            # Wrappers such as coalesce(list(x), []) mark where the filter belongs.
            condition = f" FILTER (WHERE {self.expr(call.where)})"
            text = _placed(text, "/*filter*/", condition)
        return text

    def order(self, keys: tuple[e.SortKey, ...]) -> str:
        """Return the inside of an ORDER BY."""
        parts = (f"{self.expr(k.expr)} {'DESC' if k.descending else 'ASC'} NULLS {'FIRST' if k.nulls_first else 'LAST'}" for k in keys)
        return ", ".join(parts)

    def _window(self, call: e.WindowCall) -> str:
        over = []
        if call.partition_by:
            over.append("PARTITION BY " + ", ".join(self.expr(p) for p in call.partition_by))
        if call.order_by:
            over.append("ORDER BY " + self.order(call.order_by))
        if call.frame is not None:
            before, after = call.frame
            low = "UNBOUNDED PRECEDING" if before is None else f"{before} PRECEDING"
            high = "UNBOUNDED FOLLOWING" if after is None else f"{after} FOLLOWING" if after >= 0 else f"{-after} PRECEDING"
            over.append(f"{'RANGE' if call.by_value else 'ROWS'} BETWEEN {low} AND {high}")
        text = self._spell(call)
        clause = f" OVER ({' '.join(over)})"
        return _placed(text, "/*over*/", clause)

    # relations

    def _source(self, plan: n.Plan) -> str:
        """Return a plan as something that may stand after FROM."""
        return f"({self._relation(plan).text()}) AS {self.alias()}"

    def _items(self, items: tuple[n.Item, ...]) -> str:
        return ", ".join(self._item(i) for i in items)

    def _item(self, item: n.Item) -> str:
        text, name = self.expr(item.expr), self.name(item.name)
        return text if text == name else f"{text} AS {name}"

    def _relation(self, plan: n.Plan) -> Select:
        match plan:
            case n.Scan():
                return self._scan(plan)
            case n.Values():
                return self._values(plan)
            case n.Filter(input=child, predicate=predicate):
                return self._filter(child, predicate)
            case n.Project(input=child, items=items):
                return self._project(child, items)
            case n.Aggregate():
                return self._group(plan)
            case n.Sort(input=child, keys=keys):
                return Select(self._source(child), tail=f" ORDER BY {self.order(keys)}")
            case n.Limit():
                return self._limit(plan)
            case n.Distinct(input=child):
                return Select(self._source(child), columns="DISTINCT *")
            case n.Join():
                return self._join(plan)
            case n.Union(inputs=parts):
                return self._union(plan.schema, parts)
            case n.Unnest():
                return Select(self.dialect.unnest(self, plan, self._source(plan.input)))
            case n.Window(input=child, items=items):
                return Select(self._source(child), columns=f"*, {self._items(items)}")
            case n.Recurrence():
                return self._recurrence(plan)
            case n.Sequence():
                return self._sequence(plan)

    def _scan(self, scan: n.Scan) -> Select:
        quote = self.dialect.identifier
        pairs = ((quote(p), self.name(f.name)) for f, p in zip(scan.schema, scan.physical, strict=True))
        columns = ", ".join(p if p == name else f"{p} AS {name}" for p, name in pairs)
        return Select(quote(scan.table), columns=columns)

    def _values(self, values: n.Values) -> Select:
        fields = values.schema.fields
        if not fields:
            return Select(f"(SELECT 1 AS {self.dialect.identifier('_')}{'' if values.rows else ' WHERE FALSE'}) AS {self.alias()}")
        names = [self.name(f.name) for f in fields]
        if not values.rows:
            columns = ", ".join(f"CAST(NULL AS {self.sql_type(f.type)}) AS {name}" for f, name in zip(fields, names, strict=True))
            return Select(f"(SELECT {columns}) AS {self.alias()}", where=["FALSE"])
        rows = ", ".join("(" + ", ".join(self.literal(e.Literal(v, f.type)) for v, f in zip(row, fields, strict=True)) + ")" for row in values.rows)
        return Select(f"(VALUES {rows}) AS {self.alias()}({', '.join(names)})")

    def _filter(self, child: n.Plan, predicate: e.Expr) -> Select:
        inner = self._relation(child)
        if inner.columns is None and not inner.tail:
            inner.where.append(self.expr(predicate))
            return inner
        return Select(f"({inner.text()}) AS {self.alias()}", where=[self.expr(predicate)])

    def _project(self, child: n.Plan, items: tuple[n.Item, ...]) -> Select:
        columns = self._items(items) or "1"
        inner = self._relation(child)
        # Under an ORDER BY only plain columns merge: the order must stay outermost, and an alias must not capture its keys.
        plain = all(isinstance(i.expr, e.Column) and i.expr.name == i.name for i in items)
        if inner.columns is None and (plain or not inner.tail):
            inner.columns = columns
            return inner
        return Select(f"({inner.text()}) AS {self.alias()}", columns=columns)

    def _group(self, node: n.Aggregate) -> Select:
        columns = self._items((*node.keys, *node.items)) or "1"
        groups = ", ".join(self.expr(k.expr) for k in node.keys)
        tail = f" GROUP BY {groups}" if node.keys else "" if node.items else " LIMIT 1"
        inner = self._relation(node.input)
        if inner.columns is None and not inner.tail:
            inner.columns, inner.tail = columns, tail
            return inner
        return Select(f"({inner.text()}) AS {self.alias()}", columns=columns, tail=tail)

    def _limit(self, node: n.Limit) -> Select:
        tail = f" LIMIT {int(node.count)}" + (f" OFFSET {int(node.offset)}" if node.offset else "")
        inner = self._relation(node.input)
        if "LIMIT" not in inner.tail and (not inner.tail or isinstance(node.input, n.Sort)):
            inner.tail += tail
            return inner
        return Select(f"({inner.text()}) AS {self.alias()}", tail=tail)

    def _join(self, node: n.Join) -> Select:
        left, right = self._source(node.left), self._source(node.right)
        if node.kind == "cross":
            return Select(f"{left} CROSS JOIN {right}")
        word = {"inner": "INNER", "left": "LEFT", "right": "RIGHT", "full": "FULL", "semi": "SEMI", "anti": "ANTI"}[node.kind]
        return Select(f"{left} {word} JOIN {right} ON {self.expr(node.on)}")

    def _union(self, schema: Schema, parts: tuple[n.Plan, ...]) -> Select:
        for part in parts:
            if part.schema.names != schema.names:
                raise ValueError(f"union of unequal schemas: {schema.names} and {part.schema.names}")
        body = " UNION ALL ".join(f"({self._relation(p).text()})" for p in parts)
        return Select(f"({body}) AS {self.alias()}")

    def _recurrence(self, node: n.Recurrence) -> Select:
        """Number the rows, and go from each to the next with the carried values."""
        number = self._fresh()
        rows, walked, at = (self.dialect.identifier(f"~{word}{number}") for word in ("rows", "walked", "at"))
        keys = [self.name(k.name) for k in node.keys]
        over = " ".join([*([f"PARTITION BY {', '.join(keys)}"] if keys else []), *([f"ORDER BY {self.order(node.order_by)}"] if node.order_by else [])])
        columns = [self.name(f.name) for f in node.input.schema]
        first = ", ".join(f"{self.expr(c.start)} AS {self.name(c.before)}" for c in node.carried)
        later = ", ".join(f"w.{self.name(c.name)} AS {self.name(c.before)}" for c in node.carried)
        follows = " AND ".join([f"r.{at} = w.{at} + 1", *(f"r.{k} IS NOT DISTINCT FROM w.{k}" for k in keys)])

        def step(source: str) -> str:
            for stage in node.stages:
                source = f"(SELECT *, {self._items(stage)} FROM {source}) AS {self.alias()}"
            values = ", ".join(f"CAST({self.expr(c.expr)} AS {self.sql_type(c.expr.type)}) AS {self.name(c.name)}" for c in node.carried)
            return f"SELECT {', '.join([*columns, at])}, {values} FROM {source}"

        start = step(f"(SELECT *, {first} FROM {rows} WHERE {at} = 1) AS {self.alias()}")
        following = step(f"(SELECT r.*, {later} FROM {walked} AS w INNER JOIN {rows} AS r ON {follows}) AS {self.alias()}")
        numbered = f"SELECT *, row_number() OVER ({over}) AS {at} FROM {self._source(node.input)}"
        shown = ", ".join([*columns, *(self.name(c.name) for c in node.carried)])
        text = f"WITH RECURSIVE {rows} AS MATERIALIZED ({numbered}), {walked} AS ({start} UNION ALL {following}) SELECT {shown} FROM {walked}"
        return Select(f"({text}) AS {self.alias()}")

    def _sequence(self, node: n.Sequence) -> Select:
        """Join the matches that the matcher found to their events; an event that must be missing is a row of nulls."""
        sql = self._candidates(node)
        name, quote = f"sequence_{len(self.natives)}", self.dialect.identifier
        self.natives.append(NativeInput(name, node, sql))
        columns = [f"m.{quote('sequence')} AS {self.name(node.sequence)}", f"m.{quote('step')} AS {self.name(node.step)}"]
        columns += [f"r.{self.name(c)}" for c in node.steps[0].input.schema.names]
        join = f"{quote(name)} AS m LEFT JOIN {quote(f'{name}_rows')} AS r ON m.{quote(ROW)} = r.{quote(ROW)}"
        return Select(f"(SELECT {', '.join(columns)} FROM {join}) AS {self.alias()}")

    def _candidates(self, node: n.Sequence) -> str:
        """Return the SQL of the candidate events, each once, with the steps it fits as bits and its keys.

        Steps that filter the same rows are read in one scan.
        """
        steps = [*node.steps, *([node.until] if node.until else [])]
        sets = key_sets(node)
        groups: list[tuple[n.Plan, list[tuple[int, n.Step, str]]]] = []
        for number, step in enumerate(steps):
            base, predicate = filtered(step.input)
            nulls = [f"{self.expr(k)} IS NOT NULL" for i, k in enumerate(step.keys) if i not in step.null_keys]
            condition = " AND ".join([self.expr(predicate), *nulls])
            group = next((g for plan, g in groups if plan is base or plan == base), None)
            if group is None:
                group = []
                groups.append((base, group))
            group.append((number, step, condition))
        quote = self.dialect.identifier
        parts = []
        for base, group in groups:
            bits = " + ".join(f"(CASE WHEN {c} THEN CAST({1 << number} AS BIGINT) ELSE 0 END)" for number, _, c in group)
            keys = self._key_columns(sets, [step for _, step, _ in group])
            where = " OR ".join(f"({c})" for _, _, c in group)
            parts.append(f"(SELECT *, {bits} AS {quote(STEPS)}{keys} FROM {self._source(base)} WHERE {where})")
        return f"SELECT *, row_number() OVER () AS {quote(ROW)} FROM ({' UNION ALL '.join(parts)}) AS {self.alias()}"

    def _key_columns(self, sets: dict[tuple[e.Expr, ...], tuple[str, ...]], steps: list[n.Step]) -> str:
        """Return the key columns of all steps for the rows of some; the others' are null there."""
        present = {step.keys for step in steps}
        columns = []
        for keys, names in sets.items():
            for key, name in zip(keys, names, strict=True):
                value = self.expr(key) if keys in present else self.literal(e.null(key.type))
                columns.append(f", {value} AS {self.dialect.identifier(name)}")
        return "".join(columns)


def spellings(package: str, families: Iterable[str]) -> dict[str, Spelling]:
    """Return the tables `FUNCTIONS` of a package's modules as one; ValueError when two of them spell one meaning."""
    found: dict[str, Spelling] = {}
    for family in families:
        table: dict[str, Spelling] = import_module(f"{package}.{family}").FUNCTIONS
        twice = found.keys() & table.keys()
        if twice:
            raise ValueError(f"spelled twice: {', '.join(sorted(twice))}")
        found.update(table)
    return found


def storable(value: str) -> str:
    """Return a text with U+FFFD for NUL and lone surrogates, which no engine holds."""
    return _UNHELD.sub("\ufffd", value)


def filtered(plan: n.Plan) -> tuple[n.Plan, e.Expr]:
    """Split the input of a step into the rows it filters and its condition, so that steps over the same rows are seen to be."""
    match plan:
        case n.Filter(input=child, predicate=predicate):
            return child, predicate
        case n.Project(input=n.Filter(input=child, predicate=predicate), items=items):
            plain = {i.name for i in items if isinstance(i.expr, e.Column) and i.expr.name == i.name}
            if len(plain) == len(items) and e.columns_of(predicate) <= plain:
                return n.Project(child, items), predicate
    return plan, e.TRUE


def key_sets(node: n.Sequence) -> dict[tuple[e.Expr, ...], tuple[str, ...]]:
    """Give the key columns of a sequence their names: steps with the same keys share them."""
    found: dict[tuple[e.Expr, ...], tuple[str, ...]] = {}
    for step in (*node.steps, *((node.until,) if node.until else ())):
        found.setdefault(step.keys, tuple(f"~key{len(found)}_{i}" for i in range(len(step.keys))))
    return found


def _placed(text: str, mark: str, clause: str) -> str:
    """Return a spelling with a clause where it is marked, or else at its end; the same letters in a quoted text are no mark."""
    parts = re.split(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")", text)
    if not any(mark in part for part in parts[::2]):
        return text + clause
    return "".join(part if i % 2 else part.replace(mark, clause) for i, part in enumerate(parts))
