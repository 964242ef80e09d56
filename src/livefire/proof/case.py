"""One case of a proof: the records of a story, each with its role, laid out as a rule's tables."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from livefire.engines.base import Storage
from livefire.engines.program import TableFiles
from livefire.engines.worker import shared_scratch
from livefire.store.frames import empty_table, read_records

EventRole = Literal["attack", "benign", "noise"]
CaseKind = Literal["attack", "look_alike"]


@dataclass(frozen=True, slots=True)
class Case:
    """A story to run rules over; `kind` says whether a detection of its technique must fire or be silent."""

    id: str
    title: str
    technique: str
    kind: CaseKind
    log_source: str
    records: Sequence[Mapping[str, Any]]
    roles: Sequence[EventRole]
    end: datetime
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Staged:
    """A case as stored tables, and the role of each event by its evidence name."""

    case: Case
    storage: Storage
    roles: Mapping[str, EventRole]

    @property
    def attack(self) -> frozenset[str]:
        """The evidence names of the attack's events."""
        return frozenset(name for name, role in self.roles.items() if role == "attack")


def stage(case: Case, sources: Sequence[str]) -> Staged:
    """Lay out a case's records as its log source's table; the other sources' tables are empty.

    ValueError when a record is not read as an event of the case's log source: an emulation must
    be what the cloud writes.
    """
    lines = b"\n".join(json.dumps(r, separators=(",", ":"), ensure_ascii=False).encode() for r in case.records)
    frame = read_records(io.BytesIO(lines), case.log_source)
    if frame.num_rows != len(case.records):
        raise ValueError(f"{case.id}: {len(case.records)} records gave {frame.num_rows} events")
    roles: dict[str, EventRole] = {}
    for event, place in zip(frame.column("_id").to_pylist(), frame.column("_record").to_pylist(), strict=True):
        roles[f"{case.log_source}/{event}"] = case.roles[place]
    tables = {name: TableFiles((), empty_table(name).schema.serialize().to_pybytes()) for name in sources}
    tables[case.log_source] = TableFiles((shared_scratch().put(frame),), frame.schema.serialize().to_pybytes())
    return Staged(case, Storage(tables), roles)
