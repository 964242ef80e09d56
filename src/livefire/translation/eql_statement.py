"""A flow as an EQL query (https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax)."""

from __future__ import annotations

from livefire.translation.eql_text import EqlPrinter
from livefire.translation.printer import Assumption
from livefire.translation.statement import Work, Written, conjuncts, only_events


def write(work: Work) -> Written:
    """Return an event query."""
    only_events(work, "EQL")
    texts: list[list[str]] = []
    assumed: list[Assumption] = []
    for part in work.parts:
        printer = EqlPrinter(part.vocabulary)
        dataset = f'event.dataset == "{part.vocabulary.table.tags["dataset"]}"'
        texts.append([dataset, *(printer.show(c, nested=True) for c in conjuncts(part.condition))])
        assumed += printer.assumptions
    if len(texts) == 1:
        return Written("any where " + " and\n    ".join(texts[0]), tuple(assumed))
    return Written("any where " + " or\n    ".join("(" + " and ".join(t) + ")" for t in texts), tuple(assumed))
