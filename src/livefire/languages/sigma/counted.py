"""The count after a condition of an older rule: `selection | count(field) by key > 5`, read as a correlation when lenient.

Sigma 2 took these out (https://sigmahq.io/sigma-specification/specification/sigma-correlation-rules-specification.html);
pySigma refuses them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from livefire.diagnostics import Diagnostics, Halt, Span
from livefire.languages.base import Context
from livefire.languages.sigma.ast import Correlation, Reference, Rule, Threshold
from livefire.languages.sigma.correlation import SECOND
from livefire.languages.sigma.yaml_text import Leaf, Members

_FORM = re.compile(r"(count|sum|avg)\(\s*([^)\s]*)\s*\)(?:\s+by\s+([^\s,]+(?:\s*,\s*[^\s,]+)*))?\s*(>=|<=|==|=|>|<)\s*([0-9]+(?:\.[0-9]+)?)")
_SIGNS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "=": "eq", "==": "eq"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "M": 2_629_746}
_HELP = "write a correlation rule, or run it with --lenient"


@dataclass(frozen=True, slots=True)
class Counted:
    """What stands after the `|` of a condition."""

    kind: str
    field: Reference | None
    by: tuple[Reference, ...]
    bound: tuple[str, float]
    span: Span

    def correlation(self, rule: Rule, detection: Members, diagnostics: Diagnostics) -> Correlation:
        """Return the correlation that says the same; E305 where the rule has no timeframe."""
        node = detection.get("timeframe")
        said = re.fullmatch(r"([0-9]+)([smhdM])", node.text) if isinstance(node, Leaf) else None
        if said is None:
            diagnostics.error("E305", "a count without a timeframe is not read: its time would be that of the search", self.span, help=_HELP)
            raise Halt
        span = int(said[1]) * _UNITS[said[2]] * SECOND
        condition = Threshold((self.bound,), (self.field,) if self.field is not None else (), None, self.span)
        return Correlation(rule.title, rule.names, self.kind, (Reference("counted here", self.span),), self.by, (), span, condition, False, self.span)


def split_counted(span: Span, context: Context) -> tuple[Span, Counted | None]:
    """Return where a condition itself stands, and the count after it; E305, or W160 when lenient, for there being one."""
    diagnostics = context.diagnostics
    text = diagnostics.source.slice(span)
    before, sign, after = text.partition("|") if text[:1] not in "|>" else (text, "", "")
    if not sign:
        return span, None
    place = Span(span.start + len(before), span.end)
    found = _FORM.fullmatch(after.strip().strip("'\""))
    if found is None:
        diagnostics.error("E305", "aggregations after `|` were taken out of Sigma, and this one is not read", place, help="write a correlation rule")
        raise Halt
    if not context.lenient:
        diagnostics.error("E305", "aggregations after `|` were taken out of Sigma", place, help=_HELP)
        raise Halt
    diagnostics.warn("W160", "an aggregation after `|`, which Sigma has no more, is read as a correlation over a sliding time", place, help=_HELP)
    name, field, by, comparison, number = found.groups()
    kind = {"count": "value_count" if field else "event_count", "sum": "value_sum", "avg": "value_avg"}[name]
    keys = tuple(Reference(k.strip(), place) for k in (by or "").split(",") if k.strip())
    quoted = 1 if text[:1] in "'\"" else 0
    count = Counted(kind, Reference(field, place) if field else None, keys, (_SIGNS[comparison], float(number)), place)
    return Span(span.start + quoted, span.start + len(before)), count
