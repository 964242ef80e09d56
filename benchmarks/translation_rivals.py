"""Sigma rules and the bundled detections turned into four SIEM languages, beside pySigma's stock backends in the same run.

Run from the project's folder: `python benchmarks/translation_rivals.py [RULES] [--rivals PYTHON] [--judges PYTHON] [--grammar FOLDER] [--out FILE]
[--page FILE]`. RULES is
a folder of Sigma rules, or a file of one JSON object a line with the rule as `query`; without it only the
bundled detections are translated. PYTHON is an
interpreter that has pysigma-backend-kusto, -splunk, -elasticsearch and -crowdstrike installed, for
these want another pySigma than the project. With --judges, an interpreter that has python-eql and tree-sitter, readers that others wrote
are asked whether each printed text, and each of the bundled rules, is one of its language; --grammar is the folder of LogScale's
tree-sitter grammar (parser.c and scanner.c, of the package logscale-tools). Only rules for AWS CloudTrail, Azure Activity and
Google Cloud Audit Logs are taken.

What a rival prints is put to the same proof as a translation of ours: read by the front end of its
language, and run beside the rule over emulated events and near misses. `no text` is a rule that
the backend refuses, `not read` a text that is no query of the product over its own tables.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livefire.detections.detection import Detection, Rule
from livefire.diagnostics import QueryError, Source
from livefire.exporting import plain_rule
from livefire.query import Compiled
from livefire.translating import Translator
from livefire.translation.statement import Translation
from livefire.workspace import Workspace

SOURCES = {("aws", "cloudtrail"), ("azure", "activitylogs"), ("gcp", "gcp.audit")}
TARGETS = {"kql": "Sentinel KQL", "esql": "Elastic ES|QL", "eql": "Elastic EQL", "spl": "Splunk SPL", "cql": "LogScale CQL"}
GOOD = ("proved", "proved, assuming")
CONVERT = """
import json, sys
from sigma.collection import SigmaCollection
def backends():
    from sigma.backends.kusto import KustoBackend
    from sigma.pipelines.azuremonitor import azure_monitor_pipeline
    from sigma.backends.splunk import SplunkBackend
    from sigma.backends.elasticsearch import ESQLBackend, EqlBackend
    from sigma.backends.crowdstrike import LogScaleBackend
    yield "kql", "kusto", lambda: KustoBackend()
    yield "kql", "kusto, azure_monitor", lambda: KustoBackend(processing_pipeline=azure_monitor_pipeline())
    for table in ("AWSCloudTrail", "AzureActivity", "GCPAuditLogs"):
        yield "kql", f"kusto, azure_monitor with {table}", lambda: KustoBackend(processing_pipeline=azure_monitor_pipeline(query_table=table))
    yield "spl", "splunk", lambda: SplunkBackend()
    yield "esql", "elasticsearch esql", lambda: ESQLBackend()
    yield "eql", "elasticsearch eql", lambda: EqlBackend()
    yield "cql", "crowdstrike logscale", lambda: LogScaleBackend()
rules = json.load(sys.stdin)
found = []
for target, name, make in backends():
    for key, text in rules.items():
        try:
            said = make().convert(SigmaCollection.from_yaml(text))
            found.append([target, name, key, said[0] if said else "", ""])
        except Exception as fault:
            found.append([target, name, key, "", f"{type(fault).__name__}: {fault}"[:200]])
json.dump(found, sys.stdout)
"""


@dataclass(frozen=True)
class Cell:
    """What became of one rule in one language."""

    who: str
    target: str
    rule: str
    verdict: str
    reason: str = ""
    text: str = ""


def main() -> None:
    """Measure and print."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("rules", type=Path, nargs="?")
    said.add_argument("--rivals", type=Path)
    said.add_argument("--judges", type=Path)
    said.add_argument("--grammar", type=Path)
    said.add_argument("--out", type=Path)
    said.add_argument("--page", type=Path)
    given = said.parse_args()
    rules = read_rules(given.rules) if given.rules is not None else {}
    translator = Workspace().translator()
    compiled, invalid = read_all(rules, translator)
    cells = [ours(key, rule, target, translator) for key, rule in compiled.items() for target in TARGETS]
    detections = bundled(translator)
    if given.rivals is not None and rules:
        texts = {key: rules[key] for key in compiled}
        done = subprocess.run(  # noqa: S603  # the interpreter is the one that the person who measures names
            [str(given.rivals), "-c", CONVERT], input=json.dumps(texts), capture_output=True, text=True, check=True
        )
        cells += [rival(row, compiled, translator) for row in json.loads(done.stdout)]
    print(f"{len(rules)} rules, {len(invalid)} that no Sigma reader takes any more: {', '.join(sorted(invalid)) or 'none'}\n")
    print(table(cells))
    print(grid(detections))
    judged = validity([c for c in (*cells, *detections) if c.who == "livefire"], given.judges, given.grammar) if given.judges is not None else []
    print("\n".join(judged))
    for cell in (*cells, *detections):
        if cell.who == "livefire" and cell.verdict not in GOOD:
            print(f"{cell.verdict}: {cell.rule} to {cell.target}: {cell.reason}")
    if given.page is not None:
        given.page.write_text(page(len(rules), invalid, cells, detections, judged), encoding="utf-8")
    if given.out is not None:
        given.out.write_text(json.dumps([vars(c) for c in (*cells, *detections)], indent=1) + "\n", encoding="utf-8")


