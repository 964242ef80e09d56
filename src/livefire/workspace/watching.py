"""What a watch over the lake found and how it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.workspace.clock import present
from livefire.workspace.proofs import Proofs
from livefire.workspace.surroundings import secret

if TYPE_CHECKING:
    from livefire.diagnostics import Diagnostic
    from livefire.engines.base import Engine
    from livefire.store.trail import TrailReport
    from livefire.store.upkeep import Damage, Upkeep
    from livefire.watch.config import Config
    from livefire.watch.ground import Ground
    from livefire.watch.records import Alert, Health
    from livefire.watch.rules import Watched
    from livefire.watch.service import Watch
    from livefire.watch.state import State


class Watching(Proofs):
    """What reads and moves the alerts of a watch."""

    def state(self, url: str | None = None, *, make: bool = True) -> State:
        """Open the state of the watch over this lake, or the one at a URL; `livefire.watch.state` says what it can do.

        WatchError E703 when it cannot be opened, or is not there and not to be made.
        """
        from livefire.watch.state import State, default_url

        return State.open(url or default_url(self.lake.path), make=make)

    def watched(self, config: Config) -> tuple[Watched, ...]:
        """Return the rules of a configuration, each with its schedule or the reason why it cannot run; QueryError E5xx for a bad folder."""
        from livefire.watch.rules import load_rules

        if config.rules.site or config.rules.macros or config.rules.lookups:
            places = {name: config.at(path) if (path := getattr(config.rules, name)) else None for name in ("site", "macros", "lookups")}
            self.declare(places["site"], macros=places["macros"], lookups=places["lookups"])
        return load_rules(config, self._ground(), self._engine())

    def inspected(self, config: Config, text: str) -> tuple[Diagnostic, ...]:
        """Return what would keep parts of a watch from working, by its place in the configuration's text; nothing is sent, read or made."""
        from livefire.watch.inspection import faults
        from livefire.watch.sinks import Services

        return tuple(faults(config, text, Services(present, secret, lambda _: None)))

    def watch(self, config: Config, write: Callable[[str], None], clock: Callable[[], datetime] = present) -> Watch:
        """Return a watch over this lake as a configuration wants it; `write` takes lines for standard output."""
        from livefire.watch.journal import Journal
        from livefire.watch.service import Watch
        from livefire.watch.sinks import Services

        rules = self.watched(config)
        journal = Journal(write, clock, as_json=config.operations.log == "json")
        return Watch(config, rules, self._ground(), self.state(config.state or None), Services(clock, secret, write), self._apart, journal)

    def watch_until_told(self, config: Config, write: Callable[[str], None]) -> None:
        """Watch until the process is asked to end (SIGTERM, SIGINT, SIGHUP unless that is ignored); what is under way is finished."""
        import signal
        import threading

        stop = threading.Event()
        watch = self.watch(config, write)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, lambda *_: stop.set())
        watch.run(stop)

    def enable_rule(self, state: State, rule: str) -> None:
        """Let a rule run again that was disabled or waits after a failure; WatchError E705 for one that is not there."""
        from livefire.watch.faults import WatchError

        with state.ledger.writing() as connection:
            if rule not in state.ledger.rules(connection):
                raise WatchError("E705", f"no rule of the watch is named {rule}")
            state.ledger.stand(connection, rule, state="active", reason="", failures=0, due=None)

    def make_up(self, config: Config, state: State, rule: str) -> int:
        """Owe the runs over everything that a rule did not look at, and return how many; a watch that runs makes them.

        WatchError E705 for a rule that is not there, has no schedule, or has looked at everything.
        """
        from livefire.watch.faults import WatchError
        from livefire.watch.state.ledger import Owed

        watched = next((w for w in self.watched(config) if w.name == rule), None)
        now = present()
        with state.ledger.writing() as connection:
            gaps = [g for g in state.ledger.open_gaps(connection, rule) if g.end <= now]
            if watched is None or watched.refused or watched.cadence.live or not gaps:
                raise WatchError("E705", f"there is nothing that a rule named {rule} could make up now")
            moments = {moment for gap in gaps for moment in watched.cadence.moments(gap.start, gap.end)}
            state.ledger.owe(connection, [Owed(rule, moment, "made up") for moment in sorted(moments)], now)
            for gap in gaps:
                state.ledger.close_gap(connection, gap.id, now)
        return len(moments)

    def seen(self) -> dict[str, int] | None:
        """Return, by log source, the version that every rule of this lake's watch has seen; None where no watch ever ran."""
        from livefire.watch.state import default_url
        from livefire.watch.state.ledger import seen_by_all

        if not (self.lake.path / "watch" / "state.sqlite").exists():
            return None
        state = self.state(default_url(self.lake.path), make=False)
        with state.ledger.reading() as connection:
            return seen_by_all(state.ledger.checkpoints(connection))

    def compact(self) -> tuple[Upkeep, ...]:
        """Join the lake's small files; LakeError while another process writes."""
        from livefire.store.upkeep import compact

        return compact(self.lake, present())

    def retain(self, since: datetime) -> tuple[Upkeep, ...]:
        """Drop the events that happened before a moment."""
        from livefire.store.upkeep import retain

        return retain(self.lake, since, present())

    def vacuum(self, keep: timedelta) -> tuple[Upkeep, ...]:
        """Remove files that no version within `keep` has, but none that the lake's watch has still to see."""
        from livefire.store.upkeep import vacuum

        return vacuum(self.lake, present(), keep, self.seen())

    def verify_lake(self) -> tuple[int, tuple[Damage, ...]]:
        """Read every file of the lake and return how many there are and which are not what was written."""
        from livefire.store.upkeep import verify

        return verify(self.lake)

    def verify_trail(self, folder: str | Path, keys: str | Path) -> TrailReport:
        """Check CloudTrail's digests and log files below a folder against public keys that were saved; WatchError E717 for a bad key file."""
        from livefire.store.trail import KeyFileError, read_keys, verify_trail
        from livefire.watch.faults import WatchError

        try:
            known = read_keys(Path(keys))
        except KeyFileError as fault:
            raise WatchError("E717", str(fault)) from fault
        return verify_trail(Path(folder), known)

    def _ground(self) -> Ground:
        from livefire.plan import nodes as n
        from livefire.watch.ground import Ground

        loaded = {table.plan.table: files for table, files in self._loaded.values() if isinstance(table.plan, n.Scan)}
        return Ground(self.catalog, self.lake, loaded, self._declared({}))

    def _apart(self) -> Engine:
        """Return an engine with a process of its own."""
        from livefire.engines.duckdb import DuckDB
        from livefire.engines.worker import Worker

        worker = Worker(threads=1)
        worker.start()
        return DuckDB(worker)

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
