"""Text functions. https://learn.microsoft.com/kusto/query/scalar-functions#string-functions"""

from __future__ import annotations

import json
from collections.abc import Callable

from livefire.languages.kit.ast import Apply
from livefire.languages.kql import coerce
from livefire.languages.kql.calls import Scalar, Site, stopped
from livefire.languages.kql.functions_dynamic import read_path
from livefire.languages.kql.nodes import TypeOf
from livefire.languages.kql.patterns import check_regex, group_count, group_names
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import fill
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type


def on_text(meaning: str) -> Scalar:
    """Return the function of a meaning over one text."""
    return Scalar(lambda s: fill(s.call(meaning, s.text(0))), 1, 1)


def _strcat(site: Site) -> e.Expr:
    parts = [site.text(i) for i in range(len(site.args))]
    if all(isinstance(p, e.Literal) for p in parts):
        return e.text("".join(str(p.value) for p in parts if isinstance(p, e.Literal)))
    return site.call("text.concat", *parts)


def _strcat_delim(site: Site) -> e.Expr:
    delimiter = site.text(0)
    parts: list[e.Expr] = []
    for place in range(1, len(site.args)):
        parts.extend([delimiter] if parts else [])
        parts.append(site.text(place))
    return site.call("text.concat", *parts)


def _strcat_array(site: Site) -> e.Expr:
    return fill(site.call("text.join", site.dynamic(0), site.text(1)))


def _substring(site: Site) -> e.Expr:
    value, start = site.text(0), site.index(1)
    if not (isinstance(start, e.Literal) and isinstance(start.value, int) and start.value >= 0):
        # A negative start counts from the end.
        size = call("text.length", value)
        start = e.Case(
            ((call("compare.lt", start, e.whole(0)), call("compare.greatest", call("number.add", size, start, type=Type.LONG), e.whole(0))),), start, Type.LONG
        )
    if site.has(2):
        return fill(site.call("text.slice", value, start, site.index(2)))
    return fill(site.call("text.slice", value, start))


def _indexof(site: Site) -> e.Expr:
    value, needle = site.text(0), site.text(1)
    if not site.has(2):
        return site.call("text.position", value, needle)
    start = site.index(2)
    length = site.index(3) if site.has(3) else e.whole(-1)
    occurrence = site.index(4) if site.has(4) else e.whole(1)
    # A negative start counts from the end.
    size = call("text.length", value)
    from_end = call("compare.greatest", call("number.add", size, start, type=Type.LONG), e.whole(0))
    place = e.Case(((call("compare.lt", start, e.whole(0)), from_end),), start, Type.LONG)
    return site.call("text.position_of", value, needle, place, length, occurrence)


def _split(site: Site) -> e.Expr:
    value, delimiter = site.text(0), site.string(1)
    if isinstance(delimiter, e.Literal) and delimiter.value == "":
        return site.refuse("an empty delimiter is not run", "name the delimiter")
    parts = site.call("text.split", value, delimiter)
    if not site.has(2):
        return parts
    index = site.index(2)
    return call("dynamic.slice", parts, index, index)


def _regex(site: Site, place: int) -> e.Expr:
    return check_regex(site.scope, site.string(place), site.node.args[place].span)


def _extract(site: Site) -> e.Expr:
    """`extract(regex, group, source, typeof(type))`, whose last argument is no value."""
    args = tuple(lower_scalar(site.scope, a.value) for a in site.node.args[:3])
    inner = Site(site.scope, site.node, args)
    pattern = _regex(inner, 0)
    group = inner.long(1) if args[1].type is not Type.STRING else _named_group(inner, pattern)
    if not (isinstance(group, e.Literal) and isinstance(group.value, int) and 0 <= group.value <= 16):
        return site.scope.error("E107", "the capture group is a constant from 0 to 16", site.node.args[1].span)
    if isinstance(group, e.Literal) and isinstance(pattern, e.Literal) and isinstance(group.value, int) and group.value > group_count(str(pattern.value)):
        return e.text("")
    found = fill(site.call("text.extract_regex", inner.string(2), pattern, group))
    if len(site.node.args) == 4:
        kind = site.node.args[3].value
        if isinstance(kind, TypeOf):
            return coerce.to_type(found, kind.type)
        return site.scope.error("E104", "the fourth argument is typeof(…)", site.node.args[3].span)
    return found


def _named_group(site: Site, pattern: e.Expr) -> e.Expr:
    names = group_names(str(pattern.value)) if isinstance(pattern, e.Literal) else {}
    return e.whole(names.get(site.constant_text(1), 0))


_MATCH = e.Column("match\x02", Type.DYNAMIC)


