"""Near misses of a whole story: every act told by somebody else, one act again and again, one act alone, acts just beyond a window.

`tests/near_misses.py` changes one thing of one event, which breaks the tie between two events of one identity; here the
story stays whole, so that what a rule says of all its events at once is put to the test.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from livefire.emulation.model import Emulation, LogRecord, Role, Telemetry
from tests.near_misses import APART, FIELDS, NAMES, SECOND, TIMES, Asked, NearMisses, instead, leaves, named_things, put, reach, renamed, shifted

Json = Any
Retold = Callable[[list[LogRecord]], list[dict[str, Json]]]
"""What becomes of a story's records."""

MOST_PLACES, MOST_REPEATS = 8, 12
EVENT_IDS = {"aws_cloudtrail": ("eventID",), "azure_activity": ("correlationId",), "gcp_audit": ("insertId",)}
DAY = timedelta(days=1)
ISSUER = ("userIdentity", "sessionContext", "sessionIssuer", "userName")
TYPE, MACHINE = ("requestParameters", "instanceType"), ("protoPayload", "request", "machineType")
# What one event may say otherwise that no other event of the story hangs on: other refusals, other sizes, everybody as receiver.
SAID: dict[str, tuple[tuple[tuple[str, ...], Json], ...]] = {
    "aws_cloudtrail": (
        (TYPE, "m7i.metal-24xl"), (TYPE, "c6i.24xlarge"), (TYPE, "g5.xlarge"), (TYPE, "t3.micro"),
        (("requestParameters", "launchPermission"), {"add": {"items": [{"group": "all"}]}}),
        (("requestParameters", "launchPermission"), {"add": {"items": [{"userId": "111122223333"}]}}),
        (("requestParameters", "createVolumePermission"), {"add": {"items": [{"group": "all"}]}}),
        (("requestParameters", "createVolumePermission"), {"add": {"items": [{"userId": "111122223333"}]}}),
    ),
    "azure_activity": ((("resultType",), "Failed"), (("resultType",), "Succeeded")),
    "gcp_audit": (
        *((("protoPayload", "status"), {"code": code, "message": "other"}) for code in (5, 8)),
        *((MACHINE, f"zones/europe-west4-a/machineTypes/{size}") for size in ("e2-standard-2", "n2-standard-128", "a3-highgpu-8g", "c3-standard-176-metal")),
        (("operation", "first"), None), (("operation", "last"), None),
    ),
}  # fmt: skip


def wide_misses(told: Sequence[Emulation], asked: Asked, start: datetime, *, at_once: bool) -> NearMisses:
    """Return the near misses of whole attacks; `at_once` tells all of them at one time, for rules that look back from now."""
    records: list[dict[str, Json]] = []
    end, count = start, 0
    for emulation in told:
        if at_once:
            records += [r.raw for r in emulation.generate(start).records if r.role is not Role.ATTACK]
        for retold in ways(emulation.generate(start), asked):
            count += 1
            story = emulation.generate(start if at_once else start + 2 * APART * count, seed=50_000 + count)
            kept = list(story.evidence)
            things = named_things(kept)
            records += [renamed(raw, things, 50_000 + count) for raw in retold(kept)]
            end = max(end, story.end + max(asked.spans, default=SECOND) + SECOND)
    return NearMisses(records, end, count)


def ways(story: Telemetry, asked: Asked) -> Iterator[Retold]:
    """Yield the ways to tell a story otherwise as a whole."""
    places = range(min(len(story.evidence), MOST_PLACES))
    for path, told in others(story.evidence, asked):
        yield _by(path, told)
    for at in places:
        for path, value in SAID[story.log_source]:
            yield _saying(at, path, value)
        yield _again(at)
        yield _alone(at)
        yield _without(at)
    for i, j in combinations(places, 2):
        yield _moved(i, j, timedelta())
        for span in asked.spans:
            yield _moved(i, j, span)
            yield _moved(i, j, span + SECOND)


def others(records: Sequence[LogRecord], asked: Asked) -> list[tuple[tuple[Any, ...], str]]:
    """Return who else may have done it: where each identity of a story stands, with each name that the rule asks for."""
    found: dict[tuple[tuple[Any, ...], str], None] = {}
    if any(r.log_source == "aws_cloudtrail" for r in records):  # a role, also where the story is a user's
        found = {(ISSUER, word): None for word in asked.words if word.replace("-", "").isalnum() and not word.isdigit()}
    for record in records[:MOST_PLACES]:
        for root in FIELDS[record.log_source]:
            for path, value in leaves(reach(record.raw, root), root):
                if isinstance(value, str) and next((p for p in reversed(path) if isinstance(p, str)), "") in NAMES:
                    found |= {(path, told): None for told in instead(path, value, asked)}
    return list(found)


def _by(path: tuple[Any, ...], told: str) -> Retold:
    def retell(records: list[LogRecord]) -> list[dict[str, Json]]:
        for record in records:
            put(record.raw, path, told)
        return [r.raw for r in records]

    return retell


