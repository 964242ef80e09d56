"""What an editor offers: the tables of a language's product with their columns, its functions and its commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from livefire.languages import find
from livefire.plan import nodes as n
from livefire.plan.catalog import Table, TableCatalog

_SPELLINGS = {
    "kql": (("livefire.languages.kql.functions", "FUNCTIONS"), ("livefire.languages.kql.aggregates", "AGGREGATES")),
    "cql": (("livefire.languages.cql.functions", "FUNCTIONS"),),
    "eql": (("livefire.languages.eql.functions", "FUNCTIONS"),),
    "esql": (("livefire.languages.esql.functions", "FUNCTIONS"), ("livefire.languages.esql.functions", "AGGREGATES")),
    "spl": (("livefire.languages.spl.functions", "FUNCTIONS"), ("livefire.languages.spl.commands", "COMMANDS")),
}
_COMMANDS = {
    "kql": "where project extend summarize union join sort take top distinct count parse mv-expand mv-apply evaluate render lookup make-series project-away "
    "project-rename search let",
    "cql": "groupBy table sort select join case match bucket timeChart",
    "eql": "sequence by with maxspan until any where and or not in like regex",
    "esql": "FROM WHERE EVAL STATS BY KEEP DROP SORT LIMIT DISSECT GROK RENAME INLINESTATS MV_EXPAND METADATA",
    "spl": "search where by as",
    "sigma": "title id status logsource product service detection selection filter condition timeframe level tags falsepositives",
}
_PLAIN = re.compile(r"[A-Za-z_]\w*")


def words(language: str, catalog: TableCatalog, vendor: str | None) -> dict[str, Any]:
    """Return tables, functions and commands; the columns only of tables that events here can fill, for a product has a thousand others."""
    tables = [
        {
            "name": t.name,
            "title": t.title,
            "vendor": t.vendor,
            "compatibility": t.compatibility,
            "columns": [{"name": f.name, "type": f.type.value} for f in t.schema] if _fed(t) else [],
        }
        for t in catalog.tables(vendor)
    ]
    tables.sort(key=lambda t: (bool(t["compatibility"]), not t["columns"], str(t["name"]).lower()))
    return {
        "language": language,
        "tables": tables,
        "functions": list(functions(language)),
        "about": about(language),
        "commands": _COMMANDS.get(language, "").split(),
    }


def _fed(table: Table) -> bool:
    below = [table.plan]
    while below:
        node = below.pop()
        if isinstance(node, n.Scan):
            return True
        below.extend(n.inputs(node))
    return False


@cache
def functions(language: str) -> tuple[str, ...]:
    """Return the names of a language's functions."""
    return tuple(sorted(n for n in _known(language) if _PLAIN.fullmatch(n.replace(":", "_").replace("-", "_"))))


@cache
def about(language: str) -> dict[str, str]:
    """Return what there is to say of functions: what each takes, and why it cannot be run here."""
    return {name: text for name, one in _known(language).items() if (text := _told(one))}


def _known(language: str) -> dict[str, Any]:
    """Return the functions as the language's own tables have them, by name."""
    find(language)  # whole first: its modules import each other, which two threads must not do from two ends
    found: dict[str, Any] = {}
    for module, name in _SPELLINGS.get(language, ()):
        table: Any = getattr(import_module(module), name)
        for key in table:
            one = table[key] if isinstance(table, Mapping) else None
            found[str(getattr(one, "name", key))] = one
    return found


def _told(one: Any) -> str:
    if reason := getattr(one, "reason", ""):
        return f"cannot be run here: {reason}" + (f"; {one.help}" if getattr(one, "help", "") else "")
    named = [p for p in getattr(one, "parameters", ()) if isinstance(p, str) and p != "*"]
    if named:
        return f"takes {', '.join(named)}"
    least, most = getattr(one, "arity", None) or (getattr(one, "least", None), getattr(one, "most", None))
    if not isinstance(least, int):
        return ""
    count = f"{least} or more" if most is None else f"{least} to {most}" if most != least else f"{least}" if least else "no"
    return f"takes {count} argument{'' if count in ('1', 'no') else 's'}"
