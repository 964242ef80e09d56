"""CQL, the query language of CrowdStrike Falcon LogScale (Humio)."""

from livefire.languages.base import Language
from livefire.languages.cql.lower import lower, names
from livefire.languages.cql.parser import parser_of

LANGUAGE = Language("cql", "CrowdStrike LogScale (CQL)", (".cql",), parser_of(names), lower)
