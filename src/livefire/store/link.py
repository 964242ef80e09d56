"""Frames between an ingest and its reading processes: one kind byte, a 32-bit length, the payload; JSON or an Arrow IPC stream."""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

HEADER = struct.Struct("!cI")
JSON, ARROW = b"J", b"A"


class Link:
    """One end of the socket; `EOFError` when the other end is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        """Return the descriptor, for waiting on several links."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self._send(JSON, json.dumps(message, separators=(",", ":")).encode())

    def send_table(self, table: pa.Table) -> None:
        """Send rows."""
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        self._send(ARROW, sink.getvalue())

    def receive(self) -> dict[str, Any]:
        """Return the next message."""
        found = json.loads(self._receive(JSON))
        assert isinstance(found, dict)
        return found

    def receive_table(self) -> pa.Table:
        """Return the rows that follow a message."""
        import pyarrow as pa

        with pa.ipc.open_stream(pa.py_buffer(self._receive(ARROW))) as reader:
            return reader.read_all()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _send(self, kind: bytes, payload: Any) -> None:
        view = memoryview(payload)
        try:
            self._socket.sendall(HEADER.pack(kind, len(view)))
            self._socket.sendall(view)
        except OSError as error:
            raise EOFError(str(error)) from None

    def _receive(self, kind: bytes) -> bytes:
        found, length = HEADER.unpack(self._read(HEADER.size))
        if found != kind:
            raise EOFError(f"a frame {found!r} where {kind!r} was due")
        return self._read(length)

    def _read(self, length: int) -> bytes:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            try:
                count = self._socket.recv_into(view)
            except OSError as error:
                raise EOFError(str(error)) from None
            if not count:
                raise EOFError("the other end is gone")
            view = view[count:]
        return bytes(data)
