"""Rules as products keep them, read from templates, exports, conf files and packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from livefire.detections.formats import RuleFile, read_file
from livefire.diagnostics import QueryError


def read(tmp_path: Path, name: str, text: str) -> tuple[RuleFile, ...]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_file(path)


RULE = {"kind": "Scheduled", "properties": {"displayName": "Stops", "severity": "High", "query": "AWSCloudTrail\n| take 1", "description": "d"}}


@pytest.mark.parametrize(
    "said",
    [
        {"resources": [{"name": "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/1-2')]", **RULE}]},
        {"value": [{"name": "1-2", **RULE}]},
        [{"name": "1-2", **RULE}],
        {"name": "1-2", **RULE},
    ],
)
def test_a_sentinel_rule_in_a_template_a_list_or_alone(tmp_path: Path, said: object) -> None:
    (found,) = read(tmp_path, "rules.json", json.dumps(said))
    assert (found.id, found.title, found.severity) == ("1-2", "Stops", "high")
    assert (found.rule.language, found.rule.text) == ("kql", "AWSCloudTrail\n| take 1")


def test_other_json_holds_no_rule(tmp_path: Path) -> None:
    assert read(tmp_path, "events.json", '{"Records": [{"eventName": "A"}]}') == ()
    assert read(tmp_path, "lines.json", '{"a": 1}\n{"a": 2}\n') == ()


def test_a_search_over_several_lines_of_a_conf_file(tmp_path: Path) -> None:
    lines = (
        "# ours",
        "[default]",
        "is_visible = 0",
        "[Stops - Rule]",
        "action.notable.param.severity = low",
        'search = index=a x="1=2" \\',
        "| stats count \\",
        "    by y",
        "cron_schedule = 7 * * * *",
        "[No search]",
        "disabled = 1",
    )
    text = "\n".join(lines) + "\n"
    (found,) = read(tmp_path, "savedsearches.conf", text)
    assert (found.id, found.title, found.severity) == ("Stops - Rule", "Stops - Rule", "low")
    # The backslash carries on; blanks before the text of the next line stay, those after it do not.
    assert found.rule.text == 'index=a x="1=2" \n| stats count \n    by y'


def test_an_alert_of_a_logscale_package(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "stops.yaml", "name: Stops\nqueryString: |\n  event.action=StopInstances\n  | count()\n")
    assert (found.rule.language, found.rule.text) == ("cql", "event.action=StopInstances\n| count()\n")
    with pytest.raises(QueryError, match="queryString is empty"):
        read(tmp_path, "empty.yaml", "name: Stops\nqueryString: ' '\n")
