"""The commands over findings, on a story that is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livefire.cli import FOUND, OK, USAGE
from livefire.emulation.catalogue import find
from livefire.emulation.delivery import write
from livefire.proving import STORY_START
from tests.cli.logs import livefire

STORY = "T1578/aws-share-snapshot"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that holds one story: a stolen operator's session takes a snapshot and shares it with a foreign account."""
    folder = tmp_path_factory.mktemp("triage")
    write(find(STORY), folder / "logs", STORY_START)
    assert livefire("ingest", folder / "logs", "--lake", folder / "lake").exit_code == OK
    return folder / "lake"


@pytest.fixture(scope="module")
def alert(lake: Path) -> Any:
    result = livefire("alerts", "--lake", lake, "--json")
    assert result.exit_code == FOUND
    (one,) = json.loads(result.stdout)["alerts"]
    return one


def test_alerts(alert: Any) -> None:
    # One identity, one day: one alert, with the share that is one and the snapshot before it.
    assert alert["actor"] == "arn:aws:iam::111122223333:role/PlatformOperator"
    assert alert["severity"] in ("high", "critical")
    assert {"T1578.001/snapshot-shared", "T1578.001/snapshot-created"} <= {f["detection"] for f in alert["findings"]}
    assert all(f["made_of"].endswith(f"= {f['risk']}") for f in alert["findings"])


@pytest.mark.slow
def test_an_excepted_identity_is_counted_and_raises_nothing(lake: Path, tmp_path: Path) -> None:
    tuning = tmp_path / "tuning.toml"
    rule = '[[exception]]\ndetection = "*"\nowner = "red team"\nreason = "exercise"\nexpires = 2027-01-01\nscope = { actor = "role/PlatformOperator" }\n'
    tuning.write_text(rule, encoding="utf-8")
    result = livefire("alerts", "--lake", lake, "--tuning", tuning)
    assert result.exit_code == OK
    assert "by red team until 2027-01-01" in result.output


def test_investigate(lake: Path, alert: Any) -> None:
    share = next(f for f in alert["findings"] if f["detection"] == "T1578.001/snapshot-shared")
    shown = livefire("investigate", share["fingerprint"][:16], "--lake", lake)
    assert shown.exit_code == OK
    for part in ("## Timeline", "## Blast radius", "ModifySnapshotAttribute", "## Preserve first", "revoke the sessions"):
        assert part in shown.output
    assert livefire("investigate", "zz", "--lake", lake).exit_code == USAGE


@pytest.mark.slow
def test_tune(lake: Path) -> None:
    shown = livefire("tune", "T1578.001/snapshot-shared", "--lake", lake)
    assert shown.exit_code == OK
    assert 'scope = { actor = "arn:aws:iam::111122223333:role/PlatformOperator", network = "203.0.113.0/24" }' in shown.output
    assert livefire("tune", "nobody/knows", "--lake", lake).exit_code == USAGE


@pytest.mark.slow
def test_tune_keeps_what_is_true(lake: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    told = find(STORY).generate(STORY_START).evidence
    truth.write_text("".join(json.dumps({"event_id": r.event_id, "role": "attack"}) + "\n" for r in told), encoding="utf-8")
    advice = json.loads(livefire("tune", "T1578.001/snapshot-shared", "--lake", lake, "--truth", truth, "--json").stdout)
    assert (advice["findings"], advice["best"]) == (1, None)


def test_baseline(lake: Path, tmp_path: Path) -> None:
    kept = livefire("baseline", "--lake", lake, "--keep")
    assert kept.exit_code == OK
    assert "version 1" in kept.output
    known = json.loads(livefire("baseline", "--lake", lake, "--version", "1", "--who", "PlatformOperator", "--json").stdout)
    assert {"CreateSnapshot", "ModifySnapshotAttribute"} <= {s["value"] for s in known["seen"] if s["kind"] == "action"}
    out = tmp_path / "watchlist.csv"
    assert livefire("baseline", "--lake", lake, "--to", "sentinel", "--out", out).exit_code == OK
    assert out.read_text().startswith("SearchKey,Kind,Account,")
    assert livefire("baseline", "--lake", lake, "--to", "nobody").exit_code == USAGE
    assert livefire("hunt", "--lake", lake).exit_code == FOUND  # a lake that keeps a baseline is still a lake


def test_inventory(lake: Path) -> None:
    assert json.loads(livefire("inventory", "--lake", lake, "--json").stdout) == []


def test_background(tmp_path: Path) -> None:
    made = json.loads(livefire("background", "--out", tmp_path, "--days", "1", "--events", "300", "--attacks", "1", "--json").stdout)
    assert made["events"] >= 300
    assert made["planted"] == 1
