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


@dataclass(frozen=True, slots=True)
class Pairs:
    """The fields that `key=value` pairs in a text make."""

    prefix: str
    column: e.Expr
    separator: str

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a key, quoted or up to the next blank, comma or semicolon."""
        if not name.startswith(self.prefix) or not re.fullmatch(r"[\w.@#-]+", name[len(self.prefix) :]):
            return None
        key = re.escape(name[len(self.prefix) :]).replace("\\-", "-")
        pattern = rf"(?:^|[\s,;])\"?{key}\"?\s*{re.escape(self.separator)}\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s,;\"']+))"
        found = [call("logic.null_if", call("text.extract_regex", self.column, e.text(pattern), e.whole(i)), e.text("")) for i in (1, 2, 3)]
        return call("logic.coalesce", *found)

    def array(self, _: str) -> e.Expr | None:
        """Return nothing: pairs make no arrays."""
        return None

    def on(self, column: e.Expr) -> Pairs:
        """Return the same fields read from another column."""
        return replace(self, column=column)


def _parse_json(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parsejson.html"""
    if bound.has("removePrefixes"):
        bound.context.diagnostics.error("E304", "removePrefixes of parseJson does not run here", bound.place("removePrefixes"))
        return
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
    event.push(Bag(prefix, event.hold(value), replaced, kept_empty, excluded, included))


def _kv_parse(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-kvparse.html"""
    source = event.read(bound.field("field", "@rawstring") or "@rawstring")
    if is_null(source):
        return
    prefix = bound.text("as", "") or ""
    event.push(Pairs(f"{prefix}." if prefix and not prefix.endswith(".") else prefix, event.hold(coerce.text(source)), bound.text("separator", "=") or "="))


FUNCTIONS = (
    Function("parseJson", "step", ("field", "prefix", "excludeEmpty", "handleNull", "exclude", "include", "removePrefixes"), _parse_json),
    Function("kvParse", "step", ("field", "as", "separator", "separatorPadding", "quote", "override", "excludeEmpty", "onDuplicate"), _kv_parse),
)
