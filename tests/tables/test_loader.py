"""The table files: what they name exists, and what they say means what the product does."""

import pytest

from livefire.engines.duckdb import DuckDB
from livefire.engines.sql import walk
from livefire.logsources.registry import SOURCES, source
from livefire.plan import nodes as n
from livefire.plan.catalog import Table, TableCatalog
from livefire.schema import Type
from livefire.tables import declarations, vendor_tables
from livefire.tables.declaration import DeclarationError, TableDeclaration, declare
from livefire.tables.loader import build
from livefire.tables.values import split_path, storage_columns

PLAIN = {"name": "T", "title": "T", "vendor": "v", "source": "aws_cloudtrail"}


@pytest.mark.parametrize("said", declarations(), ids=lambda d: f"{d.vendor}/{d.name}")
def test_every_storage_column_is_declared_by_the_log_source(said: TableDeclaration) -> None:
    for column in said.columns:
        for name, value in column.sources.items():
            assert storage_columns(value) <= set(source(name).schema.names), (column.name, value)


@pytest.mark.parametrize("table", vendor_tables(), ids=lambda t: f"{t.vendor}/{t.name}")
def test_every_table_can_be_printed_and_its_names_are_its_own(table: Table) -> None:
    assert DuckDB().unsupported(table.plan) == ()
    assert len(set(table.plan.schema.names)) == len(table.plan.schema.names)
    assert table.hidden <= set(table.plan.schema.names)
    assert set(table.canonical) <= set(table.plan.schema.names)
    assert table.time is None or n.column(table.plan, table.time).type is Type.DATETIME


@pytest.mark.parametrize("said", declarations(), ids=lambda d: f"{d.vendor}/{d.name}")
def test_every_column_says_what_it_is(said: TableDeclaration) -> None:
    assert [c.name for c in said.columns if not c.description] == []


def test_a_table_reads_the_events_by_their_identity_and_time() -> None:
    scans = [node for table in vendor_tables() for node in walk(table.plan) if isinstance(node, n.Scan)]
    assert {(s.table, s.identity, s.time) for s in scans} == {(s.name, "_id", "_time") for s in SOURCES}


def test_a_plain_hot_column_stays_a_plain_column_so_that_the_engine_skips_files_by_time() -> None:
    (table,) = [t for t in vendor_tables() if t.name == "logs-azure.activitylogs-*"]
    assert isinstance(table.plan, n.Project)
    assert n.Item("@timestamp", n.column(table.plan.input, "_time")) in table.plan.items


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colums": {}}, "the table has no key 'colums'"),
        ({"columns": {"a": {"type": "string", "from": "event_nam"}}}, "no column 'event_nam'"),
        ({"columns": {"a": {"type": "text", "from": "event_name"}}}, "no type is named 'text'"),
        ({"columns": {"a": {"type": "string", "from": "event_name.x"}}}, "leads nowhere"),
        ({"columns": {"a": {"type": "string", "from": {"uper": "event_name"}}}}, "needs just one of"),
        ({"columns": {"a": {"type": "string", "from": {"when": {"is": "x"}, "then": "event_name"}}}}, "is no condition"),
        ({"columns": {"a": {"type": "string", "from": "event_name", "status": "guessed"}}}, "observed or inferred"),
        ({"time": "a", "columns": {"a": {"type": "string", "from": "event_name"}}}, "no datetime column"),
        ({"roots": [{"prefix": "", "column": "a"}], "columns": {"a": {"type": "string", "from": "event_name"}}}, "needs a dynamic column"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(change: dict[str, object], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        build(declare(PLAIN | change, {}))


def test_paths() -> None:
    assert split_path('claims["http://a.b/c"].x[0][-1]') == ("claims", ("http://a.b/c", "x", 0, -1))
    assert split_path("_raw.a-b") == ("_raw", ("a-b",))
    with pytest.raises(ValueError, match="from character 8"):
        split_path("request.[0]")


def test_each_vendor_s_name_leads_to_the_others() -> None:
    catalog = TableCatalog(vendor_tables())
    assert "EventName" in catalog.other_names("eventName")["sentinel"]
    assert "OperationNameValue" in catalog.other_names("event.action")["sentinel"]
    assert "event.action" in catalog.other_names("MethodName")["elastic"]
    assert catalog.other_names("no such field") == {}
