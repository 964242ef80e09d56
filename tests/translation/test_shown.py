"""What a text does not show is said; what a product cannot see of an event is assumed, and said."""

from __future__ import annotations

import pytest

from tests.translation.rules import refusal, sigma, turned

UNION = """union
    (AWSCloudTrail | where EventName == "StopInstances" | project TimeGenerated, Actor = strcat(UserIdentityArn, "!")),
    (AzureActivity | where OperationNameValue =~ "Microsoft.Compute/virtualMachines/write" | project TimeGenerated, Actor = Caller)
| sort by TimeGenerated desc"""


@pytest.mark.parametrize("target", ["kql", "spl", "cql"])
def test_the_events_of_several_products_are_shown_whole(target: str) -> None:
    """Columns and order are told of as left out; the events are the same, which the slow test below proves."""
    assert turned(UNION, "kql", target).translation.notes == (
        "the rule picks its columns; the text shows the whole event",
        "the rule orders its rows; the text does not",
    )


@pytest.mark.slow
@pytest.mark.parametrize("target", ["kql", "spl", "cql"])
def test_and_they_are_the_same_events(target: str) -> None:
    proof = turned(UNION, "kql", target, prove=True).proof
    assert proof is not None
    assert (proof.verdict, proof.difference) == ("proved", None)


def test_a_cut_over_several_products_is_refused() -> None:
    code, clause = refusal(UNION + "\n| take 3", "kql", "spl")
    assert code == "E312"
    assert clause.startswith("AzureActivity") or "OperationNameValue" in clause


def test_a_column_that_the_rule_works_out_is_left_out_with_its_reason() -> None:
    rule = 'AWSCloudTrail | where EventName == "A" | project TimeGenerated, Who = strcat(UserIdentityArn, "!"), TlsVersion'
    made = turned(rule, "kql", "esql")
    assert made.text.splitlines()[-1] == "| KEEP @timestamp"
    assert [n for n in made.translation.notes if n.startswith("the column")] == [
        "the column Who is not shown: the rule works it out",
        "the column TlsVersion is not shown: logs-aws.cloudtrail-* in Elastic has no field for tls.tlsVersion",
    ]


def test_what_is_asked_of_a_column_is_never_left_out() -> None:
    rule = 'AWSCloudTrail | where EventName == "A" | extend Who = strcat(UserIdentityArn, "!") | where Who == "x!" | project TimeGenerated, Who'
    assert refusal(rule, "kql", "esql")[0] in ("E310", "E312")


@pytest.mark.slow
def test_no_product_shows_in_which_form_an_azure_event_came() -> None:
    """Elastic's outcome reads the words of REST in a REST event alone; elsewhere the form is not to be seen, and is assumed."""
    rule = 'FROM logs-azure.activitylogs-* | WHERE event.action == "MICROSOFT.COMPUTE/SNAPSHOTS/WRITE" AND event.outcome == "success"'
    made = turned(rule, "esql", "kql", prove=True)
    assert "form" not in made.text
    assert [a.words for a in made.translation.assumptions if a.kind == "form"] == ["no event comes in the REST form"]
    assert made.proof is not None
    assert made.proof.verdict == "proved"


@pytest.mark.slow
def test_a_number_below_json_is_read_as_one_in_kusto() -> None:
    """The status code is a column of its own in the log entry's storage, and stands in the JSON of Status in Sentinel."""
    rule = 'any where event.dataset == "gcp.audit" and event.action : "*.delete" and gcp.audit.status.code == 7'
    made = turned(rule, "eql", "kql", prove=True)
    assert "tolong(Status.code) == 7" in made.text
    assert made.proof is not None
    assert made.proof.verdict == "proved"


@pytest.mark.parametrize(
    ("test", "wants"),
    [
        # Of the words that Elastic works out, only `start` follows from the operation's beginning.
        ('event.type : "start"', ("'data.operation.first' == \"true\"", "'data.operation.last' != \"true\"")),
        ('event.type : "nothing of these"', ()),
    ],
)
def test_a_word_of_a_list_that_is_worked_out_is_taken_apart(test: str, wants: tuple[str, ...]) -> None:
    rule = f'any where event.dataset == "gcp.audit" and event.action : "*x" and {test}'
    if not wants:
        assert refusal(rule, "eql", "spl")[0] == "E312"
        return
    text = turned(rule, "eql", "spl").text
    assert [w for w in wants if w not in text] == [], text


def test_a_moment_is_a_number_in_splunk_and_logscale() -> None:
    """2026-11-21T10:03:00Z is 1,795,255,380 seconds after 1970: 20,778 days of 86,400 seconds, and 36,180 more."""
    rule = "AWSCloudTrail | where TimeGenerated >= datetime(2026-11-21T10:03:00Z)"
    assert 20_778 * 86_400 + 36_180 == 1_795_255_380
    assert "| where _time >= 1795255380" in turned(rule, "kql", "spl").text
    assert "| @timestamp >= 1795255380000" in turned(rule, "kql", "cql").text


@pytest.mark.parametrize("target", ["esql", "spl"])
def test_a_search_in_the_text_of_an_object_is_refused_where_its_members_are_fields(target: str) -> None:
    """A quote in the constant is one of JSON: no value that stands by itself would be asked for it."""
    rule = sigma("s:\n  eventName: A\n  requestParameters.launchPermission.add|contains: '\"userId\"'\ncondition: s")
    assert refusal(rule, "sigma", target) == ("E311", "requestParameters.launchPermission.add|contains: '\"userId\"'")
    assert "tostring(" in turned(rule, "sigma", "kql").text


def test_what_looks_like_a_number_is_compared_as_text_in_splunk() -> None:
    """The search command would take ` 0111` for 111."""
    rule = sigma("s:\n  eventName: A\n  recipientAccountId: '0111'\ncondition: s")
    assert turned(rule, "sigma", "spl").text.splitlines() == ['sourcetype="aws:cloudtrail" eventName="A"', '| where lower(recipientAccountId) == "0111"']


FORMATTED = 'sourcetype="aws:cloudtrail" eventName=DeleteSnapshot | stats count min(_time) as first by user_agent | convert ctime(first)'


def test_a_column_that_is_worked_out_from_groups_is_shown_plain_or_not_at_all_and_that_is_said() -> None:
    """How a moment is written changes no row; what a later clause asks of such a column is refused."""
    made = turned(f"{FORMATTED} | eval twice=count*2 | where count > 2", "spl", "kql")
    assert made.text.splitlines()[-2:] == ["| summarize count_ = count(), first = min(TimeGenerated) by UserAgent", "| where count_ > 2"]
    assert made.translation.notes == (
        "the column first is shown as it was grouped, without what the rule makes of it",
        "the column twice is not shown: the rule works it out from groups",
    )
    assert refusal(f"{FORMATTED} | eval twice=count*2 | where twice > 2", "spl", "kql") == ("E312", "twice > 2")


@pytest.mark.parametrize("target", ["kql", "cql", "esql"])
def test_a_word_that_stands_for_a_missing_key_is_taken_for_granted_to_be_held_by_no_event(target: str) -> None:
    """Splunk shows a call without an error as success: it groups that with an error of that name, which other products keep apart."""
    made = turned('sourcetype="aws:cloudtrail" eventName=DeleteGroup | stats count by errorCode', "spl", target)
    assert "no event holds 'success' at error_code: in errorCode that stands for no value" in [a.words for a in made.translation.assumptions]
