"""`check --fix`: fixes go into the file whole, the difference is printed, and standard input is printed mended."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import livefire
from livefire.cli import app
from livefire.diagnostics import Diagnostic, Fix, Span
from livefire.diagnostics.mending import mended

MISTAKEN = 'case { port < 100 => size := "low"; * => size := "high"; }\n| where size in ("low", "high")\n'
MENDED = 'case { port < 100 | size := "low"; * | size := "high"; }\n| in(size, values=["low", "high"])\n'


def fault(start: int, end: int, replacement: str) -> Diagnostic:
    return Diagnostic("warning", "W230", "x", Span(start, end), fix=Fix(Span(start, end), replacement))


def test_fixes_are_applied_from_the_back_and_of_overlapping_ones_the_first() -> None:
    assert mended("abcdef", [fault(4, 5, "E"), fault(0, 1, ""), fault(0, 3, "-"), fault(9, 9, "!")]) == "bcdEf"


def test_the_file_is_mended_and_the_difference_printed(tmp_path: Path) -> None:
    rule = tmp_path / "rule.cql"
    rule.write_bytes(MISTAKEN.encode())
    rule.chmod(0o640)
    found = CliRunner().invoke(app, ["check", "--fix", str(rule)])
    assert rule.read_bytes().decode() == MENDED
    assert rule.stat().st_mode & 0o777 == 0o640
    assert "-| where size in" in found.stdout
    assert "+| in(size, values=" in found.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["rule.cql"]
    assert found.exit_code == 0


def test_a_sound_file_stays_as_it_is(tmp_path: Path) -> None:
    rule = tmp_path / "rule.cql"
    rule.write_bytes(b"a=1\r\n| groupBy(a)\r\n")
    CliRunner().invoke(app, ["check", "--fix", str(rule)])
    assert rule.read_bytes() == b"a=1\r\n| groupBy(a)\r\n"


@pytest.mark.parametrize(("language", "text", "expected"), [("cql", MISTAKEN, MENDED), ("eql", "any where a = 1", "any where a == 1")])
def test_standard_input_is_printed_mended(language: str, text: str, expected: str) -> None:
    found = CliRunner().invoke(app, ["check", "--fix", "--language", language, "-"], input=text)
    assert found.stdout == expected


def test_standard_input_needs_a_language() -> None:
    assert CliRunner().invoke(app, ["check", "--fix", "-"], input="a").exit_code == 2


def test_a_hashed_comment_becomes_one() -> None:
    assert livefire.Workspace().mend("# find it, now\na=1", "cql") == "// find it, now\na=1"
