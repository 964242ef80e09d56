"""Checks of fields: columns that say nothing here, paths that events do not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livefire.diagnostics import NOWHERE, Span
from livefire.lint.rule import Found, Reading, check
from livefire.lint.scope import asks_for, field_tests, named_actions
from livefire.lint.words import flat, wrapped
from livefire.plan import expr as e
from livefire.plan import nodes as n

# Operation → parameters that are below this path, and not where a flat request would have them.
ELSEWHERE = {
    "RunInstances": (("imageId", "keyName", "minCount", "maxCount"), "instancesSet.items[]"),
    "RegisterImage": (("snapshotId", "volumeSize", "volumeType"), "blockDeviceMapping.items[].ebs"),
}

# The members at the top of a record, and what a reader of the logs puts beside them:
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html,
# https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry
RECORDS = {
    "aws_cloudtrail": frozenset(
        [
            "eventTime",
            "eventVersion",
            "userIdentity",
            "eventSource",
            "eventName",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
            "errorCode",
            "errorMessage",
            "requestParameters",
            "responseElements",
            "additionalEventData",
            "requestID",
            "eventID",
            "eventType",
            "apiVersion",
            "managementEvent",
            "readOnly",
            "resources",
            "recipientAccountId",
            "serviceEventDetails",
            "sharedEventID",
            "vpcEndpointId",
            "vpcEndpointAccountId",
            "eventCategory",
            "addendum",
            "sessionCredentialFromConsole",
            "edgeDeviceDetails",
            "tlsDetails",
            "insightDetails",
            "eventContext",
            "annotation",
            "@timestamp",
            "@message",
        ]
    ),
    "gcp_audit": frozenset(
        [
            "logName",
            "resource",
            "timestamp",
            "receiveTimestamp",
            "severity",
            "insertId",
            "httpRequest",
            "labels",
            "metadata",
            "operation",
            "trace",
            "spanId",
            "traceSampled",
            "sourceLocation",
            "split",
            "errorGroups",
            "protoPayload",
            "textPayload",
            "jsonPayload",
            "@timestamp",
            "data",
        ]
    ),
}


# Commands that make fields of their own, of the text of an event.
MAKES_FIELDS = re.compile(r"\b(?:spath|xpath|extract|kv|multikv|rex|erex|xmlkv|lookup|inputlookup)\b|parseJson|kvParse")

# Columns whose one value here is the site's own to choose, or the name of what is read: a test of them is no test of an event.
OF_THE_SITE = frozenset(
    ["Type", "event.dataset", "event.module", "event.kind", "#repo", "#type", "index", "source", "sourcetype", "host", "data_stream.namespace"]
)


def constant(value: e.Expr, plan: n.Plan) -> tuple[str, object] | None:
    """Return the column and the one value that every row of it has, where the table gives it that value."""
    while isinstance(value, e.Call) and value.function in ("logic.coalesce", "dynamic.text", "text.lower", "text.upper") and value.args:
        value = value.args[0]
    if not isinstance(value, e.Column):
        return None
    name, node = value.name, plan
    while isinstance(node, (n.Filter, n.Sort, n.Limit, n.Distinct, n.Window, n.Project)):
        if isinstance(node, n.Project):
            item = next((i for i in node.items if i.name == name), None)
            if item is None:
                return None
            inner = item.expr
            while isinstance(inner, e.Call) and inner.function == "logic.coalesce":
                inner = inner.args[0]
            if isinstance(inner, e.Literal):
                return (name, inner.value) if node.span is None and isinstance(node.input, (n.Scan, n.Filter)) else None
            if not isinstance(inner, e.Column):
                return None
            name = inner.name
        node = node.input
    return None


@check(
    600,
    "warning",
    "a column that is the same in every row",
    why="Some columns are kept for old queries and no longer filled, or hold a value that says nothing of the event (the workspace's id, the name of the connector). A test of one keeps every row or none.",
    example='AzureActivity | where OperationName == "Delete Virtual Machine"',
    mend="read the column that is filled: OperationNameValue for OperationName, ActivityStatusValue for ActivityStatus, AwsRequestId_ for AwsRequestId",
)
def same_everywhere(reading: Reading) -> Iterator[Found]:
    """Tests of a column that the product's table gives one value; the name of the table or index is no such test."""
    if not reading.whole or (reading.language == "spl" and MAKES_FIELDS.search(reading.source.text)):
        return
    for test in reading.facts.tests:
        if test.origins or not isinstance(test.clause, n.Filter) or not test.words:
            continue
        found = constant(test.value, test.clause.input)
        if found is None or found[1] in test.words or found[0] in OF_THE_SITE:
            continue
        shown = "empty" if found[1] in ("", None) else repr(found[1])
        yield Found(test.span or NOWHERE, f"{found[0]} is {shown} in every row, so this is {'always' if test.negated else 'never'} true")


