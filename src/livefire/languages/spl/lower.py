"""From the AST of SPL to a plan: one function a command, in a table by the type of its node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from livefire.languages.base import Context
from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import TIME, Frame
from livefire.languages.spl.grouping import lower_stats
from livefire.languages.spl.mentions import mentioned
from livefire.languages.spl.rows import lower_dedup, lower_eval, lower_fields, lower_head, lower_rename, lower_search, lower_sort, lower_where
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.sources import lower_base
from livefire.languages.spl.values import number_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import call
from livefire.schema import Schema, Type

_LOWER: dict[type, Callable[[Any, Frame, Scope], Frame]] = {
    s.Search: lower_search,
    s.Where: lower_where,
    s.Eval: lower_eval,
    s.Stats: lower_stats,
    s.Fields: lower_fields,
    s.Rename: lower_rename,
    s.SortBy: lower_sort,
    s.Dedup: lower_dedup,
    s.Head: lower_head,
}


def lower(ast: object, context: Context) -> n.Plan:
    """Return the plan of a parsed search; records errors, and raises Halt where nothing can follow."""
    if not isinstance(ast, s.Pipeline):
        raise TypeError(f"not a parsed search: {type(ast).__name__}")
    scope = Scope(context, _noscope)
    scope.pipeline = lambda part, frame, later: lower_pipeline(part, frame, later, scope)
    return shown(lower_pipeline(ast, None, frozenset(), scope))


def _noscope(part: s.Pipeline, frame: Frame | None, later: frozenset[str]) -> Frame:
    raise NotImplementedError


def lower_pipeline(pipeline: s.Pipeline, frame: Frame | None, later: frozenset[str], scope: Scope) -> Frame:
    """Return the rows of a pipeline: from its own source, or with a frame from that; `later` are names read after it."""
    outer = scope.mentions
    scope.mentions = mentioned(pipeline) | later
    commands = list(pipeline.commands)
    if frame is None:
        frame = _source(commands.pop(0), scope)
    for command in commands:
        frame = step(command, frame, scope)
    scope.mentions = outer
    return frame


def _source(command: s.Command, scope: Scope) -> Frame:
    if isinstance(command, s.Search):
        return lower_base(command.condition, command.span, scope)
    return step(command, Frame(n.Values(Schema(()), ())), scope)


def step(command: s.Command, frame: Frame, scope: Scope) -> Frame:
    """Return the rows after one command."""
    found = _LOWER.get(type(command))
    if found is None:
        scope.refuse("E301", "the command is not run", command.span)
    return found(command, frame, scope)


def shown(frame: Frame) -> n.Plan:
    """Return the plan whose columns a reader sees: `_time` a datetime, other moments as seconds, a single value plain."""
    return n.Project(frame.plan, tuple(n.Item(x, _shown(x, frame.column(x))) for x in frame.names))


def _shown(name: str, x: Expr) -> Expr:
    if x.type is Type.DATETIME and name != TIME:
        return number_of(x)
    if x.type is Type.DYNAMIC:
        single = call("compare.eq", call("dynamic.length", x), e.whole(1))
        return Case(((single, e.Path(x, (0,))),), x, Type.DYNAMIC)
    return x
