"""Conditions as the detection of a Sigma rule (https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar

from livefire.translation.condition import Ago, AllOf, AnyOf, Condition, Not, Op, Reading, Test, Value
from livefire.translation.patterns import ANY, ONE, term_regex, tokens
from livefire.translation.printer import Found, Listed, Printer

_MODIFIERS: dict[Op, str] = {"starts": "|startswith", "ends": "|endswith", "contains": "|contains"}
_NUMBERS: dict[Op, str] = {"lt": "|lt", "le": "|lte", "gt": "|gt", "ge": "|gte"}


class SigmaPrinter(Printer):
    """Tests become searches with a name, joined by the condition; a missing field meets no test but `exists: false`."""

    language: ClassVar[str] = "sigma"
    reading: ClassVar[Reading] = "each"
    listed_ops = frozenset({"eq", "starts", "ends", "contains", "wildcard"})

    def __init__(self, vocabulary: Any) -> None:
        super().__init__(vocabulary)
        self.searches: dict[str, dict[str, Any]] = {}

    def detection(self, condition: Condition) -> dict[str, Any]:
        """Return the detection of a rule: its searches and its condition."""
        said = self.show(condition)
        return {**self.searches, "condition": said}

    def show(self, condition: Condition, *, nested: bool = False, present: frozenset[Any] = frozenset()) -> str:
        """Return a condition over named searches; tests that must all hold share one search."""
        if isinstance(condition, AllOf):
            return self._together(condition, nested)
        return super().show(condition, nested=nested, present=present)

    def _together(self, condition: AllOf, nested: bool) -> str:
        """Put plain tests of a conjunction into one search; the rest is joined to it."""
        entries: dict[str, Any] = {}
        rest: list[Condition] = []
        for part in condition.parts:
            entry = self._entry(part)
            if entry is None or entry[0] in entries:
                rest.append(part)
            else:
                entries[entry[0]] = entry[1]
        said = [self._named("selection", entries)] if entries else []
        known = frozenset(p.subject for p in condition.parts if isinstance(p, Test))
        said += [super(SigmaPrinter, self).show(p, nested=True, present=known) for p in rest]
        return said[0] if len(said) == 1 else self.joined(said, every=True, nested=nested)

    def _entry(self, part: Condition) -> tuple[str, Any] | None:
        """Return the key and value of a test, or of alternatives of one field."""
        if isinstance(part, Test):
            found = self._found(part)
            return None if found is None else self.pair(part, found)
        if isinstance(part, AnyOf):
            group = self._group(part.parts[0], list(part.parts[1:]), every=False)
            if group is not None and len(group.tests) == len(part.parts):
                found = self._found(group.first)
                if found is not None:
                    return self.several(group, found)
        return None

    def _found(self, test: Test) -> Found | None:
        return self.find(test.subject, test.span)

    def _named(self, stem: str, entries: dict[str, Any]) -> str:
        for name, known in self.searches.items():
            if known == entries:
                return name
        name = stem if stem not in self.searches else next(f"{stem}_{i}" for i in range(2, 1000) if f"{stem}_{i}" not in self.searches)
        self.searches[name] = entries
        return name

    def pair(self, test: Test, found: Found) -> tuple[str, Any]:
        """Return one test as a key with modifiers and a value."""
        key, value = self._key(test, found), self._value(test)
        return key, value

    def several(self, listed: Listed, found: Found) -> tuple[str, Any]:
        """Return alternatives as a key with a list."""
        return self._key(listed.first, found), [self._value(t) for t in listed.tests]

    def _key(self, test: Test, found: Found) -> str:
        name, value = self.value_of(found), test.value
        if isinstance(value, Ago):
            raise self.no_form("a time before the run", test.span)
        if isinstance(value, datetime):
            raise self.no_form("a moment compared so", test.span)
        if test.op in ("regex", "term", "term_prefix", "term_suffix"):
            flags = "".join(f"|{f}" for f in sorted({*test.flags, *("i" if test.fold else "")}))
            return f"{name}|re{flags}"
        if test.op == "cidr":
            return f"{name}|cidr"
        if test.op in _NUMBERS:
            if isinstance(value, str):
                raise self.no_form("an order of texts", test.span)
            return name + _NUMBERS[test.op]
        return name + _MODIFIERS.get(test.op, "") + ("" if test.fold or not isinstance(value, str) else "|cased")

    def _value(self, test: Test) -> Any:
        if not isinstance(test.value, str) or test.op in ("cidr", "regex"):
            return test.value
        if test.op in ("term", "term_prefix", "term_suffix"):
            return term_regex(test.value, before=test.op != "term_suffix", after=test.op != "term_prefix")
        if test.op == "wildcard":
            return "".join({ANY: "*", ONE: "?"}.get(p) or plain(p) for p in tokens(test.value))
        return plain(test.value)

    def test(self, test: Test, found: Found, *, negated: bool) -> str:
        """Return the name of a search of one test."""
        key, value = self.pair(test, found)
        return self._not(self._named("filter" if negated else "selection", {key: value}), negated)

    def listed(self, listed: Listed, found: Found) -> str:
        """Return the name of a search of one field and several values."""
        key, values = self.several(listed, found)
        return self._not(self._named("filter" if listed.negated else "selection", {key: values}), listed.negated)

    def presence(self, found: Found, *, negated: bool) -> str:
        """Return the name of a search for the field itself."""
        return self._named("missing" if negated else "present", {f"{self.value_of(found)}|exists": not negated})

    def _not(self, name: str, negated: bool) -> str:
        return f"not {name}" if negated else name

    def constant(self, value: bool) -> str:
        """Refuse: a rule that everything or nothing meets has no search."""
        raise self.no_form("a condition that every event meets" if value else "a condition that no event meets", None)

    def value_of(self, found: Found) -> str:
        """Return the field's name."""
        if "|" in found.shown.name:
            raise self.no_form("this field", found.span)
        return found.shown.name


def plain(text: str) -> str:
    """Return text in which every character stands for itself."""
    return re.sub(r"(\\(?=[*?\\]|$)|[*?])", r"\\\1", text)


__all__ = ["Not", "SigmaPrinter", "Value", "plain"]
