"""Frames between a process and its query worker: one kind byte, a 32-bit length, the payload.

`J` carries JSON, `A` a piece of an Arrow IPC stream. Nothing else crosses, so neither side
ever loads objects from the other.
"""

from __future__ import annotations

import base64
import datetime
import json
import struct
from typing import Any

HEADER = struct.Struct("!cI")
JSON_FRAME, ARROW_FRAME = b"J", b"A"
MAX_REQUEST = 64 * 1024 * 1024
MAX_REPLY = 64 * 1024
MAX_ARROW_FRAME = 4 * 1024 * 1024


def frame(message: Any) -> bytes:
    """Return a JSON frame."""
    payload = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    return HEADER.pack(JSON_FRAME, len(payload)) + payload


def pack_value(value: object) -> list[str] | str | int | bool | None:
    """Return a bind value as JSON; raises TypeError for a type that cannot be bound."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        value.encode()  # a lone surrogate raises UnicodeEncodeError here rather than in the engine
        return value
    if isinstance(value, float):
        return ["float", value.hex()]
    if isinstance(value, datetime.datetime):
        return ["datetime", value.isoformat()]
    if isinstance(value, bytes):
        return ["bytes", base64.b64encode(value).decode()]
    raise TypeError(f"a {type(value).__name__} cannot be a parameter")


def unpack_value(packed: Any) -> object:
    """Return the value that `pack_value` packed."""
    if not isinstance(packed, list):
        return packed
    kind, text = packed
    if kind == "float":
        return float.fromhex(text)
    if kind == "bytes":
        return base64.b64decode(text)
    return datetime.datetime.fromisoformat(text)
