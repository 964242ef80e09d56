"""The commands whose columns are values of a field: chart and timechart with a split, xyseries, transpose.

The values are looked up in the events before the search runs, and become its columns.
https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Chart
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.grouping import grouped, spread
from livefire.languages.spl.rows import name_of, numbered, without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import is_multi, is_null, not_null, only_of, text_of, whole_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr, SortKey
from livefire.plan.functions import aggregate, any_of, call
from livefire.schema import Type

OTHER, NOTHING = "OTHER", "NULL"
_LIMIT = 10
_MOST = 500
_COUNTS = ("count", "c", "dc", "distinct_count", "estdc")
SPLIT_OPTIONS = ("limit", "useother", "usenull", "otherstr", "nullstr", "sep", "format", "agg")


@dataclass(frozen=True, slots=True)
class Split:
    """The columns of a chart: the values kept, and the names of the columns for the others and for none."""

    values: tuple[str, ...]
    other: str
    nothing: str


def split_chart(node: s.Chart, over: Name, frame: Frame, scope: Scope) -> Frame:
    """Return one row for each value of `over`, with a column for each value of the split field (and aggregate)."""
    assert node.split is not None
    options = (*node.options, *node.over_options, *node.split_options)
    for option in options:
        if option.name in ("format", "agg"):
            scope.refuse("E304", f"{node.kind} {option.name}= is not run", option.span, help="leave it out")
    frame = spread((node.split,), frame, scope, node.span, keep=True)
    value = text_of(only_of(scope.field(frame, node.split), node.kind))
    label = scope.name("split")
    labelled = frame.extended(n.Item(label, value))
    split = _split(node, over, labelled, label, options, scope)
    if split is None:
        return replace(frame, wild=True, closed=None)
    found = labelled.column(label)
    kept = tuple(e.text(x) for x in split.values)
    arms: list[tuple[Expr, Expr]] = [(is_null(found), e.text(split.nothing) if split.nothing else e.null(Type.STRING))]
    if kept:
        arms.append((call("compare.in", found, *kept), found))
    named = Case(tuple(arms), e.text(split.other) if split.other else e.null(Type.STRING), Type.STRING)
    rows = grouped(node.measures, (over, Name(label, node.split.span, quoted=True)), labelled.extended(n.Item(label, named)), scope, node.span)
    columns = [*split.values, *(x for x in (split.nothing, split.other) if x)]
    return _turned(rows, over.text, label, _titles(node, columns, options, scope), node)


def _split(node: s.Chart, over: Name, frame: Frame, label: str, options: s.Options, scope: Scope) -> Split | None:
    """Choose the columns: the values with the greatest sums of the first aggregate."""
    assert node.split is not None
    first = (replace(node.measures[0], alias=Name("\x02score", node.span)),)
    scored = grouped(first, (over, Name(label, node.split.span, quoted=True)), frame, scope, node.span)
    without_label = frame.filtered(is_null(frame.column(label)), node.span)
    wanted = n.Project(scored.plan, (n.Item("label", scored.column(label)), n.Item("score", scored.column("\x02score"))))
    help = "write stats … by both fields: the same numbers, one row each"
    rows = scope.look(wanted, node.split.span, f"the columns of {node.kind} … by {node.split.text}", help)
    if rows is None:
        return None
    empty = scope.look(n.Aggregate(without_label.plan, (), (n.Item("count", aggregate("agg.count")),)), node.split.span, "the columns") or []
    totals: dict[str, float] = {}
    for name, score in rows:
        totals[name] = totals.get(name, 0.0) + _number(score)
    limit = _limit(options, scope)
    ranked = sorted(totals, key=lambda x: (-totals[x], x))
    lowest = any(o.name == "limit" and o.value.text.lower().startswith("bottom") for o in options)
    chosen = (ranked[::-1] if lowest else ranked)[: limit or None]
    if limit and len(totals) > limit and len(node.measures) > 1:
        scope.refuse("E305", "which values are shown of more than the limit is documented for one aggregate only", node.span, help="add limit=0")
    if len(chosen) > _MOST:
        scope.refuse("E305", f"the field {node.split.text!r} has more than {_MOST} values", node.split.span, help="lower the limit")
    others = len(totals) > len(chosen) and scope.flag(options, "useother", default=True)
    nothing = bool(empty and empty[0][0]) and scope.flag(options, "usenull", default=True)
    return Split(
        tuple(sorted(chosen)), scope.option(options, "otherstr", OTHER) if others else "", scope.option(options, "nullstr", NOTHING) if nothing else ""
    )


def _number(score: Any) -> float:
    try:
        return float(score)
    except (TypeError, ValueError):
        return 0.0


def _limit(options: s.Options, scope: Scope) -> int:
    text = scope.option(options, "limit", str(_LIMIT)).lower().removeprefix("top").removeprefix("bottom").strip()
    found = whole_of(text)
    if found is None:
        scope.refuse("E107", "limit is a number of columns, such as 10, top5 or bottom5", next(o.value.span for o in options if o.name == "limit"))
    return found


def _titles(node: s.Chart, columns: list[str], options: s.Options, scope: Scope) -> list[tuple[str, str, s.Measure]]:
    """Return name, value and aggregate of each column."""
    measures = node.measures
    separator = scope.option(options, "sep", ": ")
    if len(measures) == 1:
        return [(x, x, measures[0]) for x in columns]
    return [(f"{result(m)}{separator}{x}", x, m) for m in measures for x in columns]


def result(measure: s.Measure) -> str:
    """Return the name of an aggregate's result."""
    return measure.alias.text if measure.alias is not None else measure.written


