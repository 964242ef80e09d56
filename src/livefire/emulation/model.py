"""What an emulation is, and what it yields: raw records as a cloud writes them, each with its role in the story."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from livefire.emulation.scene import Scene

Json: TypeAlias = Any
"""A JSON value: object, array, string, number, boolean or null."""


class Cloud(enum.Enum):
    """The three clouds; the value is the name used in ids and folders."""

    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"

    @property
    def log_source(self) -> str:
        """Name of the log source that reads this cloud's records."""
        return _LOG_SOURCES[self]


_LOG_SOURCES = {Cloud.AWS: "aws_cloudtrail", Cloud.AZURE: "azure_activity", Cloud.GCP: "gcp_audit"}


_NEEDS = {
    Cloud.AWS: "AWS CLI v2 signed in to a test account (aws sts get-caller-identity), with a default network and a small instance of your own as $I",
    Cloud.AZURE: "Azure CLI signed in (az account show), Contributor on a test subscription, a resource group of your own as $G",
    Cloud.GCP: "gcloud signed in (gcloud auth list), Compute Admin on a test project, a zone as $Z",
}


class Kind(enum.Enum):
    """ATTACK must be found by a detection of its technique; LOOK_ALIKE must not be."""

    ATTACK = "attack"
    LOOK_ALIKE = "look_alike"


class Role(enum.Enum):
    """The part one record plays.

    ATTACK is evidence a detection should rest on; BENIGN is the look-alike's own activity;
    NOISE is everything that merely happened nearby.
    """

    ATTACK = "attack"
    BENIGN = "benign"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One raw record as delivered, its time (UTC) and its role.

    `event_id` is unique among all records of all seeds: CloudTrail `eventID`, Google `insertId`, and for Azure,
    whose resource-log form carries no id of its own, `correlationId/operationName/resultType/time`.
    """

    log_source: str
    event_id: str
    time: datetime
    role: Role
    raw: dict[str, Json]

    def line(self) -> str:
        """Return the record as one line of JSON, keys in the cloud's order."""
        return json.dumps(self.raw, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The records of one run of an emulation, ordered by time; records of one instant keep the order they were written in."""

    emulation_id: str
    log_source: str
    records: tuple[LogRecord, ...]

    def __iter__(self) -> Iterator[LogRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def raws(self) -> tuple[dict[str, Json], ...]:
        """Return the raw records alone, in order."""
        return tuple(r.raw for r in self.records)

    def of(self, role: Role) -> tuple[LogRecord, ...]:
        """Return the records of that role, in order."""
        return tuple(r for r in self.records if r.role is role)

    @property
    def evidence(self) -> tuple[LogRecord, ...]:
        """The attack records: empty for a look-alike."""
        return self.of(Role.ATTACK)

    @property
    def start(self) -> datetime:
        """Time of the first record."""
        return self.records[0].time

    @property
    def end(self) -> datetime:
        """Time of the last record."""
        return self.records[-1].time


@dataclass(frozen=True, slots=True)
class Emulation:
    """One story, told in the records a cloud would write had it happened.

    `signal` says what a detection must key on. `commands` is what a tester would type against a real account of
    their own, `cleanup` what undoes it; both are documentation, never executed. `span` bounds the story: no record
    lies before `start` minus `lead` or after `start` plus `span`. A look-alike names in `resembles` the attacks it
    could be taken for and in `differs_by` the fields that tell it apart. `page_tests` names the published test as
    `<page>#<number>`; a test printed on two pages has two names. `number` is a short second name: technique, cloud and
    a count, as in `T1578.004-aws-2`. `prerequisites` is what the commands need beside a tester's own account.
    """

    id: str
    technique: str
    cloud: Cloud
    title: str
    kind: Kind
    story: str
    signal: str
    build: Callable[[Scene], None]
    span: timedelta = timedelta(hours=1)
    lead: timedelta = timedelta(minutes=30)
    commands: tuple[str, ...] = ()
    cleanup: tuple[str, ...] = ()
    page_tests: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()
    number: str = ""
    resembles: tuple[str, ...] = ()
    differs_by: tuple[str, ...] = ()

    @property
    def page_test(self) -> str | None:
        """First name of the published test this emulates, or None."""
        return self.page_tests[0] if self.page_tests else None

    @property
    def log_source(self) -> str:
        """Name of the log source that reads the records."""
        return self.cloud.log_source

    @property
    def needs(self) -> tuple[str, ...]:
        """What a tester needs: the cloud's own tool and rights, then what this story asks for."""
        return (_NEEDS[self.cloud], *self.prerequisites)

    def generate(self, start: datetime, seed: int = 0) -> Telemetry:
        """Tell the story from `start` (aware, taken to UTC) and return its records.

        The same start and seed give the same records byte for byte; another seed gives the same story with other
        ids, addresses and pauses. Raises ValueError for a start without a time zone.
        """
        scene = Scene(f"{self.id}:{seed}", start)
        self.build(scene)
        own = Role.ATTACK if self.kind is Kind.ATTACK else Role.BENIGN
        records = [LogRecord(self.log_source, entry.event_id, entry.time, Role.NOISE if entry.noise else own, entry.raw) for entry in scene.entries]
        records.sort(key=lambda r: r.time)
        return Telemetry(self.id, self.log_source, tuple(records))
