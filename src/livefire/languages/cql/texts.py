"""Functions that give one value: of text, of numbers, and the choices if and coalesce."""

from __future__ import annotations

import re
from collections.abc import Callable

from livefire.languages.cql import coerce, patterns
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import MISSING, is_null
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

Run = Callable[[Lower, Event, Bound], e.Expr]


_CHARSETS = frozenset({"UTF-8", "US-ASCII", "ASCII", "ISO-8859-1", "UTF-16LE", "UTF-16BE"})


def field_of(event: Event, bound: Bound, default: str | None = None) -> e.Expr:
    """Return the value of the field argument; E105 when it is not given."""
    name = bound.field("field", default)
    if name is None:
        bound.need("field")
        return MISSING
    return event.read(name)


def _text(meaning: str) -> Run:
    def run(_: Lower, event: Event, bound: Bound) -> e.Expr:
        value = field_of(event, bound)
        # Only these languages have letters of their own that change otherwise.
        if (bound.text("locale", "") or "")[:2].lower() in ("tr", "az", "lt") and bound.refuse("locale"):
            return MISSING
        return MISSING if is_null(value) else call(meaning, coerce.text(value), span=bound.span)

    return run


def _round(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-round.html"""
    value = field_of(event, bound)
    how = (bound.text("how", "round") or "round").lower()
    meaning = {"round": "number.round", "floor": "number.floor", "ceil": "number.ceiling"}.get(how)
    if meaning is None:
        bound.wrong("how", "round, floor or ceil")
        return e.null(Type.REAL)
    return e.null(Type.REAL) if is_null(value) else call("number.to_long", call(meaning, coerce.real(value), type=Type.REAL, span=bound.span))


def _concat(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-concat.html"""
    if bound.need("field") is None:
        return MISSING
    parts = [coerce.either(coerce.text(event.read(w.text)), e.text("")) for w in bound.fields("field")]
    return call("text.concat", *parts, span=bound.span) if parts else e.text("")


def _if(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-if.html"""
    condition, then, other = bound.need("condition"), bound.need("then"), bound.need("else")
    if condition is None or then is None or other is None:
        return MISSING
    truth = event.hold(coerce.truth(lower.value(event, condition)))
    first, second = coerce.same_type([lower.value(event, then), lower.value(event, other)])
    return e.Case(((truth, first), (call("logic.is_null", truth), e.null(first.type))), second, first.type)


def _coalesce(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-coalesce.html"""
    if bound.need("expressions") is None:
        return MISSING
    values = [lower.value(event, v) for v in bound.items("expressions")]
    if bound.flag("ignoreEmpty", default=True):
        values = [call("logic.null_if", v, e.text("")) if v.type is Type.STRING and not isinstance(v, e.Literal) else v for v in map(_plain, values)]
    found: e.Expr = MISSING
    for value in values:
        found = coerce.either(found, value)
    return found


def _plain(value: e.Expr) -> e.Expr:
    return coerce.text(value) if value.type is Type.DYNAMIC else value


def _get_field(_: Lower, event: Event, bound: Bound) -> e.Expr:
    source = bound.need("source")
    if not isinstance(source, s.Word) or not source.quoted:
        bound.context.diagnostics.error("E305", "getField runs here only with a quoted name", bound.span)
        return MISSING
    return event.read(source.text)


def _digest(kind: str) -> Run:
    def run(_: Lower, event: Event, bound: Bound) -> e.Expr:
        parts = [coerce.either(coerce.text(event.read(w.text)), e.text("")) for w in bound.fields("field")]
        whole = parts[0] if len(parts) == 1 else call("text.concat", *parts) if parts else MISSING
        return MISSING if is_null(whole) else call("text.digest", whole, e.text(kind), span=bound.span)

    return run


def _base64_decode(_: Lower, event: Event, bound: Bound) -> e.Expr:
    charset = (bound.text("charset", "UTF-8") or "UTF-8").upper()
    value = field_of(event, bound)
    if charset not in _CHARSETS:
        bound.wrong("charset", f"one of {', '.join(sorted(_CHARSETS))}")
        return MISSING
    if is_null(value):
        return MISSING
    if charset in ("UTF-8", "US-ASCII", "ASCII"):
        return call("text.base64_decode", coerce.text(value), span=bound.span)
    return call("encode.text_of_bytes", call("encode.base64_bytes", coerce.text(value)), e.text(charset.lower()), span=bound.span)


def _parse_int(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-parseint.html"""
    value, radix = field_of(event, bound), bound.whole("radix", 10)
    endian = (bound.text("endian", "big") or "big").lower()
    if not 2 <= radix <= 36:
        bound.wrong("radix", "a whole number from 2 to 36")
        return e.null(Type.LONG)
    if endian not in ("big", "little") or (endian == "little" and radix not in (2, 16)):
        bound.wrong("endian", "big, or little for binary and hexadecimal digits")
        return e.null(Type.LONG)
    if is_null(value):
        return e.null(Type.LONG)
    text = coerce.text(value)
    if endian == "little":
        # The bytes are turned round, each of them two hexadecimal or eight binary digits.
        size = 2 if radix == 16 else 8
        pairs = call("text.extract_all_regex", call("text.replace_regex", text, e.text("^0[xXbB]"), e.text("")), e.text(f".{{{size}}}"), e.whole(0))
        text = call("text.join", call("array.reverse", pairs), e.text(""))
    return call("number.parse_long", text, span=bound.span) if radix == 10 else call("number.parse_base", text, e.whole(radix), span=bound.span)


def _trim(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    string = bound.need("string")
    value = coerce.text(lower.value(event, string)) if string is not None else MISSING
    return MISSING if is_null(value) else call("text.trim", value, span=bound.span)


def _substring(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-text-substring.html"""
    string = bound.need("string")
    if string is None:
        return MISSING
    value = coerce.text(lower.value(event, string))
    begin, end = _place(lower, event, bound, "begin"), _place(lower, event, bound, "end")
    if is_null(value) or (begin is None and bound.has("begin")) or (end is None and bound.has("end")):
        return MISSING
    held = event.hold(value)
    start, length = event.hold(begin if begin is not None else e.whole(0)), event.hold(call("text.length", held))
    stop = event.hold(end if end is not None else length)
    size = event.hold(call("number.subtract", stop, start, type=Type.LONG))
    # A place outside the text, or a part without characters, makes no field.
    fits = call("logic.and", call("compare.le", stop, length), call("compare.gt", size, e.whole(0)))
    return e.Case(((coerce.certain(fits), call("text.slice", held, start, size, span=bound.span)),), MISSING, Type.STRING)


def _place(lower: Lower, event: Event, bound: Bound, name: str) -> e.Expr | None:
    """Return a place in a text, a number or an expression, counted from 0; one below 0 is none."""
    value = bound.get(name)
    if value is None:
        return None
    found = event.hold(call("number.to_long", coerce.real(lower.value(event, value))))
    return event.hold(e.Case(((coerce.certain(call("compare.ge", found, e.whole(0))), found),), e.null(Type.LONG), Type.LONG))


def _of_string(meaning: str) -> Run:
    def run(lower: Lower, event: Event, bound: Bound) -> e.Expr:
        string = bound.need("string")
        value = coerce.text(lower.value(event, string)) if string is not None else MISSING
        return MISSING if is_null(value) else call(meaning, value, span=bound.span)

    return run


def _two_texts(meaning: str, first: str, second: str) -> Run:
    def run(lower: Lower, event: Event, bound: Bound) -> e.Expr:
        left, right = bound.need(first), bound.need(second)
        if left is None or right is None:
            return MISSING
        a, b = coerce.text(lower.value(event, left)), coerce.text(lower.value(event, right))
        if bound.has("ignoreCase") and bound.flag("ignoreCase"):
            a, b = call("text.lower", a), call("text.lower", b)
        if is_null(a) or is_null(b):
            return e.null(Type.LONG)
        return call(meaning, event.hold(a), event.hold(b), span=bound.span)

    return run


def _position_of(lower: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-text-positionof.html"""
    string, sought = bound.need("string"), bound.need("character")
    begin, occurrence = bound.whole("begin", 0), bound.whole("occurrence", 1)
    if string is None or sought is None:
        return e.null(Type.LONG)
    a, b = coerce.text(lower.value(event, string)), coerce.text(lower.value(event, sought))
    if is_null(a) or is_null(b) or begin < 0 or occurrence < 1:
        return e.null(Type.LONG)
    found = call("text.position_of", event.hold(a), event.hold(b), e.whole(begin), e.whole(-1), e.whole(occurrence), span=bound.span)
    return call("logic.null_if", found, e.whole(-1))


def _entropy(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-shannonentropy.html"""
    value = field_of(event, bound)
    return e.null(Type.REAL) if is_null(value) else call("text.entropy", event.hold(coerce.text(value)), span=bound.span)


def split(value: e.Expr, by: str, bound: Bound) -> e.Expr:
    """Return the parts of a text between matches of a pattern, as an array."""
    if re.escape(by).replace("\\", "") == by and not re.search(r"[.\\+*?()\[\]{}|^$]", by):
        return call("text.split", coerce.text(value), e.text(by), span=bound.span)
    regex = patterns.regex(by, "", bound.place("by"), bound.context, repeated=True)
    return call("text.split_regex", coerce.text(value), e.text(regex.text if regex else by), span=bound.span)


def _community_id(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-communityid.html"""
    names = [bound.field(p) for p in ("sourceip", "destinationip", "sourceport", "destinationport", "proto")]
    if None in names or any(bound.has(p) for p in ("icmptype", "icmpcode", "seed")):
        bound.context.diagnostics.error("E304", "communityId runs here with addresses, ports and proto, for tcp, udp and sctp", bound.span)
        return MISSING
    source, target, source_port, target_port, protocol = (event.read(name or "") for name in names)
    if any(is_null(v) for v in (source, target, source_port, target_port, protocol)):
        return MISSING
    ports = [call("number.to_long", coerce.real(v)) for v in (source_port, target_port)]
    held = [event.hold(v) for v in (coerce.text(source), coerce.text(target), *ports, coerce.text(protocol))]
    return call("network.community_id", *held, span=bound.span)


_COMMUNITY = ("sourceip", "destinationip", "sourceport", "destinationport", "proto", "seed", "icmptype", "icmpcode", "as")

FUNCTIONS = (
    Function("communityId", "value", _COMMUNITY, _community_id, "community_id"),
    Function("lower", "value", ("field", "as", "locale"), _text("text.lower"), "_lower"),
    Function("upper", "value", ("field", "as", "locale"), _text("text.upper"), "_upper"),
    Function("length", "value", ("field", "as"), _text("text.length"), "_length"),
    Function("urlDecode", "value", ("field", "as"), _text("text.form_decode"), "_urlDecode"),
    Function("base64Encode", "value", ("field", "as"), _text("text.base64_encode"), "_base64Encode"),
    Function("base64Decode", "value", ("field", "as", "charset"), _base64_decode, "_base64Decode"),
    Function("shannonEntropy", "value", ("field", "as"), _entropy, "_shannonentropy"),
    Function("text:lower", "value", ("string", "as"), _of_string("text.lower"), "_lower"),
    Function("text:upper", "value", ("string", "as"), _of_string("text.upper"), "_upper"),
    Function("text:length", "value", ("string", "as"), _of_string("text.length"), "_length"),
    Function("text:positionOf", "value", ("string", "character", "begin", "occurrence", "as"), _position_of, "_position"),
    Function("text:editDistance", "value", ("string", "target", "maxDistance", "as"), _two_texts("text.edit_distance", "string", "target"), "_distance"),
    Function("text:trim", "value", ("string", "as"), _trim, "_trim"),
    Function("text:substring", "value", ("string", "begin", "end", "as"), _substring, "_substring"),
    Function("concat", "value", ("field", "as"), _concat, "_concat"),
    Function("if", "value", ("condition", "then", "else", "as"), _if, "_if"),
    Function("coalesce", "value", ("expressions", "as", "ignoreEmpty"), _coalesce, "_coalesce"),
    Function("getField", "value", ("source", "as"), _get_field, "_getField"),
    Function("round", "value", ("field", "how", "as"), _round, "{field}"),
    Function("parseInt", "value", ("field", "as", "radix", "endian"), _parse_int, "{field}"),
    Function("crypto:md5", "value", ("field", "as"), _digest("md5"), "_md5"),
    Function("crypto:sha1", "value", ("field", "as"), _digest("sha1"), "_sha1"),
    Function("crypto:sha256", "value", ("field", "as"), _digest("sha256"), "_sha256"),
)
