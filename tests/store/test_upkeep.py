"""Compaction, retention and vacuum change files and never events, whatever happens between any two steps."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from livefire.store import upkeep
from livefire.store.changes import changes, minutes
from livefire.store.disk import Disk
from livefire.store.ingest import ingest
from livefire.store.lake import Lake, LakeError
from livefire.store.upkeep import compact, retain, vacuum, verify
from tests.logsources.samples import cloudtrail
from tests.logsources.samples import compact as written

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = "aws_cloudtrail"


def filled(path: Path, files: int = 6, each: int = 4) -> Lake:
    """A lake of so many commits; event n happened at 10:00 and n seconds."""
    lake = Lake.create(path / "lake")
    for number in range(files):
        one = path / f"{number}.jsonl"
        one.write_bytes(b"\n".join(written(cloudtrail(number * each + n)) for n in range(each)))
        ingest([one], lake, now=NOW)
    return lake


def ids(lake: Lake) -> list[str]:
    return sorted(i for f in lake.files(NAME) for i in pq.read_table(f, columns=["_id"]).column(0).to_pylist())


@pytest.mark.parametrize("at_once", [1, 4, 5, 7, 100])
def test_compaction_joins_files_of_the_same_times_stretch_by_stretch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """Five files of six events; each file begins four seconds after the one before, so they overlap, and each time but the outer ones is in two."""
    monkeypatch.setattr(upkeep, "_AT_ONCE", at_once)
    lake = Lake.create(tmp_path / "lake")
    for number in range(5):
        one = tmp_path / f"{number}.jsonl"
        moments = [f"2026-05-04T10:00:{4 * number + n:02}Z" for n in range(6)]
        one.write_bytes(b"\n".join(written(cloudtrail(10 * number + n, eventTime=moment)) for n, moment in enumerate(moments)))
        ingest([one], lake, now=NOW)
    before = ids(lake)
    assert len(before) == 30
    compact(lake, NOW)
    (file,) = lake.table(NAME).files
    rows = pq.read_table(file.path, columns=["_id", "_time"])
    times = rows.column("_time").to_pylist()
    assert (ids(lake), file.rows, times) == (before, 30, sorted(times))
    assert (file.first, file.last) == (times[0], times[-1])


def test_compaction_that_would_lose_events_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_AT_ONCE", 2)
    lake = filled(tmp_path)
    before, version = ids(lake), lake.version(NAME)
    between = upkeep._between
    monkeypatch.setattr(upkeep, "_between", lambda file, lower, upper: between(file, lower, upper).slice(1))
    with pytest.raises(LakeError, match="nothing was changed"):
        compact(lake, NOW)
    assert (ids(lake), lake.version(NAME)) == (before, version)


def test_compaction_keeps_every_event_and_is_nothing_new(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    before, version = ids(lake), lake.version(NAME)
    done = {u.table: (u.before, u.after) for u in compact(lake, NOW)}
    assert done[NAME] == (6, 1)
    assert done["files"] == (6, 1)
    again = Lake.open(lake.path)
    assert (ids(again), len(before)) == (before, 24)
    assert changes(again.table(NAME).folder, version, again.version(NAME)) == [], "the ingest sequence has nothing new"
    assert len(changes(again.table(NAME).folder, -1, again.version(NAME))) == 6, "what came is still there to be looked at"
    report = ingest([tmp_path / "0.jsonl"], again, now=NOW, reread=True)
    assert (report.stored, report.duplicates) == (0, 4)
    assert compact(again, NOW)[0].after == 1
    # Another reader of Delta sees the same.
    assert DeltaTable(str(again.table(NAME).folder)).to_pyarrow_table(columns=["_id"]).num_rows == 24


def test_files_of_about_the_goal_are_made_of_neighbours_in_time(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    compact(lake, NOW, goal=10)
    # Four rows each: two files fit into ten rows, a third does not.
    assert [f.rows for f in sorted(lake.table(NAME).files, key=lambda f: f.first or NOW)] == [8, 8, 8]
    assert len(minutes([f.path for f in lake.table(NAME).files])) == 1


def test_retention_drops_what_is_older_and_nothing_else(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    since = datetime(2026, 5, 4, 10, 0, 6, tzinfo=UTC)
    dropped = {u.table: u.dropped for u in retain(lake, since, NOW)}
    assert dropped[NAME] == 6
    kept = [cloudtrail(n)["eventID"] for n in range(6, 24)]
    assert ids(Lake.open(lake.path)) == kept
    assert retain(lake, since, NOW)[0].dropped == 0
    assert retain(lake, NOW, NOW)[0].after == 0
    assert ids(Lake.open(lake.path)) == []


def test_a_vacuum_removes_only_what_nobody_needs(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    compact(lake, NOW)
    folder = lake.table(NAME).folder

    def count() -> int:
        return len(list(folder.glob("part-*")))

    vacuum(lake, NOW + DAY / 2, DAY)
    assert count() == 7, "a version of the last day needs them"
    vacuum(lake, NOW + 2 * DAY, DAY, {NAME: 2})
    # Versions 1 and 2 were seen (version 0 made the table), so four of the six may still be looked at.
    assert count() == 5
    vacuum(lake, NOW + 2 * DAY, DAY, {NAME: lake.version(NAME)})
    assert count() == 1
    assert len(ids(Lake.open(lake.path))) == 24


class Dying(Disk):
    """Ends the work at the n-th step on disk, half way through a write, or before or after a name appears."""

    def __init__(self, step: int) -> None:
        self.left = step

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def write(self, path: Path, data: bytes) -> None:
        try:
            self._step()
        except KeyboardInterrupt:
            path.write_bytes(data[: len(data) // 2])
            raise
        super().write(path, data)
        self._step()

    def publish(self, draft: Path, final: Path) -> bool:
        self._step()
        done = super().publish(draft, final)
        self._step()
        return done


def test_upkeep_that_ends_at_any_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path, files=3).path
    expected = [cloudtrail(n)["eventID"] for n in range(12)]
    ended = 0
    for step in range(1, 60):
        lake = Lake.open(path, Dying(step))
        number = 100 + step
        ingest([_one(tmp_path, number)], Lake.open(path), now=NOW)
        expected.append(cloudtrail(number)["eventID"])
        try:
            compact(lake, NOW)
            retain(lake, datetime(2026, 1, 1, tzinfo=UTC), NOW)
        except KeyboardInterrupt:
            ended += 1
        else:
            break
        assert ids(Lake.open(path)) == sorted(expected), f"after step {step}"
        assert verify(Lake.open(path))[1] == ()
    assert ended >= 12, "three tables are compacted in four steps each at least"


def _one(folder: Path, number: int) -> Path:
    path = folder / f"{number}.jsonl"
    path.write_bytes(written(cloudtrail(number)))
    return path


def test_any_bit_that_flips_is_found(tmp_path: Path) -> None:
    lake = filled(tmp_path, files=2)
    checked, damaged = verify(lake)
    assert (checked, damaged) == (4, ())
    path = lake.table(NAME).files[0].path
    whole = path.read_bytes()
    chance = random.Random(7)  # noqa: S311 - places to damage, the same each time
    for _ in range(50):
        at = chance.randrange(len(whole) * 8)
        torn = bytearray(whole)
        torn[at // 8] ^= 1 << at % 8
        path.write_bytes(torn)
        assert [d.path for d in verify(lake)[1]] == [path]
    path.unlink()
    assert [d.reason for d in verify(lake)[1]] == ["no such file or directory"]


@pytest.mark.parametrize("cut", [0, 1, 100])
def test_a_torn_file_is_found(tmp_path: Path, cut: int) -> None:
    lake = filled(tmp_path, files=1)
    path = lake.table("files").files[0].path
    path.write_bytes(path.read_bytes()[:cut])
    assert len(verify(lake)[1]) == 1
