"""The commands that change, add and turn fields."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable

from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import TIME, Frame
from livefire.languages.spl.rows import numbered, without
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.stepwise import lower_addcoltotals
from livefire.languages.spl.times import NOW
from livefire.languages.spl.timing import formatted, parsed_by
from livefire.languages.spl.values import is_multi, is_text, mapped, not_null, number_of, only_of, real_of, text_of, whole_of
from livefire.languages.spl.wildcards import is_pattern, matching
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr, SortKey
from livefire.plan.functions import any_of, call
from livefire.schema import Schema, Type

_CTIME = "%m/%d/%Y %H:%M:%S"
_MANY = 10_000


def lower_convert(node: s.Convert, frame: Frame, scope: Scope) -> Frame:
    """`convert`: https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Convert."""
    scope.known("convert", node.options, "timeformat", "timezone")
    if scope.option(node.options, "timezone", "UTC").upper() not in ("UTC", "GMT"):
        scope.refuse("E304", "every time is shown in UTC", node.span, help="leave timezone out")
    form = scope.option(node.options, "timeformat", _CTIME)
    spared = {x for c in node.conversions if c.function == "none" for x in _named(c.field.text, frame)}
    for conversion in node.conversions:
        if conversion.function == "none":
            continue
        build = _CONVERSIONS.get(conversion.function)
        if build is None:
            scope.refuse("E302", f"convert {conversion.function}() is not run", conversion.span, help="known: " + ", ".join((*_CONVERSIONS, "none")))
        if is_pattern(conversion.field.text):
            names = [x for x in _named(conversion.field.text, frame) if x not in spared]
        else:
            scope.field(frame, conversion.field)
            names = [conversion.field.text]
        items = []
        for name in names:
            if not frame.has(name):
                continue
            value = only_of(frame.column(name), f"convert {conversion.function}({name})")
            target = conversion.alias.text if conversion.alias is not None else name
            items.append(n.Item(target, build(value, form, conversion, scope)))
        if items:
            frame = frame.extended(*items, span=conversion.span)
    return frame


def _named(pattern: str, frame: Frame) -> tuple[str, ...]:
    return matching(pattern, frame.names) if is_pattern(pattern) else (pattern,)


def _ctime(value: Expr, form: str, node: s.Conversion, scope: Scope) -> Expr:
    if not is_text(value):
        return formatted(value, form, node.span, scope)
    number = number_of(value)
    return Case(((not_null(number), formatted(number, form, node.span, scope)),), value, Type.STRING)


def _mktime(value: Expr, form: str, node: s.Conversion, scope: Scope) -> Expr:
    return number_of(parsed_by(text_of(value), form, node.span, scope))


def _num(value: Expr, _form: str, _node: s.Conversion, _scope: Scope) -> Expr:
    return number_of(value)


def _auto(value: Expr, _form: str, _node: s.Conversion, _scope: Scope) -> Expr:
    return value


def _rmcomma(value: Expr, *_: object) -> Expr:
    return call("text.replace", text_of(value), e.text(","), e.text(""))


def _rmunit(value: Expr, *_: object) -> Expr:
    """The number at the start of a text; a text without one stays."""
    found = call("text.extract_regex", text_of(value), e.text(r"^\s*([-+]?[0-9]*\.?[0-9]+)"), e.whole(1))
    return call("logic.coalesce", found, text_of(value))


def _memk(value: Expr, *_: object) -> Expr:
    """A size such as 3m or 2G in kilobytes; a number without a unit is in kilobytes already."""
    shown = text_of(value)
    number = call("number.parse_real", call("text.extract_regex", shown, e.text(r"^\s*([-+]?[0-9]*\.?[0-9]+)\s*[kKmMgG]?\s*$"), e.whole(1)))
    unit = call("text.lower", call("text.extract_regex", shown, e.text(r"([kKmMgG])\s*$"), e.whole(1)))
    mega, giga = (call("compare.eq", unit, e.text(x)) for x in "mg")
    factor = Case(((mega, e.Literal(1024.0, Type.REAL)), (giga, e.Literal(1048576.0, Type.REAL))), e.Literal(1.0, Type.REAL), Type.REAL)
    return call("number.multiply", number, factor, type=Type.REAL)


def _dur2sec(value: Expr, *_: object) -> Expr:
    """[D+]HH:MM:SS as seconds."""
    shown = text_of(value)

    def part(group: int, size: int) -> Expr:
        found = call("number.parse_long", call("text.extract_regex", shown, e.text(r"^(?:([0-9]+)\+)?([0-9]+):([0-9]{2}):([0-9]{2})"), e.whole(group)))
        whole = call("logic.coalesce", found, e.whole(0)) if group == 1 else found
        return call("number.multiply", whole, e.whole(size), type=Type.LONG)

    total: Expr = part(1, 86_400)
    for group, size in ((2, 3600), (3, 60), (4, 1)):
        total = call("number.add", total, part(group, size), type=Type.LONG)
    return total


# The functions of convert that need no more than the value; some write them in eval, where Splunk has none of them.
OF_VALUES: dict[str, Callable[[Expr], Expr]] = {"rmcomma": _rmcomma, "rmunit": _rmunit, "memk": _memk, "dur2sec": _dur2sec}
_CONVERSIONS: dict[str, Callable[[Expr, str, s.Conversion, Scope], Expr]] = {
    "ctime": _ctime,
    "mktime": _mktime,
    "num": _num,
    "auto": _auto,
    "rmcomma": _rmcomma,
    "rmunit": _rmunit,
    "memk": _memk,
    "dur2sec": _dur2sec,
}


def lower_replace(node: s.Replace, frame: Frame, scope: Scope) -> Frame:
    """`replace`: a value that is, or as a whole fits, the old one becomes the new one."""
    for pair in node.pairs:
        if pair.new.text.count("*") > pair.old.text.count("*"):
            scope.refuse("E107", "the new value has more wildcards than the old one", pair.new.span)
    names = [x.text for x in node.names if frame.has(x.text)] if node.names else [x for x in frame.names if not x.startswith("_")]
    for written in node.names:
        scope.field(frame, written)
    items = []
    for name in names:
        value = frame.column(name)
        items.append(n.Item(name, mapped(value, lambda x: _replaced(x, node, scope), node.span)))
    return frame.extended(*items, span=node.span) if items else frame


def _replaced(shown: Expr, node: s.Replace, scope: Scope) -> Expr:
    arms = tuple((_fits(shown, scope.text(p.old)), _filled_in(shown, scope.text(p.old), scope.text(p.new))) for p in node.pairs)
    return Case(arms, shown, Type.STRING)


def _filled_in(shown: Expr, old: str, new: str) -> Expr:
    """Return the new value, each `*` in it being what that of the old value stands for."""
    if "*" not in new:
        return e.text(new)
    pattern = "^" + "(.*)".join(re.escape(x) for x in old.split("*")) + "$"
    pieces = [x.replace("\\", "\\\\") for x in new.split("*")]
    written = pieces[0] + "".join(f"\\{i}{x}" for i, x in enumerate(pieces[1:], 1))
    return call("text.replace_regex", shown, e.text(f"(?s){pattern}"), e.text(written))


def _fits(shown: Expr, old: str) -> Expr:
    if "*" not in old:
        return call("compare.eq", shown, e.text(old))
    return call("text.wildcard", shown, e.text(old.replace("\\", "\\\\").replace("?", "\\?")))


def lower_addtotals(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`addtotals`: the sum of the numbers in each row."""
    scope.known("addtotals", node.options, "row", "fieldname", "col", "label", "labelfield")
    if scope.flag(node.options, "row", default=True):
        frame = _row_totals(node, frame, scope)
    return lower_addcoltotals(node, frame, scope) if scope.flag(node.options, "col") else frame


