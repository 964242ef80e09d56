"""From the AST of SPL to a plan: one function a command, in a table by the type of its node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from livefire.diagnostics import Halt, Span
from livefire.languages.base import Context
from livefire.languages.spl import nodes as s
from livefire.languages.spl.charts import lower_bin, lower_chart, lower_top
from livefire.languages.spl.combining import lower_append, lower_appendcols, lower_join, lower_set, lower_union
from livefire.languages.spl.datamodels import lower_datamodel, lower_from, lower_tstats, prepared
from livefire.languages.spl.extraction import (
    lower_filldown,
    lower_fillnull,
    lower_makemv,
    lower_mvcombine,
    lower_mvexpand,
    lower_nomv,
    lower_regex,
    lower_rex,
    lower_spath,
)
from livefire.languages.spl.frame import TIME, Frame
from livefire.languages.spl.grouping import lower_stats
from livefire.languages.spl.iterating import lower_foreach
from livefire.languages.spl.lookups import lower_inputlookup, lower_lookup, lower_model, lower_outputlookup
from livefire.languages.spl.mentions import mentioned
from livefire.languages.spl.pairs import lower_extract
from livefire.languages.spl.parser import parse_text
from livefire.languages.spl.pivoting import lower_transpose, lower_xyseries
from livefire.languages.spl.places import lower_location
from livefire.languages.spl.reasons import REACHED, REASONS
from livefire.languages.spl.rows import lower_dedup, lower_eval, lower_fields, lower_head, lower_rename, lower_search, lower_sort, lower_where
from livefire.languages.spl.scope import Scope
from livefire.languages.spl.shaping import (
    lower_addtotals,
    lower_convert,
    lower_makeresults,
    lower_nothing,
    lower_replace,
    lower_reverse,
    lower_tail,
    lower_untable,
)
from livefire.languages.spl.showing import shown
from livefire.languages.spl.sources import lower_base
from livefire.languages.spl.stepwise import (
    lower_accum,
    lower_addcoltotals,
    lower_addinfo,
    lower_autoregress,
    lower_delta,
    lower_fieldformat,
    lower_multikv,
    lower_rangemap,
    lower_reached,
    lower_strcat,
    lower_tojson,
    lower_uniq,
    lower_xmlkv,
)
from livefire.languages.spl.streaming import lower_streamstats
from livefire.languages.spl.templates import lower_format, lower_gentimes, lower_map, lower_return
from livefire.languages.spl.transactions import lower_transaction
from livefire.plan import nodes as n
from livefire.schema import Schema, Type

_LOWER: dict[type, Callable[[Any, Frame, Scope], Frame]] = {
    s.Search: lower_search,
    s.Where: lower_where,
    s.Eval: lower_eval,
    s.Formatting: lower_fieldformat,
    s.Stats: lower_stats,
    s.Fields: lower_fields,
    s.Rename: lower_rename,
    s.SortBy: lower_sort,
    s.Dedup: lower_dedup,
    s.Head: lower_head,
    s.Chart: lower_chart,
    s.Tstats: lower_tstats,
    s.Rex: lower_rex,
    s.Regex: lower_regex,
    s.Spath: lower_spath,
    s.Top: lower_top,
    s.Bin: lower_bin,
    s.JoinWith: lower_join,
    s.Lookup: lower_lookup,
    s.Convert: lower_convert,
    s.Replace: lower_replace,
    s.Foreach: lower_foreach,
    s.Map: lower_map,
    s.Transaction: lower_transaction,
}
_PLAIN: dict[str, Callable[[s.Plain, Frame, Scope], Frame]] = {
    "accum": lower_accum,
    "addcoltotals": lower_addcoltotals,
    "addinfo": lower_addinfo,
    "addtotals": lower_addtotals,
    "apply": lower_model,
    "autoregress": lower_autoregress,
    "datamodel": lower_datamodel,
    "delta": lower_delta,
    "extract": lower_extract,
    "kv": lower_extract,
    "filldown": lower_filldown,
    "fillnull": lower_fillnull,
    "fit": lower_model,
    "format": lower_format,
    "from": lower_from,
    "gentimes": lower_gentimes,
    "iplocation": lower_location,
    "makemv": lower_makemv,
    "makeresults": lower_makeresults,
    "multikv": lower_multikv,
    "mvcombine": lower_mvcombine,
    "mvexpand": lower_mvexpand,
    "nomv": lower_nomv,
    "noop": lower_nothing,
    "outputcsv": lower_outputlookup,
    "outputlookup": lower_outputlookup,
    "rangemap": lower_rangemap,
    "return": lower_return,
    "reverse": lower_reverse,
    "strcat": lower_strcat,
    "summary": lower_model,
    "tail": lower_tail,
    "tojson": lower_tojson,
    "transpose": lower_transpose,
    "uniq": lower_uniq,
    "untable": lower_untable,
    "xmlkv": lower_xmlkv,
    "xyseries": lower_xyseries,
}
_GENERATING = ("makeresults", "from", "datamodel", "gentimes", "eventcount", "inputcsv", "summary")


def lower(ast: object, context: Context) -> n.Plan:
    """Return the plan of a parsed search; records errors, and raises Halt where nothing can follow."""
    if not isinstance(ast, s.Pipeline):
        raise TypeError(f"not a parsed search: {type(ast).__name__}")
    scope = Scope(
        context,
        pipeline=lambda part, frame, later: lower_pipeline(part, frame, later, scope),
        read=lambda text, span: parse_text(text, span, context),
    )
    return shown(lower_pipeline(ast, None, frozenset(), scope))


def lower_pipeline(pipeline: s.Pipeline, frame: Frame | None, later: frozenset[str], scope: Scope) -> Frame:
    """Return the rows of a pipeline: from its own source, or with a frame from that; `later` are names read after it."""
    outer = scope.mentions
    scope.mentions = mentioned(pipeline) | later
    commands = list(pipeline.commands)
    prepared(commands, scope)
    if frame is None:
        frame = _source(commands.pop(0), scope)
    for command in commands:
        frame = step(command, frame, scope)
    scope.mentions = outer
    return frame


def _source(command: s.Command, scope: Scope) -> Frame:
    """Return the rows that a pipeline begins with."""
    if isinstance(command, s.Search):
        return lower_base(command.condition, command.span, scope)
    nothing = Frame(n.Values(Schema(()), ()))
    if isinstance(command, s.InputLookup):
        return lower_inputlookup(command, nothing, scope, first=True)
    if isinstance(command, s.Append) and command.kind in ("union", "multisearch"):
        return lower_union(command, nothing, scope, first=True)
    if isinstance(command, s.Append) and command.kind == "set":
        return lower_set(command, scope)
    if isinstance(command, s.Unread):
        return Frame(n.Values(Schema.of((TIME, Type.DATETIME)), ()), wild=True)
    if isinstance(command, (s.Tstats, s.Refused)) or (isinstance(command, s.Plain) and command.name in _GENERATING):
        return step(command, nothing, scope)
    return scope.refuse(
        "E201",
        "a search begins with search terms, or with a command that makes rows",
        command.span,
        help="begin with search, makeresults, inputlookup or tstats",
    )


def step(command: s.Command, frame: Frame, scope: Scope) -> Frame:
    """Return the rows after one command."""
    if isinstance(command, s.Plain):
        return _plain(command, frame, scope)
    if isinstance(command, s.Append):
        if command.kind in ("multisearch", "set"):
            scope.refuse("E201", f"{command.kind} begins a search", command.span)
        if command.kind == "union":
            return lower_union(command, frame, scope, first=False)
        return lower_appendcols(command, frame, scope) if command.kind == "appendcols" else lower_append(command, frame, scope)
    if isinstance(command, s.InputLookup):
        return lower_inputlookup(command, frame, scope, first=False)
    if isinstance(command, s.Stats) and command.kind == "streamstats":
        return lower_streamstats(command, frame, scope)
    if isinstance(command, s.Unread):
        return replace(frame, wild=True, closed=None)
    if isinstance(command, s.Refused) and command.name in REACHED:
        return lower_reached(command, frame, scope)
    if isinstance(command, s.Refused):
        return _refused(command.name, command.span, frame, scope)
    return _LOWER[type(command)](command, frame, scope)


def _plain(command: s.Plain, frame: Frame, scope: Scope) -> Frame:
    found = _PLAIN.get(command.name)
    return found(command, frame, scope) if found is not None else _refused(command.name, command.span, frame, scope)


def _refused(name: str, span: Span, frame: Frame, scope: Scope) -> Frame:
    """Say why a command is not run, and go on in a check so that later faults are found too."""
    reason, help = REASONS.get(name, ("it is not run", ""))
    scope.context.diagnostics.error("E301", f"{name}: {reason}", span, help=help)
    if not scope.context.open_schema:
        raise Halt
    return replace(frame, wild=True, closed=None)
