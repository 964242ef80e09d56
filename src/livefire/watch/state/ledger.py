"""What a watch keeps of its own work: how far each rule has come, what it still owes, what it did, and what it could not do.

Every method takes the connection of a transaction, so that the work and the record of it are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from livefire.watch.records import Gap, RunRecord
from livefire.watch.state import tables as t
from livefire.watch.state.database import Database

EVERYONE = "*"
"""The rule name of the checkpoint that all rules share which keep up."""
_KEPT_RUNS = 200
_KEPT_NOTES = 1_000
_MANY = 400


class Enrolled(msgspec.Struct, frozen=True):
    """A rule as the configuration has it; `digest` changes when its text or schedule does."""

    rule: str
    title: str
    language: str
    digest: str
    mode: str
    schedule: str
    state: str = "active"
    reason: str = ""


class Owed(msgspec.Struct, frozen=True):
    """A run that a scheduled rule owes: for which moment, and why; `asked` grows when more events call for it meanwhile."""

    rule: str
    moment: datetime
    why: str
    asked: int = 0


class Ledger:
    """The watch's own record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read one consistent state."""
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Change the state, all of it or nothing."""
        with self._database.writing() as connection:
            yield connection

    # rules

    def enroll(self, connection: sa.Connection, rules: Sequence[Enrolled]) -> tuple[list[str], list[str]]:
        """Keep the rules of the configuration; return those that are new and those whose text changed. A changed rule is active again."""
        known = {row["rule"]: row for row in connection.execute(sa.select(t.rules)).mappings()}
        fresh, changed = [], []
        for rule in rules:
            values = {name: getattr(rule, name) for name in ("title", "language", "digest", "mode", "schedule")}
            before = known.get(rule.rule)
            if before is None:
                fresh.append(rule.rule)
                counters = {"failures": 0, "due": None, "last_run": None, "last_seconds": 0.0, "runs": 0, "reached": None, "covered": None, "present": True}
                connection.execute(t.rules.insert().values(rule=rule.rule, **values, state=rule.state, reason=rule.reason, **counters))
                continue
            same = before["digest"] == rule.digest
            if not same:
                changed.append(rule.rule)
            keeps = same and rule.state == "active" and before["state"] in ("failing", "disabled")
            state = {} if keeps else {"state": rule.state, "reason": rule.reason, "failures": 0, "due": None}
            connection.execute(t.rules.update().where(t.rules.c.rule == rule.rule).values(**values, **state, present=True))
        gone = sorted(set(known) - {r.rule for r in rules})
        for part in _parts(gone):
            connection.execute(t.rules.update().where(t.rules.c.rule.in_(part)).values(present=False))
            connection.execute(t.pending.delete().where(t.pending.c.rule.in_(part)))
        return fresh, changed

    def rules(self, connection: sa.Connection) -> dict[str, Mapping[str, object]]:
        """Return the rows of the rules that are present, by name."""
        found, names = connection.execute(sa.select(t.rules).where(t.rules.c.present)), t.rules.c.keys()
        return {row["rule"]: row for row in (dict(zip(names, row, strict=True)) for row in found)}  # read every half a second: a mapping takes thrice as long

    def stand(self, connection: sa.Connection, rule: str, **values: Any) -> None:
        """Change how a rule stands: state, reason, failures, due; `reached`, the latest moment owed; `covered`, until when events lie in its windows."""
        connection.execute(t.rules.update().where(t.rules.c.rule == rule).values(**values))

    # how far

    def checkpoints(self, connection: sa.Connection) -> dict[str, dict[str, int]]:
        """Return by rule, and for all that keep up under `*`, the version of each log source that was evaluated."""
        found: dict[str, dict[str, int]] = {}
        for row in connection.execute(sa.select(t.checkpoints)):
            found.setdefault(row.rule, {})[row.source] = row.version
        return found

    def advance(self, connection: sa.Connection, rule: str, versions: Mapping[str, int]) -> None:
        """Note the versions that a rule, or all, were shown."""
        for source, version in versions.items():
            put(connection, t.checkpoints, {"rule": rule, "source": source}, {"version": version})

    def attach(self, connection: sa.Connection, rules: Collection[str]) -> None:
        """Let rules follow the checkpoint of all again."""
        for part in _parts(sorted(rules)):
            connection.execute(t.checkpoints.delete().where(t.checkpoints.c.rule.in_(part)))

    # what is owed

    def owe(self, connection: sa.Connection, owed: Iterable[Owed], now: datetime) -> None:
        """Keep runs that are owed; one that is owed already is asked for once more, so that a run under way does not settle it."""
        by_rule: dict[str, dict[datetime, str]] = {}
        for one in owed:
            by_rule.setdefault(one.rule, {})[one.moment] = one.why
        for rule, moments in by_rule.items():
            had = set(connection.execute(sa.select(t.pending.c.moment).where(t.pending.c.rule == rule)).scalars())
            fresh = [{"rule": rule, "moment": m, "why": why, "asked": 0, "since": now} for m, why in moments.items() if m not in had]
            if fresh:
                connection.execute(t.pending.insert(), fresh)
            if again := sorted(had & moments.keys()):
                c = t.pending.c
                connection.execute(t.pending.update().where(c.rule == rule, c.moment.between(again[0], again[-1])).values(asked=c.asked + 1))

    def owed(self, connection: sa.Connection, until: datetime, rules: Collection[str], most: int) -> list[Owed]:
        """Return the runs owed up to a moment by some rules, the oldest first."""
        c = t.pending.c
        chosen = sa.select(c.rule, c.moment, c.why, c.asked).where(c.moment <= until, c.rule.in_(sorted(rules))).order_by(c.moment, c.rule).limit(most)
        return [Owed(row.rule, row.moment, row.why, row.asked) for row in connection.execute(chosen)]

    def count_owed(self, connection: sa.Connection) -> int:
        """Return how many runs are owed."""
        return int(connection.execute(sa.select(sa.func.count()).select_from(t.pending)).scalar_one())

    def settle(self, connection: sa.Connection, owed: Owed) -> None:
        """Take a run off what is owed, unless it was asked for again since it began."""
        c = t.pending.c
        connection.execute(t.pending.delete().where(c.rule == owed.rule, c.moment == owed.moment, c.asked == owed.asked))

    def record_run(self, connection: sa.Connection, owed: Owed, started: datetime, seconds: float, outcome: str, findings: int, reason: str = "") -> None:
        """Keep what became of a run; the last two hundred of each rule stay."""
        values = {"rule": owed.rule, "moment": owed.moment, "why": owed.why, "started": started, "seconds": seconds}
        connection.execute(t.runs.insert().values(**values, outcome=outcome, findings=findings, reason=reason))
        self._count_runs(connection, owed.rule, 1, started, seconds)

    def settle_empty(self, connection: sa.Connection, owed: Sequence[Owed], started: datetime) -> None:
        """Record runs over windows that hold nothing for their rules, and take them off what is owed."""
        if not owed:
            return
        plain = {"started": started, "seconds": 0.0, "outcome": "done", "findings": 0, "reason": ""}
        connection.execute(t.runs.insert(), [{"rule": o.rule, "moment": o.moment, "why": o.why, **plain} for o in owed])
        c = t.pending.c
        named = (c.rule == sa.bindparam("of"), c.moment == sa.bindparam("at"), c.asked == sa.bindparam("times"))
        connection.execute(t.pending.delete().where(*named), [{"of": o.rule, "at": o.moment, "times": o.asked} for o in owed])
        for rule, count in Counter(o.rule for o in owed).items():
            self._count_runs(connection, rule, count, started, 0.0)

    def _count_runs(self, connection: sa.Connection, rule: str, count: int, started: datetime, seconds: float) -> None:
        c = t.rules.c
        connection.execute(t.rules.update().where(c.rule == rule).values(last_run=started, last_seconds=seconds, runs=c.runs + count))
        total = connection.execute(sa.select(c.runs).where(c.rule == rule)).scalar() or 0
        if total // _KEPT_RUNS > (total - count) // _KEPT_RUNS:
            r = t.runs.c
            oldest = sa.select(r.id).where(r.rule == rule).order_by(r.id.desc()).limit(1).offset(_KEPT_RUNS)
            cut = connection.execute(oldest).scalar()
            if cut is not None:
                connection.execute(t.runs.delete().where(r.rule == rule, r.id <= cut))

    def last_runs(self, connection: sa.Connection, rule: str = "", most: int = 50) -> tuple[RunRecord, ...]:
        """Return the last runs, of one rule or of all, the latest first."""
        chosen = sa.select(t.runs).order_by(t.runs.c.id.desc()).limit(most)
        rows = connection.execute(chosen.where(t.runs.c.rule == rule) if rule else chosen).mappings()
        return tuple(RunRecord(**row) for row in rows)

    # what could not be done

    def record_gap(self, connection: sa.Connection, rule: str, start: datetime, end: datetime, reason: str, now: datetime) -> None:
        """Keep a stretch that a rule does not look at; one that touches an open gap of the same reason widens that."""
        c = t.gaps.c
        same = (c.rule == rule, c.reason == reason, c.closed.is_(None))
        before = connection.execute(sa.select(t.gaps).where(*same).order_by(c.id.desc()).limit(1)).mappings().first()
        if before is None:
            connection.execute(t.gaps.insert().values(rule=rule, start=start, end=end, reason=reason, recorded=now, closed=None))
        else:
            wider = {"start": min(before["start"], start), "end": max(before["end"], end)}
            connection.execute(t.gaps.update().where(c.id == before["id"]).values(**wider))

    def open_gaps(self, connection: sa.Connection, rule: str) -> tuple[Gap, ...]:
        """Return what a rule did not look at, the earliest first."""
        c = t.gaps.c
        rows = connection.execute(sa.select(t.gaps).where(c.rule == rule, c.closed.is_(None)).order_by(c.start)).mappings()
        return tuple(Gap(**row) for row in rows)

    def close_gap(self, connection: sa.Connection, number: int, now: datetime) -> None:
        """Note that what a rule had not looked at is owed now."""
        connection.execute(t.gaps.update().where(t.gaps.c.id == number).values(closed=now))

    def gaps(self, connection: sa.Connection, most: int = 100) -> tuple[Gap, ...]:
        """Return the gaps, the latest first."""
        rows = connection.execute(sa.select(t.gaps).order_by(t.gaps.c.id.desc()).limit(most)).mappings()
        return tuple(Gap(**row) for row in rows)

    def note(self, connection: sa.Connection, code: str, subject: str, text: str, now: datetime) -> None:
        """Keep something that an operator must be able to see; the last thousand stay."""
        made = connection.execute(t.notes.insert().values(at=now, code=code, subject=subject, text=text))
        number = (made.inserted_primary_key or (0,))[0]
        if number % 100 == 0:
            connection.execute(t.notes.delete().where(t.notes.c.id <= number - _KEPT_NOTES))

    # sources and the watch itself

    def taken(self, connection: sa.Connection, source: str) -> dict[str, str]:
        """Return what a source took in already: each item with the mark it had then."""
        chosen = sa.select(t.taken.c.item, t.taken.c.mark).where(t.taken.c.source == source)
        return {row.item: row.mark for row in connection.execute(chosen)}

    def take(self, connection: sa.Connection, source: str, items: Mapping[str, str], now: datetime) -> None:
        """Note that items of a source are in the lake."""
        for item, mark in items.items():
            put(connection, t.taken, {"source": source, "item": item}, {"mark": mark, "at": now})

    def forget(self, connection: sa.Connection, source: str, items: Collection[str]) -> None:
        """Drop items that a source no longer offers."""
        for part in _parts(sorted(items)):
            connection.execute(t.taken.delete().where(t.taken.c.source == source, t.taken.c.item.in_(part)))

    def source(
        self, connection: sa.Connection, name: str, kind: str, state: str, error: str = "", add: Mapping[str, int] | None = None, last: datetime | None = None
    ) -> None:
        """Note how a source stands and add to its counts."""
        counts = {k: (add or {}).get(k, 0) for k in ("files", "records", "stored", "quarantined")}
        c = t.sources.c
        values: dict[str, Any] = {"kind": kind, "state": state, "error": error, **{k: c[k] + v for k, v in counts.items()}}
        if last is not None:
            values["last"] = last
        done = connection.execute(t.sources.update().where(c.name == name).values(**values))
        if not done.rowcount:
            connection.execute(t.sources.insert().values(name=name, kind=kind, state=state, error=error, last=last, **counts))

    def beat(self, connection: sa.Connection, now: datetime, **values: Any) -> None:
        """Show a sign of life; `values` are pid, state, started, config, versions."""
        done = connection.execute(t.watcher.update().where(t.watcher.c.id == 1).values(beat=now, **values))
        if not done.rowcount:
            base: dict[str, Any] = {"pid": None, "state": "running", "started": now, "config": {}, "versions": {}}
            connection.execute(t.watcher.insert().values(id=1, beat=now, **{**base, **values}))


def seen_by_all(checkpoints: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return, by log source, the version that every rule was shown."""
    names = {name for seen in checkpoints.values() for name in seen}
    return {name: min(seen.get(name, -1) for seen in checkpoints.values()) for name in names}


def put(connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Write a row by its key, over the one that is there."""
    where = [table.c[name] == value for name, value in key.items()]
    if not connection.execute(table.update().where(*where).values(**values)).rowcount:
        connection.execute(table.insert().values(**key, **values))


def _parts(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(items), _MANY):
        yield items[at : at + _MANY]
