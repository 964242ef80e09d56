"""Sequences in languages that look at the row before, and in Sigma; what of them no language without sequences can say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livefire.diagnostics import Source
from tests.translation.rules import refusal, translator, turned

STOPPED = '[any where event.dataset == "aws.cloudtrail" and event.action == "StopInstances"]'
STARTED = '[any where event.dataset == "aws.cloudtrail" and event.action == "StartInstances"]'
PAIR = f"sequence by cloud.account.id with maxspan=5m\n  {STOPPED}\n  {STARTED}"
ORDERED = """title: stopped
name: stopped
logsource:
  product: aws
  service: cloudtrail
detection:
  s:
    eventName: StopInstances
  condition: s
---
title: started
name: started
logsource:
  product: aws
  service: cloudtrail
detection:
  s:
    eventName: StartInstances
  condition: s
---
title: bounced
correlation:
  type: temporal_ordered
  rules: [stopped, started]
  group-by: [recipientAccountId]
  timespan: 5m
"""


@pytest.mark.slow
@pytest.mark.parametrize("target", ["kql", "spl", "cql"])
@pytest.mark.parametrize(("rule", "language"), [(PAIR, "eql"), (ORDERED, "sigma")], ids=["eql", "sigma"])
def test_a_sequence_of_two_steps_is_proved_in_languages_that_look_at_the_row_before(rule: str, language: str, target: str) -> None:
    made = turned(rule, language, target, prove=True)
    assert made.proof is not None
    assert (made.proof.verdict, made.proof.reason) == ("proved", "")
    # Each chain within its span, and one row for each of the runs that hold a stop just before a start.
    assert made.proof.found > 5
    assert any("share a moment" in a.words for a in made.translation.assumptions)


def test_the_text_reads_as_a_person_would_write_it() -> None:
    assert turned(ORDERED, "sigma", "kql").text.splitlines() == [
        "AWSCloudTrail",
        "| where isnotempty(RecipientAccountId)",
        '| extend Step = case(EventName =~ "StopInstances", 1, EventName =~ "StartInstances", 2, 0)',
        "| where Step > 0",
        "| sort by RecipientAccountId asc, TimeGenerated asc, Step asc",
        "| extend Before = iff(prev(RecipientAccountId) == RecipientAccountId and prev(Step) == 1, prev(TimeGenerated), datetime(null))",
        "| where Step == 2 and TimeGenerated - Before <= 5m",
    ]
    assert "| streamstats global=f current=f window=1 last(step) as step_before last(_time) as time_before by recipientAccountId" in (
        turned(ORDERED, "sigma", "spl").text
    )
    assert "| neighbor([key, at, step], prefix=before)" in turned(ORDERED, "sigma", "cql").text


def test_a_sequence_is_a_correlation_in_sigma_with_an_alias_where_the_keys_have_other_names() -> None:
    import yaml

    rule = f"sequence with maxspan=2h\n  {STOPPED} by user.id\n  {STARTED} by cloud.account.id"
    first, second, correlation = yaml.safe_load_all(turned(rule, "eql", "sigma").text)
    assert first["detection"]["selection"] == {"eventName|cased": "StopInstances"}
    assert second["name"] == "step_2"
    assert correlation["correlation"] == {
        "type": "temporal_ordered",
        "rules": ["step_1", "step_2"],
        "group-by": ["key_1"],
        "timespan": "2h",
        "aliases": {"key_1": {"step_1": "userIdentity.principalId", "step_2": "userIdentity.accountId"}},
    }


@pytest.mark.slow
def test_a_correlation_in_order_is_a_sequence_in_eql() -> None:
    rule = ORDERED.replace("eventName: ", "eventName|cased: ").replace("[recipientAccountId]", "[userIdentity.accountId]")
    made = turned(rule, "sigma", "eql", prove=True)
    assert made.text.startswith("sequence by cloud.account.id with maxspan=5m")
    assert made.proof is not None
    assert made.proof.verdict == "proved"
    # Which of two events of one moment is first the rule says, and EQL only by a setting beside the query.
    assert [a.kind for a in made.translation.assumptions] == ["moment"]
    unsaid = replace(made.translation, assumptions=())
    assert translator().prove(translator().compile(Source(rule, "rule"), "sigma"), unsaid).verdict == "different"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "old", "new"),
    [
        ("kql", "<= 5m", "< 5m"),
        ("kql", "prev(Step) == 1", "true"),
        ("kql", "prev(RecipientAccountId) == RecipientAccountId and ", ""),
        ("spl", "<=300", "<=301"),
        ("spl", "step_before==1 AND ", ""),
        ("cql", "before.step=1", "before.step=*"),
    ],
)
def test_a_spoiled_text_is_told_by_an_event(language: str, old: str, new: str) -> None:
    """The span's edge, the step before and the key each have events that miss by just that."""
    rule = translator().compile(Source(ORDERED, "rule"), "sigma")
    made = translator().turn(rule, language, prove=False)
    assert old in made.text
    assert translator().prove(rule, replace(made.translation, text=made.text.replace(old, new))).verdict == "different"


@pytest.mark.parametrize(
    ("rule", "target", "code", "clause"),
    [
        (PAIR, "esql", "E311", "sequence by"),
        (f"{PAIR}\n  {STOPPED}", "kql", "E311", "sequence by"),
        (PAIR.replace(STARTED, f"{STARTED} with runs=2"), "spl", "E311", "sequence by"),
        (f"{PAIR}\nuntil {STOPPED}", "cql", "E311", "sequence by"),
        (f"{PAIR}\nuntil {STOPPED}", "sigma", "E311", "sequence by"),
        (PAIR.replace(" with maxspan=5m", ""), "sigma", "E311", "sequence by"),
        # An event may begin one match and end another: the row before does not tell that.
        (PAIR.replace('event.action == "StartInstances"', 'event.action : "Sto*"'), "kql", "E311", "sequence by"),
    ],
)
def test_what_the_row_before_does_not_tell_is_refused(rule: str, target: str, code: str, clause: str) -> None:
    said = refusal(rule, "eql", target)
    assert said[0] == code
    assert said[1].startswith(clause)
