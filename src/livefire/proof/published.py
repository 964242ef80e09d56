"""Takes the query out of a published detection page, character for character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from livefire.detections.detection import Rule

_LANGUAGES = ("kql", "cql", "eql", "spl", "esql")
_VERDICT_LINE = re.compile(r"^\w+ severity \w+ confidence$")
_TEST = re.compile(r"^\s*(?:\d+\.|-)\s*Test (?P<number>\d+)(?P<title>\S.*)$", re.MULTILINE)
# Prose that a page runs on after the last pipe begins with a capitalised word that no query has there.
_PROSE = re.compile(r"[ \t](?=(?:Detects|Identifies|Monitors|This) )")


@dataclass(frozen=True, slots=True)
class Page:
    """A published page: its query as a rule, and the attack tests it describes as (number, title)."""

    name: str
    rule: Rule
    tests: tuple[tuple[int, str], ...]


def read_page(path: Path) -> Page:
    """Return the query and the tests of a page saved as text; ValueError when there is no query to be seen."""
    text = path.read_text(encoding="utf-8")
    tests = tuple((int(m["number"]), m["title"].strip()) for m in _TEST.finditer(text))
    language, query = _query(text)
    return Page(path.stem, Rule(path.stem, language, query, path), tests)


def read_pages(folder: Path) -> tuple[Page, ...]:
    """Return every page in a folder that holds a query, by name."""
    pages = []
    for path in sorted(folder.glob("*.txt")):
        try:
            pages.append(read_page(path))
        except ValueError:
            continue
    return tuple(pages)


def _query(text: str) -> tuple[str, str]:
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        word = line.strip().lower()
        if word in _LANGUAGES:
            return word, _until_verdict(lines[number + 1 :])
        if word == "kql detection query":
            body = "".join(lines[number + 1 :])
            found = _PROSE.search(body)
            return "kql", body[: found.start()] if found else body
    fenced = re.search(r"^``` (?P<query>.+?)```", text, re.DOTALL | re.MULTILINE)
    if fenced and re.search(r"\|\s*stats\b", fenced["query"]):
        return "spl", fenced["query"]
    raise ValueError("no query is printed on this page")


def _until_verdict(lines: list[str]) -> str:
    """Return the lines before the one that states severity and confidence."""
    kept: list[str] = []
    for line in lines:
        if _VERDICT_LINE.match(line.strip()):
            break
        kept.append(line)
    return "".join(kept).rstrip("\r\n")
