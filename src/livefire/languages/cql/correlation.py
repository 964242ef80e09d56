"""correlate(): constellations of events of several queries that agree in the fields their links name.

A link `field <=> query.field` stands at the end of a query in braces. Every choice of one event a
query, no event twice, in which all links hold is a constellation; each event of the root query, by
default the first, gives at most `maxPerRoot` of them, the earliest. With `sequence` their times do
not go back in the order of the queries, with `within` they lie that close together. What comes
before correlate is done to the events of every query. A constellation has the linked fields of each
query, those that `include` names, and the id and times of its events; no other field.
https://library.humio.com/data-analysis/functions-correlate.html

The matching is by joins on the linked fields. The sequence node, which serves other languages, joins
all steps on one key and keeps only the newest unfinished match of it; a link here ties just two
queries, and an earlier event is not given up for a later one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from livefire.diagnostics import Span
from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.durations import duration
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.ordering import fields_of, shown
from livefire.languages.cql.rows import is_null
from livefire.languages.cql.source import TableBase, UnionBase
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, any_of, call, negate, window
from livefire.schema import Type

_SETTINGS = (
    "sequence", "within", "root", "maxPerRoot", "includeMatchesOnceOnly", "includeConstraintValues", "jitterTolerance", "sequenceBy", "globalConstraints",
    "iterationLimit",
)  # fmt: skip
_MOST_ITERATIONS = 10
_ROUNDS = 6
_SOURCES = frozenset({"createevents", "readfile"})
# Every event of a constellation has these, though no query names them.
_STANDARD = ("@id", "@timestamp", "@ingesttimestamp")


@dataclass(frozen=True, slots=True)
class Link:
    """Two fields of two queries that must agree."""

    left: tuple[str, str]
    right: tuple[str, str]
    span: Span


@dataclass(slots=True)
class Query:
    """One query of the pattern: its steps without the links, and which fields it shows."""

    name: str
    pipeline: s.Pipeline
    include: list[str] | None
    span: Span
    columns: dict[str, e.Column] = field(default_factory=dict)
    identity: e.Column | None = None
    times: tuple[e.Column, ...] = ()
    row: e.Column | None = None

    def shown(self, links: list[Link], settings: Bound) -> list[str]:
        """Return the fields that a constellation has of this query, besides the standard ones."""
        linked = [name for link in links for q, name in (link.left, link.right) if q == self.name]
        constrained = linked if settings.flag("includeConstraintValues", default=True) else []
        return list(dict.fromkeys([*constrained, *(self.include or ())]))


@dataclass(slots=True)
class Constellation:
    """The standard fields of the events in a constellation: there to be read, and shown where a step names them."""

    columns: dict[str, e.Column]
    names: tuple[str, ...] = ()

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a standard field."""
        return self.columns.get(name)


def _correlate(lower: Lower, event: Event, bound: Bound) -> None:
    if not _is_in_place(event, bound):
        return
    queries, settings = _read(bound)
    links = [link for q in queries for link in _links_of(lower, q, queries, bound)]
    if bound.context.diagnostics.failed or not _sound(queries, links, settings):
        return
    named = [a.text for a in settings.words("globalConstraints")]
    first = queries[0].name
    links += [Link((first, name), (q.name, name), settings.span) for name in named for q in queries[1:]]
    limit, span, jitter = settings.whole("maxPerRoot", 1), duration(settings, "within"), duration(settings, "jitterTolerance")
    root, ordered = settings.text("root") or first, settings.flag("sequence")
    if not _fits(queries, root, limit, span, jitter, settings, ordered=ordered):
        return
    parts = {q.name: _part(lower, event.passed, q, links, settings, timed=ordered or span is not None) for q in queries}
    if any(part is None for part in parts.values()):
        return
    plan = _joined(queries, links, {name: part for name, part in parts.items() if part is not None}, root, settings)
    plan = _in_time(plan, queries, jitter or 0, span, settings, ordered=ordered)
    plan = _per_root(lower, plan, queries, root, limit, once=settings.flag("includeMatchesOnceOnly"), span=bound.span)
    found = lower.rows_of(plan)
    found.fields = {f"{q.name}.{name}": q.columns[name] for q in queries for name in q.shown(links, settings) if name in q.columns}
    found.base = Constellation(_standard(queries, root))
    found.mentioned = dict.fromkeys(found.fields)
    event.become(found)


