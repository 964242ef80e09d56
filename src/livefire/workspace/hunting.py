"""Detections over what a workspace holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire import query as stages
from livefire.detections.hunt import Hunt, hunt
from livefire.detections.runner import Bench, Outcome, run_rule
from livefire.diagnostics import Diagnostic, QueryError, Source
from livefire.plan import nodes as n
from livefire.plan.expr import text as constant
from livefire.plan.functions import call
from livefire.workspace.queries import Queries

if TYPE_CHECKING:
    from livefire.detections.baseline import Baseline
    from livefire.detections.baseline_files import Kept
    from livefire.detections.chain import ChainFinding
    from livefire.detections.detection import Detection, Rule
    from livefire.detections.finding import Finding
    from livefire.detections.formats import RuleFile
    from livefire.detections.inventory import Machine
    from livefire.detections.investigation import Case
    from livefire.detections.onward import Onward
    from livefire.detections.triage import Triage
    from livefire.store.lake import Lake


class Hunting(Queries):
    """What runs rules and detections and judges what they find."""

    def bench(self, now: datetime | None = None, *, start: datetime | None = None, end: datetime | None = None, **options: Any) -> Bench:
        """Return what rules are run with; `now` is by default a minute past the latest event."""
        seconds, rows = float(options.pop("seconds", 60.0)), options.pop("max_rows", None)
        return Bench(
            self.catalog,
            self._engine(),
            self._storage(),
            now or self.clock(),
            start,
            end,
            seconds,
            rows,
            self._declared(options),
            now is not None,
            self._networks,
        )

    def run(self, rule: Rule, *, lenient: bool = False, now: datetime | None = None, **options: Any) -> Outcome:
        """Run a rule and return its rows with the events they rest on; a rule that cannot run is a refused outcome."""
        return run_rule(rule, self.bench(now, **options), lenient=lenient)

    def rules(self, path: str | Path) -> tuple[RuleFile, ...]:
        """Return the rules of a file of any product, none where it holds none; QueryError E505 or E506 for a broken one."""
        from livefire.detections.formats import read_file

        return read_file(Path(path))

    def check_rule(self, rule: Rule, *, lenient: bool = False) -> list[Diagnostic]:
        """Return everything there is to say of a rule without running it; places are in its file, and what its file says beside the query is judged too."""
        from livefire.lint import review

        if rule.alerting is not None:

            def judged(source: Source, language: str, plan: n.Plan, /) -> Sequence[Diagnostic]:
                return review(source, language, plan, rule.text)

            return list(rule.alerting.check(rule, self.catalog(rule.language), lenient=lenient, review=judged))
        whole = rule.path.read_text(encoding="utf-8", errors="replace") if rule.path is not None and rule.path.is_file() else ""
        about = whole if whole != rule.text and rule.language != "sigma" else ""
        return self.check(rule.text, rule.language, lenient=lenient, name=str(rule.path or rule.name), about=about)

    def rule_folder(self, folder: str | Path) -> tuple[tuple[Detection, ...], tuple[tuple[Path, QueryError], ...]]:
        """Return every rule below a folder as a detection of its own, and the files that cannot be read with the reason.

        A Sigma rule that only a correlation of another file is made of is none by itself. QueryError E501 for a folder without rules.
        """
        from livefire.detections.formats import read_folder

        found: list[Detection] = []
        broken: list[tuple[Path, QueryError]] = []
        for path, rules in read_folder(Path(folder)):
            if isinstance(rules, QueryError):
                broken.append((path, rules))
            else:
                found += [one.detection() for one in rules if not one.inner]
        if not found and not broken:
            raise QueryError([Diagnostic("error", "E501", f"{Path(folder).name} holds no rule file")])
        return tuple(found), tuple(broken)

    def detections(self, folder: str | Path | None = None) -> tuple[Detection, ...]:
        """Return the detections below a folder, by default those that come with livefire; QueryError E5xx for a bad one."""
        from livefire.detections.pack import BUNDLED, load_packs

        return load_packs(Path(folder) if folder is not None else BUNDLED)

    def hunt(
        self,
        detections: Sequence[Detection] | None = None,
        *,
        language: str | None = None,
        now: datetime | None = None,
        progress: Callable[[str], None] | None = None,
        **options: Any,
    ) -> Hunt:
        """Run detections over the lake, each in one language, and return their findings by time.

        `language` chooses the rules; a detection without a rule in it is refused in its outcome.
        """
        chosen = detections if detections is not None else self.detections()
        return hunt(chosen, self.bench(now, **options), language, progress)

    def hunt_on(
        self,
        detections: Sequence[Detection] | None = None,
        *,
        language: str | None = None,
        now: datetime | None = None,
        progress: Callable[[str], None] | None = None,
        **options: Any,
    ) -> Onward:
        """Run detections over what came into the lake since they were last hunted so, and return the findings that were not told before.

        What it looked at is kept by `told`, once its findings were shown. QueryError E522 when what earlier hunts looked at cannot be read.
        """
        from livefire.detections.onward import hunt_on, read_passed

        chosen, bench = detections if detections is not None else self.detections(), self.bench(now, **options)
        return hunt_on(chosen, bench, self.lake, read_passed(self.lake), language, progress)

    def _own_lake(self) -> Lake | None:
        """The lake, where it alone is what the engine reads: one that may read a site's own tables has no versions to count on."""
        return self.lake if self._engine().name == "duckdb" and (self._lake is not None or self._lake_path is not None) else None

    def told(self, onward: Onward) -> None:
        """Keep beside the lake what a hunt looked at and told; LakeError when another hunt has just done so."""
        from livefire.detections.onward import keep_passed

        keep_passed(self.lake, onward.passed)

    def chains(self, now: datetime | None = None, **options: Any) -> tuple[ChainFinding, ...]:
        """Return the chains completed in the lake, each with its steps, the events they rest on, and the links between resources."""
        from livefire.detections.chain import acts_for_chains, find_chains, load_chains

        return find_chains(load_chains(), acts_for_chains(self.bench(now, **options)))

    def triage(
        self,
        detections: Sequence[Detection] | None = None,
        *,
        tuning: str | Path | None = None,
        baseline: Baseline | None = None,
        language: str | None = None,
        now: datetime | None = None,
        progress: Callable[[str], None] | None = None,
        **options: Any,
    ) -> Triage:
        """Hunt, score what is found against what is usual, and raise alerts; `tuning` is a file of what the site trusts and excepts."""
        from livefire.detections.triage import triage
        from livefire.detections.tuning import SHIPPED, load_tuning

        chosen, said = detections if detections is not None else self.detections(), load_tuning(Path(tuning) if tuning is not None else SHIPPED)
        bench = self.bench(now, **options)
        return triage(hunt(chosen, bench, language, progress), chosen, bench, said, baseline, self._own_lake())

    def learn(self, *, keep: bool = False, now: datetime | None = None, **options: Any) -> Kept:
        """Return the baseline of the lake's events, version 0; with `keep` it is kept beside the lake as the next version."""
        from livefire.detections.baseline import learn
        from livefire.detections.baseline_files import Kept
        from livefire.detections.baseline_files import keep as keep_baseline
        from livefire.detections.chain import acts_for_chains
        from livefire.detections.counts import count_all, count_on

        bench, lake = self.bench(now, **options), self._own_lake()
        known = learn(count_on(bench, lake) if lake is not None else count_all(bench), acts_for_chains(bench), bench.networks)
        version = keep_baseline(self.lake.path, known, bench.now, self.lake.keep) if keep else 0
        return Kept(version, bench.now, known)

    def inventory(self, now: datetime | None = None, **options: Any) -> tuple[Machine, ...]:
        """Return the machines that the lake's events tell of: by whom they were made, what changed, what is gone."""
        from livefire.detections.chain import acts_for_chains
        from livefire.detections.inventory import take_inventory

        return take_inventory(acts_for_chains(self.bench(now, **options)))

    def investigate(self, finding: Finding, now: datetime | None = None, **options: Any) -> Case:
        """Run the guide of a finding's detection or chain for it, and return the case; KeyError for a finding of neither."""
        from livefire.detections.chain import acts_for_chains, chain_folders
        from livefire.detections.investigation import investigate

        folder = ({d.card.id: d.folder for d in self.detections()} | chain_folders())[finding.detection]
        bench = self.bench(now, **options)
        return investigate(finding, folder, bench, acts_for_chains(bench))

    def explain_miss(self, compiled: stages.Compiled, event: str | None, now: datetime | None = None) -> str:
        """Return in words which clause of a compiled query dropped an event, given by the id it has in the lake.

        Without an event: which clause dropped the last of those that came farthest.
        """
        from livefire.proof.miss import explain_miss

        bench = self.bench(now)
        wanted = frozenset(f"{source}/{event}" for source in self._holding(event, bench)) if event is not None else None
        if wanted is not None and not wanted:
            return "no event of that id is in the lake"
        return explain_miss(compiled.lowered, wanted, compiled.source, bench.engine, bench.storage, bench.run_values()).reason

    def explain_hit(self, compiled: stages.Compiled, event: str | None, now: datetime | None = None) -> list[str]:
        """Return in words which clauses the events behind a row met: of the first row that rests on an event, given by its id, or of the first at all."""
        from livefire.proof.hit import explain_hit

        bench = self.bench(now)
        wanted = frozenset(f"{source}/{event}" for source in self._holding(event, bench)) if event is not None else None
        if wanted is not None and not wanted:
            return ["no event of that id is in the lake"]
        return explain_hit(compiled.lowered, wanted, compiled.source, bench.engine, bench.storage, bench.run_values()) or ["no row rests on it"]

    def _holding(self, event: str, bench: Bench) -> list[str]:
        """Return the log sources that hold an event of that id."""
        from livefire.logsources.registry import SOURCES

        found = []
        for source in SOURCES:
            scan = n.Scan(source.name, source.schema, source.schema.names, identity="_id")
            here = n.select(n.Filter(scan, call("compare.eq", n.column(scan, "_id"), constant(event))), "_id")
            if bench.engine.execute(here, bench.storage, bench.run_values()).num_rows:
                found.append(source.name)
        return found
