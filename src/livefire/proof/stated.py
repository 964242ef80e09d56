"""Cases that a rule's author writes beside it: what it must find, and what it must leave alone.

`rule.cases.yml` beside `rule.kql`, or `cases.yml` for all rules of its folder:

    must_fire:
      - name: a snapshot shared with another account
        file: shared.json            # a log file beside this one; or
        emulation: T1578.001-aws-3   # one of livefire's; or
        events: [{eventVersion: "1.08", …}]
        rows: 1                      # optional
    must_not_fire: [ … ]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from livefire.diagnostics import Diagnostic, QueryError, Source


class StatedCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One case: its events from one of three places, and how many rows it must give."""

    name: str
    file: str | None = None
    emulation: str | None = None
    events: tuple[dict[str, Any], ...] = ()
    rows: int | None = None

    def __post_init__(self) -> None:
        if sum((self.file is not None, self.emulation is not None, bool(self.events))) != 1:
            raise ValueError(f"{self.name!r} needs one of file, emulation and events")


class CaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All cases of a file."""

    must_fire: tuple[StatedCase, ...] = ()
    must_not_fire: tuple[StatedCase, ...] = ()


def cases_beside(rule: Path) -> Path | None:
    """Return the case file of a rule file, None when there is none."""
    for name in (f"{rule.stem}.cases.yml", f"{rule.stem}.cases.yaml", "cases.yml", "cases.yaml"):
        if (rule.parent / name).is_file():
            return rule.parent / name
    return None


def read_cases(path: Path) -> CaseFile:
    """Return the cases of a file; QueryError E509 says what is wrong with one that cannot be read."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        return msgspec.convert(yaml.safe_load(text) or {}, CaseFile)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError, RecursionError) as fault:
        said = " ".join(str(fault).split())
        raise QueryError([Diagnostic("error", "E509", f"{path.name}: {said}")], Source("", str(path))) from fault
