"""Splunk's search processing language."""

from livefire.languages.base import Language
from livefire.languages.spl.lower import lower
from livefire.languages.spl.parser import parse

LANGUAGE = Language("spl", "Splunk SPL", (".spl",), parse, lower)
