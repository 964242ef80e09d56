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
    if bound.has("view"):
        bound.context.diagnostics.error("E304", "view of defineTable does not run here", bound.place("view"), help="the table reads the events of the run")
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
    pipeline = _ranged(pipeline, bound)
    lower.define(name, pipeline)


def _ranged(pipeline: s.Pipeline, bound: Bound) -> s.Pipeline:
    """Return a query cut to the start and end that its own call gives."""
    given = tuple(a for a in bound.call.args if a.name is not None and a.name.lower() in ("start", "end"))
    if not given:
        return pipeline
    cut = s.FilterStep(s.Call("setTimeInterval", given, bound.span, bound.call.name_span), bound.span)
    lead = next((i for i, step in enumerate(pipeline.steps) if not isinstance(step, s.FilterStep) or isinstance(step.condition, s.Call)), len(pipeline.steps))
    return s.Pipeline((*pipeline.steps[:lead], cut, *pipeline.steps[lead:]), pipeline.span)


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
    if bound.flag("glob"):
        mode = "glob"
    if mode not in ("string", "exact", "glob", "cidr"):
        bound.wrong("mode", "string, glob or cidr")
        return e.FALSE
    many = 1 if nrows is None else _MOST_ROWS if nrows == "max" else bound.whole("nrows", 1)
    if not 1 <= many <= _MOST_ROWS or (many > 1 and event.inline):
        bound.wrong("nrows", f"a whole number from 1 to {_MOST_ROWS}")
        return e.FALSE
    fields, fold = [w.text for w in bound.fields("field")], bound.flag("ignoreCase")
    columns = [w.text for w in bound.fields("column")] or fields
    if len(columns) != len(fields):
        bound.wrong("column", f"{len(fields)} columns, as many as fields")
        return e.FALSE
    include = [w.text for w in bound.words("include")]
    if not include or include == ["*"]:
        include = [c for c in _columns(right) if c not in columns]
    fit = _BY.get(mode, "compare.eq")
    matched = attach(event, right, list(zip(fields, columns, strict=True)), include, fold=fold, span=bound.span, fit=fit, many=many, latest=True)
    return matched if bound.flag("strict", default=True) else e.TRUE


