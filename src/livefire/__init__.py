"""livefire runs any SIEM's detection, exactly as written, over cloud audit logs, and proves that it fires."""

from livefire.diagnostics import Diagnostic, QueryError
from livefire.workspace import Result, Workspace

__version__ = "0.1.0"
__all__ = ["Diagnostic", "QueryError", "Result", "Workspace", "__version__"]
