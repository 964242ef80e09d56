"""Sigma rules as a plan: the table of a rule's log source filtered by its conditions, or the times that a correlation finds.

Text is compared without regard to case unless `cased`; a field that is missing meets no test
but `null` and `exists: false`, and so meets the negation of every other one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.binder import unknown_column
from livefire.languages.fields import dotted
from livefire.languages.regex import check_pattern
from livefire.languages.sigma.ast import AllOf, AnyOf, Collection, Correlation, LogSource, Negation, Rule, Search, Test, Value
from livefire.languages.sigma.modifiers import Comparison, read_modifiers
from livefire.languages.sigma.occurrences import Correlator, Occurrences
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.schema import Schema, Type

RAW = ("_raw", "~raw", "@rawstring", "message")
_ELEMENT = e.Column("~element", Type.DYNAMIC)


def lower(collection: object, context: Context) -> n.Plan:
    """Return the events that a rule of one log source finds, or the findings of a correlation.

    A text of several rules is their events together where they read one table. The option `rule`
    names one of them by id, name or title.
    """
    assert isinstance(collection, Collection)
    rules = _Rules(collection, context)
    outputs = rules.chosen()
    plans = [rules.plan(one) for one in outputs]
    if len(plans) == 1 or context.open_schema:
        return plans[0]
    events = [one for one in outputs if isinstance(one, Rule)]
    tables = [rules.table(one.source) for one in events]
    if len(events) < len(outputs) or any(t.plan != tables[0].plan for t in tables):
        names = ", ".join(_label(o) for o in outputs)
        context.diagnostics.error("E305", f"{len(outputs)} rules of different kinds have no rows in common", outputs[1].span, help=f"choose one: {names}")
        raise Halt
    met = any_of(*(rules.met(one) for one in events))
    return n.select(n.Filter(tables[0].plan, met, events[0].conditions[0].span), *tables[0].schema.names)


def _label(one: Rule | Correlation) -> str:
    return one.title or (one.names[0] if one.names else "without a title")


class _Rules:
    """The rules of a text over the tables of the catalog; each log source is looked up once."""

    def __init__(self, collection: Collection, context: Context) -> None:
        self.collection = collection
        self.context = context
        self._tables: dict[tuple[tuple[str, str], ...], Table] = {}
        self._met: dict[int, e.Expr] = {}
        self.correlator = Correlator(collection, context, self.occurrences)

    def chosen(self) -> tuple[Rule | Correlation, ...]:
        """Return what is to be run: what stands for itself, or the one that is asked for."""
        outputs = self.collection.outputs()
        wanted = self.context.option("rule")
        if wanted is None:
            return outputs or self.collection.correlations[:1]
        every = self.collection.every
        found = tuple(x for x in every if wanted in (*x.names, x.title))[:1]
        if not found:
            self.context.diagnostics.error("E107", f"no rule here is {wanted!r}", Span(0, 1), help="known: " + ", ".join(_label(x) for x in every))
            raise Halt
        return found

    def table(self, source: LogSource) -> Table:
        """Return the table of a log source."""
        if source.tags not in self._tables:
            self._tables[source.tags] = _table(source, self.context)
        return self._tables[source.tags]

    def met(self, rule: Rule) -> e.Expr:
        """Return what is true of a rule's events."""
        if id(rule) not in self._met:
            reader = _Reader(self.table(rule.source), self.context)
            self._met[id(rule)] = any_of(*(reader.search(c) for c in rule.conditions))
        return self._met[id(rule)]

    def plan(self, one: Rule | Correlation) -> n.Plan:
        """Return the rows of a rule or of a correlation."""
        if isinstance(one, Correlation):
            return self.correlator.findings(one)
        table = self.table(one.source)
        return n.select(n.Filter(table.plan, self.met(one), one.conditions[0].span), *table.schema.names)

    def occurrences(self, rule: Rule) -> Occurrences:
        """Return the events of a rule for a correlation of them."""
        table, met = self.table(rule.source), self.met(rule)
        reader = _Reader(table, self.context)
        if table.time is None or table.time not in table.plan.schema:
            if not self.context.open_schema or not table.open:
                self.context.diagnostics.error("E305", f"the table {table.name} has no time of its events, which a correlation needs", rule.source.span)
                raise Halt
            time: e.Expr = e.null(Type.DATETIME)
        else:
            time = n.column(table.plan, table.time)
        return Occurrences(table.plan, time, met, reader.text, _label(rule))


