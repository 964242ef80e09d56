"""Events written by hand for the tests, as small as each source allows."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

from livefire.logsources.faults import Quarantined
from livefire.logsources.limits import Limits
from livefire.logsources.ordinary import OrdinaryReader, reader_for
from livefire.logsources.reader import read
from livefire.logsources.registry import SOURCES

Row = dict[str, Any]


def cloudtrail(number: int = 1, **more: Any) -> dict[str, Any]:
    """A CloudTrail record; `number` makes its id and its second."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ana", "accountId": "111122223333", "userName": "ana"},
        "eventTime": f"2026-05-04T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "StopInstances",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": {"instancesSet": {"items": [{"instanceId": f"i-{number:04}"}]}},
        "responseElements": None,
        "eventID": f"00000000-0000-4000-8000-{number:012}",
        "readOnly": False,
        **more,
    }


def compact(value: Any) -> bytes:
    """JSON the way CloudTrail writes it: no spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def read_all(data: bytes, limits: Limits | None = None) -> tuple[list[Row], list[Quarantined], int]:
    """Read bytes as a file: rows of all sources in the order of their records, entries, and the count of records.

    Every file is read three times: with care, as ordinary records, and again with what the ordinary reader remembers. All have to agree.
    """
    bounds = limits or Limits()
    ordinary = reader_for(SOURCES, bounds)
    with_care, quickly, again = (_read_once(data, bounds, how) for how in (None, ordinary, ordinary))
    assert quickly == with_care, "the ordinary reader gives something else than the careful one"
    assert again == with_care, "what the ordinary reader remembered changed what it gives"
    return with_care


def _read_once(data: bytes, limits: Limits, ordinary: OrdinaryReader | None) -> tuple[list[Row], list[Quarantined], int]:
    rows: list[Row] = []
    entries: list[Quarantined] = []
    records = 0
    for parsed in read(io.BytesIO(data), SOURCES, limits, lambda: io.BytesIO(data), ordinary):
        records += parsed.records
        entries.extend(parsed.quarantined)
        for batch in parsed.batches:
            rows.extend({"source": batch.source.name, **dict(zip(batch.columns, values, strict=True))} for values in zip(*batch.columns.values(), strict=True))
    rows.sort(key=lambda row: row["_record"])
    assert records == len(rows) + sum(entry.records for entry in entries), "every record is an event or quarantined"
    return rows, entries, records


def codes(entries: Iterable[Quarantined]) -> list[str]:
    """The codes of entries in order."""
    return [entry.code for entry in entries]
