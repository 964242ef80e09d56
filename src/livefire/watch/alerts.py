"""From what rules found to alerts: one for the same act however often it is found, grouped into incidents, excepted where people said so.

A fingerprint depends on the events alone, never on their order, on how often they came, or on when they were looked at.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from livefire.detections.evidence import acts_of, completing, fingerprint
from livefire.detections.finding import row_fingerprint, row_time
from livefire.detections.runner import Bench, Outcome
from livefire.detections.tuning import Scope
from livefire.logsources.acts import Act
from livefire.watch.config import AnySink, Config, least
from livefire.watch.records import SEVERITIES
from livefire.watch.rules import Watched
from livefire.watch.spans import span
from livefire.watch.state import tables as t
from livefire.watch.state.ledger import Owed
from livefire.watch.state.outbox import Outbox

MOST_EVIDENCE = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 400


@dataclass(frozen=True)
class Judged:
    """One thing a rule found. `act` completes it, None where no event tells."""

    fingerprint: str
    rule: str
    title: str
    severity: str
    risk: int
    language: str
    first: datetime | None
    last: datetime | None
    act: Act | None
    evidence: tuple[str, ...]
    row: dict[str, Any]
    held: str = ""


def judge(watched: Watched, outcome: Outcome, bench: Bench, suppress: Sequence[tuple[str, timedelta]] = ()) -> list[Judged]:
    """Return what an outcome found, each thing once, by fingerprint; of several rows on one thing the one with most evidence."""
    acts = acts_of((name for events in outcome.evidence for name in events), bench)
    found: dict[str, Judged] = {}
    for row, events in zip(outcome.rows, outcome.evidence, strict=True):
        one = _suppressed(_judged(watched, row, events, acts), watched, row, suppress)
        before = found.get(one.fingerprint)
        found[one.fingerprint] = one if before is None else _together(before, one)
    return [found[mark] for mark in sorted(found)]


def _judged(watched: Watched, row: dict[str, Any], events: Sequence[str], acts: Mapping[str, Act]) -> Judged:
    card = watched.card
    act = completing(events, acts, card.finding)
    times = [acts[e].time for e in events if e in acts]
    last = max(times, default=row_time(row))
    if not events or (act is None and watched.keys is None):
        mark = row_fingerprint(card.id, row) if not events else fingerprint(card.id, events, acts, card.finding)
    elif watched.keys is not None and last is not None:
        mark = _group(card.id, [row.get(k) for k in watched.keys], last)
    else:
        mark = fingerprint(card.id, events, acts, card.finding)
    plain = json.loads(json.dumps(row, default=_text))
    first = min(times, default=last)
    return Judged(mark, card.id, card.title, card.severity, watched.risk, watched.rule.language, first, last, act, tuple(events), plain, watched.held)


def _group(rule: str, values: Sequence[Any], last: datetime) -> str:
    """Return what tells a group of an aggregation apart: its keys and the day of its last event, so that a growing group stays the same."""
    return hashlib.sha256("\n".join((rule, "group", json.dumps(values, default=_text), f"{last:%Y-%m-%d}")).encode()).hexdigest()


def _text(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) and value.tzinfo else str(value)


def _suppressed(one: Judged, watched: Watched, row: Mapping[str, Any], suppress: Sequence[tuple[str, timedelta]]) -> Judged:
    """Return a finding under the fingerprint that suppression gives: what tells findings apart, and the stretch of time it falls into.

    The configuration goes before what the rule's file says.
    """
    who = (one.act.account, one.act.actor) if one.act is not None else ()
    within = next((w for pattern, w in suppress if fnmatch.fnmatchcase(one.rule, pattern)), None)
    key: tuple[str, ...] | None = who or None
    if within is None and watched.restraint is not None:
        within, group = watched.restraint.within, [row.get(k) for k in watched.keys] if watched.keys is not None else who
        key = watched.restraint.key(row, group)
    if within is None or one.last is None or key is None:
        return one
    parts = (one.rule, "within", str(within), *key, str((one.last - _EPOCH) // within))
    return replace(one, fingerprint=hashlib.sha256("\n".join(parts).encode()).hexdigest())


def _together(one: Judged, other: Judged) -> Judged:
    """Return two findings of the same fingerprint as one; which comes first does not matter."""
    more = max(one, other, key=lambda j: (len(j.evidence), json.dumps(j.row, sort_keys=True)))
    times = [m for j in (one, other) for m in (j.first, j.last) if m is not None]
    return replace(more, evidence=tuple(sorted({*one.evidence, *other.evidence})), first=min(times, default=None), last=max(times, default=None))


class Alerting:
    """Keeps alerts: what is found once, twice, or no longer, and whom it is sent to."""

    def __init__(self, config: Config, outbox: Outbox) -> None:
        self._outbox = outbox
        self._sinks: tuple[AnySink, ...] = config.sink
        self._group = span(config.alerts.group)
        self._raise_rank, self._raise_risk = least(config.alerts.raise_severity), config.alerts.raise_risk
        self.suppress = tuple((s.rule, span(s.within)) for s in config.alerts.suppress)

    def keep(self, connection: sa.Connection, found: Sequence[Judged], now: datetime) -> int:
        """Keep what was found and queue what is new for the sinks; return how many alerts are new."""
        known = _known(connection, [j.fingerprint for j in found])
        scopes = _Scopes(connection) if len(known) < len(found) else None
        incidents: set[int] = set()
        fresh = 0
        for one in found:
            before = known.get(one.fingerprint)
            if before is None and scopes is not None:
                incident = self._open(connection, one, one.held or scopes.reason(one), now)
                fresh += 1
            else:
                incident = self._again(connection, one, before, now)
            if incident is not None:
                incidents.add(incident)
        for number in sorted(incidents):
            self._weigh(connection, number, now)
        return fresh

    def support(self, connection: sa.Connection, owed: Owed, found: Sequence[Judged], now: datetime) -> None:
        """Note which alerts a moment of a rule finds now; an alert that no moment finds any more is withdrawn."""
        c = t.supports.c
        here = (c.rule == owed.rule, c.moment == owed.moment)
        before = set(connection.execute(sa.select(c.fingerprint).where(*here)).scalars())
        after = {j.fingerprint for j in found}
        if fresh := sorted(after - before):
            connection.execute(t.supports.insert(), [{"rule": owed.rule, "moment": owed.moment, "fingerprint": f} for f in fresh])
        for mark in sorted(before - after):
            connection.execute(t.supports.delete().where(*here, c.fingerprint == mark))
            if connection.execute(sa.select(c.moment).where(c.fingerprint == mark).limit(1)).first() is None:
                self._withdraw(connection, mark, now)

    def supported(self, connection: sa.Connection, owed: Sequence[Owed]) -> list[Owed]:
        """Return those of some runs whose moments found alerts before."""
        c = t.supports.c
        found: list[Owed] = []
        for rule in sorted({o.rule for o in owed}):
            mine = {o.moment: o for o in owed if o.rule == rule}
            chosen = sa.select(c.moment).where(c.rule == rule, c.moment.between(min(mine), max(mine))).distinct()
            found += [mine[m] for m in connection.execute(chosen).scalars() if m in mine]
        return found

    def tell(self, connection: sa.Connection, kind: str, key: str, body: Mapping[str, Any], severity: str, fingerprint: str, now: datetime) -> None:
        """Queue a message for every sink that wants things of that severity."""
        rank = least(severity)
        names = [s.name for s in self._sinks if rank >= least(s.severity) and (s.incidents or not kind.startswith("incident."))]
        mark = hashlib.sha256(key.encode()).hexdigest()
        self._outbox.put(connection, names, kind, mark, fingerprint, {"kind": kind, "key": mark, **body}, now)

    def _open(self, connection: sa.Connection, one: Judged, suppressed: str, now: datetime) -> int | None:
        incident = None if suppressed else self._incident(connection, one, now)
        actor, account = (one.act.actor, one.act.account) if one.act else ("", "")
        values: dict[str, Any] = {
            "fingerprint": one.fingerprint, "rule": one.rule, "title": one.title, "severity": one.severity, "risk": one.risk, "actor": actor,
            "account": account, "incident": incident, "first": one.first, "last": one.last, "opened": now, "suppressed": suppressed, "language": one.language,
            "events": len(one.evidence), "evidence": list(one.evidence[:MOST_EVIDENCE]), "row": one.row,
        }  # fmt: skip
        plain = {"rank": SEVERITIES.index(one.severity), "status": "new", "verdict": "", "reason": "", "changed": now, "seen": 1, "withdrawn": False}
        connection.execute(t.alerts.insert().values(**values, **plain))
        if not suppressed:
            self.tell(connection, "alert.opened", f"alert.opened:{one.fingerprint}", _shown(values), one.severity, one.fingerprint, now)
        return incident

    def _again(self, connection: sa.Connection, one: Judged, before: Any, now: datetime) -> int | None:
        evidence = sorted({*before["evidence"], *one.evidence})
        c = t.alerts.c
        if before["withdrawn"]:
            connection.execute(t.alerts.update().where(c.fingerprint == one.fingerprint).values(withdrawn=False, changed=now))
            self._move(connection, one.fingerprint, "withdrawn", before["status"], "found again", now)
            body = {"fingerprint": one.fingerprint, "rule": one.rule, "title": one.title, "severity": one.severity}
            self.tell(connection, "alert.restored", f"alert.restored:{one.fingerprint}:{before['seen']}", body, one.severity, one.fingerprint, now)
        more = max(before["events"], len(evidence))
        if more == before["events"] and evidence[:MOST_EVIDENCE] == before["evidence"]:
            return int(before["incident"]) if before["withdrawn"] and before["incident"] is not None else None
        times = [m for m in (before["first"], before["last"], one.first, one.last) if m is not None]
        values: dict[str, Any] = {"evidence": evidence[:MOST_EVIDENCE], "events": more, "first": min(times, default=None), "last": max(times, default=None)}
        better = (len(one.evidence), json.dumps(one.row, sort_keys=True)) > (before["events"], json.dumps(before["row"], sort_keys=True))
        row = {"row": one.row} if better else {}
        connection.execute(t.alerts.update().where(c.fingerprint == one.fingerprint).values(**values, **row, seen=c.seen + 1, changed=now))
        return int(before["incident"]) if before["incident"] is not None else None

    def _withdraw(self, connection: sa.Connection, mark: str, now: datetime) -> None:
        row = connection.execute(sa.select(t.alerts).where(t.alerts.c.fingerprint == mark)).mappings().first()
        if row is None or row["withdrawn"]:
            return
        c = t.alerts.c
        connection.execute(t.alerts.update().where(c.fingerprint == mark).values(withdrawn=True, changed=now, seen=c.seen + 1))
        self._move(connection, mark, row["status"], "withdrawn", "late events showed that the rule does not find it", now)
        if not row["suppressed"]:
            body = {"fingerprint": mark, "rule": row["rule"], "title": row["title"], "severity": row["severity"]}
            self.tell(connection, "alert.withdrawn", f"alert.withdrawn:{mark}:{row['seen']}", body, row["severity"], mark, now)
        if row["incident"] is not None:
            self._weigh(connection, row["incident"], now)

    def _move(self, connection: sa.Connection, mark: str, before: str, after: str, reason: str, now: datetime) -> None:
        entry = {"kind": "alert", "subject": mark, "at": now, "who": "livefire", "before": before, "after": after, "reason": reason}
        connection.execute(t.moves.insert().values(**entry))

    # incidents

    def _incident(self, connection: sa.Connection, one: Judged, now: datetime) -> int | None:
        """Return the incident that a finding belongs to, that of its actor and stretch of time; one is made if need be."""
        if one.act is None or not one.act.actor or one.first is None:
            return None
        stretch = (one.first - _EPOCH) // self._group
        key = hashlib.sha256("\n".join((one.act.account, one.act.actor, str(self._group), str(stretch))).encode()).hexdigest()
        c = t.incidents.c
        found = connection.execute(sa.select(c.id).where(c.key == key)).scalar()
        if found is not None:
            return int(found)
        values = {"key": key, "actor": one.act.actor, "account": one.act.account, "title": one.title, "severity": one.severity, "rank": 0, "risk": 0}
        times = {"first": one.first, "last": one.last or one.first, "opened": now, "changed": now}
        made = connection.execute(t.incidents.insert().values(**values, **times, status="new", verdict="", reason="", raised=False, alerts=0))
        return int((made.inserted_primary_key or (0,))[0])

    def _weigh(self, connection: sa.Connection, number: int, now: datetime) -> None:
        """Give an incident the sum of its alerts; it is raised once they come to a threshold, and reopened by what joins it later."""
        before = connection.execute(sa.select(t.incidents).where(t.incidents.c.id == number)).mappings().one()
        a = t.alerts.c
        rows = connection.execute(
            sa.select(a.rule, a.title, a.severity, a.rank, a.risk, a.first, a.last).where(a.incident == number, sa.not_(a.withdrawn))
        ).all()
        by_rule: dict[str, int] = {}
        for row in rows:
            by_rule[row.rule] = max(by_rule.get(row.rule, 0), row.risk)
        worst = max(rows, key=lambda r: (r.rank, r.risk, r.title), default=None)
        if worst is None:
            connection.execute(t.incidents.update().where(t.incidents.c.id == number).values(alerts=0, risk=0, raised=False, changed=now))
            return
        risk, raised = min(100, sum(by_rule.values())), bool(before["raised"])
        crossed = worst.rank >= self._raise_rank or risk >= self._raise_risk
        values: dict[str, Any] = {
            "title": worst.title,
            "severity": worst.severity,
            "rank": worst.rank,
            "risk": risk,
            "alerts": len(rows),
            "raised": raised or crossed,
        }
        values |= {"first": min(r.first for r in rows), "last": max(r.last for r in rows), "changed": now}
        if before["status"] == "closed" and len(rows) > before["alerts"]:
            values |= {"status": "new", "verdict": "", "reason": ""}
            entry = {"kind": "incident", "subject": str(number), "at": now, "who": "livefire", "before": "closed", "after": "new"}
            connection.execute(t.moves.insert().values(**entry, reason="a new alert joined it"))
        connection.execute(t.incidents.update().where(t.incidents.c.id == number).values(**values))
        if crossed and not raised:
            body = {"incident": number, "actor": before["actor"], "account": before["account"], "title": worst.title, "severity": worst.severity, "risk": risk}
            self.tell(connection, "incident.opened", f"incident.opened:{before['key']}", {**body, "alerts": len(rows)}, worst.severity, "", now)


class _Scopes:
    """What people excepted or announced, asked for each new alert; what holds is counted."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._exceptions = connection.execute(sa.select(t.exceptions).where(sa.not_(t.exceptions.c.ended))).mappings().all()
        self._windows = connection.execute(sa.select(t.windows)).mappings().all()

    def reason(self, one: Judged) -> str:
        """Return which exception or announced work holds for a finding, empty for none; its count goes up."""
        if one.act is None:
            return ""
        for row in self._exceptions:
            if one.act.time <= row["expires"] and fnmatch.fnmatchcase(one.rule, row["rule"]) and _scope(row).holds(one.act):
                return self._hit(t.exceptions, row, f"exception {row['id']}: {row['reason']}")
        for row in self._windows:
            if row["start"] <= one.act.time <= row["end"] and _scope(row).holds(one.act):
                return self._hit(t.windows, row, f"announced work {row['id']}: {row['name']}")
        return ""

    def _hit(self, table: sa.Table, row: Any, words: str) -> str:
        self._connection.execute(table.update().where(table.c.id == row["id"]).values(hits=table.c.hits + 1))
        return words


