"""Elastic detection rules as the NDJSON that Kibana imports: exceptions and connectors before the rules that name them.

https://www.elastic.co/docs/api/doc/kibana/operation/operation-importrules,
https://www.elastic.co/docs/api/doc/kibana/operation/operation-createexceptionlistitem
"""

from __future__ import annotations

import fnmatch
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from livefire.detections.tuning import Excepted
from livefire.exports.elastic import checked, documents
from livefire.exports.model import REFUSED, Artefact, Connector, Subject, refuse

_AWS = "aws.cloudtrail.user_identity"
# The fields that hold the stable name of an actor, in the order in which the first that is there counts.
_ACTORS = {
    "aws_cloudtrail": (f"{_AWS}.session_context.session_issuer.arn", f"{_AWS}.arn"),
    "gcp_audit": ("client.user.email",),
}
_ACCOUNTS = {"aws_cloudtrail": "cloud.account.id", "azure_activity": "azure.subscription_id", "gcp_audit": "cloud.project.id"}
_MESSAGE = "{{rule.name}}: {{state.signals_count}} new"
_PARAMS: dict[str, dict[str, Any]] = {
    ".slack": {"message": _MESSAGE},
    ".teams": {"message": _MESSAGE},
    ".pagerduty": {"eventAction": "trigger", "summary": _MESSAGE},
    ".webhook": {"body": '{"rule": "{{rule.name}}", "alerts": [{{#context.alerts}}{{{.}}},{{/context.alerts}}null]}'},
    ".email": {"subject": "{{rule.name}}", "message": _MESSAGE},
}

Line = dict[str, Any]


def as_ndjson(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one file to import: exception lists with their items, connectors, a rule a line, then what was exported."""
    lists, items, rules = [], [], []
    connectors = {c.name: c for s in subjects for c in s.connectors}
    for subject, found in documents(subjects):
        own = [i for e in subject.excepted if fnmatch.fnmatchcase(subject.card.id, e.detection) for i in _items(e, subject)]
        rule = {**checked(found), "enabled": False, "version": 1, "exceptions_list": [], "actions": _actions(subject)}
        if own:
            lists.append(_list(subject))
            items += own
            rule["exceptions_list"] = [{"id": _id(_list_id(subject)), "list_id": _list_id(subject), "type": "detection", "namespace_type": "single"}]
        rules.append(rule)
    before = [*lists, *items, *(_connector(c) for c in connectors.values())]
    summary = _summary(len(rules), len(lists), len(items), len(connectors))
    return (Artefact("rules.ndjson", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (*before, *rules, summary))),)


def _summary(rules: int, lists: int, items: int, connectors: int) -> Line:
    return {
        "exported_count": rules + lists + items + connectors,
        "exported_rules_count": rules,
        "missing_rules": [],
        "missing_rules_count": 0,
        "exported_exception_list_count": lists,
        "exported_exception_list_item_count": items,
        "missing_exception_lists": [],
        "missing_exception_lists_count": 0,
        "missing_exception_list_items": [],
        "missing_exception_list_items_count": 0,
        "exported_action_connector_count": connectors,
        "missing_action_connections": [],
        "missing_action_connection_count": 0,
        "excluded_action_connections": [],
        "excluded_action_connection_count": 0,
    }


def _id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"livefire:{text}"))


def _list_id(subject: Subject) -> str:
    return f"livefire_{subject.slug}_{subject.rule.language}"


def _list(subject: Subject) -> Line:
    return {
        "id": _id(_list_id(subject)),
        "list_id": _list_id(subject),
        "name": f"Exceptions of {subject.title}",
        "description": f"What a site excepts from {subject.card.id}",
        "type": "detection",
        "namespace_type": "single",
        "immutable": False,
        "os_types": [],
        "tags": [],
        "version": 1,
    }


def _items(excepted: Excepted, subject: Subject) -> list[Line]:
    """Return an item for each way a log source's events come to be excepted: all entries of one have to hold."""
    found = [entries for source in subject.sources for entries in _entries(excepted, source)]
    name = f"{_list_id(subject)}_{excepted.owner}_{json.dumps(found)}"
    return [
        {
            "item_id": _id(f"{name}_{at}"),
            "list_id": _list_id(subject),
            "name": f"{excepted.reason} ({excepted.owner})",
            "description": f"Owner: {excepted.owner}. {excepted.reason}",
            "type": "simple",
            "namespace_type": "single",
            "entries": entries,
            # An exception holds through its last day.
            "expire_time": f"{excepted.expires + timedelta(days=1):%Y-%m-%d}T00:00:00.000Z",
            "comments": [],
            "os_types": [],
            "tags": [],
        }
        for at, entries in enumerate(found)
    ]


def _entries(excepted: Excepted, source: str) -> list[list[Line]]:
    """Return the entries of each item; E510 for a scope that no field of Elastic's says."""
    scope = excepted.scope
    if scope.resource:
        refuse(
            REFUSED, f"Kibana would hold no exception by resource ({scope.resource!r}): resources stand in many fields", "except by actor, account or network"
        )
    plain: list[Line] = []
    if scope.account:
        plain.append(_entry(_ACCOUNTS[source], "match", scope.account))
    if scope.network:
        plain.append(_entry("source.ip", "match", scope.network))
    if not scope.actor:
        return [plain]
    if source not in _ACTORS:
        refuse(
            REFUSED, f"Kibana would hold no exception by actor ({scope.actor!r}) of {source}: Elastic keeps no name of it there", "except by account or network"
        )
    if re.search(r"[*?\\]", scope.actor):
        refuse(REFUSED, f"Kibana would take a sign of {scope.actor!r} for a wildcard", "except by the end of the name after it")
    found = []
    for at, field in enumerate(_ACTORS[source]):
        absent = [{"field": f, "operator": "excluded", "type": "exists"} for f in _ACTORS[source][:at]]
        found.append([*absent, _entry(field, "wildcard", f"*{scope.actor}"), *plain])
    return found


def _entry(field: str, kind: str, value: str) -> Line:
    return {"field": field, "operator": "included", "type": kind, "value": value}


def _connector(connector: Connector) -> Line:
    """Return a connector as Kibana exports it: its secrets are typed in after the import."""
    attributes: Mapping[str, Any] = {
        "actionTypeId": connector.kind,
        "name": connector.name,
        "isMissingSecrets": connector.secret,
        "config": dict(connector.config),
        "secrets": {},
    }
    return {"id": _id(f"connector {connector.name}"), "type": "action", "attributes": attributes, "references": []}


def _actions(subject: Subject) -> list[Line]:
    return [
        {
            "id": _id(f"connector {c.name}"),
            "action_type_id": c.kind,
            "group": "default",
            "params": {**_PARAMS[c.kind], **c.params},
            "frequency": {"summary": True, "notifyWhen": "onActiveAlert", "throttle": None},
        }
        for c in subject.connectors
    ]
