"""Calls: which function a name is, how many arguments it takes, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livefire.diagnostics import Span
from livefire.languages.binder import nearest
from livefire.languages.kit.ast import Apply, Name, Star
from livefire.languages.kql import coerce, operators
from livefire.languages.kql.aggregates import AGGREGATES, lower_aggregate
from livefire.languages.kql.expressions import span_of
from livefire.languages.kql.scalars import lower_scalar
from livefire.languages.kql.scope import Function, Relation, Scope, fill
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call, negate
from livefire.schema import Type

# Farther than any text or array goes.
_FARTHEST = 2**31


@dataclass(frozen=True, slots=True)
class Site:
    """One call with its lowered arguments (none for a raw function, which reads the nodes itself)."""

    scope: Scope
    node: Apply
    args: tuple[e.Expr, ...]

    @property
    def span(self) -> Span:
        """The place of the call."""
        return self.node.span

    def has(self, place: int) -> bool:
        """True when the argument was given."""
        return place < len(self.args)

    def text(self, place: int) -> e.Expr:
        """Return an argument as text; any scalar is converted."""
        return coerce.to_text(self.args[place])

    def string(self, place: int) -> e.Expr:
        """Return an argument that must be text; E104 for a number or time."""
        value = self.args[place]
        if value.type in (Type.STRING, Type.DYNAMIC, Type.UNKNOWN, Type.GUID):
            return coerce.to_text(value)
        what = f"argument {place + 1} of {self.node.function} is text, not a {value.type.value}"
        self.scope.context.quirk(104, what, span=self.node.args[place].span, help="convert it with tostring()")
        return coerce.to_text(value)

    def long(self, place: int) -> e.Expr:
        """Return an argument as a whole number."""
        return coerce.to_long(self.args[place])

    def index(self, place: int) -> e.Expr:
        """Return an argument as a place or a number of things: one beyond any array and text is as good as another."""
        found = coerce.narrow(self.long(place), Type.LONG)
        if isinstance(found, e.Literal) and isinstance(found.value, int):
            return e.whole(max(-_FARTHEST, min(_FARTHEST, found.value)))
        return call("compare.least", call("compare.greatest", found, e.whole(-_FARTHEST)), e.whole(_FARTHEST)) if found.type is Type.LONG else found

    def real(self, place: int) -> e.Expr:
        """Return an argument as a real."""
        value = self.args[place]
        if value.type in (Type.STRING, Type.DATETIME, Type.BOOL):
            self.wrong(place, "a number")
        return coerce.to_real(value)

    def moment(self, place: int) -> e.Expr:
        """Return an argument as a datetime; E104 for text, which Kusto does not convert by itself."""
        value = self.args[place]
        if value.type in (Type.DATETIME, Type.UNKNOWN):
            return coerce.fit(value, Type.DATETIME)
        if value.type is not Type.DYNAMIC:
            self.wrong(place, "a datetime", "convert it with todatetime()")
        return coerce.to_datetime(value)

    def span_of_time(self, place: int) -> e.Expr:
        """Return an argument as a timespan."""
        value = self.args[place]
        if value.type not in (Type.TIMESPAN, Type.UNKNOWN, Type.DYNAMIC):
            self.wrong(place, "a timespan", "write it as 1d, 2h, 30m …")
        return coerce.fit(value, Type.TIMESPAN) if value.type is Type.UNKNOWN else coerce.to_timespan(value)

    def dynamic(self, place: int) -> e.Expr:
        """Return an argument that must be an array or bag; E104 for text, as Kusto does not read it by itself."""
        value = self.args[place]
        if value.type in (Type.DYNAMIC, Type.UNKNOWN):
            return coerce.fit(value, Type.DYNAMIC) if value.type is Type.UNKNOWN else value
        self.wrong(place, "a dynamic value", "read the text with parse_json()" if value.type is Type.STRING else "")
        return call("dynamic.parse", value) if value.type is Type.STRING else coerce.to_dynamic(value)

    def constant_text(self, place: int) -> str:
        """Return an argument that must be a constant text; E107 otherwise."""
        value = self.args[place]
        if isinstance(value, e.Literal) and isinstance(value.value, str):
            return value.value
        self.scope.error("E107", f"argument {place + 1} of {self.node.function} must be a constant text here", self.node.args[place].span)
        return ""

    def constant_long(self, place: int, default: int) -> int:
        """Return an argument that must be a constant whole number, the default where it is not given."""
        if not self.has(place):
            return default
        value = self.args[place]
        if isinstance(value, e.Literal) and isinstance(value.value, int):
            return value.value
        self.scope.error("E107", f"argument {place + 1} of {self.node.function} must be a constant whole number here", self.node.args[place].span)
        return default

    def held(self, value: e.Expr) -> e.Expr:
        """Return the column of a value that is computed before the expression where rows are at hand, and else the value itself."""
        gathered = self.scope.gathered
        if gathered is None or gathered.aggregates is not None or isinstance(value, (e.Literal, e.Column)):
            return value
        name = self.scope.state.name("held")
        gathered.windows.append(n.Item(name, value))
        return e.Column(name, value.type)

    def wrong(self, place: int, wanted: str, help: str = "") -> None:
        """Report an argument of a wrong type: E104, or W104 when lenient."""
        found = self.args[place].type.value
        what = f"argument {place + 1} of {self.node.function} is {wanted}, not a {found}"
        self.scope.context.quirk(104, what, span=self.node.args[place].span, help=help)

    def refuse(self, reason: str, help: str = "") -> e.Expr:
        """Report that the call cannot be run as written: E302."""
        return self.scope.error("E302", f"{self.node.function}: {reason}", self.node.name_span, help)

    def call(self, meaning: str, *args: e.Expr, type: Type | None = None) -> e.Expr:
        """Return a meaning with the call's place."""
        return call(meaning, *args, type=type, span=self.span)


