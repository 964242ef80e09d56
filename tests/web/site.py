"""A server to ask in tests: its gate, a signed-in client, and a lake of events written for them."""

from __future__ import annotations

import json
from pathlib import Path

from starlette.testclient import TestClient

from livefire import Workspace
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
    return make_desk(Workspace(folder), place=place or Place(port=PORT), published=published, audit=audit)


def client(app: App) -> TestClient:
    """Return a browser that nobody has signed in."""
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


def signed_in(made: Desk, place: Place | None = None) -> TestClient:
    """Return a browser of the owner."""
    browser = client(make_app(made, place or Place(port=PORT)))
    answer = browser.get("/login", params={"token": made.access.issue()})
    assert answer.status_code == 303
    return browser
