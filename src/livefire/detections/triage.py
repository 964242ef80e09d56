"""From findings to alerts: their risk against what is usual, what is excepted, and which of them call for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from livefire.detections.alerts import Alert, raise_alerts
from livefire.detections.baseline import Baseline, learn
from livefire.detections.chain import ChainFinding, acts_for_chains, find_chains, load_chains
from livefire.detections.counts import count_all, count_on
from livefire.detections.detection import Detection
from livefire.detections.evidence import acts_of
from livefire.detections.hunt import Hunt
from livefire.detections.risk import Scored, score
from livefire.detections.runner import Bench
from livefire.detections.tuning import Tuning
from livefire.logsources.acts import Act
from livefire.store.lake import Lake


@dataclass(frozen=True, slots=True)
class Triage:
    """What a hunt comes to. `lowered` fell into a maintenance window; `acts` are the acts behind all of it, by event name."""

    hunt: Hunt
    scored: tuple[Scored, ...]
    chains: tuple[ChainFinding, ...]
    alerts: tuple[Alert, ...]
    baseline: Baseline
    acts: dict[str, Act]

    @property
    def excepted(self) -> tuple[Scored, ...]:
        """The findings that an exception holds for: shown, never alerts."""
        return tuple(s for s in self.scored if s.excepted is not None)

    @property
    def lowered(self) -> tuple[Scored, ...]:
        """The findings whose risk announced work has lowered."""
        return tuple(s for s in self.scored if s.window is not None)


def triage(hunt: Hunt, detections: Sequence[Detection], bench: Bench, tuning: Tuning, baseline: Baseline | None = None, lake: Lake | None = None) -> Triage:
    """Score a hunt's findings and the chains of the same events, and raise the alerts they come to.

    Without a baseline one is learnt from the bench's events; those of a lake are counted on from the last time.
    """
    story = acts_for_chains(bench)
    chains = find_chains(load_chains(), story)
    if baseline is not None:
        known = baseline.over(bench.networks)
    else:
        known = learn(count_on(bench, lake) if lake is not None else count_all(bench), story, bench.networks)
    acts = acts_of((name for f in hunt.findings for name in f.evidence), bench)
    scored = score(hunt.findings, {d.card.id: d.card for d in detections}, acts, known, tuning)
    acts |= {f"{a.source}/{a.event}": a for c in chains for _, a in c.steps}
    return Triage(hunt, scored, chains, raise_alerts(scored, chains, tuning), known, acts)


def span_days(triage: Triage) -> float:
    """Return for how many days the accounts' logs are known, the longest of them."""
    begins = min(triage.baseline.begins.values(), default=triage.hunt.now)
    return (triage.hunt.now - begins) / timedelta(days=1)
