"""Asks Microsoft's parser and ours whether texts are KQL, and tells where they differ.

Microsoft's is `@kusto/language-service-next` of the npm registry under node; `npm install` in this folder brings it.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from livefire import Workspace
from livefire.schema import Schema
from livefire.tables import vendor_tables

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
_TOKEN = re.compile(r"\s+|//[^\n]*|@?\"[^\"\n]*\"|@?'[^'\n]*'|\w+|[=!<>]=|=~|!~|\.\.|.", re.DOTALL)
# A text that only defines names, and places that a portal fills in, are no queries to Microsoft either.
_SYNTAX = ("E2", "E125", "E126", "E127")
_SPARE = ["|", ",", "(", ")", "[", "]", "==", "=", "and", "or", "by", "where", "project", "1", "'x'", "in", ";", "let", "*", "-", ".", "on", "{", "}"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A text that one parser takes and the other does not, with what the one that does not says."""

    text: str
    ours: str
    theirs: str


def present() -> bool:
    """True where node and Microsoft's parser are there."""
    return shutil.which("node") is not None and (MODULES / "@kusto").is_dir()


def syntax_errors(texts: Sequence[str]) -> list[list[str] | None]:
    """Return what Microsoft's parser says of each text: nothing for a valid one, None where it breaks down itself."""
    node = shutil.which("node") or "node"
    lines = "\n".join(json.dumps(t) for t in texts)
    done = subprocess.run([node, str(HERE / "judge.js"), str(MODULES)], input=lines, stdout=subprocess.PIPE, text=True, check=True, timeout=1800)
    return [json.loads(line) for line in done.stdout.splitlines()]


def bound_errors(texts: Sequence[str]) -> list[list[str] | None]:
    """Return what Microsoft's binder says of each text over Sentinel's three tables of cloud audit logs: nothing for a valid one."""
    tables = {t.name: _columns(t.schema) for t in vendor_tables("sentinel") if t.plan.schema}
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "tables.json"
        known.write_text(json.dumps(tables), encoding="utf-8")
        lines = "\n".join(json.dumps(t) for t in texts)
        command = [shutil.which("node") or "node", str(HERE / "judge.js"), str(MODULES), str(known)]
        done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=True, timeout=1800)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _columns(schema: Schema) -> str:
    return "(" + ", ".join(f"['{f.name}']:{f.type.value}" for f in schema) + ")"


def our_error(workspace: Workspace, text: str) -> str:
    """Return our first error of syntax (E2xx, E125 to E127), with its code; nothing for a text that is KQL to us."""
    said = (d for d in workspace.check(text) if d.severity == "error" and d.code.startswith(_SYNTAX))
    return next((f"{d.code} {d.message}" for d in said), "")


def disagreements(texts: Sequence[str]) -> list[Disagreement]:
    """Return the texts on which the two differ; one that breaks Microsoft's parser is left out."""
    workspace = Workspace()
    found = []
    for text, said in zip(texts, syntax_errors(texts), strict=True):
        ours = our_error(workspace, text)
        if said is not None and bool(ours) != bool(said):
            found.append(Disagreement(text, ours, said[0] if said else ""))
    return found


def mutations(texts: Sequence[str], count: int, seed: int = 20261121) -> list[str]:
    """Return texts with one or two of their tokens dropped, doubled, swapped, or put in anew; the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - it must give the same texts each time
    return [mutated(dice.choice(texts), dice) for _ in range(count)]


def mutated(text: str, dice: random.Random) -> str:
    """Return a text with one or two of its tokens changed."""
    tokens = _TOKEN.findall(text)
    for _ in range(dice.choice((1, 1, 2))):
        solid = [i for i, t in enumerate(tokens) if not t.isspace()]
        if not solid:
            break
        at, other = dice.choice(solid), dice.choice(solid)
        match dice.randrange(5):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, tokens[at] + " ")
            case 2:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                tokens.insert(at, f" {dice.choice(_SPARE)} ")
            case _:
                tokens[at] = dice.choice(_SPARE)
    return "".join(tokens)


def by_cause(found: Iterable[Disagreement]) -> dict[str, int]:
    """Return how often each cause makes the two differ: our code, or Microsoft's message without its quotes."""
    counts: dict[str, int] = {}
    for one in found:
        cause = f"only we refuse: {one.ours[:4]}" if one.ours else f"only Microsoft's refuses: {re.sub(r'[^A-Za-z ]', '', one.theirs)[:40].strip()}"
        counts[cause] = counts.get(cause, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
