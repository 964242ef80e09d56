"""Functions of ES|QL over text, JSON texts and addresses."""

from __future__ import annotations

import ipaddress
import re

from livefire.languages.esql import patterns
from livefire.languages.esql import values as v
from livefire.languages.esql.grok_library import ADDRESS, MAPPED
from livefire.languages.esql.use import Builder, Use
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Constant
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call
from livefire.schema import Type

# What Java counts as a blank in strings of logs; the engine's own trim takes blanks only.
_BLANKS = e.text(" \t\n\v\f\r\u001c\u001d\u001e\u001f")
_ZERO, _ONE = e.whole(0), e.whole(1)
_STEP = re.compile(r"\.?([A-Za-z_@][\w@-]*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]")


def test(meaning: str) -> Builder:
    """Return the builder of a test of two texts."""

    def build(use: Use) -> Value:
        return Value(call(meaning, use.text(0), use.text(1), span=use.span), Kind.BOOL)

    return build


def change(meaning: str) -> Builder:
    """Return the builder of a function from text to text."""

    def build(use: Use) -> Value:
        return Value(call(meaning, use.text(0), span=use.span), Kind.TEXT)

    return build


def each(meaning: str) -> Builder:
    """Return the builder of a function from text to text that takes several values one by one, as to_lower and to_upper do."""

    def build(use: Use) -> Value:
        value = use.value(0)
        if not value.many:
            return Value(call(meaning, use.text(0), span=use.span), Kind.TEXT)
        if not value.kind.textual and value.kind is not Kind.ANY:
            use.wrong(0, "keyword", value.kind)
            return v.null(Kind.TEXT)
        element = e.Column("one text", Type.DYNAMIC)
        changed = call("dynamic.of", call(meaning, call("dynamic.text", element)))
        return v.shown(call("array.map", v.array(value), e.Lambda((element,), changed), span=use.span), Kind.TEXT)

    return build


def trim(meaning: str) -> Builder:
    """Return the builder of a trim."""

    def build(use: Use) -> Value:
        return Value(call(meaning, use.text(0), _BLANKS, span=use.span), Kind.TEXT)

    return build


def concat(use: Use) -> Value:
    """`concat`: null when one of the texts is."""
    return Value(call("text.concat", *(use.text(i) for i in range(use.count)), span=use.span), Kind.TEXT)


def length(use: Use) -> Value:
    """`length` in code points."""
    return _whole(call("text.length", use.text(0), span=use.span))


def bytes_times(factor: int) -> Builder:
    """Return the builder of a length of the UTF-8 form in bytes or bits."""

    def build(use: Use) -> Value:
        size = call("text.bytes", use.text(0), span=use.span)
        return _whole(size if factor == 1 else call("number.multiply", size, e.whole(factor), type=Type.LONG))

    return build


def digest(use: Use) -> Value:
    """`hash(algorithm, text)` in hexadecimal."""
    name = use.constant(0)
    if name is None:
        return v.null(Kind.TEXT)
    meaning = {"MD5": "encode.md5", "SHA-1": "encode.sha1", "SHA": "encode.sha1", "SHA1": "encode.sha1", "SHA-256": "encode.sha256"}.get(name.upper())
    if meaning is None:
        return use.expressions.error("E305", f"the digest {name!r} is not computed here", use.ast(0).span, "use MD5, SHA-1 or SHA-256", Kind.TEXT)
    return Value(call(meaning, use.text(1), span=use.span), Kind.TEXT)


def url_component(use: Use) -> Value:
    """`url_encode_component(text)`: as `url_encode`, but a blank is %20."""
    return Value(call("text.replace", call("text.form_encode", use.text(0), span=use.span), e.text("+"), e.text("%20")), Kind.TEXT)


def _whole(found: e.Expr) -> Value:
    return Value(call("convert.to_int", found), Kind.INT)


def _plus(a: e.Expr, b: e.Expr) -> e.Expr:
    return call("number.add", a, b, type=Type.LONG)


def _minus(a: e.Expr, b: e.Expr) -> e.Expr:
    return call("number.subtract", a, b, type=Type.LONG)


def _unless_null(subject: e.Expr, others: list[e.Expr], then: e.Expr) -> e.Expr:
    """Greatest and least pass nulls over, so a null argument is caught before."""
    missing = any_of(*(call("logic.is_null", x) for x in (subject, *others) if not isinstance(x, e.Literal) or x.value is None))
    return e.Case(((missing, e.null(then.type)),), then, then.type) if missing is not e.FALSE else then


def substring(use: Use) -> Value:
    """`substring(text, start[, length])`: counted from 1, from the end when negative; 0 is the start; a negative length is null."""
    subject, start = use.text(0), use.whole(1)
    from_end = call("compare.greatest", _plus(call("text.length", subject), start), _ZERO)
    place = e.Case(((call("compare.lt", start, _ZERO), from_end),), call("compare.greatest", _minus(start, _ONE), _ZERO), Type.LONG)
    if use.count < 3:
        return Value(_unless_null(subject, [start], call("text.slice", subject, place, span=use.span)), Kind.TEXT)
    size = use.whole(2)
    arms = ((call("compare.lt", size, _ZERO), e.null(Type.STRING)),)
    found = e.Case(arms, call("text.slice", subject, place, size, span=use.span), Type.STRING)
    return Value(_unless_null(subject, [start, size], found), Kind.TEXT)


def left(use: Use) -> Value:
    """`left(text, n)`: the first characters; none for a negative number."""
    subject, size = use.text(0), use.whole(1)
    found = call("text.slice", subject, _ZERO, call("compare.greatest", size, _ZERO), span=use.span)
    return Value(_unless_null(subject, [size], found), Kind.TEXT)


