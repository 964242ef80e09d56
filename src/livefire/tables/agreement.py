"""How far a table agrees with documents that the product itself made of the same events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one event where the two differ; an absent value is None."""

    event: int
    field: str
    expected: Any
    shown: Any


@dataclass(slots=True)
class Agreement:
    """Counts over all pairs: for each field how often it was compared and how often it agreed."""

    compared: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def figure(self) -> tuple[int, int]:
        """Fields that agree, and fields compared."""
        return self.agreed.total(), self.compared.total()

    def by_field(self) -> Mapping[str, tuple[int, int]]:
        """Return for each field that ever differed: agreed, compared."""
        return {f: (self.agreed[f], n) for f, n in sorted(self.compared.items()) if self.agreed[f] < n}


def compare(shown: Sequence[Document], expected: Sequence[Document], left_out: Callable[[str], bool], whole: bool = True) -> Agreement:
    """Compare rows of a table with the product's documents of the same events, field by field.

    Fields are leaves by dotted path, whether written nested or flat. Arrays are compared without
    order, as a search index does, and one element is the same as that element alone. `left_out`
    names fields that are not the table's business. Where the expected documents are not `whole`,
    fields that only the table has are passed over. ValueError when the two differ in length.
    """
    found = Agreement()
    for number, (row, document) in enumerate(zip(shown, expected, strict=True)):
        ours, theirs = dict(leaves(row)), dict(leaves(document))
        for name in sorted(theirs.keys() | ours.keys() if whole else theirs.keys()):
            if left_out(name):
                continue
            found.compared[name] += 1
            left, right = theirs.get(name), ours.get(name)
            if left == right:
                found.agreed[name] += 1
            else:
                found.differences.append(Difference(number, name, left, right))
    return found


def leaves(document: Document, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a document by dotted path, in a form that compares; null and empty values are left out."""
    for name, value in document.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(v, Mapping) for v in value):
            yield from _gathered(value, path)
        else:
            leaf = _comparable(value)
            if leaf is not None:
                yield path, leaf


def _gathered(values: list[Any], path: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of an array of objects as a search index holds them: all values of a path together."""
    together: dict[str, list[Any]] = {}
    for value in values:
        for name, leaf in leaves(value, f"{path}.") if isinstance(value, Mapping) else ():
            together.setdefault(name, []).extend(leaf if isinstance(leaf, tuple) else [leaf])
    for name, found in together.items():
        yield name, _comparable(found)


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        parts = sorted({str(_comparable(v)) for v in value if v is not None})
        return None if not parts else parts[0] if len(parts) == 1 else tuple(parts)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, str):
        return _instant_of(value)
    return str(value)


def _instant(moment: datetime) -> str:
    """A time as text with milliseconds, which is what a date field of Elasticsearch keeps."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _instant_of(text: str) -> str:
    if len(text) < 19 or text[4:5] != "-" or text[10:11] != "T":
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return _instant(moment.astimezone(UTC) if moment.tzinfo is not None else moment)
