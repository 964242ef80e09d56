"""What the lowering of every command shares: the context, field look-up, and the words for what cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from livefire.diagnostics import Fix, Halt, Label, Span
from livefire.languages.base import Context
from livefire.languages.binder import suggestion
from livefire.languages.kit.ast import Name
from livefire.languages.spl import nodes as s
from livefire.languages.spl.frame import Frame
from livefire.languages.spl.lexer import unescape
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.expr import Expr
from livefire.schema import Type

T = TypeVar("T")
_TRUE = frozenset({"true", "t", "1", "yes", "y"})
_FALSE = frozenset({"false", "f", "0", "no", "n"})


@dataclass(slots=True)
class Scope:
    """The lowering of one search."""

    context: Context
    pipeline: Callable[[s.Pipeline, Frame | None, frozenset[str]], Frame]
    read: Callable[[str, Span], s.Pipeline]
    mentions: frozenset[str] = frozenset()
    fresh: int = 0
    elsewhere: frozenset[str] = frozenset()
    # Fields that an eval gave a JSON document, which other documents take in as it is.
    documents: set[str] = field(default_factory=set)
    # From when to when the first search looks, where its text says so.
    since: Expr | None = None
    until: Expr | None = None

    def name(self, hint: str = "") -> str:
        """Return a column name that no search can write."""
        self.fresh += 1
        return f"\x02{hint}{self.fresh}"

    def refuse(self, code: str, message: str, span: Span, help: str = "", fix: Fix | None = None) -> NoReturn:
        """Record an error and stop."""
        self.context.diagnostics.error(code, message, span, help=help, fix=fix)
        raise Halt

    def warn(self, code: str, message: str, span: Span, help: str = "", *, fix: Fix | None = None, labels: tuple[Label, ...] = ()) -> None:
        """Record a warning."""
        self.context.diagnostics.warn(code, message, span, help=help, fix=fix, labels=labels)

    def field(self, frame: Frame, name: Name | str, span: Span | None = None) -> Expr:
        """Return a field; one that does not exist is null, as in Splunk, and a warning says why."""
        text = name.text if isinstance(name, Name) else name
        place = name.span if isinstance(name, Name) else span or Span(0, 0)
        if frame.has(text):
            if text in frame.quiet and not self.elsewhere:
                self._doubt(frame, text, place)
            return frame.column(text)
        if text.startswith("'") and text.endswith("'") and frame.has(text[1:-1]):
            return frame.column(text[1:-1])
        self._missing(frame, text, place)
        return e.null(Type.STRING)

    def _doubt(self, frame: Frame, text: str, span: Span) -> None:
        """Warn of a name that is read from the raw event where the table declares the same one in other letters, or for another product."""
        if "." in text or "{" in text or text.startswith("_"):
            return
        folded = next((x for x in frame.names if x.casefold() == text.casefold()), None)
        others = {x for names in self.context.catalog.other_names(text).values() for x in names}
        meant = folded or next((x for x in frame.names if x in others), None)
        if meant is not None:
            why = "names of fields are case-sensitive" if folded else "that is another product's name for it"
            self.warn("W102", f"no field is declared as {text!r}: {why}", span, f"did you mean {meant!r}?", fix=Fix(span, meant, f"write {meant!r}"))

    def _missing(self, frame: Frame, text: str, span: Span) -> None:
        if text in self.elsewhere or frame.wild or (self.context.open_schema and frame.closed is None):
            return
        meant = suggestion(text, frame.plan.schema, self.context)
        help = f"did you mean {meant!r}?" if meant else "fields here: " + ", ".join(frame.names[:12]) + (" …" if len(frame.names) > 12 else "")
        fix = Fix(span, meant, f"write {meant!r}") if meant and " " not in meant else None
        if frame.closed is not None:
            command, place = frame.closed
            label = Label(place, f"`{command}` keeps only the fields it names")
            self.warn("W151", f"the field {text!r} no longer exists after `{command}`: it has no value here", span, help, fix=fix, labels=(label,))
        else:
            self.warn("W102", f"no field is named {text!r}: it has no value in any event", span, help, fix=fix)

    def quoted(self, span: Span) -> str:
        """Return a piece of the search on one line, for a message."""
        return " ".join(self.context.diagnostics.source.slice(span).split())[:60]

    def several(self, span: Span, what: str) -> None:
        """Say that a field may have several values, and what happens then."""
        self.context.diagnostics.notice("N152", f"this field may have several values: {what}", span, help="take one with mvindex, or work on each with mvmap")

    def look(self, plan: n.Plan, span: Span, what: str, help: str = "") -> list[tuple[Any, ...]] | None:
        """Return the rows of a plan, which decide what the search becomes; None in a check, which reads on without them.

        E305 where the search is put together without events to look at.
        """
        if self.context.probe is not None:
            return list(self.context.probe(plan))
        if not self.context.open_schema:
            self.refuse("E305", f"{what} depend on the events, and there are none to look at before the run", span, help=help)
        return None

    def option(self, options: s.Options, name: str, default: str = "") -> str:
        """Return the text of an option; the last one counts."""
        return next((o.value.text for o in reversed(options) if o.name == name), default)

    def flag(self, options: s.Options, name: str, *, default: bool = False) -> bool:
        """Return an option that is true or false; E107 for anything else."""
        for option in reversed(options):
            if option.name == name:
                text = option.value.text.lower()
                if text not in _TRUE | _FALSE:
                    self.refuse("E107", f"{name} is true or false, not {option.value.text[:40]!r}", option.value.span)
                return text in _TRUE
        return default

    def whole(self, options: s.Options, name: str, default: int) -> int:
        """Return an option that is a whole number from 0; E107 for anything else."""
        for option in reversed(options):
            if option.name == name:
                if not option.value.text.isdecimal() or len(option.value.text) > 15:
                    self.refuse("E107", f"{name} is a whole number, not {option.value.text[:40]!r}", option.value.span)
                return int(option.value.text)
        return default

    def known(self, command: str, options: s.Options, *names: str, refused: tuple[str, ...] = ()) -> None:
        """Refuse options that the command does not have (E107) or that are not run (E304)."""
        for option in options:
            if option.name in refused:
                self.refuse("E304", f"{command} {option.name}= is not run", option.span, help="leave it out")
            if option.name not in names:
                self.refuse("E107", f"{command} has no option {option.name!r}", option.span, help="known: " + ", ".join((*names, *refused)))

    def text(self, word: s.Word) -> str:
        """Return the text of a word."""
        return word.text if word.quoted else unescape(word.text)
