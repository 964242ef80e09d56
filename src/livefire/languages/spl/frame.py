"""Rows on their way through a pipeline: a plan, and what is known of its fields."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.schema import Type

TIME, RAW = "_time", "_raw"


def columns(plan: n.Plan) -> dict[str, e.Column]:
    """Return the columns of a plan by name, in order; a plan works its schema out anew each time it is asked."""
    return {f.name: e.Column(f.name, f.type) for f in plan.schema}


@dataclass(frozen=True, slots=True)
class Frame:
    """The rows after a command.

    `quiet` are columns that are there only because the text names them. `closed` tells which
    command fixed the fields (`stats`, `table` …) and where: a name that it left out is gone.
    `wild` frames stand for tables nobody knows: every name is a field of theirs, with no value.
    """

    plan: n.Plan
    quiet: frozenset[str] = frozenset()
    closed: tuple[str, Span] | None = None
    wild: bool = False
    known: dict[str, e.Column] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", columns(self.plan))

    @property
    def names(self) -> tuple[str, ...]:
        """The visible fields, in order."""
        return tuple(x for x in self.known if x not in self.quiet)

    def has(self, name: str) -> bool:
        """True when the field exists, shown or not."""
        return name in self.known

    def column(self, name: str) -> e.Column:
        """Return an existing field."""
        return self.known[name]

    def over(self, plan: n.Plan) -> Frame:
        """Return the same fields over another plan."""
        return replace(self, plan=plan)

    def extended(self, *items: n.Item, span: Span | None = None) -> Frame:
        """Return the frame with fields added or replaced; they are visible from now on."""
        named = {i.name for i in items}
        fresh = {i.name: i for i in items}
        kept = [fresh.pop(x, n.Item(x, c)) for x, c in self.known.items()]
        plan = n.Project(self.plan, (*kept, *fresh.values()), span)
        return replace(self, plan=plan, quiet=self.quiet - named)

    def kept(self, names: tuple[str, ...], span: Span) -> Frame:
        """Return the frame with exactly these fields, missing ones null."""
        items = tuple(n.Item(x, self.column(x) if self.has(x) else e.null(Type.STRING)) for x in names)
        return replace(self, plan=n.Project(self.plan, items, span), quiet=frozenset())

    def filtered(self, condition: e.Expr, span: Span) -> Frame:
        """Return the rows for which a condition is true."""
        return self.over(n.Filter(self.plan, condition, span))
