"""Sigma rules in files of one folder: references, filters, and log sources that no log here fills."""

from __future__ import annotations

from pathlib import Path

import pytest

import livefire
from livefire.detections.formats.references import with_neighbours
from livefire.diagnostics import QueryError

BASE = """title: Read
id: 00000000-0000-4000-8000-000000000001
name: read
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName|startswith: Describe}
  condition: s
"""
MANY = """title: Many
correlation:
  type: event_count
  rules: [read]
  group-by: [userIdentity.arn]
  timespan: 10m
  condition: {gte: 2}
"""
FILTER = """title: Not the robot
logsource: {product: aws}
filter:
  rules: [read]
  s: {userAgent: robot}
  condition: not s
"""


def cloudtrail(at: int, name: str, agent: str) -> dict[str, object]:
    return {
        "eventVersion": "1.08",
        "eventID": f"e-{at}",
        "eventTime": f"2026-11-21T10:{at:02}:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "userAgent": agent,
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann"},
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    (rules / "deeper").mkdir(parents=True)
    (rules / "deeper" / "base.yml").write_text(BASE)
    (rules / "many.yml").write_text(MANY)
    return rules


def workspace(tmp_path: Path, *events: dict[str, object]) -> livefire.Workspace:
    import json

    logs = tmp_path / "logs.json"
    logs.write_text(json.dumps({"Records": list(events)}))
    ws = livefire.Workspace(tmp_path / "lake")
    ws.ingest(logs)
    return ws


def test_a_correlation_finds_what_a_rule_in_another_file_finds(tmp_path: Path, folder: Path) -> None:
    """The rule alone is no detection then: Sigma gives its own findings only where the correlation says `generate`."""
    ws = workspace(tmp_path, cloudtrail(1, "DescribeImages", "x"), cloudtrail(2, "DescribeVolumes", "x"), cloudtrail(40, "DescribeHosts", "x"))
    detections, broken = ws.rule_folder(folder)
    assert (not broken, [d.card.title for d in detections]) == (True, ["Many"])
    assert [(f.row["event_count"], len(f.evidence)) for f in ws.hunt(detections).findings] == [(2, 2)]


def test_with_generate_both_stand(tmp_path: Path, folder: Path) -> None:
    (folder / "many.yml").write_text(MANY + "  generate: true\n")
    ws = workspace(tmp_path, cloudtrail(1, "DescribeImages", "x"), cloudtrail(2, "DescribeVolumes", "x"))
    found = ws.hunt(ws.rule_folder(folder)[0])
    assert sorted(f.title for f in found.findings) == ["Many", "Read", "Read"]


def test_a_filter_in_another_file_is_added_to_the_rules_that_it_is_meant_for(tmp_path: Path, folder: Path) -> None:
    """The robot's event is filtered out below the correlation, so that one is left of two."""
    (folder / "filter.yml").write_text(FILTER)
    ws = workspace(tmp_path, cloudtrail(1, "DescribeImages", "x"), cloudtrail(2, "DescribeVolumes", "robot"))
    assert ws.hunt(ws.rule_folder(folder)[0]).findings == ()
    (folder / "filter.yml").write_text(FILTER.replace("[read]", "[other]"))
    assert len(ws.hunt(ws.rule_folder(folder)[0]).findings) == 1
    (folder / "filter.yml").write_text(FILTER.replace("[read]", "any").replace("aws", "gcp"))
    assert len(ws.hunt(ws.rule_folder(folder)[0]).findings) == 1


def test_one_file_is_read_with_its_neighbours(folder: Path) -> None:
    (folder / "base.yml").write_text(BASE)
    text = with_neighbours(MANY, folder / "many.yml")
    assert text.startswith(MANY.rstrip("\n"))
    assert "eventName|startswith" in text
    assert with_neighbours(BASE, folder / "base.yml") == BASE


def test_a_reference_to_nothing_stays_an_error(folder: Path) -> None:
    (folder / "deeper" / "base.yml").unlink()
    ws = livefire.Workspace()
    (detection,) = ws.rule_folder(folder)[0]
    assert [d.code for d in ws.check_rule(detection.rules[0]) if d.severity == "error"] == ["E102"]


@pytest.mark.parametrize(("product", "service"), [("azure", "signinlogs"), ("azure", "auditlogs"), ("m365", "audit"), ("okta", "okta")])
def test_a_log_source_without_logs_is_run_and_said(product: str, service: str) -> None:
    rule = f"title: T\nlogsource: {{product: {product}, service: {service}}}\ndetection:\n  s: {{Status: x, properties.message|contains: y}}\n  condition: s\n"
    found = livefire.Workspace().query(rule, language="sigma")
    assert found.rows == []
    assert [d.code for d in found.diagnostics] == ["W163"]


def test_a_rule_for_logs_that_are_nowhere_here_is_sound_and_does_not_run() -> None:
    rule = "title: T\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s: {Image: x}\n  condition: s\n"
    assert [(d.code, d.severity) for d in livefire.Workspace().check(rule, language="sigma")] == [("W101", "warning")]
    with pytest.raises(QueryError, match="no log source here is product windows"):
        livefire.Workspace().query(rule, language="sigma")


@pytest.mark.parametrize("source", ["product: ocsf, category: api_activity", "product: ocsf, service: api_activity", "category: api_activity"])
def test_ocsf_names_the_events_of_the_clouds(tmp_path: Path, source: str) -> None:
    ws = workspace(tmp_path, cloudtrail(1, "DescribeImages", "x"), {**cloudtrail(2, "RunInstances", "x"), "errorCode": "Client.Denied"})
    rule = f"title: T\nlogsource: {{{source}}}\ndetection:\n  s: {{api.operation: runinstances, status: Failure, class_uid: 6003}}\n  condition: s\n"
    (row,) = ws.query(rule, language="sigma").rows
    columns = ws.query(rule, language="sigma").columns
    said = dict(zip(columns, row, strict=True))
    assert (said["metadata.uid"], said["api.service.name"], said["actor.user.uid"], said["cloud.provider"]) == (
        "e-2",
        "ec2.amazonaws.com",
        "arn:aws:iam::111122223333:user/ann",
        "AWS",
    )
    with pytest.raises(QueryError, match="activity_id"):
        ws.query(rule.replace("class_uid: 6003", "activity_id: 1"), language="sigma")
