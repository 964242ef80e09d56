"""Every function of the language by name; names are read without regard to case."""

from __future__ import annotations

from livefire.languages.cql import aggregates, arrays, fields, filters, lookups, objects, ordering, refused, relations, sequences, texts, times
from livefire.languages.cql.handler import Function

FAMILIES = (refused, filters, fields, texts, times, arrays, objects, lookups, aggregates, ordering, relations, sequences)
FUNCTIONS: dict[str, Function] = {f.name.lower(): f for family in FAMILIES for f in family.FUNCTIONS}
