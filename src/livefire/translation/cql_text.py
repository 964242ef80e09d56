"""Conditions as LogScale's query language (https://library.humio.com/data-analysis/syntax.html)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from livefire.schema import Type
from livefire.translation.condition import Ago, Op, Reading, Test, Value
from livefire.translation.patterns import ANY, ONE, escape, term_regex, tokens
from livefire.translation.printer import Found, Listed, Printer
from livefire.translation.vocabulary import EVERY

_SIGNS: dict[Op, str] = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


class CqlPrinter(Printer):
    """Fields are texts; `!=` and `NOT` keep events without the field."""

    language: ClassVar[str] = "cql"
    # OR binds tighter, so that both are bracketed inside each other.
    words: ClassVar[tuple[str, str]] = (" AND ", " OR ")
    truths: ClassVar[tuple[str, str]] = ("*", "NOT *")
    reading: ClassVar[Reading] = "leaf"
    elements: ClassVar[bool] = True

    def test(self, test: Test, found: Found, *, negated: bool) -> str:
        """Return a filter or its complement."""
        if EVERY in found.shown.name:
            return self._element(found, negated, lambda member: self.test(test, member, negated=False))
        if isinstance(test.value, datetime) and found.shown.name == "@timestamp" and test.op in _SIGNS:
            # Time is counted in milliseconds since 1970 there.
            since = test.value.replace(tzinfo=None) - datetime(1970, 1, 1)  # a plan's moments are UTC and name no zone
            if since.microseconds % 1000:
                raise self.no_form("a part of a millisecond", test.span)
            return self._not(f"@timestamp {_SIGNS[test.op]} {(since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000}", negated)
        name, value = self.value_of(found), test.value
        if isinstance(value, Ago):
            raise self.no_form("a time before the run", test.span, "the search's own time range says it")
        if isinstance(value, bool):
            value = "true" if value else "false"
        if test.op in _SIGNS:
            if isinstance(value, str):
                raise self.no_form("an order of texts", test.span)
            return self._not(f"{name} {_SIGNS[test.op]} {value!r}", negated)
        if test.op == "cidr":
            return self._not(f"cidr({name}, subnet={quoted(value)})", negated)
        if isinstance(value, (int, float)):
            return f"{name} {'!=' if negated else '='} {value!r}"
        return self._text(test, name, str(value), negated)

    def _element(self, found: Found, negated: bool, said: Callable[[Found], str]) -> str:
        """Return that an element of a list of objects has a member that meets a test, or that none has."""
        above, *below = found.shown.name.split(EVERY)
        if len(below) != 1 or not below[0].startswith("."):
            raise self.no_form("the elements of lists in lists, or of a list of lists", found.span)
        self.assume_list(found)
        member = replace(found, shown=replace(found.shown, name=f"element{below[0]}"))
        return self._not(f"objectArray:exists({quoted(above + '[]')}, var=element, condition={{{said(member)}}})", negated)

    def _text(self, test: Test, name: str, text: str, negated: bool) -> str:
        sign, star = "!=" if negated else "=", re.search(r"\*", text)
        match test.op:
            case "eq" if not test.fold and not star:
                return f"{name}{sign}{quoted(text)}"
            case "eq" if test.fold and not re.search(r"[*?]", text):
                return (
                    self._not(f"wildcard(field={name}, pattern={quoted(text)}, ignoreCase=true)", negated) if "\n" in text else self._fold(name, text, negated)
                )
            case "eq":
                return self._regex(name, sign, f"\\A{escape(text)}\\z", test.fold)
            case "starts" | "ends" | "contains" if not test.fold and not star:
                pattern = {"starts": f"{text}*", "ends": f"*{text}", "contains": f"*{text}*"}[test.op]
                return f"{name}{sign}{quoted(pattern)}"
            case "starts":
                return self._regex(name, sign, f"^{escape(text)}", test.fold)
            case "contains":
                return self._regex(name, sign, escape(text), test.fold)
            case "ends":
                return self._regex(name, sign, f"{escape(text)}\\z", test.fold)
            case "wildcard":
                body = "".join({ANY: ".*", ONE: "."}.get(p) or escape(p) for p in tokens(text))
                return self._regex(name, sign, f"\\A{body}\\z", test.fold, "d")
            case "term" | "term_prefix" | "term_suffix":
                edges = {"before": test.op != "term_suffix", "after": test.op != "term_prefix"}
                return self._regex(name, sign, term_regex(text, **edges), test.fold)
            case _:
                return self._regex(name, sign, text, test.fold, test.flags.replace("s", "d"))

    def _fold(self, name: str, text: str, negated: bool) -> str:
        return f"{'!' if negated else ''}in({name}, values=[{quoted(text)}], ignoreCase=true)"

    def _regex(self, name: str, sign: str, pattern: str, fold: bool, flags: str = "") -> str:
        slashed = re.sub(r"(?<!\\)((?:\\\\)*)/", r"\1\\/", pattern)
        return f"{name}{sign}/{slashed}/{'i' if fold else ''}{flags}"

    def _not(self, said: str, negated: bool) -> str:
        return f"NOT {said}" if negated else said

    def listed(self, listed: Listed, found: Found) -> str:
        """Return in(field, values=[…])."""
        if EVERY in found.shown.name:
            return self._element(found, listed.negated, lambda member: self.listed(Listed(listed.tests, negated=False), member))
        name, first = self.value_of(found), listed.first
        if any(re.search(r"[*?]", str(v)) for v in listed.values):
            return self.joined([self.test(t, found, negated=listed.negated) for t in listed.tests], every=listed.negated, nested=True)
        values = ", ".join(quoted(v) for v in listed.values)
        return f"{'!' if listed.negated else ''}in({name}, values=[{values}]{', ignoreCase=true' if first.fold else ''})"

    def same(self, one: Found, other: Found, *, fold: bool, negated: bool) -> str:
        """Return test() of both, which regards case."""
        if fold:
            raise self.no_form("two fields compared without regard to case", one.span)
        return f"test({self.value_of(one)} {'!=' if negated else '=='} {self.value_of(other)})"

    def presence(self, found: Found, *, negated: bool) -> str:
        """Return a test for any value."""
        if EVERY in found.shown.name:
            return self._element(found, negated, lambda member: self.presence(member, negated=False))
        if found.shown.missing is not None:
            return f"{self.value_of(found)}{'=' if negated else '!='}{quoted(found.shown.missing)}"
        return f"{self.value_of(found)}{'!=' if negated else '='}*"

    def value_of(self, found: Found) -> str:
        """Return the field's name."""
        if found.shown.type not in (Type.STRING, Type.DYNAMIC, Type.LONG, Type.INT, Type.BOOL):
            raise self.no_form("a value that is no field of its own in LogScale", found.span)
        return field_name(found.shown.name)


def field_name(name: str) -> str:
    """Return a name, in quotes where it needs them."""
    return name if re.fullmatch(r"[#@]?[A-Za-z_][\w.]*(\[\d+\][\w.]*)*", name) else quoted(name)


def quoted(value: Value) -> str:
    """Return text in double quotes."""
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'
