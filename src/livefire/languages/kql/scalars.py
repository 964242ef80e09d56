"""Lowering of KQL expressions to typed expressions of a plan."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from livefire.diagnostics import Span
from livefire.languages.binder import nearest, unknown_column
from livefire.languages.kit.ast import Apply, Binary, Constant, Index, ListOf, Member, Name, Star, Unary
from livefire.languages.kql import coerce, operators
from livefire.languages.kql import nodes as k
from livefire.languages.kql.expressions import span_of
from livefire.languages.kql.patterns import check_regex
from livefire.languages.kql.scope import Declared, Function, Relation, Scope
from livefire.plan import expr as e
from livefire.plan.functions import call, negate
from livefire.schema import Schema, Type


def lower_scalar(scope: Scope, node: object) -> e.Expr:
    """Return the expression of a scalar; errors are recorded and a null stands for what is wrong."""
    rule = _RULES.get(type(node))
    if rule is None:
        return scope.error("E201", "a value is expected here, not rows", getattr(node, "span", Span(0, 0)), "wrap it in toscalar(…) for its first value")
    return rule(scope, node)


def lower_condition(scope: Scope, node: k.Expression) -> e.Expr:
    """Return the expression of a condition, as `where` and `iff` want it."""
    return operators.truth(scope, lower_scalar(scope, node), span_of(node))


def _constant(scope: Scope, node: Constant) -> e.Expr:
    del scope
    return e.Literal(node.value, node.type)


def _name(scope: Scope, node: Name) -> e.Expr:
    found = scope.columns.get(node.text)
    if found is not None:
        return found
    bound = scope.frame.find(node.text)
    if isinstance(bound, (Relation, Declared)):
        return scope.error("E104", f"{node.text!r} is a table, and a value is expected here", node.span, "toscalar(…) takes its first value")
    if isinstance(bound, Function):
        return lower_scalar(scope, Apply(node.text, (), node.span, node.span))
    if bound is not None:
        return bound  # type: ignore[return-value]  # what is no relation and no function is an expression
    if node.text == "null" and not node.quoted:
        return scope.error("E104", "a bare null has no type in KQL", node.span, "write int(null), dynamic(null) …, or test with isnull()")
    if scope.open:
        return e.null(Type.UNKNOWN)
    if scope.relation is None:
        meant = nearest(node.text, scope.frame.all_names())
        return scope.error("E102", f"no value is named {node.text!r}", node.span, f"did you mean {meant!r}?" if meant else "")
    return _unknown(scope, node)


def _unknown(scope: Scope, node: Name) -> e.Expr:
    """Report a column that is not there; lenient takes one that differs only by case."""
    assert scope.relation is not None
    schema: Schema = scope.relation.schema
    visible = Schema(tuple(f for f in schema if not f.name.startswith("\x02")))
    meant = nearest(node.text, visible.names)
    if meant is not None and meant.casefold() == node.text.casefold() and scope.context.lenient:
        from livefire.diagnostics import Fix

        scope.context.quirk(
            102,
            f"no column is named {node.text!r}; names are case-sensitive, and {meant!r} is read",
            span=node.span,
            help=f"write {meant!r}: Sentinel refuses the query as it is",
            fix=Fix(node.span, meant, f"write {meant!r}"),
        )
        return scope.columns[meant]
    unknown_column(node.text, node.span, visible, scope.context)
    return e.null(Type.UNKNOWN)


def _unary(scope: Scope, node: Unary) -> e.Expr:
    value = lower_scalar(scope, node.operand)
    if node.operator == "+":
        return value
    if value.type is Type.UNKNOWN:
        return value
    if not (value.type.numeric or value.type in (Type.TIMESPAN, Type.DYNAMIC)):
        return scope.error("E104", f"- is not defined for {value.type.value}", node.span)
    return operators.negative(value, node.span)


def _binary(scope: Scope, node: Binary) -> e.Expr:
    operator = node.operator
    if operator in ("and", "or"):
        return _logical(scope, node)
    left = lower_scalar(scope, node.left) if not isinstance(node.left, Star) else None
    if left is None:
        return _any_column(scope, node)
    if operator in ("in", "!in", "in~", "!in~", "has_any", "has_all"):
        return _list(scope, node, left)
    if operator in ("between", "!between"):
        return _between(scope, node, left)
    right = lower_scalar(scope, node.right)
    if operator in operators.ARITHMETIC:
        return operators.ARITHMETIC[operator](scope, left, right, node.span)
    if operator in ("<", "<=", ">", ">="):
        return operators.ordered(scope, operator, left, right, node.span)
    if operator in ("=~", "!~"):
        return operators.fold_equal(scope, left, right, node.span, operator == "!~")
    if operator == "matches regex":
        return _matches(scope, node, left, right)
    if operator in ("like", "notlike", "likecs", "notlikecs"):
        return scope.error("E301", f"the operator {operator} is undocumented and not run", node.operator_span, "use contains, startswith or matches regex")
    return operators.text_operator(scope, operator, left, right, node.span)


def _logical(scope: Scope, node: Binary) -> e.Expr:
    """Lower a chain of and/or without nesting, for rules list hundreds of values that way."""
    parts: list[object] = []
    current: object = node
    while isinstance(current, Binary) and current.operator == node.operator:
        parts.append(current.right)
        current = current.left
    parts.append(current)
    lowered = [operators.truth(scope, lower_scalar(scope, p), span_of(p)) for p in reversed(parts)]  # type: ignore[arg-type]  # each part is an expression
    return call("logic.and" if node.operator == "and" else "logic.or", *lowered, span=node.span)


def _any_column(scope: Scope, node: Binary) -> e.Expr:
    """`* has "x"`: some column satisfies the condition."""
    from livefire.plan.functions import any_of

    texts = [c for c in scope.columns.values() if isinstance(c, e.Column) and not c.name.startswith("\x02")]
    wanted = [c for c in texts if c.type in (Type.STRING, Type.DYNAMIC)]
    inner = [_binary(replace(scope, columns={**scope.columns, "\x02any": c}), replace(node, left=Name("\x02any", node.span))) for c in wanted]
    return any_of(*inner)


def _list(scope: Scope, node: Binary, left: e.Expr) -> e.Expr:
    options = _options(scope, node.right)
    operator = node.operator
    if operator in ("has_any", "has_all"):
        return _has_many(scope, node, left, options)
    fold, negated = operator.endswith("~"), operator.startswith("!")
    queries = [o for o in options if isinstance(o, Relation)]
    plain = [o for o in options if not isinstance(o, Relation)]
    found: list[e.Expr] = []
    if plain or not queries:
        found.append(operators.member(scope, left, plain, node.span, fold=fold, negated=False))
    found.extend(_in_query(scope, left, q, fold, node.span) for q in queries)
    from livefire.plan.functions import any_of

    whole = any_of(*found)
    return negate(whole) if negated else whole


def _options(scope: Scope, node: object) -> list[e.Expr | Relation]:
    from livefire.languages.kql.sources import is_tabular, lower_source

    items = node.items if isinstance(node, ListOf) else (node,)
    return [lower_source(scope.bare(), x) if is_tabular(scope, x) else lower_scalar(scope, x) for x in items]


def _in_query(scope: Scope, left: e.Expr, relation: Relation, fold: bool, span: Span) -> e.Expr:
    from livefire.plan import nodes as n

    if not relation.schema.fields:
        return e.FALSE if not relation.open else e.null(Type.BOOL)
    first = relation.schema.fields[0]
    column: e.Expr = e.Column(first.name, first.type)
    if fold or Type.STRING in (left.type, first.type):
        column, left = coerce.to_text(column), coerce.to_text(left)
        if fold:
            column, left = call("text.lower", column), call("text.lower", left)
    elif Type.DYNAMIC in (left.type, first.type):
        column, left = coerce.to_text(column), coerce.to_text(left)
    else:
        met = operators.align(scope, left, column, span, "in")
        if met is None:
            return e.null(Type.BOOL)
        left, column = met
    inner = n.Project(relation.plan, (n.Item(scope.state.name("in"), column),))
    kept = n.Filter(inner, negate(call("logic.is_null", e.Column(inner.items[0].name, column.type))))
    return call("logic.is_true", e.InQuery(left, kept))


def _has_many(scope: Scope, node: Binary, left: e.Expr, options: list[e.Expr | Relation]) -> e.Expr:
    from livefire.plan.functions import all_of, any_of

    value = operators.searchable(scope, left, node.operator, node.span)
    found: list[e.Expr] = []
    for option in options:
        if isinstance(option, Relation):
            found.append(
                call("logic.is_true", call("array.any_term_fold" if node.operator == "has_any" else "array.every_term_fold", value, _listed(scope, option)))
            )
            continue
        for needle in operators._elements(option):
            if needle.type is Type.DYNAMIC and not isinstance(needle, e.Literal):
                found.append(
                    call("logic.is_true", call("array.any_term_fold" if node.operator == "has_any" else "array.every_term_fold", value, needle, span=node.span))
                )
            else:
                found.append(operators.text_operator(scope, "has", value, needle, node.span))
    return any_of(*found) if node.operator == "has_any" else all_of(*found)


def _listed(scope: Scope, relation: Relation) -> e.Expr:
    """Return the first column of rows as an array."""
    from livefire.plan import nodes as n
    from livefire.plan.functions import aggregate

    if not relation.schema.fields:
        return e.null(Type.DYNAMIC)
    first = relation.schema.fields[0]
    if first.type is Type.DYNAMIC:
        return e.ScalarQuery(n.Project(relation.plan, (n.Item(scope.state.name("listed"), e.Column(first.name, first.type)),)), Type.DYNAMIC)
    value = coerce.to_dynamic(coerce.to_text(e.Column(first.name, first.type)))
    return e.ScalarQuery(n.Aggregate(relation.plan, (), (n.Item(scope.state.name("listed"), aggregate("agg.set", value)),)), Type.DYNAMIC)


def _between(scope: Scope, node: Binary, left: e.Expr) -> e.Expr:
    assert isinstance(node.right, ListOf)
    low, high = (lower_scalar(scope, x) for x in node.right.items)
    return operators.between(scope, left, low, high, node.span, node.operator.startswith("!"))


def _matches(scope: Scope, node: Binary, left: e.Expr, right: e.Expr) -> e.Expr:
    pattern = check_regex(scope, right, span_of(node.right))
    return call("text.matches_regex", operators.searchable(scope, left, "matches regex", node.span), pattern, span=node.span)


def _member(scope: Scope, node: Member) -> e.Expr:
    if isinstance(node.base, Name) and node.base.text in ("$left", "$right"):
        return _side(scope, node)
    if isinstance(node.base, Name) and node.base.text in scope.steps and node.name in scope.steps[node.base.text]:
        return scope.steps[node.base.text][node.name]
    base = lower_scalar(scope, node.base)
    return navigate(scope, base, node.name, node.span)


def _side(scope: Scope, node: Member) -> e.Expr:
    assert isinstance(node.base, Name)
    if scope.sides is None:
        return scope.error("E102", f"{node.base.text} stands only after `on` of a join", node.base.span)
    relation = scope.sides[0 if node.base.text == "$left" else 1]
    return lower_scalar(scope.over(relation), Name(node.name, node.span))


def navigate(scope: Scope, base: e.Expr, step: str | int, span: Span) -> e.Expr:
    """Return a member or element of a dynamic value; a text is not one, and E104 says so."""
    if base.type is Type.UNKNOWN:
        return base
    if base.type is not Type.DYNAMIC:
        what = f".{step}" if isinstance(step, str) else f"[{step}]"
        help = "read the text first: parse_json(x)" + what if base.type is Type.STRING else ""
        scope.context.quirk(104, f"a {base.type.value} has no member {step!r}", span=span, help=help)
        if base.type is not Type.STRING:
            return e.null(Type.DYNAMIC)
        base = call("dynamic.parse", base)
    if isinstance(base, e.Literal):
        return _walk_constant(base, step)
    if isinstance(base, e.Path):
        return e.Path(base.base, (*base.steps, step))
    return e.Path(base, (step,))


def _walk_constant(base: e.Literal, step: str | int) -> e.Expr:
    value = json.loads(str(base.value)) if base.value is not None else None
    found = None
    if isinstance(value, dict) and isinstance(step, str):
        found = value.get(step)
    elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
        found = value[step]
    return e.Literal(None if found is None else json.dumps(found, ensure_ascii=False, separators=(",", ":")), Type.DYNAMIC)


def _index(scope: Scope, node: Index) -> e.Expr:
    base, index = lower_scalar(scope, node.base), lower_scalar(scope, node.index)
    if isinstance(index, e.Literal) and isinstance(index.value, (str, int)) and not isinstance(index.value, bool):
        return navigate(scope, base, json.loads(str(index.value)) if index.type is Type.DYNAMIC else index.value, node.span)
    if base.type is Type.UNKNOWN or index.type is Type.UNKNOWN:
        return e.null(Type.DYNAMIC)
    if base.type is not Type.DYNAMIC:
        return navigate(scope, base, "…", node.span)
    if index.type is Type.DYNAMIC:
        return call("array.element_of", base, index, span=node.span)
    if not (index.type.integral or index.type is Type.STRING):
        return scope.error("E104", f"an index is a text or a whole number, not a {index.type.value}", node.span)
    return call("dynamic.element", base, index, span=node.span)


def _star(scope: Scope, node: Star) -> e.Expr:
    return scope.error("E201", "* cannot stand here", node.span)


def _type_of(scope: Scope, node: k.TypeOf) -> e.Expr:
    return scope.error("E201", "typeof(…) cannot stand here", node.span)


def _apply(scope: Scope, node: Apply) -> e.Expr:
    from livefire.languages.kql.calls import lower_call

    return lower_call(scope, node)


_RULES: dict[type, Callable[..., e.Expr]] = {
    Constant: _constant, Name: _name, Unary: _unary, Binary: _binary, Member: _member, Index: _index, Star: _star, k.TypeOf: _type_of, Apply: _apply,
}  # fmt: skip
