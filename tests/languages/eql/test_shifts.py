"""Every kind of sequence is found wherever it lies in time: each case moves through ten minutes, a second at a time.

Products that cut time into windows lose pairs that a border parts. Here nothing is cut: a case that
begins n seconds later must be found for every n, and only it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

import livefire

# The border of an hour, of a day and of a month lie within the ten minutes.
BEGIN = datetime(2026, 2, 28, 23, 55, 0, tzinfo=UTC)
SECONDS = 601


@dataclass(frozen=True)
class Case:
    """Events as (seconds after the shift, kind), and the seconds of the events of each match; None stands for a missing event."""

    name: str
    query: str
    events: tuple[tuple[float, str], ...]
    found: tuple[tuple[float | None, ...], ...]


CASES = (
    Case("a pair two minutes apart", 'sequence by k with maxspan=5m [any where e == "a"] [any where e == "b"]', ((0, "a"), (120, "b")), ((0, 120),)),
    Case("the whole of maxspan", 'sequence by k with maxspan=2m [any where e == "a"] [any where e == "b"]', ((0, "a"), (120, "b")), ((0, 120),)),
    Case("past maxspan", 'sequence by k with maxspan=2m [any where e == "a"] [any where e == "b"]', ((0, "a"), (120.001, "b")), ()),
    Case("no maxspan", 'sequence by k [any where e == "a"] [any where e == "b"]', ((0, "a"), (86_400, "b")), ((0, 86_400),)),
    Case("one time", 'sequence by k with maxspan=1s [any where e == "a"] [any where e == "b"]', ((0, "a"), (0, "b")), ((0, 0),)),
    Case(
        "the newest first event",
        'sequence by k with maxspan=5m [any where e == "a"] [any where e == "b"]',
        ((0, "a"), (60, "a"), (120, "b"), (130, "b")),
        ((60, 120),),
    ),
    Case(
        "four steps",
        'sequence by k with maxspan=10m [any where e == "a"] [any where e == "b"] [any where e == "a"] [any where e == "c"]',
        ((0, "a"), (200, "b"), (400, "a"), (600, "c")),
        ((0, 200, 400, 600),),
    ),
    Case(
        "runs",
        'sequence by k with maxspan=5m [any where e == "a"] with runs=3 [any where e == "b"]',
        ((0, "a"), (100, "a"), (200, "a"), (300, "b")),
        ((0, 100, 200, 300),),
    ),
    Case(
        "until between",
        'sequence by k with maxspan=5m [any where e == "a"] [any where e == "b"] until [any where e == "u"]',
        ((0, "a"), (60, "u"), (120, "b"), (121, "a"), (180, "b"), (181, "u")),
        ((121, 180),),
    ),
    Case(
        "nothing between",
        'sequence by k with maxspan=5m [any where e == "a"] ![any where e == "x"] [any where e == "b"]',
        ((0, "a"), (60, "x"), (120, "b"), (130, "a"), (250, "b")),
        ((130, None, 250),),
    ),
    Case(
        "nothing after",
        'sequence by k with maxspan=2m [any where e == "a"] [any where e == "b"] ![any where e == "x"]',
        ((0, "a"), (60, "b"), (121, "x")),
        ((0, 60, None),),
    ),
    Case(
        "something after",
        'sequence by k with maxspan=2m [any where e == "a"] [any where e == "b"] ![any where e == "x"]',
        ((0, "a"), (60, "b"), (119, "x")),
        (),
    ),
    Case(
        "nothing before",
        'sequence by k with maxspan=2m ![any where e == "x"] [any where e == "a"] [any where e == "b"]',
        ((0, "x"), (61, "a"), (121, "b")),
        ((None, 61, 121),),
    ),
    Case("a sample", 'sample by k [any where e == "b"] [any where e == "a"]', ((0, "a"), (120, "b")), ((120, 0),)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_case_is_found_at_every_second_of_ten_minutes(case: Case) -> None:
    rows = [
        {"@timestamp": (BEGIN + timedelta(seconds=shift + at)).isoformat(), "k": f"shift {shift:03}", "e": kind}
        for shift in range(SECONDS)
        for at, kind in case.events
    ]
    ws = livefire.Workspace()
    ws.load("log", rows, schema={"@timestamp": "datetime", "k": "string", "e": "string"}, time_field="@timestamp")
    result = ws.query(case.query, language="eql", index="log")
    places = [result.columns.index(c) for c in ("_sequence", "_step", "@timestamp", "k")]
    matches: dict[int, list[tuple[str | None, float | None]]] = {}
    for row in result.rows:
        number, step, time, key = (row[p] for p in places)
        found = matches.setdefault(number, [])
        assert step == len(found)
        found.append((key, None if time is None else (time - BEGIN).total_seconds()))
    by_shift: dict[int, list[tuple[float | None, ...]]] = {}
    for events in matches.values():
        (key,) = {k for k, _ in events if k is not None}
        shift = int(key.split()[1])
        by_shift.setdefault(shift, []).append(tuple(None if at is None else round(at - shift, 6) for _, at in events))
    assert by_shift == ({shift: list(case.found) for shift in range(SECONDS)} if case.found else {})


@pytest.mark.parametrize("minutes", range(11))
def test_a_sequence_without_keys_is_found_at_every_minute(minutes: int) -> None:
    times = [BEGIN + timedelta(minutes=minutes, seconds=s) for s in (0, 120, 150)]
    ws = livefire.Workspace()
    ws.load("log", [{"@timestamp": t.isoformat(), "e": kind} for t, kind in zip(times, "abc", strict=True)], time_field="@timestamp")
    result = ws.query('sequence with maxspan=5m [any where e == "a"] [any where e == "b"] [any where e == "c"]', language="eql", index="log")
    at = result.columns.index("@timestamp")
    assert [row[at] for row in result.rows] == times
