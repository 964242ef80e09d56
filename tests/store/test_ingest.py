"""Ingest: every record is stored once, a duplicate, or quarantined; nothing else, and never twice."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from livefire.logsources.limits import Limits
from livefire.store.ingest import ingest
from livefire.store.lake import Lake, LakeError
from livefire.store.report import Progress
from tests.logsources.samples import cloudtrail, compact

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def stored(lake: Lake, source: str = "aws_cloudtrail", column: str = "_id") -> list[object]:
    return [value for path in lake.files(source) for value in pq.read_table(path, columns=[column]).column(0).to_pylist()]


def write(path: Path, *numbers: int) -> Path:
    path.write_bytes(compact({"Records": [cloudtrail(n) for n in numbers]}))
    return path


def counts(lake: Lake, *paths: Path, **more: object) -> tuple[int, int, int, int]:
    report = ingest(paths, lake, now=NOW, **more)  # type: ignore[arg-type]  # keyword arguments of ingest
    assert report.balanced
    return report.records, report.stored, report.duplicates, report.quarantined


def test_a_folder_goes_in_and_comes_out_sorted_by_time(lake: Lake, logs: Path) -> None:
    write(logs / "b.json", 5, 3)
    (logs / "a.json.gz").write_bytes(gzip.compress(compact([cloudtrail(4)])))
    assert counts(lake, logs) == (3, 3, 0, 0)
    assert stored(lake) == [cloudtrail(n)["eventID"] for n in (3, 4, 5)]
    assert stored(lake, column="_file") == [str(logs / name) for name in ("b.json", "a.json.gz", "b.json")]
    assert stored(lake, column="_record") == [1, 0, 0]


def test_the_same_event_is_stored_once_however_it_arrives(lake: Lake, logs: Path) -> None:
    first = write(logs / "first.json", 1, 2, 2)  # twice in one file
    assert counts(lake, first) == (3, 2, 1, 0)
    assert counts(lake, write(logs / "second.json", 2, 3)) == (2, 1, 1, 0)  # again in another file
    assert counts(lake, first) == (3, 0, 3, 0)  # the same file again
    copy = logs / "copy.json"
    copy.write_bytes(first.read_bytes())
    assert counts(lake, copy) == (3, 0, 3, 0)  # under another name
    spaced = logs / "spaced.json"
    spaced.write_text(json.dumps({"Records": [cloudtrail(1)]}, indent=3))
    assert counts(lake, spaced) == (1, 0, 1, 0)  # in another layout
    assert sorted(map(str, stored(lake))) == [cloudtrail(n)["eventID"] for n in (1, 2, 3)]


def test_duplicates_are_found_across_batches(lake: Lake, logs: Path) -> None:
    for name in "abcd":
        write(logs / f"{name}.json", *range(40))
        (logs / f"{name}.json").open("ab").write(b"\n" + name.encode() * 0 + b" " * ord(name))  # other bytes, same events
    assert counts(lake, logs, limits=Limits(batch_events=7)) == (160, 40, 120, 0)


def test_an_id_alone_cannot_make_an_event_disappear(lake: Lake, logs: Path) -> None:
    (logs / "a.json").write_bytes(compact([cloudtrail(1), cloudtrail(1, eventName="TerminateInstances")]))
    assert counts(lake, logs) == (2, 2, 0, 0)
    assert sorted(map(str, stored(lake, column="event_name"))) == ["StopInstances", "TerminateInstances"]


def test_an_event_with_a_shared_event_id_in_two_accounts_is_two_events(lake: Lake, logs: Path) -> None:
    twins = [cloudtrail(n, sharedEventID="s", recipientAccountId=account) for n, account in ((1, "111122223333"), (2, "444455556666"))]
    (logs / "a.json").write_bytes(compact(twins))
    assert counts(lake, logs) == (2, 2, 0, 0)


def test_sources_are_told_apart_record_by_record(lake: Lake, logs: Path) -> None:
    azure = {"time": "2026-05-04T10:00:00Z", "operationName": "MICROSOFT.COMPUTE/DISKS/WRITE", "category": "Administrative", "resultType": "Success"}
    google = {"protoPayload": {"methodName": "v1.compute.disks.insert"}, "timestamp": "2026-05-04T10:00:00Z", "insertId": "i", "logName": "projects/p/logs/l"}
    (logs / "mixed.jsonl").write_bytes(b"\n".join(map(compact, [cloudtrail(1), azure, {"some": "thing"}, google])))
    report = ingest([logs], lake, now=NOW)
    assert dict(report.files[0].sources) == {"aws_cloudtrail": 1, "azure_activity": 1, "gcp_audit": 1}
    assert (report.records, report.stored, report.quarantined) == (4, 3, 1)
    assert stored(lake, "azure_activity", "_record") == [1]
    assert stored(lake, "gcp_audit", "_id") == ["i|2026-05-04T10:00:00Z|projects/p/logs/l"]


def test_a_stated_source_reads_nothing_else(lake: Lake, logs: Path) -> None:
    write(logs / "a.json", 1)
    assert counts(lake, logs, source="gcp_audit") == (1, 0, 0, 1)
    assert counts(lake, logs) == (1, 1, 0, 0)  # asked otherwise, the file is read again
    with pytest.raises(KeyError, match="aws_cloudtrail"):
        ingest([logs], lake, source="aws", now=NOW)


def test_quarantine_keeps_place_and_reason_once(lake: Lake, logs: Path) -> None:
    (logs / "a.jsonl").write_bytes(compact(cloudtrail(1)) + b'\n{"eventVersion":\n' + compact(cloudtrail(2)))
    for _ in range(2):
        ingest([logs], lake, now=NOW, reread=True)
    table = lake.table("quarantine")
    rows = [row for file in table.files for row in pq.read_table(file.path).to_pylist()]
    assert [(row["file"], row["code"], row["record"], row["records"]) for row in rows] == [(str(logs / "a.jsonl"), "E420", 1, 1)]
    assert rows[0]["offset"] == len(compact(cloudtrail(1))) + 1
    assert rows[0]["sample"].startswith('{"eventVersion":')
    assert lake.info().quarantined == 1


def test_every_file_is_listed_with_what_became_of_it(lake: Lake, logs: Path) -> None:
    write(logs / "events.json", 1)
    (logs / "empty").touch()
    (logs / "table.csv").write_text("a,b\n1,2\n")
    (logs / "digest.json").write_text('{"digestStartTime":"2026-05-04T10:00:00Z","logFiles":[]}')
    (logs / "none.json").write_text('{"Records":[]}')
    (logs / "other.json").write_text('{"a":1}')
    (logs / ".hidden").write_text("{}")
    (logs / "loop").symlink_to(logs)
    (logs / "gone").symlink_to(logs / "nowhere")
    os.mkfifo(logs / "pipe")
    report = ingest([logs, logs / "missing"], lake, now=NOW)
    told = {Path(file.path).name: (file.status, file.code, file.records) for file in report.files}
    assert told == {
        "events.json": ("read", "", 1),
        "empty": ("skipped", "E404", 0),
        "table.csv": ("skipped", "E405", 0),
        "digest.json": ("skipped", "E407", 0),
        "none.json": ("skipped", "E407", 0),
        "other.json": ("read", "E425", 1),
        ".hidden": ("skipped", "E402", 0),
        "loop": ("skipped", "E402", 0),
        "gone": ("skipped", "E401", 0),
        "pipe": ("skipped", "E402", 0),
        "missing": ("skipped", "E401", 0),
    }
    assert all(file.reason for file in report.files if file.code)
    assert report.balanced


def test_a_file_that_cannot_be_read_is_reported(lake: Lake, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = write(logs / "a.json", 1), Path.open

    def denied(self: Path, *args: object, **more: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **more)  # type: ignore[call-overload]  # passed on unchanged

    monkeypatch.setattr(Path, "open", denied)
    report = ingest([path], lake, now=NOW)
    assert [(file.status, file.code, file.reason) for file in report.files] == [("skipped", "E403", "permission denied")]
    assert not lake.table("files").files  # so that it is read when it can be


def test_a_cut_file_is_stored_as_far_as_it_goes_and_reported(lake: Lake, logs: Path) -> None:
    whole = gzip.compress(compact({"Records": [cloudtrail(n, noise=str(n * 7919)) for n in range(2_000)]}))
    (logs / "cut.json.gz").write_bytes(whole[:-2_000])
    report = ingest([logs], lake, now=NOW)
    assert report.files[0].code in ("E410", "E427")
    assert report.quarantined == 1
    assert 0 < report.stored == len(stored(lake)) < 2_000


def test_many_faults_of_one_file_are_kept_bounded_but_counted(lake: Lake, logs: Path) -> None:
    (logs / "bad.jsonl").write_bytes(b"".join(b'{"a":%d}\n{"eventName":,"a":%d}\n' % (n, n) for n in range(500)))
    report = ingest([logs], lake, now=NOW, limits=Limits(quarantine_rows=10))
    assert report.records == report.quarantined == 1_000
    assert len(report.files[0].entries) == 11
    assert report.files[0].entries[-1].code == "E430"
    assert lake.info().quarantined == 1_000


def test_info_and_versions_tell_what_is_held(lake: Lake, logs: Path) -> None:
    assert lake.version("aws_cloudtrail") == -1
    ingest([write(logs / "a.json", 1, 61)], lake, now=NOW)
    ingest([write(logs / "b.json", 2)], lake, now=NOW)
    aws = lake.info().sources[0]
    assert (aws.name, aws.events, aws.files, aws.version) == ("aws_cloudtrail", 3, 2, 2)
    assert aws.first == datetime(2026, 5, 4, 10, 0, 1, tzinfo=UTC)
    assert aws.last == datetime(2026, 5, 4, 10, 1, 1, tzinfo=UTC)
    assert aws.bytes == sum(path.stat().st_size for path in lake.files("aws_cloudtrail"))
    assert Lake.open(lake.path).info() == lake.info()


def test_progress_is_told(lake: Lake, logs: Path) -> None:
    for name in "abc":
        write(logs / f"{name}.json", ord(name))
    told: list[Progress] = []
    ingest([logs], lake, now=NOW, progress=told.append)
    assert told[-1] == Progress(files=3, records=3, stored=3)


def test_an_interrupt_loses_nothing(lake: Lake, logs: Path) -> None:
    for name in "abcdef":
        write(logs / f"{name}.json", *range(ord(name), ord(name) + 3))

    def interrupt(progress: Progress) -> None:
        if progress.files == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest([logs], lake, now=NOW, progress=interrupt, limits=Limits(batch_events=3))
    assert counts(lake, logs, limits=Limits(batch_events=3))[0] == 18
    assert sorted(map(str, stored(lake))) == [cloudtrail(n)["eventID"] for n in range(97, 105)]


def test_one_writer_at_a_time(lake: Lake, logs: Path) -> None:
    write(logs / "a.json", 1)
    with Lake.open(lake.path).writing(), pytest.raises(LakeError, match="E440"):
        ingest([logs], lake, now=NOW)
    assert counts(lake, logs) == (1, 1, 0, 0)


def test_a_lake_is_never_made_over_other_things(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="E441"):
        Lake.create(tmp_path)
    with pytest.raises(LakeError, match="E441"):
        Lake.create(tmp_path / "file")
    with pytest.raises(LakeError, match="E442"):
        Lake.open(tmp_path)
    (tmp_path / "livefire-lake.json").write_text('{"format": 99}')
    with pytest.raises(LakeError, match="E443"):
        Lake.open(tmp_path)


def test_a_lake_among_the_logs_is_not_read(lake: Lake, logs: Path) -> None:
    Lake.create(logs / "inner")
    report = ingest([logs], lake, now=NOW)
    assert [(file.status, file.code) for file in report.files] == [("skipped", "E402")]


def test_a_file_too_broken_to_read_is_balanced_and_says_so(lake: Lake, logs: Path) -> None:
    (logs / "a.json").write_bytes(compact(cloudtrail(1)) + b"\n" + b'{"a":1}\n' * 150_000 + compact(cloudtrail(2)))
    report = ingest([logs], lake, now=NOW)
    assert report.balanced
    assert report.stored == 1  # the second event lies in what was set aside
    assert "unknown number of records" in report.files[0].entries[-1].reason
    assert lake.info().quarantined == report.quarantined
