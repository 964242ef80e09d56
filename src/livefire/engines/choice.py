"""Which engine a name stands for."""

from __future__ import annotations

from pathlib import Path

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.engines.base import Engine

DUCKDB, SPARK = "duckdb", "spark"


def engine_named(text: str) -> Engine:
    """Return the engine of a name: `duckdb`, `spark` (this machine's), `spark:ADDRESS`, or a settings file `NAME.toml` of Spark.

    An address is `sc://host:port`, a master such as `local[4]`, or `sail`. QueryError E466 for a
    name that is none of these or a file that cannot be followed.
    """
    if text == DUCKDB:
        from livefire.engines.duckdb import DuckDB

        return DuckDB()
    from livefire.engines.spark import Spark

    if text.endswith(".toml"):
        from livefire.engines.distributed.settings import read_settings

        return read_settings(Path(text)).engine()
    kind, _, address = text.partition(":")
    if kind != SPARK:
        message = f"no engine is named {text!r}"
        raise QueryError([Diagnostic("error", "E466", message, Span(0, 0), help="say duckdb, spark, spark:ADDRESS or FILE.toml")])
    return Spark(address or "local[*]")
