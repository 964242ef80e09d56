"""The part of a text that is in memory, and how far the reader may look ahead in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from livefire.logsources.faults import FileFaultError
from livefire.logsources.limits import Limits

_SPACE = re.compile(rb"[ \t\r\n]*+")

FREE_STEPS = 200_000
BYTES_A_STEP = 64
Proof = Callable[[bytes], list[Any] | None]  # the records of a list without its brackets, None where it is no usual one
CREDIT = 4  # how many bytes a look may cost for each byte read soundly since the last fault
LEAST_STRETCH = 16 * 1024


class Window:
    """The part of the text that is in memory, its place in the file, and how the file ended.

    `text` from `at` on is unread. Reading is allowed work in proportion to the bytes it gets
    through: `step` counts acts of framing, `reach` bounds one look ahead by the distance since
    the last fault, so that no file costs more than a constant times its size.
    """

    def __init__(self, chunks: Iterator[bytes], limits: Limits, prove: Proof | None = None) -> None:
        self._chunks = chunks
        self.prove = prove
        self._base = 0
        self._steps = 0
        self._line_end = -1
        self._no_line_before = 0
        self._fault_at: int | None = None
        self.limits = limits
        self.text = b""
        self.at = 0
        self.ended = False
        self.fault: FileFaultError | None = None
        self.first_key: re.Pattern[bytes] | None = None
        self.stretch = LEAST_STRETCH
        self.salvage_spent = 0
        self.run_bytes = limits.window_bytes * 16  # how long a run of sound list elements is tried first

    @property
    def offset(self) -> int:
        """The place of the first unread byte in the inflated file."""
        return self._base + self.at

    @property
    def held(self) -> int:
        """How many unread bytes are in memory."""
        return len(self.text) - self.at

    @property
    def first(self) -> bytes:
        """The first unread byte, or nothing."""
        return self.text[self.at : self.at + 1]

    @property
    def broken(self) -> bool:
        """True once a fault was met."""
        return self._fault_at is not None

    def fill(self, size: int) -> None:
        """Hold at least `size` unread bytes, or all that is left."""
        if self.ended or self.held >= size:
            return
        self._base += self.at
        parts, held = [self.text[self.at :]], self.held
        self.at = 0
        try:
            while held < size:
                part = next(self._chunks, None)
                if part is None:
                    self.ended = True
                    break
                parts.append(part)
                held += len(part)
        except FileFaultError as fault:
            self.fault = fault
            self.ended = True
        self.text = b"".join(parts)

    def advance(self, count: int) -> None:
        """Let go of the first `count` bytes."""
        self.at += count

    def more(self) -> bool:
        """Skip white space; True if anything follows."""
        while True:
            if self.held < self.limits.window_bytes // 2 + 1:
                self.fill(self.limits.window_bytes)
            space = _SPACE.match(self.text, self.at)
            self.at = space.end() if space else self.at
            if self.held or self.ended:
                return self.held > 0

    def step(self) -> bool:
        """Count one act of framing; False once there were too many for the bytes they got through."""
        self._steps += 1
        return self._steps <= FREE_STEPS + self.offset // BYTES_A_STEP

    def reach(self) -> int:
        """How far one value may be looked at before it is taken for broken."""
        if self._fault_at is None:
            return self.limits.record_bytes
        return min(self.limits.record_bytes, max(self.stretch, CREDIT * (self.offset - self._fault_at)))

    def distrust(self) -> None:
        """Note that everything up to here was broken."""
        self._fault_at = self.offset

    def since_fault(self) -> int:
        """Bytes read since the last fault, all there are if there was none."""
        return self.offset - (self._fault_at or 0)

    def line_end(self) -> int:
        """Index in `text` of the next line break, -1 if none is in memory; each byte is looked at once."""
        if self._line_end >= self.offset:
            return self._line_end - self._base
        found = self.text.find(b"\n", max(self.at, self._no_line_before - self._base))
        if found >= 0:
            self._line_end = self._base + found
        else:
            self._no_line_before = self._base + len(self.text)
        return found
