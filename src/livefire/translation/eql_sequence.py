"""A sequence as EQL, the only language here that has the same (https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax#eql-sequences).

A join of two tables pairs every event with every other, where a sequence uses each event once; so
other languages refuse.
"""

from __future__ import annotations

from collections.abc import Callable

from livefire.plan import nodes as n
from livefire.translation.condition import Computed, Field
from livefire.translation.eql_statement import event_query
from livefire.translation.eql_text import EqlPrinter
from livefire.translation.flow import Flow, Ordered, put, read_flow
from livefire.translation.outline import plain
from livefire.translation.places import field_of
from livefire.translation.printer import Assumption
from livefire.translation.refusal import NO_READING, Untranslatable
from livefire.translation.statement import Part, Written

_UNITS = ((864_000_000_000, "d"), (36_000_000_000, "h"), (600_000_000, "m"), (10_000_000, "s"), (10_000, "ms"))


def write_sequence(plan: n.Sequence, parts_of: Callable[[Flow], tuple[Part, ...]]) -> Written:
    """Return a sequence, or a sample where the steps have no order."""
    assumed: list[Assumption] = []
    said = [_step(step, parts_of, assumed, plan) for step in plan.steps]
    until = _step(plan.until, parts_of, assumed, plan) if plan.until is not None else None
    keys = [k for _, k in said]
    common = keys[0] if all(k == keys[0] for k in keys) and (until is None or until[1] == keys[0]) else ()
    head = "sequence" if plan.ordered else "sample"
    head += f" by {', '.join(common)}" if common else ""
    head += f" with maxspan={duration(plan.max_span)}" if plan.max_span is not None else ""
    lines = [head]
    for step, (query, by) in zip(plan.steps, said, strict=True):
        line = f"{'!' if step.missing else ''}[{query}]"
        line += f" by {', '.join(by)}" if by and not common else ""
        lines.append("  " + line + (f" with runs={step.runs}" if step.runs > 1 else ""))
    if until is not None:
        lines.append(f"until [{until[0]}]" + (f" by {', '.join(until[1])}" if until[1] and not common else ""))
    if plan.tiebreak:
        # The rule says which of two events of one moment comes first; in EQL the field that does is a setting beside the query.
        assumed.append(Assumption("moment", "_time", (), "one key"))
    return Written("\n".join(lines), tuple(assumed))


def _step(step: n.Step, parts_of: Callable[[Flow], tuple[Part, ...]], assumed: list[Assumption], plan: n.Sequence) -> tuple[str, tuple[str, ...]]:
    flow = read_flow(step.input)
    if any(not isinstance(s, Ordered) for s in flow.stages):
        raise Untranslatable(NO_READING, "a step of a sequence that is more than a filter is not carried over", plan.span)
    parts = parts_of(flow)
    query, took = event_query(parts)
    assumed += took
    names = {tuple(_key(part, step, at) for at in range(len(step.keys))) for part in parts}
    if len(names) != 1:
        raise Untranslatable(NO_READING, "a sequence whose keys have different names for each log source is not carried over", plan.span)
    return query, names.pop()


def _key(part: Part, step: n.Step, at: int) -> str:
    bare = plain(put(step.keys[at], part.events.columns))
    printer = EqlPrinter(part.vocabulary)
    subject = field_of(part.events.source, bare)
    found = printer.find(subject if isinstance(subject, Field) else Computed(bare), None)
    return ("?" if at in step.null_keys else "") + printer.value_of(found)


def duration(ticks: int) -> str:
    """Return a length of time."""
    for unit, letter in _UNITS:
        if ticks % unit == 0:
            return f"{ticks // unit}{letter}"
    raise Untranslatable(NO_READING, "a span finer than a millisecond is not carried over")
