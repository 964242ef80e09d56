"""Statements are laid out for people without a token changed."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from livefire.report.statements import laid_out


def test_clauses_stand_on_lines_and_subqueries_are_indented() -> None:
    said = laid_out(
        """SELECT "a", count(*) AS "n" FROM (SELECT "a" FROM "t" WHERE ("b" = 'x FROM y')) AS t1 LEFT JOIN "u" ON t1."a" = "u"."a"
        GROUP BY "a" ORDER BY "n" LIMIT 3"""
    )
    assert said.splitlines() == [
        'SELECT "a", count(*) AS "n"',
        "FROM (",
        '  SELECT "a"',
        '  FROM "t"',
        """  WHERE ("b" = 'x FROM y')""",
        ") AS t1",
        'LEFT JOIN "u" ON t1."a" = "u"."a"',
        'GROUP BY "a"',
        'ORDER BY "n"',
        "LIMIT 3",
    ]


def test_a_word_of_a_call_is_no_clause() -> None:
    assert laid_out("""SELECT extract(epoch FROM "t"), first("a" ORDER BY "b") FROM "t\"""").splitlines() == [
        """SELECT extract(epoch FROM "t"), first("a" ORDER BY "b")""",
        'FROM "t"',
    ]


_PIECES = st.sampled_from(["SELECT", "FROM", "(SELECT", ")", "(", "'it''s FROM'", '"a""b"', "WHERE", "LEFT", "JOIN", "x", ",", "=", "ORDER BY"])


@given(st.lists(_PIECES, max_size=30))
def test_nothing_but_blanks_changes(pieces: list[str]) -> None:
    statement = " ".join(pieces)
    assert re.sub(r"\s+", "", laid_out(statement)) == re.sub(r"\s+", "", statement)
    assert [x for x in pieces if x[0] in "'\""] == list(re.findall(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""", laid_out(statement)))
