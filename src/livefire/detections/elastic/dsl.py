"""Kibana's filters and exception items as filters on documents.

https://www.elastic.co/docs/explore-analyze/query-filter/filtering
https://www.elastic.co/docs/solutions/security/detect-and-alert/add-manage-exceptions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from livefire.detections.elastic.faults import Faults
from livefire.diagnostics import NOWHERE
from livefire.languages.index.filters import AllOf, AnyOf, Bound, Everything, Exists, FieldName, Filter, Match, Nested, Not, Range, Written

_BOUNDS: dict[str, Bound] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class _RefusedError(ValueError):
    """Something a filter says that cannot be run."""


def filter_of(said: Any, faults: Faults) -> Filter | None:
    """Return a filter of Kibana, negated where its `meta` says so; None for a disabled or refused one."""
    if not isinstance(said, Mapping):
        faults.error("E506", "a filter is an object", "filters")
        return None
    meta: Mapping[str, Any] = said["meta"] if isinstance(said.get("meta"), Mapping) else {}
    if meta.get("disabled"):
        return None
    try:
        query = said.get("query")
        found = query_of(query if isinstance(query, Mapping) else {k: v for k, v in said.items() if k not in ("meta", "$state")})
    except _RefusedError as refused:
        faults.error("E305", f"a filter {refused}", "filters", help="write it into the query")
        return None
    return Not(found, NOWHERE) if meta.get("negate") else found


def query_of(said: Mapping[str, Any]) -> Filter:
    """Return a query of Elasticsearch's query DSL, as far as filters use it."""
    parts = []
    for name, body in said.items():
        reader = _QUERIES.get(name)
        if reader is None:
            raise _RefusedError(f"uses the query {name!r}, which cannot run here")
        parts.append(reader(body))
    return _all(parts)


def _all(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts), NOWHERE) if parts else Everything(NOWHERE)


def _field(name: object) -> FieldName:
    return FieldName(str(name), NOWHERE)


def _value(value: object) -> Written:
    if isinstance(value, bool):
        return Written("true" if value else "false", NOWHERE)
    if value is None or isinstance(value, (Mapping, list)):
        raise _RefusedError("compares with what is no single value")
    return Written(str(value), NOWHERE, quoted=True)


def _match(body: Mapping[str, Any]) -> Filter:
    parts: list[Filter] = []
    for name, value in body.items():
        plain = value.get("query", value.get("value")) if isinstance(value, Mapping) else value
        parts.append(Match(_field(name), _value(plain), NOWHERE))
    return _all(parts)


def _terms(body: Mapping[str, Any]) -> Filter:
    return _all([AnyOf(tuple(Match(_field(n), _value(v), NOWHERE) for v in values), NOWHERE) for n, values in body.items() if isinstance(values, list)])


def _pattern(text: str, *, open_end: bool) -> Written:
    plain = "".join("\\" + c if c in "\\*?" else c for c in text) + "*" if open_end else text
    return Written(plain, NOWHERE, "wildcard")


def _wild(body: Mapping[str, Any], *, open_end: bool) -> Filter:
    parts: list[Filter] = []
    for name, value in body.items():
        if isinstance(value, Mapping) and value.get("case_insensitive"):
            raise _RefusedError("compares a pattern without regard to case")
        text = str(value.get("value", value.get("wildcard")) if isinstance(value, Mapping) else value)
        parts.append(Match(_field(name), _pattern(text, open_end=open_end), NOWHERE))
    return _all(parts)


def _range(body: Mapping[str, Any]) -> Filter:
    parts: list[Filter] = []
    for name, bounds in body.items():
        sides = tuple((_BOUNDS[k], _value(v)) for k, v in bounds.items() if k in _BOUNDS and v is not None)
        parts.append(Range(_field(name), sides, NOWHERE) if sides else Exists(_field(name), NOWHERE))
    return _all(parts)


def _bool(body: Mapping[str, Any]) -> Filter:
    def clauses(name: str) -> list[Filter]:
        said = body.get(name) or []
        return [query_of(q) for q in (said if isinstance(said, list) else [said])]

    required, optional = [*clauses("must"), *clauses("filter")], clauses("should")
    least = body.get("minimum_should_match", 0 if required else 1)
    if optional and str(least) not in ("0", "1"):
        raise _RefusedError("wants more than one of several conditions")
    if optional and str(least) == "1":
        required.append(AnyOf(tuple(optional), NOWHERE))
    return _all([*required, *(Not(q, NOWHERE) for q in clauses("must_not"))])


_QUERIES: dict[str, Callable[[Any], Filter]] = {
    "match": _match,
    "match_phrase": _match,
    "term": _match,
    "terms": _terms,
    "exists": lambda body: Exists(_field(body.get("field")), NOWHERE),
    "range": _range,
    "wildcard": lambda body: _wild(body, open_end=False),
    "prefix": lambda body: _wild(body, open_end=True),
    "bool": _bool,
    "match_all": lambda _: Everything(NOWHERE),
    "nested": lambda body: Nested(_field(body.get("path")), query_of(body.get("query") or {}), NOWHERE),
}


def excepted(item: Mapping[str, Any], faults: Faults) -> Filter | None:
    """Return what an exception item excludes: documents that meet all its entries; None for a refused one."""
    try:
        return _all([_entry(entry) for entry in item.get("entries") or []]) if item.get("entries") else None
    except _RefusedError as refused:
        faults.error("E305", f"an exception {refused}", "exceptions_list", help="write the exception as match, match_any, exists or wildcard")
        return None


def _entry(said: Mapping[str, Any]) -> Filter:
    field, kind, value = _field(said.get("field")), said.get("type"), said.get("value")
    found: Filter
    match kind:
        case "match":
            found = Match(field, _value(value), NOWHERE)
        case "match_any":
            found = AnyOf(tuple(Match(field, _value(v), NOWHERE) for v in value or []), NOWHERE)
        case "exists":
            found = Exists(field, NOWHERE)
        case "wildcard":
            found = Match(field, _pattern(str(value), open_end=False), NOWHERE)
        case "nested":
            return Nested(field, _all([_entry(e) for e in said.get("entries") or []]), NOWHERE)
        case "list":
            raise _RefusedError("names a value list, which is kept by Kibana")
        case _:
            raise _RefusedError(f"has an entry of type {kind!r}")
    return Not(found, NOWHERE) if said.get("operator") == "excluded" else found
