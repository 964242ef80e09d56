"""A flow as an EQL query (https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax)."""

from __future__ import annotations

from livefire.translation.eql_text import EqlPrinter
from livefire.translation.printer import Assumption
from livefire.translation.statement import Part, Work, Written, conjuncts, only_events


def write(work: Work) -> Written:
    """Return an event query."""
    only_events(work, "EQL")
    text, assumed = event_query(work.parts, "\n    ")
    return Written(text, tuple(assumed))


def event_query(parts: tuple[Part, ...], gap: str = " ") -> tuple[str, list[Assumption]]:
    """Return the query for the events of one index or several, with what it assumes."""
    texts: list[list[str]] = []
    assumed: list[Assumption] = []
    for part in parts:
        printer = EqlPrinter(part.vocabulary)
        dataset = f'event.dataset == "{part.vocabulary.table.tags["dataset"]}"'
        texts.append([dataset, *(printer.show(c, nested=True) for c in conjuncts(part.condition))])
        assumed += [*part.assumptions, *printer.assumptions]
    if len(texts) == 1:
        return f"any where {f' and{gap}'.join(texts[0])}", assumed
    return f"any where {f' or{gap}'.join('(' + ' and '.join(t) + ')' for t in texts)}", assumed
