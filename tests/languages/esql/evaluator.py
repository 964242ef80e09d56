"""Expressions of ES|QL worked out a second way: a text, and a Python function of one row with the same meaning.

A value is None, a scalar or a list of two or more. The rules are those of the reference: operators and
most functions take one value, and give null for none and for several.
https://www.elastic.co/docs/reference/query-languages/esql/esql-multivalued-fields
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Row = Mapping[str, Any]
LONGEST = 2**63


@dataclass(frozen=True)
class Both:
    """One expression in both forms."""

    text: str
    of: Callable[[Row], Any]


def one(value: Any) -> Any:
    """Return a value that is just one, else None."""
    return None if isinstance(value, list) else value


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def shown(values: list[Any]) -> Any:
    return None if not values else values[0] if len(values) == 1 else values


def _strict(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is null where an argument is none or several."""

    def of(*values: Any) -> Any:
        ones = [one(v) for v in values]
        return None if None in ones else compute(*ones)

    return of


def _long(compute: Callable[[int, int], int]) -> Callable[[int, int], int | None]:
    def of(a: int, b: int) -> int | None:
        found = compute(a, b)
        return found if -LONGEST <= found < LONGEST else None

    return of


def _quotient(a: int, b: int) -> int | None:
    if b == 0:
        return None
    found = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return found if -LONGEST <= found < LONGEST else None


def _rest(a: int, b: int) -> int | None:
    return None if b == 0 else abs(a) % abs(b) * (-1 if a < 0 else 1)


def _and(a: Any, b: Any) -> Any:
    a, b = one(a), one(b)
    return False if a is False or b is False else None if a is None or b is None else True


def _or(a: Any, b: Any) -> Any:
    a, b = one(a), one(b)
    return True if a is True or b is True else None if a is None or b is None else False


def _is_in(value: Any, *items: Any) -> Any:
    found: Any = False
    for item in items:
        found = _or(found, _strict(lambda a, b: a == b)(value, item))
    return found


