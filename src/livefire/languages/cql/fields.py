"""Steps over the fields of an event: select, drop, rename, default, eval, replace and their like."""

from __future__ import annotations

import re

from livefire.languages.cql import coerce, patterns
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type


def _select(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-select.html"""
    if bound.need("fields") is None:
        return
    names = [w.text for w in bound.fields("fields")]
    fields = {name: event.read(name) for name in names if not name.endswith("[]")}
    event.arrays = {name[:-2]: event.array(name[:-2]) for name in names if name.endswith("[]")}
    # A field that is selected is shown even where nothing has it, unlike one that is dropped.
    event.fields = {name: e.null(Type.UNKNOWN) if is_null(value) else value for name, value in fields.items()}
    event.bags, event.closed = (), True
    event.mentioned = dict.fromkeys(names)


def _drop(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-drop.html"""
    if bound.need("fields") is None:
        return
    for word in bound.fields("fields"):
        event.drop(word.text)


def _rename(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-rename.html"""
    value = bound.need("field")
    pairs: list[tuple[str, str]] = []
    if isinstance(value, s.Items):
        for item in value.items:
            if isinstance(item, s.Items) and len(item.items) == 2 and all(isinstance(i, s.Word) for i in item.items):
                old, new = item.items
                if isinstance(old, s.Word) and isinstance(new, s.Word):
                    pairs.append((old.text, new.text))
            elif isinstance(item, s.Word) and bound.has("as"):
                pairs.append((item.text, bound.text("as") or item.text))
            else:
                bound.wrong("field", "a field and as=…, or pairs [[old, new], …]")
                return
    elif isinstance(value, s.Word):
        if bound.need("as") is None:
            return
        pairs.append((value.text, bound.text("as") or value.text))
    found = [(old, new, event.read(old)) for old, new in pairs]
    for source, target, moved in found:
        if source != target:
            event.assign(target, moved)
            event.drop(source)
            event.mentioned.pop(source, None)


def _default(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-default.html"""
    given = bound.need("value")
    if given is None:
        return
    value = lower.value(event, given) if not isinstance(given, s.Word) else e.text(given.text)
    for word in bound.fields("field"):
        current = event.read(word.text)
        if is_null(current):
            event.replace(word.text, value)
            continue
        if bound.flag("replaceEmpty"):
            current = call("logic.null_if", coerce.text(current), e.text(""))
        event.replace(word.text, coerce.either(event.hold(current), value))


def _eval(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-eval.html"""
    for argument in bound.call.args:
        if argument.name is None:
            bound.context.diagnostics.error("E105", "eval takes assignments: eval(name = expression)", argument.span)
            continue
        event.assign(argument.name, lower.value(event, argument.value))


def _set_field(lower: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-setfield.html"""
    target, value = bound.get("target"), bound.get("value")
    if not isinstance(target, s.Word) or value is None:
        bound.context.diagnostics.error("E305", "setField runs here only with a constant name", bound.span, help="write name := value")
        return
    event.assign(target.text, lower.value(event, value))


def _replace(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-replace.html"""
    pattern = bound.pattern("regex")
    if pattern is None:
        return
    name = bound.field("field", "@rawstring") or "@rawstring"
    regex = patterns.regex(pattern.pattern, (bound.text("flags", "") or "") + pattern.flags, pattern.span, bound.context, repeated=True)
    if regex is None:
        return
    value = event.read(name)
    if is_null(value):
        return
    replaced = call(
        "text.replace_regex",
        coerce.text(value),
        e.text(regex.text),
        e.text(_groups(bound.text("with") or bound.text("replacement", "") or "")),
        span=bound.span,
    )
    event.assign(bound.text("as") or name, replaced)


def _groups(template: str) -> str:
    """Return a replacement as RE2 writes it: $1 is \\1, and a backslash makes the next character plain."""
    return _REPLACED.sub(_replaced, template)


_REPLACED = re.compile(r"\\(.?)|\$(\d)", re.DOTALL)


def _replaced(piece: re.Match[str]) -> str:
    if piece.group(2) is not None:
        return f"\\{piece.group(2)}"
    return "\\\\" if piece.group(1) in ("\\", "") else piece.group(1)


def _lowercase(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-lowercase.html"""
    include = (bound.text("include", "values") or "values").lower()
    if include not in ("values", "fields", "both"):
        bound.wrong("include", "values, fields or both")
        return
    words = [w.text for w in bound.fields("field")]
    names = list(dict.fromkeys([*event.mentioned, *event.fields])) if words in ([], ["*"]) else words
    for name in names:
        value = event.read(name)
        if is_null(value) or name.startswith(("@", "#")):
            continue
        lowered = call("text.lower", coerce.text(value), span=bound.span) if include != "fields" else value
        if include != "values" and name != name.lower():
            event.drop(name)
            event.mentioned.pop(name, None)
        event.assign(name if include == "values" else name.lower(), lowered)


def _field_count(_: Lower, event: Event, __: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-eventfieldcount.html"""
    names = [*(event.base.names if event.base is not None and not event.closed else ()), *event.fields]
    there = [event.peek(name) for name in dict.fromkeys(names) if not name.startswith("\x02")]
    ones = [e.Case(((coerce.present(v), e.whole(1)),), e.whole(0), Type.LONG) for v in there if not is_null(v)]
    total: e.Expr = e.whole(0)
    for one in ones:
        total = event.hold(call("number.add", total, one, type=Type.LONG))
    return total


FUNCTIONS = (
    Function("lowercase", "step", ("field", "include"), _lowercase),
    Function("eventFieldCount", "value", ("as",), _field_count, "_eventFieldCount"),
    Function("select", "step", ("fields",), _select),
    Function("drop", "step", ("fields",), _drop),
    Function("rename", "step", ("field", "as"), _rename),
    Function("default", "step", ("field", "value", "replaceEmpty"), _default),
    Function("eval", "step", ("*",), _eval),
    Function("setField", "step", ("target", "value"), _set_field),
    Function("replace", "step", ("regex", "with", "replacement", "field", "as", "flags"), _replace),
)
