"""Searches inside searches: `[search …]` as a condition, and text that is a search itself.

https://docs.splunk.com/Documentation/Splunk/latest/Search/Aboutsubsearches
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.mentions import names_in
from livefire.languages.spl.parser import condition_text
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import is_multi, not_null, only_of, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Expr
from livefire.plan.functions import aggregate, any_of, call
from livefire.schema import Type

if TYPE_CHECKING:
    from livefire.languages.spl.evaluating import Evaluator

_MOST = 500


def condition_of(node: s.Subsearch, frame: Frame, scope: Scope) -> Expr:
    """Return the condition that the rows of a subsearch make: some row's fields all equal those of the event.

    Fields that begin with `_` take no part. A subsearch without rows is true of nothing.
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
    if len(names) > 1:
        return _several(node, inner, names, frame, scope)
    name = names[0]
    listed = n.Project(inner.plan, (n.Item(name, call("text.lower", text_of(inner.column(name)))),))
    present = n.Filter(listed, not_null(n.column(listed, name)))
    value = scope.field(frame, name, node.span)
    if not is_multi(value):
        return e.InQuery(call("text.lower", text_of(value)), present)
    wanted = n.Aggregate(present, (), (n.Item(name, aggregate("agg.list", n.column(listed, name))),))
    return call("list.overlaps_fold", value, e.ScalarQuery(wanted, Type.DYNAMIC), span=node.span)


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


def _several(node: s.Subsearch, inner: Frame, names: tuple[str, ...], frame: Frame, scope: Scope) -> Expr:
    """All fields of one row together: compared as one text of their values, rows that lack one cannot be compared so."""
    values = [scope.field(frame, x, node.span) for x in names]
    if any(is_multi(v) for v in values):
        scope.several(node.span, "a row in which a field compared has several ends the run")
        values = [only_of(v, "subsearch") for v in values]
    scope.context.diagnostics.notice("N159", f"a row of the subsearch that lacks one of {', '.join(names)} is left out", node.span)
    key = _key([inner.column(x) for x in names])
    listed = n.Project(inner.plan, (n.Item("key", key),))
    return e.InQuery(_key(values), n.Filter(listed, not_null(n.column(listed, "key"))))


def _key(values: list[Expr]) -> Expr:
    texts = [call("text.lower", text_of(v)) for v in values]
    present = call("logic.and", *(not_null(t) for t in texts))
    return e.Case(((present, call("dynamic.text", call("dynamic.array", *texts))),), e.null(Type.STRING), Type.STRING)


def searched(text: str, span: Span, v: Evaluator) -> Expr:
    """Return the condition of searchmatch("…")."""
    from livefire.languages.spl.searching import Searcher

    return Searcher(v.scope, v.frame).predicate(condition_text(text, span, v.scope.context))
