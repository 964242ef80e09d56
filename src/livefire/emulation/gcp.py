"""Google Cloud audit log entries of Compute Engine.

A long-running operation writes two entries that share `operation.id`: the first carries request, authorizationInfo and
the running operation, the last only who, what and, when it failed, the status. A call refused at once writes one entry.
LogEntry: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry
AuditLog: https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from livefire.emulation.actors import GCP, GcpActor
from livefire.emulation.scene import Scene

_API = "https://www.googleapis.com/compute/v1/"
ZONE = f"projects/{GCP.project}/zones/{GCP.zone}"
REGION = f"projects/{GCP.project}/regions/{GCP.region}"
GLOBAL = f"projects/{GCP.project}/global"
_GCLOUD = (
    "google-cloud-sdk gcloud/492.0.0 command/{command} invocation-id/{invocation} environment/None environment-version/None client-os/LINUX "
    "client-os-ver/6.8.0 client-pltf-arch/x86_64 interactive/True from-script/False python/3.11.9 term/xterm-256color (Linux 6.8.0-45-generic),gzip(gfe)"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A google.rpc.Status: 7 PERMISSION_DENIED, 8 RESOURCE_EXHAUSTED, ...; `at_once` when no operation was started."""

    code: int
    message: str
    at_once: bool = True


