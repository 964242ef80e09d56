"""Kibana's import: exceptions and connectors stand before the rules that name them, and are read back by what they exclude."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import livefire
from livefire.detections.detection import Rule
from livefire.detections.formats import read_file
from livefire.detections.tuning import Excepted, Scope
from livefire.diagnostics import QueryError
from livefire.exports import kibana
from livefire.exports.model import Connector, Subject
from livefire.watch.config import Smtp, Stdout, Webhook
from livefire.watch.connectors import connectors
from tests.exports.test_exports import subject

QUERY = 'any where event.dataset == "aws.cloudtrail" and event.action == "StopInstances"'
ISSUER, ARN = "aws.cloudtrail.user_identity.session_context.session_issuer.arn", "aws.cloudtrail.user_identity.arn"


def excepted(**scope: str) -> Excepted:
    return Excepted("*", "ann", "nightly stop", date(2030, 5, 1), Scope(**scope))


def rule(*exceptions: Excepted, told: tuple[Connector, ...] = ()) -> Subject:
    return replace(subject("eql"), rule=Rule("r", "eql", QUERY), sources=("aws_cloudtrail",), excepted=exceptions, connectors=told)


def lines(one: Subject) -> list[dict[str, Any]]:
    (artefact,) = kibana.as_ndjson([one])
    return [json.loads(line) for line in artefact.text.splitlines()]


def test_exceptions_and_connectors_come_before_the_rule_that_names_them() -> None:
    """A rule is refused on import when the list or the connector that it names is not there yet."""
    listed, first, second, connector, told, summary = lines(rule(excepted(actor=":role/night", account="111122223333"), told=(Connector("soc", ".slack"),)))
    assert (listed["type"], listed["list_id"]) == ("detection", first["list_id"])
    # The issuer of a session is the actor; without one it is the caller itself.
    account = {"field": "cloud.account.id", "operator": "included", "type": "match", "value": "111122223333"}
    assert first["entries"] == [{"field": ISSUER, "operator": "included", "type": "wildcard", "value": "*:role/night"}, account]
    assert second["entries"] == [
        {"field": ISSUER, "operator": "excluded", "type": "exists"},
        {"field": ARN, "operator": "included", "type": "wildcard", "value": "*:role/night"},
        account,
    ]
    # It holds through the first of May.
    assert first["expire_time"] == "2030-05-02T00:00:00.000Z"
    assert first["item_id"] != second["item_id"]
    assert (connector["type"], connector["attributes"]["actionTypeId"], connector["attributes"]["secrets"]) == ("action", ".slack", {})
    assert told["exceptions_list"] == [{"id": listed["id"], "list_id": listed["list_id"], "type": "detection", "namespace_type": "single"}]
    assert [(a["id"], a["action_type_id"]) for a in told["actions"]] == [(connector["id"], ".slack")]
    counts = (
        "exported_count",
        "exported_rules_count",
        "exported_exception_list_count",
        "exported_exception_list_item_count",
        "exported_action_connector_count",
    )
    assert [summary[c] for c in counts] == [5, 1, 1, 2, 1]


def test_an_exception_of_another_detection_is_not_written() -> None:
    other = Excepted("T9999/*", "ann", "nightly stop", date(2030, 5, 1), Scope(account="1"))
    assert [line.get("rule_id") is not None for line in lines(rule(other))] == [True, False]


@pytest.mark.parametrize(("scope", "said"), [({"resource": "i-1"}, "by resource"), ({"actor": "a*"}, "for a wildcard")])
def test_a_scope_that_no_field_says_is_refused(scope: dict[str, str], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        kibana.as_ndjson([rule(excepted(**scope))])


def event(number: int, issuer: str, address: str = "203.0.113.9") -> dict[str, Any]:
    identity: dict[str, Any] = {"type": "AssumedRole", "arn": f"arn:aws:sts::1:assumed-role/{number}", "accountId": "1"}
    identity |= {"sessionContext": {"sessionIssuer": {"arn": issuer}}} if issuer else {}
    return {
        "eventVersion": "1.08",
        "eventID": str(number),
        "eventTime": f"2026-11-21T10:0{number}:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "StopInstances",
        "eventType": "AwsApiCall",
        "sourceIPAddress": address,
        "userIdentity": identity,
    }


def test_what_is_written_is_read_back_and_excludes_those_events(tmp_path: Path) -> None:
    """Event 1 is of the excepted role, 2 of another, 3 comes from the excepted network, 4 from beside it."""
    logs = tmp_path / "events.json"
    events = [event(1, "arn:aws:iam::1:role/night"), event(2, "arn:aws:iam::1:role/day"), event(3, "", "192.0.2.7"), event(4, "", "192.0.3.7")]
    logs.write_text(json.dumps({"Records": events}), encoding="utf-8")
    path = tmp_path / "rules.ndjson"
    (artefact,) = kibana.as_ndjson([rule(excepted(actor=":role/night"), excepted(network="192.0.2.0/24"))])
    path.write_text(artefact.text, encoding="utf-8")
    (read,) = read_file(path)
    ws = livefire.Workspace(tmp_path / "lake")
    ws.ingest(logs)
    outcome = ws.run(read.rule)
    assert not outcome.refused, outcome.reason
    assert sorted(e.rpartition("/")[2] for row in outcome.evidence for e in row) == ["2", "4"]


def test_sinks_of_a_watch_are_connectors_without_their_secrets() -> None:
    made, left = connectors(
        (
            Webhook(name="soc", url="https://hooks.example.com/T1", format="slack"),
            Webhook(name="queue", url="https://queue.example.com/in"),
            Webhook(name="signed", url="https://queue.example.com/in", secret="s"),  # noqa: S106  # no secret of anything
            Smtp(name="mail", host="mx.example.com", sender="a@example.com", to=("b@example.com",)),
            Stdout(),
        )
    )
    assert [(c.name, c.kind, c.secret) for c in made] == [("soc", ".slack", True), ("queue", ".webhook", False), ("mail", ".email", False)]
    # The address of a Slack hook is its secret; Kibana signs no body, and has no standard output.
    assert made[0].config == {}
    assert left == ("signed", "stdout")
