"""Checks of reach: what a rule misses, counts twice, or lets an attacker talk his way out of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livefire.diagnostics import NOWHERE, Span
from livefire.lint.rule import Found, Reading, check
from livefire.lint.scope import asks_for, field_tests, named_actions
from livefire.lint.tests import PART, PATTERN, Test
from livefire.lint.words import lets_through
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import place_of

TICKS_A_MINUTE = 600_000_000
SHORTEST = 30 * TICKS_A_MINUTE
ACTORS = (
    "aws_cloudtrail.identity_arn",
    "aws_cloudtrail.identity_principal",
    "aws_cloudtrail.identity_user_name",
    "aws_cloudtrail.issuer_user_name",
    "aws_cloudtrail.issuer_arn",
    "azure_activity.caller",
    "azure_activity.upn",
    "gcp_audit.principal_email",
)
AGENTS = ("aws_cloudtrail.user_agent", "gcp_audit.user_agent")
SESSION = ("aws_cloudtrail.identity_arn", "aws_cloudtrail.identity_principal")
OFTEN_ABSENT = {
    "aws_cloudtrail.identity_user_name": "an assumed role has no user name: its events have none, and most cloud work is done by roles",
    "azure_activity.upn": "a service principal has no user principal name",
}
OUTCOMES = ("azure_activity.result_type", "azure_activity.result_signature", "azure_activity.sub_status", "azure_activity.status_code")
LAUNCHES = ("RunInstances", "CreateFleet", "RequestSpotInstances", "RequestSpotFleet", "RunScheduledInstances")
OBJECTS = ("request", "response", "resource_id", "resource", "resource_name", "resources")
RESERVED = re.compile(r"system:|gserviceaccount\.com|aws-service-role|AWSServiceRole", re.I)
# Acts on a thing that a second act on the same thing completes.
ACTS_ON_THINGS = frozenset(["StopInstances", "StartInstances", "ModifyInstanceAttribute", "TerminateInstances", "DetachVolume", "AttachVolume", "CreateVolume"])
AZURE_SIBLINGS = {
    "snapshots/write": ("restorePointCollections/restorePoints/write", "virtualMachines/capture/action", "disks/beginGetAccess/action"),
    "virtualmachines/write": ("virtualMachineScaleSets/write", "virtualMachines/runCommand/action", "virtualMachines/extensions/write"),
}
SHARES = {
    "ModifySnapshotAttribute": "createVolumePermission",
    "ModifyImageAttribute": "launchPermission",
}


def _exact(tests: list[Test]) -> list[Test]:
    return [t for t in tests if t.exact and not t.negated]


@check(
    660,
    "warning",
    "one action counted several times",
    why="Azure writes a row when an action starts, when it is accepted and when it ends. A rule without a condition on the outcome alerts two or three times for one act, and for acts that were refused.",
    example='OperationNameValue =~ "Microsoft.Compute/snapshots/write" and no condition on ActivityStatusValue',
    mend='ask for the end: ActivityStatusValue in~ ("Success", "Succeeded"), or count distinct CorrelationId',
)
def no_outcome(reading: Reading) -> Iterator[Found]:
    """An Azure operation is named, and neither outcome nor correlation id is read."""
    if (reading.facts.tables and "azure_activity" not in reading.facts.tables) or field_tests(reading.facts, *OUTCOMES):
        return
    if "event.outcome" in reading.source.text or "CorrelationId" in reading.source.text or "correlation" in reading.source.text.lower():
        return
    snapshot = "MICROSOFT.COMPUTE/SNAPSHOTS/WRITE"
    asked = [t for t in field_tests(reading.facts, "azure_activity.operation") if not t.negated]
    tests = [t for t in asked if any("microsoft." in w.lower() for w in t.words) or (not t.exact and lets_through(t, snapshot))]
    if tests:
        yield Found(tests[0].span or NOWHERE, "each act of Azure writes two or three rows: Start, Accept, Success")


@check(
    661,
    "notice",
    "refused attempts are left out",
    why="An attacker who meets a quota, a missing permission or a wrong region tries again. A rule that wants success never sees the attempts, and loses the attack that was stopped in time to be noticed.",
    example="RunInstances and isempty(ErrorCode)",
    mend="keep failures in a rule of their own, or raise on several of them",
)
def success_only(reading: Reading) -> Iterator[Found]:
    """A launch of AWS with an empty error required."""
    if not asks_for(reading.facts, *LAUNCHES):
        return
    for test in field_tests(reading.facts, "aws_cloudtrail.error_code"):
        wants_success = (test.words == ("",) or {w.casefold() for w in test.words} == {"success"}) and not test.negated
        if test.exact and wants_success and not test.alternative:
            yield Found(test.span or NOWHERE, "launches that were refused, by quota or by permission, are not seen")


@check(
    662,
    "warning",
    "an exclusion that an attacker can name himself into",
    why="A user, a role session and a service account are called what their maker calls them. Excluding every name that contains backup or automation excludes the attacker's own, too.",
    example="userName != *backup*",
    mend="exclude whole names or ids, in a list with an owner and an end",
)
def exclusion_by_name_part(reading: Reading) -> Iterator[Found]:
    """A negated pattern or part on who acted; names that only the cloud can give are left alone."""
    for test in field_tests(reading.facts, *ACTORS):
        if any(RESERVED.search(w) for w in test.words) or not isinstance(test.clause, n.Filter):
            continue
        if test.negated and not test.exact and (test.meaning in PART or test.meaning in PATTERN) and any(len(w.strip("*%.^$")) > 1 for w in test.words):
            yield Found(test.span or NOWHERE, "who names a user or a session chooses whether this rule sees it")


@check(
    663,
    "warning",
    "an exclusion by user agent",
    why="The user agent is what the caller says it is. Attack tools are run through Terraform and the CLI as well, and any string can be sent.",
    example='not userAgent like "*Terraform*"',
    mend="exclude by role and source address together",
)
def exclusion_by_agent(reading: Reading) -> Iterator[Found]:
    """A negated test of the user agent."""
    for test in field_tests(reading.facts, *AGENTS):
        if test.negated and any(test.words) and isinstance(test.clause, n.Filter):
            yield Found(test.span or NOWHERE, "the caller writes the user agent")


@check(
    664,
    "warning",
    "a group by the name of a session",
    why="The ARN and the principal id of an assumed role end in the name of the session, which changes with each login. A count per session hardly ever reaches its threshold, and a baseline of sessions calls everything new.",
    example="summarize count() by UserIdentityArn",
    mend="group by the role: SessionIssuerArn, and the user's ARN where there is no session",
)
def volatile_key(reading: Reading) -> Iterator[Found]:
    """Keys of a count that a threshold cuts, alone of their kind, that hold a session."""
    for at, node in enumerate(reading.facts.nodes):
        if not isinstance(node, n.Aggregate) or node.span is None or not node.items:
            continue
        found = {f"{o.table}.{o.path}" for k in node.keys for o in reading.facts.resolver.of(k.expr, node.input)}
        counted = _thresholded(node, reading.facts.nodes[at + 1 :])
        if counted and found & set(SESSION) and not any("issuer" in f for f in found):
            yield Found(_keys_place(node), "a key holds the name of the session, which is new with each login")


def _keys_place(node: n.Aggregate) -> Span:
    spans = [s for k in node.keys if (s := place_of(k.expr)) is not None]
    return spans[0] if spans else node.span or NOWHERE


@check(
    665,
    "warning",
    "a group by a field that is often absent",
    why="Rows without the field are dropped, or all fall into one group, by language: a threshold is then counted over the wrong rows.",
    example="stats count by userName",
    mend="group by the ARN of the role or user",
)
def absent_key(reading: Reading) -> Iterator[Found]:
    """A key that comes only from a field that many events do not have: alone, or where the language drops such rows."""
    for node in reading.facts.of(n.Aggregate):
        if not isinstance(node, n.Aggregate) or node.span is None:
            continue
        for key in node.keys:
            origins = {f"{o.table}.{o.path}" for o in reading.facts.resolver.of(key.expr, node.input)}
            if len(node.keys) > 1 and reading.language != "spl":
                continue
            if len(origins) == 1 and (reason := OFTEN_ABSENT.get(next(iter(origins)))):
                yield Found(place_of(key.expr) or node.span, reason)


@check(
    666,
    "warning",
    "a look-back shorter than the delay of the logs",
    why="CloudTrail delivers after 5 to 15 minutes, and connectors add to that. A rule that looks back only minutes has looked away before the event arrives.",
    example="where TimeGenerated > ago(5m)",
    mend="look back at least as far as the rule's frequency and half an hour",
)
def short_look_back(reading: Reading) -> Iterator[Found]:
    """A comparison of the event time with now minus less than 30 minutes."""
    for node in reading.facts.of(n.Filter):
        if isinstance(node, n.Filter):
            for call in calls(node.predicate):
                if call.function in ("compare.gt", "compare.ge") and call.span is not None:
                    back = ticks_back(call.args[1])
                    if back is not None and 0 < back < SHORTEST and isinstance(call.args[0], e.Column):
                        yield Found(call.span, f"this looks back {back // TICKS_A_MINUTE} minutes; the events come later than that")


def calls(expr: e.Expr) -> Iterator[e.Call]:
    """Yield every call in an expression."""
    if isinstance(expr, e.Call):
        yield expr
    for child in e.children(expr):
        yield from calls(child)


def ticks_back(expr: e.Expr) -> int | None:
    """Return how many ticks before now a value is, when it is such a one."""
    if not isinstance(expr, e.Call) or len(expr.args) != 2:
        return None
    left, right = expr.args
    if not (isinstance(left, e.Parameter) and left.name == "now" and isinstance(right, e.Literal) and isinstance(right.value, int)):
        return None
    return right.value if expr.function.endswith("subtract") else -right.value if expr.function.endswith("add") else None


@check(
    667,
    "warning",
    "fixed time buckets cut a story in two",
    why="Two events two minutes apart lie in different buckets whenever the boundary falls between them. A rule that needs both in one bucket loses a share of all attacks that grows with the gap.",
    example="summarize … by bin(TimeGenerated, 5m) | where n >= 2",
    mend="use a sequence with a span, a sliding window, or compare times after a self-join",
)
def tumbling(reading: Reading) -> Iterator[Found]:
    """An aggregation by a bucket of the time whose result a threshold cuts."""
    nodes = reading.facts.nodes
    for number, node in enumerate(nodes):
        if not isinstance(node, n.Aggregate) or node.span is None:
            continue
        bucket = next((k for k in node.keys if _is_bucket(k.expr, node.input)), None)
        if bucket is None or not _thresholded(node, nodes[number + 1 :]):
            continue
        yield Found(place_of(bucket.expr) or node.span, "events on both sides of a bucket's boundary are never counted together")


def _thresholded(node: n.Aggregate, later: tuple[n.Plan, ...]) -> bool:
    made = {i.name for i in node.items}
    for after in later:
        if isinstance(after, n.Project):
            made |= {i.name for i in after.items if e.columns_of(i.expr) & made}
        if _cuts(after, made):
            return True
    return False


def _is_bucket(expr: e.Expr, plan: n.Plan) -> bool:
    if isinstance(expr, e.Call) and expr.function in ("time.bin", "time.trunc", "time.floor", "time.start_of"):
        return True
    if isinstance(expr, e.Column):
        node = plan
        while isinstance(node, (n.Filter, n.Sort, n.Project, n.Limit)):
            if isinstance(node, n.Project):
                item = next((i for i in node.items if i.name == expr.name), None)
                if item is None or (isinstance(item.expr, e.Column) and item.expr.name != expr.name):
                    return False
                if not isinstance(item.expr, e.Column):
                    return _is_bucket(item.expr, node.input)
            node = node.input
    return False


def _cuts(node: n.Plan, made: set[str]) -> bool:
    """True for a filter that wants more than one of what was counted."""
    if not isinstance(node, n.Filter) or (node.span is None and place_of(node.predicate) is None):
        return False
    return any(c.function in ("compare.gt", "compare.ge") and e.columns_of(c) & made for c in calls(node.predicate))


@check(
    668,
    "warning",
    "a sequence whose steps share no object",
    why="Steps joined by user or account only put together acts on different machines: a stop of one and a start of another.",
    example="sequence by user.name [StopInstances] [StartInstances]",
    mend="join on the instance, volume or resource id as well",
)
def sequence_without_object(reading: Reading) -> Iterator[Found]:
    """Sequences over log sources none of whose keys comes from the request, the response or a resource."""
    for node in reading.facts.of(n.Sequence):
        named = set(named_actions(reading.facts))
        if not isinstance(node, n.Sequence) or not named or not named <= ACTS_ON_THINGS:
            continue
        origins = {o for s in node.steps for k in s.keys for o in reading.facts.resolver.of(k, s.input)}
        if origins and not any(o.column in OBJECTS or o.column == "_raw" for o in origins):
            yield Found(node.span or NOWHERE, "no key names the thing that was acted on")


@check(
    669,
    "notice",
    "a strict order in a source that knows only seconds",
    why="CloudTrail's eventTime is whole seconds: two calls of one script often have the same. A rule that wants the second strictly later misses such pairs.",
    example="sequence [ModifyInstanceAttribute] [TerminateInstances]",
    mend="allow equal times: join on the object and compare with >=",
)
def strict_order(reading: Reading) -> Iterator[Found]:
    """Ordered sequences over CloudTrail without a tiebreaker."""
    for node in reading.facts.of(n.Sequence):
        if isinstance(node, n.Sequence) and node.ordered and not node.tiebreak and "aws" in reading.source.text.lower():
            yield Found(node.span or NOWHERE, "events of the same second have no order here")


@check(
    670,
    "warning",
    "both directions of a change matched",
    why="The same action gives and takes away. Without a look at which, half of the alerts are people putting things right.",
    example='eventName = "ModifySnapshotAttribute" and nothing more',
    mend="ask for the risky direction: createVolumePermission.add, launchPermission.add",
)
def both_directions(reading: Reading) -> Iterator[Found]:
    """A share of a snapshot or image is asked for by name, and the request is not read."""
    reads_request = bool(field_tests(reading.facts, "aws_cloudtrail.request")) or "add" in reading.source.text
    if reads_request or field_tests(reading.facts, "aws_cloudtrail._raw"):
        return
    for action, permission in SHARES.items():
        tests = [t for t in named_actions(reading.facts).get(action, []) if isinstance(t.clause, n.Filter)]
        for test in tests[:1]:
            yield Found(test.span or NOWHERE, f"{action} is written for taking a permission away as well; {permission}.add is the share")


@check(
    671,
    "notice",
    "other ways to the same end",
    why="What one API call does, others do as well. A rule named for the act and written for one call misses the rest.",
    example='eventName = "RunInstances" and no other',
    mend="add the siblings, or say in the rule's description that they are left out",
)
def siblings(reading: Reading) -> Iterator[Found]:
    """The first of a family is named and no other; Azure's names are compared without regard to case."""
    named = named_actions(reading.facts)
    families = (("RunInstances", LAUNCHES[1:4]), ("CreateSnapshot", ("CreateSnapshots", "CopySnapshot", "CreateImage", "CopyVolumes")))
    for first, others in families:
        if first in named and not any(asks_for(reading.facts, o) for o in others) and len(named) <= 2:
            yield Found(named[first][0].span or NOWHERE, f"the same is done by {', '.join(others)}")
    folded = {name.lower(): tests for name, tests in named.items()}
    for kind, siblings_of in AZURE_SIBLINGS.items():
        whole = [f"Microsoft.Compute/{s}" for s in siblings_of]
        if f"microsoft.compute/{kind}" in folded and len(named) <= 4 and not any(asks_for(reading.facts, o) for o in whole):
            yield Found(folded[f"microsoft.compute/{kind}"][0].span or NOWHERE, f"the same is done by {', '.join(siblings_of)} of Microsoft.Compute")


