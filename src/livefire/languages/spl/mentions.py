"""The field names that a search mentions: those are read from the events, for the schema is found on reading."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import Any

from livefire.languages.kit.ast import Ast, Binary, Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.lexer import Piece
from livefire.languages.spl.wildcards import capture, fill

_WORDY = frozenset(
    {
        "makemv",
        "mvexpand",
        "mvcombine",
        "nomv",
        "fillnull",
        "filldown",
        "untable",
        "xyseries",
        "addtotals",
        "iplocation",
        "return",
        "transpose",
        "accum",
        "addcoltotals",
        "autoregress",
        "delta",
        "strcat",
        "tojson",
    }
)


def mentioned(pipeline: s.Pipeline) -> frozenset[str]:
    """Return every name that a pipeline may read from its events, as it is called there."""
    found: set[str] = set()
    for command in reversed(pipeline.commands):
        if isinstance(command, s.Rename):
            found |= _sources(command, found)
        found |= names_in(command)
    return frozenset(found)


def names_in(node: object) -> set[str]:
    """Return every name in an AST node, those of nested searches too."""
    found: set[str] = set()
    waiting: list[object] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Name):
            found.add(item.text)
        elif isinstance(item, Piece):
            if item.kind in ("word", "quoted"):
                found.add(item.text.strip("'"))
        elif isinstance(item, s.Map):
            found |= set(re.findall(r"\$([\w.{}:]+)\$", item.text))
        elif isinstance(item, s.Plain):
            found |= _plain(item)
        elif isinstance(item, (s.Rex, s.Spath)):
            found |= {o.value.text for o in item.options if o.name in ("field", "input", "offset_field")}
        elif isinstance(item, tuple):
            waiting.extend(item)
        elif is_dataclass(item):
            path = dotted(item) if isinstance(item, Binary) else None
            found |= {path} if path else set()
            waiting.extend(_children(item))
    return found


def _children(item: Any) -> list[object]:
    return [getattr(item, f.name) for f in fields(item)]


def _plain(command: s.Plain) -> set[str]:
    if command.name not in _WORDY:
        return set()
    return {part.lstrip("$") for w in command.words for part in (w.text, w.text.rpartition("=")[2])}


def _sources(command: s.Rename, later: set[str]) -> set[str]:
    """Names that a wildcard renaming gives to what is mentioned after it, as they were called before."""
    found: set[str] = set()
    for pair in command.pairs:
        if "*" in pair.new.text and "*" in pair.old.text:
            for name in later:
                parts = capture(pair.new.text, name)
                if parts is not None and "*" not in name and not any(p.startswith("_") for p in parts):
                    found.add(fill(pair.old.text, parts))
    return found


def dotted(ast: Ast) -> str | None:
    """Return `a.b.c` where an expression is names joined by dots, else None."""
    if isinstance(ast, Name) and not ast.quoted:
        return ast.text
    if isinstance(ast, Binary) and ast.operator == ".":
        left, right = dotted(ast.left), dotted(ast.right)
        return f"{left}.{right}" if left and right else None
    return None
