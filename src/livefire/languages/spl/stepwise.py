"""Small commands that work from row to row, and those that only some rows reach.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Delta and the pages beside it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from livefire.languages.spl import nodes as s
from livefire.languages.spl.combining import in_order
from livefire.languages.spl.frame import RAW, Frame
from livefire.languages.spl.reasons import REACHED
from livefire.languages.spl.rows import name_of, numbered, without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.times import NOW
from livefire.languages.spl.values import is_multi, multi_of, not_null, number_of, only_of, real_of, text_of, tidy, whole_of
from livefire.languages.spl.wildcards import is_pattern, matching
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import aggregate, all_of, call, window
from livefire.schema import Type


def _renamed(node: s.Plain, scope: Scope) -> tuple[s.Word, str | None]:
    """Return the field of `command field [AS name]`, and the name."""
    words = list(node.words)
    if len(words) == 3 and words[1].text.lower() == "as":
        return words[0], words[2].text
    if len(words) != 1:
        scope.refuse("E201", f"{node.name} takes `field` or `field AS name`", node.span)
    return words[0], None


def lower_delta(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`delta`: the number less that of the row before (or of `p` rows before)."""
    scope.known("delta", node.options, "p")
    word, alias = _renamed(node, scope)
    number = real_of(only_of(scope.field(frame, name_of(word)), "delta"))
    earlier, distance = number, scope.whole(node.options, "p", 1)
    looked = frame
    for _ in range(min(distance, 100)):
        column = scope.name("before")
        looked = looked.over(n.Window(looked.plan, (n.Item(column, e.WindowCall("window.previous", (earlier,), Type.REAL, row_order=True)),)))
        earlier = looked.column(column)
    change = call("number.subtract", number, earlier, type=Type.REAL)
    kept = frame.over(looked.plan).extended(n.Item(alias or f"delta({word.text})", change), span=node.span)
    return without(kept, *(x for x in kept.known if x.startswith("\x02before")))


