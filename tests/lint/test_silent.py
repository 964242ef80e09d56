"""Checks are silent where the fault that they look for would do nothing: rules of which a finding would be false."""

from __future__ import annotations

import pytest

from livefire import Workspace

AWS = "AWSCloudTrail | where "
AZURE = "AzureActivity | where "
WRITE = 'OperationNameValue =~ "Microsoft.Compute/disks/write"'

# code, language, a rule that has the fault, and one alike of which it would be false to say so
CASES = [
    # The name of the repository is the site's own.
    ("W600", "cql", None, '#Vendor=aws #repo!="xdr*" Vendor.eventName=RunInstances'),
    # What multikv makes of the text is not known, and neither is whether `status` is empty.
    ("W600", "spl", None, 'sourcetype="google:gcp:pubsub:message" | multikv | rename sc_status_ as status | search status="200"'),
    # "null" is what the rule itself has put there.
    ("W620", "spl", "sourcetype=aws:cloudtrail eventName=Nothing", "sourcetype=aws:cloudtrail | fillnull value=null eventName | search eventName=null"),
    ("W620", "kql", AWS + 'EventName == "CreateManagedAccounts"', AWS + 'EventName == "CreateManagedAccount"'),
    # Elastic's data set holds resource logs alone, in upper case.
    (
        "W626",
        "esql",
        'FROM logs-azure.activitylogs-* | WHERE event.action == "Microsoft.Compute/disks/write"',
        'FROM logs-azure.activitylogs-* | WHERE event.action == "MICROSOFT.COMPUTE/DISKS/WRITE"',
    ),
    # Reading is what a rule that names the verbs of reading looks for.
    ("W653", "kql", AWS + 'EventName matches regex "Create|Delete"', AWS + 'EventName matches regex "Describe|Get|List"'),
    ("W660", "kql", AZURE + WRITE, AZURE + WRITE + ' and Level == "Error"'),
    ("W660", "kql", AZURE + WRITE + " | summarize count() by Caller", AZURE + WRITE + " | summarize dcount(_ResourceId) by Caller"),
    ("W660", "kql", AZURE + WRITE, AZURE + WRITE + " | summarize make_set(Caller) by _ResourceId"),
    ("W660", "kql", AZURE + WRITE, AZURE + 'CategoryValue == "Security" and ' + WRITE),
    ("W660", "kql", AZURE + WRITE, AZURE + 'OperationNameValue =~ "Microsoft.KeyVault/vaults/keys/create/action"'),
    ("W662", "kql", AWS + 'UserIdentityArn !contains "build"', AWS + 'UserIdentityArn !contains "requestParameters.userName"'),
    # A user of IAM has no session; in ten minutes a session is one; rows brought to one each are not counted.
    (
        "W664",
        "spl",
        "sourcetype=aws:cloudtrail | stats count by userIdentity.arn | where count > 5",
        "sourcetype=aws:cloudtrail userIdentity.type=IAMUser | stats count by userIdentity.arn | where count > 5",
    ),
    (
        "W664",
        "kql",
        AWS + 'EventName == "x" | summarize n = count() by UserIdentityArn, bin(TimeGenerated, 1d) | where n > 5',
        AWS + 'EventName == "x" | summarize n = count() by UserIdentityArn, bin(TimeGenerated, 10m) | where n > 5',
    ),
    (
        "W664",
        "kql",
        AWS + 'EventName == "x" | summarize n = count() by UserIdentityArn | where n > 5',
        AWS + 'EventName == "x" | summarize n = dcount(SourceIpAddress) by UserIdentityArn | where n > 1',
    ),
    # Who asks when an event came loses none that came late.
    ("W666", "kql", AWS + "TimeGenerated > ago(5m)", AWS + "ingestion_time() > ago(5m)"),
    # One event is enough, wherever the boundary falls.
    (
        "W667",
        "kql",
        AWS + 'EventName == "x" | summarize n = count() by bin(TimeGenerated, 1h) | where n >= 2',
        AWS + 'EventName == "x" | summarize n = count() by bin(TimeGenerated, 1h) | where n >= 1',
    ),
    # A rule over several kinds of things is not named for snapshots.
    (
        "N671",
        "kql",
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/snapshots/write"',
        AZURE + 'OperationNameValue in~ ("Microsoft.Compute/snapshots/write", "Microsoft.Network/networkSecurityGroups/write")',
    ),
    # A join carries the column under the product's own name; nobody has called it an actor.
    ("N693", "kql", AWS + 'EventName == "x" | extend Actor = UserIdentityPrincipalid', "AWSCloudTrail | join kind=inner (AWSCloudTrail) on AWSRegion"),
]


@pytest.fixture(scope="module")
def ws() -> Workspace:
    return Workspace()


@pytest.mark.parametrize(("code", "language", "fault", "fair"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_a_finding_that_would_be_false_is_not_told(ws: Workspace, code: str, language: str, fault: str | None, fair: str) -> None:
    if fault is not None:
        assert code in {d.code for d in ws.check(fault, language)}
    assert code not in {d.code for d in ws.check(fair, language)}


def test_buckets_of_esql_are_seen_under_any_name(ws: Workspace) -> None:
    # The key of STATS is a column that an earlier EVAL made of the time.
    query = "FROM logs-aws.cloudtrail-* | EVAL slot = DATE_TRUNC(5 minutes, @timestamp) | STATS n = COUNT(*) BY slot | WHERE n > 5"
    assert "W667" in {d.code for d in ws.check(query, "esql")}
