"""Searches changed at random: whatever comes out is a plan or diagnostics, and never a fault of livefire itself.

The quick run takes a small part; `make test-all` takes all of it.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from livefire import QueryError, Workspace
from livefire.diagnostics import Source
from tests.guides import examples

GUIDE = Path(__file__).parents[3] / "docs" / "languages" / "spl.md"
QUICK, WHOLE, SHARDS = 200, 500_000, 50
SIGNS = "|[](){}\"'`,=!<>*.$\\:- \t\n\x00é²"
WORDS = [
    "by",
    "as",
    "over",
    "where",
    "not",
    "or",
    "and",
    "in",
    "count",
    "sum(",
    "values(",
    "if(",
    "case(",
    "mvindex(",
    "search",
    "stats",
    "eval",
    "rex",
    "field=",
    "span=1h",
    "earliest=-1d@d",
    "`m(1)`",
    "null()",
    "<<FIELD>>",
    "transaction",
    "map",
]

WORKSPACE = Workspace()
WORKSPACE.load("cloud", [{"who": "ann", "size": 1, "tags": ["a"], "detail": {"x": 1}, "_time": "2026-01-01T00:00:00Z"}], time_field="_time")
SEEDS = [x.query for x in examples(GUIDE) if x.language == "spl"]


def mutated(text: str, chance: random.Random) -> str:
    """Return a text with one to four pieces taken out, doubled, swapped, put in or taken from another search."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.randint(1, 8))
        match chance.randrange(7):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:end] + text[at:end] + text[end:]
            case 2:
                text = text[:at] + chance.choice(SIGNS) + text[at:]
            case 3:
                text = text[:at] + " " + chance.choice(WORDS) + " " + text[at:]
            case 4:
                text = text[:at] + chance.choice(SIGNS) + text[end:]
            case 5:
                other = chance.choice(SEEDS)
                cut = chance.randrange(len(other))
                text = text[:at] + other[cut : cut + 30] + text[end:]
            case _:
                parts = text.split("|")
                chance.shuffle(parts)
                text = "|".join(parts)
    return text


def try_some(first: int, count: int) -> None:
    chance = random.Random(first)  # noqa: S311  the same texts on every run
    for number in range(count):
        text = mutated(chance.choice(SEEDS), chance)
        try:
            if number % 2:
                found = WORKSPACE.compile(Source(text), "spl", lenient=bool(number % 4 == 1)).diagnostics
            else:
                found = tuple(WORKSPACE.check(text, language="spl"))
        except QueryError as error:
            assert any(d.severity == "error" for d in error.diagnostics), text
            found = error.diagnostics
        assert "E009" not in {d.code for d in found}, (text, [d.message for d in found])


def test_some_mutations() -> None:
    try_some(1, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_all_mutations(shard: int) -> None:
    try_some(1000 + shard, WHOLE // SHARDS)
