"""Mutants of valid queries: what a person mistypes, cuts or pastes together.

`python -m tests.languages.mutants cql 500000` reads that many, runs each hundredth, and prints how many were refused.
"""

from __future__ import annotations

import random
import re
import sys
import time
from pathlib import Path

import livefire
from tests.guides import Example, examples

GUIDES = Path(__file__).parents[2] / "docs" / "languages"
_TOKEN = re.compile(r'"""|"(?:\\.|[^"\\\n])*"|\w+~?|\s+|[^\w\s]')
_STRANGE = ("", "(", ")", "[", "]", '"', "'", "`", "|", ",", ".", "*", "?", "::", "null", "not", "true", "-1", "1e400", "9" * 25, "\u0000", "\ud800", "é", "/*")
# What an engine says of a statement that a language should never have made.
_OUR_FAULT = re.compile(r"could not bind|could not read the query|does not have|fault of its own|ended unexpectedly")


def seeds(language: str) -> list[Example]:
    """Return the examples of a guide."""
    return [x for x in examples(GUIDES / f"{language}.md") if x.language == language]


def mutant(dice: random.Random, text: str, texts: list[str]) -> str:
    """Return the text with one to two tokens gone, doubled, swapped, replaced by one of another text, or strange."""
    tokens = _TOKEN.findall(text)
    others = _TOKEN.findall(dice.choice(texts))
    for _ in range(dice.randint(1, 2)):
        if not tokens:
            break
        at = dice.randrange(len(tokens))
        match dice.randrange(6):
            case 0:
                del tokens[at : at + dice.randint(1, 3)]
            case 1:
                tokens.insert(at, tokens[at])
            case 2:
                other = dice.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                tokens[at] = dice.choice(others)
            case 4:
                start = dice.randrange(len(others))
                tokens[at:at] = others[start : start + dice.randint(1, 6)]
            case _:
                tokens[at] = dice.choice(_STRANGE)
    return "".join(tokens)


def loaded(found: list[Example]) -> livefire.Workspace:
    """Return a workspace with the tables of the examples."""
    ws = livefire.Workspace()
    for example in found:
        for table in example.inputs:
            ws.load(table.name, table.rows, schema=table.types, time_field=table.time)
    return ws


def read_mutants(language: str, count: int, seed: int) -> tuple[dict[str, int], list[str]]:
    """Read mutants and run each hundredth; return how many were read and how many refused, and whatever else came out of them."""
    found = seeds(language)
    ws, texts = loaded(found), [x.query for x in found]
    dice = random.Random(seed)  # noqa: S311 - the same mutants each time
    tally, faults = {"read": 0, "refused": 0}, []
    for number in range(count):
        example = dice.choice(found)
        text = mutant(dice, example.query, texts)
        options = dict(example.options) | {"lenient": number % 3 == 0}
        options.pop("now", None)
        try:
            if number % 100:
                ws.compile(livefire.diagnostics.Source(text), language, **options)
            else:
                ws.query(text, language=language, **options)
            tally["read"] += 1
        except livefire.QueryError as error:
            tally["refused"] += 1
            faults += [f"{text!r}: {d.message}" for d in error.diagnostics if d.code == "E454" and _OUR_FAULT.search(d.message)]
        except Exception as error:  # noqa: BLE001 - any other exception is what is sought
            faults.append(f"{text!r}: {error!r}")
    return tally, faults


def run_mutants(language: str, count: int, seed: int) -> dict[str, int]:
    """Check and run mutants over the tables of the guide; AssertionError for what is neither rows nor diagnostics.

    Return how many ran and how many were refused.
    """
    found = seeds(language)
    ws = loaded(found)
    texts = [x.query for x in found]
    dice = random.Random(seed)  # noqa: S311 - the same mutants each time
    tally = {"ran": 0, "refused": 0}
    for number in range(count):
        example = dice.choice(found)
        text = mutant(dice, example.query, texts)
        options = dict(example.options) | {"lenient": number % 3 == 0}
        options.pop("now", None)
        for diagnostic in ws.check(text, language=language, **options):
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text), text
        try:
            ws.query(text, language=language, **options)
            tally["ran"] += 1
        except livefire.QueryError as error:
            tally["refused"] += 1
            for diagnostic in error.diagnostics:
                assert not (diagnostic.code == "E454" and _OUR_FAULT.search(diagnostic.message)), (text, diagnostic.message)
    return tally


if __name__ == "__main__":
    begun = time.perf_counter()
    tally, faults = read_mutants(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    print(sys.argv[1], tally, f"{time.perf_counter() - begun:.0f} s", *faults, sep="\n")
    sys.exit(bool(faults))
