"""The rows of a query with their special fields, and the filters on them."""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.eql import ast
from livefire.languages.eql.conditions import Conditions
from livefire.languages.eql.sources import Fields, Origin
from livefire.languages.kit.ast import Name
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, call
from livefire.schema import Type


class Reader:
    """The origin of a query with its special fields, and the filters on it."""

    def __init__(self, origin: Origin, context: Context, category: str, time: str, tiebreak: str | None) -> None:
        self.origin = origin
        self.context = context
        self.fields = Fields(origin, context)
        self.category = category
        self.time_field = time
        self.tiebreak_field = tiebreak

    def predicate(self, events: ast.EventFilter) -> e.Expr:
        """Return the condition of an event filter, its category included."""
        conditions = Conditions(self.fields, self.context)
        parts: list[e.Expr] = []
        if events.category is not None:
            wanted = conditions.operands.any_value(
                self.fields.find(Name(self.category, events.category_span)),
                lambda value: conditions.operands.against(value, e.text(str(events.category)), "==", events.category_span),
            )
            parts.append(call("logic.is_true", wanted, span=events.category_span))
        parts.append(conditions.lower(events.condition))
        return all_of(*parts)

    def time(self) -> e.Expr | None:
        """Return the event time as a datetime, None where there is none."""
        found = self.origin.fields.get(self.time_field)
        if found is None and "timestamp_field" not in self.context.options and self.origin.time:
            found = n.column(self.origin.plan, self.origin.time)
        if found is None:
            return None
        match found.type:
            case Type.DYNAMIC:
                return call("dynamic.datetime", found)
            case Type.STRING:
                return call("time.parse", found)
            case Type.LONG | Type.INT:
                return call("time.from_epoch", found, e.text("ms"))
        return found

    def tiebreak(self, span: Span) -> e.Expr | None:
        """Return the field that orders events of one time, None where none is asked for."""
        if self.tiebreak_field is None:
            return None
        return self.fields.find(Name(self.tiebreak_field, span))

    def order(self, span: Span) -> tuple[e.SortKey, ...]:
        """Return the order of events: nulls come last."""
        keys = (self.time(), self.tiebreak(span))
        return tuple(e.SortKey(k) for k in keys if k is not None)
