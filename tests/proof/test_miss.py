"""Why an event was not found: the clause that dropped it, by its words."""

from __future__ import annotations

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
