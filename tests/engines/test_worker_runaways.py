"""Queries that would run for hours or fill the machine end near their budget, and the next one answers."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livefire.engines.program import MIB, Budget, Program, SqlStage
from livefire.engines.worker import Worker, WorkerFailure

BUDGET = Budget(seconds=1, memory_bytes=1024 * MIB, spill_bytes=64 * MIB, max_rows=100_000)

# name: (SQL, the kinds of failure that are right)
RUNAWAYS = {
    "repeat": ("SELECT repeat('x', 3000000000)", {"memory"}),
    "range list": ("SELECT len(range(1000000000))", {"memory"}),
    "lpad": ("SELECT lpad('x', 2000000000, 'y')", {"memory", "timeout"}),
    "cross join": ("SELECT count(*) FROM range(100000) a(i), range(1000000) b(j) WHERE (i * j) % 7 = 3", {"timeout"}),
    "endless recursion": ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", {"timeout", "memory", "spill"}),
    "many rows": ("SELECT * FROM range(1000000000)", {"rows"}),
    "huge IN": ("SELECT 1 WHERE 5 IN (" + ",".join(f"{n}+1" for n in range(300_000)) + ")", {"timeout", "memory", "engine"}),
    "sleep": ("SELECT sleep_ms(100000)", {"timeout"}),
    "list_transform": ("SELECT list_sum(list_transform(range(60000000), lambda x: x * x % 7))", {"timeout", "memory"}),
    "regexp_extract_all": ("SELECT len(regexp_extract_all(repeat('ab', 100000000), '(a|b)'))", {"timeout", "memory"}),
    "regexp_replace": ("SELECT length(regexp_replace(repeat('ab', 200000000), '(a)(b)', '\\2\\1', 'g'))", {"timeout", "memory"}),
    "levenshtein": ("SELECT levenshtein(repeat('ab', 100000), repeat('ba', 100000))", {"timeout", "memory"}),
    "string_agg": ("SELECT length(string_agg(md5((i * j)::VARCHAR), ',')) FROM range(100000) a(i), range(1000000) b(j)", {"timeout", "memory"}),
    "list of everything": ("SELECT len(list(i * j)) FROM range(100000) a(i), range(1000000) b(j)", {"timeout", "memory"}),
    "sort": ("SELECT max(x) FROM (SELECT md5(range::VARCHAR) x FROM range(100000000) ORDER BY x LIMIT 99999999)", {"timeout", "memory", "spill"}),
    "distinct": ("SELECT count(DISTINCT md5(range::VARCHAR)) FROM range(200000000)", {"timeout", "memory", "spill"}),
    "window": ("SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY md5(range::VARCHAR)) n FROM range(50000000))", {"timeout", "memory", "spill"}),
    "skewed join": (
        "SELECT count(*) FROM (SELECT 1 k FROM range(1000000)) a JOIN (SELECT 1 k FROM range(1000000)) b ON a.k = b.k WHERE random() < 2",
        {"timeout"},
    ),
    "unnest": ("SELECT count(md5(x::VARCHAR)) FROM (SELECT unnest(range(1000)) x FROM range(1000000))", {"timeout"}),
    "exponential text": (
        "WITH RECURSIVE r(n, t) AS (SELECT 0, 'x' UNION ALL SELECT n + 1, t || t FROM r WHERE n < 40) SELECT max(length(t)) FROM r",
        {"timeout", "memory"},
    ),
    "nested ORs": ("SELECT 1 WHERE " + " OR ".join(f"'{n}' = 'x'" for n in range(100_000)), {"timeout", "memory", "engine"}),
    "parentheses": ("SELECT " + "(" * 100_000 + "1" + ")" * 100_000, {"timeout", "memory", "engine", "crashed", "refused"}),
    "json bomb": ("SELECT json_extract(repeat('[', 100000000), '$[0]')", {"timeout", "memory", "engine"}),
    "bit string": ("SELECT length(bitstring('1', 2000000000)::VARCHAR)", {"timeout", "memory", "engine"}),
    "printf width": ("SELECT length(printf('%2000000000d', 1))", {"timeout", "memory", "engine"}),
    "cartesian lists": ("SELECT len(flatten(list_transform(range(20000), lambda x: range(20000))))", {"timeout", "memory"}),
    "hugeint series": ("SELECT sum(generate_series::HUGEINT) FROM generate_series(1, 100000000000)", {"timeout"}),
    "correlated": ("SELECT sum((SELECT count(*) FROM range(100000) b(j) WHERE j % (i + 1) = 0)) FROM range(100000) a(i)", {"timeout", "memory", "spill"}),
}
SAMPLE = ("repeat", "lpad", "cross join", "endless recursion", "many rows", "huge IN")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker([], tmp_path_factory.mktemp("spill")) as running:
        yield running


def _cases() -> list[object]:
    return [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow, id=name.replace(" ", "-")) for name in RUNAWAYS]


@pytest.mark.parametrize("name", _cases())
def test_runaway_ends_near_its_budget(worker: Worker, name: str) -> None:
    sql, expected = RUNAWAYS[name]
    assert worker.status.memory_limit
    parent_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(WorkerFailure) as failure:
        worker.run(Program({}, (SqlStage("r", sql),)), BUDGET)
    assert time.monotonic() - started <= BUDGET.seconds + 2
    assert failure.value.kind in expected, failure.value.detail
    answer = worker.run(Program({}, (SqlStage("n", "SELECT 6 * 7 AS n"),)), Budget(seconds=30))
    assert answer.to_pydict() == {"n": [42]}
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - parent_before
    assert grown_kib < 50 * 1024, "the result of a runaway is not collected by the parent"


def test_a_large_answer_is_stopped_by_its_bytes(worker: Worker) -> None:
    with pytest.raises(WorkerFailure) as failure:
        worker.run(Program({}, (SqlStage("r", "SELECT * FROM range(1000000000)"),)), Budget(seconds=20, result_bytes=8 * MIB))
    assert failure.value.kind == "rows"


def test_a_sort_within_its_budget_spills_and_answers(worker: Worker) -> None:
    # 2 million 32-character digests are over 64 MB as rows, more than the memory given
    sql = "SELECT count(*) AS n, min(x) AS x FROM (SELECT md5(range::VARCHAR) AS x FROM range(2000000) ORDER BY x OFFSET 1)"
    answer = worker.run(Program({}, (SqlStage("r", sql),)), Budget(seconds=60, memory_bytes=200 * MIB, spill_bytes=1024 * MIB))
    assert answer["n"].to_pylist() == [1_999_999]


def test_temporary_data_beyond_its_budget_is_a_failure_and_leaves_nothing(tmp_path: Path) -> None:
    sql = "SELECT max(x) FROM (SELECT md5(range::VARCHAR) AS x FROM range(4000000) ORDER BY x OFFSET 1)"
    with Worker([], tmp_path) as worker:
        with pytest.raises(WorkerFailure) as failure:
            worker.run(Program({}, (SqlStage("r", sql),)), Budget(seconds=60, memory_bytes=128 * MIB, spill_bytes=2 * MIB))
        assert failure.value.kind in {"spill", "memory"}
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
