"""Sources that logs are pushed into: HTTP and standard input. What was acknowledged is on disk."""

from __future__ import annotations

import hashlib
import hmac
import os
import select
import threading
import uuid
from collections.abc import Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from livefire.watch import config as c
from livefire.watch.faults import WatchError
from livefire.watch.sinks.base import Services
from livefire.watch.sources.base import Batch, Spool

_SECONDS = 30
_MOST_TOKEN = 4_096
_FULL_FILES = 2_000
_CHUNK = 1 << 20
_STDIN = 0


class _Spooled:
    """What both kinds share: files in a spool."""

    def __init__(self, spool: Path) -> None:
        self._spool = Spool(spool)

    def done(self, batch: Batch) -> None:
        """Remove what the lake has."""
        self._spool.drop(batch.paths)


class Push(_Spooled):
    """Takes `POST /ingest` with NDJSON or JSON (also gzip) of at most `most_bytes`.

    204 says that the body is on disk and will be in the lake; the same body again is the same file. 401 is a wrong token, 413 too
    large, 411 no length, 503 that the spool is full: try again later.
    """

    kind = "http"

    def __init__(self, said: c.Http, services: Services, spool: Path) -> None:
        super().__init__(spool)
        self.name, self.source = said.name, said.source
        self._said, self._services = said, services
        self._server: ThreadingHTTPServer | None = None

    def start(self, taken: Mapping[str, str]) -> None:
        """Listen."""
        del taken
        self._spool.start()
        tokens = [hashlib.sha256(self._services.secret(t).encode()).digest() for t in self._said.tokens]
        if not tokens:
            raise WatchError("E708", f"the source {self.name} needs a token: whoever may write to it may write logs")
        host, port = address(self._said.listen)
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(self._spool, tokens, self._said.most_bytes))
        except OSError as error:
            raise WatchError("E708", f"the source {self.name} cannot listen on {self._said.listen}: {(error.strerror or str(error)).lower()}") from error
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name=f"source {self.name}", daemon=True).start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1]) if self._server else 0

    def poll(self, now: datetime, most: int) -> Batch:
        """Return bodies that wait."""
        del now
        return Batch(self._spool.waiting(most))

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def address(listen: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:8088`; WatchError E701 for another text, or for one that is open to a network."""
    host, _, port = listen.rpartition(":")
    if host not in ("127.0.0.1", "localhost", "::1", "[::1]"):
        raise WatchError("E701", f"{listen}: without TLS only this machine may be listened to; put a proxy that speaks TLS before 127.0.0.1")
    if not port.isdecimal() or int(port) > 65_535:
        raise WatchError("E701", f"{listen}: write HOST:PORT, such as 127.0.0.1:8088")
    return host.strip("[]"), int(port)


def _handler(spool: Spool, tokens: list[bytes], most: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS
        server_version, sys_version = "livefire", ""

        def do_POST(self) -> None:
            """Take one body."""
            self._answer(self._take())

        def _take(self) -> int:
            said = self.headers.get("Authorization", "")[:_MOST_TOKEN]
            given = hashlib.sha256(said.removeprefix("Bearer ").encode("utf-8", "replace")).digest()
            known = sum(hmac.compare_digest(given, token) for token in tokens)  # every one is compared, whichever fits
            if not said.startswith("Bearer ") or not known:
                return 401
            if self.path != "/ingest":
                return 404
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal():
                return 411
            if int(length) > most:
                return 413
            if len(spool.waiting(_FULL_FILES)) >= _FULL_FILES:
                return 503
            body = self.rfile.read(int(length))
            if len(body) != int(length):
                return 400
            try:
                spool.put(f"{hashlib.sha256(body).hexdigest()}.log", body)
            except OSError:
                return 503
            return 204

        def _answer(self, status: int) -> None:
            self.close_connection = True
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            if status == 503:
                self.send_header("Retry-After", "5")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: paths are what senders choose."""

    return Handler


class Lines(_Spooled):
    """Lines of JSON on standard input, put on disk as they come. What a crash finds in the pipe is lost: a pipe cannot be asked again."""

    kind = "stdin"

    def __init__(self, said: c.Stdin, spool: Path) -> None:
        super().__init__(spool)
        self.name, self.source = said.name, said.source
        self._rest = b""
        self._ended = False

    def start(self, taken: Mapping[str, str]) -> None:
        """Make the spool."""
        del taken
        self._spool.start()

    def poll(self, now: datetime, most: int) -> Batch:
        """Return what came in whole lines."""
        parts, size = [self._rest], len(self._rest)
        while not self._ended and size < 16 * _CHUNK and select.select([_STDIN], [], [], 0)[0]:
            data = os.read(_STDIN, _CHUNK)
            self._ended = not data
            parts.append(data)
            size += len(data)
        whole = b"".join(parts)
        cut = len(whole) if self._ended else whole.rfind(b"\n") + 1
        self._rest = whole[cut:]
        if whole[:cut].strip():
            self._spool.put(f"{now:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.jsonl", whole[:cut])
        return Batch(self._spool.waiting(most))

    def close(self) -> None:
        """Nothing is held."""
