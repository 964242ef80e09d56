"""format(): fields written by specifiers as printf has them.

https://library.humio.com/data-analysis/functions-format.html
"""

from __future__ import annotations

import re

from livefire.languages.cql import coerce
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import MISSING
from livefire.languages.cql.times import moment, written_time, zone_of
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_SPEC = re.compile(
    r"%(?:(?P<index>\d+)\$|(?P<again><))?(?P<flags>[-,0+# ]*)(?P<width>\d+)?(?:\.(?P<precision>\d*))?(?P<length>h)?(?P<kind>[tT][a-zA-Z]|[a-zA-Z%])"
)
_NULL = e.text("null")
_DECIMALS, _MOST_DIGITS = 9, 3


def _format(_: Lower, event: Event, bound: Bound) -> e.Expr:
    template, zone = bound.text("format"), zone_of(bound)
    if template is None or zone is None:
        bound.need("format")
        return MISSING
    fields = [event.read(w.text) for w in bound.fields("field")]
    parts: list[e.Expr] = []
    at = taken = last = 0
    for spec in _SPEC.finditer(template):
        parts.append(e.text(template[at : spec.start()]))
        at = spec.end()
        if spec["kind"] in "%n":
            parts.append(e.text("%" if spec["kind"] == "%" else "\n"))
            continue
        if not spec["again"]:
            last = int(spec["index"]) - 1 if spec["index"] else taken
            taken += 0 if spec["index"] else 1
        if not 0 <= last < len(fields):
            bound.context.diagnostics.error("E105", f"{spec.group()} wants another field than the {len(fields)} there are", bound.span)
            return MISSING
        shown = _shown(event, fields[last], spec, zone, bound)
        if shown is None:
            return MISSING
        parts.append(shown)
    parts.append(e.text(template[at:]))
    kept = [p for p in parts if p != e.text("")]
    return call("text.concat", *kept, span=bound.span) if kept else e.text("")


def _shown(event: Event, value: e.Expr, spec: re.Match[str], zone: str, bound: Bound) -> e.Expr | None:
    kind, flags, precision = spec["kind"], spec["flags"] or "", spec["precision"]
    if len(spec["width"] or "") > _MOST_DIGITS or len(precision or "") > _MOST_DIGITS or (kind in "fF" and int(precision or 0) > _DECIMALS):
        bound.wrong("format", f"widths below 1,000 and at most {_DECIMALS} decimals")
        return None
    found: e.Expr | None = None
    if kind[0] in "tT":
        found = _time(event, value, kind, zone, bound)
    elif kind in "sc" or kind == "C":
        text = coerce.either(coerce.text(value), _NULL)
        cut = 1 if kind in "cC" else int(precision or 0) if precision is not None else None
        text = call("text.slice", text, e.whole(0), e.whole(cut)) if cut is not None else text
        found = call("text.upper", text) if kind == "C" else text
    elif kind in "bB":
        no, yes = ("false", "true") if kind == "b" else ("FALSE", "TRUE")
        wrong = coerce.certain(call("compare.eq", coerce.text(value), e.text("false")))
        found = e.Case(((wrong, e.text(no)),), e.text(yes), Type.STRING)
    elif kind in "difF":
        return _number(event, value, spec)
    elif kind in "xX" and not spec["length"]:
        digits = call("text.upper" if kind == "X" else "text.lower", call("encode.hex", call("number.to_long", coerce.real(value))))
        prefix = e.text("0" + kind)
        found = coerce.either(call("text.concat", prefix, digits) if "#" in flags else digits, _NULL)
    if found is None:
        help = "it writes %s, %c, %b, %d, %f, %x, %t… and %%"
        bound.context.diagnostics.error("E304", f"format does not write {spec.group()} here", bound.place("format"), help=help)
        return None
    return _padded(event, found, int(spec["width"] or 0), flags, zeros=kind in "xX")


def _number(event: Event, value: e.Expr, spec: re.Match[str]) -> e.Expr:
    """Write a number with its sign; zeros that fill it up stand after the sign. What is no number is `null`."""
    kind, flags, precision = spec["kind"], spec["flags"] or "", spec["precision"]
    number = event.hold(coerce.real(value))
    decimals = 0 if kind in "di" else int(precision or 0) if precision is not None else 6
    # Halves go away from zero, as Java's formatter has it.
    rounded = call("number.round", call("number.abs", number), e.whole(decimals))
    digits: e.Expr = call("number.fixed", rounded, e.whole(decimals), e.Literal("," in flags, Type.BOOL))
    if kind in "di" and precision:
        digits = _padded(event, digits, int(precision), "0", zeros=True)
    before = "+" if "+" in flags else " " if " " in flags else ""
    negative = coerce.certain(call("compare.lt", number, e.Literal(0.0, Type.REAL)))
    sign = e.Case(((negative, e.text("-")),), e.text(before), Type.STRING)
    width = int(spec["width"] or 0)
    if "0" in flags and "-" not in flags and width:
        held = event.hold(sign)
        room = call("number.subtract", e.whole(width), call("text.length", held), type=Type.LONG)
        return coerce.either(call("text.concat", held, _filled(event, digits, room, "0")), _NULL)
    return _padded(event, coerce.either(call("text.concat", sign, digits), _NULL), width, flags, zeros=False)


def _time(event: Event, value: e.Expr, kind: str, zone: str, bound: Bound) -> e.Expr | None:
    found: e.Expr | None
    if kind[1] in "kl":
        hour = written_time(event, event.hold(moment(value)), "%H" if kind[1] == "k" else "%I", zone, bound)
        found = call("text.replace_regex", hour, e.text("^0"), e.text("")) if hour is not None else None
    else:
        found = written_time(event, event.hold(moment(value)), f"%{kind[1]}", zone, bound)
    if found is None:
        return None
    if kind[1] == "p":
        found = call("text.lower", found)
    return coerce.either(call("text.upper", found) if kind[0] == "T" else found, _NULL)


def _padded(event: Event, text: e.Expr, width: int, flags: str, *, zeros: bool) -> e.Expr:
    if not width:
        return text
    if "-" not in flags:
        return _filled(event, text, e.whole(width), "0" if zeros and "0" in flags else " ")
    held = event.hold(text)
    return call("text.concat", held, _fill(held, e.whole(width), " "))


def _filled(event: Event, text: e.Expr, width: e.Expr, sign: str) -> e.Expr:
    held = event.hold(text)
    return call("text.concat", _fill(held, width, sign), held)


def _fill(text: e.Expr, width: e.Expr, sign: str) -> e.Expr:
    missing = call("compare.greatest", call("number.subtract", width, call("text.length", text), type=Type.LONG), e.whole(0))
    return call("text.repeat", e.text(sign), missing)


FUNCTIONS = (Function("format", "value", ("format", "field", "as", "timezone"), _format, "_format"),)
