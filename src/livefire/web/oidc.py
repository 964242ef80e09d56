"""Signing in by OpenID Connect: the authorization code flow with PKCE, state and nonce (https://openid.net/specs/openid-connect-core-1_0.html).

Authlib makes and reads the requests, joserfc checks signatures. The provider is asked over https alone (loopback excepted), follows no
redirect, and has its answers bounded.
"""

from __future__ import annotations

import functools
import secrets
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from livefire import Diagnostic, QueryError
from livefire.web.access import Role, User, vouched

CALLBACK = "/login/oidc"
PENDING_SECONDS = 600.0
MOST_PENDING = 1000
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_SECONDS = 10.0
_MOST_ANSWER = 1 << 20
_LEEWAY = 60
_KEYS_SECONDS = 3600.0
_METADATA = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file of `--oidc`: the provider, this client there, and which claim says what a user may do.

    `claim` is a name or a path with dots; whoever has one of `editors` in it edits, whoever has one of `viewers` looks, and an empty `viewers` lets
    everybody look whom the provider signs in. `address` is where browsers reach these pages.
    """

    issuer: str
    client_id: Annotated[str, msgspec.Meta(min_length=1)]
    client_secret_file: str = ""
    address: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    claim: str = "groups"
    editors: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()


class SignInError(Exception):
    """Why nobody was signed in, in words for a page; what the provider sent is in none of them."""


@dataclass(frozen=True, slots=True)
class _Pending:
    state: str
    nonce: str
    verifier: str
    target: str
    until: float


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer as Authlib reads it."""

    status_code: int
    content: bytes

    def json(self) -> Any:
        """Return the body; ValueError when it is no JSON."""
        try:
            return msgspec.json.decode(self.content)
        except msgspec.DecodeError as wrong:
            raise ValueError("no JSON") from wrong

    def raise_for_status(self) -> None:
        """Raise for an answer that is none."""
        if self.status_code >= 400:
            raise SignInError(f"the provider answered {self.status_code}")


class _Unmoved(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_given: Any) -> None:
        return None


@functools.cache
def _opener() -> urllib.request.OpenerDirector:
    """Return what requests go out by; made when the first one does, for reading the machine's certificates takes a tenth of a second."""
    return urllib.request.build_opener(_Unmoved, urllib.request.HTTPSHandler(context=ssl.create_default_context()), urllib.request.ProxyHandler({}))


