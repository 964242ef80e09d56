"""Ordinary records, many at once: proven to be what the careful reader would make of them, else left to it.

Nearly all records are written by their vendor in one way: compact, the same keys in the same order,
no key twice. Such a record decodes into a typed structure that encodes to the very bytes it was read
from. That is the proof: an encoder never writes a key twice, a space, an odd escape or a number that
it did not read whole. So the record's own bytes are its canonical form. Its nested parts are proven
the same way, all parts of a stretch of records in one go, and columns are laid out for thousands of
records together, whatever the size of the files they come from.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter, is_
from typing import Any

import msgspec

from livefire.logsources.base import Form, LogSource
from livefire.logsources.canonical import UnsoundError, decode, depth, encode, has_huge_number
from livefire.logsources.columns import Moments, Numbers, Repeated, Utf8, Values, lay_out, microseconds, read_time, usual_times
from livefire.logsources.limits import MIB, Limits
from livefire.schema import Type

KEPT_BYTES = 8 * MIB
_KEPT_TIMES = 100_000
_ODD = -1
_NUL = b"\\u0000"
_MISSING = msgspec.Raw()
_TOGETHER = 8
_KEY_BYTES = 4  # the shortest member, "":0
_raws: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_raw_lines: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)
_values = msgspec.structs.astuple
_encode = msgspec.json.Encoder().encode  # without a step between, since it is called for every record


@dataclass(slots=True)
class Ordinary:
    """The records of a stretch: `texts` of all, and which of them have to be read with `care`.

    `fields` are the values of all records key by key, those of nested parts as text and empty where no record has any. `times`
    are microseconds since 1970, `places` for each remembered part where the records' own stand in the `memories`, None where
    no record has it.
    """

    texts: list[bytes]
    care: list[bool]
    fields: list[tuple[Any, ...]]
    digests: array[int]
    times: array[int]
    places: list[list[int] | None]
    memories: list[Memory]
    odd: int


@dataclass(slots=True)
class Memory:
    """Parts seen before: the place of each by its text, and by place the columns it gives; place 0 is the part that is not there."""

    places: dict[bytes, int]
    columns: dict[str, list[object]]
    rows: int = 1
    size: int = 0


@dataclass(slots=True)
class Stretch:
    """Ordinary records next to each other, numbered from `first`; many stretches are laid out together by `columns_of`."""

    reader: OrdinaryReader
    found: Ordinary
    first: int
    size: int
    bytes: int

    @property
    def source(self) -> LogSource:
        """The log source of the records."""
        return self.reader.source

    @property
    def form(self) -> str:
        """The name of the form they are written in."""
        return self.reader.form.name

    @property
    def columns(self) -> dict[str, Values]:
        """These records alone in columns."""
        return columns_of([self])

    def goes_with(self, other: Stretch) -> bool:
        """True if both can be laid out together."""
        return self.reader is other.reader and all(map(is_, self.found.memories, other.found.memories))


def columns_of(stretches: Sequence[Stretch]) -> dict[str, Values]:
    """Return the records of stretches that go together in columns, the common ones (but `_file`) and the hot ones."""
    return stretches[0].reader.columns(stretches)


class OrdinaryReader:
    """Reads the records of one form of a log source; remembers between calls the parts that recur, up to a bound."""

    def __init__(self, source: LogSource, form: Form, limits: Limits) -> None:
        self.source, self.form = source, form
        self._limits = limits
        types = _structures(source, form)
        keys = types[0].__struct_fields__
        self._lists: list[msgspec.json.Decoder[list[Any]]] = [msgspec.json.Decoder(list[kind]) for kind in types]  # type: ignore[valid-type]  # made at run time
        self._singles: list[msgspec.json.Decoder[Any]] = [msgspec.json.Decoder(kind) for kind in types]
        self._orders = {kind: [kind.__struct_fields__.index(key) for key in keys] for kind in types}
        self._get = attrgetter(*keys)
        self._usual = 0
        self._times: dict[str, int | None] = {}
        self._nothing = tuple("" if key in form.required else _MISSING if _kind(source, form, key) is None else None for key in keys)
        parts = [key for key in keys if _kind(source, form, key) is None]
        self._whole = {key: _whole_column(source, form, key) for key in parts}
        self._parts = [_Part(source, form, key, limits) for key in parts if self._whole[key] is None and any(_begins(p, key) for p in form.places.values())]
        self._part_at = [keys.index(part.key) for part in self._parts]
        self._proven_at = [at for at, key in enumerate(keys) if key in self._whole and at not in self._part_at]
        self._scalars = [(name, keys.index(key)) for name, key in _scalars(source, form)]
        self._documents = [(name, keys.index(key)) for key, name in self._whole.items() if name is not None]
        self._id_at, self._time_at = keys.index(form.id_key), keys.index(form.time[0][0])
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
        texts = list(map(_encode, found))
        if texts and (b"\n" if lines else b",").join(texts) == text.rstrip():
            columns = list(zip(*map(_values, found), strict=True))
            fields = [columns[at] for at in self._orders[type(found[0])]]
            care = [False] * len(texts)
        else:
            told_apart = self._one_by_one(text, found, texts, lines=lines)
            if told_apart is None or not told_apart[0]:
                return None
            texts, found = told_apart
            fields = list(zip(*(self._nothing if record is None else self._get(record) for record in found), strict=True))
            care = [record is None for record in found]
        digests = _digests(texts)  # at once, while the texts are near the processor
        if b"\\" in text and _NUL in text:  # a single byte is found much sooner
            care = [odd or _NUL in own for odd, own in zip(care, texts, strict=True)]
        self._note_large(texts, care)
        for at in self._proven_at:
            column = fields[at]
            fields[at] = () if column.count(_MISSING) == len(column) else tuple(map(bytes, column))
        self._note_unsound([fields[at] for at in self._proven_at if fields[at]], care)
        places = [part.places(fields[at], care) for part, at in zip(self._parts, self._part_at, strict=True)]
        times = self._read_times(fields[self._time_at], fields[self._id_at], care)
        return Ordinary(texts, care, fields, digests, times, places, [part.memory for part in self._parts], sum(care))

    def stretch(self, found: Ordinary, start: int, stop: int, first: int) -> Stretch:
        """Return a run of records, none of which needs care, numbered from `first`."""
        if stop - start < len(found.texts):
            fields = [values[start:stop] for values in found.fields]
            places = [None if own is None else own[start:stop] for own in found.places]
            texts, digests, times = found.texts[start:stop], found.digests[start:stop], found.times[start:stop]
            found = Ordinary(texts, [], fields, digests, times, places, found.memories, 0)
        return Stretch(self, found, first, stop - start, sum(map(len, found.texts)))

    def columns(self, stretches: Sequence[Stretch]) -> dict[str, Values]:
        """Return stretches that go together in columns; see `columns_of`."""
        size = sum(one.size for one in stretches)
        texts = list(chain.from_iterable(one.found.texts for one in stretches))
        laid: dict[str, Values] = {
            "_time": Moments(array("q", chain.from_iterable(one.found.times for one in stretches))),
            "_id": self._field(stretches, self._id_at),
            "_digest": Numbers(array("q", chain.from_iterable(one.found.digests for one in stretches))),
            "_record": Numbers(array("q", chain.from_iterable(range(one.first, one.first + one.size) for one in stretches))),
            "_raw": Utf8(texts),
        }
        for name, at in self._scalars:
            values = self._field(stretches, at)
            if values.count(None) < size:
                laid[name] = values
        for name, at in self._documents:
            if any(one.found.fields[at] for one in stretches):
                written = chain.from_iterable(one.found.fields[at] or [b""] * one.size for one in stretches)
                laid[name] = Utf8([text if text and text != b"null" else None for text in written])
        for number, memory in enumerate(stretches[0].found.memories):
            places = chain.from_iterable(one.found.places[number] or [0] * one.size for one in stretches)
            _lay_out_part(memory, list(places), laid)
        return {name: laid[name] if name in laid else Repeated([None], [0] * size) for name in self._names}

    def _field(self, stretches: Sequence[Stretch], at: int) -> list[Any]:
        found: list[Any] = []
        for one in stretches:
            found += one.found.fields[at]
        return found

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

    def _note_large(self, texts: list[bytes], care: list[bool]) -> None:
        """Ask for care for records that may have too many keys."""
        longest = self._limits.keys * _KEY_BYTES
        if max(map(len, texts)) > longest:
            care[:] = [odd or len(text) > longest for odd, text in zip(care, texts, strict=True)]

    def _note_unsound(self, columns: list[tuple[bytes, ...]], care: list[bool]) -> None:
        """Ask for care for records with a part that is too deep or not written as an encoder writes it; remembered parts are looked at elsewhere."""
        most = self._limits.depth - 1  # a part stands inside its record
        if _sound(list(filter(None, chain.from_iterable(columns))), most):
            return
        for column in columns:
            care[:] = [odd or (part != b"" and not _sound([part], most)) for odd, part in zip(care, column, strict=True)]

    def _read_times(self, texts: Sequence[str], ids: Sequence[str], care: list[bool]) -> array[int]:
        if "" in ids:
            care[:] = [odd or not own for odd, own in zip(care, ids, strict=True)]
        usual = usual_times(texts)
        if usual is not None:
            return usual
        known = self._times
        if len(known) > _KEPT_TIMES:
            known.clear()
        for text in dict.fromkeys(texts):
            if text not in known:
                moment = read_time(text)
                known[text] = None if moment is None else microseconds(moment)
        times = [known[text] for text in texts]
        if None in times:
            care[:] = [odd or time is None for odd, time in zip(care, times, strict=True)]
        return array("q", [time or 0 for time in times])


_COMMON = ("_time", "_id", "_digest", "_record", "_flags", "_raw")


class _Part:
    """What stands under a key of a record from which several columns are taken, remembered by its text."""

    def __init__(self, source: LogSource, form: Form, key: str, limits: Limits) -> None:
        own = tuple(c for c in source.columns if _begins(form.places.get(c.name), key))
        places = {c.name: form.places[c.name] for c in own}
        self.key = key
        self._source = LogSource(source.name, source.title, own, ())
        self._form = Form(form.name, form.recognise, form.time, form.identity, places)
        self._most = limits.depth - 1  # it stands inside its record
        self.memory = self._nothing()

    def places(self, raws: Sequence[msgspec.Raw], care: list[bool]) -> list[int] | None:
        """Return the place of each record's part among those known, None where no record has it; asks for care where a part is not ordinary."""
        if raws.count(_MISSING) == len(raws):
            return None
        if self.memory.size > KEPT_BYTES:
            self.memory = self._nothing()
        known = self.memory.places
        texts = list(map(bytes, raws))
        try:
            found = [known[text] for text in texts]
        except KeyError:
            self._learn([text for text in dict.fromkeys(texts) if text not in known])
            found = [known[text] for text in texts]
        if _ODD in found:
            care[:] = [odd or place == _ODD for odd, place in zip(care, found, strict=True)]
        return found

    def _nothing(self) -> Memory:
        return Memory({b"": 0}, {column.name: [None] for column in self._source.columns})

    def _learn(self, texts: list[bytes]) -> None:
        """Decode parts never seen, together if they are sound, and remember each."""
        memory = self.memory
        memory.size += sum(map(len, texts)) + 200 * len(texts)
        if not _sound(texts, self._most):
            memory.places.update(dict.fromkeys(texts, _ODD))
            texts = [text for text in texts if _sound([text], self._most)]
        values = decode(b"[" + b",".join(texts) + b"]")
        assert isinstance(values, list)
        laid = lay_out(self._source, self._form, [{self.key: value} for value in values])
        memory.places.update(zip(texts, range(memory.rows, memory.rows + len(texts)), strict=True))
        memory.rows += len(texts)
        for name, column in memory.columns.items():
            column.extend(laid[name])


