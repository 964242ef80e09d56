"""Steps that bring in other rows: match, join, defineTable, readFile, createEvents and selfJoinFilter.

Lookup files are tables that the user loaded under the file's name, with or without its suffix.
https://library.humio.com/data-analysis/functions-match.html
"""

from __future__ import annotations

import re

from livefire.diagnostics import Span
from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import is_null
from livefire.languages.cql.source import TableBase
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import all_of, any_of, call, negate, window
from livefire.schema import Schema, Type


def _define_table(lower: Lower, _: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-definetable.html"""
    query, name = bound.need("query"), bound.text("name")
    for option in ("start", "end", "view"):
        if bound.has(option):
            bound.context.diagnostics.error(
                "E304", f"{option} of defineTable does not run here", bound.place(option), help="the table reads the events of the run"
            )
    if not isinstance(query, s.Subquery) or name is None or bound.need("include") is None:
        bound.need("name")
        return
    everything = [w.text for w in bound.words("include")] == ["*"]
    pipeline = query.pipeline
    if not everything:
        table = s.Call(
            "select", (s.Argument("fields", s.Items(tuple(bound.words("include")), bound.place("include")), bound.place("include")),), bound.span, bound.span
        )
        pipeline = s.Pipeline((*pipeline.steps, s.FilterStep(table, bound.span)), pipeline.span)
    lower.define(name, pipeline)


def _file(lower: Lower, name: str) -> Event | None:
    """Return the rows of a defined or loaded table as an event; None when there is none of that name."""
    defined = lower.named(name)
    if defined is not None:
        return lower.subquery(defined)
    table = _loaded(lower, name)
    return Event(lower.rows(table.plan), TableBase(table)) if table is not None else None


def _loaded(lower: Lower, name: str) -> Table | None:
    short = name.rpartition("/")[2]
    for candidate in (name, short, re.sub(r"\.(csv|json)$", "", name), re.sub(r"\.(csv|json)$", "", short)):
        table = lower.context.catalog.table(candidate)
        if table is not None and not table.vendor:
            return table
    return None


def _match(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-match.html"""
    name = bound.text("file") or bound.text("table")
    if name is None or bound.need("field") is None:
        bound.need("file")
        return e.FALSE
    mode = (bound.text("mode", "string") or "string").lower()
    nrows = bound.text("nrows", "1")
    right = _file(lower, name)
    if right is None:
        return _missing(event, name, bound)
    if mode not in ("string", "exact") or bound.flag("glob"):
        bound.context.diagnostics.error("E304", f"match by {mode} does not run here: patterns in a table are not constant", bound.place("mode"))
        return e.FALSE
    if nrows != "1":
        bound.context.diagnostics.error(
            "E304", "match with more than one row an event does not run here", bound.place("nrows"), help="use join(…, max=1) or groupBy in the table"
        )
        return e.FALSE
    fields, fold = [w.text for w in bound.fields("field")], bound.flag("ignoreCase")
    columns = [w.text for w in bound.fields("column")] or fields
    if len(columns) != len(fields):
        bound.wrong("column", f"{len(fields)} columns, as many as fields")
        return e.FALSE
    include = [w.text for w in bound.words("include")]
    if not include or include == ["*"]:
        include = [c for c in _columns(right) if c not in columns]
    matched = attach(event, right, list(zip(fields, columns, strict=True)), include, fold=fold, span=bound.span)
    return matched if bound.flag("strict", default=True) else e.TRUE


def _missing(event: Event, name: str, bound: Bound) -> e.Expr:
    """A file that is not here is an error; inside a clause only for the run in which an event gets there."""
    help = f"load the file as a table: Workspace.load({name!r}, rows)"
    if bound.context.open_schema or (event.forked and not event.inline):
        bound.context.diagnostics.warn("W101", f"no table is named {name!r}; the run fails if an event gets here", bound.span, help=help)
        reached = all_of(event.reached, *((event.alive,) if event.alive is not None else ()))
        message = e.text(f"an event reaches the lookup in {name!r}, which is not loaded")
        event.rows.filter(negate(call("logic.fail_if", reached, message, span=bound.span)), bound.span)
        return e.TRUE
    bound.context.diagnostics.error("E101", f"no table is named {name!r}", bound.place("file"), help=help)
    return e.FALSE


def _columns(event: Event) -> list[str]:
    names = list(event.base.names) if event.base is not None and not event.closed else []
    return list(dict.fromkeys([*names, *event.fields]))


def attach(event: Event, right: Event, keys: list[tuple[str, str]], include: list[str], *, fold: bool = False, empty: bool = False, span: Span) -> e.Expr:
    """Bring the first row with the same keys to each event, and return whether there is one.

    The included fields are set where there is a row; `empty` makes those it lacks empty text.
    """
    lefts = [event.hold(_key(event.read(field), fold=fold)) for field, _ in keys]
    rights = [right.hold(_key(right.read(column), fold=fold)) for _, column in keys]
    names = [event.rows.fresh() for _ in keys]
    values = {field: event.rows.fresh() for field in include}
    mark, rank = event.rows.fresh(), event.rows.fresh()
    for value in rights:
        right.keep(coerce.present(value), span)
    shown = [n.Item(values[f], coerce.text(right.read(f)) if right.peek(f).type in (Type.DYNAMIC, Type.UNKNOWN) else right.read(f)) for f in include]
    table = right.rows.finish([*(n.Item(name, v) for name, v in zip(names, rights, strict=True)), *shown, n.Item(mark, e.TRUE)], span)
    partition = tuple(n.column(table, name) for name in names)
    numbered = n.Window(table, (n.Item(rank, window("window.row_number", partition_by=partition, row_order=True)),), span)
    first = n.Filter(numbered, call("compare.eq", n.column(numbered, rank), e.whole(1)), span)
    kept = n.select(first, *(name for name in table.schema.names))
    on = all_of(*(call("compare.eq", left, n.column(kept, name)) for left, name in zip(lefts, names, strict=True)))
    event.rows.wrap(n.Join(event.rows.flush(), kept, "left", on, span))
    found = coerce.certain(e.Column(mark, Type.BOOL))
    for field in include:
        column = n.column(kept, values[field])
        if empty:
            column_text = call("logic.coalesce", coerce.text(column), e.text(""))
            event.assign(field, e.Case(((found, column_text),), e.null(Type.STRING), Type.STRING))
        else:
            event.assign(field, column)
    return found


def _key(value: e.Expr, *, fold: bool) -> e.Expr:
    text = coerce.text(value)
    return call("text.lower", text) if fold and not is_null(text) else text


def _join(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-join.html"""
    query = bound.need("query")
    if not isinstance(query, s.Subquery) or bound.need("field") is None:
        return
    for option in ("start", "end", "view", "live", "repo"):
        if bound.has(option):
            bound.context.diagnostics.error("E304", f"{option} of join does not run here", bound.place(option), help="the subquery reads the events of the run")
    mode = (bound.text("mode", "inner") or "inner").lower()
    if mode not in ("inner", "left"):
        bound.wrong("mode", "inner or left")
        return
    if bound.text("max", "1") != "1":
        bound.context.diagnostics.error("E304", "join with max above 1 does not run here", bound.place("max"), help="use groupBy over both kinds of events")
        return
    fields = [w.text for w in bound.fields("field")]
    columns = [w.text for w in bound.fields("key")] or fields
    if len(fields) != len(columns):
        bound.wrong("key", f"{len(fields)} names, as many as field")
        return
    right = lower.subquery(query.pipeline)
    include = [w.text for w in bound.words("include")]
    found = attach(event, right, list(zip(fields, columns, strict=True)), include, empty=True, span=bound.span)
    if mode == "inner":
        event.keep(found, bound.span)


def _self_join_filter(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-selfjoinfilter.html"""
    if bound.need("field") is None or bound.need("where") is None:
        return
    if event.forked:
        bound.context.diagnostics.error("E305", "selfJoinFilter inside case does not run here", bound.span)
        return
    keys = [event.hold(coerce.text(event.read(w.text))) for w in bound.fields("field")]
    flags: list[e.Expr] = []
    for clause in bound.items("where"):
        if not isinstance(clause, s.Subquery):
            bound.wrong("where", "conditions in braces: [{…}, {…}]")
            return
        fork = event.fork()
        lower.steps(fork, clause.pipeline)
        flags.append(fork.alive if fork.alive is not None else e.TRUE)
    for key in keys:
        event.keep(coerce.present(key), bound.span)
    ones = [event.hold(e.Case(((flag, e.whole(1)),), e.whole(0), Type.LONG)) for flag in flags]
    plan = event.rows.flush()
    items = [n.Item(event.rows.fresh(), window("agg.max", one, partition_by=tuple(keys))) for one in ones]
    event.rows.wrap(n.Window(plan, tuple(items), bound.span))
    event.keep(all_of(*(call("compare.eq", e.Column(i.name, Type.LONG), e.whole(1)) for i in items)), bound.span)
    if bound.flag("prefilter"):
        event.keep(any_of(*flags), bound.span)


def _read_file(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-readfile.html"""
    name = bound.text("file")
    if name is None:
        bound.need("file")
        return
    found = _file(lower, name)
    if found is None:
        report = bound.context.diagnostics.warn if bound.context.open_schema else bound.context.diagnostics.error
        report("W101" if bound.context.open_schema else "E101", f"no table is named {name!r}", bound.span, help="load the file as a table of that name")
        return
    event.become(found)


def _create_events(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-createevents.html"""
    texts = [w.text for w in bound.words("rawstring")]
    schema = Schema.of(("@rawstring", Type.STRING))
    plan = n.Values(schema, tuple((text,) for text in texts))
    event.become(Event(lower.rows(plan), TableBase(Table("createEvents", plan))))


FUNCTIONS = (
    Function("defineTable", "step", ("query", "include", "name", "start", "end", "view"), _define_table),
    Function("match", "filter", ("file", "field", "column", "include", "mode", "ignoreCase", "strict", "nrows", "glob", "table"), _match),
    Function("join", "step", ("query", "field", "key", "include", "mode", "max", "limit", "start", "end", "view", "live", "repo"), _join),
    Function("selfJoinFilter", "step", ("field", "where", "prefilter"), _self_join_filter),
    Function("readFile", "step", ("file", "limit", "include"), _read_file),
    Function("createEvents", "step", ("rawstring",), _create_events),
)
