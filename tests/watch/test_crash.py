"""Killed at any instant, a watch loses nothing and alerts once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from livefire.store import apart, upkeep
from livefire.store.disk import Disk
from livefire.store.lake import Lake
from livefire.watch.faults import WatchError
from livefire.watch.service import Watch
from tests.watch.staging import BURST, STOPPED, Stage, event

MINUTE = timedelta(minutes=1)
KILLS = 30


class Death(BaseException):
    """The end of a process, as far as one process can play it: nothing of ours catches it."""


class Steps:
    """Counts what a watch does to a disk and to its database, and ends it at the n-th step."""

    def __init__(self) -> None:
        self.left = 0

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Death


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    found = Steps()
    write, publish, fsync = Disk.write, Disk.publish, os.fsync

    def dying_write(self: Disk, path: Path, data: bytes) -> None:
        found.left -= 1
        if found.left == 0:
            path.write_bytes(data[: len(data) // 2])
            raise Death
        write(self, path, data)
        found.step()

    def dying_publish(self: Disk, draft: Path, final: Path) -> bool:
        done = publish(self, draft, final)
        found.step()
        return done

    def dying_fsync(handle: int) -> None:
        fsync(handle)
        found.step()

    monkeypatch.setattr(Disk, "write", dying_write)
    monkeypatch.setattr(Disk, "publish", dying_publish)
    monkeypatch.setattr(os, "fsync", dying_fsync)
    return found


@contextmanager
def database_dies(watch: Watch, steps: Steps) -> Iterator[None]:
    """Let a watch also end before and after each commit to its state."""

    def before(_connection: sa.Connection) -> None:
        steps.step()

    def after(*_: Any) -> None:
        steps.step()

    engine = watch.state.database.engine
    sa.event.listen(engine, "commit", before)
    sa.event.listen(engine.pool, "checkin", after)
    yield
    sa.event.remove(engine, "commit", before)
    sa.event.remove(engine.pool, "checkin", after)


def test_a_watch_that_ends_at_any_step_goes_on_where_it_was(tmp_path: Path, steps: Steps) -> None:
    """Thirty ends at thirty places, each followed by a new start and more files; nothing is lost, nothing comes twice."""
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED, "burst.yaml": BURST})
    stage.text += '[operations]\ncompact = "1s"\nvacuum = "1s"\n'
    ends = files = 0
    while ends < KILLS:
        at = files * 10 * MINUTE / 60
        user = f"u{files}"
        stage.deliver(f"{files}.json", [event(files * 4, at, "StopInstances", user), *(event(files * 4 + n, at, "CreateSnapshot", user) for n in (1, 2, 3))])
        files += 1
        stage.clock.pass_(20 * MINUTE)
        watch = stage.watch()
        steps.left = 3 + ends * 5 % 61
        try:
            with database_dies(watch, steps):
                stage.settle(watch)
        except Death:
            ends += 1
        steps.left = 0
        watch.state.close()
        assert files < 3 * KILLS, "the steps are not reached"
    stage.settle(stage.watch())
    wanted = sorted((rule, f"u{n}") for rule in ("burst", "stopped") for n in range(files))
    assert sorted((a.rule, a.actor.rpartition("/")[2]) for a in stage.alerts(withdrawn=None)) == wanted
    opened = {(m["fingerprint"], m["key"]) for m in stage.sent() if m["kind"] == "alert.opened"}
    assert len(opened) == len({f for f, _ in opened}) == 2 * files, "each was sent, always under the same key"
    health = stage.state().health(stage.clock.now)
    assert (health.gaps, health.waiting) == ((), 0)


def test_what_fails_in_a_database_is_said_in_words(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    watch = stage.watch()
    with pytest.raises(WatchError, match=r"E703: the state at sqlite:.* failed: no such table"), watch.state.database.writing() as connection:
        connection.execute(sa.table("absent").delete())


def test_a_compaction_that_is_killed_leaves_the_lake_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of its own that compacts dies before it commits: it is said, nothing is lost, and the next one does it."""
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    stage.text += '[operations]\ncompact = "1h"\n'
    watch = stage.watch()
    for number in range(2):
        stage.deliver(f"{number}.json", [event(number * 4 + n, n * MINUTE, "StopInstances") for n in range(4)])
        stage.settle(watch)
    lake = Lake.open(tmp_path / "lake")
    monkeypatch.setattr(apart, "MOST_HERE", 0)
    monkeypatch.setattr(subprocess, "run", _killing)
    stage.clock.pass_(60 * MINUTE)
    assert not watch._guarded(), "it says so and goes on"
    assert any("was killed by signal 9; is there memory enough?" in line and "nothing is lost" in line for line in stage.lines)
    lake.catch_up()
    assert [f.rows for f in lake.table("aws_cloudtrail").files] == [4, 4]
    monkeypatch.undo()
    monkeypatch.setattr(apart, "MOST_HERE", 0)
    stage.clock.pass_(61 * MINUTE)
    stage.settle(watch)
    lake.catch_up()
    assert [f.rows for f in lake.table("aws_cloudtrail").files] == [8]
    assert len(stage.alerts()) == 8
    assert upkeep.verify(lake)[1] == ()


def _killing(command: list[str], **said: Any) -> subprocess.CompletedProcess[bytes]:
    """Start a process and kill it before it can have come to an end."""
    said.pop("check"), said.pop("capture_output")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **said) as started:
        started.kill()
        out, err = started.communicate()
    return subprocess.CompletedProcess(command, started.returncode, out, err)


def test_a_compaction_that_outlives_its_watch_is_waited_for(tmp_path: Path) -> None:
    """As on a system that cannot end it with its parent: the next watch says that another process writes, and loses nothing."""
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, MINUTE, "StopInstances", "ann")])
    with Lake.open(tmp_path / "lake").writing():
        stage.settle(watch)
        assert stage.alerts() == ()
        (source,) = stage.state().health(stage.clock.now).sources
        assert source.state == "failing"
        assert "E440: another process is writing" in source.error
    stage.clock.pass_(5 * MINUTE)
    stage.settle(watch)
    assert [a.actor.rpartition("/")[2] for a in stage.alerts()] == ["ann"]
    assert stage.state().health(stage.clock.now).problems == ()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_thousand_kills(tmp_path: Path) -> None:
    """SIGKILL to a real process with all its threads; LIVEFIRE_KILLS makes it shorter or longer."""
    kills = os.environ.get("LIVEFIRE_KILLS", "1000")
    done = subprocess.run([sys.executable, "-m", "tests.watch.crashing", kills, str(tmp_path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
