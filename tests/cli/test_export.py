"""The commands export and diff, and hunts written for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livefire.cli import FOUND, OK, REFUSED, USAGE, app
from livefire.cli.translations import chosen_detections

RULE = """title: Stops
id: 6f9619ff-8b86-d011-b42d-00cf4fc964ff
logsource: {product: aws, service: cloudtrail}
detection:
  s:
    eventName: %s
  condition: s
level: high
"""


def run(*args: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in args])
    return result.exit_code, result.output


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    path = tmp_path / "stops.yml"
    path.write_text(RULE % "StopInstances", encoding="utf-8")
    return path


def test_a_rule_file_is_exported_to_another_product_and_has_not_drifted(rule: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said = run("export", rule, "--to", "sentinel-arm", "--out", out, "--json")
    assert code == OK
    assert json.loads(said)["files"] == [str(out / "analytics_rules.json")]
    code, said = run("diff", out / "analytics_rules.json", rule)
    assert code == OK, said
    assert said.startswith("Stops: no drift: the same ")


def test_of_a_file_with_rules_of_several_detections_only_its_own_are_compared(tmp_path: Path) -> None:
    for name in ("StopInstances", "StartInstances"):
        (tmp_path / "rules").mkdir(exist_ok=True)
        text = (RULE % name).replace("title: Stops", f"title: {name}")
        (tmp_path / "rules" / f"{name}.yml").write_text(text, encoding="utf-8")
    deployed = tmp_path / "rules"
    code, said = run("diff", deployed, tmp_path / "rules" / "StopInstances.yml")
    assert code == OK, said
    assert "not compared: 1 of the 2 rules in rules" in said
    assert "StopInstances: no drift" in said


def test_drift_is_shown_by_an_event(rule: Path, tmp_path: Path) -> None:
    run("export", rule, "--to", "sentinel-arm", "--out", tmp_path)
    deployed = tmp_path / "analytics_rules.json"
    # Somebody edited the rule in the portal: it regards case now.
    deployed.write_text(deployed.read_text(encoding="utf-8").replace("=~", "=="), encoding="utf-8")
    code, said = run("diff", deployed, rule, "--json")
    assert code == FOUND
    (drift,) = json.loads(said)
    assert drift["verdict"] == "drift"
    assert (drift["difference"]["deployed"], drift["difference"]["detection"]) == (0, 1)
    assert drift["difference"]["raw"]["eventName"].lower() == "stopinstances"
    assert drift["difference"]["raw"]["eventName"] != "StopInstances"


def test_what_cannot_be_exported_is_said_and_the_rest_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yml").write_text(RULE % "StopInstances", encoding="utf-8")
    (folder / "b.yml").write_text(RULE.replace("Stops", "Tls").replace("eventName", "requestParameters|contains") % "x", encoding="utf-8")
    code, said = run("export", folder, "--to", "splunk", "--out", tmp_path / "out", "--json")
    assert code == REFUSED
    found = json.loads(said)
    assert [r["code"] for r in found["refused"]] == ["E511"]
    assert "E310" in found["refused"][0]["help"]
    assert "[livefire - Stops - Rule]" in (tmp_path / "out" / "savedsearches.conf").read_text(encoding="utf-8")


def test_names_that_are_none(tmp_path: Path) -> None:
    assert run("export", "T9999", "--to", "sentinel", "--out", tmp_path)[0] == USAGE
    assert run("export", "t1578", "--to", "arcsight", "--out", tmp_path)[0] == USAGE
    assert run("diff", tmp_path / "none.json", "t1578")[0] == USAGE
    assert run("hunt", tmp_path, "--to", "cef", "--out", tmp_path)[0] == USAGE
    assert run("hunt", tmp_path, "--to", "ocsf")[0] == USAGE


def test_a_pack_is_one_layer(tmp_path: Path) -> None:
    assert run("export", "t1578", "--to", "navigator", "--out", tmp_path)[0] == OK
    layer = json.loads((tmp_path / "layer.json").read_text(encoding="utf-8"))
    assert layer["versions"]["layer"] == "4.5"
    assert {t["tactic"] for t in layer["techniques"]} == {"defense-impairment"}


def test_rules_of_several_clouds_are_each_compared_with_their_own() -> None:
    """A detection with a rule a cloud is deployed as several rules, told apart by the part of their titles or by what they read."""
    from livefire.detections.detection import Rule
    from livefire.workspace import Workspace

    ws = Workspace()
    (one,) = chosen_detections(ws, "T1578.004/instance-reimaged")
    own = {r.path.stem: r.text for r in one.written_in("spl") if r.path is not None}
    deployed = {cloud: Rule("deployed", "spl", own[name]) for cloud, name in (("AWS", "splunk"), ("Azure", "splunk.azure"), ("Google Cloud", "splunk.gcp"))}
    for cloud, rule in deployed.items():
        titled = ws.counterpart(rule, f"{one.card.title} ({cloud})", (one,))
        renamed = ws.counterpart(rule, "A title of the site's own", (one,))
        assert (titled.text if titled else "").strip() == rule.text.strip()
        assert (renamed.text if renamed else "").strip() == rule.text.strip()
    assert ws.counterpart(deployed["AWS"], "Another title", ws.detections()) is None


def test_a_folder_of_what_is_deployed_is_compared_whole(rule: Path, tmp_path: Path) -> None:
    run("export", rule, "--to", "logscale", "--out", tmp_path / "package")
    code, said = run("diff", tmp_path / "package", rule)
    assert code == OK, said
    assert said.startswith("Stops: no drift")


def test_exceptions_and_connectors_are_for_kibana_alone(rule: Path, tmp_path: Path) -> None:
    tuning, config = tmp_path / "tuning.toml", tmp_path / "livefire.toml"
    tuning.write_text(
        '[[exception]]\ndetection = "*"\nowner = "ann"\nreason = "nightly"\nexpires = 2030-05-01\nscope = { account = "111122223333" }\n', encoding="utf-8"
    )
    config.write_text('lake = "lake"\n[[sink]]\nkind = "webhook"\nname = "soc"\nurl = "https://hooks.example.com/x"\nformat = "slack"\n', encoding="utf-8")
    assert run("export", rule, "--to", "splunk", "--out", tmp_path, "--tuning", tuning)[0] == USAGE
    code, said = run("export", rule, "--to", "kibana", "--out", tmp_path, "--tuning", tuning, "--config", config)
    assert code == OK, said
    lines = [json.loads(line) for line in (tmp_path / "rules.ndjson").read_text(encoding="utf-8").splitlines()]
    # The list, an item for each log source whose indices an EQL rule reads, the connector, the rule, the summary.
    assert [line.get("type") for line in lines] == ["detection", "simple", "simple", "simple", "action", "eql", None]
    assert lines[-1]["exported_count"] == 6
