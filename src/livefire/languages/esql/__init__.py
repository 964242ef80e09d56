"""ES|QL as Elasticsearch runs it: https://www.elastic.co/docs/reference/query-languages/esql."""

from __future__ import annotations

from livefire.languages.base import Language
from livefire.languages.esql.lower import lower
from livefire.languages.esql.parser import parse

LANGUAGE = Language("esql", "Elastic ES|QL", (".esql",), parse, lower)
