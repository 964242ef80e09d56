"""What baselines rest on: how often each identity did a thing, from where and with what, since when and on which days.

Kept beside the lake with the versions that were counted, so that the next count reads only the files that came since.
It can always be counted anew, and is where events were dropped, files were joined, or it cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from livefire.engines.program import TableFiles
from livefire.logsources.acts import ACTOR_COLUMNS
from livefire.logsources.registry import SOURCES
from livefire.plan import nodes as n
from livefire.plan.expr import Expr, text
from livefire.plan.functions import aggregate, call
from livefire.store.lake import LakeError

if TYPE_CHECKING:
    from livefire.detections.runner import Bench
    from livefire.store.changes import Change
    from livefire.store.lake import Lake

Counted: TypeAlias = Literal["action", "network", "agent", "hour"]
Key: TypeAlias = tuple[str, Counted, str, str, str]
KEPT = "counts"
FORMAT = 1
_KINDS: tuple[Counted, ...] = ("action", "network", "agent", "hour")
_ACCOUNT = {"aws_cloudtrail": ("recipient_account", "identity_account"), "azure_activity": ("subscription",), "gcp_audit": ("project",)}
_PLAIN = {
    "action": {"aws_cloudtrail": "event_name", "azure_activity": "operation", "gcp_audit": "method"},
    "network": {"aws_cloudtrail": "source_ip", "azure_activity": "caller_ip", "gcp_audit": "caller_ip"},
    "agent": {"aws_cloudtrail": "user_agent", "azure_activity": "app_id", "gcp_audit": "user_agent"},
}


class Count(msgspec.Struct, frozen=True, array_like=True):
    """What was counted of one value as events have it; `days` are days since 1970."""

    source: str
    kind: Counted
    account: str
    actor: str
    value: str
    first: datetime
    last: datetime
    days: frozenset[int]
    events: int

    @property
    def key(self) -> Key:
        """What is counted together."""
        return self.source, self.kind, self.account, self.actor, self.value

    def joined(self, other: Count) -> Count:
        """Return both as one."""
        days = self.days | other.days
        return Count(*self.key, min(self.first, other.first), max(self.last, other.last), days, self.events + other.events)


class Counts(msgspec.Struct, frozen=True):
    """All that was counted, in which version of each log source, and how many events that had."""

    versions: dict[str, int]
    events: dict[str, int]
    rows: list[Count]
    format: int = FORMAT


def count_all(bench: Bench) -> tuple[Count, ...]:
    """Return what the bench's events show."""
    return tuple(row for source in ACTOR_COLUMNS for kind in _KINDS for row in _rows(source, kind, bench))


def count_on(bench: Bench, lake: Lake) -> tuple[Count, ...]:
    """Return the same of a lake, all of whose events the bench holds, reading only what came since it was last counted, and keep it for the next time."""
    before, present = _read(lake), {s.name: lake.version(s.name) for s in SOURCES}
    if before is not None and before.versions == present:
        return tuple(before.rows)
    held = {s.name: sum(f.rows for f in lake.data_files(s.name)) for s in SOURCES}
    found = _joined(before, held, bench, lake) if before is not None else None
    found = count_all(bench) if found is None else found
    # It can be counted again: a lake that cannot be written, or that another process has just counted, is no fault.
    with suppress(OSError, LakeError):
        lake.remember(KEPT, msgspec.json.encode(Counts(present, held, sorted(found, key=lambda row: row.key))))
    return found


def _joined(before: Counts, held: Mapping[str, int], bench: Bench, lake: Lake) -> tuple[Count, ...] | None:
    """Return what was counted and what came since as one; None where what is there is not the two together."""
    came = lake.files_since(before.versions)
    if came is None or any(before.events.get(name, 0) + sum(f.rows for f in came[name]) != rows for name, rows in held.items()):
        return None
    known = {row.key: row for row in before.rows}
    for row in count_all(over_new(bench, came)):
        known[row.key] = known[row.key].joined(row) if row.key in known else row
    return tuple(known.values())


def over_new(bench: Bench, came: Mapping[str, Sequence[Change]]) -> Bench:
    """Return a bench over the files that came to a lake, and no others of it."""
    return bench.over({name: TableFiles(tuple(str(f.path) for f in files), bench.storage.tables[name].schema) for name, files in came.items()})


def _read(lake: Lake) -> Counts | None:
    try:
        kept = lake.recall(KEPT)
        found = msgspec.json.decode(kept, type=Counts) if kept is not None else None
    except (OSError, EOFError, msgspec.DecodeError):
        return None
    return found if found is not None and found.format == FORMAT else None


def _rows(source: str, kind: Counted, bench: Bench) -> Iterator[Count]:
    """Yield what was counted of one source's events, grouped by the engine."""
    from livefire.detections.runner import python_rows

    origin = next(s for s in SOURCES if s.name == source)
    scan = n.Scan(source, origin.schema, origin.schema.names, identity="_id")
    time = n.column(scan, "_time")
    value: Expr = call("time.format", time, text("%a %H")) if kind == "hour" else n.column(scan, _PLAIN[kind][source])
    keys = (n.Item("account", _either(scan, _ACCOUNT[source])), n.Item("actor", _either(scan, ACTOR_COLUMNS[source])), n.Item("value", value))
    items = (
        n.Item("first", aggregate("agg.min", time)),
        n.Item("last", aggregate("agg.max", time)),
        n.Item("days", aggregate("agg.set", call("time.start_of", time, text("day")))),
        n.Item("events", aggregate("agg.count")),
    )
    plan = n.Aggregate(scan, keys, items)
    for row in python_rows(bench.engine.execute(plan, bench.storage, bench.run_values()), plan.schema):
        if row["first"] is not None and row["actor"] and row["value"]:
            days = frozenset(map(_day, row["days"]))
            yield Count(source, kind, row["account"] or "", row["actor"], row["value"], _aware(row["first"]), _aware(row["last"]), days, row["events"])


def _day(value: str) -> int:
    return (date.fromisoformat(value[:10]) - date(1970, 1, 1)).days


def _either(scan: n.Scan, names: tuple[str, ...]) -> Expr:
    # Acts pass over an empty identity as over none.
    columns = [call("logic.null_if", n.column(scan, name), text("")) for name in names]
    return columns[0] if len(columns) == 1 else call("logic.coalesce", *columns)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
