"""The commands that show pages: serve, site build."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from livefire.cli.inputs import LakeOption, Lookups, Macros, Site, declare
from livefire.cli.program import app
from livefire.cli.terminal import USAGE, progress, say, stop

site_app = typer.Typer(no_args_is_help=True, help="The catalogue as files.")
app.add_typer(site_app, name="site")

Published = Annotated[Path | None, typer.Option("--published", help="Folder of published detection pages to show and to judge.")]


@app.command()
def serve(
    lake: LakeOption = None,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on; one that others can reach needs a proxy that signs users in.")] = "127.0.0.1",
    socket: Annotated[Path | None, typer.Option(help="Listen on a Unix socket of this name instead, for a proxy.")] = None,
    name: Annotated[list[str] | None, typer.Option("--name", help="Further value of Host to answer to, as the proxy hands it on.")] = None,
    user_header: Annotated[str | None, typer.Option(help="Header in which the proxy names the user.")] = None,
    from_proxy: Annotated[list[str] | None, typer.Option(help="Address that the proxy connects from.")] = None,
    editor: Annotated[list[str] | None, typer.Option(help="User of the proxy who may change things; others only look.")] = None,
    oidc: Annotated[Path | None, typer.Option(help="Settings of a provider of OpenID Connect that signs users in (see docs/pages.md).")] = None,
    https: Annotated[bool, typer.Option("--https", help="The proxy is reached by https.")] = False,
    token_file: Annotated[Path | None, typer.Option(help="File with a token for programs, made for its owner alone when it is not there.")] = None,
    published: Published = None,
    tuning: Annotated[Path | None, typer.Option(help="File of what the site trusts and excepts.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Folder to save detections of one's own to.")] = None,
    site: Site = None,
    macros: Macros = None,
    lookups: Lookups = None,
) -> None:
    """Show catalogue, workbench, alerts and health in a browser, on this machine alone unless a proxy signs users in."""
    import socket as sockets

    import uvicorn

    from livefire.web.access import Proxy
    from livefire.web.oidc import read_provider
    from livefire.web.serving import Place, make_app, make_desk, warm
    from livefire.web.tokens import program_digest
    from livefire.workspace import Workspace

    absent = next((p for p in (published, tuning, oidc) if p is not None and not p.exists()), None)
    if absent is not None:
        stop(f"E002: there is no {absent}", USAGE)
    if (user_header is None) is not (not from_proxy and socket is None):
        stop("E107: --user-header goes with --from-proxy, or with --socket, which the proxy alone may open", USAGE)
    peers = frozenset(from_proxy or ()) | ({""} if socket is not None else set())
    proxy = Proxy(user_header, peers, frozenset(editor or ())) if user_header else None
    Place(host, port, proxy=proxy).check()
    os.umask(0o077)
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    listener = sockets.socket(sockets.AF_UNIX if socket is not None else family)
    if socket is None:
        listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    listener.bind(str(socket) if socket is not None else (host, port))
    place = Place(host, port if socket is not None else listener.getsockname()[1], tuple(name or ()), proxy, https)
    shown = host if ":" not in host else f"[{host}]"

    def announce(secret: str) -> None:
        say(f"open http://{shown}:{place.port}/login?token={secret}   (signs in one browser)")

    provider = read_provider(oidc, place.address) if oidc is not None else None
    audit = lake / "web" / "audit.jsonl" if lake is not None else None
    program = program_digest(token_file) if token_file is not None else ""
    ws = Workspace(lake)
    if lake is not None:
        ws.info()
    declare(ws, site, macros=macros, lookups=lookups)
    desk = make_desk(ws, place=place, published=published, tuning=tuning, rules=rules, audit=audit, program=program, provider=provider, announce=announce)
    application = make_app(desk, place)
    warm(desk)
    if proxy is None and socket is None:
        announce(desk.access.issue())
    settings = uvicorn.Config(application, log_level="warning", access_log=False, server_header=False, proxy_headers=False, ws="none")
    uvicorn.Server(settings).run(sockets=[listener])


@site_app.command("build")
def build_site(
    out: Annotated[Path, typer.Option(help="Folder to write to; made when it does not exist.")],
    lake: LakeOption = None,
    *,
    published: Published = None,
    prove: Annotated[bool, typer.Option("--prove", help="Put every detection to the proof first; takes an hour or so.")] = False,
) -> None:
    """Write the catalogue as a static site, with the same pages as serve shows."""
    from livefire.web.site import write_site
    from livefire.workspace import Workspace

    with progress("writing", quiet=False) as tell:
        count = write_site(Workspace(lake), out, published, prove=prove, progress=tell)
    say(f"wrote {count} pages to {out}")
