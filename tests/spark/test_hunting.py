"""A hunt through Spark finds what it finds through DuckDB."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from livefire.cli import REFUSED
from livefire.emulation.catalogue import emulations, find
from livefire.emulation.delivery import write
from livefire.engines.spark import Spark
from livefire.proving import STORY_START
from livefire.workspace import Workspace
from tests.cli.logs import livefire
from tests.spark.conftest import ADDRESS

CHOSEN = ("T1578.001/snapshot-shared", "T1578.001/snapshot-created", "T1578.004/instance-bounced")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with the story of a snapshot that is made and shared with a foreign account, in two commits."""
    folder = tmp_path_factory.mktemp("spark")
    for place, story in enumerate(("T1578/aws-share-snapshot", "T1578/azure-deallocate-start")):
        if story in {m.id for m in emulations()}:
            write(find(story), folder / str(place), STORY_START)
            Workspace(folder / "lake").ingest(folder / str(place))
    return folder / "lake"


def test_hunt(lake: Path, spark: Spark) -> None:
    embedded, cluster = Workspace(lake), Workspace(lake, spark)
    chosen = [d for d in embedded.detections() if d.card.id in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    wanted, found = embedded.hunt(chosen), cluster.hunt(chosen)
    assert [o.reason for _, o in found.refused] == []
    assert {f.detection for f in wanted.findings} >= {"T1578.001/snapshot-shared", "T1578.001/snapshot-created"}
    assert found.findings == wanted.findings


def test_command(lake: Path, tmp_path: Path) -> None:
    rule = tmp_path / "share.kql"
    rule.write_text("AWSCloudTrail | where EventName =~ 'modifysnapshotattribute' | project TimeGenerated, EventName", encoding="utf-8")
    shown = [livefire("run", rule, "--lake", lake, "--json", "--engine", engine) for engine in ("duckdb", f"spark:{ADDRESS}")]
    assert [s.exit_code for s in shown] == [shown[0].exit_code] * 2
    assert json.loads(shown[0].stdout) == json.loads(shown[1].stdout)
    assert "ModifySnapshotAttribute" in shown[1].stdout


def test_an_engine_that_there_is_not(lake: Path) -> None:
    result = livefire("hunt", "--lake", lake, "--engine", "sparc")
    assert result.exit_code == REFUSED
    assert "E466" in result.output


@pytest.mark.slow
def test_the_whole_pack(tmp_path: Path, spark: Spark) -> None:
    for place, story in enumerate(emulations()):
        write(story, tmp_path / "logs" / str(place), STORY_START)
    embedded = Workspace(tmp_path / "lake")
    embedded.ingest(tmp_path / "logs")
    wanted, found = embedded.hunt(seconds=600.0), Workspace(tmp_path / "lake", spark).hunt(seconds=600.0)
    assert [o.reason for _, o in found.refused] == []
    assert [f.fingerprint for f in found.findings] == [f.fingerprint for f in wanted.findings]
    assert [f.evidence for f in found.findings] == [f.evidence for f in wanted.findings]
