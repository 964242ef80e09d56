"""Regular expressions of KQL: RE2's, checked before they run. https://learn.microsoft.com/kusto/query/regex"""

from __future__ import annotations

import re
import warnings

from livefire.diagnostics import Span
from livefire.languages.kql.scope import Scope
from livefire.plan import expr as e

_LOOK = re.compile(r"(?<!\\)(?:\\\\)*\((\?=|\?!|\?<=|\?<!|\?>|\?\()")
_BACK = re.compile(r"(?<!\\)(?:\\\\)*\\([1-9]|k[<'{])")
_POSSESSIVE = re.compile(r"(?<!\\)(?:\\\\)*[*+?}]\+")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]", re.DOTALL)


def check_regex(scope: Scope, pattern: e.Expr, span: Span) -> e.Expr:
    """Return the pattern as RE2 takes it; E205 with the reason for a constant one that RE2 has no words for."""
    if not isinstance(pattern, e.Literal):
        return pattern
    reason = fault(str(pattern.value if pattern.value is not None else ""))
    if reason:
        scope.context.diagnostics.error(
            "E205", f"the pattern cannot be run: {reason}", span, help="Kusto's patterns are RE2's: no lookaround and no back-references"
        )
    return e.text(str(pattern.value if pattern.value is not None else ""))


def fault(pattern: str) -> str:
    """Return why RE2 refuses a pattern, or an empty text."""
    bare = _CLASS.sub("[]", pattern)
    for test, reason in ((_LOOK, "it looks around"), (_BACK, "it refers back to a group"), (_POSSESSIVE, "it has a possessive count")):
        if test.search(bare):
            return reason
    return _compile_fault(pattern)


def _compile_fault(pattern: str) -> str:
    """Let Python's reader find unclosed groups and bad ranges; what only RE2 knows is made neutral first."""
    text = re.sub(r"\\\\", "xx", pattern)
    text = re.sub(r"\\[pP](?:\{\^?\w+\}|\w)", "x", text)
    text = re.sub(r"\\[zCQE]", "x", text)
    text = re.sub(r"\\x\{[0-9a-fA-F]+\}", "x", text)
    text = re.sub(r"\(\?[imsU]*-?[imsU]*(:|\))", lambda m: "(?:" if m[1] == ":" else "", text)
    text = re.sub(r"\(\?P?<([A-Za-z_]\w*)>", "(", text)
    text = re.sub(r"\[\[:\^?\w+:\]", "[x", text)
    text = re.sub(r"\[:\^?\w+:\]", "x", text)
    text = re.sub(r"\\([A-Za-z])", lambda m: m[0] if m[1] in "dDwWsSbBnrtfvaAxu" else "x", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error).split(" at position")[0]
    return ""


def group_count(pattern: str) -> int:
    """Return the number of capture groups of a pattern."""
    bare = re.sub(r"\\.", "", _CLASS.sub("", pattern), flags=re.DOTALL)
    return len(re.findall(r"\((?!\?)|\(\?P?<[A-Za-z_]", bare))


def group_names(pattern: str) -> dict[str, int]:
    """Return the numbers of named capture groups."""
    bare = re.sub(r"\\.", "", _CLASS.sub("", pattern), flags=re.DOTALL)
    names: dict[str, int] = {}
    for number, found in enumerate(re.finditer(r"\((?:(?!\?)|\?P?<([A-Za-z_]\w*)>)", bare), 1):
        if found[1]:
            names[found[1]] = number
    return names
