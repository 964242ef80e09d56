"""Which network an address belongs to: by its owner where a site says who that is, else by its block."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from livefire.logsources.traits import network_of

# Where the addresses of IPv4 stand among those of IPv6, ::ffff:0:0/96.
_MAPPED = 0xFFFF << 32


@dataclass(frozen=True, slots=True)
class Networks:
    """Ranges of addresses with their owner, such as `AS16509`, in order and apart; without any, blocks stand for themselves."""

    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    owner: tuple[str, ...] = ()

    @classmethod
    def of_ranges(cls, ranges: Iterable[tuple[int, int, str]]) -> Networks:
        """Return the networks of ranges that do not overlap; IPv4 addresses are those of ::ffff:0:0/96."""
        kept: Sequence[tuple[int, int, str]] = sorted(r for r in ranges if r[2])
        return cls(*(tuple(column) for column in zip(*kept, strict=True))) if kept else cls()

    @property
    def by_owner(self) -> bool:
        """True when addresses count by who owns their network."""
        return bool(self.first)

    def of(self, address: str) -> str:
        """Return the owner of an address's network, or its block where nobody is named (`network_of`)."""
        if self.first:
            try:
                parsed = ipaddress.ip_address(address)
            except ValueError:
                return network_of(address)
            number = int(parsed) + (_MAPPED if parsed.version == 4 else 0)
            place = bisect_right(self.first, number) - 1
            if place >= 0 and number <= self.last[place]:
                return self.owner[place]
        return network_of(address)
