"""A whole filter as a plan: the documents that meet it, in the order of time."""

from __future__ import annotations

from livefire.languages.base import Context
from livefire.languages.index.conditions import Conditions
from livefire.languages.index.documents import open_documents
from livefire.languages.index.filters import Filter, field_names
from livefire.plan import expr as e
from livefire.plan import nodes as n


def search(tree: Filter, context: Context) -> n.Plan:
    """Return the documents that meet a filter, with the columns of their indices.

    Several indices come under each other with `_index` as the first column. The option `fields`
    names more fields to show, below dynamic columns for example. Rows come by the event time, those
    without one last.
    """
    shown = tuple(str(f) for f in _listed(context.options.get("fields")))
    documents = open_documents(context, (*field_names(tree), *shown))
    plan: n.Plan = n.Filter(documents.plan, Conditions(documents, context).lower(tree), tree.span)
    time = documents.plan.schema.get(documents.time) if documents.time is not None else None
    if time is not None:
        plan = n.Sort(plan, (e.SortKey(e.Column(time.name, time.type)),), tree.span)
    items = [n.Item(f.name, e.Column(f.name, f.type)) for f in documents.shown]
    names = {i.name for i in items}
    for name in shown:
        member = documents.fields.get(name)
        if member is not None and name not in names:
            items.append(n.Item(name, member.expr))
    return n.Project(plan, tuple(items))


def _listed(value: object) -> tuple[object, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)