def reader_for(sources: Sequence[LogSource], limits: Limits) -> OrdinaryReader | None:
    """Return the reader for the first log source asked, None if how it is usually written is not known."""
    form = sources[0].forms[0] if sources and sources[0].forms else None
    return OrdinaryReader(sources[0], form, limits) if form is not None and form.orders else None


def _sound(parts: Sequence[bytes], most: int) -> bool:
    """True if JSON texts are what an encoder writes of their values, with numbers of at most 64 bits, and none is deeper than `most`."""
    joined = b"[" + b",".join(parts) + b"]"
    try:
        if encode(decode(joined)) != joined or has_huge_number(joined):
            return False
    except UnsoundError:
        return False
    return not any(map(partial(_deep, most=most), (parts[at : at + _TOGETHER] for at in range(0, len(parts), _TOGETHER))))


def _deep(parts: Sequence[bytes], most: int) -> bool:
    """True if one of some JSON texts is deeper than `most`; first it is asked whether all of them together open so many brackets."""
    together = b"".join(parts)
    return together.count(b"{") + together.count(b"[") > most and any(depth(part) > most for part in parts if part.count(b"{") + part.count(b"[") > most)


def _digests(texts: list[bytes]) -> array[int]:
    """Return the first 64 bits of each text's hash as signed numbers."""
    blake = hashlib.blake2b
    found = array("q", b"".join([blake(text, digest_size=8).digest() for text in texts]))
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _lay_out_part(memory: Memory, places: list[int], laid: dict[str, Values]) -> None:
    """Add a part's columns of records by the places of their parts."""
    distinct = dict.fromkeys(places)
    if 2 * len(distinct) > len(places):
        laid.update((name, list(map(values.__getitem__, places))) for name, values in memory.columns.items())
        return
    order = {place: at for at, place in enumerate(distinct)}
    compact = list(map(order.__getitem__, places))
    laid.update((name, Repeated(list(map(values.__getitem__, distinct)), compact)) for name, values in memory.columns.items())


