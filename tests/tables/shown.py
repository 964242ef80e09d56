"""Raw events as a vendor's table shows them: laid out by the log source, run through the table's plan on the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from livefire.engines.base import Run, Storage
from livefire.engines.duckdb import DuckDB
from livefire.engines.program import TableFiles
from livefire.engines.scratch import ScratchTables
from livefire.engines.worker import shared_scratch
from livefire.logsources.base import LogSource, at
from livefire.logsources.columns import read_time
from livefire.logsources.registry import SOURCES, source
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.schema import Type
from livefire.tables import vendor_tables

Event = Mapping[str, Any]

_ARROW = {Type.BOOL: pa.bool_(), Type.LONG: pa.int64(), Type.DATETIME: pa.timestamp("us", tz="UTC")}


def table(name: str, vendor: str) -> Table:
    (found,) = [t for t in vendor_tables() if t.name == name and t.vendor == vendor]
    return found


def stored(origin: LogSource, events: Sequence[Event]) -> pa.Table:
    """Return events as the lake keeps them."""
    rows = []
    for number, event in enumerate(events):
        form = origin.form(event)
        assert form is not None, event
        time = next((read_time(t) for path in form.time if isinstance(t := at(event, path), str)), None)
        common = {
            "_time": time,
            "_id": form.identity(event) or f"content:{number}",
            "_digest": number,
            "_file": "events.json",
            "_record": number,
            "_raw": json.dumps(event, ensure_ascii=False, separators=(",", ":")),
        }
        rows.append({**origin.row(event), **common})
    arrays = {f.name: pa.array([r.get(f.name) for r in rows], _ARROW.get(f.type, pa.string())) for f in origin.schema}
    return pa.table(arrays)


def shown(found: Table, events: Sequence[Event], *columns: str) -> list[dict[str, Any]]:
    """Return the rows of a table over these events, in their order, with dynamics as JSON values."""
    wanted = columns or found.plan.schema.names
    plan = n.select(found.plan, *wanted)
    scratch: ScratchTables = shared_scratch()
    files = {s.name: TableFiles((scratch.put(stored(s, [e for e in events if s.recognise(e)])),)) for s in SOURCES}
    result = DuckDB().execute(plan, Storage(files, (scratch.root,)), Run())
    types = [f.type for f in plan.schema]
    rows = zip(*(result.column(i).to_pylist() for i in range(result.num_columns)), strict=True)
    return [{name: _value(v, t) for name, v, t in zip(wanted, row, types, strict=True)} for row in rows]


def _value(value: Any, type: Type) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return json.loads(value) if value is not None and type is Type.DYNAMIC else value


__all__ = ["SOURCES", "shown", "source", "stored", "table"]
