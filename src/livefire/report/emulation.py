"""An emulation's story as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from livefire.emulation.model import Emulation


def story(emulation: Emulation) -> str:
    """Return the story for a person: what happens, what to type against an account of one's own, what to look for."""
    names = " · ".join(x for x in (emulation.number, emulation.id) if x)
    parts = [f"{emulation.title} ({names}, {emulation.kind.value.replace('_', '-')})", emulation.story]
    parts += _listed("Needs", emulation.needs if emulation.commands else ())
    parts += _listed("Commands", emulation.commands)
    parts += _listed("Clean-up", emulation.cleanup)
    parts += [f"Expected signal: {emulation.signal}"]
    parts += _listed("Resembles", emulation.resembles)
    parts += _listed("Told apart by", emulation.differs_by)
    return "\n".join(parts) + "\n"


def _listed(title: str, items: Sequence[str]) -> list[str]:
    return [f"{title}:", *(f"  {item}" for item in items)] if items else []


def as_json(emulation: Emulation, files: Sequence[Path]) -> dict[str, Any]:
    """Return the story and the files written as JSON-able data."""
    return {
        "id": emulation.id,
        "number": emulation.number,
        "technique": emulation.technique,
        "cloud": emulation.cloud.value,
        "kind": emulation.kind.value,
        "title": emulation.title,
        "story": emulation.story,
        "signal": emulation.signal,
        "needs": list(emulation.needs),
        "commands": list(emulation.commands),
        "cleanup": list(emulation.cleanup),
        "resembles": list(emulation.resembles),
        "differs_by": list(emulation.differs_by),
        "files": [str(f) for f in files],
    }
