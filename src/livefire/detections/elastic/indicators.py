"""Indicator rules: events whose fields have the values of a local table of indicators."""

from __future__ import annotations

from livefire import query as stages
from livefire.detections.elastic.executions import combinations
from livefire.detections.elastic.rule import Indicators
from livefire.detections.runner import Bench, python_rows
from livefire.diagnostics import NOWHERE, Diagnostic, QueryError, Source
from livefire.languages.index.documents import covers
from livefire.languages.index.filters import AllOf, AnyOf, FieldName, Filter, Match, Written
from livefire.plan.catalog import Catalog

_MOST = 5_000


def indicated(said: Indicators, catalog: Catalog, bench: Bench) -> Filter:
    """Return the filter on events that have an indicator's values; QueryError E305 where no table of indicators is loaded."""
    tables = [t.name for t in catalog.tables("elastic") if t.vendor == "" and any(covers(p, t) for p in said.index)]
    if not tables:
        words = f"the rule compares events with indicators in {', '.join(said.index) or 'an index'}, and no such table is loaded"
        raise QueryError([Diagnostic("error", "E305", words, help="load the indicators as a table of that name")])
    fields = tuple(dict.fromkeys(indicator for group in said.pairs for _, indicator in group))
    options = stages.Options(language={"index": ",".join(tables), "fields": fields})
    compiled = stages.compile(Source(said.query), said.language, catalog, options)
    rows = python_rows(bench.engine.execute(compiled.plan, bench.storage, bench.run_values()), compiled.plan.schema)
    found: dict[tuple[tuple[str, str], ...], Filter] = {}
    for row in rows:
        for group in said.pairs:
            for values in combinations(row, [indicator for _, indicator in group]):
                key = tuple((event, str(v)) for (event, _), v in zip(group, values, strict=True))
                found[key] = AllOf(tuple(Match(FieldName(f, NOWHERE), Written(v, NOWHERE, quoted=True), NOWHERE) for f, v in key), NOWHERE)
        if len(found) > _MOST:
            raise QueryError([Diagnostic("error", "E305", f"there are more than {_MOST:,} indicators", help="narrow threat_query")])
    return AnyOf(tuple(found.values()), NOWHERE)
