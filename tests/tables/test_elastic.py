"""Elastic: the rules by which the integrations fill ECS fields."""

import pytest

from tests.tables import examples as x
from tests.tables.shown import Event, shown, table

AWS, AZURE, GCP = "logs-aws.cloudtrail-*", "logs-azure.activitylogs-*", "logs-gcp.audit-*"


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (x.AWS_CALL, "success"),
        (x.AWS_FAILURE, "failure"),
        (x.AWS_CALL | {"errorMessage": "said so"}, "failure"),
        (x.AWS_SIGN_IN, "failure"),
    ],
)
def test_aws_outcome(event: Event, outcome: str) -> None:
    assert shown(table(AWS, "elastic"), [event], "event.outcome") == [{"event.outcome": outcome}]


def test_source_ip_is_there_only_for_an_address() -> None:
    rows = shown(
        table(AWS, "elastic"), [x.AWS_CALL, x.AWS_FAILURE, x.AWS_SIGN_IN, x.AWS_CALL | {"sourceIPAddress": "1.2.3.256"}], "source.ip", "source.address"
    )
    assert [tuple(r.values()) for r in rows] == [
        ("198.51.100.7", "198.51.100.7"),
        (None, "autoscaling.amazonaws.com"),
        ("2001:db8::7", "2001:db8::7"),
        (None, "1.2.3.256"),
    ]


def test_aws_categories_are_those_of_the_actions_the_integration_sorts() -> None:
    rows = shown(table(AWS, "elastic"), [x.AWS_CALL, x.AWS_CALL | {"eventName": "CreateUser"}, x.AWS_SIGN_IN], "event.category", "event.type")
    assert [tuple(r.values()) for r in rows] == [(None, ["info"]), (["iam"], ["user", "creation"]), (["authentication"], ["info"])]


def test_user_name_is_the_role_of_a_session() -> None:
    (row,) = shown(table(AWS, "elastic"), [x.AWS_CALL], "user.name", "user.id", "cloud.account.id")
    assert list(row.values()) == ["Deploy", "AROAEXAMPLE:jo", "111122223333"]


def test_request_parameters_are_the_text_of_a_java_map() -> None:
    columns = ("aws.cloudtrail.request_parameters", "aws.cloudtrail.response_elements")
    call, read = shown(table(AWS, "elastic"), [x.AWS_CALL, x.AWS_READ], *columns)
    assert call[columns[0]] == "{instanceType=m5.large, instancesSet={items=[{imageId=ami-1, minCount=1, maxCount=2}]}}"
    assert call[columns[1]] == "{instancesSet={items=[{instanceId=i-1}, {instanceId=i-2}]}}"
    # Quotes, commas, colons, line ends and backslashes inside a text stay as they are.
    assert read[columns[0]] == '{note=a "b", c: {d}\n\\n}'
    assert read[columns[1]] is None


def test_text_beyond_what_the_index_keeps_is_absent() -> None:
    long = x.AWS_CALL | {"requestParameters": {"a": "b" * 9000}}
    name = "aws.cloudtrail.request_parameters"
    assert shown(table(AWS, "elastic"), [long], name) == [{name: None}]


def test_console_sign_in_details() -> None:
    prefix = "aws.cloudtrail.console_login.additional_eventdata."
    sign_in, call = shown(table(AWS, "elastic"), [x.AWS_SIGN_IN, x.AWS_CALL], f"{prefix}mfa_used", f"{prefix}mobile_version", f"{prefix}login_to")
    assert list(sign_in.values()) == [True, False, "https://console.aws.amazon.com"]
    assert list(call.values()) == [None, None, None]


@pytest.mark.parametrize(
    ("event", "outcome", "result"),
    [
        (x.azure("Start", "Started."), None, "Start"),
        (x.azure("Accept", "Accepted.Created"), None, "Accept"),
        (x.azure("Success", "Succeeded.OK"), "success", "Success"),
        (x.AZURE_PRINCIPAL, "failure", "Failure"),
        # A resource log with an old word: the integration knows only Success and Failure.
        (x.azure("Succeeded", "Succeeded.OK"), None, "Succeeded"),
        # The integration never gets the REST form, so it is shown as the resource log of the same action.
        (x.AZURE_PORTAL, "success", "Success"),
    ],
)
def test_azure_outcome(event: Event, outcome: str | None, result: str) -> None:
    (row,) = shown(table(AZURE, "elastic"), [event], "event.outcome", "azure.activitylogs.result_type")
    assert list(row.values()) == [outcome, result]


