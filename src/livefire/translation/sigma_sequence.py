"""A sequence as a Sigma correlation of its steps (https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html)."""

from __future__ import annotations

from typing import Any

from livefire.plan import nodes as n
from livefire.translation.flow import Ordered, put, read_flow
from livefire.translation.outline import subject_of
from livefire.translation.printer import Assumption
from livefire.translation.refusal import NO_FORM, NO_READING, Untranslatable
from livefire.translation.sigma_text import SigmaPrinter
from livefire.translation.statement import Choices, Part, Written

_UNITS = ((864_000_000_000, "d"), (36_000_000_000, "h"), (600_000_000, "m"), (10_000_000, "s"))


def write_sequence(plan: n.Sequence, choices: Choices, title: str) -> Written:
    """Return one rule a step, and the temporal_ordered correlation of them."""
    import yaml

    if any(s.missing or s.runs > 1 or s.null_keys for s in plan.steps) or plan.until is not None or not plan.ordered:
        raise Untranslatable(NO_FORM, "Sigma has no faithful form for a sequence with until, runs, or a missing, optional or unordered event", plan.span)
    assumed: list[Assumption] = []
    parts = [_part(step, plan, choices) for step in plan.steps]
    rules = []
    for at, part in enumerate(parts, 1):
        printer = SigmaPrinter(part.vocabulary)
        source = {k: v for k, v in part.vocabulary.table.tags.items() if k in ("product", "service", "category")}
        rules.append({"title": f"{title}, step {at}", "name": f"step_{at}", "logsource": source, "detection": printer.detection(part.condition)})
        assumed += [*part.assumptions, *printer.assumptions]
    fields = [_fields(step, part, plan) for step, part in zip(plan.steps, parts, strict=True)]
    names = [own[0] if len(set(own)) == 1 else f"key_{at}" for at, own in enumerate(zip(*fields, strict=True), 1)]
    aliases = {name: {f"step_{at}": own[place] for at, own in enumerate(fields, 1)} for place, name in enumerate(names) if name.startswith("key_")}
    if not plan.tiebreak:
        # Sigma's order of the rules decides within a moment, the order in which they are stored elsewhere.
        assumed.append(Assumption("moment", "_time", (), "one key"))
    correlation: dict[str, Any] = {"type": "temporal_ordered", "rules": [r["name"] for r in rules]}
    correlation |= {"group-by": names} if names else {}
    correlation |= {"timespan": _timespan(plan)} | ({"aliases": aliases} if aliases else {})
    documents = [*rules, {"title": title, "status": "experimental", "correlation": correlation}]
    text = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=160)
    return Written(text.rstrip("\n"), tuple(assumed))


def _part(step: n.Step, plan: n.Sequence, choices: Choices) -> Part:
    flow = read_flow(step.input)
    if any(not isinstance(s, Ordered) for s in flow.stages):
        raise Untranslatable(NO_READING, "a step of a sequence that is more than a filter is not carried over", plan.span)
    found = choices(flow)[0]
    if len(found) != 1:
        raise Untranslatable(NO_READING, "a Sigma rule reads one log source", plan.span)
    return found[0]


def _fields(step: n.Step, part: Part, plan: n.Sequence) -> tuple[str, ...]:
    printer = SigmaPrinter(part.vocabulary)
    return tuple(printer.find(subject_of(put(k, part.events.columns), part, plan.span, "to sequence by"), plan.span).shown.name for k in step.keys)


def _timespan(plan: n.Sequence) -> str:
    for unit, letter in _UNITS:
        if plan.max_span is not None and plan.max_span % unit == 0 and plan.max_span:
            return f"{plan.max_span // unit}{letter}"
    raise Untranslatable(NO_FORM, "Sigma has no faithful form for a sequence without a span of whole seconds", plan.span)
