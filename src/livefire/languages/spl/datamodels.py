"""Data models: tstats and mstats over them, from and datamodel.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Tstats
"""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.languages.binder import nearest
from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.aggregates import present
from livefire.languages.spl.charts import bucket, read_span
from livefire.languages.spl.combining import in_order
from livefire.languages.spl.elsewhere import MODELS
from livefire.languages.spl.frame import RAW, TIME, Frame
from livefire.languages.spl.grouping import grouped
from livefire.languages.spl.lookups import table_named
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.searching import Searcher
from livefire.languages.spl.sources import lower_base, newest_first
from livefire.languages.spl.tables import events
from livefire.languages.spl.timing import time_of
from livefire.languages.spl.values import any_value, not_null, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.expr import Case
from livefire.plan.functions import call
from livefire.schema import Schema, Type

_KEPT = (TIME, RAW, "index", "sourcetype", "source", "host", "nodename")


def lower_from(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`from datamodel:X.Y`, `from lookup:X`, `from X`: the rows of a data model's object, or of a table."""
    del frame
    words = [w.text for w in node.words]
    if node.options and node.options[0].name == "datamodel":
        words = [f"datamodel:{node.options[0].value.text}", *words]
    kind, _, name = "".join(f"{w}:" if w.lower() in ("datamodel", "lookup", "savedsearch") else w for w in words).rpartition(":")
    if kind.lower() == "savedsearch":
        scope.refuse("E301", "from savedsearch: saved searches are kept on a Splunk server", node.span, help="write the search itself")
    model = _model(name, scope) if kind.lower() in ("datamodel", "") else None
    if model is not None:
        return newest_first(_object(model, name, node.span, scope))
    if kind.lower() == "datamodel" and scope.context.catalog.table(name) is None:
        _no_model(name, node.span, scope)
        return nowhere()
    table = table_named(name, node.span, scope, "data set")
    return newest_first(events(table, scope.mentions)) if table is not None else nowhere()


def lower_datamodel(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`datamodel X Y search|flat`: the events of an object, their fields under the object's name, or with flat their own."""
    del frame
    words = [w.text for w in node.words]
    if len(words) != 3 or words[2] not in ("search", "flat", "acceleration_search"):
        scope.refuse(
            "E301", "datamodel: only the events of an object are given, not the model's definition", node.span, help="write datamodel Model Object search"
        )
    model = _model(words[0], scope)
    if model is None:
        _no_model(words[0], node.span, scope)
        return nowhere()
    rows = _object(model, f"{words[0]}.{words[1]}", node.span, scope)
    if words[2] == "flat":
        return newest_first(rows)
    prefix = words[1]
    items = [n.Item(x if x in _KEPT else f"{prefix}.{x}", rows.column(x)) for x in rows.names]
    return newest_first(Frame(n.Project(rows.plan, tuple(items), node.span)))


def _model(name: str, scope: Scope) -> Table | None:
    """Return a data model by its name, or by that of one of its objects; a table that the user loaded under it comes first."""
    wanted = name.partition(".")[0]
    if any(not t.vendor and t.name in (name, wanted) for t in scope.context.catalog.tables("splunk")):
        return None
    return next((t for t in scope.context.catalog.tables("splunk") if t.tags.get("datamodel") == wanted), None)


def _no_model(name: str, span: Span, scope: Scope) -> None:
    if name.partition(".")[0] in MODELS:
        scope.warn("W155", f"the audit logs hold no events for the data model {name}: it is empty", span, "load the events as a table of that name")
        return
    known = [t.tags["datamodel"] for t in scope.context.catalog.tables("splunk") if "datamodel" in t.tags]
    meant = nearest(name.partition(".")[0], known)
    help = f"did you mean {meant!r}?" if meant else f"there are {', '.join(known)}; load rows under the name {name!r}, or search the sourcetype"
    scope.context.diagnostics.error("E101", f"no data model is named {name!r}", span, help=help)


def _object(model: Table, name: str, span: Span, scope: Scope) -> Frame:
    """Return the events of an object of a model, the root unless the name says another."""
    rows = events(model, ())
    if isinstance(model.plan, n.Project) and isinstance(model.plan.input, n.Values):
        scope.warn(
            "W155", f"the audit logs hold no events for the data model {model.tags['datamodel']}: it is empty", span, "load the events as a table of that name"
        )
    wanted = [x for x in name.split(".")[1:] if x != model.tags["object"]]
    for child in wanted:
        if child not in model.tags["children"].split(","):
            help = f"there are {model.tags['object']} and {model.tags['children'].replace(',', ', ')}"
            scope.refuse("E101", f"the data model has no object {child!r}", span, help=help)
        path = e.text(f"{model.tags['object']}.{child}")
        rows = rows.filtered(any_value(rows.column("nodename"), lambda v, path=path: call("compare.eq", v, path)), span)  # type: ignore[misc]  # the path is bound as a default
    return rows


def nowhere() -> Frame:
    """Return rows of a table nobody knows."""
    return Frame(n.Values(Schema.of((TIME, Type.DATETIME), (RAW, Type.STRING)), ()), wild=True)


def lower_tstats(node: s.Tstats, frame: Frame, scope: Scope) -> Frame:
    """`tstats`, `mstats`: stats over a table loaded under the name of the data model, or over an index."""
    known = (
        "prestats",
        "local",
        "append",
        "summariesonly",
        "allow_old_summaries",
        "include_reduced_buckets",
        "chunk_size",
        "fillnull_value",
        "span",
        "chart",
        "every",
    )
    scope.known(node.kind, node.options, *known)
    rows = _modelled(node, scope)
    span = next((o for o in (*node.by_options, *node.options) if o.name == "span"), None)
    if span is not None and rows.has(TIME):
        count, unit = read_span(span, scope)
        rows = rows.extended(n.Item(TIME, bucket(time_of(rows.column(TIME)), count, unit, node.span, scope)))
    fill = scope.option(node.options, "fillnull_value")
    if fill and fill != "null":
        items = [n.Item(b.text, call("logic.coalesce", text_of(scope.field(rows, b)), e.text(fill))) for b in node.by if b.text != TIME]
        rows = rows.extended(*items) if items else rows
    elif fill:
        items = [
            n.Item(b.text, Case(((not_null(rows.column(b.text)), text_of(rows.column(b.text))),), e.text("null"), Type.STRING))
            for b in node.by
            if rows.has(b.text) and b.text != TIME
        ]
        rows = rows.extended(*items) if items else rows
    if scope.flag(node.options, "prestats"):
        return _before_stats(node, frame, rows, scope)
    found = grouped(node.measures, node.by, rows, scope, node.span, command=node.kind)
    return in_order([frame, found], scope) if scope.flag(node.options, "append") else found


def written(measure: s.Measure) -> tuple[str, str]:
    """Return what a measure computes, however its result is called: the function, and its field."""
    function = {"c": "count", "distinct_count": "dc", "estdc": "dc", "mean": "avg"}.get(measure.function, measure.function)
    if measure.argument is None:
        return function, ""
    return function, measure.argument.text if isinstance(measure.argument, Name) else f"\x02{measure.written}"


def _before_stats(node: s.Tstats, frame: Frame, rows: Frame, scope: Scope) -> Frame:
    """prestats=true: what the next command, which is stats, chart or timechart, works its results out from; the events themselves serve it as well."""
    keys = [scope.field(rows, b) for b in node.by]
    rows = rows.filtered(present(keys), node.span) if keys else rows
    names = {*(b.text for b in node.by), *(x for _, x in map(written, node.measures) if x), TIME}
    kept = rows.kept(tuple(x for x in rows.known if x in names), node.span)
    kept = Frame(kept.plan, closed=(f"{node.kind} prestats=true", node.span), wild=rows.wild)
    return in_order([frame, kept], scope) if scope.flag(node.options, "append") else kept


def prepared(commands: list[s.Command], scope: Scope) -> None:
    """Refuse a prestats=true whose results no stats after it works out, or that one wants other results of (E304)."""
    ready: set[tuple[str, str]] = set()
    for command, after in zip(commands, [*commands[1:], None], strict=True):
        if not (isinstance(command, s.Tstats) and scope.flag(command.options, "prestats")):
            continue
        ready |= {written(m) for m in command.measures}
        if isinstance(after, s.Tstats) and scope.flag(after.options, "prestats") and scope.flag(after.options, "append"):
            continue
        fits = isinstance(after, (s.Chart, s.Stats)) and getattr(after, "kind", "") in ("stats", "chart", "timechart")
        if not fits or not {written(m) for m in getattr(after, "measures", ())} <= ready:
            scope.refuse(
                "E304",
                "after prestats=true comes a stats, chart or timechart of the same results",
                command.span,
                help="leave prestats out, and write no stats after it",
            )
        ready = set()


def _modelled(node: s.Tstats, scope: Scope) -> Frame:
    if node.kind == "mstats":
        scope.warn("W155", "there is no metric index here, so this finds nothing", node.span, "load the measurements as events and use stats")
        return _searched(nowhere(), node, scope)
    if node.source is None:
        return lower_base(node.condition, node.span, scope)
    name = node.source.text
    model = _model(name, scope)
    if model is not None:
        return _searched(_prefixed(model, _object(model, name, node.source.span, scope), scope), node, scope)
    table = next((t for t in (scope.context.catalog.table(x) for x in (name, name.partition(".")[0])) if t is not None and not t.vendor), None)
    if table is None:
        _no_model(name, node.source.span, scope)
        return _searched(nowhere(), node, scope)
    # A field of a data model is called by its object (All_Changes.user); a table may hold it by its own name.
    rows = events(table, {*scope.mentions, *(m.rpartition(".")[2] for m in scope.mentions)})
    named = [n.Item(m, rows.column(m.rpartition(".")[2])) for m in sorted(scope.mentions) if not rows.has(m) and rows.has(m.rpartition(".")[2])]
    return _searched(rows.extended(*named) if named else rows, node, scope)


def _prefixed(model: Table, rows: Frame, scope: Scope) -> Frame:
    """Return the events with each field under the names that the search calls it by: `All_Changes.user`, or with the child between."""
    owners = {model.tags["object"], *model.tags["children"].split(",")}
    items = []
    for mention in sorted(scope.mentions):
        path, _, field = mention.rpartition(".")
        if path and set(path.split(".")) <= owners and rows.has(field) and not rows.has(mention):
            items.append(n.Item(mention, rows.column(field)))
    return rows.extended(*items) if items else rows


def _searched(rows: Frame, node: s.Tstats, scope: Scope) -> Frame:
    if node.condition is None:
        return rows
    return rows.filtered(Searcher(scope, rows).predicate(node.condition), node.condition.span)
