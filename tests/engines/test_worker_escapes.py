"""What hostile SQL tries against the worker; every layer has to hold without the others.

Each attempt is also run with all layers off: there it must succeed (unless `potent` says
why it cannot), or the table would prove nothing.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from livefire.engines import landlock
from livefire.engines.program import Budget, Program, SqlStage
from livefire.engines.worker import Layers, Worker, WorkerFailure

CANARY = "canary-7d1f"
BUDGET = Budget(seconds=5, memory_bytes=2 * 2**30, spill_bytes=2**28)


@dataclass(frozen=True)
class Attempt:
    """SQL with places in braces; `potent` tells whether it works on an unprotected DuckDB."""

    name: str
    sql: str
    potent: bool = True


ATTEMPTS = (
    # reading outside the read roots
    Attempt("read_csv", "SELECT * FROM read_csv('{secret}/c.csv', header=false, all_varchar=true)"),
    Attempt("read_csv_auto", "SELECT * FROM read_csv_auto('{secret}/c.csv')"),
    Attempt("read_text", "SELECT * FROM read_text('{secret}/c.csv')"),
    Attempt("read_blob", "SELECT content::VARCHAR FROM read_blob('{secret}/c.csv')"),
    Attempt("read_json", "SELECT * FROM read_json('{secret}/c.json')"),
    Attempt("read_json_objects", "SELECT * FROM read_json_objects('{secret}/c.json')"),
    Attempt("read_ndjson", "SELECT * FROM read_ndjson('{secret}/c.json')"),
    Attempt("read_ndjson_objects", "SELECT * FROM read_ndjson_objects('{secret}/c.json')"),
    Attempt("read_parquet", "SELECT * FROM read_parquet('{secret}/c.parquet')"),
    Attempt("parquet_scan", "SELECT * FROM parquet_scan(['{secret}/c.parquet'])"),
    Attempt("parquet_schema", "SELECT * FROM parquet_schema('{secret}/c.parquet')"),
    Attempt("parquet_metadata", "SELECT stats_min_value FROM parquet_metadata('{secret}/c.parquet')"),
    Attempt("parquet_kv_metadata", "SELECT decode(value) FROM parquet_kv_metadata('{secret}/c.parquet')"),
    Attempt("bare csv", "SELECT * FROM '{secret}/c.csv'"),
    Attempt("bare parquet", "FROM '{secret}/c.parquet'"),
    Attempt("bare json", "FROM '{secret}/c.json'"),
    Attempt("glob", "SELECT * FROM glob('{secret}/*')"),
    Attempt("read_text glob", "SELECT filename FROM read_text('{secret}/*')"),
    Attempt("sniff_csv", "SELECT columns FROM sniff_csv('{secret}/c.csv', header=true)"),
    Attempt("union hides a read", "SELECT 'x' AS a UNION ALL SELECT content FROM read_text('{secret}/c.csv')"),
    Attempt("subquery", "SELECT (SELECT content FROM read_text('{secret}/c.csv')) AS a"),
    Attempt("lateral", "SELECT r.* FROM (SELECT 1) t, LATERAL (SELECT content FROM read_text('{secret}/c.csv')) r"),
    Attempt("with", "WITH c AS MATERIALIZED (SELECT * FROM read_text('{secret}/c.csv')) SELECT content FROM c"),
    Attempt("recursive with", "WITH RECURSIVE c AS (SELECT content FROM read_text('{secret}/c.csv') UNION SELECT content FROM c) FROM c"),
    Attempt("exists", "SELECT CASE WHEN EXISTS (SELECT 1 FROM read_text('{secret}/c.csv') WHERE content LIKE 'canary%') THEN 'canary-7d1f' END AS a"),
    Attempt("dot dot", "SELECT content FROM read_text('{root}/../../secret/{n}/c.csv')"),
    Attempt("dot dot parquet", "FROM read_parquet('{root}/./../../secret/{n}/c.parquet')"),
    Attempt("double slash", "SELECT content FROM read_text('/{secret}/c.csv')"),
    Attempt("file scheme", "SELECT content FROM read_text('file://{secret}/c.csv')"),
    Attempt("symlink to a file", "SELECT content FROM read_text('{root}/link.csv')"),
    Attempt("symlink to a folder", "SELECT content FROM read_text('{root}/folder/c.csv')"),
    Attempt("symlinked parquet", "FROM read_parquet('{root}/link.parquet')"),
    Attempt("folder of the same beginning", "SELECT content FROM read_text('{readable}-not/c.csv')"),
    Attempt("process root", "SELECT content FROM read_text('/proc/self/root{secret}/c.csv')"),
    Attempt("process folder", "SELECT content FROM read_text('/proc/self/cwd{secret}/c.csv')"),
    Attempt("query function", "FROM query('SELECT content FROM read_text(''{secret}/c.csv'')')"),
    Attempt("query_table", "FROM query_table('{secret}/c.parquet')"),
    Attempt(
        "serialized statement",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT content FROM read_text(''{secret}/c.csv'')'))",
    ),
    Attempt(
        "serialized statement in a pragma",
        "PRAGMA json_execute_serialized_sql((json_serialize_sql('SELECT content FROM read_text(''{secret}/c.csv'')')))",
        potent=False,  # likewise
    ),
    Attempt("macro", "CREATE TEMP MACRO peek() AS TABLE SELECT content FROM read_text('{secret}/c.csv'); FROM peek()"),
    Attempt("view", "CREATE TEMP VIEW v AS SELECT content FROM read_text('{secret}/c.csv'); FROM v"),
    Attempt("table", "CREATE OR REPLACE TEMP TABLE ct AS SELECT content FROM read_text('{secret}/c.csv'); FROM ct"),
    Attempt("prepared", "PREPARE p AS SELECT content FROM read_text($1); EXECUTE p('{secret}/c.csv')"),
    Attempt("variable", "SET VARIABLE f='{secret}/c.csv'; SELECT content FROM read_text(getvariable('f'))"),
    Attempt("copy from", "CREATE OR REPLACE TEMP TABLE cf(a VARCHAR); COPY cf FROM '{secret}/c.csv' (HEADER false); FROM cf"),
    Attempt("attach", "ATTACH '{secret}/c.duckdb' AS stolen (READ_ONLY); SELECT * FROM stolen.t"),
    Attempt("import", "IMPORT DATABASE '{secret}/export'; FROM exported"),
    Attempt("explain analyze", "EXPLAIN ANALYZE SELECT content FROM read_text('{secret}/c.csv') WHERE content='x'", potent=False),  # shows no content
    Attempt("describe", "DESCRIBE SELECT * FROM read_csv('{secret}/h.csv', header=true)"),
    Attempt("summarize", "SUMMARIZE SELECT * FROM read_csv('{secret}/h.csv', header=false)"),
    Attempt("pivot", "PIVOT (SELECT content, 1 AS n FROM read_text('{secret}/c.csv')) ON content USING sum(n)"),
    Attempt("search path", "SET file_search_path='{secret}'; FROM read_csv('c.csv', header=false)"),
    Attempt("system file", "SELECT replace(content, 'root:', 'canary-7d1f:') FROM read_text('/etc/passwd')"),
    # switching protection off first
    Attempt("external access on", "SET enable_external_access=true; SELECT content FROM read_text('{secret}/c.csv')", potent=False),  # cannot be set again
    Attempt("allow the folder", "SET allowed_directories=['{secret}']; SELECT content FROM read_text('{secret}/c.csv')"),
    Attempt("allow the path", "SET allowed_paths=['{secret}/c.csv']; SELECT content FROM read_text('{secret}/c.csv')"),
    Attempt("unlock", "SET lock_configuration=false; SELECT content FROM read_text('{secret}/c.csv')"),
    Attempt("reset", "RESET enable_external_access; SELECT content FROM read_text('{secret}/c.csv')", potent=False),  # like setting it
    Attempt("pragma", "PRAGMA enable_external_access=true; SELECT content FROM read_text('{secret}/c.csv')", potent=False),  # like setting it
    Attempt("allow configs", "SET allowed_configs=['allowed_directories']; SET allowed_directories=['/']; SELECT content FROM read_text('{secret}/c.csv')"),
    Attempt("python variables", "SET python_enable_replacements=true; SET python_scan_all_frames=true; SELECT * FROM request", potent=False),  # no such frame
    # writing
    Attempt("copy to", "COPY (SELECT 'canary-7d1f') TO '{outside}/w.csv'"),
    Attempt("copy to parquet", "COPY (SELECT 'canary-7d1f') TO '{outside}/w.parquet'"),
    Attempt("copy to json", "COPY (SELECT 'canary-7d1f') TO '{outside}/w.json'"),
    Attempt("copy in with", "WITH w AS (COPY (SELECT 'canary-7d1f') TO '{outside}/w.csv') SELECT * FROM w"),
    Attempt("copy in nested with", "SELECT * FROM (WITH w AS (COPY (SELECT 1) TO '{outside}/w.csv') SELECT * FROM w)", potent=False),  # the top level only
    Attempt("copy into the read root", "COPY (SELECT 1) TO '{root}/new.parquet'"),
    Attempt("copy in with into the read root", "WITH w AS (COPY (SELECT 1) TO '{root}/new.parquet') SELECT * FROM w"),
    Attempt("overwrite a segment", "COPY (SELECT 0 AS id) TO '{root}/segment.parquet' (FORMAT parquet)"),
    Attempt("overwrite a segment in with", "WITH w AS (COPY (SELECT 0 AS id) TO '{root}/segment.parquet') SELECT * FROM w"),
    Attempt("overwrite through a link", "COPY (SELECT 0 AS id) TO '{root}/link.csv' (FORMAT csv, USE_TMP_FILE false)"),
    Attempt("partitioned copy", "COPY (SELECT 1 AS a, 2 AS b) TO '{outside}/parts' (FORMAT parquet, PARTITION_BY (a))"),
    Attempt("per-thread copy", "COPY (SELECT 1 AS a) TO '{root}/threads' (FORMAT parquet, PER_THREAD_OUTPUT true)"),
    Attempt("export", "EXPORT DATABASE '{outside}/export'"),
    Attempt("attach new", "ATTACH '{outside}/new.duckdb' AS fresh; CREATE TABLE fresh.t AS SELECT 1"),
    Attempt("attach new in the read root", "ATTACH '{root}/new.duckdb' AS fresh2; CREATE TABLE fresh2.t AS SELECT 1"),
    Attempt("attach segment writable", "ATTACH '{root}/rooted.duckdb' AS rooted; INSERT INTO rooted.t VALUES ('canary-7d1f'); CHECKPOINT rooted"),
    Attempt("profile output", "PRAGMA enable_profiling='json'; PRAGMA profiling_output='{outside}/profile.json'; SELECT 1"),
    Attempt("file logging", "CALL enable_logging(storage='file', storage_path='{outside}/log'); SELECT 1; CALL disable_logging()"),
    Attempt("query log", "SET log_query_path='{outside}/queries.log'; SELECT 1; SET log_query_path=''"),
    Attempt(
        "temporary folder",
        "SET temp_directory='{outside}/tmp'; SET memory_limit='40MB'; "
        "SELECT max(a) FROM (SELECT md5(range::VARCHAR) AS a FROM range(2000000) ORDER BY a LIMIT 1999999)",
    ),
    Attempt(
        "persistent secret",
        "SET secret_directory='{outside}/secrets'; CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
        potent=False,  # needs httpfs
    ),
    # code and network
    Attempt("load", "LOAD '{root}/evil.duckdb_extension'", potent=False),  # a broken extension: no layer may even need to load it
    Attempt("install from a file", "INSTALL '{secret}/evil.duckdb_extension'", potent=False),
    Attempt("install from the network", "FORCE INSTALL evil FROM 'http://127.0.0.1:{port}'"),
    Attempt("custom repository", "SET custom_extension_repository='http://127.0.0.1:{port}'; FORCE INSTALL excel"),
    Attempt("http", "SELECT * FROM read_csv('http://127.0.0.1:{port}/c.csv')", potent=False),  # httpfs is not built in
    Attempt("http parquet", "FROM 'http://127.0.0.1:{port}/c.parquet'", potent=False),
    Attempt("s3", "FROM read_parquet('s3://bucket/c.parquet')", potent=False),
    Attempt("attach over http", "ATTACH 'http://127.0.0.1:{port}/c.duckdb' AS remote", potent=False),
    Attempt("unix socket of a database", "ATTACH 'host=127.0.0.1 port={port}' AS pg (TYPE postgres)", potent=False),
    Attempt("update extensions", "UPDATE EXTENSIONS", potent=False),
)

MODES = {
    "all layers": Layers(),
    "without the SELECT check": Layers(select_only=False),
    "engine lock alone": Layers(landlock=False, select_only=False),
    "Landlock alone": Layers(engine_lock=False, select_only=False),
}


class Ground:
    """Folders for one attempt: a readable root, a secret, a place nobody may write to, and a server nobody may reach."""

    def __init__(self, base: Path, number: int, port: int) -> None:
        self.readable = base / "readable"
        self.root, self.secret, self.outside = (base / part / str(number) for part in ("readable", "secret", "outside"))
        for folder in (self.root, self.secret, self.outside, base / "readable-not"):
            folder.mkdir(parents=True, exist_ok=True)
        self.base = base
        self.places = {"readable": self.readable, "root": self.root, "secret": self.secret, "outside": self.outside, "n": number, "port": port}
        (base / "readable-not" / "c.csv").write_text(CANARY)
        (self.secret / "c.csv").write_text(f"{CANARY}\n")
        (self.secret / "h.csv").write_text(f"{CANARY}\n1\n")
        (self.secret / "c.json").write_text(f'{{"a": "{CANARY}"}}\n')
        schema = pa.schema([(CANARY, pa.string())], metadata={"note": CANARY})
        parquet.write_table(pa.table([[CANARY]], schema=schema), self.secret / "c.parquet")
        parquet.write_table(pa.table({"id": [1, 2, 3]}), self.root / "segment.parquet")
        (self.root / "evil.duckdb_extension").write_bytes(b"\x7fELF" + bytes(600))
        (self.secret / "evil.duckdb_extension").write_bytes(b"\x7fELF" + bytes(600))
        (self.root / "link.csv").symlink_to(self.secret / "c.csv")
        (self.root / "link.parquet").symlink_to(self.secret / "c.parquet")
        (self.root / "folder").symlink_to(self.secret)
        export = self.secret / "export"
        export.mkdir()
        (export / "schema.sql").write_text("CREATE OR REPLACE TABLE exported(a VARCHAR);")
        (export / "e.csv").write_text(f"{CANARY}\n")
        (export / "load.sql").write_text(f"COPY exported FROM '{export}/e.csv' (HEADER false);")

    def add_databases(self, template: Path) -> None:
        (self.secret / "c.duckdb").write_bytes(template.read_bytes())
        (self.root / "rooted.duckdb").write_bytes(template.read_bytes())

    def contents(self) -> dict[Path, bytes]:
        folders = (self.root, self.secret, self.outside)
        return {path: path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}


class Listener:
    """A server on loopback that counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path_factory.mktemp("database") / "template.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT '{CANARY}' AS a")
    return path


