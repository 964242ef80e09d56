"""Chains: each finds the attacks it covers by the lineage of their resources, and is silent on every look-alike."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest

from livefire.detections.chain import Chain, ChainFinding, acts_for_chains, find_chains, load_chains
from livefire.emulation.catalogue import emulations, find
from livefire.engines.base import Storage
from livefire.logsources.acts import Act
from livefire.proof.case import stage
from livefire.proving import as_case
from livefire.workspace import Workspace

CHAINS = load_chains()
ATTACKS = sorted({c for chain in CHAINS for c in chain.covers})
LOOK_ALIKES = [m.id for m in emulations() if m.kind.value == "look_alike"]
SOURCES = ("aws_cloudtrail", "azure_activity", "gcp_audit")


@cache
def acts(emulation: str) -> tuple[Act, ...]:
    """Return the acts of an emulation's events, as a lake would give them."""
    from dataclasses import replace

    staged = stage(as_case(find(emulation)), SOURCES)
    bench = Workspace().bench(now=staged.case.end + timedelta(minutes=1))
    return acts_for_chains(replace(bench, storage=Storage(staged.storage.tables)))


def found(emulation: str) -> dict[str, ChainFinding]:
    """Return what the chains find in an emulation, by chain."""
    return {f.chain.id: f for f in find_chains(CHAINS, acts(emulation))}


@pytest.mark.parametrize("chain", CHAINS, ids=lambda c: c.id)
def test_a_chain_is_found_in_an_attack_it_covers(chain: Chain) -> None:
    # The first of each here; the slow test below takes all.
    assert chain.id in found(chain.covers[0])


def test_lineage_is_followed_through_a_copy_in_another_region() -> None:
    finding = found("T1578.001/aws-copied-across-regions")["T1578.chain/shared-copy-used"]
    copied, shared, used = (act for _, act in finding.steps)
    assert (copied.action, shared.action, used.action) == ("CreateSnapshot", "ModifySnapshotAttribute", "SharedSnapshotCopyInitiated")
    # The snapshot that was taken is not the one that was shared: only the copy joins them.
    original, copy = copied.resources[0], shared.resources[0]
    assert original != copy
    assert (original, copy) in {(link.parent, link.child) for link in finding.links}
    assert used.account == "111122223333"
    assert used.region == "ap-southeast-3"


def test_the_graph_holds_what_lies_between_two_steps() -> None:
    finding = found("T1578.002/gcp-snapshot-to-instance")["T1578.chain/copy-mounted-in-instance"]
    how = {(link.parent.rpartition("/")[2], link.child.rpartition("/")[2]) for link in finding.links}
    # snapshot of the database disk, a disk of the snapshot, an instance with the disk
    assert {("orders-db", "livefire-stage"), ("livefire-stage", "livefire-stage-disk"), ("livefire-stage-disk", "livefire-stage")} <= how


def test_evidence_names_the_acts_in_order() -> None:
    finding = found("T1578.003/aws-protection-off")["T1578.chain/unprotected-and-deleted"]
    assert [act.action for _, act in finding.steps] == ["ModifyInstanceAttribute", "TerminateInstances"]
    assert len(finding.evidence) == 2


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_every_chain_finds_what_it_covers(attack: str) -> None:
    assert {c.id for c in CHAINS if attack in c.covers} <= set(found(attack))


@pytest.mark.slow
@pytest.mark.parametrize("look_alike", LOOK_ALIKES)
def test_chains_are_silent_on_look_alikes(look_alike: str) -> None:
    assert found(look_alike) == {}


def test_a_finding_costs_no_more_than_a_look_at_each_link() -> None:
    """Nightly copies of others leave forty thousand links: told apart pair by pair that is a billion and a half comparisons, minutes for one finding."""
    from dataclasses import replace
    from time import process_time

    from livefire.logsources.acts import Link

    story = acts("T1578.002/gcp-snapshot-to-instance")
    noise = tuple(Link(f"vol-{n}", f"snap-{n}", "copied") for n in range(40_000))
    crowd = replace(story[0], event="crowd", actor="backup", verb="", resources=(), links=noise)
    began = process_time()
    findings = find_chains(CHAINS, (crowd, *story))
    assert process_time() - began < 20
    assert {f.chain.id: f.links for f in findings} == {f.chain.id: f.links for f in find_chains(CHAINS, story)}