def _is_in_place(event: Event, bound: Bound) -> bool:
    """Correlate reads events, not what a function has made of them: LogScale takes it neither after an aggregate nor after a source."""
    if event.forked:
        bound.context.diagnostics.error("E305", "correlate inside case does not run here", bound.span)
        return False
    made = [step.condition.function for step in event.passed if isinstance(step, s.FilterStep) and isinstance(step.condition, s.Call)]
    source = next((name for name in made if name.lower() in _SOURCES), None)
    if not event.aggregated and source is None:
        return True
    said = f"correlate cannot follow {source}" if source else "correlate cannot follow an aggregate"
    bound.context.diagnostics.error("E104", said, bound.span, help="put it before, or correlate the events in a query of defineTable")
    return False


def _fits(queries: list[Query], root: str, limit: int, span: int | None, jitter: int | None, settings: Bound, *, ordered: bool) -> bool:
    """Report settings that LogScale does not take, or that do not go together."""
    rounds = settings.whole("iterationLimit", 1)
    faults = {
        "root": ("the name of a query", root not in {q.name for q in queries}),
        "maxPerRoot": ("a whole number from 1", limit < 1),
        "iterationLimit": (f"a whole number from 1 to {_MOST_ITERATIONS}", not 1 <= rounds <= _MOST_ITERATIONS),
        "jitterTolerance": ("sequence=true, and no more than within", jitter is not None and (not ordered or (span is not None and jitter > span))),
        "sequenceBy": ("sequence=true", settings.has("sequenceBy") and not ordered),
    }
    wrong = [(name, what) for name, (what, fault) in faults.items() if fault]
    for name, what in wrong:
        settings.wrong(name, what)
    return not wrong


def _standard(queries: list[Query], root: str) -> dict[str, e.Column]:
    """Return the standard fields of each query's event, and those of the root's as the constellation's own."""
    found = {f"{q.name}.{name}": q.columns[name] for q in queries for name in _STANDARD if name in q.columns}
    return found | {name: found[f"{root}.{name}"] for name in _STANDARD if f"{root}.{name}" in found}


def _read(bound: Bound) -> tuple[list[Query], Bound]:
    queries: list[Query] = []
    rest: list[s.Argument] = []
    for argument in bound.call.args:
        if isinstance(argument.value, s.Subquery) and argument.name is not None:
            queries.append(Query(argument.name, argument.value.pipeline, None, argument.span))
        elif argument.name is not None and argument.name.lower() == "include" and queries:
            items = argument.value.items if isinstance(argument.value, s.Items) else (argument.value,)
            names = [i.text for i in items if isinstance(i, s.Word)]
            queries[-1].include = names
        else:
            rest.append(argument)
    settings = Function("correlate", "rows", _SETTINGS)
    return queries, Bound(settings, s.Call("correlate", tuple(rest), bound.span, bound.call.name_span), bound.context)


def _sound(queries: list[Query], links: list[Link], settings: Bound) -> bool:
    if len(queries) < 2:
        settings.context.diagnostics.error("E105", "correlate takes at least two queries: name: { … }", settings.span)
        return False
    if len({q.name for q in queries}) < len(queries):
        settings.context.diagnostics.error("E106", "two queries of correlate have one name", settings.span)
        return False
    reached = {queries[0].name}
    while grown := {b for link in links for a, b in ((link.left[0], link.right[0]), (link.right[0], link.left[0])) if a in reached and b not in reached}:
        reached |= grown
    alone = [q for q in queries if q.name not in reached]
    if alone and not settings.has("globalConstraints"):
        said = f"the query {alone[0].name!r} is linked to no other: every event of it would go with every constellation"
        settings.context.diagnostics.error("E305", said, alone[0].span, help="link it: field <=> query.field")
        return False
    return True