def lower_accum(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`accum`: the sum so far, in place of the field or under a new name."""
    scope.known("accum", node.options)
    word, alias = _renamed(node, scope)
    number = real_of(only_of(scope.field(frame, name_of(word)), "accum"))
    total = scope.name("total")
    summed = n.Window(frame.plan, (n.Item(total, window("agg.sum", number, type=Type.REAL, frame=(None, 0), row_order=True)),), node.span)
    # A row without a number is skipped: it shows none.
    shown = Case(((not_null(number), n.column(summed, total)),), e.null(Type.REAL), Type.REAL)
    return without(frame.over(summed).extended(n.Item(alias or word.text, shown), span=node.span), total)


def lower_autoregress(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`autoregress field [AS name] [p=n]`: the value one row before, or n."""
    scope.known("autoregress", node.options, "p")
    word, alias = _renamed(node, scope)
    first, _, last = scope.option(node.options, "p", "1").partition("-")
    low, high = whole_of(first) or 0, whole_of(last or first) or 0
    if not 1 <= low <= high <= 50:
        scope.refuse("E107", "p is a number of rows, or a range such as 1-3", node.span)
    value = scope.field(frame, name_of(word))
    looked, items, earlier = frame, [], value
    for step in range(1, high + 1):
        column = scope.name("before")
        looked = looked.over(n.Window(looked.plan, (n.Item(column, e.WindowCall("window.previous", (earlier,), value.type, row_order=True)),)))
        earlier = looked.column(column)
        if step >= low:
            items.append(n.Item(alias if alias and not last else f"{alias or word.text}_p{step}", earlier))
    kept = frame.over(looked.plan).extended(*items, span=node.span)
    return without(kept, *(x for x in kept.known if x.startswith("\x02before")))


def lower_uniq(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`uniq`: rows that repeat the one before in every field go."""
    texts = [call("dynamic.text", c) if is_multi(c) else text_of(c) for c in (frame.column(x) for x in frame.names)]
    frame, place = numbered(frame, (), scope)
    before = {scope.name("before"): x for x in texts}
    items = tuple(n.Item(x, e.WindowCall("window.previous", (v,), Type.STRING, row_order=True)) for x, v in before.items())
    looked = frame.over(n.Window(frame.plan, items)) if items else frame
    same = (call("compare.same", looked.column(x), v) for x, v in before.items())
    repeated = all_of(call("compare.gt", looked.column(place), e.whole(1)), *same)
    return without(looked.filtered(call("logic.not", repeated), node.span), place, *before)


def lower_strcat(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`strcat [allrequired=] parts… name`: fields and quoted texts joined; a missing field is empty unless all are required."""
    scope.known("strcat", node.options, "allrequired")
    *parts, target = node.words or (s.Word("", node.span),)
    if not parts:
        scope.refuse("E201", "strcat takes the parts and the name of the result", node.span)
    values = [e.text(w.text) if w.quoted and not frame.has(w.text) else text_of(only_of(scope.field(frame, name_of(w)), "strcat")) for w in parts]
    joined: Expr = call("text.concat", *(call("logic.coalesce", v, e.text("")) for v in values))
    if scope.flag(node.options, "allrequired"):
        joined = Case(((all_of(*(not_null(v) for v in values)), joined),), e.null(Type.STRING), Type.STRING)
    return frame.extended(n.Item(target.text, joined), span=node.span)


def lower_rangemap(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`rangemap field= name=low-high … [default=]`: the names of the ranges that hold the number, in the field `range`."""
    name = scope.option(node.options, "field")
    if not name:
        scope.refuse("E105", "rangemap needs field=", node.span)
    number = real_of(only_of(scope.field(frame, name, node.span), "rangemap"))
    terms: list[Expr] = []
    for option in node.options:
        if option.name in ("field", "default"):
            continue
        bounds = re.fullmatch(r"(-?\d+(?:\.\d+)?)-(-?\d+(?:\.\d+)?)", option.value.text)
        if not bounds:
            scope.refuse("E206", f"{option.value.text[:40]!r} is no range", option.value.span, help="such as low=0-10")
        low, high = (e.Literal(float(x), Type.REAL) for x in bounds.groups())
        held = call("logic.and", call("compare.ge", number, low), call("compare.le", number, high))
        terms.append(Case(((held, e.text(option.name)),), e.null(Type.STRING), Type.STRING))
    if not terms:
        scope.refuse("E105", "rangemap needs a range, such as low=0-10", node.span)
    found = tidy(call("array.compact", call("dynamic.array", *terms)))
    default = call("dynamic.array", e.text(scope.option(node.options, "default", "None")))
    return frame.extended(n.Item("range", call("logic.coalesce", found, default)), span=node.span)


def lower_addinfo(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`addinfo`: the time of the search; its range is that of the run, where one is given."""
    scope.known("addinfo", node.options)
    now = number_of(call("time.start_of", NOW, e.text("second")))
    items = (
        n.Item("info_min_time", e.Literal(0.0, Type.REAL)),
        n.Item("info_max_time", now),
        n.Item("info_search_time", now),
        n.Item("info_sid", e.text("livefire")),
    )
    scope.warn("W159", "info_min_time and info_max_time are those of a search over all time until now", node.span)
    return frame.extended(*items, span=node.span)


def lower_addcoltotals(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`addcoltotals`: one more row with the sum of the numbers of each field."""
    scope.known(node.name, node.options, "label", "labelfield", "row", "col", "fieldname")
    names = [x for w in node.words for x in (matching(w.text, frame.names) if is_pattern(w.text) else (w.text,)) if frame.has(x)]
    names = names if node.words else [x for x in frame.names if not x.startswith("_")]
    items = []
    for name in names:
        column = frame.column(name)
        if column.type is Type.DATETIME:
            continue
        number = real_of(only_of(column, node.name))
        items.append(n.Item(name, aggregate("agg.sum", number, type=Type.REAL)))
    totals = n.Aggregate(frame.plan, (), tuple(items), node.span)
    row = Frame(totals)
    label = scope.option(node.options, "labelfield")
    if label:
        row = row.extended(n.Item(label, e.text(scope.option(node.options, "label", "Total"))))
    return in_order([frame, _alike(frame, row)], scope)


def _alike(frame: Frame, row: Frame) -> Frame:
    """Return the row of totals with the types of the rows above it, so that whole numbers stay whole."""
    items = []
    for name in row.known:
        value: Expr = row.column(name)
        kind = frame.column(name).type if frame.has(name) else value.type
        if kind in (Type.LONG, Type.INT):
            value = call("number.to_long", value)
        elif kind is Type.STRING:
            value = text_of(value)
        items.append(n.Item(name, value))
    return Frame(n.Project(row.plan, tuple(items)), closed=frame.closed)


def lower_tojson(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`tojson [fields] [output_field=]`: the named fields as a JSON object in text, `_raw` unless told otherwise."""
    scope.known("tojson", node.options, "output_field", "default_type", "fill_null", "include_internal")
    kinds: dict[str, str] = {}
    default = scope.option(node.options, "default_type", "none").lower()
    for word in node.words:
        typed = re.fullmatch(r"(auto|bool|json|none|num|str)\((.*)\)", word.text)
        name, kind = (typed[2], typed[1]) if typed else (word.text, default)
        for found in matching(name, frame.names) if is_pattern(name) else (name,):
            kinds[found] = kind
    internal = scope.flag(node.options, "include_internal")
    names = [x for x in frame.names if internal or not x.startswith("_")]
    chosen = kinds or dict.fromkeys(names, default)
    members: list[Expr] = []
    for name, kind in chosen.items():
        if frame.has(name):
            members += [e.text(name), _as_json(frame.column(name), kind)]
    if scope.flag(node.options, "fill_null"):
        scope.warn("W159", "tojson fill_null=true writes null for a field that no row has too", node.span)
    written: Expr = call("dynamic.object", *members) if members else e.Literal("{}", Type.DYNAMIC)
    return frame.extended(n.Item(scope.option(node.options, "output_field", RAW), call("dynamic.text", written)), span=node.span)


def _as_json(value: Expr, kind: str) -> Expr:
    if is_multi(value):
        return value
    if kind == "num":
        return call("dynamic.of", real_of(value))
    if kind == "json":
        return call("dynamic.try_parse", text_of(value))
    if kind in ("auto", "none"):
        number = number_of(value)
        shown = text_of(value)
        return Case(
            ((not_null(number), call("logic.coalesce", call("dynamic.try_parse", shown), call("dynamic.of", number))),), call("dynamic.of", shown), Type.DYNAMIC
        )
    return call("dynamic.of", text_of(value))


def lower_xmlkv(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`xmlkv`: `<name>value</name>` becomes a field, for the names that the search goes on to mention."""
    scope.known("xmlkv", node.options, "maxinputs")
    source = node.words[0].text if node.words else RAW
    text = text_of(only_of(scope.field(frame, source, node.span), "xmlkv"))
    items = []
    for name in sorted(scope.mentions):
        if not re.fullmatch(r"[A-Za-z][\w.-]*", name) or name == source:
            continue
        pattern = rf"<{re.escape(name)}(?:\s[^<>]*)?>([^<]*)</{re.escape(name)}>"
        found = call("text.extract_regex", text, e.text(pattern), e.whole(1), span=node.span)
        if frame.has(name):
            before = frame.column(name)
            found = call("logic.coalesce", found, text_of(before)) if not is_multi(before) else call("logic.coalesce", multi_of(found), before)
        items.append(n.Item(name, found))
    return frame.extended(*items, span=node.span) if items else frame


def lower_multikv(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`multikv`: an event of one line holds no table, and goes; the rows of a real table are not read, and end the run."""
    scope.warn("W301", "multikv: how the columns of a table are told apart is not documented: a run with an event of several lines stops", node.span)
    if not frame.has(RAW):
        return frame.filtered(e.FALSE, node.span) if not frame.wild else replace(frame, wild=True)
    lines = call("text.contains", call("text.trim", text_of(frame.column(RAW)), e.text("\r\n ")), e.text("\n"))
    stop = call("logic.fail_if", lines, e.text("SPL: multikv: an event has several lines, and how its table is read is not documented"))
    return replace(frame.filtered(stop, node.span), wild=frame.wild)


def lower_reached(node: s.Refused, frame: Frame, scope: Scope) -> Frame:
    """A command whose statistics nobody can repeat: no rows stay no rows, and a row that reaches it ends the run."""
    reason, help = REACHED[node.name]
    scope.warn("W301", f"{node.name}: {reason}: a run in which a row reaches it stops", node.span, help=help)
    message = f"SPL: {node.name}: {reason}, and a row reaches it; {help}"
    return replace(frame.filtered(call("logic.fail_if", e.TRUE, e.text(message)), node.span), wild=True, closed=None)


def lower_fieldformat(node: s.Formatting, frame: Frame, scope: Scope) -> Frame:
    """`fieldformat`: how a field is shown changes, its value does not."""
    names = ", ".join(a.name.text for a in node.assignments)
    scope.context.diagnostics.notice("N159", f"fieldformat changes how {names} is shown; the rows here hold the value", node.span)
    return frame
