"""Macros: names in backticks that stand for pieces of a search, filled in token by token.

https://docs.splunk.com/Documentation/Splunk/latest/Knowledge/Usesearchmacros
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from livefire.diagnostics import Span
from livefire.languages.base import Context
from livefire.languages.binder import nearest
from livefire.languages.spl.lexer import Piece, split

_CALL = re.compile(r"\s*(?P<name>[^\s(]+)\s*(?:\((?P<args>.*)\))?\s*", re.DOTALL)
_DEPTH = 20
_SIZE = 200_000

# Macros that published content takes for granted, with what they stand for where nothing else is declared.
BUILT_IN: dict[str, tuple[tuple[str, ...], str]] = {
    "security_content_ctime": (("field",), 'convert timeformat="%Y-%m-%dT%H:%M:%S" ctime($field$)'),
    "security_content_summariesonly": ((), "summariesonly=false allow_old_summaries=true fillnull_value=null"),
    "drop_dm_object_name": (("object",), "rename $object$.* as *"),
    "cloudtrail": ((), "sourcetype=aws:cloudtrail"),
    "aws_cloudwatchlogs_eks": ((), 'sourcetype="aws:cloudwatchlogs:eks"'),
    "aws_securityhub_finding": ((), 'sourcetype="aws:securityhub:finding"'),
    "azure_audit": ((), "sourcetype=mscs:azure:audit"),
    "azure_monitor_aad": ((), "sourcetype=azure:monitor:aad"),
    "azure_monitor_activity": ((), "sourcetype=azure:monitor:activity"),
    "google_gcp_pubsub_message": ((), 'sourcetype="google:gcp:pubsub:message"'),
    "o365_management_activity": ((), "sourcetype=o365:management:activity"),
}


def expand(tokens: list[Piece], context: Context) -> list[Piece]:
    """Return the tokens with every macro filled in; one that nobody declared stays as a token of kind `macro`.

    Declared macros come in the option `macros`: name → definition, or name → {definition, args}
    (a name may be written `name(2)` as in macros.conf).
    """
    return _Expansion(context).fill(tokens, ())


class _Expansion:
    """The filling in of one search: it ends at a macro that calls itself and past the size a search may have."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.left = _SIZE
        self.ended = False

    def fill(self, tokens: list[Piece], within: tuple[str, ...]) -> list[Piece]:
        found: list[Piece] = []
        for token in tokens:
            body = self._body(token, within) if token.kind == "macro" and not self.ended else None
            if body is None:
                found.append(token)
                continue
            inner = self.fill(split(body, token.span), (*within, token.text))
            if inner:
                inner[0] = replace(inner[0], glued=token.glued)
            found.extend(inner)
        return found

    def _body(self, token: Piece, within: tuple[str, ...]) -> str | None:
        """Return what a macro stands for; None, and nothing more is filled in, where there is no end to it."""
        if token.text in within or len(within) >= _DEPTH:
            why = f"the macro {token.text} calls itself" if token.text in within else f"macros call each other more than {_DEPTH} deep at {token.text}"
        else:
            body = _definition(token, self.context)
            self.left -= len(body or "")
            if self.left >= 0:
                return body
            why = f"the macro {token.text} grows past {_SIZE:,} characters"
        self.ended = True
        self.context.diagnostics.error("E150", why, token.span)
        return None


def _definition(token: Piece, context: Context) -> str | None:
    match = _CALL.fullmatch(token.text[1:-1])
    if match is None:
        context.diagnostics.error("E150", f"{token.text} is no macro call", token.span, help="write `name` or `name(arg, arg)`")
        return None
    name, args = match["name"], _arguments(match["args"])
    declared = _declared(name, len(args), context.options.get("macros"))
    if declared is None and name.endswith("_filter"):
        context.diagnostics.notice("N150", f"the filter macro `{name}` is not declared and keeps every row", token.span, help="declare it in the option macros")
        return "search *"
    declared = declared or BUILT_IN.get(name)
    if declared is None:
        _unknown(name, token.span, context)
        return None
    names, body = declared
    if len(names) != len(args):
        context.diagnostics.error("E105", f"macro `{name}` takes {len(names)} arguments, got {len(args)}", token.span)
        return None
    for parameter, value in zip(names, args, strict=True):
        body = body.replace(f"${parameter}$", value)
    return body


def _unknown(name: str, span: Span, context: Context) -> None:
    macros = context.options.get("macros")
    known = [*BUILT_IN, *(macros if isinstance(macros, Mapping) else ())]
    meant = nearest(name, [k.partition("(")[0] for k in known])
    help = f"did you mean `{meant}`?" if meant else f'declare it: macros={{"{name}": "its definition"}}'
    context.diagnostics.error("E150", f"no macro is named `{name}`", span, help=help)


def _declared(name: str, count: int, macros: object) -> tuple[tuple[str, ...], str] | None:
    if not isinstance(macros, Mapping):
        return None
    for key in (f"{name}({count})", name):
        entry = macros.get(key)
        if isinstance(entry, str):
            return tuple(dict.fromkeys(re.findall(r"\$(\w+)\$", entry)))[: count or None] if count else (), entry
        if isinstance(entry, Mapping):
            if entry.get("computed"):
                return None
            names = entry.get("args") or ()
            parts = names.split(",") if isinstance(names, str) else names
            return tuple(str(p).strip() for p in parts), str(entry.get("definition", ""))
    return None


def _arguments(text: str | None) -> list[str]:
    """Split arguments at commas outside quotes and brackets; quotes around a whole argument are dropped."""
    if text is None or not text.strip():
        return []
    parts, depth, start = [], 0, 0
    for match in re.finditer(r'"(?:\\.|[^"\\])*"|[(),\[\]]', text):
        sign = match.group()
        if sign == "," and depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(sign, 0)
    parts.append(text[start:])
    bare = [p.strip() for p in parts]
    return [p[1:-1] if len(p) > 1 and p[0] == p[-1] == '"' else p for p in bare]
