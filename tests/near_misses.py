"""Near misses: a story of an attack told again with one thing in one of its events otherwise, or two of its events closer, further apart, or turned round.

What a rule finds among them shows whether each of its clauses does something: `tests/pack_strength.py` runs a rule and its
mutants over all of them at once. Each stands days from the next and has ids of its own, so that none completes another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from livefire.emulation.model import Emulation, LogRecord, Role, Telemetry

Json = Any
APART = timedelta(days=3)
SECOND = timedelta(seconds=1)
EC2_ID = re.compile(r"\b((?:i|vol|snap|ami)-0[0-9a-f]{10})[0-9a-f]{6}\b")
BODIES = ("responseBody", "requestbody")  # texts of Azure that hold JSON
FIELDS = {
    "aws_cloudtrail": (
        ("eventSource",), ("eventName",), ("sourceIPAddress",), ("recipientAccountId",), ("eventType",), ("requestParameters",), ("responseElements",),
        ("userIdentity", "type"), ("userIdentity", "accountId"), ("userIdentity", "sessionContext", "sessionIssuer", "userName"), ("serviceEventDetails",),
    ),
    "azure_activity": (
        ("operationName",), ("resultType",), ("resultSignature",), ("resourceId",), ("category",), ("level",), ("callerIpAddress",), ("properties",),
        ("identity", "claims", "appid"), ("identity", "claims", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"),
        ("identity", "claims", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"),
        ("identity", "claims", "http://schemas.microsoft.com/identity/claims/objectidentifier"),
        ("identity", "authorization", "evidence", "principalId"),
    ),
    "gcp_audit": (
        ("protoPayload", "serviceName"), ("protoPayload", "methodName"), ("protoPayload", "resourceName"), ("protoPayload", "request"),
        ("protoPayload", "response"), ("protoPayload", "metadata"), ("protoPayload", "serviceData"), ("protoPayload", "status"),
        ("protoPayload", "requestMetadata", "callerIp"), ("protoPayload", "authenticationInfo", "principalEmail"), ("operation",), ("severity",), ("resource",),
    ),
}  # fmt: skip
# What a record of each cloud may have beside what it has: refused, begun and not ended, made by a service, an error told otherwise.
ADDED: dict[str, tuple[tuple[tuple[str, ...], Json], ...]] = {
    "aws_cloudtrail": (
        (("errorCode",), "Client.UnauthorizedOperation"), (("errorCode",), "Client.DryRunOperation"),
        (("userIdentity", "invokedBy"), "autoscaling.amazonaws.com"),
        (("eventSource",), "lightsail.amazonaws.com"), (("eventName",), "DescribeInstances"),
    ),
    "azure_activity": (
        (("resultType",), "Failure"), (("resultType",), "Start"), (("resultType",), "Accept"), (("operationName",), "MICROSOFT.OTHER/THINGS/WRITE"),
        (("operationName",), "MICROSOFT.COMPUTE/AVAILABILITYSETS/WRITE"), (("properties", "statusCode"), "OK"), (("properties", "statusCode"), "Created"),
    ),
    "gcp_audit": (
        (("protoPayload", "status"), {"code": 7, "message": "PERMISSION_DENIED"}), (("protoPayload", "serviceName"), "container.googleapis.com"),
        (("protoPayload", "methodName"), "v1.compute.addresses.insert"), (("protoPayload", "request"), {"@type": "type.googleapis.com/x"}),
        (("protoPayload", "authenticationInfo", "principalEmail"), "123456789@cloudservices.gserviceaccount.com"),
    ),
}  # fmt: skip
TIMES = {"aws_cloudtrail": (("eventTime",),), "azure_activity": (("time",),), "gcp_audit": (("timestamp",), ("receiveTimestamp",))}
Change = Callable[[list[LogRecord]], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule asks for: the operations that it names, the other words that it compares with, and its windows."""

    actions: Sequence[str]
    words: Sequence[str]
    spans: Sequence[timedelta]


