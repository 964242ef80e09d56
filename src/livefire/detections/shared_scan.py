"""Many rules over the same events in few passes.

One pass takes out of a log source the events that any of the rules could take: what their filters
ask for is weakened to tests that are cheap for many at once, and put behind one test of all the
event names together. Over what is left, few rows, each rule's tests are told in Python; a rule that
has no row is done, and the others run over their own rows as they are written. What a rule gives so
is what it would give over everything, since a row that it would drop is all that it does not see.

Where the rules together take too much for that, a pass counts for every rule, the few events of
those that take few are taken out, and a rule that takes many, or looks at all events, is run by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from livefire.detections.detection import Rule
from livefire.detections.family import Form, Member, apart, columns_of, groups, member, together
from livefire.detections.runner import Bench, Outcome, Prepared, outcome_of, prepare, run_prepared
from livefire.detections.sieve import Sieve
from livefire.diagnostics import QueryError
from livefire.engines.base import Statement
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate
from livefire.plan.necessary import Needed, hoisted, necessary, weakened
from livefire.plan.prune import prune_columns
from livefire.plan.reach import Reach, gives_nothing_of_nothing, may_fail, reach
from livefire.schema import Field, Schema, Type

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.engines.program import TableFiles

_KEPT = 8
"""Statements of rules of one form that are kept ready."""
AT_ONCE = 100
"""Rules counted in one statement: beyond, planning grows faster than what is saved."""
FEW = 20_000
"""Events of a rule that are still worth taking out for it."""
MANY = 400_000
"""Events that are taken out for all rules together."""
SMALL = 4 * 2**20
SMALL_ROWS = 8_192
"""Bytes and events of files that are rather taken whole: to say what of them is wanted takes longer."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """A rule that shares passes: what it sees of each table, what rows must have for it, and whether it is `dropping`: nothing seen gives nothing."""

    place: int
    prepared: Prepared
    reads: Mapping[str, Reach]
    needs: Mapping[str, Needed | None]
    dropping: bool


@dataclass(frozen=True, slots=True)
class _Count:
    """A prepared pass over a table, and the places of the rules that it counts for, in order."""

    table: str
    rules: tuple[_Shared, ...]
    statement: Statement


class SharedScan:
    """Rules prepared together, to be run over any storage again and again.

    Rules that a product's alerting runs, that looked at events while they were compiled, or that end
    for some rows, are run one by one.
    """

    def __init__(self, prepared: Sequence[Prepared], bench: Bench) -> None:
        self._prepared = tuple(prepared)
        self._bench = bench
        self._shared = {s.place: s for s in _share(self._prepared, bench)}
        self._families: dict[tuple[int, ...], Statement] = {}
        self._tables = tuple(dict.fromkeys(name for s in self._shared.values() for name in s.reads))

    @cached_property
    def _members(self) -> dict[int, Member]:
        """The rules that are a form and a filter, by their place."""
        found = {place: member(s.prepared.plan) for place, s in self._shared.items() if s.prepared.plan is not None}
        return {place: one for place, one in found.items() if one is not None}

    @cached_property
    def _counts(self) -> tuple[_Count, ...]:
        return tuple(_counts(tuple(self._shared.values()), self._bench))

    @cached_property
    def _sought(self) -> dict[str, Statement]:
        """The events that any rule could take, of each table."""
        return {table: self._taking(table, whole=False) for table in self._tables}

    @cached_property
    def _whole(self) -> dict[str, Statement]:
        return {table: self._taking(table, whole=True) for table in self._tables}

    def _taking(self, table: str, *, whole: bool) -> Statement:
        reads = [s.reads[table] for s in self._shared.values() if table in s.reads]
        plan: n.Plan = _scan(table, reads)
        if not whole:
            plan = n.Filter(plan, hoisted([weakened(read.condition) for read in reads]))
        return self._bench.engine.prepare(n.Limit(plan, MANY + 1))

    @property
    def prepared(self) -> tuple[Prepared, ...]:
        """The rules, in their order."""
        return self._prepared

    def blind(self, bench: Bench) -> list[bool]:
        """Tell of each rule whether none of the bench's events can matter to it, and it gives nothing of nothing; False where that is not known."""
        taken = self._gather(bench)
        blind = [False] * len(self._prepared)
        for place, shared in self._shared.items() if taken is not None else ():
            assert taken is not None
            blind[place] = shared.dropping and not any(taken[table].rows_of(shared.needs[table]) for table in shared.reads)
        return blind

    def run(self, bench: Bench, told: Callable[[Rule], None] | None = None) -> tuple[Outcome, ...]:
        """Return the outcome of each rule over the bench's storage, as `run_rule` would give it, in the order of the rules."""
        known, taken = self._shared, self._gather(bench)
        if taken is None:
            known, taken = self._count_and_take(bench)
        seen = {place: {table: taken[table].rows_of(shared.needs[table]) for table in shared.reads} for place, shared in known.items()}
        found = self._run_families({place: rows for place, rows in seen.items() if any(rows.values())}, taken, bench)
        outcomes = []
        for place, prepared in enumerate(self._prepared):
            if told is not None:
                told(prepared.rule)
            if place in found:
                outcomes.append(found[place])
                continue
            shared, here = known.get(place), bench
            if shared is not None:
                if shared.dropping and not any(seen[place].values()):
                    outcomes.append(Outcome(prepared.rule, diagnostics=prepared.diagnostics, plan=prepared.compiled.lowered if prepared.compiled else None))
                    continue
                here = bench.over({table: taken[table].files(rows, shared.reads[table].columns) for table, rows in seen[place].items()})
            outcomes.append(_run(prepared, here))
        return tuple(outcomes)

    def _run_families(self, seen: Mapping[int, Mapping[str, Sequence[int]]], taken: Mapping[str, _Taken], bench: Bench) -> dict[int, Outcome]:
        """Return the outcomes of rules that see few events and differ from others in their filter alone."""
        by_form: dict[Form, dict[int, Sequence[int]]] = {}
        for place, rows in seen.items():
            if (one := self._members.get(place)) is not None:
                by_form.setdefault(one.form, {})[place] = rows[one.form.table]
        found: dict[int, Outcome] = {}
        for form, events in by_form.items():
            for places in groups(events):
                rows_of_all = sorted({row for place in places for row in events[place]})
                found |= self._run_family(places, taken[form.table], rows_of_all, bench)
        return found

    def _run_family(self, places: Sequence[int], taken: _Taken, rows: Sequence[int], bench: Bench) -> dict[int, Outcome]:
        """Return the outcomes of rules of one form; none where the statement fails, so that each rule says itself what is wrong."""
        members, key = [self._members[place] for place in places], tuple(places)
        if key not in self._families:
            self._families = {key: bench.engine.prepare(together(members)), **dict(list(self._families.items())[: _KEPT - 1])}
        here, run = bench.over({members[0].form.table: taken.files(rows, columns_of(members))}), bench.run_values()
        try:
            table = bench.engine.run(self._families[key], here.storage, replace(run, seconds=run.seconds * len(places), max_rows=None))
        except QueryError:
            return {}
        each = zip(places, apart(table, len(places)), strict=True)
        return {place: outcome_of(self._prepared[place], own) for place, own in each if run.max_rows is None or own.num_rows <= run.max_rows}

    def _gather(self, bench: Bench) -> dict[str, _Taken] | None:
        """Return of each table the events that any rule could take; None where these are too many, or a rule's test fails."""
        taken = {}
        for table in self._tables:
            stored = bench.storage.tables[table]
            statement = (self._whole if _small(stored) else self._sought)[table]
            try:
                rows = bench.engine.run(statement, bench.storage, replace(bench.run_values(), seconds=bench.seconds * len(self._shared), max_rows=None))
            except QueryError:
                return None
            if rows.num_rows > MANY:
                return None
            taken[table] = _Taken(rows, _scan(table, [s.reads[table] for s in self._shared.values() if table in s.reads]).physical, stored)
        return taken

    def _count_and_take(self, bench: Bench) -> tuple[dict[int, _Shared], dict[str, _Taken]]:
        """Return the rules that take few events, and these; none of either where they cannot be taken."""
        counts = self._count(bench)
        known = {place: self._shared[place] for place in _chosen(counts)}
        taken = _take(list(known.values()), counts, bench)
        return (known, taken) if taken is not None else ({}, {})

    def _count(self, bench: Bench) -> dict[int, dict[str, int]]:
        """Return how many events of each table each rule lets through, by its place; a rule that could not be counted is missing."""
        found: dict[int, dict[str, int]] = {}
        failed: set[int] = set()
        for count in self._counts:
            for shared, number in zip(count.rules, _numbers(count, bench), strict=True):
                if number is None:
                    failed.add(shared.place)
                else:
                    found.setdefault(shared.place, {})[count.table] = number
        return {place: numbers for place, numbers in found.items() if place not in failed}


