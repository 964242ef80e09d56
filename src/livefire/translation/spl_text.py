"""Conditions as Splunk searches and `where` expressions.

https://help.splunk.com/en/splunk-enterprise/search/spl-search-reference/search-commands/search
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from livefire.schema import Type
from livefire.translation.condition import Ago, AllOf, AnyOf, Condition, Constant, Not, Op, Present, Reading, Same, Test, Value, pushed
from livefire.translation.patterns import ANY, ONE, as_regex, escape, term_regex, tokens
from livefire.translation.printer import Found, Listed, Printer

_SIGNS: dict[Op, str] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_UNITS = ((864_000_000_000, "d"), (36_000_000_000, "h"), (600_000_000, "m"), (10_000_000, "s"))


def searchable(condition: Condition) -> bool:
    """True when the search command can say a condition: text without regard to case, with `*` alone as wildcard."""
    match condition:
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return all(searchable(p) for p in parts)
        case Not(part=part):
            return searchable(part)
        case Present() | Constant():
            return True
        case Same():
            return False
        case Test(op=op, value=value, fold=fold):
            if not isinstance(value, str) or not fold or (re.search(r'[*\\"\x00-\x1f]', value.replace("\\\\", "")) and op != "wildcard"):
                return False
            if op == "eq" and re.fullmatch(r"\s*[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?\s*", value):
                # What looks like a number is compared as one, so that 012 and 12 are the same.
                return False
            return (op in ("eq", "starts", "ends", "contains") and value != "") or (op == "wildcard" and _only_stars(value))
        case _:
            return True


def _only_stars(pattern: str) -> bool:
    return not any(p == ONE or (p != ANY and re.search(r'[*\\"\x00-\x1f]', p)) for p in tokens(pattern))


class SearchPrinter(Printer):
    """The search command: case is disregarded, `NOT` keeps events without the field."""

    language: ClassVar[str] = "spl"
    words: ClassVar[tuple[str, str]] = (" ", " OR ")
    truths: ClassVar[tuple[str, str]] = ("*", "NOT *")
    reading: ClassVar[Reading] = "leaf"

    def test(self, test: Test, found: Found, *, negated: bool) -> str:
        """Return `field="value*"` or its complement."""
        text = str(test.value)
        if test.op == "wildcard":
            text = "".join("*" if p == ANY else p for p in tokens(text))
        text = {"starts": f"{text}*", "ends": f"*{text}", "contains": f"*{text}*"}.get(test.op, text)
        said = f'{self.value_of(found)}="{text}"'
        return f"NOT {said}" if negated else said

    def listed(self, listed: Listed, found: Found) -> str:
        """Return `field IN (…)`."""
        values = ", ".join(f'"{v}"' for v in listed.values)
        said = f"{self.value_of(found)} IN ({values})"
        return f"NOT {said}" if listed.negated else said

    def presence(self, found: Found, *, negated: bool) -> str:
        """Return `field=*`; of a field that shows a word for nothing, that it is not that word."""
        if found.shown.missing is not None:
            return f'{"" if negated else "NOT "}{self.value_of(found)}="{found.shown.missing}"'
        return f"{'NOT ' if negated else ''}{self.value_of(found)}=*"

    def value_of(self, found: Found) -> str:
        """Return the field's name."""
        name = found.shown.name
        return name if re.fullmatch(r"[A-Za-z_][\w.{}:-]*", name) else f'"{name}"'


