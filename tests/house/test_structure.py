"""The house keeps its own rules: floors, sizes, names, and where dangerous things may be done."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.project import ROOT, SRC, modules, name, strings, tree

MOST_LINES = 600
FORBIDDEN = {"utils", "util", "helpers", "helper", "manager", "core", "common", "misc", "tools"}
CLOCKS = {
    *(("datetime", name) for name in ("now", "today", "utcnow")),
    *(("os", name) for name in ("getcwd", "getenv", "environ")),
    *(("date", "today"), ("time", "time"), ("Path", "cwd")),
}

# Housekeeping of the query worker reads the system; no result depends on it.
MAY_READ_THE_SYSTEM = {
    "src/livefire/workspace/clock.py": "gives the present to everything below",
    "src/livefire/workspace/surroundings.py": "secrets that a configuration names",
    "src/livefire/cli/program.py": "the top floor",
    "src/livefire/cli/inputs.py": "the top floor: where a Spark is that the environment names",
    "src/livefire/engines/scratch.py": "how old a folder left by a crashed process is",
    "src/livefire/engines/child.py": "the loader path that the child process needs",
}
SQL = re.compile(r"\bSELECT\b[^\n]*\bFROM\b|^\s*(?:INSERT INTO|CREATE (?:OR REPLACE )?(?:TEMP )?(?:TABLE|VIEW|MACRO) \w|COPY \b|ATTACH\b|PRAGMA\b|SET \w+\s*=)")


def test_floors() -> None:
    """The contracts in pyproject.toml hold: imports run down only, siblings do not see each other."""
    program = "import sys; from importlinter.cli import lint_imports_command as run; sys.argv[0] = 'lint-imports'; run()"
    surroundings = {"PYTHONPATH": str(SRC.parent), "PATH": ""}
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=surroundings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", modules(), ids=name)
def test_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST_LINES


def test_no_module_has_an_empty_name() -> None:
    named = {name(p): {p.stem, *p.relative_to(SRC).parts[:-1]} for p in modules()}
    assert {n: parts & FORBIDDEN for n, parts in named.items() if parts & FORBIDDEN} == {}


def calls(path: Path) -> list[tuple[str, int]]:
    """Return the plain names that a module calls, with their lines."""
    return [(n.func.id, n.lineno) for n in ast.walk(tree(path)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]


def test_only_the_command_line_prints() -> None:
    """What reaches a terminal passes `report.safe`; so nothing else has a way to print."""
    printing = [f"{name(p)}:{line} {called}" for p in modules() for called, line in calls(p) if called in {"print", "Console"}]
    assert [x for x in printing if not re.match(r"src/livefire/cli/terminal\.py:\d+ Console$", x)] == []


def attributes(path: Path) -> list[tuple[str, str, int]]:
    """Return `object.attribute` pairs of a module, with their lines."""
    return [(n.value.id, n.attr, n.lineno) for n in ast.walk(tree(path)) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]


def test_only_the_top_writes_to_the_standard_streams() -> None:
    writers = {name(p) for p in modules() for base, attr, _ in attributes(p) if base == "sys" and attr in {"stdout", "stderr"}}
    assert writers <= {"src/livefire/cli/terminal.py", "src/livefire/cli/program.py"}


def test_nothing_below_the_workspace_reads_the_clock_or_the_surroundings() -> None:
    """Runs repeat exactly: now, start and end are parameters."""
    readers = {name(p) for p in modules() if any((base, attr) in CLOCKS for base, attr, _ in attributes(p))}
    assert readers - MAY_READ_THE_SYSTEM.keys() == set()


def test_only_engines_write_sql() -> None:
    """A rule's or event's text cannot reach a statement that no other floor can write."""
    writers = {f"{name(p)}:{s.lineno}" for p in modules() for s in strings(p) if not p.is_relative_to(SRC / "engines") and SQL.search(str(s.value))}
    assert writers == set()


def doubles_quotes(node: ast.AST) -> bool:
    """True for a call such as `text.replace("'", "''")`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "replace":
        return False
    return [getattr(a, "value", None) for a in node.args] == ["'", "''"]


def test_quoting_is_done_in_one_place_an_engine() -> None:
    """Doubling quotes is what a literal is made with: the dialect does it for plans, the worker for the file names it is given."""
    doubling = {name(p) for p in modules() for n in ast.walk(tree(p)) if doubles_quotes(n)}
    assert doubling == {"src/livefire/engines/duckdb_sql/__init__.py", "src/livefire/engines/worker_main.py"}


def test_no_code_is_made_from_text() -> None:
    """Nothing evaluates text as Python, unpickles, or goes through a shell."""
    found = [f"{name(p)}:{line} {called}" for p in modules() for called, line in calls(p) if called in {"eval", "exec", "compile", "__import__"}]
    loaders = {("pickle", "loads"), ("os", "system"), ("yaml", "load")}
    pickles = [f"{name(p)}:{line}" for p in modules() for base, attr, line in attributes(p) if (base, attr) in loaders]
    assert (found, pickles) == ([], [])
