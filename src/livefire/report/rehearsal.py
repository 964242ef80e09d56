"""What became of rules that were put to the proof, as tables, JSON and JUnit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from rich.table import Table
from rich.text import Text

from livefire.proof.trial import RuleProof, Tried
from livefire.report.safe import safe_text
from livefire.report.tables import counted

_WANTED = {"attack": "fire", "look_alike": "stay silent"}


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


def totals(proofs: Sequence[RuleProof]) -> str:
    """Return in a sentence how many rules are proved, and of the others why not."""
    bad = [p for p in proofs if not p.proved]
    lines = [f"{counted(len(proofs), 'rule')}, {len(proofs) - len(bad)} proved"]
    return "\n".join([*lines, *(f"{p.rule.name}: {p.reason}" for p in bad)])


def as_json(proofs: Sequence[RuleProof]) -> list[dict[str, Any]]:
    """Return the proofs as plain values."""
    return [
        {
            "rule": p.rule.name,
            "file": str(p.rule.path) if p.rule.path is not None else None,
            "language": p.rule.language,
            "proved": p.proved,
            "refused": p.refused,
            "reason": p.reason,
            "cases": [_case(t) for t in p.tried],
        }
        for p in proofs
    ]


def _case(tried: Tried) -> dict[str, Any]:
    trial = tried.trial
    said = {"name": trial.name, "title": trial.title, "kind": trial.kind, "stated": trial.stated}
    return {**said, "result": tried.result, "rows": tried.rows, "right": tried.right, "reason": tried.reason}


def junit(proofs: Sequence[RuleProof]) -> str:
    """Return a JUnit document: a suite a rule, a case a trial; attacks that the rule need not find are shown as skipped when it does not."""
    root = Element("testsuites", name="livefire prove")
    for proof in proofs:
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
