"""Sources offer each file at least once, and let go of it only when the lake has it."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sources.base import MOST_BYTES, Listed
from livefire.watch.sources.folder import Folder
from livefire.watch.sources.push import Lines, Push, address
from livefire.watch.sources.s3 import Objects, created
from tests.logsources.samples import cloudtrail, compact
from tests.watch.staging import START, STOPPED, Stage, event
from tests.watch.test_sinks import services

SECOND = timedelta(seconds=1)


def names(batch: Any) -> list[str]:
    return [p.name for p in batch.paths]


def test_a_folder_gives_files_that_are_at_rest(tmp_path: Path) -> None:
    source = Folder(c.Folder(name="in", path="x", settle="5s"), tmp_path)
    source.start({})
    now = START.replace(year=2100)  # far ahead of any file's own time: only what was seen counts for a file of the future

    def put(name: str, text: str, age: float = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (now.timestamp() - age, now.timestamp() - age))
        return path

    for name in ("a.json", "sub/b.json", ".hidden", "c.json.part", "d.TMP", "old.json", "empty.json"):
        put(name, "" if name == "empty.json" else "{}", age=60 if name == "old.json" else 0)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(source.poll(now, 10)) == ["old.json"], "it was renamed in: its own time says that it is at rest"
    grown = put("a.json", "{}{}")
    assert names(source.poll(now + 4 * SECOND, 10)) == ["old.json"]
    batch = source.poll(now + 5.5 * SECOND, 10)
    assert sorted(names(batch)) == ["b.json", "old.json"], "a.json grew a moment ago"
    source.done(batch)
    assert names(source.poll(now + 12 * SECOND, 10)) == ["a.json"]
    source.done(source.poll(now + 12 * SECOND, 10))
    assert names(source.poll(now + 20 * SECOND, 10)) == []
    grown.write_text("{}{}{}", encoding="utf-8")
    os.utime(grown, (now.timestamp() - 60, now.timestamp() - 60))
    assert names(source.poll(now + 20 * SECOND, 10)) == ["a.json"], "what grew later is read again"


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(WatchError, match="E708: there is no folder"):
        Folder(c.Folder(name="in", path="x"), tmp_path / "none").poll(START, 10)


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "seteuid"), reason="a file that its owner may not read needs another user")
def test_a_file_that_may_not_be_read_is_tried_again_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    watch = stage.watch()
    closed = stage.deliver("closed.json", [event(1, SECOND, "StopInstances", "ann")])
    stage.deliver("open.json", [event(2, SECOND, "StopInstances", "bob")])
    real = Path.open

    def refusing(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == closed:
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refusing)
        stage.settle(watch)
    assert [a.actor.rpartition("/")[2] for a in stage.alerts()] == ["bob"]
    assert "source inbox is failing" in stage.state().health(stage.clock.now).problems[0]
    assert "permission denied" in stage.state().health(stage.clock.now).problems[0]
    stage.clock.pass_(timedelta(minutes=1))
    stage.settle(watch)
    assert sorted(a.actor.rpartition("/")[2] for a in stage.alerts()) == ["ann", "bob"]
    assert stage.state().health(stage.clock.now).problems == ()


def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from livefire.store.disk import Disk

    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, SECOND, "StopInstances", "ann")])

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Disk, "write", full)
        stage.settle(watch)
    assert "no space left on device" in stage.state().health(stage.clock.now).problems[0]
    stage.clock.pass_(timedelta(minutes=1))
    stage.settle(watch)
    assert (len(stage.alerts()), stage.state().health(stage.clock.now).problems) == (1, ())


def test_a_file_that_holds_no_events_is_named_in_the_log(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    watch = stage.watch()
    (tmp_path / "inbox").mkdir(exist_ok=True)
    (tmp_path / "inbox" / "notes.txt").write_text("call the night shift\n", encoding="utf-8")
    stage.settle(watch)
    (said,) = [line for line in stage.lines if "source.skipped" in line]
    assert "notes.txt" in said
    assert "code=E405" in said


def test_a_torn_file_is_set_aside_and_read_again_when_it_is_whole(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    watch = stage.watch()
    whole = gzip.compress(b"\n".join(compact(event(n, SECOND, "StopInstances", f"u{n}")) for n in range(40)))
    path = tmp_path / "inbox" / "a.json.gz"
    path.write_bytes(whole[: len(whole) // 2])
    stage.clock.now = stage.clock.now.replace(year=2100)
    stage.settle(watch)
    assert any("in quarantine" in p or "E4" in p for p in stage.state().health(stage.clock.now).problems) or not stage.alerts()
    path.write_bytes(whole)
    stage.clock.pass_(timedelta(minutes=5))
    stage.settle(watch)
    assert len(stage.alerts()) == 40


def post(port: int, body: bytes, token: str = "secret-of-the-test", path: str = "/ingest", length: str | None = None) -> int:  # noqa: S107 - of a test
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", path)
    connection.putheader("Authorization", f"Bearer {token}")
    if length != "":
        connection.putheader("Content-Length", length or str(len(body)))
    connection.endheaders(body if length is None else b"")
    status = connection.getresponse().status
    connection.close()
    return status


def test_what_was_pushed_and_acknowledged_is_on_disk(tmp_path: Path) -> None:
    source = Push(c.Http(name="push", listen="127.0.0.1:0", tokens=("env:KEY",), most_bytes=1_000), services(), tmp_path / "spool")
    source.start({})
    try:
        body = compact(cloudtrail(1))
        assert post(source.port, body) == 204
        assert post(source.port, body) == 204
        assert post(source.port, body, token="wrong") == 401  # noqa: S106 - of a test
        assert post(source.port, body, token="") == 401
        assert post(source.port, body, path="/other") == 404
        assert post(source.port, body, length="") == 411
        assert post(source.port, body, length="-1") == 411
        assert post(source.port, b"", length="1001") == 413
        batch = source.poll(START, 10)
        assert [p.read_bytes() for p in batch.paths] == [body], "the same body again is the same file"
        assert stat.S_IMODE(batch.paths[0].stat().st_mode) == 0o600
        source.done(batch)
        assert source.poll(START, 10).paths == ()
    finally:
        source.close()


@pytest.mark.parametrize("listen", ["0.0.0.0:80", ":80", "10.0.0.1:80", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999"])
def test_only_this_machine_is_listened_to(listen: str) -> None:
    with pytest.raises(WatchError, match="E701"):
        address(listen)


def test_standard_input_is_taken_in_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    monkeypatch.setattr("livefire.watch.sources.push._STDIN", reader)
    source = Lines(c.Stdin(), tmp_path / "spool")
    source.start({})
    os.write(writer, b'{"a":1}\n{"b":')
    batch = source.poll(START, 10)
    assert [p.read_bytes() for p in batch.paths] == [b'{"a":1}\n']
    source.done(batch)
    os.write(writer, b"2}")
    os.close(writer)
    source.poll(START, 10)
    assert [p.read_bytes() for p in source.poll(START, 10).paths] == [b'{"b":2}'], "the end of the input ends the last line"
    os.close(reader)


S3_EVENT = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "AWSLogs/a+b%3D1.json.gz"}}}]}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (S3_EVENT, [("b", "AWSLogs/a b=1.json.gz")]),
        ({"Message": json.dumps(S3_EVENT)}, [("b", "AWSLogs/a b=1.json.gz")]),
        ({"Message": json.dumps({"s3Bucket": "b", "s3ObjectKey": ["k1", "k2"]})}, [("b", "k1"), ("b", "k2")]),
        ({"Event": "s3:TestEvent"}, []),
        ({"Records": [{"eventName": "ObjectRemoved:Delete", "s3": {}}]}, []),
        ([1], []),
    ],
)
def test_messages_of_a_queue_name_objects(said: Any, expected: list[tuple[str, str]]) -> None:
    assert created(json.dumps(said)) == expected


@contextmanager
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """S3 and SQS on this machine."""
    from moto.server import ThreadedMotoServer

    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class Shelf(Listed):
    """Objects in memory, of sizes as they are said."""

    held: ClassVar[dict[str, int]] = {"a.json": 3, "b.json": MOST_BYTES + 1, "c.json": 3}

    def open(self) -> None:
        pass

    def objects(self) -> Iterator[tuple[str, str, int]]:
        yield from ((name, "1", size) for name, size in self.held.items())

    def fetch(self, name: str) -> bytes | None:
        return name.encode()


def test_an_object_that_is_too_large_keeps_no_other_from_the_lake(tmp_path: Path) -> None:
    shelf = Shelf("shelf", "", tmp_path / "spool", lambda: ())
    shelf.start({})
    batch = shelf.poll(START, 10)
    assert list(batch.items) == ["a.json", "c.json"], "it lies between them"
    shelf.done(batch)
    with pytest.raises(WatchError, match=r"E708: the source shelf: b\.json has 1,073,741,825 bytes"):
        shelf.poll(START, 10)


@pytest.mark.slow
def test_a_bucket_is_listed_or_told_of_by_its_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against moto's server, which speaks S3's and SQS's protocols."""
    import boto3

    with cloud(monkeypatch) as endpoint:
        s3, sqs = (boto3.client(service, endpoint_url=endpoint) for service in ("s3", "sqs"))
        s3.create_bucket(Bucket="trail", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        queue = sqs.create_queue(QueueName="told", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]

        def put(number: int) -> None:
            key = f"AWSLogs/1/CloudTrail/{number}.json.gz"
            s3.put_object(Bucket="trail", Key=key, Body=gzip.compress(compact({"Records": [event(number, SECOND, "StopInstances", f"u{number}")]})))
            record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "trail"}, "object": {"key": key}}}
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [record]}))

        for number in range(3):
            put(number)
        for way, more in {"listed": 'bucket = "trail"\nprefix = "AWSLogs/"', "told": f'queue = "{queue}"'}.items():
            stage = Stage(tmp_path / way, rules={"stopped.kql": STOPPED})
            stage.text = stage.text.replace('kind = "folder"', 'kind = "s3"').replace('path = "inbox"\nsettle = "1s"', f'{more}\nendpoint = "{endpoint}"')
            watch = stage.watch()
            stage.settle(watch)
            assert len(stage.alerts()) == 3, stage.lines
            stage.settle(stage.watch())
            assert stage.state().health(stage.clock.now).sources[0].files == 3, "a new start asks for none again"
        remaining = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])[
            "Attributes"
        ]
        assert set(remaining.values()) == {"0"}
        put(7)
        crashed = Objects(c.S3(name="told", queue=queue, endpoint=endpoint), tmp_path / "spool")
        crashed.start({})
        assert len(crashed.poll(START, 10).paths) == 1
        threading.Event().wait(1.5)  # it was never said that it is done, so the queue offers it again
        again = Objects(c.S3(name="told", queue=queue, endpoint=endpoint), tmp_path / "spool")
        again.start({})
        assert len(again.poll(START, 10).paths) == 1


def test_a_cloud_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3", reason="the extra `aws` is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    source = Objects(c.S3(name="trail", bucket="b", endpoint="http://127.0.0.1:9", region="eu-central-1"), tmp_path / "spool")
    source.start({})
    with pytest.raises(WatchError, match="E708: the source trail"):
        source.poll(START, 10)