def _extract_all(site: Site) -> e.Expr:
    pattern = _regex(site, 0)
    if not isinstance(pattern, e.Literal):
        return site.refuse("the pattern must be constant")
    count = group_count(str(pattern.value))
    groups = _chosen_groups(site, str(pattern.value)) if len(site.args) == 3 else list(range(1, count + 1))
    if not groups:
        site.scope.context.quirk(107, "the pattern has no capture group", span=site.node.args[0].span, help="put what is wanted into parentheses")
        groups = [0]
    value = site.string(len(site.args) - 1)
    if len(groups) == 1:
        found = site.call("text.extract_all_regex", value, pattern, e.whole(groups[0]))
        if groups[0] and any(x in str(pattern.value) for x in "?*|{"):
            # A group that a match does not use is the empty text.
            used = call("logic.null_if", _MATCH, e.Literal("null", Type.DYNAMIC))
            found = call("array.map", found, e.Lambda((_MATCH,), call("logic.coalesce", used, e.Literal('""', Type.DYNAMIC), type=Type.DYNAMIC)))
    else:
        found = site.call("text.extract_groups", value, pattern, e.text(json.dumps(groups)))
    # No match gives null, not an empty array.
    return call("logic.null_if", found, e.Literal("[]", Type.DYNAMIC))


def _chosen_groups(site: Site, pattern: str) -> list[int]:
    chosen = site.args[1]
    listed = json.loads(str(chosen.value)) if isinstance(chosen, e.Literal) and chosen.type is Type.DYNAMIC and chosen.value is not None else None
    if not isinstance(listed, list) or not all(isinstance(g, (str, int)) for g in listed):
        site.refuse("the groups must be a constant array of numbers and names")
        return [0]
    names = group_names(pattern)
    return [names.get(g, 0) if isinstance(g, str) else int(g) for g in listed]


def _replace_regex(order: tuple[int, int, int]) -> Callable[[Site], e.Expr]:
    def lower(site: Site) -> e.Expr:
        value, pattern, rewrite = order
        return fill(site.call("text.replace_regex", site.string(value), _regex(site, pattern), site.string(rewrite)))

    return lower


def _replace_string(site: Site) -> e.Expr:
    needle = site.text(1)
    if isinstance(needle, e.Literal) and needle.value == "":
        return site.text(0)
    return fill(site.call("text.replace", site.text(0), needle, site.text(2)))


def _replace_strings(site: Site) -> e.Expr:
    found, olds, news = site.text(0), site.args[1], site.args[2]
    if not (isinstance(olds, e.Literal) and isinstance(news, e.Literal) and olds.type is news.type is Type.DYNAMIC):
        return site.refuse("both lists must be constant arrays", "write them with dynamic([...])")
    old_texts, new_texts = (json.loads(str(x.value)) if x.value is not None else None for x in (olds, news))
    if not isinstance(old_texts, list) or not isinstance(new_texts, list) or len(old_texts) != len(new_texts):
        return site.scope.error("E107", "both lists must have the same length", site.span)
    for old, new in zip(old_texts, new_texts, strict=True):
        found = call("text.replace", found, e.text(str(old)), e.text(str(new)))
    return found


def _trim(start: bool, end: bool) -> Callable[[Site], e.Expr]:
    def lower(site: Site) -> e.Expr:
        pattern, found = _regex(site, 0), site.string(1)
        if start:
            found = site.call(
                "text.replace_regex",
                found,
                call("text.concat", e.text("\\A(?:"), pattern, e.text(")+")) if not isinstance(pattern, e.Literal) else e.text(f"\\A(?:{pattern.value})+"),
                e.text(""),
            )
        if end:
            found = site.call(
                "text.replace_regex",
                found,
                call("text.concat", e.text("(?:"), pattern, e.text(")+\\z")) if not isinstance(pattern, e.Literal) else e.text(f"(?:{pattern.value})+\\z"),
                e.text(""),
            )
        return fill(found)

    return lower


def _countof(site: Site) -> e.Expr:
    kind = site.constant_text(2) if site.has(2) else "normal"
    if kind == "regex":
        return site.call("text.count_regex", site.string(0), _regex(site, 1))
    return site.call("text.count_of", site.string(0), site.string(1))


def _translate(site: Site) -> e.Expr:
    old, new = site.constant_text(0), site.constant_text(1)
    if new and len(new) < len(old):
        new += new[-1] * (len(old) - len(new))
    return fill(site.call("text.translate", site.string(2), e.text(old), e.text(new)))


def _strcmp(site: Site) -> e.Expr:
    a, b = site.text(0), site.text(1)
    return e.Case(((call("compare.lt", a, b), e.whole(-1)), (call("compare.gt", a, b), e.whole(1))), e.whole(0), Type.LONG)


