"""Compares engines over rules of others: `python -m tests.engine_equality SHARED RESULTS.jsonl [--engine spark:ADDRESS] [--every N]`.

Every cloud rule of the corpora runs over the logs of others on DuckDB and on another engine, at one
moment. A line of RESULTS holds a rule's id, its language and what became of it, never its text:

* equal: the same rows, in the same order where the rule gives them one;
* equal but for lists: the same rows once the elements of lists that no rule puts in order are sorted;
* refused: by both alike, before anything ran (`unread`), or by the other engine alone;
* different: anything else.

A run goes on where an earlier one stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from livefire.diagnostics import QueryError
from livefire.workspace import Result, Workspace

# Within the exercise on AWS, so that rules that look back some hours or days have something to see.
MOMENT = datetime(2023, 7, 10, 13, 0, tzinfo=UTC)
_LANGUAGES = {"ES|QL": "esql"}


def rules(shared: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (id, language, text) of every cloud rule of the corpora."""
    for path in sorted((shared / "corpora").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            rule = json.loads(line)
            if rule.get("cloud"):
                yield str(rule["id"]), _LANGUAGES.get(rule["language"], rule["language"]), str(rule.get("query_expanded") or rule["query"])


def answer(ws: Workspace, language: str, text: str) -> Result | str:
    """Return a rule's result, or the code and words of the first error that refuses it."""
    try:
        return ws.query(text, language, now=MOMENT, lenient=True, seconds=300.0)
    except QueryError as error:
        told = next(d for d in error.diagnostics if d.severity == "error")
        return f"{told.code} {told.message}"


def plain(value: Any, *, unordered: bool) -> Any:
    """Return a value as text that compares: numbers to twelve digits, lists sorted if their order is not to count."""
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list):
        parts = [plain(v, unordered=unordered) for v in value]
        return sorted(parts, key=repr) if unordered else parts
    if isinstance(value, dict):
        return {k: plain(v, unordered=unordered) for k, v in value.items()}
    return value


def rows(result: Result, *, unordered: bool) -> list[str]:
    """Return the rows as sorted texts."""
    return sorted(repr([plain(v, unordered=unordered) for v in row]) for row in result.rows)


def kinds(result: Result) -> list[str]:
    """Return the Arrow types; a time of a lake's own column comes with its zone from DuckDB, one that was computed without."""
    return [str(kind).replace(", tz=UTC", "").replace("int32", "int64") for kind in result.table.schema.types]


def judge(embedded: Result | str, other: Result | str) -> tuple[str, str]:
    """Return what became of a rule, and why where it is not equal."""
    if isinstance(embedded, str) or isinstance(other, str):
        if isinstance(embedded, str) and isinstance(other, str):
            return ("unread" if embedded[:2] in ("E1", "E2", "E3", "E0") else "refused by both"), embedded[:4]
        if isinstance(other, str):
            return "refused", other
        return "different", f"DuckDB alone refuses: {embedded}"
    if embedded.columns != other.columns or embedded.types != other.types:
        return "different", "columns"
    if kinds(embedded) != kinds(other):
        return "different", "; ".join(sorted({f"{a} is {b}" for a, b in zip(kinds(embedded), kinds(other), strict=True) if a != b}))
    if rows(embedded, unordered=False) == rows(other, unordered=False):
        return "equal", "in order" if embedded.rows == other.rows else ""
    if rows(embedded, unordered=True) == rows(other, unordered=True):
        return "equal but for lists", ""
    return "different", f"{len(embedded.rows)} and {len(other.rows)} rows"


def main() -> None:
    """Run what was not run before and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--engine", default="spark:sail")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--lake", type=Path, default=None)
    given = parser.parse_args()
    lake = given.lake or given.results.with_suffix(".lake")
    fresh = not lake.exists()
    embedded, other = Workspace(lake), Workspace(lake, given.engine)
    if fresh:
        embedded.ingest(given.shared / "logs")
    lines = [json.loads(x) for x in given.results.read_text().splitlines()] if given.results.exists() else []
    done = {x["id"] for x in lines}
    with given.results.open("a", encoding="utf-8") as out:
        for identity, language, text in list(rules(given.shared))[:: given.every]:
            if identity in done:
                continue
            started = time.perf_counter()
            one = answer(embedded, language, text)
            between = time.perf_counter()
            two = one if isinstance(one, str) and one[:2] in ("E0", "E1", "E2", "E3") else answer(other, language, text)
            verdict, why = judge(one, two)
            found = len(one.rows) if not isinstance(one, str) else 0
            took = [round(between - started, 2), round(time.perf_counter() - between, 2)]
            lines.append({"id": identity, "language": language, "verdict": verdict, "why": why, "rows": found, "seconds": took})
            out.write(json.dumps(lines[-1]) + "\n")
            out.flush()
    for (language, verdict), count in sorted(Counter((x["language"], x["verdict"]) for x in lines).items()):
        shown = sum(1 for x in lines if (x["language"], x["verdict"]) == (language, verdict) and x["rows"])
        print(f"{language:8} {verdict:20} {count:5}, of them with rows: {shown}")


if __name__ == "__main__":
    main()
