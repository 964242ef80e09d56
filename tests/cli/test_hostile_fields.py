"""Fields of events are an attacker's words: no view lets one reach a terminal or a spreadsheet as it is."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from livefire.cli import FOUND, OK, PARTIAL
from livefire.diagnostics import Diagnostic, Source, Span
from livefire.report.diagnostics import as_text
from livefire.report.safe import safe_cell, safe_text
from livefire.report.tables import table
from tests.cli.logs import file_of, livefire, record

# What a terminal or a reader would obey: clear the screen, write the clipboard (OSC 52), set the title, an 8-bit CSI,
# carriage return over what was written, right-to-left override (CVE-2021-42574), zero width, line separator, delete.
HOSTILE = ["\x1b[2J\x1b[H", "\x1b]52;c;cm0gLXJm\x07", "\x1b]0;owned\x1b\\", "\x9b31m", "safe\rEVIL", "\u202euser\u202c", "a\u200bb", "x\u2028y", "\x7f\x08\x08"]
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
OWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\r(?:\x1b\[1A)?\x1b\[2K")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
PAYLOAD = "|".join(HOSTILE) + "[red]m[/red]:skull:"


@given(st.text())
def test_safe_text_leaves_nothing_a_terminal_obeys(text: str) -> None:
    made = safe_text(text)
    assert not RAW.search(made)
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in made)


@pytest.mark.slow
def test_every_character_there_is_reaches_a_terminal_harmless() -> None:
    """All 1,114,112 code points, lone surrogates too, in stretches of 4,096."""
    for first in range(0, sys.maxunicode + 1, 4096):
        made = safe_text("".join(map(chr, range(first, first + 4096))))
        assert not RAW.search(made)
        assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in made)
    assert first + 4096 == 0x110000


@pytest.mark.slow
def test_a_real_terminal_is_sent_no_control_but_lines_and_colours(tmp_path: Path) -> None:
    """The program itself on a pseudo-terminal: but for its own colours and its sign of being at work there is no control."""
    path = tmp_path / "logs.json"
    path.write_bytes(file_of(record(1, userAgent=PAYLOAD)))
    (tmp_path / "rule.kql").write_text("AWSCloudTrail | project UserAgent, RequestParameters", encoding="utf-8")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "livefire", "run", str(tmp_path / "rule.kql"), "--on", str(path)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm-256color"}) as process:
        os.close(theirs)
        parts = []
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while part := os.read(ours, 65_536):
                parts.append(part)
        os.close(ours)
    assert process.returncode == OK
    said = b"".join(parts).decode()
    assert "\\x1b]52;c;cm0gLXJm" in "".join(said.split())
    assert not RAW.search(OWN.sub("", said).replace("\r\n", "\n"))


@given(st.text())
def test_safe_text_in_lines_adds_only_lines_and_tabs(text: str) -> None:
    made = safe_text(text, lines=True)
    assert not RAW.search(made)
    assert made.count("\n") == text.count("\n")


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs", "M"))))
def test_safe_text_changes_nothing_that_is_harmless(text: str) -> None:
    assert safe_text(text) == text


@given(st.text())
def test_safe_cell_is_no_formula(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(text)])
    (back,) = next(csv.reader(io.StringIO(out.getvalue())), [""])
    assert not RAW.search(back)
    if back.startswith(FORMULAS):
        float(back)  # only a plain number may begin so


@given(st.lists(st.text(), min_size=1, max_size=3), st.text())
def test_tables_are_safe(cells: list[str], title: str) -> None:
    out = io.StringIO()
    Console(file=out, width=80, markup=False, emoji=False, highlight=False).print(table(["c"] * len(cells), [cells], title=title))
    assert not RAW.search(out.getvalue())


@given(st.text(min_size=1), st.data())
def test_diagnostics_are_safe(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = Diagnostic("error", "E201", text, Span(start, end), help=text)
    assert not RAW.search(as_text([found], Source(text, text)))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with hostile text in fields, in a file's name and in a broken record."""
    folder = tmp_path_factory.mktemp("logs")
    # Text between quotes in JSON may hold anything but control characters below 0x20, which are escaped there.
    events = [
        record(n, userAgent=text, errorMessage=PAYLOAD, userIdentity={"type": "IAMUser", "userName": text, "arn": text})
        for n, text in enumerate([*HOSTILE, PAYLOAD])
    ]
    (folder / "evil\x1b]52;c;YQ==\x07\u202e.json").write_bytes(file_of(*events))
    (folder / "broken.jsonl").write_bytes(json.dumps(record(30)).encode() + b'\n{"eventVersion": "\x1b]0;x\x07", oops}\n')
    return folder


