"""Acts: what an audit event did, in words that are the same for the three clouds.

A cloud may write several events for one act: Azure a row each for start, acceptance and end, Google the first and the
last entry of an operation. They have one `key`. `verb` names what was done (`snapshot.create`, `instance.stop`), `links`
what was made from what, so that the lineage of a resource can be followed through copies, accounts and regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from livefire.logsources.canonical import embedded
from livefire.logsources.traits import Traits, read_traits

Row: TypeAlias = Mapping[str, Any]
"""One event's columns by name; dynamic columns as decoded JSON."""


@dataclass(frozen=True, slots=True)
class Link:
    """`child` was made from, or is now part of, `parent`: resource ids as the cloud writes them, Azure's in lower case."""

    parent: str
    child: str
    how: str


@dataclass(frozen=True, slots=True)
class Act:
    """One event as an act. `actor` is stable over sessions: role, user, object id or address; `resources` what it touched."""

    event: str
    key: str
    source: str
    time: datetime
    action: str
    verb: str
    actor: str
    account: str
    region: str
    address: str
    done: bool
    resources: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    traits: Traits = field(default_factory=Traits)


COLUMNS: dict[str, tuple[str, ...]] = {
    "aws_cloudtrail": (
        "event_name", "event_source", "error_code", "identity_arn", "identity_principal", "identity_account", "identity_invoked_by", "issuer_arn",
        "recipient_account", "aws_region", "source_ip", "request", "response", "service_event", "identity_type", "mfa", "user_agent",
    ),
    "azure_activity": (
        "operation", "result_type", "sub_status", "principal_id", "caller", "subscription", "caller_ip", "correlation_id", "resource_id", "properties",
        "app_id", "upn", "claims",
    ),
    "gcp_audit": (
        "method", "resource_name", "principal_email", "principal_subject", "caller_ip", "project", "zone", "status_code", "operation_id", "insert_id",
        "operation_first", "request", "metadata", "user_agent",
    ),
}  # fmt: skip
"""The columns an act is read from, by log source."""
ACTOR_COLUMNS: dict[str, tuple[str, ...]] = {
    "aws_cloudtrail": ("issuer_arn", "identity_arn", "identity_principal", "identity_invoked_by"),
    "azure_activity": ("principal_id", "caller"),
    "gcp_audit": ("principal_email", "principal_subject"),
}
"""The columns that an act's actor is taken from: the first that is not empty."""


def read_act(source: str, event: str, moment: datetime, row: Row) -> Act:
    """Return an event as an act; KeyError for a log source that is not one of the three."""
    act = _READERS[source](event, moment if moment.tzinfo else moment.replace(tzinfo=UTC), row)
    return replace(act, traits=read_traits(source, row))


def found(value: Any, *names: str) -> tuple[str, ...]:
    """Return every text below a JSON value that stands under one of the names, in the order of writing, each once."""
    hits: dict[str, None] = {}
    _walk(value, frozenset(names), hits)
    return tuple(hits)


