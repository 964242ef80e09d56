"""Azure Activity: what was done to Azure resources, in the three forms it is exported in.

resource_log: Event Hub, storage account or diagnostic setting
https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
rest: the REST API, the portal's JSON and `az monitor activity-log list`
https://learn.microsoft.com/rest/api/monitor/activity-logs/list
log_analytics: rows of the AzureActivity table
https://learn.microsoft.com/azure/azure-monitor/reference/tables/azureactivity

All three land in the same columns; values keep the words and the case of their form (`Success`
against `Succeeded`, upper case against mixed), and `form` says which it was.
"""

from __future__ import annotations

from livefire.logsources.base import Column, Event, Form, Getter, LogSource, Origin, Path, at
from livefire.logsources.columns import parsed
from livefire.schema import Type

_S, _T, _J = Type.STRING, Type.DATETIME, Type.DYNAMIC

COLUMNS = (
    Column("operation", _S, "The operation, such as Microsoft.Compute/virtualMachines/write; upper case in resource logs."),
    Column("result_type", _S, "Start, Accept, Success, Failure in resource logs; Started, Accepted, Succeeded, Failed in REST; both in Log Analytics."),
    Column("result_signature", _S, "Result and sub-status in one, such as Succeeded.Created; resource logs only."),
    Column("result_description", _S, "The words of the result or the description of the event."),
    Column("status_code", _S, "properties.statusCode: the name of the HTTP status, such as Created."),
    Column("sub_status", _S, "The HTTP status of the sub-operation, such as Created."),
    Column("level", _S, "Information or Informational, Warning, Error, Critical."),
    Column("category", _S, "Administrative, Policy, Security, ServiceHealth, Alert, Autoscale and others."),
    Column("event_name", _S, "Begin request, End request and so on; REST only."),
    Column("correlation_id", _S, "The same for all events of one action."),
    Column("operation_id", _S, "The same for the events of one operation."),
    Column("event_data_id", _S, "The id of this event; missing in resource logs."),
    Column("caller", _S, "The user's principal name, or the object id of a service principal."),
    Column("caller_ip", _S, "The address the call came from."),
    Column("principal_id", _S, "The object id of the caller, from its claims."),
    Column("principal_type", _S, "User, ServicePrincipal and others, as the authorization evidence names it."),
    Column("app_id", _S, "The client application's id, from the claims."),
    Column("upn", _S, "The user principal name from the claims; missing for service principals."),
    Column("resource_id", _S, "The resource's full id; upper case in resource logs."),
    Column("resource_group", _S, "The resource group's name."),
    Column("subscription", _S, "The subscription's id."),
    Column("tenant", _S, "The directory's id, from the event or the claims; never the workspace id that Log Analytics calls TenantId."),
    Column("provider", _S, "The resource provider, such as Microsoft.Compute."),
    Column("resource_type", _S, "Provider and type, such as Microsoft.Compute/virtualMachines."),
    Column("resource", _S, "The resource's name: the end of its id."),
    Column("location", _S, "Where the event was processed, which need not be where the resource is."),
    Column("submitted", _T, "When the event became available; later than it happened."),
    Column("claims", _J, "The claims of the caller's token."),
    Column("authorization", _J, "The action, scope and evidence of the access check."),
    Column("properties", _J, "Details by operation; its requestbody and responseBody are JSON in a string."),
    Column("http_request", _J, "Client request id, address, method and URI; not in resource logs."),
    Column("form", _S, "resource_log, rest or log_analytics."),
)

CATEGORIES = frozenset(
    {"administrative", "policy", "security", "servicehealth", "resourcehealth", "alert", "autoscale", "recommendation", "action", "write", "delete"}
)

_CLAIM_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_CLAIM_OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_CLAIM_TENANT = "http://schemas.microsoft.com/identity/claims/tenantid"


def first(*getters: Getter | Path) -> Getter:
    """Return a function that takes the first place that holds anything but null and empty text."""

    def get(event: Event) -> object:
        for getter in getters:
            value = getter(event) if callable(getter) else at(event, getter)
            if value is not None and value != "":
                return value
        return None

    return get


def named(*path: str) -> Getter:
    """Return a function for a localized object: its `value`, or the text itself where it is flattened."""

    def get(event: Event) -> object:
        value = at(event, path)
        return value.get("value") if isinstance(value, dict) else value

    return get


def inside(getter: Getter, *path: str) -> Getter:
    """Return a function for a place inside what another function returns."""
    return lambda event: at(getter(event), path)


def document(*path: str) -> Getter:
    """Return a function for an object that may be written as JSON in a string."""
    return lambda event: parsed(at(event, path))


def segment(resource_id: Getter, name: str) -> Getter:
    """Return a function for the segment after `name` in a resource id, whatever its case."""

    def get(event: Event) -> object:
        parts = _parts(resource_id(event))
        for index, part in enumerate(parts[:-1]):
            if part.lower() == name:
                return parts[index + 1]
        return None

    return get


