"""Sigma rules (https://sigmahq.io), read for the tables of their log sources."""

from livefire.languages.base import Language
from livefire.languages.sigma.lower import lower
from livefire.languages.sigma.parser import parse

LANGUAGE = Language("sigma", "Sigma", (".yml", ".yaml"), parse, lower)
