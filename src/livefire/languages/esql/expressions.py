"""What an expression of ES|QL means: three-valued logic over values of one type."""

from __future__ import annotations

from collections.abc import Callable

from livefire.diagnostics import Fix, Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.esql import dates, durations, functions, networks, patterns
from livefire.languages.esql import values as v
from livefire.languages.esql.scope import Scope
from livefire.languages.esql.values import Kind, Value
from livefire.languages.kit.ast import Apply, Ast, Binary, Constant, ListOf, Name, Star, Unary
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type

COMPARE = {"==": "compare.eq", "!=": "compare.ne", "<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}
_ARITHMETIC = {"+": "number.add", "-": "number.subtract", "*": "number.multiply", "/": "number.divide", "%": "number.modulo"}
_KINDS = {Type.BOOL: Kind.BOOL, Type.INT: Kind.INT, Type.LONG: Kind.LONG, Type.REAL: Kind.DOUBLE, Type.STRING: Kind.TEXT, Type.DATETIME: Kind.DATE}


class Expressions:
    """Lowers the expressions of one command.

    `aggregate` is given inside STATS and lowers a call of an aggregate.
    """

    def __init__(self, scope: Scope, context: Context, aggregate: Callable[[Apply], Value] | None = None) -> None:
        self.scope = scope
        self.context = context
        self.aggregate = aggregate

    def error(self, code: str, message: str, span: Span, help: str = "", kind: Kind = Kind.NULL) -> Value:
        """Record an error and return null, so that reading goes on."""
        self.context.diagnostics.error(code, message, span, help=help)
        return v.null(kind)

    def condition(self, node: Ast) -> e.Expr:
        """Return a condition in three-valued logic."""
        return self.truth(self.value(node), node)

    def truth(self, value: Value, node: Ast) -> e.Expr:
        """Return a value as a condition; E104 for one that is none."""
        if value.kind not in (Kind.BOOL, Kind.ANY, Kind.NULL):
            self.error("E104", f"a condition must be boolean, and this is {value.kind.value}", node.span)
            return e.null(Type.BOOL)
        return v.boolean(value)

    def value(self, node: Ast) -> Value:
        """Return the value of an expression."""
        match node:
            case Constant(value=value, type=type):
                return Value(e.Literal(value, type), _KINDS[type]) if value is not None else v.null()
            case Name():
                return self.scope.lookup(node, self.context)
            case Unary(operator="not", operand=operand):
                return Value(negate(self.condition(operand)), Kind.BOOL)
            case Unary(operator="is null" | "is not null" as word, operand=operand):
                missing = self.missing(self.value(operand))
                return Value(missing if word == "is null" else negate(missing), Kind.BOOL)
            case Unary(operator=sign, operand=operand):
                return self._signed(sign, operand, node)
            case Binary(operator="and" | "or" as word, left=left, right=right):
                sides = (self.condition(left), self.condition(right))
                return Value(all_of(*sides) if word == "and" else any_of(*sides), Kind.BOOL)
            case Binary(operator="in" | "like" | "rlike"):
                return Value(self._member(node), Kind.BOOL)
            case Binary(operator=operator) if operator in COMPARE:
                return Value(self.compare(operator, node.left, node.right, node.span), Kind.BOOL)
            case Binary():
                return self._arithmetic(node)
            case Apply():
                return self.apply(node)
            case ListOf(items=items):
                return self._list(items, node.span)
            case Star():
                return self.error("E201", "`*` can only stand in COUNT(*)", node.span)
        return self.error("E305", "this cannot stand here", node.span)

    def missing(self, value: Value) -> e.Expr:
        """Return whether there is no value; several are not none."""
        if value.kind is Kind.NULL:
            return e.TRUE
        if value.many:
            return call("compare.eq", call("array.length", v.array(value)), e.whole(0))
        return call("logic.is_null", value.expr)

    def _list(self, items: tuple[Ast, ...], span: Span) -> Value:
        found = [self.value(i) for i in items]
        kind = v.common_kind(found)
        if kind is None:
            return self.error("E104", "the values of a list must be of one type", span)
        return v.shown(call("multi.values", call("dynamic.array", *(x.expr for x in found))), kind)

    # arithmetic

    def _signed(self, sign: str, operand: Ast, node: Unary) -> Value:
        duration = durations.read(operand) if isinstance(operand, Apply) else None
        if duration is not None and sign == "-":
            found = durations.Duration(-duration.ticks, -duration.months, duration.unit, -duration.amount)
            return found.value()
        value = self.value(operand)
        kind = Kind.DOUBLE if value.kind is Kind.ANY else value.kind
        if not kind.numeric and kind is not Kind.NULL:
            return self.error("E104", f"{sign!r} takes a number, and this is {value.kind.value}", operand.span)
        if sign == "+" or kind is Kind.NULL:
            return Value(v.number(value, kind if kind.numeric else Kind.LONG), kind)
        if kind is Kind.DOUBLE:
            return Value(call("number.negate", v.number(value), span=node.span), kind)
        return self._numbers("-", Value(e.Literal(0, Type.INT), Kind.INT), Value(v.number(value, kind), kind), node.span)

    def _arithmetic(self, node: Binary) -> Value:
        left, right, operator = self.value(node.left), self.value(node.right), node.operator
        spans = (Kind.SPAN, Kind.PERIOD)
        if left.kind in spans or right.kind in spans:
            return self._shift(left, right, node)
        for side, value in ((node.left, left), (node.right, right)):
            if not value.kind.numeric and value.kind not in (Kind.ANY, Kind.NULL):
                return self.error("E104", f"{operator!r} takes numbers, and this is {value.kind.value}", side.span, "convert it: to_long(…) or to_double(…)")
        return self._numbers(operator, left, right, node.span)

    def _numbers(self, operator: str, left: Value, right: Value, span: Span) -> Value:
        kind = v.common_kind([left, right])
        if kind is None or not kind.numeric:
            kind = Kind.DOUBLE if Kind.ANY in (left.kind, right.kind) else Kind.INT
        if kind is Kind.DOUBLE:
            a, b = v.number(left), v.number(right)
            if operator in "/%":
                b = call("logic.null_if", b, e.Literal(0.0, Type.REAL))
            return Value(call("number.finite", call(_ARITHMETIC[operator], a, b, type=Type.REAL, span=span)), kind)
        a, b = v.number(left, Kind.LONG), v.number(right, Kind.LONG)
        meaning = "number.divide_whole" if operator == "/" else _ARITHMETIC[operator]
        result = call(meaning, a, b, type=Type.LONG, span=span)
        # What does not fit its type is null there, with a warning.
        return Value(call("convert.to_int" if kind is Kind.INT else "number.or_null", result), kind)

    def _shift(self, left: Value, right: Value, node: Binary) -> Value:
        """Add a span to a date, or take it away."""
        spans = (Kind.SPAN, Kind.PERIOD)
        if right.kind not in spans and node.operator == "+":
            left, right = right, left
        if left.kind not in (Kind.DATE, Kind.ANY, Kind.NULL, Kind.TEXT) or right.kind not in spans or node.operator not in "+-":
            return self.error("E104", "a time span can only be added to a date or taken from one", node.span)
        base = self._date(left, node.left.span)
        if right.kind is Kind.PERIOD:
            months = right.expr if node.operator == "+" else call("number.negate", right.expr)
            return Value(call("time.add_months", base, months, span=node.span), Kind.DATE)
        return Value(call("time.add" if node.operator == "+" else "time.subtract", base, right.expr, span=node.span), Kind.DATE)

    def _date(self, value: Value, span: Span) -> e.Expr:
        if value.kind is not Kind.TEXT:
            return v.moment(value)
        if isinstance(value.expr, e.Literal) and (found := dates.read(str(value.expr.value))) is not None:
            return found
        self.error("E104", "this must be a date, and it is keyword", span, "convert it: to_datetime(…)")
        return e.null(Type.DATETIME)

    # comparisons

    def compare(self, operator: str, left: Ast, right: Ast, span: Span) -> e.Expr:
        """Compare two expressions; several values on a side give null."""
        return self.comparison(operator, self.value(left), self.value(right), span)

    def comparison(self, operator: str, a: Value, b: Value, span: Span) -> e.Expr:
        """Compare two values by their types."""
        if Kind.NULL in (a.kind, b.kind):
            return e.null(Type.BOOL)
        meaning = COMPARE[operator]
        if Kind.DATE in (a.kind, b.kind):
            return self._compare_dates(meaning, a, b, span)
        if a.kind.numeric or b.kind.numeric:
            return self._compare_numbers(meaning, a, b, span)
        if Kind.BOOL in (a.kind, b.kind):
            if {a.kind, b.kind} <= {Kind.BOOL, Kind.ANY} and operator in ("==", "!="):
                return call(meaning, v.boolean(a), v.boolean(b), span=span)
            return self._unequal(a, b, span)
        if a.kind is Kind.ANY and b.kind is Kind.ANY and operator not in ("==", "!="):
            return self._compare_unmapped(meaning, a, b, span)
        if Kind.IP in (a.kind, b.kind):
            return self._compare_addresses(meaning, a, b, span)
        return call(meaning, v.text(a), v.text(b), span=span)

    def _compare_addresses(self, meaning: str, a: Value, b: Value, span: Span) -> e.Expr:
        """Compare addresses by their numbers, whatever form a text in quotes gives one."""
        sides: list[e.Expr] = []
        for value in (a, b):
            if value.kind is Kind.TEXT and isinstance(value.expr, e.Literal):
                found = networks.canonical(str(value.expr.value))
                if found is None:
                    self.error("E104", f"{value.expr.value!r} is no address", span, "compare with cidr_match(…), or convert the field: to_string(…)")
                    return e.null(Type.BOOL)
                sides.append(e.text(found))
            elif value.kind is Kind.TEXT:
                return self._unequal(a, b, span)
            else:
                sides.append(v.text(value))
        if meaning not in ("compare.eq", "compare.ne"):
            sides = [call("address.digits", x) for x in sides]
        return call(meaning, *sides, span=span)

    def _unequal(self, a: Value, b: Value, span: Span) -> e.Expr:
        self.error("E104", f"{a.kind.value} and {b.kind.value} cannot be compared", span, "convert one side with to_string(…), to_long(…) or ::")
        return e.null(Type.BOOL)

    def _compare_dates(self, meaning: str, a: Value, b: Value, span: Span) -> e.Expr:
        sides: list[e.Expr] = []
        for value in (a, b):
            if value.kind is Kind.TEXT and isinstance(value.expr, e.Literal):
                found = dates.read(str(value.expr.value))
                if found is None:
                    self.error("E104", f"{value.expr.value!r} is no date", span, 'write "2026-01-31T10:00:00Z"')
                    return e.null(Type.BOOL)
                sides.append(found)
            elif value.kind in (Kind.DATE, Kind.ANY):
                sides.append(v.moment(value))
            else:
                return self._unequal(a, b, span)
        return call(meaning, *sides, span=span)

    def _compare_numbers(self, meaning: str, a: Value, b: Value, span: Span) -> e.Expr:
        if any(not x.kind.numeric and x.kind is not Kind.ANY for x in (a, b)):
            return self._unequal(a, b, span)
        if Kind.ANY in (a.kind, b.kind):
            return call(meaning, v.number(a), v.number(b), span=span)
        return call(meaning, a.expr if not a.dynamic else v.number(a, a.kind), b.expr if not b.dynamic else v.number(b, b.kind), span=span)

    def _compare_unmapped(self, meaning: str, a: Value, b: Value, span: Span) -> e.Expr:
        """Two fields whose mappings are not known are ordered as numbers when both are, else as text."""
        both = all_of(*(call("compare.ne", call("logic.type_name", v.one(x)), e.text("string")) for x in (a, b)))
        numbers = call(meaning, v.number(a), v.number(b), span=span)
        return e.Case(((both, numbers),), call(meaning, v.text(a), v.text(b), span=span), Type.BOOL)

    def _member(self, node: Binary) -> e.Expr:
        items = node.right.items if isinstance(node.right, ListOf) else (node.right,)
        value = self.value(node.left)
        if node.operator == "in":
            found = [self.value(i) for i in items]
            if value.kind is Kind.TEXT and not value.dynamic and all(x.kind is Kind.TEXT and not x.dynamic for x in found):
                return call("compare.in", value.expr, *(x.expr for x in found), span=node.span)
            if value.kind in (Kind.ANY, Kind.TEXT) and all(isinstance(x.expr, e.Literal) and x.kind is Kind.TEXT for x in found):
                return call("compare.in", v.text(value), *(x.expr for x in found), span=node.span)
            return any_of(*(self.comparison("==", value, x, node.span) for x in found))
        if value.kind not in (Kind.TEXT, Kind.ANY, Kind.NULL):
            self.error("E104", f"{node.operator.upper()} takes text, and this is {value.kind.value}", node.left.span, "convert it: to_string(…)")
            return e.null(Type.BOOL)
        subject = v.text(value)
        parts = []
        for item in items:
            if not isinstance(item, Constant) or not isinstance(item.value, str):
                self.error("E104", f"{node.operator.upper()} takes a pattern in quotes", item.span)
                continue
            parts.append(patterns.match(subject, item.value, node.operator, item.span, self.context))
        return any_of(*parts)

    # functions

    def apply(self, node: Apply) -> Value:
        """Return a call of one of ES|QL's functions."""
        if node.function in ("~span", "to_timeduration", "to_dateperiod"):
            duration = durations.read(node)
            help = 'write 1 hour, or "1 hour"::time_duration'
            return duration.value() if duration is not None else self.error("E206", "this is no time span", node.span, help)
        if node.function == "~parameter":
            bound = node.args[0].value
            name = str(bound.value) if isinstance(bound, Constant) else ""
            return Value(e.Parameter(name, Type.DATETIME), Kind.DATE)
        if node.function == "~unknown":
            return v.null(Kind.ANY)
        if self.aggregate is not None and node.function in functions.AGGREGATES:
            return self.aggregate(node)
        found = functions.FUNCTIONS.get(node.function)
        if found is None:
            return self._unknown(node)
        least, most = found.arity
        count = len(node.args)
        if count < least or (most is not None and count > most):
            wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            return self.error("E105", f"{node.function} takes {wanted} arguments, found {count}", node.span)
        return found.build(functions.Use(self, node))

    def _unknown(self, node: Apply) -> Value:
        name = node.function
        if name in functions.REFUSED_AGGREGATES:
            return self.error("E302", f"{name} cannot run here: {functions.REFUSED_AGGREGATES[name]}", node.name_span)
        if name in functions.AGGREGATES:
            return self.error("E104", f"{name} is an aggregate, and only STATS and INLINE STATS take those", node.name_span)
        if name in functions.REFUSED:
            return self.error("E302", f"{name} cannot run here: {functions.REFUSED[name]}", node.name_span)
        meant = nearest(name, (*functions.FUNCTIONS, *functions.AGGREGATES))
        fix = Fix(node.name_span, meant) if meant else None
        help = f"did you mean {meant!r}?" if meant else ""
        self.context.diagnostics.error("E103", f"no function of ES|QL is named {name!r}", node.name_span, help=help, fix=fix)
        return v.null(Kind.ANY if self.scope.open else Kind.NULL)