def read_rules(path: Path) -> dict[str, str]:
    """Return the texts of rules for the three log sources, by name."""
    import yaml

    if path.is_dir():
        texts = {str(p.relative_to(path)): p.read_text(encoding="utf-8") for p in sorted(path.rglob("*.yml"))}
    else:
        objects = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        texts = {str(o.get("path", o.get("id"))): str(o["query"]) for o in objects}
    found: dict[str, str] = {}
    for name, text in texts.items():
        try:
            source: Any = next(iter(yaml.safe_load_all(text))).get("logsource") or {}
        except (yaml.YAMLError, AttributeError, StopIteration):
            continue
        if (source.get("product"), source.get("service")) in SOURCES:
            found[name] = text
    return found


def read_all(rules: dict[str, str], translator: Translator) -> tuple[dict[str, Compiled], set[str]]:
    """Return the rules as read, and the names of those that cannot be."""
    compiled: dict[str, Compiled] = {}
    for key, text in rules.items():
        try:
            compiled[key] = translator.compile(Source(text, key), "sigma")
        except QueryError:
            continue
    return compiled, set(rules) - set(compiled)


def ours(key: str, rule: Compiled, target: str, translator: Translator) -> Cell:
    """Return what the project's own translation comes to."""
    try:
        made = translator.turn(rule, target)
    except QueryError as error:
        last = error.diagnostics[-1]
        clause = " ".join(rule.source.text[last.span.start : last.span.end].split())
        return Cell("livefire", target, key, "refused", f"{last.code} {last.message}: {clause[:120]}")
    assert made.proof is not None
    verdict = "proved, assuming" if made.proof.verdict == "proved" and made.translation.assumptions else made.proof.verdict
    return Cell("livefire", target, key, verdict, made.proof.reason or "; ".join(a.words for a in made.translation.assumptions), made.text)


def bundled(translator: Translator) -> list[Cell]:
    """Return for each bundled detection and language what becomes of it: translated from the first other language all of whose rules come out proved."""
    return [_of_detection(one, target, translator) for one in Workspace().detections() for target in TARGETS]


def _of_detection(detection: Detection, target: str, translator: Translator) -> Cell:
    reasons: list[Cell] = []
    for origin in ("sigma", "kql", "eql", "esql", "spl", "cql"):
        rules = detection.written_in(origin)
        if origin == target or not rules:
            continue
        found = [_of_rule(detection, rule, target, translator) for rule in rules]
        if all(c.verdict in GOOD for c in found):
            verdict = max((c.verdict for c in found), key=len)
            return Cell("livefire", target, detection.card.id, verdict, f"from {origin}", "\x00".join(c.text for c in found))
        bad = next(c for c in found if c.verdict not in GOOD)
        reasons.append(Cell("livefire", target, detection.card.id, bad.verdict, f"from {origin}: {bad.reason.partition(': ')[0]}"))
        if bad.verdict == "different":
            return reasons[-1]
    # A clause that is refused says more than one that is not proved.
    return min(reasons, key=lambda c: c.verdict != "refused")


def _of_rule(detection: Detection, rule: Rule, target: str, translator: Translator) -> Cell:
    try:
        plain = plain_rule(rule)
        compiled = translator.compile(Source(plain.text, detection.card.id), plain.language)
    except QueryError as error:
        last = error.diagnostics[-1]
        return Cell("livefire", target, detection.card.id, "refused", f"{last.code} {last.message}")
    return ours(detection.card.id, compiled, target, translator)


