"""Spark's spelling of the plan: one `Dialect` value, and one table of meanings a family.

Only what Spark says with exactly the same outcome stands in the tables; every other meaning is
carried to the nodes and computed there by the embedded engine (`livefire.engines.distributed`).
"""

from __future__ import annotations

from livefire.engines.sql import Dialect, Printer, spellings, storable
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.schema import Type

# Whole numbers are 64 bits wide throughout: lakes store them so, and nothing is computed in 32 here.
TYPES = {
    Type.BOOL: "BOOLEAN",
    Type.INT: "BIGINT",
    Type.LONG: "BIGINT",
    Type.REAL: "DOUBLE",
    Type.DECIMAL: "DECIMAL(38, 12)",
    Type.STRING: "STRING",
    Type.DATETIME: "TIMESTAMP_NTZ",
    Type.TIMESPAN: "BIGINT",
    Type.DYNAMIC: "STRING",
    Type.GUID: "STRING",
    Type.UNKNOWN: "STRING",
}
# Types whose values Spark compares, groups and orders as DuckDB does: texts by their bytes, no fractions.
EXACT = frozenset(TYPES) - {Type.REAL, Type.DECIMAL}
_SAFE = frozenset(" !#%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz|~")


def quote_identifier(name: str) -> str:
    """Return a quoted identifier."""
    return "`" + name.replace("`", "``") + "`"


def quote_string(value: str) -> str:
    """Return a quoted string constant; NUL and lone surrogates become U+FFFD, as they do in DuckDB.

    Backslashes, quotes, dollars and braces are written as escapes of a code point, so that neither
    the parser nor the substitution of `${variables}` finds anything in the text to act on.
    https://spark.apache.org/docs/latest/sql-ref-literals.html#string-literal
    """
    return "'" + "".join(map(_character, storable(value))) + "'"


def _character(char: str) -> str:
    if char in _SAFE or (char.isalnum() and ord(char) > 127):
        return char
    return f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"


def print_path(_printer: Printer, _path: e.Path) -> str:
    """Refuse: Spark's navigation gives texts without their quotes, so 1 and "1" would be one value."""
    raise ValueError("JSON is not navigated in Spark's own words")


def print_unnest(_printer: Printer, _node: n.Unnest, _source: str) -> str:
    """Refuse: elements are taken apart where they are carried."""
    raise ValueError("arrays are not taken apart in Spark's own words")


def bind_once(name: str, value: str, body: str) -> str:
    """Return `body` with `name` standing for `value`."""
    return f"element_at(transform(array({value}), {name} -> {body}), 1)"


# One a line: each is a module of this package with a table `FUNCTIONS` of meaning to spelling.
FAMILIES = ("aggregates", "scalars", "text", "time")


DIALECT = Dialect(
    name="spark",
    types=TYPES,
    functions=spellings(__name__, FAMILIES),
    path=print_path,
    unnest=print_unnest,
    identifier=quote_identifier,
    string=quote_string,
    dynamic_literal=quote_string,
    let=bind_once,
)
