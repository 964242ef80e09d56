"""Counts that go on from the last time are the counts of everything; where that cannot be, everything is counted."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from livefire.detections import counts
from livefire.detections.counts import Count, count_all, count_on
from livefire.detections.runner import Bench
from livefire.workspace import Workspace

NOW = datetime(2026, 5, 9, tzinfo=UTC)


def event(number: int, day: int, name: str) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventTime": f"2026-05-{day:02}T10:00:{number:02}Z",
        "eventID": f"e-{number}",
        "eventName": name,
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": "eu-west-3",
        "sourceIPAddress": "203.0.113.7",
        "recipientAccountId": "111111111111",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/ann", "accountId": "111111111111"},
    }


def add(ws: Workspace, name: str, *events: dict[str, Any]) -> None:
    path = ws.lake.path.parent / f"{name}.json"
    path.write_text("\n".join(map(json.dumps, events)))
    ws.ingest(path, now=NOW)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    found = Workspace(tmp_path / "lake")
    add(found, "first", event(1, 4, "RunInstances"), event(2, 5, "RunInstances"), event(3, 5, "StopInstances"))
    return found


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files of CloudTrail each count read."""
    found: list[int] = []

    def counted(bench: Bench) -> tuple[Count, ...]:
        found.append(len(bench.storage.tables["aws_cloudtrail"].files))
        return count_all(bench)

    monkeypatch.setattr(counts, "count_all", counted)
    return found


def actions(rows: tuple[Count, ...]) -> list[tuple[str, int, int, list[int]]]:
    day = datetime(2026, 5, 1, tzinfo=UTC)
    first = (day - datetime(1970, 1, 1, tzinfo=UTC)).days - 1
    return sorted((r.value, r.events, r.first.day, sorted(d - first for d in r.days)) for r in rows if r.kind == "action")


def test_what_came_since_is_added(ws: Workspace, read: list[int]) -> None:
    assert actions(count_on(ws.bench(NOW), ws.lake)) == [("RunInstances", 2, 4, [4, 5]), ("StopInstances", 1, 5, [5])]
    # One more on a day that was counted, one on an earlier day, and a new action.
    add(ws, "second", event(4, 5, "RunInstances"), event(5, 3, "RunInstances"), event(6, 6, "CreateVolume"))
    assert actions(count_on(ws.bench(NOW), ws.lake)) == [("CreateVolume", 1, 6, [6]), ("RunInstances", 4, 3, [3, 4, 5]), ("StopInstances", 1, 5, [5])]
    assert read == [1, 1]
    assert len(ws.lake.data_files("aws_cloudtrail")) == 2


def test_it_is_what_counting_everything_gives(ws: Workspace) -> None:
    count_on(ws.bench(NOW), ws.lake)
    add(ws, "second", event(4, 5, "RunInstances"), event(5, 3, "DescribeInstances"))
    bench = ws.bench(NOW)
    assert {r.key: r for r in count_on(bench, ws.lake)} == {r.key: r for r in count_all(bench)}


def test_nothing_new_reads_nothing(ws: Workspace, read: list[int]) -> None:
    first = count_on(ws.bench(NOW), ws.lake)
    assert sorted(count_on(ws.bench(NOW), ws.lake), key=lambda r: r.key) == sorted(first, key=lambda r: r.key)
    assert read == [1]


def test_after_events_were_dropped_all_is_counted(ws: Workspace) -> None:
    count_on(ws.bench(NOW), ws.lake)
    ws.retain(datetime(2026, 5, 5, tzinfo=UTC))
    assert actions(count_on(ws.bench(NOW), ws.lake)) == [("RunInstances", 1, 5, [5]), ("StopInstances", 1, 5, [5])]


def test_after_files_were_joined_all_is_counted_right(ws: Workspace) -> None:
    count_on(ws.bench(NOW), ws.lake)
    add(ws, "second", event(4, 6, "RunInstances"))
    ws.compact()
    ws.vacuum(timedelta())
    assert actions(count_on(ws.bench(NOW), ws.lake)) == [("RunInstances", 3, 4, [4, 5, 6]), ("StopInstances", 1, 5, [5])]


@pytest.mark.parametrize("kept", [b"torn", gzip.compress(b"{}")[:10] + b"\xff" * 8, gzip.compress(b"{}")])
def test_what_cannot_be_read_is_counted_again(ws: Workspace, read: list[int], kept: bytes) -> None:
    count_on(ws.bench(NOW), ws.lake)
    (file,) = (ws.lake.path / "counts").iterdir()
    file.write_bytes(kept)
    assert actions(count_on(ws.bench(NOW), ws.lake)) == [("RunInstances", 2, 4, [4, 5]), ("StopInstances", 1, 5, [5])]
    assert read == [1, 1]


def test_a_lake_that_cannot_be_written_is_counted_all_the_same(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ws.lake.disk, "write", full)
    assert actions(count_on(ws.bench(NOW), ws.lake)) == [("RunInstances", 2, 4, [4, 5]), ("StopInstances", 1, 5, [5])]
