"""What sinks send, and that they send it to nobody else."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from livefire.watch import config as c
from livefire.watch.courier import Courier
from livefire.watch.faults import WatchError
from livefire.watch.journal import Journal
from livefire.watch.sinks import Services, SinkError, build
from livefire.watch.sinks.outward import Outward, allowed
from livefire.watch.state import State
from livefire.watch.state.outbox import Message
from tests.watch.staging import START, STOPPED, Clock, Stage, event

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BODY = {
    "kind": "alert.opened", "key": "k1", "fingerprint": "ab" * 32, "rule": "shared", "title": "Shared <!channel> \x1b[31m*bold*", "severity": "high",
    "risk": 70, "actor": "user/ann", "account": "1111", "last": "2026-06-01T11:00:00+00:00", "evidence": ["aws_cloudtrail/e1"], "row": {"a": "\u202ex"},
}  # fmt: skip
MESSAGE = Message(1, "s", "k1", "ab" * 32, "alert.opened", BODY, 0, NOW)
Taken = list[tuple[dict[str, str], bytes]]


def services(written: list[str] | None = None) -> Services:
    lines = written if written is not None else []
    return Services(lambda: NOW, {"env:KEY": "secret-of-the-test"}.__getitem__, lines.append)


@contextmanager
def receiver(answers: list[int]) -> Iterator[tuple[int, Taken]]:
    """A server on this machine that answers as told, the last answer again and again."""
    taken: Taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            status = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield int(server.server_address[1]), taken
    finally:
        server.shutdown()
        server.server_close()


def hook(port: int, **more: Any) -> Any:
    said = c.Webhook(name="hook", url=f"http://127.0.0.1:{port}/in?x=1", private=("127.0.0.1",), **more)
    return build(said, c.Config(lake="lake"), services())


def test_a_webhook_is_signed_and_names_its_key() -> None:
    with receiver([204]) as (port, taken):
        hook(port, secret="env:KEY").send(MESSAGE)  # noqa: S106 - a reference
    headers, body = taken[0]
    assert headers["Idempotency-Key"] == "k1"
    stamp, _, signature = headers["X-Livefire-Signature"].partition(",v1=")
    made = hmac.new(b"secret-of-the-test", stamp.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert (stamp, signature) == (f"t={int(NOW.timestamp())}", made)
    assert json.loads(body) == BODY
    assert body.isascii()


@pytest.mark.parametrize(
    ("form", "path", "expected"),
    [
        ("slack", ("text",), "HIGH Shared &lt;!channel&gt; \\x1b[31m*bold* (shared), user/ann in 1111 at 2026-06-01 11:00:00 UTC [abababababab]"),
        ("pagerduty", ("dedup_key",), "ab" * 32),
        ("ocsf", ("class_uid",), 2004),
        ("ocsf", ("metadata", "uid"), "k1"),
        ("teams", ("attachments", 0, "content", "body", 0, "text"), None),
    ],
)
def test_each_service_gets_its_form(form: Any, path: tuple[Any, ...], expected: object) -> None:
    with receiver([200]) as (port, taken):
        hook(port, format=form, routing_key="env:KEY").send(MESSAGE)
    found: Any = json.loads(taken[0][1])
    for step in path:
        found = found[step]
    if expected is None:
        assert "\\*bold\\*" in found
        assert "\x1b" not in found
    else:
        assert found == expected


@pytest.mark.parametrize(("status", "final"), [(500, False), (503, False), (429, False), (404, True), (302, True)])
def test_what_a_server_answers_decides_whether_to_try_again(status: int, final: bool) -> None:
    with receiver([status]) as (port, taken), pytest.raises(SinkError) as fault:
        hook(port).send(MESSAGE)
    assert (fault.value.final, len(taken)) == (final, 1), "a redirect is not followed"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "198.18.0.1"),
        *("::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "2002:0a00:0001::", "::"),
        # By a translator (RFC 6052), in forms long given up, and for documents: all of them are other ways to a private network, or to none.
        *("64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "::7f00:1", "::ffff:0:7f00:1", "fec0::1", "ff02::1", "2001:db8::1"),
    ],
)
def test_private_addresses_are_not_posted_to(address: str) -> None:
    assert not allowed(address)
    outward = Outward("https://hooks.example.com/x", find=lambda *_: ["93.184.216.34", address])
    with pytest.raises(SinkError, match="is on a private network"):
        outward.post(b"{}", {})


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f000001", "2130706433", "017700000001", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(SinkError, match=r"private network|not known"):
        Outward(f"https://{host}:9/x").post(b"{}", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com",
        "ftp://hooks.example.com",
        "https://user:pw@hooks.example.com",
        "https://",
        "https://a b",
        "https://x:99999",
        "//x",
        "https://x/\r\nHost: y",
    ],
)
def test_a_webhook_that_can_never_be_right_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(WatchError, match="E709"):
        Outward(url)


def test_a_name_that_changes_its_mind_is_asked_once_for_each_message() -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    asked: list[str] = []

    def find(host: str, port: int) -> list[str]:
        asked.append(f"{host}:{port}")
        return answers[min(len(asked), 2) - 1]

    outward = Outward("https://rebind.example.com", seconds=0.2, find=find)
    with pytest.raises(SinkError):
        outward.post(b"{}", {})
    with pytest.raises(SinkError, match="private network"):
        outward.post(b"{}", {})
    assert asked == ["rebind.example.com:443"] * 2, "the connection asks no second time"


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_out_in_the_open_are(address: str) -> None:
    """The last is 8.8.8.8 as a network without IPv4 names it."""
    assert allowed(address)


@contextmanager
def dripping() -> Iterator[int]:
    """A server whose answer never ends: a byte of a header every tenth of a second."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not over.wait(0.1):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        over.set()
        thread.join()