_LABELS = {
    "gce_instance": "instance_id",
    "gce_disk": "disk_id",
    "gce_snapshot": "snapshot_id",
    "gce_image": "image_id",
    "gce_firewall_rule": "firewall_rule_id",
    "gce_instance_group_manager": "instance_group_manager_id",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What an entry is about: its resource name, and the monitored resource's type and id label."""

    name: str
    kind: str
    number: str

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the monitored resource; https://cloud.google.com/monitoring/api/resources."""
        key = _LABELS.get(self.kind)
        parts = self.name.split("/")
        where = {"zone": parts[parts.index("zones") + 1]} if "zones" in parts else {}
        return {**({key: self.number} if key else {}), "project_id": GCP.project, **where}


def instance(scene: Scene, name: str, zone: str = GCP.zone) -> Target:
    """Return a virtual machine, of the company's zone unless another is given."""
    return Target(f"projects/{GCP.project}/zones/{zone}/instances/{name}", "gce_instance", scene.ids.digits(19))


def disk(scene: Scene, name: str) -> Target:
    """Return a zonal disk."""
    return Target(f"{ZONE}/disks/{name}", "gce_disk", scene.ids.digits(19))


def snapshot(scene: Scene, name: str) -> Target:
    """Return a global snapshot."""
    return Target(f"{GLOBAL}/snapshots/{name}", "gce_snapshot", scene.ids.digits(19))


def stamp(moment: datetime) -> str:
    """Return the time with six decimals and Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def link(name: str) -> str:
    """Return the full URL of a resource name."""
    return _API + name


def grant(permission: str, name: str, *, granted: bool = True) -> dict[str, Any]:
    """Return one authorizationInfo element; the resource type is the permission without its verb."""
    kind = permission.rsplit(".", 1)[0]
    read = permission.rsplit(".", 1)[1] in ("get", "list")
    return {
        "permission": permission,
        "granted": granted,
        "permissionType": "ADMIN_READ" if read else "ADMIN_WRITE",
        "resource": name,
        "resourceAttributes": {"service": "compute", "name": name, "type": kind},
    }


def _agent(scene: Scene, actor: GcpActor, method: str) -> str:
    if actor.agent != "gcloud":
        return actor.agent
    if ".compute." not in method:
        return _GCLOUD.format(command="gcloud." + method.rsplit(".", 1)[1], invocation=scene.ids.hexadecimal(32))
    command = "gcloud.compute." + method.split(".compute.", 1)[1]
    verbs = {"insert": "create", "createSnapshot": "snapshot", "attachDisk": "attach-disk", "detachDisk": "detach-disk"}
    head, verb = command.rsplit(".", 1)
    return _GCLOUD.format(command=f"{head}.{verbs.get(verb, verb)}", invocation=scene.ids.hexadecimal(32))


@dataclass(frozen=True, slots=True)
class _Writer:
    scene: Scene
    actor: GcpActor
    method: str
    target: Target
    agent: str
    trigger: str

    def entry(self, payload: Mapping[str, Any], operation: Mapping[str, Any] | None, *, log: str = "activity", severity: str = "NOTICE") -> None:
        scene = self.scene
        who: dict[str, Any] = {"principalEmail": self.actor.email}
        if self.actor.email != "system@google.com":
            who["principalSubject"] = self.actor.subject
        if self.actor.delegate:
            who["serviceAccountDelegationInfo"] = [{"firstPartyPrincipal": {"principalEmail": self.actor.delegate}}]
        metadata: dict[str, Any] = {"callerIp": self.actor.ip}
        if self.agent:
            metadata["callerSuppliedUserAgent"] = self.agent
        if operation is None or operation.get("first"):
            metadata |= {"requestAttributes": {"time": stamp(scene.now), "auth": {}}, "destinationAttributes": {}}
        insert_id = scene.ids.base36(12)
        raw: dict[str, Any] = {
            "protoPayload": {
                "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
                "authenticationInfo": who,
                "requestMetadata": metadata,
                "serviceName": "compute.googleapis.com",
                "methodName": self.method,
                "resourceName": self.target.name,
                **payload,
            },
            "insertId": insert_id,
            "resource": {"type": self.target.kind, "labels": self.target.labels},
            "timestamp": stamp(scene.now),
            "severity": severity,
            "logName": f"projects/{GCP.project}/logs/cloudaudit.googleapis.com%2F{log}",
            "receiveTimestamp": stamp(scene.now + timedelta(seconds=1.4)),
        }
        if self.trigger:
            raw["labels"] = {"compute.googleapis.com/root_trigger_id": self.trigger}
        if operation is not None:
            raw["operation"] = dict(operation)
        scene.add(insert_id, raw)


def operate(
    scene: Scene,
    actor: GcpActor,
    method: str,
    target: Target,
    request: Mapping[str, Any],
    *,
    permissions: Sequence[Mapping[str, Any]],
    seconds: float = 7.0,
    metadata: Mapping[str, Any] | None = None,
    failure: Failure | None = None,
) -> str:
    """Write the entries of one mutation and move the clock to its end; return the operation id.

    `method` is the full methodName, `v1.compute.instances.insert` or with a `beta.` prefix.
    """
    writer = _Writer(scene, actor, method, target, _agent(scene, actor, method), scene.ids.uuid())
    milliseconds = int(scene.now.timestamp() * 1000)
    operation_id = f"operation-{milliseconds}-{scene.ids.hexadecimal(13)}-{scene.ids.hexadecimal(8)}-{scene.ids.hexadecimal(8)}"
    link_op = {"id": operation_id, "producer": "compute.googleapis.com"}
    typed = {**request, "@type": "type.googleapis.com/" + method.split(".", 1)[1]}
    opening: dict[str, Any] = {"authorizationInfo": [dict(p) for p in permissions]}
    if failure is not None and failure.at_once:
        status = {"code": failure.code, "message": failure.message}
        writer.entry({**opening, "status": status, "request": typed}, {**link_op, "first": True, "last": True}, severity="ERROR")
        return operation_id
    opening |= {"request": typed, "response": _running(scene, actor, method, target, operation_id)}
    opening["resourceLocation"] = {"currentLocations": [target.labels.get("zone", GCP.region)]}
    if metadata is not None:
        opening["metadata"] = dict(metadata)
    writer.entry(opening, {**link_op, "first": True})
    scene.wait(seconds, seconds * 1.4)
    if failure is not None:
        writer.entry({"status": {"code": failure.code, "message": failure.message}}, {**link_op, "last": True}, severity="ERROR")
    else:
        writer.entry({}, {**link_op, "last": True})
    return operation_id


def _running(scene: Scene, actor: GcpActor, method: str, target: Target, operation_id: str) -> dict[str, Any]:
    number = scene.ids.digits(19)
    home = "/".join(target.name.split("/")[:4]) if "/zones/" in target.name else GLOBAL
    answer = {
        "@type": "type.googleapis.com/operation",
        "id": number,
        "name": operation_id,
        "operationType": method.rsplit(".", 1)[1],
        "status": "RUNNING",
        "progress": "0",
        "user": actor.email,
        "insertTime": stamp(scene.now),
        "startTime": stamp(scene.now),
        "targetId": target.number,
        "targetLink": link(target.name),
        "selfLink": link(f"{home}/operations/{operation_id}"),
        "selfLinkWithId": link(f"{home}/operations/{number}"),
    }
    if home != GLOBAL:
        answer["zone"] = link(home)
    return answer


def read(scene: Scene, actor: GcpActor, method: str, collection: str, target: Target) -> None:
    """Write a data access entry of a list or get call: written only where Data Access logs are on."""
    kind = ".".join(method.split(".")[1:3])
    permission = grant(f"{kind}.{method.rsplit('.', 1)[1]}", collection)
    writer = _Writer(scene, actor, method, Target(collection, target.kind, target.number), _agent(scene, actor, method), "")
    payload = {"authorizationInfo": [permission], "request": {"@type": f"type.googleapis.com/{method.split('.', 1)[1]}"}, "numResponseItems": "12"}
    writer.entry(payload, None, log="data_access", severity="INFO")


def administer(scene: Scene, actor: GcpActor, service: str, method: str, target: str, request: Mapping[str, Any], permission: str) -> None:
    """Write the one entry of a call to another Google API than Compute Engine: service accounts, organisation policies, quotas."""
    writer = _Writer(scene, actor, method, Target(target, "audited_resource", ""), _agent(scene, actor, method), "")
    checked = {"permission": permission, "granted": True, "permissionType": "ADMIN_WRITE", "resource": target, "resourceAttributes": {"name": target}}
    writer.entry({"serviceName": service, "authorizationInfo": [checked], "request": dict(request)}, None)


def system_event(scene: Scene, actor: GcpActor, method: str, target: Target, request: Mapping[str, Any]) -> None:
    """Write an entry of the System Event log: what Google did by itself, by a schedule or for maintenance."""
    writer = _Writer(scene, actor, method, target, "", "")
    writer.entry({"request": dict(request), "status": {}}, None, log="system_event", severity="INFO")


def insert_instance(
    scene: Scene,
    actor: GcpActor,
    target: Target,
    *,
    machine: str = "e2-micro",
    image: str = "projects/debian-cloud/global/images/family/debian-12",
    source_snapshot: str = "",
    data_disk: str = "",
    tags: Sequence[str] = (),
    method: str = "v1.compute.instances.insert",
    failure: Failure | None = None,
) -> str:
    """Write instances.insert from an image, or from a snapshot, with an external address; return the operation id."""
    home, name = target.name.split("/instances/")
    origin = {"sourceSnapshot": link(source_snapshot)} if source_snapshot else {"sourceImage": link(image)}
    boot = {"type": "PERSISTENT", "boot": True, "mode": "READ_WRITE", "autoDelete": True, "deviceName": name, "initializeParams": origin}
    network = {"network": link(f"{GLOBAL}/networks/default"), "accessConfigs": [{"type": "ONE_TO_ONE_NAT", "name": "external-nat"}]}
    account = f"{GCP.number}-compute@developer.gserviceaccount.com"
    request = {
        "name": name,
        "machineType": link(f"{home}/machineTypes/{machine}"),
        "disks": [boot, *([{"type": "PERSISTENT", "boot": False, "mode": "READ_WRITE", "source": link(data_disk)}] if data_disk else [])],
        "networkInterfaces": [network],
        "serviceAccounts": [{"email": account, "scopes": ["https://www.googleapis.com/auth/devstorage.read_only"]}],
        "canIpForward": False,
        "deletionProtection": False,
    }
    if tags:
        request["tags"] = {"items": list(tags)}
    subnet = f"{REGION}/subnetworks/default"
    granted = failure is None or failure.code != 7
    permissions = [
        grant("compute.instances.create", target.name, granted=granted),
        grant("compute.disks.create", f"{home}/disks/{name}", granted=granted),
        grant("compute.subnetworks.use", subnet),
        grant("compute.subnetworks.useExternalIp", subnet),
        grant("compute.instances.setMetadata", target.name, granted=granted),
        grant("compute.instances.setServiceAccount", target.name, granted=granted),
    ]
    used = {"isBootDisk": True, "sourceImage": link(image), "sourceImageId": scene.ids.digits(19)}
    metadata = {"usedResources": {"attachedDisks": [used]}}
    return operate(scene, actor, method, target, request, permissions=permissions, metadata=metadata, failure=failure)


def change_instance(scene: Scene, actor: GcpActor, verb: str, target: Target, request: Mapping[str, Any] | None = None, *, seconds: float = 12.0) -> None:
    """Write an action on one instance: stop, start, delete, attachDisk, detachDisk, setLabels, ..."""
    permission = grant(f"compute.instances.{verb}", target.name)
    operate(scene, actor, f"v1.compute.instances.{verb}", target, request or {}, permissions=[permission], seconds=seconds)


def insert_disk(scene: Scene, actor: GcpActor, target: Target, source_snapshot: str = "", size: int = 50) -> None:
    """Write disks.insert from a snapshot, or empty with a size in GB."""
    name = target.name.rsplit("/", 1)[1]
    origin = {"sourceSnapshot": link(source_snapshot)} if source_snapshot else {"sizeGb": str(size)}
    request = {"name": name, "type": link(f"{ZONE}/diskTypes/pd-balanced"), **origin}
    permissions = [grant("compute.disks.create", target.name)]
    if source_snapshot:
        permissions.append(grant("compute.snapshots.useReadOnly", source_snapshot))
    operate(scene, actor, "v1.compute.disks.insert", target, request, permissions=permissions)
