"""CloudTrail records of EC2 actions, in the shape EC2 gives each action.

Older actions write lists as `{"items": [...]}`; in newer, wrapped ones a list of one becomes an object.
Action parameters: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from livefire.emulation.actors import AWS, AwsActor
from livefire.emulation.cloudtrail import EC2, Failure, Request, call_flat, call_wrapped, describe, epoch_ms, identity_arn, items, stamp
from livefire.emulation.scene import Scene

# (cores, threads per core) of the types used; https://docs.aws.amazon.com/ec2/latest/instancetypes/
INSTANCE_TYPES: Mapping[str, tuple[int, int]] = {
    "t3.micro": (1, 2),
    "t3.medium": (1, 2),
    "m5.large": (1, 2),
    "m5d.large": (1, 2),
    "c6i.xlarge": (2, 2),
    "g4dn.xlarge": (2, 2),
    "p3.8xlarge": (16, 2),
    "p4d.24xlarge": (48, 2),
}
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


VCPU_LIMIT = Failure(
    "Client.VcpuLimitExceeded",
    "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type "
    "belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
)
DRY_RUN = Failure("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
PROTECTED = Failure(
    "Client.OperationNotPermitted",
    "The instance may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
)


def denied(actor: AwsActor, action: str) -> Failure:
    """Return the refusal of an action no policy allows."""
    who = identity_arn(actor)
    return Failure(
        "Client.UnauthorizedOperation",
        f"You are not authorized to perform this operation. User: {who} is not authorized to perform: {action} "
        f"because no identity-based policy allows the {action} action.",
    )


@dataclass(frozen=True, slots=True)
class Launch:
    """Options of one RunInstances call; `snapshots` are (device, snapshot id) pairs to attach at launch."""

    image: str
    instance_type: str = "t3.micro"
    name: str = ""
    count: int = 1
    snapshots: tuple[tuple[str, str], ...] = ()
    template: bool = False
    profile: str = ""
    key_name: str = ""
    user_data: bool = False
    interface: str = ""
    """Attach this existing network interface instead of naming subnet and group."""
    group: str = ""
    """Another security group than the network's own."""
    region: str = AWS.region


@dataclass(frozen=True, slots=True)
class _Network:
    vpc: str
    subnet: str
    group: str


def _network(region: str) -> _Network:
    if region == AWS.region:
        return _Network(AWS.vpc, AWS.subnet, AWS.security_group)
    # Every region has its own default network: derived, so that one region's ids stay the same.
    digits = uuid.uuid5(uuid.NAMESPACE_DNS, f"{AWS.account}.{region}").hex
    return _Network(f"vpc-0{digits[:16]}", f"subnet-0{digits[4:20]}", f"sg-0{digits[8:24]}")


def _tags(name: str) -> list[dict[str, str]]:
    return [{"key": "Name", "value": name}]


def _tag_specification(resource_type: str, name: str) -> dict[str, Any]:
    return items([{"resourceType": resource_type, "tags": _tags(name)}])


