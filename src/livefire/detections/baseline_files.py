"""Baselines kept beside a lake, a version each time one is learnt, and written for the products that look things up."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from livefire.detections.baseline import Baseline, Key, Kind, Seen
from livefire.diagnostics import Diagnostic, QueryError

FOLDER = "baselines"
_NAME = re.compile(r"(?P<version>\d{5})\.json\.gz")


class _Line(msgspec.Struct, frozen=True, array_like=True):
    kind: Kind
    account: str
    actor: str
    value: str
    first: datetime
    last: datetime
    days: int
    count: int


class _File(msgspec.Struct, frozen=True):
    built: datetime
    begins: dict[str, datetime]
    seen: list[_Line]
    by_owner: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A version that is kept: its number, when it was learnt, and what it knows."""

    version: int
    built: datetime
    baseline: Baseline


def versions(lake: Path) -> tuple[int, ...]:
    """Return the versions kept beside a lake, oldest first."""
    folder = lake / FOLDER
    names = (_NAME.fullmatch(p.name) for p in folder.iterdir()) if folder.is_dir() else ()
    return tuple(sorted(int(m["version"]) for m in names if m))


def keep(lake: Path, baseline: Baseline, built: datetime, publish: Callable[[Path, bytes], None]) -> int:
    """Keep a baseline as the next version and return its number; `publish` writes a file whole or not at all."""
    version = max(versions(lake), default=0) + 1
    lines = [_Line(*key, one.first, one.last, one.days, one.count) for key, one in sorted(baseline.seen.items())]
    data = msgspec.json.encode(_File(built, dict(sorted(baseline.begins.items())), lines, baseline.by_owner))
    publish(lake / FOLDER / f"{version:05}.json.gz", gzip.compress(data, compresslevel=6, mtime=0))
    return version


def load(lake: Path, version: int | None = None) -> Kept:
    """Return a version, the newest by default; QueryError E521 when it is not there or cannot be read."""
    known = versions(lake)
    if not known or (version is not None and version not in known):
        raise QueryError([Diagnostic("error", "E521", f"{lake} keeps no baseline{f' {version}' if version else ''}; `livefire baseline --keep` makes one")])
    chosen = version or known[-1]
    try:
        file = msgspec.json.decode(gzip.decompress((lake / FOLDER / f"{chosen:05}.json.gz").read_bytes()), type=_File)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as fault:
        raise QueryError([Diagnostic("error", "E521", f"baseline {chosen} of {lake} cannot be read: {fault}")]) from fault
    seen: dict[Key, Seen] = {(x.kind, x.account, x.actor, x.value): Seen(x.first, x.last, x.days, x.count) for x in file.seen}
    return Kept(chosen, file.built, Baseline(seen, file.begins, by_owner=file.by_owner))


# for other products


def _rows(baseline: Baseline) -> Iterator[tuple[str, ...]]:
    for (kind, account, actor, value), one in sorted(baseline.seen.items()):
        key = "|".join((kind, account, actor, value))
        yield key, kind, account, actor, value, f"{one.first:%Y-%m-%dT%H:%M:%SZ}", f"{one.last:%Y-%m-%dT%H:%M:%SZ}", str(one.days), str(one.count)


def _table(names: tuple[str, ...]) -> Callable[[Baseline, Callable[[str], str]], str]:
    def write(baseline: Baseline, cell: Callable[[str], str]) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([cell(v) for v in row] for row in _rows(baseline))
        return out.getvalue()

    return write


# Elastic learns what is new by itself, from the fields and the time that a rule names.
_FIELDS = {
    "actor": ["cloud.account.id", "user.name"],
    "action": ["user.name", "event.action"],
    "network": ["user.name", "source.ip"],
    "agent": ["user.name", "user_agent.name"],
    "region": ["cloud.account.id", "cloud.region"],
}


def _new_terms(baseline: Baseline, cell: Callable[[str], str]) -> str:
    kinds = {kind for kind, *_ in baseline.seen}
    rules = [{"type": "new_terms", "new_terms_fields": f, "history_window_start": "now-30d", "name": cell(k)} for k, f in _FIELDS.items() if k in kinds]
    return json.dumps(rules, indent=2) + "\n"


TARGETS: Mapping[str, Callable[[Baseline, Callable[[str], str]], str]] = {
    "sentinel": _table(("SearchKey", "Kind", "Account", "Actor", "Value", "FirstSeen", "LastSeen", "Days", "Events")),
    "splunk": _table(("key", "kind", "account", "actor", "value", "first_seen", "last_seen", "days", "events")),
    "logscale": _table(("key", "kind", "account", "actor", "value", "firstSeen", "lastSeen", "days", "events")),
    "elastic": _new_terms,
}
"""What a baseline can be written for: a Sentinel watchlist, a Splunk or LogScale lookup file, fragments of Elastic new_terms rules."""
