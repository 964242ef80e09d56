"""Measures how well the pack is tested, and what it loses at the edges: `python -m tests.pack_strength CACHE PAGE [LANGUAGE…]`.

One JSON line a rule is added to CACHE as soon as it is measured, so that a run that was stopped goes on; the page is
written from all of them. A rule's mutants are judged by each attack that its detection covers, then by near misses of these
(`tests/near_misses.py`), by all that resembles them, and by all other stories of its clouds at once.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from livefire.detections.detection import Detection, Rule
from livefire.detections.pack import load_packs
from livefire.emulation.catalogue import emulations
from livefire.emulation.model import Cloud, Emulation
from livefire.engines.base import Storage
from livefire.engines.program import TableFiles
from livefire.engines.worker import shared_scratch
from livefire.exports.model import seconds
from livefire.lint.scope import on_action
from livefire.lint.tests import Facts, expressions, parts_of
from livefire.logsources.registry import SOURCES
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.proof.edges import Schedule
from livefire.proof.trial import Trial
from livefire.proving import STORY_START, emulated
from livefire.rehearsing import Rehearsal
from livefire.schema import Type
from livefire.store.frames import empty_table, read_records
from livefire.workspace import Workspace
from tests.near_misses import Asked, near_misses
from tests.wide_misses import lines_of, long_before, strayed, wide_misses

NOTE = "<!-- Made by `python -m tests.pack_strength CACHE docs/t1578-strength.md`; edit the code, not this page. -->"
HOUR = timedelta(hours=1)
WIDE = 2  # raised when trials of `missed_widely` are added, so that survivors are judged again
MOST_WORDS, MOST_NAMES = 14, 60
MONTH = 31 * 86_400  # seconds
SEVERAL = (n.Aggregate, n.Join, n.Recurrence, n.Sequence, n.Window)  # a rule without one looks at each event by itself, and has no edges
Row = Mapping[str, Any]
SOURCE = re.compile(r"""#?(?:Vendor|event\.(?:dataset|module)|sourcetype|index)\s*={1,2}\s*"?[\w.:*-]+"?""")
"""A clause that does no more than name a log source."""


@cache
def trial_of(emulation: str) -> Trial:
    """Return an emulation laid out as tables, once for all rules."""
    return emulated(next(m for m in emulations() if m.id == emulation), [s.name for s in SOURCES])


def trials_of(detection: Detection, rule: Rule, plan: n.Plan) -> list[Trial]:
    """Return what a rule is judged by: the attacks it covers, what resembles them, and every other story of the log sources it reads."""
    meant = covered(detection, rule, plan)
    read = [m for m in emulations() if m.cloud.log_source in Facts(plan).tables]
    covers = [m.id for m in (*meant, *(m for m in read if m.id in detection.card.covers and m not in meant))]
    alike = [m.id for m in read if set(m.resembles).intersection(covers)]
    rest = [m.id for m in read if m.id not in covers and m.id not in alike]
    others = [together(name, tuple(ids)) for name, ids in (("look-alikes", alike), ("every other story", rest)) if ids]
    near = (*missed_nearly(meant, plan), *missed_widely(meant, plan))
    return [*(trial_of(i) for i in covers), *near, *others]


def covered(detection: Detection, rule: Rule, plan: n.Plan) -> list[Emulation]:
    """Return the attacks that a rule is meant for: those of its detection in the log sources that it reads, and of its file's cloud where that names one."""
    found = [m for m in emulations() if m.id in detection.card.covers and m.cloud.log_source in Facts(plan).tables]
    name = rule.path.name if rule.path else rule.name
    named = next((c for c in Cloud if f".{c.value}." in name), Cloud.AWS if rule.language == "eql" and any(m.cloud is Cloud.AWS for m in found) else None)
    return [m for m in found if named in (None, m.cloud)]


def by_source(told: Iterable[Emulation]) -> dict[str, list[Emulation]]:
    """Return attacks by the log source that they are in."""
    found: dict[str, list[Emulation]] = {}
    for emulation in told:
        found.setdefault(emulation.cloud.log_source, []).append(emulation)
    return found


