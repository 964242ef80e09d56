"""What a query's rows are drawn as: what the query asks for, or else what the types of its columns make."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from livefire.browsing.rows import chart

ONE, TWO = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC)
TIMED = (["T", "Name", "N"], ["datetime", "string", "long"], [(ONE, "a", 1), (ONE, "b", 2), (TWO, "a", 3)])
NAMED = (["Name", "N"], ["string", "long"], [("a", 3), ("b", 1)])
TWICE = (["Name", "Kind", "N"], ["string", "string", "long"], [("a", "x", 3), ("a", "y", 1), ("b", "x", 2)])


def drawn(text: str, language: str, rows: tuple[list[str], list[str], list[tuple[Any, ...]]]) -> dict[str, Any]:
    found = chart(text, language, *rows)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "language", "kind", "asked"),
    [
        ("T | render timechart", "kql", "lines", "timechart"),
        ("T | render linechart", "kql", "lines", "linechart"),
        ("T | render areachart", "kql", "areas", "areachart"),
        ("T | render stackedareachart with (title='x')", "kql", "areas", "stackedareachart"),
        ("index=x | timechart count by Name", "spl", "lines", "timechart"),
        ("timeChart(Name)", "cql", "lines", ""),
        ("* | timeChart(Name)", "cql", "lines", "timechart"),
        ("T", "kql", "lines", ""),
    ],
)
def test_rows_with_a_time_are_lines_or_areas_over_it(text: str, language: str, kind: str, asked: str) -> None:
    """`a` has 1 and 3, `b` 2 and then nothing; the larger series comes first."""
    found = drawn(text, language, TIMED)
    assert (found["kind"], found["asked"]) == (kind, asked)
    assert found["times"] == [ONE.timestamp(), TWO.timestamp()]
    assert found["series"] == [{"name": "a", "values": [1.0, 3.0]}, {"name": "b", "values": [2.0, None]}]


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("T | render barchart", "kql", "bars"),
        ("T | render columnchart", "kql", "bars"),
        ("T | render piechart", "kql", "pie"),
        ("| chart count by Name", "spl", "bars"),
    ],
)
def test_names_with_a_number_are_bars_or_slices(text: str, language: str, kind: str) -> None:
    found = drawn(text, language, NAMED)
    assert (found["kind"], found["label"], found["left_out"]) == (kind, "N", 0)
    assert found["bars"] == [{"name": "a", "value": 3.0}, {"name": "b", "value": 1.0}]


@pytest.mark.parametrize(("text", "kind"), [("T | render columnchart", "groups"), ("T | render barchart with (kind=stacked)", "stacks")])
def test_a_second_name_tells_bars_of_a_group_apart(text: str, kind: str) -> None:
    found = drawn(text, "kql", TWICE)
    assert (found["kind"], found["names"]) == (kind, ["a", "b"])
    assert found["series"] == [{"name": "x", "values": [3.0, 2.0]}, {"name": "y", "values": [1.0, None]}]


def test_several_numbers_are_a_group_for_each_name() -> None:
    """SPL's `chart count by a, b` has a column for each b."""
    found = drawn("| chart count by host, kind", "spl", (["host", "x", "y"], ["string", "long", "long"], [("a", 1, 2), ("b", None, 4)]))
    assert found["series"] == [{"name": "x", "values": [1.0, None]}, {"name": "y", "values": [2.0, 4.0]}]


def test_a_pie_adds_up_one_number_and_has_no_slice_for_nothing() -> None:
    found = drawn("T | render piechart", "kql", (["Name", "N"], ["string", "long"], [("a", 2), ("b", 0), ("c", -1), ("a", 5)]))
    assert found["bars"] == [{"name": "a", "value": 7.0}]


def test_a_bar_for_each_moment_where_bars_are_asked() -> None:
    found = drawn("T | render columnchart", "kql", (["T", "N"], ["datetime", "long"], [(ONE, 1), (TWO, 2)]))
    assert [b["value"] for b in found["bars"]] == [1.0, 2.0]
    assert found["bars"][0]["name"].startswith("2026-03-02")


def test_what_is_not_drawn_is_counted() -> None:
    found = drawn("T", "kql", (["Name", "N"], ["string", "long"], [(f"n{i}", i) for i in range(60)]))
    assert (len(found["bars"]), found["left_out"]) == (50, 10)


@pytest.mark.parametrize(
    ("text", "rows"), [("T | render table", NAMED), ("T", (["Name"], ["string"], [("a",)])), ("T", (["Name", "N"], ["string", "long"], []))]
)
def test_nothing_is_drawn_where_there_is_nothing_to_draw(text: str, rows: Any) -> None:
    assert chart(text, "kql", *rows) is None


def test_names_of_a_chart_hide_nothing() -> None:
    found = drawn("T | render piechart", "kql", (["Name", "N"], ["string", "long"], [("a\u202eb", 1)]))
    assert found["bars"][0]["name"] == "a\\u202eb"
