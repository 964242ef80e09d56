"""KQL as Microsoft Sentinel and Azure Data Explorer run it."""

from livefire.languages.base import Language
from livefire.languages.kql.lower import lower
from livefire.languages.kql.parser import parse

LANGUAGE = Language("kql", "Kusto Query Language (Microsoft Sentinel)", (".kql",), parse, lower)
