"""Every function of the language by name; names are read without regard to case."""

from __future__ import annotations

from livefire.languages.cql import aggregates, arrays, fields, filters, lookups, objects, refused, relations, texts, times
from livefire.languages.cql.handler import Function

FAMILIES = (refused, filters, fields, texts, times, arrays, objects, lookups, aggregates, relations)
FUNCTIONS: dict[str, Function] = {f.name.lower(): f for family in FAMILIES for f in family.FUNCTIONS}
