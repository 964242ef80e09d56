"""Checks of words: operations, statuses and values that the clouds never write, or write otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache

from livefire.diagnostics import NOWHERE, Fix
from livefire.lint.rule import Found, Reading, check
from livefire.lint.scope import asks_for, field_tests
from livefire.lint.tests import Test
from livefire.lint.words import aws_operations, aws_services, azure_operations, google_methods, instance_types, is_operation, other_events

AZURE_COMPLETE = ("microsoft.compute/",)
OLD_STATUS = {"Started": "Start", "Accepted": "Accept", "Succeeded": "Success", "Failed": "Failure"}
NEW_STATUS = {new: old for old, new in OLD_STATUS.items()}
SERVICE_EVENTS = frozenset({"SharedSnapshotVolumeCreated", "SharedSnapshotCopyInitiated", "BidEvictedEvent", "RotationSucceeded", "CloudTrailSuspensionAlert"})
GCP_VERSION = re.compile(r"^(v1|beta|alpha|v1beta\d|v1alpha\d)\.compute\.")
GCP_METHOD = re.compile(r"^(?:(?:v1|beta|alpha)\.)?(compute\.[A-Za-z]+\.[A-Za-z]+)$")
AZURE_OPERATION = re.compile(r"^Microsoft\.[A-Za-z.]+/[A-Za-z/]+$", re.I)
DISPLAY_TEXT = re.compile(r"^[A-Z][a-z]+(?: [A-Za-z]+){1,8}$")
NO_VALUE = frozenset(["null", "none", "unknown", "n/a", "-", "other"])  # what a rule itself puts where there is no value
FAMILY = re.compile(r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")


def _exact(reading: Reading, *fields: str) -> Iterator[tuple[Test, str]]:
    for test in field_tests(reading.facts, *fields):
        if test.exact and test.reads(*fields):
            for word in test.words:
                yield test, word


_GUESSES = 24


class _Guesses:
    """Names near to unknown ones, for the first few of a rule: a list of thousands of unknown names would take minutes, and nobody reads so many."""

    def __init__(self) -> None:
        self._left = _GUESSES

    def near(self, word: str, known: Iterable[str], cutoff: float, most: int = 1) -> list[str]:
        """Return the names nearest to a word, none when enough were sought."""
        self._left -= 1
        return get_close_matches(word, known, n=most, cutoff=cutoff) if self._left >= 0 else []


@cache
def _folded_operations() -> dict[str, str]:
    return {name.casefold(): name for name in (*aws_operations(), *other_events())}


def _only(test: Test, table: str) -> bool:
    """True when a test can only be about one log source."""
    return {o.table for o in test.origins} == {table}


def _swap(reading: Reading, test: Test, word: str, better: str) -> Fix | None:
    """Return the change of one word inside a test's text, where it stands there once and in quotes."""
    if test.span is None:
        return None
    text = reading.source.slice(test.span)
    for quote in "\"'":
        if text.count(f"{quote}{word}{quote}") == 1:
            start = test.span.start + text.index(f"{quote}{word}{quote}") + 1
            return Fix(type(test.span)(start, start + len(word)), better, f"write {better!r}")
    return None


@check(
    620,
    "warning",
    "an AWS operation that no service has",
    why="CloudTrail writes the name of an API operation, letter by letter. A name that is in no service's model matches nothing, and the rule stays silent without an error.",
    example='eventName = "RevertSnapshot"',
    mend="write an operation of the service's API reference; ATT&CK's own lists name some that do not exist",
)
def unknown_aws_operation(reading: Reading) -> Iterator[Found]:
    """A literal that is compared with the event name of CloudTrail alone."""
    if any("sso" in w for t in field_tests(reading.facts, "aws_cloudtrail.event_source") for w in t.words):
        return  # the pages of IAM Identity Center call operations of their own, which no client library has
    guesses, folded = _Guesses(), _folded_operations()
    for test, word in _exact(reading, "aws_cloudtrail.event_name"):
        if not word or is_operation(word) or not _only(test, "aws_cloudtrail") or " " in word or word.casefold() in NO_VALUE:
            continue
        if word.casefold() in folded:
            if test.sensitive:
                better = folded[word.casefold()]
                yield Found(test.span or NOWHERE, f"CloudTrail writes {better!r}, and case counts here", fix=_swap(reading, test, word, better))
            continue
        near = [x for x in guesses.near(word, folded.values(), 0.85, 3) if x[:3] == word[:3]]
        help = f"did you mean {near[0]!r}?" if near else ""
        yield Found(test.span or NOWHERE, f"no AWS service has an operation named {word!r}", help, _swap(reading, test, word, near[0]) if near else None)


