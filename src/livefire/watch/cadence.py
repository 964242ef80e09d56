"""When a rule runs and how far back it looks, by what its file says.

A moment is a time a rule is run for; its window is [start, end). Moments stand at multiples of the rule's interval since
1970 UTC, or where its cron expression puts them, never where a process happened to start: so any process finds the same.

Sentinel: `queryFrequency`, `queryPeriod`, `triggerOperator`, `triggerThreshold`
(https://learn.microsoft.com/en-us/azure/sentinel/scheduled-rules-overview). Elastic: `interval`, `from`, `to`
(https://www.elastic.co/docs/solutions/security/detect-and-alert/create-detection-rule). Splunk: `cron_schedule`,
`dispatch.earliest_time`, `dispatch.latest_time`, `counttype`, `relation`, `quantity`
(https://help.splunk.com/en/data-management/splunk-enterprise-admin-manual/configuration-file-reference/savedsearches.conf).
LogScale: `schedule`, `searchIntervalSeconds`, `searchIntervalOffsetSeconds`, `timeInterval`, `queryStart`, `queryEnd`, `type`
(https://library.logscale.com/automation/triggers-scheduled-searches.html).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from livefire.watch.spans import shown, span

if TYPE_CHECKING:
    from livefire.detections.formats import RuleFile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO = timedelta(0)
_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda n, m: n > m, "lt": lambda n, m: n < m, "eq": lambda n, m: n == m, "ne": lambda n, m: n != m,
}  # fmt: skip
_NAMES = {
    "greaterthan": "gt", "gt": "gt", "greater than": "gt", "lessthan": "lt", "lt": "lt", "less than": "lt",
    "equal": "eq", "eq": "eq", "equal to": "eq", "notequal": "ne", "ne": "ne", "not equal to": "ne",
}  # fmt: skip
_BACK = re.compile(r"-(\d{1,6})(s|sec|secs|m|min|mins|h|hr|hrs|d|day|days|w|week|weeks)?(?:@(s|m|h|d))?")
_UTC = re.compile(r"(?:UTC|GMT|Z)?(?:[+-]0?0(?::?00)?)?|Z")
_SPREAD = ((0, 60), (0, 24), (1, 28), (1, 12), (0, 7))
"""Of each field of a cron expression the first value, and how many there are in any month."""
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class CadenceError(ValueError):
    """A schedule that cannot be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One end of a window: so long before the moment, then down to a whole unit of so many seconds (0 for none)."""

    back: timedelta = _ZERO
    snap: int = 0

    def at(self, moment: datetime) -> datetime:
        """Return the end for a moment."""
        found = moment - self.back
        return found if not self.snap else _EPOCH + (found - _EPOCH) // timedelta(seconds=self.snap) * timedelta(seconds=self.snap)

    @property
    def reach(self) -> timedelta:
        """How far before a moment it can lie at most."""
        return self.back + timedelta(seconds=self.snap)


@dataclass(frozen=True, slots=True)
class Cadence:
    """A schedule. `live` rules have none: each new batch is shown to them. `stated` is False when the file says nothing."""

    every: timedelta = timedelta(minutes=5)
    cron: str = ""
    start: Edge = Edge(timedelta(hours=1))
    end: Edge = Edge()
    trigger: tuple[str, int] = ("gt", 0)
    stated: bool = False
    live: bool = False

    def moments(self, after: datetime, upto: datetime) -> Iterator[datetime]:
        """Yield the moments in (after, upto]."""
        if not self.cron:
            step = (after - _EPOCH) // self.every + 1
            while (moment := _EPOCH + step * self.every) <= upto:
                yield moment
                step += 1
            return
        from cronsim import CronSim

        for moment in CronSim(self.cron, after):
            if moment > upto:
                return
            yield moment

    def touched(self, stretches: Iterable[tuple[datetime, datetime]]) -> Iterator[datetime]:
        """Yield the moments whose windows hold a time of the stretches, each once for stretches in order; ends are inclusive."""
        last = None
        for first, final in stretches:
            for moment in self.moments(first - timedelta(microseconds=1), final + self.start.reach):
                if (last is None or moment > last) and self.start.at(moment) <= final and first <= self.end.at(moment):
                    last = moment
                    yield moment

    def window(self, moment: datetime) -> tuple[datetime, datetime]:
        """Return start and end of the window of a moment, [start, end)."""
        return self.start.at(moment), self.end.at(moment)

    def triggers(self, rows: int) -> bool:
        """True when so many rows make the rule alert."""
        return rows > 0 and _OPERATORS[self.trigger[0]](rows, self.trigger[1])

    @property
    def text(self) -> str:
        """The schedule in words."""
        if self.live:
            return "each batch"
        when = f"cron {self.cron}" if self.cron else f"every {shown(self.every)}"
        until = f" to {shown(self.end.back)} ago" if self.end.back else ""
        return f"{when} over {shown(self.start.back)}{until}{'' if self.stated else ' (not stated by the rule)'}"


def cadence_of(file: RuleFile, usual: Cadence) -> Cadence:
    """Return the schedule that a rule's file states, else `usual`; CadenceError for one that cannot be followed."""
    from livefire.detections.elastic.run import Alerting

    alerting = file.rule.alerting
    if isinstance(alerting, Alerting):
        said = alerting.said.schedule
        return replace(usual, every=said.interval, start=Edge(said.lookback), end=Edge(said.until), stated=True)
    for read in (_sentinel, _splunk, _logscale):
        try:
            found = read(file.said, usual)
        except ValueError as fault:
            raise CadenceError(str(fault)) from fault
        if found is not None:
            return found
    return usual


