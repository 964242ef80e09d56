"""Diagnostics are values: collected while a rule is read, shown as text, JSON or SARIF later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from livefire.diagnostics.source import NOWHERE, Source, Span

Severity = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains the first, such as where a name was dropped."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of the text that mends the fault; `span` is replaced by `replacement`."""

    span: Span
    replacement: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a rule or an input.

    `code` is a row of the catalogue (E1xx names and types, E2xx syntax, E3xx unsupported,
    E4xx data, E5xx packs; the same numbers with W for warnings). `span` counts characters of
    the source text.
    """

    severity: Severity
    code: str
    message: str
    span: Span = NOWHERE
    help: str = ""
    fix: Fix | None = None
    labels: tuple[Label, ...] = ()


class Diagnostics:
    """A collector of diagnostics for one source; the order is the order of discovery."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._items: list[Diagnostic] = []

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; the same code at the same place with the same words is kept once."""
        if diagnostic not in self._items:
            self._items.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep several diagnostics."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def error(self, code: str, message: str, span: Span = NOWHERE, *, help: str = "", fix: Fix | None = None, labels: tuple[Label, ...] = ()) -> None:
        """Record a fault that keeps the query from running."""
        self.add(Diagnostic("error", code, message, span, help, fix, labels))

    def warn(self, code: str, message: str, span: Span = NOWHERE, *, help: str = "", fix: Fix | None = None, labels: tuple[Label, ...] = ()) -> None:
        """Record a doubt; the query runs."""
        self.add(Diagnostic("warning", code, message, span, help, fix, labels))

    def notice(self, code: str, message: str, span: Span = NOWHERE, *, help: str = "") -> None:
        """Record something worth knowing that changes nothing."""
        self.add(Diagnostic("notice", code, message, span, help))

    @property
    def items(self) -> tuple[Diagnostic, ...]:
        """All diagnostics so far."""
        return tuple(self._items)

    @property
    def failed(self) -> bool:
        """True when at least one error was recorded."""
        return any(d.severity == "error" for d in self._items)

    def raise_if_failed(self) -> None:
        """Raise `QueryError` with everything recorded if there is an error."""
        if self.failed:
            raise QueryError(self.items, self.source)


class QueryError(Exception):
    """A query cannot be run faithfully; `.diagnostics` says where, why and the nearest way."""

    def __init__(self, diagnostics: Iterable[Diagnostic], source: Source | None = None) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        self.source = source or Source("")
        super().__init__(self._summary())

    def _summary(self) -> str:
        first = next((d for d in self.diagnostics if d.severity == "error"), None)
        if first is None:
            return "the query cannot be run"
        place = self.source.position(first.span.start)
        return f"{first.code} at line {place.line}, column {place.column}: {first.message}"


class Halt(Exception):  # noqa: N818 - it ends a reading, whose errors are already recorded
    """Ends the reading of one source after an error that leaves nothing to go on with.

    Raised by parsers after they recorded the error; `query` turns it into `QueryError`.
    """
