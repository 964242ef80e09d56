"""The Kibana Query Language, Kibana's own filter language; `kuery` in rule files, KQL in Kibana."""

from livefire.languages.base import Language
from livefire.languages.kuery.parser import lower, parse

LANGUAGE = Language("kuery", "Kibana Query Language", (".kuery",), parse, lower)

__all__ = ["LANGUAGE"]
