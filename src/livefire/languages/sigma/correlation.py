"""Reads a correlation (https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html)."""

from __future__ import annotations

import math
import re
from typing import NoReturn

from livefire.diagnostics import Diagnostics, Halt, Span
from livefire.languages.binder import nearest
from livefire.languages.kit.cursor import Cursor
from livefire.languages.kit.lexer import Lexer, Token
from livefire.languages.sigma.ast import Correlation, Either, Every, Mentioned, Reference, Threshold, Together, Without
from livefire.languages.sigma.condition import inside
from livefire.languages.sigma.yaml_text import Items, Leaf, Members, Node

MEASURES = ("event_count", "value_count", "value_sum", "value_avg", "value_percentile", "value_median")
TEMPORAL = ("temporal", "temporal_ordered")
BOUNDS = ("gt", "gte", "lt", "lte", "eq", "neq")
SECOND = 10_000_000
# A month and a year are the mean ones of the Gregorian calendar, as pySigma has them.
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}
_KEYS = ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate")
_LEXER = Lexer((("skip", r"\s+"), ("sign", r"[()]"), ("word", r"[^\s()]+")))


def parse_correlation(document: Members, diagnostics: Diagnostics) -> Correlation:
    """Return the correlation of a document; errors are recorded, and `Halt` ends one that cannot be told."""
    return _Reader(document, diagnostics).read()


