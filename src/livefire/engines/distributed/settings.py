"""Settings of Spark in a file: where it runs, where it finds the lake, and which tables of a site stand for log sources."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livefire.diagnostics import Diagnostic, QueryError, Span
from livefire.engines.distributed.stored import Places, SiteTable

if TYPE_CHECKING:
    from livefire.engines.spark import Spark

_KEYS = {"address": str, "lake": str, "carry": bool, "tables": dict}
_TABLE_KEYS = {"table": str, "columns": dict, "absent": list, "order": str}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a settings file says; see docs/spark.md for its keys."""

    address: str = "local[*]"
    lake: str = ""
    carry: bool = True
    tables: Mapping[str, SiteTable] = field(default_factory=dict)

    def engine(self) -> Spark:
        """Return the engine that these settings describe."""
        from livefire.engines.spark import Spark

        return Spark(self.address, Places(self.lake, self.tables), carry=self.carry)


def read_settings(path: Path) -> Settings:
    """Return the settings in a TOML file; QueryError E466 for a file that is none, or says what there is not."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refused(path, "cannot be read" if isinstance(error, OSError) else "is no TOML") from error
    _check(path, given, _KEYS, "")
    tables = {source: _table(path, source, one) for source, one in given.pop("tables", {}).items()}
    return Settings(**given, tables=tables)


def _table(path: Path, source: str, given: Any) -> SiteTable:
    if not isinstance(given, dict):
        raise _refused(path, f"tables.{source} is no table")
    _check(path, given, _TABLE_KEYS, f"tables.{source}.")
    if "table" not in given:
        raise _refused(path, f"tables.{source} does not name its table")
    columns, absent = given.get("columns", {}), given.get("absent", [])
    wrong = [name for name, value in columns.items() if not isinstance(value, str)] + [x for x in absent if not isinstance(x, str)]
    if wrong:
        raise _refused(path, f"tables.{source} has a column that is not given as text")
    return SiteTable(given["table"], columns, frozenset(absent), given.get("order", ""))


def _check(path: Path, given: Mapping[str, Any], known: Mapping[str, type], where: str) -> None:
    for name, value in given.items():
        if name not in known:
            raise _refused(path, f"there is no setting {where}{name}", f"there are {', '.join(known)}")
        if not isinstance(value, known[name]):
            raise _refused(path, f"the setting {where}{name} is not of the kind it has to be")


def _refused(path: Path, why: str, help: str = "see docs/spark.md") -> QueryError:
    return QueryError([Diagnostic("error", "E466", f"{path.name}: {why}", Span(0, 0), help=help)])
