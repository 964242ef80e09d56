"""Conditions of the search command over events.

Values compare without regard to case, `*` stands for any run, numbers compare as numbers; `f!=x`
wants a value, `NOT f=x` does not: https://docs.splunk.com/Documentation/Splunk/latest/Search/NOTexpressions
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.evaluating import Evaluator
from livefire.languages.spl.frame import RAW, TIME, Frame
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.subsearches import condition_of
from livefire.languages.spl.tables import FACTS, Facts
from livefire.languages.spl.times import moment
from livefire.languages.spl.values import any_value, compare, is_multi, is_text, not_null, number_literal, number_of, parsed, text_of
from livefire.plan import expr as e
from livefire.plan.expr import Expr
from livefire.plan.functions import all_of, any_of, call
from livefire.schema import Type

_ORDER = {"<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}
_CIDR = re.compile(r"(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]*)/\d{1,3}")
# What parts the tokens of an event: https://docs.splunk.com/Documentation/Splunk/latest/Data/Abouteventsegmentation
_MAJOR = r"\s\[\]<>(){}|!;,'\"*&?+"


@dataclass(frozen=True, slots=True)
class Searcher:
    """Turns conditions into predicates over one frame; `facts` are those of its table where it has just one."""

    scope: Scope
    frame: Frame
    facts: Facts | None = None

    def predicate(self, condition: s.Condition) -> Expr:
        """Return the predicate of a condition."""
        match condition:
            case s.Junction(operator=operator, items=items):
                parts = [self.predicate(i) for i in items]
                return self._joined(operator, parts)
            case s.Negation(item=item):
                inner = self.predicate(item)
                if inner in (e.TRUE, e.FALSE):
                    return e.FALSE if inner == e.TRUE else e.TRUE
                return call("logic.not", call("logic.is_true", inner), span=condition.span)
            case s.Comparison():
                return self.comparison(condition)
            case s.Membership(field=field, values=values, span=span):
                return self._membership(field, values, span)
            case s.Term():
                return self.term(condition)
            case s.Subsearch():
                return condition_of(condition, self.frame, self.scope)
            case s.Unread():
                return e.TRUE

    def _joined(self, operator: str, parts: list[Expr]) -> Expr:
        neutral, absorbing = (e.TRUE, e.FALSE) if operator == "and" else (e.FALSE, e.TRUE)
        if absorbing in parts:
            return absorbing
        rest = [p for p in parts if p != neutral]
        if not rest:
            return neutral
        return all_of(*rest) if operator == "and" else any_of(*rest)

    def _membership(self, field: Name, values: tuple[s.Word, ...], span: Span) -> Expr:
        tests = [s.Comparison(field, "=", v, v.span) for v in values]
        plain = [self.scope.text(v) for v in values]
        column = self.frame.column(field.text) if self.frame.has(field.text) else None
        simple = column is not None and is_text(column) and self._fact(field.text, "*") is None
        if simple and column is not None and not any("*" in v or parsed(v) is not None or _CIDR.fullmatch(v) for v in plain):
            return call("text.in_fold", column, *(e.text(v) for v in plain), span=span)
        return self._joined("or", [self.comparison(t) for t in tests])

    def _fact(self, name: str, pattern: str) -> bool | None:
        return self.facts.matches(name, pattern) if self.facts is not None and name in FACTS else None

    def comparison(self, node: s.Comparison) -> Expr:
        """Return the predicate of `field op value`."""
        if not isinstance(node.value, s.Word):
            return self._computed(node)
        name, value = node.field.text, self.scope.text(node.value)
        if name in ("earliest", "latest", "_index_earliest", "_index_latest"):
            return self._bound(name, value, node)
        if (name in ("eventtype", "tag") or name.startswith("tag::")) and not self.frame.has(name):
            return self._knowledge(node)
        fact = self._fact(name, value)
        if fact is not None and node.operator in ("=", "!="):
            return e.TRUE if fact == (node.operator == "=") else e.FALSE
        column = self.scope.field(self.frame, node.field)
        if node.operator == "=":
            return self.equals(column, value, node.span, fold=node.form != "CASE")
        if node.operator == "!=":
            return self._differs(column, value, node.span)
        return self._ordered(column, node.operator, value, node.span)

    def _computed(self, node: s.Comparison) -> Expr:
        """A function where a search takes a value: Splunk reads it as plain words, the author meant `where`."""

        self.scope.context.quirk(
            156,
            "a search compares a field with a word, it does not compute",
            span=node.span,
            help="use `| where` for this condition",
        )
        left = self.scope.field(self.frame, node.field)
        right = Evaluator(self.scope, self.frame).value(node.value)  # type: ignore[arg-type]  # words were handled before
        return compare(node.operator, left, right, node.span)

    def _knowledge(self, node: s.Comparison) -> Expr:
        what = "event types" if node.field.text == "eventtype" else "tags"
        self.scope.context.diagnostics.error(
            "E155", f"{what} are knowledge of a Splunk server, and none is declared here", node.span, help="write the search that it stands for"
        )
        return e.TRUE

    def _bound(self, name: str, value: str, node: s.Comparison) -> Expr:
        if name.startswith("_index"):
            self.scope.refuse("E305", "the time of indexing is not kept", node.span, help="use earliest and latest, the time of the event")
        if node.operator != "=":
            self.scope.refuse("E206", f"{name} is set with `=`", node.span)
        at = moment(value)
        if value.lower().startswith("rt"):
            self.scope.refuse("E305", "real-time windows are not run", node.span, help="give a relative time such as -5m")
        if at is None:
            self.scope.refuse("E206", f"{value[:40]!r} is no time", node.span, help="such as -24h@h, @d, now, 1767225600 or 11/21/2026:00:00:00")
        if not self.frame.has(TIME):
            if not self.frame.wild:
                self.scope.refuse("E102", f"{name} needs a time, and these events have none", node.span, help="name the table's time field when loading it")
            return e.TRUE
        column = self.frame.column(TIME)
        if column.type is not Type.DATETIME:
            return e.TRUE if self.frame.wild else call("compare.ge" if name == "earliest" else "compare.lt", number_of(column), number_of(at), span=node.span)
        return call("compare.ge" if name == "earliest" else "compare.lt", column, at, span=node.span)

    def equals(self, column: Expr, value: str, span: Span, *, fold: bool = True) -> Expr:
        """Return whether a field, or one of its values, is what a search value says."""
        if value == "*":
            return not_null(column)
        if is_multi(column):
            return any_value(column, lambda v: self.equals(v, value, span, fold=fold), span)
        shown = text_of(column)
        if "*" in value:
            pattern = value.replace("\\", "\\\\").replace("?", "\\?")
            return call("text.wildcard_fold" if fold else "text.wildcard", shown, e.text(pattern), span=span)
        number = parsed(value)
        same = call("text.equals_fold" if fold else "compare.eq", shown, e.text(value), span=span)
        if number is not None:
            numeric = call("compare.eq", number_of(column), number_literal(number), span=span)
            return any_of(same, numeric) if is_text(column) else numeric
        if not is_text(column):
            return same
        if _CIDR.fullmatch(value):
            return any_of(same, call("text.cidr_contains", shown, e.text(value), span=span))
        return same

    def _differs(self, column: Expr, value: str, span: Span) -> Expr:
        if value == "*":
            return call("logic.and", not_null(column), e.FALSE, span=span)
        if is_multi(column):
            return any_value(column, lambda v: self._differs(v, value, span), span)
        return call("logic.not", self.equals(column, value, span), span=span)

    def _ordered(self, column: Expr, operator: str, value: str, span: Span) -> Expr:
        if is_multi(column):
            return any_value(column, lambda v: self._ordered(v, operator, value, span), span)
        number = parsed(value)
        if "*" in value:
            self.scope.refuse("E206", f"{operator} cannot compare with the wildcard {value[:40]!r}", span)
        if number is None and not is_text(column):
            self.scope.refuse("E104", f"{value[:40]!r} is no number, and the field is one", span)
        other: Expr = number_literal(number) if number is not None else e.text(value)
        return compare(operator, column, other, span)

    def term(self, node: s.Term) -> Expr:
        """Return whether a word or phrase occurs in the event between token breaks."""
        text = self.scope.text(node.word)
        if text == "*" or (not text and node.word.quoted):
            return e.TRUE
        fold = node.form != "CASE"
        if self.frame.has(RAW):
            return self._occurs(text_of(self.frame.column(RAW)), text, node.span, fold=fold)
        if self.frame.wild:
            return e.TRUE
        shown = [self.frame.column(x) for x in self.frame.names]
        if not shown:
            return e.FALSE
        tests = [any_value(c, lambda v: self._occurs(text_of(v), text, node.span, fold=fold)) for c in shown if c.type is not Type.DATETIME]
        return self._joined("or", tests)

    def _occurs(self, shown: Expr, text: str, span: Span, *, fold: bool) -> Expr:
        if "*" not in text and text[0].isalnum() and text[-1].isalnum():
            return call("text.has_term_fold" if fold else "text.has_term", shown, e.text(text), span=span)
        body = f"[^{_MAJOR}]*".join(re.escape(p) for p in text.strip("*").split("*"))
        # A sign at the edge of a term is itself where tokens part.
        head = r"(?:^|[^\p{L}\p{N}])" if text[0].isalnum() else ""
        foot = r"(?:$|[^\p{L}\p{N}])" if text[-1].isalnum() else ""
        if not body:
            return e.TRUE
        return call("text.matches_regex", shown, e.text(head + body + foot), e.text("is" if fold else "s"), span=span)
