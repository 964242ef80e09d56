"""Answers of the catalogue."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from livefire.workspace.answers.parts import Answer, Line, Modifier, Said, Source


class Tally(Answer, frozen=True):
    """How many detections, how many proved, proved with data in the lake, and with data in the lake."""

    count: int
    proved: int
    live: int
    alive: int


class DataSource(Answer, frozen=True):
    """A log source that a detection reads."""

    name: str
    title: str
    alive: bool


class LanguageCell(Answer, frozen=True):
    """How many attacks a detection's rule in a language fires on, None where it was not proved or there is none."""

    language: str
    fires: int | None
    of: int | None


class DetectionLine(Answer, frozen=True):
    """A detection in a list."""

    id: str
    technique: str
    title: str
    what: str
    severity: str
    confidence: str
    risk: int
    data: list[DataSource]
    languages: list[LanguageCell]
    proof: str
    proved_at: str
    alive: bool


class SubTechnique(Tally, frozen=True):
    """A sub-technique with what covers it."""

    id: str
    name: str


class Cell(Tally, frozen=True):
    """A technique in the matrix; `state` is none, written, part or live."""

    id: str
    name: str
    subs: list[SubTechnique]
    state: str


class Tactic(Answer, frozen=True):
    """A column of the matrix."""

    id: str
    name: str
    techniques: list[Cell]


class TechniqueCovered(Tally, frozen=True):
    """A technique with its detections."""

    id: str
    name: str
    detections: list[DetectionLine]


class ChainCard(Answer, frozen=True):
    """A chain in a list."""

    id: str
    title: str
    severity: str
    risk: int
    what: str


class Coverage(Tally, frozen=True):
    """ATT&CK's cloud matrix with what covers each technique."""

    attack: str
    tactics: list[Tactic]
    techniques: list[TechniqueCovered]
    chains: list[ChainCard]
    detections: int


class PageLine(Answer, frozen=True):
    """A published page in a list, with the first error that its query meets."""

    name: str
    technique: str
    language: str
    platform: str
    errors: int
    warnings: int
    first: str


class Technique(Answer, frozen=True):
    """A technique with all that is here of it."""

    id: str
    name: str
    detections: list[DetectionLine]
    chains: list[ChainCard]
    published: list[PageLine]


class PageTest(Answer, frozen=True):
    """A test that a published page names."""

    number: int
    title: str


class PageVerdict(Answer, frozen=True):
    """What a published query made of one story."""

    case: str
    title: str
    kind: str
    covered: bool
    verdict: str
    right: bool
    reason: str
    rows: int
    strays: int


class PageProof(Answer, frozen=True):
    """What a published query does in one reading."""

    name: str
    reading: str
    fires: int
    of: int
    beyond: int
    silent: int
    alike: int
    refused: str
    cells: list[PageVerdict]


class PublishedPage(PageLine, frozen=True):
    """A published page's query with everything said of it."""

    text: str
    lines: list[Line]
    diagnostics: list[Said]
    fixes: int
    mended: str
    mended_lines: list[Line]
    mended_errors: int
    one_pass: str
    tests: list[PageTest]
    proof: list[PageProof] | None


class WrongCase(Answer, frozen=True):
    """A story of which a rule makes the wrong thing."""

    case: str
    title: str
    verdict: str
    reason: str


class LanguageProof(Answer, frozen=True):
    """What was proved of a detection in one language."""

    fires: int
    of: int
    silent: int
    alike: int
    wrong: list[WrongCase]
    cases: dict[str, str]


class Standing(Answer, frozen=True):
    """How a detection's proof stands: proved, failed, stale or none, and since when."""

    state: str
    at: str
    languages: dict[str, LanguageProof]


class Counts(Answer, frozen=True):
    """How much is said of a rule."""

    error: int
    warning: int
    notice: int


class RuleFile(Answer, frozen=True):
    """A rule file with what is said at each line."""

    name: str
    text: str
    lines: list[Line]
    counts: Counts


class HuntFile(RuleFile, frozen=True):
    """A hunt's query."""

    language: str
    platform: str


class LanguageRules(Answer, frozen=True):
    """A detection's rules in one language."""

    language: str
    platform: str
    files: list[RuleFile]
    proof: LanguageProof | None


class Lacking(Answer, frozen=True):
    """A language whose rule differs, and why."""

    name: str
    reason: str
    cases: list[str]


class Related(Answer, frozen=True):
    """Another detection of the technique."""

    id: str
    title: str
    severity: str


class AttackReference(Answer, frozen=True):
    """Tactics and techniques as one version of ATT&CK names them."""

    version: str
    tactics: list[str]
    techniques: list[str]


class Knob(Answer, frozen=True):
    """Something to tune."""

    name: str
    default: str
    meaning: str


class Change(Answer, frozen=True):
    """A change of a detection."""

    day: str
    text: str


class Run(Answer, frozen=True):
    """A run of text in a guide."""

    kind: str
    text: str
    address: str | UnsetType = UNSET


class Block(Answer, frozen=True):
    """A block of a guide: heading, paragraph, list or code."""

    kind: str
    level: int | UnsetType = UNSET
    spans: list[Run] | UnsetType = UNSET
    items: list[list[Run]] | UnsetType = UNSET
    text: str | UnsetType = UNSET
    language: str | UnsetType = UNSET


class Story(Answer, frozen=True):
    """An emulation in a detection's page."""

    id: str
    number: str
    title: str
    kind: str
    cloud: str
    story: str
    signal: str
    differs_by: list[str]
    commands: list[str]
    cleanup: list[str]
    needs: list[str]
    pages: list[str]
    verdicts: dict[str, str]


class StoryEvent(Answer, frozen=True):
    """A raw event of an emulation, and what it is in the story."""

    role: str
    raw: dict[str, Any]


class StoryPage(Story, frozen=True):
    """An emulation with its raw events."""

    events: list[StoryEvent]


class _Card(Answer, frozen=True):
    id: str
    title: str
    what: str
    why: str
    severity: str
    risk: int
    misses: list[str]
    false_positives: list[str]
    playbook: list[Block]


class DetectionPage(_Card, frozen=True):
    """All there is to say of a detection."""

    technique: str
    technique_name: str
    confidence: str
    modifiers: list[Modifier]
    attack: list[AttackReference]
    strategy: str
    lookback: str
    needs: list[str]
    sources: list[Source]
    tuning: list[Knob]
    references: list[str]
    changes: list[Change]
    languages: list[LanguageRules]
    lacking: list[Lacking]
    related: list[Related]
    attacks: list[Story]
    look_alikes: list[Story]
    proof: Standing
    investigate: list[Block]
    hunts: list[HuntFile]


class ChainStepCard(Answer, frozen=True):
    """A step of a chain: the verbs that make it, and by what it holds to the one before."""

    name: str
    verbs: list[str]
    by: str


class ChainPage(_Card, frozen=True):
    """All there is to say of a chain."""

    hours: float
    steps: list[ChainStepCard]
    attacks: list[Story]


class RuleText(Answer, frozen=True):
    """A file and what stands in it."""

    name: str
    text: str
