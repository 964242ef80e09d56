"""Microsoft's parser and ours agree on what is KQL: over the guide and the packs, and over mutations of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from livefire.detections.pack import BUNDLED
from tests.guides import examples
from tests.kusto.agreement import MODULES, by_cause, disagreements, mutations, present

GUIDE = Path(__file__).parents[2] / "docs" / "languages" / "kql.md"
MUTATIONS = 500
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not present(), reason=f"node or {MODULES.name}/@kusto is not there; `make test-all` installs the latter where npm is"),
]


def own_texts() -> list[str]:
    """Return the KQL that the project holds itself."""
    rules = [path.read_text(encoding="utf-8") for path in sorted(BUNDLED.rglob("*.kql"))]
    return [*rules, *(x.query for x in examples(GUIDE) if x.language == "kql")]


def test_the_projects_own_queries_are_kql_to_both() -> None:
    assert [d for d in disagreements(own_texts()) if not d.ours] == []


def test_mutated_queries_are_judged_alike() -> None:
    found = disagreements(mutations(own_texts(), MUTATIONS))
    assert len(found) <= MUTATIONS * 0.06, by_cause(found)
