"""What the interpreters of our own child processes load, what they need not, and when they end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def command(script: Path, *arguments: str) -> list[str]:
    """Return what starts a script of ours: its arguments, the parent's process, and the folders to import from."""
    roots = [os.path.realpath(entry) for entry in sys.path if entry]
    return [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(script), *arguments, str(os.getpid()), *roots]


def end_with(parent: int) -> None:
    """End this process when the one that started it ends, whatever ends that; at once if it has."""
    if sys.platform.startswith("linux"):
        import ctypes

        zero = ctypes.c_ulong(0)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), zero, zero, zero)
    if os.getppid() != parent:
        os._exit(0)


class _Absent:
    """Finds nothing under some names, whatever is installed."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        """Refuse a name that is left out, and leave every other to the next finder."""
        del path, target
        if name in self._names:
            raise ModuleNotFoundError(f"{name} is left out of this process", name=name)


def leave_out(*names: str) -> None:
    """Make packages be as if they were not installed: what looks for them only in case takes half a second to load, and forty megabytes."""
    sys.meta_path.insert(0, _Absent(frozenset(names)))
