"""Rows on a terminal: nothing is cut to a letter's width, nothing empty takes a line."""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from livefire.report.tables import MAX_CELL, fits, plain, records, shown, table


def printed(made: Table, width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, markup=False, emoji=False, highlight=False).print(made)
    return [line.strip() for line in out.getvalue().splitlines() if line.strip()]


def test_few_columns_are_a_table() -> None:
    assert fits(["a", "b"], [("x", 1)], 80)
    assert printed(table(["a", "b"], [("x", 1)]))[0].split() == ["a", "b"]


def test_more_columns_than_a_terminal_is_wide_do_not_fit() -> None:
    names = [f"column{n:02d}" for n in range(12)]
    # Twelve names of eight letters and two blanks each need 120.
    assert not fits(names, [], 119)
    assert fits(names, [], 120)


def test_a_long_value_is_folded_and_does_not_count_whole() -> None:
    assert fits(["a", "b"], [("x" * 500, "y")], 60)


def test_records_leave_empty_values_out() -> None:
    lines = printed(records(["a", "b", "c"], [("x", None, 0), ("", "y", None)]))
    assert [line.split() for line in lines if "─" not in line] == [["row", "column", "value"], ["1", "a", "x"], ["c", "0"], ["2", "b", "y"]]


def test_a_row_of_nulls_still_has_a_line() -> None:
    assert printed(records(["a"], [(None,)]))[-1] == "1"


def test_a_cell_is_cut_with_a_sign() -> None:
    assert shown("x" * 100) == "x" * (MAX_CELL - 1) + "…"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 3, 2, 9, 0, 0, 120000, UTC), "2026-03-02T09:00:00.12Z"),
        (datetime(2026, 3, 2, 9, 0, tzinfo=UTC), "2026-03-02T09:00:00Z"),
        (timedelta(minutes=1, milliseconds=500), 60.5),
        (Decimal("1.50"), 1.5),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ({"a": [math.inf, timedelta(seconds=1)]}, {"a": ["Infinity", 1.0]}),
        (None, None),
    ],
)
def test_plain_is_what_json_holds(value: Any, expected: Any) -> None:
    assert plain(value) == expected
