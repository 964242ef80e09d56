"""The page `docs/tables.md`: every vendor table, its columns, where each comes from and how well that is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from livefire.tables.declaration import ColumnDeclaration, TableDeclaration
from livefire.tables.loader import declarations, vendors
from livefire.tables.schemas import schemas

_HEAD = """# Vendor tables

A query of a product's language reads that product's own tables. Each is made of the raw events of
one log source, column by column, by a file below `src/livefire/tables/`; this page is written from
those files by `make docs`.

`observed` was seen in the vendor's documentation or in real rows; `inferred` follows from the
vendor's conventions. The field of the common model is what lets a name of one product be suggested
to a user of another.
"""


def reference() -> str:
    """Return the page as Markdown."""
    tables = declarations()
    parts = [_HEAD, "| vendor | table | events of | columns | observed |", "|---|---|---|---|---|"]
    parts += [f"| {t.vendor} | [{_plain(t.name)}](#{_anchor(t)}) | {', '.join(t.sources)} | {len(_shown(t))} | {_observed(t)} |" for t in tables]
    return "\n".join([*parts, *(line for t in tables for line in _table(t)), *_empty()]) + "\n"


def _empty() -> Iterator[str]:
    """Yield the tables that are known by their columns alone: name and page, for their columns stand in one file."""
    for vendor in vendors():
        found = schemas(vendor)
        for file, (title, _) in found.files.items():
            names = found.of_file(file)
            yield f"\n## Tables of {title} without events ({vendor})\n"
            yield f"{len(names)} tables have their columns (`src/livefire/tables/{vendor}/schemas/{file}.toml`) and no rows, as no log source fills them.\n"
            yield " · ".join(f"[{name}]({found.doc(name)})" for name in names)


def _shown(table: TableDeclaration) -> list[ColumnDeclaration]:
    return [c for c in table.columns if not c.hidden]


def _observed(table: TableDeclaration) -> int:
    return sum(c.status == "observed" for c in _shown(table))


def _anchor(table: TableDeclaration) -> str:
    return "".join(c if c.isalnum() else "-" for c in f"{table.vendor}-{table.name}".lower()).strip("-")


def _table(table: TableDeclaration) -> Iterator[str]:
    yield f'\n## <a id="{_anchor(table)}"></a>{table.title}: `{table.name}`\n'
    yield f"Vendor page: <{table.doc}>. Time: `{table.time}`."
    if table.aliases:
        yield "Also called " + ", ".join(f"`{a}`" for a in table.aliases) + "."
    if table.tags:
        yield "Found by " + ", ".join(f"`{k}={v}`" for k, v in table.tags.items()) + "."
    if table.compatibility:
        yield f"\n**Compatibility table**: {table.compatibility}."
    yield from (f"\n- {note}" if i == 0 else f"- {note}" for i, note in enumerate(table.notes))
    if table.roots:
        paths = ", ".join(f"`{r.prefix}…`" if r.prefix else "any name" for r in table.roots)
        yield f"\nBesides these columns: {paths} ({table.roots[0].style} paths into the event)."
    yield "\n| column | type | from | common field | status | what it holds |\n|---|---|---|---|---|---|"
    for c in _shown(table):
        yield f"| `{c.name}` | {c.type.value} | {_origin(table, c)} | {c.canonical} | {c.status} | {_plain(c.description)} |"


def _origin(table: TableDeclaration, column: ColumnDeclaration) -> str:
    if len(table.sources) == 1:
        return _value(column.sources[table.sources[0]])
    return "<br>".join(f"{s}: {_value(column.sources[s])}" for s in table.sources if s in column.sources)


def _value(value: Any) -> str:
    """Return a value in few words; longer rules are named by their verb and stand in the file."""
    if isinstance(value, str):
        return f"`{value}`"
    if isinstance(value, list):
        return " else ".join(_value(v) for v in value)
    if "constant" in value:
        return f"always `{json.dumps(value['constant'], ensure_ascii=False)}`"
    if "nothing" in value:
        return "nothing"
    verb = next(iter(value))
    return f"{verb} of {_value(value[verb])}" if isinstance(value[verb], str) else f"a rule ({verb})"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
