"""Aggregates: count, sum, collect and their like, alone, in groupBy, stats, top, bucket and timeChart.

https://library.humio.com/data-analysis/functions-aggregate.html. A group without a value for an
aggregate has no such field; a group is made only of events that have all its keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from livefire.diagnostics import Span
from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.handler import Bound, Function, Lower
from livefire.languages.cql.rows import is_null
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call
from livefire.plan.walk import map_expr
from livefire.schema import Type

Find = Callable[[str], Function | None]


@dataclass(slots=True)
class Gathered:
    """What a list of aggregates makes: columns, and steps to run on them afterwards."""

    items: list[n.Item] = field(default_factory=list)
    after: list[s.Pipeline] = field(default_factory=list)

    def add(self, name: str, value: e.Expr) -> None:
        """Add a column; a later one of the same name replaces the earlier."""
        self.items = [*(i for i in self.items if i.name != name), n.Item(name, value)]


def group(lower: Lower, event: Event, keys: list[n.Item], gathered: Gathered, span: Span) -> None:
    """Turn the event into one row a group; events that lack a key are in none."""
    for key in keys:
        event.keep(coerce.present(key.expr), span)
    within = [n.Item(event.rows.fresh(), part) for part in event.partition]
    columns = {c.name: c for item in (*within, *keys, *gathered.items) for c in _columns(item.expr)}
    source = event.rows.finish([n.Item(name, columns[name]) for name in sorted(columns)])
    parts: dict[e.Aggregate, str] = {}
    shown = [n.Item(i.name, _over(i.expr, parts, event)) for i in gathered.items]
    plan: n.Plan = n.Aggregate(source, (*within, *keys), tuple(n.Item(name, part) for part, name in parts.items()), span)
    kept = (*within, *(k for k in keys if k.name not in {i.name for i in shown}))
    event.become(lower.rows_of(n.Project(plan, (*(n.Item(k.name, n.column(plan, k.name)) for k in kept), *shown), span)))
    event.partition = tuple(e.Column(item.name, item.expr.type) for item in within)
    event.most = None if keys or within else 1
    for steps in gathered.after:
        lower.steps(event, steps)


def _over(expr: e.Expr, parts: dict[e.Aggregate, str], event: Event) -> e.Expr:
    """Return what is made of aggregates as an expression over their columns, which `parts` names."""

    def change(part: e.Expr) -> e.Expr:
        if not isinstance(part, e.Aggregate):
            return part
        return e.Column(parts.setdefault(part, event.rows.fresh()), part.type)

    return map_expr(expr, change)


def _columns(expr: e.Expr) -> list[e.Column]:
    if isinstance(expr, e.Column):
        return [expr]
    return [c for child in e.children(expr) for c in _columns(child)]


def gather(lower: Lower, event: Event, values: tuple[s.Value, ...], find: Find) -> Gathered:
    """Return the columns of a list of aggregate functions."""
    out = Gathered()
    for value in values:
        _gather_one(lower, event, value, out, find, None)
    return out


def _gather_one(lower: Lower, event: Event, value: s.Value, out: Gathered, find: Find, name: s.Word | None) -> None:
    if isinstance(value, s.Items):
        for item in value.items:
            _gather_one(lower, event, item, out, find, None)
        return
    if isinstance(value, s.Operation) and value.operator in (":=", "=") and isinstance(value.left, s.Word):
        _gather_one(lower, event, value.right, out, find, value.left)
        return
    if isinstance(value, s.Subquery):
        _gather_pipeline(lower, event, value.pipeline, out, find)
        return
    if not isinstance(value, s.Call):
        lower.context.diagnostics.error("E104", "an aggregate function is wanted here", value.span, help="such as count()")
        return
    function = find(value.function)
    if function is None:
        return
    if function.name == "stats":
        for argument in value.args:
            _gather_one(lower, event, argument.value, out, find, None)
        return
    if function.kind != "aggregate" or function.run is None:
        reason = function.reason or "it gives no single row a group"
        lower.context.diagnostics.error("E305", f"{function.name} does not run inside an aggregate here: {reason}", value.span, help=function.help)
        return
    args = (*value.args, s.Argument("as", name, name.span)) if name is not None else value.args
    bound = Bound(function, s.Call(value.function, args, value.span, value.name_span), lower.context)
    for item in function.run(lower, event, bound):
        result = _where(item.expr, event.alive)
        if any(i.name == item.name and i.expr != result for i in out.items):
            said = f"two results are called {item.name!r}: the last one is shown, and which one LogScale shows is not documented"
            lower.context.diagnostics.warn("W106", said, value.span, help="give one another name with as=")
        out.add(item.name, result)


def _where(expr: e.Expr, condition: e.Expr | None) -> e.Expr:
    if condition is None:
        return expr
    return map_expr(expr, lambda part: replace(part, where=condition) if isinstance(part, e.Aggregate) and part.where is None else part)


def _gather_pipeline(lower: Lower, event: Event, pipeline: s.Pipeline, out: Gathered, find: Find) -> None:
    """Take `{ filters and assignments | aggregate | steps over its result }`."""
    fork = event.fork()
    for place, step in enumerate(pipeline.steps):
        found = _aggregate_of(step, find)
        if found is None:
            lower.steps(fork, s.Pipeline((step,), step.span))
            continue
        value, name = found
        _gather_one(lower, fork, value, out, find, name)
        rest = pipeline.steps[place + 1 :]
        if rest:
            out.after.append(s.Pipeline(rest, pipeline.span))
        return
    lower.context.diagnostics.error("E104", "the braces hold no aggregate function", pipeline.span)


def _aggregate_of(step: s.Step, find: Find) -> tuple[s.Value, s.Word | None] | None:
    value: s.Value | None = None
    name: s.Word | None = None
    if isinstance(step, s.FilterStep) and isinstance(step.condition, s.Call):
        value = step.condition
    elif isinstance(step, s.AssignStep) and isinstance(step.value, s.Call):
        value, name = step.value, step.field
    elif isinstance(step, s.StatsStep):
        return step.functions, None
    if not isinstance(value, s.Call):
        return None
    function = find(value.function)
    return (value, name) if function is not None and (function.kind == "aggregate" or function.name == "stats") else None


def gives_rows(value: s.Value, find: Find) -> bool:
    """True for a function of groupBy that may give more than one row a group, or that works on the rows of one."""
    if isinstance(value, s.Items):
        return any(gives_rows(item, find) for item in value.items)
    if isinstance(value, s.Operation):
        return gives_rows(value.right, find)
    if isinstance(value, s.Call):
        function = find(value.function)
        if function is None:
            return False
        if function.name == "stats":
            return any(gives_rows(argument.value, find) for argument in value.args)
        return function.kind == "rows"
    return isinstance(value, s.Subquery) and any(_works_on_rows(step, find) for step in value.pipeline.steps)


def _works_on_rows(step: s.Step, find: Find) -> bool:
    match step:
        case s.StatsStep():
            return gives_rows(step.functions, find)
        case s.FilterStep(condition=s.Call() as call) | s.AssignStep(value=s.Call() as call):
            return gives_rows(call, find)
        case s.CaseStep() | s.MatchStep() | s.FilterStep() | s.AssignStep():
            return False
        case _:
            return True


# the functions

Made = list[n.Item]


def _count(_: Lower, event: Event, bound: Bound) -> Made:
    name = bound.field("field")
    if name is None or name == "*":
        return [n.Item(bound.out, aggregate("agg.count", span=bound.span))]
    value = event.read(name)
    if is_null(value):
        return [n.Item(bound.out, aggregate("agg.count", e.null(Type.STRING), span=bound.span))]
    probe = event.hold(coerce.text(value) if value.type is Type.DYNAMIC else value)
    meaning = "agg.count_distinct" if bound.flag("distinct") else "agg.count"
    return [n.Item(bound.out, aggregate(meaning, probe, span=bound.span))]


def _numeric(meaning: str) -> Callable[[Lower, Event, Bound], Made]:
    def run(_: Lower, event: Event, bound: Bound) -> Made:
        name = bound.field("field")
        if name is None:
            bound.need("field")
            return []
        value = event.read(name)
        if value.type is Type.DATETIME and meaning in ("agg.min", "agg.max"):
            return [n.Item(bound.out, aggregate(meaning, value, span=bound.span))]
        if bound.text("type") in ("string",):
            return [n.Item(bound.out, aggregate(meaning, event.hold(coerce.text(value)), span=bound.span))]
        number = event.hold(coerce.number(value))
        kind = number.type if number.type.numeric else Type.REAL
        if meaning == "agg.sum":
            kind = Type.LONG if kind.integral else Type.REAL
        made = aggregate(meaning, number, type=kind if meaning in ("agg.sum", "agg.min", "agg.max") else Type.REAL, span=bound.span)
        # The sum of no number is 0: https://library.humio.com/data-analysis/functions-accumulate.html shows it over an event without one.
        empty = e.Literal(0 if kind is Type.LONG else 0.0, kind)
        return [n.Item(bound.out, call("logic.coalesce", made, empty) if meaning == "agg.sum" else made)]

    return run


def _percentage(lower: Lower, event: Event, bound: Bound) -> Made:
    """https://library.humio.com/data-analysis/functions-percentage.html"""
    condition = bound.need("condition")
    if not isinstance(condition, s.Subquery):
        bound.wrong("condition", "steps in braces: {status=5*}")
        return []
    fork = event.fork()
    lower.steps(fork, condition.pipeline)
    if fork.aggregated and not event.aggregated:
        bound.wrong("condition", "steps that keep or change single events")
        return []
    passed = fork.alive if fork.alive is not None else e.TRUE
    one = event.hold(e.Case(((passed, e.Literal(1.0, Type.REAL)),), e.Literal(0.0, Type.REAL), Type.REAL))
    share = call("number.divide", aggregate("agg.sum", one, type=Type.REAL, span=bound.span), coerce.real(aggregate("agg.count", span=bound.span)))
    return [n.Item(bound.out, call("number.multiply", share, e.Literal(100.0, Type.REAL), type=Type.REAL))]


