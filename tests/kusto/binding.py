"""Compares what livefire makes of published KQL rules with what Microsoft's parser and binder said of them.

The rules lie in a folder of others' work; each carries the verdict of Microsoft's binder.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from livefire import QueryError, Workspace
from livefire.diagnostics import Source
from livefire.query import Options, read
from tests.kusto.agreement import Disagreement, by_cause, disagreements, mutations, present

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MUTATIONS = 500


@dataclass(slots=True)
class Binding:
    """How many rules came out how: `same`, `columns` or `types` that differ, refused for a code, `unknown` where Microsoft's binder has no type either."""

    group: str
    bound: Counter[str] = field(default_factory=Counter)
    ran: Counter[str] = field(default_factory=Counter)

    @property
    def comparable(self) -> int:
        """Rules that both bound, with every type known."""
        return self.bound["same"] + self.bound["columns"] + self.bound["types"]


def rules(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rules that Microsoft's parser and binder accept."""
    for line in path.read_text(encoding="utf-8").splitlines():
        rule = json.loads(line)
        said = rule.get("oracle") or {}
        if said.get("syntax_ok") and said.get("semantic_ok") and not said.get("crash"):
            yield rule


def outcome(workspace: Workspace, rule: dict[str, Any]) -> str:
    """Return how the result's columns and types compare, or the code that refuses the rule."""
    _, plan, diagnostics = read(Source(rule["query"], rule["id"]), "kql", workspace.catalog("kql"), Options())
    error = next((d for d in diagnostics.items if d.severity == "error"), None)
    if error is not None or plan is None:
        return error.code if error is not None else "E009"
    wanted = [(name, kind) for name, kind in rule["oracle"]["result_columns"]]
    if any(kind == "unknown" for _, kind in wanted):
        return "unknown"
    found = [(f.name, f.type.value) for f in plan.schema]
    if found == wanted:
        return "same"
    return "types" if [n for n, _ in found] == [n for n, _ in wanted] else "columns"


def execution(workspace: Workspace, rule: dict[str, Any]) -> str:
    """Run a rule over the workspace's logs: `same` where the rows have the columns that Microsoft's binder says, a code where it is refused."""
    try:
        result = workspace.query(rule["query"], now=NOW, seconds=60)
    except QueryError as error:
        return next(d.code for d in error.diagnostics if d.severity == "error")
    wanted = [(name, kind) for name, kind in rule["oracle"]["result_columns"]]
    return "same" if list(zip(result.columns, result.types, strict=True)) == wanted else "columns"


def measure(folder: Path) -> list[Binding]:
    """Bind every rule of the corpus, and run the cloud ones over the logs beside it."""
    corpus, logs = folder / "corpora" / "kql.shared.jsonl", folder / "logs"
    if not corpus.is_file():
        return []
    workspace = Workspace()
    if logs.is_dir():
        workspace.ingest(logs, now=NOW)
    groups = {True: Binding("cloud"), False: Binding("others")}
    for rule in rules(corpus):
        group = groups[bool(rule.get("cloud"))]
        group.bound[outcome(workspace, rule)] += 1
        if rule.get("cloud"):
            group.ran[execution(workspace, rule)] += 1
    return list(groups.values())


def judged(folder: Path) -> list[tuple[str, int, list[Disagreement]]]:
    """Compare the verdicts of the two parsers over the corpora and mutations of them; nothing where Microsoft's is absent."""
    texts = [json.loads(line)["query"] for path in sorted((folder / "corpora").glob("kql*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    if not texts or not present():
        return []
    mutated = mutations(texts, MUTATIONS)
    return [("published rules", len(texts), disagreements(texts)), ("mutations of them", MUTATIONS, disagreements(mutated))]


def page(bindings: Sequence[Binding], verdicts: Sequence[tuple[str, int, list[Disagreement]]]) -> list[str]:
    """Return the lines of the conformance page."""
    lines = []
    if bindings:
        lines += ["## KQL beside Microsoft's binder", ""]
        lines += ["Rules that Microsoft's parser and binder accept: same names and types of the result's columns, by reading alone.", ""]
        lines += ["| rules | accepted | same | other columns | other types | no type there either | refused here |", "|---|---|---|---|---|---|---|"]
        for one in bindings:
            counts, total = one.bound, sum(one.bound.values())
            refused = ", ".join(f"{code} {n}" for code, n in counts.most_common() if code[1:].isdigit())
            lines.append(f"| {one.group} | {total} | {counts['same']} | {counts['columns']} | {counts['types']} | {counts['unknown']} | {refused} |")
        for one in (b for b in bindings if b.ran):
            refused = ", ".join(f"{code} {n}" for code, n in one.ran.most_common() if code[1:].isdigit())
            total = sum(one.ran.values())
            alike, other = one.ran["same"], one.ran["columns"]
            lines += ["", f"Run over the logs, {one.group}: {total} rules, {alike} with rows of that schema, {other} with another, refused: {refused}."]
        lines.append("")
    if verdicts:
        lines += ["## KQL beside Microsoft's parser", "", "| texts | number | judged alike | judged otherwise, by cause |", "|---|---|---|---|"]
        for name, total, found in verdicts:
            causes = "; ".join(f"{cause} ({n})" for cause, n in by_cause(found).items())
            lines.append(f"| {name} | {total} | {total - len(found)} | {causes} |")
        lines.append("")
    return lines
