"""Several processes read side by side; what is stored, and what is said of each file, is what one process alone makes of it."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from livefire.logsources.limits import Limits
from livefire.store import ingest as ingesting
from livefire.store.ingest import ingest
from livefire.store.lake import Lake
from livefire.store.report import IngestReport
from tests.logsources.samples import cloudtrail, compact

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def always_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(ingesting, "JOB_FILES", 3)


def write_logs(folder: Path, files: int = 9, each: int = 40) -> Path:
    """Files that overlap, with odd records, broken ones, two files with the same bytes, and some that are no logs."""
    folder.mkdir()
    dice = random.Random(5)  # noqa: S311  # the same files each time
    for number in range(files):
        records = [compact(cloudtrail(dice.randrange(files * each), awsRegion=dice.choice(["eu-west-1", "us-east-1"]))) for _ in range(each)]
        records[3] = records[3].replace(b'"readOnly":false', b'"readOnly":false,"readOnly":true')
        records[5] = records[5].replace(b'"eventVersion":"1.11",', b"")  # another order of keys than usual
        records[7] = b'{"neither":"event"}'
        records[9] = records[9].replace(b'Z"', b'never"', 1)
        text = b'{"Records":[' + b",".join(records) + b"]}"
        (folder / f"{number:02}.json.gz").write_bytes(gzip.compress(text, mtime=0))
    (folder / "05-again.json.gz").write_bytes((folder / "05.json.gz").read_bytes())
    (folder / "06-cut.json.gz").write_bytes((folder / "06.json.gz").read_bytes()[:-300])
    (folder / "07-empty.json").write_bytes(b"")
    (folder / "08-notes.txt").write_bytes(b"no log at all")
    (folder / "09-list.json").write_bytes(json.dumps([cloudtrail(1), cloudtrail(2)]).encode())
    return folder


def told(report: IngestReport) -> list[object]:
    return [replace(file, sources=dict(file.sources)) for file in report.files]  # type: ignore[arg-type]  # compared, not used


def held(lake: Lake, name: str = "aws_cloudtrail") -> list[tuple[object, ...]]:
    rows = [tuple(row.values()) for path in lake.files(name) for row in pq.read_table(path).to_pylist()]
    return sorted(rows, key=repr)


@pytest.mark.parametrize("limits", [Limits(batch_events=25), pytest.param(Limits(), marks=pytest.mark.slow)])
@pytest.mark.usefixtures("always_shared")
def test_the_same_is_stored_and_told(tmp_path: Path, limits: Limits) -> None:
    logs = write_logs(tmp_path / "logs")
    alone, shared = Lake.create(tmp_path / "alone"), Lake.create(tmp_path / "shared")
    by_one = ingest([logs], alone, now=NOW, limits=limits, processes=1)
    by_two = ingest([logs], shared, now=NOW, limits=limits, processes=2)
    assert by_one.balanced and by_two.balanced
    assert by_one.duplicates > 40 and by_one.quarantined >= 18, "the files do not hold what is to be compared"
    assert told(by_two) == told(by_one)
    for name in ("aws_cloudtrail", "quarantine"):
        assert held(shared, name) == held(alone, name), name
    again = ingest([logs], shared, now=NOW, limits=limits, processes=2)
    assert again.stored == 0 and held(shared) == held(alone)


@pytest.mark.usefixtures("always_shared")
def test_a_file_that_cannot_be_opened_is_told_as_ever(tmp_path: Path) -> None:
    logs = write_logs(tmp_path / "logs", files=8, each=12)
    (logs / "00-gone.json").symlink_to(tmp_path / "nowhere")
    reports = [ingest([logs], Lake.create(tmp_path / f"lake{count}"), now=NOW, processes=count) for count in (1, 2)]
    assert told(reports[0]) == told(reports[1])
    assert reports[0].files[0].code == "E401"


def reading_processes() -> set[int]:
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"store/reader_main.py") for word in words):
            found.add(int(entry.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up in /proc")
def test_an_ingest_that_is_ended_takes_its_processes_along(tmp_path: Path, end: int) -> None:
    logs = write_logs(tmp_path / "logs")
    before = reading_processes()
    code = (
        "import sys, time; from pathlib import Path; from datetime import datetime, UTC; from livefire.store import ingest as i; "
        "from livefire.store.lake import Lake; i.WORTH_PROCESSES = 1; i.JOB_FILES = 1\n"
        "def wait(p):\n    if p.stored: print('stored', flush=True); time.sleep(30)\n"
        f"i.ingest([Path({str(logs)!r})], Lake.create(Path({str(tmp_path / 'lake')!r})), now=datetime(2026, 6, 1, tzinfo=UTC), progress=wait, processes=2)"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    with run:
        assert run.stdout is not None and run.stdout.readline() == b"stored\n"
        mine = {pid for pid in reading_processes() - before if Path(f"/proc/{pid}").exists()}
        assert mine
        run.send_signal(end)
        run.wait(20)
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in mine) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in mine), "a reading process outlived its ingest"
    lake = Lake.open(tmp_path / "lake")
    ingest([logs], lake, now=NOW, processes=1)
    whole = Lake.create(tmp_path / "whole")
    ingest([logs], whole, now=NOW, processes=1)
    assert sorted(map(repr, held(lake))) == sorted(map(repr, held(whole)))


@pytest.mark.slow
@pytest.mark.usefixtures("always_shared")
def test_a_process_that_dies_has_its_files_read_again(tmp_path: Path) -> None:
    logs = write_logs(tmp_path / "logs")
    lake, whole = Lake.create(tmp_path / "lake"), Lake.create(tmp_path / "whole")
    before = reading_processes()
    killed: list[int] = []

    def kill_one(_: object) -> None:
        mine = sorted(reading_processes() - before)
        if not killed and mine:
            killed.append(mine[-1])
            os.kill(mine[-1], signal.SIGKILL)

    try:
        ingest([logs], lake, now=NOW, progress=kill_one, processes=2)
    except Exception as error:  # noqa: BLE001  # one that died after its events were judged is told with what to do
        assert "run the ingest again" in str(error)
        ingest([logs], lake, now=NOW, processes=2)
    assert killed
    ingest([logs], whole, now=NOW, processes=1)
    assert [row[:3] for row in held(lake)] == [row[:3] for row in held(whole)]
