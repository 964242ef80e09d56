"""Broken and hostile bytes: each gives a flag or an entry with its place, never an exception, never silence."""

from __future__ import annotations

import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefire.logsources.faults import TITLES
from livefire.logsources.limits import KIB, MIB, Limits
from livefire.logsources.reader import read
from livefire.logsources.registry import SOURCES
from tests.logsources.samples import cloudtrail, codes, compact, read_all

ONE, TWO = compact(cloudtrail(1)), compact(cloudtrail(2))
IDS = [cloudtrail(1)["eventID"], cloudtrail(2)["eventID"]]


def spoil(old: bytes, new: bytes) -> bytes:
    """The first event with some of its bytes changed."""
    assert old in ONE
    return ONE.replace(old, new, 1)


FLAGGED = {
    "duplicate key": (spoil(b'"eventName":"StopInstances"', b'"eventName":"DescribeInstances","eventName":"RunInstances"'), "duplicate_key"),
    "duplicate key, escaped": (spoil(b'"eventName":"StopInstances"', b'"eventName":"A","event\\u004eame":"RunInstances"'), "duplicate_key"),
    "duplicate key, deep": (spoil(b'"instanceId":"i-0001"', b'"instanceId":"i-9","instanceId":"i-0001"'), "duplicate_key"),
    "duplicate key that ends in a backslash": (spoil(b'"readOnly":false', b'"readOnly":false,"x\\\\":1,"x\\\\":2'), "duplicate_key"),
    "duplicate key with spaced colons": (spoil(b'"readOnly":false', b'"readOnly":false,"x" :1,"x" :2'), "duplicate_key"),
    "bytes that are not UTF-8": (spoil(b"198.51", b"\xff98.51"), "invalid_utf8_replaced"),
    "surrogate in UTF-8": (spoil(b"198.51", b"\xed\xa0\x80"), "invalid_utf8_replaced"),
    "half a surrogate pair": (spoil(b"198.51", b"\\ud800"), "lone_surrogate"),
    "NUL escape": (spoil(b"198.51", b"\\u0000"), "nul"),
    "raw NUL": (spoil(b"198.51", b"\x00"), "control_char,nul"),
    "raw tab in a string": (spoil(b"198.51", b"a\tb"), "control_char"),
    "NaN": (spoil(b'"responseElements":null', b'"responseElements":NaN'), "not_a_number"),
    "Infinity": (spoil(b'"responseElements":null', b'"responseElements":-Infinity'), "not_a_number"),
    "number beyond doubles": (spoil(b'"responseElements":null', b'"responseElements":1e400'), "huge_number"),
    "integer beyond 64 bits": (spoil(b'"responseElements":null', b'"responseElements":99999999999999999999'), "huge_number"),
    "integer of 9,000 digits": (spoil(b'"responseElements":null', b'"responseElements":' + b"9" * 9_000), "huge_number"),
}


@pytest.mark.parametrize("name", FLAGGED)
@pytest.mark.parametrize("list_form", [True, False])
def test_odd_records_are_stored_with_a_flag(name: str, *, list_form: bool) -> None:
    record, flag = FLAGGED[name]
    data = b'{"Records":[' + record + b"," + TWO + b"]}" if list_form else record + b"\n" + TWO + b"\n"
    rows, entries, _ = read_all(data)
    assert [row["_id"] for row in rows] == IDS
    assert [row["_flags"] for row in rows] == [flag, None]
    assert entries == []
    for row in rows:
        # What is stored is strict JSON that every parser reads the same way.
        assert json.loads(row["_raw"].encode("utf-8"), object_pairs_hook=_unique)["eventID"] == row["_id"]
        assert "\x00" not in row["_raw"]
        assert "\\u0000" not in row["_raw"]


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_the_last_of_duplicate_keys_is_what_every_column_and_the_raw_event_say() -> None:
    rows, _, _ = read_all(FLAGGED["duplicate key"][0])
    assert rows[0]["event_name"] == "RunInstances"
    assert "DescribeInstances" not in rows[0]["_raw"]


def test_integers_of_64_bits_are_not_odd() -> None:
    rows, _, _ = read_all(spoil(b'"responseElements":null', b'"responseElements":[9223372036854775807,-9223372036854775808]'))
    assert rows[0]["_flags"] is None
    assert rows[0]["response"] == "[9223372036854775807,-9223372036854775808]"