def _sentinel(said: Mapping[str, Any], usual: Cadence) -> Cadence | None:
    if str(said.get("kind", "")).lower() == "nrt":
        return replace(usual, every=timedelta(minutes=1), start=Edge(timedelta(minutes=1)), stated=True)
    if "queryFrequency" not in said and "queryPeriod" not in said:
        return None
    every = span(str(said.get("queryFrequency") or "5h"))
    back = span(str(said.get("queryPeriod") or shown(every)))
    if back < every:
        raise CadenceError(
            f"queryPeriod {shown(back)} is shorter than queryFrequency {shown(every)}, which Sentinel does not take: events between are never seen"
        )
    return replace(usual, every=every, start=Edge(back), trigger=_trigger(said, "triggerOperator", "triggerThreshold"), stated=True)


def _trigger(said: Mapping[str, Any], operator: str, threshold: str) -> tuple[str, int]:
    named = str(said.get(operator) or "gt").lower()
    if named not in _NAMES:
        raise CadenceError(f"{operator} {named!r} is not followed; known: more or fewer results than a number, as many, or not as many")
    found = _NAMES[named], _whole(said, threshold)
    if _OPERATORS[found[0]](0, found[1]):
        words = "alerts when nothing is found, and a watch makes no run over nothing"
        raise CadenceError(f"{operator} {named!r} with {threshold} {found[1]} {words}: let the query itself give a row then, and alert on more than 0")
    return found


def _whole(said: Mapping[str, Any], key: str) -> int:
    value = said.get(key)
    if value is None or value == "":
        return 0
    if not re.fullmatch(r"\d{1,9}", str(value).strip()):
        raise CadenceError(f"{key} is {value!r}, and has to be a whole number")
    return int(str(value))


def _splunk(said: Mapping[str, Any], usual: Cadence) -> Cadence | None:
    expression = said.get("cron_schedule")
    if not isinstance(expression, str) or not expression.strip():
        return None
    start, end = said.get("dispatch.earliest_time") or said.get("earliest_time") or "", said.get("dispatch.latest_time") or said.get("latest_time") or "now"
    if not start:
        raise CadenceError("a search with a cron_schedule and no dispatch.earliest_time looks at all time: say from when, such as -1h")
    for key in ("dispatch.index_earliest", "dispatch.index_latest"):
        if said.get(key):
            raise CadenceError(f"{key} chooses events by when they were indexed, which is not kept: use dispatch.earliest_time")
    if str(said.get("alert_condition") or "").strip():
        raise CadenceError("alert_condition is not followed: put it at the end of the search, as in `... | search count > 5`")
    counted = str(said.get("counttype") or "number of events").lower()
    trigger = ("gt", 0)
    if counted == "number of events" and said.get("relation"):
        trigger = _trigger(said, "relation", "quantity")
    elif counted not in ("number of events", "always"):
        raise CadenceError(f"alerts by {counted!r} are not supported")
    return replace(usual, cron=_checked(expression), start=_edge(str(start)), end=_edge(str(end)), trigger=trigger, stated=True)


