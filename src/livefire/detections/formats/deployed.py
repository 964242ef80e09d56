"""Rules as products keep them: Sentinel's templates and exports in JSON, Splunk's savedsearches.conf, LogScale's YAML.

https://learn.microsoft.com/en-us/azure/templates/microsoft.securityinsights/alertrules
https://help.splunk.com/en/data-management/splunk-enterprise-admin-manual/configuration-file-reference/savedsearches.conf
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from livefire.detections.detection import Rule, Severity
from livefire.detections.formats import elastic
from livefire.detections.formats.model import FormatError, RuleFile

_SEVERITIES: dict[str, Severity] = {"informational": "informational", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}
_GRADES: dict[str, Severity] = {"1": "informational", "2": "low", "3": "medium", "4": "high", "5": "critical", "6": "critical"}
"""What `alert.severity` of a search means."""


def from_json(text: str, path: Path) -> tuple[RuleFile, ...] | None:
    """Return the rules of a JSON file of Elastic or Sentinel, None where it holds none; FormatError for broken JSON."""
    found = elastic.from_json(text, path)
    if found is not None:
        return found
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        # Lines of objects, which Elastic's reader has seen and which are no rules.
        return None
    rules = tuple(_sentinel(one, path) for one in _resources(said))
    return rules or None


def _resources(said: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what is an analytics rule in a template, in a list or by itself."""
    if isinstance(said, list):
        for one in said:
            yield from _resources(one)
    elif isinstance(said, Mapping):
        properties = said.get("properties")
        if isinstance(properties, Mapping) and isinstance(properties.get("query"), str):
            yield said
        for key in ("resources", "value"):
            if isinstance(said.get(key), list):
                yield from _resources(said[key])


def _sentinel(said: Mapping[str, Any], path: Path) -> RuleFile:
    properties = said["properties"]
    title = str(properties.get("displayName") or path.stem)
    name = str(said.get("name") or path.stem).rstrip("')]").rpartition("/")[2]
    severity = _SEVERITIES.get(str(properties.get("severity")).lower(), "medium")
    return RuleFile(
        Rule(title, "kql", properties["query"], path),
        name,
        title,
        str(properties.get("description") or ""),
        severity,
        said={"kind": said.get("kind"), **properties},
    )


def from_conf(text: str, path: Path) -> tuple[RuleFile, ...] | None:
    """Return the searches of a savedsearches.conf, None where it holds none."""
    found = []
    stanzas = list(_stanzas(text))
    usual = {key: value for name, said in stanzas if name == "default" for key, value in said.items()}
    for name, own in stanzas:
        said = {**usual, **own}
        search = own.get("search")
        if search and name != "default":
            severity = _SEVERITIES.get(said.get("action.notable.param.severity", ""), _GRADES.get(said.get("alert.severity", ""), "medium"))
            title = said.get("action.correlationsearch.label") or name
            found.append(RuleFile(Rule(title, "spl", search, path), name, title, said.get("description", ""), severity, said=said))
    return tuple(found) or None


def _stanzas(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each stanza with its settings; a backslash at the end of a line carries the value on to the next."""
    name, said = "default", dict[str, str]()
    lines = iter(text.splitlines())
    for line in lines:
        stripped = line.strip()
        if stripped.startswith("[") and stripped.endswith("]"):
            yield name, said
            name, said = stripped[1:-1], {}
        elif stripped and not stripped.startswith(("#", ";")) and "=" in line:
            key, _, value = line.partition("=")
            parts = [value.strip()]
            while parts[-1].endswith("\\"):
                parts[-1] = parts[-1][:-1]
                parts.append(next(lines, "").rstrip())
            said[key.strip()] = "\n".join(parts)
    yield name, said


def from_logscale(said: Mapping[str, Any], path: Path) -> tuple[RuleFile, ...] | None:
    """Return the query of an alert, a scheduled search or a saved query, None for another document."""
    query = said.get("queryString")
    if not isinstance(query, str):
        return None
    if not query.strip():
        raise FormatError("no rule: its queryString is empty")
    title = str(said.get("name") or path.stem)
    return (RuleFile(Rule(title, "cql", query, path), path.stem, title, str(said.get("description") or ""), said=said),)
