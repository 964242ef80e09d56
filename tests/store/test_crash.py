"""Whatever happens between any two steps, a lake opens, and the same ingest again makes it whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from livefire.logsources.limits import Limits
from livefire.store.disk import Disk
from livefire.store.ingest import ingest
from livefire.store.lake import Lake
from livefire.store.table import CHECKPOINT_EVERY, ConflictError
from tests.logsources.samples import cloudtrail, compact

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FILES, EACH = 6, 5


class DyingDisk(Disk):
    """Kills this process at the n-th step on disk: half way through a write, or before or after a name appears."""

    def __init__(self, step: int) -> None:
        self.left = step

    def _step(self) -> bool:
        self.left -= 1
        return self.left == 0

    def write(self, path: Path, data: bytes) -> None:
        if self._step():
            path.write_bytes(data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        super().write(path, data)
        if self._step():
            os.kill(os.getpid(), signal.SIGKILL)

    def publish(self, draft: Path, final: Path) -> bool:
        if self._step():
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().publish(draft, final)
        if self._step():
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def write_logs(folder: Path) -> None:
    folder.mkdir()
    for number in range(FILES):
        # Each file repeats the last event of the one before, and one line is broken.
        events = [cloudtrail(number * EACH + n - (number > 0)) for n in range(EACH)]
        (folder / f"{number}.jsonl").write_bytes(b"\n".join(map(compact, events)) + b'\n{"eventVersion":\n')


def run(lake: Path, logs: Path, step: int) -> None:
    """Ingest in small batches; with a step, die there. Runs in a child process too."""
    disk = DyingDisk(step) if step else Disk()
    ingest([logs], Lake.create(lake, disk), now=NOW, limits=Limits(batch_events=8))


def assert_whole(path: Path) -> None:
    lake = Lake.open(path)
    ids = [value for file in lake.files("aws_cloudtrail") for value in pq.read_table(file, columns=["_id"]).column(0).to_pylist()]
    expected = {cloudtrail(number * EACH + n - (number > 0))["eventID"] for number in range(FILES) for n in range(EACH)}
    assert len(ids) == len(set(ids)), "an event is stored twice"
    assert set(ids) == expected, "an event is missing"
    assert lake.info().quarantined == FILES


def child(lake: Path, logs: Path, step: int) -> int:
    code = f"from pathlib import Path; from tests.store.test_crash import run; run(Path({str(lake)!r}), Path({str(logs)!r}), {step})"
    return subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}).returncode


@pytest.mark.parametrize("steps", [(1,), (4, 2), (6,), (9, 3), (11,), (14,), (17, 5), (22,)])
def test_a_killed_ingest_is_completed_by_the_next(tmp_path: Path, steps: tuple[int, ...]) -> None:
    write_logs(tmp_path / "logs")
    for step in steps:
        assert child(tmp_path / "lake", tmp_path / "logs", step) == -signal.SIGKILL, "the step was never reached"
    run(tmp_path / "lake", tmp_path / "logs", 0)
    assert_whole(tmp_path / "lake")


class FailingDisk(Disk):
    """Fails the n-th step on disk once, as a full disk does; works from then on."""

    def __init__(self, step: int) -> None:
        self.left = step

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "No space left on device")

    def write(self, path: Path, data: bytes) -> None:
        self._step()
        super().write(path, data)

    def publish(self, draft: Path, final: Path) -> bool:
        self._step()
        return super().publish(draft, final)

    def sync_folder(self, folder: Path) -> None:
        self._step()
        super().sync_folder(folder)


def test_every_failing_step_is_recovered_from(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    failures = 0
    for step in range(1, 1_000):
        lake = tmp_path / f"lake{step}"
        disk = FailingDisk(step)
        try:
            ingest([tmp_path / "logs"], Lake.create(lake, disk), now=NOW, limits=Limits(batch_events=8))
        except OSError:
            failures += 1
        else:
            assert disk.left > 0, "a failure was swallowed"
            break
        run(lake, tmp_path / "logs", 0)
        assert_whole(lake)
        shutil.rmtree(lake)
    assert failures > 20


def test_two_writers_that_both_think_they_are_alone_do_not_both_commit(tmp_path: Path) -> None:
    one, other = Lake.create(tmp_path / "lake"), Lake.create(tmp_path / "lake")
    write_logs(tmp_path / "logs")
    ingest([tmp_path / "logs" / "0.jsonl"], one, now=NOW)
    rows = pq.read_table(one.files("aws_cloudtrail")[0], schema=one.table("aws_cloudtrail").schema)
    other.refresh()
    one.table("aws_cloudtrail").append(rows, NOW)
    with pytest.raises(ConflictError):
        other.table("aws_cloudtrail").append(rows, NOW)
    assert DeltaTable(str(one.table("aws_cloudtrail").folder)).version() == 2


def test_the_log_is_read_alike_by_the_library_and_names_each_file_by_hash(tmp_path: Path) -> None:
    write_logs(tmp_path / "logs")
    run(tmp_path / "lake", tmp_path / "logs", 0)
    lake = Lake.open(tmp_path / "lake")
    table = DeltaTable(str(tmp_path / "lake" / "aws_cloudtrail"))
    assert table.to_pyarrow_table(columns=["_id"]).num_rows == lake.info().sources[0].events
    assert table.transaction_version("livefire") == table.version()
    hashes = {name: value for commit in table.history() for name, value in (commit.get("sha256") or {}).items()}
    assert hashes == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in lake.files("aws_cloudtrail")}


def test_a_torn_checkpoint_is_dropped(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(CHECKPOINT_EVERY + 1):
        (logs / f"{number:03}.jsonl").write_bytes(compact(cloudtrail(number)))
    ingest([logs], lake, now=NOW, limits=Limits(batch_events=1))
    log = lake.table("aws_cloudtrail").folder / "_delta_log"
    checkpoint = log / f"{CHECKPOINT_EVERY:020d}.checkpoint.parquet"
    assert json.loads((log / "_last_checkpoint").read_bytes())["version"] == CHECKPOINT_EVERY
    assert Lake.open(lake.path).info() == lake.info()
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    assert Lake.open(lake.path).info() == lake.info()
    assert not checkpoint.exists()
