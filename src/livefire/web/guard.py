"""The gate before every page: which hosts, which origins, which methods, who; and the headers of every answer.

A page of another site can make a browser send requests here. So a request counts only when it names this server as its
host (a name that was made to point here does not), and one that changes something only when it comes from these pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import quote

from livefire.web.access import Access, User

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = dict[str, list[str]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ANSWERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer browsers send "Origin: null" with forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
MOST_BODY = 2 << 20
_READING = ("GET", "HEAD")
_METHODS = (*_READING, "POST", "DELETE")
_OPEN = ("/login", "/static/")


class _Refused(Exception):  # noqa: N818 - the answer to a request, not a fault
    def __init__(self, status: int, code: str, words: str) -> None:
        self.status, self.code, self.words = status, code, words


class Guard:
    """Wraps the pages; `hosts` are the only values of Host that are answered, with their ports."""

    def __init__(self, app: App, access: Access, hosts: frozenset[str], cookie: str, scheme: str = "http") -> None:
        self._app, self._access, self._hosts, self._cookie, self._scheme = app, access, hosts, cookie, scheme

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers: Headers = defaultdict(list)
        for name, value in scope["headers"]:
            headers[name.decode("latin-1").lower()].append(value.decode("latin-1"))
        try:
            user = self._admit(scope, headers)
        except _Refused as no:
            await _answer(send, no, wants_json=_is_api(scope))
            return
        if user is None and not str(scope["path"]).startswith(_OPEN):
            if scope["method"] in _READING and not _is_api(scope):
                target = quote(str(scope["path"]), safe="/")
                await _redirect(send, f"/login?next={target}")
            else:
                await _answer(send, _Refused(401, "E750", "sign in first: open the address that livefire serve prints"), wants_json=_is_api(scope))
            return
        scope.setdefault("state", {})["user"] = user
        await self._app(scope, _bounded(receive), _with_headers(send))

    def _admit(self, scope: Scope, headers: Headers) -> User | None:
        host = headers.get("host", [])
        if len(host) != 1 or host[0].lower() not in self._hosts:
            raise _Refused(421, "E751", "this server does not answer to that host name")
        if scope["method"] not in _METHODS:
            raise _Refused(405, "E752", "this method is not answered")
        bearer = headers.get("authorization", [])
        program = self._access.of_program(bearer[0][7:]) if len(bearer) == 1 and bearer[0].startswith("Bearer ") else None
        if bearer and program is None:
            raise _Refused(401, "E750", "this token is not known")
        if program is None:
            self._same_origin(scope, headers, host[0])
        if scope["method"] == "POST":
            self._readable(scope, headers)
        return program or self._access.of_proxy(_peer(scope), headers) or self._of_cookie(headers)

    def _same_origin(self, scope: Scope, headers: Headers, host: str) -> None:
        """Refuse what another site makes a browser send; only a person's own navigation may read from elsewhere."""
        origins, site = headers.get("origin", []), headers.get("sec-fetch-site", [])
        if any(o.lower() != f"{self._scheme}://{host}".lower() for o in origins):
            raise _Refused(403, "E753", "this request comes from another site")
        if scope["method"] in _READING:
            elsewhere = site not in ([], ["same-origin"], ["none"])
            if elsewhere and headers.get("sec-fetch-mode") != ["navigate"]:
                raise _Refused(403, "E753", "this request comes from another site")
            return
        if (site and site != ["same-origin"]) or not (site or origins):
            raise _Refused(403, "E753", "this request does not come from these pages")

    def _readable(self, scope: Scope, headers: Headers) -> None:
        kind = (headers.get("content-type") or [""])[0].partition(";")[0].strip().lower()
        length = (headers.get("content-length") or ["0"])[0]
        wanted = "application/json" if _is_api(scope) else "application/x-www-form-urlencoded"
        empty = length == "0" and "transfer-encoding" not in headers
        if not empty and kind != wanted:
            raise _Refused(415, "E754", f"send {wanted}")
        if not length.isdigit() or int(length) > MOST_BODY:
            raise _Refused(413, "E755", f"more than {MOST_BODY} bytes")

    def _of_cookie(self, headers: Headers) -> User | None:
        for line in headers.get("cookie", []):
            try:
                found = SimpleCookie(line).get(self._cookie)
            except CookieError:
                continue
            if found is not None:
                return self._access.of_session(found.value)
        return None


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _is_api(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/api/")


def _bounded(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b"") or b"")
        return {"type": "http.disconnect"} if seen > MOST_BODY else message

    return limited


def _with_headers(send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.decode("latin-1").lower() for name, _ in message["headers"]}
            extra = {**ANSWERS, "cache-control": "no-store"}
            message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in extra.items() if k not in own)]
        await send(message)

    return dressed


async def _answer(send: Send, no: _Refused, *, wants_json: bool) -> None:
    import json

    text = json.dumps({"code": no.code, "message": no.words, "diagnostics": []}) if wants_json else f"{no.code}: {no.words}\n"
    kind = "application/json" if wants_json else "text/plain; charset=utf-8"
    headers = {**ANSWERS, "cache-control": "no-store", "content-type": kind, "content-length": str(len(text.encode()))}
    await send({"type": "http.response.start", "status": no.status, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]})
    await send({"type": "http.response.body", "body": text.encode()})


async def _redirect(send: Send, target: str) -> None:
    headers = {**ANSWERS, "cache-control": "no-store", "location": target, "content-length": "0"}
    await send({"type": "http.response.start", "status": 303, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]})
    await send({"type": "http.response.body", "body": b""})
