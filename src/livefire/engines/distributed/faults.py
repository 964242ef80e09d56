"""Why a run on a cluster has no result, in words of our own: what Spark says of itself is not shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

from livefire.diagnostics import Diagnostic, Span
from livefire.engines.distributed.carried import FAILED
from livefire.engines.failure import FailureKind, classify

_CARRIED = re.compile(re.escape(FAILED) + r"([A-Za-z0-9+/=]+);")
# Names of Spark's error conditions: https://spark.apache.org/docs/latest/sql-error-conditions.html
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]{3,60}(?:\.[A-Z0-9_]+)?)\]")
_OVERFLOW = re.compile(
    r"ARITHMETIC_OVERFLOW|CAST_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE|is too large to store in|is out of range|Overflow|Can't cast value", re.IGNORECASE
)
_FILES = re.compile(r"FAILED_READ_FILE|PATH_NOT_FOUND|FILE_NOT_EXIST|TABLE_OR_VIEW_NOT_FOUND|No such file|does not exist", re.IGNORECASE)
_MEMORY = re.compile(r"OutOfMemory|MEMORY_LIMIT|exceed(?:ed|s) memory", re.IGNORECASE)
_LOST = re.compile(r"UNAVAILABLE|Connection refused|failed to connect|SESSION_CLOSED|INVALID_HANDLE", re.IGNORECASE)


def failure_of(error: BaseException) -> tuple[str, str] | None:
    """Return the type and text of what failed in a carried function, None when nothing of it is told."""
    found = _CARRIED.search(str(error))
    if found is None:
        return None
    kind, detail = json.loads(base64.b64decode(found.group(1)))
    return str(kind), str(detail)


def of_cluster(error: BaseException) -> bool:
    """Tell whether an error comes from Spark or the way to it, and not from livefire itself."""
    return type(error).__module__.partition(".")[0] in ("pyspark", "grpc", "pyarrow")


def diagnose(error: BaseException, from_worker: Mapping[FailureKind, str]) -> Diagnostic:
    """Return what a run's error means; `from_worker` gives the code for each kind of the embedded engine's failures."""
    told = failure_of(error)
    if told is not None:
        failure = classify(*told)
        return Diagnostic("error", from_worker[failure.kind], failure.message, Span(0, 0))
    text = str(error)
    condition = _CONDITION.search(text)
    name = condition.group(1) if condition else ""
    if _OVERFLOW.search(text):
        return Diagnostic("error", "E454", "a number left the range of its type", Span(0, 0))
    if _MEMORY.search(text):
        return Diagnostic("error", "E452", "the query needs more memory than the cluster gives it", Span(0, 0), help="filter earlier or group by fewer values")
    if _LOST.search(text):
        return Diagnostic("error", "E461", "the session of Spark was lost while the query ran", Span(0, 0), help="run it again")
    if _FILES.search(text):
        help = "the lake has to lie where every node can read it; name that place as `lake` in the settings file"
        return Diagnostic("error", "E463", "the cluster could not read a table's files", Span(0, 0), help=help)
    said = f" ({name})" if name else f" ({type(error).__name__})"
    return Diagnostic("error", "E464", f"Spark ended the query for a reason of its own{said}", Span(0, 0), help="run with --explain sql to see what ran")