@check(
    621,
    "warning",
    "an AWS operation of another service",
    why="The event source and the event name are tested together, and the service has no such operation: the two are never true of one event.",
    example='eventSource = "ec2.amazonaws.com" and eventName = "CreateDBSnapshot"',
    mend="name the service that has the operation, or leave the event source out",
)
def operation_of_another_service(reading: Reading) -> Iterator[Found]:
    """Judged where exactly one event source is required and its model is known."""
    sources = [t for t in field_tests(reading.facts, "aws_cloudtrail.event_source") if t.exact and not t.negated and not t.alternative]
    hosts = {w.lower().removesuffix(".amazonaws.com") for t in sources for w in t.words}
    if len(sources) != 1 or len(hosts) != 1 or (host := hosts.pop()) not in aws_services():
        return
    own = {o.casefold() for o in aws_services()[host]}
    for test, word in _exact(reading, "aws_cloudtrail.event_name"):
        owners = aws_operations().get(word)
        if owners and any(o.startswith(host) or host.startswith(o) for o in owners):
            continue  # one family of services, such as bedrock and bedrock-runtime, writes one event source
        if owners and word.casefold() not in own and word not in other_events() and _only(test, "aws_cloudtrail") and not test.negated:
            yield Found(test.span or NOWHERE, f"{word!r} is an operation of {', '.join(sorted(owners)[:3])}, never of {host}.amazonaws.com")


@check(
    622,
    "warning",
    "an event of the service itself sought among API calls",
    why="CloudTrail gives events that a service writes by itself the type AwsServiceEvent; they are never AwsApiCall.",
    example='eventType = "AwsApiCall" and eventName = "SharedSnapshotVolumeCreated"',
    mend="drop the test of the event type, or compare it with AwsServiceEvent",
)
def service_event_as_call(reading: Reading) -> Iterator[Found]:
    """Judged where the type is required to be AwsApiCall."""
    types = [t for t in field_tests(reading.facts, "aws_cloudtrail.event_type") if t.exact and not t.negated and not t.alternative]
    if any({w.casefold() for w in t.words} == {"awsapicall"} for t in types):
        for test, word in _exact(reading, "aws_cloudtrail.event_name"):
            if word in SERVICE_EVENTS and not test.negated:
                yield Found(test.span or NOWHERE, f"{word!r} is written by the service itself, with the type AwsServiceEvent")


@check(
    623,
    "warning",
    "one of Azure's two vocabularies for a status",
    why="Azure Activity says Start, Accept, Success, Failure in resource logs and Started, Accepted, Succeeded, Failed in the REST form; Log Analytics holds both, by age and way of delivery. A rule that knows one of them misses the other's events.",
    example='ActivityStatusValue == "Succeeded"',
    mend='ask for both: in~ ("Success", "Succeeded")',
)
def one_status_vocabulary(reading: Reading) -> Iterator[Found]:
    """A status is named in one vocabulary and its twin nowhere in the rule.

    Elastic, LogScale and Splunk's Event Hub input get resource logs alone, and Elastic's own event.outcome is made of both.
    """
    tests = [t for t in field_tests(reading.facts, "azure_activity.result_type") if t.exact and {o.path for o in t.origins} == {"result_type"}]
    resource_logs = reading.language not in ("kql", "sigma") and "mscs:azure:audit" not in reading.source.text
    named = {w.casefold() for t in tests for w in t.words}
    for test in tests:
        for word in test.words:
            twin = {k.casefold(): v for k, v in (OLD_STATUS | NEW_STATUS).items()}.get(word.casefold())
            if resource_logs and word.casefold() in {w.casefold() for w in NEW_STATUS}:
                continue
            if "status.value" in reading.source.text and reading.language == "spl":
                continue  # a field of the REST form alone
            if twin is not None and twin.casefold() not in named and _only(test, "azure_activity"):
                yield Found(test.span or NOWHERE, f"{word!r} is one of two words for this status; events of the other form say {twin!r}")


