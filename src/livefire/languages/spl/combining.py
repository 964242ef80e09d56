"""The commands that bring rows together: join, append and its kin, union, multisearch."""

from __future__ import annotations

from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import TIME, Frame, columns
from livefire.languages.spl.rows import numbered, without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.sources import newest_first, stack
from livefire.languages.spl.values import compare, is_multi, multi_of, not_null, only_of, text_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Expr, SortKey
from livefire.plan.functions import all_of, call, window
from livefire.schema import Type


def lower_join(node: s.JoinWith, frame: Frame, scope: Scope) -> Frame:
    """`join`: the first row (or `max`) of the subsearch with equal fields, whose values replace those of the same name."""
    scope.known("join", node.options, "type", "max", "overwrite", "keepsingle", refused=("usetime", "earlier", "left", "right"))
    kind = scope.option(node.options, "type", "inner").lower()
    if kind not in ("inner", "left", "outer"):
        scope.refuse("E107", f"join type={kind[:20]} does not exist", node.span, help="inner, left or outer (which is left)")
    most, overwrite = scope.whole(node.options, "max", 1), scope.flag(node.options, "overwrite", default=True)
    right = scope.pipeline(node.right, None, scope.mentions)
    keys = [k.text for k in node.names] or [x for x in frame.names if right.has(x) and not x.startswith("_")]
    if not keys:
        if frame.wild or right.wild:
            return frame
        scope.refuse("E105", "join without fields joins on those that both sides have, and there is none", node.span, help="name the field to join on")
    for name in node.names:
        scope.field(frame, name)
        scope.field(right, name)
    if not all(frame.has(k) and right.has(k) for k in keys):
        return frame if kind != "inner" else frame.filtered(e.TRUE if frame.wild or right.wild else e.FALSE, node.span)
    if any(is_multi(f.column(k)) for k in keys for f in (frame, right)):
        scope.several(node.span, "a row in which a field of the join has several ends the run")
        frame, right = (f.extended(*(n.Item(k, only_of(f.column(k), "join")) for k in keys if is_multi(f.column(k)))) for f in (frame, right))
    return _joined(frame, right, keys, node, scope, kind=kind, most=most, overwrite=overwrite)


def _joined(frame: Frame, right: Frame, keys: list[str], node: s.JoinWith, scope: Scope, *, kind: str, most: int, overwrite: bool) -> Frame:
    right = right.filtered(all_of(*(not_null(right.column(k)) for k in keys)), node.span)
    right, place = numbered(right, tuple(text_of(right.column(k)) for k in keys), scope)
    if most:
        right = right.filtered(call("compare.le", right.column(place), e.whole(most)), node.span)
    frame, row = numbered(frame, (), scope)
    given = [x for x in right.names if x not in keys and not x.startswith(("_", "\x02"))]
    other = {x: scope.name("right") for x in (*keys, *given, place)}
    renamed = n.Project(right.plan, tuple(n.Item(new, right.column(x)) for x, new in other.items()))
    on = all_of(*(compare("=", frame.column(k), n.column(renamed, other[k])) for k in keys))
    joined = n.Join(frame.plan, renamed, "inner" if kind == "inner" else "left", on, node.span)
    ordered = n.Sort(joined, (SortKey(n.column(joined, row)), SortKey(n.column(joined, other[place]))))
    items = _beside(frame, joined, {x: other[x] for x in given}, row, overwrite=overwrite)
    return Frame(n.Project(ordered, items, node.span), frame.quiet - set(given), frame.closed, frame.wild or right.wild)


def _beside(frame: Frame, joined: n.Plan, given: dict[str, str], row: str, *, overwrite: bool) -> tuple[n.Item, ...]:
    """Return the fields of both sides: those of one name where the left side has them, the one value or the other first."""
    items = {x: n.Item(x, c) for x, c in frame.known.items() if x != row}
    sides = columns(joined)
    for name, column in given.items():
        fresh: Expr = sides[column]
        if frame.has(name):
            fresh, mine = _alike(fresh, frame.column(name))
            fresh = call("logic.coalesce", *((fresh, mine) if overwrite else (mine, fresh)))
        items[name] = n.Item(name, fresh)
    return tuple(items.values())