BROKEN = {
    "value missing": (spoil(b'"eventName":"StopInstances"', b'"eventName":'), "E420"),
    "two commas": (spoil(b'"readOnly":false', b'"readOnly":false,,"a":1'), "E420"),
    "10,000 deep": (spoil(b'"responseElements":null', b'"responseElements":' + b"[" * 10_000 + b"]" * 10_000), "E422"),
    "65 deep": (spoil(b'"responseElements":null', b'"responseElements":' + b"[" * 64 + b"]" * 64), "E422"),
    "no time": (spoil(b'"eventTime"', b'"eventtime"'), "E426"),
    "a time that is none": (spoil(b"2026-05-04T10:00:01Z", b"2026-13-04T10:00:01Z"), "E426"),
    "not an event": (b'{"a":{"b":1}}', "E425"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("list_form", [True, False])
def test_one_bad_record_costs_only_itself(name: str, *, list_form: bool) -> None:
    record, code = BROKEN[name]
    data = b'{"Records":[' + record + b"," + TWO + b"]}" if list_form else record + b"\n" + TWO + b"\n"
    rows, entries, records = read_all(data)
    assert [row["_id"] for row in rows] == IDS[1:]
    assert codes(entries) == [code]
    assert records == 2
    assert (entries[0].record, rows[0]["_record"]) == (0, 1)


def test_a_depth_of_64_is_within_the_limit() -> None:
    # The record itself is one level.
    rows, entries, _ = read_all(spoil(b'"responseElements":null', b'"responseElements":' + b"[" * 63 + b"]" * 63))
    assert (len(rows), entries) == (1, [])


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b'{"Records":[' + ONE + b',{"eventVersion":"1.0","eventTi,' + TWO + b"]}", id="cut record in a list"),
        pytest.param(b'{"Records":[' + ONE + b"}]," + TWO + b"]}", id="brackets that do not match"),
        pytest.param(b'{"Records":[' + ONE + b" garbage " + TWO + b"]}", id="garbage between records"),
        pytest.param(ONE + b'\n{"eventVersion":"1.0\n' + TWO + b"\n", id="cut line"),
        pytest.param(ONE + b"\ngarbage\n" + TWO + b"\n", id="line that is no JSON"),
        pytest.param(ONE + b"\n[1,2\n" + TWO + b"\n", id="list that does not end"),
        pytest.param(b"# exported by hand\n" + ONE + b"\n" + TWO, id="text before the records"),
        pytest.param(b"[" + ONE + b'}},\n{"aws": {"x": ' + TWO + b"}]", id="brackets left over around a record"),
    ],
)
@pytest.mark.parametrize("window", [256, 1 << 20])
def test_records_around_broken_bytes_are_salvaged(broken: bytes, window: int) -> None:
    rows, entries, _ = read_all(broken, Limits(window_bytes=window))
    assert [row["_id"] for row in rows] == IDS
    assert entries
    assert all(entry.code in TITLES for entry in entries)
    assert all(entry.length == 0 or 0 <= entry.offset < len(broken) for entry in entries)


def test_a_cut_file_keeps_its_sound_prefix() -> None:
    data = compact({"Records": [cloudtrail(n) for n in range(10)]})
    cut = data.index(b"i-0007")
    rows, entries, records = read_all(data[:cut])
    assert len(rows) == 7
    assert records == 8
    assert codes(entries) == ["E427", "E429"]
    assert entries[0].offset + entries[0].length == cut
    assert entries[0].sample.startswith('{"eventVersion"')


def test_a_file_cut_between_records_is_not_taken_for_whole() -> None:
    rows, entries, records = read_all(b'{"Records":[' + ONE + b",")
    assert (len(rows), records) == (1, 1)
    assert codes(entries) == ["E429"]


def test_a_cut_gzip_keeps_its_sound_prefix() -> None:
    whole = gzip.compress(compact({"Records": [cloudtrail(n, noise=str(n * 7919)) for n in range(4_000)]}))
    rows, entries, records = read_all(whole[: len(whole) // 2])
    assert 100 < len(rows) < 4_000
    assert [row["_record"] for row in rows] == list(range(len(rows)))
    assert records == len(rows) + 1  # the record the cut went through
    assert codes(entries) == ["E427", "E410"]


def test_a_wrong_checksum_keeps_the_records_and_says_so() -> None:
    whole = gzip.compress(compact({"Records": [cloudtrail(1), cloudtrail(2)]}))
    rows, entries, _ = read_all(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    assert [row["_id"] for row in rows] == IDS
    assert codes(entries) == ["E411"]


def test_bytes_after_the_gzip_data_are_reported() -> None:
    rows, entries, _ = read_all(gzip.compress(ONE) + b"tail")
    assert (len(rows), codes(entries)) == (1, ["E414"])


def test_zeros_after_the_gzip_data_are_padding() -> None:
    rows, entries, _ = read_all(gzip.compress(ONE) + bytes(1_000))
    assert (len(rows), codes(entries)) == (1, [])


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "E404"), (b"PK\x03\x04rest", "E406"), (b"PAR1rest", "E406"), (b"\xff\xfe{\x00", "E406"), (b"a,b\n1,2\n", "E405"), (b"\x1f\x8b", "E410")],
)
def test_files_that_are_no_logs_are_refused_with_a_reason(data: bytes, code: str) -> None:
    rows, entries, _ = read_all(data)
    assert (rows, codes(entries)) == ([], [code])
    assert entries[0].reason


