"""Sessions of Spark: on a cluster, on this machine, or of Sail in this process; each set to one reading of statements."""

from __future__ import annotations

import contextlib
import json
import threading
import warnings
from dataclasses import dataclass, field
from typing import Any

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.engines.distributed import carried

SAIL = "sail"
_WANTED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.variable.substitute": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
# A text whose reading tells whether escapes are read as they are written: a dollar, a quote, a backslash, one beyond 16 bits.
_PROBE, _MEANT = r"'\u0024{a}\u0027\u005C\U0001F600'", "${a}'\\\U0001f600"


@dataclass(slots=True)
class Session:
    """An open session; `address` says where it runs. `nodes` are the versions its nodes have, once they were asked."""

    spark: Any
    address: str
    nodes: dict[str, str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_sail(self) -> bool:
        """True for Sail, which gives no file names and row numbers of Parquet files."""
        return self.address == SAIL

    def require_nodes(self) -> None:
        """Make sure that the nodes can run what is carried to them; QueryError E462 if they cannot."""
        if self.nodes is None:
            self.nodes = _ask_nodes(self.spark)
        import duckdb

        found, wanted = self.nodes["duckdb"], str(duckdb.__version__)
        if found != wanted:
            have = f"have duckdb {found}" if found else "have no duckdb"
            raise QueryError(
                [_error("E462", f"the cluster's nodes {have}, and this query is computed there by duckdb {wanted}", f"install duckdb=={wanted} on every node")]
            )


_OPEN: dict[str, Session] = {}
_LOCK = threading.Lock()
_SERVERS: list[Any] = []


def session(address: str) -> Session:
    """Return the open session of an address; QueryError E460 without pyspark, E461 where none can be opened.

    `sail` is Sail in this process, `sc://host:port` a Spark Connect server, anything else the
    master of a Spark that this machine starts, such as `local[4]`.
    """
    with _LOCK:
        if address not in _OPEN:
            _OPEN[address] = given(_started(address), address)
        return _OPEN[address]


def given(spark: Any, address: str = "given") -> Session:
    """Return a session that someone else opened, set to one reading of statements; QueryError E461 where it cannot be."""
    try:
        for name, value in _WANTED.items():
            with contextlib.suppress(Exception), warnings.catch_warnings():  # some places fix a setting; the probe tells whether it matters
                warnings.simplefilter("ignore")
                spark.conf.set(name, value)
        probe = f"SELECT {_PROBE} AS a, CAST(TIMESTAMP '2020-01-01 00:00:00' AS STRING) AS b, current_timezone() AS c"
        row = spark.sql(probe).toArrow().to_pylist()[0]
    except Exception as error:
        raise QueryError([_error("E461", f"Spark at {address} did not answer ({type(error).__name__})", "see that it runs and can be reached")]) from error
    if row["a"] != _MEANT or row["c"] not in ("UTC", "Etc/UTC"):
        what = "texts with escapes" if row["a"] != _MEANT else "times"
        raise QueryError([_error("E461", f"Spark at {address} reads {what} in a way that its settings do not let livefire change", "use a session of its own")])
    return Session(spark, address)


def close(address: str) -> None:
    """End the session of an address if one is open."""
    with _LOCK:
        found = _OPEN.pop(address, None)
    if found is not None:
        found.spark.stop()


def _started(address: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyspark warns of newer pandas, which is not used here
            from pyspark.sql import SparkSession

            builder = SparkSession.builder.remote(_sail() if address == SAIL else address)
            # Spark Connect makes no second session of a Spark that this machine has started.
            return builder.create() if address == SAIL or address.startswith("sc://") else builder.config("spark.ui.enabled", "false").getOrCreate()
    except ImportError as error:
        raise QueryError([_error("E460", f"the spark engine needs {error.name or 'pyspark'}", "pip install 'livefire[spark]'")]) from error
    except Exception as error:
        raise QueryError(
            [_error("E461", f"no session of Spark could be opened at {address} ({type(error).__name__})", "see that it runs and can be reached")]
        ) from error


def _sail() -> str:
    """Start Sail in this process and return its address."""
    from pysail.spark import SparkConnectServer  # type: ignore[import-untyped]  # pysail ships no types

    server = SparkConnectServer()
    server.start(background=True)
    _SERVERS.append(server)
    host, port = server.listening_address
    return f"sc://{host}:{port}"


def _ask_nodes(spark: Any) -> dict[str, str]:
    try:
        by_value(carried)
        found = spark.sql("SELECT 'a' AS c0").mapInArrow(carried.probe, "c0 string").toArrow().column(0).to_pylist()
        return {str(k): str(v) for k, v in json.loads(found[0]).items()}
    except Exception as error:
        message = f"the cluster's nodes could not run a function of Python over Arrow ({type(error).__name__})"
        raise QueryError([_error("E462", message, "the nodes need the Python of this machine to the minor version, and pyarrow")]) from error


def by_value(*modules: Any) -> None:
    """Have the functions of modules travel whole, since the nodes have no livefire."""
    from pyspark import cloudpickle

    for module in modules:
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]  # pyspark's copy of it has no types


def _error(code: str, message: str, help: str) -> Diagnostic:
    return Diagnostic("error", code, message, Span(0, 0), help=help)
