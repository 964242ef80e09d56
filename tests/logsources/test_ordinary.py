"""Ordinary records, laid out many stretches together, are what the careful reader makes of them; what is not ordinary falls to it."""

from __future__ import annotations

import io
import random
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefire.logsources.columns import microseconds, read_time, usual_times
from livefire.logsources.limits import Limits
from livefire.logsources.ordinary import Stretch, reader_for
from livefire.logsources.reader import read
from livefire.logsources.registry import SOURCES
from livefire.store.gather import NUMBER, Gathered
from tests.logsources.samples import cloudtrail, compact, read_all

# What makes a record unusual, each in a way of its own; the careful reader stores it, flags it or sets it aside.
ODD: tuple[Callable[[bytes], bytes], ...] = (
    lambda text: text.replace(b'"readOnly":false', b'"readOnly":false,"readOnly":true'),
    lambda text: text.replace(b'"items":[', b'"items":[], "items":['),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":{"n":18446744073709551615}'),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":[-9223372036854775809]'),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":{"n":1e5}'),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":{"n":NaN}'),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":' + b"[" * 70 + b"]" * 70),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":{"a\\u0000b":"\\ud800"}'),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":{"a":"\xff"}'),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":{"a":\n1}'),
    lambda text: text.replace(b'"responseElements":null', b'"responseElements":"\\u0041"'),
    lambda text: text.replace(b'"userIdentity":{', b'"userIdentity":{"type":"Root",'),
    lambda text: text.replace(b'"eventID":"', b'"eventID":"","was":"'),
    lambda text: text.replace(b'"eventName":"StopInstances"', b'"eventName":5'),
    lambda text: text.replace(b'Z","eventSource"', b'!","eventSource"'),
    lambda text: text.replace(b'"2026-', b'"0000-'),
    lambda text: text.replace(b'"awsRegion":"eu-central-1"', b'"awsRegion":null'),
    lambda text: text[:-9],
)
USUAL: tuple[dict[str, Any], ...] = (
    {},
    {"responseElements": {"big": 9223372036854775807, "small": -9223372036854775808, "real": 1.5}},
    {"requestParameters": None, "resources": [{"ARN": "arn:aws:s3:::b"}]},
    {"userIdentity": {"type": "AWSService", "invokedBy": "config.amazonaws.com"}},
    {"userIdentity": {"type": "IAMUser", "accountId": 111122223333, "sessionContext": {"attributes": {"creationDate": "2026-05-04T09:00:00Z"}}}},
    {"requestParameters": {"text": 'quote " brace { backslash \\ end }, {"eventVersion":'}},
    {"eventTime": "2026-05-04T10:00:00.1234567+02:00"},
    {"tlsDetails": {"tlsVersion": "TLSv1.3"}, "sessionCredentialFromConsole": "true"},
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(USUAL) - 1), st.none() | st.integers(0, len(ODD) - 1)), min_size=1, max_size=12), st.booleans())
def test_both_readers_agree_on_any_mixture(kinds: list[tuple[int, int | None]], lines: bool) -> None:
    records = []
    for number, (usual, odd) in enumerate(kinds):
        text = compact(cloudtrail(number, **USUAL[usual]))
        records.append(text if odd is None else ODD[odd](text))
    read_all(b"\n".join(records) if lines else b'{"Records":[' + b",".join(records) + b"]}")  # compares the readers


def test_each_oddity_is_left_to_care() -> None:
    """Every change above takes a record out of the ordinary, or the mixtures would compare one reader with itself."""
    reader = reader_for(SOURCES, Limits())
    assert reader is not None
    for number, odd in enumerate(ODD[:-1]):  # the last is cut off and makes the whole list unreadable
        text = compact(cloudtrail(1))
        assert odd(text) != text, number
        found = reader.take(odd(text), lines=False)
        assert found is None or found.care == [True], number
    for more in USUAL:
        found = reader.take(compact(cloudtrail(1, **more)), lines=False)
        assert found is not None and found.care == [False], more


TIMES = st.one_of(
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")),
    st.from_regex(r"\A[0-3][0-9]{3}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z\Z"),
    st.text("0123456789-:TZ+. ", min_size=20, max_size=20),
)


@settings(max_examples=80, deadline=None)
@given(TIMES)
def test_times_read_together_are_the_times_read_one_by_one(text: str) -> None:
    usual, moment = usual_times([text] * 64), read_time(text)
    if usual is not None:
        assert moment is not None, "a time was read that is none"
        assert usual == array("q", [microseconds(moment)] * 64)


def test_times_as_vendors_write_them_are_read_together() -> None:
    assert usual_times(["1970-01-01T00:00:01Z", "2026-02-28T23:59:59Z"] * 32) == array("q", [1_000_000, 1_772_323_199_000_000] * 32)
    for other in (
        "2026-02-29T00:00:00Z",
        "2026-02-28T24:00:00Z",
        "0000-02-28T00:00:00Z",
        "2026-02-28T23:59:60Z",
        "2026-02-28T00:00:00.1Z",
        "+026-02-28T00:00:00",
    ):
        assert usual_times(["2026-02-28T23:59:59Z"] * 64 + [other]) is None, other


@pytest.mark.parametrize("each", [8, 700])
def test_small_files_and_large_ones_give_the_same_rows(each: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of odd and usual records in turn: one table, in the order of the records, whatever was laid out together."""
    monkeypatch.setattr("livefire.logsources.ordinary.KEPT_BYTES", 2_000)  # identities are forgotten on the way
    dice = random.Random(each)  # noqa: S311  # the same files each time
    gathered, careful = Gathered(SOURCES[0]), Gathered(SOURCES[0])
    ordinary, stretches = reader_for(SOURCES, Limits()), 0
    for number in range(1400 // each):
        records = []
        for at in range(each):
            text = compact(cloudtrail(number * each + at, userIdentity={"type": "IAMUser", "arn": f"arn:aws:iam::1:user/u{dice.randrange(40)}"}))
            records.append(ODD[0](text) if dice.random() < 0.05 else text)
        data = b'{"Records":[' + b",".join(records) + b"]}"
        for into, how in ((gathered, ordinary), (careful, None)):
            for parsed in read(io.BytesIO(data), SOURCES, Limits(), None, how):
                for batch in parsed.batches:
                    stretches += isinstance(batch, Stretch)
                    into.add(batch, f"{number}.json", number)
    assert stretches
    rows, expected = gathered.table().to_pylist(), careful.table().to_pylist()
    assert rows == expected
    assert [(row[NUMBER], row["_record"]) for row in rows] == [(n // each, n % each) for n in range(1400 // each * each)]


def test_a_file_that_grows_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime

    from livefire.store import reading
    from livefire.store.ingest import ingest
    from livefire.store.lake import Lake

    path, now = tmp_path / "growing.json", datetime(2026, 6, 1, tzinfo=UTC)
    path.write_bytes(compact(cloudtrail(1)) + b"\n")

    def grow(*args: Any, **named: Any) -> Any:
        with path.open("ab") as handle:
            handle.write(compact(cloudtrail(2)) + b"\n")
        yield from read(*args, **named)

    monkeypatch.setattr(reading, "read", grow)
    lake = Lake.create(tmp_path / "lake")
    report = ingest([path], lake, now=now)
    assert (report.files[0].code, report.stored) == ("E415", 2)
    monkeypatch.undo()
    again = ingest([path], lake, now=now)
    assert (again.files[0].code, again.stored, again.duplicates) == ("", 0, 2), "a file that changed is not taken for known"
