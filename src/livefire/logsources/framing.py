"""Cutting a stream of JSON text into records without holding the file in memory.

Read are: one value, values one a line, values one after another in any layout, and lists of
values, bare or as the `Records`, `records` or `value` of an object. Where the text is broken the
reader looks for the next place that is a whole, sound event, and what lies between is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import msgspec

from livefire.logsources.faults import FileFaultError, Quarantined, sample
from livefire.logsources.limits import Limits

SPACE = b" \t\r\n"
BOM = b"\xef\xbb\xbf"

_LIST_HEAD = re.compile(rb'\{[ \t\r\n]*"(?:Records|records|value)"[ \t\r\n]*:[ \t\r\n]*\[')
_MEMBER = re.compile(rb',[ \t\r\n]*"(Records|records|value)?((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*(\[?)', re.DOTALL)
_FIRST_KEY = re.compile(rb'\{[ \t\r\n]*"[^"\\]{1,64}"')
_TOKEN = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb'(?:"(?:[^"\\\n]++|\\.)*+"|-?\d[0-9.eE+-]*|true|false|null)', re.DOTALL)
_SCALARS = re.compile(rb"(?:" + _SCALAR.pattern + rb"[ \t\r\n]*+,?+[ \t\r\n]*+)+", re.DOTALL)
_CANDIDATE = re.compile(rb'(\{)[ \t\r\n]*"')
_LIKELY_CANDIDATE = re.compile(rb'(?<=\n)(\{)[ \t\r\n]*"')
_NEXT_RECORD = re.compile(rb'\n(\{)[ \t\r\n]*"')
_raws: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_raw: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)

_SHORTEST_RUN = 2_048
ABSURD_DEPTH = 20_000
LEAST_COST = 256
FIRST_LOOK = 4_096
INCOMPLETE = -1
BROKEN = -2

Probe = Callable[[bytes], bool]


@dataclass(slots=True)
class Piece:
    """Whole records next to each other: comma-separated, or with `lines` one a line.

    `offset` counts bytes of the inflated text. `salvaged` marks a record found by looking for it.
    """

    data: bytes
    offset: int
    lines: bool = False
    salvaged: bool = False


class Window:
    """The part of the text that is in memory, its place in the file, and how the file ended."""

    def __init__(self, chunks: Iterator[bytes], limits: Limits) -> None:
        self._chunks = chunks
        self.limits = limits
        self.text = b""
        self.offset = 0
        self.ended = False
        self.fault: FileFaultError | None = None
        self.broken = False
        self.first_key: re.Pattern[bytes] | None = None
        self.salvage_left = limits.salvage_bytes

    def fill(self, size: int) -> None:
        """Hold at least `size` bytes, or all that is left."""
        if self.ended or len(self.text) >= size:
            return
        parts, held = [self.text], len(self.text)
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
        self.text = self.text[count:]
        self.offset += count

    def more(self) -> bool:
        """Skip white space; True if anything follows."""
        while True:
            self.fill(self.limits.window_bytes)
            rest = self.text.lstrip(SPACE)
            self.offset += len(self.text) - len(rest)
            self.text = rest
            if rest or self.ended:
                return bool(rest)


def frame(window: Window, probe: Probe) -> Iterator[Piece | Quarantined]:
    """Yield the records of a text in order, and an entry for every stretch that is none.

    `probe` says of a JSON text whether it is an event worth salvaging. `Quarantined.record` is
    left at 0; the caller counts.
    """
    while window.more():
        first = window.text[:1]
        if first == b"[":
            window.advance(1)
            yield from _list(window, probe, in_object=False)
        elif first == b"{":
            head = _LIST_HEAD.match(window.text)
            if head:
                window.advance(head.end())
                yield from _list(window, probe, in_object=True)
            else:
                yield from _values(window, probe)
        elif (window.broken and first in b",]}") or (first == b"," and window.offset):
            window.advance(1)  # values in a row with commas, such as a list that lost its brackets
        else:
            yield from _salvage(window, probe, "E420" if window.offset else "E405", "no JSON value begins here")


def _values(window: Window, probe: Probe) -> Iterator[Piece | Quarantined]:
    """Values outside any list: many whole lines if the first line is whole, else one value."""
    text = window.text
    line_end = text.find(b"\n")
    if (line_end >= 0 or window.ended) and _is_value(text if line_end < 0 else text[:line_end]):
        _learn(window)
        cut = _run_of_lines(text if window.ended else text[: text.rfind(b"\n") + 1])
        yield Piece(text[:cut], window.offset, lines=True)
        window.advance(cut)
    else:
        yield from _one(window, probe)


def _run_of_lines(text: bytes) -> int:
    """Return the length of the lines that each stand for one value, sound or not.

    The run ends before a line that opens a list of records, begins with anything but a brace, or
    is left open where the next line goes on with it.
    """
    lines = text.split(b"\n")
    length = 0
    for number, line in enumerate(lines):
        if line[:1] != b"{":
            if line.strip(SPACE):
                break
        elif _LIST_HEAD.match(line) or _goes_on(line, lines[number + 1 : number + 2]):
            break
        length += len(line) + 1
    return min(length, len(text))


def _goes_on(line: bytes, following: list[bytes]) -> bool:
    return bool(following) and following[0][:1] not in (b"{", b"") and not line.rstrip(b", \t\r").endswith(b"}")


def _is_value(text: bytes) -> bool:
    try:
        _raw.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True


def _list(window: Window, probe: Probe, *, in_object: bool) -> Iterator[Piece | Quarantined]:
    """The elements of a list whose opening bracket has been read."""
    while window.more():
        first = window.text[:1]
        if first == b"]":
            window.advance(1)
            if not in_object or not (yield from _after_list(window, probe)):
                return
        elif first == b",":
            window.advance(1)
        elif first == b"{":
            cut = _sound_run(window)
            if cut:
                yield Piece(window.text[:cut], window.offset)
                window.advance(cut)
            else:
                yield from _one(window, probe)
        else:
            scalars = _SCALARS.match(window.text)
            if scalars:
                count = sum(1 for _ in _SCALAR.finditer(window.text, 0, scalars.end()))
                yield _entry(window, "E424", "a value that is not an object", scalars.end(), count)
            elif first == b"[":
                yield from _one(window, probe)
            else:
                yield from _salvage(window, probe, "E420", "no list element begins here")
    if window.fault is None:
        yield Quarantined("E429", "the text ends inside a list of records", 0, window.offset, 0, records=0)


def _sound_run(window: Window) -> int:
    """Return the length of a run of whole elements at the start of the window, 0 if unsure.

    The end of the last whole element is guessed from the first element's first key; that the
    guess is right is proven by decoding: a prefix of a list that decodes as a list ends between
    two elements.
    """
    text = window.text
    _learn(window)
    if window.ended:
        end = text.rfind(b"]")
        if end > 0 and _is_list(text[:end]):
            return end
    key = _FIRST_KEY.match(text)
    within = len(text)
    while key and within > _SHORTEST_RUN:
        begin = text.rfind(key.group(), 1, within)
        end = len(text[: max(begin, 0)].rstrip(SPACE)) - 1
        if end > 0 and text[end : end + 1] == b"," and _is_list(text[:end]):
            return end
        within //= 8
    return 0


def _is_list(text: bytes) -> bool:
    try:
        _raws.decode(b"[" + text + b"]")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True


def _after_list(window: Window, probe: Probe) -> Generator[Quarantined | Piece, None, bool]:
    """Read on to the end of the object that held a list; True if a second list of records follows."""
    while window.more():
        if window.text[:1] == b"}":
            window.advance(1)
            return False
        member = _MEMBER.match(window.text)
        if member is None:
            break
        if member.group(1) and not member.group(2) and member.group(3):
            window.advance(member.end())
            return True
        start = member.end() - len(member.group(3))
        scalar = _SCALAR.match(window.text, start)
        end = scalar.end() if scalar else _end_of_value(window, start, probe)
        if end < 0:
            break
        window.advance(end)
    if window.text:
        yield from _salvage(window, probe, "E420", "the object around the records goes wrong here")
    elif window.fault is None:
        yield Quarantined("E429", "the text ends inside the object around the records", 0, window.offset, 0, records=0)
    return False


def _one(window: Window, probe: Probe) -> Iterator[Piece | Quarantined]:
    """The value that begins at the window's start, whatever its layout."""
    end = _end_of_value(window, 0, probe)
    if end > 0:
        if end <= window.limits.record_bytes:
            _learn(window)
            yield Piece(window.text[:end], window.offset)
            window.advance(end)
        else:
            yield _entry(window, "E421", f"{end} bytes; the limit is {window.limits.record_bytes}", end)
    elif end == BROKEN:
        yield from _salvage(window, probe, "E420", "brackets or quotes do not match")
    elif window.ended:
        yield from _salvage(window, probe, "E427", "the text ends inside a value")
    else:
        yield from _salvage(window, probe, "E421", f"a value of more than {window.limits.record_bytes} bytes")


