"""What is put to the proof: emulations as cases, detections and published pages as subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from livefire.detections.detection import Detection
from livefire.emulation.catalogue import emulations
from livefire.emulation.model import Emulation, Kind, Role
from livefire.proof.case import Case, CaseKind, EventRole
from livefire.proof.matrix import Subject
from livefire.proof.published import Page, read_pages

STORY_START = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)

_KINDS: dict[Kind, CaseKind] = {Kind.ATTACK: "attack", Kind.LOOK_ALIKE: "look_alike"}
_ROLES: dict[Role, EventRole] = {Role.ATTACK: "attack", Role.BENIGN: "benign", Role.NOISE: "noise"}


def wanted(technique: str, ids: Sequence[str]) -> bool:
    """True when a technique is one of those asked for, or below one; everything is when none is asked for."""
    return not ids or any(technique == i or technique.startswith(i + ".") for i in map(str.upper, ids))


def cases(ids: Sequence[str] = (), subjects: Sequence[Subject] = (), *, near: bool = False) -> Iterator[Case]:
    """Yield every emulation of the techniques, or that one of the subjects covers, as a case; attacks of the published tests first.

    A look-alike is one of those asked for when an attack that it resembles is. `near` keeps what the subjects cover and what
    resembles that.
    """
    covered = {c for s in subjects for c in s.covers}
    attacks = {m.id for m in emulations() if m.id in covered or (wanted(m.technique, ids) and not near)}
    chosen = [m for m in emulations() if m.id in attacks or attacks.intersection(m.resembles)]
    chosen.sort(key=lambda m: (m.kind.value != "attack", not m.page_tests))
    for emulation in chosen:
        yield as_case(emulation)


def as_case(emulation: Emulation) -> Case:
    """Return an emulation's records as a case."""
    told = emulation.generate(STORY_START)
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
        if any(wanted(t, ids) for a in detection.card.attack for t in a.techniques):
            found.extend(_subject(detection, name) for name in detection.languages if language in (None, name))
    return tuple(found)


def _subject(detection: Detection, language: str) -> Subject:
    card = detection.card
    absent = {c for d in card.differs if d.language == language for c in d.cases}
    covers = tuple(c for c in card.covers if c not in absent)
    return Subject(f"{card.id} {language}", detection.written_in(language), False, covers, "", card.id, card.finding, card.differs)
