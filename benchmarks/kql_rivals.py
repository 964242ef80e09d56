"""KQL beside duckdb-kql in one run: the same suites, judged by the same program, and the time to compile a rule.

    python benchmarks/kql_rivals.py FOLDER [--rival PYTHON] [--suites kql/emulator …] [--rules N] [--write docs/performance.md]

FOLDER holds suites of queries with known answers and the program that runs livefire over them
(`tools/conformance.py`), and published rules (`corpora/kql*.jsonl`). PYTHON is an interpreter that has
duckdb-kql, duckdb and pyarrow; without it only livefire is measured. The rival is put behind the few
calls of livefire that the program makes, so that both are asked the same and judged alike: rows by its
measure, `wrong` for other rows or columns without a word, `refused` for a translation that fails, an
engine's error among them. Compiling is text to SQL of published rules about clouds, each read twice
and the second taken; no rule runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SUITES = ("kql/emulator", "kql/docs_output", "kql/babykusto", "kql/kustoloco_text", "kql/streaming_kql")
BEGIN, END = "<!-- kql: made by benchmarks/kql_rivals.py -->", "<!-- /kql -->"
# What the rival is asked through: livefire's names, duckdb-kql's work.
STAND_IN = """
import json, sys, time
import duckdb, duckdb_kql, pyarrow as pa

class Said:
    severity, code = "error", "E305"
    def __init__(self, message): self.message = message

class QueryError(Exception):
    def __init__(self, message): super().__init__(message); self.diagnostics = [Said(message)]

TYPES = {"string": "VARCHAR", "long": "BIGINT", "int": "INTEGER", "real": "DOUBLE", "double": "DOUBLE", "bool": "BOOLEAN",
         "datetime": "TIMESTAMP", "timespan": "INTERVAL", "dynamic": "JSON", "guid": "UUID", "decimal": "DECIMAL(38, 12)"}

class Result:
    def __init__(self, cursor):
        kinds = [str(d[1]) for d in cursor.description]
        read = lambda v, kind: json.loads(v) if kind == "JSON" and isinstance(v, str) and v[:1] in "[{" else v
        self.columns = [d[0] for d in cursor.description]
        self.rows = [tuple(read(v, k) for v, k in zip(row, kinds)) for row in cursor.fetchall()]

class Workspace:
    def __init__(self): self.connection = duckdb_kql.connect()

    def load(self, name, rows, schema=None, time_field=None):
        columns = list(dict.fromkeys(k for r in rows for k in r)) or ["_"]
        text = lambda v: json.dumps(v) if isinstance(v, (dict, list)) else v
        data = pa.table({c: [text(r.get(c)) for r in rows] for c in columns})
        self.connection.register("given", data)
        told = lambda c: TYPES.get((schema or {}).get(c, ""), "")
        nested = {c for c in columns if any(isinstance(r.get(c), (dict, list)) for r in rows)}
        cast = lambda c: f'CAST("{c}" AS {told(c) or "JSON"}) AS "{c}"' if told(c) or c in nested else f'"{c}"'
        self.connection.execute(f'CREATE TABLE "{name}" AS SELECT {", ".join(map(cast, columns))} FROM given')

    def query(self, text, language="kql", now=None, **options):
        try:
            return Result(duckdb_kql.execute(self.connection, text, query_now=now))
        except Exception as error:
            raise QueryError(f"{type(error).__name__}: {error}"[:300]) from error
"""
COMPILE = """
import json, sys, time
import duckdb_kql
times, refused = [], 0
for text in json.load(sys.stdin):
    for turn in range(2):
        started = time.perf_counter()
        try:
            duckdb_kql.to_sql(text)
        except Exception:
            refused += 1
            break
        taken = time.perf_counter() - started
    else:
        times.append(taken)
json.dump([times, refused], sys.stdout)
"""
Figures = list[dict[str, Any]]


def judged(folder: Path, python: str, path: str, suites: list[str]) -> Figures:
    """Run the judging program with an interpreter that finds its `livefire` on a path."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "figures.json"
        command = [python, str(folder / "tools" / "conformance.py"), *suites, "--json", str(out)]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - both programs are named by who runs this
        found: Figures = json.loads(out.read_text(encoding="utf-8"))
        return found


