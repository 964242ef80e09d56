"""Rules of one's own put to the proof: stated cases, fitting emulations, mutants, edges and schedules."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from livefire.detections.detection import Rule
from livefire.diagnostics import QueryError
from livefire.proof.edges import Schedule, scheduled
from livefire.proof.stated import cases_beside, read_cases
from livefire.workspace import Workspace

SNAPSHOTS = 'AWSCloudTrail | where EventName == "CreateSnapshot" | where isempty(ErrorCode)'
EVENT: dict[str, Any] = {
    "eventVersion": "1.08",
    "eventTime": "2026-01-01T00:00:00Z",
    "eventID": "e-1",
    "eventName": "CreateSnapshot",
    "eventSource": "ec2.amazonaws.com",
    "awsRegion": "us-east-1",
    "userIdentity": {"type": "IAMUser"},
    "sourceIPAddress": "192.0.2.1",
    "eventType": "AwsApiCall",
    "recipientAccountId": "111122223333",
}


def rule(text: str, language: str = "kql") -> Rule:
    return Rule("mine", language, text)


def case_file(folder: Path, text: str) -> Path:
    path = folder / "mine.cases.yml"
    path.write_text(text, encoding="utf-8")
    return path


def written(folder: Path, name: str, *events: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    return path


def test_stated_cases_decide(tmp_path: Path) -> None:
    written(tmp_path, "one.json", EVENT)
    cases = case_file(
        tmp_path,
        """
must_fire:
  - {name: as it was, file: one.json, rows: 1}
  - {name: two of them, file: one.json, rows: 2}
must_not_fire:
  - {name: an instance, emulation: T1578.002-aws-1}