def test_a_bomb_ends_at_the_size_limit() -> None:
    bomb = gzip.compress(ONE + b"\n" + b" " * 3 * MIB)
    rows, entries, _ = read_all(bomb, Limits(file_bytes=MIB))
    assert (len(rows), codes(entries)) == (1, ["E412"])


def test_a_ratio_beyond_the_limit_ends_the_reading() -> None:
    bomb = gzip.compress(ONE + b"\n" + b" " * 8 * MIB)
    rows, entries, _ = read_all(bomb, Limits(ratio=100, ratio_after=MIB))
    assert (len(rows), codes(entries)) == (1, ["E413"])


def test_a_record_beyond_the_size_limit_costs_only_itself() -> None:
    giant = spoil(b"198.51.100.7", b"x" * 300 * KIB)
    for data in (giant + b"\n" + TWO + b"\n", b'{"Records":[' + giant + b"," + TWO + b"]}"):
        rows, entries, _ = read_all(data, Limits(record_bytes=128 * KIB, window_bytes=32 * KIB))
        assert [row["_id"] for row in rows] == IDS[1:]
        assert codes(entries) == ["E421"]


def test_a_record_beyond_the_key_limit_is_set_aside() -> None:
    many = spoil(b'"responseElements":null', b'"responseElements":' + compact({str(n): 0 for n in range(300)}))
    rows, entries, _ = read_all(many + b"\n" + TWO, Limits(keys=200))
    assert [row["_id"] for row in rows] == IDS[1:]
    assert codes(entries) == ["E423"]


def test_neighbours_with_one_reason_become_one_entry_that_counts_them() -> None:
    rows, entries, records = read_all(b'{"a":1}\n' * 500 + ONE)
    assert (len(rows), records) == (1, 501)
    assert [(entry.code, entry.record, entry.records) for entry in entries] == [("E425", 0, 500)]


def test_scalars_in_a_list_are_counted_one_by_one() -> None:
    rows, entries, records = read_all(b'[1, "a,b",null,\n' + ONE + b",-2.5e3,true]")
    assert (len(rows), records) == (1, 6)
    assert [(entry.code, entry.record, entry.records) for entry in entries] == [("E424", 0, 3), ("E424", 4, 2)]


def test_a_spent_step_of_salvaging_still_finds_objects_like_the_first() -> None:
    # Two unclosed objects cost more than the step allows; the event behind them begins like the first, but for white space.
    first = json.dumps(cloudtrail(1), indent=2).encode()
    rows, entries, _ = read_all(b"[" + first + b' }, { "a": { "b": ' + TWO + b", " + b'{"x":1},' * 500)
    assert [row["_id"] for row in rows] == IDS
    assert entries[0].code == "E420"


def test_salvaged_events_are_flagged_since_they_may_be_forged() -> None:
    rows, _, _ = read_all(b"garbage " + ONE)
    assert rows[0]["_flags"] == "salvaged"


def test_objects_that_share_a_line_with_others_are_read_each() -> None:
    three = compact(cloudtrail(3))
    rows, entries, _ = read_all(ONE + b"\n" + TWO + b" " + three + b"\n")
    assert [row["_id"] for row in rows] == [*IDS, cloudtrail(3)["eventID"]]
    assert entries == []


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400), window=st.sampled_from([16, 64, 1 << 20]))
def test_no_bytes_raise(data: bytes, window: int) -> None:
    for around in (data, b"[" + data, ONE + data + TWO, b'{"Records":[' + ONE + data):
        read_all(around, Limits(window_bytes=window))  # asserts that every record is accounted for


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, len(ONE) * 2), byte=st.integers(0, 255))
def test_one_changed_byte_never_loses_the_other_record(at: int, byte: int) -> None:
    data = bytearray(ONE + b"\n" + TWO + b"\n")
    at = min(at, len(ONE) - 1)
    data[at] = byte
    rows, _, records = read_all(bytes(data))
    if byte != 0x0A:  # a line break inside the first record makes two broken lines of it
        assert IDS[1] in [row["_id"] for row in rows]
    assert records >= 1


def test_the_stream_is_read_in_bounded_steps() -> None:
    class Counting(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            self.largest = max(self.largest, size)
            return super().read(size)

    stream = Counting(compact([cloudtrail(n) for n in range(3_000)]))
    assert sum(parsed.records for parsed in read(stream, SOURCES, Limits(window_bytes=64 * KIB))) == 3_000
    assert 0 < stream.largest <= 64 * KIB
