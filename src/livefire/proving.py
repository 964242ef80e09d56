"""What is put to the proof: emulations as cases, detections and published pages as subjects, and the trials of a single rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from livefire.detections.detection import Detection
from livefire.emulation.catalogue import emulations
from livefire.emulation.model import Cloud, Emulation, Kind, Role
from livefire.emulation.respelled import respelled
from livefire.lint.scope import asks_for, on_action
from livefire.lint.tests import Facts
from livefire.plan.nodes import Plan
from livefire.proof.case import Case, CaseKind, EventRole, stage
from livefire.proof.matrix import Subject
from livefire.proof.published import Page, read_pages
from livefire.proof.trial import Trial

STORY_START = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)

_KINDS: dict[Kind, CaseKind] = {Kind.ATTACK: "attack", Kind.LOOK_ALIKE: "look_alike"}
_ROLES: dict[Role, EventRole] = {Role.ATTACK: "attack", Role.BENIGN: "benign", Role.NOISE: "noise"}


def wanted(technique: str, ids: Sequence[str]) -> bool:
    """True when a technique is one of those asked for, or below one; everything is when none is asked for."""
    return not ids or any(technique == i or technique.startswith(i + ".") for i in map(str.upper, ids))


def named(detection: Detection, ids: Sequence[str]) -> bool:
    """True when a detection is asked for by its own id, such as `T1578.002/instance-created`."""
    return detection.card.id.lower() in map(str.lower, ids)


def cases(ids: Sequence[str] = (), subjects: Sequence[Subject] = (), *, near: bool = False, retold: bool = False) -> Iterator[Case]:
    """Yield every emulation of the techniques, or that one of the subjects covers, as a case; attacks of the published tests first.

    A look-alike is one of those asked for when an attack that it resembles is. `near` keeps what the subjects cover and what
    resembles that; `retold` tells those of Azure and Google in the other spellings that these write, and leaves out those of AWS, which has none.
    """
    covered = {c for s in subjects for c in s.covers}
    attacks = {m.id for m in emulations() if m.id in covered or (wanted(m.technique, ids) and not near)}
    chosen = [m for m in emulations() if m.id in attacks or attacks.intersection(m.resembles)]
    chosen.sort(key=lambda m: (m.kind.value != "attack", not m.page_tests))
    for case in map(as_case, chosen):
        if not retold:
            yield case
        elif case.log_source != Cloud.AWS.log_source:
            yield replace(case, records=[respelled(case.log_source, dict(r)) for r in case.records])


def as_case(emulation: Emulation, start: datetime = STORY_START) -> Case:
    """Return an emulation's records as a case."""
    told = emulation.generate(start)
    roles = tuple(_ROLES[r.role] for r in told.records)
    kind = _KINDS[emulation.kind]
    return Case(emulation.id, emulation.title, emulation.technique, kind, told.log_source, told.raws(), roles, told.end, emulation.page_tests)


def _tests_of(page: Page) -> tuple[str, ...]:
    """Return the attacks of a page's own tests; of a page that prints none, those of the technique it is named for."""
    own = tuple(m.id for m in emulations() if any(p.startswith(page.name + "#") for p in m.page_tests))
    technique = page.name.partition("-")[0]
    return own if page.tests else tuple(m.id for m in emulations() if m.page_tests and m.technique == technique)


def subjects(detections: Sequence[Detection], ids: Sequence[str], published: Path | None, language: str | None = None) -> tuple[Subject, ...]:
    """Return the published queries, as the product reads them and as a person would, then the detections in each language or the one asked for."""
    found: list[Subject] = []
    if published is not None:
        for page in read_pages(published):
            tests = _tests_of(page)
            if ids and not any(wanted(m.technique, ids) for m in emulations() if m.id in tests):
                continue
            found.append(Subject(f"{page.name} as written", (page.rule,), False, tests, "published"))
            found.append(Subject(f"{page.name} as meant", (page.rule,), True, tests, "published"))
    for detection in detections:
        if named(detection, ids) or any(wanted(t, ids) for a in detection.card.attack for t in a.techniques):
            found.extend(_subject(detection, name) for name in detection.languages if language in (None, name))
    return tuple(found)


def _subject(detection: Detection, language: str) -> Subject:
    card = detection.card
    absent = {c for d in card.differs if d.language == language for c in d.cases}
    covers = tuple(c for c in card.covers if c not in absent)
    return Subject(f"{card.id} {language}", detection.written_in(language), False, covers, "", card.id, card.finding, card.differs)


def fitting(plan: Plan) -> tuple[Emulation, ...]:
    """Return the emulations of attacks that hold what a rule asks for, and of look-alikes those that resemble them.

    An attack fits when the rule reads its log source and, if the rule names operations, one of the attack's is among them.
    """
    facts = Facts(plan)
    named = any(on_action(t) and not t.negated for t in facts.tests)
    attacks = [m for m in emulations() if m.kind is Kind.ATTACK and m.cloud.log_source in facts.tables and (not named or _asked(facts, m))]
    chosen = {m.id for m in attacks}
    return (*attacks, *(m for m in emulations() if m.kind is Kind.LOOK_ALIKE and chosen.intersection(m.resembles)))


def _asked(facts: Facts, emulation: Emulation) -> bool:
    told = emulation.generate(STORY_START)
    return bool(asks_for(facts, *{o for r in told.of(Role.ATTACK) if (o := operation_of(r.raw))}))


def operation_of(raw: Mapping[str, Any]) -> str:
    """Return what a raw record says was done, empty when it says nothing."""
    payload = raw.get("protoPayload")
    found = raw.get("eventName") or raw.get("operationName") or (payload.get("methodName") if isinstance(payload, Mapping) else None)
    return found if isinstance(found, str) else ""


def emulated(
    emulation: Emulation,
    sources: Sequence[str],
    *,
    stated: bool = False,
    rows: int | None = None,
    name: str = "",
    start: datetime = STORY_START,
    order: Callable[[list[int]], list[int]] = list,
) -> Trial:
    """Return an emulation as a trial of a rule; `order` gives the numbers of its records as they come."""
    case = as_case(emulation, start)
    numbers = order(list(range(len(case.records))))
    staged = stage(replace(case, records=[case.records[i] for i in numbers], roles=[case.roles[i] for i in numbers]), sources)
    attack = staged.attack if case.kind == "attack" else None
    return Trial(name or emulation.id, emulation.title, case.kind, staged.storage, case.end + timedelta(minutes=1), attack, stated, rows, emulation.id)
