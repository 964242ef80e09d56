"""A value that someone wrote into a log decides about its own row only: it ends no run, and names no other member than its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from livefire.workspace import Workspace

WRITTEN = (
    "-9223372036854775808", "9223372036854775807", "9223372036854775808", "0x7fffffffffffffff", "9" * 40, "1e309", "-inf", "NaN", "", " ", "*", "\x01", "½",
    "99999999.00:00:00", "-99999999.23:59:59.9999999", "1e5d", "10000-01-01", "0000-00-00", "2026-02-30", "9999-12-31T23:59:59.9999999Z", "253402300800",
    "[" * 200, '{"a":', "[[1]]", "%zz", "1.2.3.4/33", "fe80::1%eth0", "(((",
)  # fmt: skip
"""Numbers, times and texts at the edges of what they could be read as, and beyond."""


@pytest.fixture(scope="module")
def ws() -> Workspace:
    found = Workspace()
    found.load("T", [{"i": at, "s": text} for at, text in enumerate(WRITTEN)], schema={"i": "int", "s": "string"})
    return found


@pytest.mark.parametrize(
    "expression",
    [
        "totimespan(s)",
        "make_timespan(s)",
        "format_timespan(totimespan(s), 'dd')",
        "unixtime_seconds_todatetime(tolong(s))",
        "unixtime_milliseconds_todatetime(tolong(s))",
        "unixtime_microseconds_todatetime(tolong(s))",
        "unixtime_nanoseconds_todatetime(tolong(s))",
        "unixtime_seconds_todatetime(todouble(s))",
        "startofday(todatetime(s))",
        "todatetime(s) + 1d",
        "todynamic(s)[s]",
        "parse_json(strcat('{\"k\":', s, '}'))[s]",
        "parse_url(s)",
        "parse_ipv4(s)",
        "base64_decode_tostring(s)",
        "url_decode(s)",
        "parse_version(s)",
        "extract('([0-9]+)', 1, s)",
    ],
)
def test_no_value_ends_a_run(ws: Workspace, expression: str) -> None:
    rows = ws.query(f"T | project i, x = {expression}", language="kql").rows
    assert sorted(row[0] for row in rows) == list(range(len(WRITTEN)))


def one(ws: Workspace, expression: str) -> Any:
    ((value,),) = ws.query(f"print {expression}", language="kql").rows
    return value


def test_a_number_that_is_no_time_gives_none(ws: Workspace) -> None:
    """Unsuccessful conversion gives null: https://learn.microsoft.com/kusto/query/unixtime-seconds-todatetime-function . A datetime ends with the year 9999."""
    values = ws.query("T | where i in (1, 20) | sort by i asc | project unixtime_seconds_todatetime(tolong(s))", language="kql").rows
    assert values == [(None,), (None,)]  # the last one is the first second of the year 10000
    assert one(ws, "unixtime_seconds_todatetime(253402300799)") == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert one(ws, "totimespan('1.02:00:00')") == timedelta(days=1, hours=2)


@pytest.mark.parametrize(
    ("key", "value"),
    [("*", 1), ("", 2), ("a/b", 3), ("a~1", 4), ("0", 5), ("x\ny", 6), ('q"r', 7), ("none", None)],
)
def test_a_member_is_named_by_its_very_name(key: str, value: int | None) -> None:
    """An asterisk is a name like any other: https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic ."""
    ws = Workspace()
    bag = '{"*":1,"":2,"a/b":3,"a~1":4,"0":5,"x\\ny":6,"q\\"r":7,"inner":{"*":{"z":8}},"list":["u","v"]}'
    ws.load("T", [{"k": key, "bag": bag}], schema={"k": "string", "bag": "string"})
    written = key.replace('"', '\\"').replace("\n", "\\n")
    found = ws.query(f'T | extend d = todynamic(bag) | project d[k], d["{written}"], d.inner["*"].z, d.list[k]', language="kql").rows
    assert found == [(value, value, 8, None)]
