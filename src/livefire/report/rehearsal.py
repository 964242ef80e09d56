"""What became of rules that were put to the proof, as tables, JSON and JUnit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from rich.table import Table
from rich.text import Text

from livefire.proof.edges import Edge
from livefire.proof.mutation import Score
from livefire.proof.trial import RuleProof, Tried
from livefire.report.safe import safe_text
from livefire.report.tables import counted

_WANTED = {"attack": "fire", "look_alike": "stay silent"}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rule's proof, its mutants and edges where they were asked for, and the look-back that would lose nothing."""

    proof: RuleProof
    score: Score | None = None
    edges: tuple[tuple[Edge, ...], timedelta | None] | None = None


def tables(rehearsed: Rehearsed) -> Iterator[Table | Text]:
    """Yield all that became of a rule."""
    yield trials(rehearsed.proof)
    if rehearsed.score is not None:
        yield mutants(rehearsed.score)
    if rehearsed.edges is not None:
        yield edges(*rehearsed.edges)


def mutants(score: Score) -> Table | Text:
    """Return the mutants that no case notices, each with the case that would."""
    noticed = len(score.judged) - len(score.survivors)
    title = Text(f"{noticed} of {counted(len(score.judged), 'change')} noticed, {score.share:.0%}")
    if not score.survivors:
        return title
    table = Table(title=title, title_justify="left")
    for head in ("not noticed", "clause", "to add"):
        table.add_column(head, overflow="fold")
    for judged in score.survivors:
        table.add_row(*(Text(safe_text(c)) for c in (judged.mutant.change, judged.mutant.clause, judged.test)))
    return table


def edges(listed: Sequence[Edge], lookback: timedelta | None) -> Table:
    """Return what a rule loses at each kind of edge, with the first cases of it."""
    title = "at the edges" + (f"; a look-back of {lookback / timedelta(minutes=1):g} min loses none" if lookback is not None else "")
    table = Table(title=Text(title), title_justify="left")
    for head in ("edge", "cases", "lost", "such as"):
        table.add_column(head, overflow="fold")
    for edge in listed:
        said = edge.note or ("" if edge.cases else "no attack found here is one that livefire can tell again")
        name = f"{edge.name}: {said}" if said else edge.name
        table.add_row(*(Text(safe_text(c)) for c in (name, str(edge.cases), str(len(edge.lost)), "; ".join(edge.lost[:2]))))
    return table


def trials(proof: RuleProof) -> Table:
    """Return the trials of a rule, each with what it asked for, what came, and why."""
    table = Table(title=Text(f"{proof.rule.name} ({proof.rule.language})"), title_justify="left")
    for head in ("asked", "case", "result", "rows", "why"):
        table.add_column(head, overflow="fold")
    for tried in proof.tried:
        cells = (_must(tried), tried.trial.title, _mark(tried), str(tried.rows), tried.reason)
        table.add_row(*(Text(safe_text(c)) for c in cells))
    return table


def _must(tried: Tried) -> str:
    return ("must " if tried.trial.stated else "may ") + _WANTED[tried.trial.kind]


def _mark(tried: Tried) -> str:
    return tried.result if tried.right or not tried.trial.stated else f"{tried.result} - wrong"


def totals(rehearsed: Sequence[Rehearsed]) -> str:
    """Return in a sentence how many rules are proved, and of the others why not."""
    proofs = [r.proof for r in rehearsed]
    bad = [p for p in proofs if not p.proved]
    lines = [f"{counted(len(proofs), 'rule')}, {len(proofs) - len(bad)} proved"]
    return "\n".join([*lines, *(f"{p.rule.name}: {p.reason}" for p in bad)])


def as_json(rehearsed: Sequence[Rehearsed]) -> list[dict[str, Any]]:
    """Return the proofs as plain values."""
    return [_as_json(r) for r in rehearsed]


def _as_json(rehearsed: Rehearsed) -> dict[str, Any]:
    proof = rehearsed.proof
    found: dict[str, Any] = {
        "rule": proof.rule.name,
        "file": str(proof.rule.path) if proof.rule.path is not None else None,
        "language": proof.rule.language,
        "proved": proof.proved,
        "refused": proof.refused,
        "reason": proof.reason,
        "cases": [_case(t) for t in proof.tried],
    }
    if rehearsed.score is not None:
        listed = [{"change": j.mutant.change, "clause": j.mutant.clause, "noticed_by": j.noticed_by, "to_add": j.test} for j in rehearsed.score.judged]
        found["mutants"] = {"share": round(rehearsed.score.share, 4), "all": listed}
    if rehearsed.edges is not None:
        listed_edges, lookback = rehearsed.edges
        found["edges"] = [{"edge": e.name, "note": e.note, "cases": e.cases, "lost": list(e.lost)} for e in listed_edges]
        found["lookback_minutes"] = lookback / timedelta(minutes=1) if lookback is not None else None
    return found


def _case(tried: Tried) -> dict[str, Any]:
    trial = tried.trial
    said = {"name": trial.name, "title": trial.title, "kind": trial.kind, "stated": trial.stated}
    return {**said, "result": tried.result, "rows": tried.rows, "right": tried.right, "reason": tried.reason}


def junit(rehearsed: Sequence[Rehearsed]) -> str:
    """Return a JUnit document: a suite a rule, a case a trial; attacks that the rule need not find are shown as skipped when it does not."""
    root = Element("testsuites", name="livefire prove")
    for proof in (r.proof for r in rehearsed):
        suite = SubElement(root, "testsuite", name=_xml(proof.rule.name), tests=str(len(proof.tried) + 1), errors="0")
        for tried in proof.tried:
            case = SubElement(suite, "testcase", classname=f"livefire.{proof.rule.language}", name=_xml(f"{_must(tried)}: {tried.trial.title}"))
            if tried.result == "refused" or (tried.trial.stated and not tried.right):
                SubElement(case, "failure", message=_xml(tried.reason or tried.result))
            elif not tried.right:
                SubElement(case, "skipped", message=_xml(tried.reason or tried.result))
        whole = SubElement(suite, "testcase", classname=f"livefire.{proof.rule.language}", name="proved")
        if not proof.proved:
            SubElement(whole, "failure", message=_xml(proof.reason))
        suite.set("failures", str(sum(c.find("failure") is not None for c in suite)))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    """Return a text without the characters that XML 1.0 has no way to write."""
    return safe_text(text, lines=True)
