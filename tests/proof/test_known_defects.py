"""Defects of published rules that `prove` finds on real logs of attacks; both stay where they are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from livefire.detections.detection import Rule
from livefire.proof.trial import RuleProof
from livefire.workspace import Workspace

SHARED = Path(__file__).resolve().parents[3] / "shared"
LOGS = SHARED / "logs" / "stratus-red-team" / "docs" / "detonation-logs"
pytestmark = pytest.mark.skipif(not LOGS.is_dir(), reason="the real logs and published rules are not here")


def published(corpus: str, name: str, language: str) -> Rule:
    """Return a published rule by the name of its file, with its macros filled in where it has any."""
    for line in (SHARED / "corpora" / f"{corpus}.shared.jsonl").read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        if Path(said["path"]).stem == name:
            return Rule(name, language, str(said.get("query_expanded") or said["query"]))
    pytest.skip(f"{name} is not among the rules here")


def records(name: str) -> list[dict[str, Any]]:
    found = json.loads((LOGS / name).read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


def written(folder: Path, name: str, events: list[dict[str, Any]]) -> Path:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    return path


def proved(rule: Rule, *, attacks: list[Path] | None = None, benign: list[Path] | None = None) -> RuleProof:
    stage = Workspace().rehearsal()
    return stage.prove(rule, stage.trials(rule, attacks=attacks or [], benign=benign or []))


def changed(share: dict[str, Any], permission: dict[str, Any]) -> dict[str, Any]:
    """Return a real share with another change of the permission in it."""
    request = {**share["requestParameters"], "createVolumePermission": permission}
    return {**share, "eventID": "00000000-0000-4000-8000-000000000001", "requestParameters": request}


def test_a_rule_for_one_form_of_the_request_misses_the_attack(tmp_path: Path) -> None:
    # The log has one change of user data, and no attribute in it: the rule asks for the attribute.
    attack = written(tmp_path, "attack.json", [e for e in records("aws.execution.ec2-user-data.json") if e["eventName"] == "ModifyInstanceAttribute"])
    rule = published("sigma", "aws_ec2_startup_script_change", "sigma")
    proof = proved(rule, attacks=[attack])
    assert [t.result for t in proof.tried] == ["silent"]
    assert not proof.proved
    assert "W674" in {d.code for d in Workspace().check(rule.text, "sigma")}


def test_a_rule_for_the_account_shared_with_misses_a_share_with_everybody(tmp_path: Path) -> None:
    (share,) = records("aws.exfiltration.ec2-share-ebs-snapshot.json")
    one = written(tmp_path, "one.json", [share])
    public = written(tmp_path, "public.json", [changed(share, {"add": {"items": [{"group": "all"}]}})])
    rule = published("splunk", "aws_ec2_snapshot_shared_externally", "spl")
    proof = proved(rule, attacks=[one, public])
    assert {t.trial.name: t.result for t in proof.tried} == {"one.json": "fires", "public.json": "silent"}
    assert not proof.proved
    assert "W607" in {d.code for d in Workspace().check(rule.text, "spl")}


def test_a_rule_without_a_direction_fires_on_a_share_taken_back(tmp_path: Path) -> None:
    # Any change of a snapshot's permissions, which is how such a rule is published.
    text = (
        "title: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n"
        "  s: {eventSource: ec2.amazonaws.com, eventName: ModifySnapshotAttribute}\n  condition: s\n"
    )
    (share,) = records("aws.exfiltration.ec2-share-ebs-snapshot.json")
    one = written(tmp_path, "one.json", [share])
    back = written(tmp_path, "back.json", [changed(share, {"remove": share["requestParameters"]["createVolumePermission"]["add"]})])
    proof = proved(Rule("mine", "sigma", text), attacks=[one], benign=[back])
    assert {t.trial.name: t.result for t in proof.tried} == {"one.json": "fires", "back.json": "fires"}
    assert not proof.proved
    assert "W670" in {d.code for d in Workspace().check(text, "sigma")}
