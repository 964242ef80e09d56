"""What other users of the machine see of a server: no token in its command line, its logs or its files, and no file that they can read."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.web.site import lake

pytestmark = pytest.mark.slow  # a process with a server of its own


def serve(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start a server as somebody would whose files everybody may read."""
    command = [sys.executable, "-m", "livefire.cli", "serve", "--lake", str(folder / "lake"), "--token-file", str(folder / "token"), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, umask=0)


def test_nothing_of_a_secret_is_left_to_others(tmp_path: Path) -> None:
    lake(tmp_path)
    server = serve(tmp_path, "--port", "0")
    try:
        assert server.stdout is not None
        first = re.search(r"(http://127\.0\.0\.1:\d+)/login\?token=([\w-]{43}) ", server.stdout.readline())
        assert first is not None
        address, secret = first.groups()
        token = (tmp_path / "token").read_text(encoding="ascii").strip()
        with httpx.Client(base_url=address, follow_redirects=True) as browser:
            for _ in range(200):
                try:
                    assert browser.get("/login", params={"token": secret}).status_code == 200
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            session = next(iter(browser.cookies.jar)).value
            assert session
            health = browser.get("/health").text
            assert browser.get("/api/v1/audit").status_code == 200
            assert browser.get("/login", params={"token": secret}).status_code == 401
        again = httpx.get(f"{address}/api/v1/health", headers={"authorization": f"Bearer {token}"})
        assert again.status_code == 200
        secrets = (secret, token, session)
        told = [Path(f"/proc/{server.pid}/{name}").read_text(encoding="utf-8", errors="replace") for name in ("cmdline", "environ")]
        for text in (*told, health, again.text):
            assert not any(s in text for s in secrets)
    finally:
        server.send_signal(signal.SIGTERM)
        _, complaints = server.communicate(timeout=60)
    assert not any(s in complaints for s in secrets)
    for path in (tmp_path / "lake" / "web").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.is_dir() or not any(s.encode() in path.read_bytes() for s in secrets), path
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "lake" / "web").stat().st_mode & 0o777 == 0o700


def test_a_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    lake(tmp_path)
    path = tmp_path / "run.sock"
    server = serve(tmp_path, "--socket", str(path), "--user-header", "X-User")
    try:
        for _ in range(300):
            if path.exists():
                break
            time.sleep(0.1)
        assert path.stat().st_mode & 0o077 == 0
        transport = httpx.HTTPTransport(uds=str(path), retries=0)
        with httpx.Client(transport=transport, base_url="http://127.0.0.1:8765") as proxy:
            for _ in range(200):
                try:
                    answer = proxy.get("/", headers={"x-user": "mo"})
                    break
                except httpx.ConnectError:
                    time.sleep(0.1)
            assert answer.status_code == 200
            assert "mo" in answer.text
            assert proxy.get("/").status_code == 303
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
