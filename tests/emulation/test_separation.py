"""Each published attack can be told from every look-alike of its cloud by what stands in the logs.

The predicates below are written as a careful analyst would, from the fields alone plus two lists every company has: its
own accounts and the roles of its automation. They see all records of a story, noise included.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from livefire.emulation import Emulation, Kind, emulations, find

Raw: TypeAlias = dict[str, Any]
START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
OWN_ACCOUNTS = {"111122223333", "444455556666"}
AUTOMATION = {"ci-infrastructure", "image-builder-packer", "instance-scheduler-execution", "config-management", "ml-training"}
BACKUP_SERVICE = "262044b1-e2ce-469f-a196-69ab7ada62d3"
ROOT_DEVICES = {"/dev/xvda", "/dev/sda1"}


def succeeded(records: Sequence[Raw], name: str) -> Iterator[Raw]:
    return (r for r in records if r["eventName"] == name and "errorCode" not in r)


def by_hand(record: Raw) -> bool:
    identity = record["userIdentity"]
    issuer = identity.get("sessionContext", {}).get("sessionIssuer", {}).get("userName", "")
    return "invokedBy" not in identity and issuer not in AUTOMATION


def moment(record: Raw) -> datetime:
    return datetime.fromisoformat(record["eventTime"])


def ids_in(part: Raw) -> set[str]:
    return {item["instanceId"] for item in part["instancesSet"]["items"]}


def launches(records: Sequence[Raw]) -> bool:
    return any(by_hand(r) for r in succeeded(records, "RunInstances"))


def mounts_fresh_snapshot(records: Sequence[Raw]) -> bool:
    fresh = {r["responseElements"]["snapshotId"] for r in succeeded(records, "CreateSnapshot")}
    mappings = [m for r in succeeded(records, "RunInstances") for m in r["requestParameters"]["blockDeviceMapping"].get("items", [])]
    return any(m["ebs"]["snapshotId"] in fresh for m in mappings)


def bounces(records: Sequence[Raw]) -> bool:
    return any(
        ids_in(stop["requestParameters"]) & ids_in(start["requestParameters"]) and timedelta(0) <= moment(start) - moment(stop) < timedelta(minutes=30)
        for stop in succeeded(records, "StopInstances")
        for start in succeeded(records, "StartInstances")
        if by_hand(start)
    )


def swaps_root(records: Sequence[Raw]) -> bool:
    restored = {r["responseElements"]["volumeId"] for r in succeeded(records, "CreateVolume") if "snapshotId" in r["requestParameters"]}
    attached = [r["requestParameters"] for r in succeeded(records, "AttachVolume") if by_hand(r)]
    return any(a["volumeId"] in restored and a["device"] in ROOT_DEVICES for a in attached)


def launches_registered_image(records: Sequence[Raw]) -> bool:
    images = {r["responseElements"]["imageId"] for r in succeeded(records, "RegisterImage")}
    return any(by_hand(r) and r["requestParameters"]["instancesSet"]["items"][0]["imageId"] in images for r in succeeded(records, "RunInstances"))


def shares_outside(records: Sequence[Raw]) -> bool:
    added = [
        grantee
        for r in succeeded(records, "ModifySnapshotAttribute")
        for grantee in r["requestParameters"]["createVolumePermission"].get("add", {}).get("items", [])
    ]
    return any(g.get("group") == "all" or g.get("userId", "") not in OWN_ACCOUNTS for g in added)


def short_lived(records: Sequence[Raw]) -> bool:
    return any(
        by_hand(end) and ids_in(run["responseElements"]) & ids_in(end["requestParameters"]) and moment(end) - moment(run) < timedelta(hours=1)
        for run in succeeded(records, "RunInstances")
        for end in succeeded(records, "TerminateInstances")
    )


def done(records: Sequence[Raw], operation: str) -> list[Raw]:
    return [r for r in records if r["operationName"] == operation.upper() and r["resultType"] == "Success"]


def body(row: Raw) -> Raw:
    answer: Raw = json.loads(row["properties"]["responseBody"])["properties"]
    return answer


def person_creates_machine(records: Sequence[Raw]) -> bool:
    rows = done(records, "Microsoft.Compute/virtualMachines/write")
    return any(r["properties"]["statusCode"] == "Created" and r["identity"]["authorization"]["evidence"]["principalType"] == "User" for r in rows)


def reverts_os_disk(records: Sequence[Raw]) -> bool:
    copies = [r["properties"]["entity"] for r in done(records, "Microsoft.Compute/disks/write") if body(r)["creationData"]["createOption"] == "Copy"]
    swapped = [body(r)["storageProfile"]["osDisk"] for r in done(records, "Microsoft.Compute/virtualMachines/write")]
    return any(s["createOption"] == "Attach" and s["managedDisk"]["id"] in copies for s in swapped)


def copies_machine(records: Sequence[Raw]) -> bool:
    snapshots = [r for r in done(records, "Microsoft.Compute/snapshots/write") if r["identity"]["claims"]["appid"] != BACKUP_SERVICE]
    captures = [*done(records, "Microsoft.Compute/virtualMachines/capture/action"), *done(records, "Microsoft.Compute/images/write")]
    return bool(snapshots and captures)


def person_creates_instance(records: Sequence[Raw]) -> bool:
    inserts = [r for r in records if r["protoPayload"]["methodName"].endswith("compute.instances.insert")]
    finished = {r["operation"]["id"] for r in inserts if r["operation"].get("last") and "status" not in r["protoPayload"]}
    started = [r for r in inserts if r["operation"].get("first") and r["operation"]["id"] in finished]
    return any(not r["protoPayload"]["authenticationInfo"]["principalEmail"].endswith("gserviceaccount.com") for r in started)


PREDICATES: dict[str, Callable[[Sequence[Raw]], bool]] = {
    "T1578.002/aws-run-instances": launches,
    "T1578.002/azure-create-vm": person_creates_machine,
    "T1578.002/gcp-create-instance": person_creates_instance,
    "T1578.002/aws-snapshot-to-instance": mounts_fresh_snapshot,
    "T1578.004/aws-stop-start": bounces,
    "T1578.004/aws-volume-from-snapshot": swaps_root,
    "T1578.004/azure-disk-from-snapshot": reverts_os_disk,
    "T1578.004/aws-image-from-snapshot": launches_registered_image,
    "T1578/aws-share-snapshot": shares_outside,
    "T1578/azure-snapshot-and-capture": copies_machine,
    "T1578/aws-terminate-instance": short_lived,
}
PAIRS = [
    (attack, look_alike)
    for attack in PREDICATES
    for look_alike in emulations()
    if look_alike.kind is Kind.LOOK_ALIKE and look_alike.cloud is find(attack).cloud
]


def test_every_published_attack_has_a_predicate() -> None:
    assert set(PREDICATES) == {e.id for e in emulations() if e.page_tests}


@pytest.mark.parametrize("attack", PREDICATES)
def test_the_attack_is_seen(attack: str) -> None:
    for seed in range(3):
        assert PREDICATES[attack](find(attack).generate(START, seed).raws())


@pytest.mark.parametrize("attack", PREDICATES)
def test_the_evidence_alone_is_enough(attack: str) -> None:
    assert PREDICATES[attack]([r.raw for r in find(attack).generate(START, 0).evidence])


@pytest.mark.parametrize("attack", PREDICATES)
def test_the_noise_alone_is_not(attack: str) -> None:
    telemetry = find(attack).generate(START, 0)
    assert not PREDICATES[attack]([r.raw for r in telemetry if r not in telemetry.evidence])


@pytest.mark.parametrize(("attack", "look_alike"), PAIRS, ids=lambda v: v.id if isinstance(v, Emulation) else v)
def test_the_look_alike_is_not_taken_for_it(attack: str, look_alike: Emulation) -> None:
    for seed in range(2):
        assert not PREDICATES[attack](look_alike.generate(START, seed).raws())
