"""What a query worker is asked to run: named tables of files, a chain of stages, bind values, a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class SqlStage:
    """One SELECT; its rows are a table called `name` for the stages after it.

    `sql` may read the program's tables and earlier stages by (double-quoted) name and bind
    the program's parameters as `$name`.
    """

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class NativeStage:
    """A registered function from Arrow table to Arrow table, run inside the worker.

    `function` is a name of the registry in `livefire.engines.native`; `input` names a table or
    an earlier stage, whose row order is kept; `spec` is handed over as JSON.
    """

    name: str
    function: str
    input: str
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableFiles:
    """A table as files that livefire itself wrote: all Parquet, or all Arrow IPC (suffix `.arrow`).

    `files` are absolute paths below a read root; rows come in the order of the files.
    `schema` is an Arrow schema as `pyarrow.Schema.serialize()` gives it. A table of Parquet files
    then has exactly its columns: null where a file lacks one, cast where a file has another type.
    It is needed where there are no files; Arrow files bring their own. Without it the columns of
    all files are united by name. Names that differ only in case are refused.
    `times` are the first and last event time of each file where that is known, in UTC without a zone.
    """

    files: tuple[str, ...] = ()
    schema: bytes = b""
    times: tuple[tuple[datetime, datetime] | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """Tables, stages run in order (the last one is the result), and bind values.

    Values are str, int, float, bool, None or datetime; an aware datetime binds as TIMESTAMPTZ,
    a naive one as TIMESTAMP.
    """

    tables: Mapping[str, TableFiles]
    stages: tuple[SqlStage | NativeStage, ...]
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one program may use; passing any bound raises `WorkerFailure`, no result is ever cut.

    `seconds` is wall time, `memory_bytes` address space on top of an idle worker,
    `spill_bytes` temporary disk, `max_rows` and `result_bytes` (Arrow IPC) bound the result.
    """

    seconds: float = 60.0
    memory_bytes: int = 4 * GIB
    spill_bytes: int = 16 * GIB
    max_rows: int | None = None
    result_bytes: int = 2 * GIB