def _range(_: Lower, event: Event, bound: Bound) -> Made:
    value = event.hold(coerce.real(event.read(bound.field("field") or "")))
    highest, lowest = aggregate("agg.max", value, span=bound.span), aggregate("agg.min", value, span=bound.span)
    return [n.Item(bound.out, call("number.subtract", highest, lowest, type=Type.REAL))]


def _percentile(_: Lower, event: Event, bound: Bound) -> Made:
    value = event.hold(coerce.real(event.read(bound.field("field") or "")))
    written = [w.text for w in bound.words("percentiles")] or ["50", "75", "99"]
    prefix = bound.text("as") or ""
    made: Made = []
    for text in written:
        try:
            percent = float(text)
        except ValueError:
            bound.wrong("percentiles", "numbers from 0 to 100")
            return []
        made.append(n.Item(f"{prefix}_{text}", aggregate("agg.percentile", value, e.Literal(percent, Type.REAL), type=Type.REAL, span=bound.span)))
    return made


def _collect(_: Lower, event: Event, bound: Bound) -> Made:
    """https://library.humio.com/data-analysis/functions-collect.html"""
    if not bound.flag("multival", default=True):
        help = "leave it out: values are joined by the separator"
        bound.context.diagnostics.error("E304", "multival=false does not run here", bound.place("multival"), help=help)
    separator, limit = bound.text("separator", "\n") or "", bound.whole("limit", 2000)
    made: Made = []
    time = event.peek("@timestamp")
    order = () if event.aggregated or is_null(time) else (e.SortKey(time),)
    for word in bound.fields("fields"):
        value = event.hold(coerce.text(event.read(word.text)))
        listed: e.Expr = aggregate("agg.set", value, order_by=order, span=bound.span)
        listed = call("dynamic.slice", listed, e.whole(0), e.whole(max(limit, 1) - 1))
        made.append(n.Item(word.text, call("logic.null_if", call("text.join", listed, e.text(separator)), e.text(""), type=Type.STRING)))
    return made