@check(
    601,
    "warning",
    "a request parameter that the event keeps elsewhere",
    why="RunInstances keeps the image, the key and the counts in a list, requestParameters.instancesSet.items; the flat path is absent from every event.",
    example="requestParameters.imageId on RunInstances",
    mend="read instancesSet.items[].imageId, every element of it",
)
def flat_run_instances(reading: Reading) -> Iterator[Found]:
    """Paths of one step below the request where one such operation is asked for and no other; and what stands beside the list sought inside it."""
    named = set(named_actions(reading.facts))
    if len(named) != 1 or not named <= ELSEWHERE.keys():
        return
    operation = named.pop()
    moved, below = ELSEWHERE[operation]
    read = [(o, t.span or NOWHERE) for t in reading.facts.tests for o in t.origins] + [(o, span) for o, span, _ in reading.facts.paths]
    for origin, span in dict.fromkeys(read):
        if origin.table != "aws_cloudtrail" or origin.column != "request" or not origin.steps:
            continue
        if len(origin.steps) == 1 and origin.steps[0] in moved:
            yield Found(span, f"{operation} has no requestParameters.{origin.steps[0]}: it is in {below}")
        elif operation == "RunInstances" and origin.steps[0] == "instancesSet" and origin.steps[-1] == "instanceType":
            yield Found(span, "RunInstances keeps the type beside the list: requestParameters.instanceType")


@check(
    602,
    "warning",
    "a wrapped request addressed flat, or the other way round",
    why="Newer EC2 actions put their parameters below <Action>Request, with capital names; older ones put them flat. The path of the other style is absent from every event.",
    example="requestParameters.instanceId on CreateReplaceRootVolumeTask",
    mend="read requestParameters.<Action>Request.<Name> for the wrapped ones",
)
def wrapping(reading: Reading) -> Iterator[Found]:
    """Judged where all operations named are of one style."""
    named = set(named_actions(reading.facts))
    for test in reading.facts.tests:
        for origin in test.origins:
            if origin.table != "aws_cloudtrail" or origin.column != "request" or not origin.steps or not isinstance(origin.steps[0], str):
                continue
            below = origin.steps[0].endswith("Request")
            if named and named <= wrapped() and not below and len(origin.steps) == 1:
                action = sorted(named)[0]
                yield Found(test.span or NOWHERE, f"{action} keeps its parameters below requestParameters.{action}Request")
            elif named and named <= flat() and below and origin.steps[0].removesuffix("Request") in named:
                yield Found(test.span or NOWHERE, f"{origin.steps[0].removesuffix('Request')} keeps its parameters flat in requestParameters")


@check(
    603,
    "warning",
    "a field that the log does not have",
    why="Splunk, LogScale and Sigma take any name for a field, and one that no event has is no error: the condition is never true, or always.",
    example="sourcetype=aws:cloudtrail event.action=RunInstances",
    mend="write the field as this product's events have it; names of another product's schema are not translated",
)
def unknown_field(reading: Reading) -> Iterator[Found]:
    """Tests of a member that no record of CloudTrail, or no entry of Google's audit log, has at its top."""
    if not reading.whole or MAKES_FIELDS.search(reading.source.text):
        return
    for test in reading.facts.tests:
        if not test.origins or any(o.column != "_raw" or not o.steps for o in test.origins):
            continue
        unknown = [o for o in test.origins if o.table in RECORDS and o.steps[0] not in RECORDS[o.table]]
        if len(unknown) == len(test.origins):
            name = ".".join(str(s) for s in unknown[0].steps)
            near = next((f for f in RECORDS[unknown[0].table] if f.casefold() == str(unknown[0].steps[0]).casefold()), "")
            yield Found(test.span or NOWHERE, f"no event has a field {name!r}", f"did you mean {near!r}? Case counts" if near else "")


