"""Sequences of two steps in languages that look at the row before: Kusto's prev, Splunk's streamstats, LogScale's neighbor."""

from __future__ import annotations

from collections.abc import Callable

from livefire.plan import nodes as n
from livefire.schema import Type
from livefire.translation import cql_text, kql_text, spl_text
from livefire.translation.condition import Field, Present, Subject, Test
from livefire.translation.pair import Pair, read_pair
from livefire.translation.printer import Assumption, Printer
from livefire.translation.refusal import NO_FORM, Untranslatable
from livefire.translation.sigma_sequence import write_sequence as write_sigma
from livefire.translation.statement import Choices, Written, conjuncts
from livefire.translation.vocabulary import NAMES, PRODUCTS

_TIME = Field("_time", (), "value", Type.DATETIME)
# The most rows that LogScale sorts.
_ROWS = 20_000
_SORTED = f"LogScale sorts at most {_ROWS:,} events: the text finds the same while no more meet one of the two steps"


def write_pair(plan: n.Sequence, target: str, choices: Choices, title: str) -> Written:
    """Return a sequence in a language that has none; Untranslatable where it has no faithful form there."""
    if target == "sigma":
        return write_sigma(plan, choices, title)
    if target not in _WRITERS:
        raise Untranslatable(NO_FORM, f"{NAMES[PRODUCTS[target]]}'s ES|QL has no faithful form for a sequence: it looks at no event before another", plan.span)
    return _WRITERS[target](read_pair(plan, target, choices))


def _assumed(pair: Pair, *printers: Printer) -> tuple[Assumption, ...]:
    moment = Assumption("moment", "_time", (), "one step and one key" if pair.by_step else "one key")
    return (*pair.part.assumptions, *(a for p in printers for a in p.assumptions), moment)


def _known(pair: Pair) -> frozenset[Subject]:
    return frozenset(c.subject for c in pair.common if isinstance(c, (Test, Present)))


def _kql(pair: Pair) -> Written:
    printer = kql_text.KqlPrinter(pair.part.vocabulary)
    time = printer.value_of(printer.find(_TIME, pair.span))
    step, before = pair.named("Step"), pair.named("Before")
    lines = [pair.part.vocabulary.table.name, *(f"| where {printer.show(c)}" for c in pair.common)]
    told = ", ".join(f"{printer.show(c)}, {at}" for at, c in enumerate(pair.steps, 1))
    added, keys = [f"{step} = case({told}, 0)"], []
    for at, both in enumerate(pair.keys, 1):
        values = [printer.value_of(printer.find(k, pair.span)) for k in both]
        if values[0] == values[1] and values[0].isidentifier():
            keys.append(values[0])
            continue
        name = pair.named("Key" if len(pair.keys) == 1 else f"Key{at}")
        added.append(f"{name} = {values[0] if values[0] == values[1] else f'iff({step} == 1, {values[0]}, {values[1]})'}")
        keys.append(name)
    lines += [f"| extend {added[0]}", f"| where {step} > 0", *([f"| extend {', '.join(added[1:])}"] if added[1:] else [])]
    lines.append("| sort by " + ", ".join(f"{name} asc" for name in (*keys, time, *([step] if pair.by_step else []))))
    same = " and ".join([*(f"prev({k}) == {k}" for k in keys), f"prev({step}) == 1"])
    lines.append(f"| extend {before} = iff({same}, prev({time}), datetime(null))")
    near = f"{time} - {before} <= {kql_text.timespan(pair.max_span)}" if pair.max_span is not None else f"isnotnull({before})"
    lines.append(f"| where {step} == 2 and {near}")
    return Written("\n".join(lines), _assumed(pair, printer))


def _spl(pair: Pair) -> Written:
    vocabulary = pair.part.vocabulary
    search, printer = spl_text.SearchPrinter(vocabulary), spl_text.WherePrinter(vocabulary)
    known = _known(pair)
    plain = [search.show(c, nested=True) for c in pair.common if spl_text.searchable(c)]
    lines = [" ".join([f'sourcetype="{vocabulary.table.tags["sourcetype"]}"', *plain])]
    lines += [f"| where {printer.show(c, present=known)}" for c in pair.common if not spl_text.searchable(c)]
    told = ", ".join(f"{' AND '.join(printer.show(p, nested=True, present=known) for p in conjuncts(c))}, {at}" for at, c in enumerate(pair.steps, 1))
    lines += [f"| eval step=case({told})", "| where isnotnull(step)"]
    keys = []
    for at, both in enumerate(pair.keys, 1):
        names = [printer.find(k, pair.span).shown.name for k in both]
        if names[0] != names[1]:
            first, second = (printer.value_of(printer.find(k, pair.span)) for k in both)
            lines.append(f"| eval key{at}=if(step==1, {first}, {second})")
        keys.append(names[0] if names[0] == names[1] else f"key{at}")
    lines.append("| sort 0 _time" + (" step" if pair.by_step else ""))
    by = f" by {', '.join(keys)}" if keys else ""
    lines.append(f"| streamstats global=f current=f window=1 last(step) as step_before last(_time) as time_before{by}")
    near = f" AND _time-time_before<={pair.max_span / 10_000_000:.15g}" if pair.max_span is not None else ""
    lines.append(f"| where step==2 AND step_before==1{near}")
    return Written("\n".join(lines), _assumed(pair, search, printer))


def _cql(pair: Pair) -> Written:
    printer = cql_text.CqlPrinter(pair.part.vocabulary)
    tags = pair.part.vocabulary.table.tags
    lines = [f"#Vendor={tags['#Vendor']} #event.module={tags['#event.module']}", *(f"| {printer.show(c)}" for c in pair.common)]
    keys = [f"key{at}" if len(pair.keys) > 1 else "key" for at in range(1, len(pair.keys) + 1)]
    lines.append("| case {")
    for at, condition in enumerate(pair.steps, 1):
        said = [printer.show(c, nested=True) for c in conjuncts(condition)]
        said += [f"{name} := {printer.value_of(printer.find(both[at - 1], pair.span))}" for name, both in zip(keys, pair.keys, strict=True)]
        lines.append(f"    {' | '.join([*said, f'step := {at}'])};")
    order = [*keys, "at", *(["step"] if pair.by_step else [])]
    kinds = ["string"] * len(keys) + ["number"] * (len(order) - len(keys))
    lines += [
        "  }",
        "| at := @timestamp",
        f"| sort([{', '.join(order)}], order=asc, type=[{', '.join(kinds)}], limit={_ROWS})",
        f"| neighbor([{', '.join([*keys, 'at', 'step'])}], prefix=before)",
        "| step=2 before.step=1" + "".join(f" test({k} == before.{k})" for k in keys),
    ]
    if pair.max_span is not None:
        if pair.max_span % 10_000:
            raise printer.no_form("a part of a millisecond", pair.span)
        lines += ["| gap := at - before.at", f"| gap <= {pair.max_span // 10_000}"]
    return Written("\n".join(lines), _assumed(pair, printer), (_SORTED,))


_WRITERS: dict[str, Callable[[Pair], Written]] = {"kql": _kql, "spl": _spl, "cql": _cql}
