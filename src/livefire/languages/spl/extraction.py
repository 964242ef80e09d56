"""The commands that take fields out of text, and those of fields of several values."""

from __future__ import annotations

import re

from livefire.diagnostics import Span
from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import RAW, Frame
from livefire.languages.spl.functions import replacement_of
from livefire.languages.spl.multivalues import member
from livefire.languages.spl.regexes import for_group, group_names, read_pattern
from livefire.languages.spl.rows import name_of
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import any_value, is_multi, is_null, mapped, multi_of, only_of, text_of, tidy
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import aggregate, call, negate
from livefire.schema import Type

_SED = re.compile(r"s(?P<sign>[^\w\s\\])(?P<old>(?:\\.|(?!(?P=sign)).)*)(?P=sign)(?P<new>(?:\\.|(?!(?P=sign)).)*)(?P=sign)(?P<flags>\w*)", re.DOTALL)

_SIGNS = re.compile(r"y(?P<sign>[^\w\s\\])(?P<old>(?:(?!(?P=sign)).)+)(?P=sign)(?P<new>(?:(?!(?P=sign)).)+)(?P=sign)", re.DOTALL)


def _subject(node_options: s.Options, key: str, frame: Frame, scope: Scope, span: Span) -> tuple[str, Expr]:
    name = scope.option(node_options, key, RAW)
    return name, scope.field(frame, name, next((o.value.span for o in node_options if o.name == key), span))


def lower_rex(node: s.Rex, frame: Frame, scope: Scope) -> Frame:
    """`rex`: a group that matches becomes a field, one that does not leaves the field as it was."""
    scope.known("rex", node.options, "field", "mode", "max_match", refused=("offset_field",))
    name, subject = _subject(node.options, "field", frame, scope, node.span)
    if scope.option(node.options, "mode") == "sed":
        return frame.extended(n.Item(name, _sed(scope.text(node.pattern), subject, node, scope)), span=node.span)
    pattern = read_pattern(scope.text(node.pattern), node.pattern.span, scope.context.diagnostics)
    groups = group_names(pattern)
    if not groups:
        scope.refuse("E205", "the pattern of rex names no group", node.pattern.span, help="write (?<field>…) around what is wanted")
    most = scope.whole(node.options, "max_match", 1)
    if is_multi(subject):
        scope.several(node.span, "the pattern is tried on each")
    items = []
    for number, group in groups:
        if is_multi(subject):
            found = _captured_each(subject, pattern, number, most, node.span, scope)
        else:
            found = _captured(text_of(subject), pattern, number, most, node.span)
        items.append(n.Item(group, _kept(frame, group, found)))
    return frame.extended(*items, span=node.span)


def _captured(subject: Expr, pattern: str, group: int, most: int, span: Span) -> Expr:
    pattern, group = for_group(pattern, group)
    if most == 1:
        return call("logic.null_if", call("text.extract_regex", subject, e.text(pattern), e.whole(group), span=span), e.text(""))
    found = call("text.extract_all_regex", subject, e.text(pattern), e.whole(group), span=span)
    return tidy(call("dynamic.slice", found, e.whole(0), e.whole(most - 1)) if most else found)


def _captured_each(subject: Expr, pattern: str, group: int, most: int, span: Span, scope: Scope) -> Expr:
    """Return what a group finds in each value of a field, in their order."""
    pattern, group = for_group(pattern, group)
    item = e.Column(scope.name("item"), Type.DYNAMIC)
    found = call("text.extract_all_regex", call("dynamic.text", item), e.text(pattern), e.whole(group), span=span)
    taken = call("dynamic.slice", found, e.whole(0), e.whole(most - 1)) if most else found
    return tidy(call("dynamic.deep", call("array.map", subject, e.Lambda((item,), taken)), e.text('["*", "*"]'), span=span))


def _kept(frame: Frame, name: str, found: Expr) -> Expr:
    if not frame.has(name):
        return found
    before = frame.column(name)
    if is_multi(found) or is_multi(before):
        return call("logic.coalesce", multi_of(found), multi_of(before))
    return call("logic.coalesce", found, text_of(before))


