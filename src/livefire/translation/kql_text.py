"""Conditions as Kusto Query Language (https://learn.microsoft.com/kusto/query/datatypes-string-operators)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from livefire.schema import Type
from livefire.translation.condition import Ago, Op, Reading, Test, Value
from livefire.translation.patterns import as_regex, tokens
from livefire.translation.places import PARSED, Steps
from livefire.translation.printer import Found, Listed, Printer

_TESTS: dict[tuple[Op, bool], str] = {
    ("eq", False): "==",
    ("eq", True): "=~",
    ("contains", False): "contains_cs",
    ("contains", True): "contains",
    ("starts", False): "startswith_cs",
    ("starts", True): "startswith",
    ("ends", False): "endswith_cs",
    ("ends", True): "endswith",
    ("term", False): "has_cs",
    ("term", True): "has",
    ("term_prefix", False): "hasprefix_cs",
    ("term_prefix", True): "hasprefix",
    ("term_suffix", False): "hassuffix_cs",
    ("term_suffix", True): "hassuffix",
    ("lt", False): "<",
    ("le", False): "<=",
    ("gt", False): ">",
    ("ge", False): ">=",
}
_NEGATED = {
    "==": "!=", "=~": "!~", "contains": "!contains", "contains_cs": "!contains_cs", "startswith": "!startswith", "startswith_cs": "!startswith_cs",
    "endswith": "!endswith", "endswith_cs": "!endswith_cs", "has": "!has", "has_cs": "!has_cs", "hasprefix": "!hasprefix", "hasprefix_cs": "!hasprefix_cs",
    "hassuffix": "!hassuffix", "hassuffix_cs": "!hassuffix_cs",
}  # fmt: skip
_CASTS = {Type.LONG: "tolong", Type.INT: "toint", Type.REAL: "toreal", Type.BOOL: "tobool", Type.DATETIME: "todatetime"}
_UNITS = ((864_000_000_000, "d"), (36_000_000_000, "h"), (600_000_000, "m"), (10_000_000, "s"))


class KqlPrinter(Printer):
    """Text columns of Sentinel are never null: what is missing is empty, so negations need no guard for them."""

    language: ClassVar[str] = "kql"
    reading: ClassVar[Reading] = "text"
    listed_ops = frozenset({"eq", "term"})
    parses_json: ClassVar[bool] = True

    def test(self, test: Test, found: Found, *, negated: bool) -> str:
        """Return a comparison with Kusto's operators."""
        subject, typed = self.value_of(found), found.shown.type not in (Type.STRING, Type.DYNAMIC)
        said = self._said(test, subject, found, negated=negated)
        # A number, bool or time may be null, and null passes no comparison.
        return f"(isnull({subject}) or {said})" if negated and typed and not found.present else said

    def _said(self, test: Test, subject: str, found: Found, *, negated: bool) -> str:
        if test.op == "regex":
            return self._regex(subject, str(test.value), test.fold, test.flags, negated)
        if test.op == "wildcard":
            return self._regex(subject, as_regex(tokens(str(test.value))), test.fold, "s", negated)
        if test.op == "cidr":
            if ":" in str(test.value):
                raise self.no_form("a range of IPv6 addresses beside IPv4 ones", test.span)
            said = f"ipv4_is_in_range({subject}, {quoted(test.value)})"
            # Of what is no address it is null, and so is its negation.
            return f"not(coalesce({said}, false))" if negated else said
        if test.op in ("lt", "le", "gt", "ge") and isinstance(test.value, str):
            word = _TESTS[test.op, False]
            said = f"strcmp({subject}, {quoted(test.value)}) {word} 0"
            return f"not({said})" if negated else said
        if found.shown.type in (Type.STRING, Type.DYNAMIC) and not isinstance(test.value, str):
            raise self.no_form("a number compared with text", test.span)
        if test.op == "eq" and test.value == "":
            return f"{'isnotempty' if negated else 'isempty'}({subject})"
        word = _TESTS[test.op, test.fold]
        if negated and word not in _NEGATED:
            return f"not({subject} {word} {quoted(test.value)})"
        return f"{subject} {_NEGATED[word] if negated else word} {quoted(test.value)}"

    def _regex(self, subject: str, pattern: str, fold: bool, flags: str, negated: bool) -> str:
        inline = "".join(sorted(("i" if fold else "") + flags))
        said = f"{subject} matches regex {verbatim((f'(?{inline})' if inline else '') + pattern)}"
        return f"not({said})" if negated else said

    def listed(self, listed: Listed, found: Found) -> str:
        """Return `in~ (…)`, `has_any (…)` and their like."""
        subject = self.value_of(found)
        values = ", ".join(quoted(v) for v in listed.values)
        if listed.first.op == "term":
            if not listed.first.fold:
                return self.joined([self.test(t, found, negated=listed.negated) for t in listed.tests], every=listed.negated, nested=True)
            said = f"{subject} has_any ({values})"
            return f"not({said})" if listed.negated else said
        word = ("!in" if listed.negated else "in") + ("~" if listed.first.fold else "")
        said = f"{subject} {word} ({values})"
        typed = found.shown.type not in (Type.STRING, Type.DYNAMIC)
        return f"(isnull({subject}) or {said})" if listed.negated and typed and not found.present else said

    def presence(self, found: Found, *, negated: bool) -> str:
        """Return isnotempty for text, isnotnull for the rest."""
        subject, shown = self.value_of(found), found.shown
        if shown.steps and shown.type in (Type.STRING, Type.DYNAMIC) and (shown.inside or shown.type) is Type.DYNAMIC:
            # Below a dynamic column an empty text is one, and what is not there is null.
            return f"{'isnull' if negated else 'isnotnull'}({path(shown.name, shown.steps)})"
        if shown.type in (Type.STRING, Type.DYNAMIC):
            return f"{'isempty' if negated else 'isnotempty'}({subject})"
        return f"{'isnull' if negated else 'isnotnull'}({subject})"

    def same(self, one: Found, other: Found, *, fold: bool, negated: bool) -> str:
        """Return a comparison of both."""
        sign = {(True, False): "=~", (True, True): "!~", (False, False): "==", (False, True): "!="}[fold, negated]
        return f"{self.value_of(one)} {sign} {self.value_of(other)}"

    def value_of(self, found: Found) -> str:
        """Return the field, or the text of a path below one that holds JSON."""
        shown = found.shown
        if not shown.steps:
            return f"tostring({shown.name})" if shown.type is Type.DYNAMIC else shown.name
        base = shown.name if (shown.inside or shown.type) is Type.DYNAMIC else f"parse_json({shown.name})"
        return f"{_CASTS.get(shown.type, 'tostring')}({path(base, shown.steps)})"


