"""Functions that read and write whole formats: versions, guids as bytes, IPv6 addresses, XML, command lines."""

from __future__ import annotations

import re

from livefire.languages.kit.ast import Name
from livefire.languages.kql import coerce, operators
from livefire.languages.kql.calls import Scalar, Site
from livefire.languages.kql.patterns import check_regex
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import fill
from livefire.languages.kql.sources import lower_source
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type


def _digits(value: e.Expr) -> e.Expr:
    return call("address.ipv6_digits", value)


def _least(site: Site, texts: list[e.Expr], given: int | None) -> e.Expr:
    """Return the least prefix; one that is written as an argument counts as IPv4's where both addresses are that."""
    prefixes: list[e.Expr] = [call("address.ipv6_prefix", x) for x in texts]
    if given is not None and site.has(given):
        count = site.index(given)
        mapped = [negate(call("text.contains", x, e.text(":"))) for x in texts]
        wide = call("number.add", count, e.whole(96), type=Type.LONG)
        prefixes.append(e.Case(((all_of(*mapped, call("compare.le", count, e.whole(32))), wide),), count, Type.LONG))
    # The least of prefixes is null where one is none.
    known = negate(any_of(*(call("logic.is_null", p) for p in prefixes)))
    return e.Case(((known, call("compare.least", *prefixes, type=Type.LONG)),), e.null(Type.LONG), Type.LONG)


def compare(site: Site, first: e.Expr, second: e.Expr, given: int | None = None) -> e.Expr:
    """Return -1, 0 or 1 for two addresses, IPv4 ones mapped into IPv6; null when one is none."""
    least = _least(site, [first, second], given)
    a, b = (site.call("address.digits_cut", _digits(x), least) for x in (first, second))
    whens = ((call("compare.lt", a, b), e.whole(-1)), (call("compare.gt", a, b), e.whole(1)), (call("compare.eq", a, b), e.whole(0)))
    return e.Case(whens, e.null(Type.LONG), Type.LONG)


def _compare(site: Site) -> e.Expr:
    return compare(site, site.string(0), site.string(1), 2)


def _match(site: Site) -> e.Expr:
    return call("compare.eq", _compare(site), e.whole(0))


def _in_range(site: Site) -> e.Expr:
    return call("compare.eq", compare(site, site.string(0), site.string(1)), e.whole(0))


def _parse(site: Site) -> e.Expr:
    """The address cut to its prefix, as eight groups; an empty text when it is none."""
    value = site.string(0)
    prefix: e.Expr = call("address.ipv6_prefix", value)
    if site.has(1):
        prefix = _least(site, [value], 1)
    return fill(call("address.digits_text", call("address.digits_cut", _digits(value), prefix)))


def _cidr_list(site: Site) -> e.Expr:
    ends = [call("address.ipv4_number", site.string(i)) for i in range(2)]
    return site.call("address.cidr_list", *ends)


def _command_line(site: Site) -> e.Expr:
    parser = site.constant_text(1)
    if parser.lower() != "windows":
        return site.scope.error("E107", f"no parser is named {parser!r}", site.node.args[1].span, "the parser is 'windows'")
    return site.call("text.command_line", site.string(0))


