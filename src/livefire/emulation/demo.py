"""A small company's week in three clouds, with some attacks and look-alikes planted in it and the truth beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from livefire.emulation.catalogue import find
from livefire.emulation.delivery import write_records
from livefire.emulation.model import Cloud, Emulation, LogRecord, Role, Telemetry
from livefire.emulation.noise import AWS_HABITS, AZURE_HABITS, GCP_HABITS, Habit, live
from livefire.emulation.scene import Scene

DEMO_START = datetime(2026, 9, 14, tzinfo=UTC)
"""A Monday."""
_DAYS = 5


@dataclass(frozen=True, slots=True)
class Planted:
    """A story in the demo: which emulation, and when it was told."""

    emulation_id: str
    start: datetime
    records: int


@dataclass(frozen=True, slots=True)
class Demo:
    """What was written: `logs` is the folder to hunt in, `ground_truth` the file beside it, `events` the number of records."""

    logs: Path
    ground_truth: Path
    files: tuple[Path, ...]
    events: int
    planted: tuple[Planted, ...]


# (habits, how many over the five days) per cloud.
_LIFE: tuple[tuple[Cloud, Sequence[Habit], int], ...] = (
    (Cloud.AWS, AWS_HABITS, 2000),
    (Cloud.AZURE, AZURE_HABITS, 260),
    (Cloud.GCP, GCP_HABITS, 420),
)
# (day, hour, emulation): the benign stories recur, the attacks come once.
_STORIES: tuple[tuple[int, float, str], ...] = (
    *((day, 18.0, "T1578.004/aws-nightly-stop-start") for day in range(_DAYS - 1)),
    *((day, 2.0, "T1578/aws-daily-snapshots") for day in range(_DAYS)),
    *((day, 1.0, "T1578/azure-backup-snapshots") for day in range(_DAYS)),
    *((day, 3.0, "T1578/gcp-scheduled-snapshots") for day in range(_DAYS)),
    *((day, 9.5, "T1578.002/aws-autoscaling-launch") for day in range(_DAYS)),
    *((day, 13.0, "T1578/aws-scale-in") for day in range(0, _DAYS, 2)),
    *((day, 11.0, "T1578.002/gcp-managed-instance-group") for day in range(1, _DAYS, 2)),
    (0, 10.2, "T1578.002/aws-pipeline-launch"),
    (1, 14.6, "T1578.002/azure-vm-tag-update"),
    (1, 15.3, "T1578.004/aws-new-data-volume"),
    (2, 8.4, "T1578.004/aws-image-pipeline"),
    (2, 9.9, "T1578.004/azure-empty-disk"),
    (3, 10.1, "T1578.002/aws-dry-run"),
    (3, 16.0, "T1578/aws-unshare-snapshot"),
    (4, 4.0, "T1578/aws-share-with-backup-account"),
    (2, 22.7, "T1578.002/aws-refused-then-elsewhere"),
    (3, 1.3, "T1578/aws-share-snapshot"),
    (3, 2.6, "T1578.002/aws-snapshot-to-instance"),
    (3, 3.4, "T1578.002/azure-create-vm"),
    (3, 4.2, "T1578.004/azure-disk-from-snapshot"),
    (3, 5.1, "T1578.002/gcp-create-instance"),
    (3, 5.8, "T1578.004/aws-stop-start"),
    (4, 0.6, "T1578/aws-terminate-instance"),
)


def write_demo(folder: Path, seed: int = 0, start: datetime = DEMO_START) -> Demo:
    """Write five days of logs from `start` to `folder/logs` and `folder/ground_truth.jsonl`.

    A truth line per record of a story: `event_id`, `log_source`, `time`, `role` (attack or benign), `emulation`,
    `technique`; for Azure, whose rows have no id, also `correlation_id`, `operation` and `result`. What is not listed is noise.
    The same arguments give the same bytes. Raises OSError when the folder cannot be written.
    """
    records: list[LogRecord] = []
    truth: list[dict[str, Any]] = []
    planted: list[Planted] = []
    for cloud, habits, count in _LIFE:
        records.extend(_ordinary_days(cloud, habits, count, seed, start))
    for number, (day, hour, emulation_id) in enumerate(_STORIES):
        emulation = find(emulation_id)
        telemetry = emulation.generate(start + timedelta(days=day, hours=hour), seed * 1000 + number)
        records.extend(telemetry)
        truth.extend(_truth(emulation, telemetry))
        planted.append(Planted(emulation_id, telemetry.start, len(telemetry)))
    records.sort(key=lambda r: r.time)
    logs = folder / "logs"
    files = write_records(records, logs)
    truth.sort(key=lambda line: (line["time"], line["event_id"]))
    # Beside the logs, not among them: it is no log.
    ground_truth = folder / "ground_truth.jsonl"
    ground_truth.write_text("".join(json.dumps(line) + "\n" for line in truth), encoding="utf-8")
    return Demo(logs, ground_truth, files, len(records), tuple(planted))


def _ordinary_days(cloud: Cloud, habits: Sequence[Habit], count: int, seed: int, start: datetime) -> list[LogRecord]:
    scene = Scene(f"demo:{cloud.value}:{seed}", start)
    live(scene, habits, count, _DAYS)
    return [LogRecord(cloud.log_source, entry.event_id, entry.time, Role.NOISE, entry.raw) for entry in scene.entries]


def _truth(emulation: Emulation, telemetry: Telemetry) -> list[dict[str, Any]]:
    lines = []
    for record in telemetry:
        if record.role is Role.NOISE:
            continue
        line: dict[str, Any] = {
            "event_id": record.event_id,
            "log_source": record.log_source,
            "time": record.time.isoformat(),
            "role": record.role.value,
            "emulation": emulation.id,
            "technique": emulation.technique,
        }
        if emulation.cloud is Cloud.AZURE:
            line |= {"correlation_id": record.raw["correlationId"], "operation": record.raw["operationName"], "result": record.raw["resultType"]}
        lines.append(line)
    return lines
