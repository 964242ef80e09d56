"""Address functions. https://learn.microsoft.com/kusto/query/scalar-functions#ipv4ipv6-functions"""

from __future__ import annotations

import json
from collections.abc import Callable

from livefire.languages.kql import coerce
from livefire.languages.kql.calls import Scalar, Site
from livefire.languages.kql.functions_formats import compare as compare_v6
from livefire.languages.kql.scope import fill
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


def compare(site: Site, first: e.Expr, second: e.Expr, prefix: e.Expr | None = None) -> e.Expr:
    """Return -1, 0 or 1 for two IPv4 addresses; null when one is none."""
    return site.call("address.ipv4_compare", first, second, prefix if prefix is not None else e.whole(32))


def same(site: Site, first: e.Expr, second: e.Expr, prefix: e.Expr | None = None) -> e.Expr:
    """Return whether two IPv4 addresses are one as far as their prefixes go; null when one is none."""
    return call("compare.eq", compare(site, first, second, prefix), e.whole(0))


def _compare(site: Site) -> e.Expr:
    return compare(site, site.string(0), site.string(1), site.index(2) if site.has(2) else None)


def _match(site: Site) -> e.Expr:
    return same(site, site.string(0), site.string(1), site.index(2) if site.has(2) else None)


def _private(site: Site) -> e.Expr:
    value = site.string(0)
    known = call("logic.is_null", call("address.ipv4_number", value))
    return e.Case(((known, e.null(Type.BOOL)),), any_of(*(same(site, value, e.text(block)) for block in _PRIVATE)), Type.BOOL)


_ELEMENT = e.Column("element\x02", Type.DYNAMIC)


def _texts(site: Site, first: int) -> tuple[list[e.Expr], list[e.Expr]]:
    """Return the texts given one by one or in constant arrays, and the arrays that are known only when the query runs."""
    found: list[e.Expr] = []
    arrays: list[e.Expr] = []
    for value in site.args[first:]:
        if value.type is Type.DYNAMIC and not isinstance(value, e.Literal):
            arrays.append(value)
        elif value.type is Type.DYNAMIC:
            listed = json.loads(str(value.value)) if isinstance(value, e.Literal) and value.value is not None else []
            found.extend(e.text(str(x)) for x in (listed if isinstance(listed, list) else [listed]))
        else:
            found.append(coerce.to_text(value))
    return found, arrays


def _any(site: Site, holds: Callable[[e.Expr], e.Expr]) -> e.Expr:
    """Return whether a condition holds for any text from the second argument on; no array holds none."""
    texts, arrays = _texts(site, 1)
    passed = e.Case(((call("logic.is_true", holds(call("dynamic.text", _ELEMENT))), e.Literal("true", Type.DYNAMIC)),), e.null(Type.DYNAMIC), Type.DYNAMIC)
    counts = [call("array.length", call("array.map", a, e.Lambda((_ELEMENT,), passed))) for a in arrays]
    return any_of(*(call("logic.is_true", holds(t)) for t in texts), *(call("compare.gt", c, e.whole(0)) for c in counts))


def _in_any_range(site: Site) -> e.Expr:
    value = site.string(0)
    return _any(site, lambda block: same(site, value, block))


def _v6_any_range(site: Site) -> e.Expr:
    value = site.string(0)

    def inside(block: e.Expr) -> e.Expr:
        if isinstance(block, e.Literal):
            return call("text.cidr_contains", value, block)
        return call("compare.eq", compare_v6(site, value, block), e.whole(0))

    return _any(site, inside)


def _in_text(site: Site) -> e.Expr:
    value = site.string(0)
    return _any(site, lambda a: all_of(negate(call("logic.is_null", call("address.ipv4_number", a))), call("address.in_text", value, a)))


def _prefix_in_text(site: Site) -> e.Expr:
    prefixes, arrays = _texts(site, 1)
    if arrays or not all(isinstance(p, e.Literal) for p in prefixes):
        return site.refuse("the prefixes must be constant")
    found: list[e.Expr] = []
    for prefix in prefixes:
        text = str(prefix.value) if isinstance(prefix, e.Literal) else ""
        octet = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
        given = [p for p in text.split(".") if p]
        if not given or len(given) > 4 or not (text.endswith(".") or len(given) == 4):
            found.append(e.FALSE)
            continue
        rest = "".join(rf"\.{octet}" for _ in range(4 - len(given)))
        pattern = r"(?:^|[^\p{L}\p{N}.]|[^\p{N}]\.)" + r"\.".join(given) + rest + r"(?:$|[^\p{L}\p{N}])"
        found.append(call("text.matches_regex", site.string(0), e.text(pattern)))
    return any_of(*found)


def _format(mask: bool) -> Scalar:
    def lower(site: Site) -> e.Expr:
        value = site.args[0]
        text = coerce.to_text(value)
        number = coerce.narrow(value, Type.LONG) if value.type.integral else call("address.ipv4_number", text)
        own = e.whole(32) if value.type.integral else call("address.ipv4_prefix", text)
        given = site.index(1) if site.has(1) else e.whole(32)
        least = call("compare.least", own, coerce.narrow(given, Type.LONG))
        shown = call("address.ipv4_text", number, least)
        found = call("text.concat", shown, e.text("/"), call("number.text", least)) if mask else shown
        return fill(found)

    return Scalar(lower, 2 if mask else 1, 2)


def _parse_mask(site: Site) -> e.Expr:
    number = call("address.ipv4_number", site.string(0))
    cut = call("address.ipv4_text", number, site.index(1))
    return call("address.ipv4_number", cut)


NETWORK: dict[str, Scalar] = {
    "ipv4_compare": Scalar(_compare, 2, 3), "ipv4_is_match": Scalar(_match, 2, 3), "ipv4_is_in_range": Scalar(_match, 2, 2),
    "ipv4_is_private": Scalar(_private, 1, 1),
    "ipv4_is_in_any_range": Scalar(_in_any_range, 2, None),
    "ipv6_is_in_any_range": Scalar(_v6_any_range, 2, None), "has_ipv4": Scalar(_in_text, 2, 2),
    "has_any_ipv4": Scalar(_in_text, 2, None), "has_ipv4_prefix": Scalar(_prefix_in_text, 2, 2), "has_any_ipv4_prefix": Scalar(_prefix_in_text, 2, None),
    "parse_ipv4": Scalar(lambda s: s.call("address.ipv4_number", s.string(0)), 1, 1), "parse_ipv4_mask": Scalar(_parse_mask, 2, 2),
    "ipv4_netmask_suffix": Scalar(lambda s: s.call("address.ipv4_prefix", s.string(0)), 1, 1), "format_ipv4": _format(False), "format_ipv4_mask": _format(True),
}  # fmt: skip
