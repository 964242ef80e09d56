"""What a rule's file says of alerting less often: which findings its product makes one alert of.

Splunk: `alert.suppress`, `alert.suppress.period`, `alert.suppress.fields`
(https://help.splunk.com/en/data-management/splunk-enterprise-admin-manual/configuration-file-reference/savedsearches.conf).
LogScale: `throttleTimeMillis`, `throttleTimeSeconds`, `throttleField`
(https://library.logscale.com/automation/triggers-alerts-throttling.html). Sentinel: `suppressionEnabled`, `suppressionDuration`
(https://learn.microsoft.com/en-us/azure/sentinel/create-analytics-rules). Elastic: `alert_suppression` with `group_by` and `duration`
(https://www.elastic.co/docs/solutions/security/detect-and-alert/suppress-detection-alerts).

A product counts its period from the moment an alert was made, so what it shows depends on when events came. Here a period is one
of the stretches of that length since 1970 UTC, and the time of the finding's last event decides: the same events give the same
alerts. Nothing is dropped: what is suppressed joins the alert that stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from livefire.watch.spans import shown, span

if TYPE_CHECKING:
    from livefire.detections.formats import RuleFile

_YES = ("1", "true", "t", "yes", "y")
_PERIODS = {"s": "s", "sec": "s", "secs": "s", "m": "m", "min": "m", "mins": "m", "h": "h", "hr": "h", "hrs": "h", "d": "d", "day": "d", "days": "d"}


class RestraintError(ValueError):
    """A suppression that cannot be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class Restraint:
    """Findings whose `fields` hold the same, within a stretch of so long, are one alert.

    No field at all makes all of a rule's findings one; `None` those of one group of the rule, or of one identity. Without `missing`,
    findings that lack a field are alerts of their own.
    """

    within: timedelta
    fields: tuple[str, ...] | None = ()
    missing: bool = True

    @property
    def text(self) -> str:
        """In words."""
        by = f" for the same {', '.join(self.fields)}" if self.fields else " for each of what it groups by" if self.fields is None else ""
        return f"one alert in {shown(self.within)}{by}"

    def key(self, row: Mapping[str, Any], otherwise: Sequence[object]) -> tuple[str, ...] | None:
        """Return what tells findings apart, None for one that is an alert of its own; `otherwise` is its group or identity."""
        if self.fields is None:
            return tuple(map(repr, otherwise))
        if not self.missing and any(row.get(name) is None for name in self.fields):
            return None
        return tuple(f"{name}={row.get(name)!r}" for name in self.fields)


def restraint_of(file: RuleFile) -> Restraint | None:
    """Return the suppression that a rule's file asks for, None for none; RestraintError for one that cannot be followed."""
    from livefire.detections.elastic.run import Alerting

    try:
        if isinstance(file.rule.alerting, Alerting):
            said = file.rule.alerting.said.suppression
            # Suppression within one execution is the rule's own, and was done by the time it gave its rows.
            return Restraint(said.duration, tuple(said.fields), said.missing) if said is not None and said.duration else None
        return _splunk(file.said) or _logscale(file.said) or _sentinel(file.said)
    except ValueError as fault:
        raise RestraintError(str(fault)) from fault


def _splunk(said: Mapping[str, Any]) -> Restraint | None:
    if str(said.get("alert.suppress", "")).strip().lower() not in _YES:
        return None
    text = str(said.get("alert.suppress.period") or "").strip()
    if not text:
        raise ValueError("alert.suppress without alert.suppress.period: say for how long, such as 1h")
    if said.get("alert.suppress.group_name"):
        raise ValueError("alert.suppress.group_name lets one search silence others, which is not followed: leave it out")
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = _PERIODS.get(text[len(number) :].strip() or "s")
    if unit is None:
        raise ValueError(f"{text!r} is no period: write 90s, 5m, 1h or 7d")
    return Restraint(span(f"{number.strip()}{unit}"), _listed(said.get("alert.suppress.fields")))


