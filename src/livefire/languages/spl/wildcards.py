"""Names with `*` in them."""

from __future__ import annotations

import re
from collections.abc import Iterable


def is_pattern(text: str) -> bool:
    """True when the name stands for several."""
    return "*" in text


def pattern_of(text: str) -> re.Pattern[str]:
    """Return the expression of a name with wildcards, one group a `*`."""
    return re.compile("(.*)".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def matching(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that a pattern stands for; those that begin with `_` only when the pattern does."""
    pattern = pattern_of(text)
    return tuple(x for x in names if pattern.fullmatch(x) and (not x.startswith("_") or text.startswith("_")))


def capture(pattern: str, name: str) -> tuple[str, ...] | None:
    """Return what each `*` of a pattern stands for in a name, None when it does not fit."""
    match = pattern_of(pattern).fullmatch(name)
    return match.groups() if match else None


def fill(pattern: str, parts: tuple[str, ...]) -> str:
    """Return a pattern with each `*` replaced by the part of its place."""
    pieces = pattern.split("*")
    middle = [*parts, *[""] * len(pieces)]
    return pieces[0] + "".join(m + p for m, p in zip(middle, pieces[1:], strict=False))
