"""What keeps a rule from firing over the events that are there, and what is covered where."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livefire.detections.detection import Rule
from livefire.detections.pack import load_packs
from livefire.workspace import Workspace

EVENT: dict[str, Any] = {
    "eventVersion": "1.08",
    "eventTime": "2026-01-01T00:00:00Z",
    "eventID": "e-1",
    "eventName": "CreateSnapshot",
    "eventSource": "ec2.amazonaws.com",
    "eventCategory": "Management",
    "awsRegion": "us-east-1",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/a"},
    "sourceIPAddress": "192.0.2.1",
    "eventType": "AwsApiCall",
    "requestParameters": {"volumeId": "vol-1", "tags": [{"key": "a"}]},
    "recipientAccountId": "111122223333",
}


def stored(folder: Path, *events: dict[str, Any], name: str = "log.json") -> Workspace:
    (folder / name).write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    ws = Workspace()
    ws.ingest(folder / name)
    return ws


def said(ws: Workspace, text: str, language: str = "kql", lookback: timedelta | None = None) -> list[tuple[str, str]]:
    rule = Rule("mine", language, text)
    return [(d.code, text[d.span.start : d.span.end]) for d in ws.liveness([rule], lookback)[0]]


def test_a_rule_whose_logs_are_there_has_nothing_in_its_way(tmp_path: Path) -> None:
    ws = stored(tmp_path, EVENT)
    assert said(ws, 'AWSCloudTrail | where EventName == "CreateSnapshot" and isempty(ErrorCode)') == []


def test_logs_that_never_came(tmp_path: Path) -> None:
    ws = stored(tmp_path, EVENT)
    assert [c for c, _ in said(ws, 'AzureActivity | where OperationNameValue =~ "x"')] == ["E694"]
    both = 'union (AWSCloudTrail | where EventName == "CreateSnapshot"), (AzureActivity | where OperationNameValue =~ "x")'
    assert "W694" in [c for c, _ in said(ws, both)]


def test_a_field_that_no_event_has(tmp_path: Path) -> None:
    ws = stored(tmp_path, EVENT)
    clause = 'VpcEndpointId == "vpce-1"'
    assert said(ws, f'AWSCloudTrail | where EventName == "CreateSnapshot" | where {clause}') == [("W695", clause)]
    path = 'tostring(parse_json(RequestParameters).snapshotId) == "snap-1"'
    assert [c for c, _ in said(ws, f'AWSCloudTrail | where EventName == "CreateSnapshot" | where {path}')] == ["W695"]
    # Below a list nothing can be told: it may be in any element.
    below = 'tostring(parse_json(RequestParameters).tags.key) == "a"'
    assert said(ws, f'AWSCloudTrail | where EventName == "CreateSnapshot" | where {below}') == []


@pytest.mark.parametrize("events", [(EVENT,), (EVENT, {**EVENT, "eventID": "e-2", "errorCode": "Client.DryRunOperation"})], ids=["no errors", "an error"])
def test_a_word_that_the_table_writes_itself_is_not_sought_in_the_log(tmp_path: Path, events: tuple[dict[str, Any], ...]) -> None:
    # Splunk's table says success where the record has no errorCode: no record ever holds the word.
    ws = stored(tmp_path, *events)
    assert said(ws, 'sourcetype="aws:cloudtrail" eventName=CreateSnapshot errorCode=success', "spl") == []


def test_an_act_that_never_happened_is_only_said(tmp_path: Path) -> None:
    ws = stored(tmp_path, EVENT)
    # Fields of an act that never happened are not judged: nobody knows what its events have.
    text = 'AWSCloudTrail | where EventName == "DeleteTrail" | where tostring(parse_json(RequestParameters).name) == "t"'
    assert said(ws, text) == [("N696", 'EventName == "DeleteTrail"')]


def test_a_category_that_is_not_stored(tmp_path: Path) -> None:
    text = 'AWSCloudTrail | where EventName == "GetObject"'
    assert [c for c, _ in said(stored(tmp_path, EVENT), text)] == ["N696", "W697"]
    read = {**EVENT, "eventID": "e-2", "eventName": "GetObject", "eventCategory": "Data", "eventSource": "s3.amazonaws.com"}
    assert said(stored(tmp_path, EVENT, read), text) == []


def test_events_that_come_later_than_a_rule_looks_back(tmp_path: Path) -> None:
    # CloudTrail puts the time of delivery into the name of a file: 20 minutes after the event.
    ws = stored(tmp_path, EVENT, name="111122223333_CloudTrail_us-east-1_20260101T0020Z_abc.json")
    text = 'AWSCloudTrail | where EventName == "CreateSnapshot"'
    assert [c for c, _ in said(ws, text, lookback=timedelta(minutes=20))] == ["W698"]
    assert said(ws, text, lookback=timedelta(minutes=21)) == []
    # What the query says itself comes first.
    own = f"{text} | where TimeGenerated > ago(10m)"
    assert "W698" in [c for c, _ in said(ws, own, lookback=timedelta(days=1))]


def test_coverage_counts_what_is_proved_and_has_its_data(tmp_path: Path) -> None:
    ws = stored(tmp_path, EVENT)
    chosen = [d for d in load_packs() if d.card.id == "T1578.001/volume-copied"]
    (here,) = ws.covered(chosen, language="kql")
    assert (here.proved, here.alive, here.counts) == (True, True, True)
    (nowhere,) = Workspace().covered(chosen, language="kql")
    assert (nowhere.proved, nowhere.alive, nowhere.counts) == (True, False, False)
    assert "no event of AWS CloudTrail" in nowhere.missing[0]
    layer = json.loads(ws.covered_layer([here, nowhere]))
    assert {t["techniqueID"]: t["score"] for t in layer["techniques"]} == dict.fromkeys(["T1578", "T1578.001"], 1)


@pytest.mark.parametrize("present", [True, False])
def test_the_command(tmp_path: Path, present: bool) -> None:
    from typer.testing import CliRunner

    from livefire.cli import app

    (tmp_path / "logs").mkdir()
    event = EVENT if present else {**EVENT, "eventName": "StopInstances"}
    (tmp_path / "logs" / "a.json").write_text(json.dumps(event), encoding="utf-8")
    (tmp_path / "rule.kql").write_text('AWSCloudTrail | where EventName == "CreateSnapshot"', encoding="utf-8")
    done = CliRunner().invoke(app, ["check", str(tmp_path / "rule.kql"), "--data", str(tmp_path / "logs"), "--json"])
    codes = {d["code"] for d in json.loads(done.stdout)[0]["diagnostics"]}
    assert ("N696" in codes) is not present
