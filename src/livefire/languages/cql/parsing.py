"""Functions that parse one notation into fields: URLs, CSV, fixed columns, hexadecimal digits, XML, CEF, LEEF; and the way back.

https://library.humio.com/data-analysis/functions-parsing.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from livefire.languages.cql import coerce
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import MISSING, is_null
from livefire.languages.cql.trees import object_of
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_CHARSETS = frozenset({"UTF-8", "US-ASCII", "ISO-8859-1", "UTF-16LE", "UTF-16BE"})


@dataclass(frozen=True, slots=True)
class Named:
    """Fields that lie in a JSON object under their whole names."""

    prefix: str
    column: e.Expr
    gentle: bool = False

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a field, None for a name that it cannot hold."""
        if not name.startswith(self.prefix) or not name[len(self.prefix) :]:
            return None
        return call("dynamic.field", self.column, e.text(json.dumps([[name[len(self.prefix) :]]])), MISSING)

    def array(self, _: str) -> e.Expr | None:
        """Return nothing: elements are fields of their own."""
        return None

    def on(self, column: e.Expr) -> Named:
        """Return the same fields read from another column."""
        return replace(self, column=column)


@dataclass(frozen=True, slots=True)
class Extensions:
    """The `key=value` pairs at the end of a CEF line; a value goes on until the next key.

    Without `labels` a key that another one labels is not there, nor the label: it is found under what the label says.
    """

    prefix: str
    column: e.Expr
    labels: bool = False
    gentle: bool = False

    def read(self, name: str) -> e.Expr | None:
        """Return the value of a key with its escapes read."""
        key = name[len(self.prefix) :]
        if not name.startswith(self.prefix) or not re.fullmatch(r"[\w.@\[\]-]+", key):
            return None
        if self.labels:
            return self._value(key)
        if key.endswith("Label"):
            return MISSING
        unlabelled = call("logic.is_null", self._value(f"{key}Label"))
        return e.Case(((unlabelled, self._value(key)),), MISSING, Type.STRING)

    def _value(self, key: str) -> e.Expr:
        escaped = re.escape(key).replace("\\-", "-")
        pattern = rf"(?s)(?:^|\s){escaped}=(.*?)(?:\s+[\w.@\[\]-]+=|\s*$)"
        found = call("text.extract_regex", self.column, e.text(pattern), e.whole(1))
        plain = call(
            "text.replace_regex", call("text.replace", call("text.replace", found, e.text("\\n"), e.text("\n")), e.text("\\r"), e.text("\r")), *_UNESCAPE
        )
        return call("logic.null_if", call("text.trim", plain), e.text(""))

    def array(self, _: str) -> e.Expr | None:
        """Return nothing: pairs make no arrays."""
        return None

    def on(self, column: e.Expr) -> Extensions:
        """Return the same fields read from another column."""
        return replace(self, column=column)


_UNESCAPE = (e.text(r"\\([=\\|])"), e.text(r"\1"))
_LABELLED = (*(f"cs{i}" for i in range(1, 7)), *(f"cn{i}" for i in range(1, 4)), *(f"cfp{i}" for i in range(1, 5)), *(f"c6a{i}" for i in range(1, 5)),
             "deviceCustomDate1", "deviceCustomDate2", "flexString1", "flexString2", "flexNumber1", "flexNumber2", "flexDate1")  # fmt: skip


def source_of(event: Event, bound: Bound) -> e.Expr | None:
    """Return the text that is parsed, @rawstring where no field is named; None where the event has none."""
    value = event.read(bound.field("field", "@rawstring") or "@rawstring")
    return None if is_null(value) else event.hold(coerce.text(value))


_URL = r"^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://(?:([^@/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::([0-9]*))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$"
_URL_PARTS = (("scheme", 1), ("host", 3), ("port", 4), ("path", 5), ("query", 6), ("fragment", 7))


