"""Compaction and retention in a process of their own do what they do in this one, and leave this one as it was."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livefire.store import apart, upkeep
from livefire.store.lake import Lake, LakeError
from tests.store.test_upkeep import NAME, NOW, filled, ids

HALF = datetime(2026, 5, 4, 10, 0, 12, tzinfo=UTC)
"""Twelve of the 24 events happened before this."""


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(apart, "MOST_HERE", 3)
    return filled(tmp_path)


def here(*_: object) -> tuple[upkeep.Upkeep, ...]:
    raise AssertionError("this process keeps the memory that it needs for this")


def test_much_is_joined_by_a_process_that_ends_with_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "compact", here)
    before = ids(lake)
    done = {u.table: (u.before, u.after) for u in apart.compact(lake, NOW)}
    assert (done[NAME], done["files"]) == ((6, 1), (6, 1))
    assert (len(lake.table(NAME).files), ids(lake), len(before)) == (1, before, 24), "the lake is at what the other process wrote"


def test_much_is_dropped_by_one_too(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "retain", here)
    assert {u.table: u.dropped for u in apart.retain(lake, HALF, NOW)}[NAME] == 12
    assert len(ids(lake)) == 12


def test_little_is_done_here(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "MOST_HERE", 24)
    monkeypatch.setattr(apart, "_child", here)
    assert {u.table: u.after for u in apart.compact(lake, NOW)}[NAME] == 1
    assert {u.table: u.dropped for u in apart.retain(lake, HALF, NOW)}[NAME] == 12


def test_what_the_process_refuses_is_refused_here(lake: Lake) -> None:
    with Lake.open(lake.path).writing(), pytest.raises(LakeError, match=r"^E440: another process is writing") as refused:
        apart.compact(lake, NOW)
    assert refused.value.code == "E440"
    lake.table(NAME).files[0].path.unlink()
    with pytest.raises(OSError, match=lake.table(NAME).files[0].path.name):
        apart.compact(lake, NOW)


def test_a_process_that_ends_halfway_loses_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids(lake)
    monkeypatch.setattr(apart, "command", lambda *_: [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    with pytest.raises(OSError, match="was killed by signal 9"):
        apart.compact(lake, NOW)
    assert ids(Lake.open(lake.path)) == before
