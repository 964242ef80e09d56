"""From the bytes of a file to laid-out events and quarantine entries; pure but for the stream it is given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from livefire.logsources.base import Event, Form, LogSource
from livefire.logsources.brackets import between, row, scan
from livefire.logsources.canonical import Record, UnsoundError, decode, elements, encode, plain_records, read_record
from livefire.logsources.columns import Values, lay_out, read_time
from livefire.logsources.faults import FileFaultError, Quarantined, sample
from livefire.logsources.framing import BOM, frame
from livefire.logsources.inflate import Stream, plain
from livefire.logsources.limits import Limits
from livefire.logsources.ordinary import Ordinary, OrdinaryReader, Stretch
from livefire.logsources.pieces import Piece
from livefire.logsources.salvage import Worth, drop_rest
from livefire.logsources.window import Window

MAX_ENVELOPES = 4
NO_SOURCE = "E425"
GROUP_BYTES = 128 * 1024
GROUP_ENTRY = 512
FREE_JUNK = 100_000  # records that are no events, before their number is held against the size of the file
BYTES_A_JUNK = 64


Place: TypeAlias = Callable[[], tuple[int, int]]
"""Where a record stands: offset and length in the inflated text. Looked up only where it has to be told."""


@dataclass(slots=True)
class Batch:
    """Events of one source, laid out: `columns` holds the common columns (but `_file`) and the hot ones."""

    source: LogSource
    form: str
    columns: dict[str, Values]
    size: int
    bytes: int


@dataclass(slots=True)
class Parsed:
    """What one piece of a file gave: events, entries, and how many records both stand for.

    Events of one form may be in several batches; their `_record` tells their order.
    """

    batches: list[Batch | Stretch] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    records: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    event: Event
    record: Record
    number: int
    place: Place


def read(
    stream: Stream, sources: Sequence[LogSource], limits: Limits, again: Callable[[], Stream] | None = None, ordinary: OrdinaryReader | None = None
) -> Iterator[Parsed]:
    """Yield what a file holds, in order, piece by piece, within bounded memory.

    Never raises for what the bytes are: every fault is a `Quarantined` entry. `again` opens the
    file anew, see `inflate.plain`. `ordinary` reads records that are written as usual, which gives
    the same and is faster.
    """
    window = Window(plain(stream, limits, again), limits, ordinary.prove if ordinary is not None else None)
    window.fill(len(BOM))
    flag = ""
    if window.text.startswith(BOM, window.at):
        window.advance(len(BOM))
        flag = "bom"
    number = junk = 0
    for group in _grouped(frame(window, lambda text: _weigh(text, sources, limits))):
        parsed = parse(group, number, sources, limits, flag, ordinary)
        flag = "" if parsed.batches else flag
        number += parsed.records
        junk += sum(entry.records for entry in parsed.quarantined)
        yield parsed
        if junk > FREE_JUNK + window.offset // BYTES_A_JUNK:
            rest = drop_rest(window, NO_SOURCE, f"{junk} records that are no events before it")
            rest.record = number
            if rest.length:
                number += rest.records
                yield Parsed(quarantined=[rest], records=rest.records)
            break
    if window.fault is not None:
        fault = window.fault
        yield Parsed(quarantined=[Quarantined(fault.code, fault.reason, number, fault.offset, 0, records=0)])


def _grouped(framed: Iterable[Piece | Quarantined]) -> Iterator[list[Piece | Quarantined]]:
    """Gather small pieces, since laying out one event costs as much as many."""
    group: list[Piece | Quarantined] = []
    size = 0
    for item in framed:
        group.append(item)
        size += len(item.data) if isinstance(item, Piece) else GROUP_ENTRY
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def parse(
    group: Iterable[Piece | Quarantined], number: int, sources: Sequence[LogSource], limits: Limits, flag: str = "", ordinary: OrdinaryReader | None = None
) -> Parsed:
    """Return the events and faults of whole records.

    `number` is the place of the first record in its file; `flag` is added to the first event.
    """
    out = _Sorting(number, sources, limits, flag, ordinary)
    for item in group:
        if isinstance(item, Piece):
            out.take(item)
        else:
            item.record = out.number
            out.number += item.records
            _refuse(out.parsed, item)
    return out.lay_out()


class _Sorting:
    """Records on their way into batches of one form each, or aside."""

    def __init__(self, number: int, sources: Sequence[LogSource], limits: Limits, flag: str, ordinary: OrdinaryReader | None) -> None:
        self.parsed = Parsed()
        self.number = number
        self._sources = sources
        self._limits = limits
        self._flag = flag
        self._ordinary = ordinary
        self._found: dict[tuple[str, str], list[_Found]] = {}
        self._forms: dict[tuple[str, str], tuple[LogSource, Form]] = {}

    def take(self, piece: Piece) -> None:
        """Sort the records of a piece."""
        if self._ordinary is None or self._flag or piece.salvaged or piece.cuts is not None:
            self._take_carefully(_records(piece, self._limits), piece)
            return
        found = self._ordinary.take(piece.data, lines=piece.lines, decoded=piece.decoded)
        if found is None or 2 * found.odd > len(found.texts):
            self._take_carefully(_records(piece, self._limits), piece)
        elif not found.odd:
            self._take_ordinary(found, 0, len(found.texts))
        else:
            self._take_mixed(found, piece)

    def _take_ordinary(self, found: Ordinary, start: int, stop: int) -> None:
        assert self._ordinary is not None
        self.parsed.batches.append(self._ordinary.stretch(found, start, stop, self.number))
        self.number += stop - start

    def _take_mixed(self, found: Ordinary, piece: Piece) -> None:
        """Take the records of a piece of which some have to be read with care, in their order."""
        care, at = found.care, 0
        places = _Places(piece)
        while at < len(care):
            end = at + 1
            while end < len(care) and care[end] == care[at]:
                end += 1
            if care[at]:
                self._take_carefully(((_carefully(found.texts[n], self._limits), places.of(n)) for n in range(at, end)), piece)
            else:
                self._take_ordinary(found, at, end)
            at = end

    def _take_carefully(self, records: Iterable[tuple[Record | UnsoundError, Place]], piece: Piece) -> None:
        extra = "salvaged" if piece.salvaged else ""
        for item, place in records:
            if isinstance(item, UnsoundError):
                self._set_aside(item, place, _cut(piece, *place()))
                continue
            if extra or self._flag:
                item.flags = ",".join(sorted({*filter(None, item.flags.split(",")), *filter(None, (extra, self._flag))}))
            for event in _events(item, self._sources, self._limits):
                if isinstance(event, str):
                    self.parsed.notes.append(event)
                elif isinstance(event, UnsoundError):
                    self._set_aside(event, place, item.canonical)
                else:
                    source, form, record = event
                    key = (source.name, form.name)
                    self._forms[key] = (source, form)
                    self._found.setdefault(key, []).append(_Found(record.value, record, self.number, place))  # type: ignore[arg-type]  # recognised, so an object
                    self._flag = ""
                    self.number += 1

    def _set_aside(self, fault: UnsoundError, place: Place, text: bytes) -> None:
        offset, length = place()
        last = self.parsed.quarantined[-1] if self.parsed.quarantined else None
        if last is not None and (last.code, last.reason) == (fault.code, fault.reason) and last.record + last.records == self.number:
            last.records += 1
            last.length = max(last.length, offset + length - last.offset)
        else:
            shown = sample(text, self._limits.sample_bytes)
            self.parsed.quarantined.append(Quarantined(fault.code, fault.reason, self.number, offset, length, sample=shown))
        self.number += 1

    def lay_out(self) -> Parsed:
        """Return what was sorted, the events in columns."""
        out = self.parsed
        for key, events in self._found.items():
            source, form = self._forms[key]
            batch = _batch(source, form, events, out, self._limits)
            if batch.size:
                out.batches.append(batch)
        out.records = sum(batch.size for batch in out.batches) + sum(entry.records for entry in out.quarantined)
        return out


def _batch(source: LogSource, form: Form, found: list[_Found], out: Parsed, limits: Limits) -> Batch:
    times = [_time(form, item.event) for item in found]
    if None in times:
        for item, time in zip(found, times, strict=True):
            if time is None:
                text = sample(item.record.canonical, limits.sample_bytes)
                reason = f"{source.title}: no readable {form.time[0][-1]}"
                _refuse(out, Quarantined("E426", reason, item.number, item.place()[0], 0, sample=text))
        found = [item for item, time in zip(found, times, strict=True) if time is not None]
        times = [time for time in times if time is not None]
    raws = [item.record.canonical for item in found]
    columns: dict[str, Values] = {
        "_time": times,
        "_id": [_identity(form, item) for item in found],
        "_digest": [_digest(raw) for raw in raws],
        "_record": [item.number for item in found],
        "_flags": [item.record.flags or None for item in found],
        "_raw": [raw.decode() for raw in raws],
    }
    columns.update(lay_out(source, form, [item.event for item in found]))
    return Batch(source, form.name, columns, len(found), sum(map(len, raws)))


def _time(form: Form, event: Event) -> object:
    for path in form.time:
        value: object = event
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            moment = read_time(value)
            if moment is not None:
                return moment
    return None


def _identity(form: Form, item: _Found) -> str:
    own = form.identity(item.event)
    return own if own is not None else "content:" + hashlib.blake2b(item.record.canonical, digest_size=16).hexdigest()


def _digest(raw: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big", signed=True)


def _records(piece: Piece, limits: Limits) -> Iterator[tuple[Record | UnsoundError, Place]]:
    """Each record of a piece with its place: all at once where nothing is odd, else one by one."""
    data = piece.data if piece.cuts is None else b",".join([piece.data[start:end] for start, end in piece.cuts])
    plain_ones = plain_records(data, lines=piece.lines, limits=limits)
    if plain_ones is None:
        yield from _each(piece, limits)
        return
    places = _Places(piece)
    for number, record in enumerate(plain_ones):
        yield record, places.of(number)


class _Places:
    """Where the records of a piece stand, found when one has to be told."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._found: list[tuple[int, int]] | None = None

    def of(self, number: int) -> Place:
        """Return what tells the place of a record."""
        return lambda: self._look(number)

    def _look(self, number: int) -> tuple[int, int]:
        if self._found is None:
            self._found = list(_cuts(self._piece))
        start, end = self._found[number] if number < len(self._found) else (0, len(self._piece.data))
        return self._piece.offset + start, end - start


