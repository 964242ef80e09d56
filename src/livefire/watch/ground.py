"""What rules are run over: chosen files of the lake, beside whatever else a site has loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from livefire.detections.runner import Bench
from livefire.engines.base import Engine, Storage
from livefire.engines.program import TableFiles
from livefire.logsources.registry import SOURCES
from livefire.plan.catalog import Catalog
from livefire.store.lake import Lake, arrow_schema


@dataclass(frozen=True)
class Ground:
    """The tables each language sees, the lake, what a site loaded, and the options of its languages."""

    catalog: Callable[[str], Catalog]
    lake: Lake
    loaded: Mapping[str, TableFiles] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)

    def bench(
        self,
        engine: Engine,
        files: Mapping[str, Sequence[Path]],
        now: datetime,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        seconds: float = 60.0,
    ) -> Bench:
        """Return what a rule is run with over some files of each log source, once, at `now`."""
        tables = {s.name: TableFiles(tuple(str(f) for f in files.get(s.name, ())), arrow_schema(s.schema).serialize().to_pybytes()) for s in SOURCES}
        storage = Storage({**tables, **self.loaded}, (self.lake.path,))
        return Bench(self.catalog, engine, storage, now, start, end, seconds, None, self.options, once=True)

    def within(self, start: datetime | None, end: datetime | None) -> dict[str, list[Path]]:
        """Return the files of the lake's present version whose events may lie in [start, end]; None is no bound."""
        found: dict[str, list[Path]] = {}
        for source in SOURCES:
            files = list(self.lake.table(source.name).files)
            found[source.name] = [
                f.path for f in files if f.first is None or f.last is None or ((start is None or f.last >= start) and (end is None or f.first <= end))
            ]
        return found
