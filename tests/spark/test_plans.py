"""Every kind of node gives through Spark the rows that it gives through DuckDB, in the same order where they have one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from livefire.diagnostics import QueryError
from livefire.engines.base import Run, Storage
from livefire.engines.distributed.nested import bind
from livefire.engines.distributed.settings import read_settings
from livefire.engines.duckdb import DuckDB
from livefire.engines.spark import Spark
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, call, window
from livefire.plan.rewrite import rewrite
from livefire.schema import Schema, Type
from livefire.workspace import Workspace

ZERO = datetime(2026, 3, 2, 9)
EVENTS = [
    {"at": ZERO + timedelta(seconds=s), "user": user, "act": act, "size": size, "tags": tags}
    for s, user, act, size, tags in (
        (0, "ana", "begin", 5, ["x", "y"]),
        (0, "ben", "begin", None, []),
        (0, "ana", "work", 7, None),
        (0, "ana", "end", 7, ["z"]),
        (40, "ben", "work", 2, ["x"]),
        (90, None, "end", 1, ["x", 3, {"k": None}]),
        (95, "ben", "end", 9, "plain"),
    )
]
# The seven rows cover: ties in time, nulls in keys and values, empty and absent lists, a list of mixed kinds.
QUERIES = {
    "eql": [
        'sequence by user with maxspan=2m [any where act == "begin"] [any where act == "work"] [any where act == "end"]',
        'sequence by user with maxspan=10s [any where act == "work"] ![any where act == "end"]',
        'any where act like~ "B*" and user : "ANA"',
    ],
    "kql": [
        "ev | sort by size desc, act asc | project user, size | take 4",
        "ev | where user =~ 'BEN' or isnull(size) | count",
        "ev | summarize n = count(), big = max(size), who = make_set(act), mid = percentile(size, 50) by user | sort by user asc",
        "ev | summarize n = dcount(act), s = sum(size) | extend half = s / 2.0",
        "ev | where act matches regex '^(b|w).*[kn]$' | project user, act, at | sort by at asc, act asc",
        "ev | mv-expand tags | project act, tags | sort by act asc, tostring(tags) asc",
        "ev | where user in ((ev | where act == 'work' | project user)) | count",
        "ev | join kind=leftouter (ev | where act == 'work' | project user, other = size) on user | project act, other | sort by act asc, other asc",
        "ev | sort by at asc, act asc | extend before = prev(act), n = row_number() | project act, before, n",
        "ev | sort by at asc, act asc | extend total = row_cumsum(tolong(coalesce(size, 0))) | project act, total",
        "ev | where size > toscalar(ev | summarize avg(size)) | project act, size | sort by size asc, act asc",
        "ev | summarize arg_max(at, act) by user | sort by user asc",
        "union ev, (ev | where act == 'end') | summarize n = count() by act | sort by act asc",
        "ev | where act == 'none' | summarize n = count(), l = make_list(act), p = percentile(size, 90)",
        "ev | distinct act | sort by act desc",
    ],
    "spl": [
        "index=ev | stats count, values(act) AS acts, dc(user) AS users BY user | sort user",
        "index=ev | sort at, user, act | streamstats count AS place BY user | table act place",
    ],
}


def workspace(engine: Any) -> Workspace:
    ws = Workspace(engine=engine)
    ws.load("ev", EVENTS, {"at": "datetime", "user": "string", "act": "string", "size": "long", "tags": "dynamic"}, time_field="at")
    return ws


def cases() -> list[Any]:
    """Every other query runs with the quick tests, all with the slow ones."""
    every = [(language, text) for language, texts in QUERIES.items() for text in texts]
    return [pytest.param(*case, marks=[pytest.mark.slow] if place % 2 else []) for place, case in enumerate(every)]


@pytest.mark.parametrize(("language", "text"), cases())
def test_same_rows(spark: Spark, language: str, text: str) -> None:
    index = "ev" if language == "eql" else None
    wanted = workspace("duckdb").query(text, language, now=ZERO, index=index)
    found = workspace(spark).query(text, language, now=ZERO, index=index)
    assert found.rows == wanted.rows
    assert (found.columns, found.table.schema.types) == (wanted.columns, wanted.table.schema.types)


def test_a_sequence_whose_steps_have_other_keys(spark: Spark) -> None:
    # One event ends a sequence under one key and begins one under the other: it stands in two buckets, and each knows only its own step.
    events = [{"at": ZERO + timedelta(seconds=i), "from": a, "to": b} for i, (a, b) in enumerate([("x", "y"), ("y", "z"), ("z", "x"), ("q", "q")])]
    text = "sequence [any where true] by to [any where true] by from"
    answers = []
    for engine in ("duckdb", spark):
        ws = Workspace(engine=engine)
        ws.load("ev", events, {"at": "datetime", "from": "string", "to": "string"}, time_field="at")
        answers.append([(row[0], row[-2], row[-1]) for row in ws.query(text, "eql", index="ev").rows])
    assert len(answers[0]) == 4
    assert answers[1] == answers[0]


def test_an_outer_join_that_only_the_nodes_can_test(spark: Spark) -> None:
    left = n.Values(Schema.of(("a", Type.STRING)), (("ant",), ("bee",), (None,)))
    right = n.Values(Schema.of(("p", Type.STRING), ("v", Type.LONG)), (("a.*", 1), ("b|e", 2)))
    on = call("text.matches_regex", e.Column("a", Type.STRING), e.text("^a"))
    both = all_of(
        on,
        call(
            "compare.eq",
            call("text.slice", e.Column("p", Type.STRING), e.whole(0), e.whole(1)),
            call("text.slice", e.Column("a", Type.STRING), e.whole(0), e.whole(1)),
        ),
    )
    for kind, rows in (
        ("left", [("ant", "a.*", 1), ("bee", None, None), (None, None, None)]),
        ("right", [("ant", "a.*", 1), (None, "b|e", 2)]),
        ("semi", [("ant",)]),
        ("anti", [("bee",), (None,)]),
    ):
        table = spark.execute(n.Join(left, right, kind, both), Storage(), Run())  # type: ignore[arg-type]  # one of the kinds
        found = list(zip(*(c.to_pylist() for c in table.columns), strict=True))
        assert sorted(found, key=repr) == sorted(rows, key=repr), kind


def test_a_full_join_that_only_the_nodes_can_test_is_refused(spark: Spark) -> None:
    side = n.Values(Schema.of(("a", Type.STRING)), (("ant",),))
    other = n.Values(Schema.of(("b", Type.STRING)), (("ant",),))
    on = call("text.matches_regex", call("text.concat", e.Column("a", Type.STRING), e.Column("b", Type.STRING)), e.text("x"))
    with pytest.raises(QueryError) as caught:
        spark.execute(n.Join(side, other, "full", on), Storage(), Run())
    assert [d.code for d in caught.value.diagnostics] == ["E303"]


def test_windows_over_other_partitions(spark: Spark) -> None:
    given = n.Values(Schema.of(("a", Type.STRING), ("b", Type.STRING), ("v", Type.LONG)), (("x", "p", 1), ("x", "q", 2), ("y", "p", 3), ("y", "q", 4)))
    a, b, v = (n.column(given, name) for name in ("a", "b", "v"))
    key = (e.SortKey(v),)
    items = (
        n.Item("r", window("window.rank", partition_by=(a,), order_by=key)),
        n.Item("before", window("window.previous", v, partition_by=(call("text.lower", b),), order_by=key)),
        n.Item("mean", window("agg.avg", v, partition_by=(), order_by=key, frame=(1, 0))),
    )
    plan = rewrite(n.Sort(n.Window(given, items), key))
    rows = [list(zip(*(c.to_pylist() for c in engine.execute(plan, Storage(), Run()).columns), strict=True)) for engine in (spark, DuckDB())]
    assert rows[0] == [("x", "p", 1, 1, None, 1.0), ("x", "q", 2, 2, None, 1.5), ("y", "p", 3, 1, 1, 2.5), ("y", "q", 4, 2, 2, 3.5)]
    assert rows[1] == rows[0]


def test_failures_are_told_as_duckdb_s_are(spark: Spark) -> None:
    given = n.Values(Schema.of(("v", Type.STRING)), (("a",),))
    column = e.Column("v", Type.STRING)
    for expr, code in (
        (call("text.matches_regex", column, e.text("(a")), "E205"),
        (call("logic.fail_if", call("compare.eq", column, e.text("a")), e.text("words of the rule")), "E458"),
    ):
        told = []
        for engine in (spark, DuckDB()):
            with pytest.raises(QueryError) as caught:
                engine.execute(n.Project(given, (n.Item("r", expr),)), Storage(), Run())
            told.append([(d.code, d.message) for d in caught.value.diagnostics])
        assert told[0][0][0] == code
        assert told[0] == told[1]


def test_too_many_rows_and_no_time(spark: Spark) -> None:
    given = n.Values(Schema.of(("v", Type.LONG)), tuple((i,) for i in range(5)))
    with pytest.raises(QueryError) as caught:
        spark.execute(given, Storage(), Run(max_rows=4))
    assert [d.code for d in caught.value.diagnostics] == ["E453"]
    assert spark.execute(given, Storage(), Run(max_rows=5)).num_rows == 5
    with pytest.raises(QueryError) as caught:
        spark.execute(given, Storage(), Run(seconds=0.0))
    assert [d.code for d in caught.value.diagnostics] == ["E451"]


def test_a_parameter_that_nobody_gave() -> None:
    with pytest.raises(QueryError) as caught:
        bind(n.Project(n.Values(Schema(()), ((),)), (n.Item("v", e.Parameter("now", Type.DATETIME)),)), {})
    assert [d.code for d in caught.value.diagnostics] == ["E457"]


def test_settings(tmp_path: Any) -> None:
    file = tmp_path / "spark.toml"
    file.write_text('address = "sc://h:1"\nlake = "s3://b/lake/"\n[tables.aws_cloudtrail]\ntable = "a.b"\ncolumns = {_id = "eventID"}\nabsent = ["raw"]\n')
    settings = read_settings(file)
    assert (settings.address, settings.lake, settings.carry) == ("sc://h:1", "s3://b/lake/", True)
    assert settings.tables["aws_cloudtrail"].columns == {"_id": "eventID"}
    assert settings.engine().places.at("/lake/aws/1.parquet", (tmp_path.__class__("/lake"),)) == "s3://b/lake/aws/1.parquet"


@pytest.mark.parametrize("text", ["adress = 'x'", "carry = 1", "tables = 3", "[tables.x]\ncolumns = {}", "[tables.x]\ntable = 't'\ncolumns = {a = 1}", "x ="])
def test_settings_that_cannot_be_followed(tmp_path: Any, text: str) -> None:
    file = tmp_path / "spark.toml"
    file.write_text(text)
    with pytest.raises(QueryError) as caught:
        read_settings(file)
    assert [d.code for d in caught.value.diagnostics] == ["E466"]
