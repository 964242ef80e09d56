"""The columns that a command sees, and the plan that gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from livefire.languages.base import Context
from livefire.languages.binder import unknown_column
from livefire.languages.esql import values as v
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Name
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.schema import Field, Schema, Type


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the query, its name in the plan, and its type."""

    name: str
    plan_name: str
    kind: Kind
    many: bool = False

    @staticmethod
    def of(stored: Field) -> Column:
        """Return a stored column."""
        value = v.of_column(stored.name, stored.type)
        return Column(stored.name, stored.name, value.kind, value.many)


@dataclass(slots=True)
class Scope:
    """A plan and its columns in order; `latent` ones can be named but are not shown.

    With `open` a name that nothing has is null, for the table is not known. `mapping` has the product's
    own types of the fields it publishes for the tables.
    """

    plan: n.Plan
    columns: list[Column]
    latent: list[Column] = field(default_factory=list)
    open: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        """The names that can be used."""
        return Schema(tuple(Field(c.name, v.PLAN_TYPES[c.kind]) for c in (*self.columns, *self.latent)))

    def find(self, name: str) -> Column | None:
        """Return the column of a name, or None."""
        return next((c for c in (*self.columns, *self.latent) if c.name == name), None)

    def value(self, column: Column) -> Value:
        """Return the value of a column."""
        found = self.plan.schema.get(column.plan_name)
        if found is None:
            raise KeyError(column.plan_name)
        stored = v.of_column(found.name, found.type)
        kind = column.kind if stored.dynamic or v.PLAN_TYPES[column.kind] is found.type else stored.kind
        return Value(stored.expr, kind, column.many)

    def lookup(self, name: Name, context: Context) -> Value:
        """Return the value of a name; an unknown one is E172."""
        column = self.find(name.text)
        if column is not None:
            return self.value(column)
        if not self.open:
            unknown_column(name.text, name.span, self.schema, context, code=172)
        return v.null(Kind.ANY if self.open else Kind.NULL)

    def analysis_of(self, name: str) -> str:
        """Return `keyword` or `text` for a field of text, or nothing where no mapping says it."""
        found = self.mapping.get(name, "")
        return "text" if found in ("text", "match_only_text") else "keyword" if found else ""

    def matching(self, pattern: Name) -> list[Column]:
        """Return the columns that a name or a pattern with `*` takes, in order."""
        if pattern.quoted or "*" not in pattern.text:
            found = self.find(pattern.text)
            return [found] if found is not None else []
        glob = pattern.text.replace("[", "[[]").replace("?", "[?]")
        return [c for c in (*self.columns, *self.latent) if fnmatchcase(c.name, glob) or self._whole(c, pattern.text)]

    def _whole(self, column: Column, pattern: str) -> bool:
        """`a.*` takes the column `a` that holds the members as one JSON object."""
        return column.kind is Kind.ANY and pattern == f"{column.name}.*"

    # changes

    def assign(self, name: str, value: Value) -> None:
        """Compute a column; it takes the last place, and one of that name before it goes."""
        value = v.plain(value)
        plan_name = name
        kept = [i for i in n.keep_all(self.plan) if i.name != plan_name]
        # Columns that still stand for another name keep their values under a fresh one.
        clash = [c for c in (*self.columns, *self.latent) if c.plan_name == plan_name and c.name != name]
        if clash:
            self._move(clash, plan_name)
            kept = [i for i in n.keep_all(self.plan) if i.name != plan_name]
        self.plan = n.Project(self.plan, (*kept, n.Item(plan_name, value.expr)))
        self._forget(name)
        self.columns.append(Column(name, plan_name, value.kind, value.many))

    def assign_all(self, values: Mapping[str, Value]) -> None:
        """Compute several columns out of the same row, whichever of its columns they replace."""
        fresh = {name: self.fresh(name) for name in values}
        self.plan = n.Project(self.plan, (*n.keep_all(self.plan), *(n.Item(fresh[name], v.plain(x).expr) for name, x in values.items())))
        for name, value in values.items():
            self.assign(name, Value(n.column(self.plan, fresh[name]), value.kind, value.many))

    def _move(self, columns: list[Column], taken: str) -> None:
        fresh = self.fresh(taken)
        self.plan = n.Project(self.plan, (*n.keep_all(self.plan), n.Item(fresh, n.column(self.plan, taken))))

        def moved(c: Column) -> Column:
            return Column(c.name, fresh, c.kind, c.many) if c in columns else c

        self.columns, self.latent = [moved(c) for c in self.columns], [moved(c) for c in self.latent]

    def fresh(self, name: str) -> str:
        """Return a plan name that nothing has."""
        count, taken = 1, set(self.plan.schema.names)
        while f"{name}\x01{count}" in taken:
            count += 1
        return f"{name}\x01{count}"

    def _forget(self, name: str) -> None:
        self.columns = [c for c in self.columns if c.name != name]
        self.latent = [c for c in self.latent if c.name != name]

    def replace(self, column: Column, value: Value) -> None:
        """Compute a column anew in its place."""
        at = self.columns.index(column) if column in self.columns else len(self.columns)
        self.assign(column.name, value)
        self.columns.insert(at, self.columns.pop())

    def close(self, columns: list[Column]) -> None:
        """Keep only these columns."""
        self.columns, self.latent = columns, []
        names = list(dict.fromkeys(c.plan_name for c in columns))
        self.plan = n.select(self.plan, *names)

    def result(self) -> n.Plan:
        """Return the plan with the shown columns under their names; null columns are text."""
        items = []
        for column in self.columns:
            expr: e.Expr = n.column(self.plan, column.plan_name)
            if column.many and column.kind is Kind.ANY:
                # A list of one value is that value; objects, which Elasticsearch has no column for, stay as they are.
                expr = call("logic.coalesce", call("multi.single", expr), expr)
            items.append(n.Item(column.name, expr if expr.type is not Type.UNKNOWN else e.null(Type.STRING)))
        return n.Project(self.plan, tuple(items))
