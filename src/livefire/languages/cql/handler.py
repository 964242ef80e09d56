"""What a function of CQL is to the lowering: its parameters, its kind, and what it does with its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.rows import Rows
from livefire.languages.kit import ast
from livefire.plan import expr as e
from livefire.plan import nodes as n

Kind = Literal["filter", "value", "step", "rows", "aggregate", "refused", "ignored"]


class Lower(Protocol):
    """The lowering as functions see it."""

    context: Context

    def condition(self, event: Event, condition: s.Condition) -> e.Expr:
        """Return a condition over the event, never null."""

    def value(self, event: Event, value: s.Value) -> e.Expr:
        """Return the value of an expression over the event."""

    def steps(self, event: Event, pipeline: s.Pipeline) -> None:
        """Run steps on the event."""

    def subquery(self, pipeline: s.Pipeline) -> Event:
        """Return the event at the end of a query of its own."""

    def opened(self, pipeline: s.Pipeline) -> Event:
        """Return the event at the beginning of a query of its own."""

    def expanded(self, pipeline: s.Pipeline) -> s.Pipeline:
        """Return a pipeline with the steps of saved queries in place of their calls."""

    def output(self, event: Event) -> n.Plan:
        """Return the plan of everything the event shows."""

    def rows(self, plan: n.Plan) -> Rows:
        """Return rows over a plan."""

    def rows_of(self, plan: n.Plan) -> Event:
        """Return the event of aggregated rows."""

    def named(self, name: str) -> s.Pipeline | None:
        """Return a table that the query defined."""

    def function(self, name: str) -> Function | None:
        """Return the function of that name, None after E103."""

    def define(self, name: str, pipeline: s.Pipeline) -> None:
        """Keep a table that the query defines."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `parameters` in the order of the documentation, the first being the one that may go unnamed.

    A `step` changes each event on its own, `rows` work on all events at once. `output` is the field that takes the result where
    `as` is not given, `{field}` the field argument. `reason` says why a refused function cannot run here, or what an ignored one
    would have drawn.
    """

    name: str
    kind: Kind
    parameters: tuple[str, ...]
    run: Callable[..., Any] | None = None
    output: str | None = None
    reason: str = ""
    help: str = ""


class Bound:
    """The arguments of one call by parameter name."""

    def __init__(self, function: Function, call: s.Call, context: Context) -> None:
        self.function = function
        self.call = call
        self.context = context
        self._values = self._bind()

    @property
    def span(self) -> Span:
        """The place of the call."""
        return self.call.span

    def _bind(self) -> dict[str, s.Value]:
        folded = {p.lower(): p for p in self.function.parameters}
        found: dict[str, s.Value] = {}
        free = 0
        if self.function.parameters == ("*",):
            return found
        for argument in self.call.args:
            if argument.name is None:
                name = self._place(free, found)
                free += 1
                if free > 1 and name is not None:
                    self.context.quirk(135, f"only the first argument of {self.function.name} may go unnamed", span=argument.span, help=f"write {name}=…")
            else:
                name = folded.get(argument.name.lower())
            if name is None:
                self._surplus(argument)
            elif name in found:
                self.context.diagnostics.error("E106", f"{name} is given twice", argument.span)
            else:
                found[name] = argument.value
        return found

    def _place(self, free: int, found: dict[str, s.Value]) -> str | None:
        open = [p for p in self.function.parameters if p not in found]
        if free == 0:
            first = self.function.parameters[:1]
            return first[0] if first and first[0] not in found else (open[0] if open else None)
        return open[0] if open else None

    def _surplus(self, argument: s.Argument) -> None:
        known = ", ".join(self.function.parameters) or "none"
        if argument.name is None:
            self.context.diagnostics.error("E105", f"{self.function.name} takes fewer arguments", argument.span, help=f"its parameters: {known}")
            return
        meant = nearest(argument.name, self.function.parameters)
        help = f"did you mean {meant!r}?" if meant else f"its parameters: {known}"
        self.context.diagnostics.error("E105", f"{self.function.name} has no parameter {argument.name!r}", argument.span, help=help)

    def has(self, name: str) -> bool:
        """True when the argument is given."""
        return name in self._values

    def get(self, name: str) -> s.Value | None:
        """Return an argument as written."""
        return self._values.get(name)

    def place(self, name: str) -> Span:
        """Return the place of an argument, or of the call."""
        found = self._values.get(name)
        return found.span if found is not None else self.span

    def need(self, name: str) -> s.Value | None:
        """Return an argument; E105 when it is not given."""
        if name not in self._values:
            self.context.diagnostics.error("E105", f"{self.function.name} needs {name}", self.span, help=f"write {name}=…")
        return self._values.get(name)

    def wrong(self, name: str, what: str) -> None:
        """Report an argument of the wrong kind (E107)."""
        self.context.diagnostics.error("E107", f"{name} of {self.function.name} wants {what}", self.place(name))

    def refuse(self, *names: str) -> bool:
        """Report arguments that would be without effect (E304); True when there is one."""
        given = [name for name in names if self.has(name)]
        for name in given:
            self.context.diagnostics.error("E304", f"{name} of {self.function.name} does not run here", self.place(name))
        return bool(given)

    def text(self, name: str, default: str | None = None) -> str | None:
        """Return an argument as text; a parameter counts with its default."""
        value = self._values.get(name)
        if value is None:
            return default
        word = self.word(name)
        return word.text if word is not None else default

    def word(self, name: str) -> s.Word | None:
        """Return an argument as a word or text; E107 when it is something else."""
        value = self._values.get(name)
        if isinstance(value, s.Variable):
            return self.variable(value)
        if isinstance(value, s.Items) and len(value.items) == 1 and isinstance(value.items[0], s.Word):
            return value.items[0]
        if isinstance(value, s.Negation) and isinstance(value.operand, s.Word):
            return s.Word(value.operator + value.operand.text, value.operator + value.operand.raw, False, value.span)
        if value is not None and not isinstance(value, s.Word):
            self.wrong(name, "a text")
            return None
        return value

    def variable(self, value: s.Variable) -> s.Word | None:
        """Return what a user parameter stands for; E137 when nobody gave it a value."""
        given = self.context.options.get("parameters")
        if isinstance(given, dict) and value.name in given:
            return s.Word(str(given[value.name]), str(given[value.name]), True, value.span)
        if value.default is None:
            report_missing(value, self.context)
        return value.default

    def field(self, name: str, default: str | None = None) -> str | None:
        """Return an argument as a field name."""
        return self.text(name, default)

    def fields(self, name: str) -> list[s.Word]:
        """Return an argument as field names; one alone is a list of one."""
        return [w for v in self.items(name) if (w := self._field_of(name, v)) is not None]

    def _field_of(self, name: str, value: s.Value) -> s.Word | None:
        if isinstance(value, s.Word):
            return value
        if isinstance(value, s.Variable):
            return self.variable(value)
        if isinstance(value, s.Operation) and isinstance(value.left, s.Word) and isinstance(value.right, s.Word):
            joined = self.context.diagnostics.source.slice(value.span)
            if re.fullmatch(r"[^\s]+", joined):
                return s.Word(joined, joined, False, value.span)
        self.wrong(name, "field names")
        return None

    def items(self, name: str) -> tuple[s.Value, ...]:
        """Return the elements of a list argument; one value alone is a list of one."""
        value = self._values.get(name)
        if value is None:
            return ()
        return value.items if isinstance(value, s.Items) else (value,)

    def words(self, name: str) -> list[s.Word]:
        """Return the elements of a list argument as words or texts."""
        out: list[s.Word] = []
        for value in self.items(name):
            if isinstance(value, s.Word):
                out.append(value)
            elif isinstance(value, s.Variable):
                word = self.variable(value)
                out.extend([word] if word is not None else [])
            elif isinstance(value, s.Negation) and isinstance(value.operand, s.Word):
                out.append(s.Word(value.operator + value.operand.text, value.operator + value.operand.raw, False, value.span))
            else:
                self.wrong(name, "texts")
        return out

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return an argument that is true or false."""
        written = self.text(name)
        if written is None:
            return default
        if written.lower() not in ("true", "false"):
            self.wrong(name, "true or false")
            return default
        return written.lower() == "true"

    def whole(self, name: str, default: int) -> int:
        """Return an argument that is a whole number."""
        written = self.text(name)
        if written is None:
            return default
        if not re.fullmatch(r"-?\d{1,12}", written.strip()):
            self.wrong(name, "a whole number")
            return default
        return int(written)

    def pattern(self, name: str) -> ast.Pattern | None:
        """Return an argument that is a regular expression, between slashes or as text."""
        value = self.need(name)
        if isinstance(value, ast.Pattern):
            return value
        if value is None or (isinstance(value, s.Variable) and value.default is None and self.variable(value) is None):
            return None
        word = self.word(name)
        return ast.Pattern(word.text, "", word.span) if word is not None else None

    @property
    def out(self) -> str:
        """The field that takes the result."""
        output = self.function.output or f"_{self.function.name}"
        return self.text("as") or (output if output != "{field}" else self.text("field") or "_")


def report_missing(value: s.Variable, context: Context) -> None:
    """Report a user parameter without a value: an error of the run, a warning of a check."""
    report = context.diagnostics.warn if context.open_schema else context.diagnostics.error
    letter = "W" if context.open_schema else "E"
    report(
        f"{letter}137",
        f"the parameter ?{value.name} has no value",
        value.span,
        help=f"give parameters={{{value.name!r}: …}}, or write ?{{{value.name}=default}}",
    )
