"""Every route there is, named with who may ask for it: a new one fails the first test until somebody says so here."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from livefire.web.access import User
from livefire.web.desk import Desk
from livefire.web.serving import Place, _routes
from tests.web.site import ORIGIN, PORT, client, desk, signed_in

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
ANYBODY = {"GET /static", "GET /login", "POST /logout"}
VIEWER = {
    "POST /workbench",
    "POST /jobs/{name}/stop",
    "POST /api/v1/check",
    "POST /api/v1/query",
    "POST /api/v1/stop",
    "POST /api/v1/behind",
    "POST /api/v1/stage",
    "POST /api/v1/miss",
    "POST /api/v1/translate",
    "POST /api/v1/rehearse",
    "POST /api/v1/backtest",
    "POST /api/v1/jobs/{name}/stop",
    "POST /api/v1/exceptions/effect",
    "POST /api/{rest:path}",
    "DELETE /api/{rest:path}",
}
"""What changes nothing that is kept: questions, and the end of one's own work. Every other POST and DELETE needs an editor."""
SHOWN = {
    "/": "pages",
    "/techniques/{name}": "catalogue",
    "/detections/{name:path}": "catalogue",
    "/rules/{name:path}": "catalogue",
    "/chains/{name:path}": "catalogue",
    "/emulations/{name:path}": "catalogue",
    "/published": "catalogue",
    "/published/{name}": "catalogue",
    "/jobs/{name}": "pages",
    "/jobs/{name}/events": "JSON",
    "/workbench": "pages",
    "/alerts": "pages",
    "/alerts/events": "JSON",
    "/alerts/{name}": "pages",
    "/alerts/{name}/around": "pages",
    "/alerts/{name}/risk": "pages",
    "/alerts/{name}/case": "files",
    "/incidents/{number}": "pages",
    "/hunt": "pages",
    "/hunt/chains/{name}": "pages",
    "/health": "pages",
    "/{rest:path}": "says that there is no such page",
}
"""Pages by what is in them: `pages` and `files` show what logs say and are gone through with hostile strings in test_browser and test_hostile."""


@pytest.fixture(scope="module")
def made() -> Desk:
    return desk()


def named(made: Desk) -> dict[str, str]:
    """Return every route as `METHOD /path` with an address of it."""
    found = {}
    for route in _routes(made, Place(port=PORT)):
        if isinstance(route, Mount):
            found[f"GET {route.path}"] = f"{route.path}/livefire.css"
            continue
        assert isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            address = route.path.replace("{rest:path}", "x").replace(":path}", "}")
            for part in ("name", "number", "language", "source", "id"):
                address = address.replace(f"{{{part}}}", "1")
            found[f"{method} {route.path}"] = address
    return found


def test_every_page_is_named(made: Desk) -> None:
    pages = {name.removeprefix("GET ") for name in named(made) if name.startswith("GET ") and "/api/" not in name}
    assert pages - {"/static", "/login"} == SHOWN.keys()
    assert VIEWER | ANYBODY <= named(made).keys()


def sent(browser: TestClient, name: str, address: str, **headers: str) -> int:
    method = name.partition(" ")[0]
    kind = JSON if address.startswith("/api/") else FORM
    body = b"" if method == "GET" else b"{}" if address.startswith("/api/") else b"a=b"
    return int(browser.request(method, address, content=body, headers={**({} if method == "GET" else kind), **headers}).status_code)


def test_nobody_gets_past_the_sign_in(made: Desk) -> None:
    browser = client(browser_app(made))
    for name, address in named(made).items():
        if name in ANYBODY or address.endswith("/events"):
            continue
        status = sent(browser, name, address, origin=ORIGIN)
        assert status == (303 if name.startswith("GET ") and not address.startswith("/api/") else 401), name


def test_a_viewer_changes_nothing(made: Desk) -> None:
    browser, seen = client(browser_app(made)), 0
    browser.cookies.set(f"livefire-{PORT}", made.access.open(User("mo", "viewer")))
    before = len(made.jobs.listed())
    for name, address in named(made).items():
        if name.startswith("GET ") or name in VIEWER | ANYBODY:
            continue
        seen += 1
        assert sent(browser, name, address, origin=ORIGIN) == 403, name
    assert seen >= 15
    assert len(made.jobs.listed()) == before


def test_another_site_changes_nothing_anywhere(made: Desk) -> None:
    browser = signed_in(made)
    for name, address in named(made).items():
        if name.startswith("GET "):
            continue
        for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {}):
            assert sent(browser, name, address, **headers) == 403, f"{name} {headers}"


def test_no_answer_is_kept_by_a_browser_or_a_proxy(made: Desk) -> None:
    browser = signed_in(made)
    for name, address in named(made).items():
        if name.startswith("GET ") and not address.endswith(("/events", "/histogram")):
            assert browser.get(address).headers["cache-control"] == "no-store", name


def browser_app(made: Desk) -> Any:
    from livefire.web.serving import make_app

    return make_app(made, Place(port=PORT))
