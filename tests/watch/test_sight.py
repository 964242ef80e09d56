"""What rules see of the lake: windows that hold nothing for a rule are recorded and not run, and what late events change is run again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from livefire.watch.runs import Runs
from livefire.watch.sight import Sight
from tests.watch.staging import BURST, SHARED, START, Stage, event
from tests.watch.test_metamorphic import ACTIVE

MINUTE = timedelta(minutes=1)
COUNTED = BURST.replace("id: burst", "id: counted").replace("by UserIdentityUserName\n  | where Count > 2", "\n  | where Count < 3")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, datetime]]:
    """The runs that a query was made for: the rule and the end of its window."""
    found: list[tuple[str, datetime]] = []
    ran = Runs._ran

    def noted(self: Runs, watched: object, owed: object, start: datetime, end: datetime) -> object:
        found.append((watched.name, end))  # type: ignore[attr-defined]  # the arguments are those of a private method
        return ran(self, watched, owed, start, end)  # type: ignore[arg-type]

    monkeypatch.setattr(Runs, "_ran", noted)
    return found


def test_a_window_without_events_for_a_rule_is_recorded_and_not_run(tmp_path: Path, made: list[tuple[str, datetime]]) -> None:
    stage = Stage(tmp_path, rules={"burst.yaml": BURST})
    watch = stage.watch()
    # Something happens each minute of two hours; two snapshots in it, the second too late for the first windows.
    others = [event(100 + n, n * MINUTE) for n in range(1, 120)]
    stage.deliver("a.json", [*others, event(1, 5 * MINUTE, "CreateSnapshot"), event(2, 95 * MINUTE, "CreateSnapshot")])
    stage.clock.now = START + 120 * MINUTE
    stage.settle(watch)
    # 10:05 lies in the windows that end from 10:10 to 11:00, all the same to the rule; 11:35 in those from 11:40 on.
    assert made == [("burst", START + 10 * MINUTE), ("burst", START + 100 * MINUTE)]
    with stage.state().ledger.reading() as connection:
        runs = stage.state().ledger.last_runs(connection, "burst", 200)
    assert [r.moment for r in runs][::-1] == [START + n * 10 * MINUTE for n in range(1, 13)]
    assert {(r.outcome, r.findings) for r in runs} == {("done", 0)}


def test_late_events_are_run_only_where_the_rule_sees_them(tmp_path: Path, made: list[tuple[str, datetime]]) -> None:
    stage = Stage(tmp_path, rules={"burst.yaml": BURST, "shared.eql": SHARED})
    watch = stage.watch()
    stage.deliver("a.json", [event(n, n * MINUTE, "CreateSnapshot") for n in range(1, 3)])
    stage.clock.now = START + 60 * MINUTE
    stage.settle(watch)
    made.clear()
    stage.deliver("b.json", [event(50, 3 * MINUTE)])
    stage.settle(watch)
    assert made == [], "what came is nothing to either rule"
    stage.deliver("c.json", [event(51, 4 * MINUTE, "ModifySnapshotAttribute")])
    stage.settle(watch)
    assert {name for name, _ in made} == {"shared"}
    assert [a.rule for a in stage.alerts()] == ["shared"]


def test_a_rule_that_finds_what_is_missing_is_run_over_empty_windows(tmp_path: Path, made: list[tuple[str, datetime]]) -> None:
    stage = Stage(tmp_path, rules={"counted.yaml": COUNTED})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, 5 * MINUTE)])
    stage.clock.now = START + 11 * MINUTE
    stage.settle(watch)
    # No snapshot at all is a count of zero, which is below three: a row.
    assert [(a.rule, a.row["Count"]) for a in stage.alerts()] == [("counted", 0)]
    assert made


def test_what_a_rule_sees_is_counted_by_minutes(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"burst.yaml": BURST, "active.yaml": ACTIVE})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, 2 * MINUTE, "CreateSnapshot"), event(2, 2.5 * MINUTE, "CreateSnapshot"), event(3, 30 * MINUTE, "RunInstances")])
    stage.settle(watch)
    runs = watch.runs[0]
    sight = Sight(watch.rules, watch._ground, runs._engine, 60.0)
    seen = sight.profile("burst", START, START + 10 * MINUTE)
    assert seen and seen == sight.profile("burst", START - 50 * MINUTE, START + 20 * MINUTE), "the same two events, whatever the window"
    assert sight.profile("burst", START + 3 * MINUTE, START + 60 * MINUTE) == ()
    assert sight.profile("burst", START, START + 2 * MINUTE) == (), "a window ends before its end"
    # An edge inside the minute of the events parts them from those of a whole one.
    assert sight.profile("burst", START, START + 2.25 * MINUTE) not in ((), seen)
    # A rule that reads the clock gives something else in another window over the same events.
    assert sight.profile("active", START, START + 60 * MINUTE) != sight.profile("active", START, START + 70 * MINUTE)
    assert sight.profile("active", START, START + 30 * MINUTE) == ()
    stage.deliver("b.json", [event(4, 2 * MINUTE, "CreateSnapshot")])
    stage.settle(watch)
    assert sight.profile("burst", START, START + 10 * MINUTE) not in ((), seen), "a third event in the same minute"
    before = sight.profile("burst", START, START + 10 * MINUTE)
    stage.clock.pass_(60 * MINUTE)
    stage.settle(watch)
    assert len(list(watch._ground.lake.table("aws_cloudtrail").files)) == 1, "compacted: the same events in another file"
    assert sight.profile("burst", START, START + 10 * MINUTE) == before


def test_each_minute_of_a_file_is_counted_once_whatever_is_asked_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules={"burst.yaml": BURST})
    watch = stage.watch()
    stage.deliver("a.json", [event(1, 32 * MINUTE, "CreateSnapshot")])
    stage.settle(watch)
    sight = Sight(watch.rules, watch._ground, watch.runs[0]._engine, 60.0)
    assert sight.profile("burst", START + 30 * MINUTE, START + 40 * MINUTE)
    # New events before the earliest minute that was counted, and the first question after them looks back further too.
    stage.deliver("b.json", [event(2, 5 * MINUTE, "CreateSnapshot"), event(3, 33 * MINUTE, "CreateSnapshot")])
    stage.settle(watch)
    late = sight.profile("burst", START, START + 40 * MINUTE)
    assert late == Sight(watch.rules, watch._ground, watch.runs[0]._engine, 60.0).profile("burst", START, START + 40 * MINUTE)
