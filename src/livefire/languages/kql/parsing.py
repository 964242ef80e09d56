"""`parse`, `parse-where` and `parse-kv`. https://learn.microsoft.com/kusto/query/parse-operator

A pattern becomes one RE2 pattern: texts stand for themselves (kind=regex: for patterns), a column for the
least text that lets the rest match, the last column for all that is left. Unless the kind is relaxed, either
every column gets its value or none does.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from livefire.languages.kit.ast import Constant
from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.patterns import fault, group_count
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Relation, Scope, fill
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, call
from livefire.schema import Type

_NUMBER = {
    Type.INT: r"([-+]?\d+)",
    Type.LONG: r"([-+]?\d+)",
    Type.REAL: r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)",
    Type.DECIMAL: r"([-+]?\d+(?:\.\d+)?)",
}
_RELAXED = r"(.*?)"


def parse(scope: Scope, relation: Relation, step: k.Parse) -> Relation:
    """`parse kind=… value with pattern`."""
    if step.kind not in ("simple", "relaxed", "regex"):
        scope.error("E107", f"no parse is of kind {step.kind!r}", step.span, "kinds: simple, relaxed, regex")
        return relation
    value = coerce.to_text(lower_scalar(scope.over(relation), step.value))
    built = _pattern(scope, step)
    if built is None:
        return Relation(relation.plan, open=True)
    pattern, captures = built
    fields = {c.name: _captured(value, pattern, group, c.type) for c, group in captures}
    matched: e.Expr = call("text.matches_regex", value, e.text(pattern), span=step.span)
    if step.kind != "relaxed":
        needed = [matched, *(call("logic.not", call("logic.is_null", fields[c.name])) for c, _ in captures if c.type is not Type.STRING)]
        matched = all_of(*needed)
    # The condition reads the columns before parsing, so it is computed beside the values and not after.
    values = {name: fill(e.Case(((matched, x),), e.null(x.type), x.type)) for name, x in fields.items()}
    plan: n.Plan = relation.plan
    if step.filter:
        plan = n.Filter(plan, matched, step.span)
    items = [n.Item(f.name, values.pop(f.name, e.Column(f.name, f.type))) for f in relation.schema]
    items.extend(n.Item(name, x) for name, x in values.items())
    return relation.with_plan(n.Project(plan, tuple(items), step.span))


def _captured(value: e.Expr, pattern: str, group: int, type: Type) -> e.Expr:
    found = call("text.extract_regex", value, e.text(pattern), e.whole(group))
    return found if type is Type.STRING else coerce.to_type(found, type)


def _pattern(scope: Scope, step: k.Parse) -> tuple[str, list[tuple[k.Capture, int]]] | None:
    """Return the pattern and the group of each column."""
    flags = _flags(scope, step)
    pieces: list[str] = []
    captures: list[tuple[k.Capture, int]] = []
    groups = 0
    for place, part in enumerate(step.parts):
        after = step.parts[place + 1] if place + 1 < len(step.parts) else None
        if isinstance(part, Constant):
            text = str(part.value)
            if step.kind == "regex":
                reason = fault(text)
                if reason:
                    scope.error("E205", f"the pattern cannot be run: {reason}", part.span, "Kusto's patterns are RE2's: no lookaround and no back-references")
                    return None
                groups += group_count(text)
                pieces.append(f"(?:{text})")
            else:
                pieces.append(re.escape(text))
            continue
        if part.skip:
            pieces.append(".*" if step.kind == "regex" else ".*?")
            continue
        if isinstance(after, k.Capture) and part.type is Type.STRING:
            what = "a text column" if after.skip else "two columns"
            scope.error("E201", f"{what} cannot be followed by {'*' if after.skip else 'another'} in a parse pattern", part.span, "put the text between them")
            return None
        groups += 1
        captures.append((part, groups))
        pieces.append(_capture(part, after, step.kind))
    body = "".join(pieces)
    loose = isinstance(step.parts[0], k.Capture) and step.parts[0].skip if step.parts else False
    # A leading * lets the match begin anywhere, a trailing one end anywhere.
    tail = "" if step.parts and isinstance(step.parts[-1], k.Capture) and step.parts[-1].skip else r"\z"
    head = r"\A"
    del loose
    return f"(?{flags}){head}{body}{tail}" if flags else f"{head}{body}{tail}", captures


def _capture(part: k.Capture, after: Constant | k.Capture | None, kind: str) -> str:
    if after is None or (kind == "regex" and part.type not in _NUMBER):
        # Patterns of kind=regex are greedy, as Kusto's are unless the flag U turns them.
        return "(.*)"
    if kind == "relaxed" and isinstance(after, Constant):
        return _RELAXED
    return _NUMBER.get(part.type, _RELAXED)


def _flags(scope: Scope, step: k.Parse) -> str:
    if step.kind != "regex":
        return "s"
    for flag in step.flags:
        if flag not in "imsU":
            scope.error("E107", f"no flag is named {flag!r}", step.span, "flags: i, m, s, U")
    return "".join(dict.fromkeys(f for f in step.flags if f in "imsU"))


def parse_kv(scope: Scope, relation: Relation, step: k.ParseKv) -> Relation:
    """`parse-kv value as (columns) with (pair_delimiter=…, kv_delimiter=…, quote=…, escape=…, greedy=…)`."""
    options = {name: str(c.value) for name, c in step.options}
    if "regex" in options:
        return _parse_pairs(scope, relation, step, options)
    for name in options:
        if name not in ("pair_delimiter", "kv_delimiter", "quote", "escape", "greedy"):
            known = "regex, or pair_delimiter, kv_delimiter, quote, escape, greedy"
            scope.error("E304", f"parse-kv has no option {name}", step.span, f"options: {known}")
            return Relation(relation.plan, open=True)
    if not 0 < len(options.get("quote", '"')) < 3 or len(options.get("escape", "\\")) != 1:
        scope.error("E107", "a quote is one character or two, and the escape is one", step.span)
        return Relation(relation.plan, open=True)
    value = coerce.to_text(lower_scalar(scope.over(relation), step.value))
    values = {column.name: fill(coerce.to_type(_valued(value, column.name, options), column.type)) for column in step.columns}
    items = [n.Item(f.name, values.pop(f.name, e.Column(f.name, f.type))) for f in relation.schema]
    items.extend(n.Item(name, x) for name, x in values.items())
    return relation.with_plan(n.Project(relation.plan, tuple(items), step.span))


def _parse_pairs(scope: Scope, relation: Relation, step: k.ParseKv, options: dict[str, str]) -> Relation:
    """`parse-kv … with (regex=…)`: the first group of each match is a key, the second its value; of a key met again the first value counts."""
    pattern = options["regex"]
    reason = fault(pattern) or ("" if group_count(pattern) == 2 else "it has not the two groups of a key and its value")
    if reason or len(options) > 1:
        code, words = ("E205", f"the pattern cannot be run: {reason}") if reason else ("E304", "regex stands alone among the options of parse-kv")
        scope.error(code, words, step.span, "write it as (key)=(value)")
        return Relation(relation.plan, open=True)
    value = coerce.to_text(lower_scalar(scope.over(relation), step.value))
    held = scope.state.name("pairs")
    plan = n.extend(relation.plan, n.Item(held, call("text.extract_groups", value, e.text(pattern), e.text("[1,2]"), span=step.span)))
    pair = e.Column("pair\x02", Type.DYNAMIC)
    values = {}
    for column in step.columns:
        key = call("compare.eq", coerce.to_text(e.Path(pair, (0,))), e.text(column.name))
        picked = e.Case(((call("logic.is_true", key), e.Path(pair, (1,))),), e.null(Type.DYNAMIC), Type.DYNAMIC)
        found = call("array.map", e.Column(held, Type.DYNAMIC), e.Lambda((pair,), picked))
        values[column.name] = fill(coerce.to_type(coerce.to_text(e.Path(found, (0,))), column.type))
    items = [n.Item(f.name, values.pop(f.name, e.Column(f.name, f.type))) for f in relation.schema]
    items.extend(n.Item(name, x) for name, x in values.items())
    return relation.with_plan(n.Project(plan, tuple(items), step.span))


def _valued(value: e.Expr, name: str, options: dict[str, str]) -> e.Expr:
    """Return the text after a key: quoted, or up to the next delimiter; without delimiters, the word after what is no letter or digit."""
    opening, closing = (options["quote"][0], options["quote"][-1]) if "quote" in options else ("", "")
    escape = re.escape(options["escape"]) if "escape" in options else ""
    key = f"(?:{re.escape(name)}|{re.escape(opening)}{re.escape(name)}{re.escape(closing)})"
    inside = f"(?:[^{re.escape(closing)}{escape}]|{escape}.)*" if escape else f"[^{re.escape(closing)}]*"
    quoted = f"{re.escape(opening)}{inside}{re.escape(closing)}|" if opening else ""
    if "kv_delimiter" not in options:
        pattern = rf"(?s)(?:\A|[^\p{{L}}\p{{N}}]){key}[^\p{{L}}\p{{N}}{re.escape(opening)}]+({quoted}[\p{{L}}\p{{N}}]+)"
    else:
        pair, between = re.escape(options.get("pair_delimiter", " ")), re.escape(options["kv_delimiter"])
        # A greedy value runs up to the next key, whichever it is.
        stop = rf"(?:{pair}[^{pair}{between}]+{between}|\z)" if options.get("greedy", "").lower() == "true" else rf"(?:{pair}|\z)"
        pattern = rf"(?s)(?:\A|{pair})\s*{key}\s*{between}\s*({quoted}.*?){stop}"
    found: e.Expr = call("text.extract_regex", value, e.text(pattern), e.whole(1))
    if opening:
        found = call("text.replace_regex", found, e.text(f"\\A{re.escape(opening)}|{re.escape(closing)}\\z"), e.text(""))
    return call("text.replace_regex", found, e.text(f"(?s){escape}(.)"), e.text("\\1")) if escape else found


STEPS: dict[type, Callable[..., Relation]] = {k.Parse: parse, k.ParseKv: parse_kv}
