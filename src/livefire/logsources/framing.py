"""Cutting a stream of JSON text into records without holding the file in memory.

Read are: one value, values one a line, values one after another in any layout, and lists of
values, bare or as the `Records`, `records` or `value` of an object. Where the text is broken the
reader looks for the next place that is a whole, sound event, and what lies between is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from itertools import takewhile
from typing import Any

import msgspec

from livefire.logsources.brackets import BROKEN, INCOMPLETE, row, scan
from livefire.logsources.faults import Quarantined, sample
from livefire.logsources.pieces import Piece
from livefire.logsources.salvage import Probe, Worth, drop_rest, salvage
from livefire.logsources.window import Window

SPACE = b" \t\r\n"
BOM = b"\xef\xbb\xbf"

_LIST_HEAD = re.compile(rb'\{[ \t\r\n]*+"(?:Records|records|value)"[ \t\r\n]*+:[ \t\r\n]*+\[')
_MEMBER = re.compile(rb',[ \t\r\n]*+"(Records|records|value)?((?:[^"\\]++|\\.)*+)"[ \t\r\n]*+:[ \t\r\n]*+(\[?)', re.DOTALL)
_FIRST_KEY = re.compile(rb'\{[ \t\r\n]*+"[^"\\]{1,64}"')
_SCALAR = re.compile(rb'(?:"(?:[^"\\\n]++|\\.)*+"|-?\d[0-9.eE+-]*|true|false|null)', re.DOTALL)
_SCALARS = re.compile(rb"(?:" + _SCALAR.pattern + rb"[ \t\r\n]*+,?+[ \t\r\n]*+)+", re.DOTALL)
_COMMAS = re.compile(rb"[, \t\r\n]++")
_LEFT_OVER = re.compile(rb"[\]}, \t\r\n]++")
_NEXT_RECORD = re.compile(rb'\n(\{)[ \t\r\n]*+"')
_raws: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_raw: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)

_SHORTEST_RUN = 2_048
_ROW_BYTES = 256 * 1024
FIRST_LOOK = 4_096
TIRING = "more brackets than records"


def frame(window: Window, probe: Probe) -> Iterator[Piece | Quarantined]:
    """Yield the records of a text in order, and an entry for every stretch that is none.

    `probe` says of a JSON text whether it is an event worth salvaging. `Quarantined.record` is
    left at 0; the caller counts.
    """
    while window.more():
        first = window.first
        if not window.step():
            yield drop_rest(window, "E420", TIRING)
        elif first == b"[":
            window.advance(1)
            yield from _list(window, probe, in_object=False)
        elif first == b"{":
            head = _LIST_HEAD.match(window.text, window.at)
            if head:
                window.advance(head.end() - window.at)
                yield from _list(window, probe, in_object=True)
            else:
                yield from _values(window, probe)
        elif (window.broken and first in b",]}") or (first == b"," and window.offset):
            # values in a row with commas, such as a list that lost its brackets
            window.advance(_length(_LEFT_OVER if window.broken else _COMMAS, window))
        else:
            yield from salvage(window, probe, "E420" if window.offset else "E405", "no JSON value begins here")


def _length(pattern: re.Pattern[bytes], window: Window) -> int:
    found = pattern.match(window.text, window.at)
    return found.end() - window.at if found else 0


def _values(window: Window, probe: Probe) -> Iterator[Piece | Quarantined]:
    """Values outside any list: many whole lines if the first lines are whole, else values one after another."""
    if _begins_lines(window, probe):
        _learn(window)
        end = _run_of_lines(window)
        yield Piece(window.text[window.at : end], window.offset, lines=True)
        window.advance(end - window.at)
    else:
        yield from _row(window, probe)


def _begins_lines(window: Window, probe: Probe) -> bool:
    """True if the window's first line is a value, or is none but the second is an event by itself."""
    text, end = window.text, window.line_end()
    if end < 0:
        return window.ended and _is_value(text[window.at :])
    if _is_value(text[window.at : end]):
        return True
    following = text.find(b"\n", end + 1)
    line = text[end + 1 :] if following < 0 and window.ended else text[end + 1 : max(following, 0)]
    return line[:1] == b"{" and not _goes_on(text, window.at, end) and probe(line.rstrip(b", \t\r")) is Worth.EVENT


