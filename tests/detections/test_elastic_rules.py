"""Elastic's rule files: what is read, which executions see an event, and the alerts they make."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from livefire.detections.formats import read_file, read_folder
from livefire.diagnostics import QueryError, Source
from livefire.workspace import Workspace

Rows = list[dict[str, Any]]


def event(time: str, **fields: Any) -> dict[str, Any]:
    return {"@timestamp": f"2026-03-01T{time}Z", "action": "open", "user": "ann", "ip": "10.0.0.1", "tags": None, **fields}


def workspace(rows: Rows) -> Workspace:
    ws = Workspace()
    types = {"@timestamp": "datetime", "action": "string", "user": "string", "ip": "string", "tags": "dynamic"}
    ws.load("doors", rows, schema=types, time_field="@timestamp")
    return ws


def written(folder: Path, **said: Any) -> Path:
    rule = {"rule_id": "r", "name": "Rule", "type": "query", "language": "kuery", "query": "action:open", "index": ["doors"], "risk_score": 5, **said}
    path = folder / "rules.ndjson"
    path.write_text(json.dumps(rule) + "\n", encoding="utf-8")
    return path


def alerts(rows: Rows, path: Path, now: str | None = None, *columns: str) -> list[Any]:
    """Return the named columns of each alert, or its time alone."""
    (one,) = read_file(path)
    moment = datetime.fromisoformat(f"2026-03-01T{now}+00:00") if now else None
    outcome = workspace(rows).run(one.rule, now=moment)
    assert not outcome.refused, outcome.diagnostics
    if not columns:
        return [f"{row['@timestamp']:%H:%M}" for row in outcome.rows]
    return [tuple(row[c] for c in columns) for row in outcome.rows]


def codes(rows: Rows, path: Path) -> list[str]:
    (one,) = read_file(path)
    return [d.code for d in workspace(rows).run(one.rule).diagnostics]


def test_every_event_alerts_once_over_a_schedule_and_in_its_window_at_one_moment(tmp_path: Path) -> None:
    rows = [event("09:00:00"), event("09:03:00"), event("09:10:00", action="shut")]
    path = written(tmp_path)
    assert alerts(rows, path) == ["09:00", "09:03"]
    # now-6m of 09:08 begins at 09:02, so 09:00 is out.
    assert alerts(rows, path, "09:08:00") == ["09:03"]


def test_a_gap_between_windows_is_told(tmp_path: Path) -> None:
    # Each hour the last ten minutes: 10:00 sees 09:55 and not 09:30.
    rows = [event("09:30:00"), event("09:55:00")]
    path = written(tmp_path, **{"from": "now-10m", "interval": "1h"})
    assert alerts(rows, path) == ["09:55"]
    assert codes(rows, path) == ["W507"]


def test_max_signals_cuts_each_execution_and_is_told(tmp_path: Path) -> None:
    # The execution of 09:05 sees all four and alerts on two. That of 09:10 looks back six minutes, to 09:04.
    rows = [event("09:01:00"), event("09:02:00"), event("09:03:00"), event("09:04:30")]
    path = written(tmp_path, max_signals=2)
    assert alerts(rows, path) == ["09:01", "09:02", "09:04"]
    assert codes(rows, path) == ["W507"]


def test_filters_and_exceptions_cut_the_documents(tmp_path: Path) -> None:
    rows = [event("09:00:00"), event("09:01:00", user="bob"), event("09:02:00", user="eve"), event("09:03:00", user=None), event("09:04:00", ip="10.9.9.9")]
    filters = [
        {"meta": {"negate": True}, "query": {"match_phrase": {"user": "bob"}}},
        {"meta": {"disabled": True}, "query": {"match_phrase": {"user": "nobody"}}},
        {"query": {"bool": {"should": [{"range": {"@timestamp": {"gte": "2026-03-01T09:00:00Z"}}}], "must_not": [{"terms": {"ip": ["1.1.1.1"]}}]}}},
    ]
    path = written(tmp_path, filters=filters, exceptions_list=[{"list_id": "known"}])
    lines = [
        {"list_id": "known", "entries": [{"field": "user", "type": "wildcard", "operator": "included", "value": "e*"}]},
        {"list_id": "known", "entries": [{"field": "ip", "type": "match_any", "operator": "included", "value": ["10.9.9.9"]},
                                         {"field": "user", "type": "exists", "operator": "included"}]},
        {"list_id": "other", "entries": [{"field": "action", "type": "match", "operator": "included", "value": "open"}]},
    ]  # fmt: skip
    path.write_text(path.read_text() + "\n".join(json.dumps(x) for x in lines), encoding="utf-8")
    # bob by the negated filter, eve and the other address by exceptions; the event without a user stays.
    assert alerts(rows, path) == ["09:00", "09:03"]


def test_an_excluded_entry_keeps_documents_that_have_the_value(tmp_path: Path) -> None:
    rows = [event("09:00:00"), event("09:01:00", user="bob")]
    path = written(tmp_path, exceptions_list=[{"list_id": "l"}])
    item = {"list_id": "l", "entries": [{"field": "user", "type": "match", "operator": "excluded", "value": "ann"}]}
    path.write_text(path.read_text() + json.dumps(item), encoding="utf-8")
    assert alerts(rows, path) == ["09:00"]


def test_threshold_counts_groups_and_different_values_and_no_event_twice(tmp_path: Path) -> None:
    rows = [event(f"09:0{m}:00", ip=f"10.0.0.{i}") for m, i in ((1, 1), (2, 2), (3, 2), (6, 3), (7, 4))]
    rows += [event("09:01:00", user="bob"), event("09:02:00", user=None)]
    threshold = {"field": ["user"], "value": 2, "cardinality": [{"field": "ip", "value": 2}]}
    path = written(tmp_path, type="threshold", threshold=threshold, **{"from": "now-10m"})
    count, different = "kibana.alert.threshold_result.count", "kibana.alert.threshold_result.cardinality"
    # 09:05 sees three of ann with two addresses; 09:10 counts only the two after 09:03. bob has one event, no user is no group.
    assert alerts(rows, path, None, "user", count, different) == [("ann", 3, {"ip": 2}), ("ann", 2, {"ip": 2})]


def test_threshold_without_fields_counts_all(tmp_path: Path) -> None:
    rows = [event("09:01:00"), event("09:02:00", user="bob")]
    path = written(tmp_path, type="threshold", threshold={"field": [], "value": 2})
    assert alerts(rows, path, None, "kibana.alert.threshold_result.count") == [(2,)]


def terms(folder: Path, history: str = "now-1d", *fields: str) -> Path:
    return written(folder, type="new_terms", new_terms_fields=list(fields or ("user",)), history_window_start=history)


def test_new_terms_alert_on_what_the_history_does_not_know(tmp_path: Path) -> None:
    rows = [event("08:00:00"), event("09:01:00"), event("09:02:00", user="bob"), event("09:03:00", user="bob"), event("09:04:00", user=None)]
    path = terms(tmp_path)
    # ann was there at 08:00, bob alerts once, an event without the field never.
    assert alerts(rows, path) == ["08:00", "09:02"]
    assert alerts(rows, path, "09:05:00", "user", "kibana.alert.new_terms") == [("bob", ["bob"])]


def test_a_term_is_new_again_after_its_history(tmp_path: Path) -> None:
    # At 10:05 a history of an hour begins at 09:05, after the event of 09:00.
    rows = [event("09:00:00"), event("10:04:00")]
    assert alerts(rows, terms(tmp_path, "now-1h")) == ["09:00", "10:04"]
    # One of 70 minutes begins at 08:55.
    assert alerts(rows, terms(tmp_path, "now-70m")) == ["09:00"]


def test_new_terms_of_several_fields_and_values(tmp_path: Path) -> None:
    rows = [event("09:00:00", tags=["a", "b"]), event("09:10:00", tags=["b", "c"]), event("09:20:00", tags=["c"], user="bob")]
    found = alerts(rows, terms(tmp_path, "now-1d", "user", "tags"), None, "kibana.alert.new_terms")
    assert found == [(["ann", "a"],), (["ann", "b"],), (["ann", "c"],), (["bob", "c"],)]


def test_suppression_in_an_execution_and_over_a_duration(tmp_path: Path) -> None:
    rows = [event("09:01:00"), event("09:02:00"), event("09:03:00", user="bob"), event("09:08:00"), event("09:30:00")]
    count = "kibana.alert.suppression.docs_count"
    path = written(tmp_path, alert_suppression={"group_by": ["user"]})
    assert alerts(rows, path, None, "user", count) == [("ann", 1), ("bob", 0), ("ann", 0), ("ann", 0)]
    path = written(tmp_path, alert_suppression={"group_by": ["user"], "duration": {"value": 10, "unit": "m"}})
    # The alert of 09:05 takes the event that 09:10 sees; that of 09:30 is 25 minutes later.
    assert alerts(rows, path, None, "user", count) == [("ann", 2), ("bob", 0), ("ann", 0)]
    path = written(tmp_path, alert_suppression={"group_by": ["tags"], "missing_fields_strategy": "doNotSuppress"})
    assert len(alerts(rows, path)) == 5


def test_eql_and_esql_rules(tmp_path: Path) -> None:
    rows = [event("09:01:00"), event("09:02:00", action="shut"), event("09:20:00", user="bob")]
    path = written(tmp_path, type="eql", language="eql", query='any where action == "shut"')
    assert alerts(rows, path) == ["09:02"]
    path = written(tmp_path, type="eql", language="eql", query='sequence by user with maxspan=5m [any where action == "open"] [any where action == "shut"]')
    assert alerts(rows, path) == ["09:01", "09:02"]
    path = written(tmp_path, type="esql", language="esql", query="FROM doors | STATS n = COUNT(*) BY user", index=None)
    # 09:05 counts two of ann; 09:20 and 09:25 see the same one of bob, which alerts once.
    assert alerts(rows, path, None, "user", "n") == [("ann", 2), ("bob", 1)]


def test_indicators_are_those_of_a_loaded_table(tmp_path: Path) -> None:
    mapping = [{"entries": [{"field": "ip", "type": "mapping", "value": "threat.ip"}]}]
    path = written(tmp_path, type="threat_match", threat_index=["bad-*"], threat_query="active:true", threat_mapping=mapping)
    (one,) = read_file(path)
    ws = workspace([event("09:00:00"), event("09:01:00", ip="6.6.6.6"), event("09:02:00", ip="7.7.7.7")])
    refused = ws.run(one.rule)
    assert refused.refused
    assert refused.reason.startswith("E305")
    ws.load("bad-addresses", [{"threat": {"ip": "6.6.6.6"}, "active": True}, {"threat": {"ip": "7.7.7.7"}, "active": False}])
    assert [row["ip"] for row in ws.run(one.rule).rows] == ["6.6.6.6"]


@pytest.mark.parametrize(
    ("said", "code", "place"),
    [
        ({"type": "machine_learning", "machine_learning_job_id": "j"}, "E305", "type"),
        ({"type": "saved_query"}, "E305", "type"),
        ({"type": "surprise"}, "E506", "type"),
        ({"language": "sql"}, "E305", "language"),
        ({"from": "yesterday"}, "E107", "from"),
        ({"interval": "often"}, "E107", "interval"),
        ({"data_view_id": "v"}, "E305", "data_view_id"),
        ({"filters": [{"query": {"script": {}}}]}, "E305", "filters"),
        ({"type": "new_terms", "new_terms_fields": ["a", "b", "c", "d"], "history_window_start": "now-1d"}, "E506", ""),
    ],
)
def test_what_cannot_be_run_is_refused_at_its_key(tmp_path: Path, said: dict[str, Any], code: str, place: str) -> None:
    (one,) = read_file(written(tmp_path, **said))
    outcome = workspace([event("09:00:00")]).run(one.rule)
    (first, *_) = [d for d in outcome.diagnostics if d.severity == "error"]
    assert (outcome.refused, first.code) == (True, code)
    assert one.rule.text[first.span.start : first.span.end] == place


def test_a_value_list_in_an_exception_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, exceptions_list=[{"list_id": "l"}])
    item = {"list_id": "l", "entries": [{"field": "ip", "type": "list", "operator": "included", "list": {"id": "x"}}]}
    path.write_text(path.read_text() + json.dumps(item), encoding="utf-8")
    assert codes([event("09:00:00")], path) == ["E305"]


TOML = """[metadata]
creation_date = "2026/03/01"

