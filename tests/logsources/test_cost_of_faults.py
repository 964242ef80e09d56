"""No file costs more than a small constant times a sound one of its size, and nothing sound is lost for it."""

from __future__ import annotations

import io
import itertools
import time

import pytest

from livefire.logsources.limits import MIB, Limits
from livefire.logsources.reader import read
from livefire.logsources.registry import SOURCES
from tests.logsources.samples import cloudtrail, codes, compact, read_all

COUNT = 3_000
EVENTS = [compact(cloudtrail(n, note="x" * 700)) for n in range(COUNT)]
IDS = [cloudtrail(n)["eventID"] for n in range(COUNT)]
UNCLOSED = b'{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","more":{'
SIZE = len(b"\n".join(EVENTS))

# The slowest of these took 600 times as long as a sound file before it was bounded, and now takes
# up to 10 times as long; the rest is for machines that do other things at the same time.
RATIO = 40


def cost(data: bytes, limits: Limits | None = None) -> float:
    """CPU seconds of reading a file, per byte."""
    begin = time.process_time()
    for _ in read(io.BytesIO(data), SOURCES, limits or Limits()):
        pass
    return (time.process_time() - begin) / len(data)


@pytest.fixture(scope="module")
def sound() -> float:
    return max(cost(b"\n".join(EVENTS)), cost(b'{"Records":[' + b",".join(EVENTS) + b"]}"))


def spoilt(event: bytes) -> bytes:
    return event.replace(b'"eventID":', b'"eventID":,')


RECOVERABLE: dict[str, bytes] = {
    "unclosed objects and good lines": b"\n".join(UNCLOSED + b"\n" + event for event in EVENTS),
    "good lines and unclosed objects": b"\n".join(event + b"\n" + UNCLOSED for event in EVENTS),
    "unclosed objects on one line": b"".join(UNCLOSED + event for event in EVENTS),
    "short unclosed objects on one line": b"".join(b'{"a":' + event for event in EVENTS),
    "unclosed objects in a list": b'{"Records":[' + b",".join(event + b"," + UNCLOSED for event in EVENTS) + b"]}",
    "lines that are no JSON": b"\n".join(b"-- mark --\n" + event for event in EVENTS),
    "malformed records in a list": b"[" + b",".join(spoilt(event) + b"," + event for event in EVENTS) + b"]",
    "malformed lines": b"\n".join(spoilt(event) + b"\n" + event for event in EVENTS),
}


@pytest.mark.parametrize("name", RECOVERABLE)
def test_every_sound_record_between_faults_is_recovered_at_a_bounded_cost(name: str, sound: float) -> None:
    rows, entries, records = read_all(RECOVERABLE[name])
    assert [row["_id"] for row in rows] == IDS
    # One fault for each event; a list that lost its end has a note of its own, which counts no record.
    assert records == 2 * COUNT
    assert sum(entry.records for entry in entries) == COUNT
    assert cost(RECOVERABLE[name]) < RATIO * sound


HOPELESS: dict[str, bytes] = {
    "open braces": b"{" * MIB,
    "open lists": b"[" * MIB,
    "keys without values": b'{"' * (MIB // 2),
    "unclosed objects": b'{"a":' * (MIB // 5),
    "unclosed objects over lines": b'{"a":\n' * (MIB // 6),
    "quotes": b'"' * MIB,
    "escapes": b'\\"{' * (MIB // 3),
    "commas": b"[" + b"," * MIB,
    "closing brackets": b'{"a":1}' + b"}]" * (MIB // 2),
    "deep objects": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b" x ") * 35,
    "unclosed lists": b'[{"a":1},' * (MIB // 9),
    "lines of text": b"nothing to see\n" * (MIB // 15),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOPELESS)
def test_bytes_without_any_event_are_set_aside_at_a_bounded_cost(name: str, sound: float) -> None:
    data = HOPELESS[name] * 3
    # What is free of charge for a file of any size is kept small here, so that a small file shows it.
    assert cost(data, Limits(salvage_bytes=4 * MIB)) < 3 * RATIO * sound
    rows, entries, _ = read_all(data, Limits(salvage_bytes=4 * MIB))
    assert rows == []
    assert entries


@pytest.mark.slow
@pytest.mark.parametrize("between", [b"", b",", b"\n"])
def test_endless_small_objects_end_in_an_entry_that_says_so(between: bytes) -> None:
    data = between.join([b'{"a":1}'] * 200_000)
    rows, entries, records = read_all(data)
    assert (rows, set(codes(entries))) == ([], {"E425"})
    assert records == sum(entry.records for entry in entries)
    last = entries[-1]
    assert "unknown number of records" in last.reason
    assert last.offset + last.length == len(data)
    # The entries lie next to each other, so no byte is left out but what stands between records.
    assert all(after.offset - before.offset - before.length <= 1 for before, after in itertools.pairwise(entries))


@pytest.mark.parametrize("part", [b"[]", b'{"Records":[]}'])
def test_endless_empty_lists_end_in_an_entry_that_says_so(part: bytes) -> None:
    _, entries, records = read_all(part * 400_000)
    assert (codes(entries), records) == (["E420"], 1)
    assert "the rest of the file was set aside" in entries[0].reason


def test_an_exhausted_search_still_finds_events_that_fill_a_line() -> None:
    # 40,000 unclosed objects cost more than nothing, which is all that may be spent here.
    data = EVENTS[0] + b"\n" + b'!{"a":' * 40_000 + b"\n" + EVENTS[1] + b"\n" + EVENTS[2]
    rows, entries, _ = read_all(data, Limits(salvage_bytes=-2 * MIB))
    assert [row["_id"] for row in rows] == IDS[:3]
    assert "whole lines" in entries[0].reason


def test_two_lost_quotes_do_not_swallow_the_records_between() -> None:
    # The brackets of the first and third record balance only if all three are taken for one.
    torn = [event.replace(b'"eventID":', b'eventID":') for event in EVENTS[:3]]
    data = b",".join([EVENTS[3], torn[0], EVENTS[1], torn[2], EVENTS[4]])
    rows, _, _ = read_all(data)
    assert [row["_id"] for row in rows] == [IDS[3], IDS[1], IDS[4]]


def test_memory_stays_bounded_on_the_worst_line() -> None:
    import tracemalloc

    data = b"".join(UNCLOSED + event for event in EVENTS[:1_000])
    tracemalloc.start()
    for _ in read(io.BytesIO(data), SOURCES, Limits()):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * MIB