def _learn(window: Window) -> None:
    """Remember how the file's first object begins."""
    if window.first_key is None:
        key = _FIRST_KEY.match(window.text)
        if key:
            name = re.escape(key.group()[key.group().index(b'"') :])
            window.first_key = re.compile(rb'((?:(?<=\n)\{[ \t\r\n]*")|(?:\{[ \t\r\n]*' + name + rb"))")


def _end_of_value(window: Window, start: int, probe: Probe) -> int:
    """Return where the value at `start` ends, filling the window as far as a record may go.

    The text is looked at in growing steps. If a value is still open where a line begins that is
    an event by itself, the value is broken: it has lost its end.
    """
    look = start + FIRST_LOOK
    while True:
        end, look = _look(window, start, look, probe)
        if end != INCOMPLETE or window.ended or len(window.text) > window.limits.record_bytes:
            return end
        window.fill(min(2 * max(len(window.text), window.limits.window_bytes), window.limits.record_bytes + 1))


def _look(window: Window, start: int, look: int, probe: Probe) -> tuple[int, int]:
    """Return as `scan` does for the text in memory, looking up to `look` first and then ever further."""
    text = window.text
    while True:
        end, reached = scan(text, start, look)
        if end != INCOMPLETE:
            return end, reached
        following = _NEXT_RECORD.search(text, start, look)
        if following:
            sound, _ = scan(text, following.start(1), following.start(1) + window.limits.probe_bytes)
            if sound > 0 and probe(text[following.start(1) : sound]):
                return BROKEN, reached
        if look >= len(text):
            return INCOMPLETE, look
        look = start + 8 * (look - start)


