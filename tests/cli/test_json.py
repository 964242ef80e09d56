"""What programs read: the JSON of each command, its keys and types, held so that a script keeps working."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livefire import __version__
from livefire.cli import FOUND, OK
from tests.cli.logs import KQL, file_of, livefire, record


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake of two events and a duplicate."""
    (tmp_path / "a.json").write_bytes(file_of(record(1), record(2), record(2)))
    livefire("ingest", tmp_path / "a.json", "--lake", tmp_path / "lake")
    return tmp_path / "lake"


def answer(*arguments: str | Path) -> Any:
    """Return the one JSON document that a command prints."""
    return json.loads(livefire(*arguments, "--json").stdout)


def test_ingest(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(file_of(record(1), record(1)))
    report = answer("ingest", tmp_path / "a.json", "--lake", tmp_path / "lake")
    assert {k: report[k] for k in ("records", "stored", "duplicates", "quarantined", "balanced")} == {
        "records": 2,
        "stored": 1,
        "duplicates": 1,
        "quarantined": 0,
        "balanced": True,
    }
    (file,) = report["files"]
    assert (file["path"], file["status"], file["sources"], file["entries"]) == (str(tmp_path / "a.json"), "read", {"aws_cloudtrail": 2}, [])
    assert len(file["sha256"]) == 64


def test_the_same_file_again_is_known(lake: Path, tmp_path: Path) -> None:
    report = answer("ingest", tmp_path / "a.json", "--lake", lake)
    assert (report["stored"], report["duplicates"], report["files"][0]["status"]) == (0, 3, "known")


def test_lake_info(lake: Path) -> None:
    sources = {s["name"]: s for s in answer("lake", "info", "--lake", lake)["sources"]}
    assert sorted(sources) == ["aws_cloudtrail", "azure_activity", "gcp_audit"]
    trail = sources["aws_cloudtrail"]
    assert (trail["events"], trail["first"], trail["last"]) == (2, "2026-03-02T09:01:00Z", "2026-03-02T09:02:00Z")
    assert sources["gcp_audit"]["first"] is None


def test_what_is_set_aside_can_be_looked_at(tmp_path: Path) -> None:
    """The second line is no JSON: its place is after the first and the line's end."""
    first = json.dumps(record(1)).encode()
    (tmp_path / "torn.jsonl").write_bytes(first + b'\n{"eventVersion": "1.10\n')
    livefire("ingest", tmp_path / "torn.jsonl", "--lake", tmp_path / "lake")
    assert answer("lake", "info", "--lake", tmp_path / "lake")["quarantined"] == 1
    told = livefire("lake", "quarantine", "--lake", tmp_path / "lake", "--json")
    found = json.loads(told.stdout)
    (entry,) = found["entries"]
    assert (told.exit_code, found["records"]) == (1, 1)
    assert (entry["file"], entry["record"], entry["offset"], entry["records"]) == (str(tmp_path / "torn.jsonl"), 1, len(first) + 1, 1)
    assert entry["code"].startswith("E4")
    assert entry["reason"]
    assert entry["sample"].startswith('{"eventVersion": "1.10')
    shown = livefire("lake", "quarantine", "--lake", tmp_path / "lake", "--most", "1").output
    assert "1 record could not be read as events" in shown
    assert livefire("lake", "info", "--lake", tmp_path / "lake").output.count("livefire lake quarantine") == 1


def test_run(lake: Path, tmp_path: Path) -> None:
    rule = tmp_path / "rule.kql"
    rule.write_text(KQL + " | sort by TimeGenerated asc", encoding="utf-8")
    found = answer("run", rule, "--lake", lake)
    assert found["columns"] == ["TimeGenerated", "UserAgent", "UserIdentityArn"]
    assert found["types"] == ["datetime", "string", "string"]
    who = "arn:aws:iam::111122223333:user/mo"
    assert found["rows"] == [["2026-03-02T09:01:00Z", "aws-cli/2.15", who], ["2026-03-02T09:02:00Z", "aws-cli/2.15", who]]
    assert found["diagnostics"] == []


def test_run_within_a_time_range(lake: Path, tmp_path: Path) -> None:
    rule = tmp_path / "rule.kql"
    rule.write_text(KQL, encoding="utf-8")
    # The range holds its start and not its end.
    one = answer("run", rule, "--lake", lake, "--start", "2026-03-02T09:01:00Z", "--end", "2026-03-02T09:02:00")
    assert [row[0] for row in one["rows"]] == ["2026-03-02T09:01:00Z"]
    zoned = answer("run", rule, "--lake", lake, "--start", "2026-03-02T10:02:00+01:00")
    assert [row[0] for row in zoned["rows"]] == ["2026-03-02T09:02:00Z"]


def test_check(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.kql", tmp_path / "bad.kql"
    good.write_text("AWSCloudTrail | where EventName == 'StopInstances'", encoding="utf-8")
    bad.write_text("AWSCloudTrail | where (EventName == 'x'", encoding="utf-8")
    result = livefire("check", good, bad, "--json")
    assert result.exit_code == FOUND
    first, second = json.loads(result.stdout)
    assert first == {"file": str(good), "language": "kql", "diagnostics": []}
    assert (second["file"], second["language"]) == (str(bad), "kql")
    (fault,) = second["diagnostics"]
    assert (fault["severity"], fault["code"]) == ("error", "E202")
    assert set(fault["start"]) == set(fault["end"]) == {"line", "column", "offset"}
    assert livefire("check", good).exit_code == OK


def test_version_is_that_of_the_package() -> None:
    shown = livefire("--version")
    assert (shown.exit_code, shown.stdout.split()) == (OK, ["livefire", __version__])


def test_run_gives_every_table_of_a_fork(lake: Path, tmp_path: Path) -> None:
    rule = tmp_path / "tables.kql"
    rule.write_text("print n = 5 | fork Kept = (where n > 1) (count)", encoding="utf-8")
    found = answer("run", rule, "--lake", lake)
    # The first table stands where that of any other query does, and again in the list of all.
    assert (found["columns"], found["rows"]) == (["n"], [[5]])
    assert [(t["name"], t["columns"], t["rows"]) for t in found["tables"]] == [("Kept", ["n"], [[5]]), ("", ["Count"], [[1]])]
    shown = livefire("run", rule, "--lake", lake).stdout
    assert shown.index("Kept") < shown.index("table 2") < shown.index("Count")
