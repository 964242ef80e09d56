"""Alerts that are more than one event: thresholds, and terms seen for the first time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from livefire.detections.elastic.executions import Alert, Executions, combinations
from livefire.detections.elastic.rule import Threshold

TERMS = "kibana.alert.new_terms"
COUNT = "kibana.alert.threshold_result.count"
CARDINALITY = "kibana.alert.threshold_result.cardinality"


def crossings(events: Sequence[Alert], threshold: Threshold, executions: Executions) -> Iterator[list[Alert]]:
    """Yield for each execution the groups of events that reach a threshold.

    An event with several values of a field is in the group of each; one without a value is in none.
    Events up to the latest of an alert are not counted again for its group while it is in the window.
    https://www.elastic.co/docs/solutions/security/detect-and-alert/threshold
    """
    groups: dict[tuple[Any, ...], list[Alert]] = {}
    for event in sorted(events, key=lambda a: a.time):
        for values in combinations(event.row, threshold.fields):
            groups.setdefault(values, []).append(event)
    made: dict[datetime, list[Alert]] = {}
    for values, members in groups.items():
        for alert in _group(values, members, threshold, executions):
            made.setdefault(alert.moment, []).append(alert)
    yield from (made[m] for m in sorted(made))


def _group(values: tuple[Any, ...], members: list[Alert], threshold: Threshold, executions: Executions) -> Iterator[Alert]:
    times = [m.time for m in members]
    latest: datetime | None = None
    for moment in executions.covering(times):
        start, end = moment - executions.schedule.lookback, moment - executions.schedule.until
        low = bisect_left(times, start) if latest is None or latest < start else bisect_right(times, latest)
        inside = members[low : bisect_right(times, end)]
        if len(inside) < threshold.value:
            continue
        different = {f: len({v for m in inside for v in combinations(m.row, (f,))}) for f, _ in threshold.cardinality}
        if any(different[f] < least for f, least in threshold.cardinality):
            continue
        latest = inside[-1].time
        row = {**dict(zip(threshold.fields, values, strict=True)), COUNT: len(inside)}
        if different:
            row[CARDINALITY] = different
        row |= {"@timestamp": latest, "kibana.alert.original_time": inside[0].time}
        yield Alert(row, tuple(sorted({e for m in inside for e in m.evidence})), latest, moment)


def first_seen(events: Sequence[Alert], fields: Sequence[str], history: timedelta, executions: Executions) -> list[list[Alert]]:
    """Return for each execution the first event of each combination of values that its history does not know.

    An execution alerts on a combination when it is in the window of the rule and, from the start of
    the history on, nowhere before that window. Only events that the rule's query finds are history.
    https://www.elastic.co/docs/solutions/security/detect-and-alert/new-terms
    """
    before: dict[tuple[Any, ...], datetime] = {}
    rounds: dict[datetime, list[Alert]] = {}
    for event in sorted(events, key=lambda a: a.time):
        moment, last = executions.first(event.time), executions.last(event.time)
        for values in combinations(event.row, fields):
            known = before.get(values)
            before[values] = event.time
            if moment is None or last is None:
                continue
            # The window's own first instant counts as history.
            last_open = last - executions.schedule.interval if last - executions.schedule.lookback >= event.time else last
            fitting = moment if known is None else max(moment, _after(known + history, executions, moment))
            if fitting > last_open or (executions.once is not None and (known is not None and known + history >= moment)):
                continue
            row = {**event.row, TERMS: list(values)}
            rounds.setdefault(fitting, []).append(Alert(row, event.evidence, event.time, fitting))
    return [rounds[m] for m in sorted(rounds)]


def _after(time: datetime, executions: Executions, at_least: datetime) -> datetime:
    """Return the first execution strictly after a time, on the grid that `at_least` is on."""
    if time < at_least:
        return at_least
    steps = (time - at_least) // executions.schedule.interval + 1
    return at_least + steps * executions.schedule.interval
