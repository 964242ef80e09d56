"""The matcher of sequences, against cases reasoned out by hand and a slow reading of the rules, stage by stage."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefire.engines.sequence import ManyKeysError, UntimedError, match
from livefire.engines.sql import ROW, STEPS


@dataclass(frozen=True)
class Event:
    """A candidate: seconds, key, and the letters of the steps it fits (`U` for until)."""

    time: int | None
    key: str | None
    fits: str


def run(
    events: list[Event], steps: str, *, span: int | None = None, until: bool = False, runs: dict[str, int] | None = None, ordered: bool = True
) -> list[list[int | None]]:
    """Match events against steps such as `A!BC` (B must be missing) and return the event numbers of each match."""
    letters = [s[-1] for s in _steps(steps)]
    names = [*letters, *("U" if until else "")]
    bits = [sum(1 << i for i, name in enumerate(names) if name in e.fits) for e in events]
    times = pa.array([None if e.time is None else e.time * 1_000_000 for e in events], pa.timestamp("us"))
    keys = pa.array([e.key for e in events], pa.string())
    table = pa.table({ROW: pa.array(range(len(events)), pa.int64()), STEPS: pa.array(bits, pa.int64()), "k": keys, "t": times})
    spec: dict[str, Any] = {
        "steps": [{"keys": ["k"], "missing": s[0] == "!", "runs": (runs or {}).get(s[-1], 1)} for s in _steps(steps)],
        "until": ["k"] if until else None,
        "order": ["t"] if ordered else [],
        "max_span": None if span is None else span * 10_000_000,
        "ordered": ordered,
        "lists": [],
    }
    found = match(table, spec)
    rows: dict[int, list[int | None]] = {}
    for number, step, row in zip(*(found.column(c).to_pylist() for c in ("sequence", "step", ROW)), strict=True):
        chain = rows.setdefault(number, [])
        assert step == len(chain)
        chain.append(row)
    assert list(rows) == list(range(len(rows)))
    return list(rows.values())


def _steps(text: str) -> list[str]:
    return [f"!{c}" if i and text[i - 1] == "!" else c for i, c in enumerate(text) if c != "!"]


def events(*texts: str) -> list[Event]:
    """Read events such as `3 x AB`: second, key, letters."""
    return [Event(int(t.split()[0]), t.split()[1], t.split()[2]) for t in texts]


def test_the_newest_start_wins() -> None:
    # A at 1 is replaced by A at 2, which B completes; the second B finds nothing unfinished.
    assert run(events("1 x A", "2 x A", "3 x B", "4 x B"), "AB") == [[1, 2]]


def test_keys_do_not_mix() -> None:
    assert run(events("1 x A", "2 y A", "3 y B", "4 x B"), "AB") == [[1, 2], [0, 3]]


def test_an_event_does_not_follow_itself() -> None:
    # Every event fits both steps: each ends the match that the one before began.
    assert run(events("1 x AB", "2 x AB", "3 x AB"), "AB") == [[0, 1], [1, 2]]


def test_equal_times_follow_in_stored_order() -> None:
    # CloudTrail has whole seconds: both orders of the same second are there, and only one is a match.
    assert run(events("5 x A", "5 x B"), "AB") == [[0, 1]]
    assert run(events("5 x B", "5 x A"), "AB") == []


def test_max_span_counts_from_the_first_event_and_includes_its_end() -> None:
    assert run(events("0 x A", "4 x B", "10 x C"), "ABC", span=10) == [[0, 1, 2]]
    assert run(events("0 x A", "4 x B", "11 x C"), "ABC", span=10) == []


def test_until_ends_what_is_unfinished_at_its_moment() -> None:
    assert run(events("1 x A", "2 x U", "3 x B"), "AB", until=True) == []
    assert run(events("1 x A", "2 y U", "3 x B"), "AB", until=True) == [[0, 2]]
    # An event that both continues a match and fits until ends it; one that completes it does not.
    assert run(events("1 x A", "2 x BU", "3 x C"), "ABC", until=True) == []
    assert run(events("1 x A", "2 x BU"), "AB", until=True) == [[0, 1]]


def test_runs_are_events_in_a_row() -> None:
    assert run(events("1 x A", "2 x A", "3 x A", "4 x B"), "AB", runs={"A": 2}) == [[1, 2, 3]]
    assert run(events("1 x A", "4 x B"), "AB", runs={"A": 2}) == []


def test_a_missing_event_between_two_is_looked_for_strictly_between_their_times() -> None:
    assert run(events("1 x A", "2 x M", "3 x B"), "A!MB", span=60) == []
    assert run(events("1 x A", "1 x M", "3 x M", "3 x B"), "A!MB", span=60) == [[0, None, 3]]
    assert run(events("1 x A", "2 y M", "3 x B"), "A!MB", span=60) == [[0, None, 2]]


def test_a_missing_event_at_an_end_counts_within_max_span() -> None:
    assert run(events("0 x M", "5 x A", "7 x B"), "!MAB", span=7) == []
    assert run(events("0 x M", "5 x A", "8 x B"), "!MAB", span=7) == [[None, 1, 2]]
    assert run(events("0 x A", "2 x B", "9 x M"), "AB!M", span=9) == []
    assert run(events("0 x A", "2 x B", "10 x M"), "AB!M", span=9) == [[0, 1, None]]


def test_missing_events_at_both_ends_must_both_come_within_max_span() -> None:
    # The shortest stretch with both is 20 s: only a longer span sees them together.
    both = events("0 x M", "10 x A", "20 x M")
    assert run(both, "!MA!M", span=19) == [[None, 1, None]]
    assert run(both, "!MA!M", span=20) == []


def test_matches_come_by_their_last_event() -> None:
    assert run(events("1 x A", "2 y A", "3 y B", "4 x B"), "AB") == [[1, 2], [0, 3]]


def test_a_null_key_is_a_value_of_its_own() -> None:
    found = [Event(1, None, "A"), Event(2, "x", "A"), Event(3, None, "B")]
    assert run(found, "AB") == [[0, 2]]


def test_a_sample_takes_one_choice_of_different_events_a_key() -> None:
    # Key y has only one event for both steps; z comes after x in the order of keys though it is stored first.
    found = events("9 z B", "9 z A", "1 x AB", "1 x A", "1 y AB")
    assert run(found, "AB", ordered=False) == [[3, 2], [1, 0]]


def test_unfit_events_are_refused() -> None:
    with pytest.raises(UntimedError):
        run([Event(None, "x", "A")], "AB")
    table = pa.table({ROW: [0], STEPS: [1], "k": ['["a","b"]'], "t": pa.array([0], pa.timestamp("us"))})
    step = {"keys": ["k"], "missing": False, "runs": 1}
    with pytest.raises(ManyKeysError):
        match(table, {"steps": [step], "until": None, "order": ["t"], "max_span": None, "ordered": True, "lists": ["k"]})


def test_no_candidates_give_no_rows() -> None:
    assert run([], "AB") == []
    assert run([], "A!MB", span=1, until=True) == []


# A slow reading of the same rules: all events of one stage after the other, lists of unfinished matches, and scans.


@dataclass
class Reference:
    """Matches one key's events, given as (time, stored place, letters) in order."""

    order: list[tuple[int, int, str]]
    span: int | None
    until: bool

    def complete(self, stages: list[str]) -> list[list[int]]:
        """Return places in `order` of each match of the stages that must come."""
        waiting = [[i] for i, event in enumerate(self.order) if stages[0] in event[2]]
        for stage in stages[1:]:
            reached = []
            for i, event in enumerate(self.order):
                if stage not in event[2]:
                    continue
                before = [chain for chain in waiting if chain[-1] < i]
                waiting = [chain for chain in waiting if chain[-1] >= i]
                if not before:
                    continue
                chain = before[-1]
                late = self.span is not None and event[0] - self.order[chain[0]][0] > self.span
                ended = self.until and any("U" in self.order[j][2] for j in range(chain[-1], i))
                if not late and not ended:
                    reached.append([*chain, i])
            waiting = reached
        return waiting

    def stands(self, chain: list[int], steps: list[tuple[str, bool, int]]) -> bool:
        """Tell whether no missing step is seen where it must not be."""
        times = [self.order[i][0] for i in chain]
        leading: list[int] = []
        trailing: list[int] = []
        come = 0
        for letter, missing, runs in steps:
            seen = [t for t, _, fits in self.order if letter in fits]
            if not missing:
                come += runs
            elif come == 0:
                leading += [t for t in seen if t < times[0]]
            elif come == len(chain):
                trailing += [t for t in seen if t > times[-1]]
            elif any(times[come - 1] < t < times[come] for t in seen):
                return False
        starts = [max(leading)] if leading else []
        ends = [min(trailing)] if trailing else []
        if (steps[0][1] and not starts) or (steps[-1][1] and not ends) or (not starts and not ends):
            return True
        assert self.span is not None
        return (ends or times[-1:])[0] - (starts or times[:1])[0] > self.span