def missed_nearly(attacks: Sequence[Emulation], plan: n.Plan) -> Iterator[Trial]:
    """Yield the near misses of what a rule covers, those of a log source at once; what a rule excludes and its windows say which there are."""
    asked, now = asked_by(plan, MOST_WORDS, _timespans(plan)), from_now(plan)
    for source, told in by_source(attacks).items():
        made = near_misses(told, asked, STORY_START, at_once=now)
        yield laid_out(f"near misses, {source}", {source: made.records}, made.end if not now else max(trial_of(m.id).now for m in told))


def missed_widely(attacks: Sequence[Emulation], plan: n.Plan) -> Iterator[Trial]:
    """Yield the near misses of whole stories, those of a log source at once, and the stories under the name of another source."""
    asked, now = asked_by(plan, MOST_NAMES, _timespans(plan) | _seconds(plan)), from_now(plan)
    for source, told in by_source(attacks).items():
        made = wide_misses(told, asked, STORY_START, at_once=now)
        end = max(trial_of(m.id).now for m in told)
        yield laid_out(f"near misses of whole stories, {source}", {source: made.records}, end if now else made.end)
        if now:
            earlier, first = long_before(told, asked, STORY_START)
            yield laid_out(f"the same long before, {source}", {source: earlier}, end)
            yield laid_out(f"nothing before, {source}", {source: first}, end)
        yield laid_out(f"under another source's name, {source}", strayed(told, STORY_START), max(end, made.end))


def asked_by(plan: n.Plan, most: int, spans: set[timedelta]) -> Asked:
    """Return what a rule asks for, at most so many words of each kind."""
    tests = Facts(plan).tests
    actions = list(dict.fromkeys(w for t in tests if on_action(t) and not t.negated for w in t.words))
    words = sorted({w for t in tests if not on_action(t) for w in t.words if len(w) > 1}, key=lambda w: ("@" not in w and not w.isdigit(), w))
    return Asked(actions[:MOST_WORDS], words[:most], sorted(spans))


def _literals(plan: n.Plan) -> list[e.Literal]:
    return [part for node in Facts(plan).nodes for expr in expressions(node) for part in parts_of(expr) if isinstance(part, e.Literal)]


def _timespans(plan: n.Plan) -> set[timedelta]:
    ticks = {abs(x.value) for x in _literals(plan) if x.type is Type.TIMESPAN and isinstance(x.value, int) and x.value}
    return {timedelta(microseconds=t / 10) for t in ticks}


def _seconds(plan: n.Plan) -> set[timedelta]:
    """Return the lengths of time that whole numbers of a rule may stand for: seconds up to a month, milliseconds above."""
    numbers = {x.value for x in _literals(plan) if isinstance(x.value, int) and not isinstance(x.value, bool) and x.type is not Type.TIMESPAN}
    lengths = {timedelta(seconds=v) if v <= MONTH else timedelta(milliseconds=v) for v in numbers if 60 <= v <= MONTH * 1000}
    return {length for length in lengths if timedelta(minutes=1) <= length and not length % timedelta(minutes=1)}


def from_now(plan: n.Plan) -> bool:
    """True for a rule that looks back from the time of its run."""
    return any(isinstance(part, e.Parameter) for node in Facts(plan).nodes for expr in expressions(node) for part in parts_of(expr))


def laid_out(name: str, records: Mapping[str, Sequence[dict[str, Any]]], end: datetime) -> Trial:
    """Return records of log sources as a trial; a near miss may be no event any more."""
    frames = {s.name: read_records(io.BytesIO(lines_of(records[s.name])), s.name) if records.get(s.name) else empty_table(s.name) for s in SOURCES}
    storage = Storage({name: TableFiles((shared_scratch().put(frame),)) for name, frame in frames.items()})
    return Trial(name, name, "look_alike", storage, end)


