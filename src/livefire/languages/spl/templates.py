"""The commands that write searches as text: format and return, and map, which runs one for each row.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Format
https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Map
"""

from __future__ import annotations

import re
from dataclasses import replace

from livefire.languages.spl import nodes as s
from livefire.languages.spl.combining import in_order
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.rows import without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.times import NOW, moment, shift, span_of
from livefire.languages.spl.values import is_multi, not_null, text_of, whole_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import aggregate, call
from livefire.schema import Schema, Type

_PLAIN = ("(", "(", "AND", ")", "OR", ")")
_SEARCHES = 10
_VARIABLE = re.compile(r"\$([\w.{}:]+)\$")


def lower_format(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`format`: one row whose field `search` is a search for what the rows hold."""
    scope.known("format", node.options, "mvsep", "maxresults", "emptystr")
    if len(node.words) not in (0, 6):
        scope.refuse("E105", f"format takes six texts or none, got {len(node.words)}", node.span)
    head, row, between, row_end, rows, foot = (w.text for w in node.words) if node.words else _PLAIN
    most = scope.whole(node.options, "maxresults", 0)
    cut = frame.over(n.Limit(frame.plan, most, span=node.span)) if most else frame
    names = [x for x in cut.names if not x.startswith("_")]
    terms = [_pair(x, cut.column(x), scope.option(node.options, "mvsep", "OR")) for x in names]
    found = call("array.compact", call("dynamic.array", *terms)) if terms else e.Literal("[]", Type.DYNAMIC)
    inside = call("text.join", found, e.text(f" {between} "))
    # A row without any value is no part of the search.
    shown = Case(((call("compare.gt", call("dynamic.length", found), e.whole(0)), _joined(row, inside, row_end)),), e.null(Type.STRING), Type.STRING)
    listed = n.Project(cut.plan, (n.Item("row", shown),))
    text = n.column(listed, "row")
    items = (n.Item("rows", aggregate("agg.list", text, where=not_null(text))),)
    total = n.Aggregate(listed, (), items, node.span)
    all_rows = call("text.join", n.column(total, "rows"), e.text(f" {rows} "))
    empty = call("compare.gt", call("logic.coalesce", call("dynamic.length", n.column(total, "rows")), e.whole(0)), e.whole(0))
    said = Case(((empty, _joined(head, all_rows, foot)),), e.text(scope.option(node.options, "emptystr", "NOT()")), Type.STRING)
    return Frame(n.Project(total, (n.Item("search", said),), node.span), closed=("format", node.span), wild=frame.wild)


def _joined(head: str, inside: Expr, foot: str) -> Expr:
    return call("text.concat", e.text(f"{head} "), inside, e.text(f" {foot}"))


def _pair(name: str, value: Expr, separator: str) -> Expr:
    """Return `name="value"`, in brackets for several values; null where there is none."""

    def one(x: Expr) -> Expr:
        escaped = call("text.replace", call("text.replace", x, e.text("\\"), e.text("\\\\")), e.text('"'), e.text('\\"'))
        return call("text.concat", e.text(f'{name}="'), escaped, e.text('"'))

    if not is_multi(value):
        shown = text_of(value)
        return Case(((not_null(shown), one(shown)),), e.null(Type.STRING), Type.STRING)
    item = e.Column("~term", Type.DYNAMIC)
    terms = call("array.map", value, e.Lambda((item,), call("dynamic.of", one(call("dynamic.text", item)))))
    joined = call("text.concat", e.text("("), call("text.join", terms, e.text(f" {separator} ")), e.text(")"))
    several = call("compare.gt", call("dynamic.length", value), e.whole(1))
    first = one(call("dynamic.text", e.Path(value, (0,))))
    return Case(((several, joined), (not_null(value), first)), e.null(Type.STRING), Type.STRING)


def lower_return(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`return [n] field alias=field $field`: the first rows with these fields only; `$field` is looked for as a word."""
    words = list(node.words)
    count = 1
    if words and words[0].text.isdecimal():
        count = whole_of(words.pop(0).text) or 2**31
    if not words:
        scope.refuse("E201", "return needs a field", node.span)
    items: list[n.Item] = []
    for word in words:
        alias, _, name = word.text.rpartition("=")
        plain = name.lstrip("$")
        value = text_of(scope.field(frame, plain, word.span))
        items.append(n.Item("search" if name.startswith("$") else alias or plain, value))
    if len({i.name for i in items}) < len(items):
        scope.refuse("E305", "return with several $fields is not run", node.span, help="give back one, or named fields")
    rows = n.Limit(n.Project(frame.plan, tuple(items), node.span), count)
    return Frame(rows, closed=("return", node.span), wild=frame.wild)


def lower_map(node: s.Map, frame: Frame, scope: Scope) -> Frame:
    """`map`: the rows of a search for each row, whose values stand in it as $field$."""
    scope.known("map", node.options, "search", "maxsearches")
    names = list(dict.fromkeys(_VARIABLE.findall(node.text)))
    fields = [x for x in names if frame.has(x)]
    most = scope.whole(node.options, "maxsearches", _SEARCHES)
    asked = n.Limit(n.Project(frame.plan, tuple(n.Item(x, text_of(frame.column(x))) for x in fields) or (n.Item("\x02one", e.whole(1)),)), most + 1)
    rows = scope.look(asked, node.span, "the searches of map", "use join, or a subsearch")
    if rows is None:
        return replace(frame, wild=True, closed=None)
    if len(rows) > most:
        scope.warn("W159", f"map runs {most} searches, and there are more rows", node.span, help="say maxsearches=")
    found = [_run(node, dict(zip(fields, row, strict=False)), scope) for row in rows[:most]]
    if not found:
        return Frame(n.Values(Schema(()), ()), closed=("map", node.span))
    return in_order(found, scope) if len(found) > 1 else found[0]


def _run(node: s.Map, values: dict[str, str | None], scope: Scope) -> Frame:
    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1])
        return match[0] if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if _needs_quotes(value, node.text, match) else value

    return scope.pipeline(scope.read(_VARIABLE.sub(fill, node.text), node.span), None, frozenset())


