"""Files outside the time asked for are not opened, and no row inside it is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from livefire.detections.detection import Rule
from livefire.detections.runner import prepare, run_prepared
from livefire.engines.program import TableFiles
from livefire.engines.pruning import files_within
from livefire.workspace import Workspace

FIRST = datetime(2026, 5, 1, tzinfo=UTC)
NOW = FIRST + timedelta(days=10)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Ten commits of a day each: an event at midnight, one at noon, and one a microsecond before the next midnight."""
    folder = tmp_path_factory.mktemp("days")
    ws = Workspace(folder / "lake")
    for day in range(10):
        begin = FIRST + timedelta(days=day)
        moments = (begin, begin + timedelta(hours=12), begin + timedelta(days=1) - timedelta(microseconds=1))
        events = [
            {"eventVersion": "1.11", "eventTime": m.isoformat(), "eventID": f"{day}-{at}", "eventName": "RunInstances", "eventSource": "ec2.amazonaws.com"}
            for at, m in enumerate(moments)
        ]
        (folder / f"{day}.json").write_text("\n".join(map(json.dumps, events)))
        ws.ingest(folder / f"{day}.json")
    return ws


def opened(ws: Workspace, text: str, language: str = "kql", **range_: datetime) -> tuple[int, int]:
    """How many files a rule opens, and how many rows it gives."""
    bench = ws.bench(NOW, **range_)
    prepared = prepare(Rule("r", language, text), bench)
    assert prepared.statement is not None, prepared.diagnostics
    files = bench.storage.tables["aws_cloudtrail"]
    within = files_within(files, prepared.statement.windows.get("aws_cloudtrail", ()), bench.run_values().parameters)
    return len(within.files), len(run_prepared(prepared, bench).rows)


@pytest.mark.parametrize(
    ("text", "files", "rows"),
    [
        ("AWSCloudTrail", 10, 30),
        ("AWSCloudTrail | where TimeGenerated > ago(1d)", 1, 2),  # midnight itself is not later than midnight; the file before ends less than a margin earlier
        ("AWSCloudTrail | where TimeGenerated >= datetime(2026-05-03) and TimeGenerated < datetime(2026-05-04)", 1, 3),
        ("AWSCloudTrail | where datetime(2026-05-09T13:00) <= TimeGenerated", 2, 4),
        ("AWSCloudTrail | where TimeGenerated between (datetime(2026-05-02T01:00) .. datetime(2026-05-03T13:00))", 2, 4),
        ("AWSCloudTrail | where TimeGenerated < datetime(2020-01-01)", 0, 0),
        ("AWSCloudTrail | where TimeGenerated > ago(1d) or EventName == 'RunInstances'", 10, 30),
        ("AWSCloudTrail | summarize newest = max(TimeGenerated) by EventName | where newest > ago(1d)", 10, 1),
        ("union (AWSCloudTrail | where TimeGenerated < datetime(2026-05-01T06:00)), (AWSCloudTrail | where TimeGenerated > datetime(2026-05-10T06:00))", 2, 3),
        ("AWSCloudTrail | where TimeGenerated > ago(1d) | join kind=inner (AWSCloudTrail) on EventName | take 1", 10, 1),
    ],
)
def test_files_of_the_time_asked_for(days: Workspace, text: str, files: int, rows: int) -> None:
    most, found = opened(days, text)
    assert found == rows
    assert files <= most <= files + 2, "a neighbour may be opened whose last event lies within the margin"


def test_the_range_of_a_run_prunes_in_every_language(days: Workspace) -> None:
    start, end = FIRST + timedelta(days=4, hours=6), FIRST + timedelta(days=4, hours=18)
    for language, text in (("kql", "AWSCloudTrail"), ("eql", 'any where event.action == "RunInstances"'), ("spl", "search sourcetype=aws:cloudtrail")):
        assert opened(days, text, language, start=start, end=end) == (1, 1), language


def test_what_cannot_be_told_is_read(days: Workspace) -> None:
    files = days.bench(NOW).storage.tables["aws_cloudtrail"]
    prepared = prepare(Rule("r", "kql", "AWSCloudTrail | where TimeGenerated > ago(1d)"), days.bench(NOW))
    assert prepared.statement is not None
    windows = prepared.statement.windows["aws_cloudtrail"]
    assert files_within(files, windows, {}) == files  # nobody said when now is
    assert files_within(TableFiles(files.files, files.schema), windows, {"now": NOW.replace(tzinfo=None)}).files == files.files
    assert len(files_within(TableFiles(files.files, files.schema, (None, *files.times[1:])), windows, {"now": NOW.replace(tzinfo=None)}).files) >= 2
