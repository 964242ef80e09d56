"""Measures livefire on suites of others and writes the figures: `python -m tests.conformance FOLDER docs/conformance.md`.

FOLDER holds the suites and the tool that runs livefire over them; both are others' work, so the tool
is run as a program, and of what it says only figures and codes reach the page.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import livefire
from livefire.diagnostics import catalogue
from livefire.languages import REGISTRY
from tests.kusto import binding
from tests.tables.pairs import Agreement, FieldAgreement
from tests.tables.pairs import by_field as compared_by_field
from tests.tables.pairs import measure as compared

NOTE = "<!-- Made by `make conformance`; write what people should know into conformance-notes.md. -->"
NOTES = "conformance-notes.md"
MOST_CODES = 12
COLUMNS = ("pass", "wrong", "refused", "accepted", "crash", "too long")
_VERDICTS = {
    "pass": "pass",
    "wrong rows": "wrong",
    "wrong columns": "wrong",
    "refused": "refused",
    "accepted": "accepted",
    "CRASH": "crash",
    "too long": "too long",
}
_CASE = re.compile(r"^  refused\s.*?\s(?P<code>[EWN]\d{3})\s")
_RULES = re.compile(r"^\s+(?P<count>\d+) (?P<language>\w+): (?P<code>[EWN]\d{3})\s")
_FAILED = re.compile(r"^  (?P<verdict>[A-Za-z][A-Za-z ]*?)\s+(?P<id>[a-z]+-[0-9a-f][0-9a-f-]{14,})\s")
_ID = re.compile(r"\b[a-z]+-[0-9a-f][0-9a-f-]{14,35}\b")
_SUMMARY = re.compile(r"^(?P<name>\S.*?)\s+\d+ / \d+\s")


def measure(folder: Path, suites: Sequence[str] = ()) -> tuple[list[dict[str, Any]], str]:
    """Run the tool over suites (all by default) and return its figures and what it printed."""
    with tempfile.TemporaryDirectory() as scratch:
        figures = Path(scratch) / "figures.json"
        command = [sys.executable, str(folder / "tools" / "conformance.py"), *suites, "--json", str(figures), "-v"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(figures.read_text(encoding="utf-8")), done.stdout


def refusals(printed: str) -> dict[str, Counter[str]]:
    """Return how often each code refused, by the suite's name without its tier.

    The cases of a suite are printed before its summary, the reasons of a corpus after it.
    """
    found: dict[str, Counter[str]] = {}
    waiting: Counter[str] = Counter()
    latest = ""
    for line in printed.splitlines():
        if case := _CASE.match(line):
            waiting[case["code"]] += 1
        elif rules := _RULES.match(line):
            found.setdefault(latest, Counter())[rules["code"]] += int(rules["count"])
        elif summary := _SUMMARY.match(line):
            name = summary["name"].partition(" ")[0]
            latest = name
            if waiting:
                found.setdefault(name, Counter()).update(waiting)
                waiting = Counter()
    return found


def failed(printed: str) -> dict[str, str]:
    """Return the verdict on each case that did not pass, by the case's id."""
    return {case["id"]: case["verdict"] for line in printed.splitlines() if (case := _FAILED.match(line))}


def tiers(folder: Path) -> dict[str, str]:
    """Return the tier of each case that has one, by the case's id."""
    found: dict[str, str] = {}
    for path in (folder / "conformance").glob("*/tiers.json"):
        found.update(json.loads(path.read_text(encoding="utf-8")))
    return found


def judged_lines(figures: Iterable[Mapping[str, Any]], printed: str, notes: str, tier: Mapping[str, str]) -> list[str]:
    """Return the part of the page on cases that the notes name: how a suite stands without them, and which faults no note explains."""
    named = set(_ID.findall(notes))
    suite_of, waiting, fails = {}, [], failed(printed)
    for line in printed.splitlines():
        if case := _FAILED.match(line):
            waiting.append(case["id"])
        elif summary := _SUMMARY.match(line):
            suite_of.update(dict.fromkeys(waiting, summary["name"].partition(" ")[0]))
            waiting = []
    lines = ["## Without the cases that the notes judge", ""]
    lines += [
        "A failing case that the notes below name contradicts the vendor, cannot be compared, or is no query of the product: the reason is there.",
        "",
    ]
    lines += ["| suite | cases | judged | rest | pass | rate of the rest |", "|---|---|---|---|---|---|"]
    for row in figures:
        suite, _, level = row["suite"].partition(" ")
        judged = sum(1 for case in fails if case in named and suite_of.get(case) == suite and f"[{tier.get(case, 'all')}]" in (level or "[all]"))
        if judged:
            rest, passed = row["n"] - judged, row["verdicts"].get("pass", 0)
            lines.append(f"| {row['suite']} | {row['n']} | {judged} | {rest} | {passed} | {100 * passed / rest:.1f} % |")
    unexplained = sorted(case for case, verdict in fails.items() if verdict != "refused" and case not in named)
    lines += ["", f"Wrong rows that no note explains: {', '.join(unexplained) or 'none'}.", ""]
    return lines


