"""DuckDB's spelling of the plan: one `Dialect` value, and one table of meanings a family."""

from __future__ import annotations

import json

from livefire.engines.sql import Dialect, Printer, spellings, storable
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.schema import Type

TYPES = {
    Type.BOOL: "BOOLEAN",
    Type.INT: "INTEGER",
    Type.LONG: "BIGINT",
    Type.REAL: "DOUBLE",
    Type.DECIMAL: "DECIMAL(38, 12)",
    Type.STRING: "VARCHAR",
    Type.DATETIME: "TIMESTAMP",
    Type.TIMESPAN: "BIGINT",
    Type.DYNAMIC: "VARCHAR",
    Type.GUID: "VARCHAR",
    Type.UNKNOWN: "VARCHAR",
}


def quote_identifier(name: str) -> str:
    """Return a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_string(value: str) -> str:
    """Return a quoted string constant; NUL and lone surrogates, which DuckDB cannot hold, become U+FFFD."""
    return "'" + storable(value).replace("'", "''") + "'"


def json_path(steps: tuple[str | int, ...]) -> str:
    """Return a JSON path for constant steps."""
    text = "$"
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]" if step >= 0 else f"[#-{-step}]"
        else:
            text += "." + json.dumps(step, ensure_ascii=False)
    return text


def print_path(printer: Printer, path: e.Path) -> str:
    """Return navigation into a JSON text; the base is JSON we wrote, so it never fails to parse."""
    found, plain = printer.expr(path.base), list[str | int]()
    for step in path.steps:
        if isinstance(step, int) or not _is_odd(step):
            plain.append(step)
            continue
        found = f"json_extract({_below(found, plain)}, {quote_string(pointer(step))})"
        plain = []
    return f"NULLIF(CAST({_below(found, plain)} AS VARCHAR), 'null')"


def _below(value: str, steps: list[str | int]) -> str:
    return f"json_extract({value}, {quote_string(json_path(tuple(steps)))})" if steps else value


def _is_odd(name: str) -> bool:
    """True for a member's name that a path cannot hold: to DuckDB `"*"` is every member, and an escape stands for itself."""
    return name in ("", "*") or not name.isprintable()


def pointer(name: str) -> str:
    """Return a JSON pointer to a member; it names an element too where it is digits."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def print_unnest(printer: Printer, node: n.Unnest, source: str) -> str:
    """Return the FROM item of an unnest: elements of an array, members of an object, or the scalar itself."""
    name, inner, value, array = printer.name(node.name), printer.alias(), '"~value"', '"~array"'
    member = f"CAST(json_object(k, json_extract({value}, '$.' || CAST(to_json(k) AS VARCHAR))) AS VARCHAR)"
    elements = (
        f"CASE WHEN COALESCE(json_type({value}), 'NULL') = 'NULL' THEN CAST([] AS VARCHAR[])"
        f" WHEN json_type({value}) = 'ARRAY' THEN CAST(json_extract({value}, '$[*]') AS VARCHAR[])"
        f" WHEN json_type({value}) = 'OBJECT' THEN list_transform(json_keys({value}), LAMBDA k: {member}) ELSE [{value}] END"
    )
    if node.outer:
        elements = f"COALESCE(NULLIF({elements}, CAST([] AS VARCHAR[])), [CAST(NULL AS VARCHAR)])"
    index = f", unnest(range(len({array}))) AS {printer.name(node.index)}" if node.index is not None else ""
    valued = f"SELECT *, CAST({printer.expr(node.expr)} AS VARCHAR) AS {value} FROM {source}"
    listed = f"SELECT * EXCLUDE ({value}), {elements} AS {array} FROM ({valued})"
    unnested = f"SELECT * EXCLUDE ({array}), unnest({array}) AS {name}{index} FROM ({listed})"
    return f"(SELECT * REPLACE (NULLIF({name}, 'null') AS {name}) FROM ({unnested})) AS {inner}"


def bind_once(name: str, value: str, body: str) -> str:
    """Return `body` with `name` standing for `value`."""
    return f"list_transform([{value}], LAMBDA {name}: {body})[1]"


# One a line: each is a module of this package with a table `FUNCTIONS` of meaning to spelling.
FAMILIES = (
    "aggregates",
    "arrays",
    "codings",
    "collections",
    "conversion",
    "dynamic",
    "elements",
    "formats",
    "encoding",
    "forms",
    "geography",
    "hashes",
    "lists",
    "multivalue",
    "network",
    "blocks",
    "scalars",
    "series",
    "text",
    "time",
)


DIALECT = Dialect(
    name="duckdb",
    types=TYPES,
    functions=spellings(__name__, FAMILIES),
    path=print_path,
    unnest=print_unnest,
    identifier=quote_identifier,
    string=quote_string,
    dynamic_literal=quote_string,
    let=bind_once,
)