def path(base: str, steps: Steps) -> str:
    """Return a path below a dynamic value."""
    for step in steps:
        if step == PARSED:
            base = f"parse_json(tostring({base}))"
        elif isinstance(step, int):
            base += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_]\w*", step):
            base += f".{step}"
        else:
            base += f"[{quoted(step)}]"
    return base


def quoted(value: Value) -> str:
    """Return a constant as Kusto writes it."""
    if isinstance(value, Ago):
        return ago(value.ticks)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, datetime):
        return f"datetime({value.isoformat()}Z)"
    text = str(value)
    if "\\" in text and not re.search(r"[\x00-\x1f\x7f]", text):
        return verbatim(text)
    body = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(m[0], f"\\u{ord(m[0]):04x}"), body) + '"'


def verbatim(text: str) -> str:
    """Return text in which a backslash is a backslash."""
    if re.search(r"[\x00-\x1f\x7f]", text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'
    return '@"' + text.replace('"', '""') + '"'


def timespan(ticks: int) -> str:
    """Return a length of time as a literal."""
    for unit, letter in _UNITS:
        if ticks % unit == 0:
            return f"{ticks // unit}{letter}"
    return f"{ticks}tick"


def ago(ticks: int) -> str:
    """Return a moment before the run."""
    return "now()" if ticks == 0 else f"ago({timespan(ticks)})" if ticks > 0 else f"now() + {timespan(-ticks)}"
