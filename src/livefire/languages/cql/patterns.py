"""Texts with `*` and regular expressions of CQL as the plan's wildcard patterns and RE2.

https://library.humio.com/data-analysis/syntax-filters.html and
https://library.humio.com/data-analysis/syntax-regex-flags.html
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.languages.base import Context

_GROUP = re.compile(r"\(\?(?:P)?<([^=!>][^>]*)>")
_UNSUPPORTED = (
    (re.compile(r"\(\?<?[=!]"), "looks around"),
    (re.compile(r"\(\?>"), "holds an atomic group"),
    (re.compile(r"\\[1-9]"), "refers back to a group"),
    (re.compile(r"\\k<"), "refers back to a group"),
)
_POSSESSIVE = re.compile(r"[*+?}]\+")
_OPTIONAL = re.compile(r"\||\)(?:[?*]|\{0)")
_FLAGS = {"i": "i", "m": "m", "d": "s", "s": "s"}


@dataclass(frozen=True, slots=True)
class Regex:
    """A pattern as RE2 reads it, with the names of its groups by number.

    `optional` tells that a group may take no part in a match; its field is then not set.
    """

    text: str
    groups: tuple[tuple[int, str], ...]
    repeat: bool
    optional: bool


def wildcard(raw: str) -> str:
    """Return a text in which `*` is any run as a pattern of the plan, where `?` is special too.

    A backslash before `*`, a quote or a backslash makes it plain; before another character it is itself.
    """
    out: list[str] = []
    at = 0
    while at < len(raw):
        char = raw[at]
        if char == "\\" and at + 1 < len(raw) and raw[at + 1] in '*"\\':
            out.append(_plain(raw[at + 1]))
            at += 2
            continue
        out.append("*" if char == "*" else _plain(char))
        at += 1
    return "".join(out)


def _plain(char: str) -> str:
    return "\\" + char if char in "*?\\" else char


def literal(raw: str) -> str | None:
    """Return the text that a pattern without `*` stands for, None when it has one."""
    pattern = wildcard(raw)
    out: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == "*":
            return None
        if pattern[at] == "\\":
            at += 1
        out.append(pattern[at])
        at += 1
    return "".join(out)


def regex(pattern: str, flags: str, span: Span, context: Context, *, multiline: bool = False, repeated: bool = False) -> Regex | None:
    """Return a pattern for RE2 with its flags inside, or None after E205 for what RE2 has not.

    `d` lets the dot take line ends, `m` lets ^ and $ take lines, `g` repeats, `F` picks an engine
    and changes nothing here. `repeated` patterns go on where a match ends, so nothing may be matched that is only looked at.
    """
    for flag in flags:
        if flag not in "idmgFs":
            context.diagnostics.error("E205", f"no flag of patterns is named {flag!r}", span, help="flags are d, F, g, i and m")
            return None
    pattern = _without_possessive(pattern if repeated else _tail_ahead(pattern))
    bare = _outside_classes(pattern)
    for found, what in _UNSUPPORTED:
        if found.search(bare):
            help = "match the parts with filters of their own: field = /a/ | field != /b/" if "around" in what else "write it without"
            context.diagnostics.error("E205", f"the pattern {what}, which RE2 has not", span, help=help)
            return None
    if _POSSESSIVE.search(bare):
        context.diagnostics.error("E205", "the pattern holds a possessive quantifier, which RE2 has not", span, help="leave out the second +")
        return None
    text, groups = _number_groups(pattern)
    text = _respell(text)
    if not _compiles(text, span, context):
        return None
    inline = "".join(sorted({_FLAGS[f] for f in flags if f in _FLAGS} | ({"m"} if multiline else set())))
    return Regex(f"(?{inline}){text}" if inline else text, groups, "g" in flags, _OPTIONAL.search(bare) is not None)


_SIMPLE = r"(?:\\[dwsDWS]|\\[^A-Za-z0-9]|\[\^?(?:\\.|[^\]\\\[])+\]|[A-Za-z0-9 _,;:/=\"'<>~@#%&-])"
_EAGER = re.compile(rf"({_SIMPLE})([*+?]|\{{\d+(?:,\d*)?\}})\+(?={_SIMPLE}|\)|$)")
_AHEAD = re.compile(r"\(\?=((?:\\.|\[(?:\\.|[^\]\\])*\]|[^()\\\[])*)\)(\)*)$")


def _without_possessive(pattern: str) -> str:
    """Drop the second + of `a*+b` where nothing of b could have been taken by a, so that it changes nothing."""

    def plain(found: re.Match[str]) -> str:
        # Brackets that close at once, unrepeated, change nothing of what comes next.
        rest = re.match(rf"\)*({_SIMPLE})", pattern[found.end() :])
        if rest is None or _share(found.group(1), rest.group(1)):
            return found.group()
        return found.group(1) + found.group(2)

    return _EAGER.sub(plain, pattern)


def _share(one: str, other: str) -> bool:
    """Return whether a character fits both of two parts of a pattern."""
    try:
        a, b = re.compile(one), re.compile(other)
    except re.error:
        return True
    return any(a.fullmatch(c) and b.fullmatch(c) for c in map(chr, range(0x250)))


def _tail_ahead(pattern: str) -> str:
    """Write a look ahead at the very end as a part that is matched too: what the groups hold is the same.

    Not where a bracket around it has a choice, whose other branches would then want it as well.
    """
    found = _AHEAD.search(pattern)
    if found is None:
        return pattern
    head = pattern[: found.start()]
    bare = _outside_classes(head)
    depth = len(found.group(2))
    level, opened = 0, 0
    for char in reversed(bare):
        if char == ")":
            level += 1
        elif char == "(":
            if level == 0:
                opened += 1
            else:
                level -= 1
        elif char == "|" and level == 0 and opened < depth + 1:
            return pattern
    return f"{head}{found.group(2)}(?:{found.group(1)})" if opened == depth else pattern


# An escape, a class in brackets, or a single character.
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|.", re.DOTALL)


def only_group(text: str, number: int) -> str:
    """Return a pattern in which no group but that one is kept: engines number only the first nine."""
    out: list[str] = []
    count = 0
    for piece in _PIECE.finditer(text):
        char = piece.group()
        if char == "(" and text[piece.end() : piece.end() + 1] != "?":
            count += 1
            char = "(" if count == number else "(?:"
        out.append(char)
    return "".join(out)


def _outside_classes(pattern: str) -> str:
    """Return the pattern with character classes emptied and escapes blanked, but for those that refer back."""
    out: list[str] = []
    for found in _PIECE.finditer(pattern):
        piece = found.group()
        if piece[0] == "\\":
            out.append(piece if piece[1:] in {*"123456789k"} else "__")
        else:
            out.append("[]" if piece[0] == "[" else piece)
    return "".join(out)


def _number_groups(pattern: str) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Return the pattern with its groups unnamed, and the number of each name: names may hold dots, which RE2 refuses."""
    groups: list[tuple[int, str]] = []
    out: list[str] = []
    count = beyond = 0
    for found in _PIECE.finditer(pattern):
        at, piece = found.start(), found.group()
        if at < beyond:
            continue
        if piece == "(":
            named = _GROUP.match(pattern, at)
            if named or pattern[at + 1 : at + 2] != "?":
                count += 1
            if named:
                groups.append((count, named.group(1)))
                beyond = named.end()
        out.append(f"[\\]{piece[2:]}" if piece.startswith("[]") else piece)
    return "".join(out), tuple(groups)


