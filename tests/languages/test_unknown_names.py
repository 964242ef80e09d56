"""What a check says of names that no table and no column has."""

from __future__ import annotations

import pytest

from livefire import Workspace


def _said(text: str, language: str, **options: str) -> list[tuple[str, str]]:
    workspace = Workspace()
    workspace.load("Mine", [{"User": "a", "Count": 1, "@timestamp": "2026-01-01T00:00:00Z"}], time_field="@timestamp")
    return [(d.code, d.help) for d in workspace.check(text, language, None, **options) if d.severity == "error"]


@pytest.mark.parametrize(
    ("text", "language", "options", "code", "meant"),
    [
        ("AzureActivity | where Calller == 'x'", "kql", {}, "E102", "Caller"),
        ("AWSCloudTrail | where AwsRegion == 'x'", "kql", {}, "E102", "AWSRegion"),
        ("Mine | where Usr == 'x'", "kql", {}, "E102", "User"),
        ('any where Usr == "x"', "eql", {"index": "Mine"}, "E102", "User"),
        ('FROM Mine | WHERE Usr == "x"', "esql", {}, "E172", "User"),
        ("logsource: {product: x}\ndetection:\n  s:\n    Usr: x\n  condition: s\n", "sigma", {"index": "Mine"}, "E102", "User"),
    ],
)
def test_an_unknown_column_of_a_known_table_is_an_error_of_a_check(text: str, language: str, options: dict[str, str], code: str, meant: str) -> None:
    assert (code, f"did you mean {meant!r}?") in _said(text, language, **options)


@pytest.mark.parametrize(
    ("text", "language", "options"),
    [
        ("Nowhere | where Foo == 'x' | project Bar = Baz", "kql", {}),
        ("union Mine, Nowhere | where Foo == 'x'", "kql", {}),
        ('any where foo == "x"', "eql", {"index": "nowhere"}),
        ('any where foo == "x"', "eql", {"index": "Mine,nowhere"}),
        ('FROM Mine, nowhere | WHERE Foo == "x"', "esql", {}),
    ],
)
def test_after_an_unknown_table_any_name_may_be_a_column(text: str, language: str, options: dict[str, str]) -> None:
    assert [code for code, _ in _said(text, language, **options)] == ["E101"]


def test_an_unknown_table_is_answered_with_one_of_the_languages_own_product() -> None:
    assert _said("AWSCloudTrial | take 1", "kql") == [("E101", "did you mean 'AWSCloudTrail'?")]
