"""A provider of OpenID Connect on loopback, written for the tests: it signs in whom it is told to, honestly or not."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "livefire", "a secret of this client"
CODE = "the code"


@cache
def own_key() -> RSAKey:
    """Return the key that a provider signs with: one for all tests, for making one takes a second."""
    return RSAKey.generate_key(2048, {"kid": "1"})


@dataclass
class Fake:
    """What it says: `claims` of the user, what of the ID token is `forged`, the key it signs with, and what it was sent."""

    address: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "7", "preferred_username": "ana", "groups": ["soc"]})
    forged: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=own_key)
    published: RSAKey | None = None
    algorithm: str = "RS256"
    nonce: str = ""
    challenge: str = ""
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def authorize(self, address: str) -> dict[str, str]:
        """Take a browser's request as the provider's page would, and return what it was asked."""
        found = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        self.nonce, self.challenge = found["nonce"], found["code_challenge"]
        return found

    def said(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        """Return the answer to a request."""
        if path == "/.well-known/openid-configuration":
            own = {"issuer": self.address, "authorization_endpoint": f"{self.address}/authorize"}
            return 200, {**own, "token_endpoint": f"{self.address}/token", "jwks_uri": f"{self.address}/keys", **self.metadata}
        if path == "/keys":
            return 200, KeySet([self.published or self.key]).as_dict(private=False)
        if path == "/token":
            return self._token(form)
        return 404, {}

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if form.get("code") != CODE or form.get("grant_type") != "authorization_code" or challenge != self.challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": self.nonce, **self.claims, **self.forged}
        token = jwt.encode({"alg": self.algorithm, "kid": "1"}, {k: v for k, v in claims.items() if v is not None}, self.key, algorithms=[self.algorithm])
        return 200, {"access_token": "an access token", "token_type": "Bearer", "id_token": token}


class Served(ThreadingHTTPServer):
    """A server whose provider can be put in another's place, so that one serves for many tests."""

    fake: Fake

    def fresh(self) -> Fake:
        """Return a provider that has been asked nothing, which answers from now on."""
        self.fake = Fake(f"http://127.0.0.1:{self.server_address[1]}")
        return self.fake


class _Handler(BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self._answer({k: v[0] for k, v in parse_qs(body).items()})

    def _answer(self, form: dict[str, str]) -> None:
        fake = self.server.fake
        fake.asked.append((self.path, form, self.headers.get("authorization", "")))
        status, said = fake.said(self.path, form)
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if 300 <= status < 400:
            self.send_header("location", f"{fake.address}/keys")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Served]:
    """Serve providers until the tests end."""
    server = Served(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