def _table(source: LogSource, context: Context) -> Table:
    index = context.option("index")
    if index is not None:
        found = context.catalog.table(index)
        if found is not None:
            return found
        context.diagnostics.error("E101", f"no table is named {index!r}", source.span)
    wanted = dict(source.tags)
    fits = [t for t in context.catalog.tables("sigma") if t.tags and all(t.tags.get(k) == v for k, v in wanted.items())]
    if wanted and len(fits) == 1:
        if isinstance(fits[0].plan, n.Values):
            words = " ".join(wanted.values())
            context.diagnostics.warn(
                "W163", f"no log here fills {words}: the rule finds nothing", source.span, help="load the events as a table and name it with --index"
            )
        return fits[0]
    if index is None:
        _say_source(wanted, fits, source.span, context)
    return Table("unknown", n.Values(Schema(()), ()), open=True)


def _say_source(wanted: dict[str, str], fits: list[Table], span: Span, context: Context) -> None:
    words = ", ".join(f"{k} {v}" for k, v in wanted.items()) or "nothing"
    known = "; ".join(
        ", ".join(f"{k} {v}" for k, v in t.tags.items() if k != "vendor")
        for t in context.catalog.tables("sigma")
        if t.vendor == "sigma" and not isinstance(t.plan, n.Values)
    )
    if wanted and context.open_schema and not fits:
        # A rule is as good as it is wherever its events are; only a run needs them here.
        context.diagnostics.warn("W101", f"no log source here is {words}", span, help=f"known: {known}" if known else "name the table with --index")
    elif wanted and fits:
        context.diagnostics.error("E101", f"the logsource ({words}) fits {len(fits)} tables", span, help=f"say which: {known}")
    else:
        context.diagnostics.error("E101", f"no log source here is {words}", span, help=f"known: {known}" if known else "name the table with --index")


class _Reader:
    """Turns searches into conditions over one table; every condition is true or false, never null."""

    def __init__(self, table: Table, context: Context) -> None:
        self.table = table
        self.context = context

    def search(self, search: Search) -> e.Expr:
        """Return a search as a condition."""
        match search:
            case AllOf(parts=parts):
                return all_of(*(self.search(p) for p in parts))
            case AnyOf(parts=parts):
                return any_of(*(self.search(p) for p in parts))
            case Negation(part=part):
                return negate(self.search(part))
            case Test():
                return self._test(search)

    def _test(self, test: Test) -> e.Expr:
        how, values = read_modifiers(test, self.context)
        field = None if test.field is None else self._field(test.field, test.name_span)
        conditions = [self._one(field, how, value, test.span) for value in values]
        found = all_of(*conditions) if how.every else any_of(*conditions)
        return negate(found) if how.negated else found

    def text(self, name: str, span: Span) -> e.Expr:
        """Return a field's value as text."""
        field = self._field(name, span)
        return call("dynamic.text", field) if field.type is Type.DYNAMIC else _as_text(field)

    def _field(self, name: str, span: Span) -> e.Expr:
        found = dotted(self.table, name)
        if found is not None:
            return found
        spaced = [c for c in self.table.schema.names if c.replace(" ", "") == name] if not self.table.vendor else []
        if len(spaced) == 1:
            # Windows writes some names with spaces, and Sigma's taxonomy leaves them out.
            self.context.diagnostics.notice("N162", f"{name} is read from the column {spaced[0]!r}", span)
            return n.column(self.table.plan, spaced[0])
        if not self.table.open:
            self._say_unknown(name, span)
        return e.null(Type.STRING)

    def _say_unknown(self, name: str, span: Span) -> None:
        """Rows of one's own have the fields that they hold: another is missing in each, as Sigma reads it, unless it is a slip of the pen."""
        schema = self.table.schema
        if self.table.vendor or any(_mistyped(name, known) for known in schema.names):
            unknown_column(name, span, schema, self.context, what="field")
            return
        known = ", ".join(schema.names[:12]) + (" …" if len(schema) > 12 else "")
        self.context.diagnostics.warn(
            "W102", f"no row has a field {name!r}: only `null` and `exists: false` are true of it", span, help=f"known: {known}" if known else ""
        )

    def _one(self, field: e.Expr | None, how: Comparison, value: Value, span: Span) -> e.Expr:
        if field is None:
            return self._keyword(how, value, span)
        if how.kind == "exists":
            present = negate(call("logic.is_null", field, span=span))
            return present if value.value is True else negate(present)
        if value.value is None:
            return call("logic.is_null", field, span=span)
        if how.kind == "field":
            other = self._field(str(value.value), value.span)
            return _over_elements(field, lambda text: _same_field(text, other, how, span))
        if isinstance(value.value, (bool, int, float)) and field.type is not Type.DYNAMIC and how.kind == "text" and not (how.before or how.after or how.part):
            direct = _direct(field, value.value, span)
            if direct is not None:
                return direct
        return _over_elements(field, lambda text: self._compare(text, how, value, span))

    def _compare(self, text: e.Expr, how: Comparison, value: Value, span: Span) -> e.Expr:
        if how.kind == "regex":
            pattern = check_pattern(str(value.value), value.span, self.context.diagnostics)
            return call("text.matches_regex", text, e.text(pattern), e.text("".join(dict.fromkeys(how.flags))), span=span)
        if how.kind == "cidr":
            return call("text.cidr_contains", text, e.text(str(value.value)), span=span)
        if how.part:
            return self._part(text, how, value, span)
        if how.kind.startswith("compare."):
            return self._order(text, how, value, span)
        pattern = wildcard(_text(value.value), before=how.before, after=how.after)
        return call("text.wildcard" if how.cased else "text.wildcard_fold", text, e.text(pattern), span=span)

    def _order(self, text: e.Expr, how: Comparison, value: Value, span: Span) -> e.Expr:
        if isinstance(value.value, bool) or not isinstance(value.value, (int, float)):
            self.context.diagnostics.error("E104", "lt, lte, gt and gte compare with a number", value.span)
            return e.FALSE
        return call(how.kind, call("number.parse_real", text), e.Literal(float(value.value), Type.REAL), span=span)

    def _part(self, text: e.Expr, how: Comparison, value: Value, span: Span) -> e.Expr:
        """A part of a moment, such as its hour in UTC; a text that is no moment meets nothing."""
        if isinstance(value.value, bool) or not isinstance(value.value, int):
            self.context.diagnostics.error("E104", f"{how.part} is compared with a whole number", value.span)
            return e.FALSE
        name = how.kind if how.kind.startswith("compare.") else "compare.eq"
        part = call("time.part", call("time.parse", text), e.text("week_of_year" if how.part == "week" else how.part))
        return call(name, part, e.Literal(value.value, Type.LONG), span=span)

    def _keyword(self, how: Comparison, value: Value, span: Span) -> e.Expr:
        """A keyword stands anywhere in the event: in its raw text, or in any column where there is none."""
        anywhere = replace(how, before=True, after=True)
        raw = next((c for c in RAW if c in self.table.plan.schema), None)
        columns = (raw,) if raw else self.table.schema.names
        return any_of(*(self._one(n.column(self.table.plan, c), anywhere, value, span) for c in columns))


