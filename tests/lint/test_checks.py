"""Each check of a rule's sense finds its fault, at its place, and is silent on the rule put right."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire import Workspace
from livefire.lint import checks
from livefire.lint.alike import same_queries

AWS = "AWSCloudTrail | where "
AZURE = "AzureActivity | where "
GCP = "GCPAuditLogs | where "
SPL = "sourcetype=aws:cloudtrail "

# code, language, a rule with the fault, the text the diagnostic points at, the rule put right
CASES = [
    ("W600", "kql", AZURE + 'OperationName == "Delete Virtual Machine"', 'OperationName == "Delete Virtual Machine"', AZURE + 'OperationNameValue =~ "x"'),
    ("W600", "kql", AWS + 'OperationName == "RunInstances"', 'OperationName == "RunInstances"', AWS + 'EventName == "RunInstances"'),
    (
        "W601",
        "kql",
        AWS + 'EventName == "RunInstances" and tostring(parse_json(RequestParameters).imageId) == "ami-1"',
        None,
        AWS + 'EventName == "RunInstances" and tostring(parse_json(RequestParameters).instanceType) == "t3.nano"',
    ),
    (
        "W602",
        "kql",
        AWS + 'EventName == "CreateReplaceRootVolumeTask" and tostring(parse_json(RequestParameters).instanceId) == "i-1"',
        None,
        AWS + 'EventName == "CreateReplaceRootVolumeTask" and tostring(parse_json(RequestParameters).CreateReplaceRootVolumeTaskRequest.InstanceId) == "i-1"',
    ),
    ("W603", "spl", SPL + "event.action=RunInstances", "event.action=RunInstances", SPL + "eventName=RunInstances"),
    ("W603", "cql", "#Vendor=aws Vendor.eventNames=RunInstances", "Vendor.eventNames=RunInstances", "#Vendor=aws Vendor.eventName=RunInstances"),
    ("W604", "spl", "sourcetype=azure:monitor:activity location!=eastus", "location!=eastus", "sourcetype=azure:monitor:activity operationName=x"),
    (
        "E605",
        "kql",
        AZURE + 'tostring(Properties_d.responseBody.properties.vmId) == "x"',
        None,
        AZURE + 'tostring(parse_json(tostring(Properties_d.responseBody)).properties.vmId) == "x"',
    ),
    (
        "W606",
        "kql",
        AWS + 'tostring(parse_json(ResponseElements).instancesSet.items[0].instanceId) == "i-1"',
        None,
        AWS + 'tostring(parse_json(ResponseElements).instancesSet) has "i-1"',
    ),
    (
        "W607",
        "kql",
        AWS + 'EventName == "ModifySnapshotAttribute" and tostring(parse_json(RequestParameters).createVolumePermission.add.items[1].userId) != ""',
        None,
        AWS + 'EventName == "ModifySnapshotAttribute" and tostring(parse_json(RequestParameters).createVolumePermission.add.items[1].group) == "all"',
    ),
    ("W620", "kql", AWS + 'EventName == "RevertSnapshot"', 'EventName == "RevertSnapshot"', AWS + 'EventName == "CreateSnapshot"'),
    ("W620", "kql", AWS + 'EventName == "runInstances"', 'EventName == "runInstances"', AWS + 'EventName =~ "runInstances"'),
    ("W620", "spl", SPL + "eventName=RunInstance", "eventName=RunInstance", SPL + "eventName=runinstances"),
    (
        "W621",
        "kql",
        AWS + 'EventSource == "ec2.amazonaws.com" and EventName == "CreateDBSnapshot"',
        'EventName == "CreateDBSnapshot"',
        AWS + 'EventSource == "rds.amazonaws.com" and EventName == "CreateDBSnapshot"',
    ),
    (
        "W622",
        "kql",
        AWS + 'EventTypeName == "AwsApiCall" and EventName == "SharedSnapshotVolumeCreated"',
        'EventName == "SharedSnapshotVolumeCreated"',
        AWS + 'EventTypeName == "AwsServiceEvent" and EventName == "SharedSnapshotVolumeCreated"',
    ),
    (
        "W623",
        "kql",
        AZURE + 'ActivityStatusValue =~ "Succeeded"',
        'ActivityStatusValue =~ "Succeeded"',
        AZURE + 'ActivityStatusValue in~ ("Succeeded", "Success")',
    ),
    ("W624", "kql", AWS + 'ErrorCode == "success"', 'ErrorCode == "success"', AWS + "isempty(ErrorCode)"),
    ("W624", "spl", SPL + 'errorCode=""', 'errorCode=""', SPL + "errorCode=success"),
    (
        "W625",
        "kql",
        GCP + 'MethodName == "v1.compute.instances.insert"',
        'MethodName == "v1.compute.instances.insert"',
        GCP + 'MethodName endswith "compute.instances.insert"',
    ),
    (
        "W626",
        "kql",
        AZURE + 'OperationNameValue == "Microsoft.Compute/virtualMachines/write"',
        'OperationNameValue == "Microsoft.Compute/virtualMachines/write"',
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/virtualMachines/write"',
    ),
    (
        "N627",
        "kql",
        AZURE + 'OperationNameValue =~ "Create or Update Virtual Machine"',
        'OperationNameValue =~ "Create or Update Virtual Machine"',
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/virtualMachines/write"',
    ),
    (
        "W628",
        "kql",
        AWS + 'tostring(parse_json(RequestParameters).instanceType) == "tg4.nano"',
        None,
        AWS + 'tostring(parse_json(RequestParameters).instanceType) == "t4g.nano"',
    ),
    (
        "W629",
        "kql",
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/virtualMachines/create/action"',
        None,
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/virtualMachines/start/action"',
    ),
    ("W630", "kql", GCP + 'MethodName == "v1.compute.instances.create"', None, GCP + 'MethodName == "v1.compute.instances.insert"'),
    (
        "N631",
        "kql",
        AWS + 'EventName == "SharedSnapshotVolumeCreated"',
        None,
        AWS + 'EventName == "SharedSnapshotVolumeCreated" and RecipientAccountId != "111122223333"',
    ),
    (
        "W640",
        "kql",
        AWS + 'EventName == "RunInstances" | extend Risk = case(AWSRegion == "x", "High", "Low") | sort by Risk desc',
        None,
        AWS + 'EventName == "RunInstances" | extend Risk = case(AWSRegion == "x", 3, 1) | sort by Risk desc',
    ),
    ("W641", "spl", SPL + '| where like(eventName, "Run*")', None, SPL + '| where like(eventName, "Run%")'),
    ("W642", "kql", AWS + 'UserIdentityArn != "expected_initiator"', 'UserIdentityArn != "expected_initiator"', AWS + 'UserIdentityArn != "arn:x"'),
    ("N645", "cql", "#Vendor=aws | groupBy(x, function=min(timestamp, as=First))", "timestamp", "#Vendor=aws | groupBy(x, function=min(@timestamp, as=First))"),
    ("N646", "kql", "union isfuzzy=true AWSCloudTrail, AzureActivity", "isfuzzy=true", "union AWSCloudTrail, AzureActivity"),
    (
        "E650",
        "kql",
        AWS + 'EventName == "StartInstances" | where EventName == "StopInstances"',
        'EventName == "StopInstances"',
        AWS + 'EventName == "StartInstances" or EventName == "StopInstances"',
    ),
    (
        "E650",
        "eql",
        'any where event.dataset == "aws.cloudtrail" and event.action == "StopInstances" and event.action : "Start*"',
        None,
        'any where event.dataset == "aws.cloudtrail" and (event.action == "StopInstances" or event.action : "Start*")',
    ),
    (
        "W651",
        "kql",
        AWS + 'EventName == "RunInstances" | extend r = iff(EventName == "CreateSnapshot", 2, 1)',
        None,
        AWS + 'EventName in ("RunInstances", "CreateSnapshot") | extend r = iff(EventName == "CreateSnapshot", 2, 1)',
    ),
    ("W652", "kql", AWS + 'EventName matches regex ".*"', None, AWS + 'EventName matches regex "^Run.*s$"'),
    (
        "W653",
        "kql",
        AWS + 'EventName matches regex "(?i)(create|modify)"',
        'EventName matches regex "(?i)(create|modify)"',
        AWS + 'EventName in ("CreateSnapshot", "ModifySnapshotAttribute")',
    ),
    (
        "N654",
        "kql",
        AWS + 'EventName == "RunInstances" | where EventName contains "Run"',
        'EventName contains "Run"',
        AWS + 'EventName in ("RunInstances", "StopInstances") | where EventName contains "Run"',
    ),
    (
        "W655",
        "kql",
        AWS + 'EventName == "RunInstances" | where EventName != "StopInstances"',
        'EventName != "StopInstances"',
        AWS + 'EventName in ("RunInstances", "StopInstances") | where EventName != "StopInstances"',
    ),
    (
        "W660",
        "kql",
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/snapshots/write"',
        None,
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/snapshots/write" and ActivityStatusValue in~ ("Success", "Succeeded")',
    ),
    (
        "N661",
        "kql",
        AWS + 'EventName in ("RunInstances", "CreateFleet") and isempty(ErrorCode)',
        "isempty(ErrorCode)",
        AWS + 'EventName in ("RunInstances", "CreateFleet")',
    ),
    ("W662", "kql", AWS + 'UserIdentityArn !contains "backup"', 'UserIdentityArn !contains "backup"', AWS + 'UserIdentityArn != "arn:aws:iam::1:role/backup"'),
    ("W663", "spl", SPL + 'userAgent!="*terraform*"', 'userAgent!="*terraform*"', SPL + 'userAgent="*terraform*"'),
    (
        "W664",
        "kql",
        AWS + 'EventName == "GetSecretValue" | summarize n = count() by UserIdentityArn | where n > 5',
        None,
        AWS + 'EventName == "GetSecretValue" | summarize n = count() by SessionIssuerArn | where n > 5',
    ),
    ("W665", "spl", SPL + "| stats count by userIdentity.userName", None, SPL + "| stats count by userIdentity.arn"),
    ("W666", "kql", AWS + "TimeGenerated > ago(5m)", "TimeGenerated > ago(5m)", AWS + "TimeGenerated > ago(2h)"),
    (
        "W667",
        "kql",
        AWS + 'EventName == "StopInstances" | summarize n = count() by AWSRegion, bin(TimeGenerated, 5m) | where n > 2',
        None,
        AWS + 'EventName == "StopInstances" | summarize n = count() by AWSRegion | where n > 2',
    ),
    (
        "W668",
        "eql",
        'sequence by user.name with maxspan=5m [any where event.action == "StopInstances"] [any where event.action == "StartInstances"]',
        None,
        None,
    ),
    (
        "N669",
        "eql",
        'sequence by aws.cloudtrail.user_identity.arn [any where event.action == "StopInstances"] [any where event.action == "StartInstances"]',
        None,
        'any where event.action == "StopInstances"',
    ),
    (
        "W670",
        "kql",
        AWS + 'EventName == "ModifySnapshotAttribute"',
        'EventName == "ModifySnapshotAttribute"',
        AWS + 'EventName == "ModifySnapshotAttribute" and isnotempty(parse_json(RequestParameters).createVolumePermission.add)',
    ),
    ("N671", "kql", AWS + 'EventName == "RunInstances"', 'EventName == "RunInstances"', AWS + 'EventName in ("RunInstances", "CreateFleet")'),
    (
        "W672",
        "kql",
        GCP + 'MethodName endswith "compute.instances.insert" and Severity == "NOTICE"',
        'Severity == "NOTICE"',
        GCP + 'MethodName endswith "compute.instances.insert"',
    ),
    (
        "W674",
        "spl",
        SPL + "eventName=ModifyInstanceAttribute requestParameters.attribute=userData",
        "requestParameters.attribute=userData",
        SPL + "eventName=ModifyInstanceAttribute (requestParameters.attribute=userData OR requestParameters.userData=*)",
    ),
    ("W600", "kql", AWS + 'AwsRequestId == "x"', 'AwsRequestId == "x"', AWS + 'AwsRequestId_ == "x"'),
    (
        "W601",
        "kql",
        AWS + 'EventName == "RegisterImage" and tostring(parse_json(RequestParameters).snapshotId) == "snap-1"',
        None,
        AWS + 'EventName == "RegisterImage" and tostring(parse_json(RequestParameters).blockDeviceMapping) has "snap-1"',
    ),
    (
        "W601",
        "kql",
        AWS + 'EventName == "RunInstances" and tostring(parse_json(RequestParameters).instancesSet.items[1].instanceType) == "t3.nano"',
        None,
        AWS + 'EventName == "RunInstances" and tostring(parse_json(RequestParameters).instanceType) == "t3.nano"',
    ),
    (
        "W675",
        "kql",
        AWS + 'EventName == "CreateFleet" and tostring(parse_json(ResponseElements).CreateFleetResponse.fleetInstanceSet.item[0].lifecycle) == "spot"',
        None,
        AWS + 'EventName == "CreateFleet" and tostring(parse_json(ResponseElements).CreateFleetResponse.fleetInstanceSet) has "spot"',
    ),
    ("W676", "kql", "AzureActivity | summarize n = count() by TenantId", "TenantId", "AzureActivity | summarize n = count() by SubscriptionId"),
    (
        "W677",
        "kql",
        AWS + 'EventName == "RunInstances" and array_length(parse_json(ResponseElements).instancesSet.items) > 20',
        "array_length(parse_json(ResponseElements).instancesSet.items)",
        AWS + 'EventName == "RunInstances" and toint(parse_json(RequestParameters).instancesSet.items[1].maxCount) > 20',
    ),
    (
        "N678",
        "eql",
        'any where event.dataset == "aws.cloudtrail" and not user.name : "backup"',
        'user.name : "backup"',
        'any where event.dataset == "aws.cloudtrail" and user.name : "backup"',
    ),
    ("W679", "kql", "AzureActivity | summarize n = count() by OperationName", None, "AzureActivity | summarize n = count() by OperationNameValue"),
    (
        "W686",
        "kql",
        AWS + 'EventName == "RunInstances" | extend r = case(AWSRegion == "x", "High", "Low") | where r == "High"',
        None,
        AWS + 'EventName == "RunInstances" | extend r = case(AWSRegion == "x", "High", "Low") | where r in ("High", "Low")',
    ),
    (
        "N687",
        "kql",
        AWS + 'EventName == "RunInstances" | extend i = tostring(parse_json(ResponseElements).instancesSet.items[0].instanceId)',
        None,
        AWS + 'EventName == "RunInstances" | extend i = tostring(parse_json(ResponseElements).instancesSet.items)',
    ),
    (
        "N688",
        "kql",
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/virtualMachines/write"',
        None,
        AZURE + 'OperationNameValue =~ "Microsoft.Compute/virtualMachines/write" and ActivitySubstatusValue == "Created"',
    ),
    (
        "N689",
        "kql",
        AWS + 'EventName != "RunInstances" or AWSRegion != "us-east-1"',
        'EventName != "RunInstances"',
        AWS + 'EventName != "RunInstances" and AWSRegion != "us-east-1"',
    ),
    (
        "W690",
        "kql",
        AZURE + '_ResourceId startswith "Microsoft.Compute/virtualMachines"',
        None,
        AZURE + '_ResourceId contains "Microsoft.Compute/virtualMachines"',
    ),
    ("N693", "kql", AWS + 'EventName == "x" | extend Actor = UserIdentityArn', None, AWS + 'EventName == "x" | extend Actor = SessionIssuerArn'),
]
# code, language, a query, what the file says of it, and what it would say of a query that keeps its word
ABOUT = [
    ("W682", "kql", AWS + 'EventName == "RunInstances"', "Data sources:\n- AWS CloudTrail\n- Azure Activity", "Data sources:\n- AWS CloudTrail\n"),
    ("W682", "eql", 'any where event.dataset == "aws.cloudtrail"', "Expected signal: GCP audit log entries", "Expected signal: CloudTrail events"),
    ("N684", "kql", AWS + 'EventName == "RunInstances"', "False positives: auto-scaling groups", "False positives: people at work"),
    ("W685", "kql", AWS + 'EventName == "RunInstances"', "Scores each launch.", "Lists each launch."),
    ("N692", "cql", "#Vendor=aws Vendor.eventName=RunInstances", "Finds launches in Microsoft Sentinel.", "Finds launches in LogScale."),
]
SIGMA = """title: t
logsource: {{product: aws, service: cloudtrail}}
detection:
  {detection}
