"""What a query is refused for: code, place, words and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire import Workspace
from tests.languages.kql.running import NOW, faults

ROWS = {"T": [{"Name": "a", "Size": 1, "Bag": {"k": 1}}]}

CASES = [
    ("T | where name == 'a'", "E102", "name", "no column is named 'name'", "did you mean 'Name'?"),
    ("AWSCloudTrial | take 1", "E101", "AWSCloudTrial", "no table is named 'AWSCloudTrial'", "did you mean 'AWSCloudTrail'?"),
    ("T | extend x = tolowr(Name)", "E103", "tolowr", "no function is named 'tolowr'", "did you mean 'tolower'?"),
    ("T | wher Size > 1", "E201", "wher", "expected an operator after '|', found 'wher'", "did you mean 'where'?"),
    ("T | where Size has 'a'", "E104", "Size has 'a'", "has works on text, not on a long", "convert it with tostring()"),
    ("T | where Name.k == 'a'", "E104", "Name.k", "a string has no member 'k'", "read the text first: parse_json(x).k"),
    ("T | where (Size > 1", "E202", "(", "expected ')' to close '(' of line 1, found the end of the query", "close it with ')'"),
    (
        "T | extend Size + 'a'",
        "E104",
        "Size + 'a'",
        "+ is not defined for long and string",
        "convert text with tolong() or todouble(); join text with strcat()",
    ),
    ("T | summarize count() by Bag", "E104", "Bag", "rows cannot be grouped by a dynamic value", "convert it, as in tostring(x)"),
    ("T | summarize Size", "E104", "summarize Size", "the column 'Size' is not aggregated", "put it after `by`, or take_any(…) of it"),
    ("T | extend n = count()", "E104", "count", "count() is an aggregate and stands only in summarize", "put it into summarize … by …"),
    (
        "T | where Name matches regex @'(?<!x)a'",
        "E205",
        "@'(?<!x)a'",
        "the pattern cannot be run: it looks around",
        "Kusto's patterns are RE2's: no lookaround and no back-references",
    ),
    ("T | join kind=outer (T) on Name", "E107", "kind=outer", "no join is of kind 'outer'", None),
    (
        "T | join (T) on $left.Size > $right.Size",
        "E305",
        "$left.Size > $right.Size",
        "a join condition is a column, or $left.a == $right.b",
        "join on equal columns, and test the rest with where",
    ),
    ("T | take 1.5", "E107", "1.5", "a constant number of rows is expected here", ""),
    ("T | project a = 1, a = 2", "E106", "a", "two columns are named 'a'", ""),
    ("T | extend bin(Size)", "E105", "bin(Size)", "bin takes 2 arguments, and 1 were given", ""),
    ("T | fork (count) (join T on a)", "E301", "join T on a", "join stands in no branch of fork", None),
    ("let x = T | fork (count) (take 1); x", "E301", "fork (count) (take 1)", "fork gives a list of tables (2), and one is wanted here", None),
    (
        "externaldata(a: string)['https://files.example/a.csv']",
        "E101",
        None,
        "externaldata names a file that is not declared, and nothing here reads from the network",
        "put it into external/ of the site's folder as 'a.csv', or load its rows as a table named 'https://files.example/a.csv'",
    ),
    (
        "print datetime(2026-13-01)",
        "E206",
        "datetime(2026-13-01)",
        "'2026-13-01' is no datetime",
        "a datetime is written 2026-01-31 or 2026-01-31T23:59:59.123Z",
    ),
]


@pytest.mark.parametrize(("text", "code", "place", "message", "help"), CASES, ids=[c[0][:40] for c in CASES])
def test_refusals(text: str, code: str, place: str | None, message: str, help: str | None) -> None:
    first = faults(text, ROWS)[0]
    assert (first.code, first.message) == (code, message)
    assert place is None or text[first.span.start : first.span.end] == place
    assert help is None or first.help == help


def test_every_fault_is_found_in_one_reading() -> None:
    codes = [d.code for d in faults("T | where nam == 'a' | extend x = tolowr(Name), y = hash_combine(Name, Name)", ROWS)]
    assert codes == ["E102", "E103", "E302"]


def test_an_unknown_table_does_not_end_a_check() -> None:
    found = Workspace().check("NoSuchTable | where anything == 1 and Other.member has 'x' | extend e = hash_xxhash64(z)", language="kql")
    assert [d.code for d in found if d.severity == "error"] == ["E101", "E302"]


def test_words_without_effect_are_noticed() -> None:
    found = Workspace().check("set notruncation;\nprint x = 1 | render timechart", language="kql")
    assert [(d.severity, d.code) for d in found] == [("notice", "N121"), ("notice", "N122")]


def test_a_table_that_no_log_here_fills_is_said_once() -> None:
    text = 'SigninLogs | where ResultType == "0" | union (SigninLogs | take 1), (AuditLogs | where OperationName has "x") | count'
    result = Workspace().query(text, now=NOW)
    assert result.rows == [(0,)]
    told = [(d.severity, d.code, text[d.span.start : d.span.end]) for d in result.diagnostics]
    assert told == [("warning", "W109", "SigninLogs"), ("warning", "W109", "AuditLogs")]
    # Loaded rows fill it, and so does the log of a cloud, whether or not there is any.
    workspace = Workspace()
    workspace.load("SigninLogs", [{"ResultType": "0"}])
    assert workspace.query('SigninLogs | where ResultType == "1"', now=NOW).diagnostics == ()
    assert Workspace().check("AzureActivity | take 1") == []
    assert [d.code for d in Workspace().check("table('SigninLogs') | take 1")] == ["W109"]


def test_a_lake_without_events_of_the_tables_that_are_read_says_so(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "lake")
    found = workspace.query("AzureActivity | take 1", now=NOW)
    assert ([d.code for d in found.diagnostics], found.rows) == (["W109"], [])
    assert "azure_activity" in found.diagnostics[0].message
    # An aggregate over no rows gives one, and the lake is as empty.
    assert [d.code for d in workspace.query("AzureActivity | count", now=NOW).diagnostics] == ["W109"]
