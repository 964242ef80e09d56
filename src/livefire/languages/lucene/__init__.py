"""Lucene's query-string syntax, as Elasticsearch and Kibana read it."""

from livefire.languages.base import Language
from livefire.languages.lucene.parser import lower, parse

LANGUAGE = Language("lucene", "Lucene query string", (".lucene",), parse, lower)

__all__ = ["LANGUAGE"]