def _run_of_lines(window: Window) -> int:
    """Return the index where the lines end that each stand for one value, sound or not.

    The run ends before a line that opens a list of records, begins with anything but a brace, or
    is left open where the next line goes on with it.
    """
    text, at = window.text, window.at
    while at < len(text):
        end = text.find(b"\n", at)
        if end < 0 and not window.ended:
            break
        end = len(text) if end < 0 else end
        if text[at : at + 1] != b"{":
            if text[at:end].strip(SPACE):
                break
        elif at > window.at and (_LIST_HEAD.match(text, at, end) or _goes_on(text, at, end)):
            break
        at = min(end + 1, len(text))
    return at


def _goes_on(text: bytes, start: int, end: int) -> bool:
    """True if the line from `start` to `end` is left open and the next one does not begin a value."""
    following = text[end + 1 : end + 2]
    return following not in (b"{", b"\n", b"") and not text[max(start, end - 64) : end].rstrip(b", \t\r").endswith(b"}")


def _is_value(text: bytes) -> bool:
    try:
        _raw.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True


def _list(window: Window, probe: Probe, *, in_object: bool) -> Iterator[Piece | Quarantined]:
    """The elements of a list whose opening bracket has been read."""
    while window.more():
        first = window.first
        if not window.step():
            yield drop_rest(window, "E420", TIRING)
            return
        if first == b"]":
            window.advance(1)
            if not in_object or not (yield from _after_list(window, probe)):
                return
        elif first == b",":
            window.advance(_length(_COMMAS, window))
        elif first == b"{":
            cut, decoded = _sound_run(window)
            if cut:
                yield Piece(window.text[window.at : cut], window.offset, decoded=decoded)
                window.advance(cut - window.at)
            else:
                yield from _row(window, probe)
        elif not (yield from _no_object(window)):
            if first == b"[":
                yield from _one(window, probe)
            else:
                yield from salvage(window, probe, "E420", "no list element begins here")
    if window.fault is None:
        yield Quarantined("E429", "the text ends inside a list of records", 0, window.offset, 0, records=0)


def _no_object(window: Window) -> Generator[Quarantined, None, bool]:
    """Set aside list elements that are not objects; False if none begins here."""
    scalars = _SCALARS.match(window.text, window.at)
    if scalars is None:
        return False
    text = scalars.group().rstrip(b", \t\r\n")
    try:
        count = len(_raws.decode(b"[" + text + b"]"))
    except (msgspec.DecodeError, ValueError):
        count = sum(1 for _ in _SCALAR.finditer(text))
    yield _entry(window, "E424", "a value that is not an object", scalars.end() - window.at, count)
    return True


def _sound_run(window: Window) -> tuple[int, list[Any] | None]:
    """Return the index where a run of whole elements at the start of the window ends, 0 if unsure, and the elements if that decoded them.

    The end of the last whole element is guessed from the first element's first key; that the
    guess is right is proven by decoding: a prefix of a list that decodes as a list ends between
    two elements.
    """
    _learn(window)
    end, decoded = _try_run(window, min(len(window.text), window.at + window.run_bytes))
    # A try costs as much as it is long, so that after a failure longer ones have to be earned.
    window.run_bytes = min(8 * window.run_bytes, 16 * window.limits.window_bytes) if end else 2 * _SHORTEST_RUN
    return end, decoded


def _try_run(window: Window, within: int) -> tuple[int, list[Any] | None]:
    text, start = window.text, window.at
    if window.ended and within == len(text):
        end = text.rfind(b"]", start)
        if end > start:
            sound, decoded = _is_list(window, text[start:end])
            if sound:
                return end, decoded
    key = _FIRST_KEY.match(text, start)
    while key and within - start > _SHORTEST_RUN:
        begin = text.rfind(key.group(), start + 1, within)
        end = begin - 1
        while end > start and text[end] in SPACE:
            end -= 1
        if end > start and text[end : end + 1] == b",":
            sound, decoded = _is_list(window, text[start:end])
            if sound:
                return end, decoded
        within = start + (within - start) // 8
    return 0, None


def _is_list(window: Window, text: bytes) -> tuple[bool, list[Any] | None]:
    decoded = window.prove(text) if window.prove is not None else None
    if decoded is not None:
        return True, decoded
    try:
        _raws.decode(b"[" + text + b"]")
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False, None
    return True, None


def _after_list(window: Window, probe: Probe) -> Generator[Quarantined | Piece, None, bool]:
    """Read on to the end of the object that held a list; True if a second list of records follows."""
    while window.more():
        if not window.step():
            yield drop_rest(window, "E420", TIRING)
            return False
        if window.first == b"}":
            window.advance(1)
            return False
        member = _MEMBER.match(window.text, window.at)
        if member is None:
            break
        if member.group(1) and not member.group(2) and member.group(3):
            window.advance(member.end() - window.at)
            return True
        start = member.end() - len(member.group(3))
        scalar = _SCALAR.match(window.text, start)
        end = scalar.end() - window.at if scalar else _end_of_value(window, start - window.at, probe)
        if end < 0:
            break
        window.advance(end)
    if window.held:
        yield from salvage(window, probe, "E420", "the object around the records goes wrong here")
    elif window.fault is None:
        yield Quarantined("E429", "the text ends inside the object around the records", 0, window.offset, 0, records=0)
    return False


