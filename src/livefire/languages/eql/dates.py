"""Comparison of a date field with a text, a date expression of Elasticsearch, or milliseconds."""

from __future__ import annotations

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.index import dates
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_COMPARE = {"<": "compare.lt", "<=": "compare.le", ">": "compare.gt", ">=": "compare.ge"}


def compare(context: Context, operator: str, value: e.Expr, literal: e.Literal, span: Span) -> e.Expr:
    """Compare a datetime with a constant.

    A date without a time of day is its start under `<` and `>=` and its last moment under `>` and
    `<=`; `==` takes the whole of it, and so with a rounded one (`now/d`).
    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-range-query#missing-date-components
    """
    constant = literal.value
    found = None
    if isinstance(constant, str):
        found = dates.read(constant)
    elif isinstance(constant, int) and not isinstance(constant, bool):
        found = dates.milliseconds(constant)
    if found is None:
        context.diagnostics.error("E104", f"a date cannot be compared with {constant!r}", span, help='write "2026-01-31", "2026-01-31T10:00:00Z" or "now-1h"')
        return e.null(Type.BOOL)
    if operator in ("==", "!="):
        same = call("logic.and", call("compare.ge", value, found.first), call("compare.le", value, found.last), span=span)
        return same if operator == "==" else call("logic.not", same)
    return call(_COMPARE[operator], value, found.last if operator in (">", "<=") else found.first, span=span)
