"""What a language is told of the tables it may read: names, columns, plans; never an engine or a vendor file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from fnmatch import fnmatchcase
from typing import Literal, Protocol

from livefire.plan.nodes import Plan
from livefire.record import record
from livefire.schema import Schema

PathStyle = Literal["dotted", "splunk", "logscale"]


@record(frozen=True, slots=True)
class OpenRoot:
    """Field names that begin with `prefix` are paths into a dynamic column.

    `dotted` is a.b.c; `splunk` writes an array's elements as `{}` and gives all of them;
    `logscale` writes one element as `[0]`. The plan's column `column` is dynamic.
    """

    prefix: str
    column: str
    style: PathStyle = "dotted"


@record(frozen=True, slots=True)
class Table:
    """A table as one vendor shows it.

    `plan` computes every declared column from storage; columns in `hidden` exist in the plan
    only for open roots. `tags` are the constants by which a language picks tables (`vendor`,
    `sourcetype`, `index`, `dataset`, `product`, `service`). `canonical` names for each column the
    field of the common model, by which the other vendors' names are suggested. An `open` table
    gives null for an unknown field instead of an error. `compatibility`, where it is not empty, says
    why the table is here although no product writes it: it holds the events of other tables again,
    so it is read only where a query asks for it, and that is said (N108). `mapping` gives the product's
    own type of each field it publishes for the table (`keyword`, `ip`, `flattened` …): a field that is
    in it and no column is null in every event.
    """

    name: str
    plan: Plan
    time: str | None = None
    vendor: str = ""
    title: str = ""
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    canonical: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[OpenRoot, ...] = ()
    hidden: frozenset[str] = frozenset()
    open: bool = False
    compatibility: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        """The declared columns, without the hidden ones."""
        return Schema(tuple(f for f in self.plan.schema if f.name not in self.hidden))

    def answers_to(self, name: str) -> bool:
        """True when a query may call the table by this name (aliases may hold `*`)."""
        return name == self.name or any(fnmatchcase(name, a) for a in self.aliases)


class Catalog(Protocol):
    """The tables of one workspace, as a language sees them."""

    def table(self, name: str) -> Table | None:
        """Return the table of that exact name or alias, or None."""

    def find(self, name: str, vendor: str) -> Table | None:
        """Return the table that one vendor, or the user, calls by this name or alias, or None."""

    def tables(self, vendor: str | None = None) -> tuple[Table, ...]:
        """Return every table, or those of one vendor and those loaded by the user (vendor '')."""

    def names(self, vendor: str | None = None) -> tuple[str, ...]:
        """Return the names of those tables."""

    def other_names(self, column: str) -> Mapping[str, tuple[str, ...]]:
        """Return vendor → columns for the columns that mean the same as this one under any vendor's name."""


@record(frozen=True, slots=True)
class TableCatalog:
    """A catalog over a plain collection of tables; a later table hides an earlier one of the same name.

    `elsewhere` gives tables that a query cannot read but whose names are known: it is asked only
    when a name is not found. `later` are further tables of one vendor by name, all without rows,
    which may be made only when they are asked for; an entry of the same name hides one.
    """

    entries: tuple[Table, ...] = ()
    elsewhere: Callable[[], tuple[Table, ...]] = tuple
    later: Mapping[str, Table] = field(default_factory=dict)

    def table(self, name: str) -> Table | None:
        """Return the table of that exact name or alias, or None."""
        return self._among(self.entries, name, None)

    def find(self, name: str, vendor: str) -> Table | None:
        """Return the table that one vendor, or the user, calls by this name or alias, or None."""
        return self._among(tuple(t for t in self.entries if t.vendor in ("", vendor)), name, vendor)

    def _among(self, entries: tuple[Table, ...], name: str, vendor: str | None) -> Table | None:
        exact = [t for t in entries if t.name == name]
        if not exact and name in self.later:
            later = self.later[name]
            exact = [later] if vendor is None or later.vendor == vendor else []
        found = exact or [t for t in entries if t.answers_to(name)]
        return found[-1] if found else None

    def tables(self, vendor: str | None = None) -> tuple[Table, ...]:
        """Return every table, or those of one vendor and those loaded by the user (vendor '')."""
        named = {t.name for t in self.entries}
        later = (t for name, t in self.later.items() if name not in named)
        return tuple(t for t in (*self.entries, *later) if vendor is None or t.vendor in ("", vendor))

    def names(self, vendor: str | None = None) -> tuple[str, ...]:
        """Return the names of those tables."""
        return tuple(dict.fromkeys((*(t.name for t in self.entries if vendor is None or t.vendor in ("", vendor)), *self.later)))

    def other_names(self, column: str) -> Mapping[str, tuple[str, ...]]:
        """Return vendor → columns for the columns that mean the same as this one under any vendor's name."""
        tables = (*self.entries, *self.elsewhere())
        wanted = {c for t in tables for n, c in t.canonical.items() if n.casefold() == column.casefold()}
        found: dict[str, dict[str, None]] = {}
        for table in tables:
            for name, meaning in table.canonical.items():
                if meaning in wanted and name != column:
                    found.setdefault(table.vendor, {})[name] = None
        return {vendor: tuple(names) for vendor, names in found.items()}

    def extended(self, tables: Iterable[Table]) -> TableCatalog:
        """Return a catalog with more tables."""
        return replace(self, entries=(*self.entries, *tables))