def _sed(text: str, subject: Expr, node: s.Rex, scope: Scope) -> Expr:
    signs = _SIGNS.fullmatch(text.strip())
    if signs is not None and len(signs["old"]) == len(signs["new"]) and "\\" not in signs["old"] + signs["new"] and len(set(signs["old"])) == len(signs["old"]):
        return mapped(subject, lambda x: call("text.translate", x, e.text(signs["old"]), e.text(signs["new"]), span=node.span), node.span)
    match = _SED.fullmatch(text.strip())
    if match is None or match["flags"] not in ("", "g"):
        scope.refuse("E304", "this sed expression is not run", node.pattern.span, help="write s/pattern/text/, s/pattern/text/g or y/abc/xyz/")
    sign = match["sign"]
    old, new = match["old"].replace(f"\\{sign}", sign), match["new"].replace(f"\\{sign}", sign)
    pattern = read_pattern(old, node.pattern.span, scope.context.diagnostics)
    if match["flags"] == "g":
        return mapped(subject, lambda x: call("text.replace_regex", x, e.text(pattern), e.text(replacement_of(new)), span=node.span), node.span)
    # Only the first match: the text before it becomes a group of its own, and the other groups count one on.
    shifted = re.sub(r"\\([1-8])", lambda m: f"\\{int(m[1]) + 1}", replacement_of(new))
    first = e.text(rf"\A((?s:.*?))(?:{pattern})")
    return mapped(subject, lambda x: call("text.replace_regex", x, first, e.text("\\1" + shifted), span=node.span), node.span)


def lower_regex(node: s.Regex, frame: Frame, scope: Scope) -> Frame:
    """`regex`: rows whose field matches, or with != those whose field does not."""
    subject = scope.field(frame, node.field) if node.field is not None else scope.field(frame, RAW, node.span)
    pattern = e.text(read_pattern(scope.text(node.pattern), node.pattern.span, scope.context.diagnostics))
    matched = any_value(subject, lambda v: call("text.matches_regex", text_of(v), pattern, span=node.span))
    return frame.filtered(negate(call("logic.is_true", matched)) if node.negated else matched, node.span)


def lower_spath(node: s.Spath, frame: Frame, scope: Scope) -> Frame:
    """`spath`: one path of a JSON text; without a path the names that the search goes on to mention."""
    scope.known("spath", node.options, "input", "output", "path")
    name = scope.option(node.options, "input", RAW)
    if node.path is None:
        return _spread_json(name, node, frame, scope)
    path = node.path.text
    output = scope.option(node.options, "output", path)
    if frame.wild and not frame.has(name):
        return frame.extended(n.Item(output, e.null(Type.STRING)), span=node.span)
    if name == RAW and not frame.has(RAW):
        value = scope.field(frame, path, node.path.span)
    else:
        subject = scope.field(frame, name, node.span)
        subject = only_of(subject, "spath")
        value = member(subject, path, node.path.span, scope)
    return frame.extended(n.Item(output, value), span=node.span)


def _spread_json(name: str, node: s.Spath, frame: Frame, scope: Scope) -> Frame:
    if name == RAW or not frame.has(name):
        # The fields of the event itself are read from the start.
        return frame
    subject = only_of(frame.column(name), "spath")
    items = [n.Item(x, member(subject, x, node.span, scope)) for x in sorted(scope.mentions) if _readable(x) and not frame.has(x)]
    return frame.extended(*items, span=node.span) if items else frame


def _readable(name: str) -> bool:
    return bool(re.fullmatch(r"[\w:@/-]+(\{\})*(\.[\w:@/-]+(\{\})*)*", name)) and not name.startswith("_")


