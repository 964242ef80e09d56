"""What follows the events of a flow, in the terms that every pipe language shares: groups, measures, order, a cut."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from livefire.diagnostics import Span
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.schema import Type
from livefire.translation.condition import Computed, Condition, Field, Present, Subject
from livefire.translation.flow import Columns, Cut, Flow, Grouped, Kept, Ordered, Stage, Where, put
from livefire.translation.places import field_of, without_default
from livefire.translation.reading import ConditionReader
from livefire.translation.refusal import NO_READING, Untranslatable
from livefire.translation.statement import Part, known_present
from livefire.translation.vocabulary import Shown, Vocabulary

# Meanings that only change how a value is shown.
_SHOWING = frozenset(
    {
        "logic.coalesce",
        "multi.shown",
        "logic.null_if",
        "text.join",
        "dynamic.slice",
        "number.divide",
        "time.to_epoch",
        "dynamic.of",
        "logic.cast",
        "number.to_real",
    }
)
_MEASURES = frozenset({"count", "count_distinct", "min", "max", "sum", "avg", "set", "list"})
_SAME_MEASURE = {"set_sorted": "set", "list_all": "list"}
_DAY = 864_000_000_000


@dataclass(frozen=True, slots=True)
class Key:
    """A group key: a field, or the field's time cut to a multiple of `width` ticks.

    `as_text` groups events without the field under the empty text; otherwise they are a group of
    their own. `renamed` is False where the rule groups by a field under the field's own name.
    `stands` is the word under which the rule groups events without the field, together with those that hold it.
    """

    name: str
    subject: Subject
    width: int | None = None
    as_text: bool = False
    renamed: bool = True
    span: Span | None = None
    stands: str = ""

    @property
    def word(self) -> str | None:
        """The text under which the rule groups events without the field, None where they are a group of their own."""
        return self.stands if self.as_text else None


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate over the events of a group; `as_text` counts a missing value as the empty text. `said` is the rule's own name."""

    name: str
    function: str
    subject: Subject | None = None
    as_text: bool = False
    where: Condition | None = None
    span: Span | None = None
    said: str = ""
    stands: str = ""

    @property
    def word(self) -> str | None:
        """The text that the rule takes for a missing value, None where it takes none."""
        return self.stands if self.as_text else None

    @property
    def number(self) -> bool:
        """True for a value that two products must agree on to the digit."""
        return self.function in ("count", "count_distinct", "sum")


@dataclass(frozen=True, slots=True)
class Having:
    """Only groups that meet a condition over keys and measures."""

    condition: Condition
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class OrderBy:
    """Rows in the order of columns, or of fields of events."""

    keys: tuple[tuple[Subject, bool], ...]


