"""Which of some rows a condition could be true of, told in Python without a run of the engine.

Rows are taken in stretches; a set of rows is the bits of a whole number, so that and and or of
conditions are one operation, and each text of a column is looked at once however often it occurs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.plan.necessary import All, Needed, Some, Trait

if TYPE_CHECKING:
    import pyarrow as pa

STRETCH = 8192
_ONE_BY_ONE = 256
"""Rows for which a text is rather looked at for each than for all of a stretch."""


class Sieve:
    """Rows of one table that are asked for again and again."""

    def __init__(self, rows: pa.Table) -> None:
        self._stretches = [_Stretch(rows.slice(start, STRETCH)) for start in range(0, rows.num_rows, STRETCH)]
        self._seen: dict[Needed, list[int]] = {}

    def passing(self, needed: Needed) -> list[int]:
        """Return the numbers of the rows that the condition could be true of, ascending."""
        found = self._seen.get(needed)
        if found is None:
            found = self._seen[needed] = [row for at, stretch in enumerate(self._stretches) for row in stretch.passing(needed, at * STRETCH)]
        return found


class _Stretch:
    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self._all = (1 << rows.num_rows) - 1
        self._places: dict[str, dict[str | None, int] | None] = {}
        self._values: dict[str, list[str | None]] = {}
        self._tested: dict[Trait, int] = {}

    def passing(self, needed: Needed, first: int) -> list[int]:
        bits = self._pass(needed, self._all)
        text = bin(bits)[:1:-1]
        found, at = [], text.find("1")
        while at >= 0:
            found.append(first + at)
            at = text.find("1", at + 1)
        return found

    def _pass(self, needed: Needed, within: int) -> int:
        match needed:
            case All(parts=parts):
                for part in sorted(parts, key=_cost):
                    if not within:
                        return 0
                    within = self._pass(part, within)
                return within
            case Some(parts=parts):
                found = 0
                for part in parts:
                    found |= self._pass(part, within & ~found)
                return found
            case Trait():
                return self._test(needed, within)

    def _test(self, test: Trait, within: int) -> int:
        known = self._tested.get(test)
        if known is not None:
            return known & within
        places = self._placed(test.column)
        if places is None:
            return within
        if test.kind == "in" and not test.fold and not test.absent:
            found = 0
            for value in test.values:
                found |= places.get(value, 0)
        elif len(places) > _ONE_BY_ONE and within.bit_count() <= _ONE_BY_ONE:
            return self._one_by_one(test, within)
        else:
            found = sum(bits for value, bits in places.items() if test.passes(value))
        self._tested[test] = found
        return found & within

    def _one_by_one(self, test: Trait, within: int) -> int:
        values, found = self._values[test.column], 0
        while within:
            lowest = within & -within
            if test.passes(values[lowest.bit_length() - 1]):
                found |= lowest
            within ^= lowest
        return found

    def _placed(self, column: str) -> dict[str | None, int] | None:
        """Return for each text of a column the rows that have it; None for a column that is no text."""
        if column not in self._places:
            self._places[column] = self._place(column)
        return self._places[column]

    def _place(self, column: str) -> dict[str | None, int] | None:
        import pyarrow as pa

        if column not in self._rows.column_names:
            return None
        stored = self._rows.column(column)
        if not (pa.types.is_string(stored.type) or pa.types.is_large_string(stored.type)):
            return None
        values = self._values[column] = stored.to_pylist()
        places: dict[str | None, int] = {}
        for at, value in enumerate(values):
            places[value] = places.get(value, 0) | (1 << at)
        return places


def _cost(needed: Needed) -> int:
    """Tests of whole values come first, searches in JSON last."""
    if isinstance(needed, Trait):
        return {"in": 0, "json": 3}.get(needed.kind, 1)
    return 2
