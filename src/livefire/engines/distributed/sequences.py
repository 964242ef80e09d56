"""A sequence on a cluster: its candidates bucketed by their keys, each bucket matched by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livefire.engines.distributed.carried import BUCKET
from livefire.engines.distributed.shaping import conjuncts, native, sink
from livefire.engines.duckdb import sequence_spec
from livefire.engines.sql import ROW, STEPS, filtered, key_sets
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.functions import all_of, any_of, call, negate
from livefire.plan.prune import prune_columns
from livefire.schema import Type

if TYPE_CHECKING:
    from livefire.engines.distributed.printing import SparkPrinter


@dataclass(frozen=True, slots=True)
class Matching:
    """What the matcher is told, and the statement of its candidates; `order` are the columns by which its matches are numbered."""

    source: str
    columns: tuple[tuple[str, Type], ...]
    spec: dict[str, Any]
    layout: dict[str, Any]
    order: tuple[str, ...]


def plan_sequence(node: n.Sequence, printer: SparkPrinter) -> Matching:
    """Return a sequence as one statement and one matching of each bucket.

    An event may have other keys as one step than as another; it then stands in the bucket of
    each, where only the steps count whose keys led there.
    """
    quote = printer.dialect.identifier
    spec = sequence_spec(node, printer)
    sets = key_sets(node)
    steps = (*node.steps, *((node.until,) if node.until else ()))
    bits = [(f"{BUCKET}{i}", sum(1 << place for place, s in enumerate(steps) if s.keys == keys)) for i, keys in enumerate(sets)]
    hashes = [f"{printer.bucket([quote(name) for name in names])} AS {quote(column)}" for (column, _), names in zip(bits, sets.values(), strict=True)]
    with_hashes = f"SELECT *, {', '.join(hashes)} FROM ({_candidates(node, printer)}) AS {printer.alias()}"
    if len(bits) == 1:
        source = f"SELECT *, {quote(bits[0][0])} AS {quote(BUCKET)} FROM ({with_hashes}) AS {printer.alias()}"
    else:
        listed = ", ".join(quote(column) for column, _ in bits)
        source = f"SELECT *, explode(array_distinct(array({listed}))) AS {quote(BUCKET)} FROM ({with_hashes}) AS {printer.alias()}"
    events = [(printer.physical(f.name), f.type) for f in node.steps[0].input.schema]
    types = dict(events)
    first = tuple(zip(next(iter(sets.values())), next(iter(sets)), strict=True))
    # Matches are numbered by their last event; samples, which have no order, by the values of their keys.
    last = [(name, types[name]) for name in spec["order"]] if node.ordered else [(name, key.type) for name, key in first]
    layout = {"row": ROW, "steps": STEPS, "bits": bits, "columns": [name for name, _ in events], "last": [name for name, _ in last], "first": not node.ordered}
    order = tuple(f"~last{i}" for i in range(len(last)))
    columns = (
        (BUCKET, Type.LONG), ("~found", Type.LONG), ("~step", Type.LONG), *events, *((name, kind) for name, (_, kind) in zip(order, last, strict=True)),
    )  # fmt: skip
    return Matching(source, columns, spec, layout, order)


def _candidates(node: n.Sequence, printer: SparkPrinter) -> str:
    """Return the statement of the candidates, each event once, with the steps it fits as bits and its keys."""
    groups: list[tuple[n.Plan, list[tuple[int, n.Step, e.Expr]]]] = []
    for number, step in enumerate((*node.steps, *((node.until,) if node.until else ()))):
        base, predicate = filtered(step.input)
        known = [negate(call("logic.is_null", k)) for i, k in enumerate(step.keys) if i not in step.null_keys]
        group = next((g for plan, g in groups if plan is base or plan == base), None)
        if group is None:
            group = []
            groups.append((base, group))
        group.append((number, step, all_of(*conjuncts(predicate), *known)))
    parts = [_group(base, group, node, printer) for base, group in groups]
    return f"SELECT * FROM ({' UNION ALL '.join(f'({part})' for part in parts)}) AS {printer.alias()}"


def _group(base: n.Plan, group: list[tuple[int, n.Step, e.Expr]], node: n.Sequence, printer: SparkPrinter) -> str:
    """Return the statement of the candidates that are read from one place."""
    quote, sets = printer.dialect.identifier, key_sets(node)
    present = {step.keys for _, step, _ in group}
    fits = [n.Item(f"\x01fits{number}", call("logic.is_true", condition)) for number, _, condition in group]
    keys: list[tuple[str, n.Item]] = []
    for wanted, names in sets.items():
        values = [k if wanted in present else e.null(k.type) for k in wanted]
        keys += [(name, n.Item(f"\x01{name}", value)) for name, value in zip(names, values, strict=True)]
    events = tuple(n.unchanged(f.name, f.type) for f in node.steps[0].input.schema)
    wide = n.Project(_implied(base, [condition for _, _, condition in group]), (*events, *(item for _, item in keys), *fits))
    rows = printer.columns_of(prune_columns(sink(wide, ())))
    bits = " + ".join(
        f"(CASE WHEN {printer.name(i.name)} THEN CAST({1 << g[0]} AS BIGINT) ELSE CAST(0 AS BIGINT) END)" for i, g in zip(fits, group, strict=True)
    )
    columns = [printer.name(i.name) for i in events] + [f"{printer.name(item.name)} AS {quote(name)}" for name, item in keys]
    where = " OR ".join(printer.name(i.name) for i in fits)
    return f"SELECT {', '.join(columns)}, {bits} AS {quote(STEPS)} FROM ({rows}) AS {printer.alias()} WHERE {where}"


def _implied(base: n.Plan, conditions: list[e.Expr]) -> n.Plan:
    """Cut rows to those that fit a step as far as Spark can tell; the rest of each condition is tested later."""
    own = [tuple(part for part in conjuncts(condition) if native(part)) for condition in conditions]
    return n.Filter(base, any_of(*(all_of(*parts) for parts in own))) if all(own) else base