def _row(window: Window, probe: Probe) -> Iterator[Piece | Quarantined]:
    """Short objects one after another, or the one value that begins here."""
    start = window.at
    spans = row(window.text, start, FIRST_LOOK, start + _ROW_BYTES)
    if spans:
        _learn(window)
        spans = list(takewhile(lambda span: not _swallows(window, *span), spans))
    if spans:
        end = spans[-1][1]
        yield Piece(window.text[start:end], window.offset, cuts=[(a - start, b - start) for a, b in spans])
        window.advance(end - start)
    else:
        yield from _one(window, probe)


def _one(window: Window, probe: Probe) -> Iterator[Piece | Quarantined]:
    """The value that begins at the window's start, whatever its layout."""
    end = _end_of_value(window, 0, probe)
    if end > 0 and _swallows(window, window.at, window.at + end):
        end = BROKEN
    if end > 0:
        if end <= window.limits.record_bytes:
            _learn(window)
            yield Piece(window.text[window.at : window.at + end], window.offset)
            window.advance(end)
        else:
            yield _entry(window, "E421", f"{end} bytes; the limit is {window.limits.record_bytes}", end)
    elif end == BROKEN:
        yield from salvage(window, probe, "E420", "brackets or quotes do not match")
    elif window.ended and window.held <= window.reach():
        yield from salvage(window, probe, "E427", "the text ends inside a value")
    elif window.reach() < window.limits.record_bytes:
        yield from salvage(window, probe, "E420", f"a value still open after {window.reach()} bytes, close behind another fault")
    else:
        yield from salvage(window, probe, "E421", f"a value of more than {window.limits.record_bytes} bytes")


def _swallows(window: Window, start: int, end: int) -> bool:
    """True if a value is unsound and another record seems to begin in it: two lost quotes can balance the brackets of several."""
    pattern = window.first_key
    if pattern is None or pattern.search(window.text, start + 1, end) is None:
        return False
    return not _is_value(window.text[start:end])


def _learn(window: Window) -> None:
    """Remember how the file's first object begins."""
    if window.first_key is None:
        key = _FIRST_KEY.match(window.text, window.at)
        if key:
            name = key.group()
            window.first_key = re.compile(rb"\{[ \t\r\n]*+" + re.escape(name[name.index(b'"') :]))


def _end_of_value(window: Window, start: int, probe: Probe) -> int:
    """Return the length up to the end of the value that begins `start` bytes on, filling the window as far as a record may go.

    The text is looked at in growing steps. If a value is still open where a line begins that is
    an event by itself, the value is broken: it has lost its end.
    """
    look, reach = FIRST_LOOK, window.reach()
    while True:
        end, look = _look(window, start, look, reach, probe)
        if end != INCOMPLETE or window.ended or window.held > reach:
            return end
        window.fill(min(2 * max(window.held, window.limits.window_bytes), reach + 1))


def _look(window: Window, start: int, look: int, reach: int, probe: Probe) -> tuple[int, int]:
    """Return the length up to the value's end, or as `scan` does, looking `look` bytes on first and then ever further, up to `reach`."""
    text, begin = window.text, window.at + start
    furthest = min(len(text), begin + reach)
    while True:
        stop = min(begin + look, furthest)
        end, _ = scan(text, begin, stop)
        if end != INCOMPLETE:
            return (end - window.at if end > 0 else end), look
        following = _NEXT_RECORD.search(text, begin, stop)
        if following:
            sound, _ = scan(text, following.start(1), following.start(1) + min(reach, window.limits.probe_bytes))
            if sound > 0 and probe(text[following.start(1) : sound]) is Worth.EVENT:
                return BROKEN, look
        if stop >= furthest:
            return INCOMPLETE, look
        look *= 8


def _entry(window: Window, code: str, reason: str, length: int, records: int = 1) -> Quarantined:
    shown = window.text[window.at : window.at + min(length, window.limits.sample_bytes)]
    entry = Quarantined(code, reason, 0, window.offset, length, records, sample=sample(shown, window.limits.sample_bytes))
    window.advance(length)
    return entry
