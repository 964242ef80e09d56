"""Google audit log entries: first and last of an operation, refusals at once, data access, system events."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

from livefire.emulation import Cloud, Emulation, Role, emulations, find

Raw: TypeAlias = dict[str, Any]
START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
GCP_STORIES = [e for e in emulations() if e.cloud is Cloud.GCP]
STORIES = pytest.mark.parametrize("emulation", GCP_STORIES, ids=lambda e: e.id)
PROJECT = "example-prod-417203"


def acts(emulation_id: str) -> list[Raw]:
    return [r.raw for r in find(emulation_id).generate(START, 0) if r.role is not Role.NOISE]


def firsts(records: list[Raw]) -> list[Raw]:
    return [r for r in records if r.get("operation", {}).get("first")]


@STORIES
def test_every_entry_has_the_log_entry_envelope(emulation: Emulation) -> None:
    for entry in emulation.generate(START, 1).raws():
        assert {"protoPayload", "insertId", "resource", "timestamp", "severity", "logName", "receiveTimestamp"} <= set(entry)
        payload = entry["protoPayload"]
        assert payload["@type"] == "type.googleapis.com/google.cloud.audit.AuditLog"
        assert {"authenticationInfo", "requestMetadata", "serviceName", "methodName", "resourceName"} <= set(payload)
        assert payload["resourceName"].startswith(f"projects/{PROJECT}/")
        assert entry["resource"]["labels"]["project_id"] == PROJECT
        assert entry["timestamp"] < entry["receiveTimestamp"]


@STORIES
def test_an_operation_has_one_first_and_one_last(emulation: Emulation) -> None:
    operations: defaultdict[str, list[Raw]] = defaultdict(list)
    for entry in emulation.generate(START, 1).raws():
        if "operation" in entry:
            operations[entry["operation"]["id"]].append(entry)
    for entries in operations.values():
        marks = [(e["operation"].get("first", False), e["operation"].get("last", False)) for e in entries]
        assert marks in ([(True, False), (False, True)], [(True, True)])
        assert len({(e["protoPayload"]["methodName"], e["protoPayload"]["resourceName"]) for e in entries}) == 1


@STORIES
def test_request_and_authorization_stand_in_the_first_and_status_in_the_last(emulation: Emulation) -> None:
    for entry in emulation.generate(START, 1).raws():
        operation, payload = entry.get("operation"), entry["protoPayload"]
        if operation is None:
            continue
        assert ("request" in payload) == ("authorizationInfo" in payload) == bool(operation.get("first"))
        if "status" in payload:
            assert operation["last"]
            assert (payload["status"]["code"] > 0, entry["severity"]) == (True, "ERROR")
        else:
            assert entry["severity"] == "NOTICE"


def test_an_instance_insert_in_its_first_and_last_entry() -> None:
    first, last = acts("T1578.002/gcp-create-instance")
    payload = first["protoPayload"]
    assert payload["methodName"] == "v1.compute.instances.insert"
    assert payload["request"]["machineType"].endswith(f"/projects/{PROJECT}/zones/us-central1-a/machineTypes/e2-micro")
    assert payload["request"]["@type"] == "type.googleapis.com/compute.instances.insert"
    assert "sourceImage" in payload["request"]["disks"][0]["initializeParams"]
    assert payload["response"]["name"] == first["operation"]["id"] == last["operation"]["id"]
    assert payload["response"]["targetId"] == first["resource"]["labels"]["instance_id"] == last["resource"]["labels"]["instance_id"]
    assert payload["response"]["status"] == "RUNNING"
    # More than one permission is checked for one insert: a rule on authorizationInfo[0] alone misses the others.
    assert [a["permission"] for a in payload["authorizationInfo"]][:2] == ["compute.instances.create", "compute.disks.create"]
    assert payload["authenticationInfo"] == {"principalEmail": "j.meyer@example.com", "principalSubject": "user:j.meyer@example.com"}
    assert "command/gcloud.compute.instances.create" in payload["requestMetadata"]["callerSuppliedUserAgent"]
    assert first["timestamp"] < last["timestamp"]
    assert set(last["protoPayload"]) == {"@type", "authenticationInfo", "requestMetadata", "serviceName", "methodName", "resourceName"}


def test_a_quota_is_told_in_the_last_entry() -> None:
    first, last = acts("T1578.002/gcp-gpu-refused")[:2]
    assert first["protoPayload"]["methodName"] == "beta.compute.instances.insert"
    assert first["protoPayload"]["request"]["@type"] == "type.googleapis.com/compute.instances.insert"
    assert "status" not in first["protoPayload"]
    assert last["protoPayload"]["status"]["code"] == 8


def test_a_missing_permission_is_told_at_once() -> None:
    (entry,) = acts("T1578.002/gcp-create-denied")
    assert (entry["operation"]["first"], entry["operation"]["last"]) == (True, True)
    assert entry["protoPayload"]["status"]["code"] == 7
    granted = {a["permission"]: a["granted"] for a in entry["protoPayload"]["authorizationInfo"]}
    assert granted["compute.instances.create"] is False
    assert entry["severity"] == "ERROR"


def test_the_boot_disk_swap_links_snapshot_disk_and_instance() -> None:
    records = firsts(acts("T1578.004/gcp-boot-disk-swap"))
    assert [r["protoPayload"]["methodName"].rsplit(".", 1)[1] for r in records] == ["stop", "insert", "detachDisk", "attachDisk", "start"]
    stop, insert, _, attach, start = records
    assert insert["protoPayload"]["request"]["sourceSnapshot"].endswith("/global/snapshots/app01-golden")
    assert attach["protoPayload"]["request"]["source"].endswith(insert["protoPayload"]["resourceName"])
    assert attach["protoPayload"]["request"]["boot"] is True
    assert stop["resource"]["labels"] == attach["resource"]["labels"] == start["resource"]["labels"]
    assert (insert["resource"]["type"], stop["resource"]["type"]) == ("gce_disk", "gce_instance")


def test_a_snapshot_is_logged_on_the_disk_and_shared_on_the_snapshot() -> None:
    made, shared = firsts(acts("T1578/gcp-share-snapshot"))
    assert (made["protoPayload"]["methodName"], made["resource"]["type"]) == ("v1.compute.disks.createSnapshot", "gce_disk")
    assert (shared["protoPayload"]["methodName"], shared["resource"]["type"]) == ("v1.compute.snapshots.setIamPolicy", "gce_snapshot")
    assert shared["protoPayload"]["resourceName"].endswith(f"/snapshots/{made['protoPayload']['request']['name']}")
    assert shared["protoPayload"]["request"]["policy"]["bindings"][0]["members"] == ["user:drop.box@example.net"]
    # A snapshot is global: no zone label.
    assert "zone" not in shared["resource"]["labels"]


def test_the_group_manager_acts_through_googles_agent() -> None:
    first = acts("T1578.002/gcp-managed-instance-group")[0]["protoPayload"]
    assert first["authenticationInfo"]["principalEmail"] == "604187293351@cloudservices.gserviceaccount.com"
    assert first["authenticationInfo"]["principalSubject"].startswith("serviceAccount:")
    assert first["requestMetadata"]["callerIp"] == "private"


def test_scheduled_snapshots_are_system_events() -> None:
    for entry in acts("T1578/gcp-scheduled-snapshots"):
        assert entry["logName"].endswith("%2Fsystem_event")
        assert entry["protoPayload"]["methodName"] == "ScheduledSnapshots"
        assert entry["protoPayload"]["authenticationInfo"] == {"principalEmail": "system@google.com"}
        assert "operation" not in entry


def test_lists_and_gets_are_data_access() -> None:
    reads = [r for e in GCP_STORIES for r in e.generate(START, 1).raws() if r["logName"].endswith("data_access")]
    assert reads
    for entry in reads:
        assert entry["protoPayload"]["methodName"].endswith((".list", ".get"))
        assert entry["severity"] == "INFO"
        assert {a["permissionType"] for a in entry["protoPayload"]["authorizationInfo"]} == {"ADMIN_READ"}
        assert "operation" not in entry
