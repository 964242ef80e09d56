"""Every function of the language by name; names are read without regard to case."""

from __future__ import annotations

from livefire.languages.cql import aggregates, fields, filters, refused, relations
from livefire.languages.cql.handler import Function

FAMILIES = (filters, fields, aggregates, relations, refused)
FUNCTIONS: dict[str, Function] = {f.name.lower(): f for family in FAMILIES for f in family.FUNCTIONS}
