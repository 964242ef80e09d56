"""What the house checks look at: the project's files and the syntax trees of its modules."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "livefire"
CODE = re.compile(r"([EWN]\d{3})(?:: .*)?", re.DOTALL)


def modules() -> list[Path]:
    """Return every Python file of the package."""
    return sorted(SRC.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    """Return a file's path as the project names it."""
    return path.relative_to(ROOT).as_posix()


def tracked() -> list[Path]:
    """Return the files of the project: those git knows, or all but hidden and built ones where there is no git."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True).stdout
        found = [ROOT / n for n in listed.decode().split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        skipped = {"dist", "build", "demo-out", "__pycache__"}
        found = [p for p in ROOT.rglob("*") if not any(part in skipped or part.startswith(".") for part in p.relative_to(ROOT).parts)]
    return sorted(p for p in found if p.is_file())


def strings(path: Path) -> Iterator[ast.Constant]:
    """Yield the string literals of a module that are no docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node


def codes_raised() -> dict[str, set[str]]:
    """Return each diagnostic code that the source can raise, with the files that name it.

    A code stands as a literal such as `"E101"`, or begins one as in `"E002: there is no file"`;
    `quirk(104, …)` and `f"{letter}104"` raise E104 or W104; `code=102` is given its letter elsewhere.
    """
    found: dict[str, set[str]] = {}
    for path in modules():
        if path.name == "catalogue.py" and path.parent.name == "diagnostics":
            continue
        for literal in strings(path):
            if isinstance(literal.value, str) and (said := CODE.fullmatch(literal.value)):
                found.setdefault(said[1], set()).add(name(path))
        for number, letters in numbers(path):
            for letter in letters:
                found.setdefault(f"{letter}{number:03d}", set()).add(name(path))
    return found


def numbers(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the code numbers a module gives by number, with the letters they take."""
    for node in ast.walk(tree(path)):
        if (
            isinstance(node, ast.JoinedStr)
            and len(node.values) == 2
            and isinstance(node.values[1], ast.Constant)
            and re.fullmatch(r"\d{3}", str(node.values[1].value))
        ):
            yield int(str(node.values[1].value)), "EW"
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
            first = node.args[0] if node.args else None
            if called == "quirk" and isinstance(first, ast.Constant) and isinstance(first.value, int):
                yield first.value, "EW"
            second = node.args[1] if called == "check" and len(node.args) > 1 else None
            if isinstance(first, ast.Constant) and isinstance(first.value, int) and isinstance(second, ast.Constant):
                yield first.value, str(second.value)[0].upper()
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, int):
                    yield keyword.value.value, "E"
        if isinstance(node, ast.FunctionDef):
            for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                if argument.arg == "code" and isinstance(default, ast.Constant) and isinstance(default.value, int):
                    yield default.value, "E"
