"""Microsoft Sentinel's scheduled analytics rules: YAML of its repository, ARM and Bicep templates.

https://learn.microsoft.com/en-us/azure/templates/microsoft.securityinsights/alertrules
https://learn.microsoft.com/en-us/azure/sentinel/sentinel-analytic-rules-creation
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from livefire.exports.attack import tactics
from livefire.exports.documents import json_text, yaml_text
from livefire.exports.model import Artefact, Check, Subject, span

VERSION = "1.0.0"
_DAY, _HOUR = 86_400, 3600
_LATE = 2 * _HOUR
_SEVERITIES = {"informational": "Informational", "low": "Low", "medium": "Medium", "high": "High", "critical": "High"}
_TACTICS = (
    "Reconnaissance", "ResourceDevelopment", "InitialAccess", "Execution", "Persistence", "PrivilegeEscalation", "DefenseEvasion",
    "CredentialAccess", "Discovery", "LateralMovement", "Collection", "CommandAndControl", "Exfiltration", "Impact",
)  # fmt: skip
_CONNECTORS = {
    "aws_cloudtrail": ("AWS", "AWSCloudTrail"),
    "azure_activity": ("AzureActivity", "AzureActivity"),
    "gcp_audit": ("GCPAuditLogsDefinition", "GCPAuditLogs"),
}
# Which column of a row is which part of an entity; a rule's own names first.
_ENTITIES = (
    ("Account", "FullName", ("Actor", "Caller", "PrincipalEmail", "UserIdentityArn")),
    ("IP", "Address", ("SourceIP", "CallerIpAddress", "SourceIpAddress")),
    ("AzureResource", "ResourceId", ("_ResourceId", "ResourceId")),
)


def as_yaml(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one file a rule."""
    return tuple(Artefact(f"{s.slug}.yaml", yaml_text(checked(document(s)))) for s in subjects)


