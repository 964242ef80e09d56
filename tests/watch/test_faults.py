"""What goes wrong around a watch: full disks, sinks that are down for an hour, clocks that jump. Nothing is lost, and it is said."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from livefire.store.lake import LakeError
from livefire.store.upkeep import verify
from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.service import Watch
from livefire.watch.sinks import SinkError, build
from tests.watch.staging import START, STOPPED, Clock, Stage, event
from tests.watch.test_sinks import BODY, MESSAGE, services
from tests.watch.test_sources import cloud

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def survive(watch: Watch) -> list[str]:
    """Do a round of everything as the threads of a watch do it, and return what failed in words."""
    said: list[str] = []
    for part in (watch.advance, *(r.round for r in watch.runs), *(k.carry for k in watch.couriers)):
        try:
            part()
        except (WatchError, LakeError, OSError) as error:
            said.append(str(error).lower())
    return said


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[Path]:
    """A file system of so much memory."""
    at.mkdir(parents=True)
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(at)], check=False, capture_output=True).returncode:
        pytest.skip("a file system can only be mounted as root here")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@pytest.mark.slow
def test_a_disk_that_runs_full_and_is_freed(tmp_path: Path) -> None:
    """Lake and state lie on a file system of eight megabytes that something else fills; both go on once there is space."""
    with small_disk(tmp_path / "disk", "8m") as disk:
        stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
        stage.text = stage.text.replace('lake = "lake"', 'lake = "disk/lake"\nstate = "sqlite:///' + str(disk / "lake" / "watch" / "state.sqlite") + '"')
        watch = stage.watch()
        stage.deliver("a.json", [event(1, MINUTE, "StopInstances", "ann")])
        stage.settle(watch)
        assert len(stage.alerts()) == 1
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (65_536, 512, 1):
                with pytest.raises(OSError, match="No space left"):
                    while file.write(b"x" * size):
                        pass
        for number in range(2, 12):
            stage.deliver(f"{number}.json", [event(number, MINUTE, "StopInstances", f"u{number}")])
        failed: list[str] = []
        for _ in range(4):
            stage.clock.pass_(MINUTE)
            failed += survive(watch)
        assert failed and all("full" in words or "space" in words for words in failed), failed
        filler.unlink()
        stage.clock.pass_(10 * MINUTE)
        for _ in range(6):
            stage.clock.pass_(10 * MINUTE)
            assert survive(watch) == []
        assert len(stage.alerts()) == 11
        assert stage.state().health(stage.clock.now).problems == ()
        assert verify(watch._ground.lake)[1] == ()
        assert sorted(m["key"] for m in stage.sent()) == sorted({m["key"] for m in stage.sent()}), "each message once"
        assert len(stage.sent()) == 11
        watch.state.close()


@contextmanager
def flapping(clock: Clock, until: Any) -> Iterator[tuple[int, list[tuple[str, int]]]]:
    """A server that fails in turn in every way until a moment of the clock: 500, 503, 429, no answer in time, a cut connection."""
    asked: list[tuple[str, int]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            way = (500, 503, 429, 0, -1)[len(asked) % 5] if clock.now < until else 200
            asked.append((self.headers["Idempotency-Key"], way))
            if way == 0:
                time.sleep(0.6)  # the sink waits half a second
            if way <= 0:
                self.close_connection = True
                return
            self.send_response(way)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_a_sink_that_fails_for_an_hour_is_given_everything_in_order(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    end = stage.clock.now + HOUR
    with flapping(stage.clock, end) as (port, asked):
        stage.text += f'[[sink]]\nkind = "webhook"\nname = "hook"\nurl = "http://127.0.0.1:{port}/"\nprivate = ["127.0.0.1"]\ntimeout = "1s"\n'
        watch = stage.watch()
        watch.couriers[1]._sink._outward._seconds = 0.5  # type: ignore[attr-defined]  # shorter than a configuration may say, so that the test is
        found: list[str] = []
        for minute in range(75):
            if minute < 60 and minute % 6 == 0:
                stage.deliver(f"{minute}.json", [event(minute + 1, minute * MINUTE, "StopInstances", f"u{minute}")])
            stage.clock.pass_(MINUTE)
            assert survive(watch) == []
            found = [m["key"] for m in stage.sent()]
            waiting = next((s.waiting for s in stage.state().health(stage.clock.now).sinks if s.name == "hook"), 0)
            if stage.clock.now < end:
                assert waiting == len(found), "nothing is given up, and the other sink is not held up"
    taken = [key for key, way in asked if way == 200]
    assert (len(found), taken) == (10, found), "each once, in the order they were found"
    tries = [way for _, way in asked if way != 200]
    assert {key for key, way in asked if way != 200} == {found[0]}, "the others waited behind the first"
    # 2 s, 4 s ... up to five minutes, by half more or less: some twelve to twenty-five tries in an hour.
    assert 8 <= len(tries) <= 40
    assert set(tries) == {500, 503, 429, 0, -1}
    hooked = next(s for s in stage.state().health(stage.clock.now).sinks if s.name == "hook")
    assert (hooked.waiting, hooked.dead, hooked.sent) == (0, 0, 10)


@pytest.mark.slow
def test_a_clock_that_jumps_forth_and_back_alerts_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    watch = stage.watch()

    def snapshots(first: int, start: timedelta, user: str) -> list[dict[str, Any]]:
        return [event(first + n, start + n * MINUTE, "CreateSnapshot", user) for n in range(3)]

    stage.clock.now = START + 15 * MINUTE
    stage.deliver("a.json", snapshots(1, MINUTE, "ann"))
    stage.settle(watch)
    assert [(a.rule, a.actor.rpartition("/")[2]) for a in stage.alerts()] == [("burst", "ann")]
    stage.clock.now += timedelta(days=2)
    stage.deliver("b.json", [*snapshots(11, 20 * MINUTE, "bob"), event(20, 21 * MINUTE, "StopInstances", "bob")])
    stage.settle(watch)
    expected = [("burst", "ann"), ("burst", "bob"), ("stopped", "bob")]
    assert [(a.rule, a.actor.rpartition("/")[2]) for a in stage.alerts()] == expected
    stage.clock.now = START + 40 * MINUTE
    stage.settle(watch)
    stage.deliver("c.json", snapshots(31, 30 * MINUTE, "eve"))
    for _ in range(6):
        stage.clock.pass_(10 * MINUTE)
        stage.settle(watch)
    assert [(a.rule, a.actor.rpartition("/")[2]) for a in stage.alerts()] == [("burst", "ann"), ("burst", "bob"), ("burst", "eve"), ("stopped", "bob")]
    keys = [m["key"] for m in stage.sent()]
    assert len(keys) == len(set(keys))
    assert {m["kind"] for m in stage.sent()} == {"alert.opened", "incident.opened"}
    health = stage.state().health(stage.clock.now)
    assert (health.gaps, health.waiting) == ((), 0)


def test_a_clock_that_is_set_back_keeps_no_message_waiting(tmp_path: Path) -> None:
    """One that was never tried is sent at once, one that failed after no longer than the longest wait between two tries."""
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    (tmp_path / "alerts.jsonl").mkdir()
    stage.clock.now = START + timedelta(days=1)
    watch = stage.watch()
    stage.deliver("a.json", [event(1, MINUTE, "StopInstances", "ann"), event(2, MINUTE, "StopInstances", "bob")])
    stage.settle(watch)
    assert [s.waiting for s in stage.state().health(stage.clock.now).sinks] == [2]
    (tmp_path / "alerts.jsonl").rmdir()
    stage.clock.now = START + timedelta(hours=1)
    stage.settle(watch)
    assert sorted(m["actor"].rpartition("/")[2] for m in stage.sent()) == ["ann", "bob"]


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that takes what it is given, or refuses it."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, refuse: bool = False) -> None:
        self.taken: list[str] = []
        self.refuse = refuse
        super().__init__(("127.0.0.1", 0), _Session)


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline():
            word = line.decode().split()[0].upper()
            if word in ("EHLO", "HELO"):
                self._say("250 here")
            elif word == "DATA":
                self._say("354 go on")
                lines = []
                while (part := self.rfile.readline().rstrip(b"\r\n")) != b".":
                    lines.append(part.decode())
                self.server.taken.append("\n".join(lines))
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("451 try again later" if self.server.refuse and word == "RCPT" else "250 well")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mailbox(*, refuse: bool = False) -> Iterator[Mailbox]:
    with Mailbox(refuse) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


def test_mail_holds_the_alert_and_no_header_of_its_own() -> None:
    with mailbox() as server:
        said = c.Smtp(name="m", host="127.0.0.1", port=server.server_address[1], sender="livefire@example.com", to=("soc@example.com",), plain=True)
        sink = build(said, c.Config(lake="l"), services())
        forged = {**BODY, "title": "Shared\r\nBcc: everyone@example.com", "actor": "a\r\n.\r\nMAIL FROM:<x>\ud800\x00" + "A" * 100_000}
        sink.send(MESSAGE.__class__(1, "m", "k1", "ab" * 32, "alert.opened", forged, 0, START))
    (mail,) = server.taken
    head, _, text = mail.partition("\n\n")
    names = [line.partition(":")[0] for line in head.splitlines() if not line.startswith((" ", "\t"))]
    assert sorted(names) == ["Content-Transfer-Encoding", "Content-Type", "From", "MIME-Version", "Message-ID", "Subject", "To"]
    assert "Message-ID: <k1@livefire>" in head
    assert "rule: shared" in text
    assert "MAIL FROM" in text, "in the text, not as a command"
    assert "\x1b" not in mail


def test_mail_that_is_refused_or_not_taken_is_tried_again() -> None:
    with mailbox(refuse=True) as server:
        port = server.server_address[1]
        sink = build(c.Smtp(name="m", host="127.0.0.1", port=port, sender="a@b.example", to=("c@d.example",), plain=True), c.Config(lake="l"), services())
        with pytest.raises(SinkError, match="try again later"):
            sink.send(MESSAGE)
    with pytest.raises(SinkError, match=r"refused|reset|closed"):
        sink.send(MESSAGE)


@pytest.mark.slow
def test_an_object_of_s3_holds_each_alert_under_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    with cloud(monkeypatch) as endpoint:
        s3 = boto3.client("s3", endpoint_url=endpoint)
        said = c.S3File(name="bucket", bucket="found", prefix="alerts/", endpoint=endpoint, format="json")
        sink = build(said, c.Config(lake="l"), services())
        with pytest.raises(SinkError):
            sink.send(MESSAGE)
        s3.create_bucket(Bucket="found", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        sink.send(MESSAGE)
        sink.send(MESSAGE)
        (one,) = s3.list_objects_v2(Bucket="found")["Contents"]
        assert one["Key"].startswith("alerts/") and "k1" in one["Key"], "the same message again is the same object"
        assert json.loads(s3.get_object(Bucket="found", Key=one["Key"])["Body"].read())["rule"] == "shared"
