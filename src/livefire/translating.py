"""Rules from language to language, with the events on which both are proved to agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import PurePath
from typing import Any

from livefire import query as stages
from livefire.detections.runner import Bench
from livefire.diagnostics import Diagnostic, QueryError, Source, Span
from livefire.emulation.azure import portal_form
from livefire.emulation.catalogue import emulations
from livefire.engines.base import Storage
from livefire.logsources.registry import source as log_source
from livefire.plan.catalog import Table
from livefire.proving import STORY_START
from livefire.schema import Schema
from livefire.translation.condition import Condition
from livefire.translation.edges import chains_of, edges_of
from livefire.translation.equivalence import Equivalence, Ground, Runner, compare, ground
from livefire.translation.near_miss import Template, chains, near_misses, template
from livefire.translation.printer import Assumption
from livefire.translation.refusal import Untranslatable
from livefire.translation.statement import Translation, conditions_of, translate

Record = Mapping[str, Any]
# The emulated stories lie within a few hours before it.
PROOF_CLOCK = (STORY_START + timedelta(hours=6)).replace(tzinfo=None)
# How much earlier than the one before each story begins where none may share a moment with another: a prime number of seconds.
_APART = timedelta(seconds=601)


@dataclass(frozen=True, slots=True)
class Translated:
    """A rule in another language.

    `proof` is None when none was asked for. The text stands for the same findings only where
    `proof.verdict` is `proved`, and under the translation's assumptions.
    """

    source: Source
    language: str
    translation: Translation
    proof: Equivalence | None = None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def text(self) -> str:
        """The rule as the target language writes it."""
        return self.translation.text


@dataclass
class Translator:
    """Translates rules and keeps the events that proofs are made over; `stored` adds events of the user's own."""

    bench: Bench
    tables: Callable[[], tuple[Table, ...]]
    sources: Sequence[str]
    stored: Storage | None = None
    _templates: dict[str, tuple[Template, ...]] = field(default_factory=dict)

    def translate(self, source: Source, language: str, target: str, *, prove: bool = True, lenient: bool = False) -> Translated:
        """Return a rule in another language; QueryError where it cannot be read, or has no faithful form there (E310 to E312)."""
        compiled = self.compile(source, language, lenient=lenient)
        return self.turn(compiled, target, prove=prove)

    def compile(self, source: Source, language: str, *, lenient: bool = False) -> stages.Compiled:
        """Return a rule ready to be translated or run."""
        return stages.compile(source, language, self.bench.catalog(language), stages.Options(lenient, language=self.bench.options))

    def turn(self, compiled: stages.Compiled, target: str, *, prove: bool = True, title: str = "") -> Translated:
        """Return a compiled rule in another language."""
        try:
            found = translate(compiled.lowered, target, self.tables(), title or PurePath(compiled.source.name).stem)
        except Untranslatable as refusal:
            span = refusal.span or Span(0, len(compiled.source.text))
            diagnostic = Diagnostic("error", refusal.code, refusal.message, span, refusal.help)
            raise QueryError((*compiled.diagnostics, diagnostic), compiled.source) from refusal
        made = Translated(compiled.source, compiled.language, found, None, compiled.diagnostics)
        return replace(made, proof=self.prove(compiled, found)) if prove else made

    def prove(self, compiled: stages.Compiled, translation: Translation) -> Equivalence:
        """Run a rule and its translation over emulations, events that nearly meet it, and the user's own."""
        try:
            again = self.compile(Source(translation.text, f"<{translation.language}>"), translation.language)
            original = self._runner(compiled, [said for said, _ in translation.numbers])
            translated = self._runner(again, [shown for _, shown in translation.numbers])
        except QueryError as error:
            return Equivalence("not proved", reason=f"the printed text is not read back: {error}")
        return self._compared(original, translated, self.grounds(translation.assumptions, compiled, again))

    def compare(self, one: stages.Compiled, other: stages.Compiled) -> Equivalence:
        """Run two rules over emulations, events that nearly meet either, and the user's own."""
        return self._compared(self._runner(one, ()), self._runner(other, ()), self.grounds((), one, other))

    def _compared(self, original: Runner, translated: Runner, grounds: Sequence[Ground]) -> Equivalence:
        total = Equivalence("proved")
        for events in grounds:
            here = compare(original, translated, events, _schema)
            total = replace(here, events=total.events + here.events, found=total.found + here.found, excluded=total.excluded + here.excluded)
            if here.verdict != "proved":
                return total
        return total if total.found else replace(total, verdict="not proved", reason="no event was found that meets the rule")

    def grounds(self, assumptions: Sequence[Assumption], *compiled: stages.Compiled) -> list[Ground]:
        """Return every set of events that a proof is made over; generated ones keep the assumptions."""
        moments = any(a.kind == "moment" for a in assumptions)
        conditions: dict[str, list[Condition]] = {}
        for one in compiled:
            for log, condition in conditions_of(one.lowered):
                conditions.setdefault(log, []).append(condition)
        edges = dict.fromkeys(x for one in compiled for x in edges_of(one.lowered))
        following = dict.fromkeys(c for one in compiled for c in chains_of(one.lowered))
        records = {
            log: near_misses(wanted, self.templates(log), log, PROOF_CLOCK, [x for x in edges if x.source == log], following=bool(following))
            for log, wanted in conditions.items()
        }
        for log, whole in chains(following, self.templates, PROOF_CLOCK, together=not moments).items():
            records[log] += whole
        found = [self.emulated_apart if moments else self.emulated, ground("events that nearly meet it", records, self.sources, assumptions)]
        return [*found, Ground("the events stored here", self.stored, 0)] if self.stored is not None else found

    @cached_property
    def emulated(self) -> Ground:
        """The events of every emulation."""
        return ground("emulated events", self._emulated, self.sources)

    @cached_property
    def emulated_apart(self) -> Ground:
        """The events of every emulation, each story told at a time of its own: two stories that begin at once share moments that no identity's acts do."""
        found: dict[str, list[Record]] = {}
        for number, emulation in enumerate(emulations()):
            found.setdefault(emulation.log_source, []).extend(emulation.generate(STORY_START - number * _APART).raws())
        return ground("emulated events", found, self.sources)

    @cached_property
    def _emulated(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for emulation in emulations():
            found.setdefault(emulation.log_source, []).extend(emulation.generate(STORY_START).raws())
        return found

    def templates(self, log: str) -> tuple[Template, ...]:
        """Return a raw event of each form that a log source comes in."""
        if log not in self._templates:
            first = dict(self._emulated[log][0])
            forms = [first, portal_form(first)] if "resultType" in first else [first]
            self._templates[log] = tuple(template(log, dict(f)) for f in forms)
        return self._templates[log]

    def _runner(self, compiled: stages.Compiled, numbers: Sequence[str]) -> Runner:
        return Runner(compiled, self.bench.engine, PROOF_CLOCK, self.bench.seconds, numbers)


def _schema(source: str) -> Schema:
    return log_source(source).schema
