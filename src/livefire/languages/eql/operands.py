"""Values in conditions: fields with any number of values, constants, arithmetic and functions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from livefire.diagnostics import Fix, Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.eql import dates, functions
from livefire.languages.eql.coercion import TEXTS, Coercion
from livefire.languages.eql.sources import Fields
from livefire.languages.kit.ast import Apply, Ast, Binary, Constant, Name, Unary
from livefire.plan import expr as e
from livefire.plan.functions import call, negate
from livefire.schema import Type

_COMPARE = {"==": "compare.eq", "!=": "compare.ne", "<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}
_NUMBERS = (int, float, Decimal)
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_LEAF_WORDS = ("and", "or", "==", "!=", "<", "<=", ">", ">=", ":", "in", "in~", "like", "like~", "regex", "regex~")


class Operands(Coercion):
    """Lowers the values of one query; `condition` lowers a condition that stands where a value does."""

    def __init__(self, fields: Fields, context: Context, condition: Callable[[Ast], e.Expr]) -> None:
        super().__init__(context)
        self.fields = fields
        self.condition = condition
        self._opened: list[list[tuple[e.Column, e.Expr]]] = []
        self._count = 0

    # fields with many values

    def any_value(self, field: e.Expr, test: Callable[[e.Expr], e.Expr]) -> e.Expr:
        """Return whether any value of a field passes a test; a field without one is tested as null."""
        if field.type is not Type.DYNAMIC:
            return test(field)
        one = self._fresh()
        return call("dynamic.any_value", field, e.Lambda((one,), test(one)))

    def within(self, build: Callable[[], e.Expr]) -> e.Expr:
        """Return an expression in which every use of a field stands for each of its values in turn; true for any is true."""
        self._opened.append([])
        body = build()
        for one, field in reversed(self._opened.pop()):
            body = call("dynamic.any_value", field, e.Lambda((one,), body)) if body.type is Type.BOOL else body
        return body

    def is_missing(self, field: e.Expr) -> e.Expr:
        """Return whether a field has no value."""
        return negate(call("logic.is_true", self.any_value(field, lambda x: negate(call("logic.is_null", x)))))

    def _fresh(self) -> e.Column:
        self._count += 1
        return e.Column(f"value {self._count}", Type.DYNAMIC)

    # values

    def value(self, node: Ast) -> e.Expr:
        """Return an expression for a value; inside `within` a field stands for one of its values."""
        match node:
            case Constant(value=value, type=type):
                return e.Literal(value, type)
            case Name():
                field = self.fields.find(node)
                if field.type is not Type.DYNAMIC or not self._opened:
                    return field
                one = self._fresh()
                self._opened[-1].append((one, field))
                return one
            case Unary(operator="not"):
                return self.condition(node)
            case Unary(operator=sign, operand=operand):
                inner = self.as_number(self.value(operand), operand.span)
                return call("number.negate", inner, span=node.span) if sign == "-" else inner
            case Binary(operator=operator) if operator in _LEAF_WORDS:
                return self.condition(node)
            case Binary(operator=operator, left=left, right=right):
                return self.arithmetic(_ARITHMETIC[operator], self.value(left), self.value(right), node.span)
            case Apply(args=args):
                return self.apply(node, tuple(self.value(a.value) for a in args))
        self.context.diagnostics.error("E104", "a list can only follow `in`, `:`, `like` or `regex`", node.span)
        return e.null()

    def truth_value(self, node: Ast) -> e.Expr:
        """Return a value that must be a boolean."""
        found = self.value(node)
        if found.type not in (Type.BOOL, Type.DYNAMIC, Type.UNKNOWN):
            self.context.diagnostics.error("E104", f"a condition must be true or false, and this is {found.type.value}", node.span)
        return self.as_bool(found)

    def constant(self, node: Ast) -> e.Literal:
        """Return a constant with its arithmetic done; null with E305 for one that cannot be worked out here."""
        match node:
            case Constant(value=value, type=type):
                return e.Literal(value, type)
            case Unary(operator="-" | "+" as sign, operand=operand):
                inner = self.constant(operand)
                if isinstance(inner.value, _NUMBERS) and not isinstance(inner.value, bool):
                    return e.Literal(-inner.value if sign == "-" else inner.value, inner.type)
            case Binary(operator=operator, left=left, right=right) if operator in _ARITHMETIC:
                folded = _fold(operator, self.constant(left).value, self.constant(right).value)
                if folded is not None:
                    return folded
        self.context.diagnostics.error("E305", "a constant here must be a literal or plain arithmetic", node.span, help="write its value")
        return e.null()

    def apply(self, node: Apply, args: tuple[e.Expr, ...]) -> e.Expr:
        """Return a call of one of EQL's functions."""
        name, fold = node.function.rstrip("~").lower(), node.function.endswith("~")
        found = functions.FUNCTIONS.get(name)
        if found is None and name in ("wildcard", "match") and self.context.lenient and len(args) > 1:
            return self.condition(node)
        if found is None:
            return self._unknown_function(node, name)
        if fold and not found.folds:
            self.context.diagnostics.error("E103", f"{found.name} has no form without regard to case", node.name_span, fix=Fix(node.name_span, found.name))
        least, most = found.arity
        if len(args) < least or (most is not None and len(args) > most):
            wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            self.context.diagnostics.error("E105", f"{found.name} takes {wanted} arguments, found {len(args)}", node.span)
            return e.null()
        return found.build(self, args, functions.Use(node, fold and found.folds))

    def _unknown_function(self, node: Apply, name: str) -> e.Expr:
        gone = {"wildcard": "use `like` or `:` with * and ?", "match": "use `regex`", "matchlite": "use `regex`"}
        meant = nearest(name, functions.FUNCTIONS)
        help = gone.get(name) or (f"did you mean {functions.FUNCTIONS[meant].name!r}?" if meant else "")
        fix = Fix(node.name_span, functions.FUNCTIONS[meant].name) if meant and name not in gone else None
        self.context.diagnostics.error("E103", f"no function of EQL is named {node.function!r}", node.name_span, help=help, fix=fix)
        return e.null()

    # comparisons

    def compare_field(self, operator: str, value: e.Expr, right: Ast, node: Binary) -> e.Expr:
        """Compare one value of a field with a constant."""
        if isinstance(right, (Constant, Unary, Binary)):
            return self.against(value, self.constant(right), operator, right.span)
        return self.typed(operator, value, self.value(right), node.span)

    def compare(self, operator: str, left: Ast, right: Ast, node: Binary) -> e.Expr:
        """Compare two values in three-valued logic."""
        return self.typed(operator, self.value(left), self.value(right), node.span)

    def typed(self, operator: str, left: e.Expr, right: e.Expr, span: Span) -> e.Expr:
        """Compare two values by their types."""
        if Type.UNKNOWN in (left.type, right.type):
            return e.null(Type.BOOL)
        if isinstance(right, e.Literal):
            return self.against(left, right, operator, span)
        if Type.DYNAMIC in (left.type, right.type):
            other = left.type if right.type is Type.DYNAMIC else right.type
            if other.numeric:
                return call(_COMPARE[operator], self.as_number(left, span), self.as_number(right, span), span=span)
            if other is Type.BOOL:
                return call(_COMPARE[operator], self.as_bool(left), self.as_bool(right), span=span)
            return call(_COMPARE[operator], self.as_text(left), self.as_text(right), span=span)
        alike = left.type is right.type or (left.type.numeric and right.type.numeric) or (left.type in TEXTS and right.type in TEXTS)
        if not alike:
            self.context.diagnostics.error("E104", f"{left.type.value} and {right.type.value} cannot be compared", span)
            return e.null(Type.BOOL)
        return call(_COMPARE[operator], left, right, span=span)

    def equal(self, left: e.Expr, right: e.Expr, *, fold: bool) -> e.Expr:
        """Compare two values for equality, without regard to case if asked."""
        if fold and self.texts(left) and self.texts(right):
            return call("text.equals_fold", self.as_text(left), self.as_text(right))
        return self.typed("==", left, right, Span(0, 0))

    def against(self, value: e.Expr, literal: e.Literal, operator: str, span: Span, *, fold: bool = False) -> e.Expr:
        """Compare a value with a constant, read as the value's own type as Elasticsearch's mapping does."""
        constant = literal.value
        if constant is None or value.type is Type.UNKNOWN:
            return e.null(Type.BOOL)
        match value.type:
            case Type.STRING | Type.GUID:
                return self._text(operator, value, constant, span, fold=fold)
            case Type.DYNAMIC:
                return self._dynamic(operator, value, literal, span, fold=fold)
            case Type.BOOL:
                wanted = {"true": True, "false": False}.get(str(constant).lower()) if isinstance(constant, (bool, str)) else None
                if wanted is None or operator not in ("==", "!="):
                    return self._wrong(value, literal, span)
                return call(_COMPARE[operator], value, e.Literal(wanted, Type.BOOL), span=span)
            case Type.DATETIME:
                return dates.compare(self.context, operator, value, literal, span)
        if isinstance(constant, str):
            parsed = functions.parse_number(constant)
            if parsed is None:
                return self._wrong(value, literal, span)
            literal = parsed
        elif isinstance(constant, bool):
            return self._wrong(value, literal, span)
        return call(_COMPARE[operator], value, literal, span=span)

    def _text(self, operator: str, value: e.Expr, constant: e.Scalar, span: Span, *, fold: bool) -> e.Expr:
        if not isinstance(constant, str) and operator not in ("==", "!="):
            words = 'this field is text, so it is compared with the number letter by letter, and "10" comes before "9"'
            self.context.diagnostics.warn("W146", words, span, help="convert it: number(field)")
        if fold and isinstance(constant, str):
            return call("text.equals_fold", value, e.text(constant), span=span)
        return call(_COMPARE[operator], value, e.text(_plain(constant)), span=span)

    def _dynamic(self, operator: str, value: e.Expr, literal: e.Literal, span: Span, *, fold: bool) -> e.Expr:
        constant, text = literal.value, call("dynamic.text", value)
        if fold and isinstance(constant, str):
            return call("text.equals_fold", text, e.text(constant), span=span)
        by_text = call(_COMPARE[operator], text, e.text(_plain(constant)), span=span)
        if isinstance(constant, (str, bool)):
            return by_text
        is_text = call("compare.eq", call("logic.type_name", value), e.text("string"))
        return e.Case(((is_text, by_text),), call(_COMPARE[operator], call("dynamic.real", value), literal, span=span), Type.BOOL)

    def _wrong(self, value: e.Expr, literal: e.Literal, span: Span) -> e.Expr:
        self.context.diagnostics.error("E104", f"a {value.type.value} field cannot be compared with {literal.value!r}", span)
        return e.null(Type.BOOL)


def _plain(constant: e.Scalar) -> str:
    if isinstance(constant, bool):
        return "true" if constant else "false"
    return str(constant)


def _fold(operator: str, left: e.Scalar, right: e.Scalar) -> e.Literal | None:
    """Do constant arithmetic as Java does: whole numbers divide toward zero; None where there is no number."""
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)) or isinstance(left, bool) or isinstance(right, bool):
        return None
    if operator in ("/", "%") and right == 0:
        return None
    whole = isinstance(left, int) and isinstance(right, int)
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1) if operator in ("/", "%") else 0
    result = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: quotient if whole else left / right,
        "%": lambda: left - right * quotient,
    }[operator]()
    if whole and not -(2**63) <= result < 2**63:
        return None
    return e.Literal(result, Type.LONG if whole else Type.REAL)
