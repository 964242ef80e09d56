"""Signing in by OpenID Connect, against a provider that is honest and against ones that are not."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from livefire import QueryError, Workspace
from livefire.web import oidc
from livefire.web.desk import Desk
from livefire.web.oidc import Provider, Settings, SignInError, read_provider, trusted
from livefire.web.serving import Place, make_app, make_desk
from tests.web.provider import CLIENT, CODE, SECRET, Fake, Served, serving
from tests.web.site import ORIGIN, PORT, client

ANSWER = {"code": CODE}
COOKIE = f"livefire-{PORT}"
CROSS = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.fixture
def fake(served: Served) -> Fake:
    return served.fresh()


@pytest.fixture
def made(fake: Fake) -> Desk:
    settings = Settings(issuer=fake.address, client_id=CLIENT, editors=("soc",), viewers=("guests",))
    return make_desk(Workspace(), place=Place(port=PORT), provider=Provider(settings, SECRET, f"{ORIGIN}/login/oidc"))


@pytest.fixture
def browser(made: Desk) -> TestClient:
    return client(make_app(made, Place(port=PORT)))


def begin(browser: TestClient, fake: Fake, target: str = "/health") -> dict[str, str]:
    """Follow the link of the page and return what the provider is asked."""
    answer = browser.get("/login/oidc/start", params={"next": target})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{fake.address}/authorize?")
    return fake.authorize(answer.headers["location"])


def come_back(browser: TestClient, **said: str) -> Any:
    return browser.get(f"/login/oidc?{urlencode(said)}", headers=CROSS)


def test_a_user_is_signed_in_and_goes_where_they_wanted_to(browser: TestClient, fake: Fake, made: Desk) -> None:
    assert browser.get("/health").headers["location"] == "/login?next=/health"
    assert 'href="/login/oidc/start?next=/health"' in browser.get("/login?next=/health").text
    asked = begin(browser, fake)
    assert (asked["response_type"], asked["client_id"], asked["redirect_uri"]) == ("code", CLIENT, f"{ORIGIN}/login/oidc")
    assert "openid" in asked["scope"].split()
    assert asked["code_challenge_method"] == "S256"
    answer = come_back(browser, state=asked["state"], **ANSWER)
    assert answer.status_code == 200
    assert 'content="0;url=/health"' in answer.text
    cookies = answer.headers.get_list("set-cookie")
    session = next(c for c in cookies if c.startswith(f"{COOKIE}="))
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    assert browser.get("/health").status_code == 200
    assert made.audit.latest()[0] == {"time": made.audit.latest()[0]["time"], "user": "ana", "action": "signed in", "role": "editor"}
    sent = next(form for path, form, _ in fake.asked if path == "/token")
    assert len(sent["code_verifier"]) >= 43
    assert "client_secret" not in sent
    basic = next(said for path, _, said in fake.asked if path == "/token").removeprefix("Basic ")
    assert base64.b64decode(basic).decode() == f"{CLIENT}:{SECRET}"


@pytest.mark.parametrize(
    ("claims", "claim", "editor"),
    [
        ({"groups": ["soc", "all"]}, "groups", True),
        ({"groups": "soc"}, "groups", True),
        ({"groups": ["guests"]}, "groups", False),
        ({"realm_access": {"roles": ["soc"]}}, "realm_access.roles", True),
        ({"https://example.org/roles": ["soc"]}, "https://example.org/roles", True),
        ({"groups": ["society"]}, "groups", None),
        ({"groups": {"soc": True}}, "groups", None),
        ({}, "groups", None),
        ({"realm_access": ["soc"]}, "realm_access.roles", None),
    ],
)
def test_what_a_user_may_do_stands_in_a_claim(browser: TestClient, fake: Fake, made: Desk, claims: dict[str, Any], claim: str, editor: bool | None) -> None:
    assert made.provider is not None
    made.provider.settings = msgspec.structs.replace(made.provider.settings, claim=claim)
    fake.claims = {"sub": "7", "preferred_username": "ana", **claims}
    answer = come_back(browser, state=begin(browser, fake)["state"], **ANSWER)
    assert answer.status_code == (401 if editor is None else 200)
    if editor is None:
        assert "no part here" in answer.text
        assert browser.get("/health").status_code == 303
        return
    changed = browser.post("/api/v1/alerts/look", json={}, headers={"origin": ORIGIN})
    assert changed.status_code == (200 if editor else 403)


def test_everybody_looks_where_no_viewers_are_named(browser: TestClient, fake: Fake, made: Desk) -> None:
    assert made.provider is not None
    made.provider.settings = msgspec.structs.replace(made.provider.settings, viewers=())
    fake.claims = {"sub": "7"}
    assert come_back(browser, state=begin(browser, fake)["state"], **ANSWER).status_code == 200
    assert made.audit.latest()[0]["user"] == "7"
    assert made.audit.latest()[0]["role"] == "viewer"


FORGED: dict[str, Callable[[Fake], object]] = {
    "of another issuer": lambda f: f.forged.update(iss="https://evil.example"),
    "for another client": lambda f: f.forged.update(aud="other"),
    "for several, and made for another": lambda f: f.forged.update(aud=[CLIENT, "other"], azp="other"),
    "of another sign-in": lambda f: f.forged.update(nonce="replayed"),
    "of no sign-in": lambda f: f.forged.update(nonce=None),
    "over": lambda f: f.forged.update(exp=int(time.time()) - 3600),
    "without an end": lambda f: f.forged.update(exp=None),
    "not yet": lambda f: f.forged.update(nbf=int(time.time()) + 3600),
    "without a subject": lambda f: f.forged.update(sub=None),
    "for another access token": lambda f: f.forged.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "signed by another key": lambda f: setattr(f, "published", RSAKey.generate_key(2048, {"kid": "1"})),
    "of a name that is this server's own": lambda f: f.claims.update(preferred_username=" Owner"),
    "of a name that hides": lambda f: f.claims.update(preferred_username="a\u202eb", email="x\ny", sub="\u200b"),
}


@pytest.mark.parametrize("how", FORGED)
def test_an_id_token_that_does_not_hold_signs_nobody_in(browser: TestClient, fake: Fake, made: Desk, how: str) -> None:
    FORGED[how](fake)
    answer = come_back(browser, state=begin(browser, fake)["state"], **ANSWER)
    assert (answer.status_code, COOKIE in browser.cookies) == (401, False)
    assert browser.get("/health").status_code == 303
    assert made.audit.latest()[0]["action"] == "refused sign-in"


@pytest.mark.parametrize("token", ["x", "", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3In0.", None, 7], ids=str)
def test_what_is_no_signed_token_signs_nobody_in(browser: TestClient, fake: Fake, monkeypatch: pytest.MonkeyPatch, token: Any) -> None:
    asked = begin(browser, fake)
    said = fake.said
    monkeypatch.setattr(fake, "said", lambda path, form: (200, {"access_token": "x", "id_token": token}) if path == "/token" else said(path, form))
    assert come_back(browser, state=asked["state"], **ANSWER).status_code == 401


def test_a_symmetric_signature_with_the_public_key_signs_nobody_in(browser: TestClient, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old confusion: HS256 keyed with what everybody can read."""
    import hashlib
    import hmac
    import json

    asked = begin(browser, fake)
    public = fake.key.as_pem(private=False)

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"iss": fake.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], "sub": "7", "groups": ["soc"]}
    body = f"{part({'alg': 'HS256', 'kid': '1'})}.{part(claims)}"
    sign = base64.urlsafe_b64encode(hmac.new(public, body.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    said = fake.said
    monkeypatch.setattr(fake, "said", lambda path, form: (200, {"access_token": "x", "id_token": f"{body}.{sign}"}) if path == "/token" else said(path, form))
    assert come_back(browser, state=asked["state"], **ANSWER).status_code == 401


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(browser: TestClient, fake: Fake, made: Desk) -> None:
    asked = begin(browser, fake)
    thief = client(make_app(made, Place(port=PORT)))
    assert come_back(thief, state=asked["state"], **ANSWER).status_code == 401  # a victim led to the attacker's own answer
    assert come_back(browser, state="another", **ANSWER).status_code == 401
    assert come_back(browser, state=asked["state"], **ANSWER).status_code == 401  # the first answer used it up
    asked = begin(browser, fake)
    assert come_back(browser, state=asked["state"], iss="https://evil.example", **ANSWER).status_code == 401
    asked = begin(browser, fake)
    assert come_back(browser, state=asked["state"], error="access_denied", **ANSWER).status_code == 401
    asked = begin(browser, fake)
    assert come_back(browser, state=asked["state"], code="another").status_code == 401
    asked = begin(browser, fake)
    assert come_back(browser, state=asked["state"], iss=fake.address, **ANSWER).status_code == 200
    assert come_back(browser, state=asked["state"], **ANSWER).status_code == 401


def test_a_sign_in_ends_after_ten_minutes(browser: TestClient, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = begin(browser, fake)
    later = time.monotonic() + 601
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert come_back(browser, state=asked["state"], **ANSWER).status_code == 401


def test_sign_ins_that_nobody_ends_do_not_pile_up(made: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "MOST_PENDING", 5)
    assert made.provider is not None
    for _ in range(12):
        made.provider.begin("/")
    assert len(made.provider._pending) == 5


def test_new_keys_of_the_provider_are_fetched(browser: TestClient, fake: Fake) -> None:
    assert come_back(browser, state=begin(browser, fake)["state"], **ANSWER).status_code == 200
    fake.key = RSAKey.generate_key(2048, {"kid": "1"})
    assert come_back(browser, state=begin(browser, fake)["state"], **ANSWER).status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\nx"])
def test_nobody_is_led_away_after_signing_in(browser: TestClient, fake: Fake, target: str) -> None:
    answer = come_back(browser, state=begin(browser, fake, target)["state"], **ANSWER)
    assert re.findall(r'url=([^"]*)"', answer.text) == ["/"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
    ],
    ids=str,
)
def test_a_provider_that_says_other_things_of_itself_is_not_asked(browser: TestClient, fake: Fake, metadata: dict[str, Any]) -> None:
    fake.metadata = metadata
    answer = browser.get("/login/oidc/start")
    assert answer.status_code == 401
    assert "You were not signed in" in answer.text


@pytest.mark.parametrize(
    "said", [(302, {}), (500, {}), (200, b"<html>"), (200, b"[]"), (200, b" " * (1 << 20) + b"{}")], ids=["elsewhere", "down", "html", "list", "long"]
)
def test_a_provider_that_answers_badly_is_a_page_and_no_fault(browser: TestClient, fake: Fake, monkeypatch: pytest.MonkeyPatch, said: Any) -> None:
    monkeypatch.setattr(fake, "said", lambda *_: said)
    assert browser.get("/login/oidc/start").status_code == 401


def test_addresses_that_can_be_trusted() -> None:
    assert trusted("https://idp.example.org/x")
    assert trusted("http://127.0.0.1:9/x")
    for url in ("http://idp.example.org", "http://127.0.0.1.evil.example", "ftp://x", "https://", "", "file:///etc/passwd"):
        with pytest.raises(SignInError):
            trusted(url)


GOOD = 'issuer = "https://idp.example.org"\nclient_id = "livefire"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('client_id = "x"\n', "issuer"),
        (GOOD + "editor = ['x']\n", "editor"),
        (GOOD.replace("https", "http"), "https"),
        (GOOD + 'client_secret_file = "secret"\n', "read by others"),
        (GOOD + 'client_secret_file = "none"\n', "none"),
        (GOOD + 'address = "http://livefire.example.org"\n', "https"),
        ("[", "cannot be followed"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    (tmp_path / "secret").chmod(0o644)
    (tmp_path / "oidc.toml").write_text(text, encoding="utf-8")
    with pytest.raises(QueryError) as refused:
        read_provider(tmp_path / "oidc.toml", ORIGIN)
    assert refused.value.diagnostics[0].code == "E762"
    assert words in str(refused.value)
    assert SECRET not in str(refused.value)


def test_the_secret_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "oidc.toml").write_text(GOOD + 'client_secret_file = "secret"\naddress = "https://livefire.example.org/"\n', encoding="utf-8")
    found = read_provider(tmp_path / "oidc.toml", ORIGIN)
    assert (found.secret, found.redirect) == (SECRET, "https://livefire.example.org/login/oidc")
    assert SECRET not in repr(found)
