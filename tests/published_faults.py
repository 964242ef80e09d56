"""The faults of published queries, each with the code that `check` gives it and where: `python -m tests.published_faults PAGES docs/published-queries.md`.

With `PYTHON GRAMMAR` behind it, an interpreter that has python-eql and tree-sitter and the folder of LogScale's grammar, the texts that
`check --fix` writes are judged by others' readers too (`tests/translation/judges.py`; Microsoft's in `tests/kusto`).

The faults were found by people who read the pages. What stands here is in our words; the pages' text stays where it is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from livefire import Workspace
from livefire.diagnostics import Diagnostic, Source
from livefire.lint import checks
from livefire.proof.published import Page, read_pages
from tests.kusto.agreement import bound_errors
from tests.translation.judges import cql_errors, eql_errors

NOTE = "<!-- Made by `python -m tests.published_faults PAGES docs/published-queries.md`; edit the code, not this page. -->"
CQL = ("T1578.002-logscale", "T1578.004-logscale")
KQL, SPL, EQL = ("T1578.002-sentinel",), ("T1578.002-attack",), ("T1578-elastic",)


@dataclass(frozen=True)
class Fault:
    """A fault of some pages: what it is, and the codes that tell it; without one, what tells it instead."""

    pages: tuple[str, ...]
    what: str
    codes: tuple[str, ...]
    instead: str = ""


LAST = re.compile(r";(\s*\})")
PROVED = "`livefire prove --published`"
FAULTS = (
    Fault(CQL, "no product writes such an event type", ("N108",)),
    Fault(CQL, "the fields of a sensor and of a directory are in no cloud's log", ("N108",)),
    Fault(CQL, "a filter stage of another language, and its list operator", ("E230", "E231")),
    Fault(CQL, "the arrow of another statement inside case", ("E232",)),
    Fault(CQL, "one alternative of the pattern is part of nearly every operation, so it selects everything", ("W653",)),
    Fault(CQL, "the default branch gives a label that the next step drops", ("W686",)),
    Fault(CQL, "labels sorted by the alphabet", ("W640",)),
    Fault(CQL, "an exclusion by parts of names that an attacker may choose", ("W662",)),
    Fault(CQL, "events without the field pass the exclusion", ("W662",)),
    Fault(CQL, "the time of sensors' events", ("N645",)),
    Fault(CQL, "no condition on the outcome", ("W660",)),
    Fault(CQL[:1], "the description is of another product's rule", ("N692",)),
    Fault(CQL, "the weights of the branches do not fit the title, and none is for the act that the second page is named for", (), PROVED),
    Fault(CQL[1:], "one query for two techniques", ("N681",)),
    Fault(CQL, "expected signals name paths that the events do not have", (), "W601, E605 in a rule that reads them"),
    Fault(KQL, "a column by a name with other letters", ("E102",)),
    Fault(KQL, "one of two words for success", ("W623",)),
    Fault(KQL, "the first of several instances", ("N687",)),
    Fault(KQL, "a session as the actor", ("N693",)),
    Fault(KQL, "no Google Cloud, though a test promises it", ("W682",)),
    Fault(KQL, "no link to a snapshot, though a test promises it", (), PROVED),
    Fault(KQL, "auto scaling is named as noise and not excluded", ("N684",)),
    Fault(KQL, "one way to start an instance of several", ("N671",)),
    Fault(KQL, "refused launches are not seen", ("N661",)),
    Fault(KQL, "every change of a machine alerts", ("N688",)),
    Fault(KQL, "a branch that does not resolve is left out in silence", ("N646",)),
    Fault(SPL, "two fields that the aggregation before them dropped", ("W151",)),
    Fault(SPL, "a wildcard of another language", ("W641", "W152")),
    Fault(SPL, "a resource that never begins so", ("W690",)),
    Fault(SPL, "operations by the words that the portal shows", ("N627",)),
    Fault(SPL, "a placeholder", ("W642",)),
    Fault(SPL, "what is not yet a success counts as a failure, and either exclusion lets everything else in", ("N689",)),
    Fault(SPL, "a word that is read as a field to sort by", ("W153",)),
    Fault(EQL, "one cloud is read of the two that are declared", ("W682",)),
    Fault(EQL, "a score is promised and not computed", ("W685",)),
    Fault(EQL, "no condition on the outcome", ("W660",)),
    Fault(EQL, "other ways to the same end are left out", ("N671",)),
    Fault(EQL, "an exclusion by a field that those who are meant do not have", ("N678",)),
)


def said_of(pages: tuple[Page, ...]) -> dict[str, list[Diagnostic]]:
    """Return all that is said of each page, read as the product reads it and as a person would, so that what is rejected does not hide the rest."""
    from livefire.lint.alike import same_queries

    ws = Workspace()
    found: dict[str, list[Diagnostic]] = {}
    for page in pages:
        about = page.rule.path.read_text(encoding="utf-8").replace(page.rule.text, "") if page.rule.path else ""
        both = [ws.check(page.rule.text, page.rule.language, lenient=lenient, about=about) for lenient in (False, True)]
        found[page.name] = [*both[0], *both[1]]
    for name, diagnostic in same_queries([(p.name, p.rule.text) for p in pages]):
        found[name].append(diagnostic)
    return found


def places(fault: Fault, page: Page, said: list[Diagnostic]) -> Iterator[tuple[str, str]]:
    """Yield each code of a fault with the places, line and column of the query, where it is given; the place is empty where it is not."""
    source = Source(page.rule.text, page.name)
    for code in fault.codes:
        spans = sorted({d.span.start for d in said if d.code == code})
        at = [source.position(s) for s in spans]
        yield code, ", ".join(f"{p.line}:{p.column}" for p in at)


def page_text(folder: Path) -> str:
    """Return the table as a page."""
    pages = tuple(p for p in read_pages(folder))
    said = said_of(pages)
    lines = [NOTE, "", "# The published queries, fault by fault", ""]
    lines += ["Five queries of published detection pages were read by people, and every fault that they found is listed here in our words,"]
    lines += ["with the code that `livefire check` gives it and the line and column of the query. A fault that is not in the query but"]
    lines += ["between query and promise shows when the page's own tests are run. What a code means: [checks](checks.md), [diagnostics](diagnostics.md).", ""]
    for page in pages:
        listed = [f for f in FAULTS if page.name in f.pages]
        lines += [f"## {page.name} ({page.rule.language})", "", "| fault | code | where |", "|---|---|---|"]
        for fault in listed:
            told = list(places(fault, page, said[page.name]))
            lines += [f"| {fault.what} | {', '.join(c for c, _ in told) or fault.instead} | {'; '.join(w for _, w in told)} |"]
        lines.append("")
    titles = {c.code: c.title for c in checks()}
    told_codes = {c for f in FAULTS for c in f.codes}
    more = sorted({d.code for ds in said.values() for d in ds if d.code in titles} - told_codes)
    lines += [f"Beside these `check` says of them: {', '.join(f'{c} ({titles[c]})' for c in more) or 'nothing'}.", ""]
    return "\n".join(lines)


def judged(pages: tuple[Page, ...], python: str, grammar: Path) -> list[str]:
    """Return what others' readers say of the texts that `check --fix` writes, as lines of the page."""
    ws = Workspace()
    asked: dict[str, tuple[str, Callable[[list[str]], list[str]]]] = {
        "kql": ("Microsoft's parser and binder", lambda texts: ["; ".join(said or ()) for said in bound_errors(texts)]),
        "cql": ("the tree-sitter grammar of logscale-tools", lambda texts: cql_errors(texts, grammar, python)),
        "eql": ("python-eql", lambda texts: eql_errors(texts, python)),
    }
    lines = ["## The mended texts", "", "What `check --fix` makes of each page, and what readers that others wrote say of it.", ""]
    lines += ["| page | as published | mended | by |", "|---|---|---|---|"]
    for page in pages:
        name, ask = asked.get(page.rule.language, ("no reader that others wrote", lambda texts: ["–"] * len(texts)))
        mended = ws.mend(page.rule.text, page.rule.language)
        whole, fixed, bare = ask([page.rule.text, mended, LAST.sub(r"\1", mended)])
        if fixed and not bare:
            fixed = "valid, but for the semicolon behind the last branch of `case`"
        lines.append(f"| {page.name} | {whole or 'valid'} | {fixed or 'valid'} | {name} |".replace("`=>`", "=>"))
    lines += ["", "LogScale takes a semicolon behind the last branch of `case`, as most published queries write it; the grammar does not.", ""]
    return lines


if __name__ == "__main__":
    text = page_text(Path(sys.argv[1]))
    if len(sys.argv) > 4:
        text += "\n".join(["", *judged(tuple(read_pages(Path(sys.argv[1]))), sys.argv[3], Path(sys.argv[4]))])
    Path(sys.argv[2]).write_text(text, encoding="utf-8")
