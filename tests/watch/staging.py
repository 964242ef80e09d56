"""A watch over folders of a test, with a clock that the test holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from livefire.engines.duckdb import DuckDB
from livefire.watch.config import Config, parse
from livefire.watch.journal import Journal
from livefire.watch.records import Alert
from livefire.watch.service import Watch
from livefire.watch.sinks import Services
from livefire.watch.state import AlertFilter, State
from livefire.workspace import Workspace
from tests.logsources.samples import cloudtrail, compact

START = datetime(2026, 5, 4, 10, tzinfo=UTC)

# Anyone who stops machines, one event at a time.
STOPPED = 'AWSCloudTrail | where EventName == "StopInstances"'
# More than two snapshots by one user within the hour before each full ten minutes.
BURST = """
id: burst
name: Many snapshots by one user
kind: Scheduled
severity: High
queryFrequency: 10m
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
query: |
  AWSCloudTrail
  | where EventName == "CreateSnapshot"
  | summarize Count = count() by UserIdentityUserName
  | where Count > 2
"""
# A snapshot that is then shared by the same user.
SHARED = """
sequence by user.name with maxspan=30m
  [any where event.action == "CreateSnapshot"]
  [any where event.action == "ModifySnapshotAttribute"]
"""
USUAL = """
lake = "lake"
[rules]
bundled = false
folders = ["rules"]
every = "10m"
[alerts]
raise_severity = "high"
[[source]]
kind = "folder"
name = "inbox"
path = "inbox"
settle = "1s"
[[sink]]
kind = "file"
name = "log"
path = "alerts.jsonl"
format = "json"
"""


def event(number: int, after: timedelta, name: str = "DescribeInstances", user: str = "ana") -> dict[str, Any]:
    """An event so long after the start; `number` makes its id."""
    who = {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/{user}", "accountId": "111122223333", "userName": user}
    return cloudtrail(number, eventTime=f"{START + after:%Y-%m-%dT%H:%M:%SZ}", eventName=name, userIdentity=who)


@dataclass
class Clock:
    """The present of a test."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, length: timedelta) -> None:
        """Let time pass."""
        self.now += length


@dataclass
class Stage:
    """Folders, rules, a configuration and a clock."""

    root: Path
    text: str = USUAL
    rules: Mapping[str, str] = field(default_factory=lambda: {"stopped.kql": STOPPED, "burst.yaml": BURST, "shared.eql": SHARED})
    clock: Clock = field(default_factory=Clock)
    lines: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in ("inbox", "rules"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for name, text in self.rules.items():
            (self.root / "rules" / name).write_text(text, encoding="utf-8")

    @property
    def config(self) -> Config:
        return parse(self.text, self.root / "livefire.toml")

    def watch(self) -> Watch:
        """Return a watch as a start of the program makes it."""
        config = self.config
        ws = Workspace(config.at(config.lake))
        services = Services(self.clock, lambda name: self.secrets[name], self.lines.append)
        journal = Journal(self.lines.append, self.clock)
        watch = Watch(config, ws.watched(config), ws._ground(), ws.state(config.state or None), services, DuckDB, journal)
        watch.begin()
        return watch

    def deliver(self, name: str, events: Iterable[Mapping[str, Any]]) -> Path:
        """Rename a file of events into the inbox."""
        draft = self.root / f".{name}"
        draft.write_bytes(b"\n".join(compact(dict(e)) for e in events) + b"\n")
        final = self.root / "inbox" / name
        draft.replace(final)
        return final

    def settle(self, watch: Watch) -> None:
        """Let a little time pass and do all there is to do."""
        for _ in range(2):
            self.clock.pass_(timedelta(seconds=2))
            while watch.step():
                pass

    def state(self) -> State:
        return State.open(self.config.state or f"sqlite:///{self.root / 'lake' / 'watch' / 'state.sqlite'}", make=False)

    def alerts(self, *, withdrawn: bool | None = False) -> tuple[Alert, ...]:
        """Return the alerts, by rule and actor."""
        found = self.state().desk.alerts(AlertFilter(withdrawn=withdrawn, limit=1000)).items
        return tuple(sorted(found, key=lambda a: (a.rule, a.actor, a.fingerprint)))

    def sent(self) -> list[dict[str, Any]]:
        """Return what the file sink was given."""
        path = self.root / "alerts.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
