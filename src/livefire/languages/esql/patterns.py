"""Wildcards and Lucene's regular expressions, as LIKE and RLIKE take them, and Java's, as REPLACE does."""

from __future__ import annotations

import re
from typing import NoReturn

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.index import regexp
from livefire.languages.regex import check_pattern
from livefire.plan import expr as e
from livefire.plan.functions import call

# A possessive repetition of a class before a character outside it, or at the end, gives nothing back anyway.
_POSSESSIVE = re.compile(r"(\\[wd])([*+?])\+(?=\\?[^\w\\\[(.*+?{|]|$)")
_ONE = r"(?:\[[^\]\[\\^]+\]|\\[dwsrntf]|\\[^\w\s]|[^\\\[\](){}|*+?.^$])"
_AHEAD = re.compile(rf"\(\?!({_ONE}(?:\|{_ONE})*)\)(\[[^\]\[\\^]+\])(\+?)(?![*?{{+])")


def match(value: e.Expr, pattern: str, operator: str, span: Span, context: Context) -> e.Expr:
    """Return whether the whole text fits a pattern.

    Under LIKE `*` is any run, `?` one character and a backslash makes the next one plain.
    https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/operators
    """
    if operator == "rlike":
        return call("text.matches_regex", value, e.text(lucene(pattern, span, context)), e.text("s"), span=span)
    trailing = len(pattern) - len(pattern.rstrip("\\"))
    if trailing % 2:
        _refuse("a pattern cannot end in a single backslash", "E205", span, context)
    if "%" in pattern and not re.search(r"[*?]", pattern):
        context.diagnostics.warn("W175", "% is a plain character under LIKE", span, help="write * for any text and ? for one character")
    return call("text.wildcard", value, e.text(pattern), span=span)


def java(pattern: str, span: Span, context: Context) -> str:
    """Return a Java regular expression as RE2's; E205 for what RE2 lacks."""
    if re.search(r"&&", pattern):
        _refuse("RE2 has no intersection of character classes (&&)", "E205", span, context)
    return check_pattern(_without_lookahead(_POSSESSIVE.sub(r"\1\2", pattern)), span, context.diagnostics)


def _without_lookahead(pattern: str) -> str:
    """Return a pattern in which a class of ASCII after a negative lookahead for single characters is the class without them."""

    def narrowed(match: re.Match[str]) -> str:
        try:
            unwanted, wanted = re.compile(match[1], re.ASCII), re.compile(match[2], re.ASCII)
        except re.error:
            return match.group()
        kept = "".join(re.escape(c) for c in map(chr, range(128)) if wanted.fullmatch(c) and not unwanted.fullmatch(c))
        first = f"[{kept}]" if kept else r"[^\x00-\x{10FFFF}]"
        return first + {"": "", "+": match[2] + "*"}[match[3]]

    return _AHEAD.sub(narrowed, pattern)


def java_replacement(text: str, span: Span, context: Context) -> str:
    """Return a Java replacement as RE2's: `$1` names a group, a backslash makes the next character plain."""
    out, place = "", 0
    while place < len(text):
        char = text[place]
        if char == "\\" and place + 1 < len(text):
            out, place = out + text[place + 1].replace("\\", "\\\\"), place + 2
        elif char == "$":
            group = re.match(r"\$(\d)", text[place:])
            if group is None:
                _refuse("only $0 to $9 can name a group in a replacement", "E305", span, context, "write \\\\$ for a dollar sign")
            out, place = out + "\\" + group[1], place + 2
        else:
            out, place = out + ("\\\\" if char == "\\" else char), place + 1
    return out


def lucene(pattern: str, span: Span, context: Context) -> str:
    """Return a Lucene regular expression as one for RE2, anchored at both ends."""
    try:
        found = regexp.translate(pattern)
    except regexp.RegexpError as fault:
        help = "use to_lower(…) for any case" if fault.sign == "(?" else f"write \\\\{fault.sign} for the character itself" if fault.sign else ""
        _refuse(str(fault), fault.code, span, context, help)
    for sign in found.plain:
        help = f"leave {sign!r} out" if sign in "^$" else "write .* for any text"
        context.diagnostics.warn("W174", f"{sign!r} is a plain character here: RLIKE always fits the whole text", span, help=help)
    return found.text


def _refuse(message: str, code: str, span: Span, context: Context, help: str = "") -> NoReturn:
    context.diagnostics.error(code, message, span, help=help)
    raise Halt
