"""The page of figures says what the tool counted, and nothing of the cases themselves."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conformance import judged_lines, main, page, refusals, tally

PRINTED = """\
  refused       a/1  E302 no function is named 'secret_one'
      SECRET QUERY ONE
  wrong rows    a/2
      SECRET QUERY TWO
  refused       a/3  E302 no function is named 'secret_two'
      refused x E101 SECRET
kql/some [cloud]                       1 / 3      33.3%  {'pass': 1}
kql/some [rest]                        1 / 1     100.0%  {'pass': 1}
corpora/rules spl cloud                5 / 9      55.6%  {'pass': 5, 'refused': 4}
      3 spl: E301 no command is named 'secret_three'
      1 spl: CRASH ValueError: secret
"""
FIGURES = [
    {"suite": "kql/some [cloud]", "n": 4, "pass": 1, "rate": 0.25, "verdicts": {"pass": 1, "refused": 2, "wrong rows": 1}, "seconds": 1.5},
    {"suite": "corpora/rules spl cloud", "n": 9, "pass": 5, "rate": 0.5556, "verdicts": {"pass": 5, "refused": 3, "CRASH": 1}, "seconds": 0.1},
]


def test_refusals_are_counted_by_suite() -> None:
    assert {k: dict(v) for k, v in refusals(PRINTED).items()} == {"kql/some": {"E302": 2}, "corpora/rules": {"E301": 3}}


def test_both_kinds_of_wrong_are_one_column() -> None:
    assert tally({"wrong rows": 2, "wrong columns": 3, "pass": 1}) == {"pass": 1, "wrong": 5, "refused": 0, "accepted": 0, "crash": 0, "too long": 0}
    with pytest.raises(KeyError):
        tally({"a verdict of tomorrow": 1})


def test_page_holds_figures_codes_and_notes_but_no_words_of_cases() -> None:
    made = page(FIGURES, PRINTED, "## Cases judged wrong\n\nnone\n", "2026-11-21")
    assert "| kql/some [cloud] | 4 | 1 | 1 | 2 |  |  |  | 25.0 % | 1.5 |" in made
    assert "| corpora/rules spl cloud | 9 | 5 |  | 3 |  | 1 |  | 55.6 % | 0.1 |" in made
    assert "| E302 | a function that is not supported | 2 |" in made
    assert made.endswith("## Cases judged wrong\n\nnone\n")
    assert "secret" not in made.lower()


def test_a_language_that_is_not_there_passes_nothing() -> None:
    figures = [{"suite": "corpora/rules yaral cloud", "n": 9, "pass": 9, "rate": 1.0, "verdicts": {"pass": 9}, "seconds": 0.1}]
    assert "| corpora/rules yaral cloud | 9 |  |  | 9 |  |  |  | 0.0 % | 0.1 |" in page(figures, "", "", "2026-11-21")


def test_tool_is_run_as_a_program(tmp_path: Path) -> None:
    tool = tmp_path / "tools" / "conformance.py"
    tool.parent.mkdir()
    body = [
        "import sys, pathlib",
        "assert 'kql' in sys.argv and '-v' in sys.argv",
        f"print({PRINTED!r})",
        f"pathlib.Path(sys.argv[sys.argv.index('--json') + 1]).write_text({json.dumps(FIGURES)!r})",
    ]
    tool.write_text("\n".join(body), encoding="utf-8")
    target = tmp_path / "page.md"
    assert main([str(tmp_path), str(target), "kql"]) == 0
    assert "| E301 |" in target.read_text(encoding="utf-8")


def test_missing_tool_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path / "page.md")]) == 2
    assert "conformance.py" in capsys.readouterr().err
    assert main([]) == 2
    assert "conformance" not in sys.modules  # run, never imported


def test_cases_that_the_notes_name_are_counted_apart_and_others_are_called_out() -> None:
    printed = f"""\
  wrong rows    kqlx-00aa11bb22cc33dd{" " * 2}
  refused       kqlx-11aa11bb22cc33dd  E302 no function is named 'secret'
  wrong rows    kqlx-22aa11bb22cc33dd{" " * 2}
kql/some [cloud]                       1 / 3      33.3%  {{'pass': 1}}
kql/some [rest]                        1 / 2      50.0%  {{'pass': 1}}
"""
    figures = [
        {"suite": "kql/some [cloud]", "n": 3, "pass": 1, "verdicts": {"pass": 1, "refused": 1, "wrong rows": 1}, "seconds": 1},
        {"suite": "kql/some [rest]", "n": 2, "pass": 1, "verdicts": {"pass": 1, "wrong rows": 1}, "seconds": 1},
    ]
    tier = {"kqlx-00aa11bb22cc33dd": "cloud", "kqlx-11aa11bb22cc33dd": "cloud", "kqlx-22aa11bb22cc33dd": "rest"}
    lines = judged_lines(figures, printed, "- kqlx-00aa11bb22cc33dd contradicts the page", tier)
    assert "| kql/some [cloud] | 3 | 1 | 2 | 1 | 50.0 % |" in lines
    assert not any(line.startswith("| kql/some [rest]") for line in lines)
    assert "Wrong rows that no note explains: kqlx-22aa11bb22cc33dd." in lines
    assert "secret" not in "".join(lines)