class Range:
    """One worker of a mode and the ground its attempts run on."""

    def __init__(self, base: Path, layers: Layers, listener: Listener, database: Path) -> None:
        self.base = base
        (base / "readable").mkdir()
        self.layers = layers
        self.listener = listener
        self.database = database
        self.worker = Worker([base / "readable"], base / "spill", layers=layers)

    def attempt(self, number: int) -> bool:
        """Run an attempt and tell whether it read, wrote or reached anything it should not."""
        ground = Ground(self.base, number, self.listener.port)
        ground.add_databases(self.database)
        self._assure(ground)
        before, visits = ground.contents(), self.listener.visits
        sql = ATTEMPTS[number].sql.format(**ground.places)
        shown = ""
        try:
            shown = str(self.worker.run(Program({}, (SqlStage("attempt", sql),)), BUDGET).to_pydict())
        except WorkerFailure as failure:
            assert CANARY not in failure.message
            assert failure.kind != "timeout", "the attempt was not decided"
        return CANARY in shown or "c.csv'" in shown or ground.contents() != before or self.listener.visits != visits

    def _assure(self, ground: Ground) -> None:
        """Check that the worker works, or that an attempt fails would say nothing; an earlier attempt may have spoilt it."""
        question = Program({}, (SqlStage("n", "SELECT 6 * 7 AS n"),))
        try:
            answer = self.worker.run(question, BUDGET)
        except WorkerFailure:
            self.worker.close()
            self.worker = Worker([ground.readable], self.base / "spill", layers=self.layers)
            answer = self.worker.run(question, BUDGET)
        assert answer.to_pydict() == {"n": [42]}


