"""What machines ask a watch: /metrics for Prometheus, /healthz whether it lives, /readyz whether it keeps up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from livefire.watch.faults import WatchError
from livefire.watch.records import Health
from livefire.watch.sources.push import address

_SECONDS = 10
_BEHIND = 300


class Operations:
    """Serves on this machine only; what it tells is counts and names, never what a log said."""

    def __init__(self, listen: str, health: Callable[[], Health], clock: Callable[[], datetime]) -> None:
        self._server: ThreadingHTTPServer | None = None
        self._listen, self._handler = listen, _handler(health, clock)
        if listen:
            address(listen)

    def open(self) -> None:
        """Take the address; WatchError E701 when it cannot be had."""
        if not self._listen or self._server is not None:
            return
        try:
            self._server = ThreadingHTTPServer(address(self._listen), self._handler)
        except OSError as error:
            raise WatchError("E701", f"{self._listen}: {(error.strerror or str(error)).lower()}") from error
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        """The port it listens on, 0 for none."""
        return int(self._server.server_address[1]) if self._server else 0

    def start(self) -> None:
        """Begin."""
        self.open()
        if self._server is not None:
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="operations", daemon=True).start()

    def stop(self, seconds: float) -> None:
        """End."""
        del seconds
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _handler(health: Callable[[], Health], clock: Callable[[], datetime]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS
        server_version, sys_version = "livefire", ""

        def do_GET(self) -> None:
            """Answer one question."""
            try:
                found = health()
            except WatchError as error:
                self._answer(503, f"{error}\n")
                return
            match self.path:
                case "/metrics":
                    self._answer(200, "".join(metrics(found, clock())))
                case "/healthz":
                    self._answer(200 if found.state == "running" else 503, f"{found.state}\n")
                case "/readyz":
                    late = not_ready(found)
                    self._answer(503 if late else 200, "".join(f"{words}\n" for words in late) or "ready\n")
                case _:
                    self._answer(404, "/metrics, /healthz, /readyz\n")

        def _answer(self, status: int, text: str) -> None:
            data = text.encode("utf-8", "replace")
            self.close_connection = True
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def not_ready(health: Health) -> list[str]:
    """Return why a watch does not keep up, nothing if it does."""
    found = [] if health.state == "running" else [f"the watch is {health.state}"]
    found += [f"source {s.name} is {s.state}" for s in health.sources if s.state != "ok"]
    return found + ([f"{health.waiting} runs are owed"] if health.waiting > _BEHIND else [])


def metrics(health: Health, now: datetime) -> Iterator[str]:
    """Yield the lines of Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
    yield from _metric("livefire_up", "gauge", "1 while a watch runs.", [({}, int(health.state == "running"))])
    since = (now - health.beat).total_seconds() if health.beat else -1
    yield from _metric("livefire_last_sign_of_life_seconds", "gauge", "Since the last round.", [({}, since)])
    yield from _metric("livefire_alerts", "gauge", "Alerts by state.", [({"state": k}, v) for k, v in health.alerts.items()])
    yield from _metric("livefire_incidents", "gauge", "Raised incidents by state.", [({"state": k}, v) for k, v in health.incidents.items()])
    yield from _metric("livefire_runs_owed", "gauge", "Scheduled runs that are due.", [({}, health.waiting)])
    yield from _metric("livefire_gaps_open", "gauge", "Stretches that a rule did not look at.", [({}, len(health.gaps))])
    states = [({"state": s}, sum(r.state == s for r in health.rules)) for s in ("active", "failing", "disabled", "refused")]
    yield from _metric("livefire_rules", "gauge", "Rules by state.", states)
    yield from _metric(
        "livefire_rule_runs_total", "counter", "Runs of a scheduled rule.", [({"rule": r.rule}, r.runs) for r in health.rules if r.mode == "scheduled"]
    )
    yield from _metric(
        "livefire_rule_last_seconds", "gauge", "How long its last run took.", [({"rule": r.rule}, r.last_seconds) for r in health.rules if r.runs]
    )
    for name in ("files", "records", "stored", "quarantined"):
        yield from _metric(
            f"livefire_source_{name}_total", "counter", f"{name.capitalize()} of a source.", [({"source": s.name}, getattr(s, name)) for s in health.sources]
        )
    yield from _metric("livefire_source_ok", "gauge", "1 while a source can be read.", [({"source": s.name}, int(s.state == "ok")) for s in health.sources])
    for name in ("waiting", "dead"):
        yield from _metric(f"livefire_sink_{name}", "gauge", f"Messages of a sink: {name}.", [({"sink": s.name}, getattr(s, name)) for s in health.sinks])
    yield from _metric("livefire_lake_version", "gauge", "The ingest sequence of a log source.", [({"log": k}, v) for k, v in health.versions.items()])


def _metric(name: str, kind: str, help: str, values: Sequence[tuple[dict[str, str], float]]) -> Iterator[str]:
    if values:
        yield f"# HELP {name} {help}\n# TYPE {name} {kind}\n"
    for labels, value in values:
        listed = ",".join(f'{k}="{_label(v)}"' for k, v in labels.items())
        yield f"{name}{{{listed}}} {value}\n" if listed else f"{name} {value}\n"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