@dataclass(frozen=True, slots=True)
class NearMisses:
    """The records of all near misses of some attacks, the end of the last, and how many there are."""

    records: list[dict[str, Json]]
    end: datetime
    count: int


def near_misses(told: Sequence[Emulation], asked: Asked, start: datetime, *, at_once: bool) -> NearMisses:
    """Return the near misses of attacks to a rule; `at_once` tells all of them at one time, for rules that look back from now."""
    records: list[dict[str, Json]] = []
    end, count = start, 0
    for emulation in told:
        if at_once:  # what was usual before is needed once
            records += [r.raw for r in emulation.generate(start).records if r.role is not Role.ATTACK]
        for change in changes(emulation.generate(start), asked):
            count += 1
            story = emulation.generate(start if at_once else start + APART * count, seed=count)
            kept = list(story.evidence)
            things = named_things(kept)
            change(kept)
            records += [renamed(r.raw, things, count) for r in kept]
            end = max(end, story.end + max(asked.spans, default=SECOND) + SECOND)
    return NearMisses(records, end, count)


def named_things(records: Sequence[LogRecord]) -> frozenset[str]:
    """Return the names of the resources that Azure's and Google's events are about."""
    paths = (reach(r.raw, path) for r in records for path in (("resourceId",), ("protoPayload", "resourceName")))
    names = (
        path.rpartition("/")[2].lower() for path in paths if isinstance(path, str) and "/policies/" not in path
    )  # a constraint's name is the product's own
    return frozenset(name for name in names if len(name) > 2)


def renamed(raw: dict[str, Json], things: frozenset[str], number: int) -> dict[str, Json]:
    """Return a record whose resources have names of their own."""
    text = EC2_ID.sub(lambda m: f"{m[1]}{number:06x}", json.dumps(raw))
    for thing in things:
        text = re.sub(rf"(?<=[/\"]){re.escape(thing)}(?=[/\"\\])", f"{thing}x{number}", text, flags=re.I)
    return dict(json.loads(text))


def changes(story: Telemetry, asked: Asked) -> Iterator[Change]:
    """Yield what to do to a story's records, one thing each."""
    places = range(min(len(story.evidence), MOST_RECORDS))
    for at in places:
        raw = story.evidence[at].raw
        for path, value in ADDED[story.log_source]:
            yield _setting(at, path, value)
        if "recipientAccountId" in raw:
            yield _setting(at, ("userIdentity", "accountId"), raw["recipientAccountId"])
        for root in FIELDS[story.log_source]:
            for path, value in leaves(reach(raw, root), root):
                yield _setting(at, path, None)
                yield _setting(at, path, other(value))
                if isinstance(value, str):
                    for told in instead(path, value, asked):
                        yield _setting(at, path, told)
    for i, j in list(combinations(places, 2))[:MOST_PAIRS]:
        yield _apart(i, j, -SECOND)
        for span in asked.spans:
            yield _apart(i, j, span + SECOND)
            yield _apart(i, j, -(span + SECOND))


def instead(path: tuple[Any, ...], value: str, asked: Asked) -> Iterator[str]:
    """Yield what may stand in the place of a text: the operations that the rule names, and the names that it excludes or asks for."""
    if path[-1] in ACTIONS:
        for word in asked.actions:
            parts = value.split(".")
            yield from {word, f"v1.{word}", *(".".join([*parts[:at], word, *parts[at + 1 :]]) for at in range(1, len(parts)))}
        return
    for word in asked.words:
        if word in value:
            yield value.replace(word, "/x/")
        elif next((p for p in reversed(path) if isinstance(p, str)), "") in NAMES:
            yield value + word if word[0] in "@/." else word
            if "@" in value and "@" not in word:
                yield value.partition("@")[0] + "@" + word
                yield value.partition("@")[0] + "@x." + word


