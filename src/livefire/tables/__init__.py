"""Vendor tables over raw events, as data: one TOML file a table."""

from livefire.tables.loader import declarations, vendor_tables

__all__ = ["declarations", "vendor_tables"]
