"""The acts behind findings: evidence names looked up in the stored events, and what identifies a finding in any language."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from livefire.logsources.acts import ACTOR_COLUMNS, COLUMNS, Act, read_act
from livefire.logsources.registry import SOURCES
from livefire.plan import nodes as n
from livefire.plan.expr import Expr, Literal, SortKey, text
from livefire.plan.functions import call
from livefire.schema import Type

if TYPE_CHECKING:
    from livefire.detections.detection import Told
    from livefire.detections.runner import Bench

_AT_ONCE = 2000


def acts_of(names: Iterable[str], bench: Bench) -> dict[str, Act]:
    """Return the act of each event named `<log source>/<event id>`; names that are not stored are left out."""
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        source, _, event = name.partition("/")
        if source in COLUMNS:
            wanted[source].append(event)
    found: dict[str, Act] = {}
    for source, events in wanted.items():
        for at in range(0, len(events), _AT_ONCE):
            part = [text(e) for e in events[at : at + _AT_ONCE]]
            found |= {f"{source}/{a.event}": a for a in read_acts(source, ("_id", part), bench)}
    return found


def read_acts(source: str, where: tuple[str, Sequence[Expr]], bench: Bench) -> list[Act]:
    """Return the acts of a log source whose column is one of some values, by time."""
    from livefire.detections.runner import python_rows

    origin = next(s for s in SOURCES if s.name == source)
    scan = n.Scan(source, origin.schema, origin.schema.names, identity="_id")
    column, values = where
    meaning = "text.in_fold" if column == "operation" else "compare.in"  # Azure writes its operations in either case
    kept = n.Filter(scan, call(meaning, n.column(scan, column), *values))
    plan = n.select(kept, "_id", "_time", *COLUMNS[source])
    rows = python_rows(bench.engine.execute(plan, bench.storage, bench.run_values()), plan.schema)
    acts = [read_act(source, row["_id"], row["_time"], row) for row in rows if row["_time"] is not None]
    return sorted(acts, key=lambda a: (a.time, a.event))


def acts_by(source: str, actor: str, start: datetime, end: datetime, bench: Bench, most: int = 500) -> list[Act]:
    """Return what an identity did in [start, end) of a log source, by time: at most so many acts, the first of them."""
    from livefire.detections.runner import python_rows

    origin = next(s for s in SOURCES if s.name == source)
    scan = n.Scan(source, origin.schema, origin.schema.names, identity="_id")
    time = n.column(scan, "_time")
    bounds = [Literal(m.astimezone(UTC).replace(tzinfo=None), Type.DATETIME) for m in (start, end)]
    named: Expr = call("logic.or", *(call("compare.eq", n.column(scan, name), text(actor)) for name in ACTOR_COLUMNS[source]))
    kept = n.Filter(scan, call("logic.and", call("compare.ge", time, bounds[0]), call("compare.lt", time, bounds[1]), named))
    ordered = n.Limit(n.Sort(kept, (SortKey(time), SortKey(n.column(kept, "_id")))), 4 * most)
    plan = n.select(ordered, "_id", "_time", *COLUMNS[source])
    rows = python_rows(bench.engine.execute(plan, bench.storage, bench.run_values()), plan.schema)
    found = (read_act(source, row["_id"], row["_time"], row) for row in rows)
    return sorted((a for a in found if a.actor == actor), key=lambda a: (a.time, a.event))[:most]


def completing(names: Sequence[str], acts: Mapping[str, Act], told: Told) -> Act | None:
    """Return the act that completes a finding: the latest of its evidence, among the operations named if any are."""
    known = [acts[name] for name in names if name in acts]
    if told.on:
        known = [a for a in known if operation(a) in told.on] or known
    return max(known, key=lambda a: (a.time, a.key), default=None)


def operation(act: Act) -> str:
    """Return an act's operation as cards write it: Azure's in lower case."""
    return act.action.lower() if act.source == "azure_activity" else act.action


def fingerprint(detection: str, names: Sequence[str], acts: Mapping[str, Act], told: Told) -> str:
    """Return what is the same for one finding in every language: SHA-256 over the detection and the act, or actor and day.

    A row without evidence has no act and is told by its detection and the names alone.
    """
    act = completing(names, acts, told)
    if act is None:
        parts: tuple[str, ...] = tuple(names)
    elif told.per == "actor":
        parts = (act.source, act.account, act.actor, f"{act.time:%Y-%m-%d}")
    else:
        parts = (act.source, act.key)
    return hashlib.sha256("\n".join((detection, *parts)).encode()).hexdigest()
