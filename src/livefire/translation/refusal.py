"""The refusal of a translation: which clause has no faithful form, and why."""

from __future__ import annotations

from livefire.diagnostics import Span

NO_FIELD, NO_FORM, NO_READING = "E310", "E311", "E312"


class Untranslatable(Exception):  # noqa: N818 - it ends a translation, and becomes a diagnostic
    """A clause has no faithful form in the target.

    `code` is E310 for a field that the target does not have, E311 for an operation that it cannot
    do the same way, E312 for a plan that translation does not take apart.
    """

    def __init__(self, code: str, message: str, span: Span | None = None, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.help = help
