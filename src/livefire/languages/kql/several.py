"""Texts that give several tables: which of them is read."""

from __future__ import annotations

from dataclasses import replace

from livefire.languages.base import Context, Several
from livefire.languages.kql import nodes as k
from livefire.languages.kql.scope import Relation, Scope


def one_table(block: k.Block, context: Context) -> k.Block:
    """Return a text whose query ends with `fork` or `facet` as one that gives just the table asked for; the asker is told the names of all.

    Without an asker (a rule has one table) it stays, and is refused where it is lowered.
    """
    asked, query = context.options.get("several"), block.query
    if not isinstance(asked, Several) or not isinstance(query, k.Query):
        return block
    steps = tuple(s for s in query.steps if not isinstance(s, k.Render))
    if not steps or not isinstance(steps[-1], k.Several):
        return block
    asked.names = tuple(name for name, _ in steps[-1].tables)
    if asked.place >= len(asked.names):
        return block
    _, chosen = steps[-1].tables[asked.place]
    return replace(block, query=replace(query, steps=(*steps[:-1], *chosen)))


def refused(scope: Scope, relation: Relation, step: k.Several) -> Relation:
    """`fork` or `facet` where one table is wanted: inside a query, or in a rule."""
    words = f"{step.operator} gives a list of tables ({len(step.tables)}), and one is wanted here"
    scope.error("E301", words, step.span, "end a query with it that `livefire run` shows; in a rule, keep the operators of one table")
    return Relation(relation.plan, open=True)
