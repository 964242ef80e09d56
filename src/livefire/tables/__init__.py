"""Vendor tables over raw events, as data: one TOML file a table, and the schemas of tables without events."""

from livefire.tables.loader import declarations, vendor_tables
from livefire.tables.schemas import schemas

__all__ = ["declarations", "schemas", "vendor_tables"]
