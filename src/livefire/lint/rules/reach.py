"""Checks of reach: what a rule misses, counts twice, or lets an attacker talk his way out of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livefire.diagnostics import NOWHERE, Span
from livefire.lint.origin import Origin
from livefire.lint.rule import Found, Reading, check
from livefire.lint.scope import asks_for, field_tests, named_actions
from livefire.lint.tests import PART, PATTERN, Facts, Test, parts_of
from livefire.lint.words import lets_through
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import place_of
from livefire.schema import Type

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
OUTCOMES = ("azure_activity.level", "azure_activity.result_type", "azure_activity.result_signature", "azure_activity.sub_status", "azure_activity.status_code")
LAUNCHES = ("RunInstances", "CreateFleet", "RequestSpotInstances", "RequestSpotFleet", "RunScheduledInstances")
OBJECTS = ("request", "response", "resource_id", "resource", "resource_name", "resources")
RESERVED = re.compile(r"system:|gserviceaccount\.com|aws-service-role|AWSServiceRole", re.I)
# Permissions of Kubernetes and of what is inside a key vault are data actions, which the activity log does not hold:
# https://learn.microsoft.com/azure/role-based-access-control/permissions/containers, …/permissions/security
DATA_PLANE = re.compile(
    r"microsoft\.kubernetes/connectedclusters/[^/]+/|microsoft\.containerservice/managedclusters/(?:[^/]*\.k8s\.io|configmaps|secrets|serviceaccounts|pods)(?:/|$)|"
    r"microsoft\.(?:kubernetes|containerservice)/(?:connected|managed)clusters/[^/]*\.k8s\.io|microsoft\.keyvault/vaults/(?:keys|secrets|certificates)/(?!write$)",
    re.I,
)
TESTS_STATUS = re.compile(r"Activity(?:Sub)?[sS]tatus(?:Value)?\s*(?:[=!<]|in\b|has|contains|startswith)")  # also of rows that were added up before
BUCKETS = ("time.bin", "time.bin_at", "time.trunc", "time.floor", "time.start_of")
SUMS = ("agg.count", "agg.sum", "agg.sum_wrapping")
THINGS = ("resource_id", "resource")
ARRIVAL = re.compile(r"ingest|_indextime", re.I)  # who asks when an event came loses none that comes late
FIELD = re.compile(r"(?:request|response|userIdentity|additional)\w*(?:\.\w+)+$")  # another field was meant, and stands here as a text
# Acts on a thing that a second act on the same thing completes.
ACTS_ON_THINGS = frozenset(["StopInstances", "StartInstances", "ModifyInstanceAttribute", "TerminateInstances", "DetachVolume", "AttachVolume", "CreateVolume"])
AZURE_SIBLINGS = {
    "snapshots/write": ("restorePointCollections/restorePoints/write", "virtualMachines/capture/action", "disks/beginGetAccess/action"),
    "virtualmachines/write": ("virtualMachineScaleSets/write", "virtualMachineScaleSets/virtualMachines/write"),
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
    if (
        TESTS_STATUS.search(reading.source.text)
        or "event.outcome" in reading.source.text
        or "CorrelationId" in reading.source.text
        or "correlation" in reading.source.text.lower()
    ):
        return
    snapshot = "MICROSOFT.COMPUTE/SNAPSHOTS/WRITE"
    asked = [t for t in field_tests(reading.facts, "azure_activity.operation") if not t.negated and not (t.words and all(map(DATA_PLANE.match, t.words)))]
    if any(_counts_things(node, reading.facts) for node in reading.facts.of(n.Aggregate)):
        return
    categories = [w.casefold() for t in field_tests(reading.facts, "azure_activity.category") if t.exact and not t.negated for w in t.words]
    if categories and "administrative" not in categories:
        return  # alerts, health and scaling are no operations that start and end
    tests = [t for t in asked if any("microsoft." in w.lower() for w in t.words) or (not t.exact and lets_through(t, snapshot))]
    if tests:
        yield Found(tests[0].span or NOWHERE, "each act of Azure writes two or three rows: Start, Accept, Success")


def _counts_things(node: n.Plan, facts: Facts) -> bool:
    """True for an aggregation that counts different resources, or makes one row of each: the rows of one act are one to it."""
    if any(o.path in THINGS for o in _counted_apart(node, facts)):
        return True
    if not isinstance(node, n.Aggregate) or any(
        isinstance(p, e.Aggregate) and p.function.startswith("agg.count") for i in node.items for p in parts_of(i.expr)
    ):
        return False
    return any(o.path in THINGS for k in node.keys for o in facts.resolver.of(k.expr, node.input))


def _counted_apart(node: n.Plan, facts: Facts) -> Iterator[Origin]:
    """Yield the fields whose different values an aggregation counts."""
    for item in node.items if isinstance(node, n.Aggregate) else ():
        for part in parts_of(item.expr):
            if isinstance(part, e.Aggregate) and (part.distinct or "distinct" in part.function):
                for arg in part.args:
                    yield from facts.resolver.of(arg, n.inputs(node)[0])


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
    why="A user, a role session and a service account are called what their maker calls them. Excluding every name that contains backup or automation excludes the attacker's own, too; events without a name pass the exclusion in KQL, CQL and EQL.",
    example="userName != *backup*",
    mend="exclude whole names or ids, in a list with an owner and an end",
)
def exclusion_by_name_part(reading: Reading) -> Iterator[Found]:
    """A negated pattern or part on who acted; names that only the cloud can give are left alone."""
    for test in field_tests(reading.facts, *ACTORS):
        if any(RESERVED.search(w) or FIELD.match(w) for w in test.words) or not isinstance(test.clause, n.Filter):
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
        if test.negated and not test.alternative and any(test.words) and isinstance(test.clause, n.Filter):
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
    types = [t for t in field_tests(reading.facts, "aws_cloudtrail.identity_type") if not t.negated and not t.alternative]
    if any(t.words and {w.casefold() for w in t.words} <= {"iamuser", "root"} for t in types):
        return  # these act without a session
    for at, node in enumerate(reading.facts.nodes):
        if not isinstance(node, n.Aggregate) or node.span is None or not node.items or _counts_addresses(node, reading.facts):
            continue
        if any(_short(_bucket(k.expr, node.input)) for k in node.keys):
            continue
        found = {f"{o.table}.{o.path}" for k in node.keys for o in reading.facts.resolver.of(k.expr, node.input)}
        if _thresholded(node, reading.facts.nodes[at + 1 :], sums=True) and found & set(SESSION) and not any("issuer" in f for f in found):
            yield Found(_keys_place(node), "a key holds the name of the session, which its maker chooses: most tools make a new one each time")


def _counts_addresses(node: n.Aggregate, facts: Facts) -> bool:
    """True for an aggregation that counts addresses: one session from two of them is what such a rule is about."""
    return any(o.column in ("source_ip", "caller_ip", "client_ip") for o in _counted_apart(node, facts))


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
                    if back is not None and 0 < back < SHORTEST and isinstance(call.args[0], e.Column) and not ARRIVAL.search(reading.source.slice(call.span)):
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
        bucket = next((k for k in node.keys if _bucket(k.expr, node.input) is not None), None)
        if bucket is None or not _thresholded(node, nodes[number + 1 :]):
            continue
        yield Found(place_of(bucket.expr) or node.span, "events on both sides of a bucket's boundary are never counted together")


def _thresholded(node: n.Aggregate, later: tuple[n.Plan, ...], *, sums: bool = False) -> bool:
    """True where a later filter cuts what is made here; `sums` looks at counts and sums alone."""
    made = {i.name for i in node.items if not sums or any(isinstance(p, e.Aggregate) and p.function.startswith(SUMS) for p in parts_of(i.expr))}
    for after in later:
        if isinstance(after, n.Project):
            made |= {i.name for i in after.items if e.columns_of(i.expr) & made}
        if _cuts(after, made):
            return True
    return False


def _bucket(expr: e.Expr, plan: n.Plan) -> e.Call | None:
    """Return what makes a bucket of the time, here or where a key's column is computed."""
    node = plan
    while isinstance(expr, e.Column) and isinstance(node, (n.Filter, n.Sort, n.Project, n.Limit, n.Unnest, n.Window)):
        if isinstance(node, n.Project):
            item = next((i for i in node.items if i.name == expr.name), None)
            if item is None:
                return None
            expr = item.expr
        node = node.input
    return expr if isinstance(expr, e.Call) and expr.function in BUCKETS else None


