"""createEvents makes events of the present time that stand in the order in which they are written."""

from __future__ import annotations

import pytest

from livefire import Workspace

FOUR = 'createEvents(["a=1","a=2","a=3","a=4"]) | kvParse() '


@pytest.mark.parametrize(("rest", "rows"), [("head(2)", ["1", "2"]), ("tail(2)", ["3", "4"]), ("tail(3) | head(1)", ["2"])])
def test_head_and_tail_go_by_the_order_written(rest: str, rows: list[str]) -> None:
    assert [row[0] for row in Workspace().query(f"{FOUR}| {rest} | select([a])", language="cql").rows] == rows


def test_an_event_of_the_present_has_a_latest_value() -> None:
    found = Workspace().query(f"{FOUR}| a=3 | selectLast([a])", language="cql")
    assert found.rows == [("3",)], "without a time of the event there was no latest one, and the value was lost"
