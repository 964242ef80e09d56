"""Saved queries that the user declares: their text takes the place of the call.

https://library.humio.com/data-analysis/syntax-function.html: a call may give the parameters of
the saved query, and those it leaves out have their defaults.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from livefire.diagnostics import Diagnostics, Halt, Source, Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.cql import syntax as s
from livefire.languages.cql.parser import CqlParser

_DEEPEST = 20


def expand(step: s.SavedStep, context: Context, calls: frozenset[str], depth: int) -> s.Pipeline | None:
    """Return the steps of a declared query, placed where it is called; None after an error.

    Every place in it becomes the place of the call, for the text of the query itself is elsewhere.
    """
    declared = context.options.get("saved_queries")
    known: dict[str, Any] = declared if isinstance(declared, dict) else {}
    if step.name not in known:
        meant = nearest(step.name, known)
        help = f"did you mean {meant!r}?" if meant else "put its text in place of the call, or declare it: saved_queries={name: text}"
        context.diagnostics.error("E134", f"the saved query {step.name!r} is not here", step.span, help=help)
        return None
    if depth >= _DEEPEST:
        context.diagnostics.error("E204", f"saved queries call each other more than {_DEEPEST} deep", step.span)
        return None
    inner = Diagnostics(Source(str(known[step.name]), step.name))
    try:
        pipeline = CqlParser(replace(context, diagnostics=inner), calls).query()
    except Halt:
        pipeline = s.Pipeline(())
    for fault in inner:
        report = context.diagnostics.error if fault.severity == "error" else context.diagnostics.warn
        place = inner.source.position(fault.span.start)
        report(fault.code, f"in the saved query {step.name!r}, line {place.line}: {fault.message}", step.span, help=fault.help)
    if inner.failed:
        return None
    given = {a.name: a.value for a in step.args if a.name is not None}
    moved = _moved(pipeline, step.span, given)
    return moved if isinstance(moved, s.Pipeline) else None


def _moved(node: Any, span: Span, given: dict[str, s.Value]) -> Any:
    if isinstance(node, s.Variable) and isinstance(given.get(node.name), s.Word):
        return given[node.name]
    if isinstance(node, Span):
        return span
    if isinstance(node, tuple):
        return tuple(_moved(part, span, given) for part in node)
    if is_dataclass(node) and not isinstance(node, type):
        return replace(node, **{f.name: _moved(getattr(node, f.name), span, given) for f in fields(node)})
    return node