def _counter_as_rate(_: Lower, event: Event, bound: Bound) -> Made:
    """https://library.humio.com/data-analysis/functions-counterasrate.html

    The growth of a counter from its first to its last event, by the seconds between them.
    """
    name = bound.field("field")
    time = event.peek("@timestamp")
    if name is None or is_null(time) or time.type is not Type.DATETIME:
        if name is None:
            bound.need("field")
        elif not bound.context.open_schema:
            bound.context.diagnostics.error("E305", "counterAsRate needs the time of the event, which the rows here do not have", bound.span)
        return []
    value = event.hold(coerce.real(event.read(name)))
    at = event.hold(e.Case(((call("logic.is_null", value), e.null(Type.DATETIME)),), time, Type.DATETIME))
    first, last = aggregate("agg.arg_min", value, at, span=bound.span), aggregate("agg.arg_max", value, at, span=bound.span)
    whole = call("time.difference", aggregate("agg.max", at, span=bound.span), aggregate("agg.min", at, span=bound.span))
    seconds = call("number.divide", call("logic.cast", whole, type=Type.LONG), e.Literal(1e7, Type.REAL))
    grown = call("number.subtract", last, first, type=Type.REAL)
    return [n.Item(bound.out, call("number.divide", grown, call("logic.null_if", seconds, e.Literal(0.0, Type.REAL))))]


