"""Measures the bundled detections on labelled logs of others: `python -m tests.real_logs SHARED PAGE`.

Each labelled file is read alone, every detection run over it in every language, and each labelled event counted as found
when a finding rests on it. Nothing of the logs enters the page but counts.
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

from livefire.workspace import Workspace

LANGUAGES = ("kql", "cql", "eql", "esql", "spl", "sigma")
NOTE = "<!-- Made by `python -m tests.real_logs SHARED docs/t1578-real-logs.md`; edit the code, not this page. -->"


@dataclass
class Tally:
    """What was found: labelled attack events by language, findings on whole sets by detection."""

    attacks: dict[str, tuple[str, str]] = field(default_factory=dict)
    found: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    findings: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    benign: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def groups(shared: Path) -> Iterator[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]]:
    """Yield (name, records, labelled cases) for each set of logs that belongs together."""
    logs = shared / "logs"
    cases = [json.loads(line) for line in (logs / "t1578-cases.jsonl").read_text().splitlines()]
    by_file: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in cases:
        by_file[case["file"]].append(case)
    invictus = [r for p in sorted((logs / "invictus-aws").rglob("*.json")) for r in records(p)]
    yield "invictus-aws", invictus, [c for c in cases if c["source"] == "invictus-aws"]
    for file, labelled in sorted(by_file.items()):
        source = labelled[0]["source"]
        if source == "stratus-red-team":
            yield source, records(logs / file), labelled
        elif source in ("stratus-docs-samples", "panther-analysis", "streamalert"):
            for case in labelled:
                event = sample(logs / file, case)
                if event is not None:
                    yield source, [event], [case]


def records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a file, however wrapped."""
    data = json.loads(path.read_text())
    return list(data["Records"]) if isinstance(data, dict) else list(data)


def sample(path: Path, case: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the one event of a case that lies in a file of rule tests or printed samples."""
    for line in path.read_text().splitlines():
        row = json.loads(line)
        event = row.get("event")
        if not isinstance(event, dict) or (case["rule_id"] and (row.get("rule_id"), row.get("test_index")) != (case["rule_id"], case["test_index"])):
            continue
        text = json.dumps(event)
        if case["operation"].rpartition(":")[2].lower() in text.lower():
            return event
    return None


def measure(shared: Path) -> Tally:
    """Run every detection over every set."""
    tally = Tally()
    for number, (source, events, labelled) in enumerate(groups(shared)):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "events.json"
            file.write_text("\n".join(json.dumps(e) for e in events))
            ws = Workspace(Path(folder) / "lake")
            ws.ingest(file)
            if not any(s.events for s in ws.info().sources):
                continue
            _hunt(ws, tally, source, labelled, number)
    return tally


def _hunt(ws: Workspace, tally: Tally, source: str, labelled: list[dict[str, Any]], number: int) -> None:
    wanted = {(c["event_id"] or "*"): f"{number}/{i}" for i, c in enumerate(labelled) if c["label"] == "attack"}
    for i, case in enumerate(labelled):
        if case["label"] == "attack":
            tally.attacks[f"{number}/{i}"] = (source, case["operation"])
    silent = {c["event_id"] or "*" for c in labelled if c["label"] in ("rule-false", "setup-or-cleanup")}
    for language in LANGUAGES:
        chosen = [d for d in ws.detections() if d.written_in(language)]
        for finding in ws.hunt(chosen, language=language).findings:
            tally.findings[language][f"{source} {finding.detection}"] += 1
            ids = {name.partition("/")[2] for name in finding.evidence}
            for event, mark in wanted.items():
                if event in ids or event == "*":
                    tally.found[language].add(mark)
            if not ids & set(wanted) and "*" not in wanted and (ids & silent or "*" in silent):
                tally.benign[language][f"{source} {finding.detection}"] += 1


def page(tally: Tally) -> str:
    """Return the page of figures."""
    lines = [
        NOTE,
        "",
        "# T1578 on logs of others",
        "",
        "Logs that others published with labels: Stratus Red Team's detonations, Invictus' exercise on AWS,",
        "",
    ]
    lines[-1:] = ["samples and rule tests. Event counts only; the logs are not part of livefire.", ""]
    lines += ["## Attack events found", "", "| source | operation | " + " | ".join(LANGUAGES) + " |", "|---|---|" + "---|" * len(LANGUAGES)]
    for mark, (source, operation) in sorted(tally.attacks.items(), key=lambda i: i[1]):
        lines.append(f"| {source} | {operation} | " + " | ".join("found" if mark in tally.found[x] else "missed" for x in LANGUAGES) + " |")
    total = len(tally.attacks)
    lines.append("| all | | " + " | ".join(f"{len(tally.found[x])} of {total}" for x in LANGUAGES) + " |")
    lines += ["", "## Findings that rest on events labelled as set-up, clean-up or no match", "", "| detection | " + " | ".join(LANGUAGES) + " |"]
    lines.append("|---|" + "---|" * len(LANGUAGES))
    names = sorted({n for x in LANGUAGES for n in tally.benign[x]})
    lines += [f"| {n} | " + " | ".join(str(tally.benign[x][n]) for x in LANGUAGES) + " |" for n in names]
    lines += ["", "## All findings", "", "| source and detection | " + " | ".join(LANGUAGES) + " |", "|---|" + "---|" * len(LANGUAGES)]
    names = sorted({n for x in LANGUAGES for n in tally.findings[x]})
    lines += [f"| {n} | " + " | ".join(str(tally.findings[x][n]) for x in LANGUAGES) + " |" for n in names]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(measure(Path(sys.argv[1]))))
