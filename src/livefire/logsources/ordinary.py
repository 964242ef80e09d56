"""Ordinary records, many at once: proven to be what the careful reader would make of them, else left to it.

Nearly all records are written by their vendor in one way: compact, the same keys in the same order,
no key twice. Such a record decodes into a typed structure that encodes to the very bytes it was read
from. That is the proof: an encoder never writes a key twice, a space, an odd escape or a number that
it did not read whole. So the record's own bytes are its canonical form, and no object is built for
its nested parts, of which most are the same again and again and are remembered by their text.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from livefire.logsources.base import Form, LogSource
from livefire.logsources.canonical import UnsoundError, decode, depth, encode, has_huge_number
from livefire.logsources.columns import Repeated, Utf8, Values, lay_out, read_time
from livefire.logsources.limits import MIB, Limits
from livefire.schema import Type

KEPT_BYTES = 8 * MIB
_KEPT_TIMES = 100_000
_ODD = -1
_NUL = b"\\u0000"
_MISSING = msgspec.Raw()
_KEY_BYTES = 4  # the shortest member, "":0
_raws: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_raw_lines: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)


@dataclass(slots=True)
class Ordinary:
    """The records of a stretch: `texts` of all, and which of them have to be read with `care`.

    `fields` are the values of all records key by key, `parts` the places of nested parts among those known.
    """

    texts: list[bytes]
    care: list[bool]
    fields: list[tuple[Any, ...]]
    times: list[datetime | None]
    parts: list[list[int] | None]
    odd: int


class OrdinaryReader:
    """Reads the records of one form of a log source; remembers nested parts between calls, up to a bound."""

    def __init__(self, source: LogSource, form: Form, limits: Limits) -> None:
        self.source, self.form = source, form
        self._limits = limits
        types = [_structure(source, form, order) for order in form.orders]
        self._lists: list[msgspec.json.Decoder[list[Any]]] = [msgspec.json.Decoder(list[kind]) for kind in types]  # type: ignore[valid-type]  # made at run time
        self._singles: list[msgspec.json.Decoder[Any]] = [msgspec.json.Decoder(kind) for kind in types]
        self._usual = 0
        self._times: dict[str, datetime | None] = {}
        self._keys = types[0].__struct_fields__
        self._fields = attrgetter(*self._keys)
        self._nothing = tuple("" if key in form.required else _MISSING if _kind(source, form, key) is None else None for key in self._keys)
        self._parts = [_Part(source, form, key, limits) for key in self._keys if _kind(source, form, key) is None]
        self._part_at = [self._keys.index(part.key) for part in self._parts]
        self._scalars = [(name, self._keys.index(key)) for name, key in _scalars(source, form)]
        self._id_at, self._time_at = self._keys.index(form.id_key), self._keys.index(form.time[0][0])
        self._names = (*_COMMON, *(column.name for column in source.columns))

    def prove(self, text: bytes) -> list[Any] | None:
        """Return the records of a comma-separated text, None if it is no such list of the usual kind."""
        try:
            return self._lists[self._usual].decode(b"[" + text + b"]")
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None

    def take(self, text: bytes, *, lines: bool, decoded: list[Any] | None = None) -> Ordinary | None:
        """Return the records of a text with those marked that are not ordinary; None where there is no gain in looking.

        `decoded` is what `prove` gave for the same text.
        """
        found = self._decode(text, lines=lines) if decoded is None else decoded
        texts = list(map(encode, found))
        if not texts or (b"\n" if lines else b",").join(texts) != text.rstrip():
            told_apart = self._one_by_one(text, found, texts, lines=lines)
            if told_apart is None:
                return None
            texts, found = told_apart
        care = [record is None for record in found]
        if _NUL in text:
            care = [odd or _NUL in own for odd, own in zip(care, texts, strict=True)]
        longest = self._limits.keys * _KEY_BYTES
        if len(text) > longest:
            care = [odd or len(own) > longest for odd, own in zip(care, texts, strict=True)]
        nothing, get = self._nothing, self._fields
        fields = list(zip(*(nothing if record is None else get(record) for record in found), strict=True))
        parts = [part.places(fields[at], care) for part, at in zip(self._parts, self._part_at, strict=True)]
        times = self._read_times(fields[self._time_at], fields[self._id_at], care)
        return Ordinary(texts, care, fields, times, parts, sum(care))

    def columns(self, found: Ordinary, start: int, stop: int, first: int) -> dict[str, Values]:
        """Return a run of records, none of which needs care, in columns, numbered from `first`."""
        texts, size = found.texts[start:stop], stop - start
        blake, number = hashlib.blake2b, int.from_bytes
        laid: dict[str, Values] = {
            "_time": list(found.times[start:stop]),
            "_id": list(found.fields[self._id_at][start:stop]),
            "_digest": [number(blake(own, digest_size=8).digest(), "big", signed=True) for own in texts],
            "_record": list(range(first, first + size)),
            "_flags": Repeated([None], [0] * size),
            "_raw": Utf8(texts),
        }
        for name, at in self._scalars:
            laid[name] = list(found.fields[at][start:stop])
        for part, places in zip(self._parts, found.parts, strict=True):
            part.lay_out(places[start:stop] if places is not None else [0] * size, laid)
        return {name: laid[name] if name in laid else Repeated([None], [0] * size) for name in self._names}

    def _decode(self, text: bytes, *, lines: bool) -> list[Any]:
        """Return the records of a text, none where it is not of the usual kind."""
        try:
            return self._singles[self._usual].decode_lines(text) if lines else self._lists[self._usual].decode(b"[" + text + b"]")
        except (msgspec.DecodeError, ValueError, RecursionError):
            return []

    def _one_by_one(self, text: bytes, decoded: list[Any], encoded: list[bytes], *, lines: bool) -> tuple[list[bytes], list[Any]] | None:
        """Return the records' own texts, with None for those of which nothing is proven; None where the text is no list."""
        try:
            raws = _raw_lines.decode_lines(text) if lines else _raws.decode(b"[" + text + b"]")
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        texts = [bytes(raw) for raw in raws]
        again: Sequence[tuple[Any, bytes | None]] = [(None, None)] * len(texts)
        if len(decoded) == len(texts):
            again = list(zip(decoded, encoded, strict=True))
        orders: Counter[int] = Counter()
        found = []
        for own, (record, text_again) in zip(texts, again, strict=True):
            order, sound = (self._usual, record) if own == text_again else self._single(own)
            orders[order] += 1
            found.append(sound)
        self._usual = max(range(len(self._singles)), key=lambda order: orders[order])
        return texts, found

    def _single(self, text: bytes) -> tuple[int, Any]:
        """Return a record that encodes to its own text in one of the known orders of keys, with the order; -1 and None if there is none."""
        for number, single in enumerate(self._singles):
            try:
                record = single.decode(text)
            except (msgspec.DecodeError, ValueError, RecursionError):
                continue
            if encode(record) == text:
                return number, record
        return -1, None

    def _read_times(self, texts: Sequence[str], ids: Sequence[str], care: list[bool]) -> list[datetime | None]:
        known = self._times
        if len(known) > _KEPT_TIMES:
            known.clear()
        for text in dict.fromkeys(texts):
            if text not in known:
                known[text] = read_time(text)
        times = [known[text] for text in texts]
        if None in times or "" in ids:
            care[:] = [odd or time is None or not own for odd, time, own in zip(care, times, ids, strict=True)]
        return times


