"""Operators that keep, drop, order or rename rows and columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from livefire.diagnostics import Span
from livefire.languages.kit.ast import Apply, Argument, Name, Star
from livefire.languages.kql import coerce, operators
from livefire.languages.kql import nodes as k
from livefire.languages.kql.calls import named_values
from livefire.languages.kql.expressions import kit, span_of
from livefire.languages.kql.naming import Namer, default_name
from livefire.languages.kql.scalars import lower_condition, lower_scalar
from livefire.languages.kql.scope import HIDDEN, Function, Gathered, Relation, Scope
from livefire.languages.kql.sources import lower_source
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call, window
from livefire.schema import Field, Schema, Type


def with_windows(relation: Relation, gathered: Gathered) -> n.Plan:
    """Return the plan with the row functions of an expression computed and its lists joined, each able to read those before it."""
    plan = relation.plan
    for place, item in enumerate(gathered.windows):
        plan = _in_order(relation, item, plan, place) if isinstance(item, n.Join) else _with(item, plan)
    return plan


def _with(item: n.Item | n.Recurrence, plan: n.Plan) -> n.Plan:
    if isinstance(item, n.Recurrence):
        return replace(item, input=plan)
    return n.Window(plan, (item,)) if isinstance(item.expr, e.WindowCall) else n.extend(plan, item)


def _in_order(relation: Relation, join: n.Join, plan: n.Plan, place: int) -> n.Plan:
    """Return rows with what is joined to them, in their order where they have one: a join has none."""
    if not relation.ordered:
        return replace(join, left=plan)
    name = f"{HIDDEN}joined{place}"
    numbered = n.Window(plan, (n.Item(name, window("window.row_number", row_order=True)),))
    return n.Sort(replace(join, left=numbered), (e.SortKey(e.Column(name, Type.LONG)),))


def without_hidden(plan: n.Plan, names: Iterable[str]) -> n.Plan:
    """Return the plan with just these columns."""
    wanted = tuple(names)
    return plan if plan.schema.names == wanted else n.select(plan, *wanted)


def serialized(scope: Scope, relation: Relation) -> Relation:
    """Return the rows in the order they come, which is then kept."""
    if relation.ordered:
        return relation
    name = scope.state.name("serial")
    numbered = n.Window(relation.plan, (n.Item(name, window("window.row_number")),))
    ordered = n.Sort(numbered, (e.SortKey(e.Column(name, Type.LONG)),))
    return relation.with_plan(n.select(ordered, *relation.schema.names), ordered=True)


def simplify(condition: e.Expr) -> e.Expr:
    """Return a condition for a filter, where null counts as false and so needs no guard."""
    if isinstance(condition, e.Call):
        if condition.function == "logic.is_true":
            return simplify(condition.args[0])
        if condition.function in ("logic.and", "logic.or"):
            return replace(condition, args=tuple(simplify(a) for a in condition.args))
    return condition


def where(scope: Scope, relation: Relation, step: k.Where) -> Relation:
    """`where predicate`."""
    gathered = Gathered()
    condition = lower_condition(scope.over(relation, gathered), step.predicate)
    names = relation.schema.names
    filtered = n.Filter(with_windows(relation, gathered), simplify(condition), step.span)
    return relation.with_plan(without_hidden(filtered, names))


def extend(scope: Scope, relation: Relation, step: k.Extend) -> Relation:
    """`extend items`: a name that exists is replaced where it stands; items do not see each other."""
    if step.serialize:
        relation = serialized(scope, relation)
    gathered = Gathered()
    inner = scope.over(relation, gathered)
    names = Namer(relation.schema.names)
    fresh: dict[str, e.Expr] = {}
    for item in step.items:
        for name, value, written in named_values(inner, item.value, item.names, default_name(item.value)):
            if name is None or not written:
                existing = name is not None and name in inner.columns
                given = (name if existing and name not in fresh else names.unique(name)) if name is not None else names.numbered()
            else:
                given = name
                if given in fresh:
                    scope.error("E106", f"two columns are named {given!r}", item.name_span)
                names.claim(given) if given not in inner.columns else None
            if isinstance(item.value, Name) and not item.names and given == item.value.text:
                continue
            fresh[given] = value
    added = {name: e.Column(name, value.type) for name, value in fresh.items()}
    extended = relation.with_plan(_extended(relation, inner.columns, gathered, fresh, step.span))
    scope.state.known(extended.schema, {**inner.columns, **added})
    return extended


def _extended(relation: Relation, columns: Mapping[str, e.Expr], gathered: Gathered, fresh: Mapping[str, e.Expr], span: Span) -> n.Plan:
    if not fresh:
        return relation.plan
    below = with_windows(relation, gathered)
    if isinstance(below, n.Project) and below is relation.plan and _passes(below, fresh):
        kept, below = below.items, below.input
    else:
        kept = tuple([n.unchanged(f.name, f.type) for f in relation.schema.fields])
    added = tuple([n.Item(name, value) for name, value in fresh.items() if name not in columns])
    if len(added) == len(fresh):
        return n.project_more(below, kept, added, relation.schema, span)
    return n.Project(below, (*[n.Item(i.name, fresh[i.name]) if i.name in fresh else i for i in kept], *added), span)


def _passes(below: n.Project, fresh: Mapping[str, e.Expr]) -> bool:
    """True where every column that new values read comes through a projection as it is, so that they may stand in it."""
    read = frozenset().union(*(e.columns_of(value) for value in fresh.values()))
    return not read or not [i for i in below.items if i.name in read and not (isinstance(i.expr, e.Column) and i.expr.name == i.name)]


def project(scope: Scope, relation: Relation, step: k.Project) -> Relation:
    """`project items`."""
    gathered = Gathered()
    inner = scope.over(relation, gathered)
    names = Namer()
    items: list[n.Item] = []
    for item in step.items:
        if isinstance(item.value, Star) and not item.names:
            scope.context.quirk(220, "project takes no *", span=item.span, help="use extend to add columns, or project-away to drop some")
            items.extend(n.Item(names.unique(f.name), e.Column(f.name, f.type)) for f in relation.schema if not names.taken(f.name))
            continue
        for name, value, written in named_values(inner, item.value, item.names, default_name(item.value)):
            if written and name is not None:
                given = names.claim(name) or name
                if given != name or any(i.name == given for i in items):
                    scope.error("E106", f"two columns are named {name!r}", item.name_span)
            else:
                if isinstance(item.value, Name) and name is not None and names.taken(name):
                    scope.error("E106", f"two columns are named {name!r}", item.name_span)
                given = names.unique(name) if name is not None else names.numbered()
            items.append(n.Item(given, value))
    return relation.with_plan(n.Project(with_windows(relation, gathered), tuple(items), step.span), open=False)


def matching(scope: Scope, relation: Relation, pattern: k.Wildcard) -> list[str]:
    """Return the columns that a name or pattern stands for; E102 for a name that is none."""
    names = relation.schema.names
    if "*" in pattern.pattern:
        rule = pattern.pattern.replace("[", "[[]").replace("?", "[?]")
        return [x for x in names if fnmatchcase(x, rule) and not x.startswith(HIDDEN)]
    if pattern.pattern in names:
        return [pattern.pattern]
    if relation.open:
        return []
    found = lower_scalar(scope.over(relation), Name(pattern.pattern, pattern.span))
    return [found.name] if isinstance(found, e.Column) else []


def project_names(scope: Scope, relation: Relation, step: k.ProjectNames) -> Relation:
    """`project-away` and `project-keep`: columns keep their order."""
    chosen = {x for p in step.patterns for x in matching(scope, relation, p)}
    kept = [x for x in relation.schema.names if (x in chosen) == step.keep]
    return relation.with_plan(n.select(relation.plan, *kept), open=relation.open and not step.keep)


def project_by_names(scope: Scope, relation: Relation, step: k.ProjectByNames) -> Relation:
    """`project-by-names`: the columns that constant texts and arrays of texts name, in their order. https://learn.microsoft.com/kusto/query/project-by-names-operator"""
    chosen: dict[str, None] = {}
    for node in step.values:
        value = lower_scalar(scope.bare(), node)
        written = json.loads(str(value.value)) if isinstance(value, e.Literal) and value.type is Type.DYNAMIC and value.value is not None else None
        patterns = [value.value] if isinstance(value, e.Literal) and value.type is Type.STRING else written
        if not isinstance(patterns, list) or not all(isinstance(x, str) for x in patterns):
            scope.error("E107", "names are constant texts, or a constant array of texts", span_of(node))
            continue
        chosen.update(dict.fromkeys(x for p in patterns for x in matching(scope, relation, k.Wildcard(str(p), span_of(node)))))
    return relation.with_plan(n.select(relation.plan, *chosen), open=False)


