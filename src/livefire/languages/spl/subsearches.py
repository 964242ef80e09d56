"""Searches inside searches: `[search …]` as a condition, and text that is a search itself.

https://docs.splunk.com/Documentation/Splunk/latest/Search/Aboutsubsearches
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.spl import nodes as s
from livefire.languages.spl.fitting import fits_wildcard, lies_in_block
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.mentions import names_in
from livefire.languages.spl.parser import condition_text
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import any_value, is_multi, is_null, not_null, number_of, only_of, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import aggregate, all_of, any_of, call
from livefire.schema import Type

if TYPE_CHECKING:
    from livefire.languages.spl.evaluating import Evaluator

_MOST = 500
_BLOCK = r"^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:]*)/\d{1,3}$"
# Values that a search does more with than compare their letters: wildcards, blocks of addresses, numbers that may be written in other ways.
_ODD = rf"[*]|{_BLOCK}|^[-+]?(0\d+|\d*\.\d+|\d+\.\d*|\d+(\.\d*)?e[-+]?\d+)$|^[+]\d"


def condition_of(node: s.Subsearch, frame: Frame, scope: Scope) -> Expr:
    """Return the condition that the rows of a subsearch make: some row's fields all equal those of the event.

    Fields that begin with `_` take no part, and a field without a value in its row neither: the row is the search that `format`
    would write of it, so a `*` in a value is any run of characters. A subsearch without rows is true of nothing.
    """
    inner = scope.pipeline(node.pipeline, None, frozenset())
    names = tuple(x for x in inner.names if not x.startswith("_"))
    raw = [x for x in names if x in ("search", "query")]
    if raw:
        return _written(node, inner, raw[0], frame, scope)
    if inner.wild and not names:
        return e.TRUE
    if not names:
        scope.refuse("E305", "the subsearch gives back no field to compare", node.span, help="end it with `| fields name`")
    if any(is_multi(inner.column(x)) for x in names):
        help = "spread the field with mvexpand at the end of the subsearch"
        scope.refuse("E305", "the subsearch gives back a field of several values", node.span, help=help)
    return _of_rows(node, inner, names, frame, scope)


def _of_rows(node: s.Subsearch, inner: Frame, names: tuple[str, ...], frame: Frame, scope: Scope) -> Expr:
    """Rows of plain values are looked for by equality; those that hold a wildcard, a block of addresses, a broken number or no value in a field, one by one."""
    values = [scope.field(frame, x, node.span) for x in names]
    if len(names) > 1 and any(is_multi(v) for v in values):
        scope.several(node.span, "a row in which a field compared has several ends the run")
        values = [only_of(v, "subsearch") for v in values]
    listed = n.Project(inner.plan, tuple(n.Item(x, call("text.lower", text_of(inner.column(x)))) for x in names))
    wanted = [n.column(listed, x) for x in names]
    odd = any_of(*(call("logic.is_true", call("text.matches_regex", x, e.text(_ODD))) for x in wanted))
    present = all_of(*(not_null(x) for x in wanted))
    plain = n.Filter(listed, call("logic.and", present, call("logic.not", odd)))
    rest = n.Filter(listed, call("logic.and", any_of(*(not_null(x) for x in wanted)), call("logic.or", odd, call("logic.not", present))))
    return any_of(_equal(values, plain, wanted, node.span), _fitting(values, rest, wanted))


def _equal(values: list[Expr], rows: n.Plan, wanted: list[e.Column], span: Span) -> Expr:
    if len(values) > 1:
        return e.InQuery(_key(values), n.Project(rows, (n.Item("key", _key(list(wanted))),)))
    if not is_multi(values[0]):
        return e.InQuery(call("text.lower", text_of(values[0])), rows)
    listed = n.Aggregate(rows, (), (n.Item(wanted[0].name, aggregate("agg.list", wanted[0])),))
    return call("list.overlaps_fold", values[0], e.ScalarQuery(listed, Type.DYNAMIC), span=span)


def _fitting(values: list[Expr], rows: n.Plan, wanted: list[e.Column]) -> Expr:
    """Return whether some row fits: in every field in which it has a value."""
    listed = n.Aggregate(rows, (), (n.Item("rows", aggregate("agg.list", call("dynamic.array", *wanted))),))
    row = e.Column("~row", Type.DYNAMIC)
    tests = []
    for place, value in enumerate(values):
        asked = call("dynamic.text", e.Path(row, (place,)))
        fits = any_value(value, lambda v, asked=asked: _fits(call("text.lower", text_of(v)), asked))  # type: ignore[misc]  # the value is bound as a default
        tests.append(call("logic.or", is_null(asked), call("logic.is_true", fits)))
    return call("dynamic.any_element", e.ScalarQuery(listed, Type.DYNAMIC), e.Lambda((row,), all_of(*tests)))


def _fits(shown: Expr, asked: Expr) -> Expr:
    """Return whether a value is what a search for `asked` finds: both are in small letters."""
    number = call("compare.eq", number_of(shown), number_of(asked))
    block = call("text.matches_regex", asked, e.text(_BLOCK))
    return Case(
        ((call("text.contains", asked, e.text("*")), fits_wildcard(shown, asked)), (block, lies_in_block(shown, asked)), (not_null(number_of(asked)), number)),
        call("compare.eq", shown, asked),
        Type.BOOL,
    )


def _written(node: s.Subsearch, inner: Frame, name: str, frame: Frame, scope: Scope) -> Expr:
    """A field called search or query is the text of a condition itself; the rows are alternatives.

    https://docs.splunk.com/Documentation/Splunk/latest/Search/Changetheformatofsubsearchresults
    """
    from livefire.languages.spl.searching import Searcher

    asked = n.Project(inner.plan, (n.Item("text", text_of(inner.column(name))),))
    rows = scope.look(n.Limit(asked, _MOST + 1), node.span, f"what the field {name!r} of a subsearch searches for")
    if rows is None:
        return e.TRUE
    if len(rows) > _MOST:
        scope.refuse("E305", f"a subsearch gives back at most {_MOST} texts to search for", node.span)
    tests = []
    for (text,) in rows:
        pipeline = scope.read(text, node.span) if text and text.strip() not in ("", "NOT()") else None
        if pipeline is None:
            continue
        first = pipeline.commands[0]
        if len(pipeline.commands) > 1 or not isinstance(first, s.Search) or first.condition is None:
            scope.refuse("E305", "the text that the subsearch gives back is no condition", node.span)
        unread = sorted(x for x in names_in(first.condition) if not frame.has(x) and not frame.wild)
        if unread:
            help = f"name it in the search too, such as {unread[0]}=*"
            scope.refuse("E305", f"the subsearch gives back a search for the field {unread[0]!r}, which the events were not read for", node.span, help=help)
        tests.append(Searcher(scope, frame).predicate(first.condition))
    return any_of(*tests) if tests else e.FALSE


def _key(values: list[Expr]) -> Expr:
    texts = [call("text.lower", text_of(v)) for v in values]
    present = call("logic.and", *(not_null(t) for t in texts))
    return e.Case(((present, call("dynamic.text", call("dynamic.array", *texts))),), e.null(Type.STRING), Type.STRING)


def searched(text: str, span: Span, v: Evaluator) -> Expr:
    """Return the condition of searchmatch("…")."""
    from livefire.languages.spl.searching import Searcher

    return Searcher(v.scope, v.frame).predicate(condition_text(text, span, v.scope.context))
