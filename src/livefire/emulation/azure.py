"""Azure Activity records in resource-log form (Event Hub, storage, diagnostic settings), and their REST/portal form.

One Resource Manager action writes two or three rows that share `correlationId`: Start, Accept for work that goes on
after the answer, then Success or Failure. `operationName` and `resourceId` are upper case; the original case survives
in `properties.message` and `properties.entity`. What was created stands in `properties.responseBody`, a JSON string.
Schema: https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livefire.emulation.actors import AZURE, AzureActor
from livefire.emulation.scene import Scene

SUBSCRIPTION = f"/subscriptions/{AZURE.subscription}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/{AZURE.group}"
_TOKEN_LIFE = 5100
# 1970 in .NET ticks, units of 100 ns since the year 1.
_EPOCH_TICKS = 621_355_968_000_000_000
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"
_SCOPE = "http://schemas.microsoft.com/identity/claims/scope"
_METHODS = "http://schemas.microsoft.com/claims/authnmethodsreferences"
_PROVIDER = "http://schemas.microsoft.com/identity/claims/identityprovider"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal: the HTTP status word of `resultSignature`, the ARM error code and its message."""

    status: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ends.

    `created` tells HTTP 201 from 200; `accepted` adds the Accept row of long-running work; `seconds` is how long it takes.
    """

    created: bool = False
    accepted: bool = True
    seconds: float = 8.0
    failure: Failure | None = None


def resource(kind: str, name: str, group: str = AZURE.group) -> str:
    """Return a resource id, `kind` being provider and type, as in `Microsoft.Compute/disks`."""
    return f"{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{name}"


def timestamp(scene: Scene) -> str:
    """Return the present with the seven decimals Azure writes."""
    return scene.now.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{scene.ids.random.randrange(10)}Z"


def claims(scene: Scene, actor: AzureActor) -> dict[str, str]:
    """Return the token's claims: a person has upn, name and scope; an application has none of them."""
    issued, now = int(scene.start.timestamp()) - 840, int(scene.now.timestamp())
    if not 0 <= now - issued < _TOKEN_LIFE:
        issued = now - 300
    issuer = f"https://sts.windows.net/{AZURE.tenant}/"
    result = {
        "aud": "https://management.core.windows.net/",
        "iss": issuer,
        "iat": str(issued),
        "nbf": str(issued),
        "exp": str(issued + _TOKEN_LIFE),
        "aio": f"E2ZgY{actor.object_id.replace('-', '')[:20]}",
        "appid": actor.app_id,
        "appidacr": "0" if actor.upn else "2",
        _OBJECT_ID: actor.object_id,
        _TENANT_ID: AZURE.tenant,
        "uti": actor.object_id[:22],
        "ver": "1.0",
    }
    if actor.upn:
        result |= {"ipaddr": actor.ip, "name": actor.display_name, _METHODS: actor.methods, _SCOPE: "user_impersonation", _NAME: actor.upn, _UPN: actor.upn}
    else:
        result |= {"idtyp": "app", _PROVIDER: issuer}
    if actor.managed:
        result["xms_mirid"] = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/require-tags"
    return result


def identity(scene: Scene, actor: AzureActor, action: str, scope: str) -> dict[str, Any]:
    """Return who acted and which role assignment allowed it."""
    evidence = {
        "role": actor.role_name,
        "roleAssignmentScope": SUBSCRIPTION,
        "roleAssignmentId": uuid.uuid5(uuid.NAMESPACE_URL, actor.object_id + actor.role_name).hex,
        "roleDefinitionId": actor.role_definition,
        "principalId": actor.object_id.replace("-", ""),
        "principalType": "User" if actor.upn else "ServicePrincipal",
    }
    return {"authorization": {"scope": scope, "action": action, "evidence": evidence}, "claims": claims(scene, actor)}


@dataclass(frozen=True, slots=True)
class _Act:
    scene: Scene
    actor: AzureActor
    operation: str
    entity: str
    correlation: str

    def row(self, result: str, signature: str, elapsed: int, **properties: str) -> None:
        scene = self.scene
        moment = timestamp(scene)
        raw = {
            "RoleLocation": "East US",
            "time": moment,
            "resourceId": self.entity.upper(),
            "operationName": self.operation.upper(),
            "category": "Administrative",
            "resultType": result,
            "resultSignature": signature,
            "durationMs": elapsed,
            "callerIpAddress": self.actor.ip,
            "correlationId": self.correlation,
            "identity": identity(scene, self.actor, self.operation, self.entity),
            "level": "Error" if result == "Failure" else "Information",
            "location": "global",
            "properties": {
                **{k: v for k, v in properties.items() if v},
                "eventCategory": "Administrative",
                "entity": self.entity,
                "message": self.operation,
                "hierarchy": f"{AZURE.tenant}/{AZURE.subscription}",
            },
            "tenantId": AZURE.tenant,
        }
        scene.add(row_id(raw), raw)