def project_rename(scope: Scope, relation: Relation, step: k.ProjectRename) -> Relation:
    """`project-rename new = old`: columns keep their places."""
    renamed: dict[str, str] = {}
    for item in step.items:
        if not item.names or not isinstance(item.value, Name):
            code, help = ("E104", "compute it with extend before") if item.names else ("E201", "")
            scope.error(code, "project-rename is written new = old, and old is a column", item.span, help)
            continue
        old = matching(scope, relation, k.Wildcard(item.value.text, item.value.span))
        if old:
            renamed[old[0]] = item.names[0]
    names = [renamed.get(x, x) for x in relation.schema.names]
    if len(set(names)) < len(names):
        scope.error("E106", "the new name is already a column", step.span)
        return relation
    items = tuple(n.Item(new, e.Column(f.name, f.type)) for new, f in zip(names, relation.schema, strict=True))
    return relation.with_plan(n.Project(relation.plan, items, step.span))


def project_reorder(scope: Scope, relation: Relation, step: k.ProjectReorder) -> Relation:
    """`project-reorder`: the named columns come first."""
    exact = {p.pattern for p, _ in step.patterns if "*" not in p.pattern}
    placed: list[str] = []
    for pattern, order in step.patterns:
        found = [x for x in matching(scope, relation, pattern) if x not in placed and ("*" not in pattern.pattern or x not in exact)]
        if order:
            found.sort(key=_natural if order.startswith("granny") else str, reverse=order.endswith("desc"))
        placed.extend(found)
    rest = [x for x in relation.schema.names if x not in placed]
    return relation.with_plan(n.select(relation.plan, *placed, *rest))


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.split(r"(\d+)", name) if p]


