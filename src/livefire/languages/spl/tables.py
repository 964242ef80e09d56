"""From a table of the catalog to events with the fields a search mentions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from livefire.languages.spl.frame import RAW, TIME, Frame, columns
from livefire.languages.spl.values import multi_of, tidy
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.catalog import Table
from livefire.plan.expr import Case, Expr
from livefire.plan.functions import call, negate
from livefire.schema import Type

FACTS = ("index", "sourcetype", "source", "host", "splunk_server")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of every event of a table without looking: its index, sourcetype and so on.

    `named` is true where the search (or its caller) called a user's table by name, so that other
    facts of it are taken as given.
    """

    table: Table
    named: bool = False

    def value(self, name: str) -> str | None:
        """Return a fact, None where it is unknown."""
        if name == "index" and not self.table.vendor:
            return self.table.name
        return self.table.tags.get(name)

    def matches(self, name: str, pattern: str) -> bool | None:
        """Tell whether a fact fits a pattern of the search; None where the events themselves decide."""
        known = self.value(name)
        if known is not None:
            wanted = pattern.casefold()
            return any(fnmatchcase(part.strip().casefold(), _plain(wanted)) for part in known.split(","))
        if self.table.vendor and name == "index":
            return True
        if name in self.table.schema:
            return None
        return self.named if name == "sourcetype" else None

    def shows(self, name: str, pattern: str) -> bool:
        """Tell whether a term points at this table, rather than only not ruling it out."""
        if self.value(name) is not None or (name in self.table.schema and not self.table.vendor):
            return self.matches(name, pattern) is not False
        return name == "index" and (fnmatchcase("main", _plain(pattern.casefold())) or self.table.answers_to(pattern))


def _plain(pattern: str) -> str:
    return pattern.replace("[", "[[]").replace("?", "[?]")


def events(table: Table, mentions: Iterable[str]) -> Frame:
    """Return the events of a table: `_time`, the declared columns, and whatever else the search mentions."""
    items: dict[str, Expr] = {}
    if table.time is not None:
        items[TIME] = n.column(table.plan, table.time)
    for field in table.schema:
        if field.name != TIME or table.time != TIME:
            items.setdefault(field.name, normal(e.Column(field.name, field.type)))
    quiet: dict[str, Expr] = {}
    stored = columns(table.plan)
    for name in sorted({*mentions, RAW}):
        if name not in items and "*" not in name:
            found = read(table, name, stored)
            if found is not None:
                quiet[name] = found
    named = tuple(n.Item(name, x) for name, x in {**items, **quiet}.items())
    return Frame(n.Project(table.plan, named), quiet=frozenset(quiet))


def read(table: Table, name: str, stored: dict[str, e.Column]) -> Expr | None:
    """Return the field of a name that no declared column has, or None."""
    if name in table.hidden and name in stored:
        return normal(stored[name])
    if name in FACTS:
        fact = table.tags.get(name) or (table.name if name == "index" and not table.vendor else None)
        return e.text(fact) if fact is not None else None
    for root in table.roots:
        if name.startswith(root.prefix) and len(name) > len(root.prefix):
            return path(stored[root.column], name[len(root.prefix) :])
    for column in stored.values():
        if column.type is Type.DYNAMIC and name.startswith((column.name + ".", column.name + "{}")):
            return path(column, name[len(column.name) :].removeprefix("."))
    return None


def path(base: Expr, text: str) -> Expr:
    """Return the values at a path such as `a.b{}.c`: text, or several values where it passes an array.

    An object or array at the end of the path is no field of its own: its members are.
    """
    steps = steps_of(text)
    if not steps or all(s == "*" for s in steps):
        return _elements(base, steps)
    if "*" in steps:
        return _elements(base, steps)
    readings = [scalar(e.Path(base, tuple(steps)))]
    if "/" in text:
        # A key may hold dots itself (authorization.k8s.io/reason): Splunk joins keys with dots and forgets where.
        readings += [scalar(e.Path(base, (*steps[:i], ".".join(steps[i:])))) for i in range(len(steps) - 1)]
    return call("logic.coalesce", *readings) if len(readings) > 1 else readings[0]


def _elements(base: Expr, steps: list[str]) -> Expr:
    reached = call("dynamic.deep", base, e.text(json.dumps(steps)))
    item = e.Column("~element", Type.DYNAMIC)
    return tidy(call("list.filter", reached, e.Lambda((item,), negate(_nested(item)))))


def steps_of(text: str) -> list[str]:
    """Return the steps of a path; `{}` is the step `*`."""
    steps: list[str] = []
    for part in text.split("."):
        bare = part
        while bare.endswith("{}"):
            bare = bare[:-2]
        if bare:
            steps.append(bare)
        steps.extend("*" for _ in range((len(part) - len(bare)) // 2))
    return steps


def _nested(x: Expr) -> Expr:
    return call("compare.in", call("logic.type_name", x), e.text("array"), e.text("dictionary"))


def scalar(x: Expr) -> Expr:
    """Return a JSON value as text, null for an object or array."""
    return call("dynamic.leaf", x)


def normal(x: Expr) -> Expr:
    """Return a stored value as SPL sees it."""
    match x.type:
        case Type.BOOL:
            return Case(((x, e.text("true")), (negate(x), e.text("false"))), e.null(Type.STRING), Type.STRING)
        case Type.DECIMAL:
            return call("logic.cast", x, type=Type.REAL)
        case Type.TIMESPAN:
            return call("number.divide", call("logic.cast", x, type=Type.LONG), e.Literal(1e7, Type.REAL))
        case Type.DATETIME:
            whole = call("compare.eq", call("time.start_of", x, e.text("second")), x)
            return Case(((whole, call("time.format", x, e.text("%Y-%m-%dT%H:%M:%SZ"))),), call("time.iso", x), Type.STRING)
        case Type.DYNAMIC:
            kind = call("logic.type_name", x)
            elements = _elements(x, ["*"])
            array = call("compare.eq", kind, e.text("array"))
            other = call("compare.in", kind, e.text("dictionary"), e.text("null"))
            single = multi_of(call("dynamic.text", x))
            return Case(((array, elements), (other, e.null(Type.DYNAMIC))), single, Type.DYNAMIC)
        case Type.GUID | Type.UNKNOWN:
            return call("logic.cast", x, type=Type.STRING) if x.type is Type.GUID else x
    return x