def rule(folder: Path, text: str, suffix: str = "kql") -> Path:
    """Write a rule and return its path."""
    path = folder / f"rule.{suffix}"
    path.write_text(text, encoding="utf-8")
    return path


def test_ingest_and_lake_views(logs: Path, tmp_path: Path) -> None:
    result = livefire("ingest", logs, "--lake", tmp_path / "lake")
    assert result.exit_code == PARTIAL
    assert "evil\\x1b]52;c;YQ==\\x07\\u202e.json" in result.output or "oops" in result.output or "broken.jsonl" in result.output
    assert not RAW.search(result.output)
    as_json = livefire("ingest", logs, "--lake", tmp_path / "lake2", "--json")
    assert not RAW.search(as_json.output)
    assert any(f["path"].endswith("evil\x1b]52;c;YQ==\x07\u202e.json") for f in json.loads(as_json.stdout)["files"])
    assert not RAW.search(livefire("lake", "info", "--lake", tmp_path / "lake").output)
    set_aside = livefire("lake", "quarantine", "--lake", tmp_path / "lake")
    assert "broken.jsonl" in set_aside.output
    assert not RAW.search(set_aside.output)
    assert not RAW.search(livefire("lake", "quarantine", "--lake", tmp_path / "lake", "--json").stdout)


def test_run_views(logs: Path, tmp_path: Path) -> None:
    path = rule(tmp_path, "AWSCloudTrail | project UserAgent, UserIdentityUserName, ErrorMessage, RequestParameters")
    result = livefire("run", path, "--on", logs)
    assert result.exit_code == OK
    assert "\\x1b[2J" in result.output  # shown, as an escape
    assert not RAW.search(result.output)
    found = livefire("run", path, "--on", logs, "--json")
    assert not RAW.search(found.output)
    agents = {row[0] for row in json.loads(found.stdout)["rows"]}
    assert set(HOSTILE) <= agents  # JSON keeps what was there, escaped


def test_hunt_views(logs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "packs" / "snapshot"
    folder.mkdir(parents=True)
    (folder / "sentinel.kql").write_text(
        "AWSCloudTrail | where EventName == 'CreateSnapshot' | project TimeGenerated, Actor = UserIdentityUserName", encoding="utf-8"
    )
    card = {"id": "test-1", "title": "Snapshot", "what": "w", "why": "y", "severity": "low", "confidence": "low"}
    lines = [f'{k} = "{v}"' for k, v in card.items()] + [
        "risk = {base = 1}",
        'data = ["aws_cloudtrail"]',
        "covers = []",
        "[[attack]]",
        'version = "19"',
        "tactics = []",
    ]
    (folder / "detection.toml").write_text("\n".join([*lines, 'techniques = ["T1578.001"]', ""]), encoding="utf-8")
    result = livefire("hunt", logs, "--packs", tmp_path / "packs")
    assert result.exit_code == FOUND
    assert "\\x1b[2J" in result.output
    assert not RAW.search(result.output)
    found = livefire("hunt", logs, "--packs", tmp_path / "packs", "--json")
    assert not RAW.search(found.output)
    assert len(json.loads(found.stdout)["findings"]) == len(HOSTILE) + 2  # one each, the payload, and the sound record of the broken file


@pytest.mark.parametrize("text", HOSTILE)
def test_check_shows_a_hostile_rule_safely(text: str, tmp_path: Path) -> None:
    path = rule(tmp_path, f"AWSCloudTrail | where EventName == '{text}' and (1 | where {text} == 2")
    result = livefire("check", path)
    assert result.exit_code == FOUND
    assert not RAW.search(result.output)
    assert not RAW.search(livefire("check", path, "--json").output)


def test_explain_stages_are_safe(tmp_path: Path) -> None:
    path = rule(tmp_path, f"AWSCloudTrail | where UserAgent == @'{HOSTILE[1]}{HOSTILE[5]}'")
    for stage in ("ast", "plan", "sql"):
        result = livefire("run", path, "--explain", stage)
        assert result.exit_code == OK, result.output
        assert not RAW.search(result.output)
