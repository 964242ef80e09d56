"""The values of a Sigma rule's placeholders, given to the commands that read rules."""

from __future__ import annotations

import json
from pathlib import Path

from livefire.cli import OK, REFUSED, USAGE
from tests.cli.logs import file_of, livefire, packed, record

RULE = """title: Watched acts of watched people
logsource:
  product: aws
  service: cloudtrail
detection:
  s:
    eventName|expand: '%acts%'
    userIdentity.arn|endswith|expand: ':user/%people%'
  condition: s
"""


def _rule(folder: Path) -> Path:
    path = folder / "rule.yml"
    path.write_text(RULE, encoding="utf-8")
    return path


def test_a_placeholder_is_every_value_that_is_given_for_it_also_inside_a_text(tmp_path: Path) -> None:
    given = ("--placeholder", "acts=StopInstances", "--placeholder", "acts=StartInstances", "--placeholder", "people=ann", "--placeholder", "people=ben")
    result = livefire("translate", _rule(tmp_path), "--to", "kql", "--no-prove", *given)
    assert result.exit_code == OK
    assert result.stdout.splitlines()[:3] == [
        "AWSCloudTrail",
        '| where EventName in~ ("StopInstances", "StartInstances")',
        '| where UserIdentityArn endswith ":user/ann" or UserIdentityArn endswith ":user/ben"',
    ]


def test_a_placeholder_without_a_value_is_refused_and_never_compared_as_text(tmp_path: Path) -> None:
    result = livefire("translate", _rule(tmp_path), "--to", "kql", "--no-prove", "--placeholder", "acts=StopInstances")
    assert result.exit_code == REFUSED
    assert "[E107]: no value is given for the placeholder %people%" in result.output
    assert "--placeholder people=value" in result.output
    assert livefire("translate", _rule(tmp_path), "--to", "kql", "--placeholder", "acts").exit_code == USAGE


def test_run_and_hunt_take_placeholders_too(tmp_path: Path) -> None:
    events = [
        {**record(at), "eventName": name, "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::1:user/{who}"}}
        for at, (name, who) in enumerate((("StopInstances", "ann"), ("StopInstances", "joann"), ("RunInstances", "ann")), 1)
    ]
    logs = packed(tmp_path / "a.json.gz", file_of(*events))
    given = ("--placeholder", "acts=stopinstances", "--placeholder", "people=ann")
    ran = livefire("run", _rule(tmp_path), "--on", logs, "--json", *given)
    assert ran.exit_code == OK
    found = json.loads(ran.stdout)
    assert [row[found["columns"].index("eventName")] for row in found["rows"]] == ["StopInstances"]
    hunted = livefire("hunt", logs, "--rules", _rule(tmp_path), "--json", *given)
    assert len(json.loads(hunted.stdout)["findings"]) == 1
