"""What a query shows at its end: the fields of its source, those it names, elements of arrays, and tags.

An event of LogScale may have fields that only the data knows. Columns are known before the run,
so a query shows its source's declared fields and every field it names or sets; the elements of
an array whose length is not known come as the first ten and, whole, as `name[]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from livefire.languages.base import Context
from livefire.languages.cql import coerce
from livefire.languages.cql import syntax as s
from livefire.languages.cql.event import Event
from livefire.languages.cql.rows import HELD, MISSING, is_null
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.schema import Type

_SHOWN_ELEMENTS = 10
# The fields that the CrowdStrike Parsing Standard makes tags of an event:
# https://library.humio.com/logscale-parsing-standard/pasta.html
TAGS = ("Cps.version", "Vendor", "ecs.version", "event.dataset", "event.kind", "event.module", "event.outcome", "observer.type")


def show(event: Event, context: Context, query: s.Pipeline | None = None) -> n.Plan:
    """Return the plan of everything the event shows."""
    if event.bags and not event.closed:
        said = "fields that were parsed but that the query does not name are not shown as columns"
        context.diagnostics.notice("N138", said, help="name them: select([…]) or table([…])")
    items: dict[str, n.Item] = {}
    for name in _names(event, query):
        if name.startswith(HELD) or name in ("", "*", "[]"):
            continue
        if name.endswith("[]"):
            _show_array(event, name[:-2], items)
        elif not _hidden(event, name):
            items.setdefault(name, n.Item(name, _typed(event.peek(name))))
    if _is_parser(event):
        for tag in TAGS:
            if not is_null(event.fields.get(tag, MISSING)):
                items[f"#{tag}"] = n.Item(f"#{tag}", event.fields[tag])
    return event.rows.finish(items.values())


def _names(event: Event, query: s.Pipeline | None) -> Iterator[str]:
    if event.aggregated and event.base is None:
        yield from event.fields
        yield from (f"{name}[]" for name in event.arrays)
        return
    if event.base is not None and not event.closed:
        yield from event.base.names
    yield from event.mentioned
    yield from event.fields
    if event.bags and query is not None:
        yield from _names_in_constants(query)


def _hidden(event: Event, name: str) -> bool:
    """A dropped field is not shown, nor a tag that the source does not have."""
    if name in event.fields:
        return event.fields[name] == MISSING
    return name.startswith("#") and is_null(event.peek(name))


def _typed(value: e.Expr) -> e.Expr:
    return MISSING if is_null(value) and value.type is Type.UNKNOWN else value


def _show_array(event: Event, name: str, items: dict[str, n.Item]) -> None:
    array = event.array(name)
    if is_null(array):
        return
    size = event.sizes.get(name) if name in event.arrays else None
    for index in range(_SHOWN_ELEMENTS if size is None else size):
        element = f"{name}[{index}]"
        if not _hidden(event, element):
            items.setdefault(element, n.Item(element, coerce.text(event.peek(element))))
    if size is None:
        items[f"{name}[]"] = n.Item(f"{name}[]", array)


def _is_parser(event: Event) -> bool:
    """A query over raw texts only is a parser, whose tag fields LogScale shows with a #."""
    return event.base is not None and bool(event.base.names) and all(name.startswith("@") for name in event.base.names)


def _names_in_constants(node: object) -> Iterator[str]:
    """Yield the fields of JSON texts that the query itself writes and parses."""
    if isinstance(node, s.Word):
        if node.quoted and re.search(r'\{\s*"', node.text):
            yield from _names_in_json(node.text)
    elif isinstance(node, tuple):
        for part in node:
            yield from _names_in_constants(part)
    elif hasattr(node, "__dataclass_fields__"):
        for name in node.__dataclass_fields__:
            yield from _names_in_constants(getattr(node, name))


def _names_in_json(text: str) -> Iterator[str]:
    try:
        value = json.loads(text.replace("%s", "x"))
    except ValueError:
        return
    yield from _flat("", value)


def _flat(name: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list):
        for index in range(_SHOWN_ELEMENTS):
            for inner in value[:1]:
                yield from _flat(f"{name}[{index}]", inner)
    elif name:
        yield name