_COMMON = ("_time", "_id", "_digest", "_record", "_flags", "_raw")


class _Part:
    """What stands under one key of a record, remembered by its text with the columns it gives."""

    def __init__(self, source: LogSource, form: Form, key: str, limits: Limits) -> None:
        own = tuple(c for c in source.columns if _begins(form.places.get(c.name), key))
        places = {c.name: form.places[c.name] for c in own}
        self.key = key
        self._source = LogSource(source.name, source.title, own, ())
        self._form = Form(form.name, form.recognise, form.time, form.identity, places)
        self._whole = len(own) == 1 and own[0].type is Type.DYNAMIC and places[own[0].name] == (key,)
        self._limits = limits
        self._columns: dict[str, list[object]] = {c.name: [] for c in own}
        self._known: dict[bytes, int] = {}
        self._known_rows = self._size = 0
        self._forget()

    def places(self, raws: Sequence[msgspec.Raw], care: list[bool]) -> list[int] | None:
        """Return the place of each record's part among those known, None where no record has it; asks for care where a part is not ordinary."""
        if raws.count(_MISSING) == len(raws):
            return None
        if self._size > KEPT_BYTES:
            self._forget()
        known, missing = self._known, _MISSING
        texts = [b"" if raw is missing else bytes(raw) for raw in raws]
        try:
            found = [known[text] for text in texts]
        except KeyError:
            self._learn([text for text in dict.fromkeys(texts) if text not in known])
            found = [known[text] for text in texts]
        if _ODD in found:
            care[:] = [odd or place == _ODD for odd, place in zip(care, found, strict=True)]
        return found

    def lay_out(self, places: list[int], laid: dict[str, Values]) -> None:
        """Add this part's columns of records by the places of their parts."""
        if not self._columns:
            return
        distinct = dict.fromkeys(places)
        if 2 * len(distinct) > len(places):
            laid.update((name, list(map(values.__getitem__, places))) for name, values in self._columns.items())
            return
        order = {place: at for at, place in enumerate(distinct)}
        compact = list(map(order.__getitem__, places))
        laid.update((name, Repeated(list(map(values.__getitem__, distinct)), compact)) for name, values in self._columns.items())

    def _forget(self) -> None:
        """Begin anew, knowing only the part that is not there."""
        self._known, self._known_rows = {b"": 0}, 1
        self._columns = {name: [None] for name in self._columns}
        self._size = 0

    def _learn(self, texts: list[bytes]) -> None:
        """Decode parts never seen, together if they are sound, and remember each."""
        self._size += sum(map(len, texts)) + 200 * len(texts)
        joined = b"[" + b",".join(texts) + b"]"
        if not self._sound(joined) or any(map(self._deep, texts)):
            self._known.update(dict.fromkeys(texts, _ODD))
            texts = [text for text in texts if self._sound(text) and not self._deep(text)]
            joined = b"[" + b",".join(texts) + b"]"
        if self._whole:
            laid: dict[str, list[object]] = {name: [None if text == b"null" else text.decode() for text in texts] for name in self._columns}
        else:
            values = decode(joined)
            assert isinstance(values, list)
            laid = lay_out(self._source, self._form, [{self.key: value} for value in values])
        first = self._known_rows
        self._known.update(zip(texts, range(first, first + len(texts)), strict=True))
        self._known_rows += len(texts)
        for name, column in self._columns.items():
            column.extend(laid[name])

    def _sound(self, text: bytes) -> bool:
        try:
            return encode(decode(text)) == text and not has_huge_number(b"[" + text + b"]")
        except UnsoundError:
            return False

    def _deep(self, text: bytes) -> bool:
        most = self._limits.depth - 1  # it stands inside the record
        return text.count(b"{") + text.count(b"[") > most and depth(text) > most


