"""Reads the language guides: each example is a query, its input tables and the rows it must give."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

_QUERY = re.compile(r"^```(?P<info>[a-z]+[^\n]*)$")
_INPUT = re.compile(r"^input `(?P<name>[^`]+)`(?: time=(?P<time>\S+))?:$")


@dataclass(slots=True)
class Input:
    """An input table of a guide."""

    name: str
    time: str | None
    types: dict[str, str]
    rows: list[dict[str, Any]]


@dataclass(slots=True)
class Example:
    """One example of a guide; `refused` is the diagnostic code when no rows are expected."""

    place: str
    query: str
    language: str
    options: dict[str, Any]
    inputs: list[Input] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    refused: str | None = None


def cell(text: str) -> Any:
    """Return a cell's value: JSON where it parses, ∅ as null, else the text itself."""
    text = text.strip().replace("\\|", "|")
    if text == "∅":
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("`")


def _cells(line: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def _table(lines: list[str], at: int) -> tuple[list[str], list[list[Any]], int]:
    while at < len(lines) and not lines[at].startswith("|"):
        at += 1
    header = _cells(lines[at])
    at += 2
    rows = []
    while at < len(lines) and lines[at].startswith("|"):
        rows.append([cell(c) for c in _cells(lines[at])])
        at += 1
    return header, rows, at


def _options(info: str) -> tuple[str, dict[str, Any]]:
    language, *words = info.split()
    options: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        options[name] = datetime.fromisoformat(value.replace("Z", "+00:00")) if name in ("now", "start", "end") else value or True
    return language, options


def examples(path: Path) -> Iterator[Example]:
    """Yield the examples of a guide in order; an input stays loaded until another of the same name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    loaded: dict[str, Input] = {}
    current: Example | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        if (found := _QUERY.match(line)) and found["info"].split()[0] not in ("text", "console", "json", "python", "toml", "sh"):
            end = lines.index("```", at + 1)
            language, options = _options(found["info"])
            current = Example(f"{path.name}:{at + 1}", "\n".join(lines[at + 1 : end]), language, options)
            at = end + 1
            continue
        if found := _INPUT.match(line):
            header, rows, at = _table(lines, at + 1)
            names = [h.partition(":")[0] for h in header]
            types = {h.partition(":")[0]: h.partition(":")[2] for h in header if ":" in h}
            loaded[found["name"]] = Input(found["name"], found["time"], types, [dict(zip(names, r, strict=True)) for r in rows])
            continue
        if current is not None and (line.startswith("expected") and line.rstrip().endswith(":")):
            current.columns, current.rows, at = _table(lines, at + 1)
            current.inputs = list(loaded.values())
            yield current
            current = None
            continue
        if current is not None and (found := re.match(r"^refused: (?P<code>[EW]\d+)$", line)):
            current.refused = found["code"]
            current.inputs = list(loaded.values())
            yield current
            current = None
        at += 1
