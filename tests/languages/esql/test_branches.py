"""FORK and LIMIT … BY."""

from __future__ import annotations

from typing import Any

from tests.languages.esql.running import refusal, run

ROWS: list[dict[str, Any]] = [{"id": 1, "s": "x"}, {"id": 2, "s": "x"}, {"id": 3, "s": None}, {"id": 4, "s": "y", "o": {"p": "q"}}]


def test_branches_work_on_the_same_rows_and_keep_their_order() -> None:
    found = run(
        "FROM t | FORK (WHERE id == 1 | EVAL b = 2) (STATS c = COUNT(*) BY s | SORT s | LIMIT 2) (SORT id DESC | LIMIT 2) | KEEP _fork, id, s, b, c", ROWS
    )
    assert found == [
        ("fork1", 1, "x", 2, None),
        ("fork2", None, "x", None, 2),
        ("fork2", None, "y", None, 1),
        ("fork3", 4, "y", None, None),
        ("fork3", 3, None, None, None),
    ]


def test_a_field_below_a_column_is_there_after_the_branches() -> None:
    assert run('FROM t | FORK (WHERE id > 2) (KEEP id | WHERE id < 2) | WHERE o.p == "q" OR id == 1 | KEEP id, _fork', ROWS) == [(4, "fork1"), (1, "fork2")]


def test_a_branch_without_limit_gives_a_thousand_rows() -> None:
    many = [{"n": i} for i in range(1200)]
    assert run("FROM t | FORK (WHERE n >= 0) (WHERE n < 10) | STATS c = COUNT(*) BY _fork | SORT _fork", many) == [(1000, "fork1"), (10, "fork2")]


def test_faults_of_branches() -> None:
    assert refusal('FROM t | FORK (EVAL z = 1) (EVAL z = "a")', ROWS).code == "E104"
    assert refusal("FROM t | FORK (LIMIT 1) | FORK (LIMIT 1)", ROWS).code == "E201"
    assert refusal("FROM t | FORK " + "(LIMIT 1) " * 9, ROWS).code == "E201"
    assert refusal("FROM t | WHERE id IN (FROM t | KEEP id)", ROWS).code == "E301"


def test_the_first_rows_of_each_group() -> None:
    assert run("FROM t | SORT id DESC | LIMIT 1 BY s | KEEP id, s", ROWS) == [(4, "y"), (3, None), (2, "x")]
    assert run("FROM t | SORT id | LIMIT 1 BY s, id > 1 | KEEP id", ROWS) == [(1,), (2,), (3,), (4,)]
    assert refusal("FROM t | LIMIT 1 BY o.p", ROWS).code == "E305"
