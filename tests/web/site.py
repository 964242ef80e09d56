"""A server to ask in tests: its gate, a signed-in client, and a lake of events written for them."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from livefire import Workspace
from livefire.detections.evidence import acts_of
from livefire.web.desk import Desk
from livefire.web.guard import App
from livefire.web.serving import Place, make_app, make_desk
from tests.cli.logs import record

PORT = 8765
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"


def lake(folder: Path, records: int = 5) -> Path:
    """Make a lake with some CloudTrail events and return its folder."""
    logs = folder / "logs.json"
    logs.write_text(json.dumps({"Records": [record(n) for n in range(records)]}), encoding="utf-8")
    Workspace(folder / "lake").ingest(logs)
    return folder / "lake"


def desk(folder: Path | None = None, place: Place | None = None, *, published: Path | None = None, audit: Path | None = None) -> Desk:
    """Return what a server's pages work with."""
    return of(Workspace(folder), place, published=published, audit=audit)


def of(ws: Workspace, place: Place | None = None, *, published: Path | None = None, audit: Path | None = None) -> Desk:
    """Return what a server's pages work with over a workspace."""
    return make_desk(ws, place=place or Place(port=PORT), published=published, audit=audit)


def client(app: App) -> TestClient:
    """Return a browser that nobody has signed in."""
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


def signed_in(made: Desk, place: Place | None = None) -> TestClient:
    """Return a browser of the owner."""
    browser = client(make_app(made, place or Place(port=PORT)))
    answer = browser.get("/login", params={"token": made.access.issue()})
    assert answer.status_code == 303
    return browser


def with_alerts(folder: Path, raw: list[dict[str, Any]], *, title: str = "Copied", rule: str = "T1578.001/snapshot-created", each: int = 1) -> Workspace:
    """Return a workspace over a lake of these CloudTrail records, with one alert for `each` so many records, as a rule would have found it.

    The same lake is made once and copied: most tests begin with the same one.
    """
    key = json.dumps([raw, title, rule, each])
    if key not in _MADE:
        _MADE[key] = Path(tempfile.mkdtemp(prefix="livefire-", dir=_scratch())) / "lake"
        _make(_MADE[key], raw, title, rule, each)
    shutil.copytree(_MADE[key], folder / "lake")
    return Workspace(folder / "lake")


_MADE: dict[str, Path] = {}


@cache
def _scratch() -> str:
    """Return a folder that goes when the tests end."""
    folder = tempfile.TemporaryDirectory(prefix="livefire-lakes-")
    atexit.register(folder.cleanup)
    return folder.name


def _make(lake: Path, raw: list[dict[str, Any]], title: str, rule: str, each: int) -> None:
    from livefire.watch.alerts import Alerting, Judged
    from livefire.watch.config import Config

    logs = lake.parent / "logs.json"
    logs.write_text(json.dumps({"Records": raw}), encoding="utf-8")
    ws = Workspace(lake)
    assert ws.ingest(logs).stored == len(raw)
    names = [f"aws_cloudtrail/{r['eventID']}" for r in raw]
    acts = acts_of(names, ws.bench())
    found = []
    for at in range(0, len(names), each):
        group, own = names[at : at + each], raw[at : at + each]
        last = acts[max(group, key=lambda n: (acts[n].time, n))]
        row = {"Actor": last.actor, **{f"{n} {r['userAgent'][:80] or 'x'}": r["userIdentity"]["userName"] for n, r in enumerate(own)}}
        mark = hashlib.sha256("".join(group).encode()).hexdigest()
        times = [acts[n].time for n in group]
        found.append(Judged(mark, rule, title, "high", 70, "kql", min(times), max(times), last, tuple(group), {**row, "UserAgent": own[-1]["userAgent"]}))
    state = ws.state()
    with state.ledger.writing() as connection:
        assert Alerting(Config(lake="lake"), state.outbox).keep(connection, found, datetime(2026, 3, 3, tzinfo=UTC)) == len(found)