@pytest.fixture(scope="module", params=MODES, ids=lambda mode: mode.replace(" ", "-"))
def protected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, listener: Listener, database: Path) -> Iterator[Range]:
    layers = MODES[request.param]
    if layers.landlock and landlock.abi() == 0:
        pytest.skip("this kernel has no Landlock")
    mode = Range(tmp_path_factory.mktemp("protected"), layers, listener, database)
    assert mode.worker.status.filesystem == layers.landlock
    assert mode.worker.status.engine_lock == layers.engine_lock
    yield mode
    mode.worker.close()


@pytest.fixture(scope="module")
def unprotected(tmp_path_factory: pytest.TempPathFactory, listener: Listener, database: Path) -> Iterator[Range]:
    bare = Range(tmp_path_factory.mktemp("unprotected"), Layers(landlock=False, engine_lock=False, select_only=False), listener, database)
    yield bare
    bare.worker.close()


@pytest.mark.parametrize("number", range(len(ATTEMPTS)), ids=[attempt.name.replace(" ", "-") for attempt in ATTEMPTS])
def test_escape_fails(protected: Range, number: int) -> None:
    assert not protected.attempt(number)


POTENT = [number for number, attempt in enumerate(ATTEMPTS) if attempt.potent]


@pytest.mark.parametrize("number", POTENT, ids=[ATTEMPTS[number].name.replace(" ", "-") for number in POTENT])
def test_escape_would_succeed_without_any_layer(unprotected: Range, number: int) -> None:
    assert unprotected.attempt(number)


def test_the_table_is_as_large_as_promised() -> None:
    assert len(ATTEMPTS) >= 60
    assert len(POTENT) >= 50
    assert len({attempt.name for attempt in ATTEMPTS}) == len(ATTEMPTS)
