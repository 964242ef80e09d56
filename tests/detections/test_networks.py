"""Networks count by their owner where a site says who that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire import QueryError, Workspace
from livefire.detections.baseline_files import load
from livefire.detections.evidence import acts_of
from livefire.logsources.networks import Networks
from tests.cli.logs import file_of, record

MAPPED = 0xFFFF << 32
PLACES = "network,country,asn\n203.0.113.0/24,DE,64500\n198.51.100.0/24,DE,AS64500\n198.51.100.128/25,DE,64501\n2001:db8::/32,DE,64502\n192.0.2.0/24,DE,\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "places.csv").write_text(PLACES)
    return folder


def workspace(tmp_path: Path, site: Path | None) -> Workspace:
    """Return a workspace over three weeks of one person at one address, who then comes from another block of the same owner."""
    days = [record(n, eventTime=f"2026-03-{n:02d}T09:00:00Z") for n in range(1, 21)]
    moved = record(21, eventTime="2026-03-21T09:00:00Z", sourceIPAddress="198.51.100.9")
    (tmp_path / "a.json").write_bytes(file_of(*days, moved))
    ws = Workspace(tmp_path / ("lake-by-owner" if site else "lake"))
    ws.declare(site)
    ws.ingest(tmp_path / "a.json")
    return ws


def test_the_smallest_network_that_is_named_owns_an_address(tmp_path: Path, site: Path) -> None:
    networks = workspace(tmp_path, site).bench().networks
    assert networks.by_owner
    assert [networks.of(a) for a in ("203.0.113.7", "198.51.100.9", "198.51.100.200", "2001:db8:1::7")] == ["AS64500", "AS64500", "AS64501", "AS64502"]
    # No owner is named for it, or it lies in no network of the file, or it is a service and no address.
    assert [networks.of(a) for a in ("192.0.2.1", "10.1.2.3", "ec2.amazonaws.com", "")] == ["192.0.2.0/24", "10.1.2.0/24", "ec2.amazonaws.com", ""]


def test_without_a_site_blocks_stand_for_themselves() -> None:
    assert not Networks().by_owner
    assert Networks().of("203.0.113.7") == "203.0.113.0/24"
    ranges = Networks.of_ranges([(MAPPED + (10 << 24), MAPPED + (10 << 24) + 255, "AS1")])
    assert (ranges.of("10.0.0.255"), ranges.of("10.0.1.0"), ranges.of("9.255.255.255")) == ("AS1", "10.0.1.0/24", "9.255.255.0/24")


@pytest.mark.parametrize(("by_owner", "new"), [(True, False), (False, True)])
def test_another_block_of_the_same_owner_is_not_new(tmp_path: Path, site: Path, *, by_owner: bool, new: bool) -> None:
    ws = workspace(tmp_path, site if by_owner else None)
    moved = "11111111-0000-0000-0000-" + f"{21:012x}"
    (act,) = acts_of([f"aws_cloudtrail/{moved}"], ws.bench()).values()
    assert ws.learn().baseline.is_new("network", act) is new


def test_a_baseline_learnt_by_the_other_measure_is_refused(tmp_path: Path, site: Path) -> None:
    ws = workspace(tmp_path, site)
    ws.learn(keep=True)
    kept = load(ws.lake.path).baseline
    assert ws.triage((), baseline=kept).baseline.networks.by_owner
    with pytest.raises(QueryError) as caught:
        Workspace(ws.lake.path).triage((), baseline=kept)
    assert [d.code for d in caught.value.diagnostics] == ["E521"]