@check(
    604,
    "warning",
    "Azure's location read as the region of the resource",
    why="The location of an Azure Activity event is where the event was processed, often global or another region than the resource's.",
    example='location != "eastus"',
    mend="take the region from the resource's own record, or from properties of the response",
)
def azure_location(reading: Reading) -> Iterator[Found]:
    """Any test of the location of Azure events."""
    for test in field_tests(reading.facts, "azure_activity.location"):
        if {o.table for o in test.origins} == {"azure_activity"}:
            yield Found(test.span or NOWHERE, "this says where the event was processed, which need not be where the resource is")


@check(
    605,
    "error",
    "JSON inside a text, read as an object",
    why="responseBody and requestbody of Azure's properties are JSON written into a string. A path that goes on below them finds nothing.",
    example="Properties_d.responseBody.properties.vmId",
    mend="parse the string first: parse_json(tostring(Properties_d.responseBody)).properties.vmId",
)
def json_in_text(reading: Reading) -> Iterator[Found]:
    """A path below one of those members without a parse between."""
    for test in reading.facts.tests:
        if any(_below_text(part) for part in _paths(test.value)):
            yield Found(test.span or NOWHERE, "the body is JSON inside a string; a path below it is always null")


def _paths(expr: e.Expr) -> Iterator[e.Path]:
    if isinstance(expr, e.Path):
        yield expr
    for child in e.children(expr):
        yield from _paths(child)


def _below_text(path: e.Path) -> bool:
    names = [str(s).casefold() for s in path.steps]
    return any(name in ("responsebody", "requestbody") for name in names[:-1])


@check(
    606,
    "warning",
    "the first element of a list stands for all of it",
    why="One call can start, stop or share many: instancesSet.items, userId lists and the like. A test of element 0 misses the rest.",
    example="responseElements.instancesSet.items[0].instanceId",
    mend="expand the list (mv-expand, mvexpand, split) or test any element",
)
def first_element(reading: Reading) -> Iterator[Found]:
    """A tested value whose path goes through index 0 of a list that holds many."""
    for test in reading.facts.tests:
        for origin in test.origins:
            at = [i for i, s in enumerate(origin.steps) if s == 0]
            if at and origin.column in ("request", "response", "resources") and test.words and re.search(r"[\[{]0[\]}]", reading.source.text):
                yield Found(test.span or NOWHERE, f"only the first element of {'.'.join(str(s) for s in origin.steps[: at[0]]) or origin.column} is tested")
                break


@check(
    607,
    "warning",
    "a public share looks otherwise",
    why="Sharing with one account adds a userId; sharing with everybody adds the group all. A rule that reads only userId misses the worse of the two.",
    example="requestParameters.createVolumePermission.add.items[].userId only",
    mend='test the group as well: createVolumePermission.add.items[].group = "all"',
)
def public_share_missed(reading: Reading) -> Iterator[Found]:
    """userId of a permission is read, in the text of the rule or through its plan, and group nowhere."""
    text = reading.source.text
    if not asks_for(reading.facts, "ModifySnapshotAttribute", "ModifyImageAttribute") or "group" in text:
        return
    for test in reading.facts.tests:
        if any("userId" in o.steps and any(isinstance(s, str) and s.lower().endswith("permission") for s in o.steps) for o in test.origins):
            yield Found(test.span or NOWHERE, "a share with everybody has no userId, it has the group 'all'")
            return
    written = re.search(r"[\w.]*[pP]ermission[\w.{}\[\]]*userId", text)
    if written is not None:
        yield Found(Span(written.start(), written.end()), "a share with everybody has no userId, it has the group 'all'")


CHECKS = (same_everywhere, flat_run_instances, wrapping, unknown_field, azure_location, json_in_text, first_element, public_share_missed)
