"""Sequences and samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livefire.diagnostics import Halt
from livefire.languages.eql import ast
from livefire.plan import nodes as n

if TYPE_CHECKING:
    from livefire.languages.eql.lower import Reader


def lower(chain: ast.Chain, pipes: tuple[ast.Pipe, ...], reader: Reader) -> n.Plan:
    """Return the plan of a sequence or sample."""
    reader.context.diagnostics.error("E305", "not yet", chain.span)
    raise Halt
