"""Records spoiled in the ways that hide an act from one parser and not from another: each is stored as one value that every query sees, or set aside."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livefire import Workspace
from tests.logsources.samples import cloudtrail, compact

COUNT = 20_000
"""A thousand of each kind; some hundred thousand records a minute could be read, so the bound is for the tests' time."""
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAME = b'"eventName":"StopInstances"'
AGENT = b'"userAgent":"aws-cli/2"'
Expected = dict[str, str | None]


def name(number: int) -> str:
    return f"RunInstances{number}"


# Each returns the record's bytes and what a query has to see of it: the value that a strict reader of the last of two keys gives. None: it is set aside.
def _twice(raw: bytes, n: int) -> tuple[bytes, Expected | None]:
    return raw.replace(NAME, b'"eventName":"DescribeInstances","eventName":"%s"' % name(n).encode(), 1), {"EventName": name(n)}


def _escaped(raw: bytes, n: int) -> tuple[bytes, Expected | None]:
    return raw.replace(NAME, b'"eventName":"DescribeInstances","event\\u004eame":"%s"' % name(n).encode(), 1), {"EventName": name(n)}


def _cased(raw: bytes, n: int) -> tuple[bytes, Expected | None]:
    return raw.replace(NAME, b'"eventName":"%s","EventName":"DescribeInstances","EVENTNAME":"x"' % name(n).encode(), 1), {"EventName": name(n)}


def _spelled(raw: bytes, n: int) -> tuple[bytes, Expected | None]:
    spelled = "".join(f"\\u{ord(c):04x}" for c in name(n)).encode()
    return raw.replace(NAME, b'"eventName":"%s"' % spelled, 1), {"EventName": name(n)}


def _deep(raw: bytes, n: int) -> tuple[bytes, Expected | None]:
    return raw.replace(b'"responseElements":null', b'"responseElements":' + b"[" * (70 + n % 9) + b"]" * (70 + n % 9), 1), None


def _marked(raw: bytes, _n: int) -> tuple[bytes, Expected | None]:
    return b"\xef\xbb\xbf" + raw, {"EventName": "StopInstances"}


def _timeless(raw: bytes, _n: int) -> tuple[bytes, Expected | None]:
    return raw.replace(b'"eventTime"', b'"eventtime"', 1), None


def _cut(raw: bytes, n: int) -> tuple[bytes, Expected | None]:
    return raw[: -2 - n % 40], None


def _plain(kind: bytes) -> Callable[[bytes, int], tuple[bytes, Expected | None]]:
    """Spoil a field beside: the act has to be seen as it was."""

    def spoil(raw: bytes, _n: int) -> tuple[bytes, Expected | None]:
        assert AGENT in raw
        return raw.replace(AGENT, b'"userAgent":' + kind, 1), {"EventName": "StopInstances"}

    return spoil


KINDS: dict[str, Callable[[bytes, int], tuple[bytes, Expected | None]]] = {
    "a key twice": _twice,
    "a key twice, once spelled in escapes": _escaped,
    "keys that differ in case": _cased,
    "a value in escapes": _spelled,
    "too deep": _deep,
    "a byte order mark": _marked,
    "no time": _timeless,
    "cut": _cut,
    "NUL": _plain(b'"a\\u0000b"'),
    "raw NUL": _plain(b'"a\x00b"'),
    "half a surrogate pair": _plain(b'"a\\ud800b"'),
    "bytes that are no UTF-8": _plain(b'"a\xff\xfeb"'),
    "a number": _plain(b"17"),
    "a list": _plain(b'["a","b"]'),
    "an object": _plain(b'{"a":{"b":1}}'),
    "a huge number": _plain(b"1e999"),
    "many digits": _plain(b"9" * 400),
    "NaN": _plain(b"NaN"),
    "Infinity": _plain(b"-Infinity"),
    "overlong": _plain(b'"' + b"a" * 5000 + b'"'),
}


@pytest.mark.slow
def test_every_spoiled_record_is_one_value_or_set_aside(tmp_path: Path) -> None:
    """Records in = stored + duplicates + set aside; and a query sees for each what its bytes say, so that no spelling hides an act."""
    spoil(tmp_path, 0)


def spoil(tmp_path: Path, first: int) -> tuple[int, int]:
    """Put `COUNT` records to the proof, the first of that number; return how many were stored and set aside."""
    rng, kinds = random.Random(7 + first), list(KINDS)  # noqa: S311 - an order to deliver in, no secret
    expected: dict[str, Expected] = {}
    lines, aside = [], 0
    for n in range(first, first + COUNT):
        whole = cloudtrail(n % 3600, eventID=f"55555555-0000-4000-8000-{n:012}", userAgent="aws-cli/2")
        raw, seen = KINDS[kinds[n % len(kinds)]](compact(whole), n)
        lines.append(raw)
        if seen is None:
            aside += 1
        else:
            expected[str(whole["eventID"])] = seen
    order = list(range(COUNT))
    rng.shuffle(order)
    folder = tmp_path / "logs"
    folder.mkdir()
    for part in range(20):
        (folder / f"{part:02}.jsonl").write_bytes(b"\n".join(lines[i] for i in order[part::20]) + b"\n")
    ws = Workspace(tmp_path / "lake")
    report = ws.ingest(folder, now=NOW)
    assert report.balanced
    assert (report.stored, report.duplicates) == (len(expected), 0)
    # A record that is cut may be set aside in two pieces, for its inner objects are whole.
    assert aside <= report.quarantined <= aside + COUNT // len(kinds)
    rows = ws.query("AWSCloudTrail | project AwsEventId, EventName", now=NOW, seconds=120.0).rows
    assert {i: {"EventName": n} for i, n in rows} == expected
    for event in ws.stored_events([f"aws_cloudtrail/{i}" for i in list(expected)[:400]]):
        assert event["event"]["eventName"] == expected[event["id"]]["EventName"]
    return report.stored, report.quarantined


if __name__ == "__main__":  # python -m tests.store.test_mutated_records 1000000
    began, stored, aside = time.monotonic(), 0, 0
    for start in range(0, int(sys.argv[1]), COUNT):
        with tempfile.TemporaryDirectory() as scratch:
            kept, left = spoil(Path(scratch), start)
        stored, aside = stored + kept, aside + left
        sys.stdout.write(
            f"{start + COUNT:,} records: {stored:,} stored as the one value that queries see, {aside:,} set aside, {time.monotonic() - began:.0f} s\n"
        )
        sys.stdout.flush()
