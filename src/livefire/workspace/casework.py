"""What people do with what was found: the queue, an alert with its events, an incident, an exception with its effect, a case."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from livefire.diagnostics import Diagnostic, QueryError
from livefire.workspace.bench import Benching
from livefire.workspace.clock import present

if TYPE_CHECKING:
    from livefire.detections.baseline import Baseline
    from livefire.detections.detection import Detection
    from livefire.detections.finding import Finding
    from livefire.detections.triage import Triage
    from livefire.watch.records import Alert
    from livefire.watch.state import State

_MOST = 1000
_MOST_ACTS = 300
_MOST_ACTORS = 4
_AROUND = timedelta(days=1)
_BUDGET = 600.0
_SCOPE = ("actor", "account", "network", "resource")


class Casework(Benching):
    """The desk of whoever answers alerts."""

    _chained: tuple[object, list[dict[str, Any]]] | None = None

    def desk_state(self) -> State | None:
        """Return the state of the watch over this lake, None where none ever ran."""
        from livefire.watch.faults import WatchError

        if self._lake is None and self._lake_path is None:
            return None
        try:
            return self._opened
        except WatchError as fault:
            if fault.code == "E703":
                return None
            raise QueryError([Diagnostic("error", fault.code, str(fault))]) from fault

    @property
    def _opened(self) -> State:
        known = cast("State | None", self.__dict__.get("_known_state"))
        if known is None:
            known = self.__dict__["_known_state"] = self.state(make=False)
        return known

    def queue(self, *, limit: int = 100, offset: int = 0, **wanted: Any) -> dict[str, Any]:
        """Return alerts that a filter lets through, newest first, with how many there are in all and how many are open.

        `wanted` are the fields of `AlertFilter`: status, severity, rule, actor, account, text, suppressed.
        """
        from livefire.watch.state import AlertFilter

        state = self.desk_state()
        if state is None:
            return {"ever": False, "items": [], "total": 0, "open": 0}
        page = state.desk.alerts(AlertFilter(**wanted, limit=limit, offset=offset))
        still = state.desk.alerts(AlertFilter(status=("new",), suppressed=False, limit=0)).total
        return {"ever": True, "items": [_alert(a) for a in page.items], "total": page.total, "open": still}

    def alert_page(self, fingerprint: str) -> dict[str, Any]:
        """Return an alert with its events, what its identity did around it, its life and what was sent of it; KeyError for none."""
        from livefire.detections.evidence import acts_of
        from livefire.report.tables import shown

        state = self._sure(fingerprint)
        with _translated(fingerprint):
            detail = state.desk.alert(fingerprint)
        alert = detail.alert
        acts = sorted(acts_of(alert.evidence, self.bench()).values(), key=lambda a: (a.time, a.event))
        return {
            **_alert(alert),
            "row": {shown(name): shown(value, 400) for name, value in alert.row.items() if value not in (None, "", [], {})},
            "events": self.stored_events(alert.evidence[:200]),
            "evidence": len(alert.evidence),
            "acts": [_act(a) for a in acts],
            "graph": _graph([link for a in acts for link in a.links], [r for a in acts for r in a.resources]),
            "scope": _scope_of(acts),
            "history": [{"at": m.at, "who": m.who, "before": m.before, "after": m.after, "reason": m.reason} for m in detail.history],
            "deliveries": [{"sink": d.sink, "state": d.state, "tries": d.tries, "sent": d.sent, "error": d.error} for d in detail.deliveries],
            "bundled": alert.rule in {d.card.id for d in self._bundled},
        }

    def around(self, fingerprint: str) -> dict[str, Any]:
        """Return what an alert's identities did in the day before and after it, each act marked when the alert rests on it; KeyError for none."""
        from livefire.detections.evidence import acts_by, acts_of

        with _translated(fingerprint):
            alert = self._sure(fingerprint).desk.alert(fingerprint).alert
        bench, own = self.bench(), frozenset(alert.evidence)
        behind = acts_of(alert.evidence, bench).values()
        if not behind:
            return {"start": None, "end": None, "actors": [], "acts": [], "cut": False}
        start, end = min(a.time for a in behind) - _AROUND, max(a.time for a in behind) + _AROUND
        who = list(dict.fromkeys((a.source, a.actor) for a in behind if a.actor))[:_MOST_ACTORS]
        listed = [acts_by(source, actor, start, end, bench, _MOST_ACTS) for source, actor in who]
        acts = sorted((a for each in listed for a in each), key=lambda a: (a.time, a.event))
        shown = [{**_act(a), "own": f"{a.source}/{a.event}" in own} for a in acts]
        return {"start": start, "end": end, "actors": [actor for _, actor in who], "acts": shown, "cut": any(len(each) == _MOST_ACTS for each in listed)}

    def risk_of(self, fingerprint: str, tuning: str | Path | None = None) -> dict[str, Any]:
        """Return what an alert's risk is made of: the rule's own, and what it comes to against what is usual in this lake; KeyError for none.

        A rule that does not come with livefire has its own risk alone, and `weighed` is None.
        """
        from livefire.detections.evidence import acts_of
        from livefire.detections.risk import score
        from livefire.detections.tuning import SHIPPED, load_tuning

        with _translated(fingerprint):
            alert = self._sure(fingerprint).desk.alert(fingerprint).alert
        found: dict[str, Any] = {"own": alert.risk, "weighed": None, "severity": alert.severity, "reasons": [], "unmeasured": [], "acts": 0}
        card = {d.card.id: d.card for d in self._bundled}.get(alert.rule)
        if card is None:
            return found
        acts = acts_of(alert.evidence, self.bench())
        said = load_tuning(Path(tuning) if tuning is not None else SHIPPED)
        scored = score([self._finding(fingerprint)], {card.id: card}, acts, self._usual(), said)
        if not scored:
            return found
        reasons = [{"when": when, "add": add} for when, add in scored[0].reasons]
        weighed = {"weighed": scored[0].risk, "severity": scored[0].severity, "reasons": reasons, "unmeasured": list(scored[0].unmeasured)}
        return {**found, "own": scored[0].base, **weighed, "acts": len(acts)}

    def _usual(self) -> Baseline:
        """Return what is usual in the lake as it is now, learnt once for each state of it."""
        state = tuple((s["name"], s["version"], s["events"]) for s in self.held_sources())
        known: tuple[object, Baseline] | None = self.__dict__.get("_known_usual")
        if known is None or known[0] != state:
            known = self.__dict__["_known_usual"] = (state, self.learn(seconds=_BUDGET).baseline)
        return known[1]

    def move_alerts(self, fingerprints: Sequence[str], to: str, *, who: str, reason: str = "", verdict: str = "") -> int:
        """Move alerts and return how many; those that are there already stay. QueryError E706 for a move that is not allowed, KeyError for none."""
        from livefire.watch.faults import WatchError

        moved = 0
        for one in fingerprints:
            with _translated(one):
                try:
                    self._sure(one).desk.move(one, to, who=who, now=present(), reason=reason, verdict=verdict)
                    moved += 1
                except WatchError as fault:
                    if fault.code != "E706" or "already" not in str(fault):
                        raise
        return moved

    def incidents_page(self, *, status: Sequence[str] = (), limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """Return the incidents, the latest first."""
        state = self.desk_state()
        if state is None:
            return {"items": [], "total": 0}
        page = state.desk.incidents(tuple(status), limit=limit, offset=offset)
        return {"items": [_fields(i) for i in page.items], "total": page.total}

    def incident_page(self, number: int) -> dict[str, Any]:
        """Return an incident with its alerts, their acts in order, the chains its identity completed, and its life; KeyError for none."""
        from livefire.detections.evidence import acts_of

        with _translated(str(number)):
            incident, alerts, moves = self._sure(str(number)).desk.incident(number)
        acts = sorted(acts_of({n for a in alerts for n in a.evidence[:200]}, self.bench()).values(), key=lambda a: (a.time, a.event))
        chains = [c for c in self.chain_findings() if any(s["actor"] == incident.actor for s in c["steps"])]
        return {
            **_fields(incident),
            "members": [_alert(a) for a in alerts],
            "acts": [_act(a) for a in acts],
            "graph": _graph([link for a in acts for link in a.links], [r for a in acts for r in a.resources]),
            "chains": chains,
            "history": [_fields(m) for m in moves],
        }

    def move_incident(self, number: int, to: str, *, who: str, reason: str = "", verdict: str = "") -> None:
        """Move an incident and its open alerts; QueryError E706 for a move that is not allowed, KeyError for none."""
        with _translated(str(number)):
            self._sure(str(number)).desk.move_incident(number, to, who=who, now=present(), reason=reason, verdict=verdict)

    def exception_effect(self, rule: str, expires: datetime, **scope: str) -> dict[str, Any]:
        """Return which of the alerts there are an exception would have held back, and how many of them were found true.

        An exception that would hold for everything is refused with E712.
        """
        from livefire.detections.evidence import acts_of, completing
        from livefire.detections.tuning import Scope
        from livefire.watch.state import AlertFilter

        chosen = Scope(**{name: scope.get(name, "") for name in _SCOPE})
        if chosen.empty:
            raise QueryError([Diagnostic("error", "E712", "an exception needs a scope: an actor, account, network or resource")])
        state = self.desk_state()
        listed = [a for a in state.desk.alerts(AlertFilter(limit=_MOST)).items if fnmatch.fnmatchcase(a.rule, rule)] if state is not None else []
        acts = acts_of({n for a in listed for n in a.evidence[:200]}, self.bench()) if listed else {}
        told = {d.card.id: d.card.finding for d in self._bundled}
        held: list[Alert] = []
        for alert in listed:
            act = completing(alert.evidence, acts, told.get(alert.rule, _plainly()))
            if act is not None and act.time <= expires and chosen.holds(act):
                held.append(alert)
        return {
            "looked": len(listed),
            "held": [_alert(a) for a in held],
            "true": sum(a.verdict == "true_positive" for a in held),
            "open": sum(a.status != "closed" for a in held),
        }

    def except_alerts(self, rule: str, *, owner: str, reason: str, expires: datetime, **scope: str) -> dict[str, Any]:
        """Except what a rule finds within a scope until a moment; QueryError E712 where a part is missing."""
        with _translated(rule):
            made = self._sure(rule).desk.except_(
                rule, owner=owner, reason=reason, expires=expires, now=present(), **{name: scope.get(name, "") for name in _SCOPE}
            )
        return _fields(made)

    def exceptions_listed(self) -> list[dict[str, Any]]:
        """Return the exceptions that hold."""
        state = self.desk_state()
        return [_fields(e) for e in state.desk.exceptions()] if state is not None else []

    def end_exception(self, number: int) -> None:
        """End an exception; KeyError for none."""
        with _translated(str(number)):
            self._sure(str(number)).desk.end_exception(number)

    def look_through(self, progress: Callable[[str], None] | None = None, rules: str | Path | None = None) -> dict[str, int]:
        """Run every rule once over all that the lake holds and keep what is found as alerts, each thing once, as a watch does.

        `rules` is a folder of rules beside the bundled ones. A rule that cannot be run is counted. WatchError becomes QueryError.
        """
        from livefire.detections.runner import run_rule
        from livefire.watch.alerts import Alerting, judge
        from livefire.watch.config import Config, Rules

        config = Config(lake=str(self.lake.path), rules=Rules(folders=(str(Path(rules).absolute()),)) if rules is not None else Rules())
        counts = {"rules": 0, "refused": 0, "alerts": 0}
        with _translated("watch"):
            state, bench = self.state(), self.bench(seconds=_BUDGET)
            keeping = Alerting(config, state.outbox)
            for watched in self.watched(config):
                if progress is not None:
                    progress(f"{watched.card.title} ({counts['alerts']:,} alerts so far)")
                outcome = run_rule(watched.rule, bench)
                counts["rules"] += 1
                counts["refused"] += outcome.refused
                found = judge(watched, outcome, bench)
                with state.ledger.writing() as connection:
                    counts["alerts"] += keeping.keep(connection, found, present())
        return counts

    def hunted(self, tuning: str | Path | None = None, progress: Callable[[str], None] | None = None) -> Triage:
        """Hunt over the whole lake and weigh what is found; `hunt_page` shows it."""
        return self.triage(tuning=tuning, progress=progress, seconds=_BUDGET)

    def hunt_page(self, found: Triage) -> dict[str, Any]:
        """Return a hunt as data: alerts by identity with what their risk is made of, and the chains."""
        from livefire.report.cases import alerts_json, totals
        from livefire.report.chains import as_json

        return {**alerts_json(found), "chain_findings": as_json(found.chains), "totals": totals(found), "now": found.hunt.now}

    def history_of(self, found: Triage, detection: str) -> dict[str, Any]:
        """Return how a detection fared in a hunt, because of whom, and the exception that would take away most."""
        from livefire.detections.advice import advise
        from livefire.detections.triage import span_days

        advice = advise(detection, found, frozenset())
        who = next((counts for what, counts in advice.contributors.items() if what == "actor"), next(iter(advice.contributors.values()), None))
        best = advice.best
        return {
            "findings": advice.findings,
            "alerting": advice.alerting,
            "days": round(span_days(found)),
            "excepted": sum(s.id == detection for s in found.excepted),
            "contributors": who.most_common(8) if who else [],
            "proposal": advice.written(best, found.hunt.now.date()) if best else "",
        }

    def chain_findings(self) -> list[dict[str, Any]]:
        """Return the chains completed in the lake, each with its steps and the graph of its resources."""
        from livefire.report.chains import as_json

        held = self._held()
        if held is None:
            return []
        key = (held.files_read, *((s.name, s.events, s.last) for s in held.sources))
        if self._chained is None or self._chained[0] != key:
            self._chained = (key, as_json(self.chains(seconds=_BUDGET)))
        return self._chained[1]

    def investigation(self, fingerprint: str) -> dict[str, Any]:
        """Run the guide of an alert's detection, or of a finding of a hunt, and return the case; KeyError for none."""
        from livefire.report.cases import case_json, case_text

        case = self.investigate(self._finding(fingerprint), seconds=_BUDGET)
        return {**case_json(case), "text": case_text(case), "title": case.finding.title}

    def case_file(self, fingerprint: str, target: str) -> tuple[str, str]:
        """Return a case as a file, its name and its text: markdown, ocsf or stix; KeyError for another target or no alert."""
        from livefire.detections.hunt import Hunt
        from livefire.report.cases import case_text

        finding = self._finding(fingerprint)
        if target == "markdown":
            return f"case-{finding.fingerprint[:12]}.md", case_text(self.investigate(finding, seconds=_BUDGET))
        if target not in ("ocsf", "stix"):
            raise KeyError(target)
        made = self.export_findings(Hunt((), (finding,), present()), target)[0]
        return f"case-{finding.fingerprint[:12]}.{target}.json", made.text

    def _finding(self, fingerprint: str) -> Finding:
        from livefire.detections.finding import Finding

        with _translated(fingerprint):
            alert = self._sure(fingerprint).desk.alert(fingerprint).alert
        self._detection(alert.rule)
        return Finding(alert.rule, alert.title, alert.severity, alert.language, alert.row, alert.evidence, alert.last, alert.fingerprint)

    def _detection(self, name: str) -> Detection:
        return {d.card.id: d for d in self._bundled}[name]

    def _sure(self, name: str) -> State:
        state = self.desk_state()
        if state is None:
            raise KeyError(name)
        return state

    def health_page(self) -> dict[str, Any]:
        """Return how lake and watch stand: sources with their last event and what was set aside, rules that fail, gaps, sinks."""
        info, state = self._held(), self.desk_state()
        now = present()
        listed = [{**s, "lag": (now - s["last"]).total_seconds() if s["last"] else None} for s in self.held_sources()]
        watch = _fields(state.health(now)) if state is not None else None
        size = sum(s["bytes"] for s in listed)
        return {
            "sources": listed,
            "bytes": size,
            "quarantined": info.quarantined if info else 0,
            "files_read": info.files_read if info else 0,
            "path": str(info.path) if info else "",
            "watch": watch,
            "now": now,
        }


class _translated:  # noqa: N801 - a context, used like a function
    """Turns faults of the watch's state into those that pages and programs know."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, fault: BaseException | None, _trace: object) -> None:
        from livefire.watch.faults import WatchError

        if not isinstance(fault, WatchError):
            return
        if fault.code == "E705":
            raise KeyError(self._name) from fault
        raise QueryError([Diagnostic("error", fault.code, str(fault).removeprefix(f"{fault.code}: "))]) from fault


def _plainly() -> Any:
    from livefire.detections.detection import Told

    return Told()


def _fields(value: Any) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(datetime,))
    return found


def _alert(alert: Alert) -> dict[str, Any]:
    found = {k: v for k, v in _fields(alert).items() if k not in ("evidence", "row")}
    return {**found, "events": len(alert.evidence)}


def _act(act: Any) -> dict[str, Any]:
    names = ("event", "source", "time", "action", "verb", "actor", "account", "region", "address", "done", "resources")
    return {name: list(v) if isinstance(v := getattr(act, name), tuple) else v for name in names}


def _graph(links: Sequence[Any], resources: Sequence[str]) -> dict[str, Any]:
    nodes = dict.fromkeys([*resources, *(x for link in links for x in (link.parent, link.child))])
    edges = dict.fromkeys((link.parent, link.child, link.how) for link in links)
    return {"nodes": list(nodes), "edges": [{"from": a, "to": b, "how": how} for a, b, how in edges]}


def _scope_of(acts: Sequence[Any]) -> Mapping[str, str]:
    """Return what an exception for these acts would begin with: who, in which account, from which network."""
    from livefire.logsources.traits import network_of

    last = acts[-1] if acts else None
    return {"actor": last.actor, "account": last.account, "network": network_of(last.address) if last.address else ""} if last else {}
