"""The server: routes, and where it may listen."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep as sleep_seconds

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from livefire import Diagnostic, QueryError, Workspace
from livefire.web import alerts, case_interface, catalogue, endpoints, interface, signing, workbench
from livefire.web.access import Access, Proxy
from livefire.web.audit import Audit
from livefire.web.desk import Desk, endpoint
from livefire.web.guard import App, Guard
from livefire.web.oidc import Provider
from livefire.web.rendering import STATIC, render
from livefire.web.streams import Streams

_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and behind which proxy. `names` are further values of Host, as a proxy hands them on."""

    host: str = "127.0.0.1"
    port: int = 8765
    names: tuple[str, ...] = ()
    proxy: Proxy | None = None
    https: bool = False

    def check(self) -> None:
        """Refuse an address beyond this machine where nobody signs users in: QueryError E759."""
        if not _is_loopback(self.host) and self.proxy is None:
            said = f"{self.host} can be reached from other machines, and nothing there would sign anybody in"
            raise QueryError([Diagnostic("error", "E759", said, help="listen on 127.0.0.1 behind a proxy that signs users in: --user-header and --from-proxy")])

    @property
    def hosts(self) -> frozenset[str]:
        """The values of Host that are answered."""
        own = {f"{h}:{self.port}" for h in ("127.0.0.1", "localhost", "[::1]")} if _is_loopback(self.host) else {f"{self.host}:{self.port}"}
        return frozenset(h.lower() for h in (*own, *self.names))

    @property
    def address(self) -> str:
        """Where browsers reach the pages: the first name that a proxy hands on, or this machine."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.https else 'http'}://{self.names[0] if self.names else f'{own}:{self.port}'}"

    @property
    def cookie(self) -> str:
        """The name of the cookie: browsers keep one jar for all ports of a host."""
        return f"livefire-{self.port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_desk(
    workspace: Workspace,
    *,
    place: Place,
    published: Path | None = None,
    tuning: Path | None = None,
    rules: Path | None = None,
    audit: Path | None = None,
    program: str = "",
    provider: Provider | None = None,
    announce: Callable[[str], None] = lambda _text: None,
) -> Desk:
    """Return what the pages work with. `program` is the digest of a token that programs may show, `provider` who else signs users in."""
    return Desk(workspace, Access(place.proxy, program), Audit(audit), published, tuning, rules, announce, provider)


def make_app(desk: Desk, place: Place) -> App:
    """Return the application behind its gate."""
    place.check()
    app = Starlette(routes=[*_routes(desk, place)], middleware=[Middleware(GZipMiddleware, minimum_size=2000)])
    return Guard(app, desk.access, place.hosts, place.cookie, "https" if place.https else "http")


def warm(desk: Desk) -> threading.Thread:
    """Make ready what the first page needs, and begin to load what the next ones need while nobody waits for it yet."""
    ws = desk.workspace
    with suppress(QueryError):
        common = {"lake": desk.lake_line(), "open_alerts": ws.queue(limit=0)["open"], "published": desk.published is not None}
        render("catalogue.html", {**common, "user": None, "c": ws.coverage()})

    def rest() -> None:
        with suppress(QueryError):
            ws.histogram()
            _ = desk.published is not None and ws.published_pages(desk.published)
        for one in ws.detections():
            sleep_seconds(_PAUSE)
            ws.detection_page(one.card.id)

    thread = threading.Thread(target=rest, name="livefire-warm", daemon=True)
    thread.start()
    return thread


def _routes(desk: Desk, place: Place) -> list[Route | Mount]:
    def get(path: str, handler: Callable[..., Response]) -> Route:
        return Route(path, endpoint(desk, handler), methods=["GET"])

    def change(path: str, handler: Callable[..., Response]) -> Route:
        return Route(path, endpoint(desk, handler, "editor"), methods=["POST"])

    return [
        Mount("/static", StaticFiles(directory=STATIC)),
        *signing.routes(desk, place.cookie, secure=place.https),
        *Streams(desk).routes(),
        get("/", catalogue.home),
        get("/techniques/{name}", catalogue.technique),
        change("/detections/{name:path}/prove", catalogue.prove),
        get("/detections/{name:path}", catalogue.detection),
        get("/rules/{name:path}", catalogue.rule),
        get("/chains/{name:path}", catalogue.chain),
        get("/emulations/{name:path}", catalogue.emulation),
        get("/published", catalogue.published),
        change("/published/{name}/prove", catalogue.prove_published),
        get("/published/{name}", catalogue.published_page),
        get("/jobs/{name}", catalogue.job),
        Route("/jobs/{name}/stop", endpoint(desk, catalogue.stop), methods=["POST"]),
        get("/workbench", workbench.workbench),
        Route("/workbench", endpoint(desk, workbench.workbench), methods=["POST"]),
        get("/alerts", alerts.queue),
        change("/alerts/move", alerts.move),
        change("/alerts/look", alerts.look),
        get("/alerts/{name}", alerts.alert),
        change("/alerts/{name}/except", alerts.except_),
        change("/alerts/{name}/investigate", alerts.investigate),
        get("/alerts/{name}/around", alerts.around),
        get("/alerts/{name}/risk", alerts.risk),
        get("/alerts/{name}/case", alerts.case_file),
        change("/exceptions/{number}/end", alerts.end_exception),
        get("/incidents/{number}", alerts.incident),
        change("/incidents/{number}/move", alerts.move_incident),
        get("/hunt", alerts.hunt),
        change("/hunt", alerts.begin_hunt),
        get("/hunt/chains/{name}", alerts.hunt_chain),
        get("/health", alerts.health),
        *endpoints.routes(desk, (*interface.ENDPOINTS, *case_interface.ENDPOINTS)),
        Route("/{rest:path}", endpoint(desk, _absent), methods=["GET"]),
    ]


def _absent(call: object) -> Response:
    raise KeyError(getattr(call, "request").url.path)  # noqa: B009 - typed as any handler is
