"""YAML with places, read within limits: no duplicate keys, bounded depth and size, shared parts counted each time.

A rule file is untrusted text; YAML's sharing can make a small file explode, and its parsers
recurse, so depth is checked before anything is composed, and size while it is built
(https://yaml.org/spec/1.2.2/).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, TypeAlias

import yaml

from livefire.diagnostics import Diagnostics, Halt, Span
from livefire.languages.sigma.ast import Scalar

_MERGE = "tag:yaml.org,2002:merge"
MAX_CHARS = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 200_000
_Loader: TypeAlias = type[yaml.SafeLoader] | type[yaml.CSafeLoader]
_FAST: _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
        composed = _compose(text, diagnostics)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        at = mark.index if mark else 0
        _stop(diagnostics, f"this is no YAML: {fault.problem or fault.context}", Span(at, at + 1), "E201")
    except yaml.YAMLError:
        _stop(diagnostics, "this is no YAML: a character that YAML does not allow", Span(0, 1), "E201")
    builder = _Builder(diagnostics)
    return [builder.build(node, 0) for node in composed if node is not None]


def _compose(text: str, diagnostics: Diagnostics) -> list[yaml.Node | None]:
    """Return the nodes of all documents, read by the library's fast reader; what that one refuses its other one reads or explains."""
    fast = yaml.SafeLoader if text.startswith("\ufeff") else _FAST  # which does not count that mark
    try:
        _scan(text, diagnostics, fast)
        return list(yaml.compose_all(text, Loader=fast))
    except (yaml.YAMLError, UnicodeError):
        _scan(text, diagnostics, yaml.SafeLoader)
        return list(yaml.compose_all(text, Loader=yaml.SafeLoader))


def _stop(diagnostics: Diagnostics, message: str, span: Span, code: str) -> NoReturn:
    diagnostics.error(code, message, span)
    raise Halt


def _scan(text: str, diagnostics: Diagnostics, loader: _Loader) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        start, end = event.start_mark, event.end_mark
        at = Span(start.index if start else 0, end.index if end else 0)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                _stop(diagnostics, f"nested more than {MAX_DEPTH} deep", at, "E204")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Builder:
    """Builds nodes; an alias is built again wherever it stands, so what it costs is counted."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.left = MAX_NODES

    def build(self, node: yaml.Node, depth: int) -> Node:
        """Return a node of the YAML library as one with places."""
        span = Span(node.start_mark.index, node.end_mark.index)
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            _stop(self.diagnostics, "aliases make this rule too large, or endless", Span(span.start, span.start + 1), "E204")
        if isinstance(node, yaml.ScalarNode):
            return Leaf(_scalar(node), node.value, span)
        if isinstance(node, yaml.SequenceNode):
            return Items(tuple(self.build(n, depth + 1) for n in node.value), span)
        members: dict[str, tuple[Leaf, Node]] = {}
        merged: list[tuple[Leaf, Node]] = []
        for key, value in node.value:
            name = self.build(key, depth + 1)
            if not isinstance(name, Leaf):
                _stop(self.diagnostics, "a key must be a plain word", Span(key.start_mark.index, key.end_mark.index), "E201")
            if key.tag == _MERGE:
                merged += self._merged(value, depth)
                continue
            if name.text in members:
                self.diagnostics.error("E106", f"the key {name.text!r} stands here twice; one of them would be lost", name.span)
            members[name.text] = (name, self.build(value, depth + 1))
        for name, value in merged:
            members.setdefault(name.text, (name, value))
        return Members(tuple(members.values()), span)

    def _merged(self, value: yaml.Node, depth: int) -> list[tuple[Leaf, Node]]:
        """Return the members of the maps that `<<` takes in (https://yaml.org/type/merge.html)."""
        found = self.build(value, depth + 1)
        maps = found.items if isinstance(found, Items) else (found,)
        if not all(isinstance(m, Members) for m in maps):
            _stop(self.diagnostics, "<< takes in a map, or a list of maps", found.span, "E201")
        return [member for m in maps if isinstance(m, Members) for member in m.members]


def _scalar(node: yaml.ScalarNode) -> Scalar:
    """Return what a plain scalar means in a rule: words for null and bools, numbers; a date stays text."""
    tag, text = node.tag.rpartition(":")[2], node.value
    if node.style:
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
