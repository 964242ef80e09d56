"""The log sources, by name: to add one, write its file and name it here."""

from __future__ import annotations

from livefire.logsources.aws_cloudtrail import AWS_CLOUDTRAIL
from livefire.logsources.azure_activity import AZURE_ACTIVITY
from livefire.logsources.base import LogSource
from livefire.logsources.gcp_audit import GCP_AUDIT

SOURCES: tuple[LogSource, ...] = (AWS_CLOUDTRAIL, AZURE_ACTIVITY, GCP_AUDIT)


def source(name: str) -> LogSource:
    """Return the log source of that name; raises `KeyError` with the names there are."""
    for candidate in SOURCES:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no log source {name!r}; there are: {', '.join(s.name for s in SOURCES)}")
