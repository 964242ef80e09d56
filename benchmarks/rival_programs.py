"""Runs programs that want an environment of their own on the same events and Sigma rules; used by `rivals.py`."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

# Nested fields keep the names that the rules use; its defaults shorten them, and a rule whose column is missing finds nothing without a word.
_ZIRCOLITE = "event_filter:\n  enabled: false\nexclusions: []\nuseless: [null, '']\nmappings:\n%salias: {}\nsplit: {}\ntransforms: {}\n"
_CONVERT = """import json, sys
from sigma.collection import SigmaCollection
from sigma_backend_duckdb import DuckDBBackend
print(json.dumps([DuckDBBackend().convert(SigmaCollection.from_yaml(rule))[0] for rule in json.load(sys.stdin)]))
"""
Measured = tuple[float, float | None, list[int]]
"""Seconds from gzip files and from stored events (None where it stores none), and how many events each rule finds."""


def by_zircolite(command: Sequence[str], logs: Path, rules: Sequence[str], fields: Iterable[str]) -> Measured:
    """Run Zircolite (`python …/zircolite.py`) on records that are inflated and set line by line for it before the clock starts."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        nested = "".join(f"  {field}: {field}\n" for field in fields if "." in field)
        (place / "fields.yaml").write_text(_ZIRCOLITE % nested, encoding="utf-8")
        (place / "rules").mkdir()
        for number, rule in enumerate(rules):
            (place / "rules" / f"{number:05}.yml").write_text(rule, encoding="utf-8")
        with (place / "events.jsonl").open("w", encoding="utf-8") as out:
            for path in sorted(logs.iterdir()):
                out.writelines(json.dumps(record) + "\n" for record in json.loads(gzip.decompress(path.read_bytes()))["Records"])
        found = place / "found.json"
        asked = ["-e", place / "events.jsonl", "-j", "-c", place / "fields.yaml", "-r", place / "rules", "-o", found, "-l", place / "log", "-q"]
        begin = time.perf_counter()
        subprocess.run([*command, *map(str, asked)], check=True, capture_output=True, cwd=Path(command[-1]).parent)  # noqa: S603 - the user's own command
        took = time.perf_counter() - begin
        counts = {hit["title"]: hit["count"] for hit in json.loads(found.read_text(encoding="utf-8"))}
        return took, None, [counts.get(f"made up {number}", 0) for number in range(len(rules))]


def by_duckdb(python: str, rows: Iterable[tuple[str | None, ...]], fields: Sequence[str], rules: Sequence[str]) -> Measured:
    """Run the SQL of pySigma's backend for DuckDB, which that interpreter can import, over a table with just the fields that the rules name."""
    import duckdb
    import pyarrow as pa

    begin = time.perf_counter()
    columns: list[list[Any]] = list(map(list, zip(*rows, strict=True)))
    table = pa.table({name: pa.array(values, pa.string()) for name, values in zip((*fields, "record"), columns, strict=True)})
    with duckdb.connect() as base:
        base.register("given", table)
        base.execute("CREATE TABLE logs AS SELECT * FROM given")
        stored = time.perf_counter()
        done = subprocess.run([shutil.which(python) or python, "-c", _CONVERT], input=json.dumps(rules), check=True, capture_output=True, text=True)  # noqa: S603 - the user's own interpreter
        counts = [len(base.execute(text).fetchall()) for text in json.loads(done.stdout)]
    end = time.perf_counter()
    return end - begin, end - stored, counts
