"""Types, columns and schemas shared by every language, table and engine."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from functools import lru_cache

from livefire.record import record


class Type(enum.Enum):
    """The value types of a plan.

    DATETIME is UTC with microseconds; TIMESPAN is a whole number of 100-nanosecond ticks;
    DYNAMIC is a JSON value (object, array or scalar) kept as text; UNKNOWN is the type of a
    column that no schema describes, and of null.
    """

    BOOL = "bool"
    INT = "int"
    LONG = "long"
    REAL = "real"
    DECIMAL = "decimal"
    STRING = "string"
    DATETIME = "datetime"
    TIMESPAN = "timespan"
    DYNAMIC = "dynamic"
    GUID = "guid"
    UNKNOWN = "unknown"

    # Members are single objects: hashing them by identity is the quickest, and columns are looked up by their types all the time.
    __hash__ = object.__hash__

    @property
    def numeric(self) -> bool:
        """True for int, long, real and decimal."""
        return self in _NUMERIC

    @property
    def integral(self) -> bool:
        """True for int and long."""
        return self in (Type.INT, Type.LONG)


_NUMERIC = frozenset({Type.INT, Type.LONG, Type.REAL, Type.DECIMAL})
TICKS_PER_SECOND = 10_000_000


@record(frozen=True, slots=True)
class Field:
    """A named, typed column."""

    name: str
    type: Type


@lru_cache(maxsize=8192)
def field_of(name: str, type: Type) -> Field:
    """Return the field of that name and type; tables are wide, and most columns go through most steps."""
    return Field(name, type)


class _Named:
    """Keeps the names of a schema once they are asked for."""

    __slots__ = ("_names",)
    _names: tuple[str, ...]


@record(frozen=True, slots=True)
class Schema(_Named):
    """An ordered list of columns with unique names; names are case-sensitive."""

    fields: tuple[Field, ...]

    @staticmethod
    def of(*pairs: tuple[str, Type]) -> Schema:
        """Build a schema from (name, type) pairs."""
        return Schema(tuple(Field(n, t) for n, t in pairs))

    @staticmethod
    def from_fields(fields: Iterable[Field]) -> Schema:
        """Build a schema from fields."""
        return Schema(tuple(fields))

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def wider(self, *more: Field) -> Schema:
        """Return the schema with columns behind its own."""
        found = Schema((*self.fields, *more))
        object.__setattr__(found, "_names", (*self.names, *[f.name for f in more]))
        return found

    def get(self, name: str) -> Field | None:
        """Return the column of that exact name, or None."""
        for f in self.fields:
            if f.name == name:
                return f
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        try:
            found = self._names
        except AttributeError:
            found = tuple([f.name for f in self.fields])
            object.__setattr__(self, "_names", found)
        return found