def _mistyped(name: str, known: str) -> bool:
    """True for names that differ in case, or by one letter that is left out, put in, another, or swapped with its neighbour."""
    one, other = name.casefold(), known.casefold()
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    one, other = one[start:], other[start:]
    if any(c.isdigit() for c in one[:1] + other[:1]):
        # param1 and param2 are two fields.
        return False
    return one == other or one[1:] in (other, other[1:]) or one == other[1:] or (one[:2] == other[1::-1] and one[2:] == other[2:])


def _over_elements(field: e.Expr, test: Callable[[e.Expr], e.Expr]) -> e.Expr:
    """Return the test of a field's text; of an array, whether an element meets it."""
    if field.type is Type.DYNAMIC:
        inner = e.Lambda((_ELEMENT,), test(call("dynamic.text", _ELEMENT)))
        return call("dynamic.any_element", field, inner)
    return call("logic.is_true", test(_as_text(field)))


def _as_text(field: e.Expr) -> e.Expr:
    match field.type:
        case Type.STRING | Type.GUID | Type.UNKNOWN:
            return field
        case Type.BOOL:
            word = e.Case(((field, e.text("true")),), e.text("false"), Type.STRING)
            return e.Case(((call("logic.is_null", field), e.null(Type.STRING)),), word, Type.STRING)
        case Type.DATETIME:
            return call("time.iso", field)
        case _:
            return call("number.text", field)


def _direct(field: e.Expr, value: bool | int | float, span: Span) -> e.Expr | None:
    """Return a typed comparison where the column has the value's type."""
    if isinstance(value, bool):
        return call("logic.is_true", call("compare.eq", field, e.Literal(value, Type.BOOL), span=span)) if field.type is Type.BOOL else None
    if field.type.numeric:
        return call("logic.is_true", call("compare.eq", call("number.to_real", field), e.Literal(float(value), Type.REAL), span=span))
    return None


def _same_field(text: e.Expr, other: e.Expr, how: Comparison, span: Span) -> e.Expr:
    right = call("dynamic.text", other) if other.type is Type.DYNAMIC else _as_text(other)
    name = {(False, False): "equals", (False, True): "starts_with", (True, False): "ends_with", (True, True): "contains"}[how.before, how.after]
    if how.cased:
        return call("compare.eq" if name == "equals" else f"text.{name}", text, right, span=span)
    return call(f"text.{name}_fold", text, right, span=span)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def wildcard(text: str, *, before: bool, after: bool) -> str:
    """Return Sigma text as a pattern of the plan: a backslash escapes only `*`, `?` and itself in Sigma, everything in a plan."""
    out, at = [], 0
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text) and text[at + 1] in "*?\\":
            out.append("\\" + text[at + 1])
            at += 1
        elif char == "\\":
            out.append("\\\\")
        else:
            out.append(char)
        at += 1
    return ("*" if before else "") + "".join(out) + ("*" if after else "")
