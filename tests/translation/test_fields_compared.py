"""Two fields of one event compared with each other."""

from __future__ import annotations

import pytest

from livefire.diagnostics import QueryError
from livefire.workspace import Workspace

SIGMA = """
title: Used by another account
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: SharedSnapshotVolumeCreated}
  same: {userIdentity.accountId|fieldref: recipientAccountId}
  condition: selection and not same
"""
ESQL = 'FROM logs-aws.cloudtrail-* | WHERE event.action == "SharedSnapshotVolumeCreated" AND cloud.account.id != aws.cloudtrail.recipient_account_id'


@pytest.mark.parametrize("target", ["kql", "esql", "spl"])
def test_a_field_that_differs_from_another_or_is_missing(target: str) -> None:
    # Not the same is also said of an event that lacks one of the two.
    done = Workspace().translate(SIGMA, target)
    assert done.proof is not None
    assert (done.proof.verdict, done.proof.difference) == ("proved", None)
    assert done.proof.found > 1


@pytest.mark.parametrize("target", ["kql", "spl", "cql"])
def test_a_field_that_is_there_and_differs(target: str) -> None:
    # ES|QL's != is null, and so no finding, where one is missing; case counts.
    done = Workspace().translate(ESQL, target, "esql")
    assert done.proof is not None
    assert (done.proof.verdict, done.proof.difference) == ("proved", None)


def test_eql_asks_a_function_of_both_fields() -> None:
    # EQL compares no two fields with ==; of two texts each of which ends with the other both are the same.
    done = Workspace().translate(SIGMA, "eql")
    assert "endsWith~(cloud.account.id, aws.cloudtrail.recipient_account_id)" in done.text
    assert done.proof is not None
    assert (done.proof.verdict, done.proof.difference) == ("proved", None)


def test_logscale_compares_no_two_fields_without_regard_to_case() -> None:
    with pytest.raises(QueryError, match="E311"):
        Workspace().translate(SIGMA, "cql")
