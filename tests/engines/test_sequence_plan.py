"""Sequence nodes on the engine: candidates of one or several tables, keys, nulls and bounds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from livefire.diagnostics import QueryError
from livefire.engines.base import Run, Storage
from livefire.engines.duckdb import DuckDB
from livefire.engines.failure import WorkerFailure
from livefire.engines.program import MIB, Budget, NativeStage, Program, SqlStage
from livefire.engines.sql import ROW, STEPS
from livefire.engines.worker import shared_worker
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.plan.rewrite import rewrite
from livefire.schema import Schema, Type

SCHEMA = Schema.of(("at", Type.DATETIME), ("kind", Type.STRING), ("key", Type.STRING), ("tie", Type.LONG))
START = datetime(2026, 3, 1)


def table(*rows: tuple[int, str, str | None, int | None]) -> n.Values:
    return n.Values(SCHEMA, tuple((START + timedelta(seconds=s), kind, key, tie) for s, kind, key, tie in rows))


def step(rows: n.Plan, kind: str, *, key: str | None = "key", null_keys: tuple[int, ...] = ()) -> n.Step:
    chosen = n.Filter(rows, call("compare.eq", n.column(rows, "kind"), e.text(kind)))
    return n.Step(chosen, (n.column(rows, key),) if key else (), null_keys=null_keys)


def run(sequence: n.Sequence) -> list[tuple[int, int, str | None, str | None]]:
    plan = n.Sort(sequence, (e.SortKey(n.column(sequence, "sequence")), e.SortKey(n.column(sequence, "step"))))
    found = DuckDB().execute(rewrite(n.select(plan, "sequence", "step", "kind", "key")), Storage(), Run())
    return list(zip(*(c.to_pylist() for c in found.columns), strict=True))


def test_steps_may_come_from_different_tables() -> None:
    one, two = table((1, "a", "x", None), (5, "b", "x", None)), table((2, "b", "y", None), (3, "b", "x", None))
    assert run(n.Sequence((step(one, "a"), step(two, "b")), "at")) == [(0, 0, "a", "x"), (0, 1, "b", "x")]


def test_null_keys_match_only_where_they_may() -> None:
    rows = table((1, "a", None, None), (2, "b", None, None))
    assert run(n.Sequence((step(rows, "a"), step(rows, "b")), "at")) == []
    both = (step(rows, "a", null_keys=(0,)), step(rows, "b", null_keys=(0,)))
    assert run(n.Sequence(both, "at")) == [(0, 0, "a", None), (0, 1, "b", None)]
    assert run(n.Sequence((step(rows, "a", null_keys=(0,)), step(rows, "b")), "at")) == []


def test_tiebreakers_order_events_of_one_time() -> None:
    rows = table((1, "b", "x", 2), (1, "a", "x", 1))
    assert run(n.Sequence((step(rows, "a"), step(rows, "b")), "at")) == []
    assert len(run(n.Sequence((step(rows, "a"), step(rows, "b")), "at", tiebreak=("tie",)))) == 2
    # A null comes after every value: here the event to follow has none.
    last = table((1, "b", "x", None), (1, "a", "x", 1))
    assert len(run(n.Sequence((step(last, "a"), step(last, "b")), "at", tiebreak=("tie",)))) == 2


def test_steps_without_keys_and_a_sequence_within_a_sequence() -> None:
    rows = table((1, "a", "x", None), (2, "b", "y", None), (3, "a", "x", None), (9, "c", "z", None))
    inner = n.Sequence((step(rows, "a", key=None), step(rows, "b", key=None)), "at", sequence="s", step="t")
    ends = n.select(n.Filter(inner, call("compare.eq", n.column(inner, "t"), e.whole(1))), *SCHEMA.names)
    outer = n.Sequence((n.Step(ends, ()), step(rows, "c", key=None)), "at")
    assert run(outer) == [(0, 0, "b", "y"), (0, 1, "c", "z")]


def test_an_event_without_a_time_is_refused() -> None:
    rows = n.Values(SCHEMA, ((None, "a", "x", None), (START, "b", "x", None)))
    with pytest.raises(QueryError, match="without a time"):
        run(n.Sequence((step(rows, "a"), step(rows, "b")), "at"))


def test_more_candidates_than_memory_are_refused() -> None:
    rows = f'SELECT i AS "{ROW}", 1 + i % 2 AS "{STEPS}", CAST(i % 1000 // 2 AS VARCHAR) AS k, make_timestamp(i) AS t FROM range(2000000) r(i)'  # noqa: S608 - constants only
    spec = {"steps": [{"keys": ["k"], "missing": False, "runs": 1}] * 2, "until": None, "order": ["t"], "lists": [], "max_span": None, "ordered": True}
    program = Program({}, (SqlStage("c", rows), NativeStage("m", "sequence", "c", spec)))
    with pytest.raises(WorkerFailure) as caught:
        shared_worker(()).run(program, Budget(seconds=60, memory_bytes=150 * MIB))
    assert caught.value.kind == "memory"
