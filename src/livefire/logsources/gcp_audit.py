"""Google Cloud Audit Logs: LogEntry objects whose protoPayload is an AuditLog.

LogEntry: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry
AuditLog: https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
"""

from __future__ import annotations

import base64
import binascii

from livefire.logsources.base import Column, Event, Form, Getter, LogSource, Path, at
from livefire.logsources.canonical import UnsoundError
from livefire.schema import Type

_S, _B, _L, _T, _J = Type.STRING, Type.BOOL, Type.LONG, Type.DATETIME, Type.DYNAMIC

_P = ("protoPayload",)
_AUTHENTICATION = (*_P, "authenticationInfo")
_REQUEST = (*_P, "requestMetadata")
_AUDIT_TYPE = "type.googleapis.com/google.cloud.audit.AuditLog"


def _project(event: Event) -> object:
    """The project label, else the project the log belongs to."""
    label = at(event, ("resource", "labels", "project_id"))
    name = event.get("logName")
    if label or not isinstance(name, str) or not name.startswith("projects/"):
        return label
    return name.split("/")[1]


def _policy_delta(event: Event) -> object:
    delta = at(event, (*_P, "serviceData", "policyDelta"))
    return delta if delta is not None else at(event, (*_P, "metadata", "policyDelta"))


# column, type, place in the entry, what it holds
_TABLE: tuple[tuple[str, Type, Path | Getter, str], ...] = (
    ("method", _S, (*_P, "methodName"), "The method, such as v1.compute.instances.insert; also with beta. or alpha., or no prefix."),
    ("service", _S, (*_P, "serviceName"), "The API's host, such as compute.googleapis.com."),
    ("resource_name", _S, (*_P, "resourceName"), "The resource or collection the call was about."),
    ("principal_email", _S, (*_AUTHENTICATION, "principalEmail"), "The caller; redacted or missing for some identities."),
    ("principal_subject", _S, (*_AUTHENTICATION, "principalSubject"), "The caller with its kind: user:, serviceAccount:, principal:."),
    ("service_account_key", _S, (*_AUTHENTICATION, "serviceAccountKeyName"), "The service account key the caller used."),
    ("caller_ip", _S, (*_REQUEST, "callerIp"), "The caller's address, or gce-internal-ip or private."),
    ("user_agent", _S, (*_REQUEST, "callerSuppliedUserAgent"), "What the caller says it is; written by the caller."),
    ("severity", _S, ("severity",), "NOTICE, INFO, ERROR and others; NOTICE is no proof of success."),
    ("log_name", _S, ("logName",), "The log, ending in activity, data_access, system_event or policy."),
    ("project", _S, _project, "The project of the resource, else of the log."),
    ("zone", _S, ("resource", "labels", "zone"), "The zone label of the resource."),
    ("location", _S, ("resource", "labels", "location"), "The location label of the resource."),
    ("resource_type", _S, ("resource", "type"), "The kind of resource, such as gce_instance."),
    ("insert_id", _S, ("insertId",), "The entry's id; unique with timestamp and log name."),
    ("status_code", _L, (*_P, "status", "code"), "google.rpc.Code; null or 0 is success."),
    ("status_message", _S, (*_P, "status", "message"), "The words of the status."),
    ("operation_id", _S, ("operation", "id"), "The same for the first and last entry of a long-running operation."),
    ("operation_producer", _S, ("operation", "producer"), "Who numbered the operation."),
    ("operation_first", _B, ("operation", "first"), "True on the entry that began an operation."),
    ("operation_last", _B, ("operation", "last"), "True on the entry that ended an operation."),
    ("response_items", _L, (*_P, "numResponseItems"), "How many items a list call returned."),
    ("received", _T, ("receiveTimestamp",), "When Cloud Logging received the entry."),
    ("resource_labels", _J, ("resource", "labels"), "The labels that identify the resource."),
    ("resource_location", _J, (*_P, "resourceLocation"), "Current and original locations."),
    ("resource_original_state", _J, (*_P, "resourceOriginalState"), "The resource before it was changed."),
    ("request", _J, (*_P, "request"), "The request; missing on the last entry of an operation."),
    ("response", _J, (*_P, "response"), "The response."),
    ("metadata", _J, (*_P, "metadata"), "Details by service."),
    ("authentication", _J, _AUTHENTICATION, "Everything about who called."),
    ("authorization", _J, (*_P, "authorizationInfo"), "The permissions checked and whether each was granted."),
    ("request_metadata", _J, _REQUEST, "Address, user agent and attributes of the call."),
    ("labels", _J, ("labels",), "Labels of the entry."),
    ("status", _J, (*_P, "status"), "Code, message and details."),
    ("service_data", _J, (*_P, "serviceData"), "The older place for details by service."),
    ("policy_delta", _J, _policy_delta, "What a change of an IAM policy added and removed."),
)


def _recognise(event: Event) -> bool:
    payload = event.get("protoPayload")
    if not isinstance(payload, dict):
        return False
    kind = payload.get("@type")
    return kind == _AUDIT_TYPE or (kind is None and "methodName" in payload)


def _identity(event: Event) -> str | None:
    insert = event.get("insertId")
    if not isinstance(insert, str) or not insert:
        return None
    return f"{insert}|{event.get('timestamp', '')}|{event.get('logName', '')}"


def _unwrap(event: Event) -> list[object] | None:
    """Pub/Sub messages, pushed or pulled, and the answer of `entries.list`."""
    message = event.get("message")
    if isinstance(message, dict) and "data" in message:
        return [_inside(message)]
    pulled = event.get("receivedMessages")
    if isinstance(pulled, list):
        return pulled
    entries = event.get("entries")
    return entries if isinstance(entries, list) else None


def _inside(message: Event) -> object:
    data = message["data"]
    if not isinstance(data, str):
        return data
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise UnsoundError("E428", "the Pub/Sub message's data is not base64") from None


GCP_AUDIT = LogSource(
    name="gcp_audit",
    title="Google Cloud Audit Logs",
    columns=tuple(Column(name, kind, about) for name, kind, _, about in _TABLE),
    forms=(Form("log_entry", _recognise, (("timestamp",), ("receiveTimestamp",)), _identity, {name: place for name, _, place, _ in _TABLE}),),
    unwrap=_unwrap,
)
