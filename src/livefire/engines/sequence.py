"""The matcher of sequences and samples: candidate events in, the events of each match out.

The engine has already filtered the candidates and computed their keys. What is left is a state
machine that walks the events of each key in order, which SQL joins can only do by over-counting.
The rules are those of Elasticsearch's EQL:
https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-sequences

* Events follow each other strictly, by time, then by the tiebreakers (nulls last), then as stored.
* Of each key and stage only the newest unfinished match is kept; a later one takes its place.
* A match that the next event exceeds in time (`max_span`, from its first event) is dropped.
* An `until` event drops what is unfinished at that moment, a match that ends in it included.
* A step that must be missing is checked for every match of the other steps: between its
  neighbours, strictly by time; before the first or after the last event within `max_span`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livefire.engines.sql import ROW, STEPS

if TYPE_CHECKING:
    import pyarrow as pa

_UNTIL = -1


class UntimedError(Exception):
    """A candidate event has no time, so it has no place in an order."""


class ManyKeysError(Exception):
    """A join key of a candidate event is an array of several values."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its bit in the events' `~steps`, its key columns, and how often it must come, 0 for never."""

    bit: int
    keys: tuple[str, ...]
    runs: int

    @property
    def missing(self) -> bool:
        """True for an event that must not come."""
        return self.runs == 0


def match(table: pa.Table, spec: dict[str, Any]) -> pa.Table:
    """Return (sequence, step, `~row`) for every event of every match, in order; `~row` is null for a missing event.

    `table` has `~row` (any identity), `~steps` (bit n set: the event fits step n; the bit after the
    last step: it fits `until`) and the key columns; its rows come as stored. `spec` has `steps`
    ({keys, runs, missing}), `until` (its keys or null), `order` (the time column in microseconds,
    then tiebreakers), `max_span` (ticks of 100 ns or null), `ordered`, `lists` (key columns in
    JSON). UntimedError and ManyKeysError where the events are not fit for it.
    """
    candidates = _Candidates(table, spec)
    if not spec["ordered"]:
        return _result(candidates, _samples(candidates))
    completed = _completed(candidates, spec["max_span"])
    if any(s.missing for s in candidates.steps):
        completed = _without_missing(candidates, completed, spec["max_span"])
    return _result(candidates, sorted(completed, key=lambda chain: chain[-1]))