def run_instances(scene: Scene, actor: AwsActor, launch: Launch, failure: Failure | None = None) -> tuple[str, ...]:
    """Write RunInstances and return the new instance ids: none when it failed.

    The instance type is at `requestParameters.instanceType` and absent when a launch template gives it; snapshots appear in
    the request's `blockDeviceMapping` only, the response's is `{}` at launch.
    """
    token = scene.ids.uuid()
    request: Request = {"instancesSet": items([{"imageId": launch.image, "minCount": launch.count, "maxCount": launch.count}])}
    if launch.key_name:
        request["keyName"] = launch.key_name
    if launch.user_data:
        request["userData"] = "<sensitiveDataRemoved>"
    if not launch.template:
        request["instanceType"] = launch.instance_type
    mappings = [{"deviceName": device, "ebs": {"snapshotId": snapshot, "deleteOnTermination": True}} for device, snapshot in launch.snapshots]
    request["blockDeviceMapping"] = items(mappings) if mappings else {}
    request["monitoring"] = {"enabled": False}
    if not launch.interface:
        request["subnetId"] = _network(launch.region).subnet
    request["disableApiTermination"] = False
    request["disableApiStop"] = False
    request["clientToken"] = token
    if launch.interface:
        interface = {"networkInterfaceId": launch.interface, "deviceIndex": 0, "deleteOnTermination": False}
        request["networkInterfaceSet"] = items([interface])
        request["ebsOptimized"] = False
        request["creditSpecification"] = {"cpuCredits": "unlimited"}
        request["hibernationOptions"] = {"configured": False}
    else:
        request["groupSet"] = items([{"groupId": launch.group or _network(launch.region).group}])
    if launch.profile:
        request["iamInstanceProfile"] = {"name": launch.profile}
    if launch.template:
        request["launchTemplate"] = {"launchTemplateId": AWS.launch_template, "version": "7"}
    if launch.name:
        request["tagSpecificationSet"] = _tag_specification("instance", launch.name)
    instances = [] if failure else [_instance(scene, launch, token, index) for index in range(launch.count)]
    response = {
        "reservationId": scene.ids.ec2("r"),
        "ownerId": actor.account,
        "groupSet": {},
        "instancesSet": items(instances),
    }
    call_flat(scene, actor, "RunInstances", request, response, failure=failure, region=launch.region)
    return tuple(str(i["instanceId"]) for i in instances)


def _instance(scene: Scene, launch: Launch, token: str, index: int) -> dict[str, Any]:
    address = f"10.20.{scene.ids.random.randrange(0, 16)}.{scene.ids.random.randrange(10, 250)}"
    host = f"ip-{address.replace('.', '-')}." + ("ec2.internal" if launch.region == "us-east-1" else f"{launch.region}.compute.internal")
    cores, threads = INSTANCE_TYPES[launch.instance_type]
    network = _network(launch.region)
    instance: dict[str, Any] = {
        "instanceId": scene.ids.ec2("i"),
        "imageId": launch.image,
        "currentInstanceBootMode": "uefi",
        "instanceState": {"code": STATES["pending"], "name": "pending"},
        "privateDnsName": host,
    }
    if launch.key_name:
        instance["keyName"] = launch.key_name
    instance |= {
        "amiLaunchIndex": index,
        "productCodes": {},
        "instanceType": launch.instance_type,
        "launchTime": epoch_ms(scene.now),
        "placement": {"availabilityZone": f"{launch.region}a", "tenancy": "default"},
        "monitoring": {"state": "disabled"},
        "subnetId": network.subnet,
        "vpcId": network.vpc,
        "privateIpAddress": address,
        "stateReason": {"code": "pending", "message": "pending"},
        "architecture": "x86_64",
        "rootDeviceType": "ebs",
        "rootDeviceName": "/dev/xvda",
        "blockDeviceMapping": {},
        "virtualizationType": "hvm",
        # The API answers xen for Nitro instances too.
        "hypervisor": "xen",
    }
    if launch.name:
        instance["tagSet"] = items(_tags(launch.name))
    groups = items([{"groupId": launch.group or network.group, "groupName": "app" if launch.group else "default"}])
    instance |= {
        "clientToken": token,
        "groupSet": groups,
        "sourceDestCheck": True,
        "networkInterfaceSet": items([_interface(scene, launch, address, host, groups)]),
    }
    if launch.profile:
        arn = f"arn:aws:iam::{AWS.account}:instance-profile/{launch.profile}"
        instance["iamInstanceProfile"] = {"arn": arn, "id": "AIPA" + scene.ids.base32(17)}
    instance |= {"ebsOptimized": False, "enaSupport": True, "cpuOptions": {"coreCount": cores, "threadsPerCore": threads}}
    instance["capacityReservationSpecification"] = {"capacityReservationPreference": "open"}
    if launch.interface:
        instance["hibernationOptions"] = {"configured": False}
    instance["enclaveOptions"] = {"enabled": False}
    instance["metadataOptions"] = {
        "state": "pending",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2,
        "httpEndpoint": "enabled",
        "httpProtocolIpv4": "enabled",
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "disabled",
    }
    instance["maintenanceOptions"] = {"autoRecovery": "default"}
    instance["privateDnsNameOptions"] = {"hostnameType": "ip-name", "enableResourceNameDnsARecord": False, "enableResourceNameDnsAAAARecord": False}
    return instance


