"""Functions of time: now, formatTime, parseTimestamp and the parts of a date.

A moment is a number of milliseconds since 1970; a field such as @timestamp is kept as a moment
until something reads it as text. https://library.humio.com/data-analysis/functions-formattime.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import available_timezones

from livefire.languages.cql import coerce
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import MISSING, is_null
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

Run = Callable[[Lower, Event, Bound], e.Expr]
_UTC = frozenset({"utc", "z", "gmt", "etc/utc", "+00:00", "+0000", "utc+0"})
_SAME = frozenset("YmdHMSbBpyjIaA")
_COMPOSED = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "D": "%m/%d/%y", "R": "%H:%M", "r": "%I:%M:%S %p", "h": "%b", "c": "%a %b %d %H:%M:%S UTC %Y"}


def moment(value: e.Expr) -> e.Expr:
    """Return a value as a datetime: numbers count milliseconds since 1970."""
    if value.type is Type.DATETIME:
        return value
    number = coerce.real(value)
    return call("time.from_epoch", call("number.to_long", number), e.text("ms"))


def zone_of(bound: Bound, name: str = "timezone") -> str | None:
    """Return the time zone of a call as a name of the IANA database or an offset; empty for UTC, None after E107."""
    written = bound.text(name)
    if written is None or written.lower() in _UTC:
        return ""
    offset = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", written, re.IGNORECASE)
    if offset is not None:
        return f"{offset[1]}{int(offset[2]):02d}:{offset[3] or '00'}"
    if written in available_timezones():
        return written
    bound.wrong(name, "a time zone such as Europe/Copenhagen or +02:00")
    return None


def local(at: e.Expr, zone: str) -> e.Expr:
    """Return a moment as the clock of a zone shows it."""
    if not zone:
        return at
    return call("time.add", at, _offset(zone)) if zone[0] in "+-" else call("time.utc_to_zone", at, e.text(zone))


def _offset(zone: str) -> e.Expr:
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return e.Literal((-minutes if zone[0] == "-" else minutes) * 600_000_000, Type.TIMESPAN)


def from_local(at: e.Expr, zone: str) -> e.Expr:
    """Return the moment at which the clock of a zone shows this."""
    if not zone:
        return at
    return call("time.subtract", at, _offset(zone)) if zone[0] in "+-" else call("time.zone_to_utc", at, e.text(zone))


def _format_time(_: Lower, event: Event, bound: Bound) -> e.Expr:
    template = bound.text("format")
    if template is None:
        bound.need("format")
        return MISSING
    if not (bound.text("locale", "en") or "en").lower().startswith("en") and re.search(r"%[-_^]?[AaBbhcp]", template):
        bound.refuse("locale")
        return MISSING
    value = event.read(bound.field("field", "@timestamp") or "@timestamp")
    zone = zone_of(bound)
    if is_null(value) or zone is None:
        return MISSING
    unit = (bound.text("unit") or "milliseconds").lower()
    scale = {"milliseconds": 1, "millis": 1, "seconds": 1000}.get(unit)
    if scale is None:
        bound.wrong("unit", "milliseconds or seconds")
        return MISSING
    if value.type is not Type.DATETIME and scale != 1:
        value = call("number.multiply", coerce.real(value), e.Literal(float(scale), Type.REAL), type=Type.REAL)
    found = written_time(event, event.hold(moment(value)), template, zone, bound)
    return MISSING if found is None else found


def written_time(event: Event, utc: e.Expr, template: str, zone: str, bound: Bound) -> e.Expr | None:
    """Return a moment as a format writes it in a zone; None after E304."""
    at = event.hold(local(utc, zone))
    parts: list[e.Expr] = []
    plain = ""
    for piece in re.findall(r"%[-_^]?[a-zA-Z%]|[^%]+|%", template):
        found = _zoned(piece, utc, at, zone) if zone or piece in ("%Q", "%s") else _spec(piece, at, bound)
        found = _spec(piece, at, bound) if found is None else found
        if found is None:
            return None
        if isinstance(found, str):
            plain += found
        else:
            if plain:
                parts.append(call("time.format", at, e.text(plain), span=bound.span))
            plain = ""
            parts.append(found)
    if plain:
        parts.append(call("time.format", at, e.text(plain), span=bound.span))
    return parts[0] if len(parts) == 1 else call("text.concat", *parts) if parts else e.text("")


def _zoned(piece: str, utc: e.Expr, at: e.Expr, zone: str) -> str | e.Expr | None:
    """Return the parts of a format that depend on the zone, None for the others."""
    if piece in ("%Q", "%s"):
        return call("number.text", call("time.to_epoch", utc, e.text("ms" if piece == "%Q" else "s")))
    if piece == "%Z":
        return zone
    if piece == "%c":
        return call("text.concat", call("time.format", at, e.text("%a %b %d %H:%M:%S ")), e.text(zone), call("time.format", at, e.text(" %Y")))
    if piece != "%z":
        return None
    minutes = call("number.divide_whole", call("logic.cast", call("time.difference", at, utc), type=Type.LONG), e.whole(600_000_000))
    size = call("number.abs", minutes)
    hours, rest = call("number.divide_whole", size, e.whole(60)), call("number.modulo", size, e.whole(60))
    digits = call(
        "number.text",
        call(
            "number.add",
            e.whole(10_000),
            call("number.add", call("number.multiply", hours, e.whole(100), type=Type.LONG), rest, type=Type.LONG),
            type=Type.LONG,
        ),
    )
    sign = e.Case(((call("compare.lt", minutes, e.whole(0)), e.text("-")),), e.text("+"), Type.STRING)
    return call("text.concat", sign, call("text.slice", digits, e.whole(1)))


def _spec(piece: str, at: e.Expr, bound: Bound) -> str | e.Expr | None:
    if not piece.startswith("%") or piece == "%":
        return piece.replace("%", "%%")
    kind = piece[-1]
    if kind in _SAME and len(piece) == 2:
        return piece
    if kind in _COMPOSED:
        return _COMPOSED[kind]
    if kind == "%":
        return "%%"
    if kind in "Zz":
        return "UTC" if kind == "Z" else "+0000"
    if kind in "LN":
        milliseconds = call("number.text", call("number.add", e.whole(1000), call("time.part", at, e.text("millisecond")), type=Type.LONG))
        digits = call("text.slice", milliseconds, e.whole(1))
        return digits if kind == "L" else call("text.concat", digits, e.text("000000"))
    if kind in "Qs":
        return call("number.text", call("time.to_epoch", at, e.text("ms" if kind == "Q" else "s")))
    if kind == "e":
        day = call("number.text", call("time.part", at, e.text("day")))
        return e.Case(((call("compare.eq", call("text.length", day), e.whole(1)), call("text.concat", e.text(" "), day)),), day, Type.STRING)
    bound.context.diagnostics.error("E304", f"{bound.function.name} does not write {piece} here", bound.place("format"))
    return None


def _now(_: Lower, __: Event, bound: Bound) -> e.Expr:
    return call("time.to_epoch", e.Parameter("now", Type.DATETIME), e.text("ms"), span=bound.span)


def _bound_of(name: str) -> Run:
    def run(_: Lower, __: Event, bound: Bound) -> e.Expr:
        # A run over everything begins with time itself and ends now.
        otherwise: e.Expr = e.Parameter("now", Type.DATETIME) if name == "end" else e.Literal(datetime(1970, 1, 1), Type.DATETIME)
        moment_of = call("logic.coalesce", e.Parameter(name, Type.DATETIME), otherwise)
        return call("time.to_epoch", moment_of, e.text("ms"), span=bound.span)

    return run


def _part(unit: str) -> Run:
    def run(_: Lower, event: Event, bound: Bound) -> e.Expr:
        value = event.read(bound.field("field", "@timestamp") or "@timestamp")
        zone = zone_of(bound)
        if is_null(value) or zone is None:
            return MISSING
        at = event.hold(local(event.hold(moment(value)), zone))
        if unit == "dayName":
            return call("time.format", at, e.text("%A"))
        if unit == "monthName":
            return call("time.format", at, e.text("%B"))
        found = call("time.part", at, e.text(unit), span=bound.span)
        if unit != "day_of_week":
            return found
        # Monday is 1 and Sunday 7 here, where the plan counts from Sunday 0.
        return e.Case(((call("compare.eq", found, e.whole(0)), e.whole(7)),), found, Type.LONG)

    return run


# parseTimestamp

_JAVA = (
    ("yyyy", "%Y"), ("uuuu", "%Y"), ("yy", "%y"), ("MMMM", "%B"), ("MMM", "%b"), ("MM", "%m"), ("M", "%m"), ("dd", "%d"), ("d", "%d"),
    ("HH", "%H"), ("H", "%H"), ("hh", "%I"), ("h", "%I"), ("mm", "%M"), ("m", "%M"), ("ss", "%S"), ("s", "%S"), ("a", "%p"),
    ("XXXXX", "%z"), ("XXX", "%z"), ("XX", "%z"), ("X", "%z"), ("Z", "%z"), ("xxx", "%z"), ("EEEE", "%A"), ("EEE", "%a"), ("E", "%a"),
)  # fmt: skip
_EPOCHS = {"millis": 1.0, "milliseconds": 1.0, "unixtimemillis": 1.0, "seconds": 1000.0, "unixtime": 1000.0, "unixtimeseconds": 1000.0, "nanos": 1e-6}


_ZONED = re.compile(r"[XxZzVO](?![^']*'(?:[^']*'[^']*')*[^']*$)")
_YEARED = re.compile(r"[yu](?![^']*'(?:[^']*'[^']*')*[^']*$)")
_ZONE_END = e.text(r"\s*(?:[Zz]|(?:UTC|GMT)?[+-]\d{2}:?\d{2}|[A-Z]{3,4})\s*$")
_ISO = re.compile(r"(?:yyyy|uuuu)-MM-dd(?P<gap>'T'|' '| )HH:mm:ss(?P<fraction>|\.S+|\[\.S+\])(?P<zone>[XxZ]*)")
_GUESSED = e.Literal(8 * 864_000_000_000, Type.TIMESPAN)


def _parse_timestamp(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parsetimestamp.html"""
    value = event.read(bound.field("field", "@timestamp") or "@timestamp")
    template = bound.text("format", "yyyy-MM-dd'T'HH:mm:ss[.SSSSSSSSS]XXX") or ""
    target = bound.text("as", "@timestamp") or "@timestamp"
    zone = zone_of(bound)
    if is_null(value) or zone is None or bound.refuse("timezoneAs", "timezoneField"):
        return
    parsed = _in_zone(event, value, template, zone, bound) if template.lower() not in _EPOCHS else _parsed(event, value, template, bound)
    if parsed is None:
        return
    if target == "@timestamp":
        event.assign(target, parsed)
        return
    event.assign(target, call("time.to_epoch", parsed, e.text("ms")))


