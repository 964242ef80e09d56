"""Tables of one's own beside the events, data models, and what a Splunk server would have of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from livefire.diagnostics import Span
from livefire.languages.binder import nearest
from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.combining import in_order
from livefire.languages.spl.fitting import fits_wildcard, lies_in_block
from livefire.languages.spl.frame import TIME, Frame, columns
from livefire.languages.spl.rows import numbered, without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.searching import Searcher
from livefire.languages.spl.showing import shown
from livefire.languages.spl.tables import events
from livefire.languages.spl.values import is_multi, multi_of, not_null, only_of, text_of, tidy
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.expr import Case, Expr, SortKey
from livefire.plan.functions import aggregate, all_of, call, window
from livefire.schema import Schema, Type


def table_named(name: str, span: Span, scope: Scope, what: str = "lookup table") -> Table | None:
    """Return a table the user loaded, by its name with or without `.csv`; E101 and None where there is none."""
    said = definition(name, scope)
    for candidate in (name, name.removesuffix(".csv"), *((said["table"], said["table"].removesuffix(".csv")) if said else ())):
        table = scope.context.catalog.table(candidate)
        if table is not None and not table.vendor:
            return table
    meant = nearest(name, [t.name for t in scope.context.catalog.tables("splunk") if not t.vendor])
    help = f"did you mean {meant!r}?" if meant else f"load rows under the name {name!r}"
    scope.context.diagnostics.error("E101", f"no {what} is named {name!r}", span, help=help)
    return None


def definition(name: str, scope: Scope) -> Mapping[str, Any] | None:
    """Return how a lookup of this name matches, as transforms.conf says; None where nothing does."""
    known = scope.context.options.get("lookup_definitions")
    found = known.get(name) if isinstance(known, Mapping) else None
    return found if isinstance(found, Mapping) else None


def lower_lookup(node: s.Lookup, frame: Frame, scope: Scope) -> Frame:
    """`lookup`: the columns of the rows whose keys equal the event's; several rows give several values."""
    scope.known("lookup", node.options, "local", "update", refused=("event_time_field",))
    table = table_named(node.table.text, node.table.span, scope)
    if table is None:
        gone = [n.Item(o.event.text, e.null(Type.STRING)) for o in node.outputs if node.mode == "OUTPUT" or not frame.has(o.event.text)]
        return replace(frame.extended(*gone, span=node.span) if gone else frame, wild=frame.wild or not node.outputs)
    found = events(table, {m.table.text for m in (*node.matches, *node.outputs)})
    keys = [(scope.field(found, m.table), scope.field(frame, m.event)) for m in node.matches]
    if any(is_multi(x) for pair in keys for x in pair):
        scope.several(node.span, "a row in which a field looked up has several ends the run")
        keys = [(only_of(a, "lookup"), only_of(b, "lookup")) for a, b in keys]
    used = {m.table.text for m in node.matches}
    outputs = [(o.table, o.event.text) for o in node.outputs] or [(Name(x, node.span), x) for x in found.names if x not in used]
    said = definition(node.table.text, scope)
    if said is not None:
        return _fitted(node, frame, found, scope, keys=keys, outputs=outputs, said=said)
    return _looked_up(node, frame, found, scope, keys=keys, outputs=outputs)


