"""Paths into JSON documents, as spath and the JSON functions write them: `a.b`, `a{}` for all elements, `a{0}` for the first.

https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/search-commands/spath
"""

from __future__ import annotations

import json
import re

from livefire.diagnostics import Span
from livefire.languages.spl.scope import Scope
from livefire.plan import expr as e
from livefire.plan.expr import Expr
from livefire.plan.functions import call
from livefire.schema import Type

_PART = re.compile(r"(?P<name>[^{}]*)(?P<places>(?:\{\d{0,9}\})*)")

Steps = tuple[str | int, ...]


def path_steps(text: str, span: Span, scope: Scope) -> Steps:
    """Return the steps of a path: names, places from 0, and `*` for all elements; E305 for what is none."""
    if "{@" in text:
        scope.refuse("E305", "attributes of XML are not read", span)
    steps: list[str | int] = []
    for part in text.split("."):
        match = _PART.fullmatch(part)
        if match is None or not part:
            scope.refuse("E305", f"the path {text[:60]!r} is not read", span, help="write members as a.b, all elements of an array as a{}.b and one as a{0}.b")
        steps += [match["name"]] if match["name"] else []
        steps += [int(x) if x else "*" for x in re.findall(r"\{(\d*)\}", match["places"])]
    return tuple(steps)


def reached(document: Expr, steps: Steps, scope: Scope) -> Expr:
    """Return the value that steps lead to, null where there is none; with a `*` among them the array of all that are reached."""
    if "*" not in steps:
        return e.Path(document, steps)
    first = steps.index("*")
    owner = e.Path(document, steps[:first]) if first else document
    rest = steps[first:]
    if not any(isinstance(x, int) for x in rest):
        return call("dynamic.deep", owner, e.text(json.dumps(rest)))
    until = rest.index("*", 1) if "*" in rest[1:] else len(rest)
    item = e.Column(scope.name("item"), Type.DYNAMIC)
    here = call("dynamic.deep", owner, e.text('["*"]'))
    inside = call("array.compact", call("array.map", here, e.Lambda((item,), e.Path(item, rest[1:until])))) if until > 1 else here
    return reached(inside, ("*", *rest[until:]), scope) if until < len(rest) else inside
