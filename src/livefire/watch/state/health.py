"""How a watch stands, from its state alone, so that any process can tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from livefire.watch.records import Gap, Health, Note, RuleState, SinkState, SourceState
from livefire.watch.state import tables as t

STALLED = timedelta(minutes=1)
_SHOWN = 50


def health(connection: sa.Connection, now: datetime) -> Health:
    """Return the whole picture of a state."""
    watcher = connection.execute(sa.select(t.watcher).where(t.watcher.c.id == 1)).mappings().first()
    rules, sources, sinks = _rules(connection), _sources(connection), _sinks(connection)
    gaps = tuple(
        Gap(**row) for row in connection.execute(sa.select(t.gaps).where(t.gaps.c.closed.is_(None)).order_by(t.gaps.c.id.desc()).limit(_SHOWN)).mappings()
    )
    notes = tuple(Note(**row) for row in connection.execute(sa.select(t.notes).order_by(t.notes.c.id.desc()).limit(_SHOWN)).mappings())
    overdue = connection.execute(sa.select(sa.func.count()).select_from(t.pending).where(t.pending.c.moment <= now)).scalar_one()
    state = _state(watcher, now)
    return Health(
        state,
        watcher["pid"] if watcher else None,
        watcher["started"] if watcher else None,
        watcher["beat"] if watcher else None,
        _counts(connection, t.alerts, t.alerts.c.withdrawn.is_(False)),
        _counts(connection, t.incidents, t.incidents.c.raised.is_(True)),
        rules,
        sources,
        sinks,
        gaps,
        notes,
        int(overdue),
        dict(watcher["versions"]) if watcher else {},
        tuple(_problems(state, watcher, rules, sources, sinks, gaps, now)),
    )


def _state(watcher: Any, now: datetime) -> str:
    if watcher is None:
        return "never"
    if watcher["state"] != "running":
        return "stopped"
    return "running" if now - watcher["beat"] <= STALLED else "stalled"


def _counts(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> dict[str, int]:
    rows = connection.execute(sa.select(table.c.status, sa.func.count()).where(where).group_by(table.c.status))
    return {"new": 0, "triaged": 0, "closed": 0, **{str(status): int(count) for status, count in rows}}


def _rules(connection: sa.Connection) -> tuple[RuleState, ...]:
    alerts = _by_rule(connection, t.alerts)
    waiting = _by_rule(connection, t.pending)
    rows = connection.execute(sa.select(t.rules).where(t.rules.c.present).order_by(t.rules.c.rule)).mappings()
    plain = [n for n in RuleState.__struct_fields__ if n not in ("alerts", "waiting")]
    return tuple(RuleState(**{n: row[n] for n in plain}, alerts=alerts.get(row["rule"], 0), waiting=waiting.get(row["rule"], 0)) for row in rows)


def _by_rule(connection: sa.Connection, table: sa.Table) -> dict[str, int]:
    return {str(rule): int(count) for rule, count in connection.execute(sa.select(table.c.rule, sa.func.count()).group_by(table.c.rule))}


def _sources(connection: sa.Connection) -> tuple[SourceState, ...]:
    return tuple(SourceState(**row) for row in connection.execute(sa.select(t.sources).order_by(t.sources.c.name)).mappings())


def _sinks(connection: sa.Connection) -> tuple[SinkState, ...]:
    c = t.outbox.c
    counted = [sa.func.sum(sa.case((c.state == s, 1), else_=0)).label(s) for s in ("waiting", "sent", "dead")]
    oldest = sa.func.min(sa.case((c.state == "waiting", c.created))).label("oldest")
    found = []
    for row in connection.execute(sa.select(c.sink, *counted, oldest).group_by(c.sink).order_by(c.sink)).mappings():
        last = sa.select(c.error).where(c.sink == row["sink"], c.error != "").order_by(c.id.desc()).limit(1)
        error = connection.execute(last).scalar() or ""
        found.append(SinkState(row["sink"], int(row["waiting"]), int(row["sent"]), int(row["dead"]), row["oldest"], error))
    return tuple(found)


def _problems(
    state: str, watcher: Any, rules: tuple[RuleState, ...], sources: tuple[SourceState, ...], sinks: tuple[SinkState, ...], gaps: tuple[Gap, ...], now: datetime
) -> list[str]:
    found = []
    if state == "stalled":
        found.append(f"the watch (process {watcher['pid']}) gave no sign of life since {watcher['beat']:%Y-%m-%d %H:%M:%S} UTC")
    elif state != "running":
        found.append("no watch is running" if state == "stopped" else "no watch ran on this state yet")
    found += [f"rule {r.rule} is {r.state}: {r.reason}" for r in rules if r.state != "active"]
    found += [f"source {s.name} is {s.state}: {s.error}" for s in sources if s.state != "ok"]
    found += [f"source {s.name}: {s.quarantined:,} records could not be read and are in quarantine" for s in sources if s.quarantined]
    for sink in sinks:
        if sink.dead:
            found.append(f"sink {sink.name}: {sink.dead:,} messages were given up, the last because of: {sink.error}")
        elif sink.oldest is not None and now - sink.oldest > STALLED:
            found.append(f"sink {sink.name}: {sink.waiting:,} messages wait since {sink.oldest:%Y-%m-%d %H:%M} UTC: {sink.error or 'not tried yet'}")
    found += [f"rule {g.rule} did not look at {g.start:%Y-%m-%d %H:%M} to {g.end:%Y-%m-%d %H:%M} UTC: {g.reason}" for g in gaps]
    return found
