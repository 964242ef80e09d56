"""Rules put to the proof, translated and exported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.detections.hunt import Hunt
from livefire.detections.runner import Bench
from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.engines.base import Storage
from livefire.workspace.clock import present
from livefire.workspace.holdings import Holdings
from livefire.workspace.hunting import Hunting

if TYPE_CHECKING:
    from livefire.bundling import Verdict
    from livefire.detections.coverage import Covered
    from livefire.detections.detection import Detection, Rule
    from livefire.detections.formats import RuleFile
    from livefire.exporting import Exported, Site
    from livefire.exports import Artefact
    from livefire.proof.matrix import Matrix
    from livefire.proof.trial import RuleProof
    from livefire.rehearsing import Rehearsal
    from livefire.translating import Translated, Translator
    from livefire.translation.equivalence import Equivalence


class Proofs(Hunting):
    """What proves rules, turns them into other languages and into files of products."""

    def prove(
        self,
        ids: Sequence[str] = (),
        *,
        published: str | Path | None = None,
        detections: Sequence[Detection] | None = None,
        language: str | None = None,
        near: bool = False,
        retold: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Matrix:
        """Run detections over every emulation of attack and look-alike, and return the matrix of verdicts.

        `ids` keeps detections and emulations of these techniques (`T1578.002`); `published` is a
        folder of published pages whose queries are put to the same proof, as written;
        `detections` are the bundled ones unless given, `language` keeps their rules in one. `near`
        runs only what they cover and the look-alikes of that: quick, while one is written. `retold` tells the
        stories of Azure and Google, and no others, in the other spellings that these clouds write.
        """
        from livefire.proof import matrix
        from livefire.proof.case import stage
        from livefire.proving import cases, subjects

        chosen = subjects(self.detections() if detections is None else detections, ids, Path(published) if published else None, language)
        sources = tuple(s.name for s in self.info().sources)
        staged = (stage(c, sources) for c in cases(ids, chosen, near=near, retold=retold))
        return matrix.prove(chosen, staged, Bench(self.catalog, self._engine(), Storage(), present(), options=self._declared({})), progress)

    def rehearsal(self, **options: Any) -> Rehearsal:
        """Return what puts rules of one's own to the proof, over cases, log files and emulations; nothing of it is stored in the lake."""
        from livefire.logsources.registry import SOURCES
        from livefire.rehearsing import Rehearsal

        apart: list[Holdings] = []  # they live as long as their events are looked at

        def stored(path: Path) -> tuple[Storage, datetime]:
            other = Holdings()
            apart.append(other)
            report = other.ingest(path)
            if report.quarantined or not report.stored:
                raise QueryError([Diagnostic("error", "E509", f"{path.name}: {report.quarantined} of {report.records} records cannot be read as events")])
            if report.skipped:
                raise QueryError([Diagnostic("error", "E509", f"{path.name}: {report.skipped[0].path} holds no events: {report.skipped[0].reason}")])
            return other._storage(), other.clock()

        declared = self._declared(options)
        empty = Holdings()._storage()
        return Rehearsal(Bench(self.catalog, self._engine(), empty, present(), options=declared), tuple(s.name for s in SOURCES), stored, declared)

    def bundle(self, proof: RuleProof, stage: Rehearsal, *, lenient: bool = False, key: bytes | None = None) -> bytes:
        """Return a proof as an evidence bundle, signed where an ed25519 private key (PEM) is given; QueryError E515 or E517 where there is none to be made."""
        from livefire.bundling import bundle
        from livefire.report.plans import as_text

        return bundle(proof, stage, as_text, lenient=lenient, key=key)

    def verify(self, data: bytes, *, key: bytes | None = None) -> Verdict:
        """Run an evidence bundle again and return what differs; `key` is the public key (PEM) that must have signed it. QueryError E515, E517."""
        from livefire.bundling import verify
        from livefire.report.plans import as_text

        return verify(data, self.rehearsal(), as_text, key=key)

    def liveness(self, rules: Sequence[Rule], lookback: timedelta | None = None) -> list[list[Diagnostic]]:
        """Return for each rule what stands between it and the events that are here: logs that never came, fields and values that none has, late delivery.

        `lookback` is how far back the rules are run; a query that says it itself is judged by that.
        """
        from livefire.lint.tests import Facts
        from livefire.liveness import Rule as Judged
        from livefire.liveness import Stock, judge, look_back

        stage, stock = self.rehearsal(), Stock(self.bench())
        plans = [stage.plan(rule) for rule in rules]
        facts = [Facts(plan) if plan is not None else None for plan in plans]
        return [list(judge(Judged(f, look_back(f) or lookback), stock)) if f is not None else [] for f in facts]

    def covered(
        self, detections: Sequence[Detection] | None = None, *, language: str | None = None, progress: Callable[[str], None] | None = None
    ) -> tuple[Covered, ...]:
        """Return what each detection covers: whether it is proved, and whether the data it needs is here.

        A detection is proved when its rules, in one language or the one asked for, fire on every attack that it covers and on nothing that resembles
        one; its data is alive when one of these rules can fire over the events that are stored.
        """
        from livefire.detections.coverage import Covered
        from livefire.liveness import alive

        found = []
        for detection in self.detections() if detections is None else detections:
            chosen = language if language is not None else next(iter(detection.languages), None)
            rules = detection.written_in(chosen) if chosen is not None else ()
            cells = [c for c in self.prove(detections=[detection], language=chosen, near=True, progress=progress).cells if c.covered or c.kind == "look_alike"]
            said = self.liveness(rules)
            missing = tuple(dict.fromkeys(d.message for ds in said for d in ds if not alive([d])))
            proved = bool(rules) and bool(cells) and all(c.right for c in cells)
            found.append(Covered(detection, chosen or "", proved, any(alive(ds) for ds in said), missing))
        return tuple(found)

    def covered_layer(self, found: Sequence[Covered]) -> str:
        """Return a layer of the ATT&CK Navigator whose scores count only the detections that cover something here."""
        from livefire.exports.attack import LATEST
        from livefire.exports.model import Subject
        from livefire.exports.navigator import as_layer

        counted = [c.detection for c in found if c.counts]
        subjects = [Subject(d.card, d.rules[0], attack=next((a for a in d.card.attack if a.version == LATEST), None)) for d in counted]
        return as_layer(subjects)[0].text

    def translator(self, **options: Any) -> Translator:
        """Return what translates rules; one serves for many, for it keeps the events that proofs are made over."""
        from livefire.logsources.registry import SOURCES
        from livefire.tables import vendor_tables
        from livefire.translating import Translator

        has_lake = self._lake is not None or self._lake_path is not None
        return Translator(self.bench(**options), vendor_tables, tuple(s.name for s in SOURCES), self._storage() if has_lake else None)

    def translate(self, text: str, to: str, language: str = "sigma", *, prove: bool = True, lenient: bool = False, **options: Any) -> Translated:
        """Return a rule in another language, proved on emulations, near misses and the lake's events.

        QueryError where the rule cannot be read, or a clause has no faithful form in the other
        language (E310 to E312). A `proof.verdict` other than `proved` says that the text is no
        translation to rely on; with `prove` False there is none.
        """
        source = Source(text, str(options.pop("name", "<query>")))
        return self.translator(**options).translate(source, language, to, prove=prove, lenient=lenient)

    def export(
        self, detections: Sequence[Detection], target: str, *, attack: str | None = None, now: datetime | None = None, site: Site | None = None
    ) -> Exported:
        """Return detections as the files that a product deploys; those that it cannot have are in `refused` with the reason.

        A detection without a rule in the target's language is translated, if that is proved. `attack`
        is the version of ATT&CK to name techniques by, such as v19; `site` are exceptions and connectors, which
        `kibana` writes. KeyError for an unknown target.
        """
        from livefire.exporting import export
        from livefire.exports import find

        return export(detections, find(target), self.translator, f"{now or present():%Y-%m-%d}", attack, site)

    def export_findings(self, found: Hunt, target: str, *, attack: str | None = None, now: datetime | None = None) -> tuple[Artefact, ...]:
        """Return the findings of a hunt for programs: `ocsf` (Detection Finding 2004) or `stix` (2.1). KeyError for another target."""
        from livefire.exporting import export_findings
        from livefire.version import __version__

        return export_findings(found, target, now or present(), __version__, attack)

    def counterpart(self, deployed: Rule, title: str, detections: Sequence[Detection]) -> Rule | None:
        """Return the rule of detections that what is deployed under a title is to be compared with, None where there is none."""
        from livefire.exporting import counterpart

        return counterpart(deployed, title, detections, self.translator())

    def deployed_of(self, deployed: Sequence[RuleFile], detections: Sequence[Detection]) -> tuple[RuleFile, ...]:
        """Return those rules of what is deployed that were made of detections, by title; all where none is named so."""
        from livefire.exporting import made_of

        return tuple(one for one, own in zip(deployed, made_of([one.title for one in deployed], detections), strict=True) if own)

    def diff(self, deployed: Rule, rule: Rule, *, lenient: bool = False) -> Equivalence:
        """Run what is deployed beside a rule over the same events: emulations, near misses, the lake's.

        `proved` says that both find the same; otherwise there is an event that tells them apart.
        QueryError where one of them cannot be read.
        """
        from livefire.exporting import compiled_rule

        translator = self.translator()
        one, other = (compiled_rule(r, translator, lenient=lenient) for r in (deployed, rule))
        return translator.compare(one, other)