class _Reader:
    """Reads the parts of one correlation."""

    def __init__(self, document: Members, diagnostics: Diagnostics) -> None:
        self.document = document
        self.diagnostics = diagnostics
        part = document.get("correlation")
        if not isinstance(part, Members):
            self.fail("E201", "a correlation is a map of type, rules, group-by, timespan and condition", (part or document).span)
        self.part = part

    def fail(self, code: str, message: str, span: Span, help: str = "") -> NoReturn:
        """Record an error and end the reading."""
        self.diagnostics.error(code, message, span, help=help)
        raise Halt

    def read(self) -> Correlation:
        """Return the correlation."""
        self._known_keys()
        kind = self._kind()
        rules = tuple(self._names("rules"))
        for at, rule in enumerate(rules):
            if rule.text in {r.text for r in rules[:at]}:
                self.diagnostics.error("E106", f"the rule {rule.text!r} is listed twice", rule.span)
        condition = self._condition(kind)
        if not rules and condition is not None and not isinstance(condition, Threshold):
            rules = tuple(dict.fromkeys(mentioned(condition)))
        if not rules:
            self.fail("E201", "a correlation needs rules: the ids or names of what it correlates", self.part.span)
        if condition is not None and not isinstance(condition, Threshold):
            self._agree(rules, mentioned(condition))
        generate = self.part.get("generate") or self.document.get("generate")
        names = tuple(n.text for key in ("id", "name") if isinstance(n := self.document.get(key), Leaf) and n.text)
        title = self.document.get("title")
        return Correlation(
            title.text if isinstance(title, Leaf) else "",
            names,
            kind,
            rules,
            tuple(self._names("group-by")),
            self._aliases(),
            self._timespan(),
            condition,
            isinstance(generate, Leaf) and generate.value is True,
            self.part.span,
        )

    def _known_keys(self) -> None:
        """A key that is passed over, such as group_by, would make another correlation of it."""
        for key, _ in self.part.members:
            if key.text not in _KEYS:
                close = nearest(key.text, _KEYS)
                self.diagnostics.error("E107", f"a correlation has no {key.text!r}", key.span, help=f"did you mean {close!r}?" if close else ", ".join(_KEYS))

    def _kind(self) -> str:
        node = self.part.get("type")
        known = (*MEASURES, *TEMPORAL)
        if not isinstance(node, Leaf) or node.text.lower() not in known:
            self.fail("E107", f"a correlation has one of these types: {', '.join(known)}", (node or self.part).span)
        return node.text.lower()

    def _names(self, key: str, part: Members | None = None) -> list[Reference]:
        node = (part or self.part).get(key)
        leaves = node.items if isinstance(node, Items) else (node,) if node is not None else ()
        found = []
        for leaf in leaves:
            if isinstance(leaf, Leaf) and leaf.text:
                found.append(Reference(leaf.text, leaf.span))
            else:
                self.diagnostics.error("E201", f"{key} is a name or a list of names", leaf.span)
        return found

    def _aliases(self) -> tuple[tuple[str, tuple[tuple[str, Reference], ...]], ...]:
        node = self.part.get("aliases")
        if node is None:
            return ()
        if not isinstance(node, Members):
            self.fail("E201", "aliases is a map of names, each a map of rules to their fields", node.span)
        found = []
        for name, fields in node.members:
            if not isinstance(fields, Members):
                self.fail("E201", f"the alias {name.text!r} is a map of rules to their fields", fields.span)
            found.append((name.text, tuple((k.text, Reference(v.text, v.span)) for k, v in fields.members if isinstance(v, Leaf))))
        return tuple(found)

    def _timespan(self) -> int:
        node = self.part.get("timespan")
        said = re.fullmatch(r"([0-9]+)([smhdwMy])", node.text) if isinstance(node, Leaf) else None
        if said is None or int(said[1]) == 0:
            self.fail("E107", "a correlation needs a timespan: a number and s, m, h, d, w, M or y, such as 15m", (node or self.part).span)
        return int(said[1]) * _UNITS[said[2]] * SECOND

    def _condition(self, kind: str) -> Threshold | Together | None:
        node = self.part.get("condition")
        if node is None and kind in TEMPORAL:
            return None
        if isinstance(node, Leaf) and kind in TEMPORAL:
            start, end = inside(node.span, self.diagnostics)
            return TogetherParser(_LEXER.tokens(self.diagnostics, start, end), self.diagnostics).parse()
        if not isinstance(node, Members):
            self.fail("E201", f"{kind} needs a condition: a map such as gte: 10", (node or self.part).span)
        return self._threshold(kind, node)

    def _threshold(self, kind: str, node: Members) -> Threshold:
        bounds = [(k.text, self._number(v)) for k, v in node.members if k.text in BOUNDS]
        for key, _ in node.members:
            if key.text not in (*BOUNDS, "field", "percentile"):
                self.diagnostics.error("E107", f"a condition has gt, gte, lt, lte, eq, neq, field and percentile, not {key.text!r}", key.span)
        if not bounds:
            self.fail("E201", "a condition needs a bound, such as gte: 10", node.span)
        fields = self._names("field", node)
        if kind.startswith("value_") and not fields:
            self.fail("E201", f"{kind} needs the field whose values it takes: field in its condition", node.span)
        if len(fields) > 1 and kind != "value_count":
            self.fail("E107", f"{kind} takes one field", fields[1].span)
        if fields and not kind.startswith("value_"):
            self.diagnostics.warn("W305", f"field has no effect: {kind} takes no values", fields[0].span)
        percentile = node.get("percentile")
        if kind == "value_percentile" and percentile is None:
            self.fail("E201", "value_percentile needs to know which: percentile, from 0 to 100, in its condition", node.span)
        share = self._number(percentile) if percentile is not None else None
        if percentile is not None and not 0 <= (share or 0) <= 100:
            self.fail("E107", "a percentile lies between 0 and 100", percentile.span)
        return Threshold(tuple(bounds), tuple(fields), share, node.span)

    def _number(self, node: Node) -> float:
        value = node.value if isinstance(node, Leaf) else None
        try:
            found = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else math.nan
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            self.fail("E104", "a bound is a number", node.span)
        return found

    def _agree(self, rules: tuple[Reference, ...], said: list[Reference]) -> None:
        known, used = {r.text for r in rules}, {r.text for r in said}
        for one in said:
            if one.text not in known:
                self.diagnostics.error("E102", f"the condition names {one.text!r}, which is none of the rules", one.span)
        for one in rules:
            if one.text not in used:
                self.diagnostics.error("E102", f"the condition does not say what {one.text!r} is for", one.span)


class TogetherParser(Cursor):
    """Reads a condition over rules: and, or, not, parentheses."""

    def __init__(self, tokens: list[Token], diagnostics: Diagnostics) -> None:
        super().__init__(tokens, diagnostics)

    def parse(self) -> Together:
        """Return the whole condition."""
        found = self._any()
        if not self.done:
            self.fail(f"expected and, or, or the end, found {self.describe()}")
        return found

    def _any(self) -> Together:
        parts = [self._all()]
        while self.take_word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self) -> Together:
        parts = [self._one()]
        while self.take_word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _one(self) -> Together:
        self.deeper()
        try:
            if self.take_word("not") is not None:
                return Without(self._one())
            opened = self.take("(")
            if opened is not None:
                found = self._any()
                self.close(opened)
                return found
            token = self.expect_kind("word", "the name of a rule")
            return Mentioned(Reference(token.text, token.span))
        finally:
            self.shallower()


def mentioned(condition: Together) -> list[Reference]:
    """Return the rules that a condition names, in order."""
    match condition:
        case Mentioned(rule=rule):
            return [rule]
        case Without(part=part):
            return mentioned(part)
        case Every(parts=parts) | Either(parts=parts):
            return [r for p in parts for r in mentioned(p)]
