"""livefire runs any SIEM's detection, exactly as written, over cloud audit logs, and proves that it fires."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from livefire.version import __version__

if TYPE_CHECKING:
    from livefire.diagnostics import Diagnostic, QueryError
    from livefire.engines.stopping import Stop, StoppedError
    from livefire.workspace import Result, Workspace

__all__ = ["Diagnostic", "QueryError", "Result", "Stop", "StoppedError", "Workspace", "__version__"]

_HOMES = {
    "Diagnostic": "livefire.diagnostics",
    "QueryError": "livefire.diagnostics",
    "Result": "livefire.workspace",
    "Stop": "livefire.engines.stopping",
    "StoppedError": "livefire.engines.stopping",
    "Workspace": "livefire.workspace",
}


def __getattr__(name: str) -> Any:
    """Return a public name, loading its module when first asked for, so that `livefire --help` loads none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
