"""What a watch over the lake found and how it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from livefire.workspace.clock import present
from livefire.workspace.proofs import Proofs

if TYPE_CHECKING:
    from livefire.watch.records import Alert, Health
    from livefire.watch.state import State


class Watching(Proofs):
    """What reads and moves the alerts of a watch."""

    def state(self, url: str | None = None, *, make: bool = True) -> State:
        """Open the state of the watch over this lake, or the one at a URL; `livefire.watch.state` says what it can do.

        WatchError E703 when it cannot be opened, or is not there and not to be made.
        """
        from livefire.watch.state import State, default_url

        return State.open(url or default_url(self.lake.path), make=make)

    def health(self, state: State | None = None) -> Health:
        """Return how the watch over this lake stands now."""
        return (state or self.state(make=False)).health(present())

    def evidence(self, alert: Alert) -> tuple[dict[str, Any], ...]:
        """Return the events behind an alert as they were logged, by time; those that retention has taken away are left out."""
        from livefire.logsources.registry import SOURCES
        from livefire.plan import nodes as n
        from livefire.plan.expr import text
        from livefire.plan.functions import call

        bench = self.bench()
        found: list[tuple[Any, dict[str, Any]]] = []
        for source in SOURCES:
            wanted = [text(e.partition("/")[2]) for e in alert.evidence if e.partition("/")[0] == source.name]
            if not wanted:
                continue
            scan = n.Scan(source.name, source.schema, source.schema.names, identity="_id")
            plan = n.select(n.Filter(scan, call("compare.in", n.column(scan, "_id"), *wanted)), "_time", "_id", "_raw")
            rows = bench.engine.execute(plan, bench.storage, bench.run_values()).to_pylist()
            found += [(row["_time"], {"source": source.name, "id": row["_id"], "event": json.loads(row["_raw"])}) for row in rows]
        return tuple(event for _, event in sorted(found, key=lambda f: (f[0] is None, f[0])))