def _strrep(site: Site) -> e.Expr:
    """More than 1024 times is 1024 times: https://learn.microsoft.com/kusto/query/strrep-function"""
    value, delimiter = site.text(0), site.text(2) if site.has(2) else e.text("")
    count = call("compare.least", call("compare.greatest", site.index(1), e.whole(0)), e.whole(1024))
    found = site.call("text.repeat", call("text.concat", value, delimiter), count)
    if not site.has(2):
        return fill(found)
    kept = call("number.subtract", call("text.length", found), call("text.length", delimiter), type=Type.LONG)
    return fill(call("text.slice", found, e.whole(0), call("compare.greatest", kept, e.whole(0))))


def _tohex(site: Site) -> e.Expr:
    value = site.args[0]
    number = site.long(0)
    if value.type is Type.INT:
        number = call("number.bit_and", number, e.whole(0xFFFFFFFF))
    shown = fill(site.call("encode.hex", number))
    return fill(call("text.pad_left", shown, site.index(1), e.text("0"))) if site.has(1) else shown


def _hash(meaning: str) -> Scalar:
    return Scalar(lambda s: fill(s.call(meaning, s.text(0))), 1, 1)


def _hashed(site: Site) -> e.Expr:
    """XXH64 of a text's bytes, or of the eight bytes of a number: https://learn.microsoft.com/kusto/query/hash-function"""
    value = site.args[0]
    match value.type:
        case Type.STRING | Type.LONG:
            plain = value
        case Type.DATETIME:
            plain = call("convert.datetime_ticks", value)
        case Type.TIMESPAN:
            plain = call("logic.cast", value, type=Type.LONG)
        case _:
            return site.refuse(f"which bytes of a {value.type.value} Kusto hashes is not documented", "hash tostring(x)")
    found = site.call("encode.xxhash64", plain)
    return call("number.modulo_positive", found, coerce.narrow(site.long(1), Type.LONG), type=Type.LONG) if site.has(1) else found


def _extract_json(site: Site) -> e.Expr:
    """`extract_json(path, text, typeof(type))` with a constant path such as `$.a.b[0]`."""
    args = tuple(lower_scalar(site.scope, a.value) for a in site.node.args[:2])
    inner = Site(site.scope, site.node, args)
    path = inner.constant_text(0)
    steps = read_path(path)
    source = args[1] if args[1].type is Type.DYNAMIC else call("dynamic.try_parse", inner.string(1))
    if steps is None:
        # What the service makes of another path is not documented; where there is no JSON it has nothing to make it of.
        site.scope.context.diagnostics.warn(
            "W107", f"the path {path!r} is not one that is read here: a run ends that meets JSON", site.span, help="write $.a.b or $['a'][0]"
        )
        known = call("logic.not", call("logic.is_null", source))
        return fill(stopped(known, "extract_json: the path is not one that is read", Type.STRING))
    found = fill(call("dynamic.text", e.Path(source, tuple(steps)))) if steps else coerce.to_text(source)
    if len(site.node.args) == 3 and isinstance(site.node.args[2].value, TypeOf):
        return coerce.to_type(found, site.node.args[2].value.type)
    return found


def _url_encode(site: Site) -> e.Expr:
    return fill(call("text.replace", site.call("encode.url", site.string(0)), e.text("%20"), e.text("+")))


def _parse_query(site: Site) -> e.Expr:
    return site.call("dynamic.object", e.text("Query Parameters"), site.call("encode.parse_query", site.string(0)))


def _has_any_index(site: Site) -> e.Expr:
    return site.call("array.first_term_fold", site.string(0), site.dynamic(1))


def _parse_path(site: Site) -> e.Expr:
    """The parts of a Windows or Unix path."""
    value = site.string(0)

    def part(pattern: str, group: int = 1) -> e.Expr:
        return fill(call("text.extract_regex", value, e.text(pattern), e.whole(group)))

    return site.call(
        "dynamic.object",
        e.text("Scheme"), part(r"^([A-Za-z][A-Za-z0-9+.-]+)://"),
        e.text("RootPath"), part(r"^([A-Za-z]:)"),
        e.text("DirectoryPath"), part(r"^(?:[A-Za-z][A-Za-z0-9+.-]+://)?((?s:.*))[/\\][^/\\]*$"),
        e.text("DirectoryName"), part(r"([^/\\]*)[/\\][^/\\]*$"),
        e.text("Filename"), part(r"([^/\\]*)$"),
        e.text("Extension"), part(r"\.([^./\\:]*)$"),
        e.text("AlternateDataStreamName"), part(r"[^/\\]:([^/\\:]*)$"),
    )  # fmt: skip