def _parse_url(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parseurl.html"""
    text = source_of(event, bound)
    if text is None:
        return
    prefix = bound.text("as", "url") or "url"
    whole = event.hold(coerce.certain(call("text.matches_regex", text, e.text(r"^[A-Za-z][A-Za-z0-9+.-]*:"))))
    user = event.hold(call("text.extract_regex", text, e.text(_URL), e.whole(2)))
    for name, value in (
        ("username", call("text.extract_regex", user, e.text("^([^:]*)"), e.whole(1))),
        ("password", call("text.extract_regex", user, e.text("^[^:]*:(.*)$"), e.whole(1))),
    ):
        _set(event, f"{prefix}.{name}", value, whole)
    for name, group in _URL_PARTS:
        _set(event, f"{prefix}.{name}", call("text.extract_regex", text, e.text(_URL), e.whole(group), span=bound.span), whole)


def _set(event: Event, name: str, value: e.Expr, only: e.Expr) -> None:
    kept = call("logic.null_if", value, e.text(""))
    event.assign(name, event.hold(e.Case(((only, kept),), MISSING, Type.STRING)))


def _parse_uri(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parseuri.html"""
    text = source_of(event, bound)
    if text is None or bound.refuse("defaultBase"):
        return
    prefix = bound.text("prefix") or bound.text("as", bound.text("field")) or "uri"
    for name, group in _URL_PARTS:
        _set(event, f"{prefix}.{name}", call("text.extract_regex", text, e.text(_URL), e.whole(group), span=bound.span), e.TRUE)
    query = event.hold(call("text.extract_regex", text, e.text(_URL), e.whole(6)))
    inside = bound.text("queryParametersAs") or f"{prefix}.query"
    event.push(Named(f"{inside}.", event.hold(call("encode.parse_query", coerce.either(query, e.text(""))))))


def _parse_csv(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parsecsv.html"""
    if bound.need("columns") is None or (text := source_of(event, bound)) is None:
        return
    delimiter = bound.text("delimiter", ",") or ","
    if len(delimiter) != 1:
        bound.wrong("delimiter", "one character")
        return
    cut = "\\^" if delimiter == "^" else re.escape(delimiter)
    pattern = rf'(?:^|{cut})(?:\s*"((?:[^"]|"")*)"\s*|([^{cut}]*))'
    pieces = event.hold(call("text.extract_all_regex", text, e.text(pattern), e.whole(0), span=bound.span))
    for place, word in enumerate(bound.words("columns")):
        piece = event.hold(call("dynamic.text", call("dynamic.element", pieces, e.whole(place))))
        bare = event.hold(call("text.trim", call("text.replace_regex", piece, e.text(f"^{cut}"), e.text("")) if place else piece))
        inner = call("text.replace", call("text.slice", bare, e.whole(1), _size_less(bare, 2)), e.text('""'), e.text('"'))
        quoted = call("logic.and", call("text.starts_with", bare, e.text('"')), call("compare.ge", call("text.length", bare), e.whole(2)))
        plain = bare if bound.flag("trim") else (call("text.replace_regex", piece, e.text(f"^{cut}"), e.text("")) if place else piece)
        value = e.Case(((quoted, inner),), plain, Type.STRING)
        event.assign(word.text, call("logic.null_if", value, e.text("")) if bound.flag("excludeEmpty") else value)


def _size_less(text: e.Expr, by: int) -> e.Expr:
    return call("compare.greatest", call("number.subtract", call("text.length", text), e.whole(by), type=Type.LONG), e.whole(0))


def _parse_fixed_width(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parsefixedwidth.html"""
    if bound.need("columns") is None or bound.need("widths") is None or (text := source_of(event, bound)) is None:
        return
    names, widths = bound.words("columns"), [w.text for w in bound.words("widths")]
    if len(names) != len(widths) or not all(w.isdigit() for w in widths):
        bound.wrong("widths", f"{len(names)} whole numbers, as many as columns")
        return
    at = 0
    for word, width in zip(names, (int(w) for w in widths), strict=True):
        piece = call("text.slice", text, e.whole(at), e.whole(width), span=bound.span)
        event.assign(word.text, call("text.trim", piece) if bound.flag("trim", default=True) else piece)
        at += width


def _parse_hex(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-parsehexstring.html"""
    text = source_of(event, bound)
    charset = (bound.text("charset", "ISO-8859-1") or "").upper()
    if charset not in _CHARSETS:
        bound.wrong("charset", f"one of {', '.join(sorted(_CHARSETS))}")
        return MISSING
    if text is None:
        return MISSING
    digits = call("text.replace_regex", text, e.text(r"^0[xX]|\s"), e.text(""))
    return call("encode.text_of_bytes", call("encode.hex_bytes", event.hold(digits)), e.text(charset.lower()), span=bound.span)


def _parse_xml(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parsexml.html

    A field is named by its elements from the root on, or without the root.
    """
    text = source_of(event, bound)
    if text is None:
        if bound.flag("strict"):
            event.keep(e.FALSE, bound.span)
        return
    found = event.hold(call("xml.fields", text, span=bound.span))
    prefix = bound.text("prefix", "") or ""
    event.push(Rooted(prefix, found))
    if bound.flag("strict"):
        event.keep(call("logic.not", call("logic.is_null", found)), bound.span)


@dataclass(frozen=True, slots=True)
class Rooted(Named):
    """The fields of an XML document, whose root may be left out of a name."""

    def read(self, name: str) -> e.Expr | None:
        """Return the text of an element or attribute, None for a name that it cannot hold."""
        key = name[len(self.prefix) :]
        if not name.startswith(self.prefix) or not re.fullmatch(r"[\w.:\[\]-]+", key):
            return None
        whole = call("dynamic.field", self.column, e.text(json.dumps([[key]])), MISSING)
        root = call("text.extract_regex", call("dynamic.text", self.column), e.text(r'^\{"([^".\[]+)'), e.whole(1))
        inside = call("array.element_of", self.column, call("dynamic.of", call("text.concat", root, e.text(f".{key}"))))
        return call("logic.coalesce", whole, call("dynamic.leaf", inside))


@dataclass(frozen=True, slots=True)
class Labelled(Extensions):
    """The keys of a CEF line by what their labels say: `cs1=x cs1Label=Rule` is `Rule`."""

    def read(self, name: str) -> e.Expr | None:
        """Return the value of the key whose label has that text, None for a name that no label can have."""
        label = name[len(self.prefix) :]
        if not name.startswith(self.prefix) or not label or "=" in label:
            return None
        arms = [(coerce.certain(call("compare.eq", self._value(f"{key}Label"), e.text(label))), self._value(key)) for key in _LABELLED]
        return e.Case(tuple(arms), MISSING, Type.STRING)


def _parse_cef(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parsecef.html

    Only version 0 is read; whatever stands before `CEF:0` is passed over.
    """
    text = source_of(event, bound)
    if text is None:
        return
    head = _text_of(bound, "headerprefix", "cef.")
    parts = r"(?s)CEF:\s*(0)\s*" + r"\|((?:[^|\\]|\\.)*)" * 6 + r"\|(.*)$"
    names = ("version", "device.vendor", "device.product", "device.version", "event_class_id", "name", "severity")
    for place, name in enumerate(names, 1):
        value = call("text.trim", call("text.extract_regex", text, e.text(parts), e.whole(place), span=bound.span))
        event.assign(f"{head}{name}", call("logic.null_if", call("text.replace_regex", value, *_UNESCAPE), e.text("")))
    _push_extensions(event, bound, call("text.extract_regex", text, e.text(parts), e.whole(8)), "cef.")


def _push_extensions(event: Event, bound: Bound, text: e.Expr, head: str) -> None:
    rest = event.hold(text)
    event.push(Extensions(_text_of(bound, "prefix", f"{head}ext."), rest, labels=bound.flag("keeplabels")))
    event.push(Labelled(_text_of(bound, "labelprefix", f"{head}label."), rest))


def _text_of(bound: Bound, name: str, default: str) -> str:
    return bound.text(name, default) or ""


def _parse_leef(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-parseleef.html

    Attributes are parted by a tab, in version 1 by `delimiter` where it is given, in version 2 by the
    character that the header names. Of version 0 the attributes are read as those of CEF.
    """
    text = source_of(event, bound)
    if text is None:
        return
    delimiter = _text_of(bound, "delimiter", "\t")
    if len(delimiter) != 1:
        bound.wrong("delimiter", "a single character")
        return
    if bound.flag("parsetime", default=True):
        said = "the time in devTime is not read here: @timestamp stays that of the event"
        bound.context.diagnostics.warn("W239", said, bound.span, help="write parsetime=false, and read it with parseTimestamp")
    head = _text_of(bound, "headerprefix", "leef.")
    parts = r"(?s)LEEF:\s*([012](?:\.0)?)" + r"\|([^|]*)" * 4 + r"\|(?:(x[0-9A-Fa-f]{2,4}|0x[0-9A-Fa-f]{2,4}|[^|=\w])\|)?(.*)$"
    for place, name in enumerate(("version", "device.vendor", "device.product", "device.version", "event_id"), 1):
        value = call("text.trim", call("text.extract_regex", text, e.text(parts), e.whole(place), span=bound.span))
        _set(event, f"{head}{name}", value, e.TRUE)
    version = event.hold(call("text.extract_regex", text, e.text(parts), e.whole(1)))
    rest = event.hold(call("text.extract_regex", text, e.text(parts), e.whole(7)))
    legacy = coerce.certain(call("text.starts_with", version, e.text("0")))
    _push_extensions(event, bound, e.Case(((legacy, rest),), MISSING, Type.STRING), "leef.")
    parted = call("text.replace", rest, _separator(event, text, parts, version, delimiter), e.text("\t"))
    event.push(Attributes(_text_of(bound, "prefix", "leef.ext."), event.hold(e.Case(((legacy, MISSING),), parted, Type.STRING))))


def _separator(event: Event, text: e.Expr, parts: str, version: e.Expr, delimiter: str) -> e.Expr:
    """Return what parts the attributes of a LEEF line."""
    mark = event.hold(call("text.extract_regex", text, e.text(parts), e.whole(6)))
    code = call("number.parse_base", call("text.replace_regex", mark, e.text("^0?x"), e.text("")), e.whole(16))
    named = call("encode.from_code_points", call("dynamic.array", call("logic.coalesce", code, e.whole(9))))
    first = coerce.certain(call("text.starts_with", version, e.text("1")))
    longer = coerce.certain(call("compare.gt", call("text.length", mark), e.whole(1)))
    single = coerce.certain(call("compare.eq", call("text.length", mark), e.whole(1)))
    return event.hold(e.Case(((first, e.text(delimiter)), (longer, named), (single, mark)), e.text("\t"), Type.STRING))


@dataclass(frozen=True, slots=True)
class Attributes(Named):
    """`key=value` attributes parted by tabs."""

    def read(self, name: str) -> e.Expr | None:
        """Return the value of an attribute, which may be empty, None for a name that it cannot hold."""
        key = name[len(self.prefix) :]
        if not name.startswith(self.prefix) or not key or "\t" in key or "=" in key:
            return None
        pattern = rf"(?:^|\t)\s*{re.escape(key).replace(chr(92) + '-', '-').replace(chr(92) + ' ', ' ')}=([^\t]*)"
        return call("text.trim", call("text.extract_regex", self.column, e.text(pattern), e.whole(1)))


_TIMES = (
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})",
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?",
)


def _find_timestamp(_: Lower, event: Event, bound: Bound) -> None:
    """https://library.humio.com/data-analysis/functions-findtimestamp.html

    Times as ISO 8601 writes them are found; LogScale knows more forms, so an event without one is left as it is, and that is said.
    """
    text = source_of(event, bound)
    said = "findTimestamp finds times in ISO 8601 here; LogScale finds other forms too"
    bound.context.diagnostics.warn("W239", said, bound.span, help="parseTimestamp(format, field) reads the form that it is given")
    if text is None:
        return
    target = bound.text("as", "@timestamp") or "@timestamp"
    found: e.Expr = e.null(Type.DATETIME)
    for pattern in _TIMES:
        piece = call("text.replace", call("text.extract_regex", text, e.text(f"({pattern})"), e.whole(1)), e.text(","), e.text("."))
        found = coerce.either(found, call("time.parse", piece, span=bound.span)) if not is_null(found) else call("time.parse", piece, span=bound.span)
    event.assign(target, found if target == "@timestamp" else call("time.to_epoch", event.hold(found), e.text("ms")))


# the way back


def _pretty(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-json-prettyprint.html"""
    value = event.read(bound.field("field", "@rawstring") or "@rawstring")
    if is_null(value):
        return MISSING
    parsed = value if value.type is Type.DYNAMIC else call("dynamic.try_parse", coerce.text(value))
    text = MISSING if value.type is Type.DYNAMIC else coerce.text(value)
    return coerce.either(call("dynamic.indented", event.hold(parsed), e.whole(bound.whole("step", 2)), span=bound.span), text)


def _write_json(_: Lower, event: Event, bound: Bound) -> e.Expr:
    """https://library.humio.com/data-analysis/functions-writejson.html

    Fields become members by their dotted names; one whose name others continue gives them as an object.
    """
    members: list[tuple[str, e.Expr]] = []
    for word in bound.words("field"):
        name = word.text.removesuffix("[]")
        below = [x for x in dict.fromkeys([*event.mentioned, *event.fields]) if x.startswith(f"{name}.")] if name != "*" else list(event.fields)
        for field in [name, *below] if name != "*" else below:
            if field.startswith(("#", "@", "\x02")) or is_null(event.peek(field)):
                continue
            members.append((field, event.peek(field)))
    return call("dynamic.text", object_of(members, event.hold), span=bound.span) if members else MISSING


def _url_encode(_: Lower, event: Event, bound: Bound) -> e.Expr:
    value = event.read(bound.field("field") or "")
    return MISSING if is_null(value) else call("text.form_encode", coerce.text(value), span=bound.span)


_ANSI = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"


def _strip_ansi(_: Lower, event: Event, bound: Bound) -> e.Expr:
    value = event.read(bound.field("field", "@rawstring") or "@rawstring")
    return MISSING if is_null(value) else call("text.replace_regex", coerce.text(value), e.text(_ANSI), e.text(""), span=bound.span)


FUNCTIONS = (
    Function("parseUrl", "step", ("field", "as"), _parse_url),
    Function("parseUri", "step", ("field", "prefix", "as", "queryParametersAs", "defaultBase"), _parse_uri),
    Function("parseCsv", "step", ("field", "columns", "delimiter", "trim", "excludeEmpty"), _parse_csv),
    Function("parseFixedWidth", "step", ("field", "columns", "widths", "trim"), _parse_fixed_width),
    Function("parseHexString", "value", ("field", "as", "charset"), _parse_hex, "{field}"),
    Function("parseXml", "step", ("field", "prefix", "strict"), _parse_xml),
    Function("parseCEF", "step", ("field", "prefix", "headerprefix", "keeplabels", "labelprefix"), _parse_cef),
    Function("parseLEEF", "step", ("field", "delimiter", "headerprefix", "keeplabels", "labelprefix", "parsetime", "prefix", "timezone"), _parse_leef),
    Function("findTimestamp", "step", ("field", "as", "timezone", "timezoneField", "addErrors"), _find_timestamp),
    Function("json:prettyPrint", "value", ("field", "as", "step", "strict"), _pretty, "{field}"),
    Function("writeJson", "value", ("field", "as"), _write_json, "_json"),
    Function("urlEncode", "value", ("field", "as"), _url_encode, "_urlencode"),
    Function("stripAnsiCodes", "value", ("field", "as"), _strip_ansi, "{field}"),
)