class _Candidates:
    """The events in order (their `place`), with one number for each key."""

    def __init__(self, table: pa.Table, spec: dict[str, Any]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        for name in spec["lists"]:
            if pc.any(pc.starts_with(table.column(name).cast(pa.string()), "["), min_count=0).as_py():
                raise ManyKeysError(name)
        self.steps = [Step(1 << i, tuple(s["keys"]), 0 if s["missing"] else s["runs"]) for i, s in enumerate(spec["steps"])]
        self.until = None if spec["until"] is None else Step(1 << len(self.steps), tuple(spec["until"]), 1)
        self._table = table
        self.rows, self._bits, self.size = table.column(ROW), table.column(STEPS), table.num_rows
        self._codes = _encode(table, list(dict.fromkeys(s.keys for s in self.every_step())))
        self.times: list[int] = []
        if spec["order"]:
            self._sort(table.select(spec["order"]))

    def _sort(self, order: pa.Table) -> None:
        """Bring the events in order: by time, then by the other columns, nulls last."""
        import pyarrow as pa
        import pyarrow.compute as pc

        times = pc.cast(order.column(0), pa.int64()).combine_chunks()
        if times.null_count:
            raise UntimedError
        if order.num_columns > 1 or not pc.all(pc.less_equal(times[:-1], times[1:]), min_count=0).as_py():
            # The sort is stable, so events alike in all of these stay as stored.
            places = pc.sort_indices(order, sort_keys=[(c, "ascending") for c in order.column_names])
            times, self.rows, self._bits = times.take(places), self.rows.take(places), self._bits.take(places)
            self._codes = {keys: codes.take(places) for keys, codes in self._codes.items()}
        self.times = times.to_pylist()

    def every_step(self) -> list[Step]:
        """The steps, and `until` if there is one."""
        return [*self.steps, self.until] if self.until else self.steps

    def of(self, step: Step) -> tuple[pa.Array, pa.Array]:
        """Return the places of a step's events and the numbers of their keys."""
        import pyarrow as pa
        import pyarrow.compute as pc

        fits = pc.not_equal(pc.bit_wise_and(self._bits, pa.scalar(step.bit, pa.int64())), 0)
        places = pc.indices_nonzero(fits).cast(pa.int64())
        return places, self._codes[step.keys].take(places)

    def in_key_order(self, places: list[int]) -> list[int]:
        """Return places of events of the first step in the order of their keys' values, null before any."""
        import pyarrow as pa

        columns = [self._table.column(k).take(pa.array(places, pa.int64())).to_pylist() for k in self.steps[0].keys]
        values = list(zip(*columns, strict=True))
        return [places[i] for i in sorted(range(len(places)), key=lambda i: [(v is not None, v) for v in values[i]])]

    def shared_keys(self) -> pa.Array:
        """Return the numbers of the keys under which every step that must come has an event."""
        import pyarrow.compute as pc

        shared = None
        for step in self.steps:
            if not step.missing:
                codes = pc.unique(self.of(step)[1])
                shared = codes if shared is None else shared.filter(pc.is_in(shared, value_set=codes))
        return shared

    def entries(self, codes: pa.Array) -> Iterator[tuple[int, int, int]]:
        """Yield (key, place, stage) by key and place, later stages of one event first and `until` last."""
        import pyarrow as pa
        import pyarrow.compute as pc

        stages = self._stages()
        width = max(s for s, _ in stages) + 2
        parts = []
        for stage, step in stages:
            places, keys = self.of(step)
            kept = pc.is_in(keys, value_set=codes)
            places, keys = places.filter(kept), keys.filter(kept)
            event = pc.add(pc.multiply(keys, pa.scalar(self.size, pa.int64())), places)
            parts.append(pc.add(pc.multiply(event, width), width - 2 - stage))
        packed = pa.concat_arrays([p.combine_chunks() if isinstance(p, pa.ChunkedArray) else p for p in parts])
        packed = packed.take(pc.array_sort_indices(packed))
        event = pc.divide(packed, width)
        key = pc.divide(event, max(self.size, 1))
        place = pc.subtract(event, pc.multiply(key, self.size))
        stage = pc.subtract(width - 2, pc.subtract(packed, pc.multiply(event, width)))
        if self.size and width > 2:
            # A first event whose key's next is a first event again is replaced before anything could follow it.
            again = pc.and_(pc.equal(key[:-1], key[1:]), pc.and_(pc.equal(stage[:-1], 0), pc.equal(stage[1:], 0)))
            kept = pa.concat_arrays([pc.invert(again), pa.array([True] * min(len(key), 1), pa.bool_())])
            key, place, stage = key.filter(kept), place.filter(kept), stage.filter(kept)
        return zip(key.to_pylist(), place.to_pylist(), stage.to_pylist(), strict=True)

    def _stages(self) -> list[tuple[int, Step]]:
        """Number the events of a match from 0: a step that must come n times is n stages."""
        stages = [s for step in self.steps for s in [step] * step.runs]
        return [*enumerate(stages), *([(_UNTIL, self.until)] if self.until else [])]


def _encode(table: pa.Table, sets: list[tuple[str, ...]]) -> dict[tuple[str, ...], pa.Array]:
    """Return for each list of key columns one number an event, the same for the same values across the lists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    size = table.num_rows
    total = pa.repeat(pa.scalar(0, pa.int64()), size * len(sets))
    for position in range(len(sets[0])):
        chunks = [c for s in sets for c in table.column(s[position]).chunks]
        column = pa.chunked_array(chunks, type=table.column(sets[0][position]).type).combine_chunks()
        found = (column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column).dictionary_encode(null_encoding="encode")
        number = found.indices.cast(pa.int64())
        both = pc.add(pc.multiply(total, max(len(found.dictionary), 1)), number)
        # Numbered afresh each time, so that the product of several keys cannot leave 64 bits.
        total = both.dictionary_encode().indices.cast(pa.int64())
    return {s: total.slice(i * size, size) for i, s in enumerate(sets)}


def _completed(candidates: _Candidates, max_span: int | None) -> list[tuple[int, ...]]:
    """Return the places of the events of every match of the steps that must come."""
    last = sum(s.runs for s in candidates.steps) - 1
    times, span = candidates.times, max_span // 10 if max_span is not None else None
    found: list[tuple[int, ...]] = []
    pending: list[tuple[int, ...] | None] = [None] * (last + 1)
    current = None
    for key, place, stage in candidates.entries(candidates.shared_keys()):
        if key != current:
            current = key
            pending = [None] * (last + 1)
        if stage == 0:
            chain: tuple[int, ...] = (place,)
        elif stage == _UNTIL:
            pending = [None] * (last + 1)
            continue
        else:
            before = pending[stage - 1]
            if before is None:
                continue
            pending[stage - 1] = None
            if span is not None and times[place] - times[before[0]] > span:
                continue
            chain = (*before, place)
        if stage == last:
            found.append(chain)
        else:
            pending[stage] = chain
    return found


# steps that must be missing


def _without_missing(candidates: _Candidates, completed: list[tuple[int, ...]], max_span: int) -> list[tuple[int, ...]]:
    """Return the matches that no event of a missing step breaks."""
    keys = candidates.of(next(s for s in candidates.steps if not s.missing))
    key_of = dict(zip(keys[0].to_pylist(), keys[1].to_pylist(), strict=True))
    seen = {i: _times_by_key(candidates, s) for i, s in enumerate(candidates.steps) if s.missing}
    return [chain for chain in completed if _stands(candidates, chain, seen, key_of[chain[0]], max_span // 10)]


def _times_by_key(candidates: _Candidates, step: Step) -> dict[int, list[int]]:
    places, keys = candidates.of(step)
    found: dict[int, list[int]] = {}
    for place, key in zip(places.to_pylist(), keys.to_pylist(), strict=True):
        found.setdefault(key, []).append(candidates.times[place])
    return found


def _stands(candidates: _Candidates, chain: tuple[int, ...], seen: dict[int, dict[int, list[int]]], key: int, span: int) -> bool:
    """Tell whether a match holds against its missing steps, all times being microseconds."""
    steps, times = candidates.steps, [candidates.times[p] for p in chain]
    leading: int | None = None
    trailing: int | None = None
    come = 0
    for number, step in enumerate(steps):
        if not step.missing:
            come += step.runs
            continue
        events = seen[number].get(key, [])
        if come == 0:
            at = bisect_left(events, times[0])
            leading = max(x for x in (leading, events[at - 1]) if x is not None) if at else leading
        elif come == len(times):
            at = bisect_right(events, times[-1])
            trailing = min(x for x in (trailing, events[at]) if x is not None) if at < len(events) else trailing
        elif bisect_left(events, times[come]) > bisect_right(events, times[come - 1]):
            return False
    first, last = steps[0].missing, steps[-1].missing
    if (leading is None and trailing is None) or (first and leading is None) or (last and trailing is None):
        return True
    start = leading if first and leading is not None else times[0]
    end = trailing if last and trailing is not None else times[-1]
    return end - start > span


# samples


def _samples(candidates: _Candidates) -> Iterator[tuple[int, ...]]:
    """Yield for each key with an event for every step one choice of different events, the first in stored order."""
    events: dict[int, list[list[int]]] = {k: [[] for _ in candidates.steps] for k in candidates.shared_keys().to_pylist()}
    for number, step in enumerate(candidates.steps):
        places, keys = candidates.of(step)
        for place, key in zip(places.to_pylist(), keys.to_pylist(), strict=True):
            if key in events:
                events[key][number].append(place)
    first = {options[0][0]: options for options in events.values()}
    for place in candidates.in_key_order(list(first)):
        choice = _choose(first[place], ())
        if choice is not None:
            yield choice


def _choose(options: Sequence[list[int]], taken: tuple[int, ...]) -> tuple[int, ...] | None:
    if not options:
        return taken
    # As many events as there are steps are enough to find a choice if there is one.
    for place in options[0][: len(options) + len(taken)]:
        if place not in taken:
            found = _choose(options[1:], (*taken, place))
            if found is not None:
                return found
    return None


def _result(candidates: _Candidates, chains: Iterable[tuple[int, ...]]) -> pa.Table:
    """Return the matches as rows; a missing step is a row without an event."""
    import pyarrow as pa

    layout: list[int | None] = []
    come = 0
    for step in candidates.steps:
        layout += [None] if step.missing else range(come, come + step.runs)
        come += step.runs
    width = len(layout)
    numbers: list[int] = []
    places: list[int | None] = []
    for number, chain in enumerate(chains):
        numbers += [number] * width
        places += [None if at is None else chain[at] for at in layout]
    steps = list(range(width)) * (len(numbers) // width)
    rows = candidates.rows.take(pa.array(places, pa.int64()))
    return pa.table({"sequence": pa.array(numbers, pa.int64()), "step": pa.array(steps, pa.int64()), ROW: rows})