def _in_zone(event: Event, value: e.Expr, template: str, zone: str, bound: Bound) -> e.Expr | None:
    """Return the moment that a text means; a zone that the call names goes before the one in the text, and without either nothing is read."""
    names_one = _ZONED.search(template) is not None
    if names_one and not bound.has("timezone"):
        return _parsed(event, value, template, bound)
    if not bound.has("timezone"):
        if event.has("@timezone"):
            bound.context.diagnostics.error("E304", "parseTimestamp does not take the zone from @timezone here", bound.span, help="write timezone=…")
            return None
        said = "the format names no time zone and the call gives none: LogScale parses nothing then"
        bound.context.diagnostics.warn("W105", said, bound.span, help='write timezone="UTC"')
        return None
    if names_one and value.type is not Type.DATETIME:
        bare = re.sub(r"\[?[XxZzVO]+\]?$", "", template).rstrip()
        if _ZONED.search(bare):
            bound.context.diagnostics.error("E304", "a zone in the middle of a time is not overridden here", bound.place("timezone"))
            return None
        value, template = call("text.replace_regex", coerce.text(value), _ZONE_END, e.text("")), bare
    parsed = _parsed(event, value, template, bound)
    return from_local(event.hold(parsed), zone) if parsed is not None else None


def _parsed(event: Event, value: e.Expr, template: str, bound: Bound) -> e.Expr | None:
    scale = _EPOCHS.get(template.lower())
    if scale is not None:
        number = coerce.real(value)
        milliseconds = number if scale == 1.0 else call("number.multiply", number, e.Literal(scale, Type.REAL), type=Type.REAL)
        return moment(event.hold(milliseconds))
    if value.type is Type.DATETIME:
        return value
    text = event.hold(coerce.text(value))
    if (iso := _ISO.fullmatch(template)) is not None:
        fraction = {"": "", ".": r"\.\d{1,9}", "[": r"(?:\.\d{1,9})?"}[iso["fraction"][:1]]
        zone = r"(?:[Zz]|[+-]\d{2}:?\d{2}(?::?\d{2})?)" if iso["zone"] else ""
        fits = rf"^\d{{4}}-\d{{2}}-\d{{2}}{iso['gap'].strip(chr(39))}\d{{2}}:\d{{2}}:\d{{2}}{fraction}{zone}$"
        fitting = coerce.certain(call("text.matches_regex", text, e.text(fits)))
        return e.Case(((fitting, call("time.parse", text, span=bound.span)),), e.null(Type.DATETIME), Type.DATETIME)
    if _YEARED.search(template):
        return _by_format(text, template, bound)
    # Without a year it is this one, or the last where that is more than eight days ahead.
    now = e.Parameter("now", Type.DATETIME)
    year = call("time.part", now, e.text("year"))
    tried: list[e.Expr] = []
    for back in (0, 1):
        whole = call("text.concat", call("number.text", call("number.subtract", year, e.whole(back), type=Type.LONG)), e.text(" "), text)
        found = _by_format(event.hold(whole), f"yyyy {template}", bound)
        if found is None:
            return None
        tried.append(event.hold(found))
    near = call("compare.lt", call("time.difference", tried[0], now), _GUESSED)
    return event.hold(e.Case(((coerce.certain(near), tried[0]),), tried[1], Type.DATETIME))