@check(
    672,
    "warning",
    "the first entry of a long operation taken for its success",
    why="Google writes one entry when a long operation is accepted and one when it ends; the first has the severity NOTICE also when the operation fails later.",
    example='Severity == "NOTICE" on v1.compute.instances.insert',
    mend="join the last entry of the operation, or look for its error",
)
def first_google_entry(reading: Reading) -> Iterator[Found]:
    """The severity is required to be NOTICE and nothing asks which entry it is."""
    if field_tests(reading.facts, "gcp_audit.operation_last", "gcp_audit.operation_first", "gcp_audit.status", "gcp_audit.status_code"):
        return
    for test in _exact(field_tests(reading.facts, "gcp_audit.severity")):
        if {w.casefold() for w in test.words} == {"notice"}:
            yield Found(test.span or NOWHERE, "an operation that failed in the end began with NOTICE as well")


@check(
    674,
    "warning",
    "a request form that its sibling replaces",
    why="ModifyInstanceAttribute carries the attribute that changes either as attribute = userData or as a member of that name; tools write the second.",
    example="requestParameters.attribute = userData",
    mend="test for the member as well: requestParameters.userData exists",
)
def sibling_form(reading: Reading) -> Iterator[Found]:
    """The attribute's name is compared, and the member of that name is read nowhere."""
    for test in field_tests(reading.facts, "aws_cloudtrail.request"):
        if test.negated or not test.exact or not any(o.steps == ("attribute",) for o in test.origins):
            continue
        for word in test.words:
            if f".{word}" not in reading.source.text:
                yield Found(test.span or NOWHERE, f"most tools send requestParameters.{word} and no attribute")


CHECKS = (
    no_outcome,
    success_only,
    exclusion_by_name_part,
    exclusion_by_agent,
    volatile_key,
    absent_key,
    short_look_back,
    tumbling,
    sequence_without_object,
    strict_order,
    both_directions,
    siblings,
    first_google_entry,
    sibling_form,
)
