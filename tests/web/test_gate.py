"""Who is let in: hosts, origins, methods, kinds of body, cookies, tokens, users of a proxy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from livefire import QueryError
from livefire.web.access import Access, Proxy
from livefire.web.desk import Desk
from livefire.web.guard import MOST_BODY, POLICY
from livefire.web.serving import Place, make_app
from livefire.web.tokens import program_digest
from tests.web.site import HOST, ORIGIN, PORT, client, desk, signed_in

FORM = {"content-type": "application/x-www-form-urlencoded"}
PROVE = "/detections/T1578.002/instance-created/prove"
# What a name that was made to point at this machine, or a mistyped one, puts into Host.
STRANGE_HOSTS = [
    "evil.example",
    f"evil.example:{PORT}",
    f"127.0.0.1.evil.example:{PORT}",
    f"localhost.evil.example:{PORT}",
    "127.0.0.1",
    "localhost",
    f"127.0.0.1:{PORT + 1}",
    f"0.0.0.0:{PORT}",
    f"127.1:{PORT}",
    f"2130706433:{PORT}",
    f"[::]:{PORT}",
    f"user@127.0.0.1:{PORT}",
    f"127.0.0.1:{PORT}.evil.example",
    f"127.0.0.1:{PORT},evil.example",
    "",
]
ELSEWHERE: list[dict[str, str]] = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": f"https://127.0.0.1:{PORT}"},
    {"origin": f"http://127.0.0.1:{PORT + 1}"},
    {"origin": f"http://localhost:{PORT}"},
    {"origin": f"http://127.0.0.1:{PORT}.evil.example"},
    {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    {"origin": ORIGIN, "sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    {},
]


@pytest.fixture(scope="module")
def made() -> Desk:
    return desk()


@pytest.fixture(scope="module")
def owner(made: Desk) -> TestClient:
    return signed_in(made)


@pytest.mark.parametrize("host", STRANGE_HOSTS)
def test_another_host_is_not_answered(owner: TestClient, host: str) -> None:
    assert owner.get("/login", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"])
def test_own_names_are_answered(owner: TestClient, host: str) -> None:
    """401 is the page that asks for a sign-in: the request came through the gate."""
    assert owner.get("/login", headers={"host": host}).status_code == 401


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
@pytest.mark.parametrize("path", [PROVE, "/logout"])
def test_what_another_site_sends_changes_nothing(owner: TestClient, made: Desk, headers: dict[str, str], path: str) -> None:
    before = len(made.jobs.listed())
    assert owner.post(path, headers={**FORM, **headers}).status_code == 403
    assert len(made.jobs.listed()) == before
    assert owner.get("/jobs/none").status_code == 404  # still signed in: 303 leads to the sign-in otherwise


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
def test_another_site_reads_nothing(owner: TestClient, site: str, mode: str) -> None:
    assert owner.get("/", headers={"sec-fetch-site": site, "sec-fetch-mode": mode}).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "OPTIONS", "CONNECT", "PROPFIND"])
def test_other_methods_are_not_answered(owner: TestClient, method: str) -> None:
    assert owner.request(method, "/", headers={"origin": ORIGIN}).status_code == 405


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/json", ""])
def test_forms_of_another_kind_are_not_read(owner: TestClient, kind: str) -> None:
    assert owner.post(PROVE, content=b"a=b", headers={"origin": ORIGIN, "content-type": kind}).status_code == 415


def test_a_long_body_is_not_read(owner: TestClient) -> None:
    assert owner.post(PROVE, content=b"a" * (MOST_BODY + 1), headers={"origin": ORIGIN, **FORM}).status_code == 413


def test_a_form_of_very_many_fields_is_not_read(owner: TestClient) -> None:
    answer = owner.post("/workbench", content=b"&".join(b"a%d=1" % n for n in range(3_000)), headers={"origin": ORIGIN, **FORM})
    assert answer.status_code == 413
    assert "E755" in answer.text


@pytest.mark.parametrize("name", ["owner", "Program", "nobody", "a\u202eb", "x" * 201, ""])
def test_a_proxy_cannot_name_somebody_as_this_server_does(name: str) -> None:
    """Who `owner` is in the audit log, and whose runs `program` may stop, this server says alone."""
    access = Access(Proxy("x-user", frozenset({"192.0.2.1"}), frozenset({name})))
    assert access.of_proxy("192.0.2.1", {"x-user": [name]}) is None
    assert access.of_proxy("192.0.2.1", {"x-user": ["ana"]}) is not None


def test_signing_out_stands_in_the_audit_log(made: Desk) -> None:
    browser = signed_in(made)
    assert browser.post("/logout", headers={"origin": ORIGIN, **FORM}).status_code == 303
    assert (made.audit.latest()[0]["user"], made.audit.latest()[0]["action"]) == ("owner", "signed out")


def test_a_websocket_is_closed(made: Desk) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client(make_app(made, Place(port=PORT))).websocket_connect("/"):
        pass


@pytest.mark.parametrize(
    "path", ["/", "/techniques/T1578", "/detections/T1578.002/instance-created", "/rules/T1578.002/instance-created/sentinel.kql", "/jobs/x"]
)
def test_nobody_sees_a_page(made: Desk, path: str) -> None:
    answer = client(make_app(made, Place(port=PORT))).get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")


def test_an_address_signs_in_once(made: Desk) -> None:
    secret = made.access.issue()
    first, second = (client(make_app(made, Place(port=PORT))) for _ in range(2))
    answer = first.get("/login", params={"token": secret})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert cookie.startswith(f"livefire-{PORT}=")
    assert second.get("/login", params={"token": secret}).status_code == 401
    assert first.get("/").status_code == 200
    assert second.get("/").status_code == 303


def test_tokens_have_256_bits_and_are_not_kept() -> None:
    """43 characters of base64 hold 258 bits; `token_urlsafe(32)` fills 256 of them."""
    access = Access()
    secret = access.issue()
    assert re.fullmatch(r"[\w-]{43}", secret)
    session = access.redeem(secret)
    assert session is not None
    assert re.fullmatch(r"[\w-]{43}", session)
    assert secret not in repr(access)
    assert session not in repr(access)


def test_a_session_ends_when_it_is_asked_to(made: Desk) -> None:
    browser = signed_in(made)
    kept = browser.cookies[f"livefire-{PORT}"]
    assert browser.post("/logout", headers={"origin": ORIGIN, **FORM}).status_code == 303
    browser.cookies.set(f"livefire-{PORT}", kept)
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(made: Desk, target: str) -> None:
    answer = client(make_app(made, Place(port=PORT))).get("/login", params={"token": made.access.issue(), "next": target})
    assert answer.headers["location"] == "/"


def test_every_answer_has_the_policy(owner: TestClient) -> None:
    for path in ("/", "/login", "/static/livefire.css", "/nothing", "/rules/T1578.002/instance-created/sentinel.kql"):
        headers = owner.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self';")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../serving.py",
        "/static/%2e%2e/serving.py",
        "/static/..%2fserving.py",
        "/static/%2e%2e%2f%2e%2e%2fpyproject.toml",
        "/static//etc/passwd",
        "/static/....//serving.py",
        "/rules/../../../../etc/passwd",
        "/rules/T1578.002/instance-created/../../../../detection.toml",
        "/rules/T1578.002/instance-created/detection.toml",
        "/rules/T1578.002/instance-created/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/published/..%2f..%2fetc%2fpasswd",
        "/emulations/..%2f..%2fetc",
        "/chains/../../../etc/passwd",
        "/jobs/..%2f..",
    ],
)
def test_no_path_leads_out(owner: TestClient, path: str) -> None:
    answer = owner.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "import " not in answer.text


def test_an_open_address_needs_a_proxy() -> None:
    for host in ("0.0.0.0", "192.0.2.4", "::", "example.org"):  # noqa: S104 - what is refused
        with pytest.raises(QueryError) as refusal:
            Place(host).check()
        assert refusal.value.diagnostics[0].code == "E759"
    Place("192.0.2.4", proxy=Proxy("x-user", frozenset({"192.0.2.1"}), frozenset())).check()
    Place("::1").check()


def test_a_proxy_vouches_for_users() -> None:
    """Starlette's test client connects from `testclient`."""
    proxy = Proxy("X-User", frozenset({"testclient"}), frozenset({"ana"}))
    place = Place(port=PORT, proxy=proxy)
    made = desk(place=place)
    browser = client(make_app(made, place))
    assert browser.get("/").status_code == 303
    assert browser.get("/", headers={"x-user": "mo"}).status_code == 200
    assert browser.post(PROVE, headers={"origin": ORIGIN, "x-user": "mo", **FORM}).status_code == 403
    assert made.audit.latest()[0] | {"time": ""} == {"time": "", "user": "mo", "action": "refused", "path": PROVE}
    assert browser.post("/detections/none/prove", headers={"origin": ORIGIN, "x-user": "ana", **FORM}).status_code == 404
    assert browser.get("/", headers=[("x-user", "mo"), ("x-user", "ana")]).status_code == 303