def test_an_answer_that_never_ends_keeps_nobody() -> None:
    """Every byte is in time, the whole is not: after three times the time of a step it is over."""
    began = time.monotonic()
    with dripping() as port, pytest.raises(SinkError):
        hook(port, timeout="1s").send(MESSAGE)
    assert 2.5 < time.monotonic() - began < 20


@contextmanager
def silence() -> Iterator[int]:
    """A server that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_an_outage_of_an_hour_loses_nothing_and_keeps_the_order(tmp_path: Path) -> None:
    """Errors, refused connections and silence for an hour; then everything arrives, once each, in the order it was found."""
    stage = Stage(tmp_path, rules={"stopped.kql": STOPPED})
    with receiver([500, 503, 200]) as (port, taken):
        stage.text += f'[[sink]]\nkind = "webhook"\nname = "hook"\nurl = "http://127.0.0.1:{port}/"\nprivate = ["127.0.0.1"]\ntimeout = "1s"\n'
        watch = stage.watch()
        stage.deliver("a.json", [event(n, timedelta(seconds=n), "StopInstances", f"u{n}") for n in range(1, 6)])
        stage.settle(watch)
        assert len({h["Idempotency-Key"] for h, _ in taken}) == 1, "the first failed, and the others wait behind it"
        for _ in range(60):
            stage.clock.pass_(timedelta(minutes=1))
            watch.step()
        keys = [h["Idempotency-Key"] for h, _ in taken]
    sinks = {s.name: s for s in stage.state().health(stage.clock.now).sinks}
    assert (sinks["hook"].sent, sinks["hook"].waiting, sinks["hook"].dead) == (len(set(keys)), 0, 0)
    assert keys[:3] == [keys[0]] * 3
    assert len(keys[2:]) == len(set(keys)) == 5
    with silence() as port, pytest.raises(SinkError, match="timed out"):
        hook(port, timeout="1s").send(MESSAGE)


def test_what_is_given_up_is_a_dead_letter_until_it_is_sent_again(tmp_path: Path) -> None:
    state, clock = State.open(f"sqlite:///{tmp_path / 's.sqlite'}"), Clock(START)
    with receiver([404]) as (port, taken):
        courier = Courier(hook(port), state.outbox, clock, Journal(lambda _: None, clock))
        with state.database.writing() as connection:
            state.outbox.put(connection, ["hook"], "alert.opened", "k", "ab", BODY, START)
            state.outbox.put(connection, ["hook"], "alert.opened", "k", "ab", BODY, START)
        for _ in range(20):
            courier.carry()
            clock.pass_(timedelta(minutes=10))
        assert len(taken) == 5, "one message, though it was put twice, tried five times"
    health = state.health(clock.now)
    assert any("1 messages were given up, the last because of: 127.0.0.1: it answered 404" in p for p in health.problems)
    with receiver([200]) as (port, taken):
        courier = Courier(hook(port), state.outbox, clock, Journal(lambda _: None, clock))
        assert state.outbox.resend(clock.now) == 1
        courier.carry()
        assert len(taken) == 1
    assert state.health(clock.now).sinks[0].dead == 0


def test_syslog_frames_its_messages() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sink = build(c.Syslog(name="s", host="127.0.0.1", port=server.getsockname()[1]), c.Config(lake="l"), services())
        sink.send(MESSAGE)
        connection, _ = server.accept()
        with connection:
            data = connection.recv(65_536)
        sink.close()
    size, _, rest = data.partition(b" ")
    assert int(size) == len(rest)
    # Facility 13 (log audit) times 8 and severity 3 (error) for a high alert.
    assert rest.startswith(b"<107>1 2026-06-01T12:00:00.000000Z - livefire - alert.opened - {")
    assert b"\n" not in rest


def test_standard_output_shows_no_control_characters() -> None:
    lines: list[str] = []
    for form in ("line", "json", "ocsf"):
        build(c.Stdout(format=form), c.Config(lake="l"), services(lines)).send(MESSAGE)
    assert all(line.endswith("\n") and line[:-1].isprintable() and line.isascii() for line in lines)


HOSTILE = "x\r\nBcc: eve@example.com\r\n.\r\n\x1b]0;owned\x07 <!channel> <@U1> @everyone [a](http://e) **b** \u202e\u2028\x85\x00\ud800 " + "A" * 200_000


def test_what_a_log_says_is_text_and_nothing_more_to_any_sink(tmp_path: Path) -> None:
    """Line ends, terminal controls, mentions, Markdown, broken Unicode and half a megabyte, in every part that an event can fill."""
    message = Message(1, "s", "k1", "ab" * 32, "alert.opened", {**BODY, "actor": HOSTILE, "account": HOSTILE, "row": {HOSTILE[:60]: HOSTILE}}, 0, NOW)
    bodies: dict[str, Any] = {}
    for form in ("json", "ocsf", "slack", "teams", "pagerduty"):
        with receiver([200]) as (port, taken):
            hook(port, format=form, routing_key="env:KEY").send(message)
        ((headers, body),) = taken
        assert body.isascii(), form
        assert b"\n" not in body, form
        assert "eve" not in str(headers), form
        bodies[form] = json.loads(body)
    assert bodies["json"]["row"] == {HOSTILE[:60]: HOSTILE}, "whole, for a machine"
    slack = bodies["slack"]["text"]
    assert slack.isprintable(), "no control character and nothing that turns text round"
    assert not set("<>") & set(slack)
    assert (bodies["slack"]["mrkdwn"], bodies["slack"]["link_names"], bodies["slack"]["unfurl_links"]) == (False, False, False)
    assert len(slack) < 4_000
    teams = bodies["teams"]["attachments"][0]["content"]["body"][0]["text"]
    assert teams.isprintable()
    assert "\\[a\\]\\(http://e\\) \\*\\*b\\*\\*" in teams
    assert bodies["pagerduty"]["payload"]["custom_details"]["left_out"] == ["row", "evidence"], "an event of PagerDuty has at most 512 KB"
    assert len(json.dumps(bodies["pagerduty"])) < 512_000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        sink = build(c.Syslog(name="s", host="127.0.0.1", port=server.getsockname()[1], transport="udp"), c.Config(lake="l"), services())
        sink.send(message)
        datagram = server.recv(65_536).decode("ascii")
        sink.close()
    assert datagram.isprintable()
    assert json.loads(datagram.partition(" - alert.opened - ")[2])["key"] == "k1"
    build(c.File(name="f", path="a.jsonl", format="json"), c.Config(lake="l", folder=str(tmp_path)), services()).send(message)
    (line,) = (tmp_path / "a.jsonl").read_text(encoding="ascii").splitlines()
    assert json.loads(line)["actor"] == HOSTILE
    lines: list[str] = []
    build(c.Stdout(), c.Config(lake="l"), services(lines)).send(message)
    assert lines[0].endswith("\n")
    assert lines[0][:-1].isprintable()


def test_a_message_that_cannot_be_made_holds_up_no_other(tmp_path: Path) -> None:
    """One whose fields are of no kind that the sink knows: it is a dead letter after five tries, and those behind it are sent."""
    state = State.open(f"sqlite:///{tmp_path / 'state.sqlite'}")
    clock = Clock()
    lines: list[str] = []
    sink = build(c.Stdout(), c.Config(lake="l"), services(lines))
    with state.ledger.writing() as connection:
        for key, body in (("bad", {**BODY, "severity": 5}), ("good", BODY)):
            state.outbox.put(connection, ["stdout"], "alert.opened", key, "", body, clock.now)
    courier = Courier(sink, state.outbox, clock, Journal(lambda _: None, clock))
    for _ in range(6):
        courier.carry()
        clock.pass_(timedelta(minutes=10))
    (health,) = state.health(clock.now).sinks
    assert (health.sent, health.dead, health.waiting, len(lines)) == (1, 1, 0, 1)


def test_mail_without_tls_stays_on_this_machine() -> None:
    with pytest.raises(WatchError, match="E709"):
        build(c.Smtp(name="m", host="mail.example.com", sender="a@b", to=("c@d",), plain=True), c.Config(lake="l"), services())