def _saying(at: int, path: tuple[Any, ...], value: Json) -> Retold:
    def retell(records: list[LogRecord]) -> list[dict[str, Json]]:
        if at < len(records):
            put(records[at].raw, path, value)
        return [r.raw for r in records]

    return retell


def _again(at: int) -> Retold:
    """Tell one act again and again instead of all, a second apart, each an event of its own about a thing of its own."""

    def retell(records: list[LogRecord]) -> list[dict[str, Json]]:
        if at >= len(records):
            return []
        things = named_things([records[at]])
        copies = []
        for number in range(MOST_REPEATS):
            raw = renamed(shifted(copy.deepcopy(records[at]), number * SECOND), things, 90_000 + number)
            put(raw, EVENT_IDS[records[at].log_source], f"{number:08x}{str(reach(raw, EVENT_IDS[records[at].log_source]))[8:]}")
            copies.append(raw)
        return copies

    return retell


def _alone(at: int) -> Retold:
    return lambda records: [r.raw for r in records[at : at + 1]]


def _without(at: int) -> Retold:
    return lambda records: [r.raw for number, r in enumerate(records) if number != at]


def _moved(i: int, j: int, gap: timedelta) -> Retold:
    """Put the second of two events exactly that far after the first, and what follows it with it."""

    def retell(records: list[LogRecord]) -> list[dict[str, Json]]:
        if j >= len(records):
            return []
        by = records[i].time + gap - records[j].time
        return [shifted(r, by) if number >= j else r.raw for number, r in enumerate(records)]

    return retell


def long_before(told: Sequence[Emulation], asked: Asked, start: datetime) -> tuple[list[dict[str, Json]], list[dict[str, Json]]]:
    """Return attacks whose identity did the same just before the longest window of the rule opens, and attacks before which nothing is logged at all."""
    earlier: list[dict[str, Json]] = []
    first: list[dict[str, Json]] = []
    for emulation in told:
        story = emulation.generate(start)
        first += [r.raw for r in story.evidence]
        earlier += [r.raw for r in story.records]
        for number, record in enumerate(story.evidence[:MOST_PLACES]):
            raw = shifted(copy.deepcopy(record), -(max(asked.spans, default=DAY) + DAY))
            put(raw, EVENT_IDS[record.log_source], f"{number:08x}{str(reach(raw, EVENT_IDS[record.log_source]))[8:]}")
            earlier.append(raw)
    return earlier, first


# What a record of each source needs to be one, for a story that arrives under the name of another source.
FRAMES: dict[str, dict[str, Json]] = {
    "aws_cloudtrail": {"eventVersion": "1.11", "eventSource": "ec2.amazonaws.com", "eventType": "AwsApiCall", "awsRegion": "eu-west-1"},
    "azure_activity": {"category": "Administrative", "resultType": "Success", "level": "Information", "resourceId": "/SUBSCRIPTIONS/S"},
    "gcp_audit": {"logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity", "severity": "NOTICE", "resource": {"type": "gce_instance"}},
}
ACTION = {"aws_cloudtrail": ("eventName",), "azure_activity": ("operationName",), "gcp_audit": ("protoPayload", "methodName")}


def strayed(told: Sequence[Emulation], start: datetime) -> dict[str, list[dict[str, Json]]]:
    """Return attacks of which all events, or one, or all but one, came under the name of another source, as when a forwarder files them wrongly.

    Each has all that it had, and what a record of the other source needs: time, action and id.
    """
    found: dict[str, list[dict[str, Json]]] = {}
    count = 0
    for emulation in told:
        places = range(min(len(emulation.generate(start).evidence), MOST_PLACES))
        for target in FRAMES:
            if target == emulation.cloud.log_source:
                continue
            for astray in [frozenset(places), *(frozenset([at]) for at in places), *(frozenset(places) - {at} for at in places)]:
                count += 1
                story = emulation.generate(start + APART * count, seed=70_000 + count)
                things = named_things(story.evidence)
                for at, record in enumerate(story.evidence):
                    raw = renamed(record.raw, things, 70_000 + count)
                    found.setdefault(target if at in astray else record.log_source, []).append(_filed(raw, record, target) if at in astray else raw)
    return found


def _filed(raw: dict[str, Json], record: LogRecord, target: str) -> dict[str, Json]:
    """Return a record with what a record of another source has to have."""
    made = {**copy.deepcopy(FRAMES[target]), **raw}
    for path in TIMES[target]:
        put(made, path, record.time.strftime("%Y-%m-%dT%H:%M:%SZ"))
    put(made, ACTION[target], reach(record.raw, ACTION[record.log_source]))
    put(made, EVENT_IDS[target], record.event_id[:36])
    return made


def lines_of(records: Sequence[dict[str, Json]]) -> bytes:
    """Return records as lines of JSON."""
    return b"\n".join(json.dumps(r, separators=(",", ":")).encode() for r in records)