def _from_code_points(site: Site) -> e.Expr:
    if len(site.args) == 1 and site.args[0].type is Type.DYNAMIC:
        return fill(site.call("encode.from_code_points", site.args[0]))
    parts = [a if a.type is Type.DYNAMIC else call("dynamic.array", coerce.to_long(a)) for a in site.args]
    return fill(site.call("encode.from_code_points", call("dynamic.concat", *parts)))


def _regex_quote(site: Site) -> e.Expr:
    return fill(site.call("text.replace_regex", site.string(0), e.text(r"([.\\+*?\[^\]$(){}=!<>|:\-#])"), e.text(r"\\\1")))


TEXT: dict[str, Scalar] = {
    "strcat": Scalar(_strcat, 1, 64), "strcat_delim": Scalar(_strcat_delim, 2, 64), "strcat_array": Scalar(_strcat_array, 2, 2),
    "array_strcat": Scalar(_strcat_array, 2, 2), "strlen": Scalar(lambda s: s.call("text.length", s.string(0)), 1, 1),
    "string_size": Scalar(lambda s: s.call("text.bytes", s.string(0)), 1, 1), "tolower": on_text("text.lower"), "toupper": on_text("text.upper"),
    "substring": Scalar(_substring, 2, 3), "indexof": Scalar(_indexof, 2, 5), "reverse": on_text("text.reverse"), "split": Scalar(_split, 2, 3),
    "extract": Scalar(_extract, 3, 4, raw=True), "extract_all": Scalar(_extract_all, 2, 3), "extractall": Scalar(_extract_all, 2, 3),
    "extract_json": Scalar(_extract_json, 2, 3, raw=True), "extractjson": Scalar(_extract_json, 2, 3, raw=True),
    "replace": Scalar(_replace_regex((2, 0, 1)), 3, 3), "replace_regex": Scalar(_replace_regex((0, 1, 2)), 3, 3),
    "replace_string": Scalar(_replace_string, 3, 3), "replace_strings": Scalar(_replace_strings, 3, 3), "trim": Scalar(_trim(True, True), 2, 2),
    "trim_start": Scalar(_trim(True, False), 2, 2), "trim_end": Scalar(_trim(False, True), 2, 2), "countof": Scalar(_countof, 2, 3),
    "translate": Scalar(_translate, 3, 3), "strcmp": Scalar(_strcmp, 2, 2), "strrep": Scalar(_strrep, 2, 3), "tohex": Scalar(_tohex, 1, 2),
    "hash": Scalar(_hashed, 1, 2), "hash_xxhash64": Scalar(_hashed, 1, 2),
    "hash_md5": _hash("encode.md5"), "hash_sha1": _hash("encode.sha1"), "hash_sha256": _hash("encode.sha256"),
    "base64_decode_tostring": on_text("text.base64_decode"), "base64_decodestring": on_text("text.base64_decode"),
    "base64_encode_tostring": on_text("text.base64_encode"), "base64_encodestring": on_text("text.base64_encode"),
    "base64_decode_toarray": Scalar(lambda s: s.call("encode.base64_bytes", s.string(0)), 1, 1), "url_decode": on_text("encode.url_decode"),
    "url_encode_component": on_text("encode.url"), "url_encode": Scalar(_url_encode, 1, 1),
    "parse_url": Scalar(lambda s: s.call("encode.parse_url", s.string(0)), 1, 1), "parseurl": Scalar(lambda s: s.call("encode.parse_url", s.string(0)), 1, 1),
    "parse_urlquery": Scalar(_parse_query, 1, 1), "parseurlquery": Scalar(_parse_query, 1, 1),
    "parse_csv": Scalar(lambda s: s.call("encode.csv_row", s.string(0)), 1, 1), "parse_path": Scalar(_parse_path, 1, 1),
    "has_any_index": Scalar(_has_any_index, 2, 2),
    "unicode_codepoints_from_string": Scalar(lambda s: s.call("encode.code_points", s.text(0)), 1, 1),
    "to_utf8": Scalar(lambda s: s.call("encode.code_points", s.text(0)), 1, 1), "unicode_codepoints_to_string": Scalar(_from_code_points, 1, None),
    "make_string": Scalar(_from_code_points, 1, None), "regex_quote": Scalar(_regex_quote, 1, 1),
    "isascii": Scalar(lambda s: s.call("text.matches_regex", s.text(0), e.text(r"\A[\x00-\x7F]*\z")), 1, 1),
    "isutf8": Scalar(lambda _: e.TRUE, 1, 1),
}  # fmt: skip

__all__ = ["TEXT", "Apply", "all_of", "any_of", "negate"]
