"""Sinks on this machine or its network: standard output, a file, syslog."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from livefire.watch import config as c
from livefire.watch.sinks.base import Services, SinkError, as_json, as_ocsf, headline, within
from livefire.watch.state.outbox import Message

_PRIORITY = {"informational": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
_FACILITY = 13  # log audit, RFC 5424
_SECONDS = 10
_DATAGRAM = 60_000
"""What of a message goes into one datagram, which holds 65,507 bytes."""


class Stdout:
    """One line a message on standard output."""

    give_up = "7d"

    def __init__(self, said: c.Stdout, services: Services) -> None:
        self.name = said.name
        self._write = services.write
        self._form = {"line": lambda m: headline(m.body), "json": as_json, "ocsf": as_ocsf}[said.format]

    def send(self, message: Message) -> None:
        """Write a line."""
        self._write(self._form(message) + "\n")

    def close(self) -> None:
        """Nothing is held."""


class File:
    """One line of JSON a message at the end of a file, on disk when `send` returns; a line that a crash tore is ended first."""

    give_up = "36500d"

    def __init__(self, said: c.File, path: Path, services: Services) -> None:  # noqa: ARG002 - every sink is made alike
        self.name = said.name
        self._path = path
        self._form = as_ocsf if said.format == "ocsf" else as_json

    def send(self, message: Message) -> None:
        """Append a line and force it to disk. The file is opened each time, so that it may be rotated away."""
        line = (self._form(message) + "\n").encode()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line
            try:
                if os.write(handle, line) != len(line):
                    raise SinkError("the file took only a part of the line")
            except (OSError, SinkError):
                os.ftruncate(handle, size)  # half a line would be there for ever
                raise
            os.fsync(handle)
        finally:
            os.close(handle)

    def close(self) -> None:
        """Nothing is held."""


class Syslog:
    """RFC 5424 messages, over TCP with the length first (RFC 6587) or in UDP datagrams."""

    def __init__(self, said: c.Syslog, services: Services) -> None:  # noqa: ARG002 - every sink is made alike
        self.name, self.give_up = said.name, said.give_up
        self._said = said
        self._open: socket.socket | None = None

    def send(self, message: Message) -> None:
        """Send one message; a broken connection is made anew next time."""
        priority = _FACILITY * 8 + _PRIORITY.get(str(message.body.get("severity")), 4)
        stamp = message.created.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        said = as_json(message) if self._said.transport == "tcp" else json.dumps(within(message.body, _DATAGRAM), default=str)
        data = f"<{priority}>1 {stamp} - livefire - {message.kind[:32]} - {said}".encode()
        try:
            connection = self._connection()
            connection.sendall(data if self._said.transport == "udp" else b"%d %s" % (len(data), data))
        except OSError as error:
            self.close()
            raise SinkError(f"{self._said.host}:{self._said.port}: {(error.strerror or str(error)).lower()}") from error

    def _connection(self) -> socket.socket:
        if self._open is None:
            if self._said.transport == "udp":
                family, kind, _, _, address = socket.getaddrinfo(self._said.host, self._said.port, type=socket.SOCK_DGRAM)[0]
                self._open = socket.socket(family, kind)
                self._open.connect(address)
            else:
                self._open = socket.create_connection((self._said.host, self._said.port), _SECONDS)
        return self._open

    def close(self) -> None:
        """Close the connection."""
        if self._open is not None:
            self._open.close()
            self._open = None
