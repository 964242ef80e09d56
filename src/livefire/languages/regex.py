"""Constant regular expressions, checked where they are written: the engine's are RE2's."""

from __future__ import annotations

import re

from livefire.diagnostics import Diagnostics, Span

# What RE2 leaves out (https://github.com/google/re2/wiki/Syntax), in the spellings of PCRE, .NET and Java.
_UNSUPPORTED: tuple[tuple[str, str], ...] = (
    (r"\(\?<?[=!]", "lookahead and lookbehind"),
    (r"\(\?>", "atomic groups"),
    (r"(?<!\\)(?:\\\\)*\\[1-9]", "back-references"),
    (r"\(\?P=|\\k[<{']", "back-references by name"),
    (r"\(\?\(", "conditional groups"),
    (r"\(\?R\)|\(\?[0-9]", "recursion"),
    (r"(?<!\\)[*+?}]\+", "possessive repetition"),
)


def check_pattern(pattern: str, span: Span, diagnostics: Diagnostics) -> str:
    """Return the pattern in RE2's spelling; E205 where RE2 has no such thing or the pattern is broken.

    `(?<name>` becomes `(?P<name>`, which RE2 always had.
    """
    plain = re.sub(r"\[(?:\\.|[^\]\\])*\]", lambda m: "_" * len(m.group()), pattern)
    for form, what in _UNSUPPORTED:
        if re.search(form, plain):
            diagnostics.error(
                "E205", f"the pattern needs {what}, which the engine's regular expressions do not have", span, help="write it without, or with two conditions"
            )
            return pattern
    try:
        re.compile(re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern))
    except (re.error, RecursionError, OverflowError) as fault:
        # Python's syntax differs from RE2's in classes such as \z and \p{L}; those are left to the engine.
        if not re.search(r"\\[pPzQEC]|\[\[:", pattern):
            diagnostics.error("E205", f"the regular expression is broken: {fault}", span)
    return re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern)
