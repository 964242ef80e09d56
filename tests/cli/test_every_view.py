"""Every command that says something of logs, over logs whose words are an attacker's: nothing that a terminal obeys comes out, as text or as JSON.

`VIEWS` names every command there is; a new one fails the first test until it stands here, with its arguments or with the reason why it shows no log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from livefire import Workspace
from livefire.cli import FOUND, OK, PARTIAL, app
from tests.cli.logs import KQL, livefire, record
from tests.cli.test_hostile_fields import HOSTILE, PAYLOAD, RAW
from tests.web.test_hostile import hostile_record, hostile_story

NO_LOG = {
    "serve": "shows pages: tests/web",
    "site build": "writes pages of the catalogue, which hold no log: tests/web/test_site.py",
    "watch": "runs until it is stopped and writes JSON lines: tests/watch; what it found is shown by alerts and status",
    "demo": "writes its own logs and hunts in them, as hunt does",
    "emulate": "writes logs of its own",
    "background": "writes logs of its own",
    "coverage": "counts detections and sources",
    "export": "writes files of rules",
    "prove": "runs over emulations of its own",
    "verify": "reads an evidence bundle, which is checked byte by byte: tests/proof",
    "verify-trail": "refuses a folder without digests, whose files' names are shown in tests/store",
}


@dataclass(frozen=True)
class Place:
    """What the commands are run over: logs, a lake of them with alerts in it, a rule, and the names of what was found."""

    logs: Path
    lake: Path
    rule: Path
    newer: Path
    fingerprint: str
    incident: str
    event: str
    """Of the first hostile record, which the rule finds."""


VIEWS: dict[str, Any] = {
    "ingest": lambda p: (p.logs, "--lake", p.lake.parent / "other"),
    "run": lambda p: (p.rule, "--lake", p.lake),
    "check": lambda p: (p.rule, "--data", p.lake),
    "translate": lambda p: (p.rule, "--to", "spl", "--on", p.logs),
    "diff": lambda p: (p.newer, p.rule, "--on", p.logs),
    "hunt": lambda p: (p.logs,),
    "chains": lambda p: ("--lake", p.lake),
    "tune": lambda p: ("T1578.001/snapshot-created", "--lake", p.lake),
    "investigate": lambda p: (p.fingerprint, "--lake", p.lake),
    "baseline": lambda p: ("--lake", p.lake),
    "inventory": lambda p: ("--lake", p.lake),
    "backtest": lambda p: (p.rule, "--lake", p.lake, "--against", p.newer),
    "status": lambda p: ("--lake", p.lake, "--rules"),
    "lake info": lambda p: ("--lake", p.lake),
    "lake quarantine": lambda p: ("--lake", p.lake),
    "lake verify": lambda p: ("--lake", p.lake),
    "lake compact": lambda p: ("--lake", p.lake),
    "lake retain": lambda p: ("--lake", p.lake, "--since", "2020-01-01"),
    "lake vacuum": lambda p: ("--lake", p.lake),
    "alerts raise": lambda p: ("--lake", p.lake),
    "alerts list": lambda p: ("--lake", p.lake),
    "alerts show": lambda p: (p.fingerprint, "--lake", p.lake),
    "alerts incidents": lambda p: ("--lake", p.lake, "--all"),
    "alerts triage": lambda p: (p.fingerprint, "--lake", p.lake, "--reason", PAYLOAD, "--who", "mo"),
    "alerts except": lambda p: ("T1578.001/*", "--lake", p.lake, "--reason", PAYLOAD, "--actor", PAYLOAD, "--owner", "mo"),
    "alerts exceptions": lambda p: ("--lake", p.lake),
    "alerts announce": lambda p: (PAYLOAD, "--lake", p.lake, "--start", "2026-03-01", "--end", "2026-03-02", "--actor", PAYLOAD),
    "alerts resend": lambda p: ("--lake", p.lake),
    "alerts close": lambda p: (p.incident, "--lake", p.lake, "--incident", "--verdict", "benign", "--reason", PAYLOAD, "--who", "mo"),
}
PAGED = {"run": (("--explain", "miss"), ("--explain", "hit"))}


def commands() -> set[str]:
    """Return the names of all commands of the program."""

    def below(group: Any, before: str) -> Iterator[str]:
        for name, one in group.commands.items():
            yield from below(one, f"{before}{name} ") if hasattr(one, "commands") else [f"{before}{name}"]

    return set(below(typer.main.get_command(app), ""))


def with_json() -> set[str]:
    """Return the commands that print JSON too."""

    def found(name: str) -> bool:
        one: Any = typer.main.get_command(app)
        for part in name.split():
            one = one.commands[part]
        return any("--json" in p.opts for p in one.params)

    return {name for name in VIEWS if found(name)}


def test_every_command_is_named() -> None:
    assert VIEWS.keys() | NO_LOG.keys() == commands()
    assert not VIEWS.keys() & NO_LOG.keys()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Attacks and single acts in whose names, agents, tags and answers stand what terminals obey; rules that ask for them."""
    folder = tmp_path_factory.mktemp("views")
    texts = [*HOSTILE, PAYLOAD]
    records = [hostile_record(n, t) for n, t in enumerate(texts)] + [r for n, t in enumerate(texts) for r in hostile_story(n, t)]
    logs = folder / "logs"
    logs.mkdir()
    (logs / "events.json").write_text(json.dumps({"Records": records}), encoding="utf-8")
    (logs / "broken.jsonl").write_bytes(json.dumps(record(30)).encode() + b'\n{"eventVersion": "\x1b]0;x\x07", oops}\n')
    rule, newer = folder / "rule.kql", folder / "newer.kql"
    rule.write_text(KQL, encoding="utf-8")
    newer.write_text(f"{KQL} | where UserAgent !contains 'EVIL'", encoding="utf-8")
    ws = Workspace(folder / "lake")
    ws.ingest(logs)
    ws.look_through()
    alerts = [a for a in ws.queue(limit=500)["items"] if a["rule"].startswith("T1578")]
    assert len(alerts) >= len(texts), "what is hostile is found"
    assert any(text in alert["actor"] for alert in alerts for text in texts)
    first = next(a for a in alerts if a["incident"])
    return Place(logs, folder / "lake", rule, newer, first["fingerprint"], str(first["incident"]), records[0]["eventID"])


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)  # in this order: the last ones change what stands
def test_no_view_says_what_a_terminal_obeys(name: str, place: Place) -> None:
    arguments = [str(a) for a in VIEWS[name](place)]
    calls = [arguments, *([[*arguments, "--json"]] if name in with_json() else [])]
    calls += [[*arguments, *more, "--event", place.event] for more in PAGED.get(name, ())]
    for call in calls:
        result = livefire(*name.split(), *call)
        assert result.exit_code in (OK, FOUND, PARTIAL), f"{call}: {result.output[-600:]}"
        said = re.sub(r"\x1b\[[0-9;]*m", "", result.output)
        assert not RAW.search(said), f"{call}: {said[max(0, RAW.search(said).start() - 60) :][:160]!r}"  # type: ignore[union-attr]  # found above
        if "--json" in call:
            for line in result.stdout.strip().splitlines()[:1]:
                assert line[:1] in "{["
