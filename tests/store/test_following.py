"""What a lake that stays open remembers between ingests is what a lake that was opened afresh would find."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from livefire.store import dedup
from livefire.store.dedup import KEPT_TURNS, Digests
from livefire.store.ingest import ingest
from livefire.store.lake import LEDGER, Lake
from livefire.store.table import Table
from livefire.store.upkeep import compact
from tests.logsources.samples import cloudtrail
from tests.logsources.samples import compact as written

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAME = "aws_cloudtrail"


def put(folder: Path, name: str, *numbers: int) -> Path:
    path = folder / name
    path.write_bytes(b"\n".join(written(cloudtrail(number)) for number in numbers))
    return path


def state(lake: Lake, name: str) -> tuple[object, ...]:
    table = lake.table(name)
    return table.version, sorted((f.path.name, f.rows, f.size, f.first, f.last) for f in table.files)


def test_a_reader_follows_commits_without_reading_all_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Lake.create(tmp_path / "lake")
    ingest([put(tmp_path, "0.jsonl", 0)], writer, now=NOW)
    reader = Lake.open(tmp_path / "lake")
    for number in range(1, 4):
        ingest([put(tmp_path, f"{number}.jsonl", number)], writer, now=NOW)
    compact(writer, NOW)  # takes files away and adds one
    ingest([put(tmp_path, "4.jsonl", 4)], writer, now=NOW)
    fresh = Lake.open(tmp_path / "lake")
    monkeypatch.setattr(Table, "open", lambda _: pytest.fail("the whole log was read"))
    reader.catch_up()
    for name in (NAME, LEDGER):
        assert state(reader, name) == state(fresh, name)
        assert len(reader.table(name).files) == 2  # the joined one and the one after it


def test_a_file_is_known_again_in_the_lake_that_stays_open(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    paths = [put(tmp_path, f"{number}.jsonl", number) for number in range(3)]
    for path in paths:
        assert ingest([path], lake, now=NOW).stored == 1
    assert [f.status for f in ingest(paths, lake, now=NOW).files] == ["known"] * 3
    compact(lake, NOW)  # the files of the table that told of them are gone from it
    again = ingest([*paths, put(tmp_path, "3.jsonl", 3)], lake, now=NOW)
    assert [f.status == "known" for f in again.files] == [True, True, True, False]
    assert (again.stored, again.duplicates) == (1, 3)
    # Asked for as one log source it is another question, so the file is read, and its event is not new.
    asked = ingest(paths[:1], lake, source=NAME, now=NOW)
    assert [(f.status == "known", f.duplicates) for f in asked.files] == [(False, 1)]


def test_events_of_the_ingests_before_are_duplicates_in_the_lake_that_stays_open(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    for number in range(4):
        # Each file brings one new event and the one of the file before it.
        report = ingest([put(tmp_path, f"{number}.jsonl", number, number + 1)], lake, now=NOW)
        assert (report.stored, report.duplicates) == ((2, 0) if number == 0 else (1, 1))
    compact(lake, NOW)
    report = ingest([put(tmp_path, "all.jsonl", *range(6))], lake, now=NOW)
    assert (report.stored, report.duplicates) == (1, 5)


def test_hashes_that_no_ingest_looked_at_for_a_while_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests, used, unused = Digests(), tmp_path / "used", tmp_path / "unused"
    digests.hold(unused, pa.array([1, 2], pa.int64()))
    digests.hold(used, pa.array([3], pa.int64()))
    for _ in range(KEPT_TURNS + 1):
        assert digests.of(used).to_pylist() == [3]
        digests.turn()
    with pytest.raises(FileNotFoundError):
        digests.of(unused)  # has to be read again
    monkeypatch.setattr(dedup, "KEPT_EVENTS", 2)
    digests.hold(unused, pa.array([1, 2], pa.int64()))
    digests.turn()  # three are too many: the one that was used first goes
    assert digests.of(unused).to_pylist() == [1, 2]
    with pytest.raises(FileNotFoundError):
        digests.of(used)
