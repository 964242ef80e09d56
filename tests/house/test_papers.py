"""What the project says of itself is current, complete, and says nothing of the machine it was written on."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from livefire.diagnostics import catalogue
from tests.generate_docs import pages
from tests.house.project import CODE, ROOT, codes_raised, modules, name, tracked, tree

# Written in pieces, so that this file does not hold what it looks for.
PRIVATE = ("/wo" + "rk/", "/ro" + "ot/", "files.python" + "hosted", "pypi.org/" + "simple", "registry.npm" + "js")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
PAPERS = sorted(p for p in tracked() if p.suffix == ".md")


def test_every_code_is_in_the_catalogue() -> None:
    unknown = {code: sorted(files) for code, files in codes_raised().items() if int(code[1:]) not in catalogue.TITLES}
    assert unknown == {}


def test_letters_say_the_severity() -> None:
    letters = {"error": "E", "warn": "W", "notice": "N"}
    wrong = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in letters and node.args:
                code = getattr(node.args[0], "value", None)
                if isinstance(code, str) and CODE.fullmatch(code) and code[0] != letters[node.func.attr]:
                    wrong.append(f"{name(path)}:{node.lineno} {node.func.attr} {code}")
    assert wrong == []


def test_every_row_of_the_catalogue_is_used() -> None:
    used = {int(code[1:]) for code in codes_raised()}
    assert sorted(set(catalogue.TITLES) - used) == []


def test_titles_tell_codes_apart() -> None:
    titles = list(catalogue.TITLES.values())
    assert sorted({t for t in titles if titles.count(t) > 1}) == []


@pytest.mark.parametrize("path", sorted(pages()), ids=name)
def test_generated_page_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path], "run: make docs"


def test_every_code_is_documented() -> None:
    page = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert [n for n in catalogue.TITLES if not re.search(rf"^\| [EWN{n:03d}, ]*{n:03d}", page, re.MULTILINE)] == []


@pytest.mark.parametrize("path", PAPERS, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    missing = [target for target in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / target).exists()]
    assert missing == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = {}
    for path in tracked():
        data = path.read_bytes()
        hits = [p for p in PRIVATE if p.encode() in data]
        if hits:
            found[name(path)] = hits
    assert found == {}


def test_lock_file_pins_every_package_by_hash() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(--index-url|--extra-index-url|-i |--find-links|-e )|https?://", text, re.MULTILINE)
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [e.splitlines()[0] for e in entries if "--hash=sha256:" not in e or not re.match(r"[\w.\-]+(\[[\w,\-]+\])?==[\w.\-+]+ ", e)] == []
    locked = {re.match(r"[\w.\-]+", e).group().lower().replace("_", "-") for e in entries if re.match(r"[\w.\-]+", e)}  # type: ignore[union-attr]  # matched just before
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[><=~! ;]", w)[0].lower().replace("_", "-") for w in wanted}
    assert sorted(names - locked) == []


def test_every_dependency_is_used_and_explained() -> None:
    """A package that no module imports is a package to drop; the page on dependencies says why each is there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[><=]", w)[0] for w in project["dependencies"]}
    page = (ROOT / "docs" / "decisions" / "0010-dependencies.md").read_text(encoding="utf-8")
    assert sorted(n for n in names if f"| {n} |" not in page) == []
    modules = {"pyyaml": "yaml"}
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py"))
    unused = {n for n in names if not re.search(rf"^\s*(?:import|from) {modules.get(n, n)}\b", source, re.MULTILINE)}
    assert unused <= PLANNED


PLANNED: set[str] = set()


def test_changelog_fragments_have_a_kind_and_a_sentence() -> None:
    kinds = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "changelog.d" / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(kinds) == 6
    fragments = [p for p in (ROOT / "changelog.d").iterdir() if p.name != "README.md"]
    wrong = [p.name for p in fragments if not re.fullmatch(r"[a-z0-9-]+\.(" + "|".join(kinds) + r")\.md", p.name)]
    assert wrong == []
    assert [p.name for p in fragments if not p.read_text(encoding="utf-8").strip().endswith(".")] == []