def distinct(scope: Scope, relation: Relation, step: k.Distinct) -> Relation:
    """`distinct items`."""
    if len(step.items) == 1 and isinstance(step.items[0].value, Star):
        return relation.with_plan(n.Distinct(relation.plan, step.span))
    projected = project(scope, relation, k.Project(step.items, step.span))
    return projected.with_plan(n.Distinct(projected.plan, step.span))


def sort_keys(scope: Scope, relation: Relation, keys: tuple[k.OrderKey, ...], gathered: Gathered) -> tuple[e.SortKey, ...]:
    """Return the keys: descending unless said, nulls last when descending and first when ascending."""
    inner = scope.over(relation, gathered)
    found = []
    for key in keys:
        value = lower_scalar(inner, key.value)
        if value.type is Type.DYNAMIC and not relation.open:
            scope.context.quirk(104, "a dynamic value cannot be sorted by", span=key.span, help="convert it, as in tostring(x)")
        descending = key.descending is not False
        nulls_first = key.nulls_first if key.nulls_first is not None else not descending
        if value.type is Type.REAL and descending is not nulls_first:
            # NaN stands beside the nulls, and not above all numbers: https://learn.microsoft.com/kusto/query/sort-operator
            found.append(e.SortKey(call("number.is_nan", value), nulls_first, nulls_first))
        found.append(e.SortKey(value, descending, nulls_first))
    return tuple(found)


