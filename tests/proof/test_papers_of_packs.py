"""What lies beside the rules: playbooks, investigations and hunts are there, and their queries can be run."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from livefire.detections.detection import Detection
from livefire.detections.pack import BUNDLED, load_packs
from livefire.workspace import Workspace

FOLDERS = sorted({p.parent for name in ("detection.toml", "chain.toml") for p in BUNDLED.rglob(name)})
_VALUES = {"actor": "a", "resource": "r", "address": "192.0.2.1", "start": "2026-01-01", "end": "2026-01-02"}


@cache
def faults(query: str) -> tuple[str, ...]:
    """Return the errors of a query; many folders share one."""
    return tuple(d.message for d in Workspace().check(query, "kql") if d.severity == "error")


def queries(folder: Path) -> list[str]:
    """Return the queries of a folder's investigation, its places filled, and of its hunts."""
    text = (folder / "investigate.md").read_text()
    found = re.findall(r"```kql\n(.*?)```", text, re.DOTALL) + [p.read_text() for p in sorted((folder / "hunts").iterdir())]
    return [re.sub(r"\{\{(\w+)\}\}", lambda m: _VALUES[m[1]], q) for q in found]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_a_detection_has_playbook_investigation_and_hunt(folder: Path) -> None:
    steps = re.findall(r"^## \d\. (.+)$", (folder / "playbook.md").read_text(), re.MULTILINE)
    assert steps == ["Decide in ten minutes", "Preserve", "Contain", "Close"]
    assert len(queries(folder)) >= 5
    assert [f for q in queries(folder) for f in faults(q)] == []


# Parameters that are no value in a rule: what livefire weighs beside the rule, or a table of the tuning file. The card says which.
BESIDE = re.compile(r"tuning file|livefire (counts|looks)|`Known` in the rule")


@pytest.mark.parametrize("detection", load_packs(), ids=lambda d: d.card.id)
def test_a_knob_of_the_card_is_that_of_the_rule(detection: Detection) -> None:
    (rule,) = [r for r in detection.rules if r.language == "kql"]
    for knob in detection.card.tuning:
        found = re.search(rf"^let {knob.name} = (?:dynamic\((.*)\)|(.*));$", rule.text, re.MULTILINE)
        if found is None:
            assert BESIDE.search(knob.meaning), knob.name
        else:
            assert knob.default == (found[1] or found[2])
