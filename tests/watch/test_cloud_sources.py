"""One contract for every source that lists objects, and for Kafka, each against a server of its own on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livefire.store.disk import Disk
from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sinks import Services
from livefire.watch.sources.azure import Blobs
from livefire.watch.sources.base import Batch, Intake
from livefire.watch.sources.gcs import Stored
from livefire.watch.sources.kafka import Topics
from livefire.watch.sources.pubsub import Messages
from livefire.watch.sources.queued import Queued
from livefire.watch.sources.s3 import Objects
from tests.logsources.samples import compact
from tests.watch.staging import START, STOPPED, Stage, event
from tests.watch.test_sources import cloud

SECOND = timedelta(seconds=1)
# The account that Azurite knows; Microsoft publishes its key: https://learn.microsoft.com/en-us/azure/storage/common/storage-use-azurite
AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
)


@dataclass
class Server:
    """A service: how to put an object into it, how to make a source over it, and one over a server that is not there."""

    put: Callable[[str, bytes], None]
    source: Callable[[Path], Intake]
    said: str
    secrets: Mapping[str, str]


def services(secrets: Mapping[str, str]) -> Services:
    return Services(lambda: START, lambda name: secrets[name], lambda _: None)


def free() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def await_port(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


@contextmanager
def s3(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Server]:
    import boto3

    del folder
    with cloud(monkeypatch) as endpoint:
        client = boto3.client("s3", endpoint_url=endpoint)
        client.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        said = c.S3(name="logs", bucket="logs", prefix="in/", endpoint=endpoint)

        def put(name: str, data: bytes) -> None:
            client.put_object(Bucket="logs", Key=name, Body=data)

        yield Server(put, lambda spool: Objects(said, spool), f'kind = "s3"\nbucket = "logs"\nprefix = "in/"\nendpoint = "{endpoint}"', {})


@contextmanager
def azure(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Server]:
    """Azurite, Microsoft's own emulator, from npm: `npm install --global azurite`."""
    from azure.storage.blob import ContainerClient

    del monkeypatch
    program = shutil.which(os.environ.get("AZURITE_BLOB", "azurite-blob"))
    if program is None:
        pytest.skip("Azurite is not installed here: npm install --global azurite")
    port = free()
    settings = ["--blobPort", str(port), "--location", str(folder), "--silent", "--skipApiVersionCheck"]
    server = subprocess.Popen([program, *settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port)
        connection = f"{AZURITE}BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        client = ContainerClient.from_connection_string(connection, "logs")
        client.create_container()
        secrets = {"env:BLOBS": connection}

        def put(name: str, data: bytes) -> None:
            client.upload_blob(name, data, overwrite=True)

        said = c.AzureBlob(name="logs", connection="env:BLOBS", container="logs", prefix="in/")
        text = 'kind = "azure_blob"\ncontainer = "logs"\nprefix = "in/"\nconnection = "env:BLOBS"'
        yield Server(put, lambda spool: Blobs(said, services(secrets), spool), text, secrets)
    finally:
        server.kill()
        server.wait()


@contextmanager
def gcs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Server]:
    from gcp_storage_emulator.server import create_server  # type: ignore[import-untyped]  # it has no types
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage  # type: ignore[attr-defined]  # a namespace that several packages share

    del folder
    port = free()
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="logs")
    server.start()
    try:
        endpoint = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)  # the emulator writes it into the addresses it gives
        client = storage.Client(project="none", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint})  # type: ignore[no-untyped-call]  # Google's own

        def put(name: str, data: bytes) -> None:
            client.bucket("logs").blob(name).upload_from_string(data)

        said = c.Gcs(name="logs", bucket="logs", prefix="in/", endpoint=endpoint)
        yield Server(put, lambda spool: Stored(said, spool), f'kind = "gcs"\nbucket = "logs"\nprefix = "in/"\nendpoint = "{endpoint}"', {})
    finally:
        server.stop()


def bodies(batch: Batch) -> list[bytes]:
    return sorted(p.read_bytes() for p in batch.paths)


