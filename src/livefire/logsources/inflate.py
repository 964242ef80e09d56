"""Opening a file as a stream of plain bytes: gzip by content, checked, within limits."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from livefire.logsources.faults import FileFaultError
from livefire.logsources.limits import Limits

READ_BYTES = 64 * 1024
OUT_BYTES = 1024 * 1024
GZIP = b"\x1f\x8b"

# Forms that are told apart by their first bytes, so that the refusal can say what to do.
REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "zstd data: decompress it first"),
    (b"BZh", "bzip2 data: decompress it first"),
    (b"\xfd7zXZ\x00", "xz data: decompress it first"),
    (b"\x04\x22\x4d\x18", "lz4 data: decompress it first"),
    (b"PAR1", "a Parquet file: export the events as JSON"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xff\xfe", "UTF-16 text: convert it to UTF-8"),
    (b"\xfe\xff", "UTF-16 text: convert it to UTF-8"),
)


class Stream(Protocol):
    """Anything with `read`, such as an open binary file."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


class Tally:
    """Counts and hashes the bytes of a file as they are read."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes and remember them in the hash; `FileFaultError` if the disk fails."""
        try:
            data = self._stream.read(size)
        except OSError as error:
            raise FileFaultError("E403", (error.strerror or "cannot be read").lower()) from None
        self._hash.update(data)
        self.size += len(data)
        return data

    def finish(self) -> str:
        """Read what is left and return the SHA-256 of the whole file."""
        while self.read(READ_BYTES):
            pass
        return self._hash.hexdigest()


def plain(stream: Stream, limits: Limits, again: Callable[[], Stream] | None = None) -> Iterator[bytes]:
    """Yield the inflated bytes of a file in pieces.

    `again` opens the same file once more; with it, damaged gzip is read up to the damage itself
    and not only up to the last whole piece.
    Raises `FileFaultError` where the file breaks off, is damaged, is of a form that is not read, or
    exceeds a limit; everything yielded before is what the file really says.
    """
    head = stream.read(READ_BYTES)
    if not head:
        raise FileFaultError("E404", "the file has no bytes")
    if head.startswith(GZIP):
        yield from _gunzip(head, stream, limits, again)
        return
    for magic, advice in REFUSED:
        if head.startswith(magic):
            raise FileFaultError("E406", advice)
    total = 0
    while head:
        total += len(head)
        if total > limits.file_bytes:
            raise FileFaultError("E412", f"larger than {limits.file_bytes} bytes", limits.file_bytes)
        yield head
        head = stream.read(READ_BYTES)


def _gunzip(data: bytes, stream: Stream, limits: Limits, again: Callable[[], Stream] | None) -> Iterator[bytes]:
    from isal import igzip_lib, isal_zlib

    read, out = len(data), 0
    inflater = isal_zlib.decompressobj(wbits=31)
    while True:
        try:
            piece = inflater.decompress(data, OUT_BYTES)
        except (igzip_lib.IsalError, ValueError) as error:  # type: ignore[misc]  # the stub does not say that it is an exception
            if again is not None:
                for piece in _up_to_damage(again(), out):
                    out += len(piece)
                    yield piece
            raise FileFaultError("E411", f"gzip: {error}", out) from None
        out += len(piece)
        if out > limits.file_bytes:
            raise FileFaultError("E412", f"more than {limits.file_bytes} bytes inflated", limits.file_bytes)
        if out > limits.ratio_after and out > read * limits.ratio:
            raise FileFaultError("E413", f"{out} bytes from {read}: more than {limits.ratio} to 1", out)
        if piece:
            yield piece
        if inflater.eof:
            data = inflater.unused_data or stream.read(READ_BYTES)
            read += 0 if inflater.unused_data else len(data)
            if not data.strip(b"\x00"):  # some writers pad the last block with zeros
                data = stream.read(READ_BYTES)
                if not data:
                    return
            if len(data) == 1:
                data += stream.read(READ_BYTES)
            if not data.startswith(GZIP):
                raise FileFaultError("E414", f"{len(data)} or more bytes follow the gzip data", out)
            inflater = isal_zlib.decompressobj(wbits=31)
            continue
        data = inflater.unconsumed_tail
        if not data:
            data = stream.read(READ_BYTES)
            read += len(data)
            if not data and not piece:
                raise FileFaultError("E410", "the gzip data ends before its checksum", out)


def _up_to_damage(stream: Stream, skip: int) -> Iterator[bytes]:
    """Yield what a damaged gzip file still gives after the first `skip` inflated bytes.

    The fast inflater loses its whole last piece with the error; zlib can be copied, so the block
    that fails is fed again byte by byte.
    """
    inflater = zlib.decompressobj(31)
    while data := stream.read(READ_BYTES):
        before = inflater.copy()
        try:
            pieces = [inflater.decompress(data)]
            if inflater.eof and inflater.unused_data.startswith(GZIP):
                rest, inflater = inflater.unused_data, zlib.decompressobj(31)
                pieces.append(inflater.decompress(rest))
        except zlib.error:
            pieces = _bytewise(before, data)
            stream = _Ended()
        for piece in pieces:
            fresh = piece[skip:]
            skip = max(0, skip - len(piece))
            if fresh:
                yield fresh


def _bytewise(inflater: zlib._Decompress, data: bytes) -> list[bytes]:
    pieces: list[bytes] = []
    try:
        pieces.extend(inflater.decompress(data[at : at + 1]) for at in range(len(data)))
    except zlib.error:
        return [b"".join(pieces)]
    return [b"".join(pieces)]


class _Ended:
    def read(self, _size: int, /) -> bytes:
        return b""
