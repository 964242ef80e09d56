"""What a detection rule of Elastic says, read from its JSON form: types, schedule, threshold, new terms, exceptions.

https://www.elastic.co/docs/solutions/security/detect-and-alert/about-detection-rules
https://www.elastic.co/docs/api/doc/kibana/group/endpoint-security-detections-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from livefire.detections.elastic.dsl import excepted, filter_of
from livefire.detections.elastic.faults import Faults
from livefire.languages.index.filters import Filter

LANGUAGES = {"kuery": "kuery", "lucene": "lucene", "eql": "eql", "esql": "esql"}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_RELATIVE = re.compile(r"now(?:-(\d{1,6})([smhdw]))?")
_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_MOST_TERMS = 3
_MOST_ALERTS = 100


@dataclass(frozen=True, slots=True)
class Threshold:
    """Groups of events by the values of `fields` alert from `value` events on, and with so many different values of each of `cardinality`."""

    fields: tuple[str, ...]
    value: int
    cardinality: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Suppression:
    """Alerts with the same values of `fields` become one, within an execution or a `duration`; `missing` ones too if they are to be."""

    fields: tuple[str, ...]
    duration: timedelta | None
    missing: bool = True


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rule runs, and how far back each execution reads: `lookback` to `until` before its moment."""

    interval: timedelta
    lookback: timedelta
    until: timedelta
    most: int


@dataclass(frozen=True, slots=True)
class Indicators:
    """What events are compared with: an index, a query over it, and pairs of event field and indicator field in groups of which one must fit."""

    index: tuple[str, ...]
    query: str
    language: str
    pairs: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class ElasticRule:
    """A rule as its file says it; `faults` are what keeps it from being run."""

    id: str
    name: str
    type: str
    language: str
    query: str
    index: tuple[str, ...]
    schedule: Schedule
    filters: tuple[Filter, ...] = ()
    exceptions: tuple[Filter, ...] = ()
    threshold: Threshold | None = None
    new_terms: tuple[str, ...] = ()
    history: timedelta = timedelta(0)
    suppression: Suppression | None = None
    indicators: Indicators | None = None
    building_block: bool = False
    override: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    severity: str = "medium"
    risk: int = 0
    description: str = ""


def read(said: Mapping[str, Any], faults: Faults, exceptions: list[Mapping[str, Any]]) -> ElasticRule:
    """Return the rule of a JSON object; what cannot be run is put into `faults`, by the key that says it."""
    kind, language = str(said.get("type", "")), str(said.get("language") or _spoken(str(said.get("type", ""))))
    _refuse_kind(said, kind, faults)
    if said.get("data_view_id"):
        faults.error("E305", "which indices a data view holds is known to Kibana only", "data_view_id", help="name the indices in `index`")
    if kind not in ("machine_learning", "saved_query") and language not in LANGUAGES:
        faults.error("E305", f"no rule of the language {language!r} can be run", "language", help=f"known: {', '.join(LANGUAGES)}")
    fields, history = _new_terms(said, faults) if kind == "new_terms" else ((), timedelta(0))
    return ElasticRule(
        str(said.get("rule_id") or said.get("id") or said.get("name", "")),
        str(said.get("name", "")),
        kind,
        LANGUAGES.get(language, language),
        str(said.get("query") or ""),
        tuple(str(i) for i in _list(said.get("index"))),
        _schedule(said, faults),
        tuple(f for one in _list(said.get("filters")) if (f := filter_of(one, faults)) is not None),
        tuple(f for item in exceptions if (f := excepted(item, faults)) is not None),
        _threshold(said.get("threshold"), faults) if kind == "threshold" else None,
        fields,
        history,
        _suppression(said.get("alert_suppression"), faults),
        _indicators(said, faults) if kind == "threat_match" else None,
        bool(said.get("building_block_type")),
        str(said["timestamp_override"]) if said.get("timestamp_override") else None,
        {k: str(said[k]) for k in ("event_category_override", "timestamp_field", "tiebreaker_field") if said.get(k)},
        str(said.get("severity", "medium")),
        int(said.get("risk_score") or 0),
        str(said.get("description", "")),
    )


def _spoken(kind: str) -> str:
    return kind if kind in ("eql", "esql") else "kuery"