@cache
def together(name: str, ids: tuple[str, ...]) -> Trial:
    """Return several stories as one trial: what a rule finds in all of them at once."""
    told = [trial_of(i) for i in ids]
    tables: dict[str, TableFiles] = {}
    for source in told[0].storage.tables:
        files = [t.storage.tables[source] for t in told]
        tables[source] = TableFiles(tuple(dict.fromkeys(p for f in files for p in f.files)), files[0].schema)
    return Trial(name, name, "look_alike", Storage(tables), max(t.now for t in told))


def measure(detection: Detection, rule: Rule, stage: Rehearsal, *, mutants: bool) -> Row:
    """Return what became of a rule's mutants, or of its attacks at the edges."""
    plan = stage.plan(rule)
    row = label(detection, rule)
    if mutants:
        score = stage.score(rule, trials_of(detection, rule, plan) if plan is not None else [])
        return {**row, "mutants": len(score.judged), "survivors": [[j.mutant.change, j.mutant.clause] for j in score.survivors], "wide": WIDE}
    if plan is None or not any(isinstance(node, SEVERAL) for node in Facts(plan).nodes):
        return {**row, "edges": [], "needed": None}
    told = [trial_of(m.id) for m in emulations() if m.id in detection.card.covers and m.cloud.log_source in Facts(plan).tables]
    back = timedelta(seconds=seconds(detection.card.lookback))
    edges, needed = stage.edges(rule, told, Schedule(HOUR, back))  # every export runs once an hour
    return {**row, "edges": [[e.name, e.cases, list(e.lost)] for e in edges], "needed": needed / timedelta(minutes=1) if needed is not None else None}


def label(detection: Detection, rule: Rule) -> dict[str, Any]:
    """Return how a measure names its rule, and the text that it was made of."""
    text = hashlib.sha256(rule.text.encode()).hexdigest()[:12]
    return {"detection": detection.card.id, "language": rule.language, "file": rule.path.name if rule.path else rule.name, "text": text}


def judge_again(row: Row, detection: Detection, rule: Rule, stage: Rehearsal) -> Row:
    """Return a row of an earlier run, its survivors judged by the trials that came later.

    What was noticed stays noticed, for trials are only added. Where several mutants go by one name, no more are taken for noticed than are now.
    """
    plan = stage.plan(rule)
    listed = [(change, clause) for change, clause in row["survivors"]]
    if plan is None or not listed:
        return {**row, "wide": WIDE}
    trials = list(missed_widely(covered(detection, rule, plan), plan))
    judged = stage.score(rule, trials, only=lambda m: (m.change, m.clause) in listed).judged
    left = Counter((j.mutant.change, j.mutant.clause) for j in judged if j.noticed_by is None)
    known = Counter(listed)
    return {**row, "survivors": [list(name) for name in known for _ in range(min(known[name], left[name]))], "wide": WIDE}


def rows(cache_file: Path, languages: Iterable[str], *, mutants: bool, tell: Callable[[str], None] = print) -> list[Row]:
    """Return the measure of every rule of the pack in the languages, those of the file first; a rule whose text has changed is measured anew."""
    texts = {(d.card.id, r["file"]): r["text"] for d in load_packs() for rule in d.rules for r in [label(d, rule)]}
    read = [json.loads(line) for line in cache_file.read_text(encoding="utf-8").splitlines()] if cache_file.exists() else []
    done = {(r["detection"], r["file"], "mutants" in r): r for r in read if texts.get((r["detection"], r["file"])) == r["text"]}
    stage = Workspace().rehearsal()
    wanted = set(languages)
    with cache_file.open("a", encoding="utf-8") as out:
        for detection in load_packs():
            for rule in detection.rules:
                key = (detection.card.id, rule.path.name if rule.path else rule.name, mutants)
                row = done.get(key)
                if (wanted and rule.language not in wanted) or (row is not None and (not mutants or row.get("wide") == WIDE)):
                    continue
                row = measure(detection, rule, stage, mutants=mutants) if row is None else judge_again(row, detection, rule, stage)
                out.write(json.dumps(row) + "\n")
                out.flush()
                done[key] = row
                tell(f"{detection.card.id} {key[1]}: {row.get('mutants')} mutants, {len(row.get('survivors', []))} unnoticed; {row.get('edges')}"[:300])
    return list(done.values())