def validity(cells: list[Cell], python: Path, grammar: Path | None) -> list[str]:
    """Return what readers that others wrote say of the printed texts, and of the bundled rules, as a Markdown table."""
    from tests.kusto.agreement import bound_errors, present
    from tests.translation.judges import cql_errors, eql_errors

    own: dict[str, list[str]] = {}
    for detection in Workspace().detections():
        for rule in detection.rules:
            own.setdefault(rule.language, []).append(plain_rule(rule).text)
    judges: dict[str, tuple[str, Any]] = {"eql": ("python-eql", lambda texts: eql_errors(texts, str(python)))}
    if present():
        judges["kql"] = ("Microsoft's parser and binder", bound_errors)
    if grammar is not None:
        judges["cql"] = ("the tree-sitter grammar of logscale-tools", lambda texts: cql_errors(texts, grammar, str(python)))
    lines = ["| | read by | texts | refused | what it stumbles over |", "|---|---|---:|---:|---|"]
    for target, (name, ask) in judges.items():
        printed = [t for c in cells if c.target == target and c.text for t in c.text.split("\x00")]
        for what, texts in (("translations", printed), ("bundled rules", own.get(target, []))):
            said = [s for s in ask(texts) if s]
            words = Counter(" ".join((s if isinstance(s, str) else s[0]).split())[:60].replace("|", "\\|").replace("`", "'") for s in said)
            lines.append(f"| {TARGETS[target]} {what} | {name} | {len(texts)} | {len(said)} | {'; '.join(f'`{w}` {k}' for w, k in words.most_common(3))} |")
    return lines


def grid(cells: list[Cell]) -> str:
    """Return the detections by the languages that they are turned into, as a Markdown table, with counts below."""
    lines = ["| detection | " + " | ".join(_named(t) for t in TARGETS) + " |", "|---|" + "---|" * len(TARGETS)]
    for name in dict.fromkeys(c.rule for c in cells):
        row = {c.target: c for c in cells if c.rule == name}
        lines.append(f"| {name} | " + " | ".join(f"{row[t].verdict} {row[t].reason}" if row[t].verdict in GOOD else row[t].verdict for t in TARGETS) + " |")
    return "\n".join([*lines, "", table(cells)])


def rival(row: list[str], compiled: dict[str, Compiled], translator: Translator) -> Cell:
    """Return what a backend's text comes to."""
    target, name, key, text, fault = row
    if not text:
        return Cell(name, target, key, "no text", fault)
    try:
        translator.compile(Source(text, key), target)
    except QueryError as error:
        return Cell(name, target, key, "not read", str(error))
    proof = translator.prove(compiled[key], Translation(target, text))
    return Cell(name, target, key, proof.verdict, proof.reason)


def page(rules: int, invalid: set[str], cells: list[Cell], detections: list[Cell], judged: list[str]) -> str:
    """Return the whole measurement as a page."""
    unread = (
        f"{len(invalid)} of them are no rules of Sigma any more, pySigma refuses them too: {', '.join(f'`{n}`' for n in sorted(invalid))}." if invalid else ""
    )
    lines = [
        "# Translation, measured",
        "",
        "Written by `python benchmarks/translation_rivals.py RULES --rivals PYTHON --judges PYTHON --grammar FOLDER --page docs/translation.md`.",
        "A text counts as proved when it",
        "finds the same as the rule over every emulated event and over events that nearly meet either of them; *assuming* says that",
        "the translation names what it takes for granted of the events. *Different* is a text that finds something else. Other",
        "translators are measured in the same run over the same events; *no text* is a rule that they refuse, *not read* a text",
        "that is no query of the product over its own tables.",
        "",
        f"## {rules} published Sigma rules for AWS CloudTrail, Azure Activity and Google Cloud Audit Logs",
        "",
        *([unread, ""] if unread else []),
        table(cells),
        "## The bundled detections",
        "",
        "Each detection is written by hand in every language where that says the same. What its rules come to when they are translated: from the first",
        "other language all of whose rules come out proved; otherwise what is said of the first that does not.",
        "",
        grid(detections),
        *(
            ("## Readers that others wrote", "", "What they say of every text that was printed here, and of the rules that come with livefire.", "")
            if judged
            else ()
        ),
        *judged,
        *(("",) if judged else ()),
        "## What is refused, and why",
        "",
        "| rule | to | reason |",
        "|---|---|---|",
    ]
    for cell in (*cells, *detections):
        if cell.who == "livefire" and cell.verdict not in GOOD:
            # The clause itself is the author's text, and stays out of the page.
            reason = (cell.reason if cell in detections else cell.reason.partition(": ")[0]).replace("|", "\\|")
            lines.append(f"| {cell.rule} | {_named(cell.target)} | {cell.verdict}: {reason} |")
    return "\n".join(lines) + "\n"


def table(cells: list[Cell]) -> str:
    """Return counts by translator and language as a Markdown table."""
    columns = ("proved", "proved, assuming", "refused", "no text", "not read", "not proved", "different")
    lines = ["| | to | " + " | ".join(columns) + " |", "|---|---|" + "---:|" * len(columns)]
    for who, target in dict.fromkeys((c.who, c.target) for c in cells):
        counts = Counter(c.verdict for c in cells if (c.who, c.target) == (who, target))
        lines.append(f"| {who} | {_named(target)} | " + " | ".join(str(counts[c]) for c in columns) + " |")
    return "\n".join(lines) + "\n"


def _named(target: str) -> str:
    """Return a language's name as a cell of a table."""
    return TARGETS[target].replace("|", "\\|")


if __name__ == "__main__":
    main()
