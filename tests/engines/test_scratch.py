"""Scratch tables live as long as their paths, private folders as long as their process."""

from __future__ import annotations

import gc
import os
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import livefire
from livefire.engines import landlock
from livefire.engines.program import TableFiles
from livefire.engines.scratch import ScratchTables, make_private_folder, remove_folder

SOURCE = str(Path(livefire.__file__).parents[1])


def test_a_table_comes_back_and_lives_as_long_as_its_path(tmp_path: Path) -> None:
    tables = ScratchTables(tmp_path)
    files = TableFiles((tables.put(pa.table({"id": [1, 2]})),))
    place = Path(str(files.files[0]) + "")
    gc.collect()
    assert pa.ipc.open_file(pa.memory_map(str(place))).read_all().to_pydict() == {"id": [1, 2]}
    assert stat.S_IMODE(tables.root.stat().st_mode) == 0o700
    del files
    gc.collect()
    assert not place.exists()
    kept = tables.put(pa.table({"id": [3]}))
    tables.close()
    assert not tables.root.exists()
    assert kept.endswith(".arrow")


def test_an_abandoned_object_takes_its_folder_along(tmp_path: Path) -> None:
    ScratchTables(tmp_path)
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def _abandon(parent: Path, prefix: str) -> Path:
    """Make a folder in a process that dies without cleaning up, and age it."""
    lines = (
        "import os, sys\nfrom pathlib import Path\nfrom livefire.engines.scratch import make_private_folder\n"
        "print(make_private_folder(sys.argv[2], Path(sys.argv[1])), flush=True)\nos._exit(0)"
    )
    command = [sys.executable, "-c", lines, str(parent), prefix]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": SOURCE}).stdout.strip())


def test_folders_of_dead_processes_are_removed_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, young = _abandon(tmp_path, "p-"), _abandon(tmp_path, "q-")
    (dead / "data").write_text("x")
    stranger = tmp_path / "p-shared"
    stranger.mkdir(mode=0o755)
    link = tmp_path / "p-link"
    link.symlink_to(young)
    living = Path(make_private_folder("p-", tmp_path))
    monkeypatch.setattr("livefire.engines.scratch._STALE_SECONDS", -5)  # as if a while had passed
    fresh = Path(make_private_folder("p-", tmp_path))
    assert not dead.exists()
    assert {living, fresh, young, stranger, link} <= set(tmp_path.iterdir())
    for folder in (living, fresh):
        remove_folder(str(folder), os.getpid())
    assert set(tmp_path.iterdir()) == {young, stranger, link}


def test_a_young_folder_is_left_alone(tmp_path: Path) -> None:
    young = _abandon(tmp_path, "p-")
    make_private_folder("p-", tmp_path)
    assert young.exists()  # its owner may not have locked it yet


def _confine(lines: str) -> str:
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=False, env={"PYTHONPATH": SOURCE})
    return (done.stdout + done.stderr).strip()


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
def test_landlock_is_refused_while_other_threads_run_free() -> None:
    lines = "import threading, time\nfrom livefire.engines import landlock\nthreading.Thread(target=time.sleep, args=(1,), daemon=True).start()\n"
    assert _confine(lines + "landlock.restrict(['/'], [])").endswith("RuntimeError: Landlock binds one thread, but several are running")


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
def test_landlock_binds_later_threads_and_single_files(tmp_path: Path) -> None:
    (tmp_path / "open").write_text("open")
    (tmp_path / "shut").write_text("shut")
    lines = f"""
import threading
from pathlib import Path
from livefire.engines import landlock
folder = Path({str(tmp_path)!r})
assert landlock.restrict([str(folder / "open"), "/does/not/exist"], []) == landlock.abi()
def read(name):
    try:
        print((folder / name).read_text())
    except PermissionError:
        print("denied")
thread = threading.Thread(target=lambda: (read("open"), read("shut")))
thread.start()
thread.join()
"""
    assert _confine(lines).split() == ["open", "denied"]
