"""Every query of the page that shows one intent in six languages keeps just the events that the page says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import livefire
from tests.guides import cell

PAGE = Path(__file__).parents[2] / "docs" / "languages" / "differences.md"
LANGUAGES = {"KQL": "kql", "EQL": "eql", "ES|QL": "esql", "SPL": "spl", "CQL": "cql", "Sigma": "sigma"}


@dataclass(frozen=True, slots=True)
class Line:
    """One query of an intent; `keeps` are the ids in order of number."""

    intent: str
    language: str
    query: str
    keeps: tuple[int, ...]


def cells(line: str) -> list[str]:
    return [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def rows() -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the events of the page and the types of their fields."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("| id:long"))
    head = [c.split(":") for c in cells(lines[at])]
    found = []
    for line in lines[at + 2 :]:
        if not line.startswith("|"):
            break
        found.append({name: cell(c) for (name, _), c in zip(head, cells(line), strict=True)})
    return found, {pair[0]: pair[1] for pair in head}


def lines() -> list[Line]:
    """Return every query of the page."""
    intent, found = "", []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            intent = line[3:]
        parts = cells(line) if line.startswith("|") else []
        if len(parts) == 3 and parts[0] in LANGUAGES and parts[1] != "—":
            keeps = tuple(int(x) for x in parts[2].split()) if parts[2] != "none" else ()
            found.append(Line(intent, LANGUAGES[parts[0]], parts[1].strip("`"), keeps))
    return found


def sigma(detection: str) -> str:
    """Return a rule around a detection."""
    negated = detection.startswith("not ")
    body = detection.removeprefix("not ")
    condition = "not selection" if negated else "selection"
    return f"title: t\nid: 6f1c8a52-1f0c-4d1e-9d3a-2f0b4c5d6e7f\nlogsource:\n  product: t\ndetection:\n  selection:\n    {body}\n  condition: {condition}\n"


@pytest.fixture(scope="module")
def ws() -> livefire.Workspace:
    events, types = rows()
    found = livefire.Workspace()
    timed = [{**e, "@timestamp": f"2026-01-01T00:00:0{e['id']}Z"} for e in events]
    found.load("t", timed, schema={**types, "@timestamp": "datetime"}, time_field="@timestamp")
    return found


@pytest.mark.parametrize("line", lines(), ids=lambda x: f"{x.intent.partition('.')[0]}-{x.language}")
def test_a_query_keeps_what_the_page_says(line: Line, ws: livefire.Workspace) -> None:
    options: dict[str, Any] = {"index": "t"} if line.language in ("eql", "cql", "sigma") else {}
    text = sigma(line.query) if line.language == "sigma" else line.query
    result = ws.query(text, language=line.language, **options)
    place = result.columns.index("id")
    kept = sorted(int(r[place]) for r in result.rows)
    assert tuple(kept) == line.keeps


def test_there_are_thirty_intents() -> None:
    assert len({x.intent for x in lines()}) >= 30
    assert {x.language for x in lines()} == set(LANGUAGES.values())