def _parts(resource_id: object) -> list[str]:
    return [part for part in resource_id.split("/") if part] if isinstance(resource_id, str) else []


def _after_provider(resource_id: object) -> list[str]:
    """The segments after the last `providers`: provider, type, name, type, name and so on."""
    parts = _parts(resource_id)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index].lower() == "providers":
            return parts[index + 1 :]
    return []


def provider_of(resource_id: Getter, operation: Getter) -> Getter:
    """Return a function for the provider: from the resource id, else the operation's first part."""

    def get(event: Event) -> object:
        parts = _after_provider(resource_id(event))
        name = operation(event)
        if parts:
            return parts[0]
        return name.split("/")[0] if isinstance(name, str) and "/" in name else None

    return get


def type_of(resource_id: Getter) -> Getter:
    """Return a function for the resource type: provider and every second segment after it."""

    def get(event: Event) -> object:
        parts = _after_provider(resource_id(event))
        return "/".join([parts[0], *parts[1::2]]) if len(parts) > 1 else None

    return get


def name_of(resource_id: Getter) -> Getter:
    """Return a function for the resource's name: the last segment of its id."""

    def get(event: Event) -> object:
        parts = _parts(resource_id(event))
        return parts[-1] if len(parts) > 1 else None

    return get


def _sub_status(event: Event) -> object:
    signature = event.get("resultSignature")
    return signature.partition(".")[2] or None if isinstance(signature, str) else None


def _claims_places(claims: Getter) -> dict[str, Path | Getter]:
    return {
        "principal_id": inside(claims, _CLAIM_OBJECT),
        "app_id": inside(claims, "appid"),
        "upn": inside(claims, _CLAIM_UPN),
        "claims": claims,
    }


def _resource_log() -> Form:
    claims, properties, resource = document("identity", "claims"), document("properties"), first(("resourceId",))
    operation = first(("operationName",))
    return Form(
        "resource_log",
        _is_resource_log,
        (("time",),),
        lambda event: _text(at(parsed(event.get("properties")), ("eventDataId",))),
        {
            **_claims_places(claims),
            "operation": ("operationName",),
            "result_type": ("resultType",),
            "result_signature": ("resultSignature",),
            "result_description": first(("resultDescription",), inside(properties, "statusMessage")),
            "status_code": inside(properties, "statusCode"),
            "sub_status": _sub_status,
            "level": first(("level",), ("Level",)),
            "category": first(inside(properties, "eventCategory"), ("category",)),
            "correlation_id": ("correlationId",),
            "operation_id": first(("operationId",), inside(properties, "operationId")),
            "event_data_id": inside(properties, "eventDataId"),
            "caller": first(inside(claims, _CLAIM_UPN), inside(claims, _CLAIM_OBJECT)),
            "caller_ip": ("callerIpAddress",),
            "principal_type": ("identity", "authorization", "evidence", "principalType"),
            "resource_id": ("resourceId",),
            "resource_group": segment(resource, "resourcegroups"),
            "subscription": segment(resource, "subscriptions"),
            "tenant": first(("tenantId",), inside(claims, _CLAIM_TENANT)),
            "provider": provider_of(resource, operation),
            "resource_type": type_of(resource),
            "resource": name_of(resource),
            "location": ("location",),
            "authorization": ("identity", "authorization"),
            "properties": properties,
            "form": lambda _event: "resource_log",
        },
    )


def _rest() -> Form:
    claims, properties = document("claims"), document("properties")
    resource = first(("resourceId",), ("resourceUri",))
    return Form(
        "rest",
        _is_rest,
        (("eventTimestamp",), ("submissionTimestamp",)),
        lambda event: _text(event.get("eventDataId")),
        {
            **_claims_places(claims),
            "operation": named("operationName"),
            "result_type": named("status"),
            "result_description": first(inside(properties, "statusMessage"), ("description",)),
            "status_code": inside(properties, "statusCode"),
            "sub_status": named("subStatus"),
            "level": ("level",),
            "category": first(named("category"), inside(properties, "eventCategory")),
            "event_name": named("eventName"),
            "correlation_id": ("correlationId",),
            "operation_id": ("operationId",),
            "event_data_id": ("eventDataId",),
            "caller": first(("caller",), inside(claims, _CLAIM_UPN), inside(claims, _CLAIM_OBJECT)),
            "caller_ip": first(("httpRequest", "clientIpAddress"), inside(claims, "ipaddr")),
            "principal_type": ("authorization", "evidence", "principalType"),
            "resource_id": resource,
            "resource_group": first(("resourceGroupName",), segment(resource, "resourcegroups")),
            "subscription": first(("subscriptionId",), segment(resource, "subscriptions")),
            "tenant": first(("tenantId",), inside(claims, _CLAIM_TENANT)),
            "provider": first(named("resourceProviderName"), provider_of(resource, named("operationName"))),
            "resource_type": first(named("resourceType"), type_of(resource)),
            "resource": name_of(resource),
            "submitted": ("submissionTimestamp",),
            "authorization": document("authorization"),
            "properties": properties,
            "http_request": document("httpRequest"),
            "form": lambda _event: "rest",
        },
    )