class _Taken:
    """Events taken out of a table, in the order in which they are stored, as a table of their own."""

    def __init__(self, rows: pa.Table, names: Sequence[str], stored: TableFiles) -> None:
        import pyarrow as pa

        kinds = pa.ipc.read_schema(pa.py_buffer(stored.schema))
        self._rows = rows.rename_columns(list(names)).cast(pa.schema([kinds.field(name) for name in names])).combine_chunks()
        self._schema = stored.schema
        self._sieve = Sieve(self._rows)
        self._everything = range(rows.num_rows)
        self._put: TableFiles | None = None

    def rows_of(self, needed: Needed | None) -> Sequence[int]:
        """Return the numbers of the events that could matter."""
        return self._everything if needed is None else self._sieve.passing(needed)

    def files(self, rows: Sequence[int], columns: Sequence[tuple[str, Type]]) -> TableFiles:
        """Return events by their numbers as a table of files that has at least some columns: of few rows a column costs more than they do."""
        import pyarrow as pa

        from livefire.engines.program import TableFiles

        if not rows:
            return TableFiles((), self._schema)
        if 2 * len(rows) <= len(self._everything):
            return self._written(self._rows.select([name for name, _ in columns]).take(pa.array(rows, pa.int64())))
        if self._put is None:
            self._put = self._written(self._rows)
        return self._put

    def _written(self, rows: pa.Table) -> TableFiles:
        from livefire.engines.program import TableFiles
        from livefire.engines.worker import shared_scratch

        return TableFiles((shared_scratch().put(rows),), self._schema)


