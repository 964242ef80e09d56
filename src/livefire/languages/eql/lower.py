"""EQL to plans: event queries and pipes; sequences and samples are in `chains`."""

from __future__ import annotations

from collections.abc import Iterator

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.eql import ast, chains
from livefire.languages.eql.reader import Reader
from livefire.languages.eql.sources import open_origin
from livefire.languages.kit.ast import Apply, Ast, Binary, ListOf, Name, Unary
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.schema import Type


def lower(tree: object, context: Context) -> n.Plan:
    """Return the plan of a query.

    Events come by time, then by the tiebreaker field if one is given, then as they are stored. The
    search API's own limit of ten results is not applied: every match is a row.
    """
    if not isinstance(tree, ast.Query):
        raise TypeError(f"{type(tree).__name__} is no EQL query")
    _refuse_options(tree.span, context)
    category, time, tiebreak = _field_options(context)
    asked = [*field_names(tree), category, time, *([tiebreak] if tiebreak else [])]
    origin = open_origin(context, asked)
    reader = Reader(origin, context, category, time, tiebreak)
    if isinstance(tree.body, ast.Chain):
        return chains.lower(tree.body, tree.pipes, reader)
    return _events(tree.body, tree.pipes, reader)


_STORED = "stored place"
# Parameters of the search API that change its results, with the nearest way here.
_REFUSED_OPTIONS = {
    "size": "pipe to `head` or `tail`",
    "result_position": "pipe to `head` or `tail`",
    "filter": "write the condition into the query",
    "max_samples_per_key": "a sample gives one choice a key",
    "runtime_mappings": "a field must be stored",
}


def _refuse_options(span: Span, context: Context) -> None:
    """Report options of Elasticsearch's search that cannot be honoured."""
    if context.options.get("case_sensitive") is False:
        help = "`:` and functions with `~` do not regard case"
        context.diagnostics.error("E304", "case_sensitive=false was removed from Elasticsearch", span, help=help)
    for name, help in _REFUSED_OPTIONS.items():
        if context.options.get(name) is not None:
            context.diagnostics.error("E304", f"the option {name} is not supported", span, help=help)


def _field_options(context: Context) -> tuple[str, str, str | None]:
    category = context.option("event_category_field") or "event.category"
    return category, context.option("timestamp_field") or "@timestamp", context.option("tiebreaker_field")


def _events(events: ast.EventFilter, pipes: tuple[ast.Pipe, ...], reader: Reader) -> n.Plan:
    plan: n.Plan = n.Filter(reader.origin.plan, reader.predicate(events), events.span)
    order = reader.order(events.span)
    if pipes:
        # Which of several events of one time is cut off must not change from run to run.
        plan = n.Window(plan, (n.Item(_STORED, e.WindowCall("window.row_number", (), Type.LONG)),))
        order = (*order, e.SortKey(n.column(plan, _STORED)))
    if order:
        plan = n.Sort(plan, order, events.span)
    if reader.origin.known and reader.time() is None:
        words = f"no field is named {reader.time_field!r}, so events keep the order they are stored in"
        reader.context.diagnostics.warn("W147", words, events.span, help="name the event time with timestamp_field")
    for pipe in pipes:
        plan = n.Limit(plan, pipe.count, span=pipe.span) if pipe.kind == "head" else last(plan, pipe)
    return n.select(plan, *reader.origin.shown.names)


def last(plan: n.Plan, pipe: ast.Pipe) -> n.Plan:
    """Return the last rows of an ordered plan, in its order."""
    place, of = "tail place", "tail of"
    numbered = n.Window(plan, (n.Item(place, e.WindowCall("window.row_number", (), Type.LONG, row_order=True)),))
    counted = n.Window(numbered, (n.Item(of, e.WindowCall("agg.count", (), Type.LONG)),))
    least = call("number.subtract", n.column(counted, of), e.whole(pipe.count), type=Type.LONG)
    kept = n.Filter(counted, call("compare.gt", n.column(counted, place), least), pipe.span)
    return n.select(kept, *plan.schema.names)


def field_names(tree: object) -> Iterator[str]:
    """Yield every field name a query mentions."""
    match tree:
        case ast.Query(body=body):
            yield from field_names(body)
        case ast.Chain(by=by, terms=terms, until=until):
            yield from (k.text for k in by)
            for term in (*terms, *((until,) if until else ())):
                yield from (k.text for k in term.by)
                yield from _names(term.filter.condition)
        case ast.EventFilter(condition=condition):
            yield from _names(condition)


def _names(node: Ast) -> Iterator[str]:
    match node:
        case Name(text=text):
            yield text
        case Unary(operand=operand):
            yield from _names(operand)
        case Binary(left=left, right=right):
            yield from _names(left)
            yield from _names(right)
        case Apply(args=args):
            for arg in args:
                yield from _names(arg.value)
        case ListOf(items=items):
            for item in items:
                yield from _names(item)
