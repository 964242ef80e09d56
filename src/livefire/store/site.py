"""What a site declares beside its logs: watchlists, the files that stand for addresses, and saved functions.

A folder holds `watchlists/<alias>.csv`, `external/<file>`, `functions/<Name>.kql`, and `places.csv` with the columns
network, country, state, city, latitude and longitude, and asn where networks count by their owner. Its `site.toml` may
name a watchlist's search key (`[watchlists]`, alias = "column") and the file that stands for a whole
address (`[external]`, "https://…" = "file"); without that a file stands for every address that ends in its
name. Nothing here is fetched, and nothing else of the folder is read.
"""

from __future__ import annotations

import csv
import ipaddress
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMATS = {".csv": "csv", ".tsv": "tsv", ".psv": "psv", ".txt": "txt", ".json": "json", ".jsonl": "json", ".multijson": "json"}
MOST_BYTES = 64 * 1024 * 1024
_SEPARATORS = {"csv": ",", "tsv": "\t", "psv": "|"}


class SiteError(ValueError):
    """A declared file cannot be read; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file: by column name, or by place (`1`, `2` … beside `row`, counted from 0) where `format` has no names."""

    format: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Site:
    """All that a folder declares: tables by the name they are found under, functions by name."""

    watchlists: Mapping[str, Rows] = field(default_factory=dict)
    external: Mapping[str, Rows] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    places: Rows | None = None
    owners: tuple[tuple[int, int, str], ...] = ()
    """Ranges of addresses with the number of the network that owns them, as `AS16509`; IPv4 within ::ffff:0:0/96."""


def read_site(folder: Path) -> Site:
    """Return what a folder declares; SiteError for a file that cannot be read."""
    if not folder.is_dir():
        raise SiteError(f"there is no folder {folder}")
    said = _settings(folder / "site.toml")
    keys = said.get("watchlists", {})
    watchlists = {f.stem: _watchlist(f, keys.get(f.stem)) for f in _files(folder / "watchlists")}
    external = {f.name: read_rows(f) for f in _files(folder / "external")}
    for address, name in said.get("external", {}).items():
        if name not in external:
            raise SiteError(f"site.toml names {name!r}, and external/ holds no such file")
        external[address] = external[name]
    functions = {f.stem: _text(f) for f in _files(folder / "functions") if f.suffix == ".kql"}
    places = folder / "places.csv"
    if not places.is_file():
        return Site(watchlists, external, functions)
    ranges = _ranges(places)
    owners = tuple((low, high, _system(place["asn"])) for low, high, place in ranges if place["asn"])
    return Site(watchlists, external, functions, _places(ranges), owners)


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{path.name}: {error}") from error


def _files(folder: Path) -> Iterator[Path]:
    return (f for f in sorted(folder.glob("*")) if f.is_file() and not f.name.startswith("."))


