"""The commands that filter, order, name and compute fields of rows."""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.documents import is_document
from livefire.languages.spl.evaluating import Evaluator
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.naming import lower_named
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.searching import Searcher
from livefire.languages.spl.values import is_multi, is_null, is_text, multi_of, not_null, number_of, single_of, text_of
from livefire.languages.spl.wildcards import capture, fill, is_pattern, matching
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr, SortKey
from livefire.plan.functions import call, window
from livefire.schema import Type

_SORT_LIMIT = 10_000


def lower_search(node: s.Search, frame: Frame, scope: Scope) -> Frame:
    """`search` after a pipe."""
    if node.condition is None:
        return frame
    predicate = Searcher(scope, frame).predicate(node.condition)
    return frame if predicate == e.TRUE else frame.filtered(predicate, node.span)


def lower_where(node: s.Where, frame: Frame, scope: Scope) -> Frame:
    """`where`: rows for which the expression is true, not false and not null."""
    return frame.filtered(Evaluator(scope, frame).condition(node.condition), node.condition.span)


def lower_eval(node: s.Eval, frame: Frame, scope: Scope) -> Frame:
    """`eval`: each assignment sees those before it; a null takes the field away."""
    for assignment in node.assignments:
        value = Evaluator(scope, frame).value(assignment.value)
        if value.type is Type.BOOL:
            scope.refuse("E104", "a field cannot hold a condition", assignment.value.span, help="use if(condition, …, …) or tostring(condition)")
        if assignment.around is not None:
            frame = lower_named(assignment, value, frame, scope)
            continue
        (scope.documents.add if is_document(assignment.value, scope) else scope.documents.discard)(assignment.name.text)
        frame = frame.extended(n.Item(assignment.name.text, value), span=assignment.span)
    return frame


def lower_fields(node: s.Fields, frame: Frame, scope: Scope) -> Frame:
    """`fields` and `table`; internal fields stay with `fields`, and go with `table`."""
    if node.remove:
        gone: set[str] = set()
        for name in node.names:
            gone |= set(matching(name.text, frame.names)) if is_pattern(name.text) else {name.text}
        kept = tuple(n.Item(x, frame.column(x)) for x in frame.known if x not in gone)
        return Frame(n.Project(frame.plan, kept, node.span), frame.quiet - gone, frame.closed, frame.wild)
    names: dict[str, None] = {}
    for name in node.names:
        if is_pattern(name.text):
            names.update(dict.fromkeys(matching(name.text, frame.names)))
        else:
            scope.field(frame, name)
            names[name.text] = None
    shown = tuple(names)
    if node.kind == "fields":
        internal = tuple(x for x in frame.names if x.startswith("_") and x not in names)
        kept_frame = frame.kept((*shown, *internal), node.span)
        return Frame(kept_frame.plan, closed=(node.kind, node.span), wild=frame.wild)
    kept_frame = frame.kept(shown, node.span)
    return Frame(kept_frame.plan, closed=(node.kind, node.span), wild=frame.wild)


def lower_rename(node: s.Rename, frame: Frame, scope: Scope) -> Frame:
    """`rename`: a name that is taken is replaced."""
    for pair in node.pairs:
        if pair.old.text.count("*") != pair.new.text.count("*"):
            scope.refuse("E107", f"{pair.old.text!r} and {pair.new.text!r} differ in their number of wildcards", pair.new.span)
        if is_pattern(pair.old.text):
            frame = _rename_many(pair, frame, scope)
        else:
            value = scope.field(frame, pair.old)
            frame = _renamed(frame, {pair.old.text: pair.new.text}, node.span) if frame.has(pair.old.text) else frame.extended(n.Item(pair.new.text, value))
            (scope.documents.add if pair.old.text in scope.documents else scope.documents.discard)(pair.new.text)
    return frame


def _rename_many(pair: s.Renaming, frame: Frame, scope: Scope) -> Frame:
    changes = {}
    for name in frame.known:
        parts = capture(pair.old.text, name)
        if parts is not None and (not name.startswith("_") or pair.old.text.startswith("_")):
            changes[name] = fill(pair.new.text, parts)
    if len(set(changes.values())) < len(changes):
        scope.refuse("E106", f"the renaming gives several fields one name, such as {next(iter(changes.values()))!r}", pair.new.span)
    return _renamed(frame, changes, pair.old.span, wild=True)


