"""Acts: what events of the three clouds did, in one vocabulary, and what was made from what."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from livefire.logsources.acts import COLUMNS, Link, found, read_act

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def row(source: str, **values: Any) -> dict[str, Any]:
    """Return an event's columns, null where nothing is said."""
    return {**dict.fromkeys(COLUMNS[source]), **values}


def test_a_volume_made_of_a_snapshot_is_linked_to_it() -> None:
    columns = row("aws_cloudtrail", event_name="CreateVolume", request={"snapshotId": "snap-0a"}, response={"volumeId": "vol-0b", "snapshotId": "snap-0a"})
    act = read_act("aws_cloudtrail", "e1", NOON, columns)
    assert (act.verb, act.done, act.key) == ("volume.create", True, "e1")
    assert act.links == (Link("snap-0a", "vol-0b", "createVolume"),)


def test_a_launch_is_linked_to_its_image_and_the_snapshots_it_mounts() -> None:
    request = {
        "instancesSet": {"items": [{"imageId": "ami-0c"}]},
        "blockDeviceMapping": {"items": [{"deviceName": "/dev/sdf", "ebs": {"snapshotId": "snap-0a"}}]},
    }
    response = {"instancesSet": {"items": [{"instanceId": "i-0d", "imageId": "ami-0c"}]}}
    act = read_act("aws_cloudtrail", "e2", NOON, row("aws_cloudtrail", event_name="RunInstances", request=request, response=response))
    assert {(link.parent, link.child) for link in act.links} == {("ami-0c", "i-0d"), ("snap-0a", "i-0d")}


def test_a_refused_call_is_an_act_that_was_not_done() -> None:
    act = read_act("aws_cloudtrail", "e3", NOON, row("aws_cloudtrail", event_name="RunInstances", error_code="Client.VcpuLimitExceeded"))
    assert not act.done


@pytest.mark.parametrize(("given", "verb"), [({"add": {"items": []}}, "snapshot.share"), ({"remove": {"items": []}}, "")])
def test_only_adding_a_permission_shares(given: dict[str, Any], verb: str) -> None:
    columns = row("aws_cloudtrail", event_name="ModifySnapshotAttribute", request={"snapshotId": "snap-0a", "createVolumePermission": given})
    assert read_act("aws_cloudtrail", "e4", NOON, columns).verb == verb


@pytest.mark.parametrize(("tokens", "verb"), [("optional", "instance.modify"), ("required", "")])
def test_requiring_tokens_hardens_and_changes_nothing_for_the_worse(tokens: str, verb: str) -> None:
    request = {"ModifyInstanceMetadataOptionsRequest": {"InstanceId": "i-0a", "HttpTokens": tokens}}
    assert read_act("aws_cloudtrail", "e9", NOON, row("aws_cloudtrail", event_name="ModifyInstanceMetadataOptions", request=request)).verb == verb


def test_the_actor_is_the_role_and_not_its_session() -> None:
    role, session = "arn:aws:iam::111122223333:role/ops", "arn:aws:sts::111122223333:assumed-role/ops/ann"
    assert read_act("aws_cloudtrail", "e5", NOON, row("aws_cloudtrail", event_name="StopInstances", issuer_arn=role, identity_arn=session)).actor == role


def test_rows_of_one_azure_action_have_one_key() -> None:
    shared = {"operation": "MICROSOFT.COMPUTE/DISKS/WRITE", "resource_id": "/SUBSCRIPTIONS/S/DISKS/D", "correlation_id": "c"}
    start, end = (read_act("azure_activity", r, NOON, row("azure_activity", result_type=r, **shared)) for r in ("Start", "Success"))
    assert start.key == end.key
    assert (start.done, end.done) == (False, True)


def test_an_azure_disk_is_linked_to_the_snapshot_in_its_answer() -> None:
    body = {"properties": {"creationData": {"createOption": "Copy", "sourceResourceId": "/subscriptions/s/Snapshots/GOLD"}}}
    columns = row(
        "azure_activity", operation="Microsoft.Compute/disks/write", resource_id="/subscriptions/s/disks/d", properties={"responseBody": json.dumps(body)}
    )
    act = read_act("azure_activity", "e6", NOON, columns)
    # Azure writes ids in either case: both ends are in lower case, so that they meet.
    assert act.links == (Link("/subscriptions/s/snapshots/gold", "/subscriptions/s/disks/d", "copy"),)


@pytest.mark.parametrize("text", ["not json", "[1]", ""])
def test_an_answer_that_is_no_object_is_no_fault(text: str) -> None:
    columns = row("azure_activity", operation="Microsoft.Compute/disks/write", resource_id="/d", properties={"responseBody": text})
    assert read_act("azure_activity", "e7", NOON, columns).links == ()


def test_google_names_a_snapshot_of_a_disk_in_the_request() -> None:
    columns = row(
        "gcp_audit", method="v1.compute.disks.createSnapshot", resource_name="projects/p/zones/z/disks/d", project="p", request={"name": "s"}, operation_id="o"
    )
    act = read_act("gcp_audit", "e8", NOON, columns)
    assert (act.verb, act.key, act.region) == ("snapshot.create", "o", "z")
    assert act.links == (Link("projects/p/zones/z/disks/d", "projects/p/global/snapshots/s", "copy"),)


def test_values_are_found_at_any_depth_each_once() -> None:
    assert found({"a": [{"id": "x"}, {"b": {"id": "y"}}], "id": "x", "n": 3}, "id") == ("x", "y")
