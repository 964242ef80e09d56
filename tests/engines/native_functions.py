"""Native functions that the worker's tests call."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow as pa


def reverse(table: pa.Table, spec: dict[str, Any]) -> pa.Table:
    order = list(range(table.num_rows - 1, -1, -1))
    return table.take(order).append_column(spec["column"], pa.array(order, pa.int64()))


def sleep(table: pa.Table, spec: dict[str, Any]) -> pa.Table:
    time.sleep(spec["seconds"])
    return table


def die(table: pa.Table, spec: dict[str, Any]) -> pa.Table:
    os.kill(os.getpid(), spec["signal"])
    return table


def lie(table: pa.Table, spec: dict[str, Any]) -> pa.Table:
    """Write bytes of the test's choice to the parent, as a taken-over worker could, then stay silent."""
    for entry in Path("/proc/self/fd").iterdir():
        if _target(entry).startswith("socket:"):
            link = socket.socket(fileno=os.dup(int(entry.name)))
            link.sendall(bytes.fromhex(spec["bytes"]))
    time.sleep(spec["seconds"])
    return table


def attempt(_: pa.Table, spec: dict[str, Any]) -> pa.Table:
    """Try something the kernel should forbid and return what came of it."""
    try:
        outcome = "done: " + _act(spec)
    except OSError as error:
        outcome = f"denied: {type(error).__name__}"
    return pa.table({"outcome": [outcome]})


def _act(spec: dict[str, Any]) -> str:
    path = Path(spec.get("path", "/"))
    match spec["action"]:
        case "read":
            return path.read_text()
        case "list":
            return str(list(path.iterdir()))
        case "write":
            path.write_text("x")
        case "append":
            path.open("a").close()
        case "truncate":
            os.truncate(path, 0)
        case "remove":
            path.unlink()
        case "rename":
            path.rename(f"{path}2")
        case "mkdir":
            path.mkdir()
        case "link":
            Path(f"{path}2").hardlink_to(path)
        case "execute":
            return str(subprocess.run([str(path)], check=False).returncode)
        case "connect":
            socket.create_connection(("127.0.0.1", spec["port"]), timeout=2).close()
        case "listen":
            socket.create_server(("127.0.0.1", 0)).close()
        case "signal":
            os.kill(spec["pid"], 0)
        case "environment":
            return " ".join(sorted(os.environ))
        case "descriptors":
            return " ".join(sorted(_target(entry) for entry in Path("/proc/self/fd").iterdir()))
        case "core":
            return str(resource.getrlimit(resource.RLIMIT_CORE))
    return "ok"


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # the descriptor of the listing itself
        return ""
