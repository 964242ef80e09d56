"""Checks of the shape of what is read: lists that are sometimes objects, columns without a value, labels that later steps drop."""

from __future__ import annotations

import re
from collections.abc import Iterator

from livefire.diagnostics import NOWHERE, Label, Span
from livefire.lint.rule import Found, Reading, check
from livefire.lint.rules.schema import constant
from livefire.lint.rules.writing import LABELS
from livefire.lint.scope import asks_for, field_tests
from livefire.lint.tests import parts_of
from livefire.plan import expr as e
from livefire.plan import nodes as n
from livefire.plan.walk import place_of

LISTS = frozenset({"item", "Tag", "member"})
NESTED = ("request", "response", "resources", "service_event")
SESSIONS = frozenset({"aws_cloudtrail.identity_arn", "aws_cloudtrail.identity_principal"})
ACTOR = re.compile(r"actor|principal|initiator|caller", re.I)
LOGS = frozenset({"aws_cloudtrail", "azure_activity", "gcp_audit"})
WRITES = "microsoft.compute/virtualmachines/write"


@check(
    675,
    "warning",
    "a list that is an object when it has one member",
    why="Newer EC2 actions log what was XML: a list of one element becomes that element. Its first element is then a path to nothing, in the commonest case.",
    example="responseElements.CreateFleetResponse.fleetInstanceSet.item[0].instanceIds",
    mend="read both forms: the element of a list, and the object itself",
)
def list_or_object(reading: Reading) -> Iterator[Found]:
    """A path with an index right after a member that stands for a list in XML."""
    for origin, span, _ in reading.facts.paths:
        if origin.table == "aws_cloudtrail" and origin.column in ("request", "response"):
            pairs = zip(origin.steps, origin.steps[1:], strict=False)
            if any(a in LISTS and isinstance(b, int) for a, b in pairs):
                yield Found(span, f"{origin.path} is an object, not a list, when there is one of them")


@check(
    676,
    "warning",
    "the workspace's id taken for the tenant",
    why="TenantId is the id of the Log Analytics workspace, the same in every row. Grouped or compared by it, the tenants of the events stay together.",
    example="AzureActivity | summarize count() by TenantId",
    mend="take the tenant from the claims of the event",
    languages=("kql",),
)
def workspace_as_tenant(reading: Reading) -> Iterator[Found]:
    """TenantId among the keys of an aggregation over a table whose TenantId is the workspace's."""
    for node in reading.facts.of(n.Aggregate):
        if not isinstance(node, n.Aggregate) or node.span is None or not reading.facts.tables:
            continue
        for match in re.finditer(r"\bTenantId\b", reading.source.slice(node.span).rpartition(" by ")[2]):
            start = node.span.end - len(match.string) + match.start()
            yield Found(Span(start, start + len(match[0])), "TenantId is the workspace's own id, the same in every row")


@check(
    677,
    "warning",
    "a response as the only count",
    why="CloudTrail leaves out a response above 100 KB, which is about 44 instances. The largest launches are the ones whose response has no list.",
    example="where array_length(parse_json(ResponseElements).instancesSet.items) > 20",
    mend="count what was asked for as well: requestParameters.instancesSet.items[].maxCount",
)
def counted_from_response(reading: Reading) -> Iterator[Found]:
    """The length of a list of RunInstances' response where nothing reads the request."""
    if not asks_for(reading.facts, "RunInstances") or any(o.column == "request" for o, _, _ in reading.facts.paths):
        return
    for node in reading.facts.nodes:
        if not isinstance(node, (n.Filter, n.Project)):
            continue
        for expr in [node.predicate] if isinstance(node, n.Filter) else [i.expr for i in node.items]:
            for part in parts_of(expr):
                if isinstance(part, e.Call) and part.function in ("array.length", "dynamic.length", "dynamic.size") and part.span is not None:
                    origins = reading.facts.resolver.of(part.args[0], node.input)
                    if any(o.table == "aws_cloudtrail" and o.column == "response" for o in origins):
                        yield Found(part.span, "a launch of more than about 44 instances has no response to count")


@check(
    679,
    "warning",
    "a group by a column without a value",
    why="The product's table has the column, and nothing fills it: all rows fall into one group, or are dropped, by language.",
    example="groupBy([aid, ActorUserName]) over cloud events, where aid is the id of a sensor",
    mend="group by a field that the events have",
)
def empty_key(reading: Reading) -> Iterator[Found]:
    """Keys of an aggregation that are null or empty in every row of the three clouds' tables; of tables unknown here nothing is known."""
    if not reading.whole or not reading.facts.tables or not reading.facts.tables <= LOGS:
        return
    for node in reading.facts.of(n.Aggregate):
        if not isinstance(node, n.Aggregate):
            continue
        for key in node.keys:
            found = constant(key.expr, node.input)
            if found is not None and found[1] in ("", None):
                yield Found(place_of(key.expr) or node.span or NOWHERE, f"{found[0]} has no value in any row")


