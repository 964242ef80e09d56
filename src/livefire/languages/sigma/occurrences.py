"""Correlations as plans: times that slide with the events, one row for each finding.

A time ends at an event and reaches back by `timespan`, both ends included, so nothing is cut at the
boundary of a bucket. Every event whose time meets the condition is a place where the correlation is
found; found times that overlap are one finding, with the events of them all. Events without a field
of `group-by` belong to no group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.sigma.ast import Collection, Correlation, Either, Every, Mentioned, Reference, Rule, Threshold, Together
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, all_of, any_of, call, negate, window
from livefire.schema import Type

TIME, MOMENT, RULE, VALUE, OK, END, BEFORE, EPISODE, TURN = "~time", "~moment", "~rule", "~value", "~ok", "~end", "~before", "~episode", "~turn"
_COMPARE = {"gt": "compare.gt", "gte": "compare.ge", "lt": "compare.lt", "lte": "compare.le", "eq": "compare.eq", "neq": "compare.ne"}
_ZERO = e.Literal(0, Type.LONG)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """What a correlation counts: rows with a time that meet a condition, and how their fields are read as text."""

    plan: n.Plan
    time: e.Expr
    met: e.Expr
    field: Callable[[str, Span], e.Expr]
    label: str


class Correlator:
    """Turns correlations into plans; `events` gives those of a rule."""

    def __init__(self, collection: Collection, context: Context, events: Callable[[Rule], Occurrences]) -> None:
        self.collection = collection
        self.context = context
        self.events = events
        self._open: list[int] = []

    def findings(self, one: Correlation) -> n.Plan:
        """Return one row a finding: the group, its first and last event, how many, and what was measured."""
        if one.kind == "temporal_ordered":
            return self._shown(one, self._sequences(one))
        return self._shown(one, self._episodes(one, self._measured(one)))

    # what is counted

    def _referred(self, one: Correlation) -> list[tuple[Reference, Occurrences]]:
        found = []
        self._open.append(id(one))
        for rule in one.rules:
            target = self.collection.find(rule.text)
            if target is None:
                known = ", ".join(name for x in self.collection.every for name in x.names) or "none has an id or a name"
                self.context.diagnostics.error("E102", f"no rule here is {rule.text!r}", rule.span, help=f"it has to be in the same file: {known}")
                continue
            if id(target) in self._open:
                self.context.diagnostics.error("E305", f"the correlation {rule.text!r} refers to itself", rule.span)
                continue
            found.append(
                (rule, self.events(target) if isinstance(target, Rule) else self._nested(target, counted=one.kind not in ("temporal", "temporal_ordered")))
            )
        self._open.pop()
        if len(found) < len(one.rules):
            raise Halt
        return found

    def _nested(self, inner: Correlation, *, counted: bool) -> Occurrences:
        """Return where another correlation is found: every such place, or where it is to be counted once a finding."""
        if inner.kind == "temporal_ordered":
            rows = self._sequences(inner)
            plan: n.Plan = n.Project(rows, (n.Item(TIME, n.column(rows, "~last")), *self._keys(inner, rows)))
        elif counted:
            rows = self._episodes(inner, self._measured(inner))
            plan = n.Project(rows, (n.Item(TIME, n.column(rows, END)), *self._keys(inner, rows)))
        else:
            measured = self._measured(inner)
            plan = n.select(n.Filter(measured, n.column(measured, OK)), TIME, *(k for k in measured.schema.names if k.startswith("~key")))
        fields = {g.text: n.column(plan, f"~key{at}") for at, g in enumerate(inner.group_by)}

        def field(name: str, span: Span) -> e.Expr:
            if name not in fields:
                known = ", ".join(fields) or "no field"
                self.context.diagnostics.error("E102", f"a correlation has only what it groups by, and here that is {known}", span)
                return e.null(Type.STRING)
            return fields[name]

        return Occurrences(plan, n.column(plan, TIME), e.TRUE, field, inner.title or inner.names[0])

    def _keys(self, one: Correlation, rows: n.Plan) -> tuple[n.Item, ...]:
        return tuple(n.Item(f"~key{at}", n.column(rows, f"~key{at}")) for at in range(len(one.group_by)))

    def _group(self, one: Correlation, rule: Reference, found: Occurrences) -> tuple[e.Expr, ...]:
        """Return the values that a rule's events are grouped by; an alias is the rule's own field."""
        return tuple(self._aliased(one, rule, found, g) for g in one.group_by)

    def _aliased(self, one: Correlation, rule: Reference, found: Occurrences, name: Reference) -> e.Expr:
        fields = next((dict(f) for alias, f in one.aliases if alias == name.text), {})
        target = self.collection.find(rule.text)
        own = next((fields[k] for k in (rule.text, *(target.names if target else ())) if k in fields), None)
        return found.field(own.text, own.span) if own is not None else found.field(name.text, name.span)

    def _inputs(self, one: Correlation) -> n.Plan:
        """Return every event once, with its rule, its group and the values that are measured.

        Events of several rules over one table are one condition, so that an event which meets two of
        them is counted once; where the rules are told apart it stands for each.
        """
        fields = one.condition.fields if isinstance(one.condition, Threshold) else ()
        parts: list[tuple[n.Plan, tuple[n.Item, ...], list[e.Expr]]] = []
        for at, (rule, found) in enumerate(self._referred(one)):
            number = at if one.kind == "temporal" else 0
            keys = [n.Item(f"~key{i}", k) for i, k in enumerate(self._group(one, rule, found))]
            values = [n.Item(f"~field{i}", self._aliased(one, rule, found, f)) for i, f in enumerate(fields)]
            items = (n.Item(TIME, found.time), n.Item(RULE, e.Literal(number, Type.LONG)), *keys, *values)
            same = next((p for p in parts if p[0] == found.plan and p[1] == items), None)
            if same is not None:
                same[2].append(found.met)
            else:
                parts.append((found.plan, items, [found.met]))
        plans = [
            n.Project(
                n.Filter(p, all_of(any_of(*met), *(_present(i.expr) for i in items if i.name.startswith("~key")), _present(items[0].expr)), one.span), items
            )
            for p, items, met in parts
        ]
        return plans[0] if len(plans) == 1 else n.Union(tuple(plans))

    # sliding times

    def _measured(self, one: Correlation) -> n.Plan:
        """Return every event with what is measured in the time that ends at it, and whether that meets the condition."""
        rows = self._inputs(one)
        rows = n.extend(rows, n.Item(MOMENT, call("time.to_epoch", n.column(rows, TIME), e.text("us"))))
        group = tuple(n.column(rows, f"~key{i}") for i in range(len(one.group_by)))

        def over(function: str, *args: e.Expr, type: Type | None = None) -> e.Expr:
            return _within(window(function, *args, type=type, partition_by=group, span=one.span), rows, one.timespan, 0)

        condition = one.condition
        if isinstance(condition, Threshold) or condition is None:
            rows = n.Window(rows, (n.Item(VALUE, self._measure(one, rows, over)),), one.span)
            bounds = condition.bounds if condition is not None else (("gte", float(len(one.rules))),)
            value = call("number.to_real", n.column(rows, VALUE))
            met = all_of(*(call(_COMPARE[op], value, e.Literal(bound, Type.REAL), span=one.span) for op, bound in bounds))
        else:
            seen = [
                e.Case(((call("compare.eq", n.column(rows, RULE), e.Literal(i, Type.LONG)), e.Literal(1, Type.LONG)),), _ZERO, Type.LONG)
                for i in range(len(one.rules))
            ]
            items = tuple(n.Item(f"~seen{i}", over("agg.max", s)) for i, s in enumerate(seen))
            rows = n.Window(rows, items, one.span)
            met = _together(condition, one, rows)
            rows = n.extend(rows, n.Item(VALUE, _ZERO))
        return n.extend(rows, n.Item(OK, call("logic.is_true", met)))

    def _measure(self, one: Correlation, rows: n.Plan, over: Callable[..., e.Expr]) -> e.Expr:
        condition = one.condition
        fields = [n.column(rows, f"~field{i}") for i in range(len(condition.fields))] if isinstance(condition, Threshold) else []
        number = call("number.parse_real", fields[0]) if fields else e.null(Type.REAL)
        match one.kind:
            case "event_count":
                return over("agg.count")
            case "value_count":
                return over("agg.count_distinct", *fields)
            case "value_sum":
                return over("agg.sum", number, type=Type.REAL)
            case "value_avg":
                return over("agg.avg", number)
            case "value_median":
                return over("agg.median", number)
            case "value_percentile":
                assert isinstance(condition, Threshold)
                return over("agg.percentile", number, e.Literal(condition.percentile or 0.0, Type.REAL))
            case _:
                return over("agg.count_distinct", n.column(rows, RULE))

    def _episodes(self, one: Correlation, rows: n.Plan) -> n.Plan:
        """Return one row for times that overlap: the group, first and last event, count, and the measure at its furthest."""
        group = tuple(n.column(rows, f"~key{i}") for i in range(len(one.group_by)))
        time = n.column(rows, TIME)
        order = (e.SortKey(time),)
        found = e.Case(((n.column(rows, OK), time),), e.null(Type.DATETIME), Type.DATETIME)
        rows = n.Window(rows, (n.Item(END, _within(window("agg.min", found, partition_by=group), rows, 0, one.timespan)),), one.span)
        rows = n.Filter(rows, _present(n.column(rows, END)))
        rows = n.Window(rows, (n.Item(BEFORE, window("window.previous", time, e.Literal(1, Type.LONG), partition_by=group, order_by=order)),), one.span)
        start = call("time.subtract", n.column(rows, END), e.Literal(one.timespan, Type.TIMESPAN))
        apart = any_of(negate(_present(n.column(rows, BEFORE))), call("compare.lt", n.column(rows, BEFORE), start))
        begins = e.Case(((call("logic.is_true", apart), e.Literal(1, Type.LONG)),), _ZERO, Type.LONG)
        # Without a frame events of one moment count together, so they are never parted.
        rows = n.Window(rows, (n.Item(EPISODE, window("agg.sum", begins, type=Type.LONG, partition_by=group, order_by=order)),), one.span)
        keys = (*(n.Item(f"~key{i}", k) for i, k in enumerate(group)), n.Item(EPISODE, n.column(rows, EPISODE)))
        least = isinstance(one.condition, Threshold) and all(op in ("lt", "lte") for op, _ in one.condition.bounds)
        value = e.Case(((n.column(rows, OK), n.column(rows, VALUE)),), e.null(n.column(rows, VALUE).type), n.column(rows, VALUE).type)
        items = (
            n.Item("~first", aggregate("agg.min", time)),
            n.Item("~last", aggregate("agg.max", time)),
            n.Item("~count", aggregate("agg.count")),
            n.Item(END, aggregate("agg.min", n.column(rows, END))),
            n.Item(VALUE, aggregate("agg.min" if least else "agg.max", value)),
            n.Item("~rules", aggregate("agg.set_sorted", self._rule_name(one, rows))),
        )
        return n.Aggregate(rows, keys, items, one.span)

    def _rule_name(self, one: Correlation, rows: n.Plan) -> e.Expr:
        names = tuple((call("compare.eq", n.column(rows, RULE), e.Literal(i, Type.LONG)), e.text(r.text)) for i, r in enumerate(one.rules))
        return e.Case(names, e.text(""), Type.STRING)

    # order

    def _sequences(self, one: Correlation) -> n.Plan:
        """Return one row for events that follow each other in the order of the rules, within the timespan."""
        condition = one.condition
        if isinstance(condition, Threshold) and not all(op in ("gte", "eq") and bound == len(one.rules) for op, bound in condition.bounds):
            self.context.diagnostics.error(
                "E305", "temporal_ordered is run with all of its rules, in their order", condition.span, help="list only the rules that have to be met"
            )
            raise Halt
        if (
            condition is not None
            and not isinstance(condition, (Threshold, Mentioned))
            and not (isinstance(condition, Every) and all(isinstance(p, Mentioned) for p in condition.parts))
        ):
            self.context.diagnostics.error(
                "E305", "temporal_ordered is run with `and` between its rules alone", one.span, help="use temporal, or list the rules without a condition"
            )
            raise Halt
        referred = self._referred(one)
        bases = {id(found.plan): self._base(one, referred, found.plan) for _, found in referred}
        plans = [next(bases[id(f.plan)] for _, f in referred if f.plan == found.plan) for _, found in referred]
        steps = tuple(
            n.Step(n.Filter(base, n.column(base, f"~hit{at}"), one.span), tuple(n.column(base, f"~key{at}.{i}") for i in range(len(one.group_by))))
            for at, base in enumerate(plans)
        )
        rows: n.Plan = n.Sequence(steps, TIME, (TURN,), one.timespan, span=one.span)
        first = call("compare.eq", n.column(rows, "step"), _ZERO)
        group = [aggregate("agg.max", e.Case(((first, n.column(rows, f"~key0.{i}")),), e.null(Type.STRING), Type.STRING)) for i in range(len(one.group_by))]
        time = n.column(rows, TIME)
        items = (
            *(n.Item(f"~key{i}", g) for i, g in enumerate(group)),
            n.Item("~first", aggregate("agg.min", time)),
            n.Item("~last", aggregate("agg.max", time)),
            n.Item("~count", aggregate("agg.count")),
        )
        return n.Aggregate(rows, (n.Item("sequence", n.column(rows, "sequence")),), items, one.span)

    def _base(self, one: Correlation, referred: list[tuple[Reference, Occurrences]], plan: n.Plan) -> n.Plan:
        """Return the rows that several steps read, each with the steps it is for; of one moment the earlier step comes first."""
        hits, keys = [], []
        time: e.Expr = e.null(Type.DATETIME)
        for rule, found in referred:
            here = found.plan == plan
            hits.append(call("logic.is_true", all_of(found.met, _present(found.time))) if here else e.FALSE)
            keys.append(self._group(one, rule, found) if here else tuple(e.null(Type.STRING) for _ in one.group_by))
            time = found.time if here else time
        turn = e.Case(tuple((h, e.Literal(i, Type.LONG)) for i, h in enumerate(hits)), e.Literal(len(hits), Type.LONG), Type.LONG)
        items = [n.Item(TIME, time), n.Item(TURN, turn), *(n.Item(f"~hit{i}", h) for i, h in enumerate(hits))]
        items += [n.Item(f"~key{at}.{i}", k) for at, group in enumerate(keys) for i, k in enumerate(group)]
        return n.Project(plan, tuple(items))

    # what is shown

    def _shown(self, one: Correlation, rows: n.Plan) -> n.Plan:
        taken = {g.text for g in one.group_by}

        def named(name: str) -> str:
            while name in taken:
                name += "_"
            return name

        items = [n.Item(g.text, n.column(rows, f"~key{i}")) for i, g in enumerate(one.group_by)]
        items += [n.Item(named("first_seen"), n.column(rows, "~first")), n.Item(named("last_seen"), n.column(rows, "~last"))]
        items.append(n.Item(named("events"), n.column(rows, "~count")))
        if one.kind == "temporal":
            items.append(n.Item(named("rules"), n.column(rows, "~rules")))
        elif one.kind != "temporal_ordered":
            items.append(n.Item(named(one.kind), n.column(rows, VALUE)))
        shown = n.Project(rows, tuple(items), one.span)
        order = (n.column(shown, named("first_seen")), *(n.column(shown, g.text) for g in one.group_by))
        return n.Sort(shown, tuple(e.SortKey(c) for c in order))


def _within(call: e.WindowCall, rows: n.Plan, before: int, after: int) -> e.WindowCall:
    """Return a window call over the rows whose moment lies within so many ticks before and after, both ends included."""
    return replace(call, order_by=(e.SortKey(n.column(rows, MOMENT)),), frame=(before // 10, after // 10), by_value=True)


def _present(value: e.Expr) -> e.Expr:
    return negate(call("logic.is_null", value))


def _together(condition: Together, one: Correlation, rows: n.Plan) -> e.Expr:
    """Return a condition over rules as one over what was seen in a time."""
    match condition:
        case Mentioned(rule=rule):
            at = [r.text for r in one.rules].index(rule.text)
            return call("compare.eq", n.column(rows, f"~seen{at}"), e.Literal(1, Type.LONG))
        case Every(parts=parts):
            return all_of(*(_together(p, one, rows) for p in parts))
        case Either(parts=parts):
            return any_of(*(_together(p, one, rows) for p in parts))
        case _:
            return negate(_together(condition.part, one, rows))
