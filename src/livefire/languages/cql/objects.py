"""Functions that parse a text into fields whose names only the data knows: parseJson and kvParse."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from livefire.languages.cql import coerce
from livefire.languages.cql.event import Bag, Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_END = "\x1e"


@dataclass(frozen=True, slots=True)
class Pairs:
    """The fields that `key=value` pairs make; `column` holds each pair of the text, in order, with a mark after it.

    A `gentle` set of fields replaces none that the event has.
    """

    prefix: str
    column: e.Expr
    separator: str
    first: bool = False
    keep_empty: bool = True
    gentle: bool = True

    def read(self, name: str) -> e.Expr | None:
        """Return the value of the last pair of a key, or of the first; an empty one is a value."""
        if not name.startswith(self.prefix) or not re.fullmatch(r"[^\s=,;\"']+", name[len(self.prefix) :]):
            return None
        key = re.escape(name[len(self.prefix) :]).replace("\\-", "-")
        before = rf"(?:^|{_END})" if self.first else rf"^(?:.*{_END})?"
        value = rf"(?:\"([^\"]*)\"|'([^']*)'|([^{_END}]*)){_END}"
        pattern = e.text(rf"(?s){before}(?:{key}|\"{key}\"|'{key}')\s*{re.escape(self.separator)}\s*{value}")
        groups = [call("logic.null_if", call("text.extract_regex", self.column, pattern, e.whole(i)), e.text("")) for i in (1, 2, 3)]
        if not self.keep_empty:
            return call("logic.coalesce", *groups)
        there = coerce.certain(call("text.matches_regex", self.column, pattern))
        return e.Case(((there, call("logic.coalesce", *groups, e.text(""))),), e.null(Type.STRING), Type.STRING)

    def array(self, _: str) -> e.Expr | None:
        """Return nothing: pairs make no arrays."""
        return None

    def on(self, column: e.Expr) -> Pairs:
        """Return the same fields read from another column."""
        return replace(self, column=column)


def _parse_json(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parsejson.html"""
    source = event.read(bound.field("field", "@rawstring") or "@rawstring")
    if is_null(source):
        return
    nulls = (bound.text("handleNull", "keep") or "keep").lower()
    if nulls not in ("keep", "discard", "empty"):
        bound.wrong("handleNull", "keep, discard or empty")
        return
    prefix = bound.text("prefix", "") or ""
    value = source if source.type is Type.DYNAMIC else call("dynamic.try_parse", coerce.text(source), span=bound.span)
    kept_empty = not bound.flag("excludeEmpty")
    replaced = {"keep": "null", "discard": None, "empty": "" if kept_empty else None}[nulls]
    excluded, included = tuple(w.text for w in bound.words("exclude")), tuple(w.text for w in bound.words("include"))
    removed = tuple(sorted((w.text for w in bound.words("removePrefixes") if w.text), key=len, reverse=True))
    event.push(Bag(prefix, event.hold(value), replaced, kept_empty, excluded, included, removed))


def _kv_parse(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-kvparse.html

    A value that is not quoted goes on to a blank, comma or semicolon. With separatorPadding=no it begins right after the separator.
    """
    separator, padding = bound.text("separator", "=") or "=", (bound.text("separatorPadding", "unknown") or "unknown").lower()
    duplicate = bound.text("onDuplicate", "keepLast")
    if len(separator) != 1 or separator in "\"'" or separator.isspace():
        bound.wrong("separator", "a single sign")
        return
    if duplicate not in ("keepFirst", "keepLast"):
        bound.wrong("onDuplicate", "keepFirst or keepLast")
        return
    if padding not in ("no", "unknown"):
        bound.refuse("separatorPadding")
        return
    prefix = bound.text("as") or bound.text("prefix", "") or ""
    prefix = f"{prefix}." if prefix and not prefix.endswith(".") else prefix
    sign = re.escape(separator)
    key = rf"(?:\"[^\"]+\"|'[^']+'|[^\s,;\"'{sign}]+)"
    gap = "" if padding == "no" else r"\s*"
    pattern = rf"{key}\s*{sign}{gap}(?:\"[^\"]*\"|'[^']*'|[^\s,;\"'][^\s,;]*|)"
    for name in [w.text for w in bound.fields("field")] or ["@rawstring"]:
        source = event.read(name)
        if is_null(source):
            continue
        pairs = call("text.extract_all_regex", event.hold(coerce.text(source)), e.text(pattern), e.whole(0), span=bound.span)
        marked = call("text.concat", call("text.join", pairs, e.text(_END)), e.text(_END))
        column = event.hold(marked)
        event.push(Pairs(prefix, column, separator, duplicate == "keepFirst", not bound.flag("excludeEmpty"), not bound.flag("override")))


FUNCTIONS = (
    Function("parseJson", "step", ("field", "prefix", "excludeEmpty", "handleNull", "exclude", "include", "removePrefixes"), _parse_json),
    Function("kvParse", "step", ("field", "as", "prefix", "separator", "separatorPadding", "override", "excludeEmpty", "onDuplicate"), _kv_parse),
)