def _interface(scene: Scene, launch: Launch, address: str, host: str, groups: Mapping[str, Any]) -> dict[str, Any]:
    octets = scene.ids.hexadecimal(10)
    network = _network(launch.region)
    return {
        "networkInterfaceId": launch.interface or scene.ids.ec2("eni"),
        "subnetId": network.subnet,
        "vpcId": network.vpc,
        "ownerId": AWS.account,
        "status": "in-use",
        "macAddress": "0e:" + ":".join(octets[i : i + 2] for i in range(0, 10, 2)),
        "privateIpAddress": address,
        "privateDnsName": host,
        "sourceDestCheck": True,
        "interfaceType": "interface",
        "groupSet": dict(groups),
        "attachment": {
            "attachmentId": scene.ids.ec2("eni-attach"),
            "deviceIndex": 0,
            "networkCardIndex": 0,
            "status": "attaching",
            "attachTime": epoch_ms(scene.now),
            "deleteOnTermination": not launch.interface,
        },
        "privateIpAddressesSet": {"item": [{"privateIpAddress": address, "privateDnsName": host, "primary": True}]},
        "ipv6AddressesSet": {},
        "tagSet": {},
    }


@dataclass(frozen=True, slots=True)
class _Change:
    event_name: str
    was: str
    now: str
    extra: tuple[tuple[str, Any], ...] = ()


_STOP = _Change("StopInstances", "running", "stopping", (("force", False),))
_START = _Change("StartInstances", "stopped", "pending")
_TERMINATE = _Change("TerminateInstances", "running", "shutting-down")


def _transition(scene: Scene, actor: AwsActor, change: _Change, instances: Sequence[str], failure: Failure | None = None) -> None:
    request = {"instancesSet": items([{"instanceId": i} for i in instances]), **dict(change.extra)}
    states = {
        "currentState": {"code": STATES[change.now], "name": change.now},
        "previousState": {"code": STATES[change.was], "name": change.was},
    }
    response = {"instancesSet": items([{"instanceId": i, **states} for i in instances])}
    call_flat(scene, actor, change.event_name, request, response, failure=failure)


def stop_instances(scene: Scene, actor: AwsActor, *instances: str, failure: Failure | None = None) -> None:
    """Write StopInstances, running to stopping."""
    _transition(scene, actor, _STOP, instances, failure)


def start_instances(scene: Scene, actor: AwsActor, *instances: str) -> None:
    """Write StartInstances, stopped to pending."""
    _transition(scene, actor, _START, instances)


def terminate_instances(scene: Scene, actor: AwsActor, *instances: str, failure: Failure | None = None) -> None:
    """Write TerminateInstances, running to shutting-down."""
    _transition(scene, actor, _TERMINATE, instances, failure)


def create_snapshot(scene: Scene, actor: AwsActor, volume: str, name: str, size: int = 8) -> str:
    """Write CreateSnapshot of a volume (size in GiB) and return the snapshot id."""
    snapshot = scene.ids.ec2("snap")
    request = {"volumeId": volume, "description": name, "tagSpecificationSet": _tag_specification("snapshot", name)}
    response = {
        "snapshotId": snapshot,
        "volumeId": volume,
        "status": "pending",
        "startTime": int(scene.now.timestamp() * 1000),
        "ownerId": actor.account,
        "volumeSize": str(size),
        "description": name,
        "encrypted": False,
        "tagSet": items(_tags(name)),
    }
    call_flat(scene, actor, "CreateSnapshot", request, response)
    return snapshot