def as_arm(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one template with every rule."""
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"workspace": {"type": "string", "metadata": {"description": "Name of the Log Analytics workspace."}}},
        "resources": [
            {
                "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
                "apiVersion": "2025-09-01",
                "name": f"[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{s.uuid}')]",
                "kind": "Scheduled",
                "properties": properties(checked(document(s))),
            }
            for s in subjects
        ],
    }
    return (Artefact("analytics_rules.json", json_text(template)),)


def as_bicep(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one Bicep file with every rule."""
    lines = [
        "@description('Name of the Log Analytics workspace.')",
        "param workspace string",
        "",
        "resource logAnalytics 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {",
        "  name: workspace",
        "}",
    ]
    for subject in subjects:
        body = {"scope": _Symbol("logAnalytics"), "name": subject.uuid, "kind": "Scheduled", "properties": properties(checked(document(subject)))}
        lines += ["", f"resource {subject.slug} 'Microsoft.SecurityInsights/alertRules@2025-09-01' = {_bicep(body, 0)}"]
    return (Artefact("analytics_rules.bicep", "\n".join(lines) + "\n"),)


def document(subject: Subject) -> dict[str, Any]:
    """Return a rule as the repository's YAML has it."""
    card, attack = subject.card, subject.attack
    # A row that is one event needs no more of the past than it may be late: each is found twice, and not once an hour for a day.
    period = max(min(subject.lookback, _LATE) if subject.single else subject.lookback, _HOUR)
    names = tactics(attack.version) if attack is not None else {}
    entities = [
        {"entityType": kind, "fieldMappings": [{"identifier": identifier, "columnName": column}]}
        for kind, identifier, columns in _ENTITIES
        if (column := next((c for c in columns if c in subject.columns), None)) is not None
    ]
    found: dict[str, Any] = {
        "id": subject.uuid,
        "name": subject.title,
        "description": f"'{subject.description}'",
        "severity": _SEVERITIES[card.severity],
        "status": "Available",
        "requiredDataConnectors": [{"connectorId": c, "dataTypes": [t]} for source in subject.sources for c, t in [_CONNECTORS[source]]],
        "queryFrequency": span(min(period, _HOUR), "dhm"),
        "queryPeriod": span(period, "dhm"),
        "triggerOperator": "gt",
        "triggerThreshold": 0,
        "tactics": [re.sub(r"\W", "", names[t].replace(" and ", " And ")) for t in attack.tactics if t in names] if attack is not None else [],
        "relevantTechniques": list(attack.techniques) if attack is not None else [],
        "query": subject.query,
    }
    if entities:
        found["entityMappings"] = entities
    return {
        **found,
        "eventGroupingSettings": {"aggregationKind": "AlertPerResult"},
        # Windows overlap, so the same row comes again: its alerts go to one incident.
        "incidentConfiguration": {
            "createIncident": True,
            "groupingConfiguration": {
                "enabled": True,
                "reopenClosedIncident": False,
                "lookbackDuration": span(max(subject.lookback, period), "dhm"),
                "matchingMethod": "AllEntities" if entities else "AnyAlert",
            },
        },
        "version": VERSION,
        "kind": "Scheduled",
    }


def checked(found: dict[str, Any]) -> dict[str, Any]:
    """Return a document that Sentinel takes; E510 for another."""
    check = Check(repr(found["name"]), "Microsoft Sentinel")
    check.need(_is_guid(found["id"]), "id is no GUID")
    check.length("name", found["name"], 1, 256)
    check.length("description", found["description"], 3, 5000)
    check.length("query", found["query"], 1, 10_000)
    check.one_of("severity", found["severity"], ("Informational", "Low", "Medium", "High"))
    check.one_of("triggerOperator", found["triggerOperator"], ("gt", "lt", "eq", "ne"))
    check.one_of("kind", found["kind"], ("Scheduled", "NRT"))
    for tactic in found["tactics"]:
        check.one_of("tactics", tactic, _TACTICS)
    for technique in found["relevantTechniques"]:
        check.need(re.fullmatch(r"T\d{4}(\.\d{3})?", technique) is not None, f"{technique!r} is no technique")
    check.need(0 <= found["triggerThreshold"] <= 10_000, "triggerThreshold lies beyond 0 to 10,000")
    period, frequency = _length(found["queryPeriod"]), _length(found["queryFrequency"])
    check.need(300 <= period <= 14 * _DAY, "queryPeriod lies beyond 5 minutes to 14 days: a summary rule or a watchlist has to hold what an older past says")
    check.need(300 <= frequency <= 14 * _DAY, "queryFrequency lies beyond 5 minutes to 14 days")
    check.need(period >= frequency, "queryPeriod is shorter than queryFrequency")
    check.need(period <= 2 * _DAY or frequency >= _HOUR, "a rule that looks back more than two days may run once an hour at most")
    if "entityMappings" in found:
        check.length("entityMappings", found["entityMappings"], 1, 5)
        for mapping in found["entityMappings"]:
            check.length("fieldMappings", mapping["fieldMappings"], 1, 3)
    check.need(re.fullmatch(r"\d+\.\d+\.\d+", found["version"]) is not None, "version is not of the form 1.2.3")
    check.done()
    return found


def properties(found: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as the resource's properties."""
    techniques = found["relevantTechniques"]
    incident = found["incidentConfiguration"]
    grouping = incident["groupingConfiguration"]
    said: dict[str, Any] = {
        "displayName": found["name"],
        "description": found["description"][1:-1],
        "severity": found["severity"],
        "enabled": True,
        "query": found["query"],
        "queryFrequency": _iso(found["queryFrequency"]),
        "queryPeriod": _iso(found["queryPeriod"]),
        "triggerOperator": "GreaterThan",
        "triggerThreshold": found["triggerThreshold"],
        "suppressionEnabled": False,
        "suppressionDuration": "PT1H",
        "tactics": found["tactics"],
        "techniques": list(dict.fromkeys(t.partition(".")[0] for t in techniques)),
        "subTechniques": [t for t in techniques if "." in t],
        "templateVersion": found["version"],
        "eventGroupingSettings": found["eventGroupingSettings"],
        "incidentConfiguration": {**incident, "groupingConfiguration": {**grouping, "lookbackDuration": _iso(grouping["lookbackDuration"])}},
    }
    if "entityMappings" in found:
        said["entityMappings"] = found["entityMappings"]
    return said


class _Symbol(str):
    """A name of Bicep rather than a text."""

    __slots__ = ()


def _bicep(value: Any, depth: int) -> str:
    pad = "  " * (depth + 1)
    if isinstance(value, dict):
        inner = "\n".join(f"{pad}{k}: {_bicep(v, depth + 1)}" for k, v in value.items())
        return f"{{\n{inner}\n{'  ' * depth}}}" if inner else "{}"
    if isinstance(value, list):
        inner = "\n".join(f"{pad}{_bicep(v, depth + 1)}" for v in value)
        return f"[\n{inner}\n{'  ' * depth}]" if inner else "[]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, _Symbol)):
        return str(value)
    # A text of one line: quotes, backslashes, breaks and ${ are escaped, so nothing in it is code.
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t").replace("${", "\\${")
    return f"'{text}'"


def _length(text: str) -> int:
    return int(text[:-1]) * {"m": 60, "h": _HOUR, "d": _DAY}[text[-1]]


def _iso(text: str) -> str:
    number, unit = text[:-1], text[-1]
    return f"P{number}D" if unit == "d" else f"PT{number}{unit.upper()}"


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


__all__ = ["as_arm", "as_bicep", "as_yaml", "checked", "document", "properties"]
