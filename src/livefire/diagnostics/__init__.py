"""Places, diagnostics and how they are shown; the bottom floor, which imports nothing above it."""

from livefire.diagnostics.diagnostic import Diagnostic, Diagnostics, Fix, Halt, Label, QueryError, Severity
from livefire.diagnostics.source import NOWHERE, Position, Source, Span

__all__ = ["NOWHERE", "Diagnostic", "Diagnostics", "Fix", "Halt", "Label", "Position", "QueryError", "Severity", "Source", "Span"]
