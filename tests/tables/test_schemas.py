"""Tables that are known by their columns alone."""

from __future__ import annotations

import pytest

from livefire import QueryError, Workspace
from livefire.tables import declarations, schemas

NAMED = (
    "AWSVPCFlow", "AWSGuardDuty", "AzureDiagnostics", "SigninLogs", "AuditLogs", "SecurityAlert", "SecurityIncident", "BehaviorAnalytics", "IdentityInfo",
    "ThreatIntelligenceIndicator", "OfficeActivity", "SecurityEvent", "CommonSecurityLog", "Syslog", "DeviceProcessEvents",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_sentinels_tables_without_events_are_empty_and_typed(name: str) -> None:
    table = schemas("sentinel")[name]
    result = Workspace().query(f"{name} | take 5")
    assert result.rows == []
    assert result.columns == list(table.schema.names)
    assert ("TimeGenerated", "datetime") in list(zip(result.columns, result.types, strict=True))


def test_a_schema_is_the_one_of_the_vendors_page() -> None:
    """https://learn.microsoft.com/azure/azure-monitor/reference/tables/signinlogs"""
    types = {f.name: f.type.value for f in schemas("sentinel")["SigninLogs"].schema}
    said = {"UserPrincipalName": "string", "CreatedDateTime": "datetime", "DeviceDetail": "dynamic", "DurationMs": "long", "IsInteractive": "bool"}
    assert {name: types[name] for name in said} == said
    assert schemas("sentinel").doc("SigninLogs") == "https://learn.microsoft.com/azure/azure-monitor/reference/tables/signinlogs"
    assert schemas("sentinel").doc("DeviceProcessEvents") == "https://learn.microsoft.com/defender-xdr/advanced-hunting-deviceprocessevents-table"


def test_every_schema_can_be_made_and_none_hides_a_table_with_events() -> None:
    tables = schemas("sentinel")
    assert all(len(t.schema) == len(set(t.schema.names)) and t.time in t.schema for t in tables.values())
    assert len(tables) > 900
    assert not set(tables) & {d.name for d in declarations("sentinel")}
    assert len(schemas("elastic")) == 0


def test_a_loaded_table_stands_before_the_empty_one() -> None:
    workspace = Workspace()
    workspace.load("SigninLogs", [{"UserPrincipalName": "ann@example.org"}])
    assert workspace.query("SigninLogs").rows == [("ann@example.org",)]


def test_a_union_has_the_columns_of_empty_tables_and_the_rows_of_the_others() -> None:
    workspace = Workspace()
    workspace.load("Mine", [{"Computer": "web-1"}])
    result = workspace.query("union withsource=T Heartbeat, Mine | project T, Computer, OSType")
    assert result.rows == [("Mine", "web-1", "")]


def test_search_finds_rows_among_all_tables() -> None:
    workspace = Workspace()
    workspace.load("Mine", [{"Computer": "web-1"}, {"Computer": "db-1"}])
    assert workspace.query('search "web" | project $table, Computer').rows == [("Mine", "web-1")]


def test_a_column_of_a_known_empty_table_is_bound() -> None:
    with pytest.raises(QueryError) as error:
        Workspace().query("SigninLogs | where UserPrincipleName == 'ann'")
    told = [(d.code, d.help) for d in error.value.diagnostics if d.severity == "error"]
    assert told == [("E102", "did you mean 'UserPrincipalName'?")]
