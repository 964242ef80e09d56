"""The present moment, which nothing below the workspace reads."""

from __future__ import annotations

from datetime import UTC, datetime

from livefire.engines.base import Value


def present() -> datetime:
    """Return the present in UTC."""
    return datetime.now(UTC)


def naive(moment: datetime | None) -> Value:
    """Return a moment as engines take it: UTC without a zone."""
    return None if moment is None else utc(moment)


def utc(moment: datetime) -> datetime:
    """Return a moment in UTC without a zone."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