def _at(offset: int, length: int) -> Place:
    return lambda: (offset, length)


def _carefully(text: bytes, limits: Limits) -> Record | UnsoundError:
    found = plain_records(text, lines=False, limits=limits)
    if found is not None and len(found) == 1:
        return found[0]
    try:
        return read_record(text, limits)
    except UnsoundError as fault:
        return fault


def _each(piece: Piece, limits: Limits) -> Iterator[tuple[Record | UnsoundError, Place]]:
    for start, end in _cuts(piece):
        try:
            yield read_record(piece.data[start:end], limits), _at(piece.offset + start, end - start)
        except UnsoundError as fault:
            several = row(piece.data, start, end - start, end) if piece.lines else []
            if len(several) < 2 or not between(piece.data, several[-1][1], end):
                yield fault, _at(piece.offset + start, end - start)
                continue
            inside = Piece(piece.data, piece.offset, cuts=several)  # objects one after another on a line
            yield from _each(inside, limits)


def _cuts(piece: Piece) -> Iterator[tuple[int, int]]:
    data = piece.data
    if piece.cuts is not None:
        yield from piece.cuts
        return
    if piece.lines:
        start = 0
        for line in data.split(b"\n"):
            if line.strip():
                yield start, start + len(line.rstrip(b", \t\r"))
            start += len(line) + 1
        return
    at = 0
    for element in elements(data) or ():
        at = data.index(element, at)
        yield at, at + len(element)
        at += len(element)
    while (at := data.find(b"{", at)) >= 0:
        end, _ = scan(data, at)
        if end < 0:
            yield at, len(data)
            return
        yield at, end
        at = end


