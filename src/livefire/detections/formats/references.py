"""Sigma rules that lie in files of one folder: what a correlation refers to, and the filters that are meant for a rule.

https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html
https://sigmahq.io/sigma-specification/specification/sigma-filters-specification.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livefire.detections.formats.model import RuleFile

_DIVIDER = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)
_ABOUT_OTHERS = re.compile(r"^(?:correlation|filter)\s*:", re.MULTILINE)
# The mark of a document that lies elsewhere: it is there to be referred to, and stands for nothing itself.
BESIDE = "action: beside\n"


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a Sigma file: its names, what it refers to, and the log source it reads."""

    text: str
    said: Mapping[str, Any]
    path: Path

    @property
    def names(self) -> frozenset[str]:
        """Its id and its name."""
        return frozenset(str(self.said[key]) for key in ("id", "name") if self.said.get(key))

    @property
    def refers(self) -> tuple[str, ...]:
        """The rules that a correlation is of, or that a filter is meant for."""
        part = self.said.get("correlation") or self.said.get("filter")
        rules = part.get("rules") if isinstance(part, Mapping) else None
        return tuple(str(r) for r in rules) if isinstance(rules, list) else (str(rules),) if isinstance(rules, str) else ()

    @property
    def filters(self) -> bool:
        """True for a filter."""
        return isinstance(self.said.get("filter"), Mapping)

    @property
    def generates(self) -> bool:
        """True for a correlation whose rules stand for themselves too."""
        part = self.said.get("correlation")
        return bool(self.said.get("generate") or (isinstance(part, Mapping) and part.get("generate")))

    @property
    def source(self) -> frozenset[tuple[str, str]]:
        """Product, service and category, as far as it names them."""
        said = self.said.get("logsource")
        return frozenset((k, str(said[k])) for k in ("product", "service", "category") if said.get(k)) if isinstance(said, Mapping) else frozenset()

    def meant_for(self, rule: Document) -> bool:
        """True for a filter of a rule: it names it, or every rule of its log source."""
        if {r.lower() for r in self.refers} <= {"any"}:
            return self.source <= rule.source
        return bool(rule.names & set(self.refers))


def documents(text: str, path: Path) -> tuple[Document, ...]:
    """Return the documents of a text; none for a text that is no YAML, or whose documents are laid over each other."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a folder may hold thousands
    found = []
    for part in _DIVIDER.split(text):
        try:
            said = yaml.load(part, Loader=loader)  # noqa: S506  # both loaders are safe ones
        except (yaml.YAMLError, RecursionError, ValueError):
            return ()
        if isinstance(said, Mapping):
            if "action" in said:
                return ()
            found.append(Document(part.strip("\n"), said, path))
    return tuple(found)


def joined(files: Sequence[RuleFile], texts: Mapping[Path, str]) -> tuple[RuleFile, ...]:
    """Return the Sigma rules of a folder, each with what it refers to in other files and the filters meant for it; other rules as they are.

    `texts` are the YAML files of the folder. A rule that only a correlation of another file is made of is `inner`.
    """
    if not any(_ABOUT_OTHERS.search(text) for text in texts.values()):
        return tuple(files)
    every = {path: documents(text, path) for path, text in texts.items()}
    known = {name: d for found in every.values() for d in found if not d.filters for name in d.names}
    filters = [d for found in every.values() for d in found if d.filters]
    inner = {r for found in every.values() for d in found if not d.filters and not d.generates for r in d.refers}
    return tuple(_with_others(f, every.get(f.rule.path or Path(), ()), known, filters, inner) if f.rule.language == "sigma" else f for f in files)


def with_neighbours(text: str, path: Path) -> str:
    """Return a Sigma text with the documents of its folder that its correlations refer to; as it is where they are all in it."""
    own = documents(text, path)
    wanted = {r for d in own if not d.filters for r in d.refers} - {n for d in own for n in d.names}
    if not wanted:
        return text
    known: dict[str, Document] = {}
    for other in sorted(p for p in path.parent.glob("*.y*ml") if p != path and p.suffix in (".yml", ".yaml") and p.is_file()):
        for one in documents(other.read_text(encoding="utf-8", errors="replace"), other):
            known.update(dict.fromkeys(one.names, one))
    return _text(text, _referred(own, known), ())


def _with_others(file: RuleFile, own: tuple[Document, ...], known: Mapping[str, Document], filters: Iterable[Document], inner: set[str]) -> RuleFile:
    if not own:
        return file
    others = _referred(own, known)
    here = {id(d) for d in own}
    meant = [f for f in filters if id(f) not in here and any(f.meant_for(d) for d in (*own, *others) if "detection" in d.said)]
    within = {r for d in own if not d.filters for r in d.refers}
    standing = [d for d in own if not d.filters and not d.names & within]
    text = _text(file.rule.text, others, meant)
    from msgspec.structs import replace as with_parts

    rule = file.rule if text == file.rule.text else with_parts(file.rule, text=text)
    return replace(file, rule=rule, inner=bool(standing) and all(d.names & inner for d in standing))


def _referred(own: Sequence[Document], known: Mapping[str, Document]) -> list[Document]:
    """Return the documents elsewhere that correlations refer to, and those that these refer to."""
    names = {n for d in own for n in d.names}
    found: list[Document] = []
    waiting = [r for d in own if not d.filters for r in d.refers]
    while waiting:
        name = waiting.pop(0)
        other = known.get(name)
        if name in names or other is None:
            continue
        names |= other.names
        found.append(other)
        waiting += other.refers
    return found


def _text(text: str, others: Iterable[Document], filters: Iterable[Document]) -> str:
    added = [BESIDE + d.text for d in others] + [d.text for d in filters]
    return "\n---\n".join([text.rstrip("\n"), *added]) + "\n" if added else text
