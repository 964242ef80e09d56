"""Rules that need what a site declares, through the commands."""

from __future__ import annotations

import json
from pathlib import Path

from livefire.cli import FOUND, OK, USAGE
from tests.cli.logs import file_of, livefire, packed, record


def test_a_rule_reads_watchlists_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "site" / "watchlists").mkdir(parents=True)
    (tmp_path / "site" / "watchlists" / "Regions.csv").write_text("Region\nnowhere-1\n", encoding="utf-8")
    rule = tmp_path / "rule.kql"
    rule.write_text("declare query_parameters(least: long);\n_GetWatchlist('Regions') | where strlen(Region) >= least", encoding="utf-8")
    logs = packed(tmp_path / "a.json.gz", file_of(record(1)))
    result = livefire("run", rule, "--on", logs, "--site", tmp_path / "site", "--parameter", "least=5", "--json")
    assert result.exit_code == OK
    assert json.loads(result.stdout)["rows"] == [["nowhere-1"]]
    assert livefire("check", rule, "--site", tmp_path / "site").exit_code == OK
    assert livefire("check", rule).exit_code == FOUND  # the watchlist is not there
    assert livefire("run", rule, "--on", logs, "--site", tmp_path / "none").exit_code == USAGE
    assert livefire("run", rule, "--on", logs, "--parameter", "least").exit_code == USAGE