def _scope(row: Any) -> Scope:
    return Scope(row["actor"], row["account"], row["network"], row["resource"])


def _known(connection: sa.Connection, marks: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at in range(0, len(marks), _AT_ONCE):
        chosen = sa.select(t.alerts).where(t.alerts.c.fingerprint.in_(marks[at : at + _AT_ONCE]))
        found |= {row["fingerprint"]: row for row in connection.execute(chosen).mappings()}
    return found


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alert as messages hold it: times as ISO 8601."""
    return {k: _text(v) if isinstance(v, datetime) else v for k, v in values.items() if k != "suppressed"}


def overflow(watched: Watched, found: Iterable[Judged], most: int, moment: datetime) -> list[Judged]:
    """Return at most so many findings of one run, by fingerprint, and one more that says exactly how many there were."""
    listed = list(found)
    if len(listed) <= most:
        return listed
    mark = hashlib.sha256(f"{watched.card.id}\noverflow\n{moment:%Y-%m-%dT%H}".encode()).hexdigest()
    title = f"{watched.card.title}: {len(listed):,} findings in one run, of which {most:,} are alerts"
    times = [j.last for j in listed if j.last is not None]
    row = {"findings": len(listed), "kept": most, "moment": _text(moment)}
    more = Judged(mark, watched.card.id, title, "high", watched.risk, watched.rule.language, min(times, default=None), max(times, default=None), None, (), row)
    return [*listed[:most], more]
