"""Many rules over the same events in few passes.

A pass reads a log source once and counts, for every rule, the events that its filters let through:
what most rules let through is nothing, and they are done. The events of the others, few as a rule,
are taken out in a second pass, and each rule runs over those as it is written; what it gives is what
it would give over everything, since a row that it would drop is all that it does not see. A rule
that lets through many events, or looks at all of them, is run by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from livefire.detections.detection import Rule
from livefire.detections.runner import Bench, Outcome, Prepared, prepare, run_prepared
from livefire.diagnostics import QueryError
from livefire.engines.base import Statement, Storage
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import aggregate, any_of
from livefire.plan.prune import prune_columns
from livefire.plan.reach import Reach, gives_nothing_of_nothing, may_fail, reach
from livefire.schema import Field, Schema, Type

if TYPE_CHECKING:
    import pyarrow as pa

    from livefire.engines.program import TableFiles

AT_ONCE = 100
"""Rules counted in one statement: beyond, planning grows faster than what is saved."""
FEW = 20_000
"""Events of a rule that are still worth taking out for it."""
MANY = 200_000
"""Events that are taken out for all rules together."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """A rule that shares passes: its place, what it sees of each table, and whether it is `dropping`: nothing seen gives nothing."""

    place: int
    prepared: Prepared
    reads: Mapping[str, Reach]
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
        self._shared = tuple(_share(self._prepared, bench))
        self._counts = tuple(_counts(self._shared, bench))

    def run(self, bench: Bench, told: Callable[[Rule], None] | None = None) -> tuple[Outcome, ...]:
        """Return the outcome of each rule over the bench's storage, as `run_rule` would give it, in the order of the rules."""
        counts = self._count(bench)
        chosen = _chosen(counts)
        known = {s.place: s for s in self._shared if s.place in chosen}
        taken = _take(list(known.values()), counts, bench)
        outcomes = []
        for place, prepared in enumerate(self._prepared):
            if told is not None:
                told(prepared.rule)
            shared, here = known.get(place), bench
            if shared is not None and not any(counts[place].values()) and shared.dropping:
                outcomes.append(Outcome(prepared.rule, diagnostics=prepared.diagnostics, plan=prepared.compiled.lowered if prepared.compiled else None))
                continue
            if shared is not None and taken is not None:
                here = replace(bench, storage=_narrowed(bench.storage, shared, counts[place], taken))
            outcomes.append(_run(prepared, here))
        return tuple(outcomes)

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


def run_rules(rules: Sequence[Rule], bench: Bench, *, lenient: bool = False) -> tuple[Outcome, ...]:
    """Return the outcome of each rule, as `run_rule` gives it, by few passes over the events."""
    return SharedScan([_prepare(rule, bench, lenient=lenient) for rule in rules], bench).run(bench)


def prepare_rules(rules: Sequence[Rule], bench: Bench, *, lenient: bool = False) -> SharedScan:
    """Return rules ready to be run together over any storage."""
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
        reads = {table: read for table, read in reach(one.plan).items() if table in stored}
        if reads and all(read.condition != e.TRUE for read in reads.values()):
            yield _Shared(place, one, reads, gives_nothing_of_nothing(one.plan) and len(reads) == len(reach(one.plan)))


def _counts(shared: Sequence[_Shared], bench: Bench) -> Iterator[_Count]:
    for table in dict.fromkeys(name for s in shared for name in s.reads):
        rules = tuple(s for s in shared if table in s.reads)
        for start in range(0, len(rules), AT_ONCE):
            yield _counting(table, rules[start : start + AT_ONCE], bench)


def _counting(table: str, rules: tuple[_Shared, ...], bench: Bench) -> _Count:
    items = tuple(n.Item(f"m{at}", _counted(s.reads[table].condition)) for at, s in enumerate(rules))
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


def _take(shared: Sequence[_Shared], counts: Mapping[int, Mapping[str, int]], bench: Bench) -> dict[str, TableFiles] | None:
    """Return the events that any of the rules lets through, as tables of their own; None when that fails."""
    taken = {}
    for table in dict.fromkeys(name for s in shared for name in s.reads):
        reads = [s.reads[table] for s in shared if counts[s.place].get(table)]
        if not reads:
            continue
        conditions = dict.fromkeys(read.condition for read in reads)
        plan = n.Filter(_scan(table, reads), any_of(*conditions))
        run = bench.run_values()
        try:
            rows = bench.engine.run(bench.engine.prepare(plan), bench.storage, replace(run, seconds=run.seconds * len(reads), max_rows=None))
        except QueryError:
            return None
        taken[table] = _kept(rows, plan.schema.names, bench.storage.tables[table])
    return taken


def _kept(rows: pa.Table, names: Sequence[str], files: TableFiles) -> TableFiles:
    """Return rows as a table of the types that the stored one has."""
    import pyarrow as pa

    from livefire.engines.program import TableFiles
    from livefire.engines.worker import shared_scratch

    stored = pa.ipc.read_schema(pa.py_buffer(files.schema))
    kept = rows.rename_columns(list(names)).cast(pa.schema([stored.field(name) for name in names]))
    return TableFiles((shared_scratch().put(kept),), files.schema)


def _narrowed(storage: Storage, shared: _Shared, counts: Mapping[str, int], taken: Mapping[str, TableFiles]) -> Storage:
    """Return the storage with only the events taken out; a table of which a rule sees nothing is empty."""
    from livefire.engines.program import TableFiles

    tables = dict(storage.tables)
    for table in shared.reads:
        tables[table] = taken[table] if counts.get(table) else TableFiles((), tables[table].schema)
    return Storage(tables, storage.roots)
