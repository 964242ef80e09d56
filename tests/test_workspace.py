"""The Python API that other programs build on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

import livefire
from tests.cli.logs import file_of, record

ROWS = [
    {"TimeGenerated": "2026-01-01T00:00:00Z", "Name": "a", "Size": 1, "Tags": {"k": [1, 2]}},
    {"TimeGenerated": "2026-01-02T00:00:00+02:00", "Name": "b", "Size": 2, "Tags": None},
]


@pytest.fixture
def ws() -> livefire.Workspace:
    workspace = livefire.Workspace()
    workspace.load("T", ROWS, time_field="TimeGenerated")
    return workspace


def test_rows_are_python_values(ws: livefire.Workspace) -> None:
    result = ws.query("T | project TimeGenerated, Name, Size, Tags | sort by Size asc", language="kql")
    assert result.columns == ["TimeGenerated", "Name", "Size", "Tags"]
    assert result.types == ["datetime", "string", "long", "dynamic"]
    assert result.rows == [
        (datetime(2026, 1, 1, tzinfo=UTC), "a", 1, {"k": [1, 2]}),
        (datetime(2026, 1, 1, 22, tzinfo=UTC), "b", 2, None),
    ]
    assert isinstance(result.to_arrow(), pa.Table)
    assert result.to_arrow().column_names == result.columns


def test_now_is_a_parameter(ws: livefire.Workspace) -> None:
    text = "T | where TimeGenerated > ago(12h) | project Name"
    assert ws.query(text, now=datetime(2026, 1, 2, tzinfo=UTC)).rows == [("b",)]
    assert ws.query(text, now=datetime(2026, 1, 1, 1, tzinfo=UTC)).rows == [("a",), ("b",)]


def test_start_and_end_cut_timed_tables(ws: livefire.Workspace) -> None:
    start = datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert ws.query("T | project Name", start=start).rows == [("b",)]
    assert ws.query("T | project Name", end=start).rows == [("a",)]
    assert ws.query("T | project Name", start=start, end=start + timedelta(hours=1)).rows == []


def test_a_query_that_cannot_run_raises_with_diagnostics(ws: livefire.Workspace) -> None:
    with pytest.raises(livefire.QueryError) as caught:
        ws.query("T | where Nmae == 'a'")
    (fault,) = [d for d in caught.value.diagnostics if d.severity == "error"]
    assert fault.code == "E102"
    assert fault.fix is not None
    assert fault.fix.replacement == "Name"


def test_check_goes_on_after_an_unknown_table(ws: livefire.Workspace) -> None:
    codes = [d.code for d in ws.check("Nowhere | summarize tdigest(A)", language="kql")]
    assert "E101" in codes
    assert any(c.startswith("E3") for c in codes)


def test_check_says_nothing_of_a_good_query(ws: livefire.Workspace) -> None:
    assert ws.check("T | where Name == 'a'", language="kql") == []


def test_a_table_of_the_same_name_is_replaced(ws: livefire.Workspace) -> None:
    ws.load("T", [{"Name": "c"}])
    assert ws.query("T").rows == [("c",)]


def test_names_that_differ_only_in_case(ws: livefire.Workspace) -> None:
    ws.load("C", [{"a": 1, "A": 2}])
    assert ws.query("C | project A, a").rows == [(2, 1)]


def test_an_unknown_language_is_a_diagnostic(ws: livefire.Workspace) -> None:
    with pytest.raises(livefire.QueryError) as caught:
        ws.query("x", language="cobol")
    assert [d.code for d in caught.value.diagnostics] == ["E001"]


def test_rows_beyond_the_bound_are_an_error_never_a_cut(ws: livefire.Workspace) -> None:
    with pytest.raises(livefire.QueryError) as caught:
        ws.query("T", max_rows=1)
    assert [d.code for d in caught.value.diagnostics] == ["E453"]


def test_events_that_another_process_stored_are_seen(tmp_path: Path) -> None:
    reader, writer = livefire.Workspace(tmp_path / "lake"), livefire.Workspace(tmp_path / "lake")
    assert reader.info().sources[0].events == 0
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_bytes(file_of(record(number)))
        writer.ingest(tmp_path / f"{number}.json")
        assert reader.query("AWSCloudTrail | count").rows == [(number,)]