def _short(bucket: e.Call | None) -> bool:
    """True for a bucket of an hour or less: a session is one in it."""
    spans = [part.value for part in parts_of(bucket) if isinstance(part, e.Literal) and part.type is Type.TIMESPAN] if bucket is not None else []
    return any(isinstance(ticks, int) and 0 < ticks <= TICKS_A_MINUTE * 60 for ticks in spans)


def _cuts(node: n.Plan, made: set[str]) -> bool:
    """True for a filter that wants more than one of what was counted."""
    if not isinstance(node, n.Filter) or (node.span is None and place_of(node.predicate) is None):
        return False
    return any(c.function in ("compare.gt", "compare.ge") and e.columns_of(c) & made and not _any_will_do(c) for c in calls(node.predicate))


def _any_will_do(call: e.Call) -> bool:
    """True for at least one, or more than none: what one event makes true, no boundary cuts."""
    bound = call.args[1]
    return isinstance(bound, e.Literal) and isinstance(bound.value, int) and bound.value <= (1 if call.function == "compare.ge" else 0)


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
        alone = len(named) <= 4 and all(
            name.startswith(("microsoft.compute/", "microsoft.resources/")) for name in folded
        )  # of other things, the rule is not named for this
        if f"microsoft.compute/{kind}" in folded and alone and not any(asks_for(reading.facts, o) for o in whole):
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
