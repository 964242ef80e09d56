"""Vendor tables over raw events, as data: one TOML file a table."""

from __future__ import annotations

from livefire.plan.catalog import Table


def vendor_tables() -> tuple[Table, ...]:
    """Return every table that a vendor file declares."""
    return ()
