"""Every query of the page that shows one intent in six languages keeps just the events that the page says."""

from __future__ import annotations

from typing import Any

import pytest

import livefire
from tests.differences import LANGUAGES, NONE, Line, entries, lines, overview, page, rows


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


def test_thirty_of_them_are_traps_for_who_comes_from_kql_or_eql_to_spl() -> None:
    traps = [
        intent
        for intent, said in entries(page()).items()
        if "SPL" in said and any(said[other][1] not in (NONE, said["SPL"][1]) for other in ("KQL", "EQL")) and said["SPL"][0] != NONE
    ]
    assert len(traps) >= 30


def test_the_table_holds_every_intent_once() -> None:
    made = overview(page())
    assert made in page()
    assert made.count("\n") == 1 + len(entries(page()))


def test_the_table_marks_who_differs() -> None:
    text = "## 1. A\n| KQL | `a` | 1 |\n| EQL | `b` | 1 |\n| SPL | `c` | 2 |\n| CQL | — | — |\n"
    assert overview(text).splitlines()[2] == "| [1. A](#1-a) | 1 | 1 | — | **2** | — | — |"
