"""Eval expressions over rows: https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/Eval.

A condition with a missing value is null, which `where` and `if` take for false.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from livefire.diagnostics import Fix, Span
from livefire.languages.binder import nearest
from livefire.languages.kit.ast import Apply, Ast, Binary, Constant, ListOf, Name, Unary
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.mentions import dotted
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.values import any_value, compare, constant_text, differs, is_multi, is_text, number_of, only_of, parsed, real_of, text_of
from livefire.plan import expr as e
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import any_of, call
from livefire.schema import TICKS_PER_SECOND, Type

_COMPARE = ("=", "!=", "<", ">", "<=", ">=")
_ARITHMETIC = {"+": "number.add", "-": "number.subtract", "*": "number.multiply"}


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates expressions over one frame; `bound` holds names that stand for a value (mvmap, mvfilter)."""

    scope: Scope
    frame: Frame
    bound: dict[str, Expr] = field(default_factory=dict)

    def condition(self, ast: Ast) -> Expr:
        """Return an expression as a condition; E104 where it is a value."""
        found = self.value(ast)
        if found.type is Type.BOOL:
            return found
        if isinstance(found, e.Literal) and found.value is None:
            return e.null(Type.BOOL)
        return self.scope.refuse("E104", "a condition is true or false, and this is a value", ast.span, help='compare it with something, such as =1 or ="true"')

    def value(self, ast: Ast) -> Expr:
        """Return the value of an expression."""
        match ast:
            case Constant(value=value, type=type):
                return e.Literal(value, type)
            case Name():
                return self._name(ast)
            case Unary(operator="not", operand=operand):
                return call("logic.not", self.condition(operand), span=ast.span)
            case Unary(operator=sign, operand=operand):
                return self._signed(sign, self.value(operand), ast.span)
            case Binary():
                return self._binary(ast)
            case Apply():
                return self._apply(ast)
            case ListOf(items=items) if len(items) == 1:
                return self.value(items[0])
        return self.scope.refuse("E201", "this stands where a value is expected", ast.span)

    def _name(self, ast: Name) -> Expr:
        if ast.text in self.bound:
            return self.bound[ast.text]
        if not ast.quoted and not self.frame.has(ast.text) and ast.text.lower() == "null" and not self.frame.wild:
            return e.null(Type.STRING)
        return self.scope.field(self.frame, ast)

    def _signed(self, sign: str, value: Expr, span: Span) -> Expr:
        if isinstance(value, e.Literal) and isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
            return e.Literal(-value.value if sign == "-" else value.value, value.type)
        number = self.number(value, span)
        return call("number.negate", number, span=span) if sign == "-" else number

    def number(self, value: Expr, span: Span) -> Expr:
        """Return a value as a number; E104 for a condition and for several values."""
        value = self.one(value, span)
        text = constant_text(value)
        if text is not None and parsed(text) is None:
            self.scope.refuse("E104", f"{text[:40]!r} is no number", span)
        if value.type is Type.BOOL:
            self.scope.refuse("E104", "a condition is no number", span, help="use if(condition, 1, 0)")
        return number_of(value)

    def text(self, value: Expr, span: Span) -> Expr:
        """Return a value as text; refuses conditions and several values."""
        value = self.one(value, span)
        if value.type is Type.BOOL:
            self.scope.refuse("E104", "a condition is no text", span, help="use tostring(condition)")
        return text_of(value)

    def one(self, value: Expr, span: Span) -> Expr:
        """Return a value of which a row has one at most: one with several ends the run, for what comes out is not documented."""
        if not is_multi(value):
            return value
        self.scope.several(span, "a row in which it has several ends the run")
        return only_of(value, self.scope.quoted(span))

    def _binary(self, ast: Binary) -> Expr:
        match ast.operator:
            case "and":
                return call("logic.and", self.condition(ast.left), self.condition(ast.right), span=ast.span)
            case "or":
                return call("logic.or", self.condition(ast.left), self.condition(ast.right), span=ast.span)
            case "xor":
                return call("compare.ne", self.condition(ast.left), self.condition(ast.right), span=ast.span)
            case "like":
                return self.like(self.value(ast.left), self.value(ast.right), ast.right.span, ast.span)
            case "in":
                return self._membership(ast)
            case ".":
                return self._concat(ast)
            case "/" | "%" | "+" | "-" | "*":
                return self._arithmetic(ast)
        return self._compare(ast)

    def _compare(self, ast: Binary) -> Expr:
        left, right = self.value(ast.left), self.value(ast.right)
        for side, other, place in ((left, right, ast.right), (right, left, ast.left)):
            if side.type is Type.BOOL and other.type is not Type.BOOL:
                self.scope.refuse("E104", "a condition is compared with a value", place.span, help="use tostring(condition) or if(condition, …)")
        if ast.operator != "=" and (is_multi(left) or is_multi(right)):
            place = ast.left if is_multi(left) else ast.right
            self.scope.several(place.span, "a row in which one fits and another does not ends the run")
            return self._uneven(ast, left, right)
        return compare(ast.operator, left, right, ast.span)

    def _uneven(self, ast: Binary, left: Expr, right: Expr) -> Expr:
        what = self.scope.quoted(ast.span)
        if is_multi(left) and is_multi(right):
            right = only_of(right, what)
        if is_multi(left):
            return differs(left, right, lambda v: compare(ast.operator, v, right, ast.span), what)
        return differs(left, right, lambda v: compare(ast.operator, left, v, ast.span), what)

    def like(self, value: Expr, pattern: Expr, place: Span, span: Span) -> Expr:
        """Return `value LIKE pattern`: `%` is any run and `_` one character, case counts, `*` is just itself."""
        constant = constant_text(pattern)
        if constant is not None and "*" in constant and "%" not in constant:
            written = self.scope.context.diagnostics.source.slice(place)
            fix = Fix(place, written.replace("*", "%"), "write % for any run of characters") if "*" in written else None
            self.scope.warn(
                "W152", "LIKE takes `*` for a plain character, so this matches only text that holds one", place, "any run of characters is %", fix=fix
            )
        if pattern.type is not Type.STRING:
            pattern = self.text(pattern, place)
        return any_value(value, lambda v: call("text.like", text_of(v), pattern, span=span), span)

    def _membership(self, ast: Binary) -> Expr:
        needle = self.value(ast.left)
        items = ast.right.items if isinstance(ast.right, ListOf) else (ast.right,)
        return self.member(needle, [self.value(i) for i in items], ast.span)

    def member(self, needle: Expr, options: list[Expr], span: Span) -> Expr:
        """Return whether a value equals one of several."""
        if is_text(needle) and all(constant_text(o) is not None for o in options):
            return call("compare.in", needle, *options, span=span)
        return any_of(*(compare("=", needle, o, span) for o in options))

    def _concat(self, ast: Binary) -> Expr:
        path = self._path(ast)
        if path is not None:
            return path
        for side in (ast.left, ast.right):
            if isinstance(side, Apply) and side.function == "round" and len(side.args) > 1:
                self.scope.context.diagnostics.notice("N159", "Splunk may show zeros at the end of a rounded number as text; here there are none", side.span)
        left, right = self.text(self.value(ast.left), ast.left.span), self.text(self.value(ast.right), ast.right.span)
        return call("text.concat", left, right, span=ast.span)

    def _path(self, ast: Binary) -> Expr | None:
        """Read `a.b` where a field of that name was meant: in an eval the dot joins, and what it joins has no value."""
        path = dotted(ast)
        if path is None or ast.span.end - ast.span.start != len(path) or not self.frame.has(path):
            return None
        if all(x in self.frame.names for x in path.split(".")):
            return None
        message = f"in an eval the dot joins text: this is {' and '.join(path.split('.'))} one after the other, not the field {path!r}"
        self.scope.warn("W158", message, ast.span, f"write '{path}' in single quotes", fix=Fix(ast.span, f"'{path}'", "quote the field"))
        if self.scope.context.lenient:
            return self.frame.column(path)
        parts = [self.frame.column(x) if self.frame.has(x) else e.null(Type.STRING) for x in path.split(".")]
        return call("text.concat", *(text_of(x) for x in parts), span=ast.span)

    def _arithmetic(self, ast: Binary) -> Expr:
        left, right = self.value(ast.left), self.value(ast.right)
        if ast.operator == "+" and any(constant_text(x) is not None and parsed(constant_text(x) or "") is None for x in (left, right)):
            return call("text.concat", self.text(left, ast.left.span), self.text(right, ast.right.span), span=ast.span)
        if left.type is Type.DATETIME and right.type in (Type.LONG, Type.INT) and ast.operator in "+-":
            ticks = call("number.multiply", right, e.whole(TICKS_PER_SECOND), type=Type.TIMESPAN)
            return call("time.add" if ast.operator == "+" else "time.subtract", left, ticks, span=ast.span)
        if ast.operator == "+" and is_text(left) and is_text(right):
            return self._sum_or_join(left, right, ast.span)
        a, b = self.number(left, ast.left.span), self.number(right, ast.right.span)
        if ast.operator in "*/" and any(isinstance(x, Constant) and x.type is Type.REAL for x in (ast.left, ast.right)):
            # https://docs.splunk.com/Documentation/Splunk/latest/SearchReference/MathematicalFunctions, under sigfig(X)
            message = "Splunk shows such a result with as many significant figures as its least exact number has; here it is not rounded"
            self.scope.context.diagnostics.notice("N159", message, ast.span, help="exact() shows all of them there too")
        if ast.operator == "/":
            zero = call("compare.eq", real_of(b), e.Literal(0.0, Type.REAL))
            return Case(((zero, e.null(Type.REAL)),), call("number.divide", a, b, span=ast.span), Type.REAL)
        if a.type is not b.type:
            a, b = real_of(a), real_of(b)
        kind = Type.REAL if a.type is Type.REAL else Type.LONG
        if ast.operator == "%":
            return call("number.modulo", a, b, span=ast.span)
        if ast.operator == "*" and kind is Type.LONG:
            # A product of whole numbers may pass 64 bits, and SPL counts in reals.
            a, b, kind = real_of(a), real_of(b), Type.REAL
        return call(_ARITHMETIC[ast.operator], a, b, type=kind, span=ast.span)

    def _sum_or_join(self, left: Expr, right: Expr, span: Span) -> Expr:
        """Add two fields that are numbers, join two that are texts."""
        a, b = real_of(left), real_of(right)
        numeric = call("logic.and", call("logic.not", call("logic.is_null", a)), call("logic.not", call("logic.is_null", b)))
        total = text_of(call("number.add", a, b, type=Type.REAL, span=span))
        return Case(((numeric, total),), call("text.concat", left, right, span=span), Type.STRING)

    def _apply(self, ast: Apply) -> Expr:
        from livefire.languages.spl.functions import FUNCTIONS, KNOWN
        from livefire.languages.spl.shaping import OF_VALUES

        if ast.function == "`macro`":
            return e.null(Type.STRING)
        function = FUNCTIONS.get(ast.function)
        if function is None:
            if ast.function in KNOWN:
                self.scope.refuse("E302", f"{ast.function}() is not run: {KNOWN[ast.function]}", ast.name_span)
            if ast.function in OF_VALUES and len(ast.args) == 1:
                self.scope.context.quirk(
                    153, f"{ast.function}() is a function of convert, not of eval", span=ast.name_span, help=f"write | convert {ast.function}(field) AS name"
                )
                return OF_VALUES[ast.function](self.value(ast.args[0].value))
            meant = nearest(ast.function, FUNCTIONS)
            fix = Fix(ast.name_span, meant, f"write {meant}") if meant else None
            self.scope.refuse("E103", f"no function is named {ast.function!r}", ast.name_span, help=f"did you mean {meant!r}?" if meant else "", fix=fix)
        count, least, most = len(ast.args), function.least, function.most
        if count < least or (most is not None and count > most):
            wanted = f"{least}" if least == most else f"{least} to {most}" if most is not None else f"at least {least}"
            self.scope.refuse("E105", f"{ast.function}() takes {wanted} arguments, got {count}", ast.span)
        return function.build(self, ast)


Build = Callable[[Evaluator, Apply], Expr]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of eval: how many arguments it takes, and the expression it stands for."""

    least: int
    most: int | None
    build: Build