def _links_of(lower: Lower, query: Query, queries: list[Query], bound: Bound) -> list[Link]:
    """Take the links out of a query's steps."""
    links: list[Link] = []
    steps: list[s.Step] = []
    others = {q.name for q in queries}
    for step in lower.expanded(query.pipeline).steps:
        parts: tuple[s.Condition, ...] = ()
        if isinstance(step, s.FilterStep):
            parts = step.condition.parts if isinstance(step.condition, s.Conjunction) else (step.condition,)
        linking = [p for p in parts if isinstance(p, s.Comparison) and p.operator == "<=>"]
        for part in linking:
            sides = [_side(part.field.text, query, others), _side(part.value.text if isinstance(part.value, s.Word) else "", query, others)]
            if len({q for q, _ in sides}) < 2 or not all(name for _, name in sides):
                said = "a link joins a field of this query with one of another: field <=> query.field"
                bound.context.diagnostics.error("E104", said, part.span, help=f"queries: {', '.join(sorted(others))}")
            else:
                links.append(Link(sides[0], sides[1], part.span))
        kept = tuple(p for p in parts if p not in linking)
        if kept or not linking:
            if links and not linking:
                bound.context.diagnostics.error("E104", "the links of a query stand at its end", links[-1].span, help="move what follows before the links")
            span = kept[0].span.to(kept[-1].span) if kept else step.span
            steps.append(step if not linking else s.FilterStep(kept[0] if len(kept) == 1 else s.Conjunction(kept, span), span))
    query.pipeline = s.Pipeline(tuple(steps), query.pipeline.span)
    return links


def _side(name: str, query: Query, others: set[str]) -> tuple[str, str]:
    for other in sorted(others, key=len, reverse=True):
        if name.startswith(f"{other}."):
            return other, name[len(other) + 1 :]
    return query.name, name


def _part(lower: Lower, passed: tuple[s.Step, ...], query: Query, links: list[Link], settings: Bound, *, timed: bool) -> n.Plan | None:
    """Return the events of one query with the fields that links, order and output need, under fresh names."""
    pipeline = s.Pipeline((*passed, *query.pipeline.steps), query.span)
    found = lower.opened(pipeline)
    identity = _identity(found, query.span)
    lower.steps(found, pipeline)
    if found.aggregated:
        said = f"the query {query.name!r} holds an aggregate, which a query of correlate cannot"
        settings.context.diagnostics.error("E104", said, query.span, help="aggregate the constellations after correlate")
        return None
    if query.include == ["*"]:
        query.include = fields_of(found)
    for name in (linked := [name for link in links for q, name in (link.left, link.right) if q == query.name]):
        found.keep(coerce.present(found.read(name)), query.span)
    wanted = dict.fromkeys([*linked, *(query.include or ()), *_STANDARD])
    items = []
    for name in wanted:
        value = found.read(name) if name not in _STANDARD else found.peek(name)
        if name.startswith("\x02") or (is_null(value) and name not in (query.include or ())):
            continue
        item = n.Item(found.rows.fresh(), shown(value))
        items.append(item)
        query.columns[name] = e.Column(item.name, item.expr.type)
    times = _times(found, query, settings, timed=timed)
    if times is None:
        return None
    apart = [n.Item(found.rows.fresh(), value) for value in (*times, identity)]
    *query_times, query.identity = (e.Column(i.name, i.expr.type) for i in apart)
    query.times = tuple(query_times)
    plan = found.rows.finish([*items, *apart], query.span)
    # Copies that a step makes of one event differ in what it took out of it.
    order = (*query.times, query.identity, *query.columns.values())
    row = n.Item(found.rows.fresh(), window("window.row_number", order_by=tuple(e.SortKey(x) for x in order if x.type is not Type.DYNAMIC)))
    query.row = e.Column(row.name, Type.LONG)
    return n.Window(plan, (row,), query.span)