def test_others_cannot_say_who_they_are() -> None:
    place = Place(port=PORT, proxy=Proxy("X-User", frozenset({"192.0.2.9"}), frozenset({"ana"})))
    assert client(make_app(desk(place=place), place)).get("/", headers={"x-user": "ana"}).status_code == 303


def test_a_token_of_programs_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    digest = program_digest(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Access(program=digest).of_program(path.read_text().strip()) is not None
    assert Access(program=digest).of_program("no") is None
    assert Access().of_program("") is None
    path.chmod(0o640)
    with pytest.raises(QueryError, match="E760"):
        program_digest(path)


def test_the_audit_log_is_for_its_owner_alone_and_a_line_an_entry(tmp_path: Path) -> None:
    from livefire.web.audit import Audit

    path = tmp_path / "web" / "audit.jsonl"
    Audit(path).note('mo\n{"user": "ana"}', "prove", detection="a\r\nb\x1b[2J")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    lines = path.read_bytes().splitlines()
    assert len(lines) == 1
    assert b"\x1b" not in lines[0]
    assert json.loads(lines[0])["user"] == 'mo\n{"user": "ana"}'


def test_guesses_at_an_address_do_not_fill_the_audit_log() -> None:
    """Anybody who reaches the port may guess; twenty a minute are written down, and the last says that there may be more."""
    made = desk()
    browser = client(make_app(made, Place(port=PORT)))
    for n in range(60):
        assert browser.get("/login", params={"token": f"guess{n}"}).status_code == 401
    noted = [e for e in made.audit.latest() if e["action"] == "refused sign-in"]
    assert len(noted) == 20
    assert "more" in noted[0]["then"]
