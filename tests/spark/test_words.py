"""What Spark says in its own words means what DuckDB's mean, character by character and number by number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from livefire.diagnostics import QueryError, Span
from livefire.engines.base import Run, Storage
from livefire.engines.distributed.shaping import native
from livefire.engines.duckdb import DuckDB
from livefire.engines.spark import Spark
from livefire.engines.spark_sql import DIALECT, quote_identifier, quote_string
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import FUNCTIONS, Example, aggregate, call
from livefire.schema import Schema, Type
from tests.plan.test_functions import CASES

# Texts that a parser of Spark's, its variables, a shell or a file format might act on.
HOSTILE = [
    "", " ", "a'b", 'a"b', "a\\b", "\\", "\\\\'", "\\u0041", "${spark.home}", "${env:PATH}", "$a", "a`b", "--x", "/*x*/", "a;b", ":p", "?", "{0}", "%s",
    "tab\there", "line\nbreak\r\n", "\x01\x7f", "é", "ﬀ", "İIıi", "ΣΑΣ", "K", "straße", "日本", "😀", "\u2028", "\ufeff", "n\u0303",
]  # fmt: skip


def answers(engine: Any, plan: n.Plan) -> list[tuple[Any, ...]]:
    table = engine.execute(plan, Storage(), Run())
    return list(zip(*(c.to_pylist() for c in table.columns), strict=True))


def own_cases() -> list[tuple[str, Example]]:
    """The examples of the catalogue that Spark computes itself, over rows."""
    return [(name, x) for name, x in CASES if native(call(name, *(e.Column("a", kind) for _, kind in x.args)))]


def test_examples_in_spark_s_own_words(plain: Spark) -> None:
    cases = own_cases()
    fields, row, items = [], [], []
    for number, (name, x) in enumerate(cases):
        columns = []
        for place, (value, kind) in enumerate(x.args):
            fields.append((f"a{number}_{place}", kind))
            row.append(value)
            columns.append(e.Column(f"a{number}_{place}", kind))
        items.append(n.Item(f"r{number}", call(name, *columns)))
    plan = n.Project(n.Values(Schema.of(*fields), (tuple(row),)), tuple(items))
    (got,) = answers(plain, plan)
    assert [f"{name}{x.args} gave {g!r}" for (name, x), g in zip(cases, got, strict=True) if g != x.result] == []
    # Spark's own words are few by intention; they have to be at least those that cut rows where they are read.
    assert {"compare.eq", "compare.in", "text.equals_fold", "text.in_fold", "logic.not"} <= {name for name, _ in cases}


def test_every_spelling_has_a_meaning() -> None:
    assert sorted(set(DIALECT.functions) - set(FUNCTIONS)) == []


def test_hostile_texts_are_values(plain: Spark) -> None:
    values = n.Values(Schema.of(("v", Type.STRING)), tuple((text,) for text in HOSTILE))
    assert sorted(v for (v,) in answers(plain, values)) == sorted(HOSTILE)


def test_hostile_texts_in_lower_case(plain: Spark) -> None:
    # Both engines are asked: what is the lower case of a letter is theirs to say, and they have to agree.
    column = e.Column("v", Type.STRING)
    plan = n.Project(
        n.Values(Schema.of(("v", Type.STRING)), tuple((text,) for text in HOSTILE)), (n.Item("v", column), n.Item("l", call("text.lower", column)))
    )
    assert sorted(answers(plain, plan)) == sorted(answers(DuckDB(), plan))


@pytest.mark.parametrize("text", ["'", "\\", "$", "{", "}", "`", "\0", "\ud800", "\n"])
def test_a_quoted_text_holds_nothing_that_acts(text: str) -> None:
    inside = quote_string(f"a{text}b")[1:-1]
    assert not set(inside) & set("'$`{}\0\n")
    # Each backslash begins an escape of a code point, none ends the text or another escape.
    assert inside.count("\\") == inside.count("\\u") == 1


def test_a_quoted_name_holds_its_own_quotes() -> None:
    assert quote_identifier("a`b") == "`a``b`"


def test_no_name_of_a_rule_reaches_spark(spark: Spark) -> None:
    plan = n.Project(n.Values(Schema.of(("evil` FROM x --", Type.LONG)), ((1,),)), (n.Item("b`c", e.Column("evil` FROM x --", Type.LONG)),))
    assert "evil" not in spark.sql(plan)
    table = spark.execute(plan, Storage(), Run())
    assert (table.column_names, table.column(0).to_pylist()) == (["b`c"], [1])


def test_values_of_every_type(spark: Spark) -> None:
    row = (True, 2**63 - 1, -(2**63), 0.1, "x", datetime(1969, 12, 31, 23, 59, 59, 999999), -5, '{"a":[1]}', None)
    kinds = (Type.BOOL, Type.LONG, Type.LONG, Type.REAL, Type.STRING, Type.DATETIME, Type.TIMESPAN, Type.DYNAMIC, Type.UNKNOWN)
    plan = n.Values(Schema.of(*((f"v{i}", kind) for i, kind in enumerate(kinds))), (row,))
    found, wanted = spark.execute(plan, Storage(), Run()), DuckDB().execute(plan, Storage(), Run())
    assert answers(spark, plan) == [row]
    assert found.schema.types == wanted.schema.types


def test_what_leaves_64_bits_ends_the_run(spark: Spark) -> None:
    column, given = e.Column("v", Type.LONG), n.Values(Schema.of(("v", Type.LONG)), ((2**63 - 1,), (1,)))
    more = n.Project(given, (n.Item("w", call("number.add", column, e.whole(1), type=Type.LONG)),))
    total = n.Aggregate(given, (), (n.Item("w", aggregate("agg.sum", column, type=Type.LONG)),))
    for engine in (spark, DuckDB()):
        for plan in (more, total):
            with pytest.raises(QueryError) as caught:
                engine.execute(plan, Storage(), Run())
            assert [d.code for d in caught.value.diagnostics] == ["E454"]


def test_a_sum_may_leave_64_bits_on_its_way(plain: Spark) -> None:
    rows = tuple((v,) for v in (2**63 - 1, 2**63 - 1, -(2**63), -(2**62)))
    total = n.Aggregate(n.Values(Schema.of(("v", Type.LONG)), rows), (), (n.Item("s", aggregate("agg.sum", e.Column("v", Type.LONG), type=Type.LONG)),))
    assert answers(plain, total) == [(sum(v for (v,) in rows),)]


def test_order_of_odd_numbers(spark: Spark) -> None:
    # Minus zero is zero, NaN is the greatest number, and null stands where it is told to.
    rows = ((1, float("nan")), (2, -0.0), (3, None), (4, 0.0), (5, float("-inf")), (6, 1.5))
    given = n.Values(Schema.of(("i", Type.LONG), ("v", Type.REAL)), rows)
    keys = (e.SortKey(e.Column("v", Type.REAL)), e.SortKey(e.Column("i", Type.LONG)))
    plan = n.select(n.Sort(given, keys), "i")
    assert answers(spark, plan) == [(5,), (2,), (4,), (6,), (1,), (3,)]


def test_without_the_nodes_a_meaning_is_refused_at_its_place(plain: Spark) -> None:
    place = Span(4, 9)
    plan = n.Project(
        n.Values(Schema.of(("v", Type.STRING)), (("a",),)), (n.Item("m", call("text.matches_regex", e.Column("v", Type.STRING), e.text("a+"), span=place)),)
    )
    (told,) = plain.unsupported(plan)
    assert (told.code, told.span) == ("E303", place)
    with pytest.raises(QueryError):
        plain.execute(plan, Storage(), Run())