def _identity(event: Event, span: Span) -> e.Expr:
    """Return what tells the events of the source apart: their id, or their place where the source has none."""
    if isinstance(event.base, (TableBase, UnionBase)) and event.base.identified:
        return event.hold(coerce.text(event.peek("@id")))
    row = n.Item(event.rows.fresh(), window("window.row_number", row_order=True))
    event.rows.wrap(n.Window(event.rows.flush(), (row,), span))
    return e.Column(row.name, Type.LONG)


def _times(event: Event, query: Query, settings: Bound, *, timed: bool) -> list[e.Expr] | None:
    """Return what the events are put in order by; None after an error. Events here have no nanoseconds of their own to compare."""
    by = [w.text for w in settings.words("sequenceBy")] or ["@timestamp"]
    found: list[e.Expr] = []
    for name in by:
        time = event.peek(name)
        if name == "@timestamp.nanos" and is_null(time):
            continue
        if time.type is Type.DATETIME:
            found.append(time)
        elif settings.context.open_schema:
            found.append(e.null(Type.DATETIME))
        elif timed:
            what = "the time of the events for sequence and within" if name == "@timestamp" else f"a time in {name} for sequenceBy"
            settings.context.diagnostics.error("E305", f"correlate needs {what}", query.span)
            return None
    return found


def _joined(queries: list[Query], links: list[Link], parts: dict[str, n.Plan], root: str, settings: Bound) -> n.Plan:
    """Join the queries one after the other, each to those that it is linked with."""
    named = {q.name: q for q in queries}
    plan, here, left = parts[root], {root}, [q.name for q in queries if q.name != root]
    while left:
        name = next((x for x in left if any({link.left[0], link.right[0]} == {x, y} for link in links for y in here)), left[0])
        on: list[e.Expr] = []
        for link in links:
            sides = dict((link.left, link.right))
            if name in sides and (sides.keys() - {name}) <= here and len(sides) == 2:
                a, b = (named[q].columns.get(f) for q, f in (link.left, link.right))
                if a is None or b is None:
                    on.append(e.FALSE)
                else:
                    on.append(call("compare.eq", coerce.text(a), coerce.text(b), span=link.span))
        on += [_distinct(named[name], named[y]) for y in sorted(here)]
        plan = n.Join(plan, parts[name], "inner", all_of(*on), settings.span)
        here.add(name)
        left.remove(name)
    return plan


def _distinct(one: Query, other: Query) -> e.Expr:
    """Return the condition that two queries have not found one and the same event."""
    assert one.identity is not None
    assert other.identity is not None  # every part has one
    if one.identity.type is not other.identity.type:
        return e.TRUE
    return call("compare.ne", one.identity, other.identity)


def _in_time(plan: n.Plan, queries: list[Query], jitter: int, span: int | None, settings: Bound, *, ordered: bool) -> n.Plan:
    conditions: list[e.Expr] = []
    if ordered:
        conditions += [_follows(before.times, after.times, jitter) for before, after in pairwise(queries)]
    if span is not None:
        times = [q.times[0] for q in queries]
        whole = call("time.difference", call("compare.greatest", *times), call("compare.least", *times))
        conditions.append(call("compare.le", whole, e.Literal(span, Type.TIMESPAN)))
    return n.Filter(plan, all_of(*conditions), settings.span) if conditions else plan


