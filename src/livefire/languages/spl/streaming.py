"""streamstats: aggregates over the rows up to each row, in the order they come.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Streamstats
"""

from __future__ import annotations

from livefire.languages.spl import nodes as s
from livefire.languages.spl.aggregates import measures, present
from livefire.languages.spl.charts import read_span
from livefire.languages.spl.evaluating import Evaluator
from livefire.languages.spl.frame import TIME, Frame
from livefire.languages.spl.grouping import keyed, windowed, with_windows
from livefire.languages.spl.rows import numbered, without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.times import shift
from livefire.languages.spl.values import is_multi, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import all_of, any_of, call, window
from livefire.schema import Type

_UNITS = ("s", "m", "h", "d", "w", "mon", "q", "y")
# An engine's window has these only over a whole partition: they are worked out by pairing rows.
_PAIRED = ("values", "dc", "distinct_count", "estdc", "median", "mode", "list")


def lower_streamstats(node: s.Stats, frame: Frame, scope: Scope) -> Frame:
    """Return the rows with the aggregates of the rows before them (and themselves, unless current=false)."""
    scope.known("streamstats", node.options, "current", "window", "global", "allnum", "time_window", "reset_on_change")
    if any(frame.has(b.text) and is_multi(frame.column(b.text)) for b in node.by):
        scope.several(node.span, "a row in which a field after BY has several ends the run")
    frame, keys, made = keyed(frame, node.by, "streamstats by", scope)
    frame, groups = _reset(node, frame, keys, scope)
    partition = (*keys, *(frame.column(x) for x in groups))
    size = scope.whole(node.options, "window", 0)
    current = scope.flag(node.options, "current", default=True)
    together = bool(size and node.by and scope.flag(node.options, "global", default=True))
    timed = next((o for o in node.options if o.name == "time_window"), None)
    paired = any(m.function in _PAIRED or m.function.startswith(("p", "exactperc", "upperperc")) for m in node.measures)
    if timed is not None or together or paired:
        found = _by_pairs(node, frame, partition, scope, size=size, timed=timed, together=together, current=current)
    else:
        found = _by_window(node, frame, partition, scope, size=size, current=current)
    return without(found, *groups, *made) if groups or made else found


def _by_window(node: s.Stats, frame: Frame, partition: tuple[Expr, ...], scope: Scope, *, size: int, current: bool) -> Frame:
    results = measures(node.measures, frame, scope)
    items = [(name, windowed(value, partition, (size - 1 if size else None, 0), rows=True)) for name, value in results]
    items = [(name, _for_members(x, partition)) for name, x in items]
    added = with_windows(frame, items, scope, node.span)
    return added if current else _previous(added, [name for name, _ in items], partition, node, scope)


def _for_members(value: Expr, partition: tuple[Expr, ...]) -> Expr:
    """A row that lacks a field after BY belongs to no group and gets nothing."""
    return Case(((present(list(partition)), value),), e.null(value.type), value.type) if partition else value


def _previous(frame: Frame, names: list[str], partition: tuple[Expr, ...], node: s.Stats, scope: Scope) -> Frame:
    """Return the results as they stood one row before: what current=false asks for; a count of no rows is 0."""
    items: list[tuple[str, Expr]] = []
    for name, measure in zip(names, node.measures, strict=False):
        column = frame.column(name)
        earlier: Expr = e.WindowCall("window.previous", (column,), column.type, partition, row_order=True, span=node.span)
        if measure.function in ("count", "c"):
            earlier = _for_members(call("logic.coalesce", earlier, e.whole(0)), partition)
        items.append((name, earlier))
    return with_windows(frame, items, scope, node.span)


def _reset(node: s.Stats, frame: Frame, keys: list[Expr], scope: Scope) -> tuple[Frame, tuple[str, ...]]:
    """Return the rows with a column that counts the resets so far, and its name; none where nothing resets."""
    flags: list[Expr] = []
    earlier: list[tuple[str, Expr]] = []
    for name, condition in node.resets:
        met = Case(((Evaluator(scope, frame).condition(condition), e.whole(1)),), e.whole(0), Type.LONG)
        if name == "reset_before":
            flags.append(met)
        else:
            earlier.append((scope.name("after"), met))
    changed: list[tuple[str, Expr]] = []
    if scope.flag(node.options, "reset_on_change") and keys:
        changed = [(scope.name("before"), text_of(k)) for k in keys]
    if not (flags or earlier or changed):
        return frame, ()
    before = tuple(n.Item(x, window("window.previous", v, type=v.type, row_order=True)) for x, v in (*earlier, *changed))
    looked = frame.over(n.Window(frame.plan, before)) if before else frame
    flags += [call("logic.coalesce", looked.column(x), e.whole(0)) for x, _ in earlier]
    other = [call("logic.not", call("compare.same", looked.column(x), v)) for x, v in changed]
    if other:
        flags.append(Case(((any_of(*other), e.whole(1)),), e.whole(0), Type.LONG))
    total = flags[0]
    for flag in flags[1:]:
        total = call("number.add", total, flag, type=Type.LONG)
    counted = scope.name("resets")
    plan = n.Window(looked.plan, (n.Item(counted, window("agg.sum", total, type=Type.LONG, frame=(None, 0), row_order=True)),), node.span)
    return without(looked.over(plan), *(i.name for i in before)), (counted,)