def _extreme(pick: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """GREATEST and LEAST take each column by its own greatest or least, and are null where a column is."""

    def of(*values: Any) -> Any:
        return None if any(v is None for v in values) else pick([pick(listed(v)) for v in values])

    return of


def _append(a: Any, b: Any) -> Any:
    return None if a is None or b is None else listed(a) + listed(b)


def _each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: shown([change(x) for x in listed(value)])


def _sum(value: Any) -> Any:
    values = listed(value)
    return sum(values) if values and -LONGEST <= sum(values) < LONGEST else None


_NUMBERS: list[tuple[str, Callable[..., Any], str]] = [
    ("({} + {})", _strict(_long(lambda a, b: a + b)), "nn"),
    ("({} - {})", _strict(_long(lambda a, b: a - b)), "nn"),
    ("({} * {})", _strict(_long(lambda a, b: a * b)), "nn"),
    ("({} / {})", _strict(_quotient), "nn"),
    ("({} % {})", _strict(_rest), "nn"),
    ("(- {})", _strict(lambda a: -a if a > -LONGEST else None), "n"),
    ("ABS({})", _strict(lambda a: abs(a) if a > -LONGEST else None), "n"),
    ("GREATEST({}, {})", _extreme(max), "nn"),
    ("LEAST({}, {})", _extreme(min), "nn"),
    ("COALESCE({}, {})", lambda a, b: b if a is None else a, "nn"),
    ("CASE({}, {}, {})", lambda c, a, b: a if one(c) is True else b, "bnn"),
    ("CASE({}, {})", lambda c, a: a if one(c) is True else None, "bn"),
    ("MV_MIN({})", lambda a: min(listed(a), default=None), "n"),
    ("MV_MAX({})", lambda a: max(listed(a), default=None), "n"),
    ("MV_SUM({})", _sum, "n"),
    ("MV_SORT({})", lambda a: shown(sorted(listed(a))), "n"),
    ('MV_SORT({}, "desc")', lambda a: shown(sorted(listed(a), reverse=True)), "n"),
    ("MV_FIRST({})", lambda a: (listed(a) or [None])[0], "n"),
    ("MV_LAST({})", lambda a: (listed(a) or [None])[-1], "n"),
    ("MV_APPEND({}, {})", _append, "nn"),
    ("MV_COUNT({})::long", lambda a: len(listed(a)) or None, "n"),
    ("MV_COUNT({})::long", lambda a: len(listed(a)) or None, "t"),
    ("LENGTH({})::long", _strict(len), "t"),
    ("{}::long", _each(int), "b"),
]
_TEXTS: list[tuple[str, Callable[..., Any], str]] = [
    ("CONCAT({}, {})", _strict(lambda a, b: a + b), "tt"),
    ("TO_UPPER({})", _each(str.upper), "t"),
    ("SUBSTRING({}, 2)", _strict(lambda a: a[1:]), "t"),
    ("LEFT({}, 1)", _strict(lambda a: a[:1]), "t"),
    ("COALESCE({}, {})", lambda a, b: b if a is None else a, "tt"),
    ("CASE({}, {}, {})", lambda c, a, b: a if one(c) is True else b, "btt"),
    ("MV_MAX({})", lambda a: max(listed(a), default=None), "t"),
    ("MV_APPEND({}, {})", _append, "tt"),
    ('MV_CONCAT({}, "+")', lambda a: "+".join(listed(a)) if listed(a) else None, "t"),
    ("{}::keyword", _each(str), "n"),
    ("{}::keyword", _each(lambda x: str(x).lower()), "b"),
]
_TRUTHS: list[tuple[str, Callable[..., Any], str]] = [
    ("({} == {})", _strict(lambda a, b: a == b), "nn"),
    ("({} != {})", _strict(lambda a, b: a != b), "nn"),
    ("({} < {})", _strict(lambda a, b: a < b), "nn"),
    ("({} >= {})", _strict(lambda a, b: a >= b), "nn"),
    ("({} == {})", _strict(lambda a, b: a == b), "tt"),
    ("({} > {})", _strict(lambda a, b: a > b), "tt"),
    ("({} == {})", _strict(lambda a, b: a == b), "bb"),
    ("({} AND {})", _and, "bb"),
    ("({} OR {})", _or, "bb"),
    ("(NOT {})", _strict(lambda a: not a), "b"),
    ("({} IS NULL)", lambda a: a is None, "n"),
    ("({} IS NOT NULL)", lambda a: a is not None, "t"),
    ("({} IS NULL)", lambda a: a is None, "b"),
    ("({} IN ({}, {}))", _is_in, "nnn"),
    ("({} NOT IN ({}, {}))", lambda a, b, c: _strict(lambda x: not x)(_is_in(a, b, c)), "ttt"),
    ('({} LIKE "a*")', _strict(lambda a: a.startswith("a")), "t"),
    ('({} RLIKE ".?b")', _strict(lambda a: a[-1:] == "b" and len(a) <= 2), "t"),
    ("STARTS_WITH({}, {})", _strict(lambda a, b: a.startswith(b)), "tt"),
    ("MV_CONTAINS({}, {})", lambda a, b: set(listed(b)) <= set(listed(a)), "nn"),
]


def _field(name: str) -> Callable[[Row], Any]:
    return lambda row: row[name]


_LEAVES = {
    "n": st.one_of(
        st.sampled_from([Both(name, _field(name)) for name in ("n", "m")]),
        st.integers(-3, 3).map(lambda i: Both(f"({i}::long)", lambda _: i)),
        st.sampled_from([2**63 - 1, 2**62, -(2**62)]).map(lambda i: Both(f"({i}::long)", lambda _: i)),
        st.just(Both("(null::long)", lambda _: None)),
    ),
    "t": st.one_of(
        st.sampled_from([Both(name, _field(name)) for name in ("k", "t")]),
        st.sampled_from(["", "a", "ab", "b"]).map(lambda s: Both(f'"{s}"', lambda _: s)),
        st.just(Both("(null::keyword)", lambda _: None)),
    ),
    "b": st.one_of(
        st.just(Both("f", _field("f"))),
        st.booleans().map(lambda b: Both(str(b).lower(), lambda _: b)),
        st.just(Both("(null::boolean)", lambda _: None)),
    ),
}
_BUILT = {"n": _NUMBERS, "t": _TEXTS, "b": _TRUTHS}


def expressions(kind: str, depth: int) -> st.SearchStrategy[Both]:
    """Return expressions of numbers (n), texts (t) or truth values (b)."""
    if depth == 0:
        return _LEAVES[kind]

    def build(form: tuple[str, Callable[..., Any], str]) -> st.SearchStrategy[Both]:
        shape, of, kinds = form

        def join(parts: tuple[Both, ...]) -> Both:
            return Both(shape.format(*(p.text for p in parts)), lambda row: of(*(p.of(row) for p in parts)))

        return st.tuples(*(expressions(k, depth - 1) for k in kinds)).map(join)

    built = st.sampled_from(_BUILT[kind]).flatmap(build)
    return st.integers(0, 3).flatmap(lambda i: _LEAVES[kind] if i == 0 else built)
