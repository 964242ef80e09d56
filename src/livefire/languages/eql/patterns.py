"""Wildcards and regular expressions of EQL."""

from __future__ import annotations

import re

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.index import regexp
from livefire.plan import expr as e
from livefire.plan.functions import call


def is_plain(pattern: str, operator: str) -> bool:
    """Tell whether a text under `:`, `in` or `like` stands for itself."""
    return operator in ("in", "in~") or (not operator.startswith("regex") and not re.search(r"[*?]", pattern))


def match(value: e.Expr, pattern: str, operator: str, span: Span, context: Context) -> e.Call:
    """Return whether a text fits a pattern under `:`, `like` or `regex` (`~` for any case); the whole text must fit.

    `*` stands for any characters and `?` for one; neither can be escaped.
    https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-pattern-comparison-keywords
    """
    if operator.startswith("regex"):
        flags = "is" if operator.endswith("~") else "s"
        return call("text.matches_regex", value, e.text(translate(pattern, span, context)), e.text(flags), span=span)
    # The meaning gives the backslash a role that EQL does not know.
    return call("text.wildcard_fold" if operator in (":", "like~") else "text.wildcard", value, e.text(pattern.replace("\\", "\\\\")), span=span)


def translate(pattern: str, span: Span, context: Context) -> str:
    """Return a Lucene regular expression as one for RE2, anchored at both ends."""
    try:
        found = regexp.translate(pattern)
    except regexp.RegexpError as fault:
        help = "use regex~ for any case" if fault.sign == "(?" else f"write \\{fault.sign} for the character itself" if fault.sign else ""
        context.diagnostics.error(fault.code, str(fault), span, help=help)
        raise Halt from fault
    for sign in found.plain:
        words = f"{sign!r} is a plain character here: a regular expression of Elasticsearch always fits the whole text"
        context.diagnostics.warn("W145", words, span, help=f"leave {sign!r} out" if sign in "^$" else "write .* for any text")
    return found.text