def published(folder: Path, most: int) -> list[str]:
    """Return published rules about clouds that their vendor's parser accepts."""
    texts = []
    for path in sorted((folder / "corpora").glob("kql*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            rule = json.loads(line)
            if rule.get("cloud") and (rule.get("oracle") or {}).get("syntax_ok", True):
                texts.append(rule["query"])
    return texts[:most]


def compiled(texts: list[str]) -> tuple[list[float], int]:
    """Return the seconds from text to SQL of every rule, read a second time, and how many are refused."""
    from livefire import QueryError, Workspace
    from livefire.diagnostics import Source

    workspace, times, refused = Workspace(), [], 0
    for text in texts:
        taken = 0.0
        try:
            for _ in range(2):
                started = time.perf_counter()
                workspace.sql(workspace.compile(Source(text, "rule"), "kql"))
                taken = time.perf_counter() - started
        except QueryError:
            refused += 1
            continue
        times.append(taken)
    return times, refused


def rival_compiled(python: str, texts: list[str]) -> tuple[list[float], int]:
    """Return the same of duckdb-kql."""
    done = subprocess.run([python, "-c", COMPILE], input=json.dumps(texts), stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - as above
    times, refused = json.loads(done.stdout)
    return times, refused


def table(ours: Figures, theirs: Figures) -> list[str]:
    """Return both sides of every suite as lines of Markdown."""
    other = {row["suite"]: row for row in theirs}
    lines = ["| suite | cases | livefire | wrong | refused | duckdb-kql | wrong | refused |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for row in ours:
        cells = [row["suite"], str(row["n"])]
        for one in (row, other.get(row["suite"])):
            if one is None:
                cells += ["", "", ""]
                continue
            wrong = sum(n for verdict, n in one["verdicts"].items() if verdict.startswith("wrong") or verdict == "CRASH")
            cells += [f"{one['pass']} ({100 * one['pass'] / one['n']:.0f} %)", str(wrong), str(one["verdicts"].get("refused", 0))]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def speed(name: str, times: list[float], refused: int) -> str:
    """Return one side of the time to compile as a line of Markdown."""
    if not times:
        return f"| {name} | 0 | {refused} | | | |"
    ordered = sorted(times)
    high = ordered[int(len(ordered) * 0.95)]
    return f"| {name} | {len(times)} | {refused} | {1000 * statistics.median(times):.2f} | {1000 * high:.2f} | {1000 * max(times):.1f} |"


def main() -> int:
    """Measure both, print the tables, and write them into a page where one is named."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder", type=Path, nargs="?", default=Path(os.environ.get("SHARED", "../shared")))
    ap.add_argument("--rival", help="interpreter that has duckdb-kql, duckdb and pyarrow")
    ap.add_argument("--suites", nargs="*", default=list(SUITES))
    ap.add_argument("--rules", type=int, default=500)
    ap.add_argument("--write", type=Path)
    args = ap.parse_args()
    if not (args.folder / "tools" / "conformance.py").is_file():
        sys.stdout.write(f"there are no suites in {args.folder}: nothing is measured\n")
        return 0
    source = str(Path(__file__).resolve().parents[1] / "src")
    ours, theirs = judged(args.folder, sys.executable, source, args.suites), []
    if args.rival:
        with tempfile.TemporaryDirectory() as scratch:
            (Path(scratch) / "livefire.py").write_text(STAND_IN, encoding="utf-8")
            theirs = judged(args.folder, args.rival, scratch, args.suites)
    texts = published(args.folder, args.rules)
    lines = [*table(ours, theirs), "", "| text to SQL | rules | refused | median ms | 95 % ms | most ms |", "|---|--:|--:|--:|--:|--:|"]
    lines.append(speed("livefire", *compiled(texts)))
    if args.rival:
        lines.append(speed("duckdb-kql", *rival_compiled(args.rival, texts)))
    sys.stdout.write("\n".join(lines) + "\n")
    if args.write:
        page = args.write.read_text(encoding="utf-8")
        part = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
        made = f"{BEGIN}\n" + "\n".join(lines) + f"\n{END}"
        args.write.write_text(
            part.sub(lambda _: made, page) if part.search(page) else f"{page.rstrip()}\n\n## KQL beside duckdb-kql\n\n{made}\n", encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
