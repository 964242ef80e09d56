"""Agreement with the documents that Elastic's own pipelines make of the same events."""

from pathlib import Path

import pytest

from livefire.tables.agreement import compare, leaves
from tests.tables.pairs import DATASETS, by_field, measure


def test_leaves_are_the_same_nested_or_flat() -> None:
    assert dict(leaves({"a": {"b": [1], "c": None}, "d": ""})) == dict(leaves({"a.b": "1"})) == {"a.b": "1"}
    assert dict(leaves({"t": "2026-03-04T09:00:00.1234567Z"})) == {"t": "2026-03-04T09:00:00.123Z"}
    assert dict(leaves({"r": [{"x": 2}, {"x": 1}]})) == {"r.x": ("1", "2")}


def test_counts_agreement_and_says_where_the_two_differ() -> None:
    found = compare([{"a": 1, "b": "x", "extra": True}], [{"a": "1", "b": "y"}], lambda name: name == "c")
    # a agrees; b differs; extra is only in the row.
    assert found.figure == (1, 3)
    assert [(d.field, d.expected, d.shown) for d in found.differences] == [("b", "y", "x"), ("extra", None, "true")]
    assert compare([{"a": 1, "extra": 2}], [{"a": 1}], lambda _: False, whole=False).figure == (1, 1)


PAIRS = Path(__file__).resolve().parents[3] / "shared" / "logs"


@pytest.mark.skipif(not PAIRS.is_dir(), reason="the pipelines' own test documents are not beside the project")
def test_agrees_with_the_documents_of_elastic_s_own_pipelines() -> None:
    found = measure(PAIRS)
    assert {a.dataset for a in found} == set(DATASETS)
    for one in found:
        # Extracts are of the pipelines of today, which the tables follow; the whole documents are of older ones.
        least = 0.95 if one.current else 0.85 if one.dataset != "gcp/audit" else 0.4
        assert one.agreed / one.compared >= least, (one.dataset, one.generation, one.agreed, one.compared, one.differing.most_common(5))


@pytest.mark.skipif(not PAIRS.is_dir(), reason="the pipelines' own test documents are not beside the project")
def test_fields_that_rules_use_agree_but_for_those_with_a_known_reason() -> None:
    """The reasons stand in docs/conformance-notes.md."""
    known = {
        "aws.cloudtrail.request_parameters",
        "aws.cloudtrail.response_elements",
    }
    found = by_field(PAIRS)
    assert {f.field for f in found if f.agreed < f.compared} <= known
    compared = sum(f.compared for f in found)
    assert compared > 1000
    assert sum(f.agreed for f in found) / compared >= 0.97