@check(
    624,
    "warning",
    "an outcome as another product spells it",
    why="Sentinel leaves ErrorCode empty when a call succeeds, Splunk's add-on writes errorCode=success, CloudTrail itself has no errorCode at all. The other product's spelling is never, or always, true.",
    example='ErrorCode == "success" (Sentinel); errorCode="" (Splunk)',
    mend='use the product\'s own: isempty(ErrorCode) in Sentinel, errorCode="success" in Splunk',
)
def foreign_outcome(reading: Reading) -> Iterator[Found]:
    """Judged for KQL and SPL, whose spellings differ."""
    for test, word in _exact(reading, "aws_cloudtrail.error_code"):
        if reading.language == "kql" and word.casefold() == "success":
            yield Found(test.span or NOWHERE, "Sentinel leaves ErrorCode empty for a call that succeeded; no event says 'success'")
        elif reading.language == "spl" and word == "":
            yield Found(test.span or NOWHERE, "Splunk's add-on writes success for a call that succeeded; the field is never empty")


@check(
    625,
    "warning",
    "one version of a Google API",
    why="The method name begins with the version of the API that was called: v1, beta or alpha. The console and some tools call beta; their events are missed.",
    example='methodName == "v1.compute.instances.insert"',
    mend="match the end of the name: compute.instances.insert with any version before it",
)
def pinned_google_version(reading: Reading) -> Iterator[Found]:
    """A method with its version, and no other version of the same method."""
    named = {w for _, w in _exact(reading, "gcp_audit.method")}
    for test, word in _exact(reading, "gcp_audit.method"):
        found = GCP_VERSION.match(word)
        if found and not test.negated:
            others = [v for v in ("v1", "beta") if v != found[1]]
            missing = [v for v in others if f"{v}.{word[len(found[1]) + 1 :]}" not in named]
            if missing:
                yield Found(
                    test.span or NOWHERE, f"the same call through {' or '.join(missing)} is {missing[0]}.{word[len(found[1]) + 1 :]!s}, which this misses"
                )


@check(
    626,
    "warning",
    "a comparison with case of a value whose case varies",
    why="Azure writes operations and resource ids in upper case in resource logs, and as typed elsewhere. A comparison that counts case finds the events of one way of delivery only.",
    example='OperationNameValue == "Microsoft.Compute/virtualMachines/write"',
    mend="compare without regard to case: =~ or in~ in KQL, : in EQL",
)
def case_of_azure(reading: Reading) -> Iterator[Found]:
    """Tests of Azure's operation, resource id, group or provider with a letter in them."""
    fields = ("azure_activity.operation", "azure_activity.resource_id", "azure_activity.resource_group", "azure_activity.provider")
    for test in field_tests(reading.facts, *fields):
        if test.sensitive and test.reads(*fields) and _only(test, "azure_activity") and any(c.isalpha() for w in test.words for c in w):
            if test.meaning == "text.matches_regex" and all("(?i" in w for w in test.words):
                continue
            if reading.language in ("eql", "esql", "kuery") and all(w.isupper() for w in test.words):
                continue  # Elastic gets resource logs alone, whose operations are in upper case
            better = _caseless(reading, test)
            yield Found(test.span or NOWHERE, "Azure writes this value in upper case in some events and in mixed case in others; case counts here", fix=better)


def _caseless(reading: Reading, test: Test) -> Fix | None:
    if reading.language != "kql" or test.span is None:
        return None
    text = reading.source.slice(test.span)
    for old, new in ((" == ", " =~ "), (" in (", " in~ ("), (" != ", " !~ "), (" !in (", " !in~ (")):
        if text.count(old) == 1:
            start = test.span.start + text.index(old)
            return Fix(type(test.span)(start, start + len(old)), new, f"write {new.strip(' (')!r}")
    return None


@check(
    627,
    "notice",
    "words for people instead of the operation's id",
    why="The column holds the operation's id. What the portal shows for it depends on the language and the version, and what other logs call an act, Entra's for one, stands in those logs alone.",
    example='OperationName = "Create or Update Virtual Machine"',
    mend="compare the operation's id, such as Microsoft.Compute/virtualMachines/write",
)
def display_text(reading: Reading) -> Iterator[Found]:
    """A literal of several plain words against Azure's operation."""
    unread = [
        t for t in field_tests(reading.facts, "azure_activity._raw") if t.exact and any(str(o.steps[-1:]).lower().find("operationname") > 0 for o in t.origins)
    ]
    for test, word in (*_exact(reading, "azure_activity.operation"), *((t, w) for t in unread for w in t.words)):
        if DISPLAY_TEXT.match(word) and _only(test, "azure_activity"):
            yield Found(test.span or NOWHERE, f"{word!r} is for people to read; the event has the operation's id, as Microsoft.Compute/virtualMachines/write")