def _log_analytics() -> Form:
    claims = first(document("Claims_d"), document("Claims"))
    properties = first(document("Properties_d"), document("Properties"))
    authorization = first(document("Authorization_d"), document("Authorization"))
    request = document("HTTPRequest")
    resource = first(("_ResourceId",), ("ResourceId",))
    return Form(
        "log_analytics",
        _is_log_analytics,
        (("TimeGenerated",), ("EventSubmissionTimestamp",)),
        lambda event: _text(event.get("EventDataId")),
        {
            **_claims_places(claims),
            "operation": first(("OperationNameValue",), ("OperationName",)),
            "result_type": first(("ActivityStatusValue",), ("ActivityStatus",)),
            "result_description": inside(properties, "statusMessage"),
            "status_code": inside(properties, "statusCode"),
            "sub_status": first(("ActivitySubstatusValue",), ("ActivitySubstatus",)),
            "level": ("Level",),
            "category": first(("CategoryValue",), ("Category",)),
            "correlation_id": ("CorrelationId",),
            "operation_id": ("OperationId",),
            "event_data_id": ("EventDataId",),
            "caller": first(("Caller",), inside(claims, _CLAIM_UPN), inside(claims, _CLAIM_OBJECT)),
            "caller_ip": first(("CallerIpAddress",), inside(request, "clientIpAddress"), inside(claims, "ipaddr")),
            "principal_type": inside(authorization, "evidence", "principalType"),
            "resource_id": resource,
            "resource_group": first(("ResourceGroup",), segment(resource, "resourcegroups")),
            "subscription": first(("SubscriptionId",), ("_SubscriptionId",), segment(resource, "subscriptions")),
            "tenant": inside(claims, _CLAIM_TENANT),
            "provider": first(("ResourceProviderValue",), ("ResourceProvider",), provider_of(resource, first(("OperationNameValue",)))),
            "resource_type": type_of(resource),
            "resource": first(("Resource",), name_of(resource)),
            "submitted": ("EventSubmissionTimestamp",),
            "authorization": authorization,
            "properties": properties,
            "http_request": request,
            "form": lambda _event: "log_analytics",
        },
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_resource_log(event: Event) -> bool:
    operation = event.get("operationName")
    if not isinstance(operation, str) or "eventTimestamp" in event:
        return False
    category = event.get("category")
    if isinstance(category, str):
        # Entra ID, storage and others share this envelope; the category tells them apart.
        return category.lower() in CATEGORIES
    return category is None and "/" in operation and ("resultType" in event or "resourceId" in event)


def _is_rest(event: Event) -> bool:
    operation = event.get("operationName")
    if isinstance(operation, dict):
        return "value" in operation
    return isinstance(operation, str) and "eventTimestamp" in event


def _is_log_analytics(event: Event) -> bool:
    return "OperationNameValue" in event or (event.get("Type") == "AzureActivity" and "TimeGenerated" in event)


def _unwrap(event: Event) -> list[object] | None:
    """Event Hub and storage batches, REST lists, Event Grid style wrappers, Log Analytics query answers."""
    for key in ("records", "value"):
        found = event.get(key)
        if isinstance(found, list):
            return found
    data = event.get("data")
    if isinstance(data, dict) and any(form.recognise(data) for form in FORMS):
        return [data]
    tables = event.get("tables")
    if isinstance(tables, list):
        return [row for table in tables for row in _rows(table)]
    return None


def _rows(table: object) -> list[object]:
    columns, rows = at(table, ("columns",)), at(table, ("rows",))
    if not isinstance(columns, list) or not isinstance(rows, list):
        return [table]
    names = [str(at(column, ("name",))) for column in columns]
    return [dict(zip(names, row, strict=False)) if isinstance(row, list) else row for row in rows]


FORMS = (_rest(), _log_analytics(), _resource_log())

_ORIGINS = {
    "app_id": Origin((("claims", ("appid",)),)),
    "principal_id": Origin((("claims", (_CLAIM_OBJECT,)),)),
    "upn": Origin((("claims", (_CLAIM_UPN,)),)),
    "caller": Origin((("claims", (_CLAIM_UPN,)), ("claims", (_CLAIM_OBJECT,))), ("resource_log",)),
    "status_code": Origin((("properties", ("statusCode",)),)),
}

AZURE_ACTIVITY = LogSource(name="azure_activity", title="Azure Activity", columns=COLUMNS, forms=FORMS, unwrap=_unwrap, origins=_ORIGINS)
