"""What every emulation's records have in common: repeatable, unique ids, inside the story's time, plausible."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from livefire.emulation import Cloud, Emulation, Kind, Role, Telemetry, emulations

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
ADDRESSES = ("sourceIPAddress", "privateIpAddress", "callerIpAddress", "ipaddr", "callerIp")
ALL = pytest.mark.parametrize("emulation", emulations(), ids=lambda e: e.id)


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a JSON value with the key it stands under."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from strings(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member, key)
    elif isinstance(value, str):
        yield key, value


def told_time(telemetry: Telemetry, raw: dict[str, Any]) -> datetime:
    """The time the raw record itself says."""
    key = {"aws_cloudtrail": "eventTime", "azure_activity": "time", "gcp_audit": "timestamp"}[telemetry.log_source]
    text = raw[key].removesuffix("Z")[:26]
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@ALL
def test_the_same_seed_gives_the_same_bytes(emulation: Emulation) -> None:
    first, second = emulation.generate(START, 7), emulation.generate(START, 7)
    assert [r.line() for r in first] == [r.line() for r in second]
    assert [r.line() for r in first] != [r.line() for r in emulation.generate(START, 8)]


def test_event_ids_are_unique_across_seeds_and_stories() -> None:
    ids = [record.event_id for emulation in emulations() for seed in range(4) for record in emulation.generate(START, seed)]
    assert len(ids) == len(set(ids)) > 2000


@ALL
def test_records_lie_within_the_story_in_order(emulation: Emulation) -> None:
    for seed in range(4):
        telemetry = emulation.generate(START, seed)
        times = [r.time for r in telemetry]
        assert times == sorted(times)
        assert START - emulation.lead <= times[0]
        assert times[-1] <= START + emulation.span


@ALL
def test_the_story_starts_when_told_to(emulation: Emulation) -> None:
    own = [r for r in emulation.generate(START, 1) if r.role is not Role.NOISE]
    assert own[0].time == START


@ALL
def test_a_record_says_the_time_it_is_filed_under(emulation: Emulation) -> None:
    telemetry = emulation.generate(START, 2)
    assert all(told_time(telemetry, r.raw) == r.time for r in telemetry)


@ALL
def test_roles_follow_the_kind(emulation: Emulation) -> None:
    telemetry = emulation.generate(START, 3)
    attack, benign, noise = (len(telemetry.of(role)) for role in Role)
    assert noise >= 5
    assert (attack > 0, benign > 0) == ((True, False) if emulation.kind is Kind.ATTACK else (False, True))
    assert len(telemetry.evidence) == attack
    assert attack + benign + noise == len(telemetry)


@ALL
def test_a_line_is_one_line_and_reads_back(emulation: Emulation) -> None:
    for record in emulation.generate(START, 4):
        assert "\n" not in record.line()
        assert json.loads(record.line()) == record.raw


@ALL
def test_records_go_to_their_clouds_log_source(emulation: Emulation) -> None:
    names = {Cloud.AWS: "aws_cloudtrail", Cloud.AZURE: "azure_activity", Cloud.GCP: "gcp_audit"}
    telemetry = emulation.generate(START, 0)
    assert {r.log_source for r in telemetry} == {names[emulation.cloud]} == {telemetry.log_source}


@ALL
def test_ids_and_addresses_are_plausible(emulation: Emulation) -> None:
    reserved = [ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.20.0.0/16", "20.42.6.0/24")]
    for record in emulation.generate(START, 5):
        for key, text in strings(record.raw):
            if key in ADDRESSES and text[0].isdigit():
                assert any(ipaddress.ip_address(text) in network for network in reserved), text
            if re.match(r"(i|vol|snap|ami|eni|sg|subnet|vpc|r|lt)-[0-9a-f]", text):
                assert re.fullmatch(r"(eni-attach|[a-z]+)-0[0-9a-f]{16}", text), text
            if re.match(r"(AKIA|ASIA)", text):
                assert re.fullmatch(r"(AKIA|ASIA)[A-Z2-7]{16}", text), text
            if re.match(r"(AROA|AIDA|AIPA)", text):
                assert re.fullmatch(r"(AROA|AIDA|AIPA)[A-Z2-7]{17}(:.+)?", text), text


def test_a_start_in_another_zone_is_taken_to_utc() -> None:
    emulation = emulations()[0]
    east = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert [r.line() for r in emulation.generate(east, 1)] == [r.line() for r in emulation.generate(START, 1)]


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        emulations()[0].generate(datetime(2026, 3, 4), 1)