def stopped(condition: e.Expr, words: str, type: Type = Type.DYNAMIC) -> e.Expr:
    """Return a null that ends the run with constant words (E458) where a condition holds."""
    # The two branches differ, so that no engine takes them for one and leaves the condition out.
    other = e.text("") if type is Type.STRING else e.Literal("0", Type.DYNAMIC)
    return e.Case(((negate(call("logic.fail_if", condition, e.text(words))), e.null(type)),), other, type)


Columns = list[tuple[str | None, e.Expr]]
"""The columns that one call gives, each with its default name."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar function: how it lowers, and its number of arguments. A raw one lowers its arguments itself.

    `columns` gives the columns of a function that makes several where it stands alone in extend, project or print.
    """

    lower: Callable[[Site], e.Expr]
    least: int
    most: int | None
    raw: bool = False
    columns: Callable[[Site], Columns] | None = None


def known_function(name: str) -> bool:
    """True for a scalar function or aggregate of Kusto, whether it can be run here or not."""
    from livefire.languages.kql.functions import FUNCTIONS, refusal

    return name in FUNCTIONS or refusal(name) is not None or name in AGGREGATES or name == "toscalar"


def lower_call(scope: Scope, node: Apply) -> e.Expr:
    """Return the value of a call: a let function, an aggregate, or a function of Kusto."""
    from livefire.languages.kql.functions import FUNCTIONS

    bound = scope.frame.find(node.function)
    if isinstance(bound, Function):
        return _user_function(scope, bound, node)
    if node.function == "toscalar":
        return _toscalar(scope, node)
    if node.function in AGGREGATES and (scope.gathered is not None and scope.gathered.aggregates is not None):
        return lower_aggregate(scope, node)
    function = FUNCTIONS.get(node.function)
    if function is None:
        return _unknown(scope, node, [*FUNCTIONS, *AGGREGATES])
    if len(node.args) < function.least or (function.most is not None and len(node.args) > function.most):
        return scope.error("E105", f"{node.function} takes {_count(function)}, and {len(node.args)} were given", node.span)
    if function.raw:
        return function.lower(Site(scope, node, ()))
    return function.lower(Site(scope, node, tuple(lower_scalar(scope, a.value) for a in node.args)))


