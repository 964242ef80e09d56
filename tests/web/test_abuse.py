"""What one session can do to the others: streams and slow questions that would hold every thread, names by the thousand, tables by the dozen."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from livefire import QueryError, Workspace
from livefire.web import interface
from livefire.web.streams import MOST_STREAMS
from tests.web.browser import serving
from tests.web.site import ORIGIN, desk, signed_in

THREADS = 40
"""How many threads anyio's pool has unless told otherwise: https://anyio.readthedocs.io/en/stable/threads.html."""


@pytest.fixture
def served() -> Iterator[tuple[str, Any, dict[str, str]]]:
    with serving(Workspace()) as (address, made):
        session = made.access.open(interface_user())
        yield address, made, {"cookie": f"livefire-{address.rpartition(':')[2]}={session}"}


def interface_user() -> Any:
    from livefire.web.access import User

    return User("mo", "viewer")


def opened(address: str, path: str, headers: dict[str, str]) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), 20)
    told = "".join(f"{name}: {value}\r\n" for name, value in {"host": f"{host}:{port}", **headers}.items())
    line.sendall(f"GET {path} HTTP/1.1\r\n{told}\r\n".encode())
    line.settimeout(20)
    heard = b""
    while b"event: " not in heard:
        heard += line.recv(65536)
    return line


def test_streams_leave_threads_for_pages(served: tuple[str, Any, dict[str, str]]) -> None:
    """More streams than there are threads, each of a job that says nothing: a page is answered all the same."""
    address, made, headers = served
    ends = threading.Event()
    job = made.jobs.begin("quiet", lambda _job: ends.wait(60))
    try:
        with ExitStack() as held:
            for _ in range(THREADS + 10):
                held.enter_context(opened(address, f"/jobs/{job.id}/events", headers))
            began = time.monotonic()
            assert httpx.get(f"{address}/workbench", headers=headers, timeout=30).status_code == 200
            assert time.monotonic() - began < 9  # a stream that held its thread would hold it ten seconds
    finally:
        ends.set()


def test_there_are_only_so_many_streams() -> None:
    from asyncio import run

    from starlette.requests import Request

    from livefire.web.streams import Streams

    streams = Streams(desk())
    scope = {"type": "http", "method": "GET", "path": "/alerts/events", "headers": [], "path_params": {}, "query_string": b""}
    endpoint: Any = next(r for r in streams.routes() if r.path == "/alerts/events").endpoint

    async def open_all() -> list[int]:
        found = []
        for _ in range(MOST_STREAMS + 1):
            answer = await endpoint(Request(scope, receive=never))
            if answer.status_code == 200:
                await anext(answer.body_iterator)
            found.append(answer.status_code)
        return found

    async def never() -> dict[str, Any]:
        return {"type": "http.request"}

    assert run(open_all()) == [200] * MOST_STREAMS + [503]


@pytest.mark.parametrize("path", ["query", "behind", "miss", "check", "stage"])
def test_questions_that_take_a_processor_are_bounded(path: str) -> None:
    """With no place free the answer is E758 at once, and nothing waits in a thread."""
    assert interface.MOST_QUERIES + interface.MOST_READINGS < THREADS
    held = []
    for place in (interface._slots, interface._readings):
        while place.acquire(blocking=False):
            held.append(place)
    asked = {"text": "print 1", "language": "kql", "row": [], "event": "x", "stage": "plan"}
    fields = {"behind": ("row",), "miss": ("event",), "stage": ("stage",)}.get(path, ())
    body = {k: v for k, v in asked.items() if k in ("text", "language", *fields)}
    browser = signed_in(desk())
    try:
        answer = browser.post(f"/api/v1/{path}", json=body, headers={"origin": ORIGIN})
        assert (answer.status_code, answer.json()["code"]) == (503, "E758")
        if path == "query":
            assert browser.post("/workbench", data={"text": "print 1", "language": "kql"}, headers={"origin": ORIGIN}).status_code == 503
    finally:
        for place in held:
            place.release()
    assert browser.post(f"/api/v1/{path}", json=body, headers={"origin": ORIGIN}).status_code != 503


def test_a_list_of_thousands_of_unknown_names_is_judged_in_seconds() -> None:
    """Eight thousand operations that no service has: for each, looking through fifteen thousand names for a near one took twelve milliseconds."""
    ws = Workspace()
    ws.check("AWSCloudTrail | where EventName == 'NoSuchThing'", "kql")
    began = time.process_time()
    found = ws.check("AWSCloudTrail | where EventName in (" + ", ".join(f"'NoSuch{n}'" for n in range(8_000)) + ")", "kql")
    assert sum(d.code == "W620" for d in found) == 8_000
    assert time.process_time() - began < 15


def test_a_range_that_cannot_be_made_whole_is_refused() -> None:
    """2^20 rows are made at most: a longer range would be cut without a word."""
    ws = Workspace()
    assert ws.query("range x from 1 to 1048576 step 1 | count", "kql").rows == [(1048576,)]
    for text in ("range x from 1 to 1048577 step 1 | count", "range x from 1.0 to 1e300 step 1e-300 | count", "range x from 0 to 100000000 step 1 | take 1"):
        with pytest.raises(QueryError) as refusal:
            ws.query(text, "kql")
        assert refusal.value.diagnostics[0].code == "E305"
