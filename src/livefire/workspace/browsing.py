"""What pages and programs look at: the catalogue, published pages, and what was proved when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.diagnostics import Diagnostic
from livefire.workspace.clock import present
from livefire.workspace.watching import Watching

if TYPE_CHECKING:
    from livefire.detections.detection import Detection, Rule
    from livefire.proof.published import Page
    from livefire.store.lake import LakeInfo

_keeping = threading.Lock()


class Browsing(Watching):
    """What is shown of detections, as plain data."""

    @cached_property
    def _bundled(self) -> tuple[Detection, ...]:
        return self.detections()

    @cached_property
    def _said(self) -> dict[tuple[str, str, bool], tuple[Diagnostic, ...]]:
        return {}

    def _check_shown(self, rule: Rule, lenient: bool = False) -> Sequence[Diagnostic]:
        """Check a rule, once for a text: pages ask again and again."""
        key = (rule.language, rule.text, lenient)
        if key not in self._said:
            self._said[key] = tuple(self.check_rule(rule, lenient=lenient))
        return self._said[key]

    def _held(self) -> LakeInfo | None:
        return self.info() if self._lake is not None or self._lake_path is not None else None

    def proof_record(self) -> dict[str, Any]:
        """Return what was proved of each detection and when, as kept beside the lake."""
        from livefire.browsing.record import read

        return read(self._lake_path)

    def coverage(self) -> dict[str, Any]:
        """Return ATT&CK's cloud matrix with what covers each technique: written, proved, and with data in the lake."""
        from livefire.browsing.cards import coverage
        from livefire.detections.chain import load_chains
        from livefire.version import __version__

        return coverage(self._bundled, load_chains(), self._held(), self.proof_record(), __version__)

    def held_sources(self) -> list[dict[str, Any]]:
        """Return what the lake holds of each log source."""
        from livefire.browsing.cards import sources

        return sources(self._held())

    def detection_page(self, name: str) -> dict[str, Any]:
        """Return all there is to say of a detection; KeyError for one that is not there."""
        from livefire.browsing.cards import detection_page
        from livefire.version import __version__

        found = {d.card.id: d for d in self._bundled}[name]
        return detection_page(found, self._bundled, self._held(), self.proof_record(), self._check_shown, __version__)

    def chain_page(self, name: str) -> dict[str, Any]:
        """Return all there is to say of a chain; KeyError for one that is not there."""
        from livefire.browsing.cards import chain_page
        from livefire.detections.chain import CHAINS, load_chains

        chain = {c.id: c for c in load_chains()}[name]
        technique = name.partition("/")[0].partition(".")[0].lower()
        return chain_page(chain, CHAINS / technique / "chains" / name.partition("/")[2])

    def story_page(self, name: str) -> dict[str, Any]:
        """Return an emulation with the raw events it yields; KeyError for one that is not there."""
        from livefire.browsing.cards import story_page
        from livefire.emulation.catalogue import UnknownEmulationError, find
        from livefire.proving import as_case

        try:
            emulation = find(name)
        except UnknownEmulationError as error:
            raise KeyError(str(error.args[0])) from error
        case = as_case(emulation)
        return story_page(emulation, case.records, case.roles)

    def prove_detection(self, name: str, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
        """Put one detection to the proof on what it covers and what resembles that, and keep the result beside the lake."""
        from livefire.browsing.record import keep, read, summary
        from livefire.version import __version__

        found = {d.card.id: d for d in self._bundled}[name]
        matrix = self.prove(detections=[found], near=True, progress=progress)
        entry = summary(found, matrix, present(), __version__)
        if self._lake_path is not None and self._lake_path.is_dir():
            with _keeping:
                keep(self._lake_path, {**read(self._lake_path), name: entry})
        return entry

    def published_pages(self, folder: str | Path) -> list[dict[str, Any]]:
        """Return the published pages of a folder with what is wrong with their queries."""
        from livefire.browsing.pages import listed

        return [listed(p, self._check_shown) for p in self._pages(folder)]

    def published_page(self, folder: str | Path, name: str) -> dict[str, Any]:
        """Return a published page's query with everything said of it in place; KeyError for one that is not there."""
        from livefire.browsing.pages import shown

        return shown({p.name: p for p in self._pages(folder)}[name], self._check_shown, self.mend)

    def prove_published(self, folder: str | Path, name: str, progress: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
        """Put a published page's query to the proof, as written and as a person would read it; KeyError for one that is not there."""
        from livefire.browsing.pages import proved

        {p.name: p for p in self._pages(folder)}[name]
        matrix = self.prove((name.partition("-")[0],), published=folder, detections=(), progress=progress)
        return [one for one in proved(matrix) if one["name"].startswith(f"{name} as ")]

    def _pages(self, folder: str | Path) -> tuple[Page, ...]:
        from livefire.proof.published import read_pages

        return read_pages(Path(folder))

    @staticmethod
    def harmless(text: str, *, lines: bool = False) -> str:
        """Return a text of a log or rule with every control, format and bidirectional character written out; with `lines` line feeds and tabs stay."""
        from livefire.report.safe import safe_text

        return safe_text(text, lines=lines)

    @staticmethod
    def shown(value: Any, width: int = 400) -> str:
        """Return a value of a row as one harmless line."""
        from livefire.report.tables import shown

        return shown(value, width)

    @staticmethod
    def as_data(value: Any) -> Any:
        """Return a value as JSON can hold it."""
        from livefire.report.tables import plain

        return plain(value)
