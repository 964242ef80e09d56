"""Rule files of other products through the commands."""

from __future__ import annotations

import json
from pathlib import Path

from livefire.cli import FOUND, OK, REFUSED
from tests.cli.logs import livefire, record

RULE = {
    "rule_id": "s",
    "name": "Snapshots",
    "type": "query",
    "language": "kuery",
    "index": ["logs-aws*"],
    "query": "event.action:CreateSnapshot",
    "risk_score": 1,
}


def logs(folder: Path) -> Path:
    path = folder / "events.json"
    path.write_text(json.dumps({"Records": [record(1), record(2, eventName="StopInstances")]}), encoding="utf-8")
    return path


def test_run_check_and_hunt(tmp_path: Path) -> None:
    found, rules = logs(tmp_path), tmp_path / "rules"
    rules.mkdir()
    (rules / "a.ndjson").write_text(json.dumps(RULE), encoding="utf-8")
    (rules / "b.lucene").write_text("event.action:Stop*", encoding="utf-8")
    shown = json.loads(livefire("run", rules / "a.ndjson", "--on", found, "--json").stdout)
    action = shown["columns"].index("event.action")
    assert [row[action] for row in shown["rows"]] == ["CreateSnapshot"]
    assert livefire("check", rules / "a.ndjson", rules / "b.lucene").exit_code == OK
    hunted = livefire("hunt", found, "--rules", rules, "--json")
    assert (hunted.exit_code, sorted(f["detection"] for f in json.loads(hunted.stdout)["findings"])) == (FOUND, ["b", "s"])
    # A rule that cannot run and a file that cannot be read are named, and the others run.
    (rules / "c.ndjson").write_text(json.dumps({**RULE, "type": "machine_learning"}), encoding="utf-8")
    (rules / "d.toml").write_text("[rule", encoding="utf-8")
    hunted = livefire("hunt", found, "--rules", rules, "--json")
    shown = json.loads(hunted.stdout)
    assert (hunted.exit_code, len(shown["findings"]), len(shown["unread"])) == (REFUSED, 2, 1)
    assert livefire("run", rules / "c.ndjson", "--on", found).exit_code == REFUSED
    assert livefire("check", rules / "c.ndjson").exit_code == FOUND
