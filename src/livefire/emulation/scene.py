"""The stage an emulation plays on: a clock, a source of ids, and the records written so far."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on the stage: its id, its time and whether it is only background."""

    event_id: str
    time: datetime
    noise: bool
    raw: dict[str, Any]


class Ids:
    """Identifiers in each cloud's format, drawn from one seed: the same seed gives the same ids in the same order."""

    def __init__(self, seed: str) -> None:
        # Not a secret: a seeded generator is the point, runs must repeat exactly.
        self.random = random.Random(seed)  # noqa: S311 - repeatable, not cryptographic

    def uuid(self) -> str:
        """Return a version 4 UUID in lower case."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def hexadecimal(self, length: int) -> str:
        """Return that many lower-case hexadecimal digits."""
        return f"{self.random.getrandbits(4 * length):0{length}x}"

    def digits(self, length: int) -> str:
        """Return a decimal number of that many digits, the first not zero."""
        return str(self.random.randrange(10 ** (length - 1), 10**length))

    def base32(self, length: int) -> str:
        """Return that many characters of the alphabet of AWS unique ids."""
        return "".join(self.random.choices(_BASE32, k=length))

    def base36(self, length: int) -> str:
        """Return that many lower-case letters and digits."""
        return "".join(self.random.choices(_BASE36, k=length))

    def ec2(self, prefix: str) -> str:
        """Return an EC2 resource id: the prefix (`i`, `vol`, `snap`, `ami`, ...), a dash, 17 hexadecimal digits starting with 0."""
        return f"{prefix}-0{self.hexadecimal(16)}"

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return self.random.choice(choices)

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high]."""
        return self.random.uniform(low, high)


class Scene:
    """A running story: `now` moves only by `wait` and `at`, records are added with `add`.

    Raises ValueError when the start carries no time zone.
    """

    def __init__(self, seed: str, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("an emulation's start needs a time zone")
        self.start = start.astimezone(UTC)
        self.now = self.start
        self.ids = Ids(seed)
        self.entries: list[Entry] = []
        self._noise = False

    def wait(self, seconds: float, upto: float | None = None) -> None:
        """Let that many seconds pass, or with `upto` a number drawn between the two."""
        pause = seconds if upto is None else self.ids.between(seconds, upto)
        self.now += timedelta(seconds=pause)

    @contextmanager
    def at(self, seconds: float) -> Iterator[None]:
        """Act that many seconds from now (negative: before), then return to the present."""
        present = self.now
        self.now = present + timedelta(seconds=seconds)
        try:
            yield
        finally:
            self.now = present

    @contextmanager
    def noise(self, seconds: float = 0.0) -> Iterator[None]:
        """Mark what is written inside as background, optionally at an offset from now."""
        before = self._noise
        self._noise = True
        try:
            with self.at(seconds):
                yield
        finally:
            self._noise = before

    def add(self, event_id: str, raw: dict[str, Any], time: datetime | None = None) -> None:
        """Write a record with the present time, or the given one."""
        self.entries.append(Entry(event_id, time or self.now, self._noise, raw))
