"""Reads the Kibana Query Language.

Blanks matter in it: a value without quotes goes on to the next keyword, bracket or colon, and `and`, `or`
and `not` are keywords only between blanks. `not` binds tighter than `and`, `and` tighter than `or`.
https://www.elastic.co/docs/reference/query-languages/kql
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NoReturn

from livefire.diagnostics import Diagnostics, Fix, Halt, Label, Span
from livefire.languages.base import Context
from livefire.languages.index.filters import AllOf, AnyOf, Bound, Everything, Exists, FieldName, Filter, Match, Nested, Not, Range, Written
from livefire.languages.index.query import search
from livefire.languages.kit.cursor import MAX_DEPTH
from livefire.plan.nodes import Plan

_BLANK = r"[ \t\r\n\u00a0]"
_BLANKS = re.compile(f"{_BLANK}*")
_JOIN = {word: re.compile(f"{_BLANK}+{word}{_BLANK}+", re.IGNORECASE) for word in ("and", "or")}
_NOT = re.compile(f"not{_BLANK}+", re.IGNORECASE)
# A keyword that touches a bracket or quote, which Kibana reads as part of a value.
_TIGHT = re.compile(rf"{_BLANK}*(and|or){_BLANK}*(?=[(\"])|{_BLANK}*(?<=[)\"])(and|or){_BLANK}+", re.IGNORECASE)
_KEYWORD = re.compile(f"{_BLANK}+(?:and|or){_BLANK}+|not{_BLANK}+", re.IGNORECASE)
_ESCAPED = re.compile(r'\\(?:(?P<blank>[trn])|(?P<sign>[\\():<>"*{}])|u(?P<code>[0-9a-fA-F]{4})|(?P<word>or|and|not))', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:\\[\\"]|[^"])*"', re.DOTALL)
_IN_QUOTES = re.compile(r'\\(?:(?P<blank>[trn])|u(?P<code>[0-9a-fA-F]{4})|(?P<sign>[\\"]))')
_OPERATORS: tuple[Bound | Literal[":"], ...] = (":", "<=", ">=", "<", ">")
_SPECIAL = frozenset('\\():<>"*{}')
_WHITE = {"t": "\t", "r": "\r", "n": "\n"}
_STRIPPED = " \t\r\n\u00a0"


def parse(context: Context) -> Filter:
    """Return the filter of a text; an empty one is every document."""
    return _Parser(context).whole()


def lower(tree: object, context: Context) -> Plan:
    """Return the plan of a filter."""
    return search(tree, context)  # type: ignore[arg-type]  # what `parse` gave


class _Parser:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.diagnostics: Diagnostics = context.diagnostics
        self.text = context.diagnostics.source.text
        self.at = 0
        self._depth = 0

    def whole(self) -> Filter:
        """Read the whole text."""
        self.blanks()
        if self.at == len(self.text):
            return Everything(Span(0, len(self.text)))
        found = self.alternatives()
        self.blanks()
        if self.at < len(self.text):
            self.unexpected("the end, `and` or `or`")
        return found

    # joins

    def alternatives(self) -> Filter:
        """Read conditions joined by `or`."""
        self._deeper()
        start = self.at
        parts = [self.conjunction()]
        while self.join("or"):
            parts.append(self.conjunction())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts), self.span(start))

    def conjunction(self) -> Filter:
        """Read conditions joined by `and`."""
        start = self.at
        parts = [self.negation()]
        while self.join("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts), self.span(start))

    def negation(self) -> Filter:
        """Read a condition, negated or not."""
        start = self.at
        found = _NOT.match(self.text, self.at)
        if found is None:
            return self.term()
        self.at = found.end()
        part = self.term()
        return Not(part, self.span(start))

    def join(self, word: str) -> bool:
        """Step over `and` or `or` between blanks; one that touches a bracket or quote is E280, or W280 when lenient."""
        found = _JOIN[word].match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            return True
        tight = _TIGHT.match(self.text, self.at)
        if tight is not None and (tight[1] or tight[2]).lower() == word:
            place = Span(*(tight.span(1) if tight[1] else tight.span(2)))
            fix = Fix(Span(tight.start(), tight.end()), f" {word} ", f"write blanks around {word}")
            self.context.quirk(280, f"Kibana reads {word!r} as a keyword only with blanks around it", span=place, fix=fix)
            self.at = tight.end()
            return True
        return False

    def term(self) -> Filter:
        """Read a condition in parentheses, or on a field."""
        if self.sign() == "(":
            return self.in_brackets(self.alternatives, ")")
        start = self.at
        name = self.literal("a condition")
        after = self.at
        self.blanks()
        operator = self.operator()
        if operator == ":":
            self.blanks()
            if self.sign() == "{":
                part = self.in_brackets(self.alternatives, "}")
                return Nested(_field(name), part, self.span(start))
            return self.values(_field(name), start)
        if operator is not None:
            self.blanks()
            value = self.literal("a value")
            return Range(_field(name), ((operator, value),), self.span(start))
        self.at = after
        if name.kind == "wildcard" and name.text == "*":
            return Everything(name.span)
        return Match(None, name, name.span)

    def operator(self) -> Bound | Literal[":"] | None:
        """Step over `:` or a sign of order, and return it."""
        for sign in _OPERATORS:
            if self.text.startswith(sign, self.at):
                self.at += len(sign)
                return sign
        return None

    # values of a field

    def values(self, field: FieldName, start: int) -> Filter:
        """Read a value, or a list of values in parentheses."""
        if self.sign() == "(":
            return self.in_brackets(lambda: self.value_alternatives(field), ")")
        return self.on(field, self.literal("a value"), start)

    def value_alternatives(self, field: FieldName) -> Filter:
        """Read values joined by `or`."""
        self._deeper()
        start = self.at
        parts = [self.value_conjunction(field)]
        while self.join("or"):
            parts.append(self.value_conjunction(field))
        self._depth -= 1
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts), self.span(start))

    def value_conjunction(self, field: FieldName) -> Filter:
        """Read values joined by `and`."""
        start = self.at
        parts = [self.value_negation(field)]
        while self.join("and"):
            parts.append(self.value_negation(field))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts), self.span(start))

    def value_negation(self, field: FieldName) -> Filter:
        """Read a value, negated or not."""
        start = self.at
        found = _NOT.match(self.text, self.at)
        if found is None:
            return self.values(field, start)
        self.at = found.end()
        part = self.values(field, self.at)
        return Not(part, self.span(start))

    def on(self, field: FieldName, value: Written, start: int) -> Filter:
        """Return the condition that a field has a value; `*` is any."""
        span = self.span(start)
        if value.kind == "wildcard" and value.text == "*":
            return Everything(span) if field.wild and field.text == "*" else Exists(field, span)
        return Match(field, value, span)

    # texts

    def literal(self, what: str) -> Written:
        """Read a text in quotes, or one without up to the next keyword or sign."""
        if self.sign() == '"':
            return self.quoted()
        start, pieces, wild = self.at, [], False
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "*":
                pieces.append(("*", True))
                wild = True
                self.at += 1
            elif char == "\\" and (escaped := _ESCAPED.match(self.text, self.at)):
                pieces.append((_unescaped(escaped), False))
                self.at = escaped.end()
            elif char in _SPECIAL or _KEYWORD.match(self.text, self.at):
                break
            else:
                pieces.append((char, False))
                self.at += 1
        while pieces and pieces[-1][0] in _STRIPPED and self.text[self.at - 1] in _STRIPPED:
            pieces.pop()
            self.at -= 1
        if not pieces:
            self.unexpected(what)
        plain = _whole("".join(text for text, _ in pieces))
        span = Span(start, self.at)
        if plain == "null":
            return Written("null", span, "null")
        if wild:
            return Written(_whole("".join(text if star else _plain(text) for text, star in pieces)), span, "wildcard")
        return Written(plain, span)

    def quoted(self) -> Written:
        """Read a text in quotes; `*` is a plain character in it."""
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            end = self.text.find("\n", self.at)
            span = Span(self.at, end if end >= 0 else len(self.text))
            self.diagnostics.error("E203", 'this " is never closed', span, help='close the text with "')
            raise Halt
        self.at = found.end()
        return Written(_whole(_IN_QUOTES.sub(_unescaped, found[0][1:-1])), Span(*found.span()), quoted=True)

    # places

    def sign(self) -> str:
        """Return the character at hand, empty at the end."""
        return self.text[self.at : self.at + 1]

    def blanks(self) -> None:
        """Step over blanks."""
        found = _BLANKS.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def in_brackets(self, read: Callable[[], Filter], closing: str) -> Filter:
        """Read what stands between brackets; E202 where they are not closed."""
        opened = self.at
        self.at += 1
        self.blanks()
        found = read()
        self.blanks()
        if self.sign() == closing:
            self.at += 1
            return found
        if self.at < len(self.text) and self.sign() not in ")}":
            self.unexpected(f"`and`, `or` or {closing!r}")
        line = self.diagnostics.source.position(opened).line
        self.diagnostics.error(
            "E202",
            f"expected {closing!r} to close {self.text[opened]!r} of line {line}, found {self.described()}",
            Span(opened, opened + 1) if self.at >= len(self.text) else Span(self.at, self.at + 1),
            labels=(Label(Span(opened, opened + 1), "this one is open"),),
            help=f"close it with {closing!r}",
        )
        raise Halt

    def span(self, start: int) -> Span:
        """Return the place from a start to here."""
        return Span(start, self.at)

    def described(self) -> str:
        """Return what stands here as an error names it."""
        return repr(self.text[self.at : self.at + 20].split("\n")[0]) if self.at < len(self.text) else "the end of the query"

    def unexpected(self, wanted: str) -> NoReturn:
        """Record E201 here and stop."""
        help = ""
        if self.sign() == "\\":
            help = 'a backslash is written twice, or once inside of "quotes"'
        elif self.sign() in ("(", '"', ":", "<", ">", "{"):
            help = 'values with blanks or signs stand in "quotes"; conditions are joined by and or or'
        self.diagnostics.error("E201", f"expected {wanted}, found {self.described()}", Span(self.at, min(self.at + 1, len(self.text))), help=help)
        raise Halt

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.diagnostics.error("E204", f"nested more than {MAX_DEPTH} deep", Span(self.at, self.at), help="split the filter")
            raise Halt


def _unescaped(found: re.Match[str]) -> str:
    parts = found.groupdict()
    if parts["blank"]:
        return _WHITE[parts["blank"]]
    if parts["code"]:
        return chr(int(parts["code"], 16))
    return parts["sign"] or parts["word"]


def _whole(text: str) -> str:
    """Return a text whose escaped halves of one character are put together; a half alone becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain(text: str) -> str:
    """Return characters that stand for themselves in a wildcard."""
    return re.sub(r"([\\*?])", r"\\\1", text)


def _field(name: Written) -> FieldName:
    """Return a literal as the name of a field; its `*` are any characters unless it was quoted or escaped."""
    if name.kind != "wildcard":
        return FieldName(name.text, name.span)
    return FieldName(re.sub(r"\\(.)", r"\1", name.text), name.span, wild=True)