def create_volume(scene: Scene, actor: AwsActor, name: str, snapshot: str = "", size: int = 8) -> str:
    """Write CreateVolume (size in GiB), empty or from a snapshot, and return the volume id."""
    volume = scene.ids.ec2("vol")
    zone = f"{AWS.region}a"
    origin = {"snapshotId": snapshot} if snapshot else {}
    request = {
        **({} if snapshot else {"size": str(size)}),
        **origin,
        "zone": zone,
        "volumeType": "gp3",
        "tagSpecificationSet": _tag_specification("volume", name),
        "clientToken": scene.ids.uuid(),
    }
    response = {
        "volumeId": volume,
        "size": str(size),
        **origin,
        "zone": zone,
        "status": "creating",
        "createTime": epoch_ms(scene.now),
        "volumeType": "gp3",
        "iops": 3000,
        "throughput": 125,
        "encrypted": False,
        "tagSet": items(_tags(name)),
        "multiAttachEnabled": False,
    }
    call_flat(scene, actor, "CreateVolume", request, response)
    return volume


def attach_volume(scene: Scene, actor: AwsActor, volume: str, instance: str, device: str) -> None:
    """Write AttachVolume."""
    place = {"volumeId": volume, "instanceId": instance, "device": device}
    response = {**place, "status": "attaching", "attachTime": epoch_ms(scene.now), "deleteOnTermination": False}
    call_flat(scene, actor, "AttachVolume", {**place, "deleteOnTermination": False}, response)


def detach_volume(scene: Scene, actor: AwsActor, volume: str, instance: str, device: str) -> None:
    """Write DetachVolume of a volume attached twelve days ago."""
    place = {"volumeId": volume, "instanceId": instance, "device": device}
    attached = epoch_ms(scene.now - timedelta(days=12))
    response = {**place, "status": "detaching", "attachTime": attached, "deleteOnTermination": True}
    call_flat(scene, actor, "DetachVolume", {**place, "force": False}, response)


def register_image(scene: Scene, actor: AwsActor, name: str, snapshot: str) -> str:
    """Write RegisterImage with the snapshot as root device and return the image id."""
    image = scene.ids.ec2("ami")
    ebs = {"snapshotId": snapshot, "volumeSize": 8, "deleteOnTermination": True, "volumeType": "gp3"}
    request = {
        "name": name,
        "architecture": "x86_64",
        "rootDeviceName": "/dev/xvda",
        "blockDeviceMapping": items([{"deviceName": "/dev/xvda", "ebs": ebs}]),
        "virtualizationType": "hvm",
        "sriovNetSupport": "simple",
        "enaSupport": True,
    }
    call_flat(scene, actor, "RegisterImage", request, {"imageId": image})
    return image


def share_snapshot(scene: Scene, actor: AwsActor, snapshot: str, *, account: str = "", remove: bool = False) -> None:
    """Write ModifySnapshotAttribute: permission for an account, or without one for everybody (group `all`)."""
    grantee = {"userId": account} if account else {"group": "all"}
    request = {
        "snapshotId": snapshot,
        "createVolumePermission": {"remove" if remove else "add": items([grantee])},
        "attributeType": "CREATE_VOLUME_PERMISSION",
    }
    call_flat(scene, actor, "ModifySnapshotAttribute", request, {"_return": True})


def modify_instance(scene: Scene, actor: AwsActor, instance: str, attribute: str, value: object) -> None:
    """Write ModifyInstanceAttribute: the attribute in an object of its own, user data as the text CloudTrail puts in its place."""
    given = "<sensitiveDataRemoved>" if attribute == "userData" else {"value": value}
    call_flat(scene, actor, "ModifyInstanceAttribute", {"instanceId": instance, attribute: given}, {"_return": True})


def metadata_options(scene: Scene, actor: AwsActor, instance: str, tokens: str) -> None:
    """Write ModifyInstanceMetadataOptions, a wrapped action; `tokens` is required or optional."""
    options = {"state": "pending", "httpTokens": tokens, "httpPutResponseHopLimit": 2, "httpEndpoint": "enabled"}
    request = {"InstanceId": instance, "HttpTokens": tokens, "HttpPutResponseHopLimit": 2}
    call_wrapped(scene, actor, "ModifyInstanceMetadataOptions", request, {"instanceId": instance, "instanceMetadataOptions": options})