class WherePrinter(Printer):
    """The where command: case counts, and a missing field passes no comparison nor its negation."""

    language: ClassVar[str] = "spl"
    words: ClassVar[tuple[str, str]] = (" AND ", " OR ")
    truths: ClassVar[tuple[str, str]] = ("true()", "false()")
    reading: ClassVar[Reading] = "leaf"

    def test(self, test: Test, found: Found, *, negated: bool) -> str:
        """Return a comparison; its complement keeps events without the field."""
        name = self.value_of(found)
        said = self._said(test, name, found, negated=negated)
        return f"(isnull({name}) OR {said})" if negated and not found.present else said

    def _said(self, test: Test, name: str, found: Found, *, negated: bool) -> str:
        value = test.value
        if "*" in getattr(test.subject, "steps", ()):
            raise self.no_form("an element of a list compared so", test.span)
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, Ago):
            return self._flip(f"{name} {_SIGNS[test.op]} relative_time(now(), {quoted(relative(value.ticks))})", negated)
        if isinstance(value, datetime):
            if name != "_time" or test.op not in _SIGNS:
                raise self.no_form("a moment compared so", test.span)
            return self._flip(f"{name} {_SIGNS[test.op]} {seconds(value)}", negated)
        if isinstance(value, (int, float)):
            sign = {"eq": "!=" if negated else "=="}.get(test.op)
            number = name if found.shown.type.numeric else f"tonumber({name})"
            if sign is None:
                return self._flip(f"{number} {_SIGNS[test.op]} {value!r}", negated)
            return f"{number} {sign} {value!r}"
        return self._text(test, name, str(value), negated)

    def _text(self, test: Test, name: str, text: str, negated: bool) -> str:
        subject, wanted = (f"lower({name})", text.lower()) if test.fold else (name, text)
        fold = "(?i)" if test.fold else ""
        match test.op:
            case "eq":
                return f"{subject} {'!=' if negated else '=='} {quoted(wanted)}"
            case "starts" | "ends" | "contains" if not re.search(r"[%_\\]", text):
                pattern = {"starts": f"{wanted}%", "ends": f"%{wanted}", "contains": f"%{wanted}%"}[test.op]
                said = f"like({subject}, {quoted(pattern)})"
            case "starts" | "ends" | "contains":
                said = self._match(name, fold + {"starts": "^", "contains": "", "ends": ""}[test.op] + escape(text) + ("\\z" if test.op == "ends" else ""))
            case "wildcard":
                said = self._match(name, ("(?is)" if test.fold else "(?s)") + as_regex(tokens(text))[:-1] + "\\z")
            case "cidr":
                said = f"cidrmatch({quoted(text)}, {name})"
            case "regex":
                flags = "".join(sorted(("i" if test.fold else "") + test.flags))
                said = self._match(name, (f"(?{flags})" if flags else "") + re.sub(r"(?<!\\)\$$", r"\\z", text))
            case "term" | "term_prefix" | "term_suffix":
                said = self._match(name, fold + term_regex(text, before=test.op != "term_suffix", after=test.op != "term_prefix"))
            case _:
                raise self.no_form("an order of texts", test.span)
        return self._flip(said, negated)

    def _match(self, name: str, pattern: str) -> str:
        return f"match({name}, {quoted(pattern)})"

    def _flip(self, said: str, negated: bool) -> str:
        return f"NOT {said}" if negated else said

    def listed(self, listed: Listed, found: Found) -> str:
        """Return `field IN (…)`."""
        name, first = self.value_of(found), listed.first
        values = ", ".join(quoted(v.lower() if first.fold and isinstance(v, str) else v) for v in listed.values)
        said = f"{f'lower({name})' if first.fold else name} IN ({values})"
        said = f"NOT {said}" if listed.negated else said
        return f"(isnull({name}) OR {said})" if listed.negated and not found.present else said

    def same(self, one: Found, other: Found, *, fold: bool, negated: bool) -> str:
        """Return a comparison of both, in lower case where case is disregarded; behind a letter, since two texts that write numbers compare as numbers."""
        left, right = (f"lower({self.value_of(f)})" if fold else self.value_of(f) for f in (one, other))
        return f'"t".{left} {"!=" if negated else "=="} "t".{right}'

    def presence(self, found: Found, *, negated: bool) -> str:
        """Return isnotnull or isnull."""
        if found.shown.missing is not None:
            return f"{self.value_of(found)} {'==' if negated else '!='} {quoted(found.shown.missing)}"
        return f"{'isnull' if negated else 'isnotnull'}({self.value_of(found)})"

    def value_of(self, found: Found) -> str:
        """Return the field's name, in single quotes where an expression needs them."""
        name = found.shown.name
        return name if re.fullmatch(r"[A-Za-z_]\w*", name) else f"'{name}'"


def seconds(moment: datetime) -> str:
    """Return a moment as Splunk counts time: seconds since 1970 in UTC, with what is left of one."""
    since = moment.replace(tzinfo=None) - datetime(1970, 1, 1)  # a plan's moments are UTC and name no zone
    whole = since.days * 86_400 + since.seconds
    return f"{whole}.{since.microseconds:06d}".rstrip("0") if since.microseconds else str(whole)


def quoted(value: Value) -> str:
    """Return a constant of an expression."""
    if isinstance(value, (int, float)):
        return repr(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def relative(ticks: int) -> str:
    """Return a moment before the run as a relative time."""
    for unit, letter in _UNITS:
        if ticks % unit == 0:
            return f"{'-' if ticks >= 0 else '+'}{abs(ticks) // unit}{letter}"
    return f"-{ticks // 10_000_000}s"


__all__ = ["SearchPrinter", "Type", "WherePrinter", "pushed", "relative", "searchable"]