def sort(scope: Scope, relation: Relation, step: k.Sort) -> Relation:
    """`sort by keys`."""
    gathered = Gathered()
    keys = sort_keys(scope, relation, step.keys, gathered)
    plan = n.Sort(with_windows(relation, gathered), keys, step.span)
    return relation.with_plan(without_hidden(plan, relation.schema.names), ordered=True)


def count_of(scope: Scope, node: k.Expression) -> int:
    """Return the constant number of rows wanted; E107 when it is none."""
    value = lower_scalar(scope, node)
    if isinstance(value, e.Literal) and isinstance(value.value, int) and not isinstance(value.value, bool) and value.value >= 0:
        return value.value
    scope.error("E107", "a constant number of rows is expected here", span_of(node))
    return 0


def top(scope: Scope, relation: Relation, step: k.Top) -> Relation:
    """`top count by keys`."""
    ordered = sort(scope, relation, k.Sort(step.keys, step.span))
    return ordered.with_plan(n.Limit(ordered.plan, count_of(scope, step.count), span=step.span))


def take(scope: Scope, relation: Relation, step: k.Take) -> Relation:
    """`take count`: any rows in Kusto, the first ones here."""
    return relation.with_plan(n.Limit(relation.plan, count_of(scope, step.count), span=step.span))


def count(scope: Scope, relation: Relation, step: k.Count) -> Relation:
    """`count`."""
    del scope
    return Relation(n.Aggregate(relation.plan, (), (n.Item(step.name, aggregate("agg.count")),), step.span))


_CLR = {
    Type.BOOL: "System.SByte", Type.INT: "System.Int32", Type.LONG: "System.Int64", Type.REAL: "System.Double", Type.STRING: "System.String",
    Type.DECIMAL: "System.Data.SqlTypes.SqlDecimal", Type.DATETIME: "System.DateTime", Type.TIMESPAN: "System.TimeSpan", Type.DYNAMIC: "System.Object",
    Type.GUID: "System.Guid", Type.UNKNOWN: "System.Object",
}  # fmt: skip


def getschema(scope: Scope, relation: Relation, step: k.GetSchema) -> Relation:
    """`getschema`."""
    del scope, step
    schema = Schema.of(("ColumnName", Type.STRING), ("ColumnOrdinal", Type.LONG), ("DataType", Type.STRING), ("ColumnType", Type.STRING))
    rows = tuple((f.name, i, _CLR[f.type], f.type.value) for i, f in enumerate(relation.schema))
    return Relation(n.Values(schema, rows))


def invoke(scope: Scope, relation: Relation, step: k.Invoke) -> Relation:
    """`invoke f(x)`: the rows become the function's first argument."""

    if not isinstance(step.call, Apply):
        scope.error("E201", "invoke takes a call, as in invoke f()", step.span)
        return relation
    name = scope.state.name("invoked")
    bound = scope.frame.find(step.call.function)
    if not isinstance(bound, Function):
        scope.error("E103", f"no function is named {step.call.function!r}", step.call.name_span, "define it with let")
        return Relation(relation.plan, open=True)
    scope.frame.names[name] = relation
    first = Argument(kit(Name(name, step.span)), None, step.span)
    return lower_source(scope, replace(step.call, args=(first, *step.call.args)))


STEPS: dict[type, Callable[..., Relation]] = {
    k.Where: where, k.Extend: extend, k.Project: project, k.ProjectNames: project_names, k.ProjectRename: project_rename,
    k.ProjectReorder: project_reorder, k.Distinct: distinct, k.Sort: sort, k.Top: top, k.Take: take, k.Count: count, k.GetSchema: getschema,
    k.Invoke: invoke, k.ProjectByNames: project_by_names,
}  # fmt: skip

__all__ = ["STEPS", "Field", "coerce", "matching", "operators", "simplify", "with_windows", "without_hidden"]
