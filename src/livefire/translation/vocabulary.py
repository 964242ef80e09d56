"""A product's tables read backwards: which of its fields shows a place of the events.

Each column of a vendor's table is an expression over the log source's storage; a place of the
events is that product's field when its expression reaches the same place. Nothing is matched by
name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import OpenRoot, Table
from livefire.schema import Type
from livefire.translation.condition import Computed, Field, Reading, Subject
from livefire.translation.places import Steps, field_of, normal, path_of, twin, without_default

PRODUCTS = {"kql": "sentinel", "cql": "logscale", "eql": "elastic", "esql": "elastic", "spl": "splunk", "sigma": "sigma"}
# How a path of a language that has no sign for it writes "every element": only its printer can say that.
EVERY = "[*]"
NAMES = {"sentinel": "Microsoft Sentinel", "logscale": "LogScale", "elastic": "Elastic", "splunk": "Splunk", "sigma": "Sigma"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A field of the target: its name and type, how it reads the place, and the steps that are left below it.

    `missing` is the text that stands for no value, None where that is null. `inside` is the type of the
    field that holds a typed value somewhere below it, None where the field shows the value itself.
    """

    name: str
    type: Type
    reading: Reading
    steps: Steps = ()
    missing: str | None = None
    table: str = ""
    inside: Type | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A field that shows a word for a value: `word` stands for the value asked for."""

    shown: Shown
    word: str | bool | int


class Vocabulary:
    """The fields of one table of a product, by the places of one log source; `reads_json` for a language that reads the JSON in a column."""

    def __init__(self, table: Table, source: str, *, reads_json: bool = False) -> None:
        self.table = table
        self.source = source
        self.reads_json = reads_json
        plan = table.plan
        while isinstance(plan, n.Filter):
            plan = plan.input
        self.items = {i.name: i.expr for i in plan.items} if isinstance(plan, n.Project) else {}

    @cached_property
    def _by_place(self) -> dict[tuple[str, Steps], list[Shown]]:
        found: dict[tuple[str, Steps], list[Shown]] = {}
        for name, expr in self.items.items():
            if name in self.table.hidden:
                continue
            shown = self._shown(name, expr)
            if shown is not None:
                found.setdefault(shown[0], []).append(shown[1])
        return found

    def _shown(self, name: str, expr: e.Expr) -> tuple[tuple[str, Steps], Shown] | None:
        bare = without_default(expr)
        default = _default(expr)
        field = field_of(self.source, bare)
        if field is not None:
            return field.place, Shown(name, expr.type, field.reading, (), default, self.table.name)
        if bare.type is Type.DYNAMIC:
            path = path_of(bare)
            if path is not None:
                column, steps, _ = normal(self.source, *path)
                return (column, steps), Shown(name, Type.DYNAMIC, "each", (), default, self.table.name)
        return None

    @cached_property
    def _computed(self) -> dict[e.Expr, str]:
        found: dict[e.Expr, str] = {}
        for name, expr in self.items.items():
            if name not in self.table.hidden:
                found.setdefault(without_default(expr), name)
        return found

    def has(self, expr: e.Expr) -> bool:
        """True when a computed value is a field of the table."""
        return not isinstance(expr, (e.Literal, e.Column)) and field_of(self.source, expr) is None and expr in self._computed

    def lowered(self, subject: Subject) -> Shown | None:
        """Return the field that shows a place in lower case, which serves where case is disregarded."""
        for name, expr in self.items.items():
            match without_default(expr):
                case e.Call(function="text.lower", args=(inner,)) if name not in self.table.hidden:
                    field = field_of(self.source, inner)
                    if isinstance(subject, Field) and field is not None and field.place == subject.place:
                        return Shown(name, Type.STRING, "value", (), _default(expr), self.table.name)
        return None

    def find(self, subject: Subject) -> Shown | None:
        """Return the field that shows a place or a computed value, None when the product has none."""
        if isinstance(subject, Computed):
            name = self._computed.get(subject.expr)
            if name is None:
                return None
            expr = self.items[name]
            return Shown(name, expr.type, "value", (), _default(expr), self.table.name)
        exact = self._by_place.get(subject.place, [])
        # Text shown as a field of its own is nearer than the JSON it stands in.
        best = sorted(exact, key=lambda s: self._rank(s, subject))
        if best:
            return best[0]
        below = self._below(subject)
        other = twin(self.source, subject) if below is None else None
        return self.find(other) if other is not None and other.place in self._by_place else below

    def _rank(self, shown: Shown, subject: Field) -> tuple[int, int]:
        """Text of its own before JSON; then the name that the raw event has, then one that ends like it."""
        raw = raw_steps(subject.place, self.source)
        full = ".".join(str(s) for s in raw) if raw is not None else ""
        last = str(raw[-1]) if raw else str(subject.steps[-1]) if subject.steps else subject.column
        plain = shown.name.rpartition(".")[2].casefold().replace("_", "")
        nearness = 0 if full and (shown.name == full or shown.name.endswith("." + full)) else 1 if plain == last.casefold().replace("_", "") else 2
        return (0 if shown.type is not Type.DYNAMIC else 1, nearness)

    def _below(self, subject: Field) -> Shown | None:
        """Return a path below an open root, or below a column that holds JSON."""
        for root, place in self._roots():
            rest = _under(place, subject.place, self.source)
            if rest:
                name = root.prefix + spelled(rest, root.style)
                if name not in self.items and name not in self.table.schema.names:
                    reading: Reading = {"logscale": "leaf", "splunk": "leaf"}.get(root.style, "each")  # type: ignore[assignment]  # both are readings
                    if "*" in rest:
                        reading = "each"
                    return Shown(name, Type.DYNAMIC if root.style == "dotted" else Type.STRING, reading, (), None, self.table.name)
        for cut in range(len(subject.steps), -1, -1):
            for shown in self._by_place.get((subject.column, subject.steps[:cut]), []):
                if subject.steps[cut:] and (shown.type is Type.DYNAMIC or shown.reading == "text"):
                    return Shown(shown.name, shown.type, shown.reading, subject.steps[cut:], shown.missing, self.table.name)
        return self._in_json(subject) if self.reads_json else None

    def _in_json(self, subject: Field) -> Shown | None:
        """Return a hot column's value where it stands in the JSON of a field above it in the raw event."""
        full = raw_steps(subject.place, self.source)
        for cut in range(len(full or ()) - 1, 0, -1):
            column, steps, _ = normal(self.source, "_raw", (full or ())[:cut])
            for shown in self._by_place.get((column, steps), []):
                if shown.type is Type.DYNAMIC or shown.reading == "text":
                    return Shown(shown.name, subject.type, shown.reading, (full or ())[cut:], shown.missing, self.table.name, shown.type)
        return None

    def _roots(self) -> Iterator[tuple[OpenRoot, tuple[str, Steps]]]:
        for root in sorted(self.table.roots, key=lambda r: -len(r.prefix)):
            path = path_of(self.items[root.column])
            if path is not None:
                column, steps, _ = normal(self.source, *path)
                yield root, (column, steps)

    def address(self, subject: Subject) -> str | None:
        """Return the field that shows a place only where an IP address stands there."""
        if isinstance(subject, Computed):
            inner = address_inside(subject.expr)
            return self._computed.get(subject.expr) if inner is not None else None
        for name, expr in self.items.items():
            inner = address_inside(expr)
            found = field_of(self.source, inner) if inner is not None else None
            if found is not None and found.place == subject.place and name not in self.table.hidden:
                return name
        return None

    def recoding(self, subject: Subject) -> tuple[e.Expr, tuple[tuple[str, str], ...]] | None:
        """Return the field that shows a place with some of its words changed, and those pairs; None where one shows it as it is."""
        if not isinstance(subject, Field) or self.find(subject) is not None:
            return None
        for name, expr in self.items.items():
            pairs = self._changes(without_default(expr), subject)
            if pairs and name not in self.table.hidden:
                return without_default(expr), pairs
        return None

    def _changes(self, expr: e.Expr, subject: Field) -> tuple[tuple[str, str], ...] | None:
        """Return the words that an expression changes of a place: none where it is the place, None where it is another."""
        field = field_of(self.source, expr)
        if field is not None:
            return () if field.place == subject.place else None
        if not isinstance(expr, e.Case):
            return None
        found: list[tuple[str, str]] = []
        for condition, value in expr.whens:
            match condition, value:
                case e.Call(function="compare.eq", args=(inner, e.Literal(value=str() as word))), e.Literal(value=str() as shown):
                    if self._changes(inner, subject) != ():
                        return None
                    found.append((word, shown))
                case _, _:
                    inside = self._changes(value, subject)
                    if inside is None:
                        return None
                    found += inside
        rest = self._changes(expr.otherwise, subject)
        return None if rest is None else (*found, *rest)

    def decoded(self, subject: Subject, value: object) -> Decoded | None:
        """Return the field and its word where a field shows a word for just this value of a place."""
        if not isinstance(subject, Field):
            return None
        for name, expr in self.items.items():
            bare = without_default(expr)
            if name in self.table.hidden or not isinstance(bare, e.Case) or not isinstance(bare.otherwise, e.Literal):
                continue
            words: dict[object, e.Scalar] = {}
            for condition, shown in bare.whens:
                match condition, shown:
                    case e.Call(function="compare.eq", args=(inner, e.Literal(value=here))), e.Literal(value=word):
                        found = field_of(self.source, inner)
                        if found is None or found.place != subject.place:
                            break
                        words[(type(here), here)] = word
                    case _:
                        break
            else:
                word = words.get((type(value), value))
                if isinstance(word, (str, bool, int)) and list(words.values()).count(word) == 1 and bare.otherwise.value != word:
                    return Decoded(Shown(name, expr.type, "value", (), None, self.table.name), word)
        return None


