"""Functions that a workspace has saved, such as ASIM parsers: read when a text or another of them names one.

The text of a function is its body, or its parameters and its body in braces as after `let name =`.
https://learn.microsoft.com/azure/azure-monitor/logs/functions
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from livefire.diagnostics import Diagnostics, Halt, Source, Span
from livefire.languages.base import Context
from livefire.languages.kql import nodes as k
from livefire.languages.kql.lexer import tokens
from livefire.languages.kql.parser import Parser
from livefire.languages.kql.scope import Frame, Function

_PARAMETERS = re.compile(r"\s*\(\s*(\)|[^()]*:)")


def saved_names(context: Context) -> Frame:
    """Return the names of the functions in the option `functions` (name → text) that the text leads to."""
    given = context.options.get("functions")
    frame = Frame()
    if not isinstance(given, Mapping) or not given:
        return frame
    waiting = [(context.diagnostics.source.text, Span(0, 0), True)]
    while waiting:
        text, place, outermost = waiting.pop()
        for name in sorted(set(re.findall(r"\w+", text)) & set(given) - set(frame.names)):
            at = text.find(name)
            span = Span(at, at + len(name)) if outermost else place
            body = _read(name, str(given[name]))
            if isinstance(body, str):
                context.diagnostics.error("E305", f"the saved function {name} cannot be read: {body}", span)
                continue
            # What is wrong in a function is shown where the query names it: its own places are those of another text.
            frame.names[name] = Function(_placed(body, span), frame)
            waiting.append((str(given[name]), span, False))
    return frame


@lru_cache(maxsize=512)
def _read(name: str, text: str) -> k.FunctionBody | str:
    """Return a function, or the reason why its text is none."""
    written = text if _PARAMETERS.match(text) and text.rstrip().rstrip(";").endswith("}") else f"() {{\n{text}\n}}"
    diagnostics = Diagnostics(Source(f"let ['{name}'] = {written.rstrip().rstrip(';')};", name))
    try:
        block = Parser(tokens(diagnostics), diagnostics).block()
    except Halt:
        block = None
    if diagnostics.failed or block is None:
        return diagnostics.items[0].message if diagnostics.items else "it is no function"
    (statement, *more) = block.statements or (None,)
    if more or not isinstance(statement, k.Let) or not isinstance(statement.value, k.FunctionBody):
        return "it is no function"
    return statement.value


def _placed(node: Any, span: Span) -> Any:
    """Return a tree with every place in it changed to one."""
    if isinstance(node, Span):
        return span
    if isinstance(node, tuple):
        return tuple(_placed(x, span) for x in node)
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return dataclasses.replace(node, **{f.name: _placed(getattr(node, f.name), span) for f in dataclasses.fields(node)})
    return node