def _by_format(text: e.Expr, template: str, bound: Bound) -> e.Expr | None:
    found: list[e.Expr] = []
    for variant in _variants(template):
        pattern = _strptime(variant)
        if pattern is None:
            bound.context.diagnostics.error("E304", f"the time format {template!r} is not read here", bound.place("format"))
            return None
        found.append(call("time.parse_format", text, e.text(pattern), span=bound.span))
    return found[0] if len(found) == 1 else call("logic.coalesce", *found)


def _variants(template: str) -> list[str]:
    """Return the format with its optional parts in and out."""
    found = re.search(r"\[([^\[\]]*)\]", template)
    if found is None:
        return [template]
    head, tail = template[: found.start()], template[found.end() :]
    return [*_variants(head + found.group(1) + tail), *_variants(head + tail)]


def _strptime(template: str) -> str | None:
    out, at = "", 0
    while at < len(template):
        if template[at] == "'":
            end = template.find("'", at + 1)
            if end < 0:
                return None
            out += template[at + 1 : end].replace("%", "%%") or "'"
            at = end + 1
            continue
        fraction = re.compile("S+").match(template, at)
        if fraction:
            out += "%f"
            at = fraction.end()
            continue
        for java, spec in _JAVA:
            if template.startswith(java, at):
                out += spec
                at += len(java)
                break
        else:
            if template[at].isalpha():
                return None
            out += "%%" if template[at] == "%" else template[at]
            at += 1
    return out


_PARTS = (
    ("year", "year"), ("month", "month"), ("dayOfMonth", "day"), ("dayOfWeek", "day_of_week"), ("dayOfYear", "day_of_year"), ("hour", "hour"),
    ("minute", "minute"), ("second", "second"), ("millisecond", "millisecond"), ("weekOfYear", "week_of_year"), ("dayOfWeekName", "dayName"),
    ("monthName", "monthName"),
)  # fmt: skip

FUNCTIONS = (
    Function("formatTime", "value", ("format", "field", "as", "locale", "timezone", "unit"), _format_time, "_formatTime"),
    Function("now", "value", ("as",), _now, "_now"),
    Function("start", "value", ("as",), _bound_of("start"), "_start"),
    Function("end", "value", ("as",), _bound_of("end"), "_end"),
    Function("parseTimestamp", "step", ("format", "field", "as", "timezone", "timezoneAs", "timezoneField", "caseSensitive", "addErrors"), _parse_timestamp),
    *(Function(f"time:{name}", "value", ("field", "as", "timezone"), _part(unit), f"_{name}") for name, unit in _PARTS),
)