def right(use: Use) -> Value:
    """`right(text, n)`: the last characters; none for a negative number."""
    subject, size = use.text(0), use.whole(1)
    start = call("compare.greatest", _minus(call("text.length", subject), call("compare.greatest", size, _ZERO)), _ZERO)
    return Value(_unless_null(subject, [size], call("text.slice", subject, start, span=use.span)), Kind.TEXT)


def locate(use: Use) -> Value:
    """`locate(text, part[, start])`: counted from 1, 0 when it does not occur."""
    subject, part = use.text(0), use.text(1)
    if use.count < 3:
        return _whole(_plus(call("text.position", subject, part, span=use.span), _ONE))
    start = use.whole(2)
    skip = call("compare.greatest", _minus(start, _ONE), _ZERO)
    found = call("text.position", call("text.slice", subject, skip), part, span=use.span)
    place = e.Case(((call("compare.lt", found, _ZERO), _ZERO),), _plus(_plus(found, skip), _ONE), Type.LONG)
    return _whole(_unless_null(subject, [part, start], place))


def repeat(use: Use) -> Value:
    """`repeat(text, n)`: null for a negative number."""
    subject, times = use.text(0), use.whole(1)
    arms = ((call("compare.lt", times, _ZERO), e.null(Type.STRING)),)
    return Value(e.Case(arms, call("text.repeat", subject, times, span=use.span), Type.STRING), Kind.TEXT)


def space(use: Use) -> Value:
    """`space(n)`."""
    times = use.whole(0)
    arms = ((call("compare.lt", times, _ZERO), e.null(Type.STRING)),)
    return Value(e.Case(arms, call("text.repeat", e.text(" "), times, span=use.span), Type.STRING), Kind.TEXT)


def replace(use: Use) -> Value:
    """`replace(text, regex, new)`: every match of a Java regular expression."""
    pattern, new = use.constant(1), use.constant(2)
    if pattern is None or new is None:
        return v.null(Kind.TEXT)
    regex = patterns.java(pattern, use.ast(1).span, use.expressions.context)
    replacement = patterns.java_replacement(new, use.ast(2).span, use.expressions.context)
    return Value(call("text.replace_regex", use.text(0), e.text(regex), e.text(replacement), span=use.span), Kind.TEXT)


def split(use: Use) -> Value:
    """`split(text, delimiter)`: the parts as several values; Elasticsearch takes a delimiter of one byte."""
    node = use.ast(1)
    if isinstance(node, Constant) and isinstance(node.value, str) and len(node.value.encode("utf-8", "replace")) != 1:
        words = "the delimiter of split must be a single byte"
        use.expressions.context.quirk(179, words, span=node.span, help="replace it with one character first")
    return v.shown(call("text.split", use.text(0), use.text(1), span=use.span), Kind.TEXT)


def json_extract(use: Use) -> Value:
    """`json_extract(text, path)`: what a constant path reaches, a string without its quotes; null when there is nothing."""
    path = use.constant(1)
    if path is None:
        return v.null(Kind.TEXT)
    rest = path[1:] if path.startswith("$") else path
    steps: list[str | int] = []
    while rest:
        match = _STEP.match(rest)
        if match is None:
            use.expressions.error("E305", f"the path {path!r} has a form that is not supported", use.ast(1).span, "write names, dots and [number]")
            return v.null(Kind.TEXT)
        name, index, single, double = match.groups()
        steps.append(int(index[:9]) if index is not None else next(x for x in (name, single, double) if x is not None))
        rest = rest[match.end() :]
    parsed = call("dynamic.try_parse", use.text(0), span=use.span)
    return Value(call("dynamic.text", e.Path(parsed, tuple(steps)) if steps else parsed), Kind.TEXT)


def cidr_match(use: Use) -> Value:
    """`cidr_match(ip, block, …)`: null where there is no address, as an ip field is for what is none."""
    value = use.value(0)
    address = v.text(value) if value.kind is Kind.IP else valid_address(use.text(0))
    blocks = []
    for place in range(1, use.count):
        text = use.constant(place)
        if text is None:
            continue
        try:
            blocks.append(str(ipaddress.ip_network(text, strict=False)))
        except ValueError:
            use.expressions.error("E206", f"{text!r} is no CIDR block", use.ast(place).span, 'write "10.0.0.0/8"')
    # The address stands once in the statement, however many blocks there are.
    element = e.Column("one address", Type.DYNAMIC)
    inside = any_of(*(call("text.cidr_contains", call("dynamic.text", element), e.text(b)) for b in blocks))
    found = call("dynamic.any_value", call("dynamic.of", address), e.Lambda((element,), inside), span=use.span)
    return Value(e.Case(((call("logic.is_null", address), e.null(Type.BOOL)),), found, Type.BOOL), Kind.BOOL)


def valid_address(text: e.Expr) -> e.Expr:
    """Return a text that is an address in its one form (`2001:db8::1`), null for any other."""
    # An IPv4 address may be written as one of IPv6, and is the same.
    mapped = (call("text.matches_regex", text, e.text(MAPPED)), call("text.extract_regex", text, e.text(MAPPED), e.whole(1)))
    is_address = call("text.matches_regex", text, e.text(ADDRESS))
    short = call("network.prefix", text, e.whole(32), e.whole(128))
    arms = (mapped, (all_of(is_address, call("text.contains", text, e.text(":"))), short), (is_address, text))
    return e.Case(arms, e.null(Type.STRING), Type.STRING)
