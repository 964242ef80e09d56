"""Findings as OCSF and STIX: what the schemas ask for, the same ids for the same findings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from livefire.detections.finding import Finding
from livefire.detections.hunt import Hunt
from livefire.detections.runner import Outcome
from livefire.diagnostics import QueryError
from livefire.exporting import export_findings
from livefire.exports import ocsf, stix
from tests.exports.test_exports import detection

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
SEEN = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def hunted() -> Hunt:
    """Return one finding over two events of two clouds."""
    card = detection().card
    row = {"who": "arn:aws:iam::111122223333:user/eve\x1b[31m", "seen": SEEN, "more": {"n": [1, None]}}
    found = Finding(card.id, card.title, card.severity, "sigma", row, ("aws_cloudtrail/e-1", "gcp_audit/e-2"), SEEN, "f" * 64)
    return Hunt(((detection(), Outcome(detection().rules[0])),), (found,), NOW)


def said(target: str) -> Any:
    (artefact,) = export_findings(hunted(), target, NOW, "1.2.3")
    return json.loads(artefact.text)


def test_a_finding_is_a_detection_finding() -> None:
    found = said("ocsf")
    assert (found["category_uid"], found["class_uid"], found["activity_id"], found["type_uid"]) == (2, 2004, 1, 200401)
    # 2026-11-21T08:30Z in milliseconds: 20,778 days of 86,400 s since 1970, and 30,600 s.
    assert found["time"] == (20_778 * 86_400 + 30_600) * 1000
    assert found["severity_id"] == 4
    assert found["finding_info"]["uid"] == hunted().findings[0].fingerprint
    assert found["cloud"]["provider"] == "AWS, GCP"
    assert [e["data"] for e in found["evidences"]] == [{"log_source": "aws_cloudtrail", "event": "e-1"}, {"log_source": "gcp_audit", "event": "e-2"}]
    attacks = found["finding_info"]["attacks"]
    assert [(a["technique"]["uid"], a.get("sub_technique", {}).get("uid"), a["tactic"]["name"]) for a in attacks] == [
        ("T1485", None, "Impact"),
        ("T1578", "T1578.003", "Impact"),
    ]
    assert found["unmapped"] == {"who": "arn:aws:iam::111122223333:user/eve\x1b[31m", "seen": "2026-11-21T08:30:00Z", "more": {"n": [1, None]}}


@pytest.mark.parametrize(("target", "name"), [("ocsf", "findings.ocsf.jsonl"), ("stix", "findings.stix.json")])
def test_findings_are_written_as_reviewed(target: str, name: str) -> None:
    (artefact,) = export_findings(hunted(), target, NOW, "1.2.3")
    assert artefact.path == name
    assert artefact.text == (Path(__file__).parent / "golden" / target / name).read_text(encoding="utf-8")


def test_a_sign_of_a_terminal_is_escaped_in_the_line() -> None:
    (artefact,) = export_findings(hunted(), "ocsf", NOW, "1.2.3")
    assert "\x1b" not in artefact.text


def test_an_object_that_the_class_does_not_allow_is_refused() -> None:
    found = said("ocsf")
    for broken, words in (({"type_uid": 200402}, "type_uid"), ({"severity_id": 7}, "severity_id"), ({"finding_info": {}}, "no uid")):
        with pytest.raises(QueryError, match=words):
            ocsf.checked({**found, **broken})


def test_a_case_is_a_bundle_of_objects_that_know_each_other() -> None:
    bundle = said("stix")
    kinds = [o["type"] for o in bundle["objects"]]
    assert kinds == ["identity", "indicator", "attack-pattern", "relationship", "attack-pattern", "relationship", "sighting", "report"]
    by_type = {o["type"]: o for o in bundle["objects"]}
    assert by_type["indicator"]["pattern_type"] == "sigma"
    (rule,) = detection().written_in("sigma")
    assert by_type["indicator"]["pattern"] == rule.text
    assert by_type["sighting"]["sighting_of_ref"] == by_type["indicator"]["id"]
    assert by_type["sighting"]["first_seen"] == "2026-11-21T08:30:00.000Z"
    # All but the identity that made them and the report itself.
    assert len(by_type["report"]["object_refs"]) == 6
    assert all(o["spec_version"] == "2.1" and o["created"] == "2026-11-21T09:00:00.000Z" for o in bundle["objects"])


def test_the_same_findings_have_the_same_ids() -> None:
    assert said("stix") == said("stix")


def test_a_reference_to_nothing_is_refused() -> None:
    bundle = said("stix")
    bundle["objects"] = [o for o in bundle["objects"] if o["type"] != "identity"]
    with pytest.raises(QueryError, match="refers to what is not in the bundle"):
        stix.checked(bundle)


def test_a_hunt_without_findings_has_a_bundle_without_a_report() -> None:
    (artefact,) = export_findings(Hunt((), (), NOW), "stix", NOW, "1.2.3")
    assert [o["type"] for o in json.loads(artefact.text)["objects"]] == ["identity"]
