"""Names, types and texts that Microsoft's binder takes or refuses."""

from __future__ import annotations

import pytest

from livefire import QueryError, Workspace


@pytest.fixture
def workspace() -> Workspace:
    found = Workspace()
    found.load("T", [{"Result": "0", "Count": 1}, {"Result": "denied", "Count": 2}, {"Result": "50126", "Count": 3}])
    return found


def _codes(workspace: Workspace, text: str) -> list[str]:
    with pytest.raises(QueryError) as error:
        workspace.query(text)
    return [d.code for d in error.value.diagnostics if d.severity == "error"]


@pytest.mark.parametrize(
    ("condition", "counts"),
    [
        ("Result == 0", [1]),
        ("Result != 0", [2, 3]),  # a text that is no number differs from every number
        ("Count == '2'", [2]),
        ("Count in ('2', 'x')", [2]),
    ],
)
def test_a_text_compared_with_a_number_is_read_as_one_and_that_is_said(workspace: Workspace, condition: str, counts: list[int]) -> None:
    result = workspace.query(f"T | where {condition} | project Count")
    assert [row[0] for row in result.rows] == counts
    assert [d.code for d in result.diagnostics] == ["W104"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("T | where Result > 0", ["E104"]),
        ("T | where Count = 1", ["E126"]),
        ("let x = 1;", ["E125"]),
        ("let f = () { let x = 1; }; print f()", ["E125"]),
        ("let f = () { let x = T; }; f | count", ["E125"]),
        ("", ["E125"]),
        ("T | render table\n\nT | take 1", ["E201"]),  # a second query is none of the chart's options
        ("T | where Count > {least}", ["E127"]),
        ("T | project Count | where Result == 'x'", ["E102"]),
    ],
)
def test_what_compares_nothing_or_asks_nothing_is_refused(workspace: Workspace, text: str, codes: list[str]) -> None:
    assert _codes(workspace, text) == codes


def test_search_takes_a_column_and_a_term(workspace: Workspace) -> None:
    """https://learn.microsoft.com/kusto/query/search-operator#search-syntax"""
    assert workspace.query('search in (T) Result:"DENIED" | project Count').rows == [(2,)]
    assert workspace.query("search in (T) * | count").rows == [(3,)]


@pytest.mark.parametrize(
    "rest", ["", " with (title='a | b', xcolumn=Result)", " kind=stacked", " by Result", " title='x' series=Result, Count with (ytitle='y')"]
)
def test_charts_take_their_options(workspace: Workspace, rest: str) -> None:
    assert workspace.query(f"T | render timechart{rest}").rows == workspace.query("T").rows


def test_a_join_numbers_a_name_past_those_of_either_side(workspace: Workspace) -> None:
    # Microsoft's binder calls the right side's k neither k nor k1, which are both there.
    text = "datatable(k: long, a: long)[1, 2] | join kind=inner (datatable(k: long, k1: long, a: long)[1, 3, 4]) on k"
    result = workspace.query(text)
    assert (result.columns, result.rows) == (["k", "a", "k2", "k1", "a1"], [(1, 2, 1, 3, 4)])