def _walk(value: Any, names: frozenset[str], hits: dict[str, None]) -> None:
    pending = [value]
    while pending:
        here = pending.pop()
        if isinstance(here, dict):
            for name, inner in here.items():
                if name in names and isinstance(inner, str) and inner:
                    hits.setdefault(inner)
            pending.extend(v for v in reversed(list(here.values())) if isinstance(v, (dict, list)))
        elif isinstance(here, list):
            pending.extend(v for v in reversed(here) if isinstance(v, (dict, list)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _joined(parents: Iterable[str], children: Sequence[str], how: str) -> tuple[Link, ...]:
    return tuple(Link(p, c, how) for p in parents for c in children if p != c)


# AWS: request parameters flat in older EC2 actions, wrapped under the action's name in newer ones

_AWS_VERBS = {
    "CreateSnapshot": "snapshot.create", "CreateSnapshots": "snapshot.create", "CopySnapshot": "snapshot.copy", "ModifySnapshotAttribute": "snapshot.share",
    "ModifyImageAttribute": "image.share", "CreateImage": "image.create", "RegisterImage": "image.create", "CopyImage": "image.copy",
    "ExportImage": "disk.export", "CreateStoreImageTask": "disk.export", "CreateInstanceExportTask": "disk.export", "CopyVolumes": "volume.copy",
    "SharedSnapshotVolumeCreated": "snapshot.used", "SharedSnapshotCopyInitiated": "snapshot.used",
    "CreateVolume": "volume.create", "AttachVolume": "volume.attach", "DetachVolume": "volume.detach", "DeleteVolume": "volume.delete",
    "DeleteSnapshot": "snapshot.delete", "DeregisterImage": "image.delete", "RunInstances": "instance.create", "CreateFleet": "instance.create",
    "RequestSpotInstances": "instance.create", "TerminateInstances": "instance.delete", "StopInstances": "instance.stop", "StartInstances": "instance.start",
    "RebootInstances": "instance.restart", "ModifyInstanceAttribute": "instance.modify", "ModifyInstanceMetadataOptions": "instance.modify",
    "CreateReplaceRootVolumeTask": "instance.revert", "AssociateIamInstanceProfile": "instance.modify",
    "CreateUser": "principal.create", "CreateRole": "principal.create",
    "CreateAccessKey": "principal.create", "CreateLoginProfile": "principal.create",
}  # fmt: skip
_AWS_NAMES = ("snapshotId", "sourceSnapshotId", "SnapshotId", "volumeId", "VolumeId", "imageId", "sourceImageId", "instanceId", "InstanceId", "ImageId")
_AWS_KEPT = ("snap-", "vol-", "ami-", "i-")


def _aws(event: str, moment: datetime, row: Row) -> Act:
    name, request, response = _text(row["event_name"]), row["request"], row["response"]
    asked = tuple(r for r in found(request, *_AWS_NAMES) if r.startswith(_AWS_KEPT))
    answered = tuple(r for r in found(response, *_AWS_NAMES) if r.startswith(_AWS_KEPT))
    details = found(row["service_event"], "snapshotId")
    verb = _aws_verb(name, request)
    made = tuple(r for r in answered if r not in asked)
    how = name[0].lower() + name[1:] if name else ""
    links: tuple[Link, ...] = ()
    if verb.endswith((".create", ".copy")) and verb != "principal.create":
        links = _joined(asked, made, how)
    elif verb == "volume.attach":
        links = _joined([r for r in asked if r.startswith("vol-")], [r for r in asked if r.startswith("i-")], how)
    elif verb == "instance.revert":
        links = _joined([r for r in asked if r.startswith("snap-")], [r for r in asked if r.startswith("i-")], how)
    people = found(request, "userName", "roleName") if verb == "principal.create" else ()
    account = _text(row["recipient_account"]) or _text(row["identity_account"])
    actor = _text(row["issuer_arn"]) or _text(row["identity_arn"]) or _text(row["identity_principal"]) or _text(row["identity_invoked_by"])
    resources = tuple(dict.fromkeys((*made, *asked, *details, *people)))
    done = row["error_code"] is None
    return Act(event, event, "aws_cloudtrail", moment, name, verb, actor, account, _text(row["aws_region"]), _text(row["source_ip"]), done, resources, links)


def _aws_verb(name: str, request: Any) -> str:
    verb = _AWS_VERBS.get(name, "")
    if name in ("ModifySnapshotAttribute", "ModifyImageAttribute") and isinstance(request, dict):
        given = request.get("createVolumePermission") or request.get("launchPermission") or {}
        return verb if isinstance(given, dict) and given.get("add") else ""
    if name == "ModifyInstanceAttribute" and isinstance(request, dict):
        guards = [request.get(g) for g in ("disableApiTermination", "disableApiStop")]
        off = any(isinstance(g, dict) and g.get("value") is False for g in guards)
        return "instance.unprotect" if off else verb
    # Requiring tokens of the metadata service hardens an instance.
    return "" if name == "ModifyInstanceMetadataOptions" and "required" in found(request, "HttpTokens") else verb


# Azure: the operation names provider, type and verb; what was made stands in the answer, JSON in a string

_AZURE_VERBS = {
    "microsoft.compute/snapshots/write": "snapshot.create", "microsoft.compute/disks/write": "volume.create",
    "microsoft.compute/restorepointcollections/restorepoints/write": "snapshot.create",
    "microsoft.compute/images/write": "image.create", "microsoft.compute/virtualmachines/capture/action": "image.create",
    "microsoft.compute/galleries/images/versions/write": "image.create", "microsoft.compute/virtualmachines/generalize/action": "instance.modify",
    "microsoft.compute/snapshots/begingetaccess/action": "disk.export", "microsoft.compute/disks/begingetaccess/action": "disk.export",
    "microsoft.compute/virtualmachines/delete": "instance.delete", "microsoft.compute/disks/delete": "volume.delete",
    "microsoft.compute/snapshots/delete": "snapshot.delete", "microsoft.compute/virtualmachines/start/action": "instance.start",
    "microsoft.compute/virtualmachines/deallocate/action": "instance.stop", "microsoft.compute/virtualmachines/poweroff/action": "instance.stop",
    "microsoft.compute/virtualmachines/reimage/action": "instance.revert", "microsoft.compute/virtualmachines/redeploy/action": "instance.revert",
    "microsoft.compute/virtualmachines/runcommand/action": "instance.modify", "microsoft.compute/virtualmachines/extensions/write": "instance.modify",
    "microsoft.authorization/locks/delete": "instance.unprotect", "microsoft.authorization/roleassignments/write": "principal.create",
}  # fmt: skip


def _azure(event: str, moment: datetime, row: Row) -> Act:
    operation, resource = _text(row["operation"]), _text(row["resource_id"]).lower()
    verb = _AZURE_VERBS.get(operation.lower(), "")
    body = _body(row["properties"])
    if operation.lower() == "microsoft.compute/virtualmachines/write":
        verb = "instance.create" if _text(row["sub_status"]).lower() == "created" else "instance.update"
    sources = tuple(s.lower() for s in found(body, "sourceResourceId"))
    disks = tuple(d.lower() for d in found((body.get("properties") or {}).get("storageProfile"), "id") if "/disks/" in d.lower())
    machine = tuple(s.lower() for s in found((body.get("properties") or {}).get("sourceVirtualMachine"), "id"))
    links = (*_joined(sources, (resource,), "copy"), *_joined(disks, (resource,), "attach"), *_joined(machine, (resource,), "capture"))
    owner = (resource.partition("/extensions/")[0],) if "/extensions/" in resource else ()
    locked = (resource.partition("/providers/microsoft.authorization/locks/")[0],) if "/locks/" in resource else ()
    given = tuple(p.lower() for p in found(body, "principalId")) if verb == "principal.create" else ()
    actor = _text(row["principal_id"]) or _text(row["caller"])
    done = _text(row["result_type"]) in ("Success", "Succeeded")
    key = f"{_text(row['correlation_id'])}|{operation.lower()}|{resource}"
    place = _text(body.get("location"))
    resources = tuple(dict.fromkeys((resource, *owner, *locked, *given, *sources, *disks, *machine)))
    return Act(event, key, "azure_activity", moment, operation, verb, actor, _text(row["subscription"]), place, _text(row["caller_ip"]), done, resources, links)


def _body(properties: Any) -> dict[str, Any]:
    """Return the answer of Resource Manager, empty when there is none or it is no object."""
    text = properties.get("responseBody") if isinstance(properties, dict) else None
    if isinstance(text, dict):
        return text
    value = embedded(text) if isinstance(text, str) else None
    return value if isinstance(value, dict) else {}


# Google: methods with or without a version before them; the request stands in an operation's first entry only

_GCP_VERBS = {
    "compute.disks.createSnapshot": "snapshot.create", "compute.snapshots.insert": "snapshot.create", "compute.snapshots.setIamPolicy": "snapshot.share",
    "compute.disks.setIamPolicy": "snapshot.share", "compute.images.setIamPolicy": "image.share", "compute.images.insert": "image.create",
    "compute.machineImages.insert": "image.create", "compute.disks.insert": "volume.create", "compute.disks.delete": "volume.delete",
    "compute.snapshots.delete": "snapshot.delete", "compute.images.delete": "image.delete", "compute.instances.insert": "instance.create",
    "compute.instances.bulkInsert": "instance.create", "compute.instances.delete": "instance.delete", "compute.instances.stop": "instance.stop",
    "compute.instances.start": "instance.start", "compute.instances.reset": "instance.restart", "compute.instances.attachDisk": "volume.attach",
    "compute.instances.detachDisk": "volume.detach", "compute.instances.setMetadata": "instance.modify",
    "compute.instances.setMachineType": "instance.modify", "compute.instances.setDeletionProtection": "instance.unprotect",
    "google.iam.admin.v1.CreateServiceAccountKey": "principal.create", "google.iam.admin.v1.CreateServiceAccount": "principal.create",
}  # fmt: skip


def _gcp_name(link: str) -> str:
    """Return a resource's name from its link or its name: `projects/…`."""
    return link[link.find("projects/") :] if "projects/" in link else link


def _gcp(event: str, moment: datetime, row: Row) -> Act:
    method, target, request = _text(row["method"]), _gcp_name(_text(row["resource_name"])), row["request"]
    bare = method[method.find("compute.") :] if "compute." in method else method
    verb = _GCP_VERBS.get(bare, "")
    if bare == "compute.instances.setDeletionProtection" and isinstance(request, dict) and request.get("deletionProtection") is True:
        verb = "instance.modify"
    project = _text(row["project"])
    named = _text(request.get("name")) if isinstance(request, dict) else ""
    sources = tuple(_gcp_name(s) for s in found(request, "sourceSnapshot", "sourceDisk", "sourceImage"))
    disks = tuple(_gcp_name(s) for s in found(request, "source"))
    made: tuple[str, ...] = ()
    links = _joined(sources, (target,), "copy")
    if bare == "compute.disks.createSnapshot" and named:
        made = (f"projects/{project}/global/snapshots/{named}",)
        links = _joined((target,), made, "copy")
    elif disks:
        links = (*links, *_joined(disks, (target,), "attach"))
    if verb == "volume.attach" and isinstance(request, dict) and request.get("boot") is True:
        verb = "instance.revert"
    if verb == "principal.create" and "/serviceAccounts/" in target:
        made = (target.rpartition("/serviceAccounts/")[2],)
    actor = _text(row["principal_email"]) or _text(row["principal_subject"])
    key = _text(row["operation_id"]) or event
    done = not row["status_code"]
    resources = tuple(dict.fromkeys((target, *made, *sources, *disks)))
    zone = _text(row["zone"]) or _part(target, "zones") or _part(target, "regions")
    return Act(event, key, "gcp_audit", moment, bare, verb, actor, project, zone, _text(row["caller_ip"]), done, resources, links)


def _part(name: str, kind: str) -> str:
    parts = name.split("/")
    return parts[parts.index(kind) + 1] if kind in parts[:-1] else ""


_READERS = {"aws_cloudtrail": _aws, "azure_activity": _azure, "gcp_audit": _gcp}
VERBS: dict[str, dict[str, str]] = {"aws_cloudtrail": _AWS_VERBS, "azure_activity": _AZURE_VERBS, "gcp_audit": _GCP_VERBS}
"""The verb of each operation, by log source: CloudTrail names as they are, Azure's in lower case, Google's without a version."""
