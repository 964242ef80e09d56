"""Conditions as ES|QL (https://www.elastic.co/docs/reference/query-languages/esql/esql-functions-operators)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from livefire.schema import Type
from livefire.translation.condition import Ago, Reading, Test, Value, worked_out
from livefire.translation.elastic_text import ElasticPrinter, field_name
from livefire.translation.lucene import lucene_regex
from livefire.translation.patterns import ANY, ONE, tokens
from livefire.translation.printer import Found, Listed

_SIGNS = {"eq": "==", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_UNITS = ((864_000_000_000, "day"), (36_000_000_000, "hour"), (600_000_000, "minute"), (10_000_000, "second"))


class EsqlPrinter(ElasticPrinter):
    """A missing field is null and passes no comparison nor its negation, so a negation asks for null too."""

    language: ClassVar[str] = "esql"
    words: ClassVar[tuple[str, str]] = (" AND ", " OR ")
    reading: ClassVar[Reading] = "only"

    def test(self, test: Test, found: Found, *, negated: bool) -> str:
        """Return a comparison; its complement keeps events without the field."""
        name = self.value_of(found)
        if worked_out(test.subject):
            return self._holds(test, name, negated=negated)
        said = self._said(test, name, found, negated=negated)
        return f"({name} IS NULL OR {said})" if negated and not found.present else said

    def _holds(self, test: Test, name: str, *, negated: bool) -> str:
        """Return whether a list holds a text, which is false for a missing list."""
        if test.op != "eq" or not isinstance(test.value, str):
            raise self.no_form("an element of a list compared so", test.span)
        said = f"MV_CONTAINS({f'TO_LOWER({name})' if test.fold else name}, {quoted(test.value.lower() if test.fold else test.value)})"
        return f"NOT {said}" if negated else said

    def _said(self, test: Test, name: str, found: Found, *, negated: bool) -> str:
        value = test.value
        if test.op == "cidr":
            return self._cidr(test, negated=negated)
        if found.shown.type is Type.STRING and not isinstance(value, str):
            raise self.no_form("a number compared with text", test.span)
        if test.op in _SIGNS:
            sign = "!=" if test.op == "eq" and negated else _SIGNS[test.op]
            left = f"TO_LOWER({name})" if test.fold else name
            if isinstance(value, datetime):
                value = self.moment(value, test.span)
            said = f"{left} {sign} {quoted(value.lower() if test.fold and isinstance(value, str) else value)}"
            return f"NOT ({said})" if negated and test.op != "eq" else said
        subject = f"TO_LOWER({name})" if test.fold and test.op != "regex" else name
        text = str(value).lower() if test.fold and test.op != "regex" else str(value)
        match test.op:
            case "starts":
                said = f"STARTS_WITH({subject}, {quoted(text)})"
            case "ends":
                said = f"ENDS_WITH({subject}, {quoted(text)})"
            case "contains":
                said = f"{subject} LIKE {quoted('*' + like(text) + '*')}"
            case "wildcard":
                said = f"{subject} LIKE {quoted(''.join({ANY: '*', ONE: '?'}.get(p) or like(p) for p in tokens(text)))}"
            case "regex":
                found_pattern = lucene_regex(text, fold=test.fold, flags=test.flags)
                if found_pattern is None:
                    raise self.no_form("this regular expression: RLIKE knows no anchors inside, classes or look-around", test.span)
                said = f"{subject} RLIKE {quoted(found_pattern)}"
            case _:
                raise self.no_form("a search for a whole term", test.span, "search for a part of the text instead")
        return f"NOT {said}" if negated else said

    def _cidr(self, test: Test, *, negated: bool) -> str:
        name = self.vocabulary.address(test.subject)
        if name is None:
            raise self.no_form("a range of addresses over a field that is no address", test.span)
        said = f"CIDR_MATCH({field_name(name)}, {quoted(test.value)})"
        # What is no address is null there, as what is missing.
        return f"({field_name(name)} IS NULL OR NOT {said})" if negated else said

    def listed(self, listed: Listed, found: Found) -> str:
        """Return `IN (…)`."""
        name, first = self.value_of(found), listed.first
        values = ", ".join(quoted(v.lower() if first.fold and isinstance(v, str) else v) for v in listed.values)
        said = f"{f'TO_LOWER({name})' if first.fold else name} {'NOT IN' if listed.negated else 'IN'} ({values})"
        return f"({name} IS NULL OR {said})" if listed.negated and not found.present else said

    def same(self, one: Found, other: Found, *, fold: bool, negated: bool) -> str:
        """Return a comparison of both, in lower case where case is disregarded."""
        left, right = (f"TO_LOWER({self.value_of(f)})" if fold else self.value_of(f) for f in (one, other))
        return f"{left} {'!=' if negated else '=='} {right}"

    def presence(self, found: Found, *, negated: bool) -> str:
        """Return IS NULL or IS NOT NULL."""
        if found.shown.missing is not None:
            return f"{self.value_of(found)} {'==' if negated else '!='} {quoted(found.shown.missing)}"
        return f"{self.value_of(found)} IS {'' if negated else 'NOT '}NULL"


def like(text: str) -> str:
    """Return text that LIKE takes as it stands."""
    return re.sub(r"([\\*?])", r"\\\1", text)


def quoted(value: Value) -> str:
    """Return a constant as ES|QL writes it."""
    if isinstance(value, Ago):
        return ago(value.ticks)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if ("\\" in text or '"' in text) and '"""' not in text and not text.endswith('"') and not re.search(r"[\x00-\x1f]", text):
        return f'"""{text}"""'
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def ago(ticks: int) -> str:
    """Return a moment before the run."""
    if ticks == 0:
        return "NOW()"
    for unit, word in _UNITS:
        if ticks % unit == 0:
            count = abs(ticks) // unit
            return f"NOW() {'-' if ticks > 0 else '+'} {count} {word}{'s' if count != 1 else ''}"
    return f"NOW() {'-' if ticks > 0 else '+'} {abs(ticks) // 10_000} milliseconds"
