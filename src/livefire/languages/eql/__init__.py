"""EQL as Elasticsearch runs it: https://www.elastic.co/docs/reference/query-languages/eql."""

from __future__ import annotations

from livefire.languages.base import Language
from livefire.languages.eql.lower import lower
from livefire.languages.eql.parser import parse

LANGUAGE = Language("eql", "Elastic EQL", (".eql",), parse, lower)
