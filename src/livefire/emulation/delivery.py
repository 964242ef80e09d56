"""Files as each cloud would deliver them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from livefire.emulation.actors import AWS, AZURE
from livefire.emulation.azure import portal_form
from livefire.emulation.model import Cloud, Emulation, LogRecord

_AWS, _AZURE, _GCP = (c.log_source for c in Cloud)


def write(emulation: Emulation, folder: Path, start: datetime, seed: int = 0) -> tuple[Path, ...]:
    """Write one run of an emulation below `folder` and return the files.

    The same arguments give the same bytes. Raises OSError when the folder cannot be written, ValueError for a start
    without a time zone.
    """
    return write_records(emulation.generate(start, seed), folder)


def write_records(records: Iterable[LogRecord], folder: Path) -> tuple[Path, ...]:
    """Write records of any of the three clouds, each in its layout, and return the files, sorted.

    CloudTrail: `AWSLogs/<account>/CloudTrail/<region>/yyyy/mm/dd/*.json.gz`, five minutes a file, `{"Records": [...]}`
    (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html).
    Azure: `insights-activity-logs/resourceId=/SUBSCRIPTIONS/<id>/y=/m=/d=/h=/m=00/PT1H.json`, a record a line
    (https://learn.microsoft.com/azure/azure-monitor/essentials/activity-log).
    Google: `cloudaudit.googleapis.com/<log>/yyyy/mm/dd/`, an hour a file, a LogEntry a line
    (https://cloud.google.com/logging/docs/export/storage).
    """
    files: defaultdict[str, list[LogRecord]] = defaultdict(list)
    for record in records:
        files[_PLACES[record.log_source](record)].append(record)
    written = [_write_file(folder / place, place, members) for place, members in files.items()]
    return tuple(sorted(written))


def event_hub_message(records: Iterable[LogRecord]) -> bytes:
    """Return Azure rows as one Event Hub message: `{"records": [...]}`."""
    return json.dumps({"records": [r.raw for r in records]}, separators=(",", ":")).encode()


def portal_page(records: Iterable[LogRecord]) -> bytes:
    """Return Azure rows as one page of the REST API: `{"value": [...]}` in the portal's form."""
    return json.dumps({"value": [portal_form(r.raw) for r in records]}, separators=(",", ":")).encode()


def _trail_file(record: LogRecord) -> str:
    region = record.raw["awsRegion"]
    # Named after the end of its five minutes, as deliveries are.
    until = record.time.replace(minute=record.time.minute // 5 * 5, second=0, microsecond=0) + timedelta(minutes=5)
    name = f"{AWS.account}_CloudTrail_{region}_{until:%Y%m%dT%H%MZ}"
    return f"AWSLogs/{AWS.account}/CloudTrail/{region}/{record.time:%Y/%m/%d}/{name}"


def _activity_file(record: LogRecord) -> str:
    hour = f"{record.time:y=%Y/m=%m/d=%d/h=%H}"
    return f"insights-activity-logs/resourceId=/SUBSCRIPTIONS/{AZURE.subscription.upper()}/{hour}/m=00/PT1H.json"


def _audit_file(record: LogRecord) -> str:
    log = record.raw["logName"].rsplit("%2F", 1)[1]
    # Google writes 09:00:00_09:59:59_S0.json; a colon is no legal file name on Windows.
    return f"cloudaudit.googleapis.com/{log}/{record.time:%Y/%m/%d}/{record.time:%H}0000_{record.time:%H}5959_S0.json"


_PLACES = {_AWS: _trail_file, _AZURE: _activity_file, _GCP: _audit_file}


def _write_file(path: Path, place: str, members: list[LogRecord]) -> Path:
    if members[0].log_source == _AWS:
        body = json.dumps({"Records": [r.raw for r in members]}, separators=(",", ":")).encode()
        suffix = hashlib.sha256(place.encode() + body).hexdigest()[:16]
        path = path.with_name(f"{path.name}_{suffix}.json.gz")
        # No time stamp in the gzip header: the same records give the same bytes.
        data = gzip.compress(body, compresslevel=5, mtime=0)
    else:
        data = "".join(r.line() + "\n" for r in members).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
