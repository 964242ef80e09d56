"""DuckDB's spelling of the meanings over text. Its regular expressions are RE2's."""

from __future__ import annotations

import re

from livefire.engines.sql import Printer, Spelling
from livefire.plan import expr as e

Call = e.Call | e.Aggregate | e.WindowCall

# The characters that make up a Kusto term: https://learn.microsoft.com/kusto/query/datatypes-string-operators
_TERM = r"[\p{L}\p{N}]"


def _constant(arg: e.Expr) -> str | None:
    return arg.value if isinstance(arg, e.Literal) and isinstance(arg.value, str) else None


def _fold(template: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        return template.format(*(_lower(printer, a) for a in call.args))

    return spell


def _lower(printer: Printer, arg: e.Expr) -> str:
    constant = _constant(arg)
    return printer.literal(e.text(constant.lower())) if constant is not None else f"lower({printer.expr(arg)})"


def _in_fold(printer: Printer, call: Call) -> str:
    needle, *options = (_lower(printer, a) for a in call.args)
    return f"({needle} IN ({', '.join(options)}))"


def _term(before: bool, after: bool, fold: bool) -> Spelling:
    head = f"(?:^|[^{_TERM[1:-1]}])" if before else ""
    foot = f"(?:$|[^{_TERM[1:-1]}])" if after else ""

    def spell(printer: Printer, call: Call) -> str:
        value, needle = printer.expr(call.args[0]), call.args[1]
        constant = _constant(needle)
        flags = "'is'" if fold else "'s'"
        if constant is not None:
            probe = (
                f"contains(lower({value}), {printer.literal(e.text(constant.lower()))})" if fold else f"contains({value}, {printer.literal(e.text(constant))})"
            )
            pattern = printer.literal(e.text(head + re.escape(constant) + foot))
            return f"({probe} AND regexp_matches({value}, {pattern}, {flags}))"
        pattern = f"({printer.literal(e.text(head))} || regexp_escape({printer.expr(needle)}) || {printer.literal(e.text(foot))})"
        return f"regexp_matches({value}, {pattern}, {flags})"

    return spell


def _flags(printer: Printer, call: Call, position: int) -> str:
    if len(call.args) <= position:
        return ""
    return f", {printer.expr(call.args[position])}"


def _regex(printer: Printer, call: Call) -> str:
    return f"regexp_matches({printer.expr(call.args[0])}, {printer.expr(call.args[1])}{_flags(printer, call, 2)})"


def _extract(printer: Printer, call: Call) -> str:
    value, pattern, group = (printer.expr(a) for a in call.args[:3])
    flags = _flags(printer, call, 3)
    return f"(CASE WHEN regexp_matches({value}, {pattern}{flags}) THEN regexp_extract({value}, {pattern}, CAST({group} AS INTEGER){flags}) END)"


def _extract_all(printer: Printer, call: Call) -> str:
    value, pattern, group = (printer.expr(a) for a in call.args[:3])
    return f"CAST(to_json(regexp_extract_all({value}, {pattern}, CAST({group} AS INTEGER){_flags(printer, call, 3)})) AS VARCHAR)"


def _replace_regex(printer: Printer, call: Call) -> str:
    value, pattern, replacement = (printer.expr(a) for a in call.args[:3])
    constant = _constant(call.args[3]) if len(call.args) > 3 else ""
    return f"regexp_replace({value}, {pattern}, {replacement}, {printer.literal(e.text('g' + (constant or '')))})"


def wildcard_regex(pattern: str) -> str:
    """Return the regular expression of a pattern of * and ?, where a backslash makes the next character plain."""
    out, plain = [], False
    for char in pattern:
        if plain:
            out.append(re.escape(char))
            plain = False
        elif char == "\\":
            plain = True
        else:
            out.append({"*": ".*", "?": "."}.get(char, re.escape(char)))
    return "".join(out) + (re.escape("\\") if plain else "")


def _wildcard(fold: bool) -> Spelling:
    flags = "'is'" if fold else "'s'"

    def spell(printer: Printer, call: Call) -> str:
        pattern = _constant(call.args[1])
        if pattern is None:
            raise ValueError("a wildcard pattern must be constant")
        plain = re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)
        if not re.search(r"(?<!\\)(?:\\\\)*[*?]", pattern):
            value = f"lower({printer.expr(call.args[0])})" if fold else printer.expr(call.args[0])
            return f"({value} = {printer.literal(e.text(plain.lower() if fold else plain))})"
        return f"regexp_full_match({printer.expr(call.args[0])}, {printer.literal(e.text(wildcard_regex(pattern)))}, {flags})"

    return spell