@check(
    628,
    "warning",
    "an instance type that does not exist",
    why="The rule waits for a machine that nobody can start.",
    example='instanceType = "tg4.nano"',
    mend="write the type as EC2 lists it",
)
def unknown_instance_type(reading: Reading) -> Iterator[Found]:
    """Exact tests of RunInstances' instanceType."""
    guesses = _Guesses()
    for test in reading.facts.tests:
        if not test.exact or not any(o.table == "aws_cloudtrail" and o.steps and o.steps[-1] == "instanceType" for o in test.origins):
            continue
        for word in test.words:
            if FAMILY.match(word) and word not in instance_types():
                near = guesses.near(word, instance_types(), 0.7)
                yield Found(test.span or NOWHERE, f"EC2 has no instance type {word!r}", f"did you mean {near[0]!r}?" if near else "")


@check(
    629,
    "warning",
    "an Azure operation that the provider does not have",
    why="Azure Activity names an operation by provider, type and action. One that the provider's API has no request for is never logged.",
    example='"Microsoft.Compute/virtualMachines/create/action"',
    mend="write the operation as the provider's permissions list it: a create is /write",
)
def unknown_azure_operation(reading: Reading) -> Iterator[Found]:
    """Judged for Microsoft.Compute, whose requests are all known; reads are never logged and are left alone."""
    known, guesses = azure_operations(), _Guesses()
    for test, word in _exact(reading, "azure_activity.operation"):
        lower = word.lower()
        if not AZURE_OPERATION.match(word) or not lower.startswith(AZURE_COMPLETE) or lower in known or lower.endswith(("/read", "register/action")):
            continue
        stem = re.sub(r"/(create|update|createorupdate|put)(/action)?$", "/write", lower)
        near = [stem] if stem in known else guesses.near(lower, known, 0.9)
        better = known[near[0]] if near else ""
        yield Found(
            test.span or NOWHERE,
            f"{word!r} is no operation of that provider",
            f"did you mean {better!r}?" if better else "",
            _swap(reading, test, word, better) if better else None,
        )


@check(
    630,
    "warning",
    "a method that Compute Engine does not have",
    why="The audit log names the method of the API; one that no version of the API has is never logged.",
    example='methodName = "v1.compute.instances.create"',
    mend="write the method as the API's reference has it: a create is insert",
)
def unknown_google_method(reading: Reading) -> Iterator[Found]:
    """Exact tests of the method that begin with compute., with or without a version."""
    guesses = _Guesses()
    for test, word in _exact(reading, "gcp_audit.method"):
        found = GCP_METHOD.match(word)
        if found and found[1] not in google_methods():
            near = guesses.near(found[1], google_methods(), 0.8)
            yield Found(test.span or NOWHERE, f"Compute Engine has no method {found[1]!r}", f"did you mean {near[0]!r}?" if near else "")


@check(
    631,
    "notice",
    "a service's own event read as a theft",
    why="SharedSnapshotVolumeCreated is written whenever a volume is made of a snapshot that another account shared, which every launch from a public image is.",
    example='eventName = "SharedSnapshotVolumeCreated"',
    mend="compare the owner of the snapshot with the account that made the volume",
)
def shared_volume_alone(reading: Reading) -> Iterator[Found]:
    """The event is asked for and no account is compared."""
    accounts = field_tests(reading.facts, "aws_cloudtrail.recipient_account", "aws_cloudtrail.identity_account", "aws_cloudtrail.service_event")
    if not accounts:
        for test in asks_for(reading.facts, "SharedSnapshotVolumeCreated"):
            if test.exact and "SharedSnapshotVolumeCreated" in test.words:
                yield Found(test.span or NOWHERE, "our own launches from public images write this event too")


CHECKS = (
    unknown_aws_operation,
    operation_of_another_service,
    service_event_as_call,
    one_status_vocabulary,
    foreign_outcome,
    pinned_google_version,
    case_of_azure,
    display_text,
    unknown_instance_type,
    unknown_azure_operation,
    unknown_google_method,
    shared_volume_alone,
)
