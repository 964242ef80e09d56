"""Rows handed over by a caller as a typed table, for queries over small data of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.schema import Field, Schema, Type

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]

_NAMES: dict[str, Type] = {t.value: t for t in Type} | {
    "boolean": Type.BOOL, "int32": Type.INT, "int64": Type.LONG, "double": Type.REAL, "float": Type.REAL, "number": Type.REAL,
    "text": Type.STRING, "keyword": Type.STRING, "str": Type.STRING, "date": Type.DATETIME, "timestamp": Type.DATETIME, "time": Type.TIMESPAN,
    "object": Type.DYNAMIC, "json": Type.DYNAMIC, "uniqueid": Type.GUID, "uuid": Type.GUID,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoadedRows:
    """A table in memory: logical schema, the storage name of each column, and Arrow data."""

    schema: Schema
    physical: tuple[str, ...]
    data: pa.Table


def type_named(name: str) -> Type:
    """Return the type of a KQL, SQL-like or JSON-schema name; ValueError for an unknown one."""
    try:
        return _NAMES[name.strip().lower()]
    except KeyError:
        raise ValueError(f"no type is named {name!r}; known: {', '.join(sorted(_NAMES))}") from None


def load_rows(rows: Iterable[Row], types: Mapping[str, str] | None = None, time_field: str | None = None) -> LoadedRows:
    """Return rows as a table.

    `types` gives types by name for columns; the rest are inferred over all rows: bool, long,
    real, datetime, timespan, string, and dynamic for objects, arrays and mixed values. Columns come
    in order of first appearance, after those of `types`. `time_field` is a datetime (ISO 8601 text
    and datetimes are read, epoch numbers are milliseconds). In a column declared dynamic, text that is
    a JSON object or array is read as one. QueryError E408 when a value does not fit.
    """
    import pyarrow as pa

    kept: Sequence[Row] = list(rows)
    declared = {name: type_named(t) for name, t in (types or {}).items()}
    if time_field is not None:
        declared.setdefault(time_field, Type.DATETIME)
    names = list(dict.fromkeys([*(types or {}), *(k for r in kept for k in r), *declared]))
    fields = [Field(name, declared.get(name) or infer(r.get(name) for r in kept)) for name in names]
    physical = tuple(f"c{i}" for i in range(len(fields)))
    written = {name for name, type in declared.items() if type is Type.DYNAMIC}
    values = [[_read_json(r.get(f.name)) if f.name in written else r.get(f.name) for r in kept] for f in fields]
    arrays = {p: pa.array(_fitted(f, cells), _arrow(f.type)) for f, p, cells in zip(fields, physical, values, strict=True)}
    data = pa.table(arrays) if arrays else pa.table({"c0": pa.nulls(len(kept), pa.string())})
    return LoadedRows(Schema(tuple(fields)), physical, data)


def _fitted(field: Field, cells: Sequence[Any]) -> list[Any]:
    """Return a column's values in the storage form of its type; QueryError E408 with the row that has one which does not fit."""
    found = []
    for number, value in enumerate(cells):
        try:
            found.append(convert(value, field.type))
        except (ValueError, TypeError, ArithmeticError):
            message = f"row {number} has no {field.type.value} in the column {field.name!r}, but {str(value)[:60]!r}"
            help = "give the column another type, or load null for what it does not hold"
            raise QueryError([Diagnostic("error", "E408", message, Span(0, 0), help=help)]) from None
    return found


def _read_json(value: Any) -> Any:
    """Return the object or array that a text holds, any other value as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def infer(values: Iterable[Any]) -> Type:
    """Return the narrowest type that holds every value; string when there is none but nulls."""
    found = {_type_of(v) for v in values if v is not None}
    if not found:
        return Type.STRING
    if len(found) == 1:
        return found.pop()
    if found <= {Type.LONG, Type.REAL, Type.DECIMAL}:
        return Type.REAL
    return Type.DYNAMIC


def _type_of(value: Any) -> Type:
    if isinstance(value, bool):
        return Type.BOOL
    if isinstance(value, int):
        return Type.LONG if -(2**63) <= value < 2**63 else Type.REAL
    for kind, type in ((float, Type.REAL), (Decimal, Type.DECIMAL), (str, Type.STRING), (date, Type.DATETIME), (timedelta, Type.TIMESPAN)):
        if isinstance(value, kind):
            return type
    return Type.DYNAMIC


def _arrow(type: Type) -> pa.DataType:
    import pyarrow as pa

    kinds = {
        Type.BOOL: pa.bool_(), Type.INT: pa.int32(), Type.LONG: pa.int64(), Type.REAL: pa.float64(), Type.DECIMAL: pa.decimal128(38, 12),
        Type.DATETIME: pa.timestamp("us"), Type.TIMESPAN: pa.int64(),
    }  # fmt: skip
    return kinds.get(type, pa.string())


def convert(value: Any, type: Type) -> Any:
    """Return a Python value in the storage form of a type; ValueError when it does not fit."""
    if value is None:
        return None
    match type:
        case Type.DATETIME:
            return _moment(value)
        case Type.TIMESPAN:
            return _ticks(value)
        case Type.DYNAMIC:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_json_default)
            return None if text == "null" else clean(text)
        case Type.STRING | Type.GUID | Type.UNKNOWN:
            return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_json_default))
        case Type.BOOL:
            return _truth(value)
        case Type.INT | Type.LONG:
            return int(value)
        case Type.REAL:
            return float(value)
        case Type.DECIMAL:
            return Decimal(str(value))


def clean(text: str) -> str:
    """Return text without lone surrogates, which no storage holds."""
    return text.encode("utf-8", "replace").decode("utf-8") if any("\ud800" <= c <= "\udfff" for c in text) else text


def _json_default(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    return str(value)


def _truth(value: Any) -> bool:
    if isinstance(value, str):
        if value.lower() in ("true", "1"):
            return True
        if value.lower() in ("false", "0"):
            return False
        raise ValueError(f"{value!r} is not a bool")
    return bool(value)


def _moment(value: Any) -> datetime:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime(1970, 1, 1) + timedelta(milliseconds=value)
    if isinstance(value, str):
        value = datetime.fromisoformat(_micros(value.strip()))
    moment: datetime = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _micros(text: str) -> str:
    """Cut a fraction of a second to six digits, which is what a datetime holds."""
    head, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{head}.{rest[: min(digits, 6)].ljust(6, '0')}{rest[digits:]}" if dot else text


def _ticks(value: Any) -> int:
    if isinstance(value, timedelta):
        return (value.days * 86_400 + value.seconds) * 10_000_000 + value.microseconds * 10
    if isinstance(value, str):
        return _ticks_of_text(value)
    return int(float(value) * 10_000_000)


def _ticks_of_text(text: str) -> int:
    """Read [-][d.]hh:mm:ss[.fffffff]."""
    sign = -1 if text.startswith("-") else 1
    clock, _, fraction = text.lstrip("-").rpartition(":")
    hours_part, _, minutes = clock.rpartition(":")
    days, _, hours = hours_part.rpartition(".")
    seconds, _, part = fraction.partition(".")
    whole = int(days or 0) * 86_400 + int(hours or 0) * 3_600 + int(minutes or 0) * 60 + int(seconds or 0)
    return sign * (whole * 10_000_000 + int(part[:7].ljust(7, "0") or 0))
