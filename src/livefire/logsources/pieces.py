"""What framing hands on: stretches of a text that hold whole records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Piece:
    """Whole records next to each other: comma-separated, with `lines` one a line, or where `cuts` says.

    `offset` counts bytes of the inflated text; `cuts` are starts and ends within `data`. `salvaged`
    marks a record found by looking for it. `decoded` holds the records where proving the stretch
    decoded them already.
    """

    data: bytes
    offset: int
    lines: bool = False
    salvaged: bool = False
    cuts: list[tuple[int, int]] | None = None
    decoded: list[Any] | None = None
