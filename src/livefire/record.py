"""Values that are made by the thousand for every query: places, expressions, plans, syntax trees.

A frozen dataclass sets each field through `object.__setattr__`, which makes it several times dearer to
make than one that is not; a rule of twenty lines takes a thousand of them. So the checker of types holds
these unchangeable, and the interpreter makes them as plain slots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass

    def record(*, frozen: bool, slots: bool):
        """Return what makes a class a dataclass compared and hashed by its fields; nothing may change one, as its type says."""
        if not frozen:
            raise TypeError("a record is frozen")
        return dataclass(slots=slots, unsafe_hash=True)


__all__ = ["record"]
