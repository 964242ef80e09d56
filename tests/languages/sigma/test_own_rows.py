"""Rules over rows of one's own, which have the fields that they hold and no others."""

from __future__ import annotations

import pytest

import livefire

RULE = """title: T
logsource: {{category: process_creation, product: windows}}
detection:
  s: {{Image|endswith: shell.exe}}
  f: {{{field}|contains: backup}}
  condition: s and not f
"""
ROWS = [
    {"Image": "C:\\shell.exe", "CommandLine": "shell -c dir", "param1": "x"},
    {"Image": "C:\\other.exe", "CommandLine": "other", "param1": "y"},
]


def _workspace() -> livefire.Workspace:
    ws = livefire.Workspace()
    ws.load("events", ROWS)
    return ws


@pytest.mark.parametrize("field", ["ParentCommandLine", "ParentImage", "OriginalFileName", "param2"])
def test_a_field_that_no_row_has_is_missing_and_said(field: str) -> None:
    """`not` of a test of a missing field is true: the first row is found."""
    found = _workspace().query(RULE.format(field=field), language="sigma", index="events")
    assert [row[0] for row in found.rows] == ["C:\\shell.exe"]
    (said,) = [d for d in found.diagnostics if d.code == "W102"]
    assert repr(field) in said.message


@pytest.mark.parametrize("field", ["commandline", "ComandLine", "CommandLines", "CommandLien", "CammandLine"])
def test_a_slip_of_the_pen_is_refused(field: str) -> None:
    with pytest.raises(livefire.QueryError) as fault:
        _workspace().query(RULE.format(field=field), language="sigma", index="events")
    (said,) = fault.value.diagnostics
    assert (said.code, said.help) == ("E102", "did you mean 'CommandLine'?")