def reference(found: list[Event], steps: list[tuple[str, bool, int]], span: int | None, until: bool) -> list[list[int | None]]:
    """Return what `run` should."""
    result = []
    order = sorted(range(len(found)), key=lambda i: (found[i].time, i))
    for key in {e.key for e in found}:
        mine = [i for i in order if found[i].key == key]
        one = Reference([(found[i].time or 0, i, found[i].fits) for i in mine], span, until)
        stages = [letter for letter, missing, runs in steps if not missing for _ in range(runs)]
        for chain in one.complete(stages):
            if one.stands(chain, steps):
                come = iter(mine[i] for i in chain)
                shown = [x for _, missing, runs in steps for x in ([None] if missing else [next(come) for _ in range(runs)])]
                result.append((order.index(mine[chain[-1]]), shown))
    return [shown for _, shown in sorted(result, key=lambda pair: pair[0])]


_FITS = st.sets(st.sampled_from("ABCDU"), min_size=1, max_size=3).map(lambda s: "".join(sorted(s)))
_EVENTS = st.lists(st.builds(Event, st.integers(0, 12), st.sampled_from(["x", "y", None]), _FITS), max_size=22)
_STEPS = st.lists(st.tuples(st.sampled_from("ABCD"), st.booleans(), st.integers(1, 2)), min_size=1, max_size=4, unique_by=lambda s: s[0]).filter(
    lambda steps: not all(missing for _, missing, _ in steps)
)


@settings(max_examples=150, deadline=None)
@given(_EVENTS, _STEPS, st.one_of(st.none(), st.integers(1, 8)), st.booleans())
def test_as_the_slow_reading(found: list[Event], steps: list[tuple[str, bool, int]], span: int | None, until: bool) -> None:
    if any(missing for _, missing, _ in steps) and span is None:
        span = 4
    text = "".join(f"{'!' if missing else ''}{letter}" for letter, missing, _ in steps)
    runs = {letter: 1 if missing else runs for letter, missing, runs in steps}
    assert run(found, text, span=span, until=until, runs=runs) == reference(found, [(a, m, 1 if m else r) for a, m, r in steps], span, until)


@settings(max_examples=100, deadline=None)
@given(_EVENTS)
def test_a_sample_is_the_first_choice_there_is(found: list[Event]) -> None:
    expected = []
    for key in sorted({e.key for e in found}, key=lambda k: (k is not None, k)):
        options = [[i for i, e in enumerate(found) if e.key == key and step in e.fits] for step in "ABC"]
        choice = next((list(c) for c in itertools.product(*options) if len(set(c)) == 3), None)
        if choice is not None:
            expected.append(choice)
    assert run(found, "ABC", ordered=False) == expected
