"""Searches changed at random: whatever comes out is a plan or diagnostics, and never a fault of livefire itself.

The quick run takes a small part; `make test-all` takes all of it.
"""

from __future__ import annotations

import random
import re
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
# Values that options and numbers are not made for.
ODD = ["abc", "²", "٣", "-1", "0", "1.5", "9" * 30, "1" + "0" * 5000, "1e400", "nan", '""', "*", "0x1f", "-1d@w9", "@", "1mon", "+", "1,2", "(a=1)", "[b", "t"]
# Commands with the options that the guide has no example of.
MORE = [
    "index=cloud | sort limit=2 -size, num(who) | head limit=3 (size>1) keeplast=t null=f | tail 2 | reverse",
    "index=cloud | bin size span=5 | bin _time span=1h aligntime=@d | chart limit=3 useother=f count over who by size",
    "index=cloud | timechart span=1h limit=2 cont=f partial=t agg=count sum(size) by who | fillnull value=0 | filldown",
    "index=cloud | streamstats window=3 current=f global=f reset_on_change=t time_window=1h sum(size) as s by who",
    "index=cloud | delta size p=2 as d | autoregress size p=1-2 | accum size as run | reverse",
    "index=cloud | transaction who maxspan=5m maxpause=1m maxevents=10 keepevicted=t mvlist=f startswith=eval(size>1) endswith=(who=ann)",
    "index=cloud | join type=left max=0 overwrite=f who [search index=cloud | head 1]",
    "index=cloud | append maxtime=60 [| makeresults count=2] | appendcols override=t [search index=cloud]",
    "index=cloud | rex max_match=3 field=who mode=sed s/a/b/g | makemv delim=, tokenizer=(.) allowempty=t tags | mvexpand tags limit=2",
    "index=cloud | convert timeformat=%Y ctime(_time) as t num(size) none(who) | addtotals row=t col=t labelfield=who label=All fieldname=sum",
    "| tstats summariesonly=t fillnull_value=x count from datamodel=Change where All_Changes.action=created by All_Changes.user _time span=1h",
    '| gentimes start=-3 end=2 increment=6h | eval x=relative_time(starttime,"-1d@d"), y=strftime(now(),"%Y-%m-%d %H:%M:%S.%3N")',
    'index=cloud earliest=-7d@w1 latest=@h | spath input=detail output=z path=x{}.y | eval j=json_extract(detail,"x"), k=mvindex(tags,0,-1)',
    "index=cloud | top limit=3 showperc=f countfield=n percentfield=p otherstr=o useother=t who by size | eventstats dc(who) as d perc95(size) by size",
]
SEEDS = [*(x.query for x in examples(GUIDE) if x.language == "spl"), *MORE]
_VALUE = re.compile(r"(?<==)[^\s=|)\]]+|\b\d+\b")


def mutated(text: str, chance: random.Random) -> str:
    """Return a text with one to four pieces taken out, doubled, swapped, put in or taken from another search."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.randint(1, 8))
        match chance.randrange(8):
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
            case 6:
                values = list(_VALUE.finditer(text))
                if values:
                    found = chance.choice(values)
                    text = text[: found.start()] + chance.choice(ODD) + text[found.end() :]
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
