"""The project's own log sources read what the emulations write: every record one event, nothing set aside."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livefire.emulation import Emulation, emulations, write
from livefire.emulation.azure import portal_form
from livefire.emulation.delivery import event_hub_message, portal_page
from livefire.emulation.model import Cloud
from livefire.logsources.limits import Limits
from livefire.logsources.reader import read
from livefire.logsources.registry import SOURCES

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def read_all(streams: list[bytes]) -> tuple[dict[str, list[dict[str, object]]], int]:
    """Events as rows by log source, and how many records were set aside."""
    events: dict[str, list[dict[str, object]]] = {}
    faults = 0
    for data in streams:
        for parsed in read(io.BytesIO(data), SOURCES, Limits()):
            faults += len(parsed.quarantined)
            for batch in parsed.batches:
                rows = events.setdefault(batch.source.name, [])
                rows.extend({name: column[n] for name, column in batch.columns.items()} for n in range(batch.size))
    return events, faults


@pytest.mark.parametrize("emulation", emulations(), ids=lambda e: e.id)
def test_every_delivered_record_is_one_event_of_its_source(emulation: Emulation, tmp_path: Path) -> None:
    telemetry = emulation.generate(START, 1)
    events, faults = read_all([f.read_bytes() for f in write(emulation, tmp_path, START, 1)])
    assert faults == 0
    assert list(events) == [emulation.log_source]
    rows = events[emulation.log_source]
    assert len(rows) == len(telemetry)
    assert len({row["_id"] for row in rows}) == len(rows)
    assert all(row["_flags"] in (None, "", [], ()) for row in rows)


@pytest.mark.parametrize("emulation", [e for e in emulations() if e.cloud is not Cloud.AZURE], ids=lambda e: e.id)
def test_the_stored_id_is_the_truths_id(emulation: Emulation, tmp_path: Path) -> None:
    events, _ = read_all([f.read_bytes() for f in write(emulation, tmp_path, START, 2)])
    # Google's insertId counts within a log and a moment, so the stored id goes on with both after a bar.
    assert {str(row["_id"]).split("|")[0] for row in events[emulation.log_source]} == {r.event_id for r in emulation.generate(START, 2)}


@pytest.mark.parametrize("emulation", [e for e in emulations() if e.cloud is Cloud.AZURE], ids=lambda e: e.id)
def test_azure_rows_read_alike_by_every_road(emulation: Emulation) -> None:
    telemetry = emulation.generate(START, 3)
    by_hub, faults = read_all([event_hub_message(telemetry)])
    assert faults == 0
    by_portal, faults = read_all([portal_page(telemetry)])
    assert faults == 0
    hub, portal = by_hub["azure_activity"], by_portal["azure_activity"]
    assert len(hub) == len(portal) == len(telemetry)
    for one, other, raw in zip(hub, portal, telemetry.raws(), strict=True):
        assert (one["form"], other["form"]) == ("resource_log", "rest")
        assert one["correlation_id"] == other["correlation_id"] == raw["correlationId"]
        assert str(one["operation"]).lower() == str(other["operation"]).lower()
        assert other["event_data_id"] == portal_form(raw)["eventDataId"]