def _index_of_regex(site: Site) -> e.Expr:
    """The place of a match: for later ones, what stands before and in the earlier ones is cut off first."""
    value, pattern = site.string(0), check_regex(site.scope, site.string(1), site.node.args[1].span)
    start, length, occurrence = site.constant_long(2, 0), site.constant_long(3, -1), site.constant_long(4, 1)
    if start < 0 or length < -1 or occurrence < 1:
        return e.null(Type.LONG)
    if not isinstance(pattern, e.Literal) or occurrence > 16:
        return site.refuse("the pattern must be constant and the occurrence at most 16")
    text = str(pattern.value)
    if (occurrence > 1 or start) and re.search(r"\^|\\[bBA]", text):
        return site.refuse("a pattern that looks at what stands before is run for the first occurrence from the start only")
    searched = call("text.slice", value, e.whole(start), *([e.whole(length)] if length >= 0 else []))
    rest: e.Expr = searched
    for _ in range(occurrence - 1):
        rest = call("text.replace_regex", rest, e.text(rf"\A(?s:.*?)(?:{text})"), e.text(""))
        rest = e.Case(((call("text.matches_regex", rest, e.text(text)), rest),), e.text(""), Type.STRING)
    before = call("text.length", fill(call("text.extract_regex", rest, e.text(rf"\A((?s:.*?))(?:{text})"), e.whole(1))))
    gone = call("number.subtract", call("text.length", searched), call("text.length", rest), type=Type.LONG)
    place = call("number.add", call("number.add", before, gone, type=Type.LONG), e.whole(start), type=Type.LONG)
    return e.Case(((site.call("text.matches_regex", rest, e.text(text)), place),), e.whole(-1), Type.LONG)


def _assert(site: Site) -> e.Expr:
    """True, or the end of the run with the message."""
    condition = operators.truth(site.scope, site.args[0], site.node.args[0].span)
    return negate(site.call("logic.fail_if", negate(call("logic.is_true", condition)), site.string(1)))


def _column_names(site: Site) -> e.Expr:
    """The names of a table's columns, as a constant."""
    import json

    relation = lower_source(site.scope.bare(), site.node.args[0].value)
    return e.null(Type.DYNAMIC) if relation.open else e.Literal(json.dumps(list(relation.schema.names), ensure_ascii=False), Type.DYNAMIC)


def _is_column(site: Site) -> e.Expr:
    name = site.node.args[0].value
    text = e.text(name.text) if isinstance(name, Name) else lower_scalar(site.scope, name)
    if not isinstance(text, e.Literal):
        return site.scope.error("E107", "the column's name must be a constant text", site.node.args[0].span)
    return e.Literal(text.value in site.scope.columns, Type.BOOL)


def _around(site: Site) -> e.Expr:
    """`value` within `delta` of `center`, both ends included."""
    value, center, delta = site.args
    span = site.span
    low, high = operators.subtract(site.scope, center, delta, span), operators.add(site.scope, center, delta, span)
    return operators.between(site.scope, value, low, high, span, False)


FORMATS: dict[str, Scalar] = {
    "parse_version": Scalar(lambda s: s.call("convert.version", s.string(0)), 1, 1),
    "base64_encode_fromarray": Scalar(lambda s: fill(s.call("encode.base64_of_bytes", s.dynamic(0))), 1, 1),
    "base64_encode_fromguid": Scalar(lambda s: fill(s.call("encode.base64_of_guid", coerce.to_guid(s.args[0]))), 1, 1),
    "base64_decode_toguid": Scalar(lambda s: s.call("encode.guid_of_base64", s.string(0)), 1, 1),
    "ipv6_compare": Scalar(_compare, 2, 3), "ipv6_is_match": Scalar(_match, 2, 3), "ipv6_is_in_range": Scalar(_in_range, 2, 2),
    "parse_ipv6": Scalar(_parse, 1, 1), "parse_ipv6_mask": Scalar(_parse, 2, 2), "ipv4_range_to_cidr_list": Scalar(_cidr_list, 2, 2),
    "parse_command_line": Scalar(_command_line, 2, 2), "parse_xml": Scalar(lambda s: s.call("dynamic.of_xml", s.string(0)), 1, 1),
    "indexof_regex": Scalar(_index_of_regex, 2, 5), "assert": Scalar(_assert, 2, 2), "column_names_of": Scalar(_column_names, 1, 1, raw=True),
    "iscolumnexists": Scalar(_is_column, 1, 1, raw=True), "around": Scalar(_around, 3, 3),
    "treepath": Scalar(lambda s: s.call("dynamic.schema_paths", s.dynamic(0)), 1, 1),
}  # fmt: skip
