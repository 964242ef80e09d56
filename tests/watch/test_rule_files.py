"""What files of each product say of when a rule runs, on what it alerts, and whom it tells: done as the product does, or said."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livefire.watch.rules import Watched
from livefire.watch.view import planned
from tests.watch.staging import BURST, START, Stage, event

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SPLUNK = "search = index=* eventName=DeleteSnapshot | stats count by userIdentity.userName\ncron_schedule = */10 * * * *\n"
DISPATCH = "dispatch.earliest_time = -1h\ndispatch.latest_time = now\n"
LOGSCALE = {"name": "deleted", "queryString": "Vendor.eventName=DeleteSnapshot | groupBy(Vendor.userIdentity.userName)"}
ELASTIC = {
    "rule_id": "stops", "name": "Stops", "type": "query", "language": "kuery", "index": ["logs-*"], "risk_score": 21, "severity": "high",
    "interval": "10m", "from": "now-20m", "query": "event.action:StopInstances", "enabled": True,
}  # fmt: skip
SIGMA = """
title: Snapshots made
name: made
id: 6f0e1c1e-6a39-4c0b-9b6e-0d5f3f1e7a11
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: CreateSnapshot}
  condition: selection
---
title: Two in six hours
id: 0c6a2c53-3f7b-4f6c-8c7d-2f6d1f4a9b22
correlation: {type: event_count, rules: [made], group-by: [userIdentity.userName], timespan: 6h, condition: {gte: 2}}
"""


def loaded(stage: Stage) -> dict[str, Watched]:
    return {w.name: w for w in stage.watch().rules}


def conf(**stanzas: str) -> str:
    return "".join(f"[{name}]\n{SPLUNK}{said}" for name, said in stanzas.items())


def test_what_cannot_be_followed_is_refused_with_the_reason(tmp_path: Path) -> None:
    """Alerts on nothing found, conditions of their own, time zones, and windows that leave holes."""
    rules = {
        "few.yaml": BURST.replace("id: burst", "id: few").replace("triggerOperator: gt", "triggerOperator: lt").replace("Threshold: 0", "Threshold: 5"),
        "short.yaml": BURST.replace("id: burst", "id: short").replace("queryPeriod: 1h", "queryPeriod: 5m"),
        "word.yaml": BURST.replace("id: burst", "id: word").replace("Threshold: 0", "Threshold: many"),
        "savedsearches.conf": conf(
            condition=DISPATCH + "alert_condition = search count > 5\n",
            indexed=DISPATCH + "dispatch.index_earliest = -5m\n",
            fewer=DISPATCH + "counttype = number of events\nrelation = less than\nquantity = 1\n",
            rises=DISPATCH + "counttype = number of events\nrelation = rises by\nquantity = 1\n",
            hosts=DISPATCH + "counttype = number of hosts\nrelation = greater than\nquantity = 1\n",
            real="dispatch.earliest_time = rt-5m\ndispatch.latest_time = rt\n",
            always="",
        ),
        "zone.yaml": json.dumps({**LOGSCALE, "schedule": "0 * * * *", "timeZone": "Europe/Berlin", "queryStart": "1h", "queryEnd": "now"}),
        "backwards.yaml": json.dumps({**LOGSCALE, "schedule": "0 * * * *", "queryStart": "1h", "queryEnd": "2h"}),
        "throttled.yaml": json.dumps({**LOGSCALE, "schedule": "0 * * * *", "queryStart": "1h", "throttleTimeSeconds": "soon"}),
    }
    expected = {
        "few": "E713: triggerOperator 'lt' with triggerThreshold 5 alerts when nothing is found",
        "short": "E713: queryPeriod 5m is shorter than queryFrequency 10m",
        "word": "E713: triggerThreshold is 'many', and has to be a whole number",
        "condition": "E713: alert_condition is not followed: put it at the end of the search",
        "indexed": "E713: dispatch.index_earliest chooses events by when they were indexed",
        "fewer": "E713: relation 'less than' with quantity 1 alerts when nothing is found",
        "rises": "E713: relation 'rises by' is not followed",
        "hosts": "E713: alerts by 'number of hosts' are not supported",
        "real": "E713: 'rt-5m' is no time before now",
        "always": "E713: a search with a cron_schedule and no dispatch.earliest_time looks at all time",
        "zone": "E713: the schedule is in the time zone EUROPE/BERLIN",
        "backwards": "E713: the range from '1h' to '2h' holds no time",
        "throttled": "E720: throttleTimeSeconds is 'soon', and has to be a number",
    }
    found = loaded(Stage(tmp_path, rules=rules))
    assert {name: rule.refused[: len(expected[name])] for name, rule in found.items()} == expected


def test_schedules_that_take_some_reading(tmp_path: Path) -> None:
    scheduled = {**LOGSCALE, "schedule": "H 2 * * *", "timeZone": "UTC+00:00", "queryStart": "26h", "queryEnd": "2h", "throttleTime": "4h"}
    rules = {
        "spread.yaml": json.dumps(scheduled),
        "saved.yaml": json.dumps({**LOGSCALE, "timeInterval": {"isLive": True, "start": "2h"}}),
        "aggregate.yaml": json.dumps({**LOGSCALE, "type": "AggregateAlert", "searchIntervalSeconds": 600, "throttleTimeSeconds": 3600}),
        # The settings of [default] are those of each stanza that says nothing else.
        "savedsearches.conf": f"[default]\n{DISPATCH}alert.severity = 4\n" + conf(usual="", own="dispatch.earliest_time = -30m@m\nalert.severity = 2\n"),
    }
    found = loaded(Stage(tmp_path, rules=rules))
    assert not any(rule.refused for rule in found.values())
    cron = found["spread"].cadence.cron
    assert cron.endswith(" 2 * * *"), "the minute is for LogScale to choose"
    assert 0 <= int(cron.split()[0]) < 60
    assert {name: rule.cadence.text.removeprefix(f"cron {cron} ") for name, rule in found.items()} == {
        # From 26 hours ago until two hours ago.
        "spread": "over 1d2h to 2h ago", "saved": "every 1m over 2h", "aggregate": "every 1m over 10m",
        "usual": "cron */10 * * * * over 1h", "own": "cron */10 * * * * over 30m",
    }  # fmt: skip
    assert {name: rule.restraint.text for name, rule in found.items() if rule.restraint} == {"spread": "one alert in 4h", "aggregate": "one alert in 1h"}
    assert (found["usual"].card.severity, found["own"].card.severity) == ("high", "low")


def test_a_query_looks_back_as_far_as_it_says_itself(tmp_path: Path) -> None:
    """Two snapshots of ana more than three hours apart, and the second is shared: more than the hour that a watch usually looks back."""
    two = "summarize n = count() by UserIdentityUserName | where n >= 2"
    rules = {
        "ago.kql": f'AWSCloudTrail | where TimeGenerated > ago(1d) and EventName == "CreateSnapshot" | {two}',
        "none.kql": f'AWSCloudTrail | where EventName == "CreateSnapshot" | {two}',
        "seq.eql": 'sequence by user.name with maxspan=5h [any where event.action == "CreateSnapshot"] [any where event.action == "DeleteSnapshot"]',
        "sigma.yml": SIGMA,
        "savedsearches.conf": "[inline]\nsearch = index=* earliest=-24h eventName=CreateSnapshot | stats count by userIdentity.userName | where count >= 2\n"
        f"cron_schedule = */10 * * * *\n{DISPATCH}"
        "[mixed]\nsearch = index=* earliest=-24h eventName=CreateSnapshot | append [search index=* eventName=DeleteSnapshot] | stats count\n"
        f"cron_schedule = */10 * * * *\n{DISPATCH}",
    }  # fmt: skip
    stage = Stage(tmp_path, rules=rules)
    watch = stage.watch()
    refused = {w.name: w.refused for w in watch.rules if w.refused}
    assert {name: words[:54] for name, words in refused.items()} == {"mixed": "E713: one part of the search names a time 1d back and "}
    stage.deliver("a.json", [event(1, MINUTE, "CreateSnapshot"), event(2, 200 * MINUTE, "CreateSnapshot"), event(3, 295 * MINUTE, "DeleteSnapshot")])
    stage.clock.now = START + 301 * MINUTE
    stage.settle(watch)
    assert sorted(a.rule for a in stage.alerts()) == ["6f0e1c1e-6a39-4c0b-9b6e-0d5f3f1e7a11", "ago", "inline", "seq"]


def test_alerts_of_a_building_block_are_kept_and_not_sent(tmp_path: Path) -> None:
    block = {**ELASTIC, "rule_id": "block", "name": "Block", "building_block_type": "default"}
    stage = Stage(tmp_path, rules={"a.ndjson": json.dumps(ELASTIC) + "\n" + json.dumps(block)})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, MINUTE, "StopInstances")])
    stage.clock.now = START + 21 * MINUTE
    stage.settle(watch)
    assert {a.rule: a.suppressed for a in stage.alerts()} == {"stops": "", "block": "a building block, kept for other rules to see"}
    assert {m.get("rule") for m in stage.sent() if m["kind"] == "alert.opened"} == {"stops"}


def test_a_threshold_of_results_decides_whether_a_run_alerts(tmp_path: Path) -> None:
    """Two users in the first hour, one in the second: more than one result is needed."""
    more = BURST.replace("> 2", "> 0").replace("Threshold: 0", "Threshold: 1").replace("queryFrequency: 10m", "queryFrequency: 1h")
    stage = Stage(tmp_path, rules={"more.yaml": more})
    watch = stage.watch()
    stage.deliver(
        "a.json", [event(1, MINUTE, "CreateSnapshot", "ana"), event(2, MINUTE, "CreateSnapshot", "bo"), event(3, 70 * MINUTE, "CreateSnapshot", "eve")]
    )
    stage.clock.now = START + 3 * HOUR
    stage.settle(watch)
    assert sorted(a.actor.rpartition("/")[2] for a in stage.alerts()) == ["ana", "bo"]


def test_a_rule_that_finds_silence_runs_when_nothing_happens(tmp_path: Path) -> None:
    silent = (
        BURST.partition("query: |")[0].replace("queryPeriod: 1h", "queryPeriod: 30m") + "query: |\n  AWSCloudTrail | summarize n = count() | where n == 0\n"
    )
    stage = Stage(tmp_path, rules={"silent.yaml": silent})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, MINUTE)])
    stage.clock.now = START + 20 * MINUTE
    stage.settle(watch)
    assert stage.alerts() == ()
    stage.clock.now = START + 2 * HOUR
    stage.settle(watch)
    assert {a.rule for a in stage.alerts()} == {"burst"}


def test_what_is_done_otherwise_is_said_before_it_runs(tmp_path: Path) -> None:
    odd = {**ELASTIC, "enabled": False, "throttle": "1h", "actions": [{"id": "x"}], "from": "now-5m", "exceptions_list": [{"list_id": "gone"}]}
    arm = {"kind": "Scheduled", "name": "arm", "properties": {
        "displayName": "ARM", "enabled": True, "severity": "Low", "queryFrequency": "PT1H", "queryPeriod": "PT1H", "startTimeUtc": "2026-01-01T00:07:00Z",
        "query": "AWSCloudTrail | summarize n = count() by EventName", "alertDetailsOverride": {"alertDisplayNameFormat": "{{EventName}}"},
    }}  # fmt: skip
    rules = {
        "odd.json": json.dumps(odd),
        "arm.json": json.dumps(arm),
        "filter.yaml": json.dumps({**LOGSCALE, "queryString": "a=b", "type": "FilterAlert", "triggerLimit": 5}),
    }
    told = planned(tuple(loaded(Stage(tmp_path, rules=rules)).values()))
    for words in (
        "stops: not as its file says: throttle: every alert is sent",
        "stops: not as its file says: actions: alerts go to the sinks",
        "stops: not as its file says: from: it looks back less far than its interval",
        "stops: not as its file says: N508 the exceptions of the list 'gone' are not in this file",
        "arm: not as its file says: startTimeUtc: runs are at multiples",
        "arm: not as its file says: alertDetailsOverride: an alert has the rule's own name",
        "filter: not as its file says: triggerLimit: every finding is an alert",
        "1 rule that the file calls disabled run all the same",
    ):
        assert words in told, told


@pytest.mark.parametrize(("said", "alerts"), [("", 2), ("max_signals = 1\n", 1)])
def test_what_is_beyond_the_most_that_elastic_makes_is_said(tmp_path: Path, said: str, alerts: int) -> None:
    rule: dict[str, Any] = {**ELASTIC, **({"max_signals": 1} if said else {})}
    stage = Stage(tmp_path, rules={"a.json": json.dumps(rule)})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, MINUTE, "StopInstances", "ana"), event(2, MINUTE, "StopInstances", "bo")])
    stage.clock.now = START + 11 * MINUTE
    stage.settle(watch)
    assert len(stage.alerts()) == alerts
    assert [n.code for n in stage.state().health(stage.clock.now).notes] == (["W507"] if said else [])
