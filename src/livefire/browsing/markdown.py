"""Guides and playbooks as blocks: headings, paragraphs, lists and code. A page makes elements of them, never markup of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SPAN = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|\*(?P<em>[^*]+)\*|\[(?P<text>[^\]]+)\]\((?P<link>[^)\s]+)\)")
_ITEM = re.compile(r"(?:[-*]|\d+\.)\s+(?P<text>.*)")


def read_blocks(path: Path) -> list[dict[str, Any]]:
    """Return a file's blocks, none when it is not there."""
    return blocks(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else []


def blocks(text: str) -> list[dict[str, Any]]:
    """Return a text's blocks: `kind` is heading, paragraph, list or code."""
    return list(_blocks(text.splitlines()))


def _blocks(lines: list[str]) -> Iterator[dict[str, Any]]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("```"):
            end = next((i for i in range(at + 1, len(lines)) if lines[i].startswith("```")), len(lines))
            yield {"kind": "code", "language": line[3:].strip(), "text": "\n".join(lines[at + 1 : end])}
            at = end + 1
        elif line.startswith("#"):
            level = len(line) - len(line.lstrip("#"))
            yield {"kind": "heading", "level": level, "spans": spans(line[level:].strip())}
            at += 1
        elif _ITEM.match(line):
            end = next((i for i in range(at, len(lines)) if not _ITEM.match(lines[i])), len(lines))
            items = [m["text"] for i in range(at, end) if (m := _ITEM.match(lines[i]))]
            yield {"kind": "list", "items": [spans(i) for i in items]}
            at = end
        elif line.strip():
            end = next((i for i in range(at, len(lines)) if not lines[i].strip() or lines[i].startswith(("#", "```")) or _ITEM.match(lines[i])), len(lines))
            yield {"kind": "paragraph", "spans": spans(" ".join(part.strip() for part in lines[at:end]))}
            at = end
        else:
            at += 1


def spans(text: str) -> list[dict[str, str]]:
    """Return a line's runs: plain text, code, strong, em, and links to http(s) addresses."""
    found: list[dict[str, str]] = []
    last = 0
    for match in _SPAN.finditer(text):
        if match.start() > last:
            found.append({"kind": "text", "text": text[last : match.start()]})
        kind = next(k for k in ("code", "strong", "em", "text") if match[k])
        run = {"kind": "link" if kind == "text" else kind, "text": match[kind]}
        if kind == "text":
            if match["link"].startswith(("https://", "http://")):
                run["address"] = match["link"]
            else:
                run["kind"] = "text"
        found.append(run)
        last = match.end()
    if last < len(text):
        found.append({"kind": "text", "text": text[last:]})
    return found