def row_id(raw: Mapping[str, Any]) -> str:
    """Return what identifies a row: the form has no id, so correlation, operation, result and time together."""
    return f"{raw['correlationId']}/{raw['operationName']}/{raw['resultType']}/{raw['time']}"


def act(
    scene: Scene,
    actor: AzureActor,
    operation: str,
    entity: str,
    outcome: Outcome | None = None,
    *,
    request: Mapping[str, Any] | None = None,
    response: Mapping[str, Any] | None = None,
    correlation: str = "",
) -> str:
    """Write the rows of one action, moving the clock to its end, and return the correlation id.

    `request` and `response` become JSON strings: `requestbody` on the first row, `responseBody` on the last.
    Parts of one deployment share its correlation id.
    """
    ends = outcome or Outcome()
    line = _Act(scene, actor, operation, entity, correlation or scene.ids.uuid())
    line.row("Start", "Started.", 0, requestbody=_text(request))
    scene.wait(0.2, 0.9)
    status = "Created" if ends.created else "OK"
    if ends.failure is not None:
        body = {"error": {"code": ends.failure.code, "message": ends.failure.message}}
        refused = ends.failure.status
        line.row("Failure", f"Failed.{refused}", 212, statusCode=refused, serviceRequestId=scene.ids.uuid(), statusMessage=_text(body))
        return line.correlation
    if ends.accepted:
        # Creations answer 201 at once; other long work answers 202.
        answer = "Created" if ends.created else "Accepted"
        line.row("Accept", f"Accepted.{answer}", 431, statusCode=answer, serviceRequestId=scene.ids.uuid())
        scene.wait(ends.seconds, ends.seconds * 1.3)
    line.row("Success", f"Succeeded.{status}", int(ends.seconds * 1000), statusCode=status, serviceRequestId=scene.ids.uuid(), responseBody=_text(response))
    return line.correlation


def _text(body: Mapping[str, Any] | None) -> str:
    return "" if body is None else json.dumps(body, separators=(",", ":"))


def machine_body(
    name: str, vm_id: str, storage: Mapping[str, Any], *, size: str = "Standard_B2s", state: str = "Creating", group: str = AZURE.group
) -> dict[str, Any]:
    """Return a virtual machine as Resource Manager answers it; tag values are masked in the log."""
    return {
        "name": name,
        "id": resource("Microsoft.Compute/virtualMachines", name, group),
        "type": "Microsoft.Compute/virtualMachines",
        "location": AZURE.location,
        "tags": "******",
        "properties": {
            "hardwareProfile": {"vmSize": size},
            "provisioningState": state,
            "vmId": vm_id,
            "storageProfile": dict(storage),
            "osProfile": {"computerName": name, "adminUsername": "azureuser", "allowExtensionOperations": True},
            "networkProfile": {"networkInterfaces": [{"id": resource("Microsoft.Network/networkInterfaces", f"{name}VMNic", group)}]},
        },
    }


def image_storage(name: str) -> dict[str, Any]:
    """Return the storage profile of a machine made from a marketplace image."""
    return {
        "imageReference": {
            "publisher": "Canonical",
            "offer": "0001-com-ubuntu-server-jammy",
            "sku": "22_04-lts-gen2",
            "version": "latest",
            "exactVersion": "22.04.202409120",
        },
        "osDisk": {
            "osType": "Linux",
            "name": f"{name}_OsDisk_1",
            "createOption": "FromImage",
            "caching": "ReadWrite",
            "managedDisk": {"storageAccountType": "Premium_LRS"},
            "deleteOption": "Detach",
            "diskSizeGB": 30,
        },
        "dataDisks": [],
    }


def attached_storage(disk: str) -> dict[str, Any]:
    """Return the storage profile of a machine whose OS disk was swapped for an existing disk."""
    os_disk = {"osType": "Linux", "name": disk.rsplit("/", 1)[1], "createOption": "Attach", "caching": "ReadWrite", "managedDisk": {"id": disk}}
    return {"osDisk": os_disk, "dataDisks": []}


