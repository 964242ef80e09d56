"""The rules of a watch: loaded, compiled once, and told apart into those that see each batch and those with a schedule."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from livefire.detections.detection import Card, Detection, Risk, Rule
from livefire.detections.elastic.run import Alerting
from livefire.detections.formats import RuleFile, read_folder
from livefire.detections.onward import row_by_row
from livefire.detections.pack import load_packs
from livefire.detections.runner import Prepared, prepare
from livefire.diagnostics import Diagnostic, QueryError
from livefire.engines.base import Engine
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.reach import gives_nothing_of_nothing
from livefire.watch import lookback
from livefire.watch.cadence import Cadence, CadenceError, Edge, cadence_of
from livefire.watch.config import Config
from livefire.watch.ground import Ground
from livefire.watch.restraint import Restraint, RestraintError, called_off, restraint_of, unfollowed
from livefire.watch.spans import shown, span
from livefire.watch.state.ledger import Enrolled

_NONE = timedelta(0)
_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_RISKS = {"informational": 10, "low": 25, "medium": 45, "high": 70, "critical": 90}


@dataclass(frozen=True)
class Watched:
    """A rule as a watch runs it. `keys` are the columns that its rows are grouped by, None where rows are single events or it cannot be told;
    `notes` say what its file asks for that a watch does in its own way; `called_off` that it asks not to be run. One that may find something
    where nothing happened runs `always`. `held` is why its alerts are kept and not sent."""

    name: str
    detection: Detection
    rule: Rule
    cadence: Cadence
    prepared: Prepared | None = None
    keys: tuple[str, ...] | None = None
    refused: str = ""
    restraint: Restraint | None = None
    notes: tuple[str, ...] = ()
    called_off: bool = False
    always: bool = False
    held: str = ""

    @property
    def card(self) -> Card:
        """What its detection says."""
        return self.detection.card

    @property
    def risk(self) -> int:
        """Its risk: the card's, else that of its severity."""
        return self.card.risk.base or _RISKS[self.card.severity]

    def enrolled(self) -> Enrolled:
        """Return it as the state keeps it."""
        parts = (self.rule.language, self.rule.text, self.cadence.text, repr(self.cadence.trigger), *([self.restraint.text] if self.restraint else []))
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        mode, state = ("live" if self.cadence.live else "scheduled"), ("refused" if self.refused else "active")
        return Enrolled(self.name, self.card.title, self.rule.language, digest, mode, self.cadence.text, state, self.refused)


def load_rules(config: Config, ground: Ground, engine: Engine) -> tuple[Watched, ...]:
    """Return every rule of a configuration, also those that cannot run, with the reason; QueryError E5xx for a folder that cannot be read."""
    found: dict[str, Watched] = {}
    for detection, file in _files(config):
        for number, rule in enumerate(_chosen(detection, config.rules.language)):
            name = detection.card.id if number == 0 else f"{detection.card.id}@{(rule.path or Path(rule.name)).stem}"
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in config.rules.skip):
                continue
            if name in found:
                raise QueryError([Diagnostic("error", "E504", f"two rules share the id {name}; the second is in {rule.path}")])
            found[name] = _restrained(_watched(name, detection, rule, file, config, ground, engine), file)
    return tuple(found.values())


def _files(config: Config) -> Iterator[tuple[Detection, RuleFile | None]]:
    if config.rules.bundled:
        for detection in load_packs():
            yield detection, None
    for folder in config.rules.folders:
        path = config.at(folder)
        if not path.is_dir():
            raise QueryError([Diagnostic("error", "E501", f"there is no folder of rules at {path}")])
        if any(path.rglob("detection.toml")):
            for detection in load_packs(path):
                yield detection, None
            continue
        for file, rules in read_folder(path):
            if isinstance(rules, QueryError):
                yield _broken(file, rules), None
                continue
            for rule in rules:
                yield rule.detection(), rule


def _broken(file: Path, error: QueryError) -> Detection:
    """Return a file that cannot be read as a rule that is refused, so that it is shown and not forgotten."""
    card = Card(file.stem, file.name, error.diagnostics[0].message, "", "medium", "medium", Risk(0), (), (), ())
    return Detection(card, (Rule(file.name, "", "", file),), file.parent)


def _chosen(detection: Detection, language: str) -> tuple[Rule, ...]:
    return detection.written_in(language) or detection.written_in(detection.languages[0])


