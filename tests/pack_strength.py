"""Measures how well the pack is tested, and what it loses at the edges: `python -m tests.pack_strength CACHE PAGE [LANGUAGE…]`.

One JSON line a rule is added to CACHE as soon as it is measured, so that a run that was stopped goes on; the page is
written from all of them. A rule's mutants are judged by each attack that its detection covers, then by near misses of these
(`tests/near_misses.py`), by all that resembles them, and by all other stories of its clouds at once.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from livefire.detections.detection import Detection, Rule
from livefire.detections.pack import load_packs
from livefire.emulation.catalogue import emulations
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

NOTE = "<!-- Made by `python -m tests.pack_strength CACHE docs/t1578-strength.md`; edit the code, not this page. -->"
HOUR = timedelta(hours=1)
MOST_WORDS = 14
SEVERAL = (n.Aggregate, n.Join, n.Recurrence, n.Sequence, n.Window)  # a rule without one looks at each event by itself, and has no edges
Row = Mapping[str, Any]
SOURCE = re.compile(r"""#?(?:Vendor|event\.(?:dataset|module)|sourcetype|index)\s*={1,2}\s*"?[\w.:*-]+"?""")
"""A clause that does no more than name a log source."""


@cache
def trial_of(emulation: str) -> Trial:
    """Return an emulation laid out as tables, once for all rules."""
    return emulated(next(m for m in emulations() if m.id == emulation), [s.name for s in SOURCES])


def trials_of(detection: Detection, plan: n.Plan) -> list[Trial]:
    """Return what a rule is judged by: the attacks it covers, what resembles them, and every other story of the log sources it reads."""
    tables = Facts(plan).tables
    read = [m for m in emulations() if m.cloud.log_source in tables]
    covers = [m.id for m in read if m.id in detection.card.covers]
    alike = [m.id for m in read if set(m.resembles).intersection(covers)]
    rest = [m.id for m in read if m.id not in covers and m.id not in alike]
    others = [together(name, tuple(ids)) for name, ids in (("look-alikes", alike), ("every other story", rest)) if ids]
    return [*(trial_of(i) for i in covers), *(missed_nearly(tuple(covers), tables, plan) if covers else ()), *others]


def missed_nearly(covers: tuple[str, ...], tables: frozenset[str], plan: n.Plan) -> Iterator[Trial]:
    """Yield the near misses of what a rule covers, those of a log source at once; what a rule excludes and its windows say which there are."""
    literals = [part for node in Facts(plan).nodes for expr in expressions(node) for part in parts_of(expr) if isinstance(part, e.Literal)]
    spans = sorted({timedelta(microseconds=x.value / 10) for x in literals if x.type is Type.TIMESPAN and isinstance(x.value, int) and x.value > 0})
    tests = Facts(plan).tests
    actions = list(dict.fromkeys(w for t in tests if on_action(t) and not t.negated for w in t.words))
    words = sorted({w for t in tests if not on_action(t) for w in t.words if len(w) > 1}, key=lambda w: ("@" not in w and not w.isdigit(), w))
    asked = Asked(actions[:MOST_WORDS], words[:MOST_WORDS], spans)
    now = any(isinstance(part, e.Parameter) for node in Facts(plan).nodes for expr in expressions(node) for part in parts_of(expr))
    for source in sorted(tables):
        told = [m for m in emulations() if m.id in covers and m.cloud.log_source == source]
        if not told:
            continue
        made = near_misses(told, asked, STORY_START, at_once=now)
        lines = b"\n".join(json.dumps(r, separators=(",", ":")).encode() for r in made.records)
        frames = {s.name: empty_table(s.name) for s in SOURCES} | {source: read_records(io.BytesIO(lines), source)}  # some are no events any more
        storage = Storage({name: TableFiles((shared_scratch().put(frame),)) for name, frame in frames.items()})
        end = made.end if not now else max(trial_of(m.id).now for m in told)
        yield Trial(f"near misses, {source}", "near misses", "look_alike", storage, end)


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
    trials = trials_of(detection, plan) if plan is not None else []
    row: dict[str, Any] = {"detection": detection.card.id, "language": rule.language, "file": rule.path.name if rule.path else rule.name}
    if mutants:
        score = stage.score(rule, trials)
        row["mutants"] = len(score.judged)
        row["survivors"] = [[j.mutant.change, j.mutant.clause] for j in score.survivors]
        return row
    if plan is None or not any(isinstance(node, SEVERAL) for node in Facts(plan).nodes):
        return {**row, "edges": [], "needed": None}
    covered = [t for t in trials if t.emulation in detection.card.covers]
    back = timedelta(seconds=seconds(detection.card.lookback))
    edges, needed = stage.edges(rule, covered, Schedule(HOUR, back))  # every export runs once an hour
    row["edges"] = [[e.name, e.cases, list(e.lost)] for e in edges]
    row["needed"] = needed / timedelta(minutes=1) if needed is not None else None
    return row


def rows(cache_file: Path, languages: Iterable[str], *, mutants: bool, tell: Callable[[str], None] = print) -> list[Row]:
    """Return the measure of every rule of the pack in the languages, those of the file first."""
    known = [json.loads(line) for line in cache_file.read_text(encoding="utf-8").splitlines()] if cache_file.exists() else []
    done = {(r["detection"], r["file"], "mutants" in r) for r in known}
    stage = Workspace().rehearsal()
    wanted = set(languages)
    with cache_file.open("a", encoding="utf-8") as out:
        for detection in load_packs():
            for rule in detection.rules:
                name = rule.path.name if rule.path else rule.name
                if (wanted and rule.language not in wanted) or (detection.card.id, name, mutants) in done:
                    continue
                row = measure(detection, rule, stage, mutants=mutants)
                out.write(json.dumps(row) + "\n")
                out.flush()
                known.append(row)
                tell(f"{detection.card.id} {name}: {row.get('mutants')} mutants, {len(row.get('survivors', []))} unnoticed; {row.get('edges')}"[:300])
    return known


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
        "A change is noticed where the rule then finds something else: in an attack, in what resembles one, in another story, or in a near miss, which is an"
    ]
    lines += [
        "attack told again with one thing in one event otherwise, or two events too far apart or turned round. What no story can tell apart stays: a word of"
    ]
    lines += ["another cloud in a list that all clouds share, a second condition that says the same of these events. A clause that only names the log source"]
    lines += [
        '(`#Vendor=aws`, `event.dataset == "aws.cloudtrail"`) is such a one: no record of another cloud has the fields that the rest of the rule asks for.'
    ]
    lines += ["Products read faster with it, so it stays; the last column leaves these changes out.", ""]
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