""",
    )
    stage = Workspace().rehearsal()
    proof = stage.prove(rule(SNAPSHOTS), stage.trials(rule(SNAPSHOTS), cases=cases))
    # The file holds one snapshot, so the case that states two rows is wrong, and with it the rule.
    assert [(t.trial.name, t.result, t.rows, t.right) for t in proof.tried] == [
        ("as it was", "fires", 1, True),
        ("two of them", "fires", 1, False),
        ("an instance", "silent", 0, True),
    ]
    assert not proof.proved
    assert proof.reason == "two of them: 1 rows, where 2 are stated"


def test_events_may_stand_in_the_case_file(tmp_path: Path) -> None:
    refused = json.dumps({**EVENT, "errorCode": "Client.UnauthorizedOperation"})
    cases = case_file(tmp_path, f"must_fire: [{{name: a, emulation: T1578.001-aws-1}}]\nmust_not_fire: [{{name: refused, events: [{refused}]}}]")
    stage = Workspace().rehearsal()
    assert stage.prove(rule(SNAPSHOTS), stage.trials(rule(SNAPSHOTS), cases=cases)).proved
    # Without the test of the error code the refused attempt is found, and the case says so.
    lax = rule('AWSCloudTrail | where EventName == "CreateSnapshot"')
    assert stage.prove(lax, stage.trials(lax, cases=cases)).reason.startswith("refused")


def test_without_cases_the_emulations_that_fit_are_found() -> None:
    stage = Workspace().rehearsal()
    trials = stage.trials(rule('AzureActivity | where OperationNameValue =~ "MICROSOFT.COMPUTE/VIRTUALMACHINES/DEALLOCATE/ACTION"'))
    assert trials
    assert {t.name.partition("/")[2].partition("-")[0] for t in trials if t.kind == "attack"} == {"azure"}
    nobody = rule('AWSCloudTrail | where EventName == "PutBucketPolicy"')
    proof = stage.prove(nobody, stage.trials(nobody))
    assert not proof.proved
    assert proof.reason == "no attack is known that has what it reads; give one with --attack"


def test_a_rule_that_cannot_run_is_refused() -> None:
    broken = rule("AWSCloudTrail | where NoSuchColumn == 1")
    stage = Workspace().rehearsal()
    proof = stage.prove(broken, stage.trials(broken))
    assert proof.refused
    assert "NoSuchColumn" in proof.tried[0].reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("must_fire: [{name: a}]", "needs one of file, emulation and events"),
        ("must_fire: [{name: a, file: gone.json}]", "no file gone.json"),
        ("must_fire: [{name: a, emulation: T9999-1}]", "T9999-1"),
        ("must_fire: {", "cases.yml"),
        ("must_catch: []", "must_catch"),
        ("must_fire: [{name: a, events: [{hello: 1}]}]", "1 of 1 records"),
    ],
)
def test_a_case_file_that_cannot_be_read_says_why(tmp_path: Path, text: str, words: str) -> None:
    cases = case_file(tmp_path, text)
    with pytest.raises(QueryError, match=words) as caught:
        Workspace().rehearsal().trials(rule(SNAPSHOTS), cases=cases)
    assert caught.value.diagnostics[0].code == "E509"


def test_cases_lie_beside_their_rule(tmp_path: Path) -> None:
    assert cases_beside(tmp_path / "mine.kql") is None
    common = tmp_path / "cases.yml"
    common.write_text("", encoding="utf-8")
    assert cases_beside(tmp_path / "mine.kql") == common
    own = case_file(tmp_path, "must_fire: []")
    assert cases_beside(tmp_path / "mine.kql") == own
    assert read_cases(own).must_fire == ()


def test_a_mutant_that_no_case_notices_is_reported(tmp_path: Path) -> None:
    one = rule('AWSCloudTrail\n| where EventName == "CreateSnapshot" and AWSRegion != "eu-central-1"')
    stage = Workspace().rehearsal()
    trials = stage.trials(one, attacks=[written(tmp_path, "a.json", EVENT)], benign=[written(tmp_path, "b.json", {**EVENT, "eventName": "RunInstances"})])
    score = stage.score(one, trials)
    # The region never matters to these two events: leaving it out, or another region in it, goes unnoticed.
    assert {(j.mutant.change, j.mutant.clause) for j in score.survivors} == {
        ("left out", 'AWSRegion != "eu-central-1"'),
        ("a word changed", 'AWSRegion != "eu-central-1"'),
    }
    more = [*trials, *stage.trials(one, attacks=[tmp_path / "a.json"], benign=[written(tmp_path, "c.json", {**EVENT, "awsRegion": "eu-central-1"})])]
    assert stage.score(one, more).survivors == ()


def test_a_clause_that_chooses_the_table_is_left_out_as_its_product_would_read_the_rest(tmp_path: Path) -> None:
    # Without `#Vendor=aws` LogScale reads every vendor's events; an Azure record with a field of that name is then found too.
    strayed = {
        "time": "2026-01-01T00:00:00Z",
        "operationName": "MICROSOFT.COMPUTE/SNAPSHOTS/WRITE",
        "category": "Administrative",
        "resultType": "Success",
        "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G",
        "correlationId": "c-1",
        "eventName": "CreateSnapshot",
    }
    stage = Workspace().rehearsal()
    one = rule("#Vendor=aws Vendor.eventName=CreateSnapshot", "cql")
    attack = stage.trials(one, attacks=[written(tmp_path, "one.json", EVENT)])
    known, unknown = (stage.score(one, trials).survivors for trials in (
        [*attack, *stage.trials(one, benign=[written(tmp_path, "two.json", strayed)], attacks=[tmp_path / "one.json"])], attack,
    ))  # fmt: skip
    left_out = ("left out", "#Vendor=aws")
    assert left_out in {(j.mutant.change, j.mutant.clause) for j in unknown}
    assert left_out not in {(j.mutant.change, j.mutant.clause) for j in known}


def test_only_the_mutants_asked_for_are_judged(tmp_path: Path) -> None:
    stage = Workspace().rehearsal()
    one = rule(SNAPSHOTS)
    score = stage.score(one, stage.trials(one, attacks=[written(tmp_path, "one.json", EVENT)]), only=lambda m: m.change == "turned round")
    assert {j.mutant.change for j in score.judged} == {"turned round"}


def test_edges_of_a_rule_with_fixed_buckets() -> None:
    # Both events of the attack in one bucket of five minutes: lost wherever a boundary falls between them.
    both = 'AWSCloudTrail | where EventName in ("CreateSnapshot", "ModifySnapshotAttribute")'
    text = f"{both} | summarize n = dcount(EventName) by bin(TimeGenerated, 5m) | where n > 1"
    stage = Workspace().rehearsal()
    edges, _ = stage.edges(rule(text), stage.trials(rule(text)), Schedule(timedelta(minutes=5), timedelta(hours=2)))
    assert next(e for e in edges if e.name == "other times").lost
    whole = 'AWSCloudTrail | where EventName == "ModifySnapshotAttribute"'
    edges, _ = stage.edges(rule(whole), stage.trials(rule(whole))[:1], Schedule(timedelta(minutes=5), timedelta(hours=2)))
    assert [e.lost for e in edges] == [(), (), (), (), ()]


def test_midnight_is_put_between_the_events_of_an_attack() -> None:
    # Buckets of a day: 13 shifts within fifteen hours of 09:00 hardly meet its end, and midnight amid the events always does.
    both = 'AWSCloudTrail | where EventName in ("CreateSnapshot", "ModifySnapshotAttribute")'
    text = f"{both} | summarize n = dcount(EventName) by bin(TimeGenerated, 1d) | where n > 1"
    stage = Workspace().rehearsal()
    edges, _ = stage.edges(rule(text), stage.trials(rule(text)), Schedule(timedelta(minutes=5), timedelta(days=2)))
    assert next(e for e in edges if e.name == "midnight between its events").lost


def test_a_look_back_shorter_than_the_delay_loses() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one = [("a", [("aws_cloudtrail/x", at)])]
    five, ten = timedelta(minutes=5), timedelta(minutes=10)
    # It is there after 5 minutes, or after 15 at worst. With a run every 5 and a look-back of 5, only a run 5 minutes after
    # the event sees it, which is one of 12 phases; at worst none does.
    edge, needed = scheduled(one, Schedule(five, five))
    assert edge.cases == 24
    assert len(edge.lost) == 11 + 12
    # 15 minutes until it is there, and 5 until the next run.
    assert needed == 2 * ten
    assert len(scheduled(one, Schedule(five, ten))[0].lost) == 12
    assert scheduled(one, Schedule(five, 2 * ten))[0].lost == ()
