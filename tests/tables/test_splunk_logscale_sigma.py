"""Splunk, LogScale and Sigma: raw names, what the add-ons and parsers make of them, and the table no product writes."""

from datetime import datetime

from livefire.plan.catalog import OpenRoot
from tests.tables import examples as x
from tests.tables.shown import shown, table


def test_splunk_writes_success_where_cloudtrail_has_no_error() -> None:
    call, failure = shown(table("aws:cloudtrail", "splunk"), [x.AWS_CALL, x.AWS_FAILURE], "errorCode", "status", "action")
    assert list(call.values()) == ["success", "success", "created"]
    assert list(failure.values()) == ["Client.InstanceLimitExceeded", "failure", "created"]


def test_splunk_names_of_people_and_places() -> None:
    call, root = shown(
        table("aws:cloudtrail", "splunk"), [x.AWS_CALL, x.AWS_SIGN_IN], "user", "userName", "src", "user_arn", "vendor_region", "userIdentity.type"
    )
    assert list(call.values()) == ["jo", "Deploy", "198.51.100.7", "arn:aws:sts::111122223333:assumed-role/Deploy/jo", "eu-west-1", "AssumedRole"]
    assert list(root.values()) == ["root", None, "2001:db8::7", "arn:aws:iam::111122223333:root", "us-east-1", "Root"]


def test_splunk_azure_rest_names_also_for_a_resource_log() -> None:
    columns = ("operationName.value", "status.value", "caller", "result", "object")
    start, end, portal = shown(
        table("mscs:azure:audit", "splunk"), [x.azure("Start", "Started."), x.azure("Success", "Succeeded.Created"), x.AZURE_PORTAL], *columns
    )
    assert list(start.values()) == ["MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE", "Started", "jo@example.com", None, "WEB1"]
    assert list(end.values()) == ["MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE", "Succeeded", "jo@example.com", "success", "WEB1"]
    assert list(portal.values()) == ["Microsoft.Compute/snapshots/write", "Succeeded", "jo@example.com", "success", "copy1"]


def test_splunk_event_hub_words_also_for_the_rest_form() -> None:
    (portal,) = shown(table("mscs:azure:eventhub", "splunk"), [x.AZURE_PORTAL], "resultType", "body.resultType", "operationName")
    assert list(portal.values()) == ["Success", "Success", "Microsoft.Compute/snapshots/write"]


def test_splunk_gcp_stands_under_data() -> None:
    found = table("google:gcp:pubsub:message", "splunk")
    (row,) = shown(found, [x.GCP_DENIED], "data.protoPayload.methodName", "data.protoPayload.status.code", "user", "status", "data.operation.first")
    assert list(row.values()) == ["v1.compute.instances.insert", 7, "Jo@example.com", "failure", None]
    assert found.roots[-1] == OpenRoot("data.", "~raw", "splunk")


def test_roots_come_longest_first_so_that_hot_columns_are_read() -> None:
    for name, vendor in (("aws:cloudtrail", "splunk"), ("aws-cloudtrail", "logscale"), ("sigma/aws/cloudtrail", "sigma")):
        prefixes = [r.prefix for r in table(name, vendor).roots]
        assert all(not later.startswith(earlier) or earlier == later for i, earlier in enumerate(prefixes) for later in prefixes[i:])


def test_logscale_has_tags_standard_fields_and_the_raw_event() -> None:
    found = table("aws-cloudtrail", "logscale")
    call, sign_in = shown(
        found, [x.AWS_CALL, x.AWS_SIGN_IN], "#Vendor", "#event.dataset", "#event.outcome", "event.action", "Vendor.eventName", "Vendor.requestParameters"
    )
    assert list(call.values()) == ["aws", "cloudtrail.ec2", "success", "RunInstances", "RunInstances", None]
    assert list(sign_in.values()) == ["aws", "cloudtrail.auth", "failure", "ConsoleLogin", "ConsoleLogin", None]
    assert found.tags["#Vendor"] == "aws"


def test_logscale_outcome_of_the_other_clouds() -> None:
    azure = shown(
        table("microsoft-azure-activity", "logscale"), [x.azure("Start", "Started."), x.azure("Success", "Succeeded.OK"), x.AZURE_PRINCIPAL], "#event.outcome"
    )
    gcp = shown(table("google-cloud-audit", "logscale"), [x.GCP_FIRST, x.GCP_LAST, x.GCP_DENIED], "#event.outcome")
    assert [r["#event.outcome"] for r in azure] == ["unknown", "success", "failure"]
    assert [r["#event.outcome"] for r in gcp] == ["unknown", "success", "failure"]


def test_the_compatibility_table_holds_the_changes_of_all_clouds() -> None:
    found = table("CloudResourceModification", "logscale")
    data_access = x.gcp("g-9") | {"logName": "projects/shop/logs/cloudaudit.googleapis.com%2Fdata_access"}
    events = [x.AWS_CALL, x.AWS_READ, x.azure("Success", "Succeeded.OK"), x.GCP_LAST, data_access]
    columns = ("OperationName", "ActorUserName", "ResourceType", "ResourceName", "aid", "timestamp")
    rows = [tuple(r.values()) for r in shown(found, events, *columns)]
    # The read and the data access are no changes. 2026-05-01T10:00Z is 1,777,629,600 s after 1970.
    ten = 1_777_629_600_000
    assert rows == [
        ("RunInstances", "Deploy", "instance", "i-1", "111122223333", ten),
        ("MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE", "jo@example.com", "MICROSOFT.COMPUTE/VIRTUALMACHINES", "WEB1", x.SUBSCRIPTION, ten + 123),
        ("v1.compute.instances.insert", "Jo@example.com", "gce_instance", "projects/shop/zones/europe-west1-b/instances/web1", "shop", ten + 500),
    ]
    assert found.compatibility
    assert found.tags["#event_simpleName"] == "CloudResourceModification"


def test_sigma_names_both_the_raw_event_and_the_normalised_one() -> None:
    columns = ("operationName", "OperationNameValue", "ActivityStatusValue", "properties.message", "_time")
    (azure,) = shown(table("sigma/azure/activitylogs", "sigma"), [x.AZURE_PORTAL], *columns)
    assert list(azure.values()) == ["Microsoft.Compute/snapshots/write"] * 2 + ["Succeeded", "Microsoft.Compute/snapshots/write", datetime(2026, 5, 1, 10)]
    (gcp,) = shown(table("sigma/gcp/gcp.audit", "sigma"), [x.GCP_DENIED], "gcp.audit.method_name", "data.protoPayload.methodName", "protoPayload.methodName")
    assert list(gcp.values()) == ["v1.compute.instances.insert"] * 3
