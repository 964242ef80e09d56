"""What a language is to the rest of the house: a name, file suffixes, `parse` and `lower`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from livefire.diagnostics import Diagnostics
from livefire.plan.catalog import Catalog
from livefire.plan.nodes import Plan

Probe: TypeAlias = Callable[[Plan], Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Context:
    """What lowering is given beside the AST.

    `lenient` runs what the product would reject by the reading a person would take, with a
    warning; otherwise it is an error. `open_schema` (only for checks) goes on after an unknown
    table or column. `options` are the language's own: `index` (table to read where the text
    names none), `event_category_field`, `timestamp_field`, `tiebreaker_field`, `case_sensitive` …
    """

    catalog: Catalog
    diagnostics: Diagnostics
    lenient: bool = False
    open_schema: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    probe: Probe | None = field(default=None, compare=False)

    def option(self, name: str, default: str | None = None) -> str | None:
        """Return a text option."""
        value = self.options.get(name)
        return str(value) if value is not None else default

    def quirk(self, code: int, message: str, **where: object) -> None:
        """Report what the product would reject: W<code> when lenient, E<code> otherwise."""
        report = self.diagnostics.warn if self.lenient else self.diagnostics.error
        report(f"{'W' if self.lenient else 'E'}{code}", message, **where)  # type: ignore[arg-type]  # the keywords are those of error and warn


@dataclass(slots=True)
class Several:
    """Which table of a text is asked for, as the option `several` of whoever can show more than one.

    A language whose text gives several tables writes down their names, empty for one without.
    """

    place: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Language:
    """A rule language.

    `parse` takes the source inside the diagnostics and the context, and returns the language's
    own AST; it records errors and may raise `Halt`. `lower` turns that AST into a plan the same
    way. `notes` is one line on what of the language runs.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    parse: Callable[[Context], object]
    lower: Callable[[object, Context], Plan]