def _watched(name: str, detection: Detection, rule: Rule, file: RuleFile | None, config: Config, ground: Ground, engine: Engine) -> Watched:
    back = detection.card.lookback if file is None else config.rules.lookback
    usual = Cadence(every=span(config.rules.every), start=Edge(max(span(back), span(config.rules.every))))
    if not rule.language:
        return Watched(name, detection, rule, usual, refused=detection.card.what)
    try:
        cadence = cadence_of(file, usual) if file is not None else usual
    except CadenceError as fault:
        return Watched(name, detection, rule, usual, refused=f"E713: {fault}")
    if rule.alerting is not None:
        words = "; ".join(
            f"{d.code} {d.message}"
            for d in rule.alerting.check(rule, ground.catalog(rule.language), lenient=False, review=lambda *_: ())
            if d.severity == "error"
        )
        return Watched(name, detection, rule, cadence, refused=words)
    everything = prepare(rule, ground.bench(engine, {}, _MOMENT))
    if everything.compiled is None:
        first = next((d for d in everything.diagnostics if d.severity == "error"), None)
        return Watched(name, detection, rule, cadence, refused=f"{first.code} {first.message}" if first else "E009 it cannot be compiled")
    plan = everything.compiled.lowered
    try:
        cadence = _widened(cadence, plan, rule.language)
    except CadenceError as fault:
        return Watched(name, detection, rule, cadence, refused=f"E713: {fault}")
    if (not cadence.stated or cadence.live) and row_by_row(plan) and not everything.looked:
        return Watched(name, detection, rule, Cadence(live=True, stated=cadence.stated), everything)
    if cadence.live:
        return Watched(name, detection, rule, cadence, refused="E713: a filter alert sees one event at a time, and this query puts events together")
    cut = prepare(rule, ground.bench(engine, {}, _MOMENT, start=_MOMENT, end=_MOMENT))
    return Watched(name, detection, rule, cadence, cut, grouped_by(plan) if file is not None else None, always=not gives_nothing_of_nothing(plan))


def _widened(cadence: Cadence, plan: n.Plan, language: str) -> Cadence:
    """Return a schedule that looks back as far as the query itself says, where its file says nothing or Splunk lets the query decide."""
    own = lookback.furthest(plan)
    if not cadence.stated:
        spanned = lookback.spanned(plan, language)
        return replace(cadence, start=Edge(max(cadence.start.back, own or _NONE, spanned + cadence.every if spanned else _NONE)))
    if language != "spl" or own is None:
        return cadence
    if lookback.bounded(plan):
        return replace(cadence, start=Edge(max(own, cadence.start.reach)), end=Edge())
    if own > cadence.start.reach:
        raise CadenceError(f"one part of the search names a time {shown(own)} back and another none: write that far into dispatch.earliest_time")
    return cadence


def _restrained(watched: Watched, file: RuleFile | None) -> Watched:
    """Return a rule with what its file says of alerting less often."""
    if file is None or watched.refused:
        return watched
    notes = dict.fromkeys((*unfollowed(file), *_noticed(watched)))
    try:
        return replace(watched, restraint=restraint_of(file), notes=tuple(notes), called_off=called_off(file), held=_held(watched.rule))
    except RestraintError as fault:
        return replace(watched, refused=f"E720: {fault}")


def _noticed(watched: Watched) -> Iterator[str]:
    """Yield what reading a rule of Elastic had to say, such as exceptions that its file does not hold."""
    alerting = watched.rule.alerting
    if isinstance(alerting, Alerting):
        yield from (f"{d.code} {d.message}" for d in alerting.faults if d.severity != "error")
        if alerting.said.schedule.lookback < alerting.said.schedule.interval:
            yield "from: it looks back less far than its interval, so what happens between is seen by no run, here as in Elastic"


def _held(rule: Rule) -> str:
    """Return why alerts of a rule are kept and not sent: those of Elastic's building blocks are for other rules.

    https://www.elastic.co/docs/solutions/security/detect-and-alert/about-building-block-rules
    """
    return "a building block, kept for other rules to see" if isinstance(rule.alerting, Alerting) and rule.alerting.said.building_block else ""


def _unchanged(expr: e.Expr) -> str:
    """Return the column that an expression shows as it is, or with a constant in the place of null; empty for another."""
    match expr:
        case e.Column(name=name) | e.Call(function="logic.coalesce", args=(e.Column(name=name), e.Literal())):
            return name
        case _:
            return ""


def grouped_by(plan: n.Plan) -> tuple[str, ...] | None:
    """Return the output columns that are groups of the last aggregation, None where that cannot be told."""
    names = {f.name: f.name for f in plan.schema}
    while True:
        match plan:
            case n.Filter(input=below) | n.Sort(input=below) | n.Limit(input=below) | n.Distinct(input=below):
                plan = below
            case n.Project(input=below, items=items):
                kept = {i.name: name for i in items if (name := _unchanged(i.expr))}
                names = {out: kept[name] for out, name in names.items() if name in kept}
                plan = below
            case n.Aggregate(keys=groups):
                keys = {g.name for g in groups}
                found = tuple(sorted(out for out, name in names.items() if name in keys))
                return found if {names[f] for f in found} == keys else None
            case _:
                return None
