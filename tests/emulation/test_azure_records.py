"""Azure Activity records: two or three rows an action, cases, JSON inside strings, and the portal's form of them."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

from livefire.emulation import Cloud, Emulation, Role, emulations, find
from livefire.emulation.azure import portal_form

Raw: TypeAlias = dict[str, Any]
START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
AZURE_STORIES = [e for e in emulations() if e.cloud is Cloud.AZURE]
STORIES = pytest.mark.parametrize("emulation", AZURE_STORIES, ids=lambda e: e.id)
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"


def acts(emulation_id: str) -> list[Raw]:
    return [r.raw for r in find(emulation_id).generate(START, 0) if r.role is not Role.NOISE]


def rows(records: list[Raw], operation: str) -> list[Raw]:
    return [r for r in records if r["operationName"] == operation.upper()]


def last_body(records: list[Raw], operation: str) -> Raw:
    answer: Raw = json.loads(rows(records, operation)[-1]["properties"]["responseBody"])
    return answer


def administrative(emulation: Emulation) -> list[Raw]:
    return [r for r in emulation.generate(START, 1).raws() if r["category"] == "Administrative"]


@STORIES
def test_rows_of_an_action_share_the_correlation_and_come_in_order(emulation: Emulation) -> None:
    actions: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in administrative(emulation):
        actions[row["correlationId"], row["operationName"], row["resourceId"]].append(row["resultType"])
    assert actions
    assert {tuple(results) for results in actions.values()} <= {("Start", "Accept", "Success"), ("Start", "Success"), ("Start", "Failure")}


@STORIES
def test_upper_case_outside_original_case_inside(emulation: Emulation) -> None:
    for row in administrative(emulation):
        properties = row["properties"]
        assert row["operationName"] == properties["message"].upper() != properties["message"]
        assert row["resourceId"] == properties["entity"].upper() != properties["entity"]
        assert row["identity"]["authorization"]["action"] == properties["message"]
        assert row["identity"]["authorization"]["scope"] == properties["entity"]


@STORIES
def test_the_signature_joins_the_result_and_the_status_code(emulation: Emulation) -> None:
    words = {"Start": "Started", "Accept": "Accepted", "Success": "Succeeded", "Failure": "Failed"}
    for row in administrative(emulation):
        status = row["properties"].get("statusCode", "")
        assert row["resultSignature"] == f"{words[row['resultType']]}.{status}"
        assert (status == "") == (row["resultType"] == "Start")


@STORIES
def test_people_have_a_upn_and_services_only_a_guid(emulation: Emulation) -> None:
    for row in administrative(emulation):
        claims, evidence = row["identity"]["claims"], row["identity"]["authorization"]["evidence"]
        assert evidence["principalType"] == ("User" if UPN in claims else "ServicePrincipal")
        assert evidence["principalId"] == uuid.UUID(claims[OBJECT_ID]).hex
        assert int(claims["iat"]) <= datetime.fromisoformat(row["time"][:19] + "+00:00").timestamp() < int(claims["exp"])


def test_a_new_machine_is_answered_created_in_a_deployment() -> None:
    records = acts("T1578.002/azure-create-vm")
    machine = rows(records, "Microsoft.Compute/virtualMachines/write")
    assert [r["resultSignature"] for r in machine] == ["Started.", "Accepted.Created", "Succeeded.Created"]
    body = last_body(records, "Microsoft.Compute/virtualMachines/write")
    assert body["properties"]["hardwareProfile"] == {"vmSize": "Standard_B1s"}
    assert body["properties"]["storageProfile"]["osDisk"]["createOption"] == "FromImage"
    assert body["tags"] == "******"
    # Parts of a deployment carry its correlation id; the resource group came before it with its own.
    deployment = rows(records, "Microsoft.Resources/deployments/write")
    interface = rows(records, "Microsoft.Network/networkInterfaces/write")
    group = rows(records, "Microsoft.Resources/subscriptions/resourceGroups/write")
    assert {r["correlationId"] for r in (*deployment, *interface, *machine)} == {deployment[0]["correlationId"]}
    assert group[0]["correlationId"] != deployment[0]["correlationId"]
    assert deployment[0]["time"] < interface[0]["time"] < machine[0]["time"] < machine[-1]["time"] < deployment[-1]["time"]
    assert machine[0]["callerIpAddress"] == machine[0]["identity"]["claims"]["ipaddr"]


def test_details_stand_in_the_last_row_only_as_a_string() -> None:
    machine = rows(acts("T1578.002/azure-create-vm"), "Microsoft.Compute/virtualMachines/write")
    assert ["responseBody" in r["properties"] for r in machine] == [False, False, True]
    assert isinstance(machine[-1]["properties"]["responseBody"], str)


def test_a_tag_update_is_the_same_write_answered_ok() -> None:
    update = acts("T1578.002/azure-vm-tag-update")
    assert {r["operationName"] for r in update} == {"MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE"}
    assert [r["resultSignature"] for r in update] == ["Started.", "Succeeded.OK"]
    assert json.loads(update[0]["properties"]["requestbody"]) == {"tags": {"owner": "******"}}


def test_a_disk_copied_from_a_snapshot_becomes_the_os_disk() -> None:
    records = acts("T1578.004/azure-disk-from-snapshot")
    disk = last_body(records, "Microsoft.Compute/disks/write")
    creation = disk["properties"]["creationData"]
    assert creation["createOption"] == "Copy"
    assert creation["sourceResourceId"].endswith("/providers/Microsoft.Compute/snapshots/app01-golden")
    machine = last_body(records, "Microsoft.Compute/virtualMachines/write")
    os_disk = machine["properties"]["storageProfile"]["osDisk"]
    assert (os_disk["createOption"], os_disk["managedDisk"]["id"]) == ("Attach", disk["id"])
    # The published test wants 201 for the disk; the machine is changed, not created.
    assert rows(records, "Microsoft.Compute/disks/write")[-1]["resultSignature"] == "Succeeded.Created"
    assert rows(records, "Microsoft.Compute/virtualMachines/write")[-1]["resultSignature"] == "Succeeded.OK"
    order = list(dict.fromkeys(r["operationName"].split("/", 1)[1] for r in records))
    assert order == ["DISKS/WRITE", "VIRTUALMACHINES/DEALLOCATE/ACTION", "VIRTUALMACHINES/WRITE", "VIRTUALMACHINES/START/ACTION"]


def test_an_empty_disk_has_no_source() -> None:
    assert last_body(acts("T1578.004/azure-empty-disk"), "Microsoft.Compute/disks/write")["properties"]["creationData"] == {"createOption": "Empty"}


def test_snapshot_then_capture_in_order() -> None:
    records = acts("T1578/azure-snapshot-and-capture")
    snapshot = last_body(records, "Microsoft.Compute/snapshots/write")
    assert snapshot["properties"]["creationData"]["sourceResourceId"].endswith("/disks/app04_OsDisk_1")
    assert snapshot["sku"] == {"name": "Standard_LRS"}
    order = list(dict.fromkeys(r["operationName"].split("/", 1)[1] for r in records))
    assert order == [
        "SNAPSHOTS/WRITE",
        "VIRTUALMACHINES/DEALLOCATE/ACTION",
        "VIRTUALMACHINES/GENERALIZE/ACTION",
        "VIRTUALMACHINES/CAPTURE/ACTION",
        "IMAGES/WRITE",
    ]


def test_a_refusal_says_why_in_json() -> None:
    start, failure = acts("T1578.002/azure-vm-refused")
    assert (start["resultType"], failure["resultType"], failure["resultSignature"]) == ("Start", "Failure", "Failed.Conflict")
    assert failure["level"] == "Error"
    assert json.loads(failure["properties"]["statusMessage"])["error"]["code"] == "OperationNotAllowed"


def test_azure_backup_is_known_by_its_application_not_by_a_name() -> None:
    records = acts("T1578/azure-backup-snapshots")
    assert {r["identity"]["claims"]["appid"] for r in records} == {"262044b1-e2ce-469f-a196-69ab7ada62d3"}
    assert all(UPN not in r["identity"]["claims"] and "name" not in r["identity"]["claims"] for r in records)


def test_advisor_rows_have_neither_caller_nor_identity() -> None:
    rows_seen = [r for e in AZURE_STORIES for seed in range(3) for r in e.generate(START, seed).raws() if r["category"] == "Recommendation"]
    assert rows_seen
    for row in rows_seen:
        assert row["resultType"] == "Active"
        assert "identity" not in row
        assert "callerIpAddress" not in row


def test_policy_audits_are_single_rows_of_their_own_category() -> None:
    audits = [r for e in AZURE_STORIES for seed in range(3) for r in e.generate(START, seed).raws() if r["category"] == "Policy"]
    assert len({r["correlationId"] for r in audits}) == len(audits) > 0
    for row in audits:
        assert (row["resultType"], row["resultSignature"]) == ("Success", "Succeeded.")
        assert json.loads(row["properties"]["policies"])[0]["policyDefinitionEffect"] == "audit"


def test_a_managed_identity_names_its_resource() -> None:
    tagged = [r for e in AZURE_STORIES for seed in range(3) for r in e.generate(START, seed).raws() if r["operationName"] == "MICROSOFT.RESOURCES/TAGS/WRITE"]
    assert tagged
    assert all("/policyAssignments/" in r["identity"]["claims"]["xms_mirid"] for r in tagged)


@STORIES
def test_the_portal_form_tells_the_same_event(emulation: Emulation) -> None:
    words = {"Start": "Started", "Accept": "Accepted", "Success": "Succeeded", "Failure": "Failed", "Active": "Active"}
    for raw in emulation.generate(START, 1).raws():
        event = portal_form(raw)
        assert event["status"]["value"] == words[raw["resultType"]]
        assert event["operationName"]["value"].upper() == raw["operationName"]
        assert event["eventTimestamp"] == raw["time"]
        assert event["correlationId"] == raw["correlationId"]
        assert event["resourceId"].upper() == raw["resourceId"]
        assert event["properties"] == raw["properties"]
        assert uuid.UUID(event["eventDataId"])


def test_the_portal_form_of_one_row_in_full() -> None:
    raw = rows(acts("T1578.004/azure-disk-from-snapshot"), "Microsoft.Compute/disks/write")[-1]
    event = portal_form(raw)
    assert event["caller"] == "j.meyer@example.com"
    assert event["level"] == "Informational"
    assert event["eventName"]["value"] == "EndRequest"
    assert event["operationName"] == {"value": "Microsoft.Compute/disks/write", "localizedValue": "Create or Update Disk"}
    assert event["subStatus"]["value"] == "Created"
    assert event["resourceGroupName"] == "rg-app-prod"
    assert event["resourceProviderName"]["value"] == "Microsoft.Compute"
    assert event["resourceType"]["value"] == "Microsoft.Compute/disks"
    # Ticks are 100 ns since the year 1: 739,678 days and 9 hours to 2026-03-04T09:00, so 63,908,211,600 s.
    ticks = int(event["id"].rsplit("/", 1)[1])
    assert 0 <= ticks - 63_908_211_600 * 10_000_000 < 60 * 10_000_000
    assert ticks % 10_000_000 == int(raw["time"][20:27])


def test_the_portal_form_calls_a_service_principal_by_its_guid() -> None:
    raw = acts("T1578/azure-backup-snapshots")[0]
    assert portal_form(raw)["caller"] == raw["identity"]["claims"][OBJECT_ID]


def test_the_portal_form_drops_the_verb_of_an_action_from_the_type() -> None:
    raw = acts("T1578.004/azure-reimage")[0]
    assert portal_form(raw)["resourceType"]["value"] == "Microsoft.Compute/virtualMachines"
