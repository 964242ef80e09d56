"""A hunt through Spark finds what it finds through DuckDB."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from livefire.cli import REFUSED
from livefire.diagnostics import QueryError
from livefire.emulation.catalogue import emulations, find
from livefire.emulation.delivery import write
from livefire.engines.distributed.session import session
from livefire.engines.distributed.settings import read_settings
from livefire.engines.distributed.stored import Places, SiteTable
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


@pytest.mark.usefixtures("spark")
def test_a_table_of_one_s_own(lake: Path, tmp_path: Path) -> None:
    """The settings that docs/spark.md shows for a column of records give what the lake gives."""
    import pyarrow as pa
    from pyarrow import parquet

    text = (Path(__file__).parents[2] / "docs" / "spark.md").read_text(encoding="utf-8")
    (tmp_path / "site.toml").write_text(text.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    places = read_settings(tmp_path / "site.toml").engine().places
    embedded = Workspace(lake)
    files = [str(f) for f in embedded.lake.files("aws_cloudtrail")]
    records = pa.concat_tables([parquet.read_table(f, columns=["_raw"]) for f in files]).rename_columns(["record"])
    parquet.write_table(records, tmp_path / "records.parquet")
    opened = session(ADDRESS)
    opened.spark.read.parquet(str(tmp_path / "records.parquet")).createOrReplaceTempView("audit_cloudtrail")
    site = {name: replace(table, table="audit_cloudtrail") for name, table in places.tables.items()}
    cluster = Workspace(engine=Spark(ADDRESS, Places(tables=site)))
    chosen = [d for d in embedded.detections() if d.card.id in CHOSEN[:2]]
    # Without a lake the site's tables are all there is, and the moment has to be said.
    wanted, found = embedded.hunt(chosen, now=STORY_START + timedelta(days=1)), cluster.hunt(chosen, now=STORY_START + timedelta(days=1))
    assert [o.reason for _, o in found.refused] == []
    mine = [f for f in wanted.findings if all(name.startswith("aws_cloudtrail/") for name in f.evidence)]
    assert mine
    assert [(f.detection, f.evidence, f.fingerprint) for f in found.findings] == [(f.detection, f.evidence, f.fingerprint) for f in mine]


@pytest.mark.usefixtures("spark")
def test_a_column_that_a_table_lacks_is_said() -> None:
    session(ADDRESS).spark.sql("SELECT 'x' AS event_name").createOrReplaceTempView("audit_short")
    ws = Workspace(engine=Spark(ADDRESS, Places(tables={"aws_cloudtrail": SiteTable("audit_short")})))
    with pytest.raises(QueryError) as caught:
        ws.query("AWSCloudTrail | where EventName == 'x' | project TimeGenerated, EventName")
    (told,) = caught.value.diagnostics[-1:]
    assert told.code == "E466"
    assert "_time" in told.message