def lower_makemv(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`makemv`: a text split by a delimiter, or the matches of a tokenizer."""
    scope.known("makemv", node.options, "delim", "tokenizer", "allowempty", "setsv")
    name, value = _only_field(node, frame, scope)
    if is_multi(value):
        return frame
    delimiter, tokenizer = scope.option(node.options, "delim", " "), scope.option(node.options, "tokenizer")
    if tokenizer:
        pattern = read_pattern(tokenizer, node.span, scope.context.diagnostics)
        return frame.extended(n.Item(name, tidy(call("text.extract_all_regex", text_of(value), e.text(pattern), e.whole(1)))), span=node.span)
    if not delimiter:
        scope.refuse("E107", "the delimiter of makemv is empty", node.span)
    parts: Expr = call("text.split", text_of(value), e.text(delimiter), span=node.span)
    if not scope.flag(node.options, "allowempty"):
        item = e.Column(scope.name("item"), Type.DYNAMIC)
        parts = tidy(call("list.filter", parts, e.Lambda((item,), call("compare.ne", call("dynamic.text", item), e.text("")))))
    return frame.extended(n.Item(name, parts), span=node.span)


def _only_field(node: s.Plain, frame: Frame, scope: Scope) -> tuple[str, Expr]:
    if len(node.words) != 1:
        scope.refuse("E201", f"{node.name} takes one field, got {len(node.words)}", node.span)
    return node.words[0].text, scope.field(frame, name_of(node.words[0]))


def lower_mvexpand(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`mvexpand`: one row for each value; a row without a value stays as it is."""
    scope.known("mvexpand", node.options, "limit")
    name, value = _only_field(node, frame, scope)
    if not is_multi(value):
        return frame
    limit = scope.whole(node.options, "limit", 0)
    item = scope.name("value")
    taken = call("dynamic.slice", value, e.whole(0), e.whole(limit - 1)) if limit else value
    unnested = n.Unnest(frame.plan, taken, item, outer=True, span=node.span)
    single = call("dynamic.text", e.Column(item, Type.DYNAMIC))
    items = tuple(n.Item(f.name, single if f.name == name else e.Column(f.name, f.type)) for f in frame.plan.schema)
    return frame.over(n.Project(unnested, items, node.span))


def lower_nomv(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`nomv`: the values as one text, a line each."""
    name, value = _only_field(node, frame, scope)
    return frame.extended(n.Item(name, call("text.join", value, e.text("\n"))), span=node.span) if is_multi(value) else frame


def lower_mvcombine(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`mvcombine`: rows that differ in one field only become one row with all its values."""
    scope.known("mvcombine", node.options, "delim")
    name, value = _only_field(node, frame, scope)
    others = [x for x in frame.names if x != name]
    if is_multi(value) or any(x.startswith("_") for x in others):
        scope.refuse("E305", "mvcombine is run over rows without internal fields, for a field of one value", node.span, help="name the fields with table first")
    if not frame.has(name):
        return frame
    keys = tuple(n.Item(x, frame.column(x)) for x in others)
    combined = n.Aggregate(frame.plan, keys, (n.Item(name, tidy(aggregate("agg.list", text_of(value)))),), node.span)
    items = tuple(n.Item(x, n.column(combined, x)) for x in frame.names)
    return Frame(n.Project(combined, items), closed=frame.closed, wild=frame.wild)


def lower_fillnull(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`fillnull`: of the named fields every missing value; without names those of fields that some row has."""
    scope.known("fillnull", node.options, "value")
    value = scope.option(node.options, "value", "0")
    if node.words:
        items = [n.Item(w.text, _filled(frame.column(w.text) if frame.has(w.text) else e.null(Type.STRING), value)) for w in node.words]
        return frame.extended(*items, span=node.span)
    columns = [frame.column(x) for x in frame.known if not x.startswith(("_", "~", "\x02"))]
    if not columns:
        return frame
    counts = {c.name: scope.name("count") for c in columns}
    window = n.Window(frame.plan, tuple(n.Item(counts[c.name], e.WindowCall("agg.count", (c,), Type.LONG)) for c in columns))
    items = []
    for name in frame.known:
        column = frame.column(name)
        if name in counts:
            somewhere = call("compare.gt", n.column(window, counts[name]), e.whole(0))
            filled = _filled(column, value)
            same = column if column.type is filled.type else text_of(column)
            items.append(n.Item(name, Case(((call("logic.and", is_null(column), somewhere), filled),), same, filled.type)))
        else:
            items.append(n.Item(name, column))
    return frame.over(n.Project(window, tuple(items), node.span))


def _filled(column: Expr, value: str) -> Expr:
    if is_multi(column):
        return call("logic.coalesce", column, call("dynamic.array", e.text(value)))
    if column.type in (Type.LONG, Type.INT) and value.lstrip("-").isdecimal() and len(value) < 18:
        return call("logic.coalesce", column, e.Literal(int(value), column.type))
    return call("logic.coalesce", text_of(column), e.text(value))


def lower_filldown(node: s.Plain, frame: Frame, scope: Scope) -> Frame:
    """`filldown`: a missing value is that of the nearest row before that has one."""
    names = [w.text for w in node.words if frame.has(w.text)] or ([] if node.words else [x for x in frame.names if not x.startswith("_")])
    for name in names:
        column = frame.column(name)
        group, filled = scope.name("group"), scope.name("filled")
        counted = n.Window(frame.plan, (n.Item(group, e.WindowCall("agg.count", (column,), Type.LONG, frame=(None, 0), row_order=True)),))
        key = n.column(counted, group)
        filling = n.Window(counted, (n.Item(filled, e.WindowCall("agg.max", (column,), column.type, (key,))),))
        items = tuple(n.Item(x, n.column(filling, filled) if x == name else frame.column(x)) for x in frame.known)
        frame = frame.over(n.Project(filling, items, node.span))
    return frame
