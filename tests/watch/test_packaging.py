"""The unit and the image name what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTAINER = (ROOT / "packaging" / "Containerfile").read_text(encoding="utf-8")
UNIT = (ROOT / "packaging" / "livefire-watch.service").read_text(encoding="utf-8")


def test_the_image_is_given_all_that_the_build_reads() -> None:
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", CONTAINER, re.MULTILINE) for name in line.split()]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    # The build hook of pyproject.toml stands in hatch_build.py, where Hatch looks for it.
    assert {"pyproject.toml", "hatch_build.py", "requirements.lock", "README.md", "LICENSE", "src"} <= set(copied)


def test_the_unit_and_the_image_run_the_same_command() -> None:
    (command,) = re.findall(r"^ExecStart=\S+/livefire (.+)$", UNIT, re.MULTILINE)
    words = re.findall(r'"([^"]+)"', CONTAINER.rpartition("CMD")[2])
    assert command.split() == words == ["watch", "--config", "/etc/livefire/livefire.toml"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "livefire-watch.service"
    unit.write_text(UNIT.replace("/opt/livefire/bin/livefire", sys.executable), encoding="utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], check=False, capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
