"""What every page works with: the workspace, who asks, the jobs, the audit log."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from livefire import QueryError, Workspace
from livefire.web.access import Access, Role, User
from livefire.web.audit import Audit
from livefire.web.jobs import BusyError, Jobs
from livefire.web.oidc import Provider
from livefire.web.rendering import render

MOST_FIELDS = 1200


@dataclass
class Desk:
    """One server's means. `published` is a folder of published pages, `tuning` the file of what the site trusts and excepts."""

    workspace: Workspace
    access: Access
    audit: Audit
    published: Path | None = None
    tuning: Path | None = None
    rules: Path | None = None
    announce: Callable[[str], None] = field(default=lambda _text: None)
    provider: Provider | None = None
    jobs: Jobs = field(default_factory=Jobs)
    kept: dict[str, Any] = field(default_factory=dict)

    def lake_line(self) -> dict[str, Any]:
        """Return how many events the lake holds and the time of the last."""
        held = self.workspace.held_sources()
        return {"events": sum(s["events"] for s in held), "last": max((s["last"] for s in held if s["last"]), default=None)}


@dataclass
class Call:
    """One request: its path parameters, its query or form, and who asks."""

    desk: Desk
    request: Request
    user: User
    given: Mapping[str, str]
    pairs: Sequence[tuple[str, str]] = ()

    @property
    def ws(self) -> Workspace:
        """The workspace."""
        return self.desk.workspace

    def path(self, name: str) -> str:
        """Return a part of the address."""
        return str(self.request.path_params[name])

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page."""
        shown = {"user": self.user, "lake": self.desk.lake_line(), "published": self.desk.published is not None}
        common = {**shown, "open_alerts": self.ws.queue(limit=0)["open"]}
        return HTMLResponse(render(template, {**common, **values}), status)

    def fault(self, status: int, title: str, words: str, code: str = "") -> HTMLResponse:
        """Return a page that says what is wrong."""
        return self.page("fault.html", status, title=title, words=words, code=code)

    def note(self, action: str, **details: Any) -> None:
        """Write to the audit log."""
        self.desk.audit.note(self.user.name, action, **details)


class NotYoursError(Exception):
    """What this user may not do."""


Handler: TypeAlias = Callable[[Call], Response]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def endpoint(desk: Desk, handler: Handler, role: Role = "viewer") -> Endpoint:
    """Return a handler as Starlette calls it: in a thread, with its form read, its role asked for, its faults as pages."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        user: User = request.state.user or User("nobody", "viewer")
        body = await request.body() if request.method == "POST" else b""
        try:
            pairs = (
                parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS) if body else request.query_params.multi_items()
            )
        except ValueError:
            return Call(desk, request, user, {}).fault(413, "Too much at once", f"A form of more than {MOST_FIELDS} fields is not read.", "E755")
        call = Call(desk, request, user, dict(pairs), pairs)
        if role == "editor" and not user.edits:
            call.note("refused", path=request.url.path)
            return call.fault(403, "Not yours to change", "You are signed in as a viewer; an editor can do this.", "E756")
        try:
            return await run_in_threadpool(handler, call)
        except KeyError as absent:
            return call.fault(404, "There is no such page", f"Nothing here is named {absent.args[0] if absent.args else ''}.", "E757")
        except NotYoursError:
            call.note("refused", path=request.url.path)
            return call.fault(403, "Not yours to change", "Whoever began it can do this, or an editor.", "E756")
        except BusyError:
            return call.fault(503, "Busy", "As much is running as may run at once; try again in a minute.", "E758")
        except QueryError as error:
            first = next((d for d in error.diagnostics if d.severity == "error"), None)
            return call.fault(422, "This cannot be run", first.message if first else "", first.code if first else "")
        except Exception as fault:  # noqa: BLE001 - nobody above a page; the audit log says where to look
            call.note("fault", path=request.url.path, fault=place_of(fault))
            return call.fault(500, "A fault of livefire itself", f"Please report it: {place_of(fault)}.", "E009")

    return answer


def go_to(path: str) -> RedirectResponse:
    """Return an answer that leads to a page."""
    return RedirectResponse(path, 303)


def place_of(fault: BaseException) -> str:
    """Return what failed and where in the program, without what it failed on."""
    at = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{type(fault).__name__} at {Path(at.filename).name}:{at.lineno}"