def _follows(before: tuple[e.Column, ...], after: tuple[e.Column, ...], jitter: int) -> e.Expr:
    """Return the condition that an event is not earlier than another: by the first time in which they differ."""
    reached = call("time.add", after[0], e.Literal(jitter, Type.TIMESPAN)) if jitter else after[0]
    if len(before) == 1 or jitter:
        return call("compare.le", before[0], reached)
    same = call("compare.eq", before[0], after[0])
    return any_of(call("compare.lt", before[0], after[0]), all_of(same, _follows(before[1:], after[1:], 0)))


def _per_root(lower: Lower, plan: n.Plan, queries: list[Query], root: str, limit: int, *, once: bool, span: Span) -> n.Plan:
    """Keep as many constellations of each root event as the limit says, those of the earliest events."""
    rows = [q.row for q in queries if q.row is not None]
    first = next(q.row for q in queries if q.name == root)
    assert first is not None  # every query has been given its row numbers
    helper = lower.rows(plan)
    keys = tuple(e.SortKey(row) for row in (first, *(r for r in rows if r != first)))
    if once:
        return _once(helper.fresh, plan, rows, keys, span)
    rank = n.Item(helper.fresh(), window("window.row_number", partition_by=(first,), order_by=keys))
    ranked = n.Window(plan, (rank,), span)
    kept = n.Filter(ranked, call("compare.le", e.Column(rank.name, Type.LONG), e.whole(limit)), span)
    return n.Sort(kept, keys, span)


def _once(fresh: object, plan: n.Plan, rows: list[e.Column], keys: tuple[e.SortKey, ...], span: Span) -> n.Plan:
    """Take constellations in order, each event in one of them at most.

    A round takes every constellation that is the first left of all its events and strikes out those
    that share an event with it; a run in which the rounds do not suffice ends with a message.
    """
    assert callable(fresh)  # the counter of column names
    place = e.Column(fresh(), Type.LONG)
    plan = n.Window(plan, (n.Item(place.name, window("window.row_number", order_by=keys)),), span)
    open_, taken = e.TRUE, e.FALSE
    plan = n.Project(plan, (*n.keep_all(plan), n.Item(o := fresh(), open_), n.Item(t := fresh(), taken)))
    for _ in range(_ROUNDS):
        still = e.Column(o, Type.BOOL)
        own = e.Case(((still, place),), e.null(Type.LONG), Type.LONG)
        firsts = [n.Item(fresh(), window("agg.min", own, partition_by=(row,))) for row in rows]
        plan = n.Window(plan, tuple(firsts), span)
        leads = all_of(still, *(call("compare.eq", e.Column(i.name, Type.LONG), place) for i in firsts))
        lead = fresh()
        plan = n.Project(plan, (*n.keep_all(plan), n.Item(lead, e.Case(((leads, e.whole(1)),), e.whole(0), Type.LONG))))
        struck = [n.Item(fresh(), window("agg.max", e.Column(lead, Type.LONG), partition_by=(row,))) for row in rows]
        plan = n.Window(plan, tuple(struck), span)
        gone = any_of(*(call("compare.eq", e.Column(i.name, Type.LONG), e.whole(1)) for i in struck))
        chosen = call("compare.eq", e.Column(lead, Type.LONG), e.whole(1))
        dropped = {o, t, lead, *(i.name for i in (*firsts, *struck))}
        next_o, next_t = fresh(), fresh()
        kept = tuple(i for i in n.keep_all(plan) if i.name not in dropped)
        plan = n.Project(plan, (*kept, n.Item(next_o, all_of(still, negate(gone))), n.Item(next_t, any_of(e.Column(t, Type.BOOL), chosen))))
        o, t = next_o, next_t
    message = e.text("correlate with includeMatchesOnceOnly has too many overlapping constellations; narrow its queries or within")
    plan = n.Filter(plan, negate(call("logic.fail_if", e.Column(o, Type.BOOL), message, span=span)), span)
    return n.Sort(n.Filter(plan, e.Column(t, Type.BOOL), span), keys, span)


FUNCTIONS = (Function("correlate", "rows", ("*",), _correlate),)