@dataclass(frozen=True, slots=True)
class First:
    """The first rows."""

    count: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Only these fields of events, each under a name; a constant where the subject is a literal.

    `left` are the columns that no field is behind, each with the reason.
    """

    items: tuple[tuple[str, Subject | e.Literal], ...]
    left: tuple[tuple[str, str], ...] = ()


After: TypeAlias = Having | OrderBy | First | Keep


@dataclass(frozen=True, slots=True)
class Outline:
    """Keys and measures (None for a rule whose rows are events), then what is done with the rows.

    `left` are columns of groups that are not shown, each with the reason; without one the key or measure of that name is.
    """

    keys: tuple[Key, ...] | None
    measures: tuple[Measure, ...]
    after: tuple[After, ...]
    left: tuple[tuple[str, str], ...] = ()


class NamedColumns(Vocabulary):
    """The columns of groups, by the names that the target text gives them, each with the text that stands for a missing value."""

    def __init__(self, table: Vocabulary, names: dict[str, tuple[str, Type, str | None]]) -> None:
        super().__init__(table.table, "")
        self.names = names
        self.items = {}

    def find(self, subject: Subject) -> Shown | None:
        """Return a column of the groups."""
        if isinstance(subject, Field) and subject.column in self.names:
            name, kind, missing = self.names[subject.column]
            return Shown(name, kind, "value", (), missing)
        return None


def member(at: int) -> str:
    """Return the name under which conditions speak of a key or measure, keys first."""
    return f"\x03{at}"


def outline(flow: Flow, part: Part, whole: bool) -> Outline:
    """Return what follows the events; Untranslatable for what no pipe language shares. `whole` is False for a rule that picks its columns."""
    for at, stage in enumerate(flow.stages):
        if isinstance(stage, Grouped):
            if any(not isinstance(s, Ordered) for s in flow.stages[:at]):
                raise Untranslatable(NO_READING, "a group over rows that were cut or picked before is not carried over", stage.span)
            return _Groups(part).read(stage, flow.stages[at + 1 :])
    return Outline(None, (), _of_events(flow, part, whole))


def _of_events(flow: Flow, part: Part, whole: bool) -> tuple[After, ...]:
    found: list[After] = []
    for stage in flow.stages:
        if isinstance(stage, Ordered):
            keys = tuple((subject_of(put(k.expr, part.events.columns), part, stage.span), k.descending) for k in stage.keys)
            found.append(OrderBy(keys))
        elif isinstance(stage, Cut):
            found.append(First(stage.count))
        elif not (isinstance(stage, Kept) and all(isinstance(i.expr, e.Column) for i in stage.items)):
            raise Untranslatable(NO_READING, "what follows the cut of rows is not carried over", stage.span)
    return tuple(found) if whole else (*found, _kept(part))


def _kept(part: Part) -> Keep:
    items: list[tuple[str, Subject | e.Literal]] = []
    left: list[tuple[str, str]] = []
    for name, expr in part.events.columns.items():
        bare = without_default(expr)
        try:
            items.append((name, bare if isinstance(bare, e.Literal) else subject_of(expr, part, None, name)))
        except Untranslatable:
            left.append((name, "the rule works it out"))
    return Keep(tuple(items), tuple(left))


def subject_of(expr: e.Expr, part: Part, span: Span | None, name: str = "") -> Subject:
    """Return a value over storage as a place of the events, or as a field that the target has for it."""
    bare = plain(expr)
    field = field_of(part.events.source, bare)
    if field is not None:
        return field
    if part.vocabulary.has(bare):
        return Computed(bare)
    what = f"the column {name}, which the rule works out," if name else "a value that the rule works out"
    raise Untranslatable(NO_READING, f"{what} is not carried over", span)


def plain(expr: e.Expr) -> e.Expr:
    """Return a value without the constants that take the place of a missing one."""
    while (inner := without_default(expr)) is not expr:
        expr = inner
    return expr


class _Groups:
    """Reads a grouping and what follows it over the columns of one log source."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.columns: Columns = part.events.columns
        self.present = known_present(part.condition)
        self.left: dict[str, str] = {}

    def read(self, stage: Grouped, rest: tuple[Stage, ...]) -> Outline:
        """Return the outline of a grouping and the stages after it."""
        items = (*stage.keys, *stage.items)
        types = [i.expr.type for i in items]
        known: dict[str, e.Expr] = {i.name: e.Column(member(at), types[at]) for at, i in enumerate(items)}
        after: list[After] = []
        for following in rest:
            match following:
                case Kept():
                    known = self._kept(following, known)
                case Where(expr=expr, span=span):
                    after.append(Having(self._condition(self._asked(put(expr, known), span), span), span))
                case Ordered(keys=keys, span=span):
                    by = ((self._asked(put(k.expr, known), span), k) for k in keys)
                    after.append(OrderBy(tuple((Field(_only(x), (), "value", k.expr.type), k.descending) for x, k in by)))
                case Cut(count=count):
                    after.append(First(count))
                case Grouped(span=span):
                    raise Untranslatable(NO_READING, "a group of groups is not carried over", span)
        names = {c.name: name for name, c in reversed(known.items()) if isinstance(c, e.Column)}
        group_keys = tuple(self._key(i, names.get(member(at), i.name), stage.span) for at, i in enumerate(stage.keys))
        measures = tuple(self._measure(i, names.get(member(at), i.name), stage.span) for at, i in enumerate(stage.items, len(stage.keys)))
        shown = {k.name for k in group_keys} | {m.name for m in measures}
        left = tuple((name, "" if _named(name) in shown else reason) for name, reason in self.left.items())
        return Outline(group_keys, measures, tuple(after), left)

    def _kept(self, stage: Kept, known: dict[str, e.Expr]) -> dict[str, e.Expr]:
        """Return the key or measure that each column shows; one that is worked out is left, and a stage that asks for it is refused."""
        found: dict[str, e.Expr] = {}
        for item in stage.items:
            inside = e.columns_of(item.expr)
            if len(inside) == 1 and _only_shows(item.expr) and (shown := known.get(next(iter(inside)))) is not None:
                found[item.name] = shown
            elif not item.name.startswith(("\x01", "\x02")):
                self.left[item.name] = "the rule works it out from groups"
        return found

    def _asked(self, expr: e.Expr, span: Span | None) -> e.Expr:
        """Return an expression over keys and measures; Untranslatable for one that asks for what is worked out."""
        wrong = next((c for c in sorted(e.columns_of(expr)) if c in self.left or not c.startswith(member(0)[0])), None)
        if wrong is not None:
            raise Untranslatable(NO_READING, f"the column {wrong}, worked out from groups, is not carried over", span)
        return expr

    def _condition(self, expr: e.Expr, span: Span | None) -> Condition:
        try:
            return ConditionReader("", lambda _expr: False).truth(expr)
        except Untranslatable as refusal:
            raise Untranslatable(refusal.code, refusal.message, refusal.span or span, refusal.help) from refusal

    def _key(self, item: n.Item, name: str, span: Span | None) -> Key:
        expr = put(item.expr, self.columns)
        bare, width = plain(expr), None
        match bare:
            case e.Call(function="time.bin" | "time.bin_at" | "time.trunc", args=(inner, e.Literal(value=int() as ticks), *_)) if _DAY % ticks == 0:
                bare, width = plain(inner), ticks
            case _:
                pass
        subject = subject_of(bare, self.part, span, name)
        own = self.columns.get(name)
        renamed = own is None or plain(own) != plain(expr)
        return Key(_named(name), subject, width, self._as_text(expr, bare, subject), renamed, span, _stands(expr))

    def _measure(self, item: n.Item, name: str, span: Span | None) -> Measure:
        call = item.expr
        while not isinstance(call, e.Aggregate):
            inner = e.children(call)
            if not inner or not _only_shows(call):
                raise Untranslatable(NO_READING, f"the aggregate {name} is not carried over", span)
            call = inner[0]
        function = call.function.removeprefix("agg.")
        function = _SAME_MEASURE.get(function, function)
        if function not in _MEASURES or call.distinct:
            raise Untranslatable(NO_READING, f"the aggregate {function} is not carried over", call.span or span)
        where = None if call.where is None else ConditionReader(self.part.events.source, self.part.vocabulary.has).truth(put(call.where, self.columns))
        if not call.args:
            return Measure(_named(name), function, None, False, where, span, name)
        expr = put(call.args[0], self.columns)
        expr = expr.args[0] if isinstance(expr, e.Call) and expr.function == "dynamic.of" else expr
        bare = plain(expr)
        match bare:
            case e.Call(function="time.bin_at" | "time.bin"):
                raise Untranslatable(NO_READING, f"{name}, an aggregate of a rounded time, is not carried over", span)
            case _:
                pass
        subject = subject_of(bare, self.part, call.span or span, name)
        if function == "count" and expr != bare and _word(expr) is not None:
            # With a word in the place of a missing value every event has one to count.
            return Measure(_named(name), function, None, False, where, span, name)
        if function == "count":
            where_present: Condition = Present(subject)
            return Measure(_named(name), function, None, False, where or where_present, span, name)
        return Measure(_named(name), function, subject, self._as_text(expr, bare, subject), where, span, name, _stands(expr))

    def _as_text(self, expr: e.Expr, bare: e.Expr, subject: Subject) -> bool:
        return expr is not bare and expr.type is Type.STRING and subject not in self.present and isinstance(expr, e.Call) and expr.function == "logic.coalesce"


