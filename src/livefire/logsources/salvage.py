"""Finding the sound events in a stretch of a file that is broken, in one pass over it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import IntEnum

from livefire.logsources.brackets import Span, balanced, between
from livefire.logsources.faults import Quarantined, sample
from livefire.logsources.pieces import Piece
from livefire.logsources.window import CREDIT, LEAST_STRETCH, Window

MIB = 1024 * 1024
LONGEST_STRETCH = 2 * MIB  # a salvaged event may be half as long
WORK_A_BYTE = 2
MARK_COST = 16  # work is counted in bytes of decoding, about 50 ns each
PROBE_COST = 256
GIVING_UP = 2  # how many times the work for a whole search may go into lines before they are given up too
SHORTEST_EVENT = 48  # a time and a name with their keys take more

UNKNOWN = "; it stands for an unknown number of records"

_LINE = re.compile(rb"\n(\{[ \t\r]*+\"[^\n]*+)")
_LINE_START = re.compile(rb'(?<=\n)\{[ \t\r\n]*+"')


class Worth(IntEnum):
    """What a text is to one who looks for events: sound without any, perhaps with some inside, or one itself."""

    NOTHING = 0
    INSIDE = 1
    EVENT = 2


Probe = Callable[[bytes], Worth]


def salvage(window: Window, probe: Probe, code: str, reason: str) -> Iterator[Piece | Quarantined]:
    """Set aside what is broken from here on, and yield the sound events among it.

    The text is taken in stretches, each looked at once; a stretch grows while nothing is found in
    it or faults follow each other closely. After as much work as `salvage_bytes` and the size of
    the file allow, only events that fill a line are looked for.
    """
    yield from _Salvage(window, probe, code, reason).run()


def drop_rest(window: Window, code: str, reason: str) -> Quarantined:
    """Set aside all that is left of a file."""
    begin, shown = window.offset, window.text[window.at : window.at + window.limits.sample_bytes]
    while window.held or not window.ended:
        window.advance(window.held)
        window.fill(window.limits.window_bytes)
    text = sample(shown, window.limits.sample_bytes)
    return Quarantined(code, reason + "; the rest of the file was set aside" + UNKNOWN, 0, begin, window.offset - begin, sample=text)


class _Salvage:
    def __init__(self, window: Window, probe: Probe, code: str, reason: str) -> None:
        self.window = window
        self.probe = probe
        self.code = code
        self.reason = reason
        self.begin = window.offset  # where the bytes begin that are not accounted for
        self.shown: bytes | None = None  # their first ones, once they have left the window
        self.found = False

    def run(self) -> Iterator[Piece | Quarantined]:
        window = self.window
        close = window.broken and window.since_fault() < CREDIT * window.stretch
        size = min(2 * window.stretch, LONGEST_STRETCH) if close else LEAST_STRETCH
        skip = 1  # what begins here is known to be broken
        while not self._tired():
            window.fill(size + 1)
            window.stretch = size
            last = window.ended and window.held <= size
            yield from self._stretch(skip, size, last=last)
            if last or self.begin > window.offset + (0 if size < LONGEST_STRETCH else size // 4):
                if not self.found:
                    window.advance(window.held)
                    yield self._gap(window.text, window.at)
                break
            if size < LONGEST_STRETCH:
                size *= 2
                continue
            if self.shown is None:
                self.shown = self._sample_from(window.text)
            window.advance(size // 2)
            skip = 0
        else:
            yield from self._by_line()
        window.advance(max(0, self.begin - window.offset))
        window.distrust()

    def _tired(self, times: int = 1) -> bool:
        return self.window.salvage_spent > times * (self.window.limits.salvage_bytes + WORK_A_BYTE * self.window.offset)

    def _stretch(self, skip: int, size: int, *, last: bool) -> Iterator[Piece | Quarantined]:
        """Yield the events that begin in a stretch, from left to right, the outermost first."""
        window, text = self.window, self.window.text
        start, stop = window.at, min(window.at + size, len(text))
        spans, left, marks = balanced(text, start + skip, stop, window.limits.depth)
        window.salvage_spent += MARK_COST * marks + (stop - start) // 8
        limit = stop
        if not last:
            limit = start + size // 2 if size == LONGEST_STRETCH else next(filter(self._may_be_record, left), stop)
        floor = self._index(self.begin)
        row: list[Span] = []
        for begin, end in spans:
            if begin < floor:
                continue
            if begin >= limit:
                break
            if self.found and between(text, self._index(self.begin), begin):
                row.append((begin, end))
            else:
                worth = self._weigh(begin, end)
                if worth is Worth.NOTHING:
                    floor = end
                if worth is not Worth.EVENT:
                    continue
                yield from self._row(row)
                row = []
                if self._index(self.begin) < begin:
                    yield self._gap(text, begin)
                yield Piece(text[begin:end], self._offset(begin), salvaged=True)
                self.found = True
            floor = end
            self.begin, self.shown = self._offset(end), None
        yield from self._row(row)

    def _row(self, spans: list[Span]) -> Iterator[Piece]:
        """Yield objects that follow a salvaged event with nothing odd between."""
        if spans:
            start, end = spans[0][0], spans[-1][1]
            yield Piece(self.window.text[start:end], self._offset(start), cuts=[(a - start, b - start) for a, b in spans])

    def _by_line(self) -> Iterator[Piece | Quarantined]:
        """Yield the next event that fills a line, or set the rest of the file aside."""
        window = self.window
        self.reason += "; too broken to look further than for whole lines"
        while True:
            for line in _LINE.finditer(window.text, window.at):
                if line.end() == len(window.text) and not window.ended:
                    break
                if line.group(1).endswith((b"}", b"}\r", b"},")) and self._weigh(*line.span(1)) is Worth.EVENT:
                    yield self._gap(window.text, line.start(1))
                    yield Piece(line.group(1), self._offset(line.start(1)), salvaged=True)
                    self.begin, self.shown = self._offset(line.end()), None
                    return
                self._pass(line.end())
            if self._tired(GIVING_UP):
                rest = drop_rest(window, self.code, self.reason)
                rest.offset, rest.length = self.begin, window.offset - self.begin
                self.begin = window.offset
                yield rest
                return
            if window.ended:
                window.advance(window.held)
                yield self._gap(window.text, window.at)
                return
            begun = _LINE.search(window.text, window.at)
            self._pass(begun.start() if begun and window.held < window.limits.record_bytes else len(window.text) - 1)
            window.fill(window.held + window.limits.window_bytes)

    def _pass(self, index: int) -> None:
        if self.shown is None:
            self.shown = self._sample_from(self.window.text)
        self.window.advance(index - self.window.at)

    def _weigh(self, begin: int, end: int) -> Worth:
        if end - begin < SHORTEST_EVENT:
            return Worth.NOTHING
        self.window.salvage_spent += (end - begin) // 4 + PROBE_COST
        return self.probe(self.window.text[begin:end])

    def _may_be_record(self, index: int) -> bool:
        pattern = self.window.first_key
        return _LINE_START.match(self.window.text, index) is not None or (pattern is not None and pattern.match(self.window.text, index) is not None)

    def _index(self, offset: int) -> int:
        return offset - self.window.offset + self.window.at

    def _offset(self, index: int) -> int:
        return index - self.window.at + self.window.offset

    def _sample_from(self, text: bytes) -> bytes:
        index = self._index(self.begin)
        return text[index : index + self.window.limits.sample_bytes]

    def _gap(self, text: bytes, end: int) -> Quarantined:
        """The entry for what lies between the last event and `end`."""
        size = self._offset(end) - self.begin
        several = self.shown is not None or self._holds_several(text, end)
        shown = self._sample_from(text) if self.shown is None else self.shown
        text_shown = sample(shown[:size], self.window.limits.sample_bytes)
        return Quarantined(self.code, self.reason + (UNKNOWN if several else ""), 0, self.begin, size, sample=text_shown)

    def _holds_several(self, text: bytes, end: int) -> bool:
        pattern = self.window.first_key or _LINE_START
        return pattern.search(text, self._index(self.begin) + 1, end) is not None