def _respell(text: str) -> str:
    """Return the pattern with the escapes that RE2 has not under another spelling."""
    return _DASHED.sub(r"\1\-", _RESPELLED.sub(_respelled, text))


# After a class in brackets a - can begin no range: [\w-.] is a letter, a - or a point.
_DASHED = re.compile(r"(\[(?:[^\]\\]|\\.)*?\\[wWdDsS])-(?!\])")


def _probed(escape: re.Match[str]) -> str:
    """Write an escape that RE2 reads in a way that the probe reads too; the classes before a - in brackets are one character."""
    kind = escape.group(1)
    if kind[0] in "pPxQEC":
        return "x" if kind[0] not in "QE" and (kind[0] != "x" or "{" in kind) else "" if kind[0] in "QE" else escape.group()
    return {"z": r"\Z"}.get(kind, "x" if kind in "wWdDsS" else escape.group())


def _respelled(escape: re.Match[str]) -> str:
    char = escape.group(1)
    plain = char == "_" or char > "\x7f"
    return char if plain else _ESCAPES.get(char, escape.group())


_RESPELLED = re.compile(r"\\([pPx]\{[^}]*\}|[pP].|.)", re.DOTALL)
_ESCAPES = {"Z": r"(?:\n?\z)", "h": r"[\t ]", "R": r"(?:\r\n|[\n\r])"}


def _compiles(text: str, span: Span, context: Context) -> bool:
    """Report what no engine of regular expressions reads: unclosed brackets, nothing to repeat."""
    probe = _RESPELLED.sub(_probed, re.sub(r"\[:\^?\w+:\]", "x", text))
    probe = re.sub(r"\(\?([a-zA-Z]+)\)", "", re.sub(r"\(\?U", "(?", probe))
    try:
        with warnings.catch_warnings():  # Python means to read `[[` in another way some day, RE2 does not
            warnings.simplefilter("ignore")
            re.compile(probe)
    except re.error as error:
        context.diagnostics.error("E205", f"the pattern cannot be read: {error.msg}", span)
        return False
    except (OverflowError, RecursionError):
        context.diagnostics.error("E205", "the pattern is too large", span)
        return False
    return True
