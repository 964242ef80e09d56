"""Rows in order: scan, sessions, and the plugins that look at the rows for their columns."""

from __future__ import annotations

import pytest

from livefire import Workspace
from livefire.diagnostics import QueryError
from tests.languages.kql.running import NOW, columns, faults, run

EVENTS = 'datatable(T: long, K: string)[1, "a", 2, "b", 3, "a", 4, "c", 5, "b", 6, "c"] | sort by T asc'


def test_a_later_step_takes_a_row_before_the_first_begins_anew() -> None:
    # a1 begins match 0, b2 moves it on, a3 begins match 1; c4 ends match 0, which stood in the second step.
    # b5 moves match 1 on, and c6 ends it. A match that has moved on is not in the step it left.
    steps = "step s1: K == 'a'; step s2: K == 'b'; step s3: K == 'c' => From = s1.T;"
    found = run(f"{EVENTS} | scan with_match_id=M declare (From: long) with ({steps}) | project T, K, M, From")
    assert found == [(1, "a", 0, None), (2, "b", 0, None), (3, "a", 1, None), (4, "c", 0, 1), (5, "b", 1, None), (6, "c", 1, 3)]


def test_a_step_remembers_its_latest_row_only() -> None:
    steps = "step s1: true => Sum = s1.Sum + T, Before = s1.T;"
    found = run(f"{EVENTS} | take 3 | scan declare (Sum: long = 10, Before: long) with ({steps}) | project Sum, Before")
    # The default stands where no row came before: a declared one, or null.
    assert found == [(11, None), (13, 1), (16, 2)]


def test_scan_within_a_partition_sees_its_rows_only() -> None:
    found = run(f"{EVENTS} | partition by K (scan declare (N: long = 0) with (step s: true => N = s.N + 1;)) | sort by T asc | project K, N")
    assert found == [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("b", 2), ("c", 2)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"{EVENTS} | scan with (step s output=last: true;)", "E304"),
        (f"{EVENTS} | scan with (step s: true => X = 1;)", "E102"),
        (f"{EVENTS} | scan with (step s: s.Nothing == 1;)", "E102"),
        (f"{EVENTS} | scan declare (K: long) with (step s: true;)", "E106"),
        (f"{EVENTS} | scan with (step s: true; step s: true;)", "E106"),
        (f"{EVENTS} | scan with ()", "E201"),
    ],
)
def test_faults_of_scan(text: str, code: str) -> None:
    assert [d.code for d in faults(text)] == [code]


def test_a_session_ends_by_pause_length_and_restart() -> None:
    rows = "datatable(T: datetime)[datetime(2026-01-01 00:00), datetime(2026-01-01 00:04), datetime(2026-01-01 00:08), datetime(2026-01-01 00:30)]"
    found = run(f"{rows} | sort by T asc | extend S = row_window_session(T, 6m, 5m) | project (S - datetime(2026-01-01)) / 1m")
    # 00:08 lies more than six minutes after the first of its session, 00:30 more than five after the row before.
    assert found == [(0.0,), (0.0,), (8.0,), (30.0,)]


def test_rows_in_no_order_have_no_session() -> None:
    assert [d.code for d in faults("datatable(T: datetime)[] | summarize count() by T | extend row_window_session(T, 1h, 1h)")] == ["E120"]


def test_unread_carried_values_are_left_out_of_the_statement() -> None:
    workspace = Workspace()
    compiled = workspace.query("range T from 1 to 3 step 1 | scan declare (N: long = 0) with (step s: true => N = s.N + T;) | project N", now=NOW).compiled
    assert "RECURSIVE" in workspace.sql(compiled)
    session = "print T = datetime(2026-01-01) | serialize | extend S = row_window_session(T, 1h, 1h) | project T"
    assert "RECURSIVE" not in workspace.sql(workspace.query(session, now=NOW).compiled)


def test_columns_of_a_pivot_are_those_of_the_rows_now() -> None:
    workspace = Workspace()
    text = "T | evaluate pivot(k, sum(v))"
    workspace.load("T", [{"g": "x", "k": "b", "v": 1}, {"g": "x", "k": "a", "v": 2}])
    first = workspace.query(text, now=NOW)
    assert (first.columns, first.rows) == (["g", "a", "b"], [("x", 2, 1)])
    workspace.load("T", [{"g": "x", "k": "c", "v": 5}])
    assert workspace.query(text, now=NOW).columns == ["g", "c"]


def test_a_check_without_rows_goes_on_after_columns_of_the_data() -> None:
    workspace = Workspace()
    workspace.load("T", [{"d": {"a": 1}}])
    found = workspace.check("T | evaluate bag_unpack(d) | where a == 1 and tolowr(b) == 'x'")
    assert [d.code for d in found if d.severity == "error"] == ["E103"]


def test_members_of_mixed_kinds_stay_dynamic() -> None:
    rows = "datatable(d: dynamic)[dynamic({'a': 1, 'b': 'x'}), dynamic({'a': 'y', 'b': 'z'})] | where true"
    assert columns(f"{rows} | evaluate bag_unpack(d)") == [("a", "dynamic"), ("b", "string")]


def test_an_assertion_stops_the_run_with_its_message() -> None:
    with pytest.raises(QueryError) as caught:
        run("print x = 1 | where assert(x > 1, 'x is small')")
    assert [d.code for d in caught.value.diagnostics if d.severity == "error"] == ["E458"]


def test_a_dollar_in_an_argument_is_no_place_of_another() -> None:
    # Spellings number their arguments with dollars; one in a text of a rule stays what it is.
    assert run("print parse_command_line('a $0 $1', 'windows')") == [(["a", "$0", "$1"],)]
    assert run("print parse_xml('<a>$1</a>')") == [({"a": "$1"},)]


def test_arrays_are_gathered_by_their_elements() -> None:
    rows = "datatable(a: dynamic)[dynamic([1, [2]]), dynamic({'x': 1}), dynamic(null)]"
    assert run(f"{rows} | summarize make_list(a)") == [([1, [2], {"x": 1}],)]