@check(
    686,
    "warning",
    "a label whose rows are dropped later",
    why="A branch gives its rows a label, and a later condition keeps only other labels: the branch does nothing, and whoever reads it thinks that it does.",
    example='case(…, "High", …, "Medium", "Low") … where Risk in ("High", "Medium")',
    mend="take the branch out, or let its label through",
)
def dropped_label(reading: Reading) -> Iterator[Found]:
    """Words for a risk among the results of a case that a required exact test of its column excludes, where it is such words that pass."""
    for test in reading.facts.tests:
        if test.alternative or test.negated or not test.exact or not isinstance(test.clause, n.Filter) or not isinstance(test.value, e.Column):
            continue
        made = reading.facts.resolver.made_of(test.value.name, test.clause.input)
        if made is None or not isinstance(made[0], e.Case):
            continue
        given = [value for _, value in made[0].whens] + [made[0].otherwise]
        words = {w.casefold() for w in test.words}
        if not words & LABELS:
            continue
        for value in given:
            if isinstance(value, e.Literal) and isinstance(value.value, str) and value.value.casefold() in LABELS - words:
                label = Label(test.span or NOWHERE, "only other labels pass this")
                yield Found(place_of(value) or test.span or NOWHERE, f"every row labelled {value.value!r} is dropped later", labels=(label,))


@check(
    687,
    "notice",
    "only the first of several is shown",
    why="One call can start, stop or share many. A result that shows element 0 of the list hides the rest from whoever reads the alert.",
    example="extend Instance = tostring(parse_json(ResponseElements).instancesSet.items[0].instanceId)",
    mend="expand the list, or show all of it",
)
def first_shown(reading: Reading) -> Iterator[Found]:
    """A path through index 0 that a projection computes."""
    tested = {t.span for t in reading.facts.tests}
    for origin, span, node in reading.facts.paths:
        if isinstance(node, n.Project) and span not in tested and origin.column in NESTED and 0 in origin.steps:
            yield Found(span, f"{'.'.join(str(s) for s in origin.steps[: origin.steps.index(0)]) or origin.column} may hold more than one")


@check(
    688,
    "notice",
    "every change of a machine taken for its creation",
    why="Azure logs virtualMachines/write when a machine is made, and when a tag, a disk or a size of it changes. Rules for creations see mostly the second.",
    example='OperationNameValue =~ "Microsoft.Compute/virtualMachines/write" and nothing more',
    mend="ask for the status code Created, or compare with the machines that were there before",
)
def update_as_creation(reading: Reading) -> Iterator[Found]:
    """The operation alone is asked for, and neither the status code nor the properties are read."""
    asked = [t for t in field_tests(reading.facts, "azure_activity.operation") if not t.negated and t.exact and [w.lower() for w in t.words] == [WRITES]]
    if not asked or field_tests(reading.facts, "azure_activity.status_code", "azure_activity.sub_status", "azure_activity.result_signature"):
        return
    if any(o.column in ("properties", "_raw") and o.table == "azure_activity" for o, _, _ in reading.facts.paths) or "ropert" in reading.source.text:
        return
    yield Found(asked[0].span or NOWHERE, "this is written for every change of a machine, not only when one is made")


@check(
    690,
    "warning",
    "a resource id that begins otherwise",
    why="Azure's resource ids begin with /subscriptions/. One that is to begin with the provider matches nothing.",
    example='where like(Resource, "Microsoft.Compute/virtualMachines%")',
    mend="look for the provider inside the id, or compare the operation",
)
def begins_with_provider(reading: Reading) -> Iterator[Found]:
    """Tests of a resource that want the provider's name at its beginning."""
    for test in reading.facts.tests:
        name = test.value.name.lower() if isinstance(test.value, e.Column) else ""
        if not (test.reads("azure_activity.resource_id") or (name in ("resource", "resourceid", "_resourceid") and "azure_activity" in reading.facts.tables)):
            continue
        starts = test.exact or test.meaning.startswith(("text.starts_with", "text.like", "text.wildcard"))
        if starts and any(w.lower().startswith("microsoft.") for w in test.words):
            yield Found(test.span or NOWHERE, "a resource's id begins with /subscriptions/, and its name with no provider")


@check(
    693,
    "notice",
    "a session shown as who acted",
    why="The ARN and the principal id of an assumed role end in the name of the session. What is kept by such a name, a baseline, an allow-list or a case, is of one login and not of one identity.",
    example="extend Actor = UserIdentityArn",
    mend="take the role where there is one: iff(isnotempty(SessionIssuerArn), SessionIssuerArn, UserIdentityArn)",
)
def session_as_actor(reading: Reading) -> Iterator[Found]:
    """A column named for an actor that is computed of the ARN or principal id alone."""
    for node in reading.facts.of(n.Project):
        if not isinstance(node, n.Project):
            continue
        for item in node.items:
            place = place_of(item.expr) or node.span
            if place is None or not ACTOR.search(item.name) or not _named(item.name, reading.source.text):
                continue
            origins = {f"{o.table}.{o.path}" for o in reading.facts.resolver.of(item.expr, node.input)}
            if origins and origins <= SESSIONS:
                yield Found(place, f"{item.name} holds the name of the session where a role acted")


def _named(name: str, text: str) -> bool:
    """True where the rule itself gives this name to something; a join and the like carry columns under the product's own."""
    return re.search(rf"(?<![\w.]){re.escape(name)}\s*:?=(?![=~])|\b(?:as|AS)\s+\"?{re.escape(name)}\b", text) is not None


CHECKS = (
    list_or_object,
    workspace_as_tenant,
    counted_from_response,
    empty_key,
    dropped_label,
    first_shown,
    update_as_creation,
    begins_with_provider,
    session_as_actor,
)
