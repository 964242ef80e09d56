"""The other spellings in which clouds write the same record: letters in another case, another word for success, another version of an API.

Azure's operation names and resource ids are the same in any case, and exports differ in it; a result is `Success` in one export
and `Succeeded` in another. https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema,
https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules. Google names the version of the
API in the method: https://cloud.google.com/compute/docs/logging/audit-logging.
"""

from __future__ import annotations

import copy
from typing import Any, TypeAlias

Json: TypeAlias = Any

_RESULTS = {"Success": "Succeeded", "Failure": "Failed", "Start": "Started", "Accept": "Accepted"}


def respelled(log_source: str, raw: dict[str, Json]) -> dict[str, Json]:
    """Return a raw record as its cloud writes it elsewhere; one of AWS, which writes names in one way only, as it is."""
    told = copy.deepcopy(raw)
    if log_source == "azure_activity":
        _azure(told)
    elif log_source == "gcp_audit":
        _google(told)
    return told


def _azure(raw: dict[str, Json]) -> None:
    for name in ("operationName", "resourceId"):
        if isinstance(raw.get(name), str):
            raw[name] = raw[name].lower()
    if raw.get("resultType") in _RESULTS:
        raw["resultType"] = _RESULTS[raw["resultType"]]


def _google(raw: dict[str, Json]) -> None:
    payload = raw["protoPayload"]
    version, dot, rest = payload["methodName"].partition(".")
    payload["methodName"] = {"v1": "beta", "beta": "v1"}.get(version, version) + dot + rest
