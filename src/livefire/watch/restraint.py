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
    seconds = float(said.get("throttleTimeSeconds") or 0) or float(said.get("throttleTimeMillis") or 0) / 1_000
    if not seconds:
        return None
    return Restraint(timedelta(seconds=seconds), _listed(said.get("throttleField")))


def _sentinel(said: Mapping[str, Any]) -> Restraint | None:
    if "query" not in said or str(said.get("suppressionEnabled", "")).lower() not in _YES:
        return None
    # Sentinel stops the rule for that long. What it would then not look at is looked at, and joins the alert of its group.
    return Restraint(span(str(said.get("suppressionDuration") or "5h")), None)


def _listed(said: Any) -> tuple[str, ...]:
    return tuple(part for part in str(said or "").replace(",", " ").split() if part)


def unfollowed(file: RuleFile) -> Iterator[str]:
    """Yield what a rule's file says of grouping that a watch does in its own way."""
    grouping = (file.said.get("incidentConfiguration") or {}) if isinstance(file.said.get("incidentConfiguration"), Mapping) else {}
    inner = grouping.get("groupingConfiguration")
    if isinstance(inner, Mapping) and str(inner.get("enabled", "")).lower() in _YES:
        yield "groupingConfiguration: alerts are grouped into incidents by identity, as [alerts] says"
    if str(grouping.get("createIncident", "true")).lower() not in _YES:
        yield "createIncident: an incident is raised by severity and risk, as [alerts] says"
    settings = file.said.get("eventGroupingSettings")
    if isinstance(settings, Mapping) and str(settings.get("aggregationKind", "")).lower() == "singlealert":
        yield "aggregationKind SingleAlert: each row of a run is an alert of its own"
    if str(file.said.get("alert.digest_mode", "")).lower() in _YES and str(file.said.get("alert.digest_mode")) and file.rule.language == "spl":
        yield "alert.digest_mode: each row of a run is an alert of its own"