def _small(stored: TableFiles) -> bool:
    if len(stored.files) > 16 or sum(os.stat(path).st_size for path in stored.files) > SMALL:  # noqa: PTH116 - for every run, so cheap
        return False
    if any(not path.endswith(".parquet") for path in stored.files):
        return True
    import pyarrow.parquet as pq

    counts: list[int] = [pq.read_metadata(path).num_rows for path in stored.files]
    return sum(counts) <= SMALL_ROWS


def run_rules(rules: Sequence[Rule], bench: Bench, *, lenient: bool = False, told: Callable[[Rule], None] | None = None) -> tuple[Outcome, ...]:
    """Return the outcome of each rule, as `run_rule` gives it, by few passes over the events; `told` is called before each."""
    return prepare_rules(rules, bench, lenient=lenient).run(bench, told)


def prepare_rules(rules: Sequence[Rule], bench: Bench, *, lenient: bool = False) -> SharedScan:
    """Return rules ready to be run together over any storage."""
    bench.engine.begin(bench.storage)
    return SharedScan([_prepare(rule, bench, lenient=lenient) for rule in rules], bench)


def _prepare(rule: Rule, bench: Bench, *, lenient: bool) -> Prepared:
    return Prepared(rule, lenient=lenient) if rule.alerting is not None else prepare(rule, bench, lenient=lenient)


def _run(prepared: Prepared, bench: Bench) -> Outcome:
    rule = prepared.rule
    return rule.alerting.run(rule, bench, lenient=prepared.lenient) if rule.alerting is not None else run_prepared(prepared, bench)


