"""How far the Elastic tables agree with the documents that Elastic's own pipelines made of the same events.

The pairs are others' work and lie outside the project; only figures are taken from them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from livefire.logsources.registry import source
from livefire.tables.agreement import compare
from tests.tables.rule_fields import RULE_FIELDS
from tests.tables.shown import shown, table

# What the index or the agent adds, what needs a database of places, networks or browsers, and our own hidden columns.
NOT_OURS = (
    "agent.", "ecs.", "event.created", "event.ingested", "event.original", "fileset.", "input.", "log.offset", "log.file", "service.type", "tags",
    "data_stream.", "geo.", "source.geo.", "source.as.", "user_agent.device.", "user_agent.name", "user_agent.os.", "user_agent.version",
)  # fmt: skip

DATASETS = {
    "aws/cloudtrail": ("aws_cloudtrail", "logs-aws.cloudtrail-*"),
    "azure/activitylogs": ("azure_activity", "logs-azure.activitylogs-*"),
    "gcp/audit": ("gcp_audit", "logs-gcp.audit-*"),
}


def left_out(name: str) -> bool:
    return name.startswith(NOT_OURS) and name != "geo.name"


def pairs(folder: Path, dataset: str) -> Iterator[tuple[dict[str, Any], dict[str, Any], bool, str]]:
    """Yield raw event, expected document, whether that document is whole, and the folder it is from."""
    module, stream = dataset.split("/")
    for path in sorted(folder.rglob("*-expected*.json")):
        place = path.as_posix()
        if not (f"/{module}/" in place and f"/{stream}/" in place) and f"/{module}-{stream}/" not in place:
            continue
        said = json.loads(path.read_text())
        documents = said["expected"] if isinstance(said, dict) else said
        raw = path.with_name(path.name.split("-expected")[0])
        events = [json.loads(line) for line in raw.read_text().splitlines() if line.strip()]
        for event, document in zip(events, documents, strict=False):
            yield event, document, "subset" not in path.name, path.relative_to(folder).parts[0]


@dataclass(slots=True)
class Agreement:
    """Fields that agree of those compared, in one data set of one generation of the pipelines; the differing ones counted."""

    dataset: str
    generation: str
    current: bool
    agreed: int = 0
    compared: int = 0
    differing: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """How often one field that rules use is as expected, of the documents that have it, and one value that differs."""

    dataset: str
    field: str
    agreed: int
    compared: int
    expected: str = ""
    shown: str = ""


def _unused(used: frozenset[str], name: str) -> bool:
    return name not in used


def by_field(folder: Path) -> list[FieldAgreement]:
    """Return the agreement of each field that rules use, over the leaves that the expected documents have."""
    found: list[FieldAgreement] = []
    for dataset, (origin, name) in DATASETS.items():
        known = [p for p in pairs(folder, dataset) if source(origin).recognise(p[0])]
        rows = shown(table(name, "elastic"), [event for event, _, _, _ in known]) if known else []
        used = frozenset(RULE_FIELDS[dataset])
        result = compare(rows, [document for _, document, _, _ in known], partial(_unused, used), whole=False)
        first = {d.field: d for d in reversed(result.differences)}
        for leaf, compared in sorted(result.compared.items()):
            one = first.get(leaf)
            found.append(FieldAgreement(dataset, leaf, result.agreed[leaf], compared, str(one.expected) if one else "", str(one.shown) if one else ""))
    return found


def measure(folder: Path) -> list[Agreement]:
    """Return the agreement with every pair below a folder, by data set and generation."""
    found: list[Agreement] = []
    for dataset, (origin, name) in DATASETS.items():
        known = [p for p in pairs(folder, dataset) if source(origin).recognise(p[0])]
        rows = shown(table(name, "elastic"), [event for event, _, _, _ in known]) if known else []
        counts: dict[str, Agreement] = {}
        for row, (_, document, whole, generation) in zip(rows, known, strict=True):
            one = counts.setdefault(generation, Agreement(dataset, generation, not whole))
            result = compare([row], [document], left_out, whole)
            one.agreed, one.compared = one.agreed + result.figure[0], one.compared + result.figure[1]
            one.differing.update(d.field for d in result.differences)
        found.extend(counts.values())
    return found
