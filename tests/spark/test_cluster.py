"""The engine on Spark itself: a master and two workers on loopback, one of which is killed in the middle."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from livefire.emulation.catalogue import find
from livefire.emulation.delivery import write
from livefire.engines.base import Run, Storage
from livefire.engines.distributed.session import close
from livefire.engines.spark import Spark
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call
from livefire.proving import STORY_START
from livefire.schema import Schema, Type
from livefire.workspace import Workspace
from tests.spark.cluster import home, started

pytestmark = [pytest.mark.slow, pytest.mark.skipif(home() is None, reason="no Java, or only a client of Spark without its jars; SPARK_HOME names a whole one")]
CHOSEN = ("T1578.001/snapshot-shared", "T1578.001/snapshot-created", "T1578.003/evidence-wiped")


def slow_sum(numbers: int) -> n.Plan:
    """A grouping that the nodes compute: for each of eight keys the median, which Spark has not in its own words."""
    given = n.Values(Schema.of(("v", Type.LONG)), tuple((i,) for i in range(numbers)))
    key = n.Item("k", call("number.modulo", e.Column("v", Type.LONG), e.whole(8), type=Type.LONG))
    return n.Sort(n.Aggregate(given, (key,), (n.Item("m", aggregate("agg.median", e.Column("v", Type.LONG))),)), (e.SortKey(e.Column("k", Type.LONG)),))


def test_a_worker_is_killed_in_the_middle(tmp_path: Path) -> None:
    spark = home()
    assert spark is not None
    write(find("T1578/aws-share-snapshot"), tmp_path / "logs", STORY_START)
    embedded = Workspace(tmp_path / "lake")
    embedded.ingest(tmp_path / "logs")
    chosen = [d for d in embedded.detections() if d.card.id in CHOSEN]
    wanted = embedded.hunt(chosen)
    assert wanted.findings
    with started(spark, tmp_path) as cluster:
        engine = Spark(cluster.address)
        try:
            # The medians of 0, 8, 16 … 792 and so on: 100 numbers a key, the middle two are 392 + k and 400 + k.
            rows = engine.execute(slow_sum(800), Storage(), Run(seconds=600.0))
            assert rows.column(1).to_pylist() == [396.0 + k for k in range(8)]
            killer = threading.Timer(2.0, cluster.kill_worker)
            killer.start()
            found = Workspace(tmp_path / "lake", engine).hunt(chosen, seconds=600.0)
            killer.join()
            assert len(cluster.workers) == 1
            assert [o.reason for _, o in found.refused] == []
            assert found.findings == wanted.findings
            # What is left of the cluster answers on.
            again = Workspace(tmp_path / "lake", engine).hunt(chosen, seconds=600.0)
            assert again.findings == wanted.findings
        finally:
            close(cluster.address)
