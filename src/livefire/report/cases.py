"""Alerts, their risk, and cases, as text and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from livefire.detections.advice import Advice
from livefire.detections.alerts import Alert
from livefire.detections.baseline_files import Kept
from livefire.detections.inventory import Machine
from livefire.detections.investigation import Case
from livefire.detections.risk import Scored
from livefire.detections.triage import Triage, span_days
from livefire.report.safe import safe_markdown, safe_text
from livefire.report.tables import iso, plain, table

if TYPE_CHECKING:
    from rich.table import Table


def alerts(found: Triage) -> Table:
    """Return one row an alert, by time."""
    rows = [(a.start, a.severity, a.risk, a.actor, a.title, len(a.members), len(a.chains)) for a in found.alerts]
    return table(("time", "severity", "risk", "who", "why", "findings", "chains"), rows, width=150)


def totals(found: Triage) -> str:
    """Return the counts in words: findings, alerts, how many a day, what was excepted or lowered."""
    days = max(span_days(found), 1.0)
    text = f"{len(found.scored):,} findings and {len(found.chains):,} chains come to {len(found.alerts):,} alerts, {len(found.alerts) / days:.1f} a day"
    if found.excepted:
        owners = Counter(f"{s.excepted.owner} until {s.excepted.expires}" for s in found.excepted if s.excepted)
        text += f"\nexcepted: {len(found.excepted):,} findings ({', '.join(f'{n} by {o}' for o, n in owners.most_common(5))})"
    if found.lowered:
        windows = Counter(f"{s.window.name} ({s.window.ticket})" for s in found.lowered if s.window)
        text += f"\nlowered in announced work: {len(found.lowered):,} findings ({', '.join(f'{n} in {w}' for w, n in windows.most_common(5))})"
    return text


def reasons(one: Scored) -> str:
    """Return what a risk is made of: `30 +15 no second factor = 45`."""
    return f"{one.base}" + "".join(f" {add:+d} {when}" for when, add in one.reasons) + f" = {one.risk}"


def alerts_json(found: Triage) -> dict[str, Any]:
    """Return alerts with their members as JSON-able data."""
    return {"alerts": [_alert(a) for a in found.alerts], "findings": len(found.scored), "chains": len(found.chains), "excepted": len(found.excepted)}


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "time": iso(alert.start),
        "actor": alert.actor,
        "account": alert.account,
        "why": alert.why,
        "title": alert.title,
        "risk": alert.risk,
        "severity": alert.severity,
        "findings": [{"detection": s.id, "time": iso(s.time), "risk": s.risk, "made_of": reasons(s), "fingerprint": s.fingerprint} for s in alert.members],
        "chains": [{"chain": c.chain.id, "time": iso(c.time), "fingerprint": c.fingerprint} for c in alert.chains],
        "evidence": list(alert.evidence),
    }


def case_text(case: Case) -> str:
    """Return a case as Markdown, to be kept and added to; what the log says is text in it, and nothing else."""
    finding, told = case.finding, safe_markdown
    lines = [f"# {finding.title}", "", f"{finding.detection}, {finding.severity}, {iso(finding.time) if finding.time else ''}, {finding.fingerprint[:12]}", ""]
    lines += ["## Who and from where", "", *(f"- {told(p)}" for p in case.principals), *(f"- from {told(a)}" for a in case.addresses), ""]
    lines += ["## Timeline", ""]
    lines += [
        f"- {iso(a.time)} {told(a.action)}{'' if a.done else ' (refused)'} by {told(a.actor)} from {told(a.address)}: {', '.join(map(told, a.resources))}"
        for a in case.timeline
    ]
    reached = (*case.resources, *(r for r in case.reached if r not in case.resources))
    lines += ["", "## Blast radius", "", *(f"- {told(r)}" for r in reached), ""]
    lines += ["## Preserve first", "", *_numbered(case.preserve), "", "## Then contain", "", *_numbered(case.contain), ""]
    for answer in case.answers:
        asked = ", ".join(f"{name} {told(value)}" for name, value in answer.values)
        lines += [f"## {answer.question.title}", "", f"Asked for {asked or 'everything'}.", ""]
        if answer.refused:
            lines += [f"Not asked: {told(answer.refused)}"]
        else:
            lines += [f"- {' · '.join(told(str(plain(v))) for v in r.values() if v)}" for r in answer.rows[:50]]
        lines += [f"- and {len(answer.rows) - 50:,} more"] if len(answer.rows) > 50 else []
        lines.append("")
    return "\n".join(lines)


def _numbered(steps: Sequence[str]) -> list[str]:
    return [f"{number}. {safe_markdown(step)}" for number, step in enumerate(steps, 1)] or ["Nothing of it is known by name."]


def case_json(case: Case) -> dict[str, Any]:
    """Return a case as JSON-able data."""
    return {
        "detection": case.finding.detection,
        "fingerprint": case.finding.fingerprint,
        "start": iso(case.start),
        "end": iso(case.end),
        "principals": list(case.principals),
        "addresses": list(case.addresses),
        "resources": list(case.resources),
        "reached": list(case.reached),
        "timeline": [{"time": iso(a.time), "action": a.action, "actor": a.actor, "done": a.done, "resources": list(a.resources)} for a in case.timeline],
        "preserve": list(case.preserve),
        "contain": list(case.contain),
        "answers": [{"question": a.question.title, "values": dict(a.values), "rows": plain(list(a.rows)), "refused": a.refused} for a in case.answers],
    }


def advice_text(advice: Advice, today: date, days: float) -> str:
    """Return advice on a detection as lines: how often, because of whom, and the exception to write."""
    a_day = advice.findings / max(days, 1.0)
    lines = [f"{advice.detection}: {advice.findings:,} findings in {days:.0f} days ({a_day:.2f} a day), {advice.alerting:,} of them of alerting risk"]
    if advice.days:
        worst, most = max(advice.days.items(), key=lambda d: (d[1], d[0]))
        lines.append(f"on {len(advice.days)} days; most on {worst}: {most:,}")
    for what, counts in advice.contributors.items():
        shown = ", ".join(f"{safe_text(name)} {count:,}" for name, count in counts.most_common(5))
        lines.append(f"  by {what}: {shown or 'nothing known'}")
    best = advice.best
    if best is None:
        return "\n".join([*lines, "no exception takes anything away without losing a true finding"])
    lines.append(f"the exception below takes away {best.findings:,} findings, {best.alerting:,} of alerting risk, and loses no finding known to be true")
    if not advice.told_true:
        lines.append("nothing was said of what is true (--truth FILE): look at the findings before you write it")
    if not best.tied:
        lines.append("it holds wherever the identity comes from: one that is taken over would be excepted too")
    return "\n".join([*lines, "", advice.written(best, today)])


def advice_json(advice: Advice, today: date) -> dict[str, Any]:
    """Return advice as JSON-able data."""
    best = advice.best
    return {
        "detection": advice.detection,
        "findings": advice.findings,
        "alerting": advice.alerting,
        "days": {day.isoformat(): count for day, count in sorted(advice.days.items())},
        "contributors": {what: dict(counts.most_common(10)) for what, counts in advice.contributors.items()},
        "best": {"removes": best.findings, "removes_alerting": best.alerting, "lost": best.lost, "toml": advice.written(best, today)} if best else None,
    }


def baseline(kept: Kept, who: str | None) -> Table:
    """Return what is known of the identities that contain a text, or else the newest things of all."""
    lines = [(key, one) for key, one in kept.baseline.seen.items() if who is None or who in key[2] or who in key[3]]
    lines.sort(key=lambda line: line[1].first, reverse=True)
    rows = [(one.first, one.last, one.days, one.count, kind, actor or account, value) for (kind, account, actor, value), one in lines[:200]]
    return table(("first", "last", "days", "events", "kind", "of", "value"), rows, width=150)


def baseline_totals(kept: Kept) -> str:
    """Return the counts in words."""
    counts = Counter(kind for kind, *_ in kept.baseline.seen)
    began = ", ".join(f"{account} since {iso(since)}" for account, since in kept.baseline.begins.items())
    version = f"version {kept.version}" if kept.version else "not kept (--keep keeps it)"
    return f"{version}, learnt for {iso(kept.built)}: " + ", ".join(f"{n:,} {kind}" for kind, n in counts.most_common()) + f"\n{began}"


def baseline_json(kept: Kept, who: str | None) -> dict[str, Any]:
    """Return a baseline as JSON-able data."""
    names = ("kind", "account", "actor", "value")
    seen = [
        {**dict(zip(names, key, strict=True)), "first": iso(one.first), "last": iso(one.last), "days": one.days, "events": one.count}
        for key, one in sorted(kept.baseline.seen.items())
        if who is None or who in key[2] or who in key[3]
    ]
    return {"version": kept.version, "built": iso(kept.built), "begins": {a: iso(t) for a, t in kept.baseline.begins.items()}, "seen": seen}


def inventory(machines: Sequence[Machine]) -> Table:
    """Return one row a machine."""
    rows = [(m.name, m.account, m.made, m.maker, m.changes, m.changed, m.change, m.changer, m.gone) for m in machines]
    return table(("machine", "account", "made", "by", "changes", "last", "what", "who", "gone"), rows, width=170)


def inventory_json(machines: Sequence[Machine]) -> list[dict[str, Any]]:
    """Return machines as JSON-able data."""
    return [{k: plain(v) for k, v in asdict(m).items()} for m in machines]
