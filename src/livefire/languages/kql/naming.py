"""The names Kusto gives to columns that a query leaves unnamed, and how it tells equal names apart."""

from __future__ import annotations

from collections.abc import Iterable

from livefire.languages.kit.ast import Apply, Constant, Index, Member, Name
from livefire.languages.kql.naming_rules import naming_of


def default_name(node: object) -> str | None:
    """Return the name an expression gives its column, None where Kusto numbers it."""
    match node:
        case Name(text=text):
            # A name that no query can write stands for a part that was worked out before.
            return None if text.startswith("\x02") else text
        case Member(base=Name(text="$left" | "$right"), name=name):
            return name
        case Member(base=base, name=name):
            before = default_name(base)
            return f"{before}_{name}" if before is not None else None
        case Index(base=base, index=Constant(value=value)):
            before = default_name(base)
            return f"{before}_{value}" if before is not None else None
        case Apply():
            return _call_name(node)
        case _:
            return None


def _call_name(node: Apply) -> str | None:
    if node.function.startswith("covariance"):
        return "_".join([node.function, *(default_name(a.value) or "" for a in node.args[:2])])
    if node.function in ("percentile", "percentilew") and node.args and isinstance(share := node.args[-1].value, Constant) and isinstance(share.value, int):
        return f"percentile_{default_name(node.args[0].value) or ''}_{share.value}"
    rule = naming_of(node.function)
    if rule is None:
        return None
    first = node.args[0].value if node.args else None
    if node.function in ("make_datetime", "make_timespan") and len(node.args) > 1:
        return None
    if rule == "first":
        # A name that is written inside the call goes through to the column.
        return node.args[0].name or default_name(first) if node.args else None
    if rule == "literal":
        return str(first.value) if isinstance(first, Constant) else None
    name = default_name(first)
    if rule == "name":
        return f"{node.function}_{name}" if name is not None else None
    if rule.endswith("!"):
        return rule[:-1]
    return f"{rule}_{name or ''}"


class Namer:
    """Gives the columns of one operator their names in order."""

    def __init__(self, taken: Iterable[str] = (), unnamed: str = "Column", first: int = 1) -> None:
        self._taken = set(taken)
        self._written: set[str] = set()
        self._unnamed = unnamed
        self._next = first

    def unique(self, name: str) -> str:
        """Return the name, with the least number that makes it new."""
        candidate, count = name, 0
        while candidate in self._taken:
            count += 1
            candidate = f"{name}{count}"
        self._taken.add(candidate)
        return candidate

    def claim(self, name: str) -> str | None:
        """Take a name that was written; one that a default has taken is numbered, one written before gives None."""
        if name in self._written:
            return None
        self._written.add(name)
        return self.unique(name)

    def taken(self, name: str) -> bool:
        """True when the name is in use."""
        return name in self._taken

    def numbered(self) -> str:
        """Return the next of Column1, Column2 … that is not in use."""
        while True:
            candidate = f"{self._unnamed}{self._next}"
            self._next += 1
            if candidate not in self._taken:
                self._taken.add(candidate)
                return candidate
