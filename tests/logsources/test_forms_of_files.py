"""The layouts a log file can come in all give the same events."""

from __future__ import annotations

import gzip
import json

import pytest

from livefire.logsources.limits import Limits
from tests.logsources.samples import cloudtrail, codes, compact, read_all

EVENTS = [cloudtrail(n) for n in range(3)]
IDS = [event["eventID"] for event in EVENTS]
LINES = b"\n".join(map(compact, EVENTS))

LAYOUTS = {
    "S3 file": compact({"Records": EVENTS}),
    "S3 file, indented": json.dumps({"Records": EVENTS}, indent=2).encode(),
    "S3 file, other members around": b'{"a":[1,{"b":"]}"}],"Records":' + compact(EVENTS) + b',"c":{"d":[2]},"e":"x"}',
    "S3 file, gzip": gzip.compress(compact({"Records": EVENTS})),
    "gzip in two members": gzip.compress(compact(EVENTS[0]) + b"\n") + gzip.compress(b"\n".join(map(compact, EVENTS[1:]))),
    "array": compact(EVENTS),
    "array, indented": json.dumps(EVENTS, indent=4).encode(),
    "lines": LINES,
    "lines, last one ended": LINES + b"\n",
    "lines, CRLF and blank ones": b"\r\n\r\n".join(map(compact, EVENTS)) + b"\r\n\n",
    "lines, ended by commas": b",\n".join(map(compact, EVENTS)) + b",\n",
    "objects one after another": b"".join(map(compact, EVENTS)),
    "objects, indented": "\n".join(json.dumps(event, indent=1) for event in EVENTS).encode(),
    "S3 files one after another": compact({"Records": EVENTS[:1]}) + b"\n" + compact({"Records": EVENTS[1:]}) + b"\n",
    "two lists in one object": compact({"Records": EVENTS[:1]})[:-1] + b',"Records":' + compact(EVENTS[1:]) + b"}",
    "EventBridge lines": b"\n".join(compact({"detail-type": "AWS API Call via CloudTrail", "detail": event}) for event in EVENTS),
    "EventBridge array": compact([{"version": "0", "detail": event} for event in EVENTS]),
    "lookup-events": compact({"Events": [{"EventId": "x", "CloudTrailEvent": compact(event).decode()} for event in EVENTS]}),
    "CloudWatch Logs": compact({"logGroup": "trail", "logEvents": [{"id": "1", "message": compact(event).decode()} for event in EVENTS]}),
    "byte order mark": b"\xef\xbb\xbf" + LINES,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("window", [64, 1_000, 1 << 20])
def test_every_layout_gives_the_events_in_order(layout: str, window: int) -> None:
    # Windows smaller than a record make the reader meet every boundary there is.
    rows, entries, records = read_all(LAYOUTS[layout], Limits(window_bytes=window))
    assert [row["_id"] for row in rows] == IDS
    assert entries == []
    assert records == 3
    assert [row["_record"] for row in rows] == [0, 1, 2]


def test_what_is_stored_is_the_event_itself() -> None:
    rows, _, _ = read_all(LAYOUTS["S3 file, indented"])
    assert rows[1]["_raw"] == compact(EVENTS[1]).decode()


def test_a_byte_order_mark_is_flagged_on_the_first_event_only() -> None:
    rows, _, _ = read_all(LAYOUTS["byte order mark"])
    assert [row["_flags"] for row in rows] == ["bom", None, None]


def test_a_long_list_is_read_in_windows() -> None:
    events = [cloudtrail(n) for n in range(1_000)]
    rows, entries, _ = read_all(compact({"Records": events}), Limits(window_bytes=16 * 1024))
    assert [row["_id"] for row in rows] == [event["eventID"] for event in events]
    assert entries == []


@pytest.mark.parametrize("indent", [None, 1])
def test_records_longer_than_any_step_of_looking(indent: int | None) -> None:
    # 5,000 to 80,000 bytes: past the first look of 4,096 bytes and past several windows.
    events = [cloudtrail(n, requestParameters={"note": "x" * 5_000 * 2**n, "list": [{"a": n}] * 50}) for n in range(5)]
    for text in (json.dumps({"Records": events}, indent=indent), "\n".join(json.dumps(event, indent=indent) for event in events)):
        rows, entries, _ = read_all(text.encode(), Limits(window_bytes=8_192))
        assert [row["_raw"] for row in rows] == [compact(event).decode() for event in events]
        assert entries == []


def test_an_empty_list_holds_no_records() -> None:
    assert read_all(b'{"Records":[]}') == ([], [], 0)


def test_envelopes_inside_each_other_are_bounded() -> None:
    value: object = cloudtrail()
    for _ in range(10):
        value = {"detail-type": "x", "detail": value}
    rows, entries, records = read_all(compact(value))
    assert (rows, codes(entries), records) == ([], ["E428"], 1)
