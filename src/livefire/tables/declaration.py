"""A vendor table as its TOML file says it: columns, where each comes from, and what is known of it.

A column is `{ type, from, description, canonical, status, doc, hidden }`; only `type` and `from` must be
given. `from` is a value (see `values`), or with several `sources` an object of one value a log
source. `[raw]` declares every hot column of a source under the name its value has in the raw event.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from livefire.logsources.base import COMMON
from livefire.logsources.registry import source as log_source
from livefire.plan.catalog import OpenRoot, PathStyle
from livefire.schema import Type

Status = Literal["observed", "inferred"]

_TABLE_KEYS = {
    "name", "title", "vendor", "source", "sources", "doc", "status", "time", "missing_text", "aliases", "open", "compatibility", "notes",
    "tags", "roots", "raw", "where", "columns", "catalogue",
}  # fmt: skip
_COLUMN_KEYS = {"type", "from", "description", "canonical", "status", "doc", "hidden"}
_TYPES = {t.value: t for t in Type}


class DeclarationError(ValueError):
    """A table file says something that has no meaning; the text names file and place."""


@dataclass(frozen=True, slots=True)
class ColumnDeclaration:
    """One column: `sources` gives for each log source the value it is made of, as TOML has it."""

    name: str
    type: Type
    sources: Mapping[str, Any]
    description: str = ""
    canonical: str = ""
    status: Status = "observed"
    doc: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class TableDeclaration:
    """One table file.

    `missing_text` is what a string column holds where the event has nothing, None for null;
    `where` gives for a log source the condition under which its events are rows; `catalogue` names
    the lists of fields in the vendor's folder `fields`, where the product's own types are.
    """

    name: str
    title: str
    vendor: str
    sources: tuple[str, ...]
    time: str | None
    columns: tuple[ColumnDeclaration, ...]
    doc: str = ""
    status: Status = "observed"
    missing_text: str | None = None
    aliases: tuple[str, ...] = ()
    open: bool = False
    compatibility: str = ""
    notes: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[OpenRoot, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict)
    catalogue: tuple[str, ...] = ()


def read_declaration(path: Path, meanings: Mapping[str, Mapping[str, str]]) -> TableDeclaration:
    """Return the table of a TOML file; DeclarationError when it says something unknown.

    `meanings` gives for each log source the field of the common model that a hot column stands
    for; a column made of just that hot column means the same.
    """
    with path.open("rb") as file:
        said = tomllib.load(file)
    try:
        return declare(said, meanings)
    except (DeclarationError, KeyError, ValueError) as error:
        raise DeclarationError(f"{path.parent.name}/{path.name}: {error}") from error


def declare(said: Mapping[str, Any], meanings: Mapping[str, Mapping[str, str]]) -> TableDeclaration:
    """Return the table that a TOML document describes."""
    _only(said, _TABLE_KEYS, "the table")
    sources = tuple(said.get("sources", (said["source"],) if "source" in said else ()))
    if not sources:
        raise DeclarationError("needs `source` or `sources`")
    status = _status(said.get("status", "observed"))
    explicit = [_column(name, entry, sources, status, meanings) for name, entry in said.get("columns", {}).items()]
    named = {c.name for c in explicit}
    raw = [c for entry in _listed(said.get("raw", [])) for c in _raw_columns(entry, sources, status, meanings) if c.name not in named]
    return TableDeclaration(
        said["name"],
        said["title"],
        said["vendor"],
        sources,
        said.get("time"),
        (*explicit, *raw),
        said.get("doc", ""),
        status,
        said.get("missing_text"),
        tuple(said.get("aliases", ())),
        bool(said.get("open", False)),
        said.get("compatibility", ""),
        tuple(said.get("notes", ())),
        dict(said.get("tags", {})),
        tuple(_root(r) for r in said.get("roots", ())),
        _conditions(said.get("where", {}), sources),
        tuple(said.get("catalogue", ())),
    )


def _column(name: str, entry: Mapping[str, Any], sources: tuple[str, ...], status: Status, meanings: Mapping[str, Mapping[str, str]]) -> ColumnDeclaration:
    _only(entry, _COLUMN_KEYS, f"column {name!r}")
    origin = entry["from"]
    values = dict(origin) if len(sources) > 1 else {sources[0]: origin}
    _only(values, set(sources), f"`from` of column {name!r}")
    plain = {meanings.get(s, {}).get(v, "") for s, v in values.items() if isinstance(v, str)}
    canonical = plain.pop() if len(plain) == 1 else ""
    hot = [c.description for s, v in values.items() if isinstance(v, str) for c in (*COMMON, *log_source(s).columns) if c.name == v]
    return ColumnDeclaration(
        name,
        _type(entry["type"]),
        values,
        entry.get("description", hot[0] if len(values) == 1 and hot else ""),
        entry.get("canonical", canonical),
        _status(entry.get("status", status)),
        entry.get("doc", ""),
        bool(entry.get("hidden", False)),
    )


def _conditions(said: Mapping[str, Any], sources: tuple[str, ...]) -> Mapping[str, Any]:
    _only(said, set(sources), "[where]")
    return dict(said)


def _raw_columns(entry: Mapping[str, Any], sources: tuple[str, ...], status: Status, meanings: Mapping[str, Mapping[str, str]]) -> list[ColumnDeclaration]:
    """One column for each hot column whose value stands at a plain path of the form."""
    _only(entry, {"prefix", "form"}, "[raw]")
    (name,) = sources
    found = log_source(name)
    form = next(f for f in found.forms if f.name == entry["form"])
    columns = []
    for column in found.columns:
        place = form.places.get(column.name)
        if isinstance(place, tuple):
            meaning = meanings.get(name, {}).get(column.name, "")
            full = entry.get("prefix", "") + ".".join(place)
            columns.append(ColumnDeclaration(full, column.type, {name: column.name}, column.description, meaning, status))
    return columns


def _root(entry: Mapping[str, Any]) -> OpenRoot:
    _only(entry, {"prefix", "column", "style"}, "a root")
    style = entry.get("style", "dotted")
    if style not in get_args(PathStyle):
        raise DeclarationError(f"no path style is named {style!r}; known: {', '.join(get_args(PathStyle))}")
    return OpenRoot(entry["prefix"], entry["column"], cast(PathStyle, style))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _type(name: str) -> Type:
    if name not in _TYPES:
        raise DeclarationError(f"no type is named {name!r}; known: {', '.join(_TYPES)}")
    return _TYPES[name]


def _status(word: str) -> Status:
    if word not in get_args(Status):
        raise DeclarationError(f"status is observed or inferred, not {word!r}")
    return cast(Status, word)


def _only(said: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(said) - known)
    if unknown:
        raise DeclarationError(f"{where} has no key {unknown[0]!r}; known: {', '.join(sorted(known))}")
