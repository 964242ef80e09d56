"""`run --explain`: the stages of a query, for people."""

from __future__ import annotations

from pathlib import Path

from livefire.cli import OK, REFUSED
from tests.cli.logs import file_of, livefire, record

# The columns of such a chart are the names that the events have.
CHART = "sourcetype=aws:cloudtrail | chart count over awsRegion by eventName"


def test_sql_is_laid_out_in_lines(tmp_path: Path) -> None:
    (tmp_path / "q.kql").write_text("AWSCloudTrail | where EventName == 'CreateSnapshot' | count")
    shown = livefire("run", tmp_path / "q.kql", "--explain", "sql")
    assert shown.exit_code == OK
    lines = [line.strip() for line in shown.stdout.splitlines()]
    assert lines[0].startswith("SELECT")
    assert any(line.startswith("FROM") for line in lines)
    assert any(line.startswith("WHERE") and "'CreateSnapshot'" in line for line in lines)


def test_columns_that_depend_on_the_events_are_explained_over_logs(tmp_path: Path) -> None:
    (tmp_path / "q.spl").write_text(CHART)
    (tmp_path / "a.json").write_bytes(file_of(record(1), record(2, eventName="DeleteSnapshot")))
    refused = livefire("run", tmp_path / "q.spl", "--explain", "sql")
    assert refused.exit_code == REFUSED
    assert "E305" in refused.output
    shown = livefire("run", tmp_path / "q.spl", "--on", tmp_path / "a.json", "--explain", "sql")
    assert shown.exit_code == OK
    assert '"DeleteSnapshot"' in shown.stdout
    assert '"CreateSnapshot"' in shown.stdout