def reader_for(sources: Sequence[LogSource], limits: Limits) -> OrdinaryReader | None:
    """Return the reader for the first log source asked, None if how it is usually written is not known."""
    form = sources[0].forms[0] if sources and sources[0].forms else None
    return OrdinaryReader(sources[0], form, limits) if form is not None and form.orders else None


def _begins(place: object, key: str) -> bool:
    return isinstance(place, tuple) and place[0] == key


def _kind(source: LogSource, form: Form, key: str) -> type | None:
    """Return the Python type of a key's value where it is a text or a truth, None for what is left as text."""
    if key in form.required:
        return str
    kinds = [c.type for c in source.columns if form.places.get(c.name) == (key,)]
    return {Type.STRING: str, Type.BOOL: bool}.get(kinds[0]) if len(kinds) == 1 else None


def _structure(source: LogSource, form: Form, order: Sequence[str]) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for key in order:
        kind = _kind(source, form, key)
        if key in form.required:
            fields.append((key, str))
        else:
            fields.append((key, msgspec.Raw, _MISSING) if kind is None else (key, kind | None, None))
    return msgspec.defstruct(form.name, fields, omit_defaults=True, kw_only=True, gc=False)


def _scalars(source: LogSource, form: Form) -> list[tuple[str, str]]:
    """Return the columns that stand at the top of a record as text or truth, with their keys."""
    places = [(column.name, form.places.get(column.name)) for column in source.columns]
    return [(name, place[0]) for name, place in places if isinstance(place, tuple) and len(place) == 1 and _kind(source, form, place[0]) is not None]
