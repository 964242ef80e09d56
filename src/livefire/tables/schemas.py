"""Tables that a product documents and no log source fills: known by their columns, and empty.

They stand by the hundred in `<vendor>/schemas/*.toml`, one text of `name:type` pairs a table in the
product's own column order. A file's `doc` is the page of each, `{table}` being its name in small letters.
`tags` gives a table's own tags, and `open` says of a whole file that a table has more fields than it names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.schema import Field, Schema, Type
from livefire.tables.declaration import DeclarationError

FOLDER = Path(__file__).parent
TIMES = ("TimeGenerated", "Timestamp", "_time")
_TYPES = {t.value: t for t in Type}


class Schemas(Mapping[str, Table]):
    """Empty tables by name; one is made when it is first asked for, DeclarationError where its text has no meaning."""

    def __init__(
        self,
        vendor: str,
        files: Mapping[str, tuple[str, str]],
        columns: Mapping[str, tuple[str, str]],
        tags: Mapping[str, Mapping[str, str]] | None = None,
        opened: frozenset[str] = frozenset(),
    ) -> None:
        self.vendor = vendor
        self.files = files
        self._columns = columns
        self._tags = tags or {}
        self._open = opened
        self._made: dict[str, Table] = {}

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __getitem__(self, name: str) -> Table:
        if name not in self._made:
            file, columns = self._columns[name]
            self._made[name] = self._make(name, file, columns)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def doc(self, name: str) -> str:
        """Return the address of the product's page of a table."""
        return self.files[self._columns[name][0]][1].replace("{table}", name.lower())

    def of_file(self, file: str) -> tuple[str, ...]:
        """Return the names of the tables that a file declares."""
        return tuple(name for name, (where, _) in self._columns.items() if where == file)

    def _make(self, name: str, file: str, columns: str) -> Table:
        schema = Schema(tuple(_column(name, pair) for pair in columns.split(",")))
        time = next((t for t in TIMES if t in schema), None)
        title, tags = f"{name} of {self.files[file][0]}", {"vendor": self.vendor, **self._tags.get(name, {})}
        return Table(name, n.Values(schema, ()), time, self.vendor, title, tags=tags, open=file in self._open)


def _column(table: str, pair: str) -> Field:
    name, _, type_name = pair.strip().partition(":")
    if type_name not in _TYPES:
        raise DeclarationError(f"{table}: no type is named {type_name!r}")
    return Field(name, _TYPES[type_name])


@cache
def schemas(vendor: str | None) -> Schemas:
    """Return the empty tables of a vendor, none for a vendor without such files."""
    files: dict[str, tuple[str, str]] = {}
    columns: dict[str, tuple[str, str]] = {}
    tags: dict[str, Mapping[str, str]] = {}
    opened: set[str] = set()
    for path in sorted((FOLDER / str(vendor) / "schemas").glob("*.toml")):
        with path.open("rb") as file:
            said = tomllib.load(file)
        files[path.stem] = (said["title"], said["doc"])
        columns.update({name: (path.stem, text) for name, text in said["tables"].items()})
        tags.update(said.get("tags", {}))
        opened |= {path.stem} if said.get("open", False) else set()
    return Schemas(vendor or "", files, columns, tags, frozenset(opened))
