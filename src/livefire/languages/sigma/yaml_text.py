"""YAML with places, read within limits: no anchors, aliases, merge keys or duplicate keys, bounded depth and size.

A rule file is untrusted text; YAML's sharing can make a small file explode, and its parsers
recurse, so events are checked before anything is built (https://yaml.org/spec/1.2.2/).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, TypeAlias

import yaml

from livefire.diagnostics import Diagnostics, Halt, Span
from livefire.languages.sigma.ast import Scalar

MAX_CHARS = 1 << 20
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar; `text` is what is written, `value` what YAML 1.1 makes of it."""

    value: Scalar
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Members:
    """A map, in order of writing."""

    members: tuple[tuple[Leaf, Node], ...]
    span: Span

    def get(self, name: str) -> Node | None:
        """Return a member by name."""
        return next((v for k, v in self.members if k.text == name), None)


Node: TypeAlias = Leaf | Items | Members


def read_documents(diagnostics: Diagnostics) -> list[Node]:
    """Return the documents of a source; E201 or E204 and halt where it is no sound YAML."""
    text = diagnostics.source.text
    if len(text) > MAX_CHARS:
        _stop(diagnostics, f"the rule has more than {MAX_CHARS} characters", Span(0, 1), "E204")
    try:
        _scan(text, diagnostics)
        return [_build(node, diagnostics) for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        at = mark.index if mark else 0
        _stop(diagnostics, f"this is no YAML: {fault.problem or fault.context}", Span(at, at + 1), "E201")
    except yaml.YAMLError:
        _stop(diagnostics, "this is no YAML: a character that YAML does not allow", Span(0, 1), "E201")


def _stop(diagnostics: Diagnostics, message: str, span: Span, code: str) -> NoReturn:
    diagnostics.error(code, message, span)
    raise Halt


def _scan(text: str, diagnostics: Diagnostics) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        start, end = event.start_mark, event.end_mark
        at = Span(start.index if start else 0, end.index if end else 0)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _stop(diagnostics, "anchors and aliases are not read in rules", at, "E305")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                _stop(diagnostics, f"nested more than {MAX_DEPTH} deep", at, "E204")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _build(node: yaml.Node, diagnostics: Diagnostics) -> Node:
    span = Span(node.start_mark.index, node.end_mark.index)
    if isinstance(node, yaml.ScalarNode):
        return Leaf(_scalar(node), node.value, span)
    if isinstance(node, yaml.SequenceNode):
        return Items(tuple(_build(n, diagnostics) for n in node.value), span)
    members: list[tuple[Leaf, Node]] = []
    seen: set[str] = set()
    for key, value in node.value:
        name = _build(key, diagnostics)
        if not isinstance(name, Leaf):
            _stop(diagnostics, "a key must be a plain word", Span(key.start_mark.index, key.end_mark.index), "E201")
        if name.text in seen:
            diagnostics.error("E106", f"the key {name.text!r} stands here twice; one of them would be lost", name.span)
        seen.add(name.text)
        members.append((name, _build(value, diagnostics)))
    return Members(tuple(members), span)


def _scalar(node: yaml.ScalarNode) -> Scalar:
    """Return what a plain scalar means in a rule: words for null and bools, numbers; a date stays text."""
    tag, text = node.tag.rpartition(":")[2], node.value
    if node.style is not None:
        return str(text)
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in ("true", "yes", "on") if text.lower() in ("true", "false") else str(text)
    if tag == "int" and text.lstrip("+-").isdigit():
        return int(text)
    if tag == "float":
        try:
            return float(text)
        except ValueError:
            return str(text)
    return str(text)