def disk_body(name: str, kind: str, source: str = "", size: int = 64) -> dict[str, Any]:
    """Return a disk or snapshot (`kind` is `disks` or `snapshots`): copied from a source, or empty without one; size in GiB."""
    creation: dict[str, Any] = {"createOption": "Copy", "sourceResourceId": source} if source else {"createOption": "Empty"}
    return {
        "name": name,
        "id": resource(f"Microsoft.Compute/{kind}", name),
        "type": f"Microsoft.Compute/{kind}",
        "location": AZURE.location,
        "tags": "******",
        "sku": {"name": "Premium_LRS" if kind == "disks" else "Standard_LRS"},
        "properties": {"creationData": creation, "diskSizeGB": size, "provisioningState": "Succeeded", "diskState": "Unattached"},
    }


def write_disk(scene: Scene, actor: AzureActor, name: str, source: str = "", *, kind: str = "disks") -> str:
    """Create a disk or snapshot and return its resource id."""
    entity = resource(f"Microsoft.Compute/{kind}", name)
    body = disk_body(name, kind, source)
    act(scene, actor, f"Microsoft.Compute/{kind}/write", entity, Outcome(created=True, seconds=3), response=body)
    return entity


def machine_action(scene: Scene, actor: AzureActor, verb: str, entity: str, outcome: Outcome | None = None) -> None:
    """Act on a virtual machine: `verb` is deallocate, start, generalize, capture, restart, reimage, ..."""
    act(scene, actor, f"Microsoft.Compute/virtualMachines/{verb}/action", entity, outcome)


# REST status words for the resource-log ones: the same event reads differently by the road it took.
_REST_STATUS = {"Start": "Started", "Accept": "Accepted", "Success": "Succeeded", "Failure": "Failed"}
_LABELS = {
    "Microsoft.Compute/virtualMachines/write": "Create or Update Virtual Machine",
    "Microsoft.Compute/virtualMachines/delete": "Delete Virtual Machine",
    "Microsoft.Compute/virtualMachines/capture/action": "Capture Virtual Machine",
    "Microsoft.Compute/virtualMachines/generalize/action": "Generalize Virtual Machine",
    "Microsoft.Compute/virtualMachines/deallocate/action": "Deallocate Virtual Machine",
    "Microsoft.Compute/virtualMachines/start/action": "Start Virtual Machine",
    "Microsoft.Compute/disks/write": "Create or Update Disk",
    "Microsoft.Compute/snapshots/write": "Create or Update Snapshot",
}


def portal_form(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource-log row as the REST API and the portal's export give it, ids derived from the row.

    Reference: https://learn.microsoft.com/rest/api/monitor/activity-logs/list
    """
    properties: Mapping[str, str] = raw["properties"]
    # Rows no caller caused (Advisor, service health) have no entity, message or identity.
    entity, action = properties.get("entity", raw["resourceId"]), properties.get("message", raw["operationName"])
    event = uuid.uuid5(uuid.NAMESPACE_URL, row_id(raw))
    segments = entity.split("/")
    group = segments[4] if len(segments) > 4 else ""
    provider = action.split("/", 1)[0]
    kind = action.rsplit("/", 2)[0] if action.endswith("/action") else action.rsplit("/", 1)[0]
    status = _REST_STATUS.get(raw["resultType"], raw["resultType"])
    sub_status = properties.get("statusCode", "")
    second = datetime.fromisoformat(raw["time"][:19] + "+00:00")
    ticks = _EPOCH_TICKS + int(second.timestamp()) * 10_000_000 + int(raw["time"][20:27])
    token: Mapping[str, str] = raw.get("identity", {}).get("claims", {})
    return {
        "authorization": {"action": action, "scope": entity},
        "caller": token.get(_UPN) or token.get(_OBJECT_ID, "Microsoft"),
        "channels": "Operation",
        "claims": dict(token),
        "correlationId": raw["correlationId"],
        "description": "",
        "eventDataId": str(event),
        "eventName": _localized("BeginRequest", "Begin request") if status == "Started" else _localized("EndRequest", "End request"),
        "category": _localized(raw["category"]),
        "eventTimestamp": raw["time"],
        "id": f"{entity}/events/{event}/ticks/{ticks}",
        "level": "Error" if status == "Failed" else "Informational",
        "operationId": raw["correlationId"],
        "operationName": _localized(action, _LABELS.get(action, action)),
        "resourceGroupName": group,
        "resourceProviderName": _localized(provider),
        "resourceType": _localized(kind),
        "resourceId": entity,
        "status": _localized(status),
        "subStatus": _localized(sub_status),
        "submissionTimestamp": raw["time"],
        "subscriptionId": AZURE.subscription,
        "tenantId": AZURE.tenant,
        "properties": dict(properties),
        "relatedEvents": [],
    }


def _localized(value: str, label: str = "") -> dict[str, str]:
    return {"value": value, "localizedValue": label or value}
