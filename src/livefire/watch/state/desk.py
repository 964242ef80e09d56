"""Where people work: alerts and incidents listed and moved, exceptions and announced work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import msgspec
import sqlalchemy as sa

from livefire.watch.faults import WatchError
from livefire.watch.records import SEVERITIES, STATUSES, VERDICTS, Alert, AlertDetail, Announced, Delivery, Exempt, Incident, Move, Page, Status, Verdict
from livefire.watch.state import tables as t
from livefire.watch.state.database import Database

_ALLOWED = {("new", "triaged"), ("new", "closed"), ("triaged", "closed"), ("closed", "triaged"), ("triaged", "new")}
_MOST = 1_000


class AlertFilter(msgspec.Struct, frozen=True):
    """Which alerts to list; what is empty does not count. `severity` is the least, `text` is looked for in title, rule, actor and account.

    `suppressed` and `withdrawn` None means both; `since` and `until` cut by when livefire opened the alert, [since, until).
    `order` is by that moment, by the time of the last event (an alert without one comes last) or by risk, the greatest first.
    """

    status: tuple[Status, ...] = ()
    severity: str = ""
    rule: str = ""
    actor: str = ""
    account: str = ""
    incident: int | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    suppressed: bool | None = None
    withdrawn: bool | None = False
    limit: int = 100
    offset: int = 0
    order: Literal["opened", "time", "risk"] = "opened"


class Desk:
    """Lists and moves what a watch found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # alerts

    def alerts(self, wanted: AlertFilter | None = None) -> Page[Alert]:
        """Return the alerts that a filter lets through, in its order, and how many there are."""
        wanted = wanted or AlertFilter()
        where = sa.and_(sa.true(), *_conditions(wanted))
        chosen = sa.select(t.alerts).where(where).order_by(*_order(wanted.order))
        with self._database.reading() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(t.alerts).where(where)).scalar_one()
            rows = connection.execute(chosen.limit(min(max(wanted.limit, 0), _MOST)).offset(max(wanted.offset, 0))).mappings().all()
        return Page(tuple(alert_of(row) for row in rows), int(total))

    def alert(self, fingerprint: str) -> AlertDetail:
        """Return an alert with its life; a beginning of its fingerprint is enough. WatchError E705 for none or several."""
        with self._database.reading() as connection:
            found = alert_of(_one(connection, fingerprint))
            about = found.fingerprint
            history = _moves(connection, "alert", about)
            sent = connection.execute(sa.select(t.outbox).where(t.outbox.c.fingerprint == about).order_by(t.outbox.c.id)).mappings()
            moments = connection.execute(sa.select(t.supports.c.moment).where(t.supports.c.fingerprint == about).order_by(t.supports.c.moment)).scalars()
            return AlertDetail(found, history, tuple(delivery_of(row) for row in sent), tuple(moments))

    def move(self, fingerprint: str, to: str, *, who: str, now: datetime, reason: str = "", verdict: str = "") -> Alert:
        """Move an alert between new, triaged and closed and return it; closing needs a verdict and a reason.

        WatchError E705 for an alert that is not there, E706 for a move that is not allowed.
        """
        _check_move(to, reason, verdict)
        with self._database.writing() as connection:
            row = _one(connection, fingerprint)
            _move(connection, t.alerts, t.alerts.c.fingerprint, "alert", row, to, who, now, reason, verdict)
            return alert_of(_one(connection, row["fingerprint"]))

    def feedback(self) -> tuple[dict[str, Any], ...]:
        """Return for each rule how many alerts are open and how many were closed with each verdict, the most false ones first."""
        counts = [sa.func.sum(sa.case((t.alerts.c.verdict == v, 1), else_=0)).label(v) for v in VERDICTS]
        still = sa.func.sum(sa.case((t.alerts.c.status != "closed", 1), else_=0)).label("open")
        chosen = sa.select(t.alerts.c.rule, sa.func.count().label("alerts"), still, *counts).group_by(t.alerts.c.rule)
        with self._database.reading() as connection:
            rows = [dict(row) for row in connection.execute(chosen).mappings()]
        return tuple(sorted(rows, key=lambda r: (-r["false_positive"], -r["alerts"], r["rule"])))

    # incidents

    def incidents(self, status: Iterable[str] = (), *, raised: bool | None = True, actor: str = "", limit: int = 100, offset: int = 0) -> Page[Incident]:
        """Return incidents, the latest first; `raised` None gives those below the thresholds too."""
        c = t.incidents.c
        parts: list[sa.ColumnElement[bool]] = [sa.true()]
        if states := tuple(status):
            parts.append(c.status.in_(states))
        if raised is not None:
            parts.append(c.raised == raised)
        if actor:
            parts.append(c.actor == actor)
        chosen = sa.select(t.incidents).where(*parts).order_by(c.last.desc(), c.id.desc()).limit(min(limit, _MOST)).offset(offset)
        with self._database.reading() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(t.incidents).where(*parts)).scalar_one()
            return Page(tuple(incident_of(row) for row in connection.execute(chosen).mappings()), int(total))

    def incident(self, number: int) -> tuple[Incident, tuple[Alert, ...], tuple[Move, ...]]:
        """Return an incident, its alerts by the time of their events, and its life; WatchError E705 where there is none."""
        with self._database.reading() as connection:
            found = incident_of(_incident(connection, number))
            c = t.alerts.c
            rows = connection.execute(sa.select(t.alerts).where(c.incident == number).order_by(c.first, c.fingerprint)).mappings()
            return found, tuple(alert_of(row) for row in rows), _moves(connection, "incident", str(number))

    def move_incident(self, number: int, to: str, *, who: str, now: datetime, reason: str = "", verdict: str = "") -> Incident:
        """Move an incident; its alerts that are not closed go with it. WatchError E705 or E706 as for alerts."""
        _check_move(to, reason, verdict)
        with self._database.writing() as connection:
            row = _incident(connection, number)
            _move(connection, t.incidents, t.incidents.c.id, "incident", row, to, who, now, reason, verdict)
            c = t.alerts.c
            for alert in connection.execute(sa.select(t.alerts).where(c.incident == number, c.status != "closed", c.status != to)).mappings().all():
                _move(connection, t.alerts, c.fingerprint, "alert", alert, to, who, now, reason, verdict)
            return incident_of(_incident(connection, number))

    # what is kept and not sent

    def except_(
        self,
        rule: str,
        *,
        owner: str,
        reason: str,
        expires: datetime,
        now: datetime,
        actor: str = "",
        account: str = "",
        network: str = "",
        resource: str = "",
    ) -> Exempt:
        """Except findings of a rule (a name or pattern) within a scope until a moment; they are kept and counted, and not sent.

        WatchError E712 without a scope, an owner or a reason, or when it has ended already.
        """
        if not (actor or account or network or resource):
            raise WatchError("E712", "an exception needs a scope: an actor, account, network or resource; to end a rule take it out of the configuration")
        if not (rule and owner.strip() and reason.strip()):
            raise WatchError("E712", "an exception needs a rule, an owner and a reason")
        if expires <= now:
            raise WatchError("E712", f"the exception would have ended at {expires:%Y-%m-%d %H:%M} already")
        values = {"rule": rule, "actor": actor, "account": account, "network": network, "resource": resource, "owner": owner, "reason": reason}
        with self._database.writing() as connection:
            made = connection.execute(t.exceptions.insert().values(**values, created=now, expires=expires, hits=0, ended=False))
            number = (made.inserted_primary_key or (0,))[0]
            return _exempt(connection.execute(sa.select(t.exceptions).where(t.exceptions.c.id == number)).mappings().one())

    def exceptions(self, *, ended: bool = False) -> tuple[Exempt, ...]:
        """Return the exceptions, with `ended` also those that were ended."""
        chosen = sa.select(t.exceptions).order_by(t.exceptions.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(chosen if ended else chosen.where(sa.not_(t.exceptions.c.ended))).mappings().all()
        return tuple(_exempt(row) for row in rows)

    def end_exception(self, number: int) -> None:
        """End an exception now; WatchError E705 where there is none."""
        with self._database.writing() as connection:
            done = connection.execute(t.exceptions.update().where(t.exceptions.c.id == number).values(ended=True))
            if not done.rowcount:
                raise WatchError("E705", f"there is no exception {number}")

    def announce(
        self, name: str, *, start: datetime, end: datetime, ticket: str = "", actor: str = "", account: str = "", network: str = "", resource: str = ""
    ) -> Announced:
        """Announce work from `start` to `end`; alerts of events within it and within the scope are kept and not sent. WatchError E712 for a bad time."""
        if not name.strip() or end <= start or end - start > timedelta(days=31):
            raise WatchError("E712", "announced work needs a name, and an end after its start by at most 31 days")
        values = {"name": name, "start": start, "end": end, "ticket": ticket, "actor": actor, "account": account, "network": network, "resource": resource}
        with self._database.writing() as connection:
            made = connection.execute(t.windows.insert().values(**values, hits=0))
            number = (made.inserted_primary_key or (0,))[0]
            return _announced(connection.execute(sa.select(t.windows).where(t.windows.c.id == number)).mappings().one())

    def windows(self) -> tuple[Announced, ...]:
        """Return all announced work, the latest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(t.windows).order_by(t.windows.c.start.desc())).mappings().all()
        return tuple(_announced(row) for row in rows)


def alert_of(row: Any) -> Alert:
    """Return an alert of its row."""
    return Alert(**{**_fields(Alert, row), "evidence": tuple(row["evidence"])})


def incident_of(row: Any) -> Incident:
    """Return an incident of its row."""
    return Incident(**_fields(Incident, row))


def delivery_of(row: Any) -> Delivery:
    """Return a delivery of its row."""
    return Delivery(**_fields(Delivery, row))


def _exempt(row: Any) -> Exempt:
    return Exempt(**_fields(Exempt, row))


def _announced(row: Any) -> Announced:
    return Announced(**_fields(Announced, row))


def _fields(kind: type[msgspec.Struct], row: Any) -> dict[str, Any]:
    return {name: row[name] for name in kind.__struct_fields__}


def _moves(connection: sa.Connection, kind: str, subject: str) -> tuple[Move, ...]:
    chosen = sa.select(t.moves).where(t.moves.c.kind == kind, t.moves.c.subject == subject).order_by(t.moves.c.id)
    return tuple(Move(**_fields(Move, row)) for row in connection.execute(chosen).mappings())


def _one(connection: sa.Connection, fingerprint: str) -> Any:
    wanted = fingerprint.strip().lower()
    if len(wanted) < 4 or any(c not in "0123456789abcdef" for c in wanted):
        raise WatchError("E705", f"{fingerprint[:80]!r} is no fingerprint: four or more of its hexadecimal digits")
    chosen = sa.select(t.alerts).where(t.alerts.c.fingerprint.startswith(wanted, autoescape=True)).limit(2)
    found = connection.execute(chosen).mappings().all()
    if len(found) != 1:
        raise WatchError("E705", f"{'no alert begins' if not found else 'several alerts begin'} with {wanted}; `livefire alerts list` shows them")
    return found[0]


def _incident(connection: sa.Connection, number: int) -> Any:
    found = connection.execute(sa.select(t.incidents).where(t.incidents.c.id == number)).mappings().first()
    if found is None:
        raise WatchError("E705", f"there is no incident {number}")
    return found


def _check_move(to: str, reason: str, verdict: str) -> None:
    if to not in STATUSES:
        raise WatchError("E706", f"{to!r} is no state of an alert; there are {', '.join(STATUSES)}")
    if to == "closed" and (verdict not in VERDICTS or not reason.strip()):
        raise WatchError("E706", f"closing needs a reason and a verdict: {', '.join(VERDICTS)}")


def _move(
    connection: sa.Connection, table: sa.Table, key: sa.Column[Any], kind: str, row: Any, to: str, who: str, now: datetime, reason: str, verdict: str
) -> None:
    before = cast(str, row["status"])
    if (before, to) not in _ALLOWED:
        raise WatchError("E706", f"it is {before} already" if before == to else f"what is {before} cannot become {to}")
    said = cast(Verdict, verdict if to == "closed" else "")
    connection.execute(table.update().where(key == row[key.name]).values(status=to, verdict=said, reason=reason, changed=now))
    entry = {"kind": kind, "subject": str(row[key.name]), "at": now, "who": who, "before": before, "after": to}
    connection.execute(t.moves.insert().values(**entry, reason=f"{said}: {reason}" if said else reason))


def _order(order: str) -> list[sa.ColumnElement[Any]]:
    c = t.alerts.c
    by_time = [c.last.desc().nulls_last(), c.fingerprint]
    return {"time": by_time, "risk": [c.risk.desc(), *by_time]}.get(order, [c.opened.desc(), c.fingerprint])


def _conditions(wanted: AlertFilter) -> list[sa.ColumnElement[bool]]:
    c = t.alerts.c
    parts: list[sa.ColumnElement[bool]] = []
    if wanted.status:
        parts.append(c.status.in_(wanted.status))
    if wanted.severity:
        if wanted.severity not in SEVERITIES:
            raise WatchError("E705", f"{wanted.severity!r} is no severity; there are {', '.join(SEVERITIES)}")
        parts.append(c.rank >= SEVERITIES.index(wanted.severity))
    parts += [c[name] == value for name in ("rule", "actor", "account") if (value := getattr(wanted, name))]
    if wanted.incident is not None:
        parts.append(c.incident == wanted.incident)
    if wanted.text:
        parts.append(sa.or_(*(c[n].icontains(wanted.text, autoescape=True) for n in ("title", "rule", "actor", "account", "fingerprint"))))
    if wanted.since is not None:
        parts.append(c.opened >= wanted.since)
    if wanted.until is not None:
        parts.append(c.opened < wanted.until)
    if wanted.suppressed is not None:
        parts.append((c.suppressed != "") if wanted.suppressed else (c.suppressed == ""))
    if wanted.withdrawn is not None:
        parts.append(c.withdrawn == wanted.withdrawn)
    return parts
