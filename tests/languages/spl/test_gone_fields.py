"""Fields that a command has left behind."""

from __future__ import annotations

from livefire import Workspace


def test_a_field_is_gone_after_stats_of_a_table_that_nobody_knows() -> None:
    said = Workspace().check('index=nowhere | stats count by user | where Status="x"', "spl")
    # The search as a whole names an unknown index; Status stands 44 characters in.
    assert [(d.code, d.span.start) for d in said] == [("E101", 0), ("W151", 44)]
