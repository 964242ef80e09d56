"""Which tables an EQL query reads, and how several are read as one."""

from __future__ import annotations

import pytest

import livefire


def workspace() -> livefire.Workspace:
    ws = livefire.Workspace()
    ws.load("logs-one", [{"@timestamp": "2026-03-01T10:00:02Z", "who": "ann", "n": 1}], time_field="@timestamp")
    ws.load("logs-two", [{"@timestamp": "2026-03-01T10:00:01Z", "who": "bob", "n": 2.5, "more": {"x": "y"}}], time_field="@timestamp")
    ws.load("other", [{"@timestamp": "2026-03-01T10:00:03Z", "who": 7}], time_field="@timestamp")
    return ws


def rows(query: str, index: str | None = None) -> list[dict[str, object]]:
    result = workspace().query(query, language="eql", index=index)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_a_pattern_reads_several_tables_in_one_order() -> None:
    found = rows("any where n > 0", "logs-*")
    assert [(r["_index"], r["who"], r["n"]) for r in found] == [("logs-two", "bob", 2.5), ("logs-one", "ann", 1.0)]


def test_a_field_that_one_table_lacks_is_missing_there() -> None:
    assert [r["who"] for r in rows('any where more.x == "y"', "logs-*")] == ["bob"]
    assert [r["who"] for r in rows('any where not more.x == "y"', "logs-*")] == ["ann"]


def test_tables_that_disagree_on_a_type_are_read_by_each_value() -> None:
    # who is text in two tables and a number in the third.
    assert [r["_index"] for r in rows('any where who in ("ann", "7")', "logs-*,other")] == ["logs-one", "other"]
    assert [r["_index"] for r in rows("any where who == 7", "*")] == ["other"]


def test_names_are_listed_and_left_out() -> None:
    assert {r["_index"] for r in rows("any where true", "logs-one, other")} == {"logs-one", "other"}
    assert [r["who"] for r in rows("any where true", "logs-*,-logs-two")] == ["ann"]


def test_without_index_all_loaded_tables_are_read() -> None:
    assert [r["_index"] for r in rows("any where true")] == ["logs-two", "logs-one", "other"]


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(livefire.QueryError) as caught:
        rows("any where true", "logs-on")
    assert [(d.code, d.help) for d in caught.value.diagnostics] == [("E101", "did you mean 'logs-one'?")]


def test_a_sequence_crosses_tables() -> None:
    found = rows('sequence with maxspan=1m [any where who == "bob"] [any where who == "ann"]', "logs-*")
    assert [(r["_sequence"], r["_step"], r["_index"]) for r in found] == [(0, 0, "logs-two"), (0, 1, "logs-one")]


def test_an_event_that_fits_two_steps_does_not_follow_itself() -> None:
    # The steps read different columns, which must not make two events of one.
    ws = livefire.Workspace()
    ws.load("log", [{"@timestamp": "2026-03-01T10:00:00Z", "a": 1, "b": 1, "c": "x"}], time_field="@timestamp")
    for text in ("sequence [any where a == 1] [any where b == 1]", "sequence by c [any where a == 1] [any where true] until [any where b == 2]"):
        compiled = ws.compile(livefire.diagnostics.Source(text), "eql", index="log")
        assert ws.query(text, language="eql", index="log").rows == []
        # One scan reads the events of all steps.
        assert ws.sql(compiled).count("loaded:log") == 1


def test_a_pattern_without_a_table_is_passed_over_beside_one_that_has() -> None:
    ws = livefire.Workspace()
    ws.load("log-a", [{"n": 1}])
    result = ws.query("any where n == 1", language="eql", index="log-*,other-*")
    assert [d.code for d in result.diagnostics if d.code != "W147"] == ["W101"]
    assert len(result.rows) == 1
    for index in ("other-*", "log-*,other"):
        with pytest.raises(livefire.QueryError) as caught:
            ws.query("any where n == 1", language="eql", index=index)
        assert "E101" in {d.code for d in caught.value.diagnostics}
