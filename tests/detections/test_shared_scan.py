"""Rules run together give what each gives alone: over the pack in all languages, over written rules, and where one of them fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from livefire.detections import shared_scan
from livefire.detections.detection import LANGUAGES, Rule
from livefire.detections.runner import Outcome, run_rule
from livefire.detections.shared_scan import prepare_rules, run_rules
from livefire.emulation.demo import write_demo
from livefire.plan import expr as e
from livefire.plan.reach import reach
from livefire.workspace import Workspace


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    ws = Workspace(folder / "lake")
    ws.ingest(folder / "logs" if (folder / "logs").is_dir() else folder)
    return ws


def plainly(outcome: Outcome) -> tuple[Any, ...]:
    """An outcome with its rows in an order of their own: no language but those that sort promises one."""
    pairs = sorted((repr(sorted(row.items())), evidence) for row, evidence in zip(outcome.rows, outcome.evidence, strict=True))
    return outcome.rule, outcome.refused, outcome.diagnostics, pairs


def rules_of(ws: Workspace, language: str) -> list[Rule]:
    return [rule for detection in ws.detections() for rule in detection.written_in(language)]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pack_together_is_the_pack_one_by_one(demo: Workspace, language: str) -> None:
    rules, bench = rules_of(demo, language), demo.bench()
    together = run_rules(rules, bench)
    alone = [run_rule(rule, bench) for rule in rules]
    assert [plainly(o) for o in together] == [plainly(o) for o in alone]
    assert sum(bool(o.rows) for o in alone) >= 5, "the demo holds too little to compare"


def event(number: int, name: str, user: str, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventTime": f"2026-05-04T10:{number // 60 % 60:02}:{number % 60:02}Z",
        "eventID": f"e-{number}",
        "eventName": name,
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": "eu-west-3",
        "userIdentity": {"type": "IAMUser", "userName": user},
        "requestParameters": {"instanceType": "m5.large" if number % 2 else None},
        **more,
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """60 events: every third RunInstances, the others StopInstances; users u0 to u3 in turn; the sixth of each ten is an error."""
    folder = tmp_path_factory.mktemp("written")
    names = ("RunInstances", "StopInstances", "StopInstances")
    events = [event(i, names[i % 3], f"u{i % 4}", **({"errorCode": "AccessDenied"} if i % 10 == 6 else {})) for i in range(60)]
    (folder / "logs.json").write_text("\n".join(map(json.dumps, events)))
    ws = Workspace()
    ws.ingest(folder / "logs.json")
    return ws


KQL = {
    'AWSCloudTrail | where EventName == "RunInstances"': 20,
    'AWSCloudTrail | where EventName == "NoSuchCall"': 0,
    'AWSCloudTrail | where EventName == "RunInstances" and ErrorCode == "AccessDenied"': 2,  # 6 and 36 are multiples of three
    'AWSCloudTrail | extend User = UserIdentityUserName | where User == "u1" | where EventName contains "Stop"': 10,
    'AWSCloudTrail | where tostring(parse_json(RequestParameters).instanceType) == "m5.large" | summarize n = count() by UserIdentityUserName': 2,
    'AWSCloudTrail | where EventName == "NoSuchCall" | summarize n = count()': 1,  # one row of 0, though nothing is let through
    "AWSCloudTrail | summarize n = count() by EventName": 2,  # looks at everything
    'union (AWSCloudTrail | where EventName == "RunInstances"), (AWSCloudTrail | where ErrorCode == "AccessDenied")': 26,
    # Of u0 and u2: five launches and three errors each.
    'AWSCloudTrail | where EventName == "RunInstances" | join kind=inner (AWSCloudTrail | where ErrorCode != "") on UserIdentityUserName': 30,
    'let bad = AWSCloudTrail | where ErrorCode != "" | distinct UserIdentityUserName; AWSCloudTrail | where UserIdentityUserName in (bad)': 30,
    'AWSCloudTrail | where EventName == "StopInstances" | top 3 by TimeGenerated desc': 3,
}


def test_written_rules_give_the_rows_reasoned_out_by_hand(written: Workspace) -> None:
    bench = written.bench(datetime(2026, 5, 4, 11, tzinfo=UTC))
    rules = [Rule(f"r{at}", "kql", text) for at, text in enumerate(KQL)]
    together = run_rules(rules, bench)
    assert [(r.text, len(o.rows), o.reason) for r, o in zip(rules, together, strict=True)] == [(text, rows, "") for text, rows in KQL.items()]
    assert [plainly(o) for o in together] == [plainly(run_rule(rule, bench)) for rule in rules]


def test_a_rule_that_cannot_run_is_told_and_the_others_run(written: Workspace) -> None:
    texts = ['AWSCloudTrail | where EventName == "RunInstances"', "AWSCloudTrail | where EventName ==", 'AWSCloudTrail | where EventName == "StopInstances"']
    outcomes = run_rules([Rule("r", "kql", text) for text in texts], written.bench())
    assert [(len(o.rows), o.refused) for o in outcomes] == [(20, False), (0, True), (40, False)]


@pytest.mark.parametrize(("few", "many", "at_once"), [(5, 200_000, 100), (20_000, 25, 100), (20_000, 200_000, 2)])
def test_however_the_passes_are_cut(written: Workspace, monkeypatch: pytest.MonkeyPatch, few: int, many: int, at_once: int) -> None:
    monkeypatch.setattr(shared_scan, "FEW", few)
    monkeypatch.setattr(shared_scan, "MANY", many)
    monkeypatch.setattr(shared_scan, "AT_ONCE", at_once)
    outcomes = run_rules([Rule(f"r{at}", "kql", text) for at, text in enumerate(KQL)], written.bench())
    assert [len(o.rows) for o in outcomes] == list(KQL.values())


def test_prepared_once_and_run_over_other_events(written: Workspace, tmp_path: Path) -> None:
    """What a watch does: the same rules over the files that came last."""
    other = Workspace(tmp_path / "lake")
    (tmp_path / "new.json").write_text(json.dumps(event(100, "RunInstances", "u9")))
    other.ingest(tmp_path / "new.json")
    rules = [Rule(f"r{at}", "kql", text) for at, text in enumerate(KQL)]
    scan = prepare_rules(rules, written.bench())
    for ws in (other, written, other):
        bench = ws.bench()
        assert [plainly(o) for o in scan.run(bench)] == [plainly(run_rule(rule, bench)) for rule in rules]


def test_what_a_plan_reaches(written: Workspace) -> None:
    from livefire.detections.runner import prepare

    def condition(text: str) -> e.Expr:
        plan = prepare(Rule("r", "kql", text), written.bench()).plan
        assert plan is not None
        return reach(plan)["aws_cloudtrail"].condition

    assert condition("AWSCloudTrail | summarize count() by EventName | where EventName == 'x'") == e.TRUE
    assert "event_name" in e.columns_of(condition("AWSCloudTrail | where EventName == 'x' | summarize count()"))
    assert condition("AWSCloudTrail | where EventName == 'x' | union AWSCloudTrail") == e.TRUE
