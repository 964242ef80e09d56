"""Microsoft Sentinel: published columns and types, empty strings for what is missing."""

from datetime import datetime

import pytest

from livefire.schema import Type
from tests.tables import examples as x
from tests.tables.shown import shown, table


def test_cloudtrail_shows_a_call_as_the_connector_does() -> None:
    call, failure = shown(table("AWSCloudTrail", "sentinel"), [x.AWS_CALL, x.AWS_FAILURE])
    assert call["TimeGenerated"] == datetime(2026, 5, 1, 10)
    assert (call["EventName"], call["AWSRegion"], call["AwsEventId"]) == ("RunInstances", "eu-west-1", "e-1")
    assert call["UserIdentityArn"] == "arn:aws:sts::111122223333:assumed-role/Deploy/jo"
    assert call["SessionIssuerArn"] == x.ROLE
    assert call["SessionMfaAuthenticated"] is True
    assert call["ReadOnly"] is False
    # A string is never null: what is absent is the empty string.
    assert (call["ErrorCode"], call["UserIdentityUserName"], call["AdditionalEventData"]) == ("", "", "")
    assert call["RequestParameters"].startswith('{"instanceType":"m5.large"')
    assert failure["ErrorCode"] == "Client.InstanceLimitExceeded"
    assert failure["ResponseElements"] == ""


def test_an_event_without_an_id_of_its_own_shows_none() -> None:
    without = {k: v for k, v in x.AWS_CALL.items() if k != "eventID"}
    assert shown(table("AWSCloudTrail", "sentinel"), [without], "AwsEventId") == [{"AwsEventId": ""}]
    assert shown(table("logs-aws.cloudtrail-*", "elastic"), [without], "event.id") == [{"event.id": None}]


def test_azure_activity_keeps_the_words_of_the_event() -> None:
    start, end, portal = shown(table("AzureActivity", "sentinel"), [x.azure("Start", "Started."), x.azure("Success", "Succeeded.Created"), x.AZURE_PORTAL])
    assert [r["ActivityStatusValue"] for r in (start, end, portal)] == ["Start", "Success", "Succeeded"]
    assert [r["ActivitySubstatusValue"] for r in (start, end, portal)] == ["", "Created", "Created"]
    assert end["OperationNameValue"] == "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE"
    assert portal["OperationNameValue"] == "Microsoft.Compute/snapshots/write"
    assert end["_ResourceId"] == x.MACHINE.lower()
    assert (end["ResourceGroup"], end["SubscriptionId"]) == ("SHOP", x.SUBSCRIPTION)
    assert (end["Caller"], end["CallerIpAddress"]) == ("jo@example.com", "198.51.100.8")
    # Columns of the retired solution exist and are empty.
    assert (end["OperationName"], end["ActivityStatus"], end["ResourceId"]) == ("", "", "")


def test_azure_activity_has_its_objects_as_text_and_as_value() -> None:
    (row,) = shown(table("AzureActivity", "sentinel"), [x.azure("Success", "Succeeded.Created")])
    assert row["Properties_d"]["statusCode"] == "Created"
    assert '"statusCode":"Created"' in row["Properties"]
    assert row["Claims_d"]["appid"] == "app-1"
    assert row["Authorization_d"]["evidence"]["role"] == "Owner"


def test_a_service_principal_is_its_object_id() -> None:
    (row,) = shown(table("AzureActivity", "sentinel"), [x.AZURE_PRINCIPAL])
    assert row["Caller"] == "o-2"


def test_gcp_audit_tells_receipt_from_event() -> None:
    denied, last = shown(table("GCPAuditLogs", "sentinel"), [x.GCP_DENIED, x.GCP_LAST])
    assert (denied["TimeGenerated"], denied["Timestamp"]) == (datetime(2026, 5, 1, 10, 0, 2), datetime(2026, 5, 1, 10, 0, 0, 500_000))
    assert (denied["Status"], denied["StatusMessage"]) == ({"code": 7, "message": "denied"}, "denied")
    assert (last["Status"], last["StatusMessage"], last["PrincipalEmail"]) == (None, "", "Jo@example.com")


@pytest.mark.parametrize(
    ("name", "count", "types"),
    [
        (
            "AWSCloudTrail",
            55,
            {"ReadOnly": Type.BOOL, "RequestParameters": Type.STRING, "SessionCreationDate": Type.DATETIME, "UserIdentityPrincipalid": Type.STRING},
        ),
        ("AzureActivity", 37, {"Properties": Type.STRING, "Properties_d": Type.DYNAMIC, "EventSubmissionTimestamp": Type.DATETIME}),
        ("GCPAuditLogs", 29, {"NumResponseItems": Type.STRING, "Status": Type.DYNAMIC, "Timestamp": Type.DATETIME}),
    ],
)
def test_published_columns(name: str, count: int, types: dict[str, Type]) -> None:
    schema = table(name, "sentinel").schema
    assert len(schema) == count
    assert {n: f.type for n in types if (f := schema.get(n))} == types
