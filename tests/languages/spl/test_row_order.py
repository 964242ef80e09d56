"""Rows stay in the order in which a command found them, also where it looks at them by group."""

from __future__ import annotations

import pytest

from livefire import Workspace

FIVE = "| makeresults count=5 | streamstats count as n | eval g=n%2 "


@pytest.mark.parametrize(
    ("rest", "rows"),
    [
        ("| eventstats max(n) as m by g | table n m", [(1, 5), (2, 4), (3, 5), (4, 4), (5, 5)]),
        # odd: 1, 1+3, 1+3+5; even: 2, 2+4
        ("| streamstats sum(n) as m by g | table n m", [(1, 1), (2, 2), (3, 4), (4, 6), (5, 9)]),
        ("| eventstats max(n) as m by g | streamstats sum(n) as k | head 3 | table n k", [(1, 1), (2, 3), (3, 6)]),
        ("| filldown n | head 2 | table n", [(1,), (2,)]),
    ],
)
def test_made_rows_stay_in_order(rest: str, rows: list[tuple[int, ...]]) -> None:
    assert Workspace().query(FIVE + rest, language="spl").rows == rows


def test_lines_of_a_lookup_stay_in_order() -> None:
    ws = Workspace()
    ws.load("seen", [{"who": who, "g": group} for who, group in [("d", "x"), ("a", "y"), ("c", "x"), ("b", "y")]])
    found = ws.query("| inputlookup seen | streamstats count as k by g | table who k", language="spl")
    assert found.rows == [("d", 1), ("a", 1), ("c", 2), ("b", 2)]
    assert ws.query("| inputlookup seen start=1 max=2 | table who", language="spl").rows == [("a",), ("c",)]
