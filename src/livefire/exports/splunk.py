"""Splunk: a stanza of savedsearches.conf with risk and notable.

https://help.splunk.com/en/data-management/splunk-enterprise-admin-manual/configuration-file-reference/savedsearches.conf
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from livefire.exports.model import Artefact, Subject, refuse, span

# Which field of a row is whom or what the risk is of; the first that is there.
_USERS = ("user", "Actor", "actor", "user_name", "userIdentity.arn", "caller", "protoPayload.authenticationInfo.principalEmail")
_SYSTEMS = ("dest", "Resource", "resource", "object_id", "resourceId", "resource_name")
_SCORES = {"informational": 10, "low": 21, "medium": 47, "high": 73, "critical": 99}
_ATTACK_SPAN = 3600


def as_conf(subjects: Sequence[Subject]) -> tuple[Artefact, ...]:
    """Return one savedsearches.conf with a stanza a rule."""
    return (Artefact("savedsearches.conf", "\n".join(_stanza(s) for s in subjects)),)


def _stanza(subject: Subject) -> str:
    card, name = subject.card, one_line(f"livefire - {subject.title} - Rule")
    if re.search(r"[\[\]]", name):
        refuse("E510", f"Splunk would refuse {subject.title!r}: the name of a stanza has no brackets")
    label = one_line(subject.title)
    risks = [{"risk_object_field": f, "risk_object_type": t, "risk_score": score(subject)} for f, t in risk_objects(subject)]
    annotations = {"mitre_attack": list(subject.attack.techniques) if subject.attack is not None else []}
    fields = [f for f, _ in risk_objects(subject)]
    lines = {
        "action.correlationsearch.annotations": json.dumps(annotations),
        "action.correlationsearch.enabled": "1",
        "action.correlationsearch.label": label,
        "action.notable": "1",
        "action.notable.param.rule_description": one_line(subject.description),
        "action.notable.param.rule_title": label,
        "action.notable.param.security_domain": "threat",
        "action.notable.param.severity": card.severity,
        **({"action.risk": "1", "action.risk.param._risk": json.dumps(risks), "action.risk.param._risk_message": message(subject)} if risks else {}),
        "alert.digest_mode": "1",
        # Windows overlap, so what was found once is held back for as long as it would be found again.
        **({"alert.suppress": "1", "alert.suppress.fields": ",".join(fields), "alert.suppress.period": f"{subject.lookback}s"} if fields else {}),
        "counttype": "number of events",
        "cron_schedule": "7 * * * *",
        "description": one_line(subject.description),
        "disabled": "0",
        "dispatch.earliest_time": f"-{span(max(subject.lookback, _ATTACK_SPAN), 'dhms')}",
        "dispatch.latest_time": "now",
        "enableSched": "1",
        "is_visible": "0",
        "quantity": "0",
        "realtime_schedule": "0",
        "relation": "greater than",
        "schedule_window": "auto",
        "search": _lines(subject),
    }
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def _lines(subject: Subject) -> str:
    lines = subject.query.split("\n")
    if any(line.rstrip().endswith("\\") for line in lines[:-1]) or lines[-1].endswith("\\"):
        refuse("E510", f"Splunk would read {subject.title!r} otherwise: in a .conf file a backslash at the end of a line joins it with the next")
    return "\\\n".join(lines)


def one_line(text: str) -> str:
    """Return text with every run of blanks and breaks as one blank."""
    return " ".join(text.split())


def risk_objects(subject: Subject) -> list[tuple[str, str]]:
    """Return the fields of a row that risk is counted for, each with its type."""
    user = next((c for c in _USERS if c in subject.columns), None)
    system = next((c for c in _SYSTEMS if c in subject.columns), None)
    return [(f, t) for f, t in ((user, "user"), (system, "other")) if f is not None]


def score(subject: Subject) -> int:
    """Return the risk of a finding, 1 to 100."""
    return min(100, max(1, subject.card.risk.base or _SCORES[subject.card.severity]))


def message(subject: Subject) -> str:
    """Return a finding in words, with the field of whom it is about."""
    named = " by ".join(f"${f}$" for f, _ in risk_objects(subject)[:1])
    title = one_line(subject.title)
    return f"{title} by {named}" if named else title


__all__ = ["as_conf", "message", "one_line", "risk_objects", "score"]
