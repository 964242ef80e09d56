"""The registry of emulations: a literal tuple of catalogue modules, loaded when first asked."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import import_module

from livefire.emulation.model import Emulation

_MODULES = ("t1578", "t1578_001", "t1578_002", "t1578_002_context", "t1578_003", "t1578_004", "t1578_004_refresh", "t1578_005")


class UnknownEmulationError(LookupError):
    """No emulation has that id; the message names the nearest ones."""


@cache
def emulations() -> tuple[Emulation, ...]:
    """Return every emulation, by technique, attacks before look-alikes."""
    found: list[Emulation] = []
    for name in _MODULES:
        found.extend(import_module(f"livefire.emulation.{name}").EMULATIONS)
    return tuple(found)


def find(emulation_id: str) -> Emulation:
    """Return the emulation of that id or number, upper and lower case alike. Raises UnknownEmulationError."""
    by_id = {name.lower(): e for e in emulations() for name in (e.number, e.id) if name}
    wanted = emulation_id.lower()
    if wanted in by_id:
        return by_id[wanted]
    near = difflib.get_close_matches(wanted, by_id, n=3)
    hint = f"; did you mean {', '.join(by_id[n].id for n in near)}?" if near else ""
    raise UnknownEmulationError(f"no emulation named {emulation_id!r}{hint}")


def for_technique(technique: str) -> tuple[Emulation, ...]:
    """Return a technique's emulations, for a parent technique those of its sub-techniques too; empty when there are none."""
    wanted = technique.upper()
    return tuple(e for e in emulations() if e.technique == wanted or e.technique.startswith(f"{wanted}."))


def look_alikes_of(emulation_id: str) -> tuple[Emulation, ...]:
    """Return the look-alikes that could be taken for that attack. Raises UnknownEmulationError."""
    attack = find(emulation_id)
    return tuple(e for e in emulations() if attack.id in e.resembles)