def _turned(rows: Frame, over: str, label: str, titles: list[tuple[str, str, s.Measure]], node: s.Chart) -> Frame:
    key = rows.column(over)
    found = rows.column(label)
    names = [title for title, _, _ in titles]
    items: list[n.Item] = []
    for title, value, measure in titles:
        here = call("compare.eq", found, e.text(value))
        cell: Expr = aggregate("agg.any", rows.column(result(measure)), where=here)
        if measure.function in _COUNTS:
            cell = call("logic.coalesce", cell, e.whole(0))
        if title != over:
            items.append(n.Item(title, cell))
    turned: n.Plan = n.Aggregate(rows.plan, (n.Item(over, key),), tuple(items), node.span)
    ordered = n.Sort(turned, (SortKey(n.column(turned, over)),))
    kept = tuple(n.Item(x, n.column(turned, x)) for x in (over, *names) if turned.schema.get(x) is not None)
    return Frame(n.Project(ordered, tuple({i.name: i for i in kept}.values())), closed=(node.kind, node.span), wild=rows.wild)


def lower_xyseries(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`xyseries x name value …`: one row for each x, a column for each name: the reverse of untable."""
    scope.known("xyseries", node.options, "sep", "grouped", refused=("format",))
    if len(node.words) < 3:
        scope.refuse("E201", f"xyseries takes at least three names, got {len(node.words)}", node.span)
    x, y, *data = (name_of(w) for w in node.words)
    key, name = scope.field(frame, x), text_of(only_of(scope.field(frame, y), "xyseries"))
    values = [scope.field(frame, d) for d in data]
    labelled = n.Project(frame.plan, (n.Item("label", name),))
    present = n.Distinct(n.Filter(labelled, not_null(n.column(labelled, "label"))))
    rows = scope.look(present, node.span, "the columns of xyseries", "use stats … by the fields: the same numbers, one row each")
    if rows is None:
        return replace(frame, wild=True, closed=None)
    if len(rows) > _MOST:
        scope.refuse("E305", f"the field {y.text!r} has more than {_MOST} values", y.span)
    separator = scope.option(node.options, "sep", ": ")
    items = []
    for d, value in zip(data, values, strict=True):
        for (label,) in sorted(rows):
            title = label if len(data) == 1 else f"{d.text}{separator}{label}"
            here = call("compare.eq", name, e.text(label))
            if title != x.text:
                items.append(n.Item(title, aggregate("agg.last", value, where=here)))
    turned = n.Aggregate(n.Filter(frame.plan, not_null(key)), (n.Item(x.text, key),), tuple(items), node.span)
    return Frame(n.Sort(turned, (SortKey(n.column(turned, x.text)),)), closed=("xyseries", node.span), wild=frame.wild)


def lower_transpose(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`transpose [rows]`: each field becomes a row, each of the first rows a column."""
    scope.known("transpose", node.options, "column_name", "header_field", "include_empty")
    if len(node.words) > 1 or (node.words and whole_of(node.words[0].text) is None):
        scope.refuse("E206", "transpose takes a number of rows", node.span)
    limit = whole_of(node.words[0].text) if node.words else 5
    header, title = scope.option(node.options, "header_field"), scope.option(node.options, "column_name", "column")
    frame, place = numbered(frame, (), scope)
    shown: Expr = text_of(scope.field(frame, header, node.span)) if header else e.null(Type.STRING)
    asked = n.Project(frame.plan, (n.Item("place", frame.column(place)), n.Item("label", shown)))
    capped = n.Limit(n.Sort(asked, (SortKey(n.column(asked, "place")),)), limit or _MOST + 1)
    rows = scope.look(capped, node.span, "the columns of transpose", "use stats … by the fields: the same numbers, one row each")
    if rows is None:
        return replace(frame, wild=True, closed=None)
    if len(rows) > _MOST:
        scope.refuse("E305", f"transpose is run for at most {_MOST} rows", node.span, help="take fewer with head")
    titles = [(label if header else f"row {i + 1}") or f"row {i + 1}" for i, (_, label) in enumerate(rows)]
    fields = [x for x in frame.names if x not in (place, header) and not x.startswith("_")]
    if not fields:
        return Frame(n.Values(frame.plan.schema, ()), closed=("transpose", node.span))
    parts = tuple(_one_row(frame, x, i, titles, place, title) for i, x in enumerate(fields))
    union: n.Plan = n.Union(parts, node.span) if len(parts) > 1 else parts[0]
    ordered = Frame(n.Sort(union, (SortKey(n.column(union, "\x02order")),)), closed=("transpose", node.span), wild=frame.wild)
    if not scope.flag(node.options, "include_empty", default=True):
        ordered = ordered.filtered(any_of(*(not_null(ordered.column(x)) for x in dict.fromkeys(titles))), node.span)
    return without(ordered, "\x02order")


def _one_row(frame: Frame, field: str, order: int, titles: list[str], place: str, title: str) -> n.Plan:
    value = frame.column(field)
    shown = call("text.join", value, e.text("\n")) if is_multi(value) else text_of(value)
    here = frame.column(place)
    cells = {name: n.Item(name, aggregate("agg.any", shown, where=call("compare.eq", here, e.whole(i + 1)))) for i, name in enumerate(titles)}
    turned = n.Aggregate(frame.plan, (), tuple(cells.values()))
    head = (n.Item(title, e.text(field)),)
    return n.Project(turned, (*head, *(n.Item(x, n.column(turned, x)) for x in cells if x != title), n.Item("\x02order", e.whole(order))))
