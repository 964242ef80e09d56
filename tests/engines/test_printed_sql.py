"""What the printer writes, read by an independent parser; and literals that try to be more than values."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import expressions as sql

import livefire
from livefire.diagnostics import Source
from livefire.engines.base import Run, Storage
from livefire.engines.duckdb import DuckDB
from livefire.languages.base import Several
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import FUNCTIONS, call
from livefire.schema import Schema, Type
from tests.guides import Example, examples

GUIDES = sorted((Path(__file__).parents[2] / "docs" / "languages").glob("*.md"))
EXAMPLES = [x for path in GUIDES for x in examples(path) if x.refused is None]
ENGINE = DuckDB()
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


def statements(plan: n.Plan) -> list[Any]:
    """Return what a plan prints, as another project's parser reads it, which goes as deep as the statement nests."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return sqlglot.parse(ENGINE.sql(plan), dialect="duckdb")
    finally:
        sys.setrecursionlimit(usual)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda x: x.place)
def test_guides_print_queries_and_nothing_else(example: Example) -> None:
    ws = livefire.Workspace()
    for table in example.inputs:
        ws.load(table.name, table.rows, schema=table.types, time_field=table.time)
    options = {k: v for k, v in example.options.items() if k not in ("now", "start", "end")}
    # Some languages name columns after values, so they look at the events of the example before they print the query.
    probe = ws.probe(Run({"now": datetime(2026, 1, 2), "start": None, "end": None}))
    several: dict[str, Any] = {"several": Several()} if example.language == "kql" else {}  # of a query with several tables the first
    compiled = ws.compile(Source(example.query), example.language, probe=probe, **options, **several)
    for statement in statements(compiled.plan):
        assert isinstance(statement, sql.Query)
        assert not list(statement.find_all(sql.Create, sql.Insert, sql.Copy, sql.Attach, sql.Set, sql.Pragma))


def test_every_meaning_prints_one_query() -> None:
    for function in FUNCTIONS.values():
        for example in function.examples if function.kind == "scalar" else ():
            made = call(function.name, *(e.Literal(v, t) for v, t in example.args))
            found = statements(n.Project(n.Values(Schema.of(("x", Type.LONG)), ((1,),)), (n.Item("r", made),)))
            assert len(found) == 1, function.name
            assert isinstance(found[0], sql.Query), function.name


@given(TEXTS, NAMES)
@settings(deadline=None)
def test_text_and_name_stay_one_literal_and_one_name(text: str, name: str) -> None:
    rows = n.Values(Schema.of((name, Type.STRING)), (("x",),))
    plan = n.Filter(rows, call("compare.eq", e.Column(name, Type.STRING), e.text(text)))
    (statement,) = statements(plan)
    assert text in {literal.this for literal in statement.find_all(sql.Literal) if literal.is_string}


@given(st.lists(TEXTS, min_size=1, max_size=5))
@settings(deadline=None, max_examples=40)
def test_text_comes_back_as_it_went_in(texts: list[str]) -> None:
    items = tuple(n.Item(f"c{i}", e.text(t)) for i, t in enumerate(texts))
    plan = n.Project(n.Values(Schema.of(("x", Type.LONG)), ((1,),)), items)
    table = ENGINE.execute(plan, Storage(), Run())
    assert [column[0].as_py() for column in table.columns] == texts


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE events; --", "' OR 1=1 --", "\\'; SELECT 1; --", "''", "'", "$$x$$", "$now", ":now", "?", "E'\\x27'", "/*", "*/", "\u2019", "%s {0} {1}"],
)
def test_injections_are_values(text: str) -> None:
    rows = n.Values(Schema.of(("v", Type.STRING)), ((text,), ("other",)))
    plan = n.Filter(rows, call("compare.eq", n.column(rows, "v"), e.text(text)))
    assert len(statements(plan)) == 1
    assert ENGINE.execute(plan, Storage(), Run()).column(0).to_pylist() == [text]