def _fitted(
    node: s.Lookup, frame: Frame, table: Frame, scope: Scope, *, keys: list[tuple[Expr, Expr]], outputs: list[tuple[Name, str]], said: Mapping[str, Any]
) -> Frame:
    """The rows of the table whose keys fit as its definition says, in their order and as many as it allows; its default where there are too few."""
    table, line = numbered(table, (), scope)
    asked = {scope.name("key"): (mine, said["kinds"].get(m.table.text, "exact")) for (_, mine), m in zip(keys, node.matches, strict=True)}
    found = {target: scope.name("found") for _, target in outputs}
    sources = {found[target]: text_of(only_of(scope.field(table, source), "lookup")) for source, target in outputs}
    theirs = {x: text_of(k) for x, (k, _) in zip(asked, keys, strict=True)}
    place = scope.name("line")
    rows = n.Project(table.plan, tuple(n.Item(x, v) for x, v in {**theirs, **sources, place: table.column(line)}.items()))
    frame, row = numbered(frame, (), scope)
    on = all_of(*(_fits(text_of(mine), n.column(rows, x), kind, case=said["case"]) for x, (mine, kind) in asked.items()))
    pairs = n.Join(n.Project(frame.plan, tuple(n.Item(x, c) for x, c in frame.known.items())), rows, "inner", on, node.span)
    rank = window("window.row_number", partition_by=(n.column(pairs, row),), order_by=(SortKey(n.column(pairs, place)),))
    ranked = n.Window(pairs, (n.Item(f"{place}b", rank),))
    kept = n.Filter(ranked, call("compare.le", n.column(ranked, f"{place}b"), e.whole(said["most"])))
    order = (SortKey(n.column(kept, place)),)
    items = tuple(n.Item(x, aggregate("agg.list", n.column(kept, x), order_by=order)) for x in sources)
    count = n.Item(f"{place}c", aggregate("agg.count"))
    listed = n.Aggregate(kept, (n.Item(f"{row}b", n.column(kept, row)),), (*items, count), node.span)
    joined = n.Join(frame.plan, listed, "left", call("compare.eq", frame.column(row), n.column(listed, f"{row}b")), node.span)
    ordered = n.Sort(joined, (SortKey(n.column(joined, row)),))
    asking = all_of(*(not_null(mine) for mine, _ in asked.values()))
    least = Case(((asking, e.whole(said["least"])),), e.whole(0), Type.LONG)
    lacking = call("number.subtract", least, call("logic.coalesce", n.column(ordered, f"{place}c"), e.whole(0)), type=Type.LONG)
    values = {x: tidy(_defaulted(n.column(ordered, x), lacking, said)) for x in sources}
    return _given(node, frame, ordered, {target: values[x] for target, x in found.items()}, row)


def _fits(mine: Expr, key: Expr, kind: str, *, case: bool) -> Expr:
    if kind == "cidr":
        return lies_in_block(mine, key)
    left, right = (mine, key) if case else (call("text.lower", mine), call("text.lower", key))
    return fits_wildcard(left, right) if kind == "wildcard" else call("compare.eq", left, right)


def _defaulted(values: Expr, lacking: Expr, said: Mapping[str, Any]) -> Expr:
    """Return the values found, and the default as often as the least number of rows wants more of them."""
    if not said["default"] or not said["least"]:
        return values
    several = e.Literal(json.dumps([said["default"]] * said["least"]), Type.DYNAMIC)
    last = call("number.subtract", lacking, e.whole(1), type=Type.LONG)
    more = Case(((call("compare.gt", lacking, e.whole(0)), call("dynamic.slice", several, e.whole(0), last)),), e.Literal("[]", Type.DYNAMIC), Type.DYNAMIC)
    return call("dynamic.concat", values, more)


def _given(node: s.Lookup, frame: Frame, plan: n.Plan, found: dict[str, Expr], row: str) -> Frame:
    """Return the rows with what was found for each; OUTPUTNEW leaves a value that is there."""
    items = [n.Item(x, c) for x, c in frame.known.items() if x not in found and x != row]
    for target, fresh in found.items():
        kept = node.mode == "OUTPUTNEW" and frame.has(target)
        items.append(n.Item(target, call("logic.coalesce", multi_of(frame.column(target)), fresh) if kept else fresh))
    return replace(frame, plan=n.Project(plan, tuple(items), node.span), quiet=frame.quiet - set(found))