def _alike(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    if left.type is right.type:
        return left, right
    if is_multi(left) or is_multi(right):
        return multi_of(left), multi_of(right)
    return text_of(left), text_of(right)


def lower_append(node: s.Append, frame: Frame, scope: Scope) -> Frame:
    """`append`, `appendpipe`: the rows of the other search after these."""
    scope.known(node.kind, node.options, "extendtimerange", "maxtime", "maxout", "timeout", "run_in_preview")
    part = node.parts[0] if node.parts else None
    if part is None:
        scope.refuse("E201", f"{node.kind} needs a subsearch", node.span)
    other = scope.pipeline(part, frame if node.kind == "appendpipe" else None, scope.mentions)
    return in_order([frame, other], scope)


def in_order(frames: list[Frame], scope: Scope) -> Frame:
    """Return the rows of one frame after those of another, each in its own order."""
    part, row = scope.name("part"), scope.name("row")
    numbered_frames = []
    for number, frame in enumerate(frames):
        counted, place = numbered(frame, (), scope)
        items = tuple(n.Item(x, frame.column(x)) for x in frame.known)
        extra = (n.Item(part, e.whole(number)), n.Item(row, counted.column(place)))
        numbered_frames.append(frame.over(n.Project(counted.plan, (*items, *extra))))
    joined = stack(numbered_frames)
    ordered = joined.over(n.Sort(joined.plan, (SortKey(joined.column(part)), SortKey(joined.column(row)))))
    return without(ordered, part, row)


def lower_appendcols(node: s.Append, frame: Frame, scope: Scope) -> Frame:
    """`appendcols`: the first row of the other search beside the first here, and so on."""
    scope.known("appendcols", node.options, "override", "maxtime", "maxout", "timeout")
    override = scope.flag(node.options, "override")
    right = scope.pipeline(node.parts[0], None, scope.mentions)
    frame, row = numbered(frame, (), scope)
    right, place = numbered(right, (), scope)
    given = [x for x in right.names if not x.startswith(("_", "\x02"))]
    other = {x: scope.name("right") for x in (*given, place)}
    renamed = n.Project(right.plan, tuple(n.Item(new, right.column(x)) for x, new in other.items()))
    joined = n.Join(frame.plan, renamed, "full", call("compare.eq", frame.column(row), n.column(renamed, other[place])), node.span)
    both = call("logic.coalesce", n.column(joined, row), n.column(joined, other[place]))
    ordered = n.Sort(joined, (SortKey(both),))
    items = _beside(frame, joined, {x: other[x] for x in given}, row, overwrite=override)
    return Frame(n.Project(ordered, items, node.span), frame.quiet - set(given), frame.closed, frame.wild or right.wild)


def lower_union(node: s.Append, frame: Frame, scope: Scope, *, first: bool) -> Frame:
    """`union` and `multisearch`: the events of all searches, newest first; rows without a time, those of one search after those of another.

    https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/union
    """
    if node.names:
        scope.refuse("E305", "data sets of union are knowledge of a Splunk server", node.names[0].span, help="write each as a search in brackets")
    frames = [scope.pipeline(part, None, scope.mentions) for part in node.parts]
    together = frames if first else [frame, *frames]
    joined = stack(together)
    return newest_first(joined) if joined.has(TIME) and joined.column(TIME).type is Type.DATETIME else in_order(together, scope)


def lower_set(node: s.Append, scope: Scope) -> Frame:
    """`set`: the different rows of two searches together, those of both, or those of one only; rows are the same when all their fields are.

    https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/set
    """
    side, first, last = scope.name("side"), scope.name("first"), scope.name("last")
    frames = [scope.pipeline(part, None, scope.mentions) for part in node.parts]
    shown = [f.over(n.Project(f.plan, tuple(n.Item(x, f.column(x)) for x in f.names))) for f in frames]
    joined = in_order([f.extended(n.Item(side, e.whole(i))) for i, f in enumerate(shown)], scope)
    keys = tuple(call("dynamic.text", c) if is_multi(c) else text_of(c) for x, c in joined.known.items() if x != side)
    joined, place = numbered(joined, keys, scope)
    sides = tuple(n.Item(x, window(f, joined.column(side), type=Type.LONG, partition_by=keys)) for x, f in ((first, "agg.min"), (last, "agg.max")))
    told = joined.over(n.Window(joined.plan, sides, node.span))
    alone = call("compare.eq", told.column(first), told.column(last))
    kept: Expr = call("compare.eq", told.column(place), e.whole(1))
    match node.names[0].text.lower():
        case "diff":
            kept = all_of(kept, alone)
        case "intersect":
            kept = all_of(kept, call("logic.not", alone))
    return without(told.filtered(kept, node.span), side, first, last, place)