def names_source(survivor: Sequence[str]) -> bool:
    """True for a change that left out or altered no more than the name of a log source."""
    return bool(SOURCE.fullmatch(survivor[1]))


def page(measured: Iterable[Row]) -> str:
    """Return the page: what each rule loses at the edges, and how many of its mutants are noticed."""
    listed = list(measured)
    edges = [r for r in listed if r.get("edges")]
    mutants = [r for r in listed if "mutants" in r]
    lines = [NOTE, "", "# How well the pack holds", ""]
    lines += [f"Measured so far: {len({(r['detection'], r['file']) for r in listed})} rules; the command goes on where it stopped.", ""]
    kinds = list(dict.fromkeys(e[0] for r in edges for e in r["edges"]))
    lost = [r for r in edges if any(e[2] for e in r["edges"])]
    lines += [f"## Edges: {len(edges)} rules that look at several events, {len(lost)} of which lose a case", ""]
    lines += ["Cases lost of all: attacks told at other times, with midnight between their events (the end of every fixed bucket), turned round,"]
    lines += ["with each event twice, and at the delays of the clouds, for a rule that runs every hour and looks back as its card says.", ""]
    if any(r["language"] == "eql" for r in lost):
        lines += [
            "An EQL sequence has no order within one second, the finest time that CloudTrail writes: two acts of the same second are lost to it where the"
        ]
        lines += ["log holds them the other way round. The other languages compare times with `<=`.", ""]
    lines += ["| detection | rule | " + " | ".join(kinds) + " |", "|---|---|" + "--:|" * len(kinds)]
    for row in edges:
        by_name = {e[0]: f"{len(e[2])} of {e[1]}" for e in row["edges"]}
        lines.append(f"| {row['detection']} | {row['file']} | " + " | ".join(by_name.get(k, "") for k in kinds) + " |")
    lines += ["", "## Mutants: changes of one clause", ""]
    lines += [
        "| language | rules | changes | noticed | share | not noticed that only name the log source | share without these |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for language in dict.fromkeys(r["language"] for r in mutants):
        own = [r for r in mutants if r["language"] == language]
        total, missed = sum(r["mutants"] for r in own), [s for r in own for s in r["survivors"]]
        source = sum(names_source(s) for s in missed)
        noticed = total - len(missed)
        share, rest = (f"{noticed / n:.0%}" if n else "none" for n in (total, total - source))
        lines.append(f"| {language} | {len(own)} | {total:,} | {noticed:,} | {share} | {source} | {rest} |")
    lines += [""]
    lines += [
        "A change is noticed where the rule then finds something else: in an attack, in what resembles one, in another story, or in a near miss, which is"
    ]
    lines += ["an attack told again with one thing in one event otherwise, or two events too far apart or turned round; told by another identity, one act"]
    lines += ["again and again, one act alone or left out, two acts exactly as far apart as the rule allows and a second more, the same just before the rule"]
    lines += ["looks back; or come, whole or in part, under the name of another log source. What no story can tell apart stays: a first filter in Splunk that"]
    lines += ["says again what a later step decides, and is there because an index answers it; an exclusion in both halves of a LogScale `correlate`, whose"]
    lines += ["halves are fetched apart; `event.dataset` in Elastic, whose fields no other data set has. They make queries fast, so they stay."]
    lines += ["Correlations of Sigma over time (temporal) have no clause here that could be changed, and so no changes to count.", ""]
    lines += ["| detection | rule | changes | not noticed | such as |", "|---|---|--:|--:|---|"]
    for row in mutants:
        such = "; ".join(f"{change}: `{clause[:70]}`".replace("|", "\\|") for change, clause in row["survivors"][:2])
        lines.append(f"| {row['detection']} | {row['file']} | {row['mutants']} | {len(row['survivors'])} | {such} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    kept: list[Row] = []
    for which in (False, True):
        kept = rows(Path(sys.argv[1]), sys.argv[3:], mutants=which)
    Path(sys.argv[2]).write_text(page(kept), encoding="utf-8")
