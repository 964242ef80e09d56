"""Every example of every meaning gives the stated value on every engine that has the meaning."""

from __future__ import annotations

import pytest

from livefire.engines.base import Run, Storage
from livefire.engines.duckdb import DuckDB
from livefire.engines.duckdb_sql import DIALECT
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import FUNCTIONS, Example, call
from livefire.schema import Schema, Type

CASES = [(f.name, x) for f in FUNCTIONS.values() if f.kind == "scalar" for x in f.examples]


def evaluate(batch: list[tuple[str, Example]], *, constant: bool) -> list[object]:
    """Run examples in one plan; without `constant` the arguments come from a row, so that nothing is folded."""
    items, fields, row = [], [], []
    for number, (name, example) in enumerate(batch):
        args: list[e.Expr] = []
        for place, (value, kind) in enumerate(example.args):
            # Patterns, units and paths must be constant, so only the first argument comes from the row.
            if constant or place:
                args.append(e.Literal(value, kind))
            else:
                fields.append((f"a{number}_{place}", kind))
                row.append(value)
                args.append(e.Column(f"a{number}_{place}", kind))
        items.append(n.Item(f"r{number}", call(name, *args)))
    plan = n.Project(n.Values(Schema.of(*fields), (tuple(row),)), tuple(items))
    table = DuckDB().execute(plan, Storage(), Run())
    return [column[0].as_py() for column in table.columns]


@pytest.mark.parametrize("constant", [True, False])
def test_examples(constant: bool) -> None:
    results = evaluate(CASES, constant=constant)
    wrong = [f"{name}{[v for v, _ in x.args]} gave {got!r}, expected {x.result!r}" for (name, x), got in zip(CASES, results, strict=True) if got != x.result]
    assert not wrong, "\n".join(wrong)


def test_every_meaning_is_spelled() -> None:
    assert sorted(set(FUNCTIONS) - set(DIALECT.functions)) == []


def test_every_spelling_has_a_meaning() -> None:
    assert sorted(set(DIALECT.functions) - set(FUNCTIONS)) == []


@pytest.mark.parametrize(("value", "expected"), [('["a","b"]', True), ('"b"', True), ('["a"]', False), (None, False), ("[]", False)])
def test_any_element(value: str | None, expected: bool) -> None:
    element = e.Column("element", Type.DYNAMIC)
    test = e.Lambda((element,), call("compare.eq", call("dynamic.text", element), e.text("b")))
    given = n.Values(Schema.of(("v", Type.DYNAMIC)), ((value,),))
    plan = n.Project(given, (n.Item("r", call("dynamic.any_element", e.Column("v", Type.DYNAMIC), test)),))
    assert DuckDB().execute(plan, Storage(), Run()).column(0).to_pylist() == [expected]
