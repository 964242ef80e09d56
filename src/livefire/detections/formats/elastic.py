"""Files of Elastic rules: TOML of the rule repository, and JSON or NDJSON as Kibana exports it.

https://www.elastic.co/docs/solutions/security/detect-and-alert/manage-detection-rules
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from livefire.detections.detection import Rule, Severity
from livefire.detections.elastic.faults import Faults
from livefire.detections.elastic.rule import read
from livefire.detections.elastic.run import Alerting
from livefire.detections.formats.model import FormatError, RuleFile
from livefire.diagnostics import Source, Span

_SEVERITIES: dict[str, Severity] = {"low": "low", "medium": "medium", "high": "high", "critical": "critical"}


def from_toml(text: str, path: Path) -> tuple[RuleFile, ...] | None:
    """Return the rule of a TOML file, None where the file is no rule; FormatError for broken TOML."""
    try:
        said = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise FormatError(f"no TOML: {fault}") from fault
    rule = said.get("rule")
    if not isinstance(rule, dict) or "type" not in rule:
        return None
    return (_file(rule, [], text, Span(0, len(text)), path),)


def from_json(text: str, path: Path) -> tuple[RuleFile, ...] | None:
    """Return the rules of a JSON or NDJSON file with the exceptions it holds, None where it holds no rule; FormatError for broken JSON."""
    found = list(_objects(text))
    rules = [(said, span) for said, span in found if "type" in said and ("rule_id" in said or "risk_score" in said)]
    if not rules:
        return None
    items = [said for said, _ in found if isinstance(said.get("entries"), list)]
    return tuple(_file(said, _excepted(said, items), text, span, path) for said, span in rules)


def _objects(text: str) -> Iterator[tuple[dict[str, Any], Span]]:
    decoder = json.JSONDecoder()
    at = 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at >= len(text):
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as fault:
            raise FormatError(f"no JSON: {fault}") from fault
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                attributes = one.get("attributes")
                yield (attributes if isinstance(attributes, dict) else one), Span(at, end)
        at = end


def _excepted(rule: Mapping[str, Any], items: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the exception items of the lists that a rule names."""
    names = {said.get("list_id") for said in rule.get("exceptions_list") or [] if isinstance(said, Mapping)}
    return [item for item in items if item.get("list_id") in names]


def _file(said: Mapping[str, Any], exceptions: list[Mapping[str, Any]], text: str, part: Span, path: Path) -> RuleFile:
    source = Source(text, str(path))
    faults = Faults(source, part)
    rule = read(said, faults, exceptions)
    _missing_lists(said, exceptions, faults)
    shift = text.find(rule.query, part.start, part.end) if rule.query.strip() else -1
    alerting = Alerting(rule, tuple(faults.found), shift if shift >= 0 else None)
    return RuleFile(
        Rule(rule.name or path.stem, rule.language, text, path, alerting=alerting),
        rule.id or path.stem,
        rule.name or path.stem,
        rule.description,
        _SEVERITIES.get(rule.severity, "medium"),
        rule.risk,
        said=said,
    )


def _missing_lists(said: Mapping[str, Any], exceptions: list[Mapping[str, Any]], faults: Faults) -> None:
    there = {item.get("list_id") for item in exceptions}
    for named in said.get("exceptions_list") or []:
        if isinstance(named, Mapping) and named.get("list_id") not in there:
            words = f"the exceptions of the list {named.get('list_id')!r} are not in this file, so none of them is applied"
            faults.notice("N508", words, "exceptions_list")