def _lookup(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-lookup.html

    The older form of match, which keeps events without a row.
    """
    given = {(a.name or "file").lower(): a for a in bound.call.args}
    renamed = [s.Argument("field", a.value, a.span) for name, a in given.items() if name == "on"]
    kept = [s.Argument(a.name or "file", a.value, a.span) for name, a in given.items() if name in ("file", "include", "column")]
    strict = s.Argument("strict", s.Word("false", "false", quoted=False, span=bound.span), bound.span)
    match = s.Call("match", (*kept, *renamed, strict), bound.span, bound.call.name_span)
    lower.steps(event, s.Pipeline((s.FilterStep(match, bound.span),), bound.span))


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


_MOST_ROWS = 500
_BY = {"glob": "text.fits_glob", "cidr": "address"}


def attach(
    event: Event,
    right: Event,
    keys: list[tuple[str, str]],
    include: list[str],
    *,
    fold: bool = False,
    empty: bool = False,
    span: Span,
    fit: str = "compare.eq",
    many: int = 1,
    latest: bool = False,
) -> e.Expr:
    """Bring the first rows that fit to each event, or the last, and return whether there is one.

    Rows fit whose keys are the same, or, by `fit`, the patterns or blocks of the event's values.
    The included fields are set where there is a row; `empty` makes those it lacks empty text.
    """
    if fit != "compare.eq":
        return _attach_fitting(event, right, keys, include, fold=fold, span=span, fit=fit, many=many)
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
    place = n.Item(event.rows.fresh(), window("window.row_number", row_order=True))
    placed = n.Window(table, (place,), span)
    by = (e.SortKey(e.Column(place.name, Type.LONG), latest),)
    numbered = n.Window(placed, (n.Item(rank, window("window.row_number", partition_by=partition, order_by=by)),), span)
    first = n.Filter(numbered, call("compare.le", n.column(numbered, rank), e.whole(many)), span)
    kept = n.select(first, *table.schema.names, rank)
    on = all_of(*(call("compare.eq", left, n.column(kept, name)) for left, name in zip(lefts, names, strict=True)))
    if many == 1:
        event.rows.wrap(n.Join(event.rows.flush(), kept, "left", on, span))
    else:
        row = n.Item(event.rows.fresh(), window("window.row_number", row_order=True))
        joined = n.Join(n.Window(event.rows.flush(), (row,), span), kept, "left", on, span)
        event.rows.wrap(n.Sort(joined, (e.SortKey(e.Column(row.name, Type.LONG)), e.SortKey(n.column(joined, rank))), span))
    found = coerce.certain(e.Column(mark, Type.BOOL))
    for field in include:
        column = n.column(kept, values[field])
        if empty:
            column_text = call("logic.coalesce", coerce.text(column), e.text(""))
            event.assign(field, e.Case(((found, column_text),), e.null(Type.STRING), Type.STRING))
        else:
            event.assign(field, column)
    return found


def _attach_fitting(event: Event, right: Event, keys: list[tuple[str, str]], include: list[str], *, fold: bool, span: Span, fit: str, many: int) -> e.Expr:
    """Bring rows of a table whose patterns or blocks fit the event's values: the narrowest blocks, the first patterns by their characters."""
    lefts = [event.hold(_key(event.read(field), fold=fold)) for field, _ in keys]
    if fit == "address":
        lefts = [event.hold(call("address.digits", left)) for left in lefts]
    rights = [right.hold(_key(right.read(column), fold=fold)) for _, column in keys]
    for value in rights:
        right.keep(coerce.present(value), span)
    names, ends = [event.rows.fresh() for _ in keys], [event.rows.fresh() for _ in keys]
    values = {field: event.rows.fresh() for field in include}
    mark, place, row, rank = (event.rows.fresh() for _ in range(4))
    shown = [n.Item(values[f], coerce.text(right.read(f)) if right.peek(f).type in (Type.DYNAMIC, Type.UNKNOWN) else right.read(f)) for f in include]
    blocks = [call("address.block_last", v) for v in rights] if fit == "address" else []
    edges = [call("address.block_first", v) if fit == "address" else call("text.concat", e.text("*"), v, e.text("*")) for v in rights]
    items = [*(n.Item(x, v) for x, v in zip(names, edges, strict=True)), *(n.Item(x, v) for x, v in zip(ends, blocks, strict=False))]
    table = right.rows.finish([*items, *shown, n.Item(mark, e.TRUE)], span)
    numbered = n.Window(table, (n.Item(place, window("window.row_number", row_order=True)),), span)
    kept = n.select(numbered, *(x for x in numbered.schema.names))
    tests: list[e.Expr] = []
    for left, name, end in zip(lefts, names, ends, strict=True):
        if fit == "address":
            tests += [call("compare.ge", left, n.column(kept, name)), call("compare.le", left, n.column(kept, end))]
        else:
            tests.append(call(fit, left, n.column(kept, name)))
    source = n.Window(event.rows.flush(), (n.Item(row, window("window.row_number", row_order=True)),), span)
    joined = n.Join(source, kept, "left", all_of(*tests), span)
    narrow = [e.SortKey(n.column(joined, name), fit == "address") for name in names]
    order = (*narrow, *(e.SortKey(n.column(joined, name)) for name in ends[: len(blocks)]), e.SortKey(e.Column(place, Type.LONG), True))
    by = window("window.row_number", partition_by=(e.Column(row, Type.LONG),), order_by=order)
    ranked = n.Window(joined, (n.Item(rank, by),), span)
    first = n.Filter(ranked, call("compare.le", e.Column(rank, Type.LONG), e.whole(many)), span)
    event.rows.wrap(n.Sort(first, (e.SortKey(e.Column(row, Type.LONG)), e.SortKey(e.Column(rank, Type.LONG))), span))
    found = coerce.certain(e.Column(mark, Type.BOOL))
    for field in include:
        event.assign(field, n.column(kept, values[field]))
    return found


def _key(value: e.Expr, *, fold: bool) -> e.Expr:
    text = coerce.text(value)
    return call("text.lower", text) if fold and not is_null(text) else text


def _join(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-join.html"""
    query = bound.need("query")
    if not isinstance(query, s.Subquery) or bound.need("field") is None:
        return
    for option in ("view", "live", "repo"):
        if bound.has(option):
            bound.context.diagnostics.error("E304", f"{option} of join does not run here", bound.place(option), help="the subquery reads the events of the run")
    mode = (bound.text("mode", "inner") or "inner").lower()
    if mode not in ("inner", "left"):
        bound.wrong("mode", "inner or left")
        return
    many = bound.whole("max", 1)
    if many < 1 or (many > 1 and event.forked):
        bound.wrong("max", "a whole number from 1, and 1 inside case")
        return
    if bound.has("suffix"):
        bound.context.quirk(135, "join has no parameter 'suffix'", span=bound.place("suffix"), help="rename the fields in the query of the join")
    fields = [w.text for w in bound.fields("field")]
    columns = [w.text for w in bound.fields("key")] or fields
    if len(fields) != len(columns):
        bound.wrong("key", f"{len(fields)} names, as many as field")
        return
    right = lower.subquery(_ranged(query.pipeline, bound))
    include = [w.text for w in bound.words("include")]
    found = attach(event, right, list(zip(fields, columns, strict=True)), include, empty=True, span=bound.span, many=many)
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
    names = [w.text for w in bound.words("file")]
    if not names:
        bound.need("file")
        return
    parts = [_file(lower, name) for name in names]
    name = next((x for x, part in zip(names, parts, strict=True) if part is None), names[0])
    found = None if None in parts else parts[0] if len(parts) == 1 else _stacked(lower, [p for p in parts if p is not None], bound)
    if found is None:
        report = bound.context.diagnostics.warn if bound.context.open_schema else bound.context.diagnostics.error
        report("W101" if bound.context.open_schema else "E101", f"no table is named {name!r}", bound.span, help="load the file as a table of that name")
        return
    event.become(found)
    include = bound.get("include")
    if include is not None and [w.text for w in bound.words("include")] != ["*"]:
        chosen = s.Call("select", (s.Argument("fields", include, bound.place("include")),), bound.span, bound.span)
        lower.steps(event, s.Pipeline((s.FilterStep(chosen, bound.span),), bound.span))
    if bound.has("limit") and bound.text("limit") != "max":
        event.rows.wrap(n.Limit(event.rows.flush(), max(bound.whole("limit", 200), 0), 0, bound.span))


def _stacked(lower: Lower, parts: list[Event], bound: Bound) -> Event:
    """Return the rows of several tables one below the other."""
    names = list(dict.fromkeys(x for part in parts for x in _columns(part)))
    values = [[part.read(x) for x in names] for part in parts]
    typed = [coerce.same_type([coerce.text(v) if v.type is Type.DYNAMIC else v for v in column]) for column in zip(*values, strict=True)]
    plans = [part.rows.finish([n.Item(x, typed[i][p]) for i, x in enumerate(names)], bound.span) for p, part in enumerate(parts)]
    return lower.rows_of(n.Union(tuple(plans)))


def _create_events(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-createevents.html: an aggregate, whose events are all of the present time."""
    line, when = "\x02line", "\x02when"
    schema = Schema.of((line, Type.LONG), ("@rawstring", Type.STRING))
    rows = n.Values(schema, tuple((i, w.text) for i, w in enumerate(bound.words("rawstring"))))
    timed = n.extend(rows, n.Item(when, e.Parameter("now", Type.DATETIME)))
    plan = n.Sort(timed, (e.SortKey(n.column(timed, line)),))
    event.become(Event(lower.rows(plan), TableBase(Table("createEvents", plan, time=when, hidden=frozenset({line, when})))))
    event.aggregated = True


FUNCTIONS = (
    Function("defineTable", "step", ("query", "include", "name", "start", "end", "view"), _define_table),
    Function("match", "filter", ("file", "field", "column", "include", "mode", "ignoreCase", "strict", "nrows", "glob", "table"), _match),
    Function("lookup", "step", ("file", "on", "column", "include"), _lookup),
    Function("join", "step", ("query", "field", "key", "include", "mode", "max", "limit", "start", "end", "view", "live", "repo", "suffix"), _join),
    Function("selfJoinFilter", "step", ("field", "where", "prefilter"), _self_join_filter),
    Function("readFile", "step", ("file", "limit", "include"), _read_file),
    Function("createEvents", "step", ("rawstring",), _create_events),
)
