"""Plugins of user analytics, each told as the query that it stands for. https://learn.microsoft.com/kusto/query/user-analytics

The query reads the rows as `T` with the columns `id_`, `time_` and the dimensions under names that
no text can write; what is constant stands under names of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from livefire.diagnostics import Diagnostics, Source
from livefire.languages.kit.ast import Apply, Name
from livefire.languages.kql import coerce
from livefire.languages.kql import nodes as k
from livefire.languages.kql.grouping import group_keys
from livefire.languages.kql.lexer import tokens
from livefire.languages.kql.naming import Namer, default_name
from livefire.languages.kql.parser import Parser
from livefire.languages.kql.rows import count_of, serialized, with_windows
from livefire.languages.kql.scalars import lower_condition, lower_scalar
from livefire.languages.kql.scope import Frame, Gathered, Relation, Scope
from livefire.languages.kql.sources import lower_source
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call, window
from livefire.schema import Type


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin told as a query: its column arguments, its constant ones, and the columns of its result after the time and dimensions."""

    columns: tuple[str, ...]
    constants: tuple[str, ...]
    query: str
    result: tuple[str, ...]


_SLIDING = Plugin(
    ("id_", "time_"),
    ("start_", "end_", "lookback_", "step_"),
    """T | where time_ >= start_ - lookback_ and time_ < end_ + step_
    | extend bin_ = bin_at(time_, step_, start_)
    | extend turn_ = range(0, lookback_ / step_ - 1, 1) | mv-expand turn_ to typeof(long)
    | extend time_ = bin_ + turn_ * step_ | where time_ between (start_ .. end_)
    | summarize Count = count(), Dcount = dcount(id_) by time_ DIMENSIONS | sort by time_ asc""",
    ("Count", "Dcount"),
)
_COUNTS = Plugin(
    ("id_", "time_"),
    ("start_", "end_", "step_"),
    """let Bins = T | where time_ between (start_ .. end_) | extend time_ = bin_at(time_, step_, start_);
    let First = Bins | summarize first_ = min(time_) by id_ DIMENSIONS;
    Bins | join kind=inner First on id_ DIMENSIONS
    | summarize count_ = count(), dcount_ = dcount(id_), new_ = dcountif(id_, first_ == time_) by time_ DIMENSIONS
    | sort by KEYS time_ asc | extend all_ = row_cumsum(new_, CHANGED) | sort by time_ asc""",
    ("count_", "dcount_", "new_", "all_"),
)
_ACTIVE = Plugin(
    ("id_", "time_"),
    ("start_", "end_", "lookback_", "period_", "periods_", "step_"),
    """let Days = T | where time_ > start_ - lookback_ and time_ <= end_ | extend day_ = bin_at(time_, period_, start_) | distinct id_, day_ DIMENSIONS;
    let Before = Days | project-rename before_ = day_;
    Days | join kind=inner Before on id_ DIMENSIONS | where before_ <= day_ and before_ > day_ - lookback_
    | summarize seen_ = dcount(before_) by id_, day_ DIMENSIONS | where seen_ >= periods_ and day_ >= start_
    | summarize dcount_ = dcount(id_) by time_ = bin_at(day_, step_, start_) DIMENSIONS | sort by time_ asc""",
    ("dcount_",),
)
_NAMES = {"count_": "count", "dcount_": "dcount", "new_": "new_dcount", "all_": "aggregated_dcount"}


@cache
def _read(text: str) -> k.Block:

    diagnostics = Diagnostics(Source(text, "<plugin>"))
    return Parser(tokens(diagnostics), diagnostics).block()


