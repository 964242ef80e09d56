"""Files that are a query and nothing else, and rules in YAML: Sigma, Sentinel's analytics rules, Splunk's content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livefire.detections.detection import Rule, Severity
from livefire.detections.formats import deployed
from livefire.detections.formats.model import FormatError, RuleFile
from livefire.languages import SUFFIXES

_SEVERITIES: dict[str, Severity] = {"informational": "informational", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}


def query(text: str, path: Path) -> tuple[RuleFile, ...] | None:
    """Return the query of a file whose suffix names its language."""
    return (RuleFile(Rule(path.stem, SUFFIXES[path.suffix.lower()], text, path), path.stem, path.stem),) if text.strip() else None


def from_yaml(text: str, path: Path) -> tuple[RuleFile, ...] | None:
    """Return the rule of a YAML file by the keys it has, None for a file that is no rule; FormatError for broken YAML."""
    said = _document(text)
    if not isinstance(said, Mapping):
        return None
    severity = _SEVERITIES.get(str(said.get("level") or said.get("severity") or "").lower(), "medium")
    title, what = str(said.get("title") or said.get("name") or path.stem), str(said.get("description") or "")
    name = str(said.get("id") or path.stem)
    if "detection" in said or "correlation" in said:
        return (RuleFile(Rule(title, "sigma", text, path), name, title, what, severity, said=said),)
    if isinstance(said.get("query"), str) and ("kind" in said or "queryPeriod" in said or "tactics" in said):
        return (RuleFile(Rule(title, "kql", said["query"], path), name, title, what, severity, said=said),)
    if isinstance(said.get("search"), str) and ("data_source" in said or "how_to_implement" in said or "type" in said):
        return (RuleFile(Rule(title, "spl", said["search"], path), name, title, what, severity, said=said),)
    return deployed.from_logscale(said, path)


def _document(text: str) -> Any:
    import yaml

    try:
        # A Sigma file may hold several documents: the Sigma reader takes the whole text.
        return next(iter(yaml.safe_load_all(text)), None)
    except (yaml.YAMLError, RecursionError, ValueError) as fault:
        raise FormatError(f"no YAML: {str(fault).splitlines()[0]}") from fault
