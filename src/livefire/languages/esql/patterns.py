"""Wildcards and Lucene's regular expressions, as LIKE and RLIKE take them, and Java's, as REPLACE does."""

from __future__ import annotations

import re
from typing import NoReturn

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.regex import check_pattern
from livefire.plan import expr as e
from livefire.plan.functions import call

_REPEATED = re.compile(r"[*+?]+")
# A possessive repetition of a class before a character outside it, or at the end, gives nothing back anyway.
_POSSESSIVE = re.compile(r"(\\[wd])([*+?])\+(?=\\?[^\w\\\[(.*+?{|]|$)")
_ONE = r"(?:\[[^\]\[\\^]+\]|\\[dwsrntf]|\\[^\w\s]|[^\\\[\](){}|*+?.^$])"
_AHEAD = re.compile(rf"\(\?!({_ONE}(?:\|{_ONE})*)\)(\[[^\]\[\\^]+\])(\+?)(?![*?{{+])")
_CLASSES = frozenset("dDwWsS")
_MAX_REPEAT = 1000
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")


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
    """Return a Lucene regular expression as one for RE2, anchored at both ends.

    Lucene's `^` and `$` are plain characters, `"…"` quotes, `@` is any text; `~`, `&`, `<n-m>` and
    `#` have no equal and are refused.
    https://www.elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax
    """
    out: list[str] = []
    place = 0
    while place < len(pattern):
        found = _REPEATED.match(pattern, place)
        # Where nothing stands before it, a sign of repetition is a plain character.
        if found and (not out or out[-1] in ("(", "|")):
            context.diagnostics.warn("W174", f"{pattern[place]!r} is a plain character here, for nothing stands before it", span, help="write .* for any text")
            out.append(re.escape(pattern[place]))
            place += 1
        elif found:
            out.append(_merged(found.group()))
            place = found.end()
        else:
            piece, place = _piece(pattern, place, span, context)
            out.append(piece)
    text = "".join(out)
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        _refuse(f"this is no regular expression: {error}", "E205", span, context)
    return rf"\A(?:{text})\z"


def _merged(signs: str) -> str:
    """Return one sign for several: Lucene repeats what is repeated, where RE2 would read a lazy form."""
    if len(set(signs)) == 1:
        return signs[0]
    return "*"


def _piece(pattern: str, place: int, span: Span, context: Context) -> tuple[str, int]:
    char = pattern[place]
    if char == "\\":
        return _escape(pattern, place, span, context), place + 2
    if char == "[":
        return _bracket(pattern, place, span, context)
    if char == '"':
        end = pattern.find('"', place + 1)
        if end < 0:
            _refuse('in RLIKE a " opens a quoted part, and this one is not closed', "E205", span, context, 'write \\\\" for a quote')
        return "(?:" + re.escape(pattern[place + 1 : end]) + ")", end + 1
    if char in "^$":
        words = f"{char!r} is a plain character under RLIKE, which always fits the whole text"
        context.diagnostics.warn("W174", words, span, help=f"leave {char!r} out")
        return re.escape(char), place + 1
    if char == "{" and (found := _REPEAT.match(pattern, place)):
        if max(int(n[:6]) for n in found.groups() if n) > _MAX_REPEAT:
            _refuse(f"more than {_MAX_REPEAT} repetitions cannot run here", "E205", span, context)
        return found.group(), found.end()
    if char == "@":
        return "(?:.*)", place + 1
    if char in "~&<#":
        _refuse(f"the operator {char!r} of Lucene's regular expressions cannot run here", "E305", span, context, f"write \\\\{char} for the character itself")
    if char == "(" and pattern[place + 1 : place + 2] == "?":
        _refuse("RLIKE has no groups that begin with `(?`", "E205", span, context, "use to_lower(…) for any case")
    return (char if char in "().|*+?" else re.escape(char)), place + 1


def _escape(pattern: str, place: int, span: Span, context: Context) -> str:
    if place + 1 >= len(pattern):
        _refuse("a regular expression cannot end in a single backslash", "E205", span, context)
    char = pattern[place + 1]
    return "\\" + char if char in _CLASSES else re.escape(char)


def _bracket(pattern: str, place: int, span: Span, context: Context) -> tuple[str, int]:
    """Return a character class and the place after it; inside, only `]`, `-`, `^` and the backslash mean something."""
    out, at = "[", place + 1
    if pattern[at : at + 1] == "^":
        out, at = "[^", at + 1
    first = at
    while at < len(pattern) and (pattern[at] != "]" or at == first):
        if pattern[at] == "\\":
            out, at = out + _escape(pattern, at, span, context), at + 2
        else:
            out, at = out + ("\\" + pattern[at] if pattern[at] in "[]&~^|" else pattern[at]), at + 1
    if at >= len(pattern):
        _refuse("this character class is never closed", "E205", span, context)
    return out + "]", at + 1


def _refuse(message: str, code: str, span: Span, context: Context, help: str = "") -> NoReturn:
    context.diagnostics.error(code, message, span, help=help)
    raise Halt