def test_azure_user_is_absent_for_a_service_principal() -> None:
    columns = ("user.name", "user.domain", "user.email", "user.full_name")
    person, principal = shown(table(AZURE, "elastic"), [x.azure("Success", "Succeeded.OK"), x.AZURE_PRINCIPAL], *columns)
    assert list(person.values()) == ["jo", "example.com", "jo@example.com", "Jo"]
    assert list(principal.values()) == [None, None, None, None]


def test_azure_resource_id_is_taken_apart() -> None:
    rule = f"/SUBSCRIPTIONS/{x.SUBSCRIPTION}/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.EVENTHUB/NAMESPACES/N1/AUTHORIZATIONRULES/R1"
    columns = ("azure.subscription_id", "azure.resource.group", "azure.resource.provider", "azure.resource.name", "azure.resource.namespace")
    machine, eventhub = shown(table(AZURE, "elastic"), [x.azure("Start", "Started."), x.azure("Start", "Started.", resourceId=rule)], *columns)
    assert list(machine.values()) == [x.SUBSCRIPTION, "SHOP", "MICROSOFT.COMPUTE/VIRTUALMACHINES", "WEB1", None]
    assert list(eventhub.values()) == [x.SUBSCRIPTION, "SHOP", "MICROSOFT.EVENTHUB", None, "N1"]


def test_azure_claims_have_no_dots_in_their_names() -> None:
    (row,) = shown(table(AZURE, "elastic"), [x.azure("Start", "Started.")], "azure.activitylogs.identity.claims")
    assert row["azure.activitylogs.identity.claims"]["http://schemas_xmlsoap_org/ws/2005/05/identity/claims/upn"] == "jo@example.com"


@pytest.mark.parametrize(
    ("event", "outcome", "category", "kind"),
    [
        # No status and more than one permission: unknown, although it is the start of a success.
        (x.GCP_FIRST, "unknown", ["session"], ["start"]),
        (x.GCP_LAST, "unknown", ["session"], ["end"]),
        (x.GCP_DENIED, "failure", ["network", "configuration"], ["access", "denied"]),
        (x.GCP_ALLOWED, "success", ["network", "configuration"], ["access", "allowed"]),
        (x.gcp("g", status={"code": 0}), "success", None, None),
        (x.gcp("g", {"id": "o", "first": True, "last": True}, status={"code": 7}), "failure", None, None),
    ],
)
def test_gcp_outcome_and_categories(event: Event, outcome: str, category: list[str] | None, kind: list[str] | None) -> None:
    (row,) = shown(table(GCP, "elastic"), [event], "event.outcome", "event.category", "event.type")
    assert list(row.values()) == [outcome, category, kind]


def test_gcp_names() -> None:
    (row,) = shown(table(GCP, "elastic"), [x.GCP_DENIED], "event.action", "event.provider", "service.name", "source.ip", "client.user.email")
    assert list(row.values()) == ["v1.compute.instances.insert", "activity", "compute.googleapis.com", None, "Jo@example.com"]
    assert "gcp.audit.method_name" not in table(GCP, "elastic").plan.schema


def test_gcp_names_of_what_a_cluster_holds() -> None:
    def cluster(name: str) -> Event:
        event = x.gcp("k", resourceName=name)
        return {**event, "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "c1"}}}

    names = ("core/v1/namespaces/shop/secrets/till-key", "core/v1/namespaces/shop/secrets", "apps/v1beta1/namespaces/a/apps.deployments/web.1", "core/v1/nodes")
    wanted = ("orchestrator.namespace", "orchestrator.resource.type", "orchestrator.resource.name", "gcp.audit.resource_name")
    rows = shown(table(GCP, "elastic"), [cluster(n) for n in names], *wanted)
    assert [tuple(r[w] for w in wanted) for r in rows] == [
        ("shop", "secrets", "till-key", names[0]),
        ("shop", "secrets", None, names[1]),
        ("a", "apps.deployments", "web.1", names[2]),
        (None, None, None, names[3]),
    ]
