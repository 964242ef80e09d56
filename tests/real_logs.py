"""Measures the bundled detections on labelled logs of others: `python -m tests.real_logs SHARED PAGE [LANGUAGE ...]`.

The logs of one exercise are read together, samples and rule tests of one source too, each in a file of its own. A labelled
event is found when a finding or a chain rests on it. Nothing of the logs enters the page but counts and operations.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livefire.detections.triage import Triage
from livefire.logsources.registry import SOURCES
from livefire.plan import nodes as n
from livefire.workspace import Workspace

LANGUAGES = ("kql", "cql", "eql", "esql", "spl", "sigma")
NOTE = "<!-- Made by `python -m tests.real_logs SHARED docs/t1578-real-logs.md`; edit the code, not this page. -->"
INTRO = """# T1578 on logs of others

Logs that others published with labels: Stratus Red Team's detonations and documentation, Invictus' exercise on AWS (attacks
among Terraform's set-up and clean-up of the same things), and the rule tests of Panther and StreamAlert, whose label says what
*their* rule must do. Counts and operations only; the logs are no part of livefire.

What their rule must not find may still be an attack to ours: a share with a foreign account is no public share. Rule tests of one
source are read together, so that rules of several steps may join what their authors meant apart. The columns are the languages
measured; the alerts are those of `livefire alerts` with the tuning that comes with it.

Of invictus' attack events two take back a share that the exercise itself had made. No detection of shares is to find those: only the
points of an identity count them, which EQL and Sigma cannot add up: EQL has no sums, and a Sigma correlation adds up a field of the events, not
points for kinds of acts. So they find 8 of the 10 labelled events, and every act among them that is one.
"""
Case = Mapping[str, Any]


@dataclass
class Tally:
    """What was found: by language the cases that a finding rests on, and on each source the findings, chains and alerts."""

    cases: dict[str, Case] = field(default_factory=dict)
    unread: dict[str, Case] = field(default_factory=dict)
    found: defaultdict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    findings: defaultdict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    alerts: defaultdict[str, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))


def sets(shared: Path) -> Iterator[tuple[str, list[tuple[dict[str, Any], Case | None]]]]:
    """Yield (source, events with the case that labels them) for what is read together."""
    logs = shared / "logs"
    cases = [json.loads(line) for line in (logs / "t1578-cases.jsonl").read_text().splitlines()]
    by_id = {c["event_id"]: c for c in cases if c["event_id"]}
    invictus = [r for p in sorted((logs / "invictus-aws").rglob("*.json")) for r in records(p)]
    yield "invictus-aws", [(r, by_id.get(r["eventID"])) for r in invictus]
    for file in sorted({c["file"] for c in cases if c["source"] == "stratus-red-team"}):
        yield "stratus-red-team", [(r, by_id.get(r["eventID"])) for r in records(logs / file)]
    for source in ("stratus-docs-samples", "panther-analysis", "streamalert"):
        mine = [(sample(logs / c["file"], c), c) for c in cases if c["source"] == source]
        for part in apart([(event, case) for event, case in mine if event is not None]):
            yield source, part


def apart(events: list[tuple[dict[str, Any], Case | None]]) -> list[list[tuple[dict[str, Any], Case | None]]]:
    """Return samples in as few parts as keep events of one id apart: rule tests repeat ids, and a lake keeps one of each."""
    parts: list[tuple[set[str], list[tuple[dict[str, Any], Case | None]]]] = []
    for event, case in events:
        name = str(event.get("eventID") or event.get("insertId") or event.get("correlationId") or id(event))
        place = next((p for p in parts if name not in p[0]), None)
        if place is None:
            parts.append(place := (set(), []))
        place[0].add(name)
        place[1].append((event, case))
    return [members for _, members in parts]


def records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file, however wrapped."""
    data = json.loads(path.read_text())
    return list(data["Records"]) if isinstance(data, dict) else list(data)


def sample(path: Path, case: Case) -> dict[str, Any] | None:
    """Return the one event of a case that lies in a file of rule tests or printed samples."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        event = row.get("event")
        if not isinstance(event, dict) or (case["rule_id"] and (row.get("rule_id"), row.get("test_index")) != (case["rule_id"], case["test_index"])):
            continue
        if case["operation"].rpartition(":")[2].lower() in json.dumps(event).lower():
            return event
    return None


def measure(shared: Path, tally: Tally, language: str) -> None:
    """Run every detection in a language over every set."""
    for number, (source, events) in enumerate(sets(shared)):
        with tempfile.TemporaryDirectory() as folder:
            labelled = {}
            for place, (event, case) in enumerate(events):
                file = Path(folder) / "logs" / f"{place:05}.json"
                file.parent.mkdir(exist_ok=True)
                file.write_text(json.dumps(event))
                if case is not None:
                    labelled[file.name] = f"{number}/{place}"
                    tally.cases[f"{number}/{place}"] = case
            ws = Workspace(Path(folder) / "lake")
            ws.ingest(Path(folder) / "logs")
            marks = {name: labelled[file] for name, file in _names(ws) if file in labelled}
            for mark in sorted(set(labelled.values()) - set(marks.values())):
                tally.unread[mark] = tally.cases.pop(mark)
            print(language, source, flush=True)
            chosen = [d for d in ws.detections() if d.written_in(language)]
            _count(tally, source, language, ws.triage(chosen, language=language), marks)


def _names(ws: Workspace) -> Iterator[tuple[str, str]]:
    """Yield the evidence name of each event and the name of its file."""
    bench = ws.bench()
    for source in SOURCES:
        scan = n.Scan(source.name, source.schema, source.schema.names, identity="_id")
        rows = bench.engine.execute(n.select(scan, "_id", "_file"), bench.storage, bench.run_values())
        for event, file in zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True):
            yield f"{source.name}/{event}", str(file).rpartition("/")[2]


def _count(tally: Tally, source: str, language: str, found: Triage, marks: Mapping[str, str]) -> None:
    for name, evidence in [(s.id, s.evidence) for s in found.scored] + [(c.chain.id, c.evidence) for c in found.chains]:
        touched = {marks[e] for e in evidence if e in marks}
        labels = {tally.cases[m]["label"] for m in touched}
        basis = "attack" if "attack" in labels else min(labels, default="not labelled")
        tally.findings[language][name, f"{source}: {basis}"] += 1
        for mark in touched:
            tally.found[language].setdefault(mark, set()).add(name)
    for alert in found.alerts:
        touched = {tally.cases[marks[e]]["label"] for e in alert.evidence if e in marks}
        tally.alerts[language][source, "attack" if "attack" in touched else min(touched, default="not labelled")] += 1


def page(tally: Tally, languages: tuple[str, ...]) -> str:
    """Return the page of figures."""
    head = " | ".join(languages) + " |"
    rule = "---|" * len(languages)
    lines = [NOTE, "", INTRO]
    for label, title in (
        ("attack", "Attack events found"),
        ("rule-true", "Events that the others' rules must find"),
        ("rule-false", "Events that they must not"),
    ):
        cases = {m: c for m, c in tally.cases.items() if c["label"] == label}
        lines += [f"## {title}", "", "| source | operation | by | " + head, "|---|---|---|" + rule]
        for mark, case in sorted(cases.items(), key=lambda i: (i[1]["source"], i[1]["operation"], i[0])):
            names = sorted({name for x in languages for name in tally.found[x].get(mark, ())})
            what = case["operation"] + (f" ({case['rule_id']})" if case["rule_id"] else "")
            cells = ["found" if mark in tally.found[x] else "-" for x in languages]
            lines.append(f"| {case['source']} | {what} | {', '.join(names) or '-'} | " + " | ".join(cells) + " |")
        totals = [f"{len(cases.keys() & tally.found[x].keys())} of {len(cases)}" for x in languages]
        lines += ["| all | | | " + " | ".join(totals) + " |", ""]
    if tally.unread:
        lines += ["Not counted, for they are printed without what makes an event of them (a time), and are set aside when read:", ""]
        lines += [f"- {c['source']}: {c['operation']}" for c in tally.unread.values()] + [""]
    lines += ["## Alerts after the shipped tuning", "", "| source | rests on | " + head, "|---|---|" + rule]
    for key in sorted({k for x in languages for k in tally.alerts[x]}):
        lines.append(f"| {key[0]} | {key[1]} | " + " | ".join(str(tally.alerts[x][key]) for x in languages) + " |")
    lines += ["", "## Findings", "", "| detection | source and what it rests on | " + head, "|---|---|" + rule]
    for key in sorted({k for x in languages for k in tally.findings[x]}):
        lines.append(f"| {key[0]} | {key[1]} | " + " | ".join(str(tally.findings[x][key]) for x in languages) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    wanted, figures = tuple(sys.argv[3:]) or LANGUAGES, Tally()
    for done, name in enumerate(wanted, 1):
        measure(Path(sys.argv[1]), figures, name)
        Path(sys.argv[2]).write_text(page(figures, wanted[:done]))
