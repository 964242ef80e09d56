"""Every function of the language by name; names are read without regard to case."""

from __future__ import annotations

from livefire.languages.cql import (
    aggregates,
    arrays,
    buckets,
    correlation,
    fields,
    filters,
    formats,
    lookups,
    numbers,
    objects,
    ordering,
    parsing,
    places,
    refused,
    relations,
    sequences,
    shapes,
    texts,
    times,
)
from livefire.languages.cql.handler import Function

FAMILIES = (
    refused, filters, fields, texts, formats, times, arrays, numbers, objects, parsing, places, lookups,
    aggregates, ordering, relations, buckets, sequences, shapes, correlation,
)  # fmt: skip
FUNCTIONS: dict[str, Function] = {f.name.lower(): f for family in FAMILIES for f in family.FUNCTIONS}