def scan(text: bytes, start: int, stop: int | None = None) -> tuple[int, int]:
    """Return the end of the object or list that opens at `start`, and how far was looked.

    The end is `INCOMPLETE` if the text stops first, and `BROKEN` where brackets do not match or
    nest absurdly. Only brackets and strings are looked at. A raw line break inside a string is
    broken: without that rule one lost quote would turn the rest of the file inside out.
    """
    closers = bytearray()
    stop = len(text) if stop is None else min(stop, len(text))
    for match in _TOKEN.finditer(text, start, stop):
        token = text[match.start()]
        if token in b"{[":
            closers.append(token + 2)  # } and ] follow their openers by two
            if len(closers) > ABSURD_DEPTH:
                return BROKEN, match.end()
        elif token in b"}]":
            if not closers or closers.pop() != token:
                return BROKEN, match.end()
            if not closers:
                return match.end(), match.end()
        elif match.end() - match.start() == 1:
            line_end = text.find(b"\n", match.end(), stop)
            return (INCOMPLETE, stop) if line_end < 0 else (BROKEN, line_end)
    return INCOMPLETE, stop


def _salvage(window: Window, probe: Probe, code: str, reason: str) -> Iterator[Piece | Quarantined]:
    """Set aside everything up to the next sound event, and yield that event.

    At first every opening brace is tried; after `salvage_step_bytes` of trying only those that
    begin a line or an object like the file's first; after `salvage_bytes` for the whole file the
    rest of it is set aside, so that no file can hold up the reading.
    """
    window.broken = True
    begin, shown, at = window.offset, window.text[: window.limits.sample_bytes], 1
    step_left, candidates = window.limits.salvage_step_bytes, _CANDIDATE
    while True:
        candidate = candidates.search(window.text, at)
        if candidate is None:
            window.advance(max(0, len(window.text) - 64) if not window.ended else len(window.text))
            if window.ended:
                break
            window.fill(len(window.text) + window.limits.window_bytes)
            at = 0
            continue
        start = candidate.start(1)
        if len(window.text) - start < window.limits.probe_bytes and not window.ended:
            window.advance(start)
            window.fill(window.limits.probe_bytes)
            start = 0
        end, reached = _look(window, start, start + FIRST_LOOK, probe)
        if end > 0 and probe(window.text[start:end]):
            window.advance(start)
            yield Quarantined(code, reason, 0, begin, window.offset - begin, sample=sample(shown, window.limits.sample_bytes))
            yield Piece(window.text[: end - start], window.offset, salvaged=True)
            window.advance(end - start)
            return
        cost = max(reached - start, LEAST_COST)
        step_left -= cost
        window.salvage_left -= cost
        if step_left < 0:
            candidates = _LIKELY_CANDIDATE if window.first_key is None else window.first_key
        if window.salvage_left < 0:
            _drop_rest(window)
            reason += "; too broken to look further, the rest of the file was set aside"
            break
        at = start + 1
    yield Quarantined(code, reason, 0, begin, window.offset - begin, sample=sample(shown, window.limits.sample_bytes))


def _drop_rest(window: Window) -> None:
    while window.text or not window.ended:
        window.advance(len(window.text))
        window.fill(window.limits.window_bytes)


def _entry(window: Window, code: str, reason: str, length: int, records: int = 1) -> Quarantined:
    entry = Quarantined(code, reason, 0, window.offset, length, records, sample=sample(window.text[:length], window.limits.sample_bytes))
    window.advance(length)
    return entry