def _share(prepared: Sequence[Prepared], bench: Bench) -> Iterator[_Shared]:
    """Yield the rules whose filters say what they see of every table in the lake."""
    stored = {name for name, files in bench.storage.tables.items() if files.schema}
    given = bench.run_values().parameters.keys()
    for place, one in enumerate(prepared):
        if one.plan is None or one.statement is None or one.looked or may_fail(one.plan) or one.statement.parameters - given:
            continue
        reached = reach(one.plan)
        reads = {table: read for table, read in reached.items() if table in stored}
        if reads and all(read.condition != e.TRUE for read in reads.values()):
            needs = {table: necessary(read.condition) for table, read in reads.items()}
            yield _Shared(place, one, reads, needs, gives_nothing_of_nothing(one.plan) and len(reads) == len(reached))


def _counts(shared: Sequence[_Shared], bench: Bench) -> Iterator[_Count]:
    for table in dict.fromkeys(name for s in shared for name in s.reads):
        rules = tuple(s for s in shared if table in s.reads)
        for start in range(0, len(rules), AT_ONCE):
            yield _counting(table, rules[start : start + AT_ONCE], bench)


def _counting(table: str, rules: tuple[_Shared, ...], bench: Bench) -> _Count:
    items = tuple(n.Item(f"m{at}", _counted(weakened(s.reads[table].condition))) for at, s in enumerate(rules))
    plan = n.Aggregate(_scan(table, [s.reads[table] for s in rules]), (), items)
    return _Count(table, rules, bench.engine.prepare(prune_columns(plan)))


def _counted(condition: e.Expr) -> e.Expr:
    """A count over a case stops at the first condition that is not met; a filter of the count does not."""
    return aggregate("agg.count", e.Case(((condition, e.whole(1)),), e.null(Type.LONG), Type.LONG))


def _scan(table: str, reads: Sequence[Reach]) -> n.Scan:
    columns = {name: type for read in reads for name, type in read.columns}
    return n.Scan(table, Schema(tuple(Field(name, type) for name, type in columns.items())), tuple(columns))


def _numbers(count: _Count, bench: Bench) -> list[int | None]:
    """Return the counts of a pass; where it fails it is halved, so that only the rule at fault has none, which says itself what is wrong."""
    run, size = bench.run_values(), len(count.rules)
    try:
        rows = bench.engine.run(count.statement, bench.storage, replace(run, seconds=run.seconds * size, max_rows=None))
    except QueryError:
        if size == 1:
            return [None]
        halves = (count.rules[: size // 2], count.rules[size // 2 :])
        return [number for half in halves for number in _numbers(_counting(count.table, half, bench), bench)]
    return [int(rows.column(at)[0].as_py()) for at in range(size)]


def _chosen(counts: Mapping[int, Mapping[str, int]]) -> frozenset[int]:
    """Return the places of the rules whose events are taken out: those that let through few, as long as all are not too many."""
    total, chosen = 0, []
    for place, numbers in sorted(counts.items(), key=lambda item: sum(item[1].values())):
        total += sum(numbers.values())
        if sum(numbers.values()) > FEW or total > MANY:
            break
        chosen.append(place)
    return frozenset(chosen)


def _take(shared: Sequence[_Shared], counts: Mapping[int, Mapping[str, int]], bench: Bench) -> dict[str, _Taken] | None:
    """Return the events that any of the rules lets through, by table; None when that fails."""
    taken = {}
    for table in dict.fromkeys(name for s in shared for name in s.reads):
        reads = [s.reads[table] for s in shared if table in s.reads]
        wanted = [s.reads[table] for s in shared if counts[s.place].get(table)]
        plan = n.Filter(_scan(table, reads), hoisted([weakened(read.condition) for read in wanted]) if wanted else e.FALSE)
        run = bench.run_values()
        try:
            rows = bench.engine.run(bench.engine.prepare(plan), bench.storage, replace(run, seconds=run.seconds * len(reads), max_rows=None))
        except QueryError:
            return None
        taken[table] = _Taken(rows, plan.schema.names, bench.storage.tables[table])
    return taken
