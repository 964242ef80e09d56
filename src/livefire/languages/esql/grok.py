"""Grok patterns as regular expressions of RE2.

Grok searches a text with Oniguruma, where names in the pattern make plain parentheses group only.
What RE2 lacks (look-around, atomic groups, back-references) is refused; a number or address
stands between word boundaries where Elasticsearch looks around it for digits.
https://www.elastic.co/docs/reference/query-languages/esql/esql-process-data-with-dissect-grok#esql-grok-patterns
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.esql.grok_library import BOUNDED, PATTERNS
from livefire.languages.esql.values import Kind
from livefire.languages.regex import check_pattern

_REFERENCE = re.compile(r"%\{(?P<syntax>[A-Za-z0-9_]+)(?::(?P<name>[A-Za-z0-9_@.\[\]:-]+?)(?::(?P<type>[a-z]+))?)?\}")
_NAMED = re.compile(r"\(\?P?<(?P<name>[A-Za-z_@][A-Za-z0-9_@.\-]*)>")
_TYPES = {"int": Kind.INT, "long": Kind.LONG, "double": Kind.DOUBLE, "float": Kind.DOUBLE, "string": Kind.TEXT, "keyword": Kind.TEXT}
_MOST = 40


@dataclass(frozen=True, slots=True)
class Capture:
    """A named part: its number, the expression with it as the only group, and whether a match may pass it over.

    The engine numbers no more than nine groups of one expression.
    """

    name: str
    group: int
    regex: str = ""
    kind: Kind = Kind.TEXT
    optional: bool = False


@dataclass(slots=True)
class Pattern:
    """A pattern as an expression of RE2 with its named parts."""

    regex: str = ""
    captures: list[Capture] = field(default_factory=list)


def expand(text: str, span: Span, context: Context) -> Pattern | None:
    """Return a grok pattern as RE2's; None after an error was recorded."""
    try:
        reader = _Reader(span, context)
        out = reader.read(text, 0)
    except Halt:
        return None
    plain = re.sub(r"\(\?P<g\d+>", "(?:", out)
    before = len(context.diagnostics)
    check_pattern(plain, span, context.diagnostics)
    if len(context.diagnostics) > before and context.diagnostics.failed:
        return None
    captures = [Capture(c.name, c.group, _only(out, c.group), c.kind, _may_be_absent(out, c.group)) for c in reader.captures]
    return Pattern(plain, captures)


def _only(regex: str, group: int) -> str:
    return re.sub(r"\(\?P<g\d+>", "(?:", regex.replace(f"(?P<g{group}>", "(", 1))


class _Reader:
    def __init__(self, span: Span, context: Context) -> None:
        self.span = span
        self.context = context
        self.captures: list[Capture] = []

    def fail(self, message: str, code: str = "E205", help: str = "") -> Halt:
        """Record an error and return the end of reading."""
        self.context.diagnostics.error(code, message, self.span, help=help)
        return Halt()

    def read(self, text: str, depth: int) -> str:
        """Expand references and number the named groups."""
        if depth > _MOST:
            raise self.fail("grok patterns nested too deep", "E204")
        out, place = "", 0
        while place < len(text):
            char = text[place]
            if char == "\\":
                out, place = out + text[place : place + 2], place + 2
            elif char == "[":
                end = _class_end(text, place)
                out, place = out + text[place:end], end
            elif char == "%" and (match := _REFERENCE.match(text, place)):
                out += self._reference(match, out, text[match.end() : match.end() + 2], depth)
                place = match.end()
            elif char == "(":
                group, place = self._group(text, place)
                out += group
            else:
                out, place = out + char, place + 1
        return out

    def _group(self, text: str, place: int) -> tuple[str, int]:
        named = _NAMED.match(text, place)
        if named:
            return self._open(named["name"], Kind.TEXT), named.end()
        if text.startswith("(?", place):
            if text.startswith(("(?=", "(?!", "(?<=", "(?<!"), place):
                words = "the pattern looks around a place, which the engine's regular expressions cannot"
                raise self.fail(words, help="take the neighbouring text into the pattern")
            if text.startswith("(?>", place):
                raise self.fail("the pattern has an atomic group, which the engine's regular expressions do not have")
            return "(?", place + 2
        return "(?:", place + 1

    def _open(self, name: str, kind: Kind) -> str:
        number = len(self.captures) + 1
        self.captures.append(Capture(name, number, kind=kind))
        return f"(?P<g{number}>"

    def _reference(self, match: re.Match[str], before: str, after: str, depth: int) -> str:
        syntax = match["syntax"]
        body = PATTERNS.get(syntax)
        if body is None:
            meant = nearest(syntax, PATTERNS)
            raise self.fail(f"no grok pattern is named {syntax!r} here", "E305", f"did you mean {meant!r}?" if meant else "write it as (?<name>regex)")
        kind = Kind.TEXT
        if match["type"]:
            if match["type"] not in _TYPES:
                raise self.fail(f"grok has no type {match['type']!r}", "E206", "use int, long, float, double or string")
            kind = _TYPES[match["type"]]
        opening = self._open(match["name"], kind) if match["name"] else "(?:"
        inner = opening + self.read(body, depth + 1) + ")"
        if syntax in BOUNDED and depth == 0:
            inner = ("" if _literal(before[-1:], before) else r"\b") + inner + ("" if _stops(after) else r"\b")
        return inner


def _literal(char: str, before: str) -> bool:
    """Tell whether the character before a reference is plain text that is no digit, so that no boundary is needed."""
    return bool(char) and (char.isalpha() or char in " =:,/'\"_@<>~`#&;!%") and not before.endswith(("\\" + char,))


def _stops(after: str) -> bool:
    return bool(after) and (after[0] in " =,/'\"<>~`#&;!@" or (after[0] == "\\" and after[1:] in ("]", "}", ")", "|")))


def _class_end(text: str, place: int) -> int:
    at = place + 1
    if text[at : at + 1] == "^":
        at += 1
    if text[at : at + 1] == "]":
        at += 1
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1


def _may_be_absent(regex: str, group: int) -> bool:
    """Tell whether a group stands in an alternative, or before `?`, `*` or `{0`, of itself or of what holds it."""
    start = regex.index(f"(?P<g{group}>")
    depth, place, branches = 0, 0, []
    opened: list[int] = []
    spans: list[tuple[int, int]] = []
    while place < len(regex):
        char = regex[place]
        if char == "\\":
            place += 2
            continue
        if char == "[":
            place = _class_end(regex, place)
            continue
        if char == "(":
            opened.append(place)
        elif char == ")" and opened:
            spans.append((opened.pop(), place))
        elif char == "|":
            branches.append(opened[-1] if opened else -1)
        place += 1
    holders = [(a, b) for a, b in spans if a <= start < b]
    if -1 in branches or depth:
        return True
    for a, b in holders:
        if a != start and a in branches:
            return True
        if regex[b + 1 : b + 2] in ("?", "*") or regex[b + 1 : b + 3] == "{0":
            return True
    return False
