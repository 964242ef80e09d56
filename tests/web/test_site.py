"""The catalogue as files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livefire import Workspace
from livefire.web.site import write_site

LINK = re.compile(r'(?:href|src)="([^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    write_site(Workspace(), out)
    return out


def test_every_link_leads_to_a_file_of_the_site(site: Path) -> None:
    broken = []
    for page in site.rglob("*.html"):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if target.startswith(("https://", "http://", "#")):
                continue
            if not (page.parent / target.partition("#")[0]).is_file():
                broken.append(f"{page.relative_to(site)}: {target}")
    assert broken == []


def test_there_is_a_page_for_every_detection(site: Path) -> None:
    names = {d.card.id for d in Workspace().detections()}
    assert {str(p.parent.relative_to(site / "detections")) for p in (site / "detections").rglob("index.html")} == names


def test_no_page_has_script_or_style_of_its_own(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        assert "style=" not in text
        assert not re.search(r"\son\w+=", text)


def test_a_rule_is_there_byte_for_byte(site: Path) -> None:
    rule = next(r for d in Workspace().detections() if d.card.id == "T1578.002/instance-created" for r in d.rules if r.language == "kql")
    assert (site / "rules/T1578.002/instance-created/sentinel.kql").read_text(encoding="utf-8") == rule.text
