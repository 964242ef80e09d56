"""Mutates queries and reads each: nothing but a plan or diagnostics may come out. `python -m tests.kusto.fuzz [COUNT [SEED [FILE …]]]`.

COUNT is 1,000,000 by default. The queries are the project's own, and those of the named files, which
hold one JSON object a line with a `query`.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from livefire import Workspace
from livefire.diagnostics import Source
from livefire.plan.catalog import Catalog
from livefire.plan.rewrite import rewrite
from livefire.query import Options, read
from tests.kusto.agreement import mutated
from tests.kusto.test_agreement import own_texts

_LETTERS = "|()[]{}'\"\\;,.=~!<>*/-+%@#`$?: \n\t0a_Z\x00é\u202e\ud800"


def noise(text: str, dice: random.Random) -> str:
    """Return a text with one to three of its characters dropped, doubled or replaced."""
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice(("", dice.choice(_LETTERS), text[at : at + 5] * 2)) + text[at + dice.randrange(2) :]
    return text


def fault(text: str, catalog: Catalog) -> str:
    """Return what a text does to the reader that it must not: an exception, or a defect that the reader itself reports (E009)."""
    try:
        _, plan, diagnostics = read(Source(text, "fuzz"), "kql", catalog, Options())
        if plan is not None and not diagnostics.failed:
            rewrite(plan)
    except Exception as error:  # noqa: BLE001 - any exception is what is looked for
        return f"{type(error).__name__}: {error}"
    return next((d.message for d in diagnostics.items if d.code == "E009"), "")


def fuzz(texts: Sequence[str], count: int, seed: int) -> dict[str, str]:
    """Return the first text of each fault that so many mutations lead to."""
    dice, catalog = random.Random(seed), Workspace().catalog("kql")  # noqa: S311 - it must give the same texts each time
    found: dict[str, str] = {}
    for _ in range(count):
        text = dice.choice(texts)
        text = mutated(text, dice) if dice.random() < 0.6 else noise(text, dice)
        said = fault(text, catalog)
        if said:
            found.setdefault(said, text)
    return found


def main(arguments: Sequence[str]) -> int:
    """Run and print the count and each fault."""
    count = int(arguments[0]) if arguments else 1_000_000
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    texts = own_texts()
    for name in arguments[2:]:
        texts += [json.loads(line)["query"] for line in Path(name).read_text(encoding="utf-8").splitlines()]
    started = time.perf_counter()
    found = fuzz(texts, count, seed)
    sys.stdout.write(f"{count:,} mutations of {len(texts)} queries in {time.perf_counter() - started:.0f} s: {len(found)} faults\n")
    for said, text in found.items():
        sys.stdout.write(f"--- {said}\n{text!r}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
