"""Our CloudTrail records against real ones of the same actions: which paths of the real records ours have.

The real records belong to others and lie outside the project; without them these tests are skipped.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from livefire.emulation import Cloud, emulations

LOGS = Path(__file__).resolve().parents[3] / "shared" / "logs"
SOURCES = ("invictus-aws/**/*.json", "stratus-red-team/**/*.json", "elastic-integrations-main/aws-cloudtrail/*.log")
START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
# Written empty by event version 1.08 for every role session, and absent from current records.
OLD = {"userIdentity.sessionContext.webIdFederationData"}
ACTIONS = (
    "RunInstances",
    "TerminateInstances",
    "StopInstances",
    "StartInstances",
    "CreateSnapshot",
    "ModifySnapshotAttribute",
    "CreateVolume",
    "RegisterImage",
    "SharedSnapshotVolumeCreated",
    "DescribeInstances",
    "DescribeSnapshots",
    "DescribeVolumes",
    "UpdateInstanceInformation",
    "CreateTags",
)
pytestmark = pytest.mark.skipif(not LOGS.is_dir(), reason="the real logs of others are not beside the project")


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Paths of the leaves, list positions left out; an empty object or list is a leaf."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from paths(member, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list) and value:
        for member in value:
            yield from paths(member, f"{prefix}[]")
    else:
        yield prefix


def records_in(file: Path) -> Iterator[dict[str, Any]]:
    text = file.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    yield from found.get("Records", [found]) if isinstance(found, dict) else found


@pytest.fixture(scope="module")
def real() -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for pattern in SOURCES:
        for file in LOGS.glob(pattern):
            for record in records_in(file):
                if record.get("eventName") in ACTIONS:
                    found[record["eventName"]].update(paths(record))
    return found


@pytest.fixture(scope="module")
def ours() -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for emulation in emulations():
        if emulation.cloud is Cloud.AWS:
            for seed in range(3):
                for raw in emulation.generate(START, seed).raws():
                    found[raw["eventName"]].update(paths(raw))
    return found


@pytest.mark.parametrize("action", ACTIONS)
def test_ours_have_the_paths_of_real_records(action: str, real: dict[str, set[str]], ours: dict[str, set[str]], record_property: Any) -> None:
    assert real[action], "no real record of the action found"
    # Who acted is no matter of the action: identities are compared below, over all actions.
    wanted = {p for p in real[action] if not p.startswith("userIdentity.")}
    missing = wanted - ours[action]
    record_property("coverage", f"{action} {len(wanted - missing)}/{len(wanted)}")
    print(f"{action}: {len(wanted - missing)} of {len(wanted)} real paths; missing: {sorted(missing)}; ours only: {sorted(ours[action] - wanted)}")
    assert not missing


def test_ours_have_the_paths_of_real_identities(real: dict[str, set[str]], ours: dict[str, set[str]]) -> None:
    def of_identities(found: dict[str, set[str]]) -> set[str]:
        return {p for action in ACTIONS for p in found[action] if p.startswith("userIdentity.")}

    assert of_identities(real) - of_identities(ours) <= OLD