@pytest.mark.slow
@pytest.mark.parametrize("made", [s3, azure, gcs])
def test_a_source_that_lists_objects(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made(monkeypatch, tmp_path / "server") as server:
        server.put("in/a.json", b'{"a": 1}')
        server.put("in/sub/b.json", b'{"b": 1}')
        server.put("other/c.json", b'{"c": 1}')
        source = server.source(tmp_path / "one")
        source.start({})
        first = source.poll(START, 10)
        assert bodies(first) == [b'{"a": 1}', b'{"b": 1}'], "what lies below the prefix"
        assert bodies(source.poll(START, 10)) == bodies(first), "offered again until it is done"
        assert len(source.poll(START, 1).paths) == 1
        source.done(first)
        assert bodies(source.poll(START, 10)) == []
        assert not [p for p in (tmp_path / "one").iterdir() if not p.name.startswith(".")], "nothing stays in the spool"
        server.put("in/a.json", b'{"a": 1}{"a": 2}')
        again = server.source(tmp_path / "one")
        again.start(dict(first.items))
        grown = again.poll(START, 10)
        assert bodies(grown) == [b'{"a": 1}{"a": 2}'], "after a start only what changed"
        crashed = server.source(tmp_path / "one")
        crashed.start(dict(first.items))
        assert bodies(crashed.poll(START, 10)) == bodies(grown), "it was never done"
        # And as a watch runs it.
        server.put("in/c.json", compact(event(1, SECOND, "StopInstances", "mallory")))
        stage = Stage(tmp_path / "stage", rules={"stopped.kql": STOPPED}, secrets=dict(server.secrets))
        stage.text = stage.text.replace('kind = "folder"', server.said).replace('path = "inbox"\nsettle = "1s"', "")
        stage.settle(stage.watch())
        assert [a.rule for a in stage.alerts()] == ["stopped"], stage.lines


@pytest.mark.parametrize(
    "made",
    [
        lambda spool, port: Blobs(
            c.AzureBlob(name="logs", connection="env:X", container="logs"),
            services({"env:X": f"{AZURITE}BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"}),
            spool,
        ),
        lambda spool, _: Blobs(c.AzureBlob(name="logs", connection="env:X", container="logs"), services({"env:X": "no connection"}), spool),
        lambda spool, port: Stored(c.Gcs(name="logs", bucket="logs", endpoint=f"http://127.0.0.1:{port}"), spool),
    ],
)
@pytest.mark.slow
def test_a_service_that_is_not_there_is_told(made: Callable[[Path, int], Intake], tmp_path: Path) -> None:
    source = made(tmp_path / "spool", free())
    with pytest.raises(WatchError, match="E708: the source logs"):
        source.start({})
        source.poll(START, 10)


@contextmanager
def broker() -> Iterator[tuple[str, Callable[[str, bytes], None]]]:
    """The brokers that librdkafka brings for its own tests: they speak Kafka's protocol, with groups and committed offsets."""
    from confluent_kafka import Producer

    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "ignored"})
    (one,) = producer.list_topics(timeout=20).brokers.values()

    def put(topic: str, body: bytes) -> None:
        producer.produce(topic, body, partition=0)
        assert producer.flush(20) == 0

    yield f"{one.host}:{one.port}", put


def read(source: Topics, most: int = 80) -> Batch:
    """Ask until there is something: a group takes a while to form."""
    for _ in range(most):
        batch = source.poll(START, 10)
        if batch.paths:
            return batch
    return Batch(())


@pytest.mark.slow
def test_topics_are_read_until_what_they_hold_is_in_the_lake(tmp_path: Path) -> None:
    with broker() as (address, put):
        said = c.Kafka(name="logs", brokers=(address,), topics=("trail",), settings={"client.id": "env:ID", "session.timeout.ms": "6000"})

        def source() -> Topics:
            made = Topics(said, services({"env:ID": "livefire-test"}), tmp_path / "spool")
            made.start({})
            return made

        for number in range(3):
            put("trail", b'{"n": %d}' % number)
        put("trail", b"\x1f\x8bpacked")
        one = source()
        batch = read(one)
        assert bodies(batch) == [b"\x1f\x8bpacked", b'{"n": 0}\n{"n": 1}\n{"n": 2}\n']
        assert one.poll(START, 10) is batch, "the same again, until it is done"
        one.close()  # as a crash: nothing was committed
        two = source()
        batch = read(two)
        assert len(batch.paths) == 2
        # One of two files could not be read: it is offered again, and no offset is committed yet.
        two.done(Batch(batch.paths[:1]))
        assert two.poll(START, 10).paths == batch.paths[1:]
        two.done(two.poll(START, 10))
        put("trail", b'{"n": 3}')
        assert bodies(read(two)) == [b'{"n": 3}\n']
        two.close()
        three = source()
        assert bodies(read(three)) == [b'{"n": 3}\n'], "what was committed is not read again"
        three.close()


@pytest.mark.slow
def test_a_watch_over_a_topic(tmp_path: Path) -> None:
    with broker() as (address, put):
        put("trail", compact(event(1, SECOND, "StopInstances", "mallory")))
        stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
        stage.text = stage.text.replace('kind = "folder"', f'kind = "kafka"\nbrokers = ["{address}"]\ntopics = ["trail"]')
        stage.text = stage.text.replace('path = "inbox"\nsettle = "1s"', "")
        watch = stage.watch()
        for _ in range(20):
            stage.settle(watch)
            if stage.alerts():
                break
        assert [a.rule for a in stage.alerts()] == ["stopped"], stage.lines
        watch.reception.close()


@pytest.mark.slow
def test_brokers_that_do_not_answer_are_told(tmp_path: Path) -> None:
    source = Topics(c.Kafka(name="logs", brokers=(f"127.0.0.1:{free()}",), topics=("t",)), services({}), tmp_path / "spool")
    source.start({})
    with pytest.raises(WatchError, match="E708: the source logs"):
        for _ in range(20):
            source.poll(START, 10)
            threading.Event().wait(0.2)
    source.close()


