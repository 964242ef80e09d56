"""Whether a rule can fire over the events that are there: logs that never came, fields and values that no event has, deliveries that are too late."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from livefire.detections.runner import Bench, rows_of
from livefire.diagnostics import NOWHERE, Diagnostic, Severity
from livefire.lint.origin import Origin
from livefire.lint.rules.reach import calls, ticks_back
from livefire.lint.scope import ACTION, on_action
from livefire.lint.tests import Facts, Test
from livefire.lint.words import data_events, lets_through
from livefire.logsources.registry import SOURCES
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import call
from livefire.schema import Type

NAMES = {s.name: s.title for s in SOURCES}
MOST_VALUES = 20_000
STAMP = re.compile(r"_(\d{8}T\d{4})Z_")
RECEIVED = {"azure_activity": "submitted", "gcp_audit": "received"}


@dataclass(frozen=True, slots=True)
class Delay:
    """How late the events of a log source are there: of half of the measured ones, and of nearly all."""

    usual: timedelta
    most: timedelta
    measured: int


@dataclass(frozen=True)
class Stock:
    """What events a bench holds; each question is asked once."""

    bench: Bench
    known: dict[Origin, frozenset[str] | None] = field(default_factory=dict)

    def _rows(self, plan: n.Plan) -> list[tuple[Any, ...]]:
        return rows_of(self.bench.engine, self.bench.storage, self.bench.run_values(), plan)

    @staticmethod
    def _scan(table: str) -> n.Scan:
        source = next(s for s in SOURCES if s.name == table)
        return n.Scan(source.name, source.schema, source.schema.names, identity="_id")

    @cached_property
    def events(self) -> dict[str, int]:
        """The number of events of each log source."""
        counted = n.Item("n", e.Aggregate("agg.count", (), Type.LONG))
        return {s.name: int(self._rows(n.Aggregate(self._scan(s.name), (), (counted,)))[0][0]) for s in SOURCES}

    def values(self, origin: Origin) -> frozenset[str] | None:
        """Return the different values of a field, empty where no event has it; None where they are too many or lie in lists."""
        if origin not in self.known:
            self.known[origin] = self._values(origin)
        return self.known[origin]

    def _values(self, origin: Origin) -> frozenset[str] | None:
        found = self._texts(origin)
        if found or not origin.steps or found is None:
            return found
        for cut in range(len(origin.steps) - 1, -1, -1):
            above = self._texts(Origin(origin.table, origin.column, origin.steps[:cut]))
            if above is None or any(text.startswith("[") for text in above):
                return None  # it may be in an element of a list, or in a text that holds JSON
            if above:
                return None if any(text.startswith('"') or "\\" in text for text in above) else frozenset()
        return frozenset()

    def _texts(self, origin: Origin) -> frozenset[str] | None:
        scan = self._scan(origin.table)
        column = scan.schema.get(origin.column)
        if column is None:
            return None
        value: e.Expr = e.Column(origin.column, column.type)
        if origin.column == "_raw":
            value = call("dynamic.parse", value)
        if origin.steps:
            value = e.Path(value, origin.steps)
        if value.type is Type.DYNAMIC or origin.steps:
            value = call("dynamic.text", value)
        elif value.type is not Type.STRING:
            return None
        shown = n.Project(scan, (n.Item("v", value),))
        there = n.Filter(shown, call("logic.not", call("logic.is_null", e.Column("v", Type.STRING))))
        listed = n.Limit(n.Aggregate(there, (n.Item("v", e.Column("v", Type.STRING)),), ()), MOST_VALUES + 1)
        rows = self._rows(listed)
        return None if len(rows) > MOST_VALUES else frozenset(str(r[0]) for r in rows if r[0] not in (None, ""))

    def delay(self, table: str) -> Delay | None:
        """Return how late events are there, by what the logs say: the time in the names of CloudTrail's files, Azure's and Google's own times."""
        found = sorted(self._delays(table))
        return Delay(found[len(found) // 2], found[min(len(found) - 1, len(found) * 95 // 100)], len(found)) if found else None

    def _delays(self, table: str) -> Iterator[timedelta]:
        scan = self._scan(table)
        time, late = e.Column("_time", Type.DATETIME), RECEIVED.get(table)
        key, last = (late, late) if late is not None else ("_file", None)
        if scan.schema.get("_time") is None or scan.schema.get(key) is None:
            return
        if last is not None:
            for began, there in self._rows(n.Limit(n.select(scan, "_time", last), MOST_VALUES)):
                if began is not None and there is not None and there >= began:
                    yield there - began
            return
        first = n.Item("first", e.Aggregate("agg.min", (time,), Type.DATETIME))
        for name, began in self._rows(n.Aggregate(scan, (n.Item(key, n.column(scan, key)),), (first,))):
            stamp = STAMP.search(str(name))
            if stamp is not None and began is not None:
                delay = datetime.strptime(stamp[1], "%Y%m%dT%H%M").replace(tzinfo=UTC) - began
                if timedelta() <= delay < timedelta(days=2):
                    yield delay


@dataclass(frozen=True, slots=True)
class Rule:
    """What is judged: the facts of a rule's plan and how far back it looks, None where nothing says."""

    facts: Facts
    lookback: timedelta | None = None


def look_back(facts: Facts) -> timedelta | None:
    """Return how far back the query of a rule looks by itself, the shortest where it has several such conditions."""
    found = [
        back
        for node in facts.of(n.Filter)
        if isinstance(node, n.Filter)
        for test in calls(node.predicate)
        if test.function in ("compare.gt", "compare.ge") and len(test.args) == 2 and (back := ticks_back(test.args[1])) is not None and back > 0
    ]
    return timedelta(microseconds=min(found) // 10) if found else None


def judge(rule: Rule, stock: Stock) -> tuple[Diagnostic, ...]:
    """Return what stands between a rule and the events that are there, by place."""
    facts = rule.facts
    if not facts.tables & NAMES.keys():
        return ()
    empty = sorted(t for t in facts.tables & NAMES.keys() if not stock.events[t])
    names = ", ".join(NAMES[t] for t in empty)
    if facts.tables and len(empty) == len(facts.tables):
        return (_said("error", "E694", f"there is no event of {names}: this cannot fire", "ingest these logs, or turn their collection on"),)
    found = (
        [_said("warning", "W694", f"there is no event of {names}", "that part of the rule cannot fire: ingest these logs, or turn them on")] if empty else []
    )
    found += [*_categories(facts, stock), *_unseen(facts, stock), *_late(rule, stock)]
    return tuple(sorted(dict.fromkeys(found), key=lambda d: (d.span.start, d.code)))


def alive(said: Sequence[Diagnostic]) -> bool:
    """True where nothing that was said of a rule keeps it from firing."""
    return not any(d.code in ("E694", "W695", "W697") for d in said)


def _said(severity: Severity, code: str, message: str, help: str, test: Test | None = None) -> Diagnostic:
    return Diagnostic(severity, code, message, (test.span if test is not None else None) or NOWHERE, help)


def _required(facts: Facts) -> list[Test]:
    """Return the tests that a row has to pass on fields of log sources that are known here."""
    return [
        t
        for t in facts.tests
        if not t.alternative and not t.negated and isinstance(t.clause, n.Filter) and t.origins and {o.table for o in t.origins} <= NAMES.keys()
    ]


def _unseen(facts: Facts, stock: Stock) -> Iterator[Diagnostic]:
    """Yield fields that no event has and values that none has in them; of a rule for acts that never happened only that is said."""
    tests = sorted(_required(facts), key=lambda t: not on_action(t))
    acted = True
    for test in tests:
        if not any(test.words) or _made_up(test) or (not acted and any(o.steps for o in test.origins)):
            continue
        seen = [stock.values(o) for o in test.origins if stock.events[o.table]]
        if not seen or None in seen:
            continue
        values = frozenset().union(*(s for s in seen if s is not None))
        if not values:
            name = sorted(o.path for o in test.origins)[0]
            yield _said(
                "warning", "W695", f"no stored event has a value in {name}", "the field may be named otherwise, or be left out of what is collected", test
            )
        elif not any(lets_through(test, v) is not False for v in values):
            words = ", ".join(test.words[:3]) + (" …" if len(test.words) > 3 else "")
            acted = acted and not on_action(test)
            yield _said("notice", "N696", f"no stored event has {words} here", "nothing is wrong if it never happened; test the rule with an attack", test)


def _made_up(test: Test) -> bool:
    """True if a word that is asked for is written by the table itself, as Splunk's errorCode=success is for an event without an error."""
    words, names, pending = {w.casefold() for w in test.words}, e.columns_of(test.value), list(n.inputs(test.clause))
    while pending:
        plan = pending.pop()
        pending.extend(n.inputs(plan))
        if isinstance(plan, n.Project) and any(i.name in names and _constants(i.expr) & words for i in plan.items):
            return True
    return False


def _constants(expr: e.Expr) -> set[str]:
    own = {expr.value.casefold()} if isinstance(expr, e.Literal) and isinstance(expr.value, str) else set()
    return own.union(*(_constants(child) for child in e.children(expr)))


def _categories(facts: Facts, stock: Stock) -> Iterator[Diagnostic]:
    """Yield acts that are logged only where data events, or Google's logs of reads, are turned on, and of which nothing is there."""
    for test in _required(facts):
        if not test.exact or not on_action(test):
            continue
        if test.reads("aws_cloudtrail.event_name") and test.words and all(w in data_events() for w in test.words):
            categories = stock.values(Origin("aws_cloudtrail", "event_category"))
            if stock.events["aws_cloudtrail"] and categories is not None and "Data" not in categories:
                help = "turn data events on for what the rule watches: they are off unless asked for, and are paid for"
                yield _said("warning", "W697", f"{test.words[0]} is a data event, and no data event is stored", help, test)
        if test.reads("gcp_audit.method") and test.words and all(re.search(r"(?:^|\.)(?:get|list)[A-Za-z]*$", w) for w in test.words):
            logs = stock.values(Origin("gcp_audit", "log_name"))
            if stock.events["gcp_audit"] and logs is not None and not any("data_access" in v for v in logs):
                yield _said(
                    "warning", "W697", f"{test.words[0]} is in the log of data access, which is not stored", "turn data access logs on for the service", test
                )


def _late(rule: Rule, stock: Stock) -> Iterator[Diagnostic]:
    """Yield log sources whose events came later than the rule looks back."""
    if rule.lookback is None:
        return
    for table in sorted(rule.facts.tables & NAMES.keys() & ACTION.keys()):
        delay = stock.delay(table) if stock.events[table] else None
        if delay is not None and delay.most >= rule.lookback:
            shown = f"{delay.most / timedelta(minutes=1):.0f} minutes"
            help = f"look back at least {shown} and the time between two runs"
            yield _said("warning", "W698", f"events of {NAMES[table]} are there {shown} after they happened, and the rule looks back no further", help)
