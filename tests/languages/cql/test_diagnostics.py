"""What is said of a query, with its place: golden lists of code, line and column."""

from __future__ import annotations

import pytest

from livefire.diagnostics.catalogue import TITLES
from tests.languages.cql.running import codes, result


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1 | nosuch(a)", [("E103", 1, 7)]),
        ("a=1\n| coutn()", [("E103", 2, 3)]),
        ("count(feild=a)", [("E105", 1, 7)]),
        ("in(a)", [("E105", 1, 1)]),
        ("sort(a, order=up)", [("E107", 1, 15), ("N133", 1, 1)]),
        ("cidr(a, subnet=[1.2.3])", [("E107", 1, 16)]),
        (r"a=/x(?=y)z/", [("E205", 1, 3)]),
        (r"a=/(x)\1/", [("E205", 1, 3)]),
        ("a=/x++/", [("E205", 1, 3)]),
        ("a=/(x/", [("E205", 1, 3)]),
        ("ipLocation(a)", [("E302", 1, 1)]),
        ("$saved()", [("E134", 1, 1)]),
        ("a < b", [("E136", 1, 1)]),
        ("a == 1", [("E233", 1, 3)]),
        ("a=1 OR count()", [("E104", 1, 8)]),
        ("worldMap(ip=a)", [("N131", 1, 1)]),
        ("groupBy(a, function=[sum(b, as=s), max(b, as=s)])", [("W106", 1, 36)]),
    ],
)
def test_places(query: str, expected: list[tuple[str, int, int]]) -> None:
    assert codes(query, index="events") == expected


def test_near_names_are_offered() -> None:
    from livefire import QueryError

    with pytest.raises(QueryError) as caught:
        result("coutn()", [{"a": 1}], index="events")
    assert "'count'" in caught.value.diagnostics[0].help


def test_every_code_is_in_the_catalogue() -> None:
    used = {101, 103, 104, 105, 106, 107, *range(130, 140), 201, 202, 203, 204, 205, *range(230, 235), 302, 304, 305}
    assert used <= set(TITLES)