def _looked_up(node: s.Lookup, frame: Frame, table: Frame, scope: Scope, *, keys: list[tuple[Expr, Expr]], outputs: list[tuple[Name, str]]) -> Frame:
    names = [scope.name("key") for _ in keys]
    found = {target: scope.name("found") for _, target in outputs}
    ready = n.Filter(table.plan, all_of(*(not_null(k) for k, _ in keys)))
    values = [(found[target], scope.field(table, source)) for source, target in outputs]
    items = tuple(n.Item(x, tidy(aggregate("agg.list", text_of(v) if not is_multi(v) else call("text.join", v, e.text("\n"))))) for x, v in values)
    listed = n.Aggregate(ready, tuple(n.Item(x, text_of(k)) for x, (k, _) in zip(names, keys, strict=True)), items, node.span)
    frame, row = numbered(frame, (), scope)
    on = all_of(*(call("compare.eq", text_of(mine), n.column(listed, x)) for x, (_, mine) in zip(names, keys, strict=True)))
    joined = n.Join(frame.plan, listed, "left", on, node.span)
    ordered = n.Sort(joined, (SortKey(n.column(joined, row)),))
    sides = columns(joined)
    return _given(node, frame, ordered, {target: sides[column] for target, column in found.items()}, row)


def lower_inputlookup(node: s.InputLookup, frame: Frame, scope: Scope, *, first: bool) -> Frame:
    """`inputlookup`: the rows of a table, with append=true after those before it; `where` is a condition of search, not of eval.

    https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/inputlookup
    """
    scope.known("inputlookup", node.options, "append", "start", "max", "strict")
    skip, most = scope.whole(node.options, "start", 0), scope.whole(node.options, "max", 0)
    if not first and not scope.flag(node.options, "append"):
        scope.refuse("E201", "inputlookup begins a search, or has append=true", node.span, help="add append=true")
    table = table_named(node.table.text, node.table.span, scope)
    if table is None:
        rows = Frame(n.Values(Schema(()), ()), wild=True)
        if node.condition is not None:
            Searcher(scope, rows).predicate(node.condition)
    else:
        rows = replace(events(table, ()), closed=(f"inputlookup {table.name}", node.span))
        if table.time is not None and table.time != TIME:
            rows = without(rows, TIME)
        if node.condition is not None:
            rows = rows.filtered(Searcher(scope, rows).predicate(node.condition), node.condition.span)
    rows, line = numbered(rows, (), scope)
    rows = without(rows.over(n.Sort(rows.plan, (SortKey(rows.column(line)),))), line)
    if skip or most:
        rows = rows.over(n.Limit(rows.plan, most or 2**31, skip, node.span))
    return rows if first else in_order([frame, rows], scope)


def lower_outputlookup(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`outputlookup`, `outputcsv`: the rows pass through; they are written where the caller allows a folder."""
    scope.known(node.name, node.options, "append", "create_empty", "override_if_empty", "max", "createinapp", "create_context", "key_field", "output_format")
    write = scope.context.options.get("write")
    name = node.words[0].text if node.words else ""
    if not callable(write) or scope.context.probe is None:
        scope.warn("W159", f"{node.name} writes nothing here: the rows pass through", node.span, "allow a folder to write to, or load the table yourself")
        return frame
    if any(o.name == "key_field" for o in node.options):
        scope.refuse("E304", f"{node.name} key_field= is not run", node.span, help="write the whole table")
    if write(name, shown(frame), scope.flag(node.options, "append")) is None:
        scope.refuse("E107", f"{name[:60]!r} is no name of a table to write", node.span, help="letters, digits, dots, dashes and underscores")
    return frame


def lower_model(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`apply`, `summary`: models of the machine learning toolkit, none of which is here."""
    name = node.words[0].text if node.words else ""
    scope.context.diagnostics.error(
        "E155", f"no model is named {name!r}: models of the machine learning toolkit are not here", node.span, help="write the rule that the model stands for"
    )
    return replace(frame, wild=True, closed=None)