class _Line:
    """What Authlib sends requests with."""

    def get(self, url: str) -> _Reply:
        """Return an answer; SignInError when there is none."""
        return self._send(urllib.request.Request(url, headers={"Accept": "application/json"}))  # noqa: S310 - `trusted` has seen its scheme

    def post(self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Reply:
        """Return the answer to a form; SignInError when there is none."""
        from urllib.parse import urlencode

        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._send(urllib.request.Request(url, data=body.encode(), headers=sent, method="POST"))  # noqa: S310 - `trusted` has seen its scheme

    def _send(self, request: urllib.request.Request) -> _Reply:
        trusted(request.full_url)
        try:
            with _opener().open(request, timeout=_SECONDS) as answer:
                return _read(answer.status, answer)
        except urllib.error.HTTPError as answer:
            with answer:
                return _read(answer.code, answer)
        except (OSError, ValueError) as absent:
            raise SignInError("the provider does not answer") from absent


def _read(status: int, answer: Any) -> _Reply:
    content = answer.read(_MOST_ANSWER + 1)
    if len(content) > _MOST_ANSWER:
        raise SignInError("the provider's answer is too long")
    if 300 <= status < 400:
        raise SignInError("the provider sends elsewhere")
    return _Reply(status, content)


def trusted(url: str) -> str:
    """Return an address that the provider may be asked at; SignInError for one that others could read or change on the way."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"):
        return url
    raise SignInError("the provider is not reached by https")


@dataclass
class Provider:
    """Signs users in by one provider. `redirect` is this server's address for its answers."""

    settings: Settings
    secret: str = field(repr=False)
    redirect: str
    _line: _Line = field(default_factory=_Line)
    _pending: dict[str, _Pending] = field(default_factory=dict)
    _known: dict[str, Any] = field(default_factory=dict)
    _keys: tuple[Any, float] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, target: str) -> tuple[str, str]:
        """Return the provider's address to send a browser to, and the secret that this browser keeps until it comes back; SignInError when there is none."""
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        made = _Pending(state, nonce, verifier, target, time.monotonic() + PENDING_SECONDS)
        address, _ = self._client().create_authorization_url(
            self._metadata()["authorization_endpoint"], state=made.state, code_verifier=made.verifier, nonce=made.nonce
        )
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            now = time.monotonic()
            self._pending = {k: p for k, p in self._pending.items() if p.until > now}
            while len(self._pending) >= MOST_PENDING:
                del self._pending[next(iter(self._pending))]
            self._pending[ticket] = made
        return str(address), ticket

    def finish(self, ticket: str, answered: Mapping[str, str]) -> tuple[User, str]:
        """Return the user that the provider names and where the browser wanted to go; SignInError for an answer that cannot be trusted, each once."""
        with self._lock:
            begun = self._pending.pop(ticket, None)
        if begun is None or begun.until < time.monotonic():
            raise SignInError("this sign-in was not begun in this browser, or too long ago")
        if not secrets.compare_digest(begun.state.encode(), answered.get("state", "").encode()):
            raise SignInError("the answer belongs to another sign-in")
        if answered.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207: the answer of another provider
            raise SignInError("the answer is another provider's")
        if "error" in answered or not answered.get("code"):
            raise SignInError("the provider did not sign you in")
        return self._user(self._claims(self._token(answered["code"], begun), begun)), begun.target

    def _token(self, code: str, begun: _Pending) -> Mapping[str, Any]:
        from authlib.common.errors import AuthlibBaseError

        try:
            found: Mapping[str, Any] = self._client().fetch_token(
                self._metadata()["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=begun.verifier, redirect_uri=self.redirect
            )
        except (AuthlibBaseError, ValueError) as wrong:
            raise SignInError("the provider gives no token for its code") from wrong
        if not isinstance(found.get("id_token"), str):
            raise SignInError("the provider gives no ID token")
        return found

    def _claims(self, token: Mapping[str, Any], begun: _Pending) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError

        own = self.settings
        options = {"iss": {"essential": True, "value": own.issuer}, "aud": {"essential": True, "value": own.client_id}}
        params = {"nonce": begun.nonce, "client_id": own.client_id, "access_token": token.get("access_token")}
        for fresh in (False, True):
            try:
                decoded = jwt.decode(token["id_token"], self._key_set(fresh=fresh), algorithms=list(_ALGORITHMS))
                claims = CodeIDToken(decoded.claims, decoded.header, options, params)
                claims.validate(leeway=_LEEWAY)
                return dict(claims)
            except (JoseError, ValueError) as wrong:  # a key that is not known is a ValueError there; the provider may have changed its keys
                if fresh:
                    raise SignInError("the provider's ID token does not hold") from wrong
        raise AssertionError("unreachable")

    def _user(self, claims: Mapping[str, Any]) -> User:
        own = self.settings
        name = next((v for k in (own.name_claim, "email", "sub") if isinstance(v := _at(claims, k), str) and v.strip()), "")
        said = _at(claims, own.claim)
        held = {said} if isinstance(said, str) else {x for x in said if isinstance(x, str)} if isinstance(said, list) else set()
        role: Role = "editor" if held & set(own.editors) else "viewer"
        if role == "viewer" and own.viewers and not held & set(own.viewers):
            raise SignInError("you are signed in there, and have no part here")
        user = vouched(name, role)
        if user is None:
            raise SignInError("the provider gives no name that can be shown")
        return user

    def _client(self) -> Any:
        from authlib.oauth2.client import OAuth2Client

        own = self.settings
        return OAuth2Client(
            self._line, own.client_id, self.secret or None, scope=" ".join(own.scopes), redirect_uri=self.redirect, code_challenge_method="S256"
        )

    def _metadata(self) -> Mapping[str, Any]:
        """Return what the provider says of itself, asked for once: https://openid.net/specs/openid-connect-discovery-1_0.html."""
        if not self._known:
            found = self._asked(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.settings.issuer or not all(isinstance(found.get(name), str) for name in _METADATA):
                raise SignInError("the provider does not say what it should of itself")
            for name in _METADATA:
                trusted(found[name])
            self._known = found
        return self._known

    def _key_set(self, *, fresh: bool) -> Any:
        from joserfc.jwk import KeySet

        if self._keys is None or fresh or self._keys[1] < time.monotonic():
            self._keys = KeySet.import_key_set(self._asked(self._metadata()["jwks_uri"])), time.monotonic() + _KEYS_SECONDS  # type: ignore[arg-type]  # checked there
        return self._keys[0]

    def _asked(self, url: str) -> dict[str, Any]:
        reply = self._line.get(url)
        reply.raise_for_status()
        try:
            found = reply.json()
        except ValueError as wrong:
            raise SignInError("the provider's answer cannot be read") from wrong
        if not isinstance(found, dict):
            raise SignInError("the provider's answer cannot be read")
        return found


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by its name, or else along the parts of a name with dots, as Keycloak's `realm_access.roles`."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def read_provider(path: Path, address: str) -> Provider:
    """Return the provider of a settings file; `address` is that of the pages unless the file names one. QueryError E762 for one that cannot be followed."""
    try:
        import authlib  # noqa: F401 - asked for here, so that its absence is said before anybody signs in

        settings = msgspec.toml.decode(path.read_bytes(), type=Settings)
        trusted(settings.issuer)
        own = (settings.address or address).rstrip("/")
        trusted(own)
        secret = _secret(path.parent / settings.client_secret_file) if settings.client_secret_file else ""
    except ImportError as absent:
        raise _refused("signing in by OpenID Connect needs a package that is not installed", "pip install 'livefire[oidc]'") from absent
    except SignInError as wrong:
        raise _refused(f"{path.name}: issuer and address are https, or on this machine", "") from wrong
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as wrong:
        raise _refused(f"{path.name} cannot be followed: {wrong}", "") from wrong
    return Provider(settings, secret, own + CALLBACK)


def _secret(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise _refused(f"{path.name} can be read by others on this machine", "chmod 600")
    return path.read_text(encoding="utf-8").strip()


def _refused(words: str, help: str) -> QueryError:
    return QueryError([Diagnostic("error", "E762", words, help=help)])