ACTIONS = frozenset(["eventName", "operationName", "methodName"])
# Where the name of an identity, an account or an application stands, which rules exclude by.
NAMES = frozenset([
    "userName", "userId", "accountId", "recipientAccountId", "principalEmail", "appid", "member", "members", "name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "principalId",
])  # fmt: skip
MOST_RECORDS, MOST_PAIRS, MOST_LEAVES = 6, 6, 10


def leaves(value: Json, path: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Json]]:
    """Return the plain values below one, with their paths, and each object itself; a JSON text of Azure counts as what it holds."""
    found: list[tuple[tuple[Any, ...], Json]] = []
    if isinstance(value, str) and path[-1] in BODIES and value.startswith("{"):
        return leaves(json.loads(value), (*path, "{}"))
    if isinstance(value, dict):
        if len(path) > 1:
            found.append((path, value))
        for name, inner in value.items():
            found += leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:3]):
            found += leaves(inner, (*path, number))
    elif value is not None:
        found.append((path, value))
    return found[:MOST_LEAVES]


def other(value: Json) -> Json:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return str(int(value) + 1) if value.isdigit() else {"true": "false", "false": "true"}.get(value, value + "-other")
    return {}


def reach(raw: Json, path: Sequence[Any]) -> Json:
    """Return what stands at a path, None where nothing does."""
    for step in path:
        raw = raw.get(step) if isinstance(raw, dict) else None
    return raw


def _setting(at: int, path: tuple[Any, ...], value: Json) -> Change:
    def change(records: list[LogRecord]) -> None:
        if at < len(records):  # another seed may tell a story with fewer events
            put(records[at].raw, path, value)

    return change


def put(raw: Json, path: tuple[Any, ...], value: Json) -> None:
    """Write a value at a path, or take away what stands there where it is None."""
    step, rest = path[0], path[1:]
    if not rest:
        if value is None and isinstance(raw, dict):
            raw.pop(step, None)
        elif isinstance(raw, dict) or (isinstance(raw, list) and isinstance(step, int) and step < len(raw)):
            raw[step] = value
        return
    if rest[0] == "{}":
        inner = json.loads(raw[step]) if isinstance(raw.get(step), str) else None
        if inner is not None and rest[1:]:
            put(inner, rest[1:], value)
            raw[step] = json.dumps(inner)
        return
    below = raw.get(step) if isinstance(raw, dict) else raw[step] if isinstance(raw, list) and step < len(raw) else None
    if below is None and isinstance(raw, dict):
        below = raw[step] = {}
    if isinstance(below, (dict, list)):
        put(below, rest, value)


def _apart(i: int, j: int, gap: timedelta) -> Change:
    """Put the second of two events that far after the first, and what follows it with it."""

    def change(records: list[LogRecord]) -> None:
        if j >= len(records):
            return
        first, source = records[i].time, records[i].log_source
        by = first + gap - records[j].time
        for record in records[j:] if gap > timedelta() else records[j : j + 1]:
            for path in TIMES[source]:
                text = reach(record.raw, path)
                if isinstance(text, str):
                    moved = _read(text) + by if record is not records[j] else first + gap
                    put(record.raw, path, _write(moved, text))

    return change


def shifted(record: LogRecord, by: timedelta) -> dict[str, Json]:
    """Return a record's raw form with its times that much later."""
    for path in TIMES[record.log_source]:
        text = reach(record.raw, path)
        if isinstance(text, str):
            put(record.raw, path, _write(_read(text) + by, text))
    return record.raw


def _read(text: str) -> datetime:
    head, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{head}.{(fraction + '000000')[:6]}+00:00")


def _write(time: datetime, like: str) -> str:
    fraction = like.rstrip("Z").partition(".")[2]
    return time.strftime("%Y-%m-%dT%H:%M:%S") + (f".{time.microsecond:06d}{'0' * (len(fraction) - 6)}" if fraction else "") + "Z"