def _needs_quotes(value: str, text: str, match: re.Match[str]) -> bool:
    """True for a value that would not stay one word, where the text does not quote it itself."""
    before = text[: match.start()].rstrip()
    return not (before.endswith('"') and text[match.end() :].startswith('"')) and not re.fullmatch(r"[\w.:/@-]+", value)


def lower_gentimes(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`gentimes start= [end=] [increment=]`: one row for each span of time, the earliest first."""
    del frame
    scope.known("gentimes", node.options, "start", "end", "increment")
    start = next((o for o in node.options if o.name == "start"), None)
    if start is None:
        scope.refuse("E105", "gentimes needs start=", node.span, help="such as start=-7 or start=11/21/2026")
    step = span_of(scope.option(node.options, "increment", "1d").lstrip("+-"))
    if step is None or step[1] not in ("s", "m", "h", "d") or step[0] != int(step[0]) or not step[0]:
        scope.refuse("E107", "increment is a whole number of s, m, h or d", node.span)
    seconds = int(step[0]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[step[1]]
    end = next((o for o in node.options if o.name == "end"), None)
    low, high = _day(start, scope), _day(end, scope) if end is not None else call("time.start_of", NOW, e.text("day"))
    ticks = e.Literal(seconds * 10_000_000, Type.TIMESPAN)
    one = n.Project(n.Values(Schema.of(("\x02one", Type.LONG)), ((1,),)), (n.Item("times", call("array.range_datetime", low, high, ticks)),))
    listed = n.Unnest(one, n.column(one, "times"), "item", span=node.span)
    begun = n.Project(listed, (n.Item("begin", call("dynamic.datetime", n.column(listed, "item"))), n.Item("\x02high", high)))
    # The moment `end` itself begins no span.
    rows = n.Filter(begun, call("compare.lt", n.column(begun, "begin"), n.column(begun, "\x02high")))
    begin = n.column(rows, "begin")
    last = shift(shift(begin, seconds, "s"), -1, "s")
    human = e.text("%a %b %d %H:%M:%S %Y")
    items = [n.Item("starttime", _epoch(begin)), n.Item("starthuman", call("time.format", begin, human))]
    items += [n.Item("endtime", _epoch(last)), n.Item("endhuman", call("time.format", last, human)), n.Item("\x02begin", begin)]
    plan = n.Project(rows, tuple(items), node.span)
    return without(Frame(n.Sort(plan, (e.SortKey(n.column(plan, "\x02begin")),)), closed=("gentimes", node.span)), "\x02begin")


def _epoch(at: Expr) -> Expr:
    return call("time.to_epoch", at, e.text("s"))


def _day(option: s.Option, scope: Scope) -> Expr:
    """Return a day of gentimes: a number of days from today, or a date."""
    text = option.value.text
    if re.fullmatch(r"[+-]?\d{1,6}", text):
        return shift(call("time.start_of", NOW, e.text("day")), int(text), "d")
    found = moment(text) if "/" in text else None
    if found is None:
        scope.refuse("E206", f"{text[:40]!r} is no day", option.value.span, help="such as -7 or 11/21/2026")
    return found
