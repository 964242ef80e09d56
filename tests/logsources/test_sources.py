"""Each source's forms land in its columns; expected values are read off the events by hand."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from livefire.logsources.aws_cloudtrail import AWS_CLOUDTRAIL
from livefire.logsources.azure_activity import AZURE_ACTIVITY
from livefire.logsources.base import COMMON
from livefire.logsources.gcp_audit import GCP_AUDIT
from livefire.logsources.registry import SOURCES, source
from livefire.schema import Type
from tests.logsources.samples import cloudtrail, codes, compact, read_all

DISK = "/subscriptions/5ub/resourceGroups/Rg-1/providers/Microsoft.Compute/disks/d-7"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TENANT = "http://schemas.microsoft.com/identity/claims/tenantid"
CLAIMS = {"appid": "app-1", UPN: "bea@example.org", OBJECT: "obj-1", TENANT: "ten-1", "ipaddr": "203.0.113.9"}
PROPERTIES = {"statusCode": "Created", "responseBody": '{"location":"westeurope"}', "eventCategory": "Administrative"}
AUTHORIZATION = {"action": "Microsoft.Compute/disks/write", "evidence": {"principalType": "User"}}

RESOURCE_LOG: dict[str, Any] = {
    "time": "2026-05-04T10:00:00.1234567Z",
    "resourceId": DISK.upper(),
    "operationName": "MICROSOFT.COMPUTE/DISKS/WRITE",
    "category": "Administrative",
    "resultType": "Success",
    "resultSignature": "Succeeded.Created",
    "callerIpAddress": "203.0.113.9",
    "correlationId": "cor-1",
    "identity": {"authorization": AUTHORIZATION, "claims": CLAIMS},
    "level": "Information",
    "location": "global",
    "properties": PROPERTIES,
}
REST: dict[str, Any] = {
    "eventTimestamp": "2026-05-04T10:00:00.1234567Z",
    "submissionTimestamp": "2026-05-04T10:02:00Z",
    "eventDataId": "edi-1",
    "operationName": {"value": "Microsoft.Compute/disks/write", "localizedValue": "Create or Update Disk"},
    "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
    "subStatus": {"value": "Created", "localizedValue": "Created (HTTP Status Code: 201)"},
    "category": {"value": "Administrative", "localizedValue": "Administrative"},
    "eventName": {"value": "EndRequest", "localizedValue": "End request"},
    "resourceProviderName": {"value": "Microsoft.Compute", "localizedValue": "Compute"},
    "resourceType": {"value": "Microsoft.Compute/disks", "localizedValue": "Disk"},
    "resourceGroupName": "Rg-1",
    "resourceId": DISK,
    "subscriptionId": "5ub",
    "caller": "bea@example.org",
    "correlationId": "cor-1",
    "level": "Informational",
    "claims": CLAIMS,
    "authorization": AUTHORIZATION,
    "httpRequest": {"clientIpAddress": "203.0.113.9", "method": "PUT"},
    "properties": PROPERTIES,
}
LOG_ANALYTICS: dict[str, Any] = {
    "TenantId": "the-workspace",
    "TimeGenerated": "2026-05-04T10:00:00.1234567Z",
    "EventSubmissionTimestamp": "2026-05-04T10:02:00Z",
    "OperationNameValue": "MICROSOFT.COMPUTE/DISKS/WRITE",
    "OperationName": "",
    "ActivityStatusValue": "Success",
    "ActivitySubstatusValue": "Created",
    "CategoryValue": "Administrative",
    "Level": "Information",
    "ResourceGroup": "RG-1",
    "SubscriptionId": "5ub",
    "CorrelationId": "cor-1",
    "Caller": "bea@example.org",
    "CallerIpAddress": "203.0.113.9",
    "ResourceProviderValue": "MICROSOFT.COMPUTE",
    "_ResourceId": DISK.lower(),
    "EventDataId": "edi-1",
    "Claims": json.dumps(CLAIMS),
    "Authorization_d": AUTHORIZATION,
    "Properties": json.dumps(PROPERTIES),
    "HTTPRequest": '{"method":"PUT"}',
    "Type": "AzureActivity",
}
SAME = {
    "_time": datetime(2026, 5, 4, 10, 0, 0, 123456, tzinfo=UTC),  # the seventh digit is cut off
    "status_code": "Created",
    "sub_status": "Created",
    "category": "Administrative",
    "correlation_id": "cor-1",
    "caller": "bea@example.org",
    "caller_ip": "203.0.113.9",
    "principal_id": "obj-1",
    "principal_type": "User",
    "app_id": "app-1",
    "upn": "bea@example.org",
    "tenant": "ten-1",
}
FORMS = {
    "resource_log": (RESOURCE_LOG, {"result_type": "Success", "resource_group": "RG-1", "resource": "D-7", "resource_type": "MICROSOFT.COMPUTE/DISKS"}),
    "rest": (REST, {"result_type": "Succeeded", "resource_group": "Rg-1", "resource": "d-7", "event_data_id": "edi-1", "event_name": "EndRequest"}),
    "log_analytics": (LOG_ANALYTICS, {"result_type": "Success", "resource_group": "RG-1", "resource": "d-7", "_id": "edi-1"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_three_azure_forms_land_in_one_shape(form: str) -> None:
    event, own = FORMS[form]
    (row,), entries, _ = read_all(compact(event))
    assert entries == []
    assert row["source"] == "azure_activity"
    expected = {**SAME, **own, "form": form}
    assert {name: row[name] for name in expected} == expected
    assert row["operation"].lower() == "microsoft.compute/disks/write"
    assert row["provider"].lower() == "microsoft.compute"
    assert row["subscription"].lower() == "5ub"
    assert json.loads(row["claims"]) == CLAIMS
    assert json.loads(row["authorization"]) == AUTHORIZATION
    assert json.loads(row["properties"]) == PROPERTIES
    assert json.loads(row["_raw"]) == event


def test_a_service_principal_is_named_by_its_object_id() -> None:
    claims = {key: value for key, value in CLAIMS.items() if key != UPN}
    (row,), _, _ = read_all(compact({**RESOURCE_LOG, "identity": {"claims": claims}}))
    assert (row["caller"], row["upn"], row["principal_type"]) == ("obj-1", None, None)


def test_a_resource_inside_a_resource_keeps_every_type() -> None:
    resource = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/a/databases/b"
    (row,), _, _ = read_all(compact({**REST, "resourceId": resource, "resourceType": None}))
    assert (row["resource_type"], row["resource"]) == ("Microsoft.Sql/servers/databases", "b")


@pytest.mark.parametrize("category", ["AuditLogs", "SignInLogs", "StorageRead"])
def test_other_azure_logs_in_the_same_envelope_are_not_activity(category: str) -> None:
    rows, entries, _ = read_all(compact({**RESOURCE_LOG, "category": category}))
    assert (rows, codes(entries)) == ([], ["E425"])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"records": [RESOURCE_LOG]}, id="Event Hub batch"),
        pytest.param({"value": [REST], "nextLink": "https://example.org/next"}, id="REST list"),
        pytest.param([{"data": REST, "eventType": "x"}], id="wrapped in data"),
        pytest.param({"tables": [{"name": "t", "columns": [{"name": k} for k in LOG_ANALYTICS], "rows": [list(LOG_ANALYTICS.values())]}]}, id="query answer"),
    ],
)
def test_azure_envelopes_are_opened(data: object) -> None:
    rows, entries, _ = read_all(compact(data))
    assert [row["correlation_id"] for row in rows] == ["cor-1"]
    assert entries == []


ENTRY: dict[str, Any] = {
    "insertId": "ins-1",
    "logName": "projects/p-1/logs/cloudaudit.googleapis.com%2Factivity",
    "timestamp": "2026-05-04T10:00:00.123456789Z",
    "receiveTimestamp": "2026-05-04T10:00:02Z",
    "severity": "NOTICE",
    "operation": {"id": "op-1", "first": True, "producer": "compute.googleapis.com"},
    "resource": {"type": "gce_instance", "labels": {"project_id": "p-1", "zone": "europe-west1-b", "instance_id": "42"}},
    "protoPayload": {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "serviceName": "compute.googleapis.com",
        "methodName": "v1.compute.instances.insert",
        "resourceName": "projects/p-1/zones/europe-west1-b/instances/web",
        "authenticationInfo": {"principalEmail": "cho@example.org", "principalSubject": "user:cho@example.org"},
        "requestMetadata": {"callerIp": "203.0.113.9", "callerSuppliedUserAgent": "curl/8"},
        "status": {"code": 7, "message": "denied"},
        "request": {"name": "web"},
        "authorizationInfo": [{"permission": "compute.instances.create", "granted": False}],
        "serviceData": {"policyDelta": {"bindingDeltas": [{"action": "ADD"}]}},
    },
}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ENTRY, id="one entry"),
        pytest.param([ENTRY], id="array"),
        pytest.param({"message": {"data": base64.b64encode(compact(ENTRY)).decode(), "messageId": "1"}, "subscription": "s"}, id="Pub/Sub push"),
        pytest.param({"receivedMessages": [{"ackId": "a", "message": {"data": base64.b64encode(compact(ENTRY)).decode()}}]}, id="Pub/Sub pull"),
        pytest.param([{"ackId": "a", "message": {"data": base64.b64encode(compact(ENTRY)).decode()}}], id="Pub/Sub command line"),
        pytest.param({"entries": [ENTRY]}, id="entries.list"),
    ],
)
def test_google_entries_land_in_columns(data: object) -> None:
    (row,), entries, _ = read_all(compact(data))
    assert entries == []
    expected = {
        "source": "gcp_audit",
        "_time": datetime(2026, 5, 4, 10, 0, 0, 123456, tzinfo=UTC),
        "_id": "ins-1|2026-05-04T10:00:00.123456789Z|projects/p-1/logs/cloudaudit.googleapis.com%2Factivity",
        "method": "v1.compute.instances.insert",
        "service": "compute.googleapis.com",
        "principal_email": "cho@example.org",
        "caller_ip": "203.0.113.9",
        "user_agent": "curl/8",
        "project": "p-1",
        "zone": "europe-west1-b",
        "resource_type": "gce_instance",
        "status_code": 7,
        "status_message": "denied",
        "operation_first": True,
        "operation_last": None,
        "received": datetime(2026, 5, 4, 10, 0, 2, tzinfo=UTC),
        "request": '{"name":"web"}',
        "response": None,
        "policy_delta": '{"bindingDeltas":[{"action":"ADD"}]}',
        "_raw": compact(ENTRY).decode(),
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("inner", ["not base64!", base64.b64encode(b"not json").decode()])
def test_a_message_that_cannot_be_opened_is_quarantined(inner: str) -> None:
    rows, entries, records = read_all(compact([{"message": {"data": inner}}, ENTRY]))
    assert (len(rows), len(entries), records) == (1, 1, 2)
    assert entries[0].code in ("E428", "E420")


def test_other_google_logs_are_not_audit_logs() -> None:
    rows, entries, _ = read_all(compact({"textPayload": "hello", "timestamp": ENTRY["timestamp"], "logName": "projects/p/logs/syslog"}))
    assert (rows, codes(entries)) == ([], ["E425"])


def test_cloudtrail_lands_in_columns() -> None:
    issuer = {"type": "Role", "arn": "arn:aws:iam::111122223333:role/Ops", "principalId": "AROAX", "accountId": "111122223333", "userName": "Ops"}
    session = {"sessionIssuer": issuer, "attributes": {"creationDate": "2026-05-04T09:00:00Z", "mfaAuthenticated": "false"}}
    event = cloudtrail(1, errorCode="Client.UnauthorizedOperation", sessionCredentialFromConsole="true", tlsDetails={"tlsVersion": "TLSv1.3"})
    event["userIdentity"] = {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Ops/s", "sessionContext": session}
    (row,), _, _ = read_all(compact(event))
    expected = {
        "event_name": "StopInstances",
        "error_code": "Client.UnauthorizedOperation",
        "error_message": None,
        "read_only": False,
        "management_event": None,
        "identity_type": "AssumedRole",
        "identity_user_name": None,
        "issuer_user_name": "Ops",
        "session_created": datetime(2026, 5, 4, 9, tzinfo=UTC),
        "mfa": "false",
        "console": "true",
        "request": '{"instancesSet":{"items":[{"instanceId":"i-0001"}]}}',
        "response": None,
        "tls": '{"tlsVersion":"TLSv1.3"}',
    }
    assert {name: row[name] for name in expected} == expected
    assert AWS_CLOUDTRAIL.row(event)["identity"] == compact(event["userIdentity"]).decode()


@pytest.mark.parametrize(
    ("member", "value", "column", "expected"),
    [
        ("eventName", 7, "event_name", "7"),
        ("eventName", {"a": 1}, "event_name", '{"a":1}'),
        ("readOnly", "true", "read_only", True),
        ("readOnly", "maybe", "read_only", None),
        ("userIdentity", "root", "identity_type", None),
        ("requestParameters", "text", "request", '"text"'),
        ("requestParameters", {}, "request", "{}"),
    ],
)
def test_values_of_an_unexpected_type_are_kept_or_null_but_never_fatal(member: str, value: object, column: str, expected: object) -> None:
    (row,), entries, _ = read_all(compact(cloudtrail(1, **{member: value})))
    assert entries == []
    assert row[column] == expected
    assert json.loads(row["_raw"])[member] == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-04T12:00:00+02:00", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("2026-05-04T10:00:00", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("2026-05-04 10:00:00.5Z", datetime(2026, 5, 4, 10, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_times_are_utc(text: str, expected: datetime) -> None:
    (row,), _, _ = read_all(compact(cloudtrail(1, eventTime=text)))
    assert row["_time"] == expected


def test_a_digest_file_holds_no_events() -> None:
    assert read_all(b'{"digestStartTime":"2026-05-04T10:00:00Z","logFiles":[{"hashValue":"x"}]}') == ([], [], 0)


def test_an_event_without_an_id_is_known_by_its_content() -> None:
    event = cloudtrail(1)
    del event["eventID"]
    (one, two, other), _, _ = read_all(compact([event, event, {**event, "eventName": "X"}]))
    assert one["_id"] == two["_id"] != other["_id"]
    assert one["_id"].startswith("content:")


def test_every_source_describes_its_columns_once() -> None:
    for one in SOURCES:
        names = [column.name for column in (*COMMON, *one.columns)]
        assert len(names) == len(set(names))
        assert all(column.description.endswith(".") for column in one.columns)
        assert one.schema.names == tuple(names)
        for form in one.forms:
            assert set(form.places) <= set(names)
    assert source("gcp_audit") is GCP_AUDIT
    assert AZURE_ACTIVITY.schema.get("claims").type is Type.DYNAMIC  # type: ignore[union-attr]  # the column is there
    with pytest.raises(KeyError, match="azure_activity"):
        source("azure")
