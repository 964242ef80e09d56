"""A column that the target lacks, asked of the places of which it is the first that is there."""

from __future__ import annotations

from livefire.workspace import Workspace

RULE = """
title: Policy assignment deleted by somebody else
logsource: {product: azure, service: activitylogs}
detection:
  selection: {operationName: Microsoft.Authorization/policyAssignments/delete}
  own: {caller: deploy@example.com}
  condition: selection and not own
"""
UPN = "azure.activitylogs.identity.claims.http://schemas_xmlsoap_org/ws/2005/05/identity/claims/upn"
OBJECT = "azure.activitylogs.identity.claims.http://schemas_microsoft_com/identity/claims/objectidentifier"


def test_the_caller_is_asked_of_the_claims_it_comes_from() -> None:
    # The caller of a resource log is the name claim, or without one (or an empty one) the object id; Elastic shows both and has no caller.
    done = Workspace().translate(RULE, "eql")
    assert UPN in done.text
    assert OBJECT in done.text
    assert done.proof is not None
    assert done.proof.verdict == "proved"
    assert {a.words for a in done.translation.assumptions} >= {"no event comes in the REST form", "no event comes in the log analytics form"}


def test_a_claim_is_one_place_however_a_product_reaches_it() -> None:
    # Sigma reads claims.appid below the claims, Elastic shows the hot column that holds the same.
    rule = RULE.replace("caller: deploy@example.com", "claims.appid: 00000000-0000-0000-0000-000000000001")
    done = Workspace().translate(rule, "esql")
    assert "identity.claims.appid" in done.text
    assert done.proof is not None
    assert done.proof.verdict == "proved"


def test_the_role_behind_a_session_is_asked_of_the_name_beside_what_only_a_session_has() -> None:
    # user.name is the IAM user's name or the issuer's; the issuer's type stands beside the latter alone.
    rule = """
title: Snapshot taken by another role
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: CreateSnapshot}
  own: {userIdentity.sessionContext.sessionIssuer.userName: storage-admin}
  condition: selection and not own
"""
    done = Workspace().translate(rule, "eql")
    assert "user.name" in done.text
    assert "session_issuer" in done.text
    assert done.proof is not None
    assert done.proof.verdict == "proved"


def test_the_end_of_an_operation_is_a_word_in_a_list() -> None:
    rule = """
title: Instance deleted
logsource: {product: gcp, service: gcp.audit}
detection:
  selection: {protoPayload.methodName|endswith: compute.instances.delete, operation.last: true}
  condition: selection
"""
    for target in ("eql", "esql"):
        done = Workspace().translate(rule, target)
        assert '"end"' in done.text
        assert done.proof is not None
        assert done.proof.verdict == "proved"
        assert "no event has both operation_last and operation_first" in {a.words for a in done.translation.assumptions}