def _regression(_: Lower, event: Event, bound: Bound) -> Made:
    """https://library.humio.com/data-analysis/functions-linreg.html"""
    x_name, y_name = bound.field("x"), bound.field("y")
    if x_name is None or y_name is None:
        bound.need("x")
        bound.need("y")
        return []
    x, y = event.hold(coerce.real(event.read(x_name))), event.hold(coerce.real(event.read(y_name)))

    def times(a: e.Expr, b: e.Expr) -> e.Expr:
        return call("number.multiply", a, b, type=Type.REAL)

    def less(a: e.Expr, b: e.Expr) -> e.Expr:
        return call("number.subtract", a, b, type=Type.REAL)

    def mean(a: e.Expr) -> e.Expr:
        present = event.hold(e.Case(((call("logic.is_null", times(x, y)), e.null(Type.REAL)),), a, Type.REAL))
        return aggregate("agg.avg", present, span=bound.span)

    nothing = e.Literal(0.0, Type.REAL)
    spread, other = less(mean(times(x, x)), times(mean(x), mean(x))), less(mean(times(y, y)), times(mean(y), mean(y)))
    both = less(mean(times(x, y)), times(mean(x), mean(y)))
    slope = call("number.divide", both, call("logic.null_if", spread, nothing))
    prefix = bound.text("prefix", "") or ""
    return [
        n.Item(f"{prefix}_slope", slope),
        n.Item(f"{prefix}_intercept", less(mean(y), times(slope, mean(x)))),
        n.Item(f"{prefix}_r2", call("number.divide", times(both, both), call("logic.null_if", times(spread, other), nothing))),
        n.Item(f"{prefix}_n", aggregate("agg.count", event.hold(times(x, y)), span=bound.span)),
    ]


def _select_last(_: Lower, event: Event, bound: Bound) -> Made:
    """https://library.humio.com/data-analysis/functions-selectlast.html"""
    time = event.peek("@timestamp")
    made: Made = []
    for word in bound.fields("fields"):
        value = event.read(word.text)
        chosen = aggregate("agg.last", value, span=bound.span) if is_null(time) else aggregate("agg.arg_max", value, time, span=bound.span)
        made.append(n.Item(word.text, chosen))
    return made


def _select_from(meaning: str) -> Callable[[Lower, Event, Bound], Made]:
    def run(_: Lower, event: Event, bound: Bound) -> Made:
        """https://library.humio.com/data-analysis/functions-selectfrommax.html"""
        name = bound.field("field")
        if name is None or bound.need("include") is None:
            bound.need("field")
            return []
        by = event.read(name)
        key = by if by.type is Type.DATETIME else event.hold(coerce.real(by))
        return [n.Item(w.text, aggregate(meaning, event.read(w.text), key, span=bound.span)) for w in bound.fields("include")]

    return run


FUNCTIONS = (
    Function("count", "aggregate", ("field", "distinct", "as"), _count, "_count"),
    Function("sum", "aggregate", ("field", "as"), _numeric("agg.sum"), "_sum"),
    Function("avg", "aggregate", ("field", "as"), _numeric("agg.avg"), "_avg"),
    Function("min", "aggregate", ("field", "as", "type"), _numeric("agg.min"), "_min"),
    Function("max", "aggregate", ("field", "as", "type"), _numeric("agg.max"), "_max"),
    Function("stdDev", "aggregate", ("field", "as"), _numeric("agg.stdev_population"), "_stddev"),
    Function("variance", "aggregate", ("field", "as"), _numeric("agg.variance_population"), "_variance"),
    Function("percentage", "aggregate", ("condition", "as"), _percentage),
    Function("range", "aggregate", ("field", "as"), _range, "_range"),
    Function("percentile", "aggregate", ("field", "percentiles", "as", "accuracy"), _percentile),
    Function("collect", "aggregate", ("fields", "limit", "separator", "multival"), _collect),
    Function("counterAsRate", "aggregate", ("field", "as"), _counter_as_rate, "_rate"),
    Function("linReg", "aggregate", ("x", "y", "prefix"), _regression),
    Function("selectLast", "aggregate", ("fields",), _select_last),
    Function("selectFromMax", "aggregate", ("field", "include"), _select_from("agg.arg_max")),
    Function("selectFromMin", "aggregate", ("field", "include"), _select_from("agg.arg_min")),
)