def address_inside(expr: e.Expr) -> e.Expr | None:
    """Return the value that an expression shows only where it is an IP address."""
    match expr:
        case e.Case(whens=((e.Call(function="text.matches_regex", args=(tested, *_)), shown),), otherwise=e.Literal(value=None)) if tested == shown:
            return shown
        case _:
            return None


def _default(expr: e.Expr) -> str | None:
    """Return the text that a column shows for a missing value."""
    match expr:
        case e.Call(function="logic.coalesce", args=(_, e.Literal(value=str() as text))):
            return text
        case _:
            return None


def _under(root: tuple[str, Steps], place: tuple[str, Steps], source: str) -> Steps:
    """Return the steps from a root down to a place, empty when it is not below it."""
    if root[0] == place[0] and place[1][: len(root[1])] == root[1]:
        return place[1][len(root[1]) :]
    full, top = raw_steps(place, source), raw_steps(root, source)
    if full is not None and top is not None and full[: len(top)] == top:
        return full[len(top) :]
    return ()


def raw_steps(place: tuple[str, Steps], source: str) -> Steps | None:
    """Return the path of a place in the raw event, None where the event's form decides it."""
    from livefire.translation.places import _raw_places

    if place[0] == "_raw":
        return place[1]
    own = next((at for at, (name, _) in _raw_places(source).items() if name == place[0]), None)
    return None if own is None else (*own, *place[1])


def spelled(steps: Steps, style: str) -> str:
    """Return steps as the product writes a path."""
    text = ""
    for step in steps:
        if step == "*":
            text += "{}" if style == "splunk" else EVERY
        elif isinstance(step, int):
            text += f"{{{step}}}" if style == "splunk" else f"[{step}]" if style == "logscale" else f".{step}"
        else:
            text += ("." if text else "") + step
    return text


def tables_of(product: str, source: str, tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """Return the tables of a product that hold the events of a log source, the usual one first."""
    found = []
    for table in tables:
        plan = table.plan
        while isinstance(plan, (n.Project, n.Filter)):
            plan = plan.input
        if table.vendor == product and isinstance(plan, n.Scan) and plan.table == source and not table.compatibility:
            found.append(table)
    return tuple(found)