def _events(record: Record, sources: Sequence[LogSource], limits: Limits, opened: int = 0) -> Iterator[tuple[LogSource, Form, Record] | UnsoundError | str]:
    """The events in a decoded value: itself, or what its envelopes hold; text is a note on a file without events."""
    value = record.value
    if isinstance(value, dict):
        for source in sources:
            form = source.form(value)
            if form is not None:
                yield source, form, record
                return
    elif not isinstance(value, list):
        yield UnsoundError("E424", "a value that is not an object")
        return
    try:
        inner = value if isinstance(value, list) else _open(value, sources)
    except UnsoundError as fault:
        yield fault
        return
    if inner is None:
        note = next((text for source in sources if (text := source.explain(value))), None) if isinstance(value, dict) else None
        yield note if note else UnsoundError(NO_SOURCE, "a JSON object that no known log source writes")
    elif opened >= MAX_ENVELOPES:
        yield UnsoundError("E428", f"more than {MAX_ENVELOPES} envelopes inside each other")
    else:
        for item in inner:
            try:
                child = _child(item, record.flags, limits)
            except UnsoundError as fault:
                yield fault
                continue
            yield from _events(child, sources, limits, opened + 1)


def _open(value: Event, sources: Sequence[LogSource]) -> list[object] | None:
    for source in sources:
        inner = source.unwrap(value)
        if inner is not None:
            return inner
    return None