def tally(verdicts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of a suite under the page's columns; KeyError for a verdict that the page does not know."""
    counts = dict.fromkeys(COLUMNS, 0)
    for verdict, count in verdicts.items():
        counts[_VERDICTS[verdict]] += count
    return counts


def unread(suite: str) -> bool:
    """True for rules of a language that livefire does not have: E001 refuses them all, which the tool does not count."""
    corpus, _, rest = suite.partition(" ")
    return corpus.startswith("corpora/") and rest.partition(" ")[0] not in REGISTRY


def page(
    figures: Iterable[Mapping[str, Any]],
    printed: str,
    notes: str,
    day: str,
    agreements: Sequence[Agreement] = (),
    fields: Sequence[FieldAgreement] = (),
    beside: Sequence[str] = (),
    tier: Mapping[str, str] | None = None,
) -> str:
    """Return the page: a table of suites, the codes that refuse most, and the notes as they are."""
    lines = [NOTE, "", "# Conformance", ""]
    lines += [f"livefire {livefire.__version__} on suites and published rules that others wrote, on {day}. They are not part of the project.", ""]
    lines += ["*Wrong* is the figure that must be zero: other rows or columns than expected, without a diagnostic. *Refused* names a code and a place.", ""]
    lines += ["In a suite whose name begins with `corpora/`, rules are read without being run: *pass* means no syntax or support error.", ""]
    lines += [f"| suite | cases | {' | '.join(COLUMNS)} | rate | s |", "|---|---|" + "---|" * (len(COLUMNS) + 2)]
    figures = list(figures)
    for row in figures:
        counts = tally({"refused": row["n"]} if unread(row["suite"]) else row["verdicts"])
        rate = f"{100 * counts['pass'] / row['n']:.1f} %" if row["n"] else ""
        lines.append(f"| {row['suite']} | {row['n']} | {' | '.join(str(counts[c] or '') for c in COLUMNS)} | {rate} | {row['seconds']} |")
    lines += ["", *judged_lines(figures, printed, notes, tier or {}), "## What refuses", ""]
    for suite, codes in refusals(printed).items():
        lines += [f"### {suite}", "", "| code | what it says | times |", "|---|---|---|"]
        lines += [f"| {code} | {catalogue.title(code)} | {count} |" for code, count in codes.most_common(MOST_CODES)]
        lines.append("")
    if agreements:
        lines += ["## Agreement with Elastic's own pipelines", ""]
        lines += [
            "Fields that the Elastic tables show as the pipelines' test documents do, of those compared; places, networks and parsed agents are left out.",
            "",
        ]
        lines += ["| data set | documents | agree | compared | rate | most often different |", "|---|---|---|---|---|---|"]
        for one in agreements:
            differing = ", ".join(f"{name} {count}" for name, count in one.differing.most_common(4))
            lines.append(f"| {one.dataset} | {one.generation} | {one.agreed} | {one.compared} | {100 * one.agreed / one.compared:.1f} % | {differing} |")
        lines.append("")
    lines += field_lines(fields)
    lines += beside
    if notes.strip():
        lines += [notes.strip(), ""]
    return "\n".join(lines)


def field_lines(fields: Sequence[FieldAgreement]) -> list[str]:
    """Return the part of the page on the fields that rules use: a figure a data set, and every field that ever differs."""
    if not fields:
        return []
    lines = ["### Fields that rules use", "", "Leaves that the expected documents have, by the fields that published rules name; the reasons stand below.", ""]
    lines += ["| data set | fields | agree | compared | rate |", "|---|---|---|---|---|"]
    for dataset in dict.fromkeys(f.dataset for f in fields):
        of = [f for f in fields if f.dataset == dataset]
        agreed, compared = sum(f.agreed for f in of), sum(f.compared for f in of)
        lines.append(f"| {dataset} | {len(of)} | {agreed} | {compared} | {100 * agreed / compared:.1f} % |")
    agreed, compared = sum(f.agreed for f in fields), sum(f.compared for f in fields)
    lines.append(f"| all | {len(fields)} | {agreed} | {compared} | {100 * agreed / compared:.1f} % |")
    lines += ["", "| data set | field | agree | compared |", "|---|---|---|---|"]
    lines += [f"| {f.dataset} | `{f.field}` | {f.agreed} | {f.compared} |" for f in fields if f.agreed < f.compared]
    lines += ["", "In full agreement: " + ", ".join(f"`{f.field}`" for f in fields if f.agreed == f.compared) + ".", ""]
    return lines


def main(arguments: Sequence[str]) -> int:
    """Measure and write the page."""
    if len(arguments) < 2:  # the folder and the page
        sys.stderr.write("usage: python -m tests.conformance FOLDER PAGE [SUITE ...]\n")
        return 2
    folder, target = Path(arguments[0]), Path(arguments[1])
    if not (folder / "tools" / "conformance.py").is_file():
        sys.stderr.write(f"there is no tools/conformance.py below {folder}\n")
        return 2
    figures, printed = measure(folder, arguments[2:])
    beside = target.parent / NOTES
    notes = beside.read_text(encoding="utf-8") if beside.is_file() else ""
    target.write_text(
        page(
            figures,
            printed,
            notes,
            f"{datetime.now(UTC):%Y-%m-%d}",
            compared(folder / "logs"),
            compared_by_field(folder / "logs"),
            binding.page(binding.measure(folder), binding.judged(folder)),
            tiers(folder),
        ),
        encoding="utf-8",
    )
    wrong = sum(tally(row["verdicts"])[bad] for row in figures for bad in ("wrong", "crash"))
    sys.stdout.write(f"{len(figures)} suites, {wrong} wrong or crashed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
