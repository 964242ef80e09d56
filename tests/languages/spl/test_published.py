"""A search whose author wanted more than Splunk gives: it runs as written, and each place says what is amiss."""

from livefire import Workspace
from livefire.diagnostics import Source

SEARCH = """index="cloud_activity" (operation="Create VM" OR operation="Create Extension")
| stats count by who, target
| where target LIKE "Compute/machines*" AND (status!="Succeeded" OR who!="builder")
| sort by when"""


def test_runs_as_written_with_a_warning_at_each_place() -> None:
    workspace = Workspace()
    rows = [
        {"when": "2026-01-01T00:00:00Z", "operation": "create vm", "who": "ann", "target": "Compute/machines*", "status": "Failed"},
        {"when": "2026-01-01T00:01:00Z", "operation": "Create VM", "who": "ann", "target": "Compute/machines/vm1", "status": "Failed"},
        {"when": "2026-01-01T00:02:00Z", "operation": "Create VM", "who": "builder", "target": "Compute/machines*", "status": "Failed"},
    ]
    workspace.load("cloud_activity", rows, time_field="when")
    result = workspace.query(SEARCH, language="spl", lenient=True)
    # LIKE has no `*`, so only a target that really ends in a star matches; `status` is gone after stats, so its
    # comparison is null and only `who` decides: that leaves out the builder.
    assert result.columns == ["who", "target", "count"]
    assert result.rows == [("ann", "Compute/machines*", 1)]
    said = [(d.code, SEARCH[d.span.start : d.span.end]) for d in result.diagnostics]
    assert said == [("W152", '"Compute/machines*"'), ("W151", "status"), ("W153", "by"), ("W151", "when")]
    fixed = next(d.fix for d in result.diagnostics if d.code == "W152")
    assert fixed is not None
    assert fixed.replacement == '"Compute/machines%"'


def test_an_index_nobody_has_is_an_error_or_a_guess() -> None:
    search = 'index="azure_activity_logs" operationName="*WRITE" | stats count by caller'
    workspace = Workspace()
    assert [d.code for d in workspace.check(search, language="spl") if d.severity == "error"] == ["E101"]
    result = workspace.query(search, language="spl", lenient=True)
    # Two of the tables show the events of the Azure activity log under such a name: one of them is read, or each event would count twice.
    assert {d.code for d in result.diagnostics} >= {"W157", "N157"}
    assert result.columns == ["caller", "count"]
    assert result.rows == []


def test_a_search_without_an_index_reads_each_log_once() -> None:
    workspace = Workspace()
    compiled = workspace.compile(Source("RunInstances | stats count by sourcetype"), "spl")
    statement = workspace.sql(compiled)
    assert statement.count("'aws:cloudtrail'") >= 1
    shown_again = [x for x in ("azure:monitor:activity", "mscs:azure:audit", "mscs:azure:eventhub") if f"'{x}'" in statement]
    assert len(shown_again) == 1
