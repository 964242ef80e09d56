"""Rules of one form in one statement: each gives what it gives alone, whatever happens to the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from livefire.detections.detection import Rule
from livefire.detections.family import FEW_EVENTS, MOST_EVENTS, MOST_RULES, apart, groups, member
from livefire.detections.runner import Outcome, prepare, run_rule
from livefire.detections.shared_scan import prepare_rules, run_rules
from livefire.diagnostics import QueryError
from livefire.engines.duckdb import DuckDB
from livefire.workspace import Workspace

SIGMA = """
title: made up
status: test
logsource:
  product: aws
  service: cloudtrail
detection:
  sel:
    {field}: {value}
  condition: sel
"""


def sigma(field: str, value: str) -> Rule:
    return Rule(f"{field}-{value}", "sigma", SIGMA.format(field=field, value=value))


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """30 events: event n is RunInstances for even n, else StopInstances; its user is u0, u1 or u2 in turn; it has no region where n ends in 5."""
    events: list[dict[str, Any]] = []
    for at in range(30):
        region = {} if at % 10 == 5 else {"awsRegion": "eu-west-3"}
        who = {"type": "IAMUser", "userName": f"u{at % 3}"}
        name = "StopInstances" if at % 2 else "RunInstances"
        events.append(
            {"eventVersion": "1.11", "eventTime": f"2026-05-04T10:00:{at:02}Z", "eventID": f"e-{at:02}", "eventName": name, "userIdentity": who} | region
        )
    path = tmp_path_factory.mktemp("family") / "logs.json"
    path.write_text("\n".join(map(json.dumps, events)))
    found = Workspace()
    found.ingest(path)
    return found


RULES = (
    (sigma("eventName", "RunInstances"), 15),
    (sigma("userIdentity.userName", "u1"), 10),
    (sigma("awsRegion", "null"), 3),  # 5, 15 and 25
    (sigma("awsRegion", "nowhere"), 0),
    (sigma("awsRegion|contains", "WEST"), 27),
)


def told(outcomes: Sequence[Outcome]) -> list[Any]:
    return [(o.rule, o.rows, o.evidence, o.diagnostics, o.refused) for o in outcomes]


def statements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each statement that is run from now on."""
    rows: list[int] = []
    run = DuckDB.run

    def counted(self: DuckDB, *given: Any) -> pa.Table:
        table = run(self, *given)
        rows.append(table.num_rows)
        return table

    monkeypatch.setattr(DuckDB, "run", counted)
    return rows


def test_rules_that_differ_in_their_filter_share_a_statement(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, rules = ws.bench(), [rule for rule, _ in RULES]
    alone = [run_rule(rule, bench) for rule in rules]
    scan, rows = prepare_rules(rules, bench), statements(monkeypatch)
    together = scan.run(bench)
    assert [len(o.rows) for o in together] == [count for _, count in RULES]
    assert told(together) == told(alone)
    assert rows == [30, 30]  # the events, and what any of the rules takes of them: each event is in the west or nowhere
    assert together[2].evidence == tuple((f"aws_cloudtrail/e-{at:02}",) for at in (5, 15, 25))


def test_a_statement_that_fails_leaves_each_rule_to_itself(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, rules = ws.bench(), [rule for rule, _ in RULES]
    alone = [run_rule(rule, bench) for rule in rules]
    run = DuckDB.run

    def failing(self: DuckDB, statement: Any, *given: Any) -> pa.Table:
        if "~1" in statement.stages[-1].sql:
            raise QueryError([])
        return run(self, statement, *given)

    monkeypatch.setattr(DuckDB, "run", failing)
    assert told(prepare_rules(rules, bench).run(bench)) == told(alone)


def test_a_rule_that_finds_more_than_is_let_out_says_so_itself(ws: Workspace) -> None:
    bench, rules = ws.bench(max_rows=12), [rule for rule, _ in RULES]
    together = run_rules(rules, bench)
    assert told(together) == told([run_rule(rule, bench) for rule in rules])
    assert [o.refused for o in together] == [True, False, False, False, True]  # 15 and 27 are more than 12


def test_prepared_for_some_events_and_run_over_others(ws: Workspace, tmp_path: Path) -> None:
    """Which rules see an event differs from batch to batch, and so does the statement."""
    other = Workspace(tmp_path / "lake")
    one = {"eventVersion": "1.11", "eventTime": "2026-05-04T11:00:00Z", "eventID": "late", "eventName": "StopInstances", "userIdentity": {"userName": "u1"}}
    (tmp_path / "new.json").write_text(json.dumps(one))
    other.ingest(tmp_path / "new.json")
    rules = [rule for rule, _ in RULES]
    scan = prepare_rules(rules, ws.bench())
    for here, counts in ((other, [0, 1, 1, 0, 0]), (ws, [count for _, count in RULES]), (other, [0, 1, 1, 0, 0])):
        bench = here.bench()
        found = scan.run(bench)
        assert [len(o.rows) for o in found] == counts
        assert told(found) == told([run_rule(rule, bench) for rule in rules])


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ('AWSCloudTrail | where EventName == "x" | project EventName', True),
        ('AWSCloudTrail | where EventName == "x" | take 5', False),
        ('AWSCloudTrail | where EventName == "x" | summarize count() by EventName', False),
        ('AWSCloudTrail | where EventName == "x" | serialize n = row_number()', False),
        ("AWSCloudTrail | where EventName in ((AWSCloudTrail | distinct EventSource))", False),
    ],
)
def test_what_gives_each_event_by_itself(ws: Workspace, text: str, is_one: bool) -> None:
    plan = prepare(Rule("r", "kql", text), ws.bench()).plan
    assert plan is not None
    assert (member(plan) is not None) is is_one


def test_rows_are_told_apart_and_an_unknown_filter_takes_none() -> None:
    table = pa.table({"x": [1, 2, 3], "~0": [True, None, True], "~1": [False, None, True]})
    assert [part.to_pydict() for part in apart(table, 2)] == [{"x": [1, 3]}, {"x": [3]}]


def test_groups_are_of_rules_that_see_few_events() -> None:
    few, many = range(10), range(FEW_EVENTS + 1)
    assert list(groups({1: few, 2: many, 3: few, 4: few})) == [[1, 3, 4]]
    assert list(groups({1: few})) == list(groups({1: few, 2: many})) == []
    assert [len(g) for g in groups(dict.fromkeys(range(MOST_RULES + 3), few))] == [MOST_RULES, 3]
    most = range(FEW_EVENTS)
    assert MOST_EVENTS // FEW_EVENTS == 4
    assert list(groups(dict.fromkeys(range(9), most))) == [[0, 1, 2, 3], [4, 5, 6, 7]]  # the ninth would be alone
