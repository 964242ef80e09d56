"""Filters of one log source in every language, written as a person would."""

from __future__ import annotations

import pytest

from tests.translation.rules import refusal, sigma, translator, turned

RULE = sigma("""
selection:
  eventSource: ec2.amazonaws.com
  eventName:
    - StopInstances
    - Terminate*
filter:
  userIdentity.invokedBy|endswith: .amazonaws.com
condition: selection and not filter
""")


def test_kql_uses_its_operators_and_needs_no_guard_for_missing_text() -> None:
    """Sentinel's text columns are empty and never null, so `!endswith` keeps events without the field."""
    assert turned(RULE, "sigma", "kql").text.splitlines() == [
        "AWSCloudTrail",
        '| where EventSource =~ "ec2.amazonaws.com"',
        '| where EventName =~ "StopInstances" or EventName startswith "Terminate"',
        '| where UserIdentityInvokedBy !endswith ".amazonaws.com"',
    ]


def test_esql_asks_for_null_where_a_negation_would_drop_it() -> None:
    lines = turned(RULE, "sigma", "esql").text.splitlines()
    assert lines[0] == "FROM logs-aws.cloudtrail-*"
    name = "aws.cloudtrail.user_identity.invoked_by"
    assert lines[-1] == f'| WHERE ({name} IS NULL OR NOT ENDS_WITH(TO_LOWER({name}), ".amazonaws.com"))'


def test_splunk_searches_without_regard_to_case() -> None:
    assert turned(RULE, "sigma", "spl").text == (
        'sourcetype="aws:cloudtrail" eventSource="ec2.amazonaws.com" (eventName="StopInstances" OR eventName="Terminate*")'
        ' NOT userIdentity.invokedBy="*.amazonaws.com"'
    )


def test_logscale_compares_with_regard_to_case_unless_told() -> None:
    text = turned(RULE, "sigma", "cql").text
    assert text.startswith("#Vendor=aws #event.module=cloudtrail\n")
    assert '| in(Vendor.eventSource, values=["ec2.amazonaws.com"], ignoreCase=true)' in text
    assert "| Vendor.userIdentity.invokedBy!=/\\.amazonaws\\.com\\z/i" in text


def test_eql_keeps_events_without_the_field() -> None:
    text = turned(RULE, "sigma", "eql").text
    assert text.startswith('any where event.dataset == "aws.cloudtrail" and')
    assert 'not aws.cloudtrail.user_identity.invoked_by : "*.amazonaws.com"' in text


def test_a_rule_that_comes_back_is_the_same_search() -> None:
    text = turned(RULE, "sigma", "sigma").text
    assert "userIdentity.invokedBy|endswith: .amazonaws.com" in text
    assert "vendor" not in text


@pytest.mark.parametrize("target", ["kql", "esql", "spl", "cql", "eql"])
def test_the_proof_runs_over_emulations_and_near_misses(target: str) -> None:
    proof = turned(RULE, "sigma", target, prove=True).proof
    assert proof is not None
    assert proof.verdict == "proved"
    # The rule's own two actions are emulated, and every flip of its four tests is generated.
    assert proof.events > translator().emulated.events
    assert proof.found > 2


def test_a_translation_that_differs_is_told_by_the_event() -> None:
    """`has` wants a whole term where `contains` takes a part; the difference must be seen, and an event shown."""
    from dataclasses import replace

    from livefire.diagnostics import Source

    rule = translator().compile(Source('AWSCloudTrail | where UserAgent contains "oto"', "rule"), "kql")
    made = translator().turn(rule, "kql", prove=False)
    spoiled = replace(made.translation, text='AWSCloudTrail | where UserAgent has "oto"')
    proof = translator().prove(rule, spoiled)
    assert proof.verdict == "different"
    assert proof.difference is not None
    assert proof.difference.times == (1, 0)
    assert "oto" in str(proof.difference.raw)


def test_a_field_that_the_other_product_lacks_is_refused_with_its_clause() -> None:
    # The integration shows the TLS version without its prefix, and has no field with it.
    code, clause = refusal('AWSCloudTrail\n| where EventName == "StopInstances" and TlsVersion == "TLSv1.1"', "kql", "esql")
    assert (code, clause) == ("E310", 'TlsVersion == "TLSv1.1"')
    rule = sigma("selection:\n  nowhere: x\ncondition: selection")
    assert refusal(rule, "sigma", "kql") == ("E310", "nowhere: x")


def test_an_outcome_is_taken_apart_into_what_it_is_made_of() -> None:
    """Elastic's outcome is success where there is neither an error nor a failed sign-in; Sentinel has no such column."""
    made = turned('FROM logs-aws.cloudtrail-* | WHERE event.action == "StopInstances" AND event.outcome == "success"', "esql", "kql", prove=True)
    assert "ErrorCode" in made.text
    assert made.proof is not None
    assert made.proof.verdict == "proved"


SEQUENCE = """sequence by user.id with maxspan=5m
  [any where event.dataset == "aws.cloudtrail" and event.action == "StopInstances"]
  [any where event.dataset == "aws.cloudtrail" and event.action : "Start*"]"""


def test_a_sequence_is_one_in_eql_and_proved_at_the_edges_of_its_span() -> None:
    made = turned(SEQUENCE, "eql", "eql", prove=True)
    assert made.text == SEQUENCE
    assert made.proof is not None
    assert made.proof.verdict == "proved"
    # Chains are generated a second inside the span, at it and beyond it: the first two are found, one row each.
    assert made.proof.found >= 2


def test_a_wrong_span_is_told_by_a_chain_at_its_edge() -> None:
    from dataclasses import replace

    from livefire.diagnostics import Source

    rule = translator().compile(Source(SEQUENCE, "rule"), "eql")
    made = translator().turn(rule, "eql", prove=False)
    spoiled = replace(made.translation, text=SEQUENCE.replace("maxspan=5m", "maxspan=299s"))
    assert translator().prove(rule, spoiled).verdict == "different"


@pytest.mark.parametrize(("threshold", "verdict"), [("> 3", "proved"), (">= 3", "different"), ("> 4", "different")])
def test_a_wrong_threshold_is_told_by_a_group_of_its_size(threshold: str, verdict: str) -> None:
    from dataclasses import replace

    from livefire.diagnostics import Source

    rule = translator().compile(Source('AWSCloudTrail | where EventName == "A" | summarize n = count() by UserIdentityArn | where n > 3', "rule"), "kql")
    made = translator().turn(rule, "kql", prove=False)
    text = f'AWSCloudTrail | where EventName == "A" | summarize n = count() by UserIdentityArn | where n {threshold}'
    assert translator().prove(rule, replace(made.translation, text=text)).verdict == verdict
