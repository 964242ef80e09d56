"""Files as the clouds deliver them, and the demo with its ground truth."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from livefire.emulation import Demo, Kind, LogRecord, emulations, find, write, write_demo, write_records
from livefire.emulation.delivery import event_hub_message, portal_page

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def read_back(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".gz":
        records: list[dict[str, Any]] = json.loads(gzip.decompress(file.read_bytes()))["Records"]
        return records
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("emulation", emulations(), ids=lambda e: e.id)
def test_every_record_is_delivered_once(emulation: Any, tmp_path: Path) -> None:
    files = write(emulation, tmp_path, START, 1)
    delivered = Counter(json.dumps(r, sort_keys=True) for f in files for r in read_back(f))
    told = Counter(json.dumps(r, sort_keys=True) for r in emulation.generate(START, 1).raws())
    assert delivered == told
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == list(files)


def test_cloudtrail_files_lie_by_account_region_and_day_in_five_minutes(tmp_path: Path) -> None:
    files = write(find("T1578.002/aws-refused-then-elsewhere"), tmp_path, START)
    names = [f.relative_to(tmp_path).as_posix() for f in files]
    assert any(n.startswith("AWSLogs/111122223333/CloudTrail/ap-southeast-3/2026/03/04/111122223333_CloudTrail_ap-southeast-3_20260304T0905Z_") for n in names)
    for file in files:
        until = datetime.strptime(file.name.split("_")[3], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        ages = [(until - datetime.fromisoformat(r["eventTime"])).total_seconds() for r in read_back(file)]
        assert all(0 < age <= 300 for age in ages)
        assert {r["awsRegion"] for r in read_back(file)} == {file.name.split("_")[2]}


def test_azure_files_lie_by_subscription_and_hour(tmp_path: Path) -> None:
    files = write(find("T1578.002/azure-create-vm"), tmp_path, START)
    folder = "insights-activity-logs/resourceId=/SUBSCRIPTIONS/8D6E1B70-94C2-4F3A-B5D8-1E7A60C2F934/y=2026/m=03/d=04"
    names = {f.relative_to(tmp_path).as_posix() for f in files}
    # The story starts at nine; noise may lie up to half an hour before.
    assert f"{folder}/h=09/m=00/PT1H.json" in names
    assert names <= {f"{folder}/h=08/m=00/PT1H.json", f"{folder}/h=09/m=00/PT1H.json"}


def test_google_files_lie_by_log_day_and_hour(tmp_path: Path) -> None:
    files = write(find("T1578/gcp-scheduled-snapshots"), tmp_path, START)
    names = {f.relative_to(tmp_path).as_posix() for f in files}
    assert "cloudaudit.googleapis.com/system_event/2026/03/04/090000_095959_S0.json" in names


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    emulation = find("T1578.002/aws-run-instances")
    first, second = write(emulation, tmp_path / "a", START, 3), write(emulation, tmp_path / "b", START, 3)
    assert [f.relative_to(tmp_path / "a") for f in first] == [f.relative_to(tmp_path / "b") for f in second]
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]


def test_an_event_hub_message_holds_the_rows(tmp_path: Path) -> None:
    telemetry = find("T1578.004/azure-reimage").generate(START, 0)
    assert json.loads(event_hub_message(telemetry)) == {"records": list(telemetry.raws())}
    assert not list(tmp_path.iterdir())


def test_a_portal_page_holds_the_same_events() -> None:
    telemetry = find("T1578.004/azure-reimage").generate(START, 0)
    page = json.loads(portal_page(telemetry))["value"]
    assert [e["eventTimestamp"] for e in page] == [r["time"] for r in telemetry.raws()]


def test_no_records_no_files(tmp_path: Path) -> None:
    assert write_records((), tmp_path) == ()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return write_demo(tmp_path_factory.mktemp("demo"), seed=5)


def native_id(raw: dict[str, Any]) -> str:
    if "eventID" in raw:
        return str(raw["eventID"])
    if "insertId" in raw:
        return str(raw["insertId"])
    return f"{raw['correlationId']}/{raw['operationName']}/{raw['resultType']}/{raw['time']}"


def truth(demo: Demo) -> list[dict[str, Any]]:
    return [json.loads(line) for line in demo.ground_truth.read_text(encoding="utf-8").splitlines()]


def test_the_demo_is_a_week_of_three_clouds(demo: Demo) -> None:
    records = [r for f in demo.files for r in read_back(f)]
    assert len(records) == demo.events
    assert 3000 <= demo.events <= 6000
    sources = Counter("aws" if "eventID" in r else "gcp" if "insertId" in r else "azure" for r in records)
    assert min(sources.values()) > 400
    times = [r.get("eventTime") or r.get("time") or r["timestamp"] for r in records]
    assert min(times)[:10] in ("2026-09-13", "2026-09-14")
    assert max(times)[:10] == "2026-09-18"


def test_the_truth_names_existing_records_each_once(demo: Demo) -> None:
    ids = Counter(native_id(r) for f in demo.files for r in read_back(f))
    assert max(ids.values()) == 1
    named = [line["event_id"] for line in truth(demo)]
    assert len(named) == len(set(named))
    assert set(named) <= set(ids)
    # Most of a week is nobody's story.
    assert len(named) < demo.events / 5


def test_the_truth_tells_attacks_from_look_alikes(demo: Demo) -> None:
    for line in truth(demo):
        attack = find(line["emulation"]).kind is Kind.ATTACK
        assert line["role"] == ("attack" if attack else "benign")
        assert ("correlation_id" in line) == (line["log_source"] == "azure_activity")
    attacks = {line["emulation"] for line in truth(demo) if line["role"] == "attack"}
    assert {a.split("/")[1].split("-")[0] for a in attacks} == {"aws", "azure", "gcp"}
    assert {find(a).technique for a in attacks} == {"T1578", "T1578.002", "T1578.004"}


def test_the_truth_lies_beside_the_logs_not_among_them(demo: Demo) -> None:
    assert demo.logs not in demo.ground_truth.parents
    assert all(demo.logs in f.parents for f in demo.files)


def test_the_demo_repeats_and_another_seed_shares_no_event(demo: Demo, tmp_path: Path) -> None:
    again = write_demo(tmp_path / "again", seed=5)
    assert again.ground_truth.read_bytes() == demo.ground_truth.read_bytes()
    assert [f.read_bytes() for f in again.files] == [f.read_bytes() for f in demo.files]
    other = write_demo(tmp_path / "other", seed=6)
    ids = [{native_id(r) for f in d.files for r in read_back(f)} for d in (demo, other)]
    assert not ids[0] & ids[1]


def test_the_demo_starts_where_told(tmp_path: Path) -> None:
    moved = write_demo(tmp_path, seed=5, start=START)
    assert [p.start >= START.replace(hour=0) for p in moved.planted] == [True] * len(moved.planted)
    assert truth(moved)[0]["time"].startswith("2026-03-04")


def test_a_record_is_filed_by_its_log_source_alone(tmp_path: Path) -> None:
    mixed: list[LogRecord] = [find(i).generate(START, 0).records[0] for i in ("T1578/aws-scale-in", "T1578/azure-resize", "T1578/gcp-share-snapshot")]
    tops = sorted(f.relative_to(tmp_path).parts[0] for f in write_records(mixed, tmp_path))
    assert tops == ["AWSLogs", "cloudaudit.googleapis.com", "insights-activity-logs"]
