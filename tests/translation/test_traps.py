"""Where one language's words mean something else in another: each trap with what a faithful translation says there.

The wanted texts follow from the languages' rules, named in each trap. Every translation here is
also proved over events (`slow`).
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.translation.rules import refusal, sigma, turned


@dataclass(frozen=True)
class Trap:
    """A rule, the target, why it is a trap, what the text must and must not hold; or the code of its refusal and the clause."""

    why: str
    language: str
    rule: str
    target: str
    wants: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    code: str = ""
    clause: str = ""
    assumed: tuple[str, ...] | None = None


def kql(condition: str, table: str = "AWSCloudTrail") -> tuple[str, str]:
    return "kql", f"{table}\n| where {condition}"


def esql(condition: str) -> tuple[str, str]:
    return "esql", f"FROM logs-aws.cloudtrail-*\n| WHERE {condition}"


def eql(condition: str) -> tuple[str, str]:
    return "eql", f'any where event.dataset == "aws.cloudtrail" and {condition}'


def spl(search: str) -> tuple[str, str]:
    return "spl", f"sourcetype=aws:cloudtrail {search}"


def cql(filters: str) -> tuple[str, str]:
    return "cql", f"#Vendor=aws #event.module=cloudtrail {filters}"


def sig(tests: str, product: str = "aws", service: str = "cloudtrail", condition: str = "s") -> tuple[str, str]:
    return "sigma", sigma(f"s:\n  {tests}\ncondition: {condition}", product, service)


def says(why: str, rule: tuple[str, str], target: str, *wants: str, without: tuple[str, ...] = (), assumed: tuple[str, ...] | None = None) -> Trap:
    return Trap(why, *rule, target, wants, without, assumed=assumed)


def refused(why: str, rule: tuple[str, str], target: str, code: str, clause: str) -> Trap:
    return Trap(why, *rule, target, code=code, clause=clause)


NULLS = (
    says(
        "a text column of Sentinel is never null, so != keeps events without it",
        kql('EventName != "A"'),
        "esql",
        '(event.action IS NULL OR event.action != "A")',
    ),
    says("where drops null", kql('EventName != "A"'), "spl", '(isnull(eventName) OR eventName != "A")'),
    says("!= keeps events without the field in LogScale", kql('EventName != "A"'), "cql", '| Vendor.eventName!="A"', without=("=*",)),
    says("not keeps events without the field in EQL", kql('EventName != "A"'), "eql", 'not event.action == "A"', without=("null",)),
    says("!= drops null in ES|QL, and an empty column passes in Sentinel", esql('event.action != "A"'), "kql", 'EventName != "A"', "isnotempty(EventName)"),
    says("NOT drops null in ES|QL too", esql('NOT event.action == "A"'), "spl", 'eventName != "A"', "eventName=*", without=("isnull(",)),
    says("NOT drops null in ES|QL and keeps it in LogScale", esql('NOT event.action == "A"'), "cql", 'Vendor.eventName!="A"', "Vendor.eventName=*"),
    says("not keeps null in EQL and drops it in ES|QL", eql('not event.action : "A"'), "esql", "event.action IS NULL OR"),
    says(
        "an empty text below a dynamic column is one",
        ("spl", 'sourcetype="google:gcp:pubsub:message" data.protoPayload.request.x!=a'),
        "kql",
        "isnotnull(Request.x)",
        without=("isnotempty",),
    ),
    says("!= drops events without the field in a search", spl("eventName!=A"), "cql", "Vendor.eventName=*"),
    says("NOT keeps events without the field in a search", spl("NOT eventName=A"), "cql", "!in(Vendor.eventName", without=("=*",)),
    says(
        "isempty is for missing and for empty text", kql("isempty(ErrorCode)"), "esql", "aws.cloudtrail.error_code IS NULL", 'aws.cloudtrail.error_code == ""'
    ),
    says("Sentinel cannot tell missing from empty", sig("errorCode: null"), "kql", "isempty(ErrorCode)", assumed=("error_code",)),
    says("Splunk's add-on writes success for no error", sig("errorCode: null"), "spl", 'errorCode="success"', assumed=("error_code",)),
    says(
        "no error, or the word for none: the same search, with nothing assumed",
        ("sigma", sigma("s1:\n  errorCode: null\ns2:\n  errorCode: Success\ncondition: 1 of s*")),
        "spl",
        'errorCode="Success"',
        assumed=(),
    ),
    says(
        "a negated pair keeps events with neither field",
        ("sigma", sigma("s:\n  eventSource: a\nf:\n  eventName: b\n  userAgent: c\ncondition: s and not f")),
        "esql",
        "event.action IS NULL OR",
        "user_agent.original IS NULL OR",
        " OR ",
    ),
)
CASES = (
    says(
        "== regards case, a search does not",
        kql('EventName == "RunInstances"'),
        "spl",
        '| where eventName == "RunInstances"',
        without=('eventName="RunInstances"',),
    ),
    says("=~ disregards case, as a search does", kql('EventName =~ "RunInstances"'), "spl", 'eventName="RunInstances"', without=("where",)),
    says("LogScale regards case", cql("event.action=RunInstances"), "kql", 'EventName == "RunInstances"'),
    says("Sigma disregards case unless told", esql('event.action == "RunInstances"'), "sigma", "eventName|cased: RunInstances"),
    says("ES|QL regards case", sig("eventName: RunInstances"), "esql", 'TO_LOWER(event.action) == "runinstances"'),
    says("in regards case", kql('EventName in ("A", "B")'), "cql", 'in(Vendor.eventName, values=["A", "B"])', without=("ignoreCase",)),
    says("in~ disregards case", kql('EventName in~ ("A", "B")'), "cql", "ignoreCase=true"),
    says("a list in lower case needs its field in lower case", kql('EventName in~ ("A", "B")'), "esql", 'TO_LOWER(event.action) IN ("a", "b")'),
    says(": disregards case", eql('event.action : "Run*"'), "kql", 'EventName startswith "Run"'),
    says("like regards case", eql('event.action like "Run*"'), "kql", 'EventName startswith_cs "Run"'),
    says(
        "_ResourceId is in lower case, which a test without case does not mind",
        sig("resourceId|contains: VirtualMachines", "azure", "activitylogs"),
        "kql",
        '_ResourceId contains "VirtualMachines"',
    ),
)
TERMS = (
    says("has finds whole terms only", kql('UserAgent has "aws"'), "spl", 'match(userAgent, "(?i)(?:^|[^\\\\p{L}\\\\p{N}])aws(?:[^\\\\p{L}\\\\p{N}]|$)")'),
    refused("ES|QL has no search for whole terms in a keyword", kql('UserAgent has "aws"'), "esql", "E311", 'UserAgent has "aws"'),
    refused("EQL has none either", kql('UserAgent has "aws"'), "eql", "E311", 'UserAgent has "aws"'),
    says("contains finds parts of terms", kql('UserAgent contains "aws"'), "esql", 'TO_LOWER(user_agent.original) LIKE "*aws*"'),
    says("has_cs regards case", kql('UserAgent has_cs "aws"'), "cql", "/(?:^|[^\\p{L}\\p{N}])aws(?:[^\\p{L}\\p{N}]|$)/\n", without=("/i",)),
    says("!has keeps events without the field", kql('UserAgent !has "aws"'), "cql", "Vendor.userAgent!=/(?:^|"),
    says("hasprefix begins a term anywhere", kql('UserAgent hasprefix "aws"'), "sigma", "userAgent|re|i: (?:^|[^\\p{L}\\p{N}])aws"),
    says("has stays has", kql('UserAgent has "aws"'), "kql", 'UserAgent has "aws"'),
    says("has_any is one word for several terms", kql('UserAgent has_any ("aws", "boto")'), "kql", 'UserAgent has_any ("aws", "boto")'),
)
WILDCARDS = (
    says("an escaped * is a character in Sigma", sig("userAgent: 'a\\*b'"), "kql", 'UserAgent =~ "a*b"'),
    says("== knows no wildcards", sig("userAgent: 'a\\*b'"), "esql", 'TO_LOWER(user_agent.original) == "a*b"'),
    says("a search knows no ?", sig("userAgent: a?c"), "spl", "| where match(userAgent,", without=('"a?c"',)),
    says("LIKE knows ?", sig("userAgent: a?c"), "esql", 'LIKE "a?c"'),
    says("= takes * for a wildcard in LogScale", kql('UserAgent == "a*b"'), "cql", "Vendor.userAgent=/\\Aa\\*b\\z/"),
    says(": takes * for a wildcard in EQL, in~ does not", kql('UserAgent =~ "a*b"'), "eql", 'user_agent.original in~ ("a*b")'),
    says("like() takes % for a wildcard", kql('UserAgent contains_cs "50%"'), "spl", 'match(userAgent, "50%")', without=("like(",)),
    says("like() takes _ for a wildcard", kql('UserAgent startswith_cs "a_b"'), "spl", 'match(userAgent, "^a_b")', without=("like(",)),
    says("a search takes neither % nor _ for one", kql('UserAgent contains "a_b%"'), "spl", 'userAgent="*a_b%*"'),
    says("LIKE takes * for a wildcard", kql('UserAgent contains_cs "a*b"'), "esql", "\\*"),
    says("a wildcard inside is no contains", sig("eventName: Run*ces"), "kql", 'EventName matches regex @"(?is)^Run.*ces$"'),
    says("a backslash in a plain text", kql('UserAgent == @"a\\b"'), "esql", '== """a\\b"""'),
    says("a quote in a text", kql("UserAgent == 'say \"hi\"'"), "spl", 'userAgent == "say \\"hi\\""'),
    says("a value that is only a wildcard asks for presence", sig("errorCode: '*'"), "esql", "aws.cloudtrail.error_code IS NOT NULL"),
)
REGEXES = (
    says("RLIKE matches the whole text, and its dot takes a line break", kql('UserAgent matches regex "a.+c"'), "esql", 'RLIKE ".*a[^\\n]+c.*"'),
    says("anchors are none under RLIKE, classes are written out", kql('UserAgent matches regex @"^a\\d+$"'), "esql", 'RLIKE "a[0-9]+"'),
    refused("RLIKE has no word boundary", kql('UserAgent matches regex @"\\bfoo+\\b"'), "esql", "E311", 'UserAgent matches regex @"\\bfoo+\\b"'),
    says("match() searches anywhere, as Kusto does", kql('UserAgent matches regex "a.+c"'), "spl", 'match(userAgent, "a.+c")'),
    says("a slash ends a regular expression in LogScale", kql('UserAgent matches regex "a+/b"'), "cql", "/a+\\/b/"),
    says("a plain pattern is a plain comparison", kql('EventName matches regex "(?i)^run$"'), "kql", 'EventName =~ "run"'),
    says("RLIKE's pattern is for the whole text", esql('event.action RLIKE "Run.+s"'), "kql", "\\A", "\\z"),
    says("Sigma's flag i", sig("userAgent|re|i: 'b.+o'"), "kql", 'matches regex @"(?i)b.+o"'),
    says("$ of SPL's regular expressions passes before a last line break, \\z does not", kql('UserAgent matches regex "a+$"'), "spl", "a+\\\\z"),
)
LISTS = (
    says(
        "an empty list is nothing in an index, and something in Sigma",
        sig("requestParameters.attribute: null"),
        "eql",
        "request_parameters.attribute == null",
        assumed=("request.attribute holds no empty list",),
    ),
    says("Sigma and EQL meet any element of a list", sig("requestParameters.attribute: userData"), "eql", "request_parameters.attribute", assumed=()),
    says(
        "Sentinel has the list's text",
        sig("requestParameters.attribute: userData"),
        "kql",
        "parse_json(RequestParameters).attribute",
        assumed=("request.attribute",),
    ),
    says(
        "a list is several fields in LogScale",
        sig("requestParameters.attribute: userData"),
        "cql",
        "Vendor.requestParameters.attribute",
        assumed=("request.attribute",),
    ),
    says(
        "ES|QL compares single values only",
        sig("requestParameters.attribute: userData"),
        "esql",
        "request_parameters.attribute",
        assumed=("request.attribute",),
    ),
    refused(
        "a path through every element is no text in Sentinel",
        spl("requestParameters.instancesSet.items{}.instanceId=i-1"),
        "kql",
        "E311",
        "requestParameters.instancesSet.items{}.instanceId=i-1",
    ),
    says(
        "a path through every element is a search of the list's objects in LogScale",
        spl("NOT requestParameters.instancesSet.items{}.instanceId=i-1*"),
        "cql",
        'NOT objectArray:exists("Vendor.requestParameters.instancesSet.items[]", var=element, condition={element.instanceId=/^i-1/i})',
        assumed=("request.instancesSet.items",),
    ),
    says(
        "the members of a list's objects are values of one field in EQL",
        spl("requestParameters.instancesSet.items{}.instanceId IN (i-1, i-2)"),
        "eql",
        'request_parameters.instancesSet.items.instanceId : ("i-1", "i-2")',
        assumed=("request.instancesSet.items",) * 2,
    ),
    refused(
        "and no field at all in Sigma",
        spl("requestParameters.instancesSet.items{}.instanceId=i-1"),
        "sigma",
        "E311",
        "requestParameters.instancesSet.items{}.instanceId=i-1",
    ),
    refused("an object as a whole is no field in Elastic", sig("requestParameters|contains: x"), "esql", "E311", "requestParameters|contains: x"),
    refused("nor in Splunk", sig("requestParameters|contains: x"), "spl", "E310", "requestParameters|contains: x"),
)
TIMES = (
    says(
        "both cut time at multiples of the same length",
        kql('EventName == "A" | summarize n = count() by bin(TimeGenerated, 5m)'),
        "esql",
        "TimeGenerated = DATE_TRUNC(5 minutes, @timestamp)",
    ),
    says(
        "a bucket is arithmetic where time is milliseconds",
        kql('EventName == "A" | summarize n = count() by bin(TimeGenerated, 5m)'),
        "cql",
        "TimeGenerated := @timestamp - (@timestamp % 300000)",
    ),
    says("a rounded time is the same field in Splunk", kql('EventName == "A" | summarize n = count() by bin(TimeGenerated, 5m)'), "spl", "| bin _time span=5m"),
    refused(
        "so it cannot stand beside the time itself",
        kql('EventName == "A" | summarize f = min(TimeGenerated) by bin(TimeGenerated, 5m)'),
        "spl",
        "E311",
        "summarize f = min(TimeGenerated) by bin(TimeGenerated, 5m)",
    ),
    says("a time before the run, in UTC", kql('TimeGenerated > ago(1d) and EventName == "A"'), "esql", "@timestamp > NOW() - 1 day"),
    says("a time before the run in Splunk", kql('TimeGenerated > ago(1h) and EventName == "A"'), "spl", '_time > relative_time(now(), "-1h")'),
    says(
        "a moment of another zone is one of UTC in an index",
        kql('EventName == "A" and TimeGenerated >= datetime(2026-09-14T08:40:03+02:00)'),
        "eql",
        '@timestamp >= "2026-09-14T06:40:03.000Z"',
    ),
    refused(
        "an index counts milliseconds",
        kql('EventName == "A" and TimeGenerated > datetime(2026-09-14T08:40:03.00001)'),
        "esql",
        "E311",
        "TimeGenerated > datetime(2026-09-14T08:40:03.00001)",
    ),
    refused(
        "Sigma compares numbers only",
        kql('EventName == "A" and TimeGenerated > datetime(2026-09-14T08:40:03)'),
        "sigma",
        "E311",
        "TimeGenerated > datetime(2026-09-14T08:40:03)",
    ),
    refused("LogScale's time range belongs to the search", kql('TimeGenerated > ago(1h) and EventName == "A"'), "cql", "E311", "TimeGenerated > ago(1h)"),
)
GROUPS = (
    says(
        "stats leaves out events without the key, summarize does not",
        kql('EventName == "A" | summarize n = count() by UserIdentityArn'),
        "spl",
        '| fillnull value="" userIdentity.arn',
    ),
    says(
        "groupBy leaves them out too",
        kql('EventName == "A" | summarize n = count() by UserIdentityArn'),
        "cql",
        '| default(field=Vendor.userIdentity.arn, value="")',
    ),
    says(
        "a group of null is one of empty text",
        kql('EventName == "A" | summarize n = count() by UserIdentityArn'),
        "esql",
        'COALESCE(aws.cloudtrail.user_identity.arn, "")',
    ),
    says("what stats leaves out has to be left out", spl("eventName=A | stats count by userIdentity.arn"), "kql", "isnotempty(UserIdentityArn)"),
    says(
        "an empty text counts as a value in Sentinel",
        kql('EventName == "A" | summarize n = dcount(SourceIpAddress)'),
        "esql",
        'COUNT_DISTINCT(COALESCE(source.address, ""))',
    ),
    says(
        "and a missing one does not in LogScale",
        cql("event.action=A | groupBy(Vendor.userIdentity.arn, function=count(Vendor.sourceIPAddress, distinct=true, as=n))"),
        "kql",
        "dcountif(SourceIpAddress, isnotempty(SourceIpAddress))",
    ),
    says(
        "sort keeps 200 rows in LogScale unless told", kql('EventName == "A" | summarize n = count() by UserIdentityArn | sort by n desc'), "cql", "limit=20000"
    ),
    says(
        "the group without an error is one of Splunk's word for none, and of Sentinel's empty text",
        kql('EventName == "A" | summarize n = count() by ErrorCode | where isnotempty(ErrorCode)'),
        "spl",
        '| where errorCode != "success"',
        without=("fillnull",),
        assumed=("error_code",) * 2,
    ),
    says(
        "a filter of groups asks for what stands for a missing key",
        esql('event.action == "A" | STATS n = COUNT(*) BY aws.cloudtrail.error_code | WHERE aws.cloudtrail.error_code IS NOT NULL'),
        "cql",
        '| Vendor.errorCode!=""',
        assumed=("error_code",),
    ),
    says(
        "where the add-on writes a word for none, every event has a value to count",
        spl("eventName=A | stats count(errorCode) as n by eventName"),
        "kql",
        "n = count()",
        without=("countif",),
        assumed=(),
    ),
    refused(
        "so Splunk cannot count the codes that are there",
        esql('event.action == "A" | STATS n = COUNT_DISTINCT(aws.cloudtrail.error_code) BY event.action'),
        "spl",
        "E311",
        "STATS n = COUNT_DISTINCT(aws.cloudtrail.error_code) BY event.action",
    ),
    refused(
        "a filter language has no groups",
        kql('EventName == "A" | summarize n = count() by UserIdentityArn'),
        "eql",
        "E311",
        "summarize n = count() by UserIdentityArn",
    ),
)
FIELDS = (
    says(
        "an outcome is no column of AWSCloudTrail",
        esql('event.action == "A" AND event.outcome == "success"'),
        "kql",
        "isempty(ErrorCode)",
        "isempty(ErrorMessage)",
    ),
    says(
        "Elastic writes a resource log's words for those of REST",
        kql('ActivityStatusValue in ("Success", "Succeeded")', "AzureActivity"),
        "esql",
        'azure.activitylogs.result_type IN ("Success", "Succeeded")',
    ),
    refused(
        "one of the two words alone cannot be told apart there",
        kql('ActivityStatusValue == "Succeeded"', "AzureActivity"),
        "esql",
        "E310",
        'ActivityStatusValue == "Succeeded"',
    ),
    says("a truth value is a text in Splunk", kql("ReadOnly == false"), "spl", 'readOnly == "false"'),
    refused("a field that nobody else has", kql('TlsVersion == "TLSv1.1"'), "eql", "E310", 'TlsVersion == "TLSv1.1"'),
    refused(
        "two fields compared with each other", kql("UserIdentityAccountId != RecipientAccountId"), "spl", "E312", "UserIdentityAccountId != RecipientAccountId"
    ),
    says(
        "Kusto's question after a range is null of what is no address, and so is its negation",
        sig("sourceIPAddress|cidr: 10.0.0.0/8", condition="not s"),
        "kql",
        'not(coalesce(ipv4_is_in_range(SourceIpAddress, "10.0.0.0/8"), false))',
    ),
    says(
        "a range of addresses wants an address in Elastic",
        kql('ipv4_is_in_range(SourceIpAddress, "10.0.0.0/8")'),
        "esql",
        'CIDR_MATCH(source.ip, "10.0.0.0/8")',
    ),
)
TRAPS = NULLS + CASES + TERMS + WILDCARDS + REGEXES + LISTS + TIMES + GROUPS + FIELDS


def test_there_are_at_least_sixty() -> None:
    assert len({(t.rule, t.target) for t in TRAPS}) >= 60


@pytest.mark.parametrize("trap", TRAPS, ids=lambda t: f"{t.language}-{t.target}: {t.why}")
def test_trap(trap: Trap) -> None:
    if trap.code:
        assert refusal(trap.rule, trap.language, trap.target) == (trap.code, trap.clause)
        return
    made = turned(trap.rule, trap.language, trap.target)
    text = made.text + "\n"
    assert [w for w in trap.wants if w not in text] == [], text
    assert [w for w in trap.without if w in text] == [], text
    if trap.assumed is not None:
        assert [any(place in a.words for place in trap.assumed) for a in made.translation.assumptions] == [True] * len(trap.assumed), text


@pytest.mark.slow
@pytest.mark.parametrize("trap", [t for t in TRAPS if not t.code], ids=lambda t: f"{t.language}-{t.target}: {t.why}")
def test_the_translation_of_a_trap_is_proved(trap: Trap) -> None:
    proof = turned(trap.rule, trap.language, trap.target, prove=True).proof
    assert proof is not None
    assert (proof.verdict, proof.difference) == ("proved", None)
