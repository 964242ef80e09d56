"""A flow as a Sigma rule (https://sigmahq.io/sigma-specification/specification/sigma-rules-specification.html)."""

from __future__ import annotations

from livefire.translation.refusal import NO_READING, Untranslatable
from livefire.translation.sigma_text import SigmaPrinter
from livefire.translation.statement import Work, Written, first_span, only_events


def write(work: Work) -> Written:
    """Return a rule of one log source."""
    import yaml

    only_events(work, "Sigma")
    if len(work.parts) > 1:
        raise Untranslatable(NO_READING, "a Sigma rule reads one log source", first_span(work.parts[1].events))
    (part,) = work.parts
    printer = SigmaPrinter(part.vocabulary)
    source = {k: v for k, v in part.vocabulary.table.tags.items() if k in ("product", "service", "category")}
    rule = {"title": work.title, "status": "experimental", "logsource": source, "detection": printer.detection(part.condition)}
    text = yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=160)
    return Written(text.rstrip("\n"), tuple(printer.assumptions))
