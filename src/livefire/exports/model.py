"""What a target is given, and what it writes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from livefire.detections.detection import Attack, Card, Rule
from livefire.detections.tuning import Excepted
from livefire.diagnostics import Diagnostic, QueryError

REFUSED, NO_RULE = "E510", "E511"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file to be written, by its path below the folder of the export."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Events of a log source on which a rule has to fire, one JSON object a line, by their path below the folder of the export."""

    log_source: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Connector:
    """Where a product sends alerts: a name, the product's own kind, its settings without secrets, and what each message says.

    `secret` tells that it works only when its secret has been typed in.
    """

    name: str
    kind: str
    config: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    secret: bool = True


@dataclass(frozen=True, slots=True)
class Subject:
    """A detection as a target sees it: its card, the rule in the target's language, the columns of its rows.

    `sources` are the log sources that the rule reads; `part` tells it apart where a detection has a
    rule for each cloud.
    `single` tells that a row is an event, so that it can be found as it comes; `notes` are what the
    reader of the artefact has to know, such as the assumptions of a translation. `attack` is where
    the wanted version of ATT&CK places it, None where the card does not say. `day` is the day of the
    export, `made` tells that the rule was translated for it. `samples` are events that it fires on.
    `excepted` are the exceptions of a site, those of other detections too; `connectors` are told of its alerts.
    """

    card: Card
    rule: Rule
    columns: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    part: str = ""
    single: bool = False
    notes: tuple[str, ...] = ()
    attack: Attack | None = None
    day: str = "2026-01-01"
    made: bool = False
    samples: tuple[Sample, ...] = ()
    excepted: tuple[Excepted, ...] = ()
    connectors: tuple[Connector, ...] = ()

    @property
    def slug(self) -> str:
        """The detection's id, and the part, as a file name."""
        return re.sub(r"[^a-z0-9]+", "_", f"{self.card.id} {self.part}".lower()).strip("_") or "detection"

    @property
    def title(self) -> str:
        """The detection's title, and the part."""
        return f"{self.card.title} ({self.part})" if self.part else self.card.title

    @property
    def uuid(self) -> str:
        """An id that stays the same as long as the detection's id and language do."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"livefire:{self.card.id}:{self.part}:{self.rule.language}"))

    @property
    def description(self) -> str:
        """What the detection finds and why that matters, with what is to be known of its text."""
        return "\n\n".join(part for part in (self.card.what or self.card.title, self.card.why, *self.notes) if part)

    @property
    def query(self) -> str:
        """The rule's text without the line break at its end."""
        return self.rule.text.replace("\r\n", "\n").strip("\n")

    @property
    def lookback(self) -> int:
        """How far the rule looks back, in seconds; an hour where the card gives no length of time."""
        return seconds(self.card.lookback)


def seconds(text: str) -> int:
    """Return a length such as 15m or 1d in seconds."""
    found = re.fullmatch(r"(\d+)([smhd])", text.strip())
    return int(found[1]) * _SECONDS[found[2]] if found else 3600


def span(length: int, units: str = "dhms") -> str:
    """Return a length in seconds by the largest unit that it is a multiple of."""
    return next(f"{length // _SECONDS[u]}{u}" for u in units if length % _SECONDS[u] == 0)


class Check:
    """Collects what a product would refuse in a document."""

    def __init__(self, subject: str, product: str) -> None:
        self.subject = subject
        self.product = product
        self.faults: list[str] = []

    def need(self, holds: bool, fault: str) -> None:
        """Record a fault unless something holds."""
        if not holds:
            self.faults.append(fault)

    def one_of(self, name: str, value: Any, known: tuple[Any, ...]) -> None:
        """Record a value that is none of those a product knows."""
        self.need(value in known, f"{name} is {value!r}, and has to be one of {', '.join(map(str, known))}")

    def length(self, name: str, value: Any, least: int, most: int) -> None:
        """Record a text or list that is too short or too long."""
        self.need(least <= len(value) <= most, f"{name} has a length of {len(value):,}, and has to have {least:,} to {most:,}")

    def done(self) -> None:
        """Raise E510 where there was a fault."""
        if self.faults:
            refuse(REFUSED, f"{self.product} would refuse {self.subject}: {'; '.join(self.faults)}")


def refuse(code: str, message: str, help: str = "") -> NoReturn:
    """Raise a diagnostic about an artefact."""
    raise QueryError([Diagnostic("error", code, message, help=help)])