def _either(first: Expr, second: Expr) -> Expr:
    if is_multi(first) or is_multi(second):
        return call("logic.coalesce", multi_of(first), multi_of(second))
    return call("logic.coalesce", first, second) if first.type is second.type else call("logic.coalesce", text_of(first), text_of(second))


def _renamed(frame: Frame, changes: dict[str, str], span: Span, *, wild: bool = False) -> Frame:
    replaced = set(changes.values()) - set(changes)
    items, quiet = [], set()
    for name in frame.known:
        if name in replaced:
            continue
        new = changes.get(name, name)
        value: Expr = frame.column(name)
        if wild and new in replaced and frame.has(new) and name in frame.quiet:
            # A wildcard names only fields that are there: an event without this one keeps the field that is called so already.
            value = _either(value, frame.column(new))
        items.append(n.Item(new, value))
        if name in frame.quiet and (name not in changes):
            quiet.add(new)
    return Frame(n.Project(frame.plan, tuple(items), span), frozenset(quiet), frame.closed, frame.wild)


def sort_keys(keys: tuple[s.SortField, ...], frame: Frame, scope: Scope, *, reverse: bool = False) -> tuple[SortKey, ...]:
    """Return the keys of an order: numbers by value, then IPv4 addresses by value, then text by code points; rows without a value last.

    https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/sort
    """
    found: list[SortKey] = []
    for key in keys:
        value = scope.field(frame, key.field)
        value = single_of(value) if is_multi(value) else value
        down = key.descending != reverse
        if key.form == "str":
            found.append(SortKey(text_of(value), down))
        elif key.form == "ip":
            found += _ranked(text_of(value), (_address(text_of(value)),), down)
        elif not is_text(value):
            found.append(SortKey(value, down))
        elif key.form == "num":
            found.append(SortKey(number_of(value), down))
        else:
            found += _ranked(value, (number_of(value), _address(value)), down)
    return tuple(found)


def _address(shown: Expr) -> Expr:
    written = call("text.matches_regex", shown, e.text(r"^\d{1,3}(\.\d{1,3}){3}$"))
    return Case(((written, call("address.ipv4_number", shown)),), e.null(Type.LONG), Type.LONG)


def _ranked(shown: Expr, readings: tuple[Expr, ...], down: bool) -> list[SortKey]:
    """Return the keys that put values by the first reading that they have, those with none after them as text, and what is missing last."""
    ranks = tuple((not_null(x), e.whole(len(readings) - i if down else i)) for i, x in enumerate(readings))
    missing = (is_null(shown), e.whole(len(readings) + 1))
    rank = Case((missing, *ranks), e.whole(0 if down else len(readings)), Type.LONG)
    return [SortKey(rank), *(SortKey(x, down) for x in readings), SortKey(shown, down)]


def lower_sort(node: s.SortBy, frame: Frame, scope: Scope) -> Frame:
    """`sort`: 10,000 rows unless told otherwise, 0 for all."""
    for span in node.stray:
        scope.warn("W153", "sort takes field names only: Splunk reads `by` as one more field, which no row has", span, help="leave `by` out")
    plan: n.Plan = n.Sort(frame.plan, sort_keys(node.keys, frame, scope, reverse=node.reverse), node.span)
    limit = _SORT_LIMIT if node.limit is None else node.limit
    return frame.over(n.Limit(plan, limit, span=node.span) if limit else plan)


def numbered(frame: Frame, keys: tuple[Expr, ...], scope: Scope, order: tuple[SortKey, ...] = ()) -> tuple[Frame, str]:
    """Return the frame with the place of each row among those of equal keys, counted from 1, and that column's name."""
    name = scope.name("place")
    item = n.Item(name, window("window.row_number", partition_by=keys, order_by=order, row_order=not order))
    return frame.over(n.Window(frame.plan, (item,))), name


def without(frame: Frame, *names: str) -> Frame:
    """Return the frame without columns of its own making."""
    return frame.over(n.Project(frame.plan, tuple(n.Item(x, frame.column(x)) for x in frame.known if x not in names)))


