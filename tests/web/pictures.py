"""Pictures made lighter: a screenshot has few colours, and a PNG with a palette is a third of one without."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from functools import cache

_SIGN = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256


def lighter(picture: bytes) -> bytes:
    """Return a PNG of 8-bit RGB or RGBA as one with a palette of its most frequent colours: https://www.w3.org/TR/png-3/; others become the nearest."""
    parts = _chunks(picture)
    width, height, depth, kind = struct.unpack(">IIBB", parts["IHDR"][:10])
    size = {2: 3, 6: 4}.get(kind, 0)
    if depth != 8 or not size:
        return picture
    flat = _unfiltered(zlib.decompress(parts["IDAT"]), width * size, height, size)
    pixels = [bytes(flat[i : i + 3]) for i in range(0, len(flat), size)]
    palette = [colour for colour, _ in Counter(pixels).most_common(_COLOURS)]

    @cache
    def place(colour: bytes) -> int:
        return min(range(len(palette)), key=lambda n: sum((a - b) ** 2 for a, b in zip(colour, palette[n], strict=True)))

    known = {colour: n for n, colour in enumerate(palette)}
    marks = bytes(known[p] if p in known else place(p) for p in pixels)
    rows = b"".join(b"\0" + marks[y * width : (y + 1) * width] for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return _SIGN + _chunk(b"IHDR", head) + _chunk(b"PLTE", b"".join(palette)) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _chunks(picture: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    at = len(_SIGN)
    while at < len(picture):
        length, name = struct.unpack(">I4s", picture[at : at + 8])
        found[name.decode()] = found.get(name.decode(), b"") + picture[at + 8 : at + 8 + length]
        at += length + 12
    return found


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _unfiltered(raw: bytes, stride: int, height: int, size: int) -> bytearray:
    flat, before = bytearray(), bytearray(stride)
    for y in range(height):
        at = y * (stride + 1)
        kind, line = raw[at], bytearray(raw[at + 1 : at + 1 + stride])
        for i in range(stride if kind else 0):
            left, up = line[i - size] if i >= size else 0, before[i]
            corner = before[i - size] if i >= size else 0
            line[i] = (line[i] + (left, up, (left + up) // 2, _nearest(left, up, corner))[kind - 1]) & 0xFF
        flat += line
        before = line
    return flat


def _nearest(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda v: abs(guess - v))