def _refuse_kind(said: Mapping[str, Any], kind: str, faults: Faults) -> None:
    known = ("query", "eql", "esql", "threshold", "new_terms", "threat_match")
    if kind == "machine_learning":
        job = ", ".join(str(j) for j in _list(said.get("machine_learning_job_id")))
        words = f"a machine learning rule alerts on what the job {job or 'of its own'} learned in Elasticsearch, which is in no file"
        faults.error("E305", words, "type", help="write the behaviour as a query, new_terms or threshold rule")
    elif kind == "saved_query":
        faults.error("E305", "a saved query is kept by Kibana", "type", help="write the query into the rule, with type query")
    elif kind not in known:
        faults.error("E506", f"no type of rule is named {kind!r}", "type", help=f"known: {', '.join(known)}")


def relative(text: object, key: str, faults: Faults) -> timedelta:
    """Return how long before now a text such as `now-6m` is; E107 for any other text."""
    found = _RELATIVE.fullmatch(str(text))
    if found is None:
        faults.error("E107", f"{text!r} is no time before now", key, help="write now-6m, now-1h or now-10d")
        return timedelta(0)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found[1] else timedelta(0)


def _schedule(said: Mapping[str, Any], faults: Faults) -> Schedule:
    found = _SPAN.fullmatch(str(said.get("interval") or "5m"))
    interval = timedelta(seconds=int(found[1]) * _UNITS[found[2]]) if found else timedelta(0)
    if interval <= timedelta(0):
        faults.error("E107", f"{said.get('interval')!r} is no interval", "interval", help="write 5m, 1h or 1d")
        interval = timedelta(minutes=5)
    lookback, until = relative(said.get("from") or "now-6m", "from", faults), relative(said.get("to") or "now", "to", faults)
    most = said.get("max_signals")
    return Schedule(interval, max(lookback, until), until, most if isinstance(most, int) and most > 0 else _MOST_ALERTS)


def _threshold(said: Any, faults: Faults) -> Threshold:
    if not isinstance(said, Mapping) or not isinstance(said.get("value"), int):
        faults.error("E506", "a threshold rule needs `threshold` with a value", "threshold")
        return Threshold((), 1)
    fields = tuple(str(f) for f in _list(said.get("field")) if f)
    counted = tuple((str(c["field"]), int(c["value"])) for c in _list(said.get("cardinality")) if isinstance(c, Mapping) and c.get("field"))
    return Threshold(fields, int(said["value"]), counted)


def _new_terms(said: Mapping[str, Any], faults: Faults) -> tuple[tuple[str, ...], timedelta]:
    """Return fields and history, as Kibana writes them or as the rule repository does."""
    nested = said.get("new_terms")
    fields, start = said.get("new_terms_fields"), said.get("history_window_start")
    if isinstance(nested, Mapping):
        fields = nested.get("value")
        start = next((h.get("value") for h in _list(nested.get("history_window_start")) if isinstance(h, Mapping)), None)
    names = tuple(str(f) for f in _list(fields))
    if not 1 <= len(names) <= _MOST_TERMS:
        faults.error("E506", f"new terms are of one to {_MOST_TERMS} fields, and here are {len(names)}", "new_terms")
    return names, relative(start, "history_window_start", faults)


def _suppression(said: Any, faults: Faults) -> Suppression | None:
    if not isinstance(said, Mapping):
        return None
    duration = said.get("duration")
    length = None
    if isinstance(duration, Mapping):
        unit = str(duration.get("unit", ""))
        if unit not in _UNITS or not isinstance(duration.get("value"), int):
            faults.error("E107", "the duration of a suppression needs value and unit", "duration", help='{ value = 1, unit = "h" }')
        else:
            length = timedelta(seconds=int(duration["value"]) * _UNITS[unit])
    missing = str(said.get("missing_fields_strategy") or "suppress") != "doNotSuppress"
    return Suppression(tuple(str(f) for f in _list(said.get("group_by"))), length, missing)


def _indicators(said: Mapping[str, Any], faults: Faults) -> Indicators | None:
    pairs = []
    for group in _list(said.get("threat_mapping")):
        entries = _list(group.get("entries")) if isinstance(group, Mapping) else []
        if any(e.get("type", "mapping") != "mapping" or e.get("negate") for e in entries):
            faults.error("E305", "only pairs that must be equal can be compared with indicators", "threat_mapping")
        pairs.append(tuple((str(e.get("field")), str(e.get("value"))) for e in entries))
    if not pairs:
        faults.error("E506", "an indicator rule needs `threat_mapping`", "threat_mapping")
        return None
    if said.get("threat_filters"):
        faults.error("E305", "filters on the indicators are not supported", "threat_filters", help="write them into threat_query")
    index = tuple(str(i) for i in _list(said.get("threat_index")))
    return Indicators(index, str(said.get("threat_query") or ""), str(said.get("threat_language") or "kuery"), tuple(pairs))


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