def _join(printer: Printer, call: Call) -> str:
    texts = "list_transform(CAST(json_extract({0}, '$[*]') AS VARCHAR[]), LAMBDA x: json_extract_string(x, '$'))"
    if isinstance(call.args[1], e.Literal):
        return printer.fill(f"list_aggregate({texts}, 'string_agg', {{1}})", call)
    there = f"list_filter({texts}, LAMBDA x: x IS NOT NULL)"
    return printer.fill(f"(CASE WHEN len({there}) > 0 THEN list_reduce({there}, LAMBDA x, y: x || {{1}} || y) END)", call)


def _concat(printer: Printer, call: Call) -> str:
    return "(" + " || ".join(printer.expr(a) for a in call.args) + ")"


def _slice(printer: Printer, call: Call) -> str:
    value, start = (printer.expr(a) for a in call.args[:2])
    length = f", greatest({printer.expr(call.args[2])}, 0)" if len(call.args) > 2 else ""
    return f"substring({value}, {start} + 1{length})"


def _trim(name: str) -> Spelling:
    def spell(printer: Printer, call: Call) -> str:
        return f"{name}({', '.join(printer.expr(a) for a in call.args)})"

    return spell


def _between(printer: Printer, call: Call) -> str:
    value, left, right = (printer.expr(a) for a in call.args[:3])
    greedy, fold = (isinstance(a, e.Literal) and a.value is True for a in call.args[3:])
    low = "lower({})".format if fold else "{}".format
    start = f"(instr({low('s')}, {low('l')}) + length(l))"
    stop = f"(length(t) - instr(reverse({low('t')}), reverse({low('r')})) - length(r) + 1)" if greedy else f"(instr({low('t')}, {low('r')}) - 1)"
    inner = f"CASE WHEN contains({low('t')}, {low('r')}) THEN substring(t, 1, {stop}) ELSE '' END"
    found = f"list_transform([substring(s, {start})], LAMBDA t: {inner})[1]"
    outer = f"CASE WHEN r IS NULL THEN NULL WHEN contains({low('s')}, {low('l')}) THEN {found} WHEN l IS NOT NULL AND s IS NOT NULL THEN '' END"
    return f"list_transform([{value}], LAMBDA s: list_transform([{left}], LAMBDA l: list_transform([{right}], LAMBDA r: {outer})[1])[1])[1]"


FUNCTIONS: dict[str, Spelling] = {
    "text.equals_fold": _fold("({0} = {1})"),
    "text.in_fold": _in_fold,
    "text.contains": "contains({0}, {1})",
    "text.contains_fold": _fold("contains({0}, {1})"),
    "text.starts_with": "starts_with({0}, {1})",
    "text.starts_with_fold": _fold("starts_with({0}, {1})"),
    "text.ends_with": "ends_with({0}, {1})",
    "text.ends_with_fold": _fold("ends_with({0}, {1})"),
    "text.has_term": _term(before=True, after=True, fold=False),
    "text.has_term_fold": _term(before=True, after=True, fold=True),
    "text.has_prefix": _term(before=True, after=False, fold=False),
    "text.has_prefix_fold": _term(before=True, after=False, fold=True),
    "text.has_suffix": _term(before=False, after=True, fold=False),
    "text.has_suffix_fold": _term(before=False, after=True, fold=True),
    "text.matches_regex": _regex,
    "text.extract_regex": _extract,
    "text.extract_all_regex": _extract_all,
    "text.replace_regex": _replace_regex,
    "text.wildcard": _wildcard(fold=False),
    "text.wildcard_fold": _wildcard(fold=True),
    "text.like": "({0} LIKE {1})",
    "text.like_fold": "({0} ILIKE {1})",
    "text.lower": "lower({0})",
    "text.upper": "upper({0})",
    "text.length": "length({0})",
    "text.concat": _concat,
    "text.slice": _slice,
    "text.position": "(instr({0}, {1}) - 1)",
    "text.replace": "replace({0}, {1}, {2})",
    "text.trim": _trim("trim"),
    "text.trim_start": _trim("ltrim"),
    "text.trim_end": _trim("rtrim"),
    "text.reverse": "reverse({0})",
    "text.repeat": "repeat({0}, {1})",
    "text.split": "CAST(to_json(string_split({0}, {1})) AS VARCHAR)",
    "text.join": _join,
    "text.between": _between,
    "text.base64_decode": "TRY(decode(from_base64({0})))",
    "text.base64_encode": "to_base64(encode({0}))",
}