def _stands(expr: e.Expr) -> str:
    """Return the word that a value has in place of a missing one, empty where it is the empty text or none."""
    return _word(expr) or ""


def _word(expr: e.Expr) -> str | None:
    match expr:
        case e.Call(function="logic.coalesce", args=(_, e.Literal(value=str() as word))):
            return word
        case _:
            return None


def _only_shows(expr: e.Expr) -> bool:
    match expr:
        case e.Column() | e.Literal():
            return True
        case e.Call(function=name, args=args):
            return name in _SHOWING and all(_only_shows(a) or isinstance(a, e.Aggregate) for a in args)
        case e.Case(whens=whens, otherwise=otherwise):
            # A list of one value shown as the value.
            return all(isinstance(v, e.Path) for _, v in whens) and _only_shows(otherwise)
        case _:
            return isinstance(expr, e.Aggregate)


def _only(expr: e.Expr) -> str:
    inside = e.columns_of(expr)
    if len(inside) != 1:
        raise Untranslatable(NO_READING, "an order by more than one column at once is not carried over")
    return next(iter(inside))


def _named(name: str) -> str:
    """Return a name that every language takes as it stands."""
    text = re.sub(r"\W+", "_", name) or "value"
    # `count` is an operator in Kusto, and a name nowhere else.
    return f"c_{text}" if text[0].isdigit() else "count_" if text == "count" else text
