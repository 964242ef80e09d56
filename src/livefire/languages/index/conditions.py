"""Filters to expressions: whether any value of a field fits, never null.

A field of keywords is compared as it is, with its case; a field of analysed text is searched for words.
https://www.elastic.co/docs/reference/query-languages/kql
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from fnmatch import fnmatchcase

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.binder import suggestion
from livefire.languages.fields import told_empty
from livefire.languages.index import analysed, dates, regexp
from livefire.languages.index.documents import Documents, Member, below
from livefire.languages.index.filters import AllOf, AnyOf, Everything, Exists, FieldName, Filter, Match, Nested, Not, Range, Written
from livefire.plan import expr as e
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Type

_COMPARE = {"<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}
_WORDS = frozenset({"keyword", "constant_keyword", "wildcard", "flattened"})
_ANALYSED = frozenset({"text", "match_only_text"})
_NUMBERS = frozenset({"long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float"})
_PATTERNS = frozenset({"wildcard", "regexp"})


class Conditions:
    """Lowers the filters of one query."""

    def __init__(self, documents: Documents, context: Context) -> None:
        self.documents = documents
        self.context = context
        self._inside: list[tuple[str, e.Expr]] = []
        self._count = 0

    def lower(self, node: Filter) -> e.Expr:
        """Return whether a document meets a filter: true or false, never null."""
        match node:
            case Everything():
                return e.TRUE
            case AllOf(parts=parts):
                return all_of(*(self.lower(p) for p in parts))
            case AnyOf(parts=parts):
                return any_of(*(self.lower(p) for p in parts))
            case Not(part=part):
                return call("logic.not", self.lower(part), span=node.span)
            case Exists(field=field):
                return any_of(*(self.exists(m, node.span) for m in self.members(field)))
            case Match(field=None, value=value):
                return self.anywhere(value, node.span)
            case Match(field=FieldName() as field, value=value):
                return any_of(*(self.settled(m, node.span, lambda one, m=m: self.fits(one, m, value)) for m in self.members(field)))  # type: ignore[misc]  # mypy cannot type a default in a lambda
            case Range(field=field, bounds=bounds):
                return any_of(*(self.settled(m, node.span, lambda one, m=m: self.within(one, m, bounds)) for m in self.members(field)))  # type: ignore[misc]  # as above
            case Nested(field=field, part=part):
                return self.nested(field, part, node.span)
        raise TypeError(f"{type(node).__name__} is no filter")

    # fields

    def members(self, field: FieldName) -> list[Member]:
        """Return the fields that a name or pattern stands for; one that no index has is said, and matches nothing."""
        if field.wild:
            self._refuse_hidden(field)
            found = [m for name in self._names() if fnmatchcase(name, _glob(field.text)) and (m := self._find(name)) is not None]
            if not found and self.documents.known:
                self.context.diagnostics.warn("W102", f"no field here is named like {field.text!r}, so the condition matches nothing", field.span)
            return found
        member = self._find(field.text)
        if member is None:
            self._unknown(field)
            return []
        if member.empty and self.documents.known:
            words, help = told_empty(member.name, self.documents.shown, self.context)
            self.context.diagnostics.warn("W181", words, field.span, help=help)
        if member.nested and not any(prefix == member.nested for prefix, _ in self._inside):
            words = f"{member.nested!r} is a nested field, in which Elasticsearch finds nothing outside of braces"
            self.context.diagnostics.warn("W183", words, field.span, help=f"write {member.nested}:{{ … }}")
            return []
        return [member]

    def _names(self) -> list[str]:
        return [] if self._inside else list(self.documents.names)

    def _refuse_hidden(self, field: FieldName) -> None:
        """Report a pattern that may name fields inside of JSON objects, whose names no schema lists."""
        fixed = field.text.partition("*")[0]
        objects = [m.name for name in self._names() if (m := self._find(name)) is not None and m.kind == "object" and m.expr.type is Type.DYNAMIC]
        inner = next((name for name in objects if fixed.startswith(f"{name}.")), None)
        if inner is not None:
            words = f"{field.text!r} may name any field inside of {inner!r}, whose fields are not known"
            self.context.diagnostics.error("E305", words, field.span, help="write one condition for each field")

    def _find(self, name: str) -> Member | None:
        if self._inside:
            prefix, element = self._inside[-1]
            return Member(f"{prefix}.{name}", below(element, name), "object")
        return self.documents.fields.get(name)

    def _unknown(self, field: FieldName) -> None:
        if not self.documents.known:
            return
        meant = suggestion(field.text, self.documents.shown, self.context) if len(self.documents.shown) else None
        words = f"no field here is named {field.text!r}, so the condition matches nothing"
        self.context.diagnostics.warn("W102", words, field.span, help=f"did you mean {meant!r}?" if meant else "")

    def settled(self, member: Member, span: Span, test: Callable[[e.Expr], e.Expr]) -> e.Expr:
        """Return whether a test holds for any value of a field, never null."""
        if member.empty:
            test(member.expr)
            return e.FALSE
        if member.expr.type is not Type.DYNAMIC:
            return call("logic.is_true", test(member.expr), span=span)
        one = self._element()
        return call("dynamic.any_value", member.expr, e.Lambda((one,), test(one)), span=span)

    def _element(self) -> e.Column:
        self._count += 1
        return e.Column(f"one value {self._count}", Type.DYNAMIC)

    def nested(self, field: FieldName, part: Filter, span: Span) -> e.Expr:
        """Return whether one object of a nested field meets a filter."""
        member = self._find(field.text)
        if member is None or member.empty or field.wild:
            self._unknown(field)
            return e.FALSE
        if self.documents.mapped or member.expr.type is not Type.DYNAMIC:
            words = f"{member.name!r} is not kept as nested objects here"
            self.context.diagnostics.error("E305", words, field.span, help="write its fields by their full names; then each may be met by another object")
            return e.FALSE
        element = self._element()
        self._inside.append((member.name, element))
        body = self.lower(part)
        self._inside.pop()
        return call("dynamic.any_element", member.expr, e.Lambda((element,), body), span=span)

    # tests

    def exists(self, member: Member, span: Span) -> e.Expr:
        """Return whether a field has a value; an object has one when something is in it, a path in a flattened field only where it ends."""

        def test(one: e.Expr) -> e.Expr:
            some = negate(call("logic.is_null", one))
            if one.type is not Type.DYNAMIC:
                return some
            if member.below:
                return all_of(some, call("compare.ne", call("logic.type_name", one), e.text("dictionary")))
            return all_of(some, call("compare.ne", call("dynamic.text", one), e.text("{}")))

        return self.settled(member, span, test)

    def anywhere(self, value: Written, span: Span) -> e.Expr:
        """Return whether any field has a value that fits."""
        if self.documents.mapped or not self.documents.known:
            words = f"{value.text!r} stands without a field and is searched in every one, which cannot run here"
            self.context.diagnostics.error("E305", words, span, help="name the field: field:value")
            return e.FALSE
        found = [self.documents.fields[name] for name in self.documents.names]
        texts = [m for m in found if m.kind in _WORDS or m.kind == "object"]
        return any_of(*(self.settled(m, span, lambda one, m=m: self.fits(one, m, value)) for m in texts))  # type: ignore[misc]  # mypy cannot type a default in a lambda

    def fits(self, one: e.Expr, member: Member, value: Written) -> e.Expr:
        """Return whether one value of a field is what is written."""
        if value.kind == "null":
            self.context.diagnostics.error("E206", "null is no value that a field can be compared with", value.span, help=f"write not {member.name}:*")
            return e.FALSE
        if member.kind in _ANALYSED:
            return self._words(one, member, value)
        if member.kind == "flattened" and not member.below:
            words = f"a value anywhere in the flattened field {member.name!r} cannot be searched here"
            self.context.diagnostics.error("E305", words, value.span, help=f"name the field in it: {member.name}.name:value")
            return e.FALSE
        if value.kind in _PATTERNS:
            return self._pattern(one, member, value)
        if member.kind == "date":
            return self._date(one, member, (("=", value),))
        if member.kind == "ip":
            return self._address(one, value)
        if member.kind in _NUMBERS:
            number = self._number(value, member)
            return call("compare.eq", _as_number(one), number) if number is not None else e.FALSE
        if member.kind == "boolean":
            return self._boolean(one, member, value)
        return self._text(one, member, value)

    def _text(self, one: e.Expr, member: Member, value: Written) -> e.Expr:
        plain = call("compare.eq", _as_text(one), e.text(value.text))
        number = _read_number(value.text)
        # An object's members have the types of their JSON values: 22.0 is 22.
        if one.type is Type.DYNAMIC and member.kind == "object" and number is not None:
            is_number = call("compare.in", call("logic.type_name", one), e.text("long"), e.text("double"))
            return any_of(plain, all_of(is_number, call("compare.eq", _as_number(one), number)))
        if "/" in value.text and member.name.rsplit(".", 1)[-1] == "ip" and _block(value.text):
            return any_of(plain, call("text.cidr_contains", _as_text(one), e.text(value.text)))
        return plain

    def _words(self, one: e.Expr, member: Member, value: Written) -> e.Expr:
        """Return whether an analysed text has the words: all in their order where they were quoted, any of them otherwise."""
        patterns: list[str] = []
        try:
            if value.kind == "text":
                found = analysed.words(value.text)
                patterns = [analysed.phrase(found)] if value.quoted and found else [analysed.phrase([w]) for w in found]
            elif value.kind == "wildcard" and (pattern := analysed.prefix_or_suffix(value.text)) is not None:
                patterns = [pattern]
            else:
                self._refuse_words(member, value)
        except analysed.UndividedError:
            self._refuse_words(member, value)
        return any_of(*(call("text.matches_regex", _as_text(one), e.text(p), e.text("is")) for p in patterns))

    def _refuse_words(self, member: Member, value: Written) -> None:
        words = f"{member.name!r} is analysed text, and how this value is divided into words is not known here"
        self.context.diagnostics.error("E305", words, value.span, help="search for whole words, or use * at the ends of one word")

    def _pattern(self, one: e.Expr, member: Member, value: Written) -> e.Expr:
        if member.kind not in _WORDS and member.kind != "object":
            words = f"Elasticsearch takes patterns for keyword fields only, and {member.name!r} is of type {member.kind}"
            self.context.quirk(104, words, span=value.span, help="compare it with a value, a range, or a CIDR block")
        if value.kind == "wildcard":
            return call("text.wildcard", _as_text(one), e.text(value.text))
        try:
            return call("text.matches_regex", _as_text(one), e.text(regexp.translate(value.text).text), e.text("s"))
        except regexp.RegexpError as fault:
            help = f"write \\{fault.sign} for the character itself" if fault.sign else ""
            self.context.diagnostics.error(fault.code, str(fault), value.span, help=help)
            return e.FALSE

    def _address(self, one: e.Expr, value: Written) -> e.Expr:
        text = value.text.strip()
        try:
            block = ipaddress.ip_network(text, strict=False)
        except ValueError:
            self.context.quirk(104, f"{value.text!r} is no address and no CIDR block", span=value.span, help='write "10.0.0.0/8"')
            return e.FALSE
        if "/" not in text and block.version == 4:
            return call("compare.eq", _as_text(one), e.text(text))
        return call("text.cidr_contains", _as_text(one), e.text(str(block)))

    def _boolean(self, one: e.Expr, member: Member, value: Written) -> e.Expr:
        if value.text not in ("true", "false", ""):
            self.context.quirk(104, f"{member.name!r} is true or false, not {value.text!r}", span=value.span)
            return e.FALSE
        return call("compare.eq", _as_text(one), e.text(value.text or "false"))

    def _number(self, value: Written, member: Member) -> e.Literal | None:
        number = _read_number(value.text)
        if number is None:
            help = "write one value, or a list: field:(1 or 2)" if " " in value.text else ""
            self.context.quirk(104, f"{member.name!r} is a number, and {value.text!r} is none", span=value.span, help=help)
        return number

    def _date(self, one: e.Expr, member: Member, bounds: tuple[tuple[str, Written], ...]) -> e.Expr:
        moment = one if one.type is Type.DATETIME else call("time.parse", _as_text(one))
        parts: list[e.Expr] = []
        for operator, value in bounds:
            found = dates.read(value.text)
            if found is None:
                help = 'write "2026-01-31", "2026-01-31T10:00:00Z" or "now-1h"'
                self.context.quirk(104, f"{member.name!r} is a date, and {value.text!r} is none", span=value.span, help=help)
                return e.FALSE
            if operator == "=":
                parts += [call("compare.ge", moment, found.first), call("compare.le", moment, found.last)]
            else:
                parts.append(call(_COMPARE[operator], moment, found.last if operator in (">", "<=") else found.first))
        return all_of(*parts)

    def within(self, one: e.Expr, member: Member, bounds: tuple[tuple[str, Written], ...]) -> e.Expr:
        """Return whether one value of a field keeps all bounds."""
        for _, value in bounds:
            if value.kind != "text":
                self.context.diagnostics.error("E104", "a bound is a plain value, without a pattern", value.span)
                return e.FALSE
        if member.kind == "date":
            return self._date(one, member, bounds)
        if member.kind in _NUMBERS:
            numbers = [(o, self._number(v, member)) for o, v in bounds]
            return all_of(*(call(_COMPARE[o], _as_number(one), x) if x is not None else e.FALSE for o, x in numbers))
        if member.kind in _WORDS:
            return all_of(*(call(_COMPARE[o], _as_text(one), e.text(v.text)) for o, v in bounds))
        read = [_read_number(v.text) for _, v in bounds]
        if member.kind == "object" and all(x is not None for x in read):
            is_number = call("compare.in", call("logic.type_name", one), e.text("long"), e.text("double"))
            return all_of(is_number, *(call(_COMPARE[o], _as_number(one), x) for (o, _), x in zip(bounds, read, strict=True) if x is not None))
        words = f"a range over {member.name!r}, of type {member.kind}, cannot run here"
        self.context.diagnostics.error("E305", words, bounds[0][1].span, help="use a CIDR block for addresses" if member.kind == "ip" else "")
        return e.FALSE


def _glob(pattern: str) -> str:
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _as_text(one: e.Expr) -> e.Expr:
    match one.type:
        case Type.DYNAMIC:
            return call("dynamic.text", one)
        case Type.BOOL:
            return e.Case(((one, e.text("true")), (negate(one), e.text("false"))), e.null(Type.STRING), Type.STRING)
        case t if t.numeric:
            return call("number.text", one)
        case Type.DATETIME:
            return call("time.iso", one)
    return one


def _as_number(one: e.Expr) -> e.Expr:
    if one.type.numeric:
        return one
    return call("dynamic.real", one if one.type is Type.DYNAMIC else call("dynamic.of", _as_text(one)))


def _read_number(text: str) -> e.Literal | None:
    """Return a number as Elasticsearch reads it from text, None for anything else."""
    try:
        found = float(text)
    except ValueError:
        return None
    if not math.isfinite(found) or "_" in text:
        return None
    whole = text.strip().lstrip("+-").isdecimal() and -(2**63) <= int(text) < 2**63
    return e.whole(int(text)) if whole else e.Literal(found, Type.REAL)


def _block(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
