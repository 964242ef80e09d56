"""Detections of two acts find the pair among other acts of the same kind, days before and after, in every language.

The least and the greatest time of a window are not enough for that: between a stop last week and a start next week there is
a gap of two weeks, and the pair of today is lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from livefire import Workspace
from tests.cli.logs import file_of, record

LANGUAGES = ("kql", "eql", "spl", "cql", "esql")


def pair(before: str, after: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the first act alone on one day, both within a minute four days later, and the second alone another four days later."""
    times = [(before, "2026-03-01T09:00:00Z"), (before, "2026-03-05T09:00:00Z"), (after, "2026-03-05T09:01:00Z"), (after, "2026-03-09T09:00:00Z")]
    return [record(n, eventName=name, eventTime=time, requestParameters=request) for n, (name, time) in enumerate(times, 1)]


CASES = {
    "T1578.004/instance-bounced": pair("StopInstances", "StartInstances", {"instancesSet": {"items": [{"instanceId": "i-0abc1234"}]}}),
    "T1578.003/evidence-wiped": pair("TerminateInstances", "DeleteVolume", {"volumeId": "vol-0abc1234", "instancesSet": {"items": []}}),
}


@pytest.mark.parametrize("detection", CASES)
def test_the_pair_is_found_between_others(detection: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(file_of(*CASES[detection]))
    ws = Workspace(tmp_path / "lake")
    ws.ingest(tmp_path / "a.json")
    chosen = [d for d in ws.detections() if d.card.id == detection]
    ids = [f"aws_cloudtrail/{r['eventID']}" for r in CASES[detection]]
    marks = {}
    for language in LANGUAGES:
        (found,) = ws.hunt(chosen, language=language).findings
        # ES|QL has no rows of a window: its findings rest on all acts of the group.
        assert list(found.evidence) == (ids if language == "esql" else ids[1:3]), language
        if language != "esql":
            marks[language] = found.fingerprint
    assert len(set(marks.values())) == 1, marks


def test_calls_for_many_machines_end_no_sequence(tmp_path: Path) -> None:
    # Elastic leaves the text of a request out beyond 8,191 characters, so a condition on it alone says nothing of a long one.
    ids = [{"instanceId": f"i-0abc12340000{n:04d}"} for n in range(300)]
    many = {"instancesSet": {"items": ids}}
    run = {"instancesSet": {"items": [{"imageId": "ami-1", "minCount": 300, "maxCount": 300}]}}
    acts = [("RunInstances", run, many), ("StopInstances", many, None), ("StartInstances", many, None), ("TerminateInstances", many, None)]
    told = [
        record(n, eventName=name, eventTime=f"2026-03-05T09:0{n}:00Z", requestParameters=asked, responseElements=given)
        for n, (name, asked, given) in enumerate(acts, 1)
    ]
    (tmp_path / "a.json").write_bytes(file_of(*told))
    ws = Workspace(tmp_path / "lake")
    ws.ingest(tmp_path / "a.json")
    ended = [d.card.id for d, _ in ws.hunt(language="eql").refused if "eql" in d.languages]
    assert ended == []