def test_what_a_source_decides_itself_cannot_be_set(tmp_path: Path) -> None:
    with pytest.raises(WatchError, match=r"E708: the source logs sets enable.auto.commit itself"):
        Topics(c.Kafka(name="logs", brokers=("x:1",), topics=("t",), settings={"enable.auto.commit": "true"}), services({}), tmp_path)


class Line(Queued):
    """A queue in memory that goes on behind what it gave."""

    def __init__(self, spool: Path, bodies: list[bytes]) -> None:
        super().__init__("line", "", spool)
        self.bodies, self.confirmed = bodies, []

    confirmed: list[object]

    def connect(self) -> None:
        pass

    def read(self) -> tuple[Sequence[bytes], Sequence[object]]:
        return ([self.bodies.pop(0)], [len(self.bodies)]) if self.bodies else ((), ())

    def confirm(self, tokens: Sequence[object]) -> None:
        self.confirmed += tokens


def test_messages_that_the_disk_did_not_take_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(tmp_path / "spool", [b"1", b"2"])
    line.start({})
    with monkeypatch.context() as patched:

        def full(_: Disk, path: Path, __: bytes) -> None:
            raise OSError(28, "No space left on device", str(path))

        patched.setattr(Disk, "write", full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                line.poll(START, 10)
    assert bodies(line.poll(START, 10)) == [b"1\n"], "the first, which the queue does not give again"
    line.done(line.poll(START, 10))
    assert bodies(line.poll(START, 10)) == [b"2\n"]
    assert line.confirmed == [1]


@contextmanager
def subscription() -> Iterator[tuple[str, Callable[[bytes], None], dict[str, bytes]]]:
    """A server of Pub/Sub's protocol with one subscription, which gives what is not acknowledged to each who asks."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from google.protobuf.empty_pb2 import Empty
    from google.pubsub_v1 import types as t

    held: dict[str, bytes] = {}

    def pull(asked: Any, _: object) -> Any:
        given = [t.ReceivedMessage(ack_id=i, message=t.PubsubMessage(data=d, message_id=i)) for i, d in list(held.items())[: asked.max_messages]]
        return t.PullResponse(received_messages=given)

    def acknowledge(asked: Any, _: object) -> Any:
        for one in asked.ack_ids:
            held.pop(one, None)
        return Empty()

    def put(body: bytes) -> None:
        held[f"m{len(held)}-{time.monotonic_ns()}"] = body

    def handler(call: Callable[[Any, object], Any], asked: Any, answers: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(call, request_deserializer=asked.deserialize, response_serializer=answers)

    empty = Empty.SerializeToString
    methods = {
        "Pull": handler(pull, t.PullRequest, t.PullResponse.serialize),
        "Acknowledge": handler(acknowledge, t.AcknowledgeRequest, empty),
        "ModifyAckDeadline": handler(lambda _asked, _: Empty(), t.ModifyAckDeadlineRequest, empty),
    }
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("google.pubsub.v1.Subscriber", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", put, held
    finally:
        server.stop(None)


@pytest.mark.slow
def test_a_subscription_is_acknowledged_when_its_messages_are_in_the_lake(tmp_path: Path) -> None:
    with subscription() as (address, put, held):
        said = c.PubSub(name="logs", subscription="projects/p/subscriptions/s", endpoint=address)
        put(b'{"n": 1}')
        put(b'{"n": 2}')
        one = Messages(said, tmp_path / "spool")
        one.start({})
        assert bodies(one.poll(START, 10)) == [b'{"n": 1}\n{"n": 2}\n']
        one.close()  # as a crash: nothing was acknowledged
        assert len(held) == 2
        two = Messages(said, tmp_path / "spool")
        two.start({})
        batch = two.poll(START, 10)
        assert bodies(batch) == [b'{"n": 1}\n{"n": 2}\n']
        two.done(batch)
        assert not held
        assert not two.poll(START, 10).paths
        two.close()
        put(compact(event(1, SECOND, "StopInstances", "mallory")))
        stage = Stage(tmp_path / "stage", rules={"stopped.kql": STOPPED})
        stage.text = stage.text.replace('kind = "folder"', f'kind = "pubsub"\nsubscription = "{said.subscription}"\nendpoint = "{address}"')
        stage.text = stage.text.replace('path = "inbox"\nsettle = "1s"', "")
        watch = stage.watch()
        stage.settle(watch)
        watch.reception.close()
        assert [a.rule for a in stage.alerts()] == ["stopped"], stage.lines
        assert not held


@pytest.mark.slow
def test_a_subscription_that_is_not_there_is_told(tmp_path: Path) -> None:
    source = Messages(c.PubSub(name="logs", subscription="projects/p/subscriptions/s", endpoint=f"127.0.0.1:{free()}"), tmp_path / "spool")
    source.start({})
    with pytest.raises(WatchError, match="E708: the source logs"):
        source.poll(START, 10)
    source.close()
