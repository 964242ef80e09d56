"""Secrets by reference: what a configuration names and never holds."""

from __future__ import annotations

import os
from pathlib import Path

from livefire.watch.faults import WatchError


def secret(reference: str) -> str:
    """Return what `env:NAME` or `file:PATH` refers to; WatchError E702 for another reference, and where nothing is there."""
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        found = os.environ.get(name, "")
        if not found:
            raise WatchError("E702", f"the environment has no {name}")
        return found
    if kind == "file" and name:
        try:
            found = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise WatchError("E702", f"the secret in {name} cannot be read") from None
        if not found:
            raise WatchError("E702", f"the secret in {name} is empty")
        return found
    raise WatchError("E702", "a secret is named, not written: env:NAME or file:PATH")