def _by_pairs(
    node: s.Stats, frame: Frame, partition: tuple[Expr, ...], scope: Scope, *, size: int, timed: s.Option | None, together: bool, current: bool
) -> Frame:
    """Each row with the rows of its window, and the aggregates of those."""
    parts = {scope.name("part"): x for x in partition}
    frame = frame.over(n.extend(frame.plan, *(n.Item(x, v) for x, v in parts.items())))
    # With global=true the window slides over all rows, and those of the row's own group in it count.
    ranks = (n.column(frame.plan, x) for x in parts)
    frame, place = numbered(frame, () if together or not parts else tuple(ranks), scope)
    other = {x: scope.name("past") for x in frame.known}
    past = n.Project(frame.plan, tuple(n.Item(new, frame.column(x)) for x, new in other.items()))
    mine, theirs = frame.column(place), n.column(past, other[place])
    conditions: list[Expr] = [call("compare.le" if current else "compare.lt", theirs, mine)]
    if size:
        least = call("number.subtract", mine, e.whole(size - 1 if current else size), type=Type.LONG)
        conditions.append(call("compare.ge", theirs, least))
    conditions += [call("compare.eq", text_of(frame.column(x)), text_of(n.column(past, other[x]))) for x in parts]
    if timed is not None:
        conditions.append(_near(timed, frame, past, other[TIME] if frame.has(TIME) else "", scope))
    frame, row = numbered(frame, (), scope)
    asked = n.Project(frame.plan, tuple(n.Item(x, frame.column(x)) for x in (row, place, *parts, *((TIME,) if frame.has(TIME) else ()))))
    joined = n.Join(asked, past, "left", all_of(*conditions), node.span)
    ordered_pairs = n.Sort(joined, (e.SortKey(n.column(joined, row)), e.SortKey(n.column(joined, other[place]))))
    view = Frame(n.Project(ordered_pairs, (n.Item("\x02row", n.column(joined, row)), *(n.Item(x, n.column(joined, new)) for x, new in other.items()))))
    results = measures(node.measures, view, scope)
    counts = {m.alias.text if m.alias is not None else m.written for m in node.measures if m.function in ("count", "c") and m.argument is None}
    met = n.column(view.plan, place)
    items = []
    for name, value in results:
        # A window without rows still has the row of the left join: it counts nothing.
        nothing = call("compare.eq", e.Aggregate("agg.count", (met,), Type.LONG), e.whole(0))
        items.append(n.Item(name, Case(((nothing, e.whole(0)),), value, value.type) if name in counts else value))
    totals = n.Aggregate(view.plan, (n.Item("\x02row", n.column(view.plan, "\x02row")),), tuple(items), node.span)
    fresh = {name: scope.name("result") for name, _ in results}
    renamed = n.Project(totals, (n.Item("\x02key", n.column(totals, "\x02row")), *(n.Item(new, n.column(totals, x)) for x, new in fresh.items())))
    both = n.Join(frame.plan, renamed, "left", call("compare.eq", frame.column(row), n.column(renamed, "\x02key")))
    ordered = n.Sort(both, (e.SortKey(n.column(both, row)),))
    found = frame.over(ordered)
    found = found.extended(
        *(n.Item(x, _for_members(n.column(ordered, new), tuple(n.column(ordered, p) for p in parts))) for x, new in fresh.items()), span=node.span
    )
    return without(found, row, place, "\x02key", *parts, *fresh.values())


def _near(timed: s.Option, frame: Frame, past: n.Plan, other: str, scope: Scope) -> Expr:
    """Whether a row lies within the span of time of another; the rows have to be in the order of time, and it may go either way."""
    count, unit = read_span(timed, scope)
    unit = unit or "s"
    if unit not in _UNITS or count != int(count):
        scope.refuse("E206", "time_window is a whole number of seconds, minutes, hours, days, weeks or months", timed.span)
    if not other or frame.column(TIME).type is not Type.DATETIME:
        scope.refuse("E102", "time_window needs the time of each row", timed.span, help="keep _time before it")
    here, there = frame.column(TIME), n.column(past, other)
    return call(
        "logic.and",
        call("compare.lt", there, shift(here, int(count), unit)),
        call("compare.gt", there, shift(here, -int(count), unit)),
    )
