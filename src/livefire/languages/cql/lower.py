"""From the AST of CQL to the plan: steps change the event, and the last event is what comes out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from livefire.diagnostics import NOWHERE, Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.cql import conditions, evaluate
from livefire.languages.cql import syntax as s
from livefire.languages.cql.aggregates import Gathered, group
from livefire.languages.cql.event import Event, settled
from livefire.languages.cql.functions import FUNCTIONS
from livefire.languages.cql.handler import Bound, Function
from livefire.languages.cql.output import show
from livefire.languages.cql.rows import Rows
from livefire.languages.cql.saved import expand
from livefire.languages.cql.source import open_source
from livefire.languages.kit import ast
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import negate
from livefire.schema import Type


class Lowering:
    """Lowers one query; it is what the functions of the language are handed."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._numbers = count()
        self._defined: dict[str, s.Pipeline] = {}
        self._depth = 0
        self._conditions: dict[type, Callable[[Event, Any], e.Expr]] = {
            s.Comparison: lambda event, node: conditions.comparison(event, node, context),
            s.FreeText: lambda event, node: conditions.free_text(event, node, context),
            s.Everything: lambda _, node: e.Literal(node.value, Type.BOOL),
            s.Conjunction: lambda event, node: conditions.conjunction(event, node, self.condition),
            s.Disjunction: self._disjunction,
            s.Not: self._not,
            s.Call: self._call_condition,
        }
        self._values: dict[type, Callable[[Event, Any], e.Expr]] = {
            s.Word: evaluate.word,
            s.Operation: self._operation,
            s.Negation: lambda event, node: evaluate.negation(self.value(event, node.operand), node),
            s.Variable: self._variable,
            s.Call: self._call_value,
        }
        self._steps: dict[type, Callable[[Event, Any], None]] = {
            s.FilterStep: self._filter,
            s.AssignStep: self._assign,
            s.CaseStep: self._case,
            s.MatchStep: self._match,
            s.StatsStep: self._stats,
            s.SavedStep: self._saved,
        }

    # queries

    def query(self, pipeline: s.Pipeline) -> n.Plan:
        """Return the plan of a whole query."""
        return show(self.subquery(pipeline), self.context, pipeline)

    def subquery(self, pipeline: s.Pipeline) -> Event:
        """Return the event at the end of a query over the tables."""
        event = self.opened(pipeline)
        self.steps(event, pipeline)
        return event

    def opened(self, pipeline: s.Pipeline) -> Event:
        """Return the event at the beginning of a query over the tables."""
        plan, base = open_source(pipeline, self.context)
        return Event(Rows(plan, self._numbers), base)

    def expanded(self, pipeline: s.Pipeline, depth: int = 0) -> s.Pipeline:
        """Return a pipeline with the steps of saved queries in place of their calls."""
        steps: list[s.Step] = []
        for step in pipeline.steps:
            inner = expand(step, self.context, names(), depth) if isinstance(step, s.SavedStep) else None
            steps += self.expanded(inner, depth + 1).steps if inner is not None else (step,)
        return s.Pipeline(tuple(steps), pipeline.span)

    def output(self, event: Event) -> n.Plan:
        """Return the plan of everything the event shows."""
        return show(event, self.context)

    def rows(self, plan: n.Plan) -> Rows:
        """Return rows over a plan."""
        return Rows(plan, self._numbers)

    def rows_of(self, plan: n.Plan) -> Event:
        """Return the event of aggregated rows."""
        return settled(Rows(plan, self._numbers), plan.schema.names)

    def named(self, name: str) -> s.Pipeline | None:
        """Return a table that the query defined."""
        return self._defined.get(name)

    def define(self, name: str, pipeline: s.Pipeline) -> None:
        """Keep a table that the query defines."""
        self._defined[name] = pipeline

    # steps

    def steps(self, event: Event, pipeline: s.Pipeline) -> None:
        """Run steps on the event."""
        for step in pipeline.steps:
            self._steps[type(step)](event, step)
            event.passed = (*event.passed, step)

    def _filter(self, event: Event, step: s.FilterStep) -> None:
        if isinstance(step.condition, s.Call):
            self._call_step(event, step.condition)
            return
        parts = step.condition.parts if isinstance(step.condition, s.Conjunction) else (step.condition,)
        for part in parts:
            event.keep(self.condition(event, part), part.span)

    def _assign(self, event: Event, step: s.AssignStep) -> None:
        value = step.value
        if isinstance(value, s.Call):
            named = s.Argument("as", step.field, step.field.span)
            function = self._function(value)
            if function is None:
                return
            if "as" in function.parameters and not any(a.name == "as" for a in value.args):
                self._call_step(event, s.Call(value.function, (*value.args, named), step.span, value.name_span))
                return
        event.assign(step.field.text, self.value(event, value))

    def _case(self, event: Event, step: s.CaseStep) -> None:
        forks: list[Event] = []
        for clause in step.clauses:
            fork = event.fork(forks)
            self.steps(fork, clause)
            forks.append(fork)
            if fork.alive is None:
                break
        if not forks:
            event.keep(e.FALSE, step.span)
            return
        event.join(forks, step.span)

    def _match(self, event: Event, step: s.MatchStep) -> None:
        forks: list[Event] = []
        for clause in step.clauses:
            fork = event.fork(forks)
            fork.keep(self.condition(fork, clause.condition), clause.span)
            self.steps(fork, clause.pipeline)
            forks.append(fork)
            if fork.alive is None:
                break
        if not forks:
            event.keep(e.FALSE, step.span)
            return
        event.join(forks, step.span)

    def _stats(self, event: Event, step: s.StatsStep) -> None:
        argument = s.Argument("function", step.functions, step.functions.span)
        self._call_step(event, s.Call("stats", (argument,), step.span, step.functions.span))

    def _saved(self, event: Event, step: s.SavedStep) -> None:
        pipeline = expand(step, self.context, names(), self._depth)
        if pipeline is not None:
            passed = event.passed
            self._depth += 1
            self.steps(event, pipeline)
            self._depth -= 1
            event.passed = passed

    def _call_step(self, event: Event, node: s.Call) -> None:
        function = self._function(node)
        if function is None or not self._runs(function, node):
            return
        bound = Bound(function, node, self.context)
        if function.run is None:
            return
        if function.kind == "filter":
            event.keep(function.run(self, event, bound), node.span)
        elif function.kind == "aggregate":
            group(self, event, [], Gathered(function.run(self, event, bound)), node.span)
        elif function.kind == "value":
            made = function.run(self, event, bound)
            if made is not None:
                event.assign(bound.out, made)
        else:
            function.run(self, event, bound)

    def function(self, name: str) -> Function | None:
        """Return the function of that name, None after E103."""
        return self._named_function(name, NOWHERE)

    def _function(self, node: s.Call) -> Function | None:
        return self._named_function(node.function, node.name_span)

    def _named_function(self, name: str, span: Span) -> Function | None:
        found = FUNCTIONS.get(name.lower())
        if found is None:
            meant = nearest(name, (f.name for f in FUNCTIONS.values()))
            help = f"did you mean {meant!r}?" if meant else "a function of a saved query is called as $name()"
            self.context.diagnostics.error("E103", f"no function is named {name!r}", span, help=help)
        return found

    def _runs(self, function: Function, node: s.Call) -> bool:
        if function.kind == "refused":
            self.context.diagnostics.error("E302", f"{function.name} does not run here: {function.reason}", node.span, help=function.help)
            return False
        if function.kind == "ignored":
            self.context.diagnostics.notice("N131", f"{function.name} {function.reason}", node.span)
            return function.run is not None
        return True

    # conditions

    def condition(self, event: Event, condition: s.Condition) -> e.Expr:
        """Return a condition over the event, never null."""
        return self._conditions[type(condition)](event, condition)

    def _disjunction(self, event: Event, node: s.Disjunction) -> e.Expr:
        names = conditions.group_names(node)
        if names:
            self.context.quirk(
                132,
                f"the group {names[0]!r} lies inside OR, where LogScale takes no named group",
                span=node.span,
                help="match and extract in a step of its own",
            )
            return conditions.disjunction(event.fork(), node, self.condition)
        return conditions.disjunction(event, node, self.condition)

    def _not(self, event: Event, node: s.Not) -> e.Expr:
        return negate(self.condition(event.fork() if conditions.group_names(node) else event, node.part))

    def _call_condition(self, event: Event, node: s.Call) -> e.Expr:
        function = self._function(node)
        if function is None or not self._runs(function, node):
            return e.FALSE
        if function.kind != "filter" or function.run is None:
            self.context.diagnostics.error(
                "E104", f"{function.name} is no condition: it cannot be joined with others or negated", node.span, help="give it a step of its own"
            )
            return e.FALSE
        found: e.Expr = function.run(self, event, Bound(function, node, self.context))
        return found

    # values

    def value(self, event: Event, value: s.Value) -> e.Expr:
        """Return the value of an expression over the event."""
        found = self._values.get(type(value))
        if found is None:
            what = "a pattern" if isinstance(value, ast.Pattern) else "a list" if isinstance(value, s.Items) else "a query"
            self.context.diagnostics.error("E104", f"{what} is no value", value.span)
            return e.null(Type.STRING)
        return found(event, value)

    def _operation(self, event: Event, node: s.Operation) -> e.Expr:
        left = event.hold(self.value(event, node.left))
        right = event.hold(self.value(event, node.right))
        return evaluate.operation(left, right, node, self.context)

    def _variable(self, _: Event, node: s.Variable) -> e.Expr:
        probe = Bound(Function("parameter", "value", ("value",)), s.Call("parameter", (), node.span, node.span), self.context)
        found = probe.variable(node)
        return e.text(found.text) if found is not None else e.null(Type.STRING)

    def _call_value(self, event: Event, node: s.Call) -> e.Expr:
        function = self._function(node)
        if function is None or not self._runs(function, node):
            return e.null(Type.STRING)
        if function.kind not in ("value", "filter") or function.run is None:
            self.context.diagnostics.error(
                "E104", f"{function.name} gives no single value to use in an expression", node.span, help="give it a step of its own"
            )
            return e.null(Type.STRING)
        found = function.run(self, event, Bound(function, node, self.context))
        if found is None:
            self.context.diagnostics.error("E104", f"{function.name} gives an array here, which is no value of an expression", node.span)
            return e.null(Type.STRING)
        made: e.Expr = found
        return made


def lower(tree: object, context: Context) -> n.Plan:
    """Return the plan of a parsed query."""
    assert isinstance(tree, s.Pipeline)  # the registry pairs parse with lower
    return Lowering(context).query(tree)


def names() -> frozenset[str]:
    """Return the names of all functions in lower case."""
    return frozenset(FUNCTIONS)


__all__ = ["Lowering", "lower", "names"]
