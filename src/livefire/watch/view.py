"""Alerts, incidents and the health of a watch as tables, lines and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from livefire.report.safe import safe_text
from livefire.report.tables import counted, iso, shown, table
from livefire.watch.records import Alert, AlertDetail, Announced, Exempt, Health, Incident, Page, RuleState
from livefire.watch.rules import Watched

if TYPE_CHECKING:
    from rich.table import Table

MARK = 12
_MOST_RULES = 15


def as_json(value: Any) -> Any:
    """Return records as JSON-able data."""
    return msgspec.to_builtins(value)


def alerts(page: Page[Alert]) -> Table:
    """Return one row an alert."""
    rows = [
        (
            a.fingerprint[:MARK],
            a.last or a.opened,
            a.severity,
            _status(a.status, a.verdict, a.suppressed, withdrawn=a.withdrawn),
            a.rule,
            a.title,
            a.actor,
            a.account,
        )
        for a in page.items
    ]
    return table(("alert", "time", "severity", "status", "rule", "title", "who", "account"), rows, width=60)


def _status(status: str, verdict: str, suppressed: str, *, withdrawn: bool) -> str:
    parts = [verdict.replace("_", " ") if status == "closed" else status]
    return ", ".join([*parts, *(["withdrawn"] if withdrawn else []), *(["not sent"] if suppressed else [])])


def incidents(page: Page[Incident]) -> Table:
    """Return one row an incident."""
    rows = [(i.id, i.last, i.severity, i.risk, i.verdict.replace("_", " ") or i.status, i.actor, i.account, i.alerts, i.title) for i in page.items]
    return table(("incident", "last event", "severity", "risk", "status", "who", "account", "alerts", "title"), rows, width=60)


def total(page: Page[Any], noun: str) -> str:
    """Return how many are shown of how many."""
    return counted(page.total, noun) if page.total == len(page.items) else f"{len(page.items):,} of {counted(page.total, noun)}"


def alert(detail: AlertDetail, events: Sequence[dict[str, Any]]) -> str:
    """Return an alert with its life and its events, as lines."""
    a = detail.alert
    lines = [f"{a.title}", f"  alert       {a.fingerprint}", f"  rule        {a.rule} ({a.language})", f"  severity    {a.severity}, risk {a.risk}"]
    lines.append(f"  status      {_status(a.status, a.verdict, a.suppressed, withdrawn=a.withdrawn)}{f': {a.reason}' if a.reason else ''}")
    if a.suppressed:
        lines.append(f"  not sent    {a.suppressed}")
    lines.append(f"  who         {a.actor or 'not told by an event'}{f' in {a.account}' if a.account else ''}")
    lines.append(f"  events      {a.events:,}, {_when(a.first)} to {_when(a.last)}; found {_when(a.opened)}")
    if a.incident is not None:
        lines.append(f"  incident    {a.incident}")
    lines += ["", "what the rule shows"] + [f"  {shown(k)} = {shown(v, 200)}" for k, v in a.row.items() if v not in (None, "")]
    lines += ["", "events"] + [f"  {e['source']}/{e['id']}: {shown(e['event'], 300)}" for e in events[:20]]
    if len(events) < a.events:
        lines.append(f"  the lake still has {len(events):,} of {a.events:,}")
    if detail.history:
        lines += ["", "history"] + [f"  {_when(m.at)} {m.who}: {m.before} to {m.after}{f', {m.reason}' if m.reason else ''}" for m in detail.history]
    if detail.deliveries:
        lines += ["", "sent"] + [
            f"  {d.sink}: {d.kind} {d.state}{f' {_when(d.sent)}' if d.sent else ''}{f', {d.error}' if d.error else ''}" for d in detail.deliveries
        ]
    return "\n".join(safe_text(line) for line in lines)


def exceptions(found: Sequence[Exempt]) -> Table:
    """Return one row an exception."""
    rows = [(e.id, e.rule, _scope(e), e.owner, e.reason, e.expires, e.hits) for e in found]
    return table(("exception", "rule", "scope", "owner", "reason", "until", "held for"), rows, width=60)


def windows(found: Sequence[Announced]) -> Table:
    """Return one row an announced work."""
    rows = [(w.id, w.name, w.ticket, _scope(w), w.start, w.end, w.hits) for w in found]
    return table(("work", "name", "ticket", "scope", "from", "to", "held for"), rows, width=60)


def _scope(one: Exempt | Announced) -> str:
    return ", ".join(f"{n} {v}" for n in ("actor", "account", "network", "resource") if (v := getattr(one, n))) or "everything"


def status(health: Health, now: datetime) -> str:
    """Return how a watch stands, problems first."""
    since = f", since {_when(health.started)}" if health.started and health.state == "running" else ""
    beat = f", last sign of life {int((now - health.beat).total_seconds())} s ago" if health.beat else ""
    lines = [f"watch       {health.state}{f' (process {health.pid})' if health.pid and health.state == 'running' else ''}{since}{beat}"]
    states = {s: sum(r.state == s for r in health.rules) for s in ("active", "failing", "disabled", "refused")}
    live = sum(r.mode == "live" and r.state == "active" for r in health.rules)
    running = f"{states['active']} active ({live} live, {states['active'] - live} scheduled)"
    lines.append(f"rules       {running}, {states['failing']} failing, {states['disabled']} disabled, {states['refused']} refused")
    lines.append(f"alerts      {health.alerts['new']:,} new, {health.alerts['triaged']:,} triaged, {health.alerts['closed']:,} closed")
    lines.append(f"incidents   {health.incidents['new']:,} new, {health.incidents['triaged']:,} triaged, {health.incidents['closed']:,} closed")
    lines.append(f"runs owed   {health.waiting:,}")
    for s in health.sources:
        counts = f"{counted(s.files, 'file')}, {s.records:,} records, {s.stored:,} stored, {s.quarantined:,} in quarantine"
        lines.append(f"source      {s.name} ({s.kind}) {s.state}: {counts}{f', last {_when(s.last)}' if s.last else ''}")
    lines += [f"sink        {k.name}: {k.sent:,} sent, {k.waiting:,} waiting, {k.dead:,} given up" for k in health.sinks]
    lines += ["", "problems"] + [f"  {p}" for p in health.problems] if health.problems else ["", "no problems"]
    recent = [n for n in health.notes if n.code != "E715"][:5]
    lines += ["", "lately"] + [f"  {_when(n.at)} {n.code} {n.subject}: {n.text}" for n in recent] if recent else []
    return "\n".join(safe_text(line) for line in lines)


def rules(found: Sequence[RuleState]) -> Table:
    """Return one row a rule, those that do not run first."""
    order = {"refused": 0, "disabled": 0, "failing": 0, "active": 1}
    rows = [
        (r.rule, r.language, r.schedule, r.state, r.last_run, f"{r.last_seconds:.2f}" if r.runs else "", r.runs, r.alerts, r.waiting, r.reason)
        for r in sorted(found, key=lambda r: (order.get(r.state, 0), r.rule))
    ]
    return table(("rule", "language", "schedule", "state", "last run", "s", "runs", "alerts", "owed", "reason"), rows, width=80)


def planned(found: Sequence[Watched]) -> str:
    """Return what a configuration's rules come to, those that are refused by name."""
    live, refused = sum(w.cadence.live and not w.refused for w in found), [w for w in found if w.refused]
    lines = [f"{counted(len(found), 'rule')}: {live} live, {len(found) - live - len(refused)} scheduled, {len(refused)} refused"]
    lines += [f"  refused  {w.name}: {w.refused}" for w in refused]
    lines += [f"  {w.name}: {w.restraint.text}, by the time of events" for w in found if w.restraint is not None]
    lines += [f"  {w.name}: not as its file says: {words}" for w in found for words in w.notes]
    lines += [f"  {w.name}: {d.code} {d.message}" for w in found if w.prepared is not None for d in w.prepared.diagnostics if d.severity == "warning"]
    if off := sum(w.called_off for w in found):
        lines.append(f"  {counted(off, 'rule')} that the file calls disabled run all the same; `skip` leaves them out")
    lines += [f"  {w.name}: {w.held}, and not sent" for w in found if w.held and not w.refused]
    usual = [w for w in found if not w.refused and not w.cadence.live and not w.cadence.stated]
    lines += [f"  {w.name}: {w.cadence.text}" for w in usual[:_MOST_RULES]]
    if len(usual) > _MOST_RULES:
        lines.append(f"  and {len(usual) - _MOST_RULES} more that state no schedule of their own")
    return "\n".join(safe_text(line) for line in lines)


def _when(moment: datetime | None) -> str:
    return iso(moment)[:19].replace("T", " ") if moment is not None else "not told"
