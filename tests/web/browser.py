"""A real server and a real browser: Chromium without a window, watched for everything that it complains of."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from livefire import Workspace
from livefire.web.desk import Desk
from livefire.web.rendering import built
from livefire.web.serving import Place, make_app, make_desk

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
NEEDS = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
NEEDS_SCRIPTS = pytest.mark.skipif(not built(), reason="the scripts of the pages are not built: python hatch_build.py")
PATIENCE = 90_000
"""Milliseconds: a machine that runs everything else at once is no fault of the pages."""


@dataclass
class Seen:
    """What a browser said while it was used: complaints of the console, errors of scripts, requests that left this machine."""

    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@contextmanager
def serving(ws: Workspace, **options: Any) -> Iterator[tuple[str, Desk]]:
    """Serve a workspace's pages on a free port and yield the address and what they work with."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    place = Place(port=listener.getsockname()[1])
    desk = make_desk(ws, place=place, **options)
    server = uvicorn.Server(uvicorn.Config(make_app(desk, place), log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{place.port}", desk
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def browsing(*arguments: str, **options: Any) -> Iterator[tuple[Any, Seen]]:
    """Open a browser and yield a page of it with what it says."""
    from playwright.sync_api import sync_playwright

    seen = Seen()

    def dismissed(dialog: Any) -> None:
        seen.dialogs.append(dialog.message)
        dialog.dismiss()

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda m: seen.complaints.append(f"{page.url} {m.type} {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: seen.complaints.append(f"{page.url} {e}"))
        page.on("dialog", dismissed)
        page.on("request", lambda r: seen.elsewhere.append(r.url) if urlsplit(r.url).hostname not in ("127.0.0.1", None) else None)
        try:
            yield page, seen
        finally:
            browser.close()


def sign_in(page: Any, address: str, desk: Desk) -> None:
    """Sign a browser in as the owner."""
    page.goto(f"{address}/login?token={desk.access.issue()}")