[rule]
name = "Doors"
rule_id = "d"
type = "new_terms"
language = "kuery"
index = ["doors", "logs-nothing-*"]
query = '''
action:open and
  user:(ann or "bob)
'''

[rule.new_terms]
field = "new_terms_fields"
value = ["user"]
[[rule.new_terms.history_window_start]]
field = "history_window_start"
value = "now-7d"
"""


def test_toml_of_the_rule_repository_and_places_in_it(tmp_path: Path) -> None:
    path = tmp_path / "door.toml"
    path.write_text(TOML, encoding="utf-8")
    (one,) = read_file(path)
    (fault,) = [d for d in workspace([event("09:00:00")]).check_rule(one.rule) if d.severity == "error"]
    assert (fault.code, Source(TOML, "").position(fault.span.start).line) == ("E203", 12)
    path.write_text(TOML.replace('"bob', "bob"), encoding="utf-8")
    assert alerts([event("09:00:00"), event("09:01:00", user="eve")], path) == ["09:00"]
    assert codes([event("09:00:00")], path) == ["N506"]


def test_a_folder_may_mix_products(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "door.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "other.toml").write_text("[tool]\nx = 1\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text("[rule\n", encoding="utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.kuery").write_text("user:ann", encoding="utf-8")
    (tmp_path / "deep" / "b.yml").write_text("title: T\nlogsource: {product: aws}\ndetection: {a: {user: ann}, condition: a}\n", encoding="utf-8")
    (tmp_path / "deep" / "c.yaml").write_text("id: c\nname: C\nkind: Scheduled\nquery: AWSCloudTrail | take 1\n", encoding="utf-8")
    (tmp_path / "deep" / "d.yml").write_text("name: D\ntype: TTP\nsearch: index=* | head 1\n", encoding="utf-8")
    (tmp_path / "deep" / "notes.md").write_text("not a rule", encoding="utf-8")
    found = dict(read_folder(tmp_path))
    rules = {one.rule.language: one.title for one in (r for x in found.values() if not isinstance(x, QueryError) for r in x) if one.rule.language != "kuery"}
    assert rules == {"sigma": "T", "kql": "C", "spl": "D"}
    assert [p.name for p, x in found.items() if isinstance(x, QueryError)] == ["broken.toml"]
    assert sum(len(x) for x in found.values() if not isinstance(x, QueryError)) == 6


def test_a_rule_run_at_a_moment_in_another_zone_is_the_same(tmp_path: Path) -> None:
    (one,) = read_file(written(tmp_path))
    found = workspace([event("09:03:00")]).run(one.rule, now=datetime(2026, 3, 1, 9, 5, tzinfo=UTC))
    assert len(found.rows) == 1
