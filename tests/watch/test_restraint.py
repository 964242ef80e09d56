"""Schedules and suppression as the files of each product say them, when a watch runs those files."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livefire.watch.state.tables import notes
from tests.watch.staging import BURST, START, Stage, event

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ELASTIC = """
[metadata]
maturity = "production"
[rule]
name = "Machines stopped"
rule_id = "7a1f0f5e-0d8e-4a9b-8f0f-3a1b2c3d4e5f"
type = "query"
language = "kuery"
index = ["filebeat-*", "logs-aws.cloudtrail-*"]
risk_score = 47
severity = "medium"
interval = "10m"
from = "now-30m"
query = 'event.dataset:aws.cloudtrail and event.action:StopInstances'
"""
SPLUNK = """
[deletions]
search = index=* eventName=DeleteSnapshot | table userIdentity.userName, requestParameters.snapshotId, _time
cron_schedule = */10 * * * *
dispatch.earliest_time = -20m@m
dispatch.latest_time = now
"""
LOGSCALE = {
    "name": "shared",
    "queryString": "Vendor.eventName=ModifySnapshotAttribute",
    "type": "FilterAlert",
    "$schema": "https://schemas.humio.com/filter-alert",
}


def cadences(stage: Stage) -> dict[str, str]:
    return {w.name: w.refused or w.cadence.text for w in stage.watch().rules}


def test_each_products_files_run_on_their_own_schedule(tmp_path: Path) -> None:
    scheduled = {"name": "counted", "queryString": "Vendor.eventName=RunInstances | count()", "schedule": "15 * * * *", "searchIntervalSeconds": 7200}
    (tmp_path / "rules").mkdir(parents=True)
    rules = {
        "sentinel.yaml": BURST,
        "elastic.toml": ELASTIC,
        "elastic.ndjson": json.dumps(
            {"rule_id": "exported", "name": "Exported", "type": "query", "language": "kuery", "index": ["logs-*"], "risk_score": 21, "severity": "low",
             "interval": "1h", "from": "now-4200s", "query": "event.action:StopInstances", "enabled": True}
        ),
        "savedsearches.conf": SPLUNK,
        "shared.yaml": json.dumps(LOGSCALE),
        "counted.yaml": json.dumps(scheduled),
    }  # fmt: skip
    assert cadences(Stage(tmp_path, rules=rules)) == {
        "burst": "every 10m over 1h",
        "7a1f0f5e-0d8e-4a9b-8f0f-3a1b2c3d4e5f": "every 10m over 30m",
        "exported": "every 1h over 1h10m",
        "deletions": "cron */10 * * * * over 20m",
        "shared": "each batch",
        "counted": "cron 15 * * * * over 2h",
    }


def deliver(stage: Stage, events: list[dict[str, Any]], until: timedelta) -> list[int]:
    """Deliver events and return how many each alert holds, the largest first."""
    watch = stage.watch()
    stage.deliver("a.json", events)
    stage.clock.now = START + until
    stage.settle(watch)
    return sorted((a.events for a in stage.alerts()), reverse=True)


def deletions() -> list[dict[str, Any]]:
    """Ana at 10:01, 10:12 and 11:05, Bo at 10:02."""
    return [event(n, at * MINUTE, "DeleteSnapshot", user) for n, (at, user) in enumerate([(1, "ana"), (12, "ana"), (65, "ana"), (2, "bo")])]


def test_each_products_suppression_joins_findings(tmp_path: Path) -> None:
    splunk = {
        "all": "",
        # In the hour from ten ana's two are one alert; bo's and the one after eleven are others.
        "fields": "alert.suppress = 1\nalert.suppress.period = 1h\nalert.suppress.fields = userIdentity.userName\n",
        "whole": "alert.suppress = 1\nalert.suppress.period = 3600\n",
        "off": "alert.suppress = 0\nalert.suppress.period = 1h\n",
    }
    logscale = {
        **LOGSCALE, "queryString": "Vendor.eventName=DeleteSnapshot", "throttleTimeSeconds": 3600, "throttleField": "Vendor.userIdentity.userName"
    }  # fmt: skip
    elastic = ELASTIC.replace("StopInstances", "DeleteSnapshot").replace("7a1f0f5e-0d8e-4a9b-8f0f-3a1b2c3d4e5f", "elastic")
    elastic = elastic.replace('"10m"', '"1h"').replace("now-30m", "now-70m")
    elastic += '[rule.alert_suppression]\ngroup_by = ["user.name"]\nmissing_fields_strategy = "suppress"\n'
    elastic += '[rule.alert_suppression.duration]\nunit = "h"\nvalue = 1\n'
    conf = "".join(SPLUNK.replace("[deletions]", f"[{name}]") + said for name, said in splunk.items())
    stage = Stage(tmp_path, rules={"savedsearches.conf": conf, "logscale.yaml": json.dumps(logscale), "elastic.toml": elastic})
    deliver(stage, deletions(), 2 * HOUR)
    events: dict[str, list[int]] = {}
    for alert in stage.alerts():
        events.setdefault(alert.rule, []).append(alert.events)
    assert {rule: sorted(counts, reverse=True) for rule, counts in events.items()} == {
        "all": [1, 1, 1, 1], "fields": [2, 1, 1], "whole": [3, 1], "off": [1, 1, 1, 1], "logscale": [2, 1, 1], "elastic": [2, 1, 1],
    }  # fmt: skip


def test_sentinel_suppression_keeps_what_a_rule_groups_by_apart(tmp_path: Path) -> None:
    rule = BURST.replace("> 2", "> 0") + "suppressionEnabled: true\nsuppressionDuration: 1h\n"
    events = [event(n, at * MINUTE, "CreateSnapshot", user) for n, (at, user) in enumerate([(1, "ana"), (12, "ana"), (2, "bo")])]
    # Every ten minutes ana's group is found again, with one event and then two: one alert while its last event is before eleven.
    assert deliver(Stage(tmp_path, rules={"burst.yaml": rule}), events, 2 * HOUR) == [2, 1]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("alert.suppress = 1\n", "E720: alert.suppress without alert.suppress.period"),
        ("alert.suppress = 1\nalert.suppress.period = soon\n", "E720: 'soon' is no period"),
        ("alert.suppress = 1\nalert.suppress.period = 1h\nalert.suppress.group_name = g\n", "E720: alert.suppress.group_name lets one search silence others"),
    ],
)
def test_suppression_that_cannot_be_followed_is_refused(tmp_path: Path, said: str, words: str) -> None:
    (refused,) = cadences(Stage(tmp_path, rules={"savedsearches.conf": SPLUNK + said})).values()
    assert refused.startswith(words)


def test_grouping_that_is_done_in_another_way_is_said(tmp_path: Path) -> None:
    grouping = "incidentConfiguration:\n  createIncident: true\n  groupingConfiguration:\n    enabled: true\n    lookbackDuration: 5h\n"
    stage = Stage(tmp_path, rules={"burst.yaml": BURST + grouping + "eventGroupingSettings:\n  aggregationKind: SingleAlert\n"})
    (rule,) = stage.watch().rules
    assert [words.partition(":")[0] for words in rule.notes] == ["groupingConfiguration", "aggregationKind SingleAlert"]
    with stage.state().ledger.reading() as connection:
        assert [row.code for row in connection.execute(notes.select())] == ["N720", "N720"]