"""


@pytest.fixture(scope="module")
def ws() -> Workspace:
    return Workspace()


def found(ws: Workspace, text: str, language: str) -> dict[str, list[str]]:
    """Return the codes of the checks with the texts they point at; the rule itself must be readable."""
    said = ws.check(text, language)
    assert [d for d in said if d.severity == "error" and d.code[1] != "6"] == []
    by_code: dict[str, list[str]] = {}
    for d in said:
        by_code.setdefault(d.code, []).append(text[d.span.start : d.span.end])
    return by_code


@pytest.mark.parametrize(("code", "language", "fault", "place", "right"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_check_finds_its_fault_and_nothing_in_the_rule_put_right(
    ws: Workspace, code: str, language: str, fault: str, place: str | None, right: str | None
) -> None:
    said = found(ws, fault, language)
    assert code in said
    if place is not None:
        assert place in said[code]
    if right is not None:
        assert code not in found(ws, right, language)


def test_sigma_presence_by_wildcard(ws: Workspace) -> None:
    fault = SIGMA.format(detection="s: {eventName: RunInstances}\n  t:\n    errorCode|contains: '*'\n  condition: s and t")
    assert found(ws, fault, "sigma")["W643"] == ["errorCode|contains: '*'"]
    assert "W643" not in found(ws, fault.replace("contains: '*'", "exists: true"), "sigma")


def test_sigma_keywords_alone(ws: Workspace) -> None:
    fault = SIGMA.format(detection="keywords:\n    - Microsoft.Compute/virtualMachines/write\n  condition: keywords")
    assert found(ws, fault, "sigma")["W644"] == ["keywords"]
    assert "W644" not in found(ws, SIGMA.format(detection="s: {eventName: RunInstances}\n  condition: s"), "sigma")


@pytest.mark.parametrize(("code", "language", "query", "fault", "right"), ABOUT, ids=[f"{c[0]}-{i}" for i, c in enumerate(ABOUT)])
def test_what_a_file_says_is_held_against_its_query(ws: Workspace, code: str, language: str, query: str, fault: str, right: str) -> None:
    assert code in {d.code for d in ws.check(query, language, about=fault)}
    assert code not in {d.code for d in ws.check(query, language, about=right)}
    assert code not in {d.code for d in ws.check(query, language)}


def test_the_file_of_a_rule_is_what_it_says(ws: Workspace, tmp_path: Path) -> None:
    text = (
        "id: 6f1d2f5e-0000-4000-8000-000000000001\nname: a\nkind: Scheduled\nseverity: Low\n"
        "queryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n"
        "requiredDataConnectors:\n  - connectorId: AWS\n    dataTypes:\n      - AWSCloudTrail\n      - AzureActivity\n"
        'query: |\n  AWSCloudTrail | where EventName == "StopInstances"\n'
    )
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (one,) = ws.rules(tmp_path / "a.yaml")
    assert "W682" in {d.code for d in ws.check_rule(one.rule)}


def test_a_tactic_of_the_past(ws: Workspace) -> None:
    fault = "tags: [attack.defense-evasion]\n" + SIGMA.format(detection="s: {eventName: RunInstances}\n  condition: s")
    assert found(ws, fault, "sigma")["N680"] == ["attack.defense-evasion"]
    assert "N680" not in found(ws, fault.replace("evasion", "impairment"), "sigma")


def test_a_query_longer_than_the_product_takes(ws: Workspace) -> None:
    # 10,000 characters are the most that an analytics rule of Sentinel holds.
    query = AWS + 'EventName == "RunInstances"'
    assert "W683" in found(ws, query + " " * (10_001 - len(query)), "kql")
    assert "W683" not in found(ws, query + " " * (10_000 - len(query)), "kql")


def test_one_query_under_two_names() -> None:
    text = AWS + 'EventName == "RunInstances" and AWSRegion == "eu-west-1"'
    assert [(name, d.code) for name, d in same_queries([("a", text), ("b", text.replace(" ", "\n")), ("c", text + " | take 1")])] == [("b", "N681")]


def test_every_check_has_a_case() -> None:
    tried = {c[0] for c in (*CASES, *ABOUT)} | {"W643", "W644", "N680", "W683"}
    assert {c.code for c in checks()} - tried == set()


def test_fix_of_a_check_mends_it(ws: Workspace) -> None:
    text = AZURE + 'OperationNameValue == "Microsoft.Compute/disks/write" and ActivityStatusValue in~ ("Success", "Succeeded")'
    said = [d for d in ws.check(text, "kql") if d.code == "W626"]
    fix = said[0].fix
    assert fix is not None
    mended = text[: fix.span.start] + fix.replacement + text[fix.span.end :]
    assert mended == text.replace(" == ", " =~ ")
    assert [d.code for d in ws.check(mended, "kql")] == []


def test_two_sides_of_a_self_join_do_not_exclude_each_other(ws: Workspace) -> None:
    text = """let stops = AWSCloudTrail | where EventName == "StopInstances" | project Account = RecipientAccountId, T1 = TimeGenerated;
AWSCloudTrail | where EventName == "StartInstances" | join kind=inner stops on $left.RecipientAccountId == $right.Account"""
    assert "E650" not in found(ws, text, "kql")


def test_case_decides_whether_values_exclude_each_other(ws: Workspace) -> None:
    # =~ lets RUNINSTANCES through, so the second can hold; == with another case cannot.
    assert "E650" not in found(ws, AWS + 'EventName =~ "runinstances" | where EventName == "RunInstances"', "kql")
    assert "E650" in found(ws, AWS + 'EventName == "runinstances" | where EventName == "RunInstances"', "kql")
