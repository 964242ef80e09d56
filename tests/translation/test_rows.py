"""What translations find of five events written by hand, whose finding follows from each language's rules for missing fields, case and terms."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

import livefire
from livefire.detections.detection import Rule
from tests.translation.rules import sigma, turned

ALL = ("kql", "esql", "eql", "spl", "cql", "sigma")
# The four whose products know whole terms in a text, or regular expressions that say them.
TERMS = ("kql", "spl", "cql", "sigma")


def event(number: int, **said: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.08",
        "eventID": str(number),
        "eventTime": f"2026-11-21T10:0{number}:00Z",
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": "eu-west-1",
        "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser"},
        **said,
    }


EVENTS = (
    event(1, eventName="RunInstances", userAgent="aws-cli/2", sourceIPAddress="10.0.0.5"),
    event(2, eventName="runinstances", userAgent="AWS.Tools", errorCode="Client.Denied", sourceIPAddress="192.0.2.7"),
    event(3, eventName="StopInstances", sourceIPAddress="ec2.amazonaws.com"),
    event(4, userAgent="curl/8"),
    event(5, eventName="StartInstances", userAgent="laws-cli/2*", errorCode="Client.Denied"),
)

# language, rule, the events that it finds, the targets that can say it
CASES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    # A text of Sentinel is empty where it is missing, and empty is not StopInstances.
    ("kql", 'AWSCloudTrail | where EventName != "StopInstances"', "1245", ALL),
    # ES|QL drops what compares with null.
    ("esql", 'FROM logs-aws.cloudtrail-* | WHERE event.action != "StopInstances"', "125", ALL),
    ("esql", 'FROM logs-aws.cloudtrail-* | WHERE NOT event.action == "StopInstances"', "125", ALL),
    # A search drops events without the field by !=, and keeps them by NOT.
    ("spl", "sourcetype=aws:cloudtrail eventName!=StopInstances", "125", ALL),
    ("spl", "sourcetype=aws:cloudtrail NOT eventName=StopInstances", "1245", ALL),
    ("eql", 'any where event.dataset == "aws.cloudtrail" and not event.action : "stop*"', "1245", ALL),
    ("cql", '#Vendor=aws #event.module=cloudtrail Vendor.eventName!="StopInstances"', "1245", ALL),
    # == regards case, =~ and Sigma do not.
    ("kql", 'AWSCloudTrail | where EventName == "RunInstances"', "1", ALL),
    ("kql", 'AWSCloudTrail | where EventName =~ "RunInstances"', "12", ALL),
    ("sigma", sigma("s:\n  eventName: RunInstances\ncondition: s"), "12", ALL),
    ("sigma", sigma("s:\n  eventName|cased: RunInstances\ncondition: s"), "1", ALL),
    ("kql", 'AWSCloudTrail | where EventName in~ ("runinstances", "STOPINSTANCES")', "123", ALL),
    ("esql", 'FROM logs-aws.cloudtrail-* | WHERE event.action LIKE "Run*"', "1", ALL),
    # has wants a whole term, contains any part.
    ("kql", 'AWSCloudTrail | where UserAgent has "aws"', "12", TERMS),
    ("kql", 'AWSCloudTrail | where UserAgent contains "aws"', "125", ALL),
    ("kql", 'AWSCloudTrail | where UserAgent !has "aws"', "345", TERMS),
    ("kql", 'AWSCloudTrail | where UserAgent !contains "aws"', "34", ALL),
    # A wildcard that is escaped is a star.
    ("sigma", sigma("s:\n  userAgent|endswith: '2\\*'\ncondition: s"), "5", ALL),
    ("sigma", sigma("s:\n  userAgent: 'aws*'\ncondition: s"), "12", ALL),
    # A regular expression searches; a dot in it is any character, and an escaped one a dot.
    ("sigma", sigma("s:\n  userAgent|re: 'ws[.-]'\ncondition: s"), "15", ("kql", "esql", "spl", "cql", "sigma")),
    ("sigma", sigma("s:\n  userAgent|re|i: 'ws\\.'\ncondition: s"), "2", ("kql", "spl", "cql", "sigma")),
    # A missing field: none, and not the absence of a value.
    ("sigma", sigma("s:\n  userAgent: null\ncondition: s"), "3", ALL),
    ("sigma", sigma("s:\n  errorCode|exists: false\ncondition: s"), "134", ALL),
    (
        "sigma",
        sigma("s:\n  eventSource: ec2.amazonaws.com\nf:\n  errorCode|contains: denied\n  userAgent|startswith: laws\ncondition: s and not f"),
        "1234",
        ALL,
    ),
    # An address lies in a range, the name of a service in none.
    ("sigma", sigma("s:\n  sourceIPAddress|cidr: 10.0.0.0/8\ncondition: s"), "1", ("kql", "esql", "spl", "cql", "sigma")),
    # No error is success in Splunk's add-on and in Elastic's outcome.
    ("spl", "sourcetype=aws:cloudtrail errorCode=success", "134", ALL),
    ("esql", 'FROM logs-aws.cloudtrail-* | WHERE event.outcome == "success"', "134", ("kql", "esql", "eql", "spl", "cql", "sigma")),
    # A moment is in UTC in every language.
    ("kql", "AWSCloudTrail | where TimeGenerated >= datetime(2026-11-21T10:03:00Z)", "345", ("kql", "esql", "spl", "cql")),
)


@cache
def workspace() -> livefire.Workspace:
    folder = Path(mkdtemp(prefix="livefire-rows-"))
    logs = folder / "events.json"
    logs.write_text(json.dumps({"Records": EVENTS}), encoding="utf-8")
    ws = livefire.Workspace(folder / "lake")
    ws.ingest(logs)
    return ws


def found(text: str, language: str) -> str:
    outcome = workspace().run(Rule("r", language, text))
    assert not outcome.refused, outcome.reason
    return "".join(sorted(e.partition("/")[2] for row in outcome.evidence for e in row))


@pytest.mark.slow
@pytest.mark.parametrize(("language", "rule", "wanted", "targets"), CASES, ids=lambda v: str(v)[:60])
def test_a_rule_and_its_translations_find_the_same_events(language: str, rule: str, wanted: str, targets: tuple[str, ...]) -> None:
    assert found(rule, language) == wanted
    assert {t: found(turned(rule, language, t).text, t) for t in targets} == dict.fromkeys(targets, wanted)