def _row_totals(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    names = [x for w in node.words for x in _named(w.text, frame) if frame.has(x)] if node.words else [x for x in frame.names if not x.startswith("_")]
    numbers = [real_of(frame.column(x)) for x in names if not is_multi(frame.column(x))]
    if not numbers:
        return frame
    zero = e.Literal(0.0, Type.REAL)
    total: Expr = zero
    for number in numbers:
        total = call("number.add", total, call("logic.coalesce", number, zero), type=Type.REAL)
    some = any_of(*(not_null(x) for x in numbers))
    total = Case(((some, total),), e.null(Type.REAL), Type.REAL)
    return frame.extended(n.Item(scope.option(node.options, "fieldname", "Total"), total), span=node.span)


def lower_untable(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`untable x name value`: one row for each other field of a row that has a value."""
    if len(node.words) != 3:
        scope.refuse("E201", f"untable takes three names, got {len(node.words)}", node.span)
    key, label, value = (w.text for w in node.words)
    if frame.closed is None:
        scope.refuse("E305", "untable over whole events has no fixed fields", node.span, help="name the fields with table or stats first")
    kept = scope.field(frame, key, node.words[0].span)
    frame, place = numbered(frame, (), scope)
    parts: list[n.Plan] = []
    for number, name in enumerate(x for x in frame.names if x not in (key, place) and not x.startswith("_")):
        column = frame.column(name)
        shown = (n.Item(key, kept), n.Item(label, e.text(name)), n.Item(value, text_of(column)))
        items = (*shown, n.Item(place, frame.column(place)), n.Item(f"{place}b", e.whole(number)))
        parts.append(n.Filter(n.Project(frame.plan, items), not_null(e.Column(value, Type.STRING))))
    if not parts:
        scope.refuse("E305", "there is no field to turn", node.span)
    union: n.Plan = n.Union(tuple(parts), node.span) if len(parts) > 1 else parts[0]
    ordered = n.Sort(union, (SortKey(n.column(union, place)), SortKey(n.column(union, f"{place}b"))))
    return without(Frame(ordered, closed=("untable", node.span), wild=frame.wild), place, f"{place}b")


def lower_tail(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`tail`: the last rows, 10 unless told otherwise, the last one first."""
    count = 10
    if node.words:
        asked = whole_of(node.words[0].text)
        if asked is None or len(node.words) > 1:
            scope.refuse("E206", "tail takes a number of rows", node.span)
        count = asked
    turned = lower_reverse(node, frame, scope)
    return turned.over(n.Limit(turned.plan, count, span=node.span))


def lower_reverse(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`reverse`: the rows in the other order."""
    frame, place = numbered(frame, (), scope)
    ordered = frame.over(n.Sort(frame.plan, (SortKey(frame.column(place), descending=True),), node.span))
    return without(ordered, place)


def lower_makeresults(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`makeresults`: rows with nothing but the present time."""
    del frame
    scope.known("makeresults", node.options, "count", "annotate", "splunk_server", "splunk_server_group", "format", "data")
    if any(o.name in ("format", "data") for o in node.options):
        return _given_rows(node, scope)
    count = scope.whole(node.options, "count", 1)
    if count > _MANY:
        scope.refuse("E107", f"makeresults is run for at most {_MANY:,} rows", node.span)
    rows: n.Plan = n.Values(Schema.of(("\x02row", Type.LONG)), tuple((i,) for i in range(count)))
    if count > 1:
        rows = n.Sort(rows, (SortKey(n.column(rows, "\x02row")),))
    items = [n.Item(TIME, call("time.start_of", NOW, e.text("second")))]
    if scope.flag(node.options, "annotate"):
        items += [n.Item(x, e.null(Type.STRING)) for x in ("_raw", "host", "source", "sourcetype")]
        items.append(n.Item("splunk_server", e.text(scope.option(node.options, "splunk_server", "local"))))
        group = scope.option(node.options, "splunk_server_group")
        items.append(n.Item("splunk_server_group", e.text(group) if group else e.null(Type.STRING)))
    return Frame(n.Project(rows, tuple(items), node.span), closed=("makeresults", node.span))


def _given_rows(node: s.Plain, scope: Scope) -> Frame:
    """`makeresults format=csv|json data="…"`: the rows that the text writes, as text."""
    form, text = scope.option(node.options, "format").lower(), scope.option(node.options, "data")
    if form not in ("csv", "json"):
        scope.refuse("E107", "format is csv or json, and data the rows in it", node.span)
    rows = _of_csv(text) if form == "csv" else _of_json(text)
    if rows is None:
        scope.refuse("E206", f"the data is no {'table' if form == 'csv' else 'array of objects'}", node.span)
    if len(rows) > _MANY:
        scope.refuse("E107", f"makeresults is run for at most {_MANY:,} rows", node.span)
    names = list(dict.fromkeys(x for row in rows for x in row))
    if TIME in names:
        scope.refuse("E304", "rows that bring their own _time are not run", node.span, help="call it otherwise, and set _time with eval and strptime()")
    line = "\x02row"
    plan = n.Values(Schema.of((line, Type.LONG), *((x, Type.STRING) for x in names)), tuple((i, *(r.get(x) for x in names)) for i, r in enumerate(rows)))
    ordered = n.Sort(plan, (SortKey(n.column(plan, line)),))
    items = (n.Item(TIME, call("time.start_of", NOW, e.text("second"))), *(n.Item(x, n.column(ordered, x)) for x in names))
    return Frame(n.Project(ordered, items, node.span), quiet=frozenset({TIME}), closed=("makeresults", node.span))


def _of_csv(text: str) -> list[dict[str, str | None]] | None:
    try:
        lines = [x for x in csv.reader(io.StringIO(text.strip()), skipinitialspace=True, strict=True) if x]
    except csv.Error:
        return None
    if not lines or any(len(x) > len(lines[0]) for x in lines) or not all(lines[0]) or len(set(lines[0])) < len(lines[0]):
        return None
    return [{name: value or None for name, value in zip(lines[0], x, strict=False)} for x in lines[1:]]


def _of_json(text: str) -> list[dict[str, str | None]] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not all(isinstance(x, dict) for x in found):
        return None
    return [
        {k: None if v is None else v if isinstance(v, str) else json.dumps(v, separators=(",", ":"), ensure_ascii=False) for k, v in x.items()} for x in found
    ]


def lower_nothing(_node: s.Plain, frame: Frame, _scope: Scope) -> Frame:
    """`noop`: the rows as they are."""
    return frame
