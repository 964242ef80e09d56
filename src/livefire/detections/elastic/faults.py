"""Faults of a rule file, placed at the key that says them."""

from __future__ import annotations

import re

from livefire.diagnostics import NOWHERE, Diagnostic, Source, Span


class Faults:
    """What is wrong with one rule of a file; places are found by the name of a key within the rule's part of the text."""

    def __init__(self, source: Source, part: Span) -> None:
        self.source = source
        self.part = part
        self.found: list[Diagnostic] = []

    def error(self, code: str, message: str, key: str, *, help: str = "") -> None:
        """Record what keeps the rule from running."""
        self.found.append(Diagnostic("error", code, message, self.place(key), help))

    def notice(self, code: str, message: str, key: str) -> None:
        """Record what is worth knowing."""
        self.found.append(Diagnostic("notice", code, message, self.place(key)))

    def place(self, key: str) -> Span:
        """Return where a key stands, the start of the rule where it stands nowhere."""
        text = self.source.text[self.part.start : self.part.end]
        found = re.search(rf'(?m)(?:^\s*|[{{,.\[]\s*)(?:"{re.escape(key)}"|{re.escape(key)})(?=\s*[=:.\]])', text)
        if found is None:
            return Span(self.part.start, self.part.start) if text else NOWHERE
        start = self.part.start + found.end() - len(key) - (1 if text[found.end() - 1] == '"' else 0)
        return Span(start, start + len(key))
