"""CloudTrail records: the paths the EC2 API and CloudTrail documentation give each action, and ids that link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from livefire.emulation import Cloud, Role, Telemetry, emulations, find

Raw: TypeAlias = dict[str, Any]
START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
AWS_STORIES = [e for e in emulations() if e.cloud is Cloud.AWS]
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html: always present.
ENVELOPE = {
    "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "requestParameters",
    "responseElements", "eventID", "readOnly", "eventType", "managementEvent", "recipientAccountId", "eventCategory",
}  # fmt: skip
# What a detection reads, per action; [] goes into each element, ? marks what only success has.
PATHS = {
    "RunInstances": (
        "requestParameters.instancesSet.items[].imageId", "requestParameters.instancesSet.items[].minCount",
        "requestParameters.instancesSet.items[].maxCount", "requestParameters.blockDeviceMapping", "requestParameters.clientToken",
        "?responseElements.reservationId", "?responseElements.ownerId", "?responseElements.instancesSet.items[].instanceId",
        "?responseElements.instancesSet.items[].imageId", "?responseElements.instancesSet.items[].instanceType",
        "?responseElements.instancesSet.items[].launchTime", "?responseElements.instancesSet.items[].instanceState.code",
        "?responseElements.instancesSet.items[].placement.availabilityZone", "?responseElements.instancesSet.items[].metadataOptions.httpTokens",
        "?responseElements.instancesSet.items[].networkInterfaceSet.items[].attachment.attachmentId",
    ),
    "StopInstances": (
        "requestParameters.instancesSet.items[].instanceId", "requestParameters.force", "?responseElements.instancesSet.items[].previousState.name",
    ),
    "StartInstances": ("requestParameters.instancesSet.items[].instanceId", "?responseElements.instancesSet.items[].currentState.code"),
    "TerminateInstances": ("requestParameters.instancesSet.items[].instanceId", "?responseElements.instancesSet.items[].currentState.name"),
    "CreateSnapshot": (
        "requestParameters.volumeId", "responseElements.snapshotId", "responseElements.volumeId", "responseElements.status",
        "responseElements.startTime", "responseElements.volumeSize", "responseElements.encrypted", "responseElements.ownerId",
    ),
    "CreateVolume": (
        "requestParameters.zone", "requestParameters.volumeType", "responseElements.volumeId", "responseElements.size", "responseElements.createTime",
        "responseElements.status", "responseElements.encrypted",
    ),
    "AttachVolume": ("requestParameters.volumeId", "requestParameters.instanceId", "requestParameters.device", "responseElements.status"),
    "DetachVolume": ("requestParameters.volumeId", "requestParameters.instanceId", "requestParameters.device", "responseElements.status"),
    "RegisterImage": (
        "requestParameters.name", "requestParameters.rootDeviceName", "requestParameters.blockDeviceMapping.items[].deviceName",
        "requestParameters.blockDeviceMapping.items[].ebs.snapshotId", "responseElements.imageId",
    ),
    "ModifySnapshotAttribute": (
        "requestParameters.snapshotId", "requestParameters.createVolumePermission", "requestParameters.attributeType", "responseElements._return",
    ),
    "CreateReplaceRootVolumeTask": (
        "requestParameters.CreateReplaceRootVolumeTaskRequest.InstanceId", "requestParameters.CreateReplaceRootVolumeTaskRequest.SnapshotId",
        "requestParameters.CreateReplaceRootVolumeTaskRequest.DeleteReplacedRootVolume",
        "responseElements.CreateReplaceRootVolumeTaskResponse.replaceRootVolumeTask.replaceRootVolumeTaskId",
    ),
}  # fmt: skip
# https://docs.aws.amazon.com/ec2/latest/instancetypes/
EXISTING_TYPES = {"t3.micro", "t3.medium", "m5.large", "p3.8xlarge", "p4d.24xlarge", "c6i.xlarge"}


def reach(value: Any, path: str) -> list[Any]:
    found = [value]
    for step in path.split("."):
        key, each = step.removesuffix("[]"), step.endswith("[]")
        found = [f[key] for f in found if isinstance(f, dict) and key in f]
        if each:
            found = [member for f in found for member in f]
    return found


def story(emulation_id: str, seed: int = 0) -> Telemetry:
    return find(emulation_id).generate(START, seed)


def acts(emulation_id: str, seed: int = 0) -> list[Raw]:
    return [r.raw for r in story(emulation_id, seed) if r.role is not Role.NOISE]


def one(records: list[Raw], event_name: str) -> Raw:
    (record,) = [r for r in records if r["eventName"] == event_name]
    return record


@pytest.mark.parametrize("event_name", PATHS)
def test_each_action_has_the_documented_paths(event_name: str) -> None:
    records = [r for e in AWS_STORIES for r in e.generate(START, 1).raws() if r["eventName"] == event_name]
    assert records
    for record in records:
        for path in PATHS[event_name]:
            if path.startswith("?") and "errorCode" in record:
                continue
            assert reach(record, path.removeprefix("?")), path


@pytest.mark.parametrize("emulation", AWS_STORIES, ids=lambda e: e.id)
def test_every_record_has_cloudtrails_envelope(emulation: Any) -> None:
    for record in emulation.generate(START, 1).raws():
        assert set(record) >= ENVELOPE
        assert ("errorCode" in record) == ("errorMessage" in record)
        if "errorCode" in record:
            assert record["responseElements"] is None
        if record["readOnly"]:
            assert record["eventName"].startswith(("Describe", "Get", "List", "AssumeRole"))
        if record["eventType"] == "AwsApiCall":
            answer = record["responseElements"] or {}
            inner = answer.get(f"{record['eventName']}Response", answer)
            # EC2 repeats its request id in the answer, flat or wrapped.
            assert inner.get("requestId", record["requestID"]) == record["requestID"]


@pytest.mark.parametrize("emulation", AWS_STORIES, ids=lambda e: e.id)
def test_a_session_is_older_than_its_calls_and_no_older_than_an_hour(emulation: Any) -> None:
    for record in emulation.generate(START, 1).raws():
        context = record["userIdentity"].get("sessionContext")
        if context:
            age = datetime.fromisoformat(record["eventTime"]) - datetime.fromisoformat(context["attributes"]["creationDate"])
            assert timedelta(0) <= age <= timedelta(hours=1)


def test_only_existing_instance_types_are_launched() -> None:
    types = {t for e in AWS_STORIES for r in e.generate(START, 1).raws() for t in reach(r, "responseElements.instancesSet.items[].instanceType")}
    asked = {
        t for e in AWS_STORIES for r in e.generate(START, 1).raws() if r["eventName"] == "RunInstances" for t in reach(r, "requestParameters.instanceType")
    }
    assert types | asked == EXISTING_TYPES
    # A launch template names the type; p3.8xlarge was refused and so is never in an answer.
    assert "p3.8xlarge" not in types


def test_a_staged_snapshot_is_the_one_just_made_of_the_volume_just_made() -> None:
    records = acts("T1578.002/aws-snapshot-to-instance")
    assert [r["eventName"] for r in records] == ["CreateVolume", "CreateSnapshot", "RunInstances"]
    volume, snapshot, launch = records
    assert snapshot["requestParameters"]["volumeId"] == volume["responseElements"]["volumeId"]
    (mapping,) = launch["requestParameters"]["blockDeviceMapping"]["items"]
    assert mapping["ebs"]["snapshotId"] == snapshot["responseElements"]["snapshotId"]
    # The link is in the request only: EC2 answers an empty mapping at launch.
    assert reach(launch, "responseElements.instancesSet.items[].blockDeviceMapping") == [{}]
    # The published test wants one identity and one session throughout.
    assert volume["userIdentity"] == snapshot["userIdentity"] == launch["userIdentity"]


def test_a_restored_volume_takes_the_place_of_the_detached_one() -> None:
    records = acts("T1578.004/aws-volume-from-snapshot")
    assert [r["eventName"] for r in records] == ["CreateVolume", "StopInstances", "DetachVolume", "AttachVolume", "StartInstances"]
    made, _, out, into, _ = records
    assert made["requestParameters"]["snapshotId"] == made["responseElements"]["snapshotId"]
    assert into["requestParameters"]["volumeId"] == made["responseElements"]["volumeId"] != out["requestParameters"]["volumeId"]
    assert into["requestParameters"]["device"] == out["requestParameters"]["device"] == "/dev/xvda"
    machines = {path for r in records for p in ("requestParameters.instanceId", "requestParameters.instancesSet.items[].instanceId") for path in reach(r, p)}
    assert len(machines) == 1


def test_the_registered_image_is_launched() -> None:
    image, launch = acts("T1578.004/aws-image-from-snapshot")
    assert reach(launch, "requestParameters.instancesSet.items[].imageId") == [image["responseElements"]["imageId"]]


def test_the_launched_instance_is_terminated_within_the_hour() -> None:
    launch, end = acts("T1578/aws-terminate-instance")
    assert reach(launch, "responseElements.instancesSet.items[].instanceId") == reach(end, "requestParameters.instancesSet.items[].instanceId")
    assert reach(end, "responseElements.instancesSet.items[].previousState") == [{"code": 16, "name": "running"}]
    assert reach(end, "responseElements.instancesSet.items[].currentState") == [{"code": 32, "name": "shutting-down"}]


@pytest.mark.parametrize("seed", range(5))
def test_stop_and_start_are_minutes_apart(seed: int) -> None:
    stop, start = acts("T1578.004/aws-stop-start", seed)
    apart = datetime.fromisoformat(start["eventTime"]) - datetime.fromisoformat(stop["eventTime"])
    # Three polls of 15 s at least, and well within any window of 30 minutes.
    assert timedelta(seconds=45) <= apart <= timedelta(minutes=2)


def test_a_share_adds_the_foreign_account_to_the_snapshot_just_made() -> None:
    snapshot, share = acts("T1578/aws-share-snapshot")
    assert share["requestParameters"] == {
        "snapshotId": snapshot["responseElements"]["snapshotId"],
        "createVolumePermission": {"add": {"items": [{"userId": "777788889999"}]}},
        "attributeType": "CREATE_VOLUME_PERMISSION",
    }


def test_a_public_share_names_a_group_and_no_account() -> None:
    _, share = acts("T1578/aws-share-snapshot-public")
    assert share["requestParameters"]["createVolumePermission"] == {"add": {"items": [{"group": "all"}]}}


def test_taking_back_a_share_removes() -> None:
    account, everybody = (r["requestParameters"]["createVolumePermission"] for r in acts("T1578/aws-unshare-snapshot"))
    assert account == {"remove": {"items": [{"userId": "999999999999"}]}}
    assert everybody == {"remove": {"items": [{"group": "all"}]}}


def test_an_iam_user_is_a_long_term_key_and_has_no_session() -> None:
    identity = acts("T1578.002/aws-run-instances")[0]["userIdentity"]
    assert identity["type"] == "IAMUser"
    assert identity["arn"] == "arn:aws:iam::111122223333:user/deploy-legacy"
    assert identity["accessKeyId"].startswith("AKIA")
    assert "sessionContext" not in identity


def test_auto_scaling_acts_as_the_account_through_its_service_linked_role() -> None:
    for record in acts("T1578.002/aws-autoscaling-launch"):
        assert record["userIdentity"]["type"] == "AssumedRole"
        names = {record["userIdentity"]["invokedBy"], record["sourceIPAddress"], record["userAgent"]}
        assert names == {"autoscaling.amazonaws.com"}
        issuer = record["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"]
        assert issuer == "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        # The template names the type, and a service's call has no TLS of the account's own.
        assert "instanceType" not in record["requestParameters"]
        assert "launchTemplate" in record["requestParameters"]
        assert "tlsDetails" not in record


def test_a_launch_from_a_public_image_brings_the_service_event_two_seconds_later() -> None:
    telemetry = story("T1578.002/aws-run-instances")
    (launch,) = telemetry.evidence
    (shared,) = [r for r in telemetry if r.raw["eventName"] == "SharedSnapshotVolumeCreated"]
    assert shared.role is Role.NOISE
    assert shared.time - launch.time == timedelta(seconds=2)
    raw = shared.raw
    # Own use of a public image: both accounts the same, no identity type, a service event.
    assert raw["userIdentity"] == {"accountId": raw["recipientAccountId"], "invokedBy": "ec2.amazonaws.com"}
    assert (raw["eventType"], raw["requestParameters"]) == ("AwsServiceEvent", None)
    assert raw["serviceEventDetails"]["snapshotId"].startswith("snap-")


def test_refusals_carry_prefixed_codes_and_no_answer() -> None:
    codes = {r.get("errorCode") for e in AWS_STORIES for r in e.generate(START, 1).raws()}
    assert codes == {None, "Client.VcpuLimitExceeded", "Client.DryRunOperation", "Client.UnauthorizedOperation", "Client.OperationNotPermitted"}


def test_refused_launches_come_before_those_elsewhere() -> None:
    records = acts("T1578.002/aws-refused-then-elsewhere")
    assert [r.get("errorCode", "") for r in records] == ["Client.VcpuLimitExceeded"] * 3 + [""] * 2
    assert [r["awsRegion"] for r in records] == ["us-east-1"] * 3 + ["ap-southeast-3"] * 2
    assert [len(reach(r, "responseElements.instancesSet.items[].instanceId")) for r in records[3:]] == [6, 6]
    # User data is never in the log; a region has a network of its own.
    assert records[3]["requestParameters"]["userData"] == "<sensitiveDataRemoved>"
    assert records[3]["requestParameters"]["subnetId"] != records[0]["requestParameters"]["subnetId"]
    hosts = reach(records[3], "responseElements.instancesSet.items[].privateDnsName")
    assert all(h.endswith(".ap-southeast-3.compute.internal") for h in hosts)


def test_newer_actions_are_wrapped() -> None:
    (record,) = acts("T1578.004/aws-replace-root-volume")
    assert list(record["requestParameters"]) == ["CreateReplaceRootVolumeTaskRequest"]
    assert list(record["responseElements"]) == ["CreateReplaceRootVolumeTaskResponse"]
    assert record["responseElements"]["CreateReplaceRootVolumeTaskResponse"]["xmlns"] == "http://ec2.amazonaws.com/doc/2016-11-15/"


def test_the_nightly_schedule_spans_the_night() -> None:
    stop, start = acts("T1578.004/aws-nightly-stop-start")
    assert datetime.fromisoformat(start["eventTime"]) - datetime.fromisoformat(stop["eventTime"]) == timedelta(hours=11)
    assert len(reach(stop, "requestParameters.instancesSet.items[].instanceId")) == 3