def _begins(place: object, key: str) -> bool:
    return isinstance(place, tuple) and place[0] == key


def _whole_column(source: LogSource, form: Form, key: str) -> str | None:
    """Return the column that is all of what stands under a key, None if there is none or others are taken from it too."""
    own = [column for column in source.columns if _begins(form.places.get(column.name), key)]
    return own[0].name if len(own) == 1 and own[0].type is Type.DYNAMIC and form.places[own[0].name] == (key,) else None


def _kind(source: LogSource, form: Form, key: str) -> type | None:
    """Return the Python type of a key's value where it is a text or a truth, None for what is left as text."""
    if key in form.required:
        return str
    kinds = [c.type for c in source.columns if form.places.get(c.name) == (key,)]
    return {Type.STRING: str, Type.BOOL: bool}.get(kinds[0]) if len(kinds) == 1 else None


_made: dict[tuple[str, str], tuple[type[msgspec.Struct], ...]] = {}


def _structures(source: LogSource, form: Form) -> tuple[type[msgspec.Struct], ...]:
    """Return the structure of a record for each order of its keys; made once, which takes longer than reading a small file."""
    key = (source.name, form.name)
    if key not in _made:
        _made[key] = tuple(_structure(source, form, order) for order in form.orders)
    return _made[key]


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
