"""Months of background: repeatable, of the size asked for, with plants that the truth file tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from livefire.emulation.actors import INTRUDER_IP
from livefire.emulation.background import Background, Plan, planted, write_background
from livefire.emulation.company import staff
from livefire.workspace import Workspace

START = datetime(2026, 9, 1, tzinfo=UTC)
PLAN = Plan(START, days=2, events=2000, attacks=3, seed=5)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Background:
    return write_background(tmp_path_factory.mktemp("background"), PLAN)


def test_two_hundred_principals() -> None:
    company = staff(0)
    assert company.size >= 200
    assert company == staff(0)
    assert company != staff(1)


def test_every_record_is_read_and_none_is_doubled(made: Background) -> None:
    ws = Workspace()
    report = ws.ingest(made.logs)
    info = ws.info()
    assert sum(s.events for s in info.sources) == made.events == report.stored
    assert report.quarantined == 0
    assert made.events >= PLAN.events
    assert all(s.events for s in info.sources)


def test_the_same_seed_gives_the_same_bytes(made: Background, tmp_path: Path) -> None:
    again = write_background(tmp_path, PLAN)
    first = {p.relative_to(made.logs): p.read_bytes() for p in made.logs.rglob("*") if p.is_file()}
    assert {p.relative_to(again.logs): p.read_bytes() for p in again.logs.rglob("*") if p.is_file()} == first
    assert again.truth.read_bytes() == made.truth.read_bytes()


def test_the_truth_names_records_of_the_log(made: Background) -> None:
    lines = [json.loads(line) for line in made.truth.read_text().splitlines()]
    assert [line["plant"] for line in lines] == [0, 1, 2]
    ids = {r.event_id for p in made.plants for r in p.records} | {str(r.raw.get("correlationId")) for p in made.plants for r in p.records}
    ids |= {str((r.raw.get("operation") or {}).get("id")) for p in made.plants for r in p.records}
    assert all(line["marks"] and set(line["marks"]) <= ids for line in lines)


def test_plants_come_after_the_warm_up_in_other_names_and_from_other_addresses() -> None:
    plants = planted(Plan(START, attacks=70))
    assert min(p.start for p in plants) >= START + timedelta(days=16)
    assert max(r.time for p in plants for r in p.records) < START + timedelta(days=30)
    assert len({p.emulation_id for p in plants}) >= 65
    text = " ".join(r.line() for p in plants for r in p.records)
    assert INTRUDER_IP not in text
    assert "j.meyer" not in text
    assert len({p.victim for p in plants}) > 10
