"""What pages follow as it happens: server-sent events of jobs and of the queue.

A stream holds no thread while nothing happens, and there are only so many: whoever opens hundreds keeps nobody else waiting.
"""

from __future__ import annotations

import json
from asyncio import Lock, sleep
from collections.abc import AsyncIterator, Callable
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from livefire import Workspace
from livefire.web.desk import Desk

MOST_STREAMS = 200
LIVE_SECONDS = 3.0
_LOOK_SECONDS = 0.15
_HERE_SECONDS = 10.0


class Streams:
    """The streams of one server, and what the queue's share: one look at the queue serves them all."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open = 0
        self._lock = Lock()
        self._queue: tuple[int, int] = (0, 0)
        self._looked = float("-inf")

    def routes(self) -> list[Route]:
        """Return the routes of the streams."""
        return [Route("/jobs/{name}/events", self._bounded(self._job), methods=["GET"]), Route("/alerts/events", self._bounded(self._alerts), methods=["GET"])]

    def _bounded(self, stream: Callable[[Request], AsyncIterator[bytes] | None]) -> Callable[[Request], object]:
        async def answer(request: Request) -> Response:
            found = stream(request)
            if found is None:
                return Response(status_code=404)
            if self._open >= MOST_STREAMS:
                return Response(status_code=503)
            return StreamingResponse(self._counted(found), media_type="text/event-stream")

        return answer

    async def _counted(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self._open += 1
        try:
            async for part in stream:
                yield part
        finally:
            self._open -= 1

    def _job(self, request: Request) -> AsyncIterator[bytes] | None:
        try:
            job = self._desk.jobs.find(request.path_params["name"])
        except KeyError:
            return None

        async def stream() -> AsyncIterator[bytes]:
            version, said = -1, monotonic()
            while not await request.is_disconnected():
                standing = job.wait(version, 0)
                if int(standing["version"]) != version:
                    version, said = int(standing["version"]), monotonic()
                    standing["doing"] = Workspace.harmless(str(standing["doing"]))
                    yield f"event: standing\ndata: {json.dumps(standing)}\n\n".encode()
                    if standing["state"] != "running":
                        return
                elif monotonic() - said > _HERE_SECONDS:
                    said = monotonic()
                    yield b": here\n\n"
                await sleep(_LOOK_SECONDS)

        return stream()

    def _alerts(self, request: Request) -> AsyncIterator[bytes]:
        async def stream() -> AsyncIterator[bytes]:
            known: tuple[int, int] | None = None
            while not await request.is_disconnected():
                now = await self._counts()
                if known is not None and now != known:
                    yield f"event: queue\ndata: {now[1]}\n\n".encode()
                else:
                    yield b": here\n\n"
                known = now
                await sleep(LIVE_SECONDS)

        return stream()

    async def _counts(self) -> tuple[int, int]:
        """Return how many alerts there are and how many are open, as they stood within the last moments."""
        async with self._lock:
            if monotonic() - self._looked > LIVE_SECONDS / 2:
                found = await run_in_threadpool(self._desk.workspace.queue, limit=0)
                self._queue, self._looked = (int(found["total"]), int(found["open"])), monotonic()
        return self._queue
