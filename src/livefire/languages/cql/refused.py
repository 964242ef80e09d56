"""Functions that cannot run on one machine over stored events, each with the reason and the nearest way."""

from __future__ import annotations

from livefire.languages.cql.handler import Function


def _refused(name: str, reason: str, help: str = "") -> Function:
    return Function(name, "refused", ("*",), reason=reason, help=help)


def _drawn(name: str) -> Function:
    return Function(name, "ignored", ("*",), reason="draws a picture and changes no rows here; the rows before it come out")


_KEPT = "it needs a secret that only the LogScale cluster has"
_ENGINE = "it shows what LogScale itself keeps of an event"

FUNCTIONS = (
    _refused("hashMatch", _KEPT, "compare crypto:sha256 of the field"),
    _refused("hashRewrite", _KEPT, "write crypto:sha256 of the field"),
    _refused("tokenHash", _ENGINE),
    _refused("eventInternals", _ENGINE),
    _refused("explain:asTable", "it shows how LogScale runs a query", "livefire run --explain plan"),
    _refused("sample", "it picks events at random, and a run here repeats exactly", "filter by hash(field, limit=…)"),
    _refused("fieldstats", "its estimates of different values are not published", "fieldset() and count(field, distinct=true)"),
    _refused("callFunction", "the function that it calls is known only when it runs", "call the function by its name"),
    _refused("window", "it goes over the buckets of a chart as they come in", "slidingTimeWindow(…, span=…) after bucket"),
    _refused("xml:prettyPrint", "the layout it gives is not published"),
    _refused("text:editDistanceAsArray", "what it gives is not published", "text:editDistance takes one text at a time"),
    _drawn("worldMap"),
    _drawn("sankey"),
)
