"""Defects of published rules that `prove` finds on real logs of attacks; both stay where they are published."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire.workspace import Workspace
from tests.known_defects import STRATUS, defects, page, proved

SHARED = Path(__file__).resolve().parents[3] / "shared"
pytestmark = pytest.mark.skipif(not (SHARED / "logs" / STRATUS).is_dir(), reason="the real logs and published rules are not here")
# What the rules should do on these events is in the names: found are the attacks, left alone is what is taken back.
SHARE = "aws.exfiltration.ec2-share-ebs-snapshot.json"
WRONG = {
    "aws_ec2_startup_script_change": {"aws.execution.ec2-user-data.json": "silent"},  # the log has no attribute in it, for which the rule asks
    "aws_ec2_snapshot_shared_externally": {SHARE: "fires", "public.json": "silent"},  # everybody has no account id
    "aws_snapshot_backup_exfiltration": {SHARE: "fires", "back.json": "fires"},  # one event name for both directions
}


@pytest.mark.parametrize("name", WRONG)
def test_a_defect_is_found_by_proving_and_by_reading(name: str, tmp_path: Path) -> None:
    (found,) = [d for d in defects(SHARED) if d.rule.name == name]
    proof = proved(found, tmp_path)
    assert {t.trial.name: t.result for t in proof.tried} == WRONG[name]
    assert not proof.proved
    assert found.code in {d.code for d in Workspace().check(found.rule.text, found.rule.language)}


def test_the_page_is_that_of_these_runs() -> None:
    written = Path(__file__).resolve().parents[2] / "docs" / "known-defects.md"
    assert written.read_text(encoding="utf-8") == page(SHARED)