def _edge(text: str) -> Edge:
    """Return an end of Splunk's time range: now, -15m, -1d@d, @h."""
    said = text.strip().lower()
    if said in ("now", "now()", ""):
        return Edge()
    if re.fullmatch(r"@[smhd]", said):
        return Edge(_ZERO, _UNITS[said[1]])
    found = _BACK.fullmatch(said)
    if found is None:
        raise CadenceError(f"{text!r} is no time before now that can be followed, such as -1h, -70m@m or -1d@d")
    return Edge(timedelta(seconds=int(found[1]) * _UNITS[(found[2] or "s")[0]]), _UNITS[found[3]] if found[3] else 0)


def _logscale(said: Mapping[str, Any], usual: Cadence) -> Cadence | None:
    if "queryString" not in said:
        return None
    kind = str(said.get("type") or said.get("$schema") or "").lower().replace("-", "")
    if "filteralert" in kind:
        return replace(usual, live=True, stated=True)
    zone = str(said.get("timeZone") or "UTC").upper()
    if said.get("schedule") and not _UTC.fullmatch(zone):
        raise CadenceError(f"the schedule is in the time zone {zone}; only UTC is followed")
    seconds = _whole(said, "searchIntervalSeconds")
    if seconds:
        offset = timedelta(seconds=_whole(said, "searchIntervalOffsetSeconds"))
        length: timedelta | None = timedelta(seconds=seconds)
    else:
        length, offset = _logscale_range(said)
    if length is None:
        return None
    if not said.get("schedule"):
        return replace(usual, every=min(length, timedelta(minutes=1)), start=Edge(length + offset), end=Edge(offset), stated=True)
    cron = _checked(_spread(str(said["schedule"]), str(said.get("name", ""))))
    return replace(usual, cron=cron, start=Edge(length + offset), end=Edge(offset), stated=True)


def _logscale_range(said: Mapping[str, Any]) -> tuple[timedelta | None, timedelta]:
    """Return how long the range of a query is, None where it has none, and how long before its moment it ends."""
    nested = said.get("timeInterval")
    inner: Mapping[str, Any] = nested if isinstance(nested, Mapping) else {}
    start = next((str(v) for v in (None if inner else nested, said.get("queryStart"), said.get("start"), inner.get("start")) if v), "")
    end = next((str(v) for v in (said.get("queryEnd"), said.get("end"), inner.get("end")) if v), "now")
    if not start:
        return None, _ZERO
    first, last = _before_now(start), _before_now(end)
    if first <= last:
        raise CadenceError(f"the range from {start!r} to {end!r} holds no time")
    return first - last, last


def _before_now(text: str) -> timedelta:
    if text.strip().lower() == "now":
        return _ZERO
    words = re.fullmatch(r"(\d{1,6})\s*(seconds?|minutes?|hours?|days?|weeks?|s|m|h|d|w)", text.strip().lower())
    if words is None:
        raise CadenceError(f"{text!r} is no time before now that can be followed, such as 1h or 24h")
    return timedelta(seconds=int(words[1]) * _UNITS[words[2][0]])


def _spread(expression: str, name: str) -> str:
    """Return a cron expression with a number for each `H`, which LogScale chooses by itself to spread its load: the same one each time."""
    parts = expression.split()
    if len(parts) != len(_SPREAD):
        return expression
    mark = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return " ".join(str(first + mark // (at + 1) % size) if part == "H" else part for at, (part, (first, size)) in enumerate(zip(parts, _SPREAD, strict=True)))


def _checked(expression: str) -> str:
    from cronsim import CronSim, CronSimError

    try:
        CronSim(expression.strip(), _EPOCH)
    except CronSimError as fault:
        raise CadenceError(f"{expression!r} is no cron expression: {fault}") from fault
    return expression.strip()
