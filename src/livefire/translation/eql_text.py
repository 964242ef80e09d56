"""Conditions as EQL (https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

from livefire.schema import Type
from livefire.translation.condition import Ago, Field, Op, Reading, Test, Value
from livefire.translation.elastic_text import ElasticPrinter, field_name
from livefire.translation.lucene import lucene_regex
from livefire.translation.patterns import ANY, ONE, tokens
from livefire.translation.printer import Assumption, Found, Listed
from livefire.translation.vocabulary import EVERY

_SIGNS: dict[Op, str] = {"eq": "==", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_CALLS: dict[Op, str] = {"starts": "startsWith", "ends": "endsWith", "contains": "stringContains"}
_CALLED = re.compile(r"(?:startsWith|endsWith|stringContains|cidrMatch)~?\(")


class EqlPrinter(ElasticPrinter):
    """A comparison with a missing field is false, so `not` keeps events without it."""

    language: ClassVar[str] = "eql"
    reading: ClassVar[Reading] = "each"
    elements: ClassVar[bool] = True

    def value_of(self, found: Found) -> str:
        """Return the field's name; the members of objects in a list are values of one field."""
        if EVERY not in found.shown.name:
            return super().value_of(found)
        self.assume_list(found, plain=True)
        return field_name(found.shown.name.replace(EVERY, ""))

    def test(self, test: Test, found: Found, *, negated: bool) -> str:
        """Return a comparison or its complement."""
        said = self._said(test, self.value_of(found), found)
        if negated and not found.present and _CALLED.match(said):
            # A function of a missing field is null, and so is its negation.
            return f"({self.presence(found, negated=True)} or not {said})"
        return f"not {said}" if negated else said

    def _said(self, test: Test, name: str, found: Found) -> str:
        value = test.value
        if isinstance(value, Ago):
            raise self.no_form("a time before the run", test.span, "the rule's own look-back says it")
        if isinstance(value, datetime):
            return f"{name} {_SIGNS[test.op]} {quoted(self.moment(value, test.span))}"
        if test.op == "cidr":
            address = self.vocabulary.address(test.subject)
            if address is None:
                raise self.no_form("a range of addresses over a field that is no address", test.span)
            return f"cidrMatch({field_name(address)}, {quoted(value)})"
        if found.shown.type is Type.STRING and not isinstance(value, str):
            raise self.no_form("a number compared with text", test.span)
        if test.op == "eq" and test.fold:
            return f"{name} in~ ({quoted(value)})" if re.search(r"[*?]", str(value)) else f"{name} : {quoted(value)}"
        if test.op in _SIGNS:
            if isinstance(value, str) and test.op != "eq":
                raise self.no_form("an order of texts", test.span)
            return f"{name} {_SIGNS[test.op]} {quoted(value)}"
        text, tilde = str(value), "~" if test.fold else ""
        if test.op == "wildcard" or (test.op in _CALLS and test.fold and not re.search(r"[*?]", text)):
            return self._pattern(test, name)
        if test.op in _CALLS:
            return f"{_CALLS[test.op]}{tilde}({name}, {quoted(text)})"
        if test.op == "regex":
            pattern = lucene_regex(text, fold=False, flags=test.flags)
            if pattern is None:
                raise self.no_form("this regular expression: EQL knows no anchors inside, classes or look-around", test.span)
            return f"{name} regex{tilde} {quoted(pattern)}"
        raise self.no_form("a search for a whole term", test.span, "search for a part of the text instead")

    def _pattern(self, test: Test, name: str) -> str:
        text = str(test.value)
        parts = {"starts": [text, ANY], "ends": [ANY, text], "contains": [ANY, text, ANY]}.get(test.op) or tokens(text)
        if any(re.search(r"[*?]", p) for p in parts if p not in (ANY, ONE)):
            raise self.no_form("a wildcard beside a character that is one", test.span)
        pattern = "".join({ANY: "*", ONE: "?"}.get(p, p) for p in parts)
        return f"{name} : {quoted(pattern)}" if test.fold else f"{name} like {quoted(pattern)}"

    def listed(self, listed: Listed, found: Found) -> str:
        """Return `in (…)` or `: (…)`."""
        name, first = self.value_of(found), listed.first
        values = ", ".join(quoted(v) for v in listed.values)
        wild = any(re.search(r"[*?]", str(v)) for v in listed.values)
        word = ("in~" if wild else ":") if first.fold else "in"
        said = f"{name} {word} ({values})"
        return f"not {said}" if listed.negated else said

    def same(self, one: Found, other: Found, *, fold: bool, negated: bool) -> str:
        """Return that each ends with the other: EQL compares no two fields, but its functions take both."""
        left, right, name = self.value_of(one), self.value_of(other), "endsWith~" if fold else "endsWith"
        return f"{'not ' if negated else ''}({name}({left}, {right}) and {name}({right}, {left}))"

    def presence(self, found: Found, *, negated: bool) -> str:
        """Return a comparison with null; an empty list or object is null in an index."""
        if found.shown.type is Type.DYNAMIC and isinstance(found.subject, Field):
            self.assumptions[Assumption("filled", *found.subject.place)] = None
        return f"{self.value_of(found)} {'==' if negated else '!='} null"


def quoted(value: Value) -> str:
    """Return a constant as EQL writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if "\\" in text and '"""' not in text and not text.endswith(('"', "\\")) and not re.search(r"[\x00-\x1f]", text):
        return f'"""{text}"""'
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'
