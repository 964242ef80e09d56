"""What a condition of EQL means, with Elasticsearch's two kinds of truth.

Elasticsearch runs a comparison of a field with a constant as a query: it holds when any value of
the field fits, and never for an event without the field, so its negation holds there. Anything
with a function in it runs as a script in three-valued logic, where null is no match, negated or
not. `not` is first carried inward over and, or and the comparisons, so `not f < 5` is `f >= 5`.
"""

from __future__ import annotations

from dataclasses import dataclass

from livefire.languages.base import Context
from livefire.languages.eql import functions, patterns
from livefire.languages.eql.operands import Operands
from livefire.languages.eql.sources import Fields
from livefire.languages.kit.ast import Apply, Ast, Binary, Constant, ListOf, Name, Unary
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type

FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_FORMER = {"wildcard": (":", 'write field : ("a*", "b*")'), "match": ("regex~", 'write field regex~ ("a.*", "b.*")')}
MEANING = {"==": "compare.eq", "!=": "compare.ne", "<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition: a query is never null, a script may be, and null is no match."""

    expr: e.Expr
    script: bool = False

    def settled(self) -> e.Expr:
        """Return the condition with null as false."""
        return call("logic.is_true", self.expr) if self.script else self.expr


class Conditions:
    """Lowers the conditions of one query."""

    def __init__(self, fields: Fields, context: Context) -> None:
        self.fields = fields
        self.context = context
        self.operands = Operands(fields, context, self.script_value)

    def lower(self, node: Ast) -> e.Expr:
        """Return a condition as an expression that is true or false, never null."""
        return self.truth(node).settled()

    def truth(self, node: Ast, negated: bool = False) -> Truth:
        """Return a condition, or its negation."""
        match node:
            case Unary(operator="not", operand=operand):
                return self.truth(operand, not negated)
            case Binary(operator="and" | "or" as word, left=left, right=right):
                both = (word == "and") is not negated
                parts = [self.truth(side, negated).settled() for side in (left, right)]
                return Truth(all_of(*parts) if both else any_of(*parts))
            case Binary(left=Name() as name, right=right) if self.fields.absent(name) and not _is_null(right):
                return self.nothing(name, negated or node.operator == "!=")
            case Binary(left=left, right=Name() as name, operator=operator) if operator in MEANING and self.fields.absent(name) and not _is_null(left):
                return self.nothing(name, negated or operator == "!=")
            case Binary(operator=operator) if operator in MEANING:
                return self.comparison(node, OPPOSITE[operator] if negated else operator)
            case Binary(operator=":" | "in" | "in~" | "like" | "like~" | "regex" | "regex~"):
                return _maybe_not(self.fit(node), negated)
            case Apply(function=function, args=(first, *rest)) if function.lower().rstrip("~") in ("cidrmatch", "startswith"):
                if isinstance(first.value, Name) and self.fields.absent(first.value):
                    return self.nothing(first.value, negated)
                if isinstance(first.value, Name) and all(is_constant(a.value) for a in rest):
                    return _maybe_not(self.field_call(node, first.value), negated)
            case Name():
                return self.nothing(node, negated) if self.fields.absent(node) else _maybe_not(self.flag(node), negated)
            case Apply(function=function, args=(_, _, *_)) if function.lower() in _FORMER and self.context.lenient:
                return self.truth(self.former(node), negated)
        return _maybe_not(self.script(node), negated)

    def former(self, node: Apply) -> Binary:
        """Return a call of a function that gave way to an operator as that operator, without regard to case as the older EQL has it."""
        operator, example = _FORMER[node.function.lower()]
        words = f"{node.function} is no longer a function of EQL; it is read as `{operator}`"
        self.context.diagnostics.warn("W148", words, node.name_span, help=example)
        listed = ListOf(tuple(a.value for a in node.args[1:]), node.span)
        return Binary(operator, node.args[0].value, listed, node.span, node.name_span)

    # comparisons

    def nothing(self, name: Name, negated: bool) -> Truth:
        """A comparison of an optional field that no mapping has is null, and so is its negation.

        https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-syntax-optional-fields
        """
        if negated:
            words = f"no table has {name.text!r}, so `?` makes it null: no event matches this, although it is negated"
            self.context.diagnostics.warn("W149", words, name.span, help=f"add `or ?{name.text} == null` for events without the field")
        return Truth(e.null(Type.BOOL), script=True)

    def comparison(self, node: Binary, operator: str) -> Truth:
        """Lower `==` and its kin."""
        left, right = node.left, node.right
        if is_constant(left) and not is_constant(right):
            left, right, operator = right, left, FLIPPED[operator]
        if isinstance(right, Constant) and right.value is None and operator in ("==", "!="):
            return self.null_check(left, operator)
        if isinstance(right, Constant) and isinstance(right.value, bool) and operator in ("==", "!=") and not isinstance(left, Name):
            return self.truth(left, right.value is (operator == "!="))
        if not is_constant(right):
            self.refuse_fields(node, right)
        if isinstance(left, Name) and is_constant(right):
            return self.field_comparison(left, operator, right, node)
        name = _shifted(left)
        if name is not None and is_constant(right) and self.operands.constant(right).type is Type.LONG:
            return self.shifted_comparison(name, left, operator, right, node)
        return Truth(self.operands.within(lambda: self.operands.compare(operator, left, right, node)), script=True)

    def refuse_fields(self, node: Binary, right: Ast) -> None:
        """Report a comparison whose right side is not constant, as Elasticsearch does."""
        self.context.quirk(
            144,
            f"Elasticsearch compares with constants only, and here both sides of {node.operator!r} read the event",
            span=right.span,
            help="compare each side with a constant, or join two events by the fields with `sequence by`",
        )

    def null_check(self, left: Ast, operator: str) -> Truth:
        """`f == null` holds for an event without the field, an empty array included."""
        if isinstance(left, Name):
            missing = self.operands.is_missing(self.fields.find(left))
            return Truth(missing if operator == "==" else negate(missing))
        value = self.operands.within(lambda: call("logic.is_null", self.operands.value(left)))
        return Truth(value if operator == "==" else negate(value), script=True)

    def field_comparison(self, name: Name, operator: str, right: Ast, node: Binary) -> Truth:
        """Compare a field with a constant: true when any of its values fits."""
        field = self.fields.find(name)
        wanted = "==" if operator == "!=" else operator
        fits = self.operands.any_value(field, lambda value: self.fits(name, wanted, value, right, node))
        settled = call("logic.is_true", fits, span=node.span)
        return Truth(negate(settled) if operator == "!=" else settled)

    def shifted_comparison(self, name: Name, left: Ast, operator: str, right: Ast, node: Binary) -> Truth:
        """`f + 2 == 5` is `f == 3` to Elasticsearch, and so holds or not for an event without the field as that does."""
        field = self.fields.find(name)
        if field.type is not Type.DYNAMIC and not field.type.integral:
            return Truth(self.operands.within(lambda: self.operands.compare(operator, left, right, node)), script=True)
        wanted = "==" if operator == "!=" else operator
        fits = self.operands.any_value(field, lambda value: self.operands.typed(wanted, self._shift(left, value), self.operands.constant(right), node.span))
        settled = call("logic.is_true", fits, span=node.span)
        return Truth(negate(settled) if operator == "!=" else settled)

    def _shift(self, left: Ast, value: e.Expr) -> e.Expr:
        """Return a field's value with what is added to it."""
        if not isinstance(left, Binary):
            return call("number.negate", self.operands.as_number(value, left.span))
        sides = [value if isinstance(side, Name) else self.operands.constant(side) for side in (left.left, left.right)]
        return self.operands.arithmetic("add" if left.operator == "+" else "subtract", sides[0], sides[1], left.span)

    def fits(self, name: Name, operator: str, value: e.Expr, right: Ast, node: Binary) -> e.Expr:
        """Return whether one value of a field fits a comparison."""
        found = self.operands.compare_field(operator, value, right, node)
        if operator == "==" and isinstance(right, Constant) and isinstance(right.value, str):
            return any_of(found, *self._in_block(name, value, e.text(right.value)))
        return found

    def flag(self, name: Name) -> Truth:
        """A field alone must be a boolean."""
        field = self.fields.find(name)
        if field.type not in (Type.BOOL, Type.DYNAMIC, Type.UNKNOWN):
            self.context.diagnostics.error("E104", f"{name.text!r} is {field.type.value}, and a condition must be true or false", name.span)
        fits = self.operands.any_value(field, self.operands.as_bool)
        return Truth(call("logic.is_true", fits, span=name.span))

    # : in like regex

    def fit(self, node: Binary) -> Truth:
        """Lower `:`, `in`, `like` and `regex`, each against one value or a list."""
        items = node.right.items if isinstance(node.right, ListOf) else (node.right,)
        for item in items:
            if not is_constant(item):
                if node.operator == ":" and is_constant(node.left) and len(items) == 1:
                    return self.fit(Binary(":", item, node.left, node.span, node.operator_span))
                self.refuse_fields(node, item)
        if isinstance(node.left, Name):
            field = self.fields.find(node.left)
            fits = self.operands.any_value(field, lambda value: self.one_of(node, value, items, is_field=True))
            return Truth(call("logic.is_true", fits, span=node.span))
        return Truth(self.operands.within(lambda: self.one_of(node, self.operands.value(node.left), items, is_field=False)), script=True)

    def one_of(self, node: Binary, value: e.Expr, items: tuple[Ast, ...], *, is_field: bool) -> e.Expr:
        """Return whether one value fits any item of the list."""
        exact: list[e.Expr] = []
        parts: list[e.Expr] = []
        fold = node.operator in (":", "in~", "like~")
        for item in items:
            if not is_constant(item):
                parts.append(self.operands.equal(value, self.operands.value(item), fold=fold))
                continue
            literal = self.operands.constant(item)
            if node.operator.startswith(("like", "regex")) and literal.type is not Type.STRING:
                self.context.diagnostics.error("E104", f"`{node.operator}` takes a text in quotes", item.span)
            elif literal.value is None:
                parts.append(e.null(Type.BOOL) if is_field or node.operator != ":" else call("logic.is_null", value))
            elif literal.type is not Type.STRING or not self.operands.texts(value):
                parts.append(self.operands.against(value, literal, "==", item.span, fold=fold))
            elif patterns.is_plain(str(literal.value), node.operator):
                exact.append(literal)
                parts += self._in_block(node.left, value, literal) if is_field else []
            else:
                parts.append(patterns.match(self.operands.as_text(value), str(literal.value), node.operator, item.span, self.context))
        if exact:
            one, many = ("text.equals_fold", "text.in_fold") if fold else ("compare.eq", "compare.in")
            parts.insert(0, call(one if len(exact) == 1 else many, self.operands.as_text(value), *exact, span=node.span))
        return any_of(*parts)

    def _in_block(self, name: Ast, value: e.Expr, literal: e.Literal) -> list[e.Expr]:
        """An address field of the common schema (`source.ip`) that is compared with a CIDR block holds for an address in it.

        https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/ip#query-ip-fields
        """
        if not isinstance(name, Name) or name.text.rsplit(".", 1)[-1] != "ip" or not functions.is_block(str(literal.value)):
            return []
        return [call("text.cidr_contains", self.operands.as_text(value), literal)]

    # functions that Elasticsearch runs as queries, and scripts

    def field_call(self, node: Apply, name: Name) -> Truth:
        """`cidrMatch` and `startsWith` of a field and constants run as queries, so their negation holds where the field is missing."""
        field = self.fields.find(name)
        fits = self.operands.any_value(field, lambda value: self.operands.apply(node, (value, *(self.operands.constant(a.value) for a in node.args[1:]))))
        return Truth(call("logic.is_true", fits, span=node.span))

    def script(self, node: Ast) -> Truth:
        """Lower any other expression as a script."""
        if isinstance(node, Constant) and isinstance(node.value, bool):
            return Truth(e.Literal(node.value, Type.BOOL), script=False)
        value = self.operands.within(lambda: self.operands.value(node))
        if value.type is Type.UNKNOWN:
            return Truth(e.null(Type.BOOL), script=True)
        if value.type is not Type.BOOL:
            self.context.diagnostics.error("E104", f"a condition must be true or false, and this is {value.type.value}", node.span)
        return Truth(value, script=True)

    def script_value(self, node: Ast) -> e.Expr:
        """Return a condition that stands inside an expression, in three-valued logic."""
        match node:
            case Apply():
                return self.script_value(self.former(node))
            case Unary(operator="not", operand=operand):
                return negate(self.operands.truth_value(operand))
            case Binary(operator="and" | "or" as word, left=left, right=right):
                sides = (self.operands.truth_value(left), self.operands.truth_value(right))
                return all_of(*sides) if word == "and" else any_of(*sides)
            case Binary(operator=operator, left=left, right=right) if operator in MEANING:
                for side, other in ((left, right), (right, left)):
                    if isinstance(other, Constant) and other.value is None and operator in ("==", "!="):
                        missing = call("logic.is_null", self.operands.value(side))
                        return missing if operator == "==" else negate(missing)
                if not is_constant(left) and not is_constant(right):
                    self.refuse_fields(node, right)
                return self.operands.compare(operator, left, right, node)
            case Binary(left=left, right=right):
                items = right.items if isinstance(right, ListOf) else (right,)
                return self.one_of(node, self.operands.value(left), items, is_field=False)
        raise TypeError(f"{type(node).__name__} is no condition")


def _is_null(node: Ast) -> bool:
    return isinstance(node, Constant) and node.value is None


def is_constant(node: Ast) -> bool:
    """Tell whether a value reads nothing of the event."""
    match node:
        case Constant():
            return True
        case Unary(operand=operand):
            return is_constant(operand)
        case Binary(left=left, right=right):
            return is_constant(left) and is_constant(right)
        case ListOf(items=items):
            return all(is_constant(i) for i in items)
        case Apply(args=args):
            return all(is_constant(a.value) for a in args)
    return False


def _shifted(node: Ast) -> Name | None:
    """Return the field of `f + 2`, `2 - f` or `-f`."""
    match node:
        case Unary(operator="-", operand=Name() as name):
            return name
        case Binary(operator="+" | "-", left=Name() as name, right=Constant(type=Type.LONG)):
            return name
        case Binary(operator="+" | "-", left=Constant(type=Type.LONG), right=Name() as name):
            return name
    return None


def _maybe_not(truth: Truth, negated: bool) -> Truth:
    return Truth(negate(truth.expr), truth.script) if negated else truth
