"""A rule that differs from Sentinel's columns only by case: refused as Sentinel does, run with a warning when lenient."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from livefire import QueryError, Workspace

RULE = """
let Starts = AWSCloudTrail
| where TimeGenerated > ago(1d)
| where EventName =~ "startinstances" and isempty(ErrorCode)
| extend Machine = tostring(parse_json(RequestParameters).instancesSet.items[0].instanceId)
| project TimeGenerated, Machine, Region = AwsRegion;
union isfuzzy=true Starts, (NoSuchTable | where TimeGenerated > ago(1d))
| sort by TimeGenerated asc
"""
EVENT = {
    "TimeGenerated": "2026-01-01T12:00:00Z",
    "EventName": "StartInstances",
    "ErrorCode": None,
    "RequestParameters": '{"instancesSet":{"items":[{"instanceId":"i-7"}]}}',
    "AWSRegion": "eu-central-1",
}


def workspace() -> Workspace:
    found = Workspace()
    found.load("AWSCloudTrail", [EVENT, {**EVENT, "ErrorCode": "Denied"}], time_field="TimeGenerated")
    return found


def test_lenient_takes_the_column_that_was_meant() -> None:
    result = workspace().query(RULE, now=datetime(2026, 1, 2, tzinfo=UTC), lenient=True)
    assert result.rows == [(datetime(2026, 1, 1, 12, tzinfo=UTC), "i-7", "eu-central-1")]
    told = [(d.severity, d.code, d.fix.replacement if d.fix else "") for d in result.diagnostics]
    assert told == [("warning", "W102", "AWSRegion"), ("warning", "W123", "")]


def test_faithful_refuses_at_the_place_with_the_right_name() -> None:
    with pytest.raises(QueryError) as refused:
        workspace().query(RULE, now=datetime(2026, 1, 2, tzinfo=UTC))
    error = next(d for d in refused.value.diagnostics if d.severity == "error")
    assert (error.code, error.help) == ("E102", "did you mean 'AWSRegion'?")
    assert RULE[error.span.start : error.span.end] == "AwsRegion"
