"""Agreement with the documents that Elastic's own pipelines make of the same events."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livefire.logsources.registry import source
from livefire.tables.agreement import compare, leaves
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


def test_leaves_are_the_same_nested_or_flat() -> None:
    assert dict(leaves({"a": {"b": [1], "c": None}, "d": ""})) == dict(leaves({"a.b": "1"})) == {"a.b": "1"}
    assert dict(leaves({"t": "2026-03-04T09:00:00.1234567Z"})) == {"t": "2026-03-04T09:00:00.123Z"}
    assert dict(leaves({"r": [{"x": 2}, {"x": 1}]})) == {"r.x": ("1", "2")}


def test_counts_agreement_and_says_where_the_two_differ() -> None:
    found = compare([{"a": 1, "b": "x", "extra": True}], [{"a": "1", "b": "y"}], lambda name: name == "c")
    # a agrees; b differs; extra is only in the row.
    assert found.figure == (1, 3)
    assert [(d.field, d.expected, d.shown) for d in found.differences] == [("b", "y", "x"), ("extra", None, "true")]
    assert compare([{"a": 1, "extra": 2}], [{"a": 1}], lambda _: False, whole=False).figure == (1, 1)


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


@pytest.mark.skipif(
    "LIVEFIRE_ELASTIC_PAIRS" not in os.environ, reason="needs a folder of Elastic's pipeline tests, which may not be handed on with this project"
)
@pytest.mark.parametrize("dataset", DATASETS)
def test_agrees_with_the_documents_of_elastic_s_own_pipeline_tests(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    origin, name = DATASETS[dataset]
    known = [p for p in pairs(Path(os.environ["LIVEFIRE_ELASTIC_PAIRS"]), dataset) if source(origin).recognise(p[0])]
    rows = shown(table(name, "elastic"), [event for event, _, _, _ in known])
    current = [0, 0]
    counts: dict[str, list[int]] = {}
    differing: dict[str, list[Any]] = {}
    for row, (_, document, whole, generation) in zip(rows, known, strict=True):
        found = compare([row], [document], left_out, whole)
        for count in (counts.setdefault(generation, [0, 0]), *((current,) if not whole else ())):
            count[0], count[1] = count[0] + found.figure[0], count[1] + found.figure[1]
        for difference in found.differences:
            differing.setdefault(f"{generation} {difference.field}", []).append((difference.expected, difference.shown))
    with capsys.disabled():
        for generation, (agreed, compared) in counts.items():
            print(f"\n{dataset} {generation}: {agreed}/{compared} fields agree")
        for field, cases in sorted(differing.items()):
            print(f"  {field}: {len(cases)}, first expected {cases[0][0]!r:.160}, shown {cases[0][1]!r:.160}")
    # Extracts are of the pipelines of today, which the tables follow; the whole documents are of older ones.
    agreed, compared = current if current[1] else map(sum, zip(*counts.values(), strict=True))
    assert agreed / compared > 0.9
