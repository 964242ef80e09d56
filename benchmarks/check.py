"""How long `check` takes over a thousand rules, by language.

Run from the project's folder: `python benchmarks/check.py RULES… [--count 1000] [--write docs/performance.md]`. RULES are files of one JSON
object a line with the rule as `query` and its language as `language`. The rules are drawn with a fixed seed
from all of them, so that the languages stand as they do in the files. Time of the processor is told beside
time on the clock, for on a machine that does other work only the first says what the check costs.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path

from livefire import Workspace
from livefire.languages import REGISTRY

BEGIN, END = "<!-- check: made by benchmarks/check.py -->", "<!-- /check -->"


def main() -> None:
    """Measure and print."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("rules", type=Path, nargs="+")
    said.add_argument("--count", type=int, default=1000)
    said.add_argument("--write", type=Path)
    given = said.parse_args()
    objects = [json.loads(line) for path in given.rules for line in path.read_text(encoding="utf-8").splitlines()]
    rules = [(str(o["query"]), str(o["language"])) for o in objects if o.get("query") and o.get("language") in REGISTRY]
    random.Random(1).shuffle(rules)  # noqa: S311  # a draw that repeats, nothing secret
    ws = Workspace()
    took: Counter[str] = Counter()
    read: Counter[str] = Counter()
    clock, busy = time.perf_counter(), time.process_time()
    for text, language in rules[: given.count]:
        before = time.process_time()
        ws.check(text, language)
        took[language] += time.process_time() - before
        read[language] += 1
    total = f"{sum(read.values()):,} rules, drawn from {len(rules):,} published ones: {time.process_time() - busy:.1f} s of the processor on one core"
    print(f"{total}, {time.perf_counter() - clock:.1f} s on the clock")
    lines = [f"| {language} | {number} | {took[language] / number * 1000:.1f} |" for language, number in read.most_common()]
    part = "\n".join(
        [BEGIN, "## Checks", "", f"{total}, the start of the program apart.", "", "| language | rules | ms a rule |", "|---|--:|--:|", *lines, END]
    )
    print(part)
    if given.write is not None:
        text = given.write.read_text(encoding="utf-8")
        before, found, after = text.partition(BEGIN)
        given.write.write_text(before.rstrip("\n") + "\n\n" + part + (after.partition(END)[2] if found else "\n"), encoding="utf-8")


if __name__ == "__main__":
    main()
