"""The worker's process and its parent: neither outlives the other, whichever way the end comes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import livefire
from livefire.engines.program import Program, SqlStage
from livefire.engines.worker import Worker, WorkerFailure


def _runs(pid: int | None) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _parent(script: str, cwd: Path) -> subprocess.Popen[str]:
    lines = "import os, sys, threading, time\nfrom livefire.engines.program import *\nfrom livefire.engines.worker import *\n" + textwrap.dedent(script)
    environment = {"PYTHONPATH": str(Path(livefire.__file__).parents[1]), "TMPDIR": str(cwd)}
    return subprocess.Popen([sys.executable, "-c", lines], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment)


def _await_end(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _runs(pid)


LONG = 'Program({}, (SqlStage("r", "SELECT count(*) FROM range(1000000) a(i), range(10000000) b(j) WHERE (i * j) % 7 = 3"),))'


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's notice of a parent's death is Linux's")
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_the_child_dies_with_a_killed_parent(tmp_path: Path, busy: bool) -> None:
    parent = _parent(
        f"""
        worker = Worker()
        worker.run(Program({{}}, (SqlStage("r", "SELECT 1"),)))
        print(worker.pid, flush=True)
        {"worker.run(" + LONG + ")" if busy else "time.sleep(60)"}
        """,
        tmp_path,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    assert _runs(child)
    parent.kill()
    parent.communicate()
    assert _await_end(child)


def test_an_interrupt_ends_the_query_and_the_child(tmp_path: Path) -> None:
    parent = _parent(
        f"""
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started deaf to it
        worker = Worker()
        worker.run(Program({{}}, (SqlStage("r", "SELECT 1"),)))
        print(worker.pid, flush=True)
        try:
            worker.run({LONG})
        except KeyboardInterrupt:
            print("interrupted", worker.pid, flush=True)
        print(worker.run(Program({{}}, (SqlStage("r", "SELECT 42 AS n"),)))["n"][0].as_py(), flush=True)
        """,
        tmp_path,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.send_signal(signal.SIGINT)
    output, errors = parent.communicate(timeout=30)
    assert output.split() == ["interrupted", "None", "42"], errors
    assert _await_end(child)
    assert list(tmp_path.iterdir()) == []


def test_an_ended_parent_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    parent = _parent(
        """
        import pyarrow as pa
        table = TableFiles((shared_scratch().put(pa.table({"a": [1]})),))
        shared_worker().run(Program({"t": table}, (SqlStage("r", "FROM t"),)))
        print(shared_worker().pid)
        """,
        tmp_path,
    )
    output, errors = parent.communicate(timeout=30)
    assert _await_end(int(output)), errors
    assert errors == ""
    assert list(tmp_path.iterdir()) == []


def test_a_forked_copy_uses_a_worker_of_its_own(tmp_path: Path) -> None:
    parent = _parent(
        """
        one = Program({}, (SqlStage("r", "SELECT 1"),))
        own, shared = Worker(), shared_worker()
        own.run(one), shared.run(one)
        before = (own.pid, shared.pid)
        copy = os.fork()
        if copy == 0:
            own.run(one), shared_worker().run(one)
            print(own.pid not in before and shared_worker().pid not in before, flush=True)
            own.close(), close_shared_worker()
            os._exit(0)
        os.waitpid(copy, 0)
        own.run(one), shared.run(one)
        print(before == (own.pid, shared.pid))
        """,
        tmp_path,
    )
    output, errors = parent.communicate(timeout=60)
    assert output.split() == ["True", "True"], errors


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_works_for_an_ordinary_user_in_an_unreadable_folder(tmp_path: Path) -> None:
    script = f"""
    import os, sys
    sys.path[:0] = {[entry for entry in sys.path if entry]!r}
    from livefire.engines.program import *
    from livefire.engines.worker import *
    import pyarrow, duckdb
    home = {str(tmp_path)!r}
    os.chmod(home, 0o700)
    os.chown(home, 65534, 65534)
    os.chdir(home)
    spill = Path(tempfile.mkdtemp())
    os.chown(spill, 65534, 65534)
    os.chmod(home, 0)
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
    try:
        print(Worker(spill_root=spill).run(Program({{}}, (SqlStage("r", "SELECT 42 AS n"),)))["n"][0].as_py())
    except WorkerFailure as failure:
        print(failure.kind, failure.detail)
    """
    lines = "import tempfile\nfrom pathlib import Path\n" + textwrap.dedent(script)
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=False)
    if "Permission denied" in done.stdout:
        pytest.skip("the interpreter lies where other users cannot read")
    assert done.stdout.strip() == "42", done.stderr


def test_closing_ends_the_process_and_removes_its_folder(tmp_path: Path) -> None:
    worker = Worker([], tmp_path)
    one = Program({}, (SqlStage("r", "SELECT 1"),))
    worker.run(one)
    pid = worker.pid
    (folder,) = tmp_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    worker.close()
    worker.close()
    assert not _runs(pid)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(WorkerFailure) as failure:
        worker.run(one)
    assert failure.value.kind == "refused"