def columns_of(scope: Scope, node: object) -> Columns | None:
    """Return the columns of a call that gives several; None for anything else."""
    if not isinstance(node, Apply) or isinstance(scope.frame.find(node.function), Function):
        return None
    from livefire.languages.kql.functions import FUNCTIONS

    function = FUNCTIONS.get(node.function)
    if function is None or function.columns is None or len(node.args) < function.least or (function.most is not None and len(node.args) > function.most):
        return None
    return function.columns(Site(scope, node, tuple(lower_scalar(scope, a.value) for a in node.args)))


def named_values(scope: Scope, node: object, names: tuple[str, ...], default: str | None) -> list[tuple[str | None, e.Expr, bool]]:
    """Return the columns of an item: name (None where Kusto numbers it), value, and whether the name was written."""
    parts = columns_of(scope, node)
    if parts is None:
        value = lower_scalar(scope, node)
        if len(names) > 1:
            return [(name, part, True) for name, part in zip(names, several(scope, node, value, len(names)), strict=True)]
        return [(names[0] if names else default, value, bool(names))]
    if len(names) > len(parts):
        scope.error("E106", f"{len(names)} names are given to {len(parts)} columns", span_of(node))  # type: ignore[arg-type]  # a call is an expression
    return [(names[i] if i < len(names) else name, value, i < len(names)) for i, (name, value) in enumerate(parts)]


def _count(function: Scalar) -> str:
    if function.most is None:
        return f"at least {function.least} arguments"
    if function.least == function.most:
        return f"{function.least} argument{'s' if function.least != 1 else ''}"
    return f"{function.least} to {function.most} arguments"


def _unknown(scope: Scope, node: Apply, known: list[str]) -> e.Expr:
    from livefire.languages.kql.aggregates import AGGREGATES
    from livefire.languages.kql.functions import refusal
    from livefire.languages.kql.sources import is_tabular

    for argument in node.args:
        # Faults inside the arguments are worth knowing too.
        if not isinstance(argument.value, (Name, Star)) and not is_tabular(scope, argument.value):
            lower_scalar(scope, argument.value)
    reason = refusal(node.function)
    if reason is not None:
        return scope.error("E302", f"{node.function} is not run: {reason}", node.name_span)
    if node.function in AGGREGATES:
        return scope.error("E104", f"{node.function}() is an aggregate and stands only in summarize", node.name_span, "put it into summarize … by …")
    meant = nearest(node.function, [*known, *scope.frame.all_names()])
    return scope.error("E103", f"no function is named {node.function!r}", node.name_span, f"did you mean {meant!r}?" if meant else "")


def _user_function(scope: Scope, function: Function, node: Apply) -> e.Expr:
    from livefire.languages.kql.lower import lower_body
    from livefire.languages.kql.sources import bind_arguments

    frame = bind_arguments(scope, function, node)
    if frame is None:
        return e.null(Type.UNKNOWN)
    return lower_body(scope.inner(frame), function.definition.body)


def _toscalar(scope: Scope, node: Apply) -> e.Expr:
    from livefire.languages.kql.sources import is_tabular, lower_source

    if len(node.args) != 1:
        return scope.error("E105", "toscalar takes one query", node.span)
    value = node.args[0].value
    if not is_tabular(scope, value):
        return lower_scalar(scope.bare(), value)
    return scalar_of(scope, lower_source(scope.bare(), value))


def scalar_of(scope: Scope, relation: Relation) -> e.Expr:
    """Return the first value of the first row; null when there is none, an empty text for text."""

    if not relation.schema.fields:
        return e.null(Type.UNKNOWN)
    first = relation.schema.fields[0]
    plan = n.Project(relation.plan, (n.Item(scope.state.name("scalar"), e.Column(first.name, first.type)),))
    return fill(e.ScalarQuery(plan, first.type))


def several(scope: Scope, node: object, value: e.Expr, count: int) -> list[e.Expr]:
    """Return the parts of a value that several names are given to: elements of an array."""
    del scope, node
    if value.type is not Type.DYNAMIC:
        return [value, *(e.null(Type.UNKNOWN) for _ in range(count - 1))]
    return [e.Path(value, (i,)) for i in range(count)]


__all__ = ["Scalar", "Site", "known_function", "lower_call", "operators", "scalar_of", "several", "span_of", "stopped"]
