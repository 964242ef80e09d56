"""Signing in and out: by the address that the server prints, or by a provider of OpenID Connect."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from livefire.web.access import SESSION_SECONDS
from livefire.web.desk import Desk, go_to
from livefire.web.oidc import CALLBACK, PENDING_SECONDS, Provider, SignInError
from livefire.web.rendering import render

MOST_REFUSALS = 20


def routes(desk: Desk, cookie: str, *, secure: bool) -> list[Route]:
    """Return the routes of signing in and out; `cookie` is the name of the session's."""
    made = [Route("/login", _login(desk, cookie, secure), methods=["GET"]), Route("/logout", _logout(desk, cookie), methods=["POST"])]
    if desk.provider is not None:
        made.append(Route(f"{CALLBACK}/start", _start(desk, desk.provider, cookie, secure), methods=["GET"]))
        made.append(Route(CALLBACK, _return(desk, desk.provider, cookie, secure), methods=["GET"]))
    return made


class Refusals:
    """Which refused sign-ins are worth a line: anybody may try, and must not fill the disk."""

    def __init__(self) -> None:
        self._noted: deque[float] = deque(maxlen=MOST_REFUSALS)

    def note(self, desk: Desk) -> None:
        """Write one down, unless so many were within the last minute; the last of them says so."""
        now = monotonic()
        if len(self._noted) == MOST_REFUSALS and now - self._noted[0] < 60:
            return
        self._noted.append(now)
        last = len(self._noted) == MOST_REFUSALS and now - self._noted[0] < 60
        desk.audit.note("nobody", "refused sign-in", **({"then": "more within the minute are not written down"} if last else {}))


def local(target: str) -> str:
    """Return a path of these pages, the first page for anything else."""
    return target if target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable() else "/"


def _page(desk: Desk, target: str, *, wrong: bool = False, refused: str = "") -> HTMLResponse:
    values = {"wrong": wrong, "refused": refused, "target": target, "provider": desk.provider is not None}
    return HTMLResponse(render("login.html", values), 401)


def _keep(answer: Response, cookie: str, session: str, secure: bool) -> Response:
    answer.set_cookie(cookie, session, max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=secure, path="/")
    return answer


def _login(desk: Desk, cookie: str, secure: bool) -> Callable[[Request], Response]:
    refusals = Refusals()

    def login(request: Request) -> Response:
        target, secret = local(request.query_params.get("next", "/")), request.query_params.get("token", "")
        session = desk.access.redeem(secret) if secret else None
        if session is None:
            if secret:
                refusals.note(desk)
            return _page(desk, target, wrong=bool(secret))
        desk.audit.note("owner", "signed in")
        desk.announce(desk.access.issue())
        return _keep(RedirectResponse(target, 303), cookie, session, secure)

    return login


def _logout(desk: Desk, cookie: str) -> Callable[[Request], Response]:
    def logout(request: Request) -> Response:
        session = request.cookies.get(cookie, "")
        user = desk.access.of_session(session)
        if user is not None:
            desk.audit.note(user.name, "signed out")
        desk.access.end(session)
        answer = go_to("/login")
        answer.delete_cookie(cookie, path="/", httponly=True, samesite="strict")
        return answer

    return logout


def _start(desk: Desk, provider: Provider, cookie: str, secure: bool) -> Callable[[Request], object]:
    async def start(request: Request) -> Response:
        target = local(request.query_params.get("next", "/"))
        try:
            address, ticket = await run_in_threadpool(provider.begin, target)
        except SignInError as wrong:
            desk.audit.note("nobody", "refused sign-in", reason=str(wrong))
            return _page(desk, target, refused=str(wrong))
        answer = RedirectResponse(address, 303)
        # Lax, for the provider's answer is a navigation that another site begins.
        answer.set_cookie(f"{cookie}-oidc", ticket, max_age=int(PENDING_SECONDS), httponly=True, samesite="lax", secure=secure, path=CALLBACK)
        return answer

    return start


def _return(desk: Desk, provider: Provider, cookie: str, secure: bool) -> Callable[[Request], object]:
    async def come_back(request: Request) -> Response:
        try:
            user, target = await run_in_threadpool(provider.finish, request.cookies.get(f"{cookie}-oidc", ""), dict(request.query_params))
        except SignInError as wrong:
            desk.audit.note("nobody", "refused sign-in", reason=str(wrong))
            answer: Response = _page(desk, "/", refused=str(wrong))
        else:
            desk.audit.note(user.name, "signed in", role=user.role)
            # A page, no redirect: a browser keeps a Strict cookie back from a redirect that another site began.
            answer = _keep(HTMLResponse(render("signed_in.html", {"target": target})), cookie, desk.access.open(user), secure)
        answer.delete_cookie(f"{cookie}-oidc", path=CALLBACK, httponly=True, samesite="lax")
        return answer

    return come_back
