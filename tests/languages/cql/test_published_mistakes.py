"""Queries as people publish them that LogScale would reject: refused as they are, read as meant in lenient mode."""

from __future__ import annotations

import pytest

import livefire
from tests.languages.cql.running import codes, result

QUERY = """#kind = "machine"
| verb = /(?i)(start|stop|list)/
| who != /(?i)robot/
| groupBy([who, verb], function=[count(as=Times), min(at, as=First)])
| case {
    verb = /(?i)stop/ => Weight := "heavy";
    * => Weight := "light";
  }
| where Weight in ("heavy", "medium")
| table([who, verb, Times, Weight, First])
"""
ROWS = [
    {"#kind": "machine", "verb": "StopAll", "who": "ada", "at": 9},
    {"#kind": "machine", "verb": "StopAll", "who": "ada", "at": 4},
    {"#kind": "machine", "verb": "StartOne", "who": "ada", "at": 1},
    {"#kind": "machine", "verb": "StopAll", "who": "Robot7", "at": 2},
    {"#kind": "machine", "verb": "StopAll", "at": 2},
    {"#kind": "door", "verb": "StopAll", "who": "eve", "at": 3},
]
PLACES = [("232", 6, 23), ("232", 7, 7), ("230", 9, 3), ("231", 9, 16)]


def test_faithful_refuses_each_place() -> None:
    assert [c for c in codes(QUERY, ROWS) if c[0].startswith("E")] == [(f"E{n}", line, column) for n, line, column in PLACES]


def test_lenient_reads_what_is_meant() -> None:
    # Robot7 falls to the pattern; the event without `who` passes != but has no key to group by.
    found = result(QUERY, ROWS, lenient=True)
    assert found.columns == ["who", "verb", "Times", "Weight", "First"]
    assert found.rows == [("ada", "StopAll", 2, "heavy", 4)]
    assert [(d.code, d.fix is not None, bool(d.help)) for d in found.diagnostics if d.severity == "warning"] == [(f"W{n}", True, True) for n, _, _ in PLACES]


def test_the_fixes_make_a_query_that_logscale_takes() -> None:
    with pytest.raises(livefire.QueryError) as caught:
        result(QUERY, ROWS)
    text = QUERY
    for fix in sorted((d.fix for d in caught.value.diagnostics if d.fix), key=lambda f: -f.span.start):
        text = text[: fix.span.start] + fix.replacement + text[fix.span.end :]
    assert "where" not in text
    assert result(text, ROWS).rows == [("ada", "StopAll", 2, "heavy", 4)]
