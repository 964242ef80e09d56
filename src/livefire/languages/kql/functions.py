"""KQL's scalar functions: spelling to meaning, a line each."""

from __future__ import annotations

from livefire.languages.kql.calls import Scalar
from livefire.languages.kql.functions_general import GENERAL

FUNCTIONS: dict[str, Scalar] = {**GENERAL}
REFUSED: dict[str, str] = {}
