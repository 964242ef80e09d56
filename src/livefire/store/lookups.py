"""Lookup tables as CSV files that the user declares, and those that a search may write."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

# What a spreadsheet would take for a formula is written with an apostrophe before it, and read without it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")


def read_lookups(folder: Path) -> Iterator[tuple[str, list[dict[str, str | None]], dict[str, str]]]:
    """Yield name, rows and schema of each CSV file of a folder (or of one file); every cell is text, an empty one null."""
    paths = [folder] if folder.is_file() else sorted(folder.glob("*.csv"))
    for path in paths:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            header = [h.strip() for h in next(reader, [])]
            rows = [dict(zip(header, (_plain(c) for c in row), strict=False)) for row in reader if row]
        yield path.stem, rows, dict.fromkeys(header, "string")


def _plain(cell: str) -> str | None:
    bare = cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell
    return bare or None


def file_of(folder: Path, name: str) -> Path | None:
    """Return the file that a search may write under a name, None for a name that would leave the folder."""
    stem = name.removesuffix(".csv")
    return folder / f"{stem}.csv" if _NAME.fullmatch(stem) and ".." not in stem else None


def write_lookup(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, append: bool) -> int:
    """Write rows as a CSV file, or after those it has; several values are parted by lines. Returns the number of rows written."""
    fresh = list(rows)
    header = list(columns)
    before: list[list[Any]] = []
    if append and path.is_file():
        for _, old, schema in read_lookups(path):
            header = [*schema, *(c for c in columns if c not in schema)]
            before = [[row.get(c) for c in header] for row in old]
    written = [[dict(zip(columns, row, strict=True)).get(c) for c in header] for row in fresh]
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with scratch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_guarded(c) for c in header])
        writer.writerows([_guarded(c) for c in row] for row in [*before, *written])
    scratch.replace(path)
    return len(fresh)


def _guarded(value: Any) -> str:
    if value is None:
        return ""
    text = "\n".join(str(v) for v in value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
