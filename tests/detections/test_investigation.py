"""Investigations against planted answers: what a guide's queries must bring out of a story that is known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from livefire.detections.finding import Finding
from livefire.detections.investigation import Case, Question, fill, kind_of, read_guide
from livefire.detections.pack import BUNDLED, load_packs
from livefire.emulation.actors import AZURE_INTRUDER, INTRUDER_IP
from livefire.emulation.catalogue import find
from livefire.emulation.delivery import write
from livefire.proving import STORY_START
from livefire.report.cases import case_json, case_text
from livefire.workspace import Workspace

GUIDES = sorted((BUNDLED / "t1578").rglob("investigate.md"))
SPAN = (datetime(2026, 9, 14, tzinfo=UTC), datetime(2026, 9, 16, tzinfo=UTC))


def look_into(story: str, detection: str, folder: Path) -> Case:
    """Hunt one detection over one emulation and investigate its first finding."""
    write(find(story), folder / "logs", STORY_START)
    ws = Workspace()
    ws.ingest(folder / "logs")
    found = ws.hunt([d for d in load_packs() if d.card.id == detection]).findings
    assert found
    return ws.investigate(found[0])


def answers(case: Case, title: str) -> list[dict[str, object]]:
    asked = [a for a in case.answers if a.question.title == title]
    assert asked
    assert [a.refused for a in asked if a.refused] == []
    return [row for a in asked for row in a.rows]


def test_a_snapshot_shared_in_aws(tmp_path: Path) -> None:
    story = find("T1578/aws-share-snapshot")
    case = look_into(story.id, "T1578.001/snapshot-shared", tmp_path)
    # The story: the stolen session makes a volume and a snapshot of it, then shares the snapshot, all from the intruder's address.
    told = [r.raw for r in story.generate(STORY_START).evidence]
    snapshot = next(r["responseElements"]["snapshotId"] for r in told if r["eventName"] == "CreateSnapshot")
    names = [r["eventName"] for r in told]
    assert case.addresses == (INTRUDER_IP,)
    assert set(names) <= {row["Action"] for row in answers(case, "What else did the identity do?")}
    assert INTRUDER_IP in {row["SourceIP"] for row in answers(case, "From where does it act?")}
    assert {"CreateSnapshot", "ModifySnapshotAttribute"} <= {row["Action"] for row in answers(case, "What became of the resource?")}
    assert len(answers(case, "What else came from that address?")) == 1
    assert f"keep, and lock against deletion, {snapshot}" in case.preserve
    assert f"take back every share and download link of {snapshot}" in case.contain
    assert [a.action for a in case.timeline if a.verb] == [n for n in names if n in {a.action for a in case.timeline}]


def test_a_chain_is_looked_into_like_a_finding(tmp_path: Path) -> None:
    # The story of the test above, whose last two acts complete the chain of a copy that is shared.
    story = find("T1578/aws-share-snapshot")
    write(story, tmp_path / "logs", STORY_START)
    ws = Workspace()
    ws.ingest(tmp_path / "logs")
    (chain,) = [c for c in ws.chains() if c.chain.id == "T1578.chain/disk-copied-and-shared"]
    case = ws.investigate(chain.as_finding)
    assert case.finding.fingerprint == chain.fingerprint
    assert case.addresses == (INTRUDER_IP,)
    assert {"CreateSnapshot", "ModifySnapshotAttribute"} <= {row["Action"] for row in answers(case, "What else did the identity do?")}
    assert any(p.startswith("keep, and lock against deletion, snap-") for p in case.preserve)


def test_a_download_link_in_azure(tmp_path: Path) -> None:
    case = look_into("T1578.001-azure-2", "T1578.001/disk-exported", tmp_path)
    assert case.principals == (AZURE_INTRUDER.object_id,)
    operations = {str(row["Action"]).lower() for row in answers(case, "What else did the identity do?")}
    assert {"microsoft.compute/snapshots/write", "microsoft.compute/snapshots/begingetaccess/action"} <= operations
    # The disk that the snapshot was made of is not in the evidence; it is reached through what was made from what.
    assert any("/disks/" in r for r in (*case.resources, *case.reached))
    text = case_text(case)
    assert text.index("## Preserve first") < text.index("## Then contain")
    assert case_json(case)["principals"] == [AZURE_INTRUDER.object_id]


def test_what_the_log_says_is_data_in_a_query() -> None:
    question = Question("t", "w", "kql", 'let Actor = "{{actor}}"; T | where A == Actor and Time > datetime({{start}})')
    assert fill(question, {"actor": 'x" | take 1 //\\'}, SPAN) == (
        'let Actor = "x\\" | take 1 //\\\\"; T | where A == Actor and Time > datetime(2026-09-14T00:00:00Z)'
    )


@pytest.mark.parametrize("guide", GUIDES, ids=lambda g: g.parent.name)
def test_every_guide_can_be_asked(guide: Path) -> None:
    questions = [q for q in read_guide(guide) if q.text]
    assert len(questions) >= 4
    ws = Workspace()
    for question in questions:
        text = fill(question, dict.fromkeys(question.asks_for, "nobody"), SPAN)
        assert [d for d in ws.check(text, question.language) if d.severity == "error"] == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("i-0abc", "instance"),
        ("snap-0abc", "copy"),
        ("/subscriptions/s/providers/microsoft.compute/disks/d", "disk"),
        ("projects/p/zones/z/instances/vm", "instance"),
        ("alice", ""),
    ],
)
def test_the_kind_of_a_resource(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_a_finding_of_no_detection_of_the_pack() -> None:
    with pytest.raises(KeyError):
        Workspace().investigate(Finding("nobody/knows", "t", "low", "kql", {}, (), None, "f"))
