"""Functions over fields of several values.

https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/MultivalueEvalFunctions
"""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Apply, Ast, Name
from livefire.languages.spl.evaluating import Evaluator, Function
from livefire.languages.spl.json_paths import path_steps, reached
from livefire.languages.spl.mentions import names_in
from livefire.languages.spl.regexes import read_pattern
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.times import span_of
from livefire.languages.spl.values import constant_text, is_multi, multi_of, not_null, real_of, text_of, tidy
from livefire.plan import expr as e
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import call
from livefire.schema import Type

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _first(v: Evaluator, ast: Apply) -> Expr:
    return multi_of(v.value(ast.args[0].value))


def _count(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    if is_multi(value):
        return call("dynamic.length", value, span=ast.span)
    return Case(((not_null(value), e.whole(1)),), e.null(Type.LONG), Type.LONG)


def _place(v: Evaluator, ast: Ast) -> Expr:
    value = v.value(ast)
    return value if value.type is Type.LONG else call("number.to_long", v.number(value, ast.span))


def _index(v: Evaluator, ast: Apply) -> Expr:
    """One value by its place from 0, from the end where negative; with a third argument all from one place to another."""
    value = _first(v, ast)
    start = _place(v, ast.args[1].value)
    if len(ast.args) == 3:
        found = tidy(call("dynamic.slice", value, start, _place(v, ast.args[2].value), span=ast.span))
        before = call("compare.lt", call("number.add", call("dynamic.length", value), start, type=Type.LONG), e.whole(0))
        return Case(((before, e.null(Type.DYNAMIC)),), found, Type.DYNAMIC)
    if isinstance(start, e.Literal) and isinstance(start.value, int):
        return call("dynamic.text", e.Path(value, (start.value,)), span=ast.span)
    return call("dynamic.text", call("dynamic.element", value, start), span=ast.span)


def _find(v: Evaluator, ast: Apply) -> Expr:
    return call("list.position_regex", _first(v, ast), pattern_of(v, ast.args[1].value), span=ast.span)


def pattern_of(v: Evaluator, ast: Ast) -> Expr:
    """Return a pattern as RE2: a constant is checked, a field must be right by itself."""
    value = v.value(ast)
    constant = constant_text(value)
    if constant is None:
        v.scope.warn("W159", "the pattern comes from a field: it is read as RE2, and a malformed one ends the run", ast.span)
        return text_of(value)
    return e.text(read_pattern(constant, ast.span, v.scope.context.diagnostics))


def _element(v: Evaluator, name: str) -> tuple[e.Column, Evaluator]:
    item = e.Column(v.scope.name("item"), Type.DYNAMIC)
    return item, Evaluator(v.scope, v.frame, {**v.bound, name: call("dynamic.text", item)})


def _only_name(v: Evaluator, ast: Ast, span: Span) -> str:
    names = {n for n in names_in(ast) if v.frame.has(n) or n in v.bound} or names_in(ast)
    if len(names) != 1:
        v.scope.refuse("E104", f"the condition of mvfilter() names one field, not {len(names)}", span)
    return names.pop()


def _filter(v: Evaluator, ast: Apply) -> Expr:
    condition = ast.args[0].value
    name = _only_name(v, condition, ast.span)
    item, inner = _element(v, name)
    value = multi_of(v.value(Name(name, condition.span, quoted=True)))
    return tidy(call("list.filter", value, e.Lambda((item,), inner.condition(condition)), span=ast.span))


def _map(v: Evaluator, ast: Apply) -> Expr:
    source, body = ast.args[0].value, ast.args[1].value
    if not isinstance(source, Name):
        v.scope.refuse("E305", "mvmap() takes a field", source.span, help="assign the list to a field first")
    item, inner = _element(v, source.text)
    value = inner.value(body)
    if is_multi(value):
        v.scope.refuse("E305", "the expression of mvmap() gives one value for each", body.span)
    return tidy(call("array.map", multi_of(v.value(source)), e.Lambda((item,), call("dynamic.of", text_of(value))), span=ast.span))


def _zip(v: Evaluator, ast: Apply) -> Expr:
    delimiter = constant_text(v.value(ast.args[2].value)) if len(ast.args) > 2 else ","
    if delimiter is None:
        v.scope.refuse("E305", "mvzip() takes a constant delimiter", ast.args[2].value.span)
    return tidy(call("list.zip", _first(v, ast), multi_of(v.value(ast.args[1].value)), e.text(delimiter), span=ast.span))


def _append(v: Evaluator, ast: Apply) -> Expr:
    return tidy(call("dynamic.concat", *(multi_of(v.value(a.value)) for a in ast.args), span=ast.span))


def _join(v: Evaluator, ast: Apply) -> Expr:
    value, delimiter = v.value(ast.args[0].value), v.value(ast.args[1].value)
    if not is_multi(value):
        return text_of(value)
    return call("text.join", value, v.text(delimiter, ast.args[1].value.span), span=ast.span)


def _dedup(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    return tidy(call("array.distinct", value, span=ast.span)) if is_multi(value) else value


def _sort(v: Evaluator, ast: Apply) -> Expr:
    value = v.value(ast.args[0].value)
    return tidy(call("array.sorted_text", value, e.FALSE, span=ast.span)) if is_multi(value) else value


def _split(v: Evaluator, ast: Apply) -> Expr:
    delimiter = constant_text(v.value(ast.args[1].value))
    if not delimiter:
        v.scope.refuse("E305", "split() takes a constant delimiter that is not empty", ast.args[1].value.span)
    return call("text.split", v.text(v.value(ast.args[0].value), ast.args[0].value.span), e.text(delimiter), span=ast.span)


def _range(v: Evaluator, ast: Apply) -> Expr:
    """Numbers from the first up to the second, which is not among them; the step may be a span of time such as 7d."""
    start, stop = (real_of(v.number(v.value(a.value), a.value.span)) for a in ast.args[:2])
    step: Expr = e.Literal(1.0, Type.REAL)
    if len(ast.args) == 3:
        value = v.value(ast.args[2].value)
        written = span_of(constant_text(value) or "")
        if written is not None and written[1] in _SECONDS:
            step = e.Literal(written[0] * _SECONDS[written[1]], Type.REAL)
        else:
            step = real_of(v.number(value, ast.args[2].value.span))
    item = e.Column(v.scope.name("item"), Type.DYNAMIC)
    number = call("dynamic.real", item)
    before = call("list.filter", call("array.range", start, stop, step, span=ast.span), e.Lambda((item,), call("compare.lt", number, stop)))
    return tidy(call("array.map", before, e.Lambda((item,), call("dynamic.of", text_of(number)))))


def member(value: Expr, path: str, span: Span, scope: Scope) -> Expr:
    """Return what spath finds at a path of a JSON text: text, several values, or an object as its JSON text."""
    document = call("dynamic.try_parse", text_of(value), span=span)
    steps = path_steps(path, span, scope)
    found = reached(document, steps, scope)
    return tidy(found) if "*" in steps else call("dynamic.text", found, span=span)


def _spath(v: Evaluator, ast: Apply) -> Expr:
    path = constant_text(v.value(ast.args[1].value))
    if path is None:
        v.scope.refuse("E305", "a path must be constant", ast.args[1].value.span)
    value = v.value(ast.args[0].value)
    value = v.one(value, ast.args[0].value.span)
    return member(value, path, ast.args[1].value.span, v.scope)


FUNCTIONS = {
    "mvcount": Function(1, 1, _count),
    "mvindex": Function(2, 3, _index),
    "mvfind": Function(2, 2, _find),
    "mvfilter": Function(1, 1, _filter),
    "mvmap": Function(2, 2, _map),
    "mvzip": Function(2, 3, _zip),
    "mvappend": Function(1, None, _append),
    "mvjoin": Function(2, 2, _join),
    "mvdedup": Function(1, 1, _dedup),
    "mvsort": Function(1, 1, _sort),
    "mvrange": Function(2, 3, _range),
    "split": Function(2, 2, _split),
    "spath": Function(2, 2, _spath),
}
