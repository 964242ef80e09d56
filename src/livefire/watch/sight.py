"""What scheduled rules can see of the lake, minute by minute: which of their windows hold nothing for them, and which hold the same.

The filters of a rule say which events can matter to it (`plan.reach`). Each file is counted once for all rules, by minutes, when
it comes; so the many windows that a late event or a downtime calls for cost a look-up where they hold nothing that a rule sees.
Events are only ever added, so counts that did not change stand for the same events.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from livefire.detections.elastic.run import Alerting
from livefire.diagnostics import QueryError
from livefire.engines import sql as printing
from livefire.engines.base import Engine, Statement
from livefire.logsources.registry import SOURCES
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, call
from livefire.plan.prune import prune_columns
from livefire.plan.reach import gives_nothing_of_nothing, may_fail, reach
from livefire.schema import Field, Schema, Type
from livefire.store.changes import changes
from livefire.watch.ground import Ground
from livefire.watch.rules import Watched

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 50
"""Rules counted in one statement."""
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_MINUTES = 40_000
_SIDES = frozenset({"compare.ge", "compare.gt", "compare.le", "compare.lt"})
_TIME = "_time"

Profile = tuple[object, ...]
"""What a rule sees of a window; two that are equal hold the same events."""


@dataclass(slots=True)
class _Counts:
    """How many events of one table a rule sees, by minutes since 1970."""

    by_minute: dict[int, int] = field(default_factory=dict)
    order: list[int] | None = None

    def add(self, minute: int, count: int) -> None:
        if minute not in self.by_minute:
            self.order = None
        self.by_minute[minute] = self.by_minute.get(minute, 0) + count

    def within(self, first: int, last: int) -> tuple[tuple[int, int], ...]:
        """Return the minutes from first to last, inclusive, that hold events, with how many."""
        if self.order is None:
            self.order = sorted(self.by_minute)
        return tuple((m, self.by_minute[m]) for m in self.order[bisect_left(self.order, first) : bisect_left(self.order, last + 1)])

    def cut(self, floor: int) -> None:
        self.by_minute = {m: c for m, c in self.by_minute.items() if m >= floor}
        self.order = None


@dataclass(slots=True)
class _Seen:
    """A rule: what can matter to it in each table, and what was counted."""

    conditions: dict[str, e.Expr]
    columns: dict[str, tuple[tuple[str, Type], ...]]
    dropping: bool
    """Nothing seen gives nothing."""
    steady: bool | None
    """The same events give the same, whatever the window; None where a rule looks at events outside of it too."""
    counts: dict[str, _Counts] = field(default_factory=dict)


class Sight:
    """Counts what rules see. A rule whose plan does not tell is not known here, and has to be run."""

    def __init__(self, rules: Iterable[Watched], ground: Ground, engine: Engine, seconds: float) -> None:
        self._ground, self._engine, self._seconds = ground, engine, seconds
        self._rules = {w.name: seen for w in rules if (seen := _seen(w)) is not None}
        self._statements: dict[tuple[str, tuple[str, ...]], Statement] = {}
        self._versions: dict[str, int] = {}
        self._floor: int | None = None

    def profile(self, rule: str, start: datetime, end: datetime) -> Profile | None:
        """Return what a rule sees of [start, end) in the lake's present version; empty for nothing that matters, None when it cannot be told."""
        if rule not in self._rules:
            return None
        first, last = (start - _EPOCH) // _MINUTE, (end - _EPOCH) // _MINUTE
        self._update(first)
        seen = self._rules.get(rule)
        if seen is None:
            return None
        last -= seen.steady is not None and end == _EPOCH + last * _MINUTE  # a window ends before its end; Elastic's may hold it
        found: list[object] = [(table, held) for table, counts in sorted(seen.counts.items()) if (held := counts.within(first, last))]
        if not found:
            return () if seen.dropping else (0,)
        if seen.steady is None:
            return None
        if not seen.steady:
            return (start, end, *found)
        # An edge inside a minute that holds events may part them: only the same edge parts them alike.
        edges = [edge for edge, minute in ((start, first), (end, last)) if edge.second or edge.microsecond if self._holds(seen, minute)]
        return (*edges, *found)

    @staticmethod
    def _holds(seen: _Seen, minute: int) -> bool:
        return any(minute in counts.by_minute for counts in seen.counts.values())

    def _update(self, first: int) -> None:
        """Count what came since, and what lies before the earliest minute that was counted; each file's minute once."""
        if self._floor is None:
            self._again(first)
            return
        present = self._present()
        if present != self._versions:
            try:
                fresh = {name: [c.path for c in changes(self._ground.lake.table(name).folder, self._versions[name], present[name])] for name in present}
                if not all(p.exists() for files in fresh.values() for p in files):
                    raise FileNotFoundError
            except FileNotFoundError:
                self._again(first)
                return
            # What is new is counted from the old floor on, so that the files before it, which hold the new ones, add what is left.
            self._count(fresh, self._floor, None)
            self._versions = present
            self._trim(first)
        if first < self._floor:
            self._count(self._files(first, self._floor), first, self._floor)
            self._floor = first

    def _present(self) -> dict[str, int]:
        return {s.name: self._ground.lake.version(s.name) for s in SOURCES}

    def _again(self, first: int) -> None:
        """Begin anew: nothing was counted yet, or the log or files of a version are gone."""
        for seen in self._rules.values():
            seen.counts.clear()
        self._versions = self._present()
        self._count(self._files(first, None), first, None)
        self._floor = first

    def _trim(self, first: int) -> None:
        """Forget the oldest minutes of rules that see very many, but none from `first` on, where runs are being made."""
        held = [c for seen in self._rules.values() for c in seen.counts.values() if c.by_minute]
        if max((len(c.by_minute) for c in held), default=0) <= _MOST_MINUTES or self._floor is None:
            return
        self._floor = max(self._floor, min(first, max(max(c.by_minute) for c in held) - _MOST_MINUTES // 2))
        for counts in held:
            counts.cut(self._floor)

    def _files(self, first: int, before: int | None) -> dict[str, list[Path]]:
        return self._ground.within(_EPOCH + first * _MINUTE, None if before is None else _EPOCH + before * _MINUTE)

    def _count(self, files: dict[str, list[Path]], first: int, before: int | None) -> None:
        """Add the minutes from `first` until `before` that files hold for each rule."""
        for table, paths in files.items():
            names = tuple(sorted(name for name, seen in self._rules.items() if table in seen.conditions))
            for at in range(0, len(names) if paths else 0, AT_ONCE):
                self._add(table, names[at : at + AT_ONCE], files, first, before)

    def _add(self, table: str, names: tuple[str, ...], files: dict[str, list[Path]], first: int, before: int | None) -> None:
        """Count one table for some rules; where that fails it is halved, and the rule at fault is not known from then on."""
        bench = self._ground.bench(self._engine, files, _EPOCH, seconds=self._seconds * len(names))
        try:
            rows = self._engine.run(self._statement(table, names), bench.storage, replace(bench.run_values(), max_rows=None))
        except QueryError:
            if len(names) == 1:
                del self._rules[names[0]]
                return
            for half in (names[: len(names) // 2], names[len(names) // 2 :]):
                self._add(table, half, files, first, before)
            return
        self._keep(table, names, rows, first, before)

    def _keep(self, table: str, names: tuple[str, ...], rows: pa.Table, first: int, before: int | None) -> None:
        minutes = [None if m is None else (m.replace(tzinfo=UTC) - _EPOCH) // _MINUTE for m in rows.column(0).to_pylist()]
        for at, name in enumerate(names):
            counts = self._rules[name].counts.setdefault(table, _Counts())
            for minute, count in zip(minutes, rows.column(at + 1).to_pylist(), strict=True):
                if minute is not None and count and minute >= first and (before is None or minute < before):
                    counts.add(minute, count)

    def _statement(self, table: str, names: tuple[str, ...]) -> Statement:
        key = (table, names)
        if key not in self._statements:
            seen = [self._rules[name] for name in names]
            source = next(s for s in SOURCES if s.name == table)
            columns = {name: type for one in seen for name, type in one.columns[table]} | {f.name: f.type for f in source.schema if f.name == _TIME}
            scan = n.Scan(table, Schema(tuple(Field(name, type) for name, type in columns.items())), tuple(columns))
            minute = n.Item("minute", call("time.start_of", e.Column(_TIME, columns[_TIME]), e.text("minute")))
            # A count over a case stops at the first condition that is not met; a filter of the count does not.
            cases = [e.Case(((one.conditions[table], e.whole(1)),), e.null(Type.LONG), Type.LONG) for one in seen]
            items = tuple(n.Item(f"m{at}", aggregate("agg.count", case)) for at, case in enumerate(cases))
            self._statements[key] = self._engine.prepare(prune_columns(n.Aggregate(scan, (minute,), items)))
        return self._statements[key]


def _seen(watched: Watched) -> _Seen | None:
    """Return what can matter to a rule, None where its plan does not tell."""
    stored = {s.name for s in SOURCES}
    if watched.rule.alerting is not None:
        # Elastic's rules alert on events; only ES|QL can make a row of nothing.
        said = watched.rule.alerting.said if isinstance(watched.rule.alerting, Alerting) else None
        if said is None or said.type == "esql":
            return None
        return _Seen(dict.fromkeys(stored, e.TRUE), dict.fromkeys(stored, ()), dropping=True, steady=None)
    prepared = watched.prepared
    if prepared is None or prepared.plan is None or prepared.statement is None or prepared.looked or may_fail(prepared.plan):
        return None
    reads = reach(prepared.plan)
    if not reads.keys() & stored or not all(_bounded(prepared.statement, table) for table in reads.keys() & stored):
        return None
    conditions = {table: _timeless(read.condition) for table, read in reads.items() if table in stored}
    columns = {table: read.columns for table, read in reads.items() if table in stored}
    dropping = reads.keys() <= stored and gives_nothing_of_nothing(prepared.plan)
    return _Seen(conditions, columns, dropping, _steady(prepared.plan))


def _bounded(statement: Statement, table: str) -> bool:
    """True if every reading of a table is cut to the window by the time that its files are known by."""
    asked = statement.windows.get(table, ())
    ends = (e.Parameter("start", Type.DATETIME), e.Parameter("end", Type.DATETIME))
    return bool(asked) and all(ends[0] in window.earliest and ends[1] in window.latest for window in asked)


def _timeless(condition: e.Expr) -> e.Expr:
    """Return a condition without what depends on when the rule runs; it holds for no fewer events."""
    if not any(isinstance(part, e.Parameter) for part in printing.walk_expr(condition)):
        return condition
    if isinstance(condition, e.Call) and condition.function in ("logic.and", "logic.or"):
        parts = [_timeless(part) for part in condition.args]
        if condition.function == "logic.or":
            return e.TRUE if e.TRUE in parts else call("logic.or", *parts)
        kept = [part for part in parts if part != e.TRUE]
        return e.TRUE if not kept else kept[0] if len(kept) == 1 else call("logic.and", *kept)
    return e.TRUE


def _steady(plan: n.Plan) -> bool:
    """True if a plan looks at the time of its run only to choose events by its window."""
    for node in printing.walk(plan):
        for expression in printing.expressions(node):
            for part in _conjuncts(expression) if isinstance(node, n.Filter) else (expression,):
                told = [p for p in printing.walk_expr(part) if isinstance(p, e.Parameter)]
                if told and not (isinstance(node, n.Filter) and _of_window(part)):
                    return False
    return True


def _of_window(part: e.Expr) -> bool:
    """True for the comparison of a column with an end of the window."""
    return (
        isinstance(part, e.Call)
        and part.function in _SIDES
        and len(part.args) == 2
        and isinstance(part.args[0], e.Column)
        and isinstance(part.args[1], e.Parameter)
        and part.args[1].name in ("start", "end")
    )


def _conjuncts(predicate: e.Expr) -> Sequence[e.Expr]:
    if isinstance(predicate, e.Call) and predicate.function == "logic.and":
        return [part for arg in predicate.args for part in _conjuncts(arg)]
    return (predicate,)
