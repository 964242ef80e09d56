"""Functions of ES|QL over addresses and points on the Earth.

https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/ip-functions
https://www.elastic.co/docs/reference/query-languages/esql/functions-operators/spatial-functions
"""

from __future__ import annotations

import ipaddress

from livefire.languages.esql import values as v
from livefire.languages.esql.maths import real_literal
from livefire.languages.esql.text import valid_address
from livefire.languages.esql.use import Builder, Use
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Ast, Constant, ListOf
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call
from livefire.schema import Type

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_POINT = rf"(?i)\A\s*POINT\s*\(\s*({_NUMBER})\s+({_NUMBER})\s*\)\s*\z"
_PAIR = rf"\A\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\z"
# The mean radius by which Lucene turns an angle into metres.
_RADIUS = "6371008.7714"
_DEGREE = "0.017453292519943295"
_NAMED = {
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "link_local_unicast": ("169.254.0.0/16", "fe80::/10"),
    "link_local_multicast": ("224.0.0.0/24", "ff02::/16"),
    "interface_local_multicast": ("ff01::/16",),
    "unspecified": ("0.0.0.0/32", "::/128"),
}


def canonical(text: str) -> str | None:
    """Return the one form of an address, as `to_ip` gives it; None for what is none."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _address(use: Use, place: int) -> e.Expr:
    value = use.value(place)
    return v.text(value) if value.kind is Kind.IP else valid_address(use.text(place))


def prefix(use: Use) -> Value:
    """`ip_prefix(ip, bits of IPv4, bits of IPv6)`: the address with the bits after the prefix at zero."""
    four, six = use.constant_whole(1), use.constant_whole(2)
    if four is None or six is None:
        return v.null(Kind.IP)
    if not 0 <= four <= 32 or not 0 <= six <= 128:
        return use.expressions.error("E104", "a prefix has 0 to 32 bits of an IPv4 and 0 to 128 of an IPv6 address", use.span, kind=Kind.IP)
    return Value(call("network.prefix", _address(use, 0), e.whole(four), e.whole(six), span=use.span), Kind.IP)


def direction(use: Use) -> Value:
    """`network_direction(source, destination, internal networks)`: internal, outbound, inbound or external."""
    nets = _networks(use, use.ast(2))
    if nets is None:
        return v.null(Kind.TEXT)
    source, target = _address(use, 0), _address(use, 1)
    from_inside, to_inside = (any_of(*(call("text.cidr_contains", x, e.text(b)) for b in nets)) for x in (source, target))
    missing = any_of(call("logic.is_null", source), call("logic.is_null", target))
    arms = (
        (missing, e.null(Type.STRING)),
        (all_of(from_inside, to_inside), e.text("internal")),
        (from_inside, e.text("outbound")),
        (to_inside, e.text("inbound")),
    )
    return Value(e.Case(arms, e.text("external"), Type.STRING), Kind.TEXT)


def _networks(use: Use, node: Ast) -> list[str] | None:
    items = node.items if isinstance(node, ListOf) else (node,)
    found: list[str] = []
    for item in items:
        name = item.value if isinstance(item, Constant) and isinstance(item.value, str) else None
        if name is None:
            use.expressions.error("E305", "the internal networks must be texts in quotes", item.span, 'write ["private"] or ["10.0.0.0/8"]')
            return None
        if name in _NAMED:
            found += _NAMED[name]
            continue
        try:
            found.append(str(ipaddress.ip_network(name, strict=False)))
        except ValueError:
            known = ", ".join(_NAMED)
            use.expressions.error("E305", f"{name!r} is neither a CIDR block nor a network that is known here", item.span, f"known: {known}")
            return None
    return found


# points


def to_point(use: Use) -> Value:
    """`to_geopoint(text)` of `POINT(longitude latitude)`; null for any other text or a place beyond the Earth."""
    value = use.value(0)
    if value.kind is Kind.POINT:
        return value
    if not value.kind.textual and value.kind not in (Kind.ANY, Kind.NULL):
        use.wrong(0, "keyword", value.kind)
        return v.null(Kind.POINT)
    text = v.text(value)
    x, y = (_part(text, _POINT, i) for i in (1, 2))
    degrees = real_literal("180"), real_literal("90")
    inside = all_of(*(call("compare.le", call("number.abs", n), most) for n, most in zip((x, y), degrees, strict=True)))
    shown = call("text.concat", e.text("POINT ("), call("text.of_java_real", x), e.text(" "), call("text.of_java_real", y), e.text(")"), span=use.span)
    return Value(e.Case(((inside, shown),), e.null(Type.STRING), Type.STRING), Kind.POINT)


def _part(text: e.Expr, pattern: str, group: int) -> e.Expr:
    return call("number.parse_real", call("text.extract_regex", text, e.text(pattern), e.whole(group)))


def _places(use: Use, place: int) -> tuple[e.Expr, e.Expr]:
    """Return longitude and latitude of a point; a field may hold an object, an array or a text of it."""
    value = use.value(place)
    if value.kind is Kind.POINT:
        return _part(value.expr, _POINT, 1), _part(value.expr, _POINT, 2)
    if value.kind not in (Kind.ANY, Kind.NULL):
        use.wrong(place, "geo_point", value.kind)
    if value.kind is not Kind.ANY:
        return e.null(Type.REAL), e.null(Type.REAL)
    json, text = value.expr, call("dynamic.text", value.expr)
    found = []
    for name, at, in_point, in_pair in (("lon", 0, 1, 2), ("lat", 1, 2, 1)):
        stored = [call("dynamic.real", e.Path(json, (step,))) for step in (name, at)]
        found.append(call("logic.coalesce", *stored, _part(text, _POINT, in_point), _part(text, _PAIR, in_pair)))
    return found[0], found[1]


def coordinate(which: int) -> Builder:
    """Return the builder of `st_x`, the longitude, and `st_y`, the latitude."""

    def build(use: Use) -> Value:
        return Value(_places(use, 0)[which], Kind.DOUBLE)

    return build


def distance(use: Use) -> Value:
    """`st_distance(point, point)` in metres, by the haversine as Lucene computes it."""
    (x1, y1), (x2, y2) = _places(use, 0), _places(use, 1)

    def radians(degrees: e.Expr) -> e.Expr:
        return _real("multiply", degrees, real_literal(_DEGREE))

    def bend(angle: e.Expr) -> e.Expr:
        return _real("subtract", real_literal("1"), call("number.cos", angle))

    a, b = radians(y1), radians(y2)
    across = _real("multiply", _real("multiply", call("number.cos", a), call("number.cos", b)), bend(radians(_real("subtract", x1, x2))))
    height = _real("add", bend(_real("subtract", a, b)), across)
    chord = call("compare.least", real_literal("1"), call("number.sqrt", _real("multiply", height, real_literal("0.5"))))
    metres = _real("multiply", real_literal(str(2 * float(_RADIUS))), call("number.asin", chord))
    missing = any_of(*(call("logic.is_null", n) for n in (x1, y1, x2, y2)))
    return Value(e.Case(((missing, e.null(Type.REAL)),), metres, Type.REAL), Kind.DOUBLE)


def _real(word: str, a: e.Expr, b: e.Expr) -> e.Expr:
    return call(f"number.{word}", a, b, type=Type.REAL)