def _logscale(said: Mapping[str, Any]) -> Restraint | None:
    if "queryString" not in said:
        return None
    within = _throttle(said)
    if within <= timedelta(0):
        return None
    return Restraint(within, _listed(said.get("throttleField")))


def _throttle(said: Mapping[str, Any]) -> timedelta:
    """Return for how long a trigger keeps still: in seconds, in milliseconds, or as older files say it, such as 1h."""
    for key, unit in (("throttleTimeSeconds", 1.0), ("throttleTimeMillis", 0.001), ("throttleTime", 0.001)):
        value = said.get(key)
        if value in (None, "", 0, "0"):
            continue
        text = str(value).strip()
        if re.fullmatch(r"\d{1,12}(?:\.\d+)?", text):
            return timedelta(seconds=float(text) * unit)
        if key == "throttleTime":
            return span(text.replace(" ", ""))
        raise ValueError(f"{key} is {value!r}, and has to be a number")
    return timedelta(0)


def _sentinel(said: Mapping[str, Any]) -> Restraint | None:
    if "query" not in said or str(said.get("suppressionEnabled", "")).lower() not in _YES:
        return None
    # Sentinel stops the rule for that long. What it would then not look at is looked at, and joins the alert of its group.
    return Restraint(span(str(said.get("suppressionDuration") or "5h")), None)


def _listed(said: Any) -> tuple[str, ...]:
    return tuple(part for part in str(said or "").replace(",", " ").split() if part)


def unfollowed(file: RuleFile) -> Iterator[str]:
    """Yield what a rule's file says that a watch does in its own way, or does not do."""
    said = file.said
    grouping = (said.get("incidentConfiguration") or {}) if isinstance(said.get("incidentConfiguration"), Mapping) else {}
    inner = grouping.get("groupingConfiguration")
    if isinstance(inner, Mapping) and _is_on(inner.get("enabled")):
        yield "groupingConfiguration: alerts are grouped into incidents by identity, as [alerts] says"
    if not _is_on(grouping.get("createIncident", "true")):
        yield "createIncident: an incident is raised by severity and risk, as [alerts] says"
    settings = said.get("eventGroupingSettings")
    if isinstance(settings, Mapping) and str(settings.get("aggregationKind", "")).lower() == "singlealert":
        yield "aggregationKind SingleAlert: each row of a run is an alert of its own"
    if _is_on(said.get("alert.digest_mode")) and file.rule.language == "spl":
        yield "alert.digest_mode: each row of a run is an alert of its own"
    for key, words in _LEFT_OUT.items():
        if said.get(key) not in (None, "", 0, "0", [], {}):
            yield f"{key}: {words}"


def called_off(file: RuleFile) -> bool:
    """Tell whether a rule's file says that it is not to run; a watch runs it all the same, as packs are delivered so."""
    said = file.said
    if file.rule.language == "spl":
        return _is_on(said.get("disabled")) or ("enableSched" in said and not _is_on(said["enableSched"]))
    return "enabled" in said and not _is_on(said["enabled"])


def _is_on(value: object) -> bool:
    return str(value if value is not None else "").strip().lower() in _YES


_LEFT_OUT = {
    "alertDetailsOverride": "an alert has the rule's own name and severity",
    "startTimeUtc": "runs are at multiples of the frequency since 1970 UTC",
    "severity_mapping": "an alert has the rule's own severity",
    "risk_score_mapping": "an alert has the rule's own risk",
    "rule_name_override": "an alert has the rule's own name",
    "throttle": "every alert is sent to the sinks, as [[sink]] says",
    "actions": "alerts go to the sinks, as [[sink]] says",
    "response_actions": "nothing is done to the host",
    "triggerLimit": "every finding is an alert",
    "backfillLimit": "every run that was missed is made up",
    "action.summary_index": "results are not written to another index",
}
"""Settings of Sentinel, Elastic, LogScale and Splunk that change what an alert is, and what becomes of them here."""
