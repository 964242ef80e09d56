"""Reads the page that shows one intent in six languages, and makes the table at its head: every intent with the events each language keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.guides import cell
from tests.house.project import ROOT

PAGE = ROOT / "docs" / "languages" / "differences.md"
LANGUAGES = {"KQL": "kql", "EQL": "eql", "ES|QL": "esql", "SPL": "spl", "CQL": "cql", "Sigma": "sigma"}
BEGIN, END = "<!-- made by `make docs` from the sections below -->", "<!-- end -->"
NONE = "—"


@dataclass(frozen=True, slots=True)
class Line:
    """One query of an intent; `keeps` are the ids in order of number."""

    intent: str
    language: str
    query: str
    keeps: tuple[int, ...]


def cells(line: str) -> list[str]:
    return [c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def rows() -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the events of the page and the types of their fields."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("| id:long"))
    head = [c.split(":") for c in cells(lines[at])]
    found = []
    for line in lines[at + 2 :]:
        if not line.startswith("|"):
            break
        found.append({name: cell(c) for (name, _), c in zip(head, cells(line), strict=True)})
    return found, {pair[0]: pair[1] for pair in head}


def entries(text: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Return query and events kept, as written, of each language of each intent."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    intent = ""
    for line in text.splitlines():
        if line.startswith("## "):
            intent = line[3:]
            found[intent] = {}
        parts = cells(line) if line.startswith("|") else []
        if len(parts) == 3 and parts[0] in LANGUAGES and intent:
            found[intent][parts[0]] = (parts[1], parts[2])
    return found


def lines() -> list[Line]:
    """Return every query of the page."""
    found = []
    for intent, languages in entries(PAGE.read_text(encoding="utf-8")).items():
        for language, (query, keeps) in languages.items():
            if query != NONE:
                ids = tuple(int(x) for x in keeps.split()) if keeps != "none" else ()
                found.append(Line(intent, LANGUAGES[language], query.strip("`"), ids))
    return found


def overview(text: str) -> str:
    """Return the one table of all intents: the events that each language keeps, those in bold that differ from what most keep."""
    head = "| intent | " + " | ".join(x.replace("|", "\\|") for x in LANGUAGES) + " |"
    out = [head, "|---" * (len(LANGUAGES) + 1) + "|"]
    for intent, languages in entries(text).items():
        kept = [keeps for query, keeps in languages.values() if query != NONE]
        usual = max(dict.fromkeys(kept), key=kept.count)
        shown = [languages.get(x, (NONE, NONE)) for x in LANGUAGES]
        marked = [NONE if query == NONE else keeps if keeps == usual else f"**{keeps}**" for query, keeps in shown]
        out.append(f"| [{intent}](#{anchor(intent)}) | " + " | ".join(marked) + " |")
    return "\n".join(out)


def anchor(heading: str) -> str:
    """Return the name that the hosts of repositories give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def page(path: Path = PAGE) -> str:
    """Return the page with its table made anew."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{overview(after)}\n\n{END}{after}"