def lower_dedup(node: s.Dedup, frame: Frame, scope: Scope) -> Frame:
    """`dedup`: the first rows of each combination; rows that lack a field go unless keepempty."""
    scope.known("dedup", node.options, "keepevents", "keepempty", "consecutive")
    keys = [scope.field(frame, x) for x in node.names]
    empty = [is_null(k) for k in keys]
    keep_empty = scope.flag(node.options, "keepempty")
    if node.sortby:
        frame = frame.over(n.Sort(frame.plan, sort_keys(node.sortby, frame, scope), node.span))
    if scope.flag(node.options, "consecutive"):
        return _consecutive(node, frame, scope, keys)
    frame, place = numbered(frame, tuple(keys), scope)
    chosen: Expr = call("compare.le", frame.column(place), e.whole(node.count), span=node.span)
    lacking = call("logic.or", *empty)
    if scope.flag(node.options, "keepevents"):
        cleared = {x.text: k for x, k in zip(node.names, keys, strict=True)}
        items = [n.Item(name, Case(((chosen, k),), e.null(k.type), k.type)) for name, k in cleared.items() if frame.has(name)]
        return without(frame.extended(*items), place)
    chosen = call("logic.or", chosen, lacking) if keep_empty else call("logic.and", chosen, call("logic.not", lacking))
    return without(frame.filtered(chosen, node.span), place)


def _consecutive(node: s.Dedup, frame: Frame, scope: Scope, keys: list[Expr]) -> Frame:
    if node.count != 1:
        scope.refuse("E304", "dedup consecutive=true is run for one event", node.span)
    lacking = call("logic.or", *(is_null(k) for k in keys))
    if not scope.flag(node.options, "keepempty"):
        frame = frame.filtered(call("logic.not", lacking), node.span)
    names = [scope.name("before") for _ in keys]
    first = scope.name("place")
    items = [n.Item(x, window("window.previous", k, row_order=True)) for x, k in zip(names, keys, strict=True)]
    items.append(n.Item(first, window("window.row_number", row_order=True)))
    frame = frame.over(n.Window(frame.plan, tuple(items)))
    same = [call("compare.same", frame.column(x), k) for x, k in zip(names, keys, strict=True)]
    repeated = call("logic.and", *same, call("compare.gt", frame.column(first), e.whole(1)))
    if scope.flag(node.options, "keepevents"):
        fields = {x.text: k for x, k in zip(node.names, keys, strict=True) if frame.has(x.text)}
        items = [n.Item(x, Case(((repeated, e.null(k.type)),), k, k.type)) for x, k in fields.items()]
        return without(frame.extended(*items, span=node.span), *names, first)
    return without(frame.filtered(call("logic.not", repeated), node.span), *names, first)


def lower_head(node: s.Head, frame: Frame, scope: Scope) -> Frame:
    """`head`: the first rows, 10 unless told otherwise; with a condition those before the first row that breaks it."""
    if node.condition is None:
        return frame.over(n.Limit(frame.plan, 10 if node.count is None else node.count, span=node.span))
    condition = Evaluator(scope, frame).condition(node.condition)
    null_goes_on = scope.flag(node.options, "null")
    held = call("logic.coalesce", condition, e.TRUE if null_goes_on else e.FALSE)
    broken = Case(((held, e.whole(0)),), e.whole(1), Type.LONG)
    count = scope.name("broken")
    frame = frame.over(n.Window(frame.plan, (n.Item(count, window("agg.sum", broken, type=Type.LONG, frame=(None, 0), row_order=True)),)))
    seen = frame.column(count)
    if scope.flag(node.options, "keeplast"):
        last = call("logic.and", call("compare.eq", seen, e.whole(1)), call("logic.not", held))
        chosen = call("logic.or", call("compare.eq", seen, e.whole(0)), last)
    else:
        chosen = call("compare.eq", seen, e.whole(0))
    frame = without(frame.filtered(chosen, node.span), count)
    return frame.over(n.Limit(frame.plan, node.count, span=node.span)) if node.count is not None else frame


def name_of(word: s.Word) -> Name:
    """Return a word as a field name."""
    return Name(word.text, word.span, word.quoted)
