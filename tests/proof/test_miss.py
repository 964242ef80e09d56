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
        ("AWSCloudTrail | where EventSource == 'ec2.amazonaws.com' | where EventName == 'StopInstances'", "dropped by: EventName == 'StopInstances'"),
        ("AWSCloudTrail | where EventName == 'RunInstances' and AWSRegion == 'eu-west-1'", "dropped by: AWSRegion == 'eu-west-1'"),
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