def _text(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise SiteError(f"{path.name} is larger than {MOST_BYTES} bytes")
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{path.name} cannot be read as UTF-8 text") from error


def _watchlist(path: Path, key: str | None) -> Rows:
    """Return a watchlist's items: every value is text, and `SearchKey` holds the column that the site names.

    https://learn.microsoft.com/azure/sentinel/watchlists-queries
    """
    cells = _cells(_text(path), ",")
    if not cells:
        raise SiteError(f"{path.name} has no first line with the names of its columns")
    names = cells[0]
    if key is not None and key not in names:
        raise SiteError(f"site.toml names {key!r} as the search key of {path.stem}, which has no such column")
    if len(set(names)) < len(names) or any(len(row) != len(names) for row in cells[1:]):
        raise SiteError(f"{path.name}: every line needs one value for each of its {len(names)} differently named columns")
    items = [dict(zip(names, row, strict=True)) for row in cells[1:]]
    if key is None:
        return Rows("csv", tuple(names), tuple(items))
    return Rows("csv", ("SearchKey", *names), tuple({"SearchKey": item[key], **item} for item in items))


_PLACE = ("country", "state", "city", "latitude", "longitude")


def _system(number: str) -> str:
    """Return the number of an autonomous system as it is written: AS64500."""
    return "AS" + number.strip().upper().removeprefix("AS")


def _places(ranges: Sequence[tuple[int, int, dict[str, str]]]) -> Rows:
    """Return the places of networks: `first` and `last` in 32 hexadecimal digits."""
    items = tuple({"first": f"{low:032x}", "last": f"{high:032x}", **{name: place[name] for name in _PLACE}} for low, high, place in ranges)
    return Rows("csv", ("first", "last", *_PLACE), items)


def _ranges(path: Path) -> list[tuple[int, int, dict[str, str]]]:
    """Return what a file says of networks, as ranges that do not overlap: the smaller of two that do comes first."""
    cells = _cells(_text(path), ",")
    if not cells or "network" not in cells[0] or "country" not in cells[0]:
        raise SiteError(f"{path.name} has no first line with network and country among its columns")
    found: list[tuple[int, int, dict[str, str]]] = []
    for line, row in enumerate(cells[1:], 2):
        said = dict(zip(cells[0], row, strict=False))
        try:
            network = ipaddress.ip_network(said.get("network", "").strip(), strict=False)
        except ValueError as error:
            raise SiteError(f"{path.name}, line {line}: {error}") from error
        mapped = _MAPPED if network.version == 4 else 0
        place = {name: said.get(name, "") for name in (*_PLACE, "asn")}
        found.append((int(network.network_address) + mapped, int(network.broadcast_address) + mapped, place))
    return apart(found)


# Where the addresses of IPv4 stand among those of IPv6, ::ffff:0:0/96.
_MAPPED = 0xFFFF << 32


def apart(ranges: Sequence[tuple[int, int, dict[str, str]]]) -> list[tuple[int, int, dict[str, str]]]:
    """Return ranges of networks without what smaller ones inside them cover; of two equal ones the later."""
    found: list[tuple[int, int, dict[str, str]]] = []
    open_: list[tuple[int, dict[str, str]]] = []
    at = 0

    def close(until: int) -> None:
        nonlocal at
        while open_ and open_[-1][0] < until:
            last, place = open_.pop()
            if at <= last:
                found.append((at, last, place))
            at = max(at, last + 1)
        if open_ and at < until:
            found.append((at, until - 1, open_[-1][1]))

    for low, high, place in sorted(ranges, key=lambda r: (r[0], -r[1])):
        close(low)
        at = low
        open_.append((high, place))
    close(1 << 128)
    return found


def read_rows(path: Path) -> Rows:
    """Return the rows of a file by the format that its suffix says; SiteError for another suffix."""
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise SiteError(f"{path.name}: the format is told by the suffix, one of {', '.join(FORMATS)}")
    text = _text(path)
    if form == "json":
        return _objects(path.name, text)
    cells = [[line] for line in text.splitlines()] if form == "txt" else _cells(text, _SEPARATORS[form])
    width = max((len(row) for row in cells), default=1)
    columns = tuple(str(i + 1) for i in range(width))
    return Rows(form, ("row", *columns), tuple({"row": i, **dict(zip(columns, row, strict=False))} for i, row in enumerate(cells)))


def _cells(text: str, separator: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True) if row]
    except csv.Error as error:
        raise SiteError(f"a line cannot be read as separated values: {error}") from error


def _objects(name: str, text: str) -> Rows:
    """Return JSON objects that stand in one array, one after another, or one a line."""
    decoder, found, at = json.JSONDecoder(), [], 0
    try:
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            value, at = decoder.raw_decode(text, at)
            found.extend(value if isinstance(value, list) else [value])
    except (json.JSONDecodeError, RecursionError) as error:
        raise SiteError(f"{name} is no JSON") from error
    if not all(isinstance(x, dict) for x in found):
        raise SiteError(f"{name} holds something else than objects")
    return Rows("json", tuple(dict.fromkeys(k for x in found for k in x)), tuple(found))