def _child(item: object, flags: str, limits: Limits) -> Record:
    if not isinstance(item, bytes | str):
        return Record(item, encode(item), flags)
    text = item if isinstance(item, bytes) else item.encode("utf-8")
    inner = read_record(text, limits)
    inner.flags = ",".join(sorted({*filter(None, inner.flags.split(",")), *filter(None, flags.split(","))}))
    return inner


def _weigh(text: bytes, sources: Sequence[LogSource], limits: Limits) -> Worth:
    """Say whether a text in a broken file is an event, or might hold one further in."""
    if len(text) > limits.record_bytes:
        return Worth.INSIDE
    try:
        record = Record(decode(text), text)
    except UnsoundError:
        try:
            record = read_record(text, limits)
        except UnsoundError:
            return Worth.INSIDE
    if any(isinstance(found, tuple) for found in _events(record, sources, limits)):
        return Worth.EVENT
    return Worth.INSIDE if _holds_event(record.value, sources) else Worth.NOTHING


def _holds_event(value: object, sources: Sequence[LogSource]) -> bool:
    if isinstance(value, dict):
        return any(source.form(value) for source in sources) or any(_holds_event(item, sources) for item in value.values())
    return isinstance(value, list) and any(_holds_event(item, sources) for item in value)


def _cut(piece: Piece, offset: int, length: int) -> bytes:
    return piece.data[offset - piece.offset : offset - piece.offset + length]


def _refuse(out: Parsed, entry: Quarantined) -> None:
    """Keep an entry; a neighbour with the same reason is merged into one that counts both."""
    last = out.quarantined[-1] if out.quarantined else None
    if last is not None and (last.code, last.reason) == (entry.code, entry.reason) and last.record + last.records == entry.record:
        last.records += entry.records
        last.length = max(last.length, entry.offset + entry.length - last.offset)
    else:
        out.quarantined.append(entry)


def unreadable(fault: FileFaultError) -> Parsed:
    """Return the entry for a file of which nothing could be read."""
    return Parsed(quarantined=[Quarantined(fault.code, fault.reason, 0, fault.offset, 0, records=0)])