def run(plugin: Plugin) -> Callable[[Scope, Relation, k.Evaluate, Apply], Relation]:
    """Return how a plugin lowers."""

    def lower(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
        least = len(plugin.columns) + len(plugin.constants)
        if len(node.args) < least:
            scope.error("E105", f"{node.function} takes at least {least} arguments, and {len(node.args)} were given", node.span)
            return Relation(relation.plan, open=True)
        inner = scope.over(relation)
        columns = [lower_scalar(inner, a.value) for a in node.args[: len(plugin.columns)]]
        dimensions = [lower_scalar(inner, a.value) for a in node.args[least:]]
        if relation.open:
            return Relation(relation.plan, open=True)
        named = dict(zip(plugin.columns, columns, strict=True)) | {f"dimension{i}_": d for i, d in enumerate(dimensions)}
        frame = Frame({"T": Relation(n.Project(relation.plan, tuple(n.Item(x, v) for x, v in named.items())))})
        for name, argument in zip(plugin.constants, node.args[len(plugin.columns) :], strict=False):
            frame.names[name] = lower_scalar(scope.bare(), argument.value)
        keys = [f"dimension{i}_" for i in range(len(dimensions))]
        text = plugin.query.replace("DIMENSIONS", "".join(f", {x}" for x in keys)).replace("KEYS", "".join(f"{x} asc, " for x in keys))
        changed = " or ".join(f"{x} != prev({x})" for x in keys) or "false"
        found = lower_source(scope.inner(frame), _read(text.replace("CHANGED", changed)))
        shown = {"time_": default_name(node.args[1].value) or "Column1"}
        shown |= {x: default_name(a.value) or f"Column{i + 2}" for i, (x, a) in enumerate(zip(keys, node.args[least:], strict=True))}
        shown |= {x: _NAMES.get(x, x) for x in plugin.result}
        items = tuple(n.Item(name, n.column(found.plan, x)) for x, name in shown.items())
        return Relation(n.Project(found.plan, items, step.span), ordered=True)

    return lower


def rolling_percentile(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """The percentile of each bin and those before it in a window of bins."""
    if len(node.args) < 5:
        scope.error("E105", "rolling_percentile takes a value, a percentile, an index, a bin and a number of bins", node.span)
        return Relation(relation.plan, open=True)
    percent, bins = (lower_scalar(scope.bare(), node.args[i].value) for i in (1, 4))
    if not isinstance(percent, e.Literal) or not isinstance(bins, e.Literal) or not isinstance(bins.value, int):
        scope.error("E107", "the percentile and the number of bins are constants", node.span)
        return Relation(relation.plan, open=True)
    named = {default_name(node.args[i].value) for i in (0, 2)}
    if None in named:
        scope.error("E304", "a value or index that is computed is not run", node.span, "extend a column with it first")
        return Relation(relation.plan, open=True)
    plugin = Plugin(
        ("value_", "time_"),
        ("size_",),
        f"""let Last = toscalar(T | summarize bin(max(time_), size_));
        T | extend bin_ = bin(time_, size_) | extend turn_ = range(0, {bins.value - 1}, 1) | mv-expand turn_ to typeof(long)
        | extend time_ = bin_ + turn_ * size_ | where time_ <= Last
        | summarize result_ = percentile(value_, {percent.value}) by time_ DIMENSIONS | sort by time_ asc""",
        ("result_",),
    )
    args = (node.args[0], node.args[2], node.args[3], *node.args[5:])
    found = run(plugin)(scope, relation, step, Apply(node.function, args, node.span, node.name_span))
    name = f"rolling_{bins.value}_percentile_{default_name(node.args[0].value)}_{percent.value:g}".replace(".", "_")
    items = tuple(n.Item(name if f.name == "result_" else f.name, e.Column(f.name, f.type)) for f in found.schema)
    return found.with_plan(n.Project(found.plan, items))


def rows_near(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """The rows that satisfy a condition, and those near them."""

    if len(node.args) < 2:
        scope.error("E105", "rows_near takes a condition and a number of rows", node.span)
        return Relation(relation.plan, open=True)
    if not relation.ordered and not relation.open:
        scope.context.quirk(120, "rows_near() needs rows in order, and these have none", span=node.span, help="put `| sort by …` or `| serialize` before")
    relation = serialized(scope, relation)
    gathered = Gathered()
    condition = lower_condition(scope.over(relation, gathered), node.args[0].value)
    before = count_of(scope, node.args[1].value)
    after = count_of(scope, node.args[2].value) if len(node.args) > 2 else before
    near = scope.state.name("near")
    hit = e.Case(((condition, e.whole(1)),), e.whole(0), Type.LONG)
    # A row is near when a row that fits stands at most `after` rows before it or `before` rows behind it.
    marked = n.Window(with_windows(relation, gathered), (n.Item(near, window("agg.max", hit, type=Type.LONG, frame=(after, before), row_order=True)),))
    kept = n.Filter(marked, call("compare.eq", e.Column(near, Type.LONG), e.whole(1)), step.span)
    return relation.with_plan(n.select(kept, *relation.schema.names))


# columns that depend on the rows


def members_of(scope: Scope, relation: Relation, column: e.Expr) -> list[tuple[str, Type]] | None:
    """Return the members of a bag column with their types, in the order of their names, as the rows now have them; None where no row can be looked at."""
    if scope.context.probe is None:
        return None
    bag, key = scope.state.name("bag"), scope.state.name("key")
    held = n.Project(relation.plan, (n.Item(bag, column),))
    keyed = n.Unnest(held, call("dynamic.keys", e.Column(bag, Type.DYNAMIC)), key)
    name = call("dynamic.text", e.Column(key, Type.DYNAMIC))
    value = call("dynamic.element", e.Column(bag, Type.DYNAMIC), coerce.to_text(e.Column(key, Type.DYNAMIC)))
    pairs = n.Distinct(n.Project(keyed, (n.Item("name", name), n.Item("type", call("logic.type_name", value)))))
    found: dict[str, set[Type]] = {}
    for member, kind in scope.context.probe(pairs):
        found.setdefault(str(member), set()).update({_JSON[str(kind)]} if kind != "null" else set())
    return [(member, kinds.pop() if len(kinds) == 1 else Type.DYNAMIC) for member, kinds in sorted(found.items())]


_JSON = {
    "bool": Type.BOOL, "long": Type.LONG, "double": Type.REAL, "string": Type.STRING, "array": Type.DYNAMIC, "dictionary": Type.DYNAMIC,
}  # fmt: skip


def pivot(scope: Scope, relation: Relation, step: k.Evaluate, node: Apply) -> Relation:
    """A column for each value of one, with an aggregate of the rows that have it."""

    if relation.open or (scope.context.probe is None and scope.context.open_schema):
        return Relation(relation.plan, open=True)
    column = lower_scalar(scope.over(relation), node.args[0].value) if node.args else e.null(Type.UNKNOWN)
    if not isinstance(column, e.Column):
        scope.error("E105", "pivot takes a column", node.span)
        return Relation(relation.plan, open=True)
    if scope.context.probe is None:
        scope.error("E305", "the columns that pivot makes depend on the data", node.span, "write sumif() or countif() for each value")
        return Relation(relation.plan, open=True)
    shown = coerce.to_text(column)
    values = sorted(str(v) for (v,) in scope.context.probe(n.Distinct(n.Project(relation.plan, (n.Item("value", shown),)))))
    counted = node.args[1].value if len(node.args) > 1 else Apply("count", (), node.span, node.name_span)
    read = {a.value.text for a in counted.args if isinstance(a.value, Name)} if isinstance(counted, Apply) else set()
    rest = [f.name for f in relation.schema if f.name != column.name and f.name not in read]
    chosen = [a.value for a in node.args[2:]] or [Name(x, node.span) for x in rest]
    keyed, keys = group_keys(scope, relation, tuple(k.Item(x, (), node.span, node.span) for x in chosen), Namer())
    gathered = Gathered(aggregates=[])
    inner = Scope(scope.state, scope.frame, keyed, scope.over(relation).columns, gathered=gathered)
    items: list[n.Item] = []
    aggregates: list[n.Item] = []
    for value in values:
        gathered.aggregates = []
        items.append(n.Item(value, lower_scalar(inner, counted)))
        aggregates.extend(_only(i, call("compare.eq", shown, e.text(value))) for i in gathered.aggregates)
    hidden = tuple(n.Item(h, e.Column(h, t)) for _, h, t in keys)
    grouped = n.Aggregate(keyed.plan, hidden, tuple(aggregates) or (n.Item(scope.state.name("any"), aggregate("agg.count")),), step.span)
    kept = tuple(n.Item(name, e.Column(h, t)) for name, h, t in keys)
    return Relation(n.Project(grouped, (*kept, *items), step.span))


def _only(item: n.Item, condition: e.Expr) -> n.Item:
    from dataclasses import replace

    assert isinstance(item.expr, e.Aggregate)
    where = condition if item.expr.where is None else call("logic.and", item.expr.where, condition)
    return n.Item(item.name, replace(item.expr, where=where))


ANALYTICS: dict[str, Callable[[Scope, Relation, k.Evaluate, Apply], Relation]] = {
    "sliding_window_counts": run(_SLIDING), "activity_counts_metrics": run(_COUNTS), "active_users_count": run(_ACTIVE),
    "rolling_percentile": rolling_percentile, "rows_near": rows_near, "pivot": pivot,
}  # fmt: skip
