"""The tables as the languages read them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livefire.diagnostics import QueryError
from livefire.workspace import Workspace
from tests.tables import examples as x

NOW = datetime(2026, 5, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder: Path = tmp_path_factory.mktemp("lake")
    logs = folder / "logs.json"
    events = [x.AWS_CALL, x.AWS_FAILURE, x.AWS_READ, x.azure("Start", "Started."), x.AZURE_PORTAL, x.GCP_FIRST, x.GCP_LAST]
    logs.write_text("\n".join(json.dumps(e) for e in events))
    found = Workspace(folder / "lake")
    found.ingest(logs)
    return found


def test_kql_reads_the_tables_of_sentinel(workspace: Workspace) -> None:
    rows = workspace.query('AWSCloudTrail | where EventName == "RunInstances" | summarize count() by ErrorCode | sort by ErrorCode asc', "kql", now=NOW).rows
    # The empty string, never null, stands for a call without an error.
    assert rows == [("", 1), ("Client.InstanceLimitExceeded", 1)]


def test_another_vendor_s_name_is_answered_with_this_table_s(workspace: Workspace) -> None:
    with pytest.raises(QueryError) as caught:
        workspace.query('AWSCloudTrail | where sourceIPAddress == "x"', "kql", now=NOW)
    assert "SourceIpAddress" in caught.value.diagnostics[0].help


def test_eql_answers_a_sigma_name_with_the_ecs_field(workspace: Workspace) -> None:
    (found,) = workspace.check('any where gcp.audit.method_name == "x"', "eql", index="logs-gcp.audit-*")
    assert "event.action" in found.help


def test_cql_counts_each_event_once_although_a_compatibility_table_holds_it_again(workspace: Workspace) -> None:
    assert workspace.query("count()", "cql", now=NOW).rows == [(7,)]


def test_cql_says_that_no_product_writes_the_compatibility_table(workspace: Workspace) -> None:
    result = workspace.query("#event_simpleName=CloudResourceModification | groupBy([aid], function=count())", "cql", now=NOW)
    # Six of the seven change something: the call that describes instances does not.
    assert sorted(result.rows) == [(x.SUBSCRIPTION, 2), ("111122223333", 2), ("shop", 2)]
    assert [d.code for d in result.diagnostics] == ["N108"]


def test_sigma_reads_by_log_source(workspace: Workspace) -> None:
    rule = """
title: an instance is started
logsource: {product: aws, service: cloudtrail}
detection:
    call: {eventName: RunInstances, requestParameters.instanceType: m5.large, errorCode: null}
    condition: call
"""
    assert len(workspace.query(rule, "sigma", now=NOW).rows) == 1
