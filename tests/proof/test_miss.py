"""Why an event was not found: the clause that dropped it, by its words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livefire.detections.detection import Rule
from livefire.detections.runner import compile_rule
from livefire.emulation.catalogue import find
from livefire.proof.case import stage
from livefire.proof.miss import explain_miss
from livefire.proving import as_case
from livefire.workspace import Workspace

SOURCES = ("aws_cloudtrail", "azure_activity", "gcp_audit")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (
            "AWSCloudTrail | where EventSource == 'ec2.amazonaws.com' | where EventName == 'StopInstances'",
            "dropped by: EventName == 'StopInstances' (EventName is \"RunInstances\")",
        ),
        ("AWSCloudTrail | where EventName == 'RunInstances' and AWSRegion == 'eu-west-1'", "dropped by: AWSRegion == 'eu-west-1' (AWSRegion is \"us-east-1\")"),
        (
            "AWSCloudTrail | where EventName == 'RunInstances' | where tostring(parse_json(RequestParameters).instanceType) == 'x'",
            "dropped by: tostring(parse_json(RequestParameters).instanceType) == 'x' (RequestParameters is ",
        ),
        ("AzureActivity | where Caller == 'x'", "reads azure_activity, and the events are in aws_cloudtrail"),
        (
            "AWSCloudTrail | where EventName == 'RunInstances' | join kind=inner (AzureActivity | project Caller) on $left.EventName == $right.Caller",
            "finds no partner",
        ),
    ],
)
def test_reason(query: str, reason: str) -> None:
    workspace = Workspace()
    staged = stage(as_case(find("T1578.002/aws-run-instances")), SOURCES)
    bench = workspace.bench(staged.case.end)
    compiled = compile_rule(Rule("rule", "kql", query), bench, lenient=False)
    found = explain_miss(compiled.lowered, staged.attack, compiled.source, bench.engine, staged.storage, bench.run_values())
    assert reason in found.reason


def test_without_an_event_the_clause_that_stopped_the_last_is_named() -> None:
    workspace = Workspace()
    staged = stage(as_case(find("T1578.002/aws-run-instances")), SOURCES)
    bench = workspace.bench(staged.case.end)
    # The launch comes past the first clause, and no event past the second, for there is no such region.
    compiled = compile_rule(Rule("rule", "kql", "AWSCloudTrail | where EventName == 'RunInstances' | where AWSRegion == 'xx-1'"), bench, lenient=False)
    found = explain_miss(compiled.lowered, None, compiled.source, bench.engine, staged.storage, bench.run_values())
    assert found.clause == "AWSRegion == 'xx-1'"


def lake_of(folder: Path, acts: Sequence[tuple[str, str, int]]) -> Workspace:
    """A lake with calls, each told as what was called, by whom, at which second."""
    lines = [
        {"eventVersion": "1.11", "eventTime": f"2026-05-04T10:{second // 60:02}:{second % 60:02}Z", "eventID": f"e-{at}", "eventName": action}
        | {"eventSource": "ec2.amazonaws.com", "userIdentity": {"type": "IAMUser", "userName": who}}
        for at, (action, who, second) in enumerate(acts)
    ]
    (folder / "logs.json").write_text("\n".join(map(json.dumps, lines)))
    ws = Workspace(folder / "lake")
    ws.ingest(folder / "logs.json")
    return ws


def why_nothing(folder: Path, acts: Sequence[tuple[str, str, int]], query: str, language: str) -> str:
    """Why a query over calls finds nothing."""
    ws = lake_of(folder, acts)
    result = ws.query(query, language=language)
    assert result.rows == []
    return ws.explain_miss(result.compiled, None, datetime(2026, 5, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        ((("stop", "a", 0), ("change", "a", 60), ("start", "a", 400)), "step 3 comes, but not within 0:05:00"),
        ((("stop", "a", 0), ("change", "b", 60), ("start", "a", 70)), "step 2 comes, but with another value of what they have to share"),
        ((("stop", "a", 90), ("change", "a", 60), ("start", "a", 100)), "step 2 comes before one that should precede it"),
    ],
)
def test_of_a_sequence_the_step_is_named_and_what_it_lacks(acts: tuple[tuple[str, str, int], ...], reason: str, tmp_path: Path) -> None:
    steps = " ".join(f'[any where event.action == "{action}"]' for action in ("stop", "change", "start"))
    assert reason in why_nothing(tmp_path, acts, f"sequence by user.name with maxspan=5m {steps}", "eql")


def test_of_a_threshold_the_group_and_its_value_are_told(tmp_path: Path) -> None:
    acts = (("stop", "ann", 0), ("stop", "ann", 1), ("stop", "bob", 2))
    found = why_nothing(tmp_path, acts, "AWSCloudTrail | summarize n = count() by UserIdentityUserName | where n > 4", "kql")
    assert found.startswith("dropped by: n > 4 (")
    assert 'n is 2, UserIdentityUserName is "ann"' in found
    assert 'n is 1, UserIdentityUserName is "bob"' in found


def test_of_a_hit_each_clause_is_told_with_what_met_it(tmp_path: Path) -> None:
    ws = lake_of(tmp_path, (("stop", "ann", 0), ("stop", "bob", 1), ("start", "ann", 2), ("stop", "ann", 3)))
    text = "AWSCloudTrail | where EventName in ('stop', 'end') and UserIdentityUserName != 'bob' | summarize n = count() by UserIdentityUserName | where n > 1"
    compiled = ws.query(text, language="kql").compiled
    assert ws.explain_hit(compiled, "e-3") == [
        "met: EventName in ('stop', 'end') (EventName is \"stop\")",
        "met: UserIdentityUserName != 'bob' (UserIdentityUserName is \"ann\")",
        'met: n > 1 (n is 2, UserIdentityUserName is "ann")',
        "rests on aws_cloudtrail/e-0, aws_cloudtrail/e-3",
    ]
    assert ws.explain_hit(compiled, "e-1") == ["no row rests on it"]  # bob's is dropped
    assert ws.explain_hit(compiled, "nowhere") == ["no event of that id is in the lake"]


def test_a_hit_of_a_sequence_rests_on_all_its_events(tmp_path: Path) -> None:
    ws = lake_of(tmp_path, (("stop", "bob", 0), ("stop", "ann", 10), ("change", "ann", 20), ("start", "ann", 30)))
    steps = " ".join(f'[any where event.action == "{action}"]' for action in ("stop", "change", "start"))
    compiled = ws.query(f"sequence by user.name with maxspan=5m {steps}", language="eql").compiled
    for event in (None, "e-1", "e-3"):
        assert ws.explain_hit(compiled, event)[-1] == "rests on aws_cloudtrail/e-1, aws_cloudtrail/e-2, aws_cloudtrail/e-3"
    assert ws.explain_hit(compiled, "e-0") == ["no row rests on it"]
