"""Queries that end with `fork` or `facet` and give several tables.

https://learn.microsoft.com/kusto/query/fork-operator, https://learn.microsoft.com/kusto/query/facet-operator
"""

from __future__ import annotations

import pytest

from livefire import QueryError, Workspace
from livefire.diagnostics import Source
from tests.languages.kql.running import NOW

ROWS = 'datatable(User: string, Count: long)["ann", 1, "bob", 5, "ann", 7]'


def tables(text: str) -> list[tuple[str, list[str], list[tuple[object, ...]]]]:
    found = Workspace().query(text, now=NOW).tables
    return [(one.name, one.columns, one.rows) for one in found]


def test_each_branch_of_a_fork_is_a_table_of_the_same_rows() -> None:
    found = tables(
        f"{ROWS} | where Count > 1 | fork Most = (top 1 by Count | project User) (summarize n = count() by User | sort by User asc) (count | as All)"
    )
    # Two rows pass the filter above; a name is given before the branch or by `as` at its end.
    assert found == [
        ("Most", ["User"], [("ann",)]),
        ("", ["User", "n"], [("ann", 1), ("bob", 1)]),
        ("All", ["Count"], [(2,)]),
    ]


def test_a_facet_counts_the_values_of_each_column_behind_the_table_of_with() -> None:
    found = tables(f"{ROWS} | facet by User, Count with (where Count > 6 | project Count)")
    assert [(name, columns, sorted(rows)) for name, columns, rows in found] == [
        ("", ["Count"], [(7,)]),
        ("User", ["User", "count_User"], [("ann", 2), ("bob", 1)]),
        ("Count", ["Count", "count_Count"], [(1, 1), (5, 1), (7, 1)]),
    ]


def test_a_chart_behind_changes_no_table_and_a_plain_query_has_one() -> None:
    assert len(tables(f"{ROWS} | fork (count) (take 1) | render table")) == 2
    assert len(tables(f"{ROWS} | count")) == 1


@pytest.mark.parametrize("text", [f"{ROWS} | fork (count) (take 1)", f"{ROWS} | facet by User"])
def test_a_rule_has_one_table(text: str) -> None:
    with pytest.raises(QueryError) as told:
        Workspace().compile(Source(text, "rule"), "kql")
    (fault,) = told.value.diagnostics
    count = 2 if "fork" in text else 1
    assert fault.code == "E301"
    assert f"a list of tables ({count})" in fault.message
    assert text[fault.span.start : fault.span.end].startswith(("fork", "facet"))


def test_a_fault_of_a_later_branch_refuses_the_query() -> None:
    with pytest.raises(QueryError) as told:
        tables(f"{ROWS} | fork (count) (where Nowhere == 1)")
    assert [d.code for d in told.value.diagnostics] == ["E102"]
