"""AWS CloudTrail: API calls, console sign-ins, service events and insights.

Record fields: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from livefire.logsources.base import Column, Event, Form, LogSource
from livefire.schema import Type

_S, _B, _T, _J = Type.STRING, Type.BOOL, Type.DATETIME, Type.DYNAMIC

_SESSION = ("userIdentity", "sessionContext")
_ISSUER = (*_SESSION, "sessionIssuer")

# column, type, place in the record, what it holds
_TABLE = (
    ("event_name", _S, ("eventName",), "The API action, such as RunInstances."),
    ("event_source", _S, ("eventSource",), "The service's host, such as ec2.amazonaws.com."),
    ("aws_region", _S, ("awsRegion",), "The region the request was made to."),
    ("error_code", _S, ("errorCode",), "The error; null means the call succeeded. EC2 prefixes Client. or Server."),
    ("error_message", _S, ("errorMessage",), "The words of the error."),
    ("source_ip", _S, ("sourceIPAddress",), "The caller's address, or the name of the AWS service that called."),
    ("user_agent", _S, ("userAgent",), "What the caller says it is; written by the caller."),
    ("event_type", _S, ("eventType",), "AwsApiCall, AwsServiceEvent, AwsConsoleAction, AwsConsoleSignIn, AwsCloudTrailInsight and others."),
    ("event_category", _S, ("eventCategory",), "Management, Data, NetworkActivity or Insight."),
    ("event_version", _S, ("eventVersion",), "The version of the record format."),
    ("read_only", _B, ("readOnly",), "True for an action that only reads."),
    ("management_event", _B, ("managementEvent",), "True for a management event."),
    ("recipient_account", _S, ("recipientAccountId",), "The account whose trail got this event."),
    ("request_id", _S, ("requestID",), "The service's id of the request."),
    ("shared_event_id", _S, ("sharedEventID",), "The same for the events that one action left in several accounts; their event ids differ."),
    ("identity_type", _S, ("userIdentity", "type"), "Root, IAMUser, AssumedRole, FederatedUser, AWSAccount, AWSService and others; may be missing."),
    ("identity_arn", _S, ("userIdentity", "arn"), "The caller; for an assumed role the session, not the role."),
    ("identity_principal", _S, ("userIdentity", "principalId"), "The unique id of the caller; for a role with the session name after a colon."),
    ("identity_account", _S, ("userIdentity", "accountId"), "The account the caller belongs to."),
    ("identity_access_key", _S, ("userIdentity", "accessKeyId"), "The access key: AKIA long-term, ASIA temporary."),
    ("identity_user_name", _S, ("userIdentity", "userName"), "The IAM user's name; missing for roles."),
    ("identity_invoked_by", _S, ("userIdentity", "invokedBy"), "The AWS service that made the call on someone's behalf."),
    ("issuer_type", _S, (*_ISSUER, "type"), "Who issued the session: Role, IAMUser, Root."),
    ("issuer_arn", _S, (*_ISSUER, "arn"), "The role behind a session: the stable identity to compare over time."),
    ("issuer_principal", _S, (*_ISSUER, "principalId"), "The unique id of the issuer."),
    ("issuer_account", _S, (*_ISSUER, "accountId"), "The account of the issuer."),
    ("issuer_user_name", _S, (*_ISSUER, "userName"), "The issuer's name, such as the role name."),
    ("session_created", _T, (*_SESSION, "attributes", "creationDate"), "When the session's credentials were issued."),
    ("mfa", _S, (*_SESSION, "attributes", "mfaAuthenticated"), "The text true or false, as CloudTrail writes it."),
    ("console", _S, ("sessionCredentialFromConsole",), "The text true if the session came from the console."),
    ("vpc_endpoint", _S, ("vpcEndpointId",), "The VPC endpoint the request came through."),
    ("identity", _J, ("userIdentity",), "The whole userIdentity."),
    ("request", _J, ("requestParameters",), "The parameters; cut by AWS at 100 KB."),
    ("response", _J, ("responseElements",), "What a changing action returned; cut by AWS at 100 KB."),
    ("resources", _J, ("resources",), "The resources the event names."),
    ("additional", _J, ("additionalEventData",), "Data that is neither request nor response."),
    ("service_event", _J, ("serviceEventDetails",), "What set a service event off and how it ended."),
    ("tls", _J, ("tlsDetails",), "TLS version, cipher and host name."),
)

# The order in which CloudTrail writes the fields of a record; any may be missing.
_ORDER = (
    "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
    "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources", "eventType", "apiVersion",
    "managementEvent", "recipientAccountId", "serviceEventDetails", "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "eventCategory",
    "addendum", "tlsDetails", "sessionCredentialFromConsole", "edgeDeviceDetails", "insightDetails", "eventContext",
)  # fmt: skip
_OLDER = tuple(key for key in _ORDER if key != "eventCategory")
_RECIPIENT = _OLDER.index("recipientAccountId")
_ORDERS = (_ORDER, (*_OLDER[:_RECIPIENT], "eventCategory", *_OLDER[_RECIPIENT:]), tuple(sorted(_ORDER)))
_REQUIRED = frozenset({"eventVersion", "eventTime", "eventName", "eventID"})


def _recognise(event: Event) -> bool:
    if "eventVersion" in event and "eventTime" in event:
        return "eventName" in event or "eventType" in event
    return "eventName" in event and "eventSource" in event and ("userIdentity" in event or "awsRegion" in event or "eventTime" in event)


def _identity(event: Event) -> str | None:
    # A redelivered event repeats its eventID. An action seen by two accounts leaves two events with
    # two eventIDs and one sharedEventID, so the account is no part of the identity:
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
    identity = event.get("eventID")
    return identity if isinstance(identity, str) and identity else None


def _unwrap(event: Event) -> list[object] | None:
    """S3 files, EventBridge, CloudWatch Logs subscriptions and the output of `lookup-events`."""
    records = event.get("Records")
    if isinstance(records, list):
        return records
    detail = event.get("detail")
    if isinstance(detail, dict) and ("detail-type" in event or _recognise(detail)):
        return [detail]
    found = event.get("Events")
    if isinstance(found, list) and any(isinstance(item, dict) and "CloudTrailEvent" in item for item in found):
        return [item.get("CloudTrailEvent", item) if isinstance(item, dict) else item for item in found]
    if isinstance(event.get("CloudTrailEvent"), str):
        return [event["CloudTrailEvent"]]
    lines = event.get("logEvents")
    if isinstance(lines, list) and "logGroup" in event:
        return [item.get("message", item) if isinstance(item, dict) else item for item in lines]
    return None


def _explain(event: Event) -> str | None:
    if "digestStartTime" in event and "logFiles" in event:
        return "a CloudTrail digest: it proves log files and holds no events"
    return None


AWS_CLOUDTRAIL = LogSource(
    name="aws_cloudtrail",
    title="AWS CloudTrail",
    columns=tuple(Column(name, kind, about) for name, kind, _, about in _TABLE),
    forms=(
        Form(
            "cloudtrail",
            _recognise,
            (("eventTime",), ("@timestamp",)),
            _identity,
            {name: place for name, _, place, _ in _TABLE},
            orders=_ORDERS,
            required=_REQUIRED,
            id_key="eventID",
        ),
    ),
    unwrap=_unwrap,
    explain=_explain,
)
