"""The present moment, which nothing below the workspace reads."""

from __future__ import annotations

from datetime import UTC, datetime

from livefire.engines.base import Value


def present() -> datetime:
    """Return the present in UTC."""
    return datetime.now(UTC)


def naive(moment: datetime | None) -> Value:
    """Return a moment as engines take it: UTC without a zone."""
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)
