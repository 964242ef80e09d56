"""Searches inside searches: `[search …]` as a condition, and text that is a search itself.

https://docs.splunk.com/Documentation/Splunk/latest/Search/Aboutsubsearches
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.diagnostics import Span
from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import is_multi, not_null, only_of, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Expr
from livefire.plan.functions import aggregate, call
from livefire.schema import Type

if TYPE_CHECKING:
    from livefire.languages.spl.evaluating import Evaluator


def condition_of(node: s.Subsearch, frame: Frame, scope: Scope) -> Expr:
    """Return the condition that the rows of a subsearch make: some row's fields all equal those of the event.

    Fields that begin with `_` take no part. A subsearch without rows is true of nothing.
    """
    inner = scope.pipeline(node.pipeline, None, frozenset())
    names = tuple(x for x in inner.names if not x.startswith("_"))
    raw = [x for x in names if x in ("search", "query")]
    if raw:
        scope.refuse("E305", f"a subsearch that gives back the field {raw[0]!r} writes search text, which is not known before the run", node.span)
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
    from livefire.languages.spl.parser import condition_text
    from livefire.languages.spl.searching import Searcher

    return Searcher(v.scope, v.frame).predicate(condition_text(text, span, v.scope.context))