def replace_root_volume(scene: Scene, actor: AwsActor, instance: str, snapshot: str) -> str:
    """Write CreateReplaceRootVolumeTask, a wrapped action, and return the task id."""
    task = scene.ids.ec2("replacevol")
    request = {"InstanceId": instance, "SnapshotId": snapshot, "DeleteReplacedRootVolume": True, "ClientToken": scene.ids.uuid()}
    body = {
        "replaceRootVolumeTaskId": task,
        "instanceId": instance,
        "taskState": "pending",
        "startTime": stamp(scene.now),
        "snapshotId": snapshot,
        "deleteReplacedRootVolume": True,
    }
    call_wrapped(scene, actor, "CreateReplaceRootVolumeTask", request, {"replaceRootVolumeTask": body})
    return task


def require_metadata_tokens(scene: Scene, actor: AwsActor, instance: str) -> None:
    """Write ModifyInstanceMetadataOptions hardening one instance."""
    metadata_options(scene, actor, instance, "required")


def public_image_volume_created(scene: Scene, region: str = AWS.region) -> None:
    """Write the SharedSnapshotVolumeCreated service event two seconds from now.

    It follows every launch from a public image: the volume comes from a snapshot another account shares. Both account
    fields name the same account here; when they differ, someone else used our snapshot.
    """
    with scene.noise(2):
        shared_snapshot_used(scene, scene.ids.ec2("snap"), AWS.account, region=region)


def shared_snapshot_used(
    scene: Scene, snapshot: str, account: str, event: str = "SharedSnapshotVolumeCreated", region: str = AWS.region, owner: str = AWS.account
) -> None:
    """Write the service event that an account made a volume, or with another event name a copy, of a snapshot shared by its owner."""
    event_id = scene.ids.uuid()
    raw = {
        "eventVersion": "1.11",
        "userIdentity": {"accountId": account, "invokedBy": EC2},
        "eventTime": stamp(scene.now),
        "eventSource": EC2,
        "eventName": event,
        "awsRegion": region,
        "sourceIPAddress": EC2,
        "userAgent": EC2,
        "requestParameters": None,
        "responseElements": None,
        "eventID": event_id,
        "readOnly": False,
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": owner,
        "sharedEventID": scene.ids.uuid(),
        "serviceEventDetails": {"snapshotId": snapshot},
        "eventCategory": "Management",
    }
    scene.add(event_id, raw, scene.now.replace(microsecond=0))


def describe_instances(scene: Scene, actor: AwsActor, *instances: str) -> None:
    """Write DescribeInstances for the given instances, or for all that run."""
    wanted = items([{"instanceId": i} for i in instances]) if instances else {}
    running = items([{"name": "instance-state-name", "valueSet": items([{"value": "running"}])}])
    describe(scene, actor, "DescribeInstances", {"instancesSet": wanted, "filterSet": {} if instances else running})


def describe_snapshots(scene: Scene, actor: AwsActor, *snapshots: str) -> None:
    """Write DescribeSnapshots, what `aws ec2 wait snapshot-completed` does."""
    wanted = items([{"snapshotId": s} for s in snapshots]) if snapshots else {}
    describe(scene, actor, "DescribeSnapshots", {"snapshotSet": wanted, "ownersSet": {}, "sharedUsersSet": {}, "filterSet": {}})


def describe_volumes(scene: Scene, actor: AwsActor, *volumes: str) -> None:
    """Write DescribeVolumes for the given volumes, or for all."""
    wanted = items([{"volumeId": v} for v in volumes]) if volumes else {}
    describe(scene, actor, "DescribeVolumes", {"volumeSet": wanted, "filterSet": {}})


def instance_role(actor_ip: str, instance: str) -> AwsActor:
    """Return the identity an instance itself acts under: the role session is named after the instance."""
    return replace(_INSTANCE_ROLE, name=instance, ip=actor_ip)


_INSTANCE_ROLE = AwsActor(
    "",
    "AROAQ3EXMPL5S6ZLBTYJP",
    role="app-server",
    key="ASIAQ3EXMPL5W2GQN7DK",
    agent="aws-sdk-go/1.51.11 (go1.21.9; linux; amd64) amazon-ssm-agent/",
    on_instance=True,
)
